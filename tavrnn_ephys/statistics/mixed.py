"""Factors between and within cultures in one linear mixed model."""

from __future__ import annotations

import itertools
import warnings
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.stats import f as f_distribution

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.statistics.discoveries import q_values

if TYPE_CHECKING:
    import pandas

__all__ = ["MIXED_DESCRIPTIONS", "mixed_effects"]

MIXED_DESCRIPTIONS = {
    "measure": "What is compared.",
    "term": "Factor, or interaction of factors joined by ' x '.",
    "f_value": "Wald's F of the term in the mixed model, each factor coded as deviations.",
    "df_term": "Degrees of freedom of the term.",
    "df_left": "Degrees of freedom of what it is judged by: cultures, or recordings within them.",
    "p_value": "P-value of F.",
    "q_value": "Benjamini-Hochberg over the rows of the table.",
    "n_cultures": "Number of cultures.",
    "n_recordings": "Number of recordings.",
    "culture_share": "Share of the unexplained variance that lies between cultures.",
}
_MOST_FACTORS = 3


def mixed_effects(
    table: pandas.DataFrame, measures: Sequence[str], *, culture: str, factors: Sequence[str]
) -> pandas.DataFrame:
    """
    Test factors and their interactions, with cultures as random effects.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per recording.
    measures : sequence of str
        Columns to be compared.
    culture : str
        Column that names the culture or animal of a recording.
    factors : sequence of str
        Columns that name conditions, at most three; each may vary between cultures or within.

    Returns
    -------
    pandas.DataFrame
        One row per measure and term, with the columns of :data:`MIXED_DESCRIPTIONS`.

    Raises
    ------
    InputError
        If statsmodels is not installed, a factor has one level, a combination of levels is never
        seen, or cultures or recordings are too few.

    Notes
    -----
    The model is ``measure = factors + interactions + culture + rest``, culture and rest being
    normal, fitted by restricted maximum likelihood [1]_ in statsmodels.  Factors are coded as
    deviations from the mean, so that main effects are averages over the other factors.  F is Wald's
    statistic over the degrees of freedom of the term.  Factors that vary between cultures are
    judged by the number of cultures, all others by that of recordings within cultures [2]_.  With
    as many recordings in each cell F is that of the analysis of variance of repeated measures.
    Wald's test against a chi-squared distribution would find too much in few cultures.

    References
    ----------
    .. [1] Laird & Ware (1982), Biometrics 38, 963-974.
    .. [2] Pinheiro & Bates (2000), Mixed-effects models in S and S-PLUS, section 2.4.

    Examples
    --------
    >>> import pandas as pd
    >>> rng = np.random.default_rng(0)
    >>> table = pd.DataFrame(
    ...     [
    ...         {"culture": c, "drug": d, "line": "AB"[c % 2], "rate": (d == "high") + rng.normal()}
    ...         for c in range(12)
    ...         for d in ("none", "high")
    ...     ]
    ... )
    >>> found = mixed_effects(table, ["rate"], culture="culture", factors=["drug", "line"])
    >>> found[["term", "df_term", "df_left"]].to_numpy().tolist()
    [['drug', 1, 10], ['line', 1, 10], ['drug x line', 1, 10]]
    """
    import pandas as pd

    _check(table, culture, factors)
    model = _model()
    terms = [
        term for n in range(1, len(factors) + 1) for term in itertools.combinations(factors, n)
    ]
    columns = _columns(table, terms)
    left = _freedom(table, culture, terms, columns)
    rows = []
    for measure in measures:
        rows += _tested(model, table, measure, culture, columns, left)
    made = pd.DataFrame(rows)
    made["q_value"] = q_values(made["p_value"].to_numpy())
    return made[list(MIXED_DESCRIPTIONS)]


def _check(table: pandas.DataFrame, culture: str, factors: Sequence[str]) -> None:
    if not 1 <= len(factors) <= _MOST_FACTORS or len(set(factors)) < len(factors):
        raise InputError(f"Name one to {_MOST_FACTORS} different factors, got {some(factors)}.")
    for name in factors:
        levels = table[name].unique()
        if len(levels) < 2:
            raise InputError(f"The factor '{name}' is '{levels[0]}' everywhere; two are needed.")
    cells = table.groupby(list(factors)).size()
    wanted = int(np.prod([table[name].nunique() for name in factors]))
    if len(cells) < wanted:
        raise InputError(
            f"{wanted - len(cells)} of {wanted} combinations of {some(factors)} have no recording, "
            "so that their interaction is not known. Compare fewer factors."
        )
    if table[culture].nunique() == len(table):
        raise InputError(
            "Every culture has one recording: there is nothing within cultures. Leave the mixed "
            "model out; groups are compared over cultures."
        )


def _columns(table: pandas.DataFrame, terms: Any) -> dict[str, Any]:
    """Columns of the design by term: deviations from the mean, and their products."""
    single = {}
    for (name,) in (term for term in terms if len(term) == 1):
        levels = sorted(map(str, table[name].unique()))
        values = table[name].astype(str).to_numpy()
        coded = np.stack([(values == level).astype(float) for level in levels[:-1]], axis=1)
        coded[values == levels[-1]] = -1.0
        single[name] = coded
    found = {}
    for term in terms:
        product = np.ones((len(table), 1))
        for name in term:
            product = (product[:, :, None] * single[name][:, None, :]).reshape(len(table), -1)
        found[" x ".join(term)] = product
    return found


def _freedom(
    table: pandas.DataFrame, culture: str, terms: Any, columns: dict[str, Any]
) -> dict[str, int]:
    """Degrees of freedom that each term is judged by."""
    n_cultures = table[culture].nunique()
    is_within = {
        " x ".join(term): any((table.groupby(culture)[name].nunique() > 1).any() for name in term)
        for term in terms
    }
    n_within = sum(columns[name].shape[1] for name in columns if is_within[name])
    n_between = sum(columns[name].shape[1] for name in columns if not is_within[name])
    within = len(table) - n_cultures - n_within
    between = n_cultures - 1 - n_between
    left = {name: within if is_within[name] else between for name in columns}
    if min(left.values()) < 1:
        raise InputError(
            f"{len(table)} recordings of {n_cultures} cultures are too few for so many factors. "
            "Compare fewer factors, or record more cultures."
        )
    return left


def _tested(
    model: Any,
    table: pandas.DataFrame, measure: str, culture: str, columns: dict[str, Any],
    left: dict[str, int],
) -> list[dict[str, Any]]:  # fmt: skip
    values = table[measure].to_numpy(dtype=np.float64)
    spread = float(values.std())
    # In units of its spread: the optimiser's steps know no unit.
    scaled = (values - values.mean()) / (spread if spread > 0 else 1.0)
    known = {"measure": measure, "n_cultures": table[culture].nunique(),
             "n_recordings": len(table)}  # fmt: skip
    if spread <= 1e-12 * np.abs(values).max(initial=0.0) or not np.isfinite(spread):
        return [{**known, "term": name, "f_value": np.nan, "df_term": columns[name].shape[1],
                 "df_left": left[name], "p_value": np.nan, "culture_share": np.nan}
                for name in columns]  # fmt: skip
    design = np.hstack([np.ones((len(table), 1)), *columns.values()])
    with warnings.catch_warnings():
        # That cultures do not differ beyond chance is an answer: their variance is zero then.
        warnings.simplefilter("ignore")
        found = model(scaled, design, groups=table[culture].to_numpy()).fit(reml=True)
    between = float(np.asarray(found.cov_re).item())
    share = between / (between + float(found.scale))
    estimates = np.asarray(found.fe_params)
    covariance = np.asarray(found.cov_params())[: len(estimates), : len(estimates)]
    rows, first = [], 1
    for name, coded in columns.items():
        here = slice(first, first + coded.shape[1])
        first = here.stop
        wald = estimates[here] @ np.linalg.solve(covariance[here, here], estimates[here])
        f_value = float(wald) / coded.shape[1]
        rows.append(
            {
                **known,
                "term": name,
                "f_value": f_value,
                "df_term": coded.shape[1],
                "df_left": left[name],
                "p_value": float(f_distribution.sf(f_value, coded.shape[1], left[name])),
                "culture_share": share,
            }
        )
    return rows


def _model() -> Any:
    try:
        from statsmodels.regression.mixed_linear_model import MixedLM
    except ImportError:
        raise InputError(
            "A mixed model needs statsmodels, which is not installed: "
            "pip install 'tavrnn_ephys[groups]'."
        ) from None
    return MixedLM
