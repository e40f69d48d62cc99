"""Lagged correlation of a stream: one bin in, one bin out."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.connectivity.lagged._loops import advance
from tavrnn_ephys.connectivity.lagged.sums import LagSums, correlation_of
from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.counts import check_counts
from tavrnn_ephys.core.errors import InputError

__all__ = ["RunningLagSums"]

_NONE = np.empty((0, 0))
_Spikes = tuple[NDArray[np.int64], NDArray[np.float64]]
_NO_SPIKES: _Spikes = (np.zeros(0, np.int64), np.zeros(0))


class RunningLagSums:
    """
    Sums of the newest window of a stream of bins.

    Each bin that enters adds what its spikes find of every source's past, and the bin that leaves
    takes its own off: ``O(n_spikes n_nodes)`` per bin, whatever the window.  All sums are exact,
    so that they equal those of the same bins summed afresh to the last bit.  A bin that is
    missing plays no part, and nothing is known of what it leaves to the bins behind it.

    Parameters
    ----------
    kernel : array_like, shape (n_lags,)
        Weights at lags of 1, 2, … bins, as :meth:`LagKernel.values` gives them.
    n_nodes : int
        Number of nodes.
    n_bins : int
        Bins of a window.

    Raises
    ------
    InputError
        If the kernel is empty or a number is not positive.

    Examples
    --------
    >>> sums = RunningLagSums([1.0, 0.5], n_nodes=2, n_bins=4)
    >>> for counts in ([1, 0], [0, 1], [0, 0], [1, 0], [0, 1]):
    ...     sums.push(counts)
    >>> sums.n_filled, sums.weights().round(2)
    (4, array([[-0.87,  0.9 ],
           [ 0.17, -0.9 ]]))
    """

    def __init__(self, kernel: Any, n_nodes: int, n_bins: int) -> None:
        self._kernel = np.array(kernel, dtype=np.float64)
        if self._kernel.ndim != 1 or not len(self._kernel) or not np.isfinite(self._kernel).all():
            raise InputError("kernel must be a row of weights, one per lag of 1, 2, … bins.")
        self.n_nodes = positive_int(n_nodes, "n_nodes")
        self.n_bins = positive_int(n_bins, "n_bins")
        self.reset()

    def reset(self) -> None:
        """Forget every bin."""
        n_nodes, n_lags = self.n_nodes, len(self._kernel)
        self._gram = np.zeros((n_nodes, n_nodes))
        self._totals = np.zeros((4, n_nodes))
        self._head, self._tail = (np.zeros((n_lags + 1, n_nodes)) for _ in range(2))
        # The bins of the window, None for one that is missing, and those whose past reaches in.
        self._inside: deque[_Spikes | None] = deque()
        self._before: deque[_Spikes | None] = deque(maxlen=n_lags)
        self._n_pushed = self._n_missing = 0

    @property
    def n_filled(self) -> int:
        """Number of bins of the window that have come in, the missing ones among them."""
        return len(self._inside)

    @property
    def n_missing(self) -> int:
        """Number of missing bins in the window."""
        return self._n_missing

    def push(self, counts: Any) -> None:
        """
        Take in the newest bin, and let the oldest go where the window is full.

        Parameters
        ----------
        counts : array_like of int, shape (n_nodes,), or None
            Spikes of each node in the bin; ``None`` for a bin that is missing.

        Raises
        ------
        InputError
            If there is not one count per node, or one is no count.
        """
        spikes = None if counts is None else self._spikes(counts)
        self._advance(self._head, self._n_pushed, spikes, 1.0)
        self._inside.append(spikes)
        self._n_missing += spikes is None
        if len(self._inside) > self.n_bins:
            oldest = self._inside.popleft()
            self._advance(self._tail, self._n_pushed - self.n_bins, oldest, -1.0)
            self._before.append(oldest)
            self._n_missing -= oldest is None
        self._n_pushed += 1

    def _spikes(self, counts: Any) -> _Spikes:
        array = np.asarray(counts)
        if array.shape != (self.n_nodes,):
            raise InputError(
                f"push takes one count for each of {self.n_nodes} nodes, got shape {array.shape}."
            )
        check_counts(array[:, np.newaxis], np.arange(self.n_nodes))
        nodes = np.flatnonzero(array)
        return nodes, array[nodes].astype(np.float64)

    def state(self) -> dict[str, NDArray[Any]]:
        """
        Return what is remembered: the bins of the window, and those before whose past reaches in.

        Returns
        -------
        dict of str to numpy.ndarray
            For :meth:`restore`.
        """
        kept = [*self._before, *self._inside]
        known = [_NO_SPIKES if item is None else item for item in kept]
        nodes, counts = (np.concatenate(item) for item in zip(_NO_SPIKES, *known, strict=True))
        return {
            "n_spikes": np.array([len(item[0]) for item in known], np.int64),
            "missing": np.array([item is None for item in kept], bool),
            "nodes": nodes,
            "counts": counts,
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """
        Remember what another object of the same kernel and shape remembered.

        Parameters
        ----------
        state : mapping of str to numpy.ndarray
            What :meth:`state` gave.
        """
        self.reset()
        first = 0
        for size, missing in zip(state["n_spikes"].tolist(), state["missing"], strict=True):
            counts = np.zeros(self.n_nodes, np.int64)
            counts[state["nodes"][first : first + size]] = state["counts"][first : first + size]
            self.push(None if missing else counts)
            first += size

    def weights(self, out: NDArray[np.float64] | None = None) -> NDArray[np.float64]:
        """
        Return the lagged correlations of the window.

        Parameters
        ----------
        out : numpy.ndarray of float64, shape (n_nodes, n_nodes), optional
            Filled in place.

        Returns
        -------
        numpy.ndarray
            Shape (n_nodes, n_nodes), directed from row to column; 0 for nodes that do not vary.
        """
        found = np.empty((self.n_nodes, self.n_nodes)) if out is None else out
        silent = correlation_of(self.sums, found)
        found[silent] = 0.0
        found[:, silent] = 0.0
        return found

    @property
    def sums(self) -> LagSums:
        """Sums over the window."""
        n_bins = self.n_filled - self._n_missing
        return LagSums(n_bins=n_bins, gram=self._gram, squares=_NONE, totals=self._totals)

    def _advance(
        self, ring: NDArray[np.float64], index: int, spikes: _Spikes | None, sign: float
    ) -> None:
        # The past moves on over a missing bin, which is added to no sum.
        nodes, counts = _NO_SPIKES if spikes is None else spikes
        bins = np.full(len(nodes), index, dtype=np.int64)
        advance(
            bins, nodes, counts, 0, index, index + 1, self._kernel, ring,
            0.0 if spikes is None else sign, self._gram, _NONE, self._totals, False,
        )  # fmt: skip
