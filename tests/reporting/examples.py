"""Small files with results, made without training."""

import datetime

import numpy as np
import pandas as pd
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.results import summarize


def make_results(nodes, windows, *, tables=None):
    """Results of random weights and random embeddings over given nodes and windows."""
    rng = np.random.default_rng(0)
    n, n_windows = len(nodes), len(windows)
    weights = np.empty((n_windows, n, n))
    for matrix in weights:
        half = np.triu(rng.uniform(-1, 1, (n, n)), 1)
        matrix[:] = half + half.T + np.eye(n)
    rates = rng.uniform(0.5, 3.0, (n_windows, n))
    connectivity = te.ConnectivitySequence(
        weights=weights, windows=windows, nodes=nodes, measure="pearson", mean_activity=rates
    )
    mean = rng.normal(size=(n_windows, n, 4)).astype(np.float32)
    past = np.tril(rng.uniform(0.1, 1.0, (n_windows, n_windows)))
    embedding = te.NodeEmbedding(
        mean=mean,
        std=np.ones_like(mean),
        windows=windows,
        nodes=nodes,
        attention=past / past.sum(axis=1, keepdims=True),
        config={"analysis.bin_size_s": 0.1, "model.target": "signed"},
        seed=0,
    )
    parts = {"embedding": embedding, "connectivity": connectivity}
    return te.Results(**parts, **summarize(**parts), tables=tables or {})


def make_file(
    folder,
    *,
    n_windows,
    n_nodes,
    ids=None,
    group=None,
    behavior="skill",
):
    """A recording of random spikes with a behaviour, and results beside it."""
    rng = np.random.default_rng(1)
    length_s = 2.0 * n_windows
    names = list(ids) if ids is not None else [f"c{index}" for index in range(n_nodes)]
    side = int(np.ceil(np.sqrt(n_nodes)))
    where = [(100.0 * (index % side), 100.0 * (index // side)) for index in range(n_nodes)]
    block = te.block_from_arrays(
        spike_times=[np.sort(rng.uniform(0, length_s, 40)) for _ in names],
        t_stop=length_s * pq.s,
        node_ids=names,
        node_kind="channel",
        groups=[group or "left" if index % 2 else "right" for index in range(n_nodes)],
        positions=np.array(where) * pq.um,
        behavior={behavior: rng.normal(size=int(10 * length_s))},
        behavior_rate=10 * pq.Hz,
    )
    block.rec_datetime = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    recording = te.write_nwb(block, folder / "recording.nwb")
    block = te.read(recording)
    activity = te.bin_activity(block.segments[0], bin_size=0.1 * pq.s)
    windows = te.sliding_windows(activity, window_length=2 * pq.s, step=2 * pq.s)
    windows = windows.with_columns(score=np.linspace(0, 1, len(windows)))
    results = make_results(activity.nodes, windows, tables=tables_of(names))
    return te.write_results(recording, results, out=folder / "results.nwb")


def tables_of(names):
    """Tables as a link to behaviour and a comparison of methods leave them."""
    return {
        "behavior_association": pd.DataFrame(
            {
                "feature": ["density", names[0]],
                "rates_held": [False, True],
                "correlation": [0.5, -0.2],
                "null_sd": [0.1, 0.2],
                "p_value": [0.01, 0.4],
                "q_value": [0.02, 0.4],
            }
        ),
        "behavior_decoding": pd.DataFrame(
            {
                "features": ["mean rates", "TAVRNN embedding"],
                "metric": ["balanced accuracy"] * 2,
                "score": [0.7, 0.6],
                "chance_low": [0.4, 0.4],
                "chance_high": [0.65, 0.65],
                "p_value": [0.01, 0.2],
            }
        ),
        "behavior_partition": pd.DataFrame(
            {
                "embedding": ["spectral embedding", "TAVRNN embedding"],
                "metric": ["balanced accuracy"] * 2,
                **{
                    f"{part}{end}": [place, place + 0.05]
                    for part in ("unique_embedding", "control", "unique_rates", "shared")
                    for end, place in (("_low", -0.1), ("", 0.0), ("_high", 0.2))
                },
            }
        ),
        "comparison": pd.DataFrame(
            {
                "method": [names[0], "rates"],
                "score": [0.9, 0.5],
                "chance_low": [0.4, 0.4],
                "chance_high": [0.6, 0.6],
            }
        ),
    }
