"""A behaviour predicted from every kind of features, each fitted inside its fold."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior import WindowBehavior
from tavrnn_ephys.connectivity.network import compute_graphs
from tavrnn_ephys.connectivity.surrogates import shuffle_bins_within_windows
from tavrnn_ephys.core.errors import ChanceLossWarning
from tavrnn_ephys.evaluation import (
    blocked_folds,
    decode_labels,
    embed_in_folds,
    features_in_folds,
    regress_values,
)
from tavrnn_ephys.methods import UASE
from tavrnn_ephys.statistics.nulls import Null
from tavrnn_ephys.statistics.time_shifts import correlation_time
from tavrnn_ephys.studies.analysis import AnalysisResult, make_model
from tavrnn_ephys.studies.behavior.config import BehaviorConfig
from tavrnn_ephys.studies.behavior.partition import partitioned
from tavrnn_ephys.studies.behavior.scores import N_FOLDS, behavior_score

if TYPE_CHECKING:
    import pandas

__all__ = ["decoded"]


def decoded(
    result: AnalysisResult,
    behavior: WindowBehavior,
    components: Mapping[str, NDArray[np.float64]],
    config: BehaviorConfig,
) -> tuple[pandas.DataFrame, pandas.DataFrame]:
    """
    Predict the behaviour from every kind of features, each fitted inside its fold.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.
    behavior : WindowBehavior
        The behaviour per window.
    components : mapping of str to numpy.ndarray, shape (n_windows,)
        The behaviour as numbers, NaN where unknown, as
        :func:`tavrnn_ephys.studies.behavior.scores.components_of` gives them.
    config : BehaviorConfig
        How.

    Returns
    -------
    decoding : pandas.DataFrame
        One row per kind of features, with its score, its chance and its p-value.
    partition : pandas.DataFrame
        One row per embedding: what it says beside mean rates, and what both say alike.
    """
    import pandas as pd

    series = np.stack(list(components.values()), axis=1)
    known = np.flatnonzero(np.isfinite(series).all(axis=1))
    windows = result.windows.select(known)
    folds = blocked_folds(len(known), n_folds=N_FOLDS, gap=windows.overlap + 1)
    graphs, rates = (
        result.graphs.select(known),
        np.asarray(result.connectivity.mean_activity)[known],
    )
    build = partial(make_model, result.config)
    shuffled = shuffle_bins_within_windows(result.activity, windows, seed=config.seed)
    about = result.config.connectivity, result.config.graphs
    _, control = compute_graphs(shuffled, windows, *about)
    # Codes of labels are no numbers.
    labels = behavior_score(behavior)[known].astype(np.int64) if behavior.is_label else None
    slow = (correlation_time(labels) if labels is not None
            else max(correlation_time(column) for column in series[known].T))  # fmt: skip
    judge = partial(_judged, series[known], labels, min_shift=slow, config=config)
    in_folds = features_in_folds(rates, folds)
    embeddings = {
        "spectral embedding": [embed_in_folds(UASE, item, folds) for item in (graphs, control)]
    }
    if config.model_in_folds:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", ChanceLossWarning)
            embeddings["TAVRNN embedding"] = [
                embed_in_folds(build, item, folds) for item in (graphs, control)
            ]
    rows = [judge("mean rates", in_folds)]
    for name, (embedding, of_shuffled) in embeddings.items():
        rows += [
            judge(name, embedding),
            judge(f"{name}, rates held", embedding, rates),
            judge(f"{name}, bins shuffled", of_shuffled),
        ]
    told = series[known, 0] if labels is None else labels
    parted = [partitioned(in_folds, embeddings, told)]
    if labels is None:
        # What is said of the cosine and of the sine of an angle, one row each.
        parted += [partitioned(in_folds, embeddings, column) for column in series[known, 1:].T]
        for name, table in zip(components, parted, strict=True):
            table["embedding"] += f", {name}" if name else ""
    return pd.DataFrame(rows), pd.concat(parted, ignore_index=True)


def _judged(
    series: NDArray[np.float64],
    labels: NDArray[np.int64] | None,
    name: str,
    features: Sequence[Any],
    held: Any = None,
    *,
    min_shift: int,
    config: BehaviorConfig,
) -> dict[str, Any]:
    """Decode labels, or regress numbers; of several components the mean, shifted together."""
    options: dict[str, Any] = {
        "min_shift": min_shift, "n_shifts": config.n_nulls, "seed": config.seed,
    }  # fmt: skip
    # A label less what rates say of it is a number.
    if labels is not None and held is None:
        found = decode_labels(name, features, labels, **options)
        metric, judged = "balanced accuracy", found.chance
    else:
        metric = "rank correlation in blocks"
        each = [regress_values(name, features, column, held=held, **options) for column in series.T]
        # Seed and least shift are the same, and so are the shifts.
        judged = each[0].chance
        if len(each) > 1:
            judged = Null(
                observed=float(np.mean([item.correlation for item in each])),
                values=np.mean([item.null for item in each], axis=0),
                n_extreme=1 + min(item.n_same for item in each),
            )
    low, high = judged.interval
    return {
        "features": name,
        "metric": metric,
        "score": float(judged.observed),
        "chance_low": low,
        "chance_high": high,
        "p_value": judged.p_value,
        "smallest_p": judged.smallest_p,
        # How often the behaviour could have been another one, whatever the number of shifts.
        "n_independent": len(series) / min_shift,
    }
