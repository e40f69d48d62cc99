"""Everything that is measured of one method on one recording with one seed."""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import ChanceLossWarning, InputError
from tavrnn_ephys.evaluation.clustering import ClusteringScore, cluster_windows
from tavrnn_ephys.evaluation.consistency import consistency_across_folds
from tavrnn_ephys.evaluation.cost import measured_cost
from tavrnn_ephys.evaluation.decoding import DecodingScore, decode_labels
from tavrnn_ephys.evaluation.embedding import FoldEmbedding, nodes_in_folds, transductive_features
from tavrnn_ephys.evaluation.folds import FoldFeatures, features_in_folds, joined_features
from tavrnn_ephys.evaluation.labelled import labelled_features
from tavrnn_ephys.evaluation.links import decode_links
from tavrnn_ephys.evaluation.regression import RegressionScore, decode_values
from tavrnn_ephys.evaluation.tasks import BenchmarkTask, TaskGraphs

__all__ = ["block_values", "score_method"]

# Seeds of the folds of one seed; no two seeds of a benchmark share any.
_SEED_STRIDE = 1000


def score_method(
    task: BenchmarkTask | TaskGraphs,
    make_method: Callable[[int], Any],
    *,
    seed: int = 0,
    n_shifts: int = 199,
    transductive: bool = True,
) -> dict[str, Any]:
    """
    Score a method under the whole protocol.

    Where a task says how many windows are ``labelled``, every decoder learns from these alone,
    true and shifted labels alike, and a class that they lack is never predicted.

    Parameters
    ----------
    task : BenchmarkTask or TaskGraphs
        The recording and what to decode; a :class:`TaskGraphs` keeps graphs between methods.
    make_method : callable
        Takes a seed and returns an unfitted method with ``fit`` and ``transform``.
    seed : int
        Seed of the method; every fold takes another that follows from it.
    n_shifts : int
        Circular shifts of the null.
    transductive : bool
        Whether the method is fitted once more, on all windows.

    Returns
    -------
    dict of str to object
        Numbers and lists only: ``score`` (balanced accuracy or explained variance), its
        ``null``, of labels the log-probability that ranks equal scores (``ties``,
        ``null_ties``), the score on bins shuffled within windows, with rates beside the embedding
        and beside that of shuffled bins (blocks weighed in inner folds), transductive; further
        metrics, cost, and the score of every block.

    Examples
    --------
    >>> from tavrnn_ephys.methods import Rates
    >>> from tavrnn_ephys.core.containers import BinnedActivity, Nodes, Windows
    >>> rng = np.random.default_rng(0)
    >>> labels = rng.permutation(np.arange(40) % 2)
    >>> counts = rng.poisson(2 + 6 * np.repeat(labels, 5), (3, 200))
    >>> activity = BinnedActivity(values=counts, bin_size_s=0.2, nodes=Nodes(ids="abc"))
    >>> windows = Windows(start_s=np.arange(40.0), stop_s=np.arange(40.0) + 1)
    >>> task = BenchmarkTask(
    ...     name="up and down", session="0", activity=activity, windows=windows, behavior=labels
    ... )
    >>> record = score_method(task, lambda seed: Rates(), n_shifts=9)
    >>> record["score"] > 0.9, record["p_value"]
    (True, 0.1)
    """
    prepared = task if isinstance(task, TaskGraphs) else TaskGraphs(task)
    example = make_method(seed)
    made: list[Any] = []

    def make(fold: int) -> Any:
        made.append(make_method(_SEED_STRIDE * seed + fold))
        return made[-1]

    def graphs(fold: Any = None, *, shuffled: bool) -> Any:
        return prepared.graphs(
            getattr(example, "features", "identity"),
            history_node=getattr(example, "history_node", False),
            shuffled=shuffled,
            fold=fold,
        )

    def of_folds(*, shuffled: bool) -> Any:
        # Made beforehand: their cost is not that of the method.
        for fold in prepared.folds:
            graphs(fold, shuffled=shuffled)
        return partial(graphs, shuffled=shuffled)

    about = {"labels": prepared.task.behavior, "n_labelled": prepared.task.labelled}
    prepared.graphs("identity", history_node=False, shuffled=True)
    record: dict[str, Any] = _declared(example)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("ignore")
        warnings.simplefilter("always", ChanceLossWarning)
        if record["inductive"]:
            real = of_folds(shuffled=False)
            with measured_cost() as cost:
                embeddings = nodes_in_folds(make, real, prepared.folds, **about)
            record["n_at_chance"] = len(caught)
            control = nodes_in_folds(make, of_folds(shuffled=True), prepared.folds, **about)
            record |= _inductive_scores(prepared, embeddings, control, n_shifts)
            record |= {
                "seconds": cost.seconds / len(prepared.folds),
                "peak_mb": cost.peak_mb,
                "n_steps": int(getattr(made[0], "n_optimizer_steps", 0)),
            }
        if transductive or not record["inductive"]:
            seen = transductive_features(make, graphs(shuffled=False), prepared.folds, **about)
            record["transductive"] = _value(_decode(prepared, seen, 0))
    return record


def _declared(method: Any) -> dict[str, Any]:
    return {
        "supervision": str(getattr(method, "supervision", "none")),
        "inductive": bool(getattr(method, "inductive", True)),
        "causal": bool(getattr(method, "causal", True)),
        "valid_from": int(getattr(method, "valid_from", 0)),
    }


def _inductive_scores(
    prepared: TaskGraphs,
    embeddings: list[FoldEmbedding],
    control: list[FoldEmbedding],
    n_shifts: int,
) -> dict[str, Any]:
    task = prepared.task
    features = [item.features for item in embeddings]
    rates = features_in_folds(
        np.asarray(prepared.connectivity.mean_activity), [item.fold for item in embeddings]
    )
    main = _decode(prepared, features, n_shifts)
    low, high = main.chance_interval
    shuffled = _decode(prepared, [item.features for item in control], 0)
    with_rates = _decode(prepared, joined_features([rates, features]), 0)
    known = prepared.connectivity
    undirected = known.symmetrized() if known.directed else known
    links = decode_links(embeddings, undirected.weights, coupled=task.coupled)
    beside = joined_features([rates, [item.features for item in control]])
    control_with_rates = _decode(prepared, beside, 0)
    return {
        "score": _value(main),
        # Not rounded, or a score would no longer tie with the same score under the null.
        "null": main.null.tolist(),
        **_ties(main),
        "chance_low": low,
        "chance_high": high,
        "p_value": main.p_value,
        "smallest_p": main.smallest_p,
        "shuffled": _value(shuffled),
        "with_rates": _value(with_rates),
        "control_with_rates": _value(control_with_rates),
        "chance_level": _chance_level(main),
        "blocks": block_values(main).tolist(),
        "shuffled_blocks": block_values(shuffled).tolist(),
        "with_rates_blocks": block_values(with_rates).tolist(),
        "control_with_rates_blocks": block_values(control_with_rates).tolist(),
        "link_same": links.same,
        "link_next": links.following,
        "recovery": links.recovery,
        "consistency": consistency_across_folds(embeddings),
        **_further(prepared, embeddings, features, main),
    }


def _further(
    prepared: TaskGraphs,
    embeddings: list[FoldEmbedding],
    features: list[FoldFeatures],
    main: DecodingScore | RegressionScore,
) -> dict[str, float]:
    if isinstance(main, RegressionScore):
        return {"correlation": main.correlation}
    labels = prepared.task.behavior
    nearest: Any = _decode(prepared, features, 0, classifier="k_nearest")
    try:
        clusters = cluster_windows(embeddings, labels)
    except InputError:
        # Labels that change too seldom for any block to hold two of them.
        clusters = ClusteringScore(ari=math.nan, nmi=math.nan, silhouette=math.nan)
    return {
        "f1": main.f1,
        "k_nearest": nearest.balanced_accuracy,
        "ari": clusters.ari,
        "nmi": clusters.nmi,
        "silhouette": clusters.silhouette,
    }


def _decode(
    prepared: TaskGraphs, features: Sequence[FoldFeatures], n_shifts: int, **options: Any
) -> DecodingScore | RegressionScore:
    decode: Any = decode_labels if prepared.task.kind == "classification" else decode_values
    # The shifts are the same for every method and seed: the null is paired like the scores.
    return decode(
        "",
        labelled_features(features, prepared.folds, prepared.task.labelled),
        prepared.task.behavior,
        min_shift=prepared.min_shift,
        n_shifts=n_shifts,
        seed=0,
        **options,
    )


def _ties(score: DecodingScore | RegressionScore) -> dict[str, Any]:
    """Give what ranks equal scores, beside its null; nothing for scores that do not tie."""
    if score.ties is None:
        return {}
    return {"ties": float(score.ties.observed), "null_ties": score.ties.values.tolist()}


def _value(score: DecodingScore | RegressionScore) -> float:
    return float(score.r2 if isinstance(score, RegressionScore) else score.balanced_accuracy)


def _chance_level(score: DecodingScore | RegressionScore) -> float:
    return 0.0 if isinstance(score, RegressionScore) else 1.0 / len(np.unique(score.codes))


def block_values(score: DecodingScore | RegressionScore) -> NDArray[np.float64]:
    """
    Split a pooled score into what each test block adds to it.

    Parameters
    ----------
    score : DecodingScore or RegressionScore
        The score.

    Returns
    -------
    numpy.ndarray, shape (n_blocks,)
        Values whose mean is the score: for balanced accuracy every right window counts one over
        the windows of its class, for explained variance every squared error one over the total.
    """
    names = np.unique(score.block[score.block >= 0])
    if isinstance(score, RegressionScore):
        total = np.square(score.values - score.baseline)
        gain = (total - np.square(score.values - score.predicted)) / np.nansum(total)
    else:
        tested = score.block >= 0
        counts = np.bincount(score.codes[tested], minlength=score.codes.max() + 1)
        gain = (score.predicted == score.codes) / np.maximum(counts, 1)[score.codes]
        gain = gain / np.count_nonzero(counts)
    return len(names) * np.array([gain[score.block == name].sum() for name in names])
