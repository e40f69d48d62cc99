"""A statistic beside its null: p-value, interval, and the smallest p-value that can be reached."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of, positive_int
from tavrnn_ephys.core.containers import BinnedActivity

__all__ = ["JudgedByNull", "Null", "p_from_counts", "surrogate_scores", "tail_p_values"]

TAILS = ("both", "upper")


@dataclass(frozen=True, kw_only=True, eq=False)
class Null:
    """
    A statistic beside the values that it takes under the null hypothesis.

    Parameters
    ----------
    observed : float or numpy.ndarray, shape (n_features,)
        The statistic; NaN where there is none.
    values : numpy.ndarray, shape (n_nulls,) or (n_nulls, n_features)
        The same statistic under the null, the observation itself not among them.
    tail : {"upper", "both"}
        Whether large values count, or large absolute values.
    n_extreme : int
        How many arrangements are as extreme as the most extreme one, whatever the data: 2 where
        every arrangement has its mirror image, as sign flips have.
    ties : Null, optional
        A finer statistic of the same arrangements, in the same order, that ranks those which tie
        with the observation.  Without it all of them count against the observation.

    Raises
    ------
    InputError
        If ``tail`` is unknown.

    Notes
    -----
    A statistic that takes few values, such as a share of windows, ties often; a test that counts
    every tie against the observation reports too seldom.  The pair of it and of a finer one,
    compared as words are in a dictionary, is a statistic like any other: computed alike for the
    observation and under the null, it gives a p-value that is exact wherever that of the first
    alone is valid, and never larger.

    Examples
    --------
    >>> null = Null(observed=2.0, values=np.array([-3.0, 1.0, 0.0]))
    >>> null.p_value, null.smallest_p
    (0.25, 0.25)
    >>> finer = Null(observed=0.3, values=np.array([0.1, 0.4, 0.2]))
    >>> Null(observed=2.0, values=np.array([2.0, 2.0, 1.0])).p_value
    0.75
    >>> Null(observed=2.0, values=np.array([2.0, 2.0, 1.0]), ties=finer).p_value
    0.5
    """

    observed: Any
    values: NDArray[np.float64]
    tail: str = "upper"
    n_extreme: int = 1
    ties: Null | None = None

    def __post_init__(self) -> None:
        one_of(self.tail, TAILS, "tail")

    @property
    def p_value(self) -> Any:
        """Share of the null at least as extreme, the observation counted in; NaN without null."""
        if len(self.values) == 0:
            return np.full(np.shape(self.observed), np.nan)[()]
        p_values = p_from_counts(self.at_least.sum(axis=0), len(self.values))
        p_values = np.where(np.isnan(self.observed), np.nan, p_values)
        return float(p_values) if p_values.ndim == 0 else p_values

    @property
    def at_least(self) -> NDArray[np.bool_]:
        """Which null values are at least as extreme as the observation, shaped as they are."""
        is_beyond, is_tied = _compared(self.observed, self.values, self.tail)
        return is_beyond | (is_tied if self.ties is None else is_tied & self.ties.at_least)

    @property
    def interval(self) -> tuple[Any, Any]:
        """Central 95 % of the null, from its 2.5th to its 97.5th percentile; NaN without null."""
        if len(self.values) == 0:
            return float("nan"), float("nan")
        low, high = np.quantile(self.values, [0.025, 0.975], axis=0)
        return (float(low), float(high)) if np.ndim(low) == 0 else (low, high)

    @property
    def smallest_p(self) -> float:
        """Smallest p-value that so many null values can give; NaN without null."""
        if len(self.values) == 0:
            return float("nan")
        return float(p_from_counts(self.n_extreme - 1, len(self.values)))


class JudgedByNull:
    """
    A score that carries its null, and is judged by it.

    A subclass is a dataclass with a field ``null`` and names, in ``statistic``, the field that
    the null belongs to.  ``n_same`` counts the null series that are the observed one again, as
    shifts of a periodic behaviour by its period are: no p-value can be smaller than they allow.
    A score that takes few values gives a finer one in ``ties``.
    """

    null: NDArray[np.float64]
    statistic: ClassVar[str]
    n_same: int = 0

    @property
    def ties(self) -> Null | None:
        """What ranks equal scores; None where all that tie with the observation count."""
        return None

    @property
    def chance(self) -> Null:
        """The score beside its null; large scores count."""
        return Null(
            observed=getattr(self, self.statistic),
            values=self.null,
            n_extreme=1 + self.n_same,
            ties=self.ties,
        )

    @property
    def chance_interval(self) -> tuple[float, float]:
        """Central 95 % of the null."""
        return self.chance.interval

    @property
    def p_value(self) -> float:
        """Share of the null that does at least as well, the observation counted in."""
        return self.chance.p_value

    @property
    def smallest_p(self) -> float:
        """Smallest p-value that so many null values can give."""
        return self.chance.smallest_p

    def __str__(self) -> str:
        name = getattr(self, "name", "") or type(self).__name__
        score = f"{name}: {self.statistic.replace('_', ' ')} {getattr(self, self.statistic):.3f}"
        if len(self.null) == 0:
            return f"{score}, no null"
        low, high = self.chance_interval
        return (
            f"{score}, chance {low:.3f} to {high:.3f} (95 %), p {self.p_value:.3g} (the smallest "
            f"that {len(self.null)} null values give is {self.smallest_p:.3g})"
        )


def p_from_counts(n_at_least: Any, n_nulls: Any) -> NDArray[np.float64]:
    """
    Turn counts into p-values, the observation counted among the null [1]_.

    Parameters
    ----------
    n_at_least : array_like of int
        How many null values are at least as extreme as the observation.
    n_nulls : array_like of int
        How many null values there are.

    Returns
    -------
    numpy.ndarray
        ``(n_at_least + 1) / (n_nulls + 1)``, never 0.

    References
    ----------
    .. [1] Phipson & Smyth (2010), Statistical Applications in Genetics and Molecular Biology 9, 39.

    Examples
    --------
    >>> float(p_from_counts(0, 19))
    0.05
    """
    return (np.asarray(n_at_least) + 1.0) / (np.asarray(n_nulls) + 1.0)


def tail_p_values(observed: Any, null: NDArray[Any], *, tail: str = "both") -> NDArray[np.float64]:
    """
    Count how often the null does at least as well, the observation counted among it.

    Parameters
    ----------
    observed : array_like, shape (n_features,)
        Statistics; or one number.
    null : numpy.ndarray, shape (n_nulls, n_features)
        The same statistics under the null, about as large as 1 or larger: differences below
        1e-12 are ties.
    tail : {"both", "upper"}
        Whether the absolute value counts, or the value.

    Returns
    -------
    numpy.ndarray
        P-values, shape (n_features,); NaN where the observation is.

    Examples
    --------
    >>> tail_p_values(np.array([2.0]), np.array([[-3.0], [1.0], [0.0]]))
    array([0.5])
    """
    found = Null(observed=observed, values=np.asarray(null, dtype=np.float64), tail=tail)
    p_values = p_from_counts(found.at_least.sum(axis=0), len(found.values))
    return np.where(np.isnan(np.asarray(observed, dtype=np.float64)), np.nan, p_values)


def _compared(
    observed: Any, null: NDArray[Any], tail: str
) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Say which null values are more extreme than the observation, and which tie with it."""
    observed, null = np.asarray(observed, dtype=np.float64), np.asarray(null, dtype=np.float64)
    if tail == "both":
        observed, null = np.abs(observed), np.abs(null)
    # The same sum in another order differs by rounding, and is a tie; so are two zeros that
    # rounding tells apart, hence at least the size of 1.
    margin = 1e-12 * np.maximum(np.maximum(np.abs(null), np.abs(observed)), 1.0)
    # A null value that is NaN counts as large: a p-value may be too large, never too small.
    is_beyond = ~(null <= observed + margin)
    return is_beyond, ~is_beyond & ~(null < observed - margin)


class Surrogates(Protocol):
    """Something that draws surrogates of an activity."""

    def draw(self, activity: BinnedActivity, *, seed: Any) -> BinnedActivity:
        """
        Draw one surrogate.

        Parameters
        ----------
        activity : BinnedActivity
            The activity.
        seed : int or sequence of int
            Seed of the draw.

        Returns
        -------
        BinnedActivity
            A surrogate with the same nodes and bins.
        """
        ...


def surrogate_scores(
    score: Callable[[BinnedActivity], float],
    activity: BinnedActivity,
    surrogates: Surrogates,
    *,
    n_surrogates: int = 199,
    seed: int = 0,
) -> NDArray[np.float64]:
    """
    Score surrogate recordings from scratch: bins, connectivity, graphs, model, decoder.

    Parameters
    ----------
    score : callable
        Takes an activity and does everything that was done with the recording.
    activity : BinnedActivity
        The recording.
    surrogates : surrogates
        Such as :class:`tavrnn_ephys.SpikeSurrogates` or :class:`tavrnn_ephys.ShiftSurrogates`.
    n_surrogates : int
        Number of surrogates.
    seed : int
        Seed of the draws.

    Returns
    -------
    numpy.ndarray
        One score per surrogate.

    Examples
    --------
    >>> import quantities as pq
    >>> from tavrnn_ephys.core.containers import Nodes
    >>> from tavrnn_ephys.connectivity.surrogates import ShiftSurrogates
    >>> activity = BinnedActivity(
    ...     values=np.eye(2, 20, dtype=int), bin_size_s=1.0, nodes=Nodes(ids=["a", "b"])
    ... )
    >>> shifts = ShiftSurrogates(min_shift=2 * pq.s)
    >>> surrogate_scores(lambda item: item.values.sum(), activity, shifts, n_surrogates=3)
    array([2., 2., 2.])
    """
    positive_int(n_surrogates, "n_surrogates")
    return np.array(
        [
            float(score(surrogates.draw(activity, seed=[seed, index])))
            for index in range(n_surrogates)
        ]
    )
