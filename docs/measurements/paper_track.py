"""
The rat experiment of the paper: on which of three segments of a track a rat is.

Windows are runs of one segment, as in the paper (0 to 0.2, 0.7 to 0.9 and 1.4 to 1.6 m; bins of
25 ms; 120 units of CA1).  Accuracy is the share of test windows that logistic regression names
right, in five folds of two kinds: windows drawn at random, and blocks of time.  Embedders are
fitted in two ways:

all windows       one fit, whose windows are split afterwards: with random folds this is the paper's
training windows  one fit per fold, which never sees the test windows

Beside each profile stand the same on bins that are shuffled within windows; mean rates; which units
fired at all; and mean rates of the window before.

    python docs/measurements/paper_track.py --data DIR --out track
    python docs/measurements/paper_track.py --out track --seeds 1 --fold-seeds 0 --sizes 2

``--data`` is the folder of recordings, by default that of TAVRNN_EPHYS_DATA.  A run that was
stopped goes on where it was.  ``--out`` gets accuracy.csv, with one row per features, size, fit,
kind of folds and seed; accuracy.md, the mean over seeds with the least and the largest; and
accuracy.png.  They hold all that was ever computed in the folder from this recording with so many
training epochs.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from itertools import product, takewhile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import quantities as pq
from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import StratifiedKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

import tavrnn_ephys as te
from tavrnn_ephys.connectivity import compute_connectivity
from tavrnn_ephys.connectivity.graphs import build_graphs
from tavrnn_ephys.core.containers import BinnedActivity, ConnectivitySequence, Nodes, Windows
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.jobs import Job, executor_for, iter_jobs, job_key, read_records
from tavrnn_ephys.core.names import PROFILES
from tavrnn_ephys.core.output import whole_file
from tavrnn_ephys.core.progress import progress_bar
from tavrnn_ephys.evaluation import blocked_folds
from tavrnn_ephys.figures import letter_panels, save_figure
from tavrnn_ephys.figures._drawing import PALETTE, tidy
from tavrnn_ephys.figures.style import STYLE

SEGMENTS_M = {"start": (0.0, 0.2), "middle": (0.7, 0.9), "end": (1.4, 1.6)}
SIZES, N_FOLDS, N_EPOCHS = (2, 4, 8, 16, 32), 5, 200
FOLDS, FITTED = ("random", "blocks"), ("all windows", "training windows")
# Its factors start from the spectrum of the graphs: no part of the fit is drawn.
SEEDLESS = ("state_space",)
RATES, FIRED, BEFORE = "mean rates", "units that fired", "mean rates, window before"
# In the order of the table: colour of a line, and its style.
LOOKS = {
    RATES: ("black", "-"),
    FIRED: ("0.45", "-."),
    BEFORE: ("0.6", "-"),
    "paper, nodes": (PALETTE[0], "-"),
    "paper, history node": (PALETTE[4], "-"),
    "recurrent, nodes": (PALETTE[1], "-"),
    "state_space, nodes": (PALETTE[2], "-"),
    "paper, nodes, bins shuffled": (PALETTE[0], "--"),
    "recurrent, nodes, bins shuffled": (PALETTE[1], "--"),
    "state_space, nodes, bins shuffled": (PALETTE[2], "--"),
}
# Read off the paper's figure: means of 20 runs at each size.
PAPER = (0.97, 0.99)
IDENTITY = ("features", "size", "fitted", "folds", "seed")
COLUMNS = (*IDENTITY, "accuracy", "at_chance")

# Takes the training windows of a fold, and gives one vector per window.
Features = Callable[[np.ndarray], np.ndarray]
Folds = Sequence[tuple[np.ndarray, np.ndarray]]


@contextmanager
def without_losses() -> Iterator[None]:
    """Say nothing of short runs and of silent units: the page of the results does."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", te.DataLossWarning)
        yield


@lru_cache(maxsize=1)
def runs_on_the_track(data: Path) -> tuple[BinnedActivity, Windows]:
    """Binned activity, and one window per run of a segment."""
    arrays = np.load(data / "rat-hippocampus-hc11/achilles.npz")
    counts = arrays["x"].T.astype(np.uint8)
    nodes = Nodes(ids=[f"u{index}" for index in range(len(counts))])
    activity = BinnedActivity(values=counts, bin_size_s=0.025, nodes=nodes)
    with without_losses():
        windows = te.label_windows(
            arrays["b"][:, 0], activity, label_of=segment_of, min_length=0.25 * pq.s
        )
    return activity, windows


def segment_of(position_m: np.ndarray) -> np.ndarray:
    """Name of the segment at each position, empty between segments."""
    inside = [(position_m >= low) & (position_m < high) for low, high in SEGMENTS_M.values()]
    return np.select(inside, list(SEGMENTS_M), "")


def segments_of(data: Path) -> np.ndarray:
    """Segment of each window."""
    return np.asarray(runs_on_the_track(data)[1].columns["label"])


def mean_rates(data: Path) -> np.ndarray:
    """Mean count per bin of each unit in each window."""
    activity, windows = runs_on_the_track(data)
    edges = np.rint(np.column_stack([windows.start_s, windows.stop_s]) / activity.bin_size_s)
    return np.stack([activity.values[:, a:b].mean(axis=1) for a, b in edges.astype(int)])


@lru_cache(maxsize=2)
def graphs_of(data: Path, shuffle: int | None) -> GraphSequence:
    """Graphs as in the paper, Pearson correlation and all pairs; bins shuffled by a seed."""
    return build_graphs(connectivity_of(data, shuffle), history_node=True)


def connectivity_of(data: Path, shuffle: int | None) -> ConnectivitySequence:
    """Correlation of each pair in each window."""
    activity, windows = runs_on_the_track(data)
    if shuffle is not None:
        activity = te.shuffle_bins_within_windows(activity, windows, seed=shuffle)
    with without_losses():
        return compute_connectivity(activity, windows)


def shares_of_pairs(data: Path) -> tuple[float, float]:
    """Pairs with an edge if and only if both units fired, and those that shuffled bins leave."""
    fired = mean_rates(data) > 0
    pairs = np.triu_indices(fired.shape[1], k=1)
    both = fired[:, pairs[0]] & fired[:, pairs[1]]
    as_is, shuffled = (
        np.asarray(connectivity_of(data, shuffle).weights)[:, *pairs] != 0 for shuffle in (None, 0)
    )
    return float(np.mean(as_is == both)), float(np.mean(as_is == shuffled))


def folds_of(kind: str, segments: np.ndarray, seed: int) -> Folds:
    """Training and test windows of each fold; blocks are the same for all seeds."""
    if kind == "blocks":
        found = blocked_folds(len(segments), n_folds=N_FOLDS, gap=1)
        return [(fold.train, fold.test) for fold in found]
    cut = StratifiedKFold(N_FOLDS, shuffle=True, random_state=seed)
    return list(cut.split(np.zeros(len(segments)), segments))


def accuracy(features: Features, segments: np.ndarray, folds: Folds) -> float:
    """Share of test windows that are named right."""
    right, n_tested = 0, 0
    for train, test in folds:
        vectors = features(train)
        decoder = make_pipeline(StandardScaler(), LogisticRegression(max_iter=2000))
        decoder.fit(vectors[train], segments[train])
        right += int(np.sum(decoder.predict(vectors[test]) == segments[test]))
        n_tested += len(test)
    return right / n_tested


@dataclass(frozen=True, kw_only=True)
class FromRates:
    """The accuracy of what needs no graph, in both kinds of folds."""

    data: Path
    seed: int

    @property
    def key(self) -> str:
        """Name of the record."""
        return job_key("rates", f"seed{self.seed}")

    def __call__(self) -> dict[str, Any]:
        """Rows of the table."""
        segments, now = segments_of(self.data), mean_rates(self.data)
        # The first window has none before it, and keeps its own.
        before = np.concatenate([now[:1], now[:-1]])
        rows = []
        for kind in FOLDS[: 1 if self.seed else 2]:
            folds = folds_of(kind, segments, self.seed)
            for name, found in ((RATES, now), (FIRED, now > 0), (BEFORE, before)):
                share = accuracy(lambda _, found=found: found, segments, folds)
                rows.append((name, 0, FITTED[1], kind, self.seed, share, 0.0))
        return {"rows": rows}


@lru_cache(maxsize=16)
def embedded(
    data: Path, profile: str, size: int, seed: int, shuffle: int | None, epochs: int,
    train: tuple[int, ...] | None,
) -> tuple[te.NodeEmbedding, bool]:  # fmt: skip
    """All windows, from a fit on some of them or on all, and whether its loss stayed at chance."""
    graphs = graphs_of(data, shuffle)
    given = {"training_epochs": epochs} if profile == "paper" else {}
    model = te.TAVRNN(profile=profile, latent_size=size, seed=seed, **given)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model.fit(graphs if train is None else graphs.select(np.array(train)))
        embedding = model.transform(graphs)
    return embedding, any(issubclass(item.category, te.ChanceLossWarning) for item in caught)


@dataclass(frozen=True, kw_only=True)
class FromEmbedding:
    """The accuracy of one profile at one size and one seed, by one way of fitting."""

    data: Path
    profile: str
    size: int
    seed: int
    epochs: int
    fitted: str
    folds: tuple[str, ...]
    shuffled: bool = False

    @property
    def key(self) -> str:
        """Name of the record."""
        kind = "shuffled" if self.shuffled else "as_is"
        return job_key(
            self.profile, f"size{self.size}", f"seed{self.seed}", self.fitted, *self.folds, kind
        )

    def __call__(self) -> dict[str, Any]:
        """Rows of the table, and seconds of the processor."""
        began = time.process_time()
        rows = list(self._rows())
        return {"rows": rows, "seconds": time.process_time() - began}

    def _rows(self) -> Iterator[tuple]:
        segments = segments_of(self.data)
        ways = {"nodes": "concatenate"}
        if self.profile == "paper" and not self.shuffled:
            ways["history node"] = "history"
        for kind in self.folds:
            folds = folds_of(kind, segments, self.seed)
            fits = [self._fit(train) for train, _ in folds]
            at_chance = sum(fit[1] for fit in fits) / len(fits)
            for name, pooling in ways.items():
                vectors = iter([fit[0].window_embedding(pooling) for fit in fits])
                share = accuracy(lambda _, vectors=vectors: next(vectors), segments, folds)
                name = f"{self.profile}, {name}{', bins shuffled' if self.shuffled else ''}"
                yield name, self.size, self.fitted, kind, self.seed, share, at_chance

    def _fit(self, train: np.ndarray) -> tuple[te.NodeEmbedding, bool]:
        return embedded(
            self.data, self.profile, self.size, 0 if self.profile in SEEDLESS else self.seed,
            self.seed if self.shuffled else None, self.epochs,
            None if self.fitted == FITTED[0] else tuple(map(int, train)),
        )  # fmt: skip


def questions(options: argparse.Namespace) -> Iterator[FromRates | FromEmbedding]:
    """What is asked, the paper's way first, so that a run that is stopped has the most of it."""
    yield from (FromRates(data=options.data, seed=seed) for seed in range(options.seeds))
    for shuffled in (False, True):
        most = options.control_seeds if shuffled else options.seeds
        ways = [(FITTED[0], FOLDS, min(options.seeds, most))]
        # Here a kind of folds costs fits of its own.
        ways += [(FITTED[1], (kind,), min(options.fold_seeds, most)) for kind in options.folds]
        for fitted, folds, n_seeds in ways:
            for seed, profile, size in product(range(n_seeds), options.profiles, options.sizes):
                # Where nothing is drawn, neither the fit nor blocks differ from the first seed's.
                repeats = seed > 0 and profile in SEEDLESS and not shuffled
                kinds = tuple(kind for kind in folds if not (repeats and kind == "blocks"))
                if kinds:
                    yield FromEmbedding(
                        data=options.data, profile=profile, size=size, seed=seed,
                        epochs=options.epochs, fitted=fitted, folds=kinds, shuffled=shuffled,
                    )  # fmt: skip


def digest(data: Path, epochs: int) -> str:
    """Tell records of another recording, or of other training, from these."""
    activity, windows = runs_on_the_track(data)
    found = hashlib.sha256(activity.values.tobytes())
    found.update(repr([*windows.start_s, *segments_of(data), epochs]).encode())
    return found.hexdigest()[:8]


def measured(options: argparse.Namespace) -> tuple[pd.DataFrame, list[str]]:
    """Accuracy of all that was asked, now and before, in this folder; and what failed."""
    folder = options.out / f"records_{digest(options.data, options.epochs)}"
    folder.mkdir(parents=True, exist_ok=True)
    stop = np.inf if options.minutes is None else time.monotonic() + 60 * options.minutes
    jobs = [Job(key=asked.key, run=asked) for asked in questions(options)]
    begun = takewhile(lambda _: time.monotonic() < stop, jobs)
    rows = [row for record in read_records(folder) for row in record.get("rows", ())]
    table, failed = write_rows(rows, options.out), []
    with progress_bar(what="embedding", unit="fit", total=len(jobs)) as bar:
        for key, record in iter_jobs(begun, folder, executor=executor_for(options.n_jobs)):
            if "error" in record:
                failed.append(f"{key}: {record['error']}")
            else:
                rows.extend(record["rows"])
                table = write_rows(rows, options.out)
            bar.update()
    return table, failed


def write_rows(rows: list, out: Path) -> pd.DataFrame:
    """Write accuracy.csv, whole or not at all, and give its rows, each once."""
    table = pd.DataFrame(rows, columns=COLUMNS).drop_duplicates(list(IDENTITY))
    table = table.sort_values(list(IDENTITY), ignore_index=True)
    with whole_file(out / "accuracy.csv") as partial:
        table.to_csv(partial, index=False)
    return table


def as_markdown(table: pd.DataFrame) -> str:
    """One row per features, way of fitting and kind of folds; sizes beside each other."""
    sizes = sorted(set(table["size"]) - {0})
    lines = [f"| features | fitted on | folds | seeds | {' | '.join(map(str, sizes))} |"]
    lines.append("|---" * (4 + len(sizes)) + "|")
    for name in LOOKS:
        for fitted in FITTED:
            for kind in FOLDS:
                rows = table[(table["features"] == name) & (table["fitted"] == fitted)]
                rows = rows[rows["folds"] == kind]
                if len(rows):
                    lines.append(_line(rows, name, fitted, kind, sizes))
    return "\n".join(lines) + "\n"


def _line(rows: pd.DataFrame, name: str, fitted: str, kind: str, sizes: list[int]) -> str:
    counts = sorted(set(rows.groupby("size").size()))
    seeds = " to ".join(map(str, dict.fromkeys([counts[0], counts[-1]])))
    cells = []
    for size in sizes:
        found = rows.loc[rows["size"].isin((0, size)), "accuracy"]
        cells.append(_cell(found) if len(found) else "–")
    return f"| {name} | {fitted} | {kind} | {seeds} | {' | '.join(cells)} |"


def _cell(found: pd.Series) -> str:
    if len(found) == 1:
        return f"{found.iloc[0]:.3f}"
    return f"{found.mean():.3f} ({found.min():.3f} to {found.max():.3f})"


@rc_context(STYLE)
def draw(table: pd.DataFrame, commonest: float, path: Path) -> None:
    """Accuracy over sizes: the paper's way beside the strictest."""
    figure = Figure(figsize=(10, 4.2), layout="constrained")
    axes = figure.subplots(1, 2, sharey=True)
    ways = ((FITTED[0], FOLDS[0]), (FITTED[1], FOLDS[1]))
    titles = ("fitted on all windows, random folds", "fitted on training windows, blocks of time")
    for ax, (fitted, kind), title in zip(axes, ways, titles, strict=True):
        rows = table[table["folds"] == kind]
        _lines(ax, rows[(rows["fitted"] == fitted) | (rows["size"] == 0)])
        ax.axhline(commonest, color="0.7", lw=1, ls=":", label="always the commonest")
        ax.set_title(title)
        ax.set_xlabel("latent size")
    axes[0].axhspan(*PAPER, color="0.88", zorder=0, label="figure of the paper")
    axes[0].set_ylabel("accuracy, three segments")
    told = {}
    for ax in reversed(axes):
        told |= {text: line for line, text in zip(*ax.get_legend_handles_labels(), strict=True)}
    names = [
        *(name for name in LOOKS if name in told),
        *(name for name in told if name not in LOOKS),
    ]
    figure.legend([told[name] for name in names], names, loc="outside right upper")
    letter_panels(figure)
    save_figure(figure, path)


def _lines(ax: Axes, rows: pd.DataFrame) -> None:
    sizes = sorted(set(rows["size"]) - {0})
    for name, (color, style) in LOOKS.items():
        found = (
            rows[rows["features"] == name].groupby("size")["accuracy"].agg(["mean", "min", "max"])
        )
        if 0 in found.index:
            ax.axhline(found.loc[0, "mean"], color=color, ls=style, lw=1.2, label=name)
        elif len(found):
            ax.fill_between(found.index, found["min"], found["max"], color=color, alpha=0.15, lw=0)
            ax.plot(found.index, found["mean"], color=color, ls=style, marker="o", ms=4, label=name)
    ax.set_xscale("log", base=2)
    ax.set_xticks(sizes, map(str, sizes))
    tidy(ax)


def arguments(words: Sequence[str] | None) -> argparse.Namespace:
    """What the command is told."""
    parser = argparse.ArgumentParser(description="Three segments of a track, as in the paper")
    parser.add_argument("--data", default=os.environ.get("TAVRNN_EPHYS_DATA"), help="recordings")
    parser.add_argument("--out", type=Path, required=True, help="folder of records and results")
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--profiles", nargs="+", choices=PROFILES, default=list(PROFILES))
    parser.add_argument("--seeds", type=int, default=20, help="fits on all windows")
    parser.add_argument("--fold-seeds", type=int, default=3, help="fits on training windows")
    parser.add_argument(
        "--folds", nargs="+", choices=FOLDS, default=list(reversed(FOLDS)), help="of these fits"
    )
    parser.add_argument("--control-seeds", type=int, default=2, help="fits on shuffled bins")
    parser.add_argument("--epochs", type=int, default=N_EPOCHS, help="of the profile paper")
    parser.add_argument("--n-jobs", type=int, default=1, help="processes")
    parser.add_argument("--minutes", type=float, help="no fit begins after so many")
    options = parser.parse_args(words)
    if not options.data:
        parser.error("name the folder of recordings: --data DIR, or set TAVRNN_EPHYS_DATA")
    options.data = Path(options.data)
    return options


def main(words: Sequence[str] | None = None) -> int:
    """Compute, and print the table that accuracy.md holds."""
    options = arguments(words)
    began = time.perf_counter()
    _, counts = np.unique(segments_of(options.data), return_counts=True)
    commonest = counts.max() / counts.sum()
    table, failed = measured(options)
    fired, kept = shares_of_pairs(options.data)
    at_chance = table.loc[table["size"] > 0, "at_chance"].sum()
    text = f"""{as_markdown(table)}
{counts.sum()} runs; always the commonest segment: {commonest:.3f}.
Edge if and only if both units fired: {fired:.2%} of pairs; unchanged by shuffled bins: {kept:.2%}.
Epochs of paper: {options.epochs}; rows whose fits ended at the loss of chance: {at_chance:g}.
"""
    with whole_file(options.out / "accuracy.md") as partial:
        partial.write_text(text)
    draw(table, commonest, options.out / "accuracy.png")
    print(text)
    print(f"{time.perf_counter() - began:.0f} s")
    for line in failed:
        print(f"Failed: {line}")
    return bool(failed)


if __name__ == "__main__":
    # By this name other processes find what they are to compute, and its caches.
    from paper_track import main as run

    raise SystemExit(run())
