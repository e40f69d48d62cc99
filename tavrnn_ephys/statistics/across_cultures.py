"""Effects over cultures: one number per culture, then sign flips, intervals, and their control."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.statistics.discoveries import q_values
from tavrnn_ephys.statistics.nulls import Null
from tavrnn_ephys.statistics.resampling import (
    arrangements,
    bootstrap_means,
    n_arrangements,
    sign_flip_null,
)

if TYPE_CHECKING:
    import pandas

__all__ = [
    "bootstrap_interval",
    "effects_over_cultures",
    "group_differences",
    "paired_effects",
    "sign_flip_p_value",
]

DESCRIPTIONS = {
    "measure": "What the effect is an effect of.",
    "contrast": "What is compared with what.",
    "n_cultures": "Number of cultures with an effect; in comparisons of groups, of both groups.",
    "effect": "Mean effect over cultures, or difference of means, in the unit of the measure.",
    "low": "Lower limit of the bootstrap interval over cultures.",
    "high": "Upper limit of the bootstrap interval over cultures.",
    "hedges_g": "Effect in standard deviations over cultures, corrected for small samples.",
    "p_value": "Two-sided permutation test over cultures.",
    "q_value": "Benjamini-Hochberg over the rows of the table.",
    "smallest_p": "Smallest p-value that so many cultures can give.",
}


def sign_flip_p_value(effects: Any, *, n_flips: int = 9999, seed: int = 0) -> float:
    """
    Test whether effects of independent cultures scatter around zero.

    Parameters
    ----------
    effects : array_like, shape (n_cultures,)
        One effect per culture.
    n_flips : int
        Number of random flips, none drawn twice; all 2ⁿ are gone through where they are fewer.
    seed : int
        Seed of random flips.

    Returns
    -------
    float
        Two-sided p-value of the mean.

    Raises
    ------
    InputError
        If there is one culture only, or an effect is not finite.

    Notes
    -----
    Under the null the effect of each culture is as likely as its opposite (Fisher 1935); the
    windows within a culture need not be independent.  Six cultures are the fewest that reach 0.05.

    Examples
    --------
    >>> sign_flip_p_value([1.0, 2.0, 3.0])
    0.25
    """
    return float(sign_flip_null(_effects(effects), n_flips=n_flips, seed=seed).p_value)


def bootstrap_interval(
    effects: Any, *, level: float = 0.95, n_resamples: int = 1999, seed: int = 0
) -> tuple[float, float]:
    """
    Give a bootstrap interval of the mean effect over cultures.

    Parameters
    ----------
    effects : array_like, shape (n_cultures,)
        One effect per culture.
    level : float
        Coverage, in (0, 1).
    n_resamples : int
        Number of resamples.
    seed : int
        Seed.

    Returns
    -------
    tuple of float
        Lower and upper limit: bias-corrected and accelerated [1]_, or of percentiles where fewer
        than five cultures allow no acceleration.

    Raises
    ------
    InputError
        If there is one culture only, or the level lies outside (0, 1).

    References
    ----------
    .. [1] Efron (1987), Journal of the American Statistical Association 82, 171-185.

    Examples
    --------
    >>> bootstrap_interval([2.0, 2.0, 2.0])
    (2.0, 2.0)
    """
    return bootstrap_means(_effects(effects), level=level, n_resamples=n_resamples, seed=seed)


def effects_over_cultures(
    effects: pandas.DataFrame, *, contrast: str = "effect against 0", seed: int = 0
) -> pandas.DataFrame:
    """
    Sum up one effect per culture and measure.

    Parameters
    ----------
    effects : pandas.DataFrame, shape (n_cultures, n_measures)
        One row per culture; NaN where a culture has no effect.
    contrast : str
        What the effects compare, for the table.
    seed : int
        Seed of flips and resamples.

    Returns
    -------
    pandas.DataFrame
        One row per measure with the columns of :data:`DESCRIPTIONS`.

    Raises
    ------
    InputError
        If a measure has an effect in fewer than two cultures.

    Examples
    --------
    >>> import pandas as pd
    >>> table = effects_over_cultures(pd.DataFrame({"density": [0.1, 0.2, 0.3, 0.2, 0.1, 0.3]}))
    >>> table[["effect", "p_value", "smallest_p"]].round(3).iloc[0].to_dict()
    {'effect': 0.2, 'p_value': 0.031, 'smallest_p': 0.031}
    """
    rows = []
    for name in effects.columns:
        values = effects[name].to_numpy(dtype=np.float64)
        values = values[np.isfinite(values)]
        _require_cultures(len(values), f"'{name}'")
        low, high = bootstrap_interval(values, seed=seed)
        spread = float(values.std(ddof=1))
        null = sign_flip_null(values, seed=seed)
        rows.append(
            {
                "measure": str(name),
                "contrast": contrast,
                "n_cultures": len(values),
                "effect": float(values.mean()),
                "low": low,
                "high": high,
                "hedges_g": _small_sample(len(values) - 1) * float(values.mean()) / spread
                if spread > 0
                else np.nan,
                "p_value": null.p_value,
                "smallest_p": null.smallest_p,
            }
        )
    return _with_q(rows)


def paired_effects(
    table: pandas.DataFrame,
    measures: Sequence[str],
    *,
    culture: str,
    condition: str,
    contrast: tuple[str, str],
    seed: int = 0,
) -> pandas.DataFrame:
    """
    Compare two conditions within each culture, such as gameplay with rest.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of windows or recordings.
    measures : sequence of str
        Columns to be compared.
    culture, condition : str
        Columns that name the culture and the condition of a row.
    contrast : tuple of str
        The condition, and the one that is subtracted.
    seed : int
        Seed of flips and resamples.

    Returns
    -------
    pandas.DataFrame
        As :func:`effects_over_cultures`, of the difference of the means of both conditions.

    Raises
    ------
    InputError
        If fewer than two cultures have both conditions.
    """
    means = table.groupby([culture, condition])[list(measures)].mean()
    sides = []
    for name in contrast:
        if name not in table[condition].unique():
            raise InputError(
                f"No row has the condition '{name}'; there are {some(table[condition].unique())}."
            )
        sides.append(means.xs(name, level=condition))
    both = sides[0].index.intersection(sides[1].index)
    _require_cultures(len(both), f"{contrast[0]} against {contrast[1]}")
    differences = sides[0].loc[both] - sides[1].loc[both]
    return effects_over_cultures(differences, contrast=f"{contrast[0]} - {contrast[1]}", seed=seed)


def group_differences(
    table: pandas.DataFrame,
    measures: Sequence[str],
    *,
    culture: str,
    group: str,
    n_permutations: int = 9999,
    seed: int = 0,
) -> pandas.DataFrame:
    """
    Compare groups of different cultures, each culture counting once.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of windows or recordings.
    measures : sequence of str
        Columns to be compared.
    culture, group : str
        Columns that name the culture and the group of a row; a culture belongs to one group.
    n_permutations : int
        Number of permutations of groups over cultures; all where they are fewer.
    seed : int
        Seed of permutations and resamples.

    Returns
    -------
    pandas.DataFrame
        One row per measure and pair of groups, with the columns of :data:`DESCRIPTIONS`.

    Raises
    ------
    InputError
        If there is one group only, a group has one culture only, or a culture has two groups.
    """
    belongs = table.groupby(culture)[group].unique()
    torn = [str(name) for name, groups in belongs.items() if len(groups) > 1]
    if torn:
        raise InputError(
            f"The culture {some(torn)} stands in several groups. Compare conditions within "
            "cultures instead: --paired on the command line."
        )
    means = table.groupby([group, culture])[list(measures)].mean()
    names = [str(name) for name in table[group].unique()]
    if len(names) < 2:
        raise InputError(f"All cultures belong to the group '{names[0]}'; two are needed.")
    for name in names:
        members = means.xs(name, level=group)
        if len(members) < 2:
            raise InputError(
                f"The group '{name}' has one culture only ({members.index[0]}); a test over "
                "cultures needs two in each group. Recordings of one culture repeat it, they do "
                "not add to their number."
            )
    rows = []
    for first, second in itertools.combinations(sorted(names), 2):
        for measure in measures:
            sides = [means.xs(name, level=group)[measure].dropna() for name in (second, first)]
            values = [side.to_numpy(dtype=np.float64) for side in sides]
            _require_cultures(min(map(len, values)), f"'{measure}' in {first} or {second}")
            rows.append(
                {
                    "measure": measure,
                    "contrast": f"{second} - {first}",
                    **_difference(values[0], values[1], n_permutations, seed),
                }
            )
    return _with_q(rows)


def _difference(
    a: NDArray[np.float64], b: NDArray[np.float64], n_permutations: int, seed: int
) -> dict[str, float]:
    both = np.concatenate([a, b])
    is_first = np.arange(len(both)) < len(a)
    rng = np.random.default_rng(seed)
    chosen = arrangements(is_first, most=n_permutations, rng=rng)
    sums = chosen @ both
    differences = sums / len(a) - (both.sum() - sums) / len(b)
    # In units of the widest difference, so that rounding is told from a difference.
    differences = differences / max(float(np.abs(differences).max()), 1e-300)
    # With groups of equal size every division has its mirror image, which is as far apart.
    is_mirrored = len(a) == len(b) and len(chosen) == n_arrangements(is_first.tolist())
    null = Null(
        observed=differences[0],
        values=differences[1:],
        tail="both",
        n_extreme=2 if is_mirrored else 1,
    )
    effect = float(a.mean() - b.mean())
    low, high = bootstrap_means(a, b, seed=seed)
    freedom = len(both) - 2
    pooled = np.sqrt((a.var() * len(a) + b.var() * len(b)) / freedom)
    return {
        "n_cultures": len(both),
        "effect": effect,
        "low": low,
        "high": high,
        "hedges_g": _small_sample(freedom) * effect / pooled if pooled > 0 else np.nan,
        "p_value": null.p_value,
        "smallest_p": null.smallest_p,
    }


def _effects(effects: Any) -> NDArray[np.float64]:
    values = np.asarray(effects, dtype=np.float64)
    if values.ndim != 1 or not np.isfinite(values).all():
        raise InputError("Effects must be finite numbers, one per culture.")
    _require_cultures(len(values), "this test")
    return values


def _require_cultures(n_cultures: int, what: str) -> None:
    if n_cultures < 2:
        raise InputError(
            f"There is {n_cultures or 'no'} culture with {what}; a test over cultures needs two, "
            "and six to reach 0.05."
        )


def _small_sample(freedom: int) -> float:
    """Hedges' correction 1 − 3 / (4 ν − 1)."""
    return 1.0 - 3.0 / (4.0 * freedom - 1.0)


def _with_q(rows: list[dict[str, Any]]) -> pandas.DataFrame:
    import pandas as pd

    table = pd.DataFrame(rows)
    table["q_value"] = q_values(table["p_value"].to_numpy())
    return table[list(DESCRIPTIONS)]
