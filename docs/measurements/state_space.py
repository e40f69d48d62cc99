"""
Which parts of the state-space profile earn their place: decoding, and recovery of the coupling.

Cultures are simulated as in the benchmark, on networks that are in none of its tables.  Graphs are
lagged correlations of spikes at 1 ms.  Per culture every variant is fitted inside the training
blocks of time; behaviour is decoded from held-out windows, and among pairs that are coupled in one
state alone, those that are coupled now are told by the expected change.

``python docs/measurements/state_space.py [--first-seed 300] [--seeds 4] [--tasks NAME ...]
[--variants NAME ...]``
"""

import argparse
import dataclasses
import warnings

import numpy as np
import quantities as pq
import scipy.sparse
from sklearn.metrics import roc_auc_score

from tavrnn_ephys.activity.binning import bin_activity
from tavrnn_ephys.activity.windows import sliding_windows
from tavrnn_ephys.connectivity import compute_connectivity
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.datasets.culture import culture_truth, simulate_culture
from tavrnn_ephys.datasets.simulated import drift_path, learning_path, simulate_mixture
from tavrnn_ephys.evaluation import blocked_folds, decode_labels, decode_values
from tavrnn_ephys.evaluation.folds import FoldFeatures
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tavrnn_ephys.statistics.across_cultures import bootstrap_interval

COUPLED = {"switching": 0.1, "drift": 0.2, "learning": 0.3}
N_NODES, DURATION_S, CONTEXT, N_FOLDS = 40, 200, 4, 4
VARIANTS = {
    "default": {},
    "no gate": {"gate": False},
    "windows of fit not left out": {"left_out": False},
    "no recurrence": {"recurrence": "independent"},
    "no variation": {"variational": False},
    "window alone": {"embedding": "mean"},
    "filtered alone": {"embedding": "attended"},
    "both ways in time": {"smoothing": "two_sided"},
}


def simulate(task, seed):
    """Give block, behaviour and the state of every window, and the couplings of both states."""
    common = {"n_nodes": N_NODES, "coupled_fraction": COUPLED[task], "seed": seed}
    if task == "switching":
        block = simulate_culture(
            duration=DURATION_S * pq.s, dwell=10 * pq.s, mean_rate_hz=8.0, **common
        )
        truth = culture_truth(block)
        states = truth.state_at(np.arange(DURATION_S) + 0.5)
        return block, states, states, truth.coupling
    path = (drift_path if task == "drift" else learning_path)(DURATION_S, seed=seed)
    block, truth = simulate_mixture(path, **common)
    return block, path, (path > 0.5).astype(int), truth.coupling


def directed_graphs(block):
    """Lagged correlations of one window per second; no edge is dropped."""
    trains = block.segments[0].spiketrains
    activity = bin_activity(block.segments[0], bin_size=10 * pq.ms)
    windows = sliding_windows(activity, window_length=1 * pq.s, step=1 * pq.s)
    found = compute_connectivity(
        activity, windows, measure="lagged_correlation", spiketrains=trains
    )
    known = {item.name for item in dataclasses.fields(GraphSequence)}
    matrices = [scipy.sparse.csr_array(item.astype(np.float32)) for item in found.weights]
    for matrix in matrices:
        matrix.setdiag(0)
        matrix.eliminate_zeros()
    directed = {"directed": True} if "directed" in known else {}
    return GraphSequence(weights=tuple(matrices), windows=windows, nodes=activity.nodes, **directed)


def scored(graphs, behaviour, states, coupling, options):
    """Score of held-out windows, and area under the curve of the pairs that change."""
    active = np.swapaxes(coupling, 1, 2) > 0
    changing = active[0] != active[1]
    features, areas = [], []
    for fold in blocked_folds(len(graphs), n_folds=N_FOLDS, gap=0, context=CONTEXT):
        stretches = [graphs.select(block) for block in fold.train_blocks]
        model = TAVRNN(profile="state_space", options=options).fit(stretches)
        seen = graphs.select(np.concatenate([fold.context, fold.test]))
        train = [model.transform(item).window_embedding() for item in stretches]
        test = model.transform(seen).window_embedding()[CONTEXT:]
        features.append(FoldFeatures(fold=fold, train=np.concatenate(train), test=test))
        change = model.expected_change(seen)[CONTEXT:]
        areas += [
            roc_auc_score(active[state][changing], row[changing])
            for state, row in zip(states[fold.test], change, strict=True)
        ]
    if behaviour.dtype.kind == "f":
        score = decode_values("", features, behaviour, min_shift=10, n_shifts=0).r2
    else:
        labels = behaviour.astype(str)
        score = decode_labels("", features, labels, min_shift=10, n_shifts=0).balanced_accuracy
    return score, float(np.mean(areas))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--first-seed", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--tasks", nargs="+", choices=COUPLED, default=list(COUPLED))
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    print("| task | variant | score | default minus variant, paired | AUC, changing pairs |")
    print("|---|---|---|---|---|")
    for task in options.tasks:
        found = {name: [] for name in options.variants}
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            block, behaviour, states, coupling = simulate(task, seed)
            graphs = directed_graphs(block)
            for name in options.variants:
                found[name].append(scored(graphs, behaviour, states, coupling, VARIANTS[name]))
        for name, values in found.items():
            score, area = np.mean(values, axis=0)
            gain = np.array(found[options.variants[0]])[:, 0] - np.array(values)[:, 0]
            low, high = bootstrap_interval(gain) if len(gain) > 1 else (np.nan, np.nan)
            print(
                f"| {task} | {name} | {score:.3f} | {gain.mean():+.3f} ({low:+.3f} to {high:+.3f}) "
                f"| {area:.3f} |",
                flush=True,
            )


if __name__ == "__main__":
    main()
