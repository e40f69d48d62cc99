"""Measures of recordings that follow a number, such as days in vitro."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata, theilslopes

from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.statistics.discoveries import q_values
from tavrnn_ephys.statistics.nulls import Null
from tavrnn_ephys.statistics.resampling import arrangements, n_arrangements, sign_flip_null

if TYPE_CHECKING:
    import pandas

__all__ = ["trends_over_recordings"]

_LEVEL = 0.05
DESCRIPTIONS = {
    "measure": "What follows the number.",
    "test": "Whether cultures are compared with each other, or with themselves at another age.",
    "n_recordings": "Number of recordings that enter.",
    "n_cultures": "Number of cultures that enter, the independent units.",
    "correlation": "Spearman correlation of the measure with the number, in [-1, 1].",
    "slope": "Change of the measure per unit of the number: Theil-Sen between cultures, mean of "
    "the lines of cultures within them.",
    "p_value": "Two-sided permutation test over cultures; none where it could not reach 0.05.",
    "q_value": "Benjamini-Hochberg over measures.",
    "smallest_p": "Smallest p-value that these cultures and ages can give.",
}


def trends_over_recordings(
    table: pandas.DataFrame,
    measures: Sequence[str],
    *,
    over: str,
    culture: str | None = None,
    n_permutations: int = 9999,
    seed: int = 0,
) -> pandas.DataFrame:
    """
    Correlate measures of recordings with a number, cultures being the independent units.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per recording.
    measures : sequence of str
        Columns that may follow the number.
    over : str
        Column of the number, such as the age in days.
    culture : str, optional
        Column that names the culture of a recording; by default each recording is one of its own.
    n_permutations : int
        Number of arrangements, none drawn twice; all where they are fewer.
    seed : int
        Seed of random arrangements.

    Returns
    -------
    pandas.DataFrame
        One row per measure with the columns of :data:`DESCRIPTIONS`.  ``p_value`` is NaN, and a
        warning says why, where ``smallest_p`` exceeds 0.05.

    Raises
    ------
    InputError
        If there are fewer than four recordings, or the number does not vary.

    Warns
    -----
    DataLossWarning
        If cultures with one age are left out, or no p-value of 0.05 can be reached.

    Notes
    -----
    Recordings of one culture resemble each other whatever their age, so that they are not
    exchangeable.  *Between cultures*, the mean of each culture is correlated with its mean number,
    and numbers are permuted over cultures: each distinct order once, or ``n_permutations`` of
    them.  It is exact where cultures have as many recordings each.  *Within cultures*, every
    culture with several ages gives the slope of its own least-squares line, and the signs of
    slopes are flipped, as in :func:`tavrnn_ephys.statistics.across_cultures.sign_flip_p_value`;
    ``correlation`` and ``slope`` are means over those cultures.  Changes within cultures are
    tested where six cultures have several ages, or where there is nothing between them that could
    reach 0.05.  The ages alone decide, never the measures.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.DataFrame({"day": [1, 2, 3, 4, 5], "density": [0.1, 0.2, 0.3, 0.4, 0.5]})
    >>> found = trends_over_recordings(days, ["density"], over="day").round(3).iloc[0]
    >>> found[["test", "correlation", "slope", "p_value", "smallest_p"]].to_dict()
    {'test': 'between cultures', 'correlation': 1.0, 'slope': 0.1, 'p_value': 0.017,
     'smallest_p': 0.017}
    """
    import pandas as pd

    x = table[over].to_numpy(dtype=np.float64)
    if len(x) < 4 or np.ptp(x) == 0:
        raise InputError(
            f"A trend needs four recordings and a number that varies; there are {len(x)}, with "
            f"'{over}' from {x.min():g} to {x.max():g}."
        )
    names = np.arange(len(x)) if culture is None else table[culture].to_numpy()
    unit = np.unique(names, return_inverse=True)[1]
    is_within = _changes_within(x, unit)
    judge = _within if is_within else _between
    rows = []
    for name in measures:
        y = table[name].to_numpy(dtype=np.float64)
        rows.append({"measure": name} | judge(x, y, unit, n_permutations, seed))
    result = pd.DataFrame(rows)
    _announce(result, x, unit, is_within=is_within)
    result.loc[~(result["smallest_p"] <= _LEVEL), "p_value"] = np.nan
    result["q_value"] = q_values(result["p_value"].to_numpy())
    return result[list(DESCRIPTIONS)]


def _changes_within(x: NDArray[np.float64], unit: NDArray[np.int64]) -> bool:
    """Choose the test by the numbers alone: before any measure is seen."""
    n_several = int(np.sum(_has_several(x, unit)))
    if 2.0 / 2**n_several <= _LEVEL:
        return True
    n_orders = n_arrangements(_means(x, unit).tolist())
    return 2.0 / n_orders > _LEVEL and n_several > 0


def _has_several(x: NDArray[np.float64], unit: NDArray[np.int64]) -> NDArray[np.bool_]:
    return np.array([np.ptp(x[unit == index]) > 0 for index in range(unit.max() + 1)])


def _means(values: NDArray[np.float64], unit: NDArray[np.int64]) -> NDArray[np.float64]:
    # Means of the same ages in another order differ by rounding, and are one age.
    return np.round(np.bincount(unit, values) / np.bincount(unit), 9)


def _between(
    x: NDArray[np.float64], y: NDArray[np.float64], unit: NDArray[np.int64], most: int, seed: int
) -> dict[str, Any]:
    """Correlate means of cultures, numbers permuted over cultures."""
    ages, means = _means(x, unit), np.bincount(unit, y) / np.bincount(unit)
    facts = {
        "test": "between cultures",
        "n_recordings": len(x),
        "n_cultures": len(ages),
        "slope": float(theilslopes(means, ages).slope),
    }
    if np.ptp(means) == 0:
        return facts | {"correlation": np.nan, "p_value": np.nan, "smallest_p": np.nan}
    orders = arrangements(rankdata(ages), most=most, rng=np.random.default_rng(seed))
    found = _standard(orders) @ _standard(rankdata(means))
    is_complete = len(orders) == n_arrangements(ages.tolist())
    sizes = np.abs(found)
    n_extreme = int(np.sum(sizes >= sizes.max() - 1e-12)) if is_complete else 1
    null = Null(observed=found[0], values=found[1:], tail="both", n_extreme=n_extreme)
    return facts | {
        "correlation": float(found[0]),
        "p_value": null.p_value,
        "smallest_p": null.smallest_p,
    }


def _within(
    x: NDArray[np.float64], y: NDArray[np.float64], unit: NDArray[np.int64], most: int, seed: int
) -> dict[str, Any]:
    """Average the slopes of cultures, signs flipped over cultures."""
    chosen = [unit == index for index in np.flatnonzero(_has_several(x, unit))]
    slopes = np.array([np.polynomial.Polynomial.fit(x[k], y[k], 1).convert().coef for k in chosen])
    ranks = [_standard(rankdata(x[k])) @ _standard(rankdata(y[k])) for k in chosen]
    null = sign_flip_null(slopes[:, 1], n_flips=most, seed=seed)
    return {
        "test": "within cultures",
        "n_recordings": int(sum(np.sum(k) for k in chosen)),
        "n_cultures": len(chosen),
        "correlation": float(np.mean(ranks)),
        "slope": float(slopes[:, 1].mean()),
        "p_value": null.p_value,
        "smallest_p": null.smallest_p,
    }


def _announce(
    result: pandas.DataFrame, x: NDArray[np.float64], unit: NDArray[np.int64], *, is_within: bool
) -> None:
    """Say in one warning what is left out and what cannot be decided."""
    said = []
    has_several = _has_several(x, unit)
    if is_within and not has_several.all():
        said.append(
            f"{int(np.sum(~has_several))} of {len(has_several)} cultures have one age and do not "
            "enter the trend within cultures."
        )
    least = result["smallest_p"].min()
    if least > _LEVEL:
        n_units = int(result["n_cultures"].iloc[0])
        way_out = "six cultures of several ages" if is_within else "five cultures of different ages"
        said.append(
            f"{n_units} {'culture' if n_units == 1 else 'cultures'} cannot show a trend: the "
            f"smallest p-value that can be reached is {least:.3g}, so that none is given. Record "
            f"{way_out}."
        )
    if said:
        warnings.warn(" ".join(said), DataLossWarning, stacklevel=3)


def _standard(ranks: NDArray[Any]) -> NDArray[np.float64]:
    """Centre and scale rows, so that their product is a correlation."""
    centred = ranks - ranks.mean(axis=-1, keepdims=True)
    size = np.linalg.norm(centred, axis=-1, keepdims=True)
    # Equal ranks have no size; their correlation is 0.
    return np.asarray(centred / np.maximum(size, 1e-12))
