"""
Which parts of TAVRNN earn their place: state decoding and recovery of the coupling.

Cultures are simulated that switch between two couplings at equal rates.  Per culture, every method
is fitted inside the training blocks of time; the state is decoded from held-out windows, and the
graphs that the method expects in held-out windows are compared with the coupling that is active:
over all pairs, which favours whatever averages over both states, and over the pairs that are
coupled in one state alone.

``python docs/measurements/ablations.py --seeds 10 [--first-seed 0] [--methods NAME ...]
[--out DIR]``
"""

import argparse
import time
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
import quantities as pq
from sklearn.metrics import roc_auc_score

from tavrnn_ephys.activity.binning import bin_activity
from tavrnn_ephys.activity.windows import sliding_windows
from tavrnn_ephys.connectivity import compute_connectivity
from tavrnn_ephys.connectivity.graphs import build_graphs
from tavrnn_ephys.datasets.culture import culture_truth, simulate_culture, true_coupling
from tavrnn_ephys.evaluation import blocked_folds, decode_labels
from tavrnn_ephys.evaluation.folds import FoldFeatures
from tavrnn_ephys.methods import UASE
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tavrnn_ephys.methods.tavrnn.nn.smoothing import smooth

# Neither at chance nor at the ceiling for the spectral floor.
CULTURE = {"n_nodes": 60, "duration": 300 * pq.s, "coupled_fraction": 0.12}
WINDOW, BIN = 1 * pq.s, 10 * pq.ms
N_FOLDS, GAP = 3, 10
PAPER_EPOCHS = 20
# What the ablations are taken from, for parts that change one thing.
REFERENCE = "window alone"


class SmoothUASE:
    """Signed UASE, its coordinates smoothed over windows, or both side by side."""

    def __init__(self, factor=0.0, *, two_sided=False, joined=False):
        self.factor, self.two_sided, self.joined = factor, two_sided, joined

    def fit(self, graphs):
        self.uase = UASE().fit(graphs)
        return self

    def coordinates(self, graphs):
        mean = self.uase.transform(graphs).mean
        return smooth(mean, self.factor, two_sided=self.two_sided) if self.factor else mean

    def features(self, graphs):
        parts = [self.coordinates(graphs)]
        if self.joined:
            parts.insert(0, self.uase.transform(graphs).mean)
        return np.concatenate(parts, axis=-1).reshape(len(graphs), -1)

    def reconstruct(self, graphs):
        basis = self.uase.basis_
        half = basis.directions @ (self.coordinates(graphs) * basis.scale).swapaxes(1, 2)
        return basis.mean + 0.5 * (half + half.swapaxes(1, 2))


class Network:
    """TAVRNN with some options."""

    def __init__(self, *, profile="recurrent", ablation=None, **options):
        self.model = TAVRNN(profile=profile, ablation=ablation, options=options or None)

    def fit(self, graphs):
        if self.model.profile == "paper":
            # Whole stretches at a time: more than three times the windows that the other sees.
            self.model.set_params(training_epochs=PAPER_EPOCHS)
        self.model.fit(graphs)
        self.loss = self.model.history_[-1]["reconstruction"]
        return self

    def features(self, graphs):
        return self.model.transform(graphs).window_embedding()

    def reconstruct(self, graphs):
        return self.model.reconstruct(graphs)


METHODS = {
    "UASE, signed": SmoothUASE,
    "UASE, causal EMA": lambda: SmoothUASE(0.6),
    "UASE, EMA both ways": lambda: SmoothUASE(0.6, two_sided=True),
    "UASE beside its causal EMA": lambda: SmoothUASE(0.6, joined=True),
    "paper": lambda: Network(profile="paper"),
    "paper, VGRNN": lambda: Network(profile="paper", ablation="vgrnn"),
    "window alone": lambda: Network(embedding="mean"),
    "recurrent": Network,
    "no recurrence": lambda: Network(ablation="vgae"),
    "no attention": lambda: Network(ablation="no_attention"),
    "no recurrence, causal EMA": lambda: Network(ablation="vgae", smoothing="causal"),
    "EMA both ways": lambda: Network(embedding="mean", smoothing="two_sided"),
    "attended": lambda: Network(embedding="attended"),
    "attended, GRU untrained": lambda: Network(embedding="attended", recurrence="untrained"),
    "attended, per node": lambda: Network(embedding="attended", attention="node"),
    "attended, no recency": lambda: Network(embedding="attended", attention_recency=0.0),
    "attended, no variation": lambda: Network(embedding="attended", variational=False),
    "attended, no residual": lambda: Network(embedding="attended", residual=False),
    "attended, prediction": lambda: Network(embedding="attended", prediction_weight=1.0),
}


def simulated(seed):
    """One culture: graphs, states of the windows, true couplings."""
    block = simulate_culture(seed=seed, **CULTURE)
    truth = culture_truth(block)
    activity = bin_activity(block.segments[0], bin_size=BIN)
    windows = sliding_windows(activity, window_length=WINDOW, step=WINDOW)
    connectivity = compute_connectivity(activity, windows)
    states = truth.state_at((windows.start_s + windows.stop_s) / 2)
    couplings = [true_coupling(truth, state) for state in (0, 1)]
    return connectivity, states, [matrix | matrix.T for matrix in couplings]


def evaluate(name, connectivity, states, couplings):
    """Fit one method in the folds of one culture."""
    begin_s = time.perf_counter()
    graphs = build_graphs(connectivity, threshold=0.15 if "paper" in name else 0.0)
    features, areas, switching, losses = [], [], [], []
    pairs = np.triu_indices(graphs.n_nodes, 1)
    differs = (couplings[0] ^ couplings[1])[pairs]
    for fold in blocked_folds(len(graphs), n_folds=N_FOLDS, gap=GAP):
        stretches = [graphs.select(block) for block in fold.train_blocks]
        method = METHODS[name]().fit(stretches)
        train = np.concatenate([method.features(stretch) for stretch in stretches])
        test = graphs.select(fold.test)
        features.append(FoldFeatures(fold=fold, train=train, test=method.features(test)))
        losses.append(getattr(method, "loss", np.nan))
        for state, expected in zip(states[fold.test], method.reconstruct(test), strict=True):
            active, value = couplings[state][pairs], expected[pairs]
            areas.append(roc_auc_score(active, value))
            switching.append(roc_auc_score(active[differs], value[differs]))
    score = decode_labels(name, features, states, min_shift=12, n_shifts=19)
    return {
        "balanced_accuracy": score.balanced_accuracy,
        "coupling_auc": float(np.mean(areas)),
        "switching_auc": float(np.mean(switching)),
        "loss": float(np.mean(losses)),
        "seconds": time.perf_counter() - begin_s,
    }


def interval(values, n_draws=2000):
    """Bootstrap interval of a mean over cultures, 95 %."""
    values = np.asarray(values)
    draws = np.random.default_rng(0).choice(values, (n_draws, len(values)))
    return np.quantile(draws.mean(axis=1), [0.025, 0.975])


def summarize(table):
    """One line per method: means with intervals, and differences to the reference."""
    lines = [
        f"| method | balanced accuracy | {REFERENCE} minus method, paired "
        "| AUC of the active coupling | AUC, switching pairs | loss | s |",
        "|---|---|---|---|---|---|---|",
    ]
    scores = table.pivot(index="seed", columns="method", values="balanced_accuracy")
    for name in table["method"].unique():
        rows = table[table["method"] == name]
        cells = []
        for column in ("balanced_accuracy", "coupling_auc", "switching_auc"):
            low, high = interval(rows[column])
            cells.append(f"{rows[column].mean():.3f} ({low:.3f} to {high:.3f})")
        difference = ""
        if REFERENCE in scores and name != REFERENCE:
            low, high = interval(scores[REFERENCE] - scores[name])
            mean = (scores[REFERENCE] - scores[name]).mean()
            difference = f"{mean:+.3f} ({low:+.3f} to {high:+.3f})"
        loss, seconds = rows["loss"].mean(), rows["seconds"].mean()
        lines.append(
            f"| {name} | {cells[0]} | {difference} | {cells[1]} | {cells[2]} | {loss:.3f} | "
            f"{seconds:.0f} |"
        )
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--methods", nargs="*", default=list(METHODS))
    parser.add_argument("--out", type=Path)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    rows = []
    for seed in range(options.first_seed, options.first_seed + options.seeds):
        culture = simulated(seed)
        for name in options.methods:
            rows.append({"seed": seed, "method": name, **evaluate(name, *culture)})
            print("{seed} {method}: {balanced_accuracy:.3f} {coupling_auc:.3f}".format(**rows[-1]))
            if options.out:
                pd.DataFrame(rows).to_csv(options.out, index=False)
    print(summarize(pd.DataFrame(rows)))


if __name__ == "__main__":
    main()
