"""Directed graphs of a stream: lagged correlations over its last bins."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.connectivity.lagged import RunningLagSums
from tavrnn_ephys.core.checks import one_of, positive_number, whole_number
from tavrnn_ephys.core.plain_arrays import plain_array
from tavrnn_ephys.methods.stepping import DenseGraph
from tavrnn_ephys.streaming._kernels import weights_of_lags
from tavrnn_ephys.streaming.running_gram import require_counts

__all__ = ["RunningLags"]


class RunningLags:
    """
    Graphs of lagged correlations over the last bins of a stream.

    Parameters
    ----------
    kernel : array_like, shape (n_lags,)
        Weights at lags of 1, 2, … bins.
    n_nodes : int
        Number of nodes.
    n_bins : int
        Number of bins of a window.
    binary : bool
        Whether counts above 1 count as 1.
    min_spikes : int
        Spikes in a window without which a node has no edges.

    Raises
    ------
    InputError
        If the kernel is empty or a number is not positive.

    Examples
    --------
    >>> lags = RunningLags([1.0], n_nodes=2, n_bins=4)
    >>> for counts in ([1, 0], [0, 1], [1, 0], [0, 1]):
    ...     lags.push(counts)
    >>> lags.graph().weights.round(2)
    array([[0.  , 1.  ],
           [0.58, 0.  ]], dtype=float32)
    """

    def __init__(
        self,
        kernel: Any,
        n_nodes: int,
        n_bins: int,
        *,
        binary: bool = False,
        min_spikes: int = 0,
    ) -> None:
        self._sums = RunningLagSums(kernel, n_nodes, n_bins)
        self.n_nodes, self.n_bins, self.binary = self._sums.n_nodes, self._sums.n_bins, bool(binary)
        self.min_spikes = whole_number(min_spikes, "min_spikes")
        self._weights = np.zeros((n_nodes, n_nodes), np.float32)
        self._degrees, self._n_edges = np.zeros(n_nodes), np.zeros(n_nodes, np.int64)

    @property
    def n_missing(self) -> int:
        """Number of missing bins in the window."""
        return self._sums.n_missing

    def push(self, counts: Any) -> None:
        """
        Take in the next bin, and let the oldest go.

        Parameters
        ----------
        counts : array_like of int, shape (n_nodes,), or None
            Spike counts; ``None`` for a bin that is missing.

        Raises
        ------
        InputError
            If the shape is another, or a count is none.
        """
        if counts is not None:
            counts = np.asarray(plain_array(counts, "counts"))
            require_counts(np.atleast_1d(counts))
            counts = np.minimum(counts, 1) if self.binary else counts
        self._sums.push(counts)

    def graph(self, *, measure: str = "lagged_correlation", threshold: float = 0.0) -> DenseGraph:
        """
        Give the graph of the window.

        Parameters
        ----------
        measure : {"lagged_correlation"}
            What a weight is.
        threshold : float
            Smallest absolute weight of an edge.

        Returns
        -------
        DenseGraph
            Weights from row to column, with sums and numbers of the edges that leave a node; arrays
            that the next call overwrites.  Missing bins play no part.  A node that does not vary,
            or has too few spikes, has no edge.

        Raises
        ------
        InputError
            If there is no such measure.
        """
        one_of(measure, ("lagged_correlation",), "measure")
        positive_number(threshold, "threshold", or_zero=True)
        sums = self._sums.sums
        count, _, past, _ = sums.totals
        counts, pasts = sums.spread
        kept = (counts > 0) & (pasts > 0) & (count >= self.min_spikes)
        of_count, of_past = (
            np.divide(1.0, np.sqrt(item), out=np.zeros(self.n_nodes), where=kept)
            for item in (counts, pasts)
        )
        weights_of_lags(
            sums.gram, count, past, of_count, of_past, float(sums.n_bins), float(threshold),
            self._weights, self._degrees, self._n_edges,
        )  # fmt: skip
        return DenseGraph(weights=self._weights, degrees=self._degrees, n_edges=self._n_edges)

    def reset(self) -> None:
        """Forget every bin."""
        self._sums.reset()

    def state(self) -> dict[str, NDArray[Any]]:
        """
        Return what is remembered; sums follow from the bins.

        Returns
        -------
        dict of str to numpy.ndarray
            For :meth:`restore`.
        """
        return self._sums.state()

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """
        Remember what another object of the same shape remembered.

        Parameters
        ----------
        state : mapping of str to numpy.ndarray
            What :meth:`state` gave.
        """
        self._sums.restore(state)
