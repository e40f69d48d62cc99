"""Measures of recordings that follow a number, such as days in vitro."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from scipy.stats import false_discovery_control, rankdata, theilslopes

from tavrnn_ephys.core.errors import InputError

if TYPE_CHECKING:
    import pandas

__all__ = ["trends_over_recordings"]

DESCRIPTIONS = {
    "measure": "What follows the number.",
    "n_recordings": "Number of recordings.",
    "correlation": "Spearman correlation of the measure with the number, in [-1, 1].",
    "slope": "Theil-Sen slope: change of the measure per unit of the number.",
    "p_value": "Two-sided permutation test over recordings.",
    "q_value": "Benjamini-Hochberg over measures.",
}


def trends_over_recordings(
    table: pandas.DataFrame,
    measures: Sequence[str],
    *,
    over: str,
    n_permutations: int = 9999,
    seed: int = 0,
) -> pandas.DataFrame:
    """
    Correlate measures of recordings with a number.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per recording.
    measures : sequence of str
        Columns that may follow the number.
    over : str
        Column of the number, such as the age in days.
    n_permutations : int
        Number of random orders of the recordings; all where they are fewer.
    seed : int
        Seed of random orders.

    Returns
    -------
    pandas.DataFrame
        One row per measure with the columns of :data:`DESCRIPTIONS`.

    Raises
    ------
    InputError
        If there are fewer than four recordings, or the number does not vary.

    Notes
    -----
    The test takes recordings as exchangeable.  Where they are all of one culture it describes
    that culture, and says nothing about others.

    Examples
    --------
    >>> import pandas as pd
    >>> days = pd.DataFrame({"day": [1, 2, 3, 4, 5], "density": [0.1, 0.2, 0.3, 0.4, 0.5]})
    >>> trends_over_recordings(days, ["density"], over="day").round(3).iloc[0].to_dict()
    {'measure': 'density', 'n_recordings': 5, 'correlation': 1.0, 'slope': 0.1,
     'p_value': 0.017, 'q_value': 0.017}
    """
    import pandas as pd

    x = table[over].to_numpy(dtype=np.float64)
    if len(x) < 4 or np.ptp(x) == 0:
        raise InputError(
            f"A trend needs four recordings and a number that varies; there are {len(x)}, with "
            f"'{over}' from {x.min():g} to {x.max():g}."
        )
    ranks = _standard(rankdata(x))
    if len(x) <= 7:
        orders = np.array(list(itertools.permutations(range(len(x)))))
    else:
        rng = np.random.default_rng(seed)
        draws = [rng.permutation(len(x)) for _ in range(n_permutations)]
        orders = np.vstack([np.arange(len(x)), *draws])
    rows = []
    for name in measures:
        y = table[name].to_numpy(dtype=np.float64)
        varies = np.ptp(y) > 0
        found = _standard(rankdata(y))[orders] @ ranks if varies else np.zeros(len(orders))
        rows.append(
            {
                "measure": name,
                "n_recordings": len(x),
                "correlation": float(found[0]) if varies else np.nan,
                "slope": float(theilslopes(y, x).slope),
                "p_value": float(np.mean(np.abs(found) >= abs(found[0]) - 1e-12)),
            }
        )
    result = pd.DataFrame(rows)
    result["q_value"] = false_discovery_control(result["p_value"].to_numpy())
    return result


def _standard(ranks: np.ndarray) -> np.ndarray:
    centred = ranks - ranks.mean()
    return np.asarray(centred / max(float(np.linalg.norm(centred)), 1e-12))
