"""Whether a network has left the range in which its model was fitted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_number
from tavrnn_ephys.core.containers import NodeEmbedding
from tavrnn_ephys.core.errors import InputError

__all__ = ["DriftMonitor"]

_LEAST_WINDOWS = 20


class DriftMonitor:
    """
    Judge of how far embeddings lie from those of the fit.

    The distance of a window is the root mean square deviation of its embedding from the mean
    embedding of the fit, each coordinate in units of its standard deviation there.

    Parameters
    ----------
    embedding : NodeEmbedding
        Embedding of the windows of the fit, as ``model.transform(graphs)`` gives it.
    quantile : float
        Quantile of the fit's distances that is the limit.
    hold_s : float
        Time for which every committed window has to lie beyond it.

    Raises
    ------
    InputError
        If there are fewer than 20 windows, or a number is out of its range.

    Examples
    --------
    >>> import tavrnn_ephys as te
    >>> rng = np.random.default_rng(0)
    >>> start = np.arange(40.0)
    >>> embedding = te.NodeEmbedding(
    ...     mean=rng.normal(size=(40, 3, 2)), std=np.ones((40, 3, 2)),
    ...     windows=te.Windows(start_s=start, stop_s=start + 1), nodes=te.Nodes(ids="abc"),
    ... )
    >>> monitor = DriftMonitor(embedding, hold_s=2.0)
    >>> [monitor.judge(np.full((3, 2), 9.0), step_s=1.0) for _ in range(3)]
    ['', 'The network has been beyond 99 % of the fit for 2 s.', '']
    """

    def __init__(
        self, embedding: NodeEmbedding, *, quantile: float = 0.99, hold_s: float = 60.0
    ) -> None:
        values = np.asarray(embedding.mean, np.float64)
        if len(values) < _LEAST_WINDOWS:
            raise InputError(
                f"A range of the fit needs at least {_LEAST_WINDOWS} windows, got {len(values)}."
            )
        self.quantile = positive_number(quantile, "quantile")
        if self.quantile >= 1.0:
            raise InputError(f"quantile must lie between 0 and 1, got {quantile!r}.")
        self.hold_s = positive_number(hold_s, "hold_s")
        self.mean = np.nanmean(values, axis=0)
        spread = np.nanstd(values, axis=0)
        self.spread = np.where(spread > 0, spread, 1.0)
        distances = [self.distance(item) for item in values]
        self.limit = float(np.quantile(distances, self.quantile))
        self._beyond_s, self._said = 0.0, False

    def distance(self, embedding: NDArray[Any]) -> float:
        """
        Measure how far a window lies from those of the fit.

        Parameters
        ----------
        embedding : numpy.ndarray, shape (n_nodes, width)
            Its embedding.

        Returns
        -------
        float
            About 1 for windows of the fit.
        """
        return float(np.sqrt(np.nanmean(np.square((embedding - self.mean) / self.spread))))

    def judge(self, embedding: NDArray[Any], step_s: float) -> str:
        """
        Take in the next committed window.

        Parameters
        ----------
        embedding : numpy.ndarray, shape (n_nodes, width)
            Its embedding.
        step_s : float
            Time since the last one.

        Returns
        -------
        str
            One sentence, once for each time that the network stays beyond the limit; otherwise
            empty.
        """
        if self.distance(embedding) <= self.limit:
            self._beyond_s, self._said = 0.0, False
            return ""
        self._beyond_s += step_s
        if self._said or self._beyond_s < self.hold_s:
            return ""
        self._said = True
        share = f"{100 * self.quantile:g} %"
        return f"The network has been beyond {share} of the fit for {self._beyond_s:g} s."

    def state(self) -> dict[str, NDArray[Any]]:
        """
        Return what is remembered of the windows before.

        Returns
        -------
        dict of str to numpy.ndarray
            For :meth:`restore`.
        """
        return {"beyond": np.array([self._beyond_s, float(self._said)])}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """
        Remember it.

        Parameters
        ----------
        state : mapping of str to numpy.ndarray
            What :meth:`state` gave.
        """
        beyond, said = state["beyond"].tolist()
        self._beyond_s, self._said = beyond, bool(said)
