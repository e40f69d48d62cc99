"""Renew pictures and numbers of evaluation.md: ``python docs/make_evaluation_figures.py``."""

from __future__ import annotations

import warnings
from pathlib import Path

import matplotlib
import numpy as np
from sklearn.cross_decomposition import PLSRegression

from tavrnn_ephys.core.containers import BinnedActivity, Nodes, Windows
from tavrnn_ephys.evaluation import (
    BenchmarkTask,
    BlockedFold,
    FoldFeatures,
    TaskGraphs,
    circular_shifts,
    decode_labels,
    nodes_in_folds,
    score_method,
    transductive_features,
    unit_bootstrap,
)
from tavrnn_ephys.methods import UASE, Rates

matplotlib.use("Agg")
import matplotlib.pyplot as plt  # noqa: E402

DOCS = Path(__file__).parent
START, END = "<!-- numbers: written by docs/make_evaluation_figures.py -->", "<!-- end -->"
BLUE, ORANGE, GREY = "#0072B2", "#E69F00", "0.6"


def task_of(counts, labels, *, bins_per_step, overlap=0, bin_size_s=0.05, context=0):
    """One window per label, each as many steps longer as it overlaps."""
    step_s = bins_per_step * bin_size_s
    start = np.arange(len(labels)) * step_s
    return BenchmarkTask(
        name="toy",
        session="0",
        activity=BinnedActivity(
            values=counts, bin_size_s=bin_size_s, nodes=Nodes(ids=range(len(counts)))
        ),
        windows=Windows(start_s=start, stop_s=start + (overlap + 1) * step_s),
        behavior=labels,
        context=context,
    )


def noise_task(seed, *, overlap, n_windows=160, n_nodes=12):
    """Independent Poisson trains and a slow label that they know nothing of."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.3, (n_nodes, 10 * (n_windows + overlap)))
    labels = (np.sin(np.arange(n_windows) / 6 + rng.uniform(0, 6)) > 0).astype(int)
    return task_of(counts, labels, bins_per_step=10, overlap=overlap)


def random_folds(n_windows, seed):
    """Cut windows into five parts at random, as most libraries do by default."""
    parts = np.array_split(np.random.default_rng(seed).permutation(n_windows), 5)
    return [
        BlockedFold(test=np.sort(p), train_blocks=(np.setdiff1d(np.arange(n_windows), p),))
        for p in parts
    ]


def accuracy(features, labels):
    """Balanced accuracy without a null."""
    return decode_labels("", features, labels, min_shift=1, n_shifts=0).balanced_accuracy


def leak(ax):
    """Trap 1: overlapping windows and random folds."""
    overlaps, seeds = (0, 1, 3, 6, 9), range(6)
    found = {"random folds": [], "blocks of time with a gap": []}
    for overlap in overlaps:
        scores = {name: [] for name in found}
        for seed in seeds:
            prepared = TaskGraphs(noise_task(seed, overlap=overlap))
            graphs = prepared.graphs("identity", history_node=False, shuffled=False)
            vectors = UASE(latent_size=3).fit(graphs).transform(graphs).window_embedding()
            for name, folds in zip(
                scores, (random_folds(len(vectors), seed), prepared.folds), strict=True
            ):
                features = [
                    FoldFeatures(fold=fold, train=vectors[fold.train], test=vectors[fold.test])
                    for fold in folds
                ]
                scores[name].append(accuracy(features, prepared.task.behavior))
        for name, values in scores.items():
            found[name].append(np.mean(values))
    share = [100 * overlap / (overlap + 1) for overlap in overlaps]
    for (name, values), color in zip(found.items(), (ORANGE, BLUE), strict=True):
        ax.plot(share, values, "o-", color=color, label=name)
    ax.axhline(0.5, color=GREY, lw=1, ls="--")
    ax.set(xlabel="overlap of windows, %", ylabel="balanced accuracy", ylim=(0.4, 1.0))
    ax.set_title("1  independent spikes decode\na label without meaning", loc="left")
    ax.legend(frameon=False, loc="upper left")
    random, blocked = (values[-1] for values in found.values())
    return (
        f"independent Poisson spikes, windows with 90 % overlap: random folds {random:.2f}, "
        f"blocks with a gap {blocked:.2f}; chance is 0.50"
    )


class SupervisedPLS:
    """Edges projected onto what goes with the label in the windows of fit."""

    supervision = "label"

    def fit(self, graphs, labels):
        """Find the directions."""
        edges = np.concatenate([self._edges(item) for item in graphs])
        self.model = PLSRegression(2).fit(edges, labels)
        return self

    def transform(self, graphs):
        """Project, the same for every node."""
        scores = self.model.transform(self._edges(graphs))
        mean = np.repeat(scores[:, None], graphs.n_nodes, axis=1)
        return type("Embedding", (), {"mean": mean})

    @staticmethod
    def _edges(graphs):
        rows, columns = np.triu_indices(graphs.n_nodes, 1)
        return np.stack([matrix.toarray()[rows, columns] for matrix in graphs.weights])


def outside_the_fold(ax):
    """Trap 2: an embedder that has seen the labels of test windows."""
    inside, outside = [], []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        prepared = TaskGraphs(noise_task(seed, overlap=0, n_windows=80, n_nodes=20))
        labels = rng.permutation(prepared.task.behavior)
        graphs = prepared.graphs("identity", history_node=False, shuffled=False)
        arguments = (lambda _: SupervisedPLS(), graphs, prepared.folds)
        outside.append(accuracy(transductive_features(*arguments, labels=labels), labels))
        honest = nodes_in_folds(*arguments, labels=labels)
        inside.append(accuracy([item.features for item in honest], labels))
    names = ("fitted on\nall windows", "fitted in\nthe fold")
    for place, (values, color) in enumerate(((outside, ORANGE), (inside, BLUE))):
        ax.plot(place + np.linspace(-0.1, 0.1, 8), values, "o", color=color)
    ax.axhline(0.5, color=GREY, lw=1, ls="--")
    ax.set(xlim=(-0.5, 1.5), ylim=(0.2, 1.05), xticks=(0, 1), ylabel="balanced accuracy")
    ax.set_xticklabels(names)
    ax.set_title("2  permuted labels, read from\na label-supervised embedding", loc="left")
    return (
        f"a label-supervised embedding of noise, labels permuted: fitted on all windows "
        f"{np.mean(outside):.2f}, fitted inside the fold {np.mean(inside):.2f}"
    )


def slow(rng, n_windows, n_columns):
    """Autoregressive noise with a correlation time of six windows."""
    values = np.zeros((n_windows, n_columns))
    for index in range(1, n_windows):
        values[index] = 0.85 * values[index - 1] + rng.normal(size=n_columns)
    return values


def nulls(ax):
    """Trap 3: permuted behaviours on slow data."""
    rng = np.random.default_rng(0)
    p_values = {"behaviour permuted": [], "behaviour shifted in time": []}
    for run in range(400):
        brain, behavior = slow(rng, 400, 1)[:, 0], slow(rng, 400, 1)[:, 0]
        shifts = circular_shifts(400, min_shift=15, n_shifts=99, seed=run)
        moved = (
            [rng.permutation(behavior) for _ in shifts],
            [np.roll(behavior, shift) for shift in shifts],
        )
        true = abs(np.corrcoef(brain, behavior)[0, 1])
        for values, null in zip(p_values.values(), moved, strict=True):
            strength = [abs(np.corrcoef(brain, item)[0, 1]) for item in null]
            values.append((np.sum(np.array(strength) >= true) + 1) / (len(null) + 1))
    bins = np.linspace(0, 1, 21) + 1e-9
    for (name, values), color in zip(p_values.items(), (ORANGE, BLUE), strict=True):
        ax.hist(values, bins, color=color, alpha=0.7, label=name)
    ax.axhline(20, color=GREY, lw=1, ls="--")
    ax.set(xlabel="p-value of the correlation", ylabel="runs of 400")
    ax.set_title("3  slow noise against\na slow behaviour", loc="left")
    ax.legend(frameon=False)
    shares = [100 * np.mean(np.array(values) <= 0.05) for values in p_values.values()]
    return (
        f"slow noise against a slow behaviour, 400 runs: {shares[0]:.0f} % correlate with p ≤ 0.05 "
        f"by permutation, {shares[1]:.0f} % by circular shifts"
    )


def interval_over_windows(ax):
    """Trap 4: intervals over windows of one session."""
    rng = np.random.default_rng(0)
    covered = {"over windows": 0, "over sessions": 0}
    widths = {name: [] for name in covered}
    for run in range(100):
        # Sessions differ; the windows of one session resemble each other.
        means = 0.7 + 0.08 * rng.normal(size=8)
        windows = np.clip(means[:, None] + 0.1 * slow(rng, 100, 8).T, 0, 1)
        units = {"over windows": windows.ravel(), "over sessions": windows.mean(axis=1)}
        for name, values in units.items():
            low, high = unit_bootstrap(values, n_draws=200, seed=run)
            covered[name] += low <= 0.7 <= high
            widths[name].append(high - low)
    ax.bar((0, 1), covered.values(), color=(ORANGE, BLUE), width=0.6)
    ax.axhline(95, color=GREY, lw=1, ls="--")
    ax.set(xticks=(0, 1), ylabel="intervals that hold the truth, %", ylim=(0, 100))
    ax.set_xticklabels([f"bootstrap\n{name}" for name in covered])
    ax.set_title("4  what is called\na 95 % interval", loc="left")
    return (
        f"95 % intervals that hold the truth: {covered['over windows']} % over windows, "
        f"{covered['over sessions']} % over sessions"
    )


def rate_code(seed, n_windows=120):
    """Rates follow the label, nodes fire independently; silent nodes have no |r|."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n_windows) // 4 % 2
    rate = np.full((12, n_windows), 0.15)
    rate[:6] = np.where(labels == 1, 0.6, 0.02)
    return task_of(rng.poisson(np.repeat(rate, 20, axis=1)), labels, bins_per_step=20)


def synchrony(seed, n_windows=120):
    """Halves fire together in one state, alternate nodes in the other, at equal rates."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n_windows) // 4 % 2
    shared = rng.poisson(0.12, (2, n_windows * 40))
    member = np.where(np.repeat(labels, 40) == 0, (np.arange(12) // 6)[:, None],
                      (np.arange(12) % 2)[:, None])  # fmt: skip
    counts = rng.poisson(0.18, (12, n_windows * 40)) + np.take_along_axis(shared, member, axis=0)
    return task_of(counts, labels, bins_per_step=40)


METHODS = {
    "rates": lambda seed: Rates(),
    "graphs of |r|": lambda seed: UASE(latent_size=4, signed=False),
    "graphs of signed r": lambda seed: UASE(latent_size=4),
}


def rates_first(ax, make, title):
    """Trap 5: a graph that repeats what rates say."""
    rows = {name: [] for name in METHODS}
    for seed in range(5):
        prepared = TaskGraphs(make(seed))
        for name, method in METHODS.items():
            record = score_method(prepared, method, n_shifts=0, transductive=False)
            rows[name].append((record["score"], record["shuffled"]))
    means = np.array([np.mean(values, axis=0) for values in rows.values()])
    places = np.arange(len(rows))
    ax.barh(places - 0.18, means[:, 0], 0.34, color=BLUE, label="recording")
    ax.barh(places + 0.18, means[:, 1], 0.34, color=ORANGE, label="bins shuffled\nin windows")
    ax.axvline(0.5, color=GREY, lw=1, ls="--")
    ax.set(yticks=places, ylim=(2.5, -0.5), xlim=(0.3, 1.02), xlabel="balanced accuracy")
    ax.set_yticklabels(rows)
    ax.set_title(title, loc="left")
    if make is rate_code:
        ax.legend(frameon=False, loc="lower right", fontsize=7)
    return "; ".join(
        f"{name} {real:.2f} → {shuffled:.2f}"
        for name, (real, shuffled) in zip(rows, means, strict=True)
    )


def main() -> None:
    """Draw all panels and put the numbers into the page."""
    plt.rcParams.update({"font.size": 8, "axes.spines.top": False, "axes.spines.right": False,
                         "axes.titlesize": 9})  # fmt: skip
    warnings.simplefilter("ignore")
    figure, axes = plt.subplots(2, 3, figsize=(10, 6), layout="constrained")
    ax = axes.ravel()
    lines = [
        leak(ax[0]),
        outside_the_fold(ax[1]),
        nulls(ax[2]),
        interval_over_windows(ax[3]),
        "states that differ in rates alone, recording → shuffled: "
        + rates_first(ax[4], rate_code, "5  states that differ\nin rates alone"),
        "states that differ in coincidences alone: "
        + rates_first(ax[5], synchrony, "5  states that differ\nin coincidences alone"),
    ]
    figure.savefig(DOCS / "images/evaluation_traps.png", dpi=100)
    page = DOCS / "explanation/evaluation.md"
    before, rest = page.read_text().split(START)
    _, after = rest.split(END)
    text = "\n".join(f"{number}. {line}." for number, line in enumerate(lines, start=1))
    page.write_text(f"{before}{START}\n{text}\n{END}{after}")
    print(text)


if __name__ == "__main__":
    main()
