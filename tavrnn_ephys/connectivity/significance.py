"""Which weights are larger than chance: a null of surrogates, and false-discovery control."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.connectivity.thresholds import upper_values
from tavrnn_ephys.core.containers import ConnectivitySequence, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.statistics.discoveries import discoveries
from tavrnn_ephys.statistics.nulls import p_from_counts

__all__ = ["ConnectivityNull", "SignificanceThreshold", "fit_null"]

# Pairs are compared with pairs of similar expected coincidence, in this many groups: the rarer
# the coincidences, the more skewed their number.
_N_STRATA = 8
# Deviations are counted in bins of this width, up to the last one, which is open.
_DEVIATION_STEP = 0.01
_N_DEVIATIONS = 4000
# A weight that no surrogate changes cannot be tested.
_LEAST_STD = 1e-9


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ConnectivityNull:
    """
    What weights come about by chance, per window and pair of nodes.

    Half of the surrogates give mean and standard deviation of each weight, the other half the
    distribution of deviations in units of it, pooled over windows and over pairs of similar
    expected coincidence.  The observed weight is to the first half what a surrogate of the
    second half is, so that its p-value is exact up to the pooling; and the pool is large enough
    to tell small p-values, which a handful of surrogates per pair could not.

    Parameters
    ----------
    mean, std : numpy.ndarray of float32, shape (n_windows, n_nodes, n_nodes)
        Mean and standard deviation of the weights of surrogates.
    stratum : numpy.ndarray of uint8, shape (n_windows, n_nodes, n_nodes)
        Group of each pair.
    exceedances : numpy.ndarray of int, shape (n_strata, n_deviations + 1)
        Number of surrogate deviations of at least each multiple of the step, all windows.
    windows : Windows or None
        The windows; ``None`` for a null that is pooled over windows and holds for any.
    measure : str
        Name of the measure.
    n_surrogates : int
        Number of surrogates.

    Examples
    --------
    >>> import numpy as np
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> counts = np.random.default_rng(0).poisson(0.5, (5, 400))
    >>> counts[1] = counts[0]
    >>> activity = te.BinnedActivity(values=counts, bin_size_s=0.1, nodes=te.Nodes(ids=range(5)))
    >>> windows = te.sliding_windows(activity, window_length=20 * pq.s, step=20 * pq.s)
    >>> null = te.connectivity_null(
    ...     activity, windows, surrogates=te.ShiftSurrogates(min_shift=1 * pq.s), n_surrogates=40
    ... )
    >>> p_values = null.p_values(te.compute_connectivity(activity, windows))
    >>> p_values.shape, bool(p_values[0, 0, 1] < 0.05)
    ((2, 5, 5), True)
    """

    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    stratum: NDArray[np.uint8]
    exceedances: NDArray[np.int64]
    windows: Windows | None
    measure: str
    n_surrogates: int

    def p_values(self, connectivity: ConnectivitySequence) -> NDArray[np.float64]:
        """
        Tell how often chance brings about weights as far from their mean, in either direction.

        Parameters
        ----------
        connectivity : ConnectivitySequence
            The observed weights, of windows that this null knows, unless it is pooled.

        Returns
        -------
        numpy.ndarray
            Shape (n_windows, n_nodes, n_nodes), in (0, 1]; 1 for pairs that cannot be tested,
            and on the diagonal.

        Raises
        ------
        InputError
            If the measure or the nodes differ, or a window is unknown.
        """
        self._check(connectivity)
        p_values = np.ones(connectivity.weights.shape)
        for index, weights in enumerate(connectivity.weights):
            known = self._position(connectivity.windows, index)
            testable = self.testable(known) & np.isfinite(weights)
            bins = _deviation_bins(weights, self.mean[known], self.std[known])
            stratum = self.stratum[known]
            above, total = self.exceedances[stratum, bins], self.exceedances[stratum, 0]
            p_values[index][testable] = p_from_counts(above, total)[testable]
        return p_values

    @property
    def smallest_p(self) -> float:
        """Smallest p-value that the pooled deviations of the largest group of pairs can give."""
        return float(p_from_counts(0, self.exceedances[:, 0].max()))

    def testable(self, index: int) -> NDArray[np.bool_]:
        """
        Say which pairs of a window vary over surrogates.

        Parameters
        ----------
        index : int
            Position of the window in this null.

        Returns
        -------
        numpy.ndarray of bool
            Shape (n_nodes, n_nodes), False on the diagonal.
        """
        testable = self.std[index] > _LEAST_STD
        np.fill_diagonal(testable, False)
        return testable

    def pooled(self) -> ConnectivityNull:
        """
        Pool the windows, so that the null can be applied to windows that it has not seen.

        Returns
        -------
        ConnectivityNull
            One mean and standard deviation per pair, that of all windows together.
        """
        mean = self.mean.mean(axis=0, keepdims=True)
        variance = (self.std.astype(np.float64) ** 2).mean(axis=0) + self.mean.var(axis=0)
        return ConnectivityNull(
            mean=mean,
            std=np.sqrt(variance)[np.newaxis].astype(np.float32),
            stratum=np.round(self.stratum.mean(axis=0, keepdims=True)).astype(np.uint8),
            exceedances=self.exceedances,
            windows=None,
            measure=self.measure,
            n_surrogates=self.n_surrogates,
        )

    def _check(self, connectivity: ConnectivitySequence) -> None:
        if connectivity.measure != self.measure:
            raise InputError(
                f"This null belongs to the measure '{self.measure}', the connectivity is "
                f"'{connectivity.measure}'. Compute both with the same one."
            )
        if connectivity.n_nodes != self.mean.shape[1]:
            raise InputError(
                f"This null has {self.mean.shape[1]} nodes, the connectivity "
                f"{connectivity.n_nodes}."
            )

    def _position(self, windows: Windows, index: int) -> int:
        if self.windows is None:
            return 0
        same = (
            (self.windows.segment_index == windows.segment_index[index])
            & (np.abs(self.windows.start_s - windows.start_s[index]) < 1e-9)
            & (np.abs(self.windows.stop_s - windows.stop_s[index]) < 1e-9)
        )
        if not same.any():
            raise InputError(
                f"This null knows no window from {windows.start_s[index]:g} s to "
                f"{windows.stop_s[index]:g} s. Compute it for these windows, or pool it: "
                "null.pooled()."
            )
        return int(np.argmax(same))

    def __repr__(self) -> str:
        where = "pooled" if self.windows is None else f"{len(self.windows)} windows"
        return (
            f"ConnectivityNull: {self.measure}, {where} x {self.mean.shape[1]} nodes, "
            f"{self.n_surrogates} surrogates"
        )


def _deviation_bins(
    weights: NDArray[np.float64], mean: NDArray[np.float32], std: NDArray[np.float32]
) -> NDArray[np.int64]:
    deviation = np.abs(np.nan_to_num(weights) - mean) / np.maximum(std, _LEAST_STD)
    return np.minimum(deviation / _DEVIATION_STEP, _N_DEVIATIONS).astype(np.int64)


def fit_null(
    draws: Iterable[ConnectivitySequence], *, n_draws: int, expected_roots: Any
) -> ConnectivityNull:
    """
    Gather the connectivity of surrogates into a null.

    Parameters
    ----------
    draws : iterable of ConnectivitySequence
        Connectivity of one surrogate after the other, over the same windows.
    n_draws : int
        How many there are, at least 4.
    expected_roots : numpy.ndarray or None, shape (n_windows, n_nodes)
        Pairs are grouped by the product of these, such as spikes over the root of the number
        of bins: the coincidences to be expected; ``None`` for one group.

    Returns
    -------
    ConnectivityNull
        The null.

    Raises
    ------
    InputError
        If there are fewer than four surrogates.
    """
    if n_draws < 4:
        raise InputError(f"A null needs at least 4 surrogates, got {n_draws}.")
    remaining = iter(draws)
    mean, std = _moments(islice(remaining, n_draws // 2))
    stratum = _strata(expected_roots, mean.shape)
    counts = np.zeros((_N_STRATA, _N_DEVIATIONS + 1), dtype=np.int64)
    for draw in remaining:
        for index, weights in enumerate(draw.weights):
            _count_deviations(weights, mean[index], std[index], stratum[index], counts)
    return ConnectivityNull(
        mean=mean,
        std=std,
        stratum=stratum,
        exceedances=np.cumsum(counts[:, ::-1], axis=1)[:, ::-1],
        windows=draw.windows,
        measure=draw.measure,
        n_surrogates=n_draws,
    )


def _moments(
    draws: Iterable[ConnectivitySequence],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean and standard deviation of each weight over surrogates."""
    total = square = np.zeros(())
    for number, draw in enumerate(draws, start=1):
        weights = np.nan_to_num(draw.weights)
        if number == 1:
            total, square = np.zeros(weights.shape), np.zeros(weights.shape)
        total += weights
        square += weights * weights
    mean = total / number
    spread = np.maximum(square - total * mean, 0.0) / max(number - 1, 1)
    # What rounding leaves of identical weights is no spread.
    spread[spread < 1e-14 * np.maximum(mean * mean, 1e-8)] = 0.0
    return mean.astype(np.float32), np.sqrt(spread).astype(np.float32)


def _strata(expected_roots: Any, shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """Group pairs by expected coincidence, into groups of equal size over all windows."""
    stratum = np.zeros(shape, dtype=np.uint8)
    if expected_roots is None:
        return stratum
    roots = np.asarray(expected_roots)
    # Every pair of every window would be too many to sort; some windows tell the limits.
    some = roots[:: max(1, len(roots) // 16)]
    expected = np.concatenate([upper_values(np.outer(row, row)) for row in some])
    limits = np.quantile(expected, np.linspace(0, 1, _N_STRATA + 1)[1:-1])
    for index, row in enumerate(roots):
        stratum[index] = np.searchsorted(limits, np.outer(row, row))
    return stratum


def _count_deviations(
    weights: NDArray[np.float64],
    mean: NDArray[np.float32],
    std: NDArray[np.float32],
    stratum: NDArray[np.uint8],
    counts: NDArray[np.int64],
) -> None:
    bins = upper_values(_deviation_bins(weights, mean, std))
    group = upper_values(stratum).astype(np.int64)
    testable = upper_values(std) > _LEAST_STD
    flat = group[testable] * counts.shape[1] + bins[testable]
    counts += np.bincount(flat, minlength=counts.size).reshape(counts.shape)


@dataclass(frozen=True, kw_only=True)
class SignificanceThreshold:
    """
    Keep the weights of a window that are larger than chance, with false-discovery control.

    Parameters
    ----------
    null : ConnectivityNull
        What chance brings about: :func:`tavrnn_ephys.connectivity_null`.
    q : float
        Expected share of false edges among the edges of a window, in (0, 1).

    Raises
    ------
    InputError
        If ``q`` lies outside (0, 1).

    Notes
    -----
    Pairs that no surrogate of the first half changes (a silent node, no coincidence at all)
    are not tested and never become edges.

    Examples
    --------
    >>> import numpy as np
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> counts = np.random.default_rng(0).poisson(0.5, (5, 400))
    >>> counts[1] = counts[0]
    >>> activity = te.BinnedActivity(values=counts, bin_size_s=0.1, nodes=te.Nodes(ids=range(5)))
    >>> windows = te.sliding_windows(activity, window_length=20 * pq.s, step=20 * pq.s)
    >>> null = te.connectivity_null(
    ...     activity, windows, surrogates=te.ShiftSurrogates(min_shift=1 * pq.s), n_surrogates=40
    ... )
    >>> threshold = te.SignificanceThreshold(null=null, q=0.2)
    >>> graphs = te.build_graphs(
    ...     te.compute_connectivity(activity, windows), threshold=threshold, history_node=False
    ... )
    >>> bool(graphs.adjacency(0)[0, 1] > 0)
    True
    """

    null: ConnectivityNull
    q: float = 0.05

    def __post_init__(self) -> None:
        if not 0 < self.q < 1:
            raise InputError(f"q must lie in (0, 1), got {self.q!r}, such as 0.05.")

    def keep(self, connectivity: ConnectivitySequence) -> NDArray[np.bool_]:
        """
        Say which weights become edges.

        Parameters
        ----------
        connectivity : ConnectivitySequence
            Windows that the null knows, or any if it is pooled.

        Returns
        -------
        numpy.ndarray of bool
            Shape (n_windows, n_nodes, n_nodes), symmetric, False on the diagonal.

        Raises
        ------
        InputError
            If the null does not belong to this connectivity, or that is directed.
        """
        if connectivity.directed:
            raise InputError(
                "SignificanceThreshold needs one weight per pair of nodes, and this connectivity "
                "is directed. Call connectivity.symmetrized() first."
            )
        p_values = self.null.p_values(connectivity)
        kept = np.zeros(p_values.shape, dtype=bool)
        rows, columns = np.triu_indices(connectivity.n_nodes, 1)
        for index, matrix in enumerate(p_values):
            known = self.null._position(connectivity.windows, index)
            tested = self.null.testable(known)[rows, columns]
            found = np.zeros(len(rows), dtype=bool)
            found[tested] = discoveries(matrix[rows, columns][tested], self.q)
            kept[index, rows[found], columns[found]] = True
        kept &= np.nan_to_num(connectivity.weights) != 0
        return kept | np.swapaxes(kept, 1, 2)
