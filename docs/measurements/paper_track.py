"""
The rat experiment of the paper: on which of three segments of a track a rat is.

Windows are runs of one segment, as in the paper (0 to 0.2, 0.7 to 0.9 and 1.4 to 1.6 m; bins of
25 ms; 120 units of CA1).  Every embedder is fitted on training windows alone.  Its accuracy is the
share of test windows that logistic regression names right, in five folds of two kinds: windows
drawn at random, as the paper draws them, and blocks of time.  Beside each profile stand the same
with the bins of each window shuffled, and mean rates.

    python docs/measurements/paper_track.py --data DIR            20 seeds, sizes 2 to 32
    python docs/measurements/paper_track.py --data DIR --seeds 1 --sizes 2 8 --profiles paper

``--data`` is the folder of recordings that tests know as TAVRNN_EPHYS_DATA.
"""

from __future__ import annotations

import argparse
import os
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import quantities as pq
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tavrnn_ephys as te
from tavrnn_ephys.connectivity import compute_connectivity
from tavrnn_ephys.connectivity.graphs import build_graphs
from tavrnn_ephys.core.containers import BinnedActivity, Nodes, Windows
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.names import PROFILES
from tavrnn_ephys.evaluation import blocked_folds

SEGMENTS_M = {"start": (0.0, 0.2), "middle": (0.7, 0.9), "end": (1.4, 1.6)}
SIZES, N_SEEDS, N_FOLDS, N_EPOCHS = (2, 4, 8, 16, 32), 20, 5, 200
FOLDS = ("random", "blocks")

# Takes the number of a fold and its training windows, and gives one vector per window.
Features = Callable[[int, np.ndarray], np.ndarray]


def runs_on_the_track(data: Path) -> tuple[BinnedActivity, Windows]:
    """Binned activity, and one window per run of a segment."""
    arrays = np.load(data / "rat-hippocampus-hc11/achilles.npz")
    counts = arrays["x"].T.astype(np.uint8)
    nodes = Nodes(ids=[f"u{index}" for index in range(len(counts))])
    activity = BinnedActivity(values=counts, bin_size_s=0.025, nodes=nodes)
    windows = te.label_windows(
        arrays["b"][:, 0], activity, label_of=segment_of, min_length=0.25 * pq.s
    )
    return activity, windows


def segment_of(position_m: np.ndarray) -> np.ndarray:
    """Name of the segment at each position, empty between segments."""
    inside = [(position_m >= low) & (position_m < high) for low, high in SEGMENTS_M.values()]
    return np.select(inside, list(SEGMENTS_M), "")


def folds_of(kind: str, segments: np.ndarray, seed: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Training and test windows of each fold."""
    if kind == "blocks":
        found = blocked_folds(len(segments), n_folds=N_FOLDS, gap=1)
        return [(fold.train, fold.test) for fold in found]
    cut = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    return list(cut.split(np.zeros(len(segments)), segments))


def accuracy(features: Features, segments: np.ndarray, folds: list) -> float:
    """Share of test windows that are named right."""
    right, n_tested = 0, 0
    for number, (train, test) in enumerate(folds):
        vectors = features(number, train)
        decoder = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        decoder.fit(vectors[train], segments[train])
        right += int(np.sum(decoder.predict(vectors[test]) == segments[test]))
        n_tested += len(test)
    return right / n_tested


def graphs_of(activity: BinnedActivity, windows: Windows) -> GraphSequence:
    """Graphs as the paper builds them: Pearson correlation, all pairs, a history node."""
    return build_graphs(compute_connectivity(activity, windows), history_node=True)


def mean_rates(activity: BinnedActivity, windows: Windows) -> np.ndarray:
    """Mean count per bin of each unit in each window."""
    edges = np.rint(np.column_stack([windows.start_s, windows.stop_s]) / activity.bin_size_s)
    return np.stack([activity.values[:, a:b].mean(axis=1) for a, b in edges.astype(int)])


def embedded(
    graphs: GraphSequence, profile: str, size: int, seed: int
) -> Callable[[str], Features]:
    """Vectors of all windows, fitted on the training windows of a fold, by pooling of nodes."""
    fitted: dict[int, te.NodeEmbedding] = {}
    epochs = {"training_epochs": N_EPOCHS} if profile == "paper" else {}

    def vectors(number: int, train: np.ndarray, pooling: str) -> np.ndarray:
        if number not in fitted:
            model = te.TAVRNN(profile=profile, latent_size=size, seed=seed, **epochs)
            fitted[number] = model.fit(graphs.select(train)).transform(graphs)
        return fitted[number].window_embedding(pooling)

    return lambda pooling: lambda number, train: vectors(number, train, pooling)


def rows_of(
    graphs: GraphSequence, shuffled: GraphSequence, segments: np.ndarray, *,
    profile: str, size: int, seed: int, kind: str,
) -> Iterator[tuple[str, float]]:  # fmt: skip
    """Accuracy of one profile at one size, one seed, one kind of fold."""
    folds = folds_of(kind, segments, seed)
    as_is = embedded(graphs, profile, size, seed)
    yield f"{profile}, nodes", accuracy(as_is("concatenate"), segments, folds)
    if profile == "paper":
        yield f"{profile}, history node", accuracy(as_is("history"), segments, folds)
    control = embedded(shuffled, profile, size, seed)
    yield f"{profile}, nodes, bins shuffled", accuracy(control("concatenate"), segments, folds)


def measured(data: Path, *, n_seeds: int, sizes: list[int], profiles: list[str]) -> pd.DataFrame:
    """Accuracy of every kind of features, size, kind of fold and seed."""
    activity, windows = runs_on_the_track(data)
    segments = np.asarray(windows.columns["label"])
    names, counts = np.unique(segments, return_counts=True)
    print(", ".join(f"{count} runs of {name}" for name, count in zip(names, counts, strict=True)))
    print(f"always the commonest: {counts.max() / counts.sum():.3f}", flush=True)
    graphs = graphs_of(activity, windows)
    shuffled = graphs_of(te.shuffle_bins_within_windows(activity, windows, seed=0), windows)
    rates, rows = mean_rates(activity, windows), []
    for seed in range(n_seeds):
        for kind in FOLDS:
            share = accuracy(lambda *_: rates, segments, folds_of(kind, segments, seed))
            rows.append(("mean rates", "any", kind, seed, share))
            for size in sizes:
                for profile in profiles:
                    chosen = {"profile": profile, "size": size, "seed": seed, "kind": kind}
                    for name, share in rows_of(graphs, shuffled, segments, **chosen):
                        rows.append((name, size, kind, seed, share))
    return pd.DataFrame(rows, columns=["features", "size", "folds", "seed", "accuracy"])


def main() -> None:
    """Print one row per kind of features and size: mean, least and largest over seeds."""
    parser = argparse.ArgumentParser(description="Three segments of a track, as in the paper")
    parser.add_argument("--data", default=os.environ.get("TAVRNN_EPHYS_DATA"), help="recordings")
    parser.add_argument("--seeds", type=int, default=N_SEEDS)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--profiles", nargs="+", choices=PROFILES, default=list(PROFILES))
    options = parser.parse_args()
    if not options.data:
        parser.error("name the folder of recordings: --data DIR, or set TAVRNN_EPHYS_DATA")
    warnings.simplefilter("ignore")
    began = time.process_time()
    table = measured(
        Path(options.data), n_seeds=options.seeds, sizes=options.sizes, profiles=options.profiles
    )
    print(f"\n| features | size | {' | '.join(FOLDS)} |\n|---|---|---|---|")
    for (name, size), rows in table.groupby(["features", "size"], sort=False):
        found = rows.groupby("folds")["accuracy"].agg(["mean", "min", "max"])
        cells = [
            f"{mean:.3f} ({low:.3f} to {high:.3f})"
            for mean, low, high in found.loc[list(FOLDS)].to_numpy()
        ]
        print(f"| {name} | {size} | {' | '.join(cells)} |")
    print(f"\n{time.process_time() - began:.0f} s of one processor")


if __name__ == "__main__":
    main()
