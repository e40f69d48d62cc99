"""Do windows that differ in behaviour differ in the network?  Distances against distances."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.distance import pdist, squareform
from scipy.stats import rankdata

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.statistics.association.effects import known_windows
from tavrnn_ephys.statistics.nulls import JudgedByNull
from tavrnn_ephys.statistics.time_shifts import correlation_time, draw_shifts

__all__ = ["DistanceAssociation", "associate_distances"]


@dataclass(frozen=True, kw_only=True)
class DistanceAssociation(JudgedByNull):
    """
    Correlation of two sets of distances between windows.

    Parameters
    ----------
    correlation : float
        Spearman correlation over pairs of windows, partial if covariates were given.
    null : numpy.ndarray, shape (n_shifts,)
        The same for behaviour that is shifted in time.
    n_pairs : int
        Number of pairs of windows.
    """

    statistic: ClassVar[str] = "correlation"
    correlation: float
    null: NDArray[np.float64]
    n_pairs: int


def associate_distances(
    features: Any,
    behavior: Any,
    *,
    covariates: Any = None,
    overlap: int = 0,
    min_shift: int | None = None,
    n_shifts: int = 199,
    seed: int = 0,
) -> DistanceAssociation:
    """
    Correlate distances between windows with differences of behaviour between them.

    Parameters
    ----------
    features : array_like, shape (n_windows, n_features)
        Embedding, connectivity or network measures of each window, in their own units.
    behavior : array_like, shape (n_windows,)
        Behaviour per window; windows with NaN are left out.
    covariates : array_like, shape (n_windows, n_covariates), optional
        Their distances are held constant, such as those of mean rates.
    overlap : int
        Pairs of windows at most this far apart are left out, for they share time.
    min_shift : int, optional
        Smallest shift in windows; the correlation time of the behaviour by default.
    n_shifts : int
        Number of circular shifts.
    seed : int
        Seed of the shifts.

    Returns
    -------
    DistanceAssociation
        Correlation beside its null.

    Raises
    ------
    InputError
        If the behaviour is constant or unknown, or windows are too few.

    Notes
    -----
    A Mantel correlation of ranks [1]_ with Euclidean distances.  Its usual null permutes windows,
    and is wrong for windows that are slow in time; here the behaviour is shifted instead.

    References
    ----------
    .. [1] Mantel (1967), Cancer Research 27, 209-220.

    Examples
    --------
    >>> behavior = np.cumsum(np.tile([1.0, 2.0, -3.0], 10))
    >>> round(associate_distances(behavior[:, None], behavior).correlation, 6)
    1.0
    """
    positive_int(overlap + 1, "overlap + 1")
    values = np.asarray(features, dtype=np.float64)
    behavior = np.asarray(behavior, dtype=np.float64)
    if values.ndim != 2 or len(values) != len(behavior):
        raise InputError(
            f"features has shape {values.shape}; one row for each of the {len(behavior)} windows "
            "of the behaviour is needed."
        )
    kept = np.flatnonzero(known_windows(behavior))
    behavior = behavior[kept]
    first, second = np.triu_indices(len(kept), 1)
    apart = kept[second] - kept[first] > overlap
    rows, columns = first[apart], second[apart]
    if len(rows) < 3:
        raise InputError(f"{len(kept)} windows have {len(rows)} pairs without overlap; 3 needed.")
    x = rankdata(pdist(values[kept])[apart])
    controls = []
    if covariates is not None:
        held = np.asarray(covariates, dtype=np.float64)[kept]
        controls = [rankdata(pdist(column[:, None])[apart]) for column in held.T]
    basis = np.linalg.qr(np.column_stack([np.ones(len(x)), *controls]))[0]
    least = min_shift if min_shift is not None else correlation_time(behavior)
    rng = np.random.default_rng(seed)
    shifts = draw_shifts(len(behavior), min_shift=least, n_shifts=n_shifts, rng=rng)
    gaps = squareform(pdist(behavior[:, None]))
    found = [
        _correlation(x, rankdata(np.roll(gaps, (shift, shift), (0, 1))[rows, columns]), basis)
        for shift in (0, *shifts)
    ]
    return DistanceAssociation(correlation=found[0], null=np.array(found[1:]), n_pairs=len(rows))


def _correlation(
    x: NDArray[np.float64], y: NDArray[np.float64], basis: NDArray[np.float64]
) -> float:
    x, y = x - basis @ (basis.T @ x), y - basis @ (basis.T @ y)
    return float(x @ y / max(float(np.sqrt((x @ x) * (y @ y))), 1e-300))
