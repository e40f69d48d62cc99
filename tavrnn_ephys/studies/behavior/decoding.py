"""A behaviour predicted from every kind of features, each fitted inside its fold."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
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
from tavrnn_ephys.statistics.time_shifts import correlation_time
from tavrnn_ephys.studies.analysis import AnalysisResult, make_model
from tavrnn_ephys.studies.behavior.config import BehaviorConfig
from tavrnn_ephys.studies.behavior.partition import partitioned
from tavrnn_ephys.studies.behavior.scores import N_FOLDS

if TYPE_CHECKING:
    import pandas

__all__ = ["decoded"]


def decoded(
    result: AnalysisResult,
    behavior: WindowBehavior,
    score: NDArray[np.float64],
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
    score : numpy.ndarray, shape (n_windows,)
        The behaviour as a number, NaN where unknown.
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

    known = np.flatnonzero(np.isfinite(score))
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
    judged = score[known].astype(np.int64) if behavior.is_label else score[known]
    judge = partial(_judged, judged, min_shift=correlation_time(judged), config=config)
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
    return pd.DataFrame(rows), partitioned(in_folds, embeddings, judged)


def _judged(
    values: NDArray[Any],
    name: str,
    features: Sequence[Any],
    held: Any = None,
    *,
    min_shift: int,
    config: BehaviorConfig,
) -> dict[str, Any]:
    """Decode labels, or regress numbers."""
    options: dict[str, Any] = {
        "min_shift": min_shift, "n_shifts": config.n_nulls, "seed": config.seed,
    }  # fmt: skip
    found: Any
    # A label less what rates say of it is a number.
    if values.dtype.kind == "i" and held is None:
        found = decode_labels(name, features, values, **options)
        metric, value = "balanced accuracy", found.balanced_accuracy
    else:
        found = regress_values(name, features, values.astype(np.float64), held=held, **options)
        metric, value = "rank correlation in blocks", found.correlation
    low, high = found.chance_interval
    return {
        "features": name,
        "metric": metric,
        "score": value,
        "chance_low": low,
        "chance_high": high,
        "p_value": found.p_value,
        "smallest_p": found.smallest_p,
        # How often the behaviour could have been another one, whatever the number of shifts.
        "n_independent": len(values) / min_shift,
    }
