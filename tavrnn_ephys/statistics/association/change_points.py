"""Change points of the network, and whether they stand where behaviour changes."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.sparse.linalg import svds

from tavrnn_ephys.core.checks import positive_int, positive_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.features import number_matrix
from tavrnn_ephys.statistics.nulls import JudgedByNull, Null
from tavrnn_ephys.statistics.time_shifts import draw_shifts

__all__ = ["ChangePointMatch", "change_points", "match_change_points"]

# Windows or features beyond which only the leading components are computed.
_FULL_DECOMPOSITION = 500


@dataclass(frozen=True, kw_only=True)
class ChangePointMatch(JudgedByNull):
    """
    How many changes of behaviour have a change of the network beside them.

    Parameters
    ----------
    matched : float
        Share of the behaviour's changes with a change of the network within the tolerance.
    null : numpy.ndarray, shape (n_shifts,)
        The same for behaviour that is shifted in time.
    n_network, n_behavior : int
        Numbers of changes.
    distance : float
        Mean distance in windows from a change of behaviour to the nearest one of the network.
    null_distance : numpy.ndarray, shape (n_shifts,)
        The same for behaviour that is shifted in time; empty where nobody took it.

    Notes
    -----
    Shares of a few changes take few values.  Shifts that match as many changes are ranked by
    their distance, and the p-value is that of the pair of both.
    """

    statistic: ClassVar[str] = "matched"
    matched: float
    null: NDArray[np.float64]
    n_network: int
    n_behavior: int
    distance: float = float("nan")
    null_distance: NDArray[np.float64] = field(default_factory=lambda: np.zeros(0))

    @property
    def ties(self) -> Null | None:
        """The distance, small ones first; None where nobody took it."""
        if len(self.null_distance) == 0:
            return None
        return Null(observed=-self.distance, values=-self.null_distance)


def change_points(
    features: Any, *, min_length: int = 2, n_components: int = 5, penalty: float = 3.0
) -> NDArray[np.int64]:
    """
    Cut a sequence of windows where its mean changes.

    Parameters
    ----------
    features : array_like, shape (n_windows, n_features)
        Features of each window, finite.
    min_length : int
        Smallest number of windows between changes: more than share time with one window.
    n_components : int
        Number of principal components that the features are reduced to.
    penalty : float
        What a change has to gain, in units of ``log(n_windows)`` per component and variance of
        the noise.

    Returns
    -------
    numpy.ndarray of int
        First window of each stretch but the first, ascending.

    Raises
    ------
    InputError
        If there are fewer than two stretches' worth of windows, or a value is not finite.

    Notes
    -----
    Optimal partitioning [1]_ with the squared distance from the mean of a stretch as its cost, on
    principal components.  The variance of the noise is that of
    differences over ``min_length`` windows, half their median square (normal noise assumed), so
    that neither overlap nor the changes themselves enter it; the penalty is multiplied by
    ``min_length``, for so many overlapping windows count as one.  The package ``ruptures`` finds
    the same cuts and is faster, 1 ms against 0.15 s for 2000 windows; noise and penalty, on which
    the result rests, would be this module's all the same, and a compiled dependency is not worth
    a tenth of a second once per recording.

    References
    ----------
    .. [1] Jackson et al. (2005), IEEE Signal Processing Letters 12, 105-108.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> steps = np.repeat([0.0, 5.0, 0.0], 20)[:, None] + rng.normal(size=(60, 3))
    >>> change_points(steps)
    array([20, 40])
    """
    values = number_matrix(features, "features")
    least = positive_int(min_length, "min_length")
    positive_number(penalty, "penalty")
    if values.ndim != 2 or not np.isfinite(values).all():
        raise InputError("change_points needs finite features of shape (n_windows, n_features).")
    n = len(values)
    if n < 2 * least + 1:
        raise InputError(f"{n} windows are too few for two stretches of {least} windows.")
    points, largest = _components(values, positive_int(n_components, "n_components"))
    rank = points.shape[1]
    if rank == 0:
        return np.zeros(0, dtype=np.int64)
    differences = points[least:] - points[:-least]
    # The median of a chi-squared variable of one degree of freedom is 0.455.
    noise = np.median(np.square(differences), axis=0) / (2 * 0.4549)
    points = points / np.sqrt(np.maximum(noise, 1e-12 * largest**2 / n))
    return _partition(points, least, penalty * np.log(n) * rank * least)


def match_change_points(
    network: Any,
    behavior: Any,
    *,
    n_windows: int,
    tolerance: int = 2,
    n_shifts: int = 199,
    seed: int = 0,
) -> ChangePointMatch:
    """
    Count changes of behaviour that have a change of the network beside them.

    Parameters
    ----------
    network, behavior : array_like of int
        Changes, as :func:`change_points` gives them.
    n_windows : int
        Number of windows.
    tolerance : int
        Largest distance in windows.
    n_shifts : int
        Number of circular shifts of the behaviour's changes.
    seed : int
        Seed of the shifts.

    Returns
    -------
    ChangePointMatch
        Share of matched changes beside its null.

    Raises
    ------
    InputError
        If there is no change on either side.

    Examples
    --------
    >>> match = match_change_points([10, 50], [11, 30], n_windows=60)
    >>> match.matched
    0.5
    """
    network = np.asarray(network, dtype=np.int64)
    behavior = np.asarray(behavior, dtype=np.int64)
    for name, changes in (("network", network), ("behaviour", behavior)):
        if len(changes) == 0:
            raise InputError(f"The {name} has no change point: there is nothing to match.")
    rng = np.random.default_rng(seed)
    shifts = draw_shifts(n_windows, min_shift=2 * tolerance + 1, n_shifts=n_shifts, rng=rng)

    gap = np.abs(np.arange(n_windows)[:, np.newaxis] - network)
    to_network = np.minimum(gap, n_windows - gap).min(axis=1)
    every = (behavior + np.concatenate([[0], shifts])[:, np.newaxis]) % n_windows
    nearest = to_network[every]
    matched, distance = (nearest <= tolerance).mean(axis=1), nearest.mean(axis=1)
    return ChangePointMatch(
        matched=float(matched[0]),
        null=matched[1:],
        n_network=len(network),
        n_behavior=len(behavior),
        distance=float(distance[0]),
        null_distance=distance[1:],
    )


def _components(
    values: NDArray[np.float64], n_components: int
) -> tuple[NDArray[np.float64], float]:
    """Principal components of each window, and the largest singular value."""
    centred = values - values.mean(axis=0)
    if np.abs(centred).max() < 1e-12:
        return np.zeros((len(values), 0)), 0.0
    if min(centred.shape) > max(_FULL_DECOMPOSITION, 4 * n_components):
        # A full decomposition of a long recording takes gigabytes; the first vector is fixed, so
        # that equal features give equal components.
        start = np.cos(np.arange(min(centred.shape), dtype=np.float64))
        left, sizes, _ = svds(centred, k=n_components, v0=start)
        left, sizes = left[:, ::-1], sizes[::-1]
    else:
        left, sizes, _ = np.linalg.svd(centred, full_matrices=False)
    rank = min(n_components, int(np.sum(sizes > 1e-9 * sizes[0])))
    return left[:, :rank] * sizes[:rank], float(sizes[0])


def _partition(points: NDArray[np.float64], least: int, penalty: float) -> NDArray[np.int64]:
    """Minimise the cost of stretches plus a penalty for each, over all places of changes."""
    n = len(points)
    sums = np.vstack([np.zeros(points.shape[1]), np.cumsum(points, axis=0)])
    squares = np.concatenate([[0.0], np.cumsum(np.square(points).sum(axis=1))])
    best = np.full(n + 1, np.inf)
    best[0] = -penalty
    previous = np.zeros(n + 1, dtype=np.int64)
    for stop in range(least, n + 1):
        candidates = np.arange(0, stop - least + 1)
        length = stop - candidates
        spread = np.square(sums[stop] - sums[candidates]).sum(axis=1) / length
        cost = best[candidates] + squares[stop] - squares[candidates] - spread
        winner = int(np.argmin(cost))
        best[stop], previous[stop] = cost[winner] + penalty, candidates[winner]
    changes: list[int] = []
    stop = n
    while previous[stop] > 0:
        stop = int(previous[stop])
        changes.append(stop)
    return np.array(changes[::-1], dtype=np.int64)
