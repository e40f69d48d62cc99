"""One random call of each kind."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from typing import Any

import numpy as np
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.activity.behavior.per_window import behavior_names
from tavrnn_ephys.activity.windows import window_means
from tavrnn_ephys.connectivity.measures import MEASURES
from tavrnn_ephys.core.errors import TavrnnEphysError
from tavrnn_ephys.evaluation import BlockedFold, FoldFeatures, decode_labels, decode_values
from tavrnn_ephys.methods.uase import UASE
from tavrnn_ephys.statistics.association import associate, change_points
from tests.fuzz.inputs import Inputs

__all__ = ["CALLS", "Given"]

#: What a call was given, so that whoever runs it can see whether it was changed.
Given = list[Any]


def _container(draw: Inputs, given: Given) -> Any:
    n_nodes, n_windows = draw.integer(1, 5), draw.integer(1, 5)
    start = np.arange(n_windows, dtype=float)
    mean = draw.odd(draw.rng.normal(size=(n_windows, n_nodes, 2)))
    positions = draw.odd(draw.rng.normal(size=(n_nodes, 2)))
    given += [mean, positions]
    windows = te.Windows(
        start_s=draw.odd(start), stop_s=draw.odd(start + 1), segment_index=draw.odd(None),
        columns={"x": draw.odd(start)},
    )  # fmt: skip
    nodes = te.Nodes(ids=draw.odd(range(n_nodes)), groups=draw.odd(None), positions_um=positions)
    embedding = te.NodeEmbedding(mean=mean, std=draw.odd(mean), windows=windows, nodes=nodes)
    repr(embedding), embedding._repr_html_()
    return embedding.window_embedding(draw.odd(draw.pick("concatenate", "mean", "history")))


def _arrays(draw: Inputs, given: Given) -> Any:
    values = draw.matrix(draw.integer(1, 4), draw.pick(0, 1, 30))
    given.append(values)
    behavior = draw.odd({"x": draw.odd(np.arange(30.0), 0.3)})
    common = {
        "t_start": draw.odd(None, 0.02), "t_stop": draw.odd(None, 0.02),
        "node_ids": draw.odd(None, 0.02),
        "behavior": draw.pick(None, behavior), "behavior_rate": draw.odd(10 * pq.Hz),
    }  # fmt: skip
    kind = draw.pick("counts", "traces", "spike_times")
    if kind == "spike_times":
        return te.block_from_arrays(
            spike_times=draw.odd([draw.odd(draw.seconds(9)) for _ in range(3)]), **common
        )
    return te.block_from_arrays(
        **{kind: values}, bin_size=draw.duration(), sampling_rate=draw.odd(10 * pq.Hz), **common
    )


def _binning(draw: Inputs, given: Given) -> Any:
    segment = draw.segment()
    return te.bin_activity(
        segment,
        bin_size=draw.duration(),
        source=draw.odd(draw.pick("auto", "auto", "spiketrains", "traces")),
    )


def _behavior(draw: Inputs, given: Given) -> Any:
    segment = draw.segment()
    known = ["speed", "trials", "phase:a", "hits", "speed:1", "position_0"]
    if draw.rng.random() < 0.6:
        with contextlib.suppress(TavrnnEphysError):
            known = behavior_names(segment) or known
    return te.window_behavior(
        segment,
        draw.windows(),
        draw.odd(draw.pick(*known)),
        how=draw.odd(
            draw.pick(None, None, None, "majority", "circular_mean", "share", "rate", "count")
        ),
        period=draw.pick(None, None, 360, 360, draw.odd(0, 0.5)),
        least_share=draw.odd(0.25),
    )


def _windows(draw: Inputs, given: Given) -> Any:
    activity = draw.activity()
    kind = draw.pick("sliding", "events", "labels", "means")
    if kind == "events":
        times = draw.odd(draw.seconds(5) * pq.s)
        return te.event_windows(times, activity, before=draw.duration(), after=draw.duration())
    if kind == "labels":
        signal = draw.odd(draw.rng.integers(0, 3, activity.n_bins).astype(float))
        given.append(signal)
        return te.label_windows(signal, activity, min_length=draw.pick(None, draw.duration()))
    if kind == "means":
        values = draw.rng.normal(size=9)
        given.append(values)
        return window_means(draw.windows(), draw.seconds(9), values)
    return draw.windows(activity)


def _measure(draw: Inputs, given: Given) -> Any:
    activity = draw.activity()
    given.append(activity.values)
    measure = draw.odd(draw.pick(*MEASURES), 0.02)
    options: dict[str, Any] = {}
    name = measure if isinstance(measure, str) else ""
    if name == "cross_correlation" and draw.rng.random() < 0.9:
        options["max_lag"] = draw.duration()
    if name == "spike_time_tiling_coefficient" and draw.rng.random() < 0.9:
        options["dt"] = draw.pick(0.05 * pq.s, 0.15 * pq.s, draw.duration())
    if name == "partial" and draw.rng.random() < 0.5:
        options["shrinkage"] = draw.odd(draw.pick(0.0, 0.1, 1.0, "ledoit_wolf"), 0.3)
    found = te.compute_connectivity(
        activity,
        draw.windows(activity),
        measure=measure,
        binary=draw.pick(False, False, True),
        silent_nodes=draw.odd(draw.pick("zero", "zero", "nan", "nan", "raise"), 0.02),
        **options,
    )
    if name != "covariance":
        known = found.weights[np.isfinite(found.weights)]
        assert (np.abs(known) <= 1 + 1e-12).all(), "a coefficient beyond 1"
    return found


def _graphs(draw: Inputs, given: Given) -> Any:
    connectivity = draw.connectivity()
    given.append(connectivity.weights)
    threshold = draw.pick(
        0.0, 0.3, draw.odd(0.1, 0.3), te.DensityThreshold(density=draw.odd(0.2)),
        te.StrongestThreshold(n_strongest=draw.odd(2)), te.AbsoluteThreshold(value=draw.odd(0.2)),
    )  # fmt: skip
    graphs = te.build_graphs(
        connectivity,
        threshold=threshold,
        features=draw.pick(
            *["weights", "identity"] * 4, "rates", "x", lambda _: draw.odd(None, 1.0)
        ),
        history_node=draw.pick(True, False),
    )
    return UASE(latent_size=draw.odd(2)).fit(graphs).transform(graphs)


def _results(draw: Inputs, given: Given) -> Any:
    connectivity = draw.connectivity()
    given.append(connectivity.weights)
    summary = te.summarize(connectivity=connectivity)
    return te.Results(connectivity=connectivity, **summary)


def _features(draw: Inputs, given: Given) -> Any:
    n = 24
    features = draw.odd(draw.rng.normal(size=(n, draw.pick(0, 1, 2, 3, 4, 5, 6))), 0.08)
    plain = isinstance(features, np.ndarray) and features.dtype == float
    if plain and draw.rng.random() < 0.3:
        features = draw.pick(features * pq.m, features.astype(object), features * np.nan)
    labels = draw.odd(draw.pick(np.arange(n) // 6 % 2, np.array(["a", "b"] * 12), [None] * n), 0.08)
    given += [features, labels]
    kind = draw.pick("labels", "values", "associate", "changes")
    if kind == "changes":
        return change_points(features, min_length=draw.odd(3))
    if kind == "associate":
        return associate(features, draw.odd(draw.rng.normal(size=n)), n_nulls=19)
    fold = BlockedFold(train_blocks=(np.arange(12),), test=np.arange(14, 24))
    usual = isinstance(features, np.ndarray) and features.shape[:1] == (n,)
    parts = [features[part] if usual else features for part in (fold.train, fold.test)]
    pair = [FoldFeatures(fold=fold, train=parts[0], test=parts[1])]
    if kind == "labels":
        return decode_labels("x", pair, labels, min_shift=3, n_shifts=2)
    return decode_values("x", pair, draw.odd(draw.rng.normal(size=n)), min_shift=3, n_shifts=2)


CALLS: dict[str, Callable[[Inputs, Given], Any]] = {
    "container": _container,
    "arrays": _arrays,
    "binning": _binning,
    "behavior": _behavior,
    "windows": _windows,
    "measure": _measure,
    "graphs": _graphs,
    "results": _results,
    "features": _features,
}
