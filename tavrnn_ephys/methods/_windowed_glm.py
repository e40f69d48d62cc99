"""What a generalised linear model has to know of windows: sums over products of their bins."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.signal import lfilter

from tavrnn_ephys.core.graph_sequence import GraphSequence

__all__ = ["Bins", "Drive", "WindowSums"]

# A typical coupling of traces, as the share of a target's spread that one source explains: in
# these units, couplings of traces and of spikes are of like size.
_TYPICAL = 0.15


@dataclass(frozen=True, kw_only=True, eq=False)
class Bins:
    """
    The bins of every window, one window at a time.

    Parameters
    ----------
    sequences : sequence of GraphSequence
        Graphs whose features are the bins of their window; bins that are NaN are left out.
    n_summed : int
        How many neighbouring bins are summed to one; what remains at the end is left out.
    """

    sequences: Sequence[GraphSequence]
    n_summed: int = 1

    def __len__(self) -> int:
        return sum(map(len, self.sequences))

    def __iter__(self) -> Iterator[NDArray[np.float64]]:
        for graphs in self.sequences:
            for window in range(len(graphs)):
                yield self._of(graphs, window)

    def _of(self, graphs: GraphSequence, window: int) -> NDArray[np.float64]:
        values = np.asarray(graphs.vertex_features(window))[: graphs.n_nodes].astype(np.float64)
        values = values[:, np.isfinite(values).all(axis=0)]
        if self.n_summed == 1:
            return values
        n_bins = values.shape[1] // self.n_summed
        values = values[:, : n_bins * self.n_summed]
        return values.reshape(len(values), n_bins, self.n_summed).sum(axis=2)


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowSums:
    """
    Sums over the bins of each window, from which its log-likelihood follows.

    Parameters
    ----------
    score : numpy.ndarray of float32, shape (n_windows, n_nodes, n_nodes + 1)
        What a node does beyond its mean, times the filtered past of each source; the last column
        stands for a source that is always 1.
    gram : numpy.ndarray of float32, shape (n_windows, n_nodes + 1, n_nodes + 1)
        Products of the filtered pasts of two sources.
    """

    score: NDArray[np.float32]
    gram: NDArray[np.float32]

    def __len__(self) -> int:
        return len(self.score)

    def weighted(self, weights: NDArray[np.float64]) -> WindowSums:
        """Sum over windows, once per row of weights, shape (n_rows, n_windows)."""
        given = weights.astype(np.float32)
        return WindowSums(
            score=np.tensordot(given, self.score, axes=1),
            gram=np.tensordot(given, self.gram, axes=1),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Drive:
    """
    How the bins of a window become the two sides of a regression.

    Parameters
    ----------
    decay : float
        What is left of the filtered past after one bin.
    same_bin : bool
        Whether the filtered past of a source holds the present bin.
    is_poisson : bool
        Whether values are counts.
    mean : numpy.ndarray, shape (n_nodes,)
        Mean value of a bin.
    own : numpy.ndarray, shape (n_nodes,)
        Share of its difference from the mean that a trace keeps until the next bin; 0 for counts.
    unit : numpy.ndarray, shape (n_nodes,)
        Standard deviation of what remains of a trace; 1 for counts.
    precision : numpy.ndarray, shape (n_nodes,)
        Curvature of the log-likelihood of one bin; 0 for a node that never varies.
    """

    decay: float
    same_bin: bool
    is_poisson: bool
    mean: NDArray[np.float64]
    own: NDArray[np.float64]
    unit: NDArray[np.float64]
    precision: NDArray[np.float64]

    @classmethod
    def of(cls, bins: Bins, *, decay: float, same_bin: bool) -> Drive:
        """Estimate means and spreads; whole numbers that are not negative are counts."""
        is_poisson, n_bins = True, 0
        total = square = before = product = np.zeros(1)
        for values in bins:
            is_poisson &= bool((values >= 0).all() and (values == np.floor(values)).all())
            total, n_bins = total + values.sum(axis=1), n_bins + values.shape[1]
        mean = total / max(n_bins, 1)
        for values in bins:
            centred = values - mean[:, np.newaxis]
            square = square + np.square(centred).sum(axis=1)
            before = before + np.square(centred[:, :-1]).sum(axis=1)
            product = product + (centred[:, 1:] * centred[:, :-1]).sum(axis=1)
        variance = square / max(n_bins, 1)
        # Rounding leaves some of the variance of a large constant.
        still = variance <= 1e-12 * mean**2
        own = np.zeros_like(mean)
        unit, precision = np.ones_like(mean), np.where(still, 0.0, mean)
        if not is_poisson:
            kept = product / np.where(before > 0, before, 1.0)
            own = np.where(still, 0.0, np.clip(kept, 0.0, 0.99))
            unit = np.where(still, 1.0, np.sqrt(variance * (1.0 - own**2)))
            precision = np.where(still, 0.0, 1.0)
        return cls(
            decay=decay,
            same_bin=same_bin,
            is_poisson=is_poisson,
            mean=mean,
            own=own,
            unit=unit,
            precision=precision,
        )

    def sums(self, bins: Bins) -> WindowSums:
        """Sum the products of the bins of each window."""
        n_nodes = len(self.mean)
        score = np.zeros((len(bins), n_nodes, n_nodes + 1), np.float32)
        gram = np.zeros((len(bins), n_nodes + 1, n_nodes + 1), np.float32)
        for window, values in enumerate(bins):
            beyond = self._beyond(values)
            past = np.concatenate([self._past(beyond), np.ones((1, values.shape[1]))])
            score[window], gram[window] = beyond @ past.T, past @ past.T
        return WindowSums(score=score, gram=gram)

    def _beyond(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Subtract the mean of each node and, from traces, what the last bin told."""
        centred = values - self.mean[:, np.newaxis]
        if not self.is_poisson and centred.shape[1]:
            told = self.own[:, np.newaxis] * centred[:, :-1]
            # Nothing is known before a window, so that its first bin tells nothing either.
            centred = np.concatenate([np.zeros((len(centred), 1)), centred[:, 1:] - told], axis=1)
        return centred * (self.precision > 0)[:, np.newaxis] / self.unit[:, np.newaxis]

    def _past(self, beyond: NDArray[np.float64]) -> NDArray[np.float64]:
        """Sum the bins before each, fading; before a window all is at its mean."""
        gain = 1.0 if self.is_poisson else _TYPICAL * np.sqrt(1.0 - self.decay**2)
        before = [gain, 0.0] if self.same_bin else [0.0, gain]
        return np.asarray(lfilter(before, [1.0, -self.decay], beyond, axis=1))
