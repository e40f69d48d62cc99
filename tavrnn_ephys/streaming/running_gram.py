"""Sums of products over a window that moves on by one bin at a time."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of, positive_int, positive_number, whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.plain_arrays import plain_array
from tavrnn_ephys.methods.stepping import DenseGraph
from tavrnn_ephys.streaming._kernels import NO_COUNTS, TOO_LARGE, move_on, weights_of_gram

__all__ = ["RunningGram", "require_counts"]

_INT32 = 2**31
# A window of the largest counts stays far below it.
_INT64 = 2**63 - 1
_EXACT_FLOAT64 = 2.0**53
_LARGEST_COUNT = 1_000_000
_MEASURES = ("pearson", "covariance")


class RunningGram:
    """
    Exact sums of spike counts and of their products over the last bins of a stream.

    The bin that enters is added and the one that leaves subtracted, in whole numbers: after any
    number of bins the sums are those of the window, to the last bit.  A bin that is missing
    enters as nothing, and is counted.

    Parameters
    ----------
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
        If a number is not positive.

    Examples
    --------
    >>> gram = RunningGram(2, n_bins=3)
    >>> for counts in ([1, 0], [0, 2], [1, 1], [2, 0]):
    ...     gram.push(counts)
    >>> gram.gram
    array([[5, 1],
           [1, 5]], dtype=int32)
    >>> gram.weights().round(3)
    array([[ 0., -1.],
           [-1.,  0.]], dtype=float32)
    """

    def __init__(
        self, n_nodes: int, n_bins: int, *, binary: bool = False, min_spikes: int = 0
    ) -> None:
        self.min_spikes = whole_number(min_spikes, "min_spikes")
        self.n_nodes = positive_int(n_nodes, "n_nodes")
        self.n_bins = positive_int(n_bins, "n_bins")
        self.binary = bool(binary)
        self._sums = np.zeros((n_nodes, n_nodes), np.int32)
        self._total = np.zeros(n_nodes, np.int64)
        self._bins = np.zeros((n_bins, n_nodes), np.int32)
        self._missing = np.zeros(n_bins, bool)
        self._nothing = np.zeros(n_nodes, np.int64)
        self._n_pushed = 0
        self._weights = np.zeros((n_nodes, n_nodes), np.float32)
        self._degrees, self._n_edges = np.zeros(n_nodes), np.zeros(n_nodes, np.int64)

    @property
    def gram(self) -> NDArray[np.integer[Any]]:
        """Sums of products, shape (n_nodes, n_nodes); the array in use, not to be written to."""
        return self._sums

    @property
    def total(self) -> NDArray[np.int64]:
        """Sum of counts of each node, shape (n_nodes,)."""
        return self._total

    @property
    def is_full(self) -> bool:
        """Whether as many bins have come as a window has."""
        return self._n_pushed >= self.n_bins

    @property
    def n_missing(self) -> int:
        """Number of missing bins in the window."""
        return int(np.count_nonzero(self._missing))

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
            If the shape is another, or a count is no whole number from 0 to a million.
        """
        entering = self._nothing if counts is None else self._checked(counts)
        slot = self._n_pushed % self.n_bins
        found = self._move_on(slot, entering)
        if found == TOO_LARGE:
            self._sums = self._sums.astype(np.int64)
            found = self._move_on(slot, entering)
        if found == NO_COUNTS:
            require_counts(np.asarray(plain_array(counts)))
        self._missing[slot] = counts is None
        self._n_pushed += 1

    def _checked(self, counts: Any) -> NDArray[np.int64]:
        array = np.asarray(plain_array(counts, "counts"))
        if array.shape != (self.n_nodes,) or array.dtype.kind not in "biu":
            raise InputError(
                f"counts of a bin must be whole numbers of shape ({self.n_nodes},), got "
                f"{array.dtype} of shape {array.shape}."
            )
        # Unsigned numbers of 64 bits that do not fit become negative, which is refused.
        return array.astype(np.int64)

    def _move_on(self, slot: int, entering: NDArray[np.int64]) -> int:
        limit = _INT32 if self._sums.dtype == np.int32 else _INT64
        found: int = move_on(
            self._sums, self._total, self._bins[slot], entering, self.binary, _LARGEST_COUNT, limit
        )
        return found

    def graph(self, *, measure: str = "pearson", threshold: float = 0.0) -> DenseGraph:
        """
        Give the graph of the window.

        Parameters
        ----------
        measure : {"pearson", "covariance"}
            What a weight is.
        threshold : float
            Smallest absolute weight of an edge.

        Returns
        -------
        DenseGraph
            Weights, degrees and numbers of edges; arrays that the next call overwrites.  Missing
            bins play no part.  A node that does not vary, or has too few spikes, has no edge.

        Raises
        ------
        InputError
            If there is no such measure, or sums exceed the whole numbers of double precision.
        """
        one_of(measure, _MEASURES, "measure")
        positive_number(threshold, "threshold", or_zero=True)
        n_bins = min(self._n_pushed, self.n_bins) - self.n_missing
        if n_bins * float(self._sums.diagonal().max()) >= _EXACT_FLOAT64:
            raise InputError(
                "Counts of this window are so large that sums of their products are not exact. Use "
                "smaller bins or a shorter window."
            )
        weights_of_gram(
            self._sums, self._total, float(n_bins), measure == "pearson", np.float32(threshold),
            self._weights, self._degrees, self._n_edges,
        )  # fmt: skip
        self._leave_out(self._total < self.min_spikes)
        return DenseGraph(weights=self._weights, degrees=self._degrees, n_edges=self._n_edges)

    def _leave_out(self, few: NDArray[np.bool_]) -> None:
        """Take the edges of some nodes off."""
        if self._n_edges[few].any():
            self._weights[few] = self._weights[:, few] = 0.0
            self._degrees[:] = np.abs(self._weights).sum(axis=1, dtype=np.float64)
            self._n_edges[:] = np.count_nonzero(self._weights, axis=1)

    def weights(self, *, measure: str = "pearson", threshold: float = 0.0) -> NDArray[np.float32]:
        """
        Give the weights of the window's graph.

        Parameters
        ----------
        measure : {"pearson", "covariance"}
            What a weight is.
        threshold : float
            Smallest absolute weight of an edge.

        Returns
        -------
        numpy.ndarray of float32
            Symmetric, zero on the diagonal, shape (n_nodes, n_nodes).
        """
        return self.graph(measure=measure, threshold=threshold).weights.copy()

    def summed_afresh(self) -> NDArray[np.int64]:
        """
        Sum the products of the bins in the window again, from the bins themselves.

        Returns
        -------
        numpy.ndarray of int64
            Equal to :attr:`gram`, shape (n_nodes, n_nodes).
        """
        bins = self._bins.astype(np.float64)
        return np.rint(bins.T @ bins).astype(np.int64)

    def reset(self) -> None:
        """Forget every bin."""
        self._sums = np.zeros((self.n_nodes, self.n_nodes), np.int32)
        for array in (self._total, self._bins, self._missing):
            array[:] = 0
        self._n_pushed = 0

    def state(self) -> dict[str, NDArray[Any]]:
        """
        Return what is remembered; sums follow from the bins.

        Returns
        -------
        dict of str to numpy.ndarray
            For :meth:`restore`.
        """
        return {
            "bins": self._bins.copy(),
            "missing": self._missing.copy(),
            "n_pushed": np.array(self._n_pushed),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """
        Remember what another object of the same shape remembered.

        Parameters
        ----------
        state : mapping of str to numpy.ndarray
            What :meth:`state` gave.
        """
        self.reset()
        self._bins[:], self._missing[:] = state["bins"], state["missing"]
        self._n_pushed = int(state["n_pushed"])
        sums = self.summed_afresh()
        narrow = int(sums.diagonal().max(initial=0)) < _INT32
        self._sums = sums.astype(np.int32 if narrow else np.int64)
        self._total[:] = self._bins.sum(axis=0, dtype=np.int64)


def require_counts(counts: NDArray[Any]) -> None:
    """
    Refuse bins of which one holds something else than spike counts.

    Parameters
    ----------
    counts : numpy.ndarray, shape (n_nodes,) or (n_nodes, n_bins)
        What came.

    Raises
    ------
    InputError
        If it is no whole number from 0 to a million.
    """
    if counts.dtype.kind not in "biu":
        raise InputError(
            f"counts of a bin must be whole numbers of shape ({len(counts)},), got "
            f"{counts.dtype} of shape {counts.shape}."
        )
    if counts.size and (counts.min() < 0 or counts.max() > _LARGEST_COUNT):
        raise InputError(
            f"counts of a bin must lie from 0 to {_LARGEST_COUNT}, got {counts.min()} to "
            f"{counts.max()}."
        )
