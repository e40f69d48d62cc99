"""A decoder that follows the slow drift of a network, where that is asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_number
from tavrnn_ephys.streaming.drift import DriftMonitor

__all__ = ["MeanAdaptation"]


class MeanAdaptation:
    r"""
    Follows the mean embedding, without knowing the state of any window.

    The pooled mean :math:`\mu` of a linear decoder moves on with every committed window
    :math:`x_t`, the adaptation that [1]_ call *PMean*,

    .. math:: \mu_t = (1 - \eta)\,\mu_{t-1} + \eta\,x_t,\qquad \eta = 1 - e^{-\Delta t / \tau},

    from the mean of the fit on.  The decoder is given :math:`x_t - (\mu_t - \mu_0)`.  A state that
    lasts much longer than :math:`\tau` is forgotten in this way: take a long time.

    Parameters
    ----------
    reference : DriftMonitor
        Knows mean and spread of the embedding of the fit.
    time_s : float
        Time constant τ in seconds.

    Raises
    ------
    InputError
        If the time is not positive.

    References
    ----------
    .. [1] Vidaurre, C., Kawanabe, M., von Bünau, P., Blankertz, B. & Müller, K.-R. (2011). Toward
       unsupervised adaptation of LDA for brain-computer interfaces. IEEE Transactions on
       Biomedical Engineering 58(3), 587-597.

    Examples
    --------
    >>> import tavrnn_ephys as te
    >>> from tavrnn_ephys.streaming import DriftMonitor
    >>> start = np.arange(40.0)
    >>> embedding = te.NodeEmbedding(
    ...     mean=np.tile([[[-1.0]], [[1.0]]], (20, 1, 1)), std=np.ones((40, 1, 1)),
    ...     windows=te.Windows(start_s=start, stop_s=start + 1), nodes=te.Nodes(ids=["a"]),
    ... )
    >>> adaptation = MeanAdaptation(DriftMonitor(embedding), time_s=1.0)
    >>> adaptation.take(np.array([[2.0]]), step_s=1.0)
    'The mean embedding has moved by 1.26 standard deviations of the fit; the score follows it.'
    >>> adaptation.recentred(np.array([[2.0]])).tolist() == [[np.float32(2.0 / np.e)]]
    True
    """

    def __init__(self, reference: DriftMonitor, time_s: float) -> None:
        self.reference = reference
        self.time_s = positive_number(time_s, "adapt")
        self.mean = np.array(reference.mean, np.float64)
        self._since_s = 0.0

    @property
    def moved(self) -> float:
        """Root mean square of the movement, each coordinate in units of its spread in the fit."""
        change = (self.mean - self.reference.mean) / self.reference.spread
        return float(np.sqrt(np.nanmean(np.square(change))))

    def take(self, embedding: NDArray[Any], step_s: float) -> str:
        """
        Move on by a committed window.

        Parameters
        ----------
        embedding : numpy.ndarray, shape (n_nodes, width)
            Its embedding.
        step_s : float
            Time since the last one.

        Returns
        -------
        str
            One sentence each time that another ``time_s`` has passed; otherwise empty.
        """
        share = -math.expm1(-step_s / self.time_s)
        self.mean += share * (np.asarray(embedding, np.float64) - self.mean)
        self._since_s += step_s
        if self._since_s < self.time_s * (1.0 - 1e-9):
            return ""
        self._since_s = 0.0
        return (
            f"The mean embedding has moved by {self.moved:.2f} standard deviations of the fit; the "
            "score follows it."
        )

    def recentred(self, embedding: NDArray[Any]) -> NDArray[np.float32]:
        """
        Give an embedding as the decoder of the fit is to see it.

        Parameters
        ----------
        embedding : numpy.ndarray, shape (n_nodes, width)
            The embedding.

        Returns
        -------
        numpy.ndarray of float32
            Less how far the mean has moved.
        """
        return np.asarray(embedding - (self.mean - self.reference.mean), np.float32)

    def state(self) -> dict[str, NDArray[Any]]:
        """
        Return what is remembered.

        Returns
        -------
        dict of str to numpy.ndarray
            For :meth:`restore`.
        """
        return {"mean": self.mean.copy(), "since": np.array(self._since_s)}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """
        Remember it.

        Parameters
        ----------
        state : mapping of str to numpy.ndarray
            What :meth:`state` gave.
        """
        self.mean[:], self._since_s = state["mean"], float(state["since"])
