"""
Which parts of the state-space profile earn their place: decoding, and recovery of the coupling.

Cultures are simulated as in the benchmark, on networks that are in none of its tables.  Graphs are
lagged correlations of spikes at 1 ms.  Per culture every variant is fitted inside the training
blocks of time; behaviour is decoded from held-out windows, and among pairs that are coupled in one
state alone, those that are coupled now are told by the expected change.

The task ``place`` is a rat that runs to and fro: place cells of log-normal rates, whose position
is decoded from correlations in bins of 25 ms.  Its control are bins shuffled within windows.

``python docs/measurements/state_space.py [--first-seed 300] [--seeds 4] [--tasks NAME ...]
[--variants NAME ...]``
"""

import argparse
import contextlib
import dataclasses
import warnings
from unittest import mock

import numpy as np
import quantities as pq
import scipy.sparse
from sklearn.metrics import roc_auc_score

from tavrnn_ephys.activity.binning import bin_activity
from tavrnn_ephys.activity.windows import sliding_windows
from tavrnn_ephys.connectivity import compute_connectivity
from tavrnn_ephys.connectivity.graphs import build_graphs
from tavrnn_ephys.connectivity.surrogates import shuffle_bins_within_windows
from tavrnn_ephys.core.containers import BinnedActivity, Nodes
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.datasets.culture import culture_truth, simulate_culture
from tavrnn_ephys.datasets.simulated import drift_path, learning_path, simulate_mixture
from tavrnn_ephys.evaluation import TaskGraphs, blocked_folds, decode_labels, decode_values
from tavrnn_ephys.evaluation.folds import FoldFeatures
from tavrnn_ephys.evaluation.labelled import labelled_features
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tavrnn_ephys.methods.tavrnn.factors import sessions
from tavrnn_ephys.statistics.across_cultures import bootstrap_interval
from tavrnn_ephys.studies.benchmark import SimulatedSource

COUPLED = {"switching": 0.1, "drift": 0.2, "learning": 0.3}
TASKS = (*COUPLED, "recognition", "place")
N_NODES, DURATION_S, CONTEXT, N_FOLDS = 40, 200, 4, 4
BIN_S, TRACK_M = 0.025, 1.6
VARIANTS = {
    "default": {},
    "no gate": {"gate": False},
    "windows of fit not left out": {"left_out": False},
    "each pair on its own scale": {"pooled_scale": False},
    "neither": {"left_out": False, "pooled_scale": False},
    "no recurrence": {"recurrence": "independent"},
    "decay of one half": {"decay": 0.5, "recall": False},
    "no recall": {"recall": False},
    "no variation": {"variational": False},
    "window alone": {"embedding": "mean"},
    "filtered alone": {"embedding": "attended"},
    "both ways in time": {"smoothing": "two_sided"},
    "24 factors": {"latent_size": 24},
}


@dataclasses.dataclass
class Simulation:
    """Graphs, those of the control, and what to decode; states and couplings if there are any."""

    graphs: GraphSequence
    shuffled: GraphSequence | None
    behaviour: np.ndarray
    states: np.ndarray | None = None
    coupling: np.ndarray | None = None
    context: int = CONTEXT
    labelled: int | None = None


def simulate(task, seed):
    """Simulate a task."""
    if task == "place":
        activity, windows, position = place_cells(seed)
        graphs, shuffled = (
            build_graphs(compute_connectivity(item, windows), features="identity")
            for item in (activity, shuffle_bins_within_windows(activity, windows, seed=0))
        )
        return Simulation(graphs, shuffled, position)
    if task == "recognition":
        return recognition(seed)
    common = {"n_nodes": N_NODES, "coupled_fraction": COUPLED[task], "seed": seed}
    if task == "switching":
        block = simulate_culture(
            duration=DURATION_S * pq.s, dwell=10 * pq.s, mean_rate_hz=8.0, **common
        )
        truth = culture_truth(block)
        behaviour = states = truth.state_at(np.arange(DURATION_S) + 0.5)
    else:
        path = (drift_path if task == "drift" else learning_path)(DURATION_S, seed=seed)
        block, truth = simulate_mixture(path, **common)
        behaviour, states = path, (path > 0.5).astype(int)
    return Simulation(directed_graphs(block), None, behaviour, states, truth.coupling)


def recognition(seed):
    """States that return, as in the benchmark: labels are known for the first windows alone."""
    task = SimulatedSource(name="recognition", seed=seed, measure="lagged_correlation").load()
    graphs = TaskGraphs(task).graphs("identity", history_node=False, shuffled=False)
    # Couplings are known of pairs, either way, of each window, as of one state for each.
    return Simulation(
        graphs,
        None,
        task.behavior,
        np.arange(len(graphs)),
        task.coupled,
        context=task.context,
        labelled=task.labelled,
    )


def place_cells(seed, n_cells=100, n_laps=16):
    """Spike counts of place cells on a track of 1.6 m, windows of 1 s, and the mean position."""
    rng = np.random.default_rng(seed)
    position = np.concatenate([_run(rng, back) for _ in range(n_laps) for back in (False, True)])
    n_bins = len(position)
    centre = rng.uniform(-0.1, TRACK_M + 0.1, n_cells)[:, np.newaxis]
    width = rng.uniform(0.1, 0.25, n_cells)[:, np.newaxis]
    peak_hz = np.exp(rng.normal(1.6, 0.9, n_cells))[:, np.newaxis]
    base_hz = np.exp(rng.normal(-1.5, 0.8, n_cells))[:, np.newaxis]
    way = np.gradient(position) > 0
    one_way, preferred = rng.random((2, n_cells, 1)) < 0.5
    gain = np.where(one_way & (way != preferred), 0.3, 1.0)
    rate_hz = base_hz + peak_hz * gain * np.exp(-0.5 * ((position - centre) / width) ** 2)
    theta = 1 + 0.4 * np.sin(2 * np.pi * 8 * BIN_S * np.arange(n_bins))
    swell = np.exp(0.3 * np.convolve(rng.normal(size=n_bins), np.full(4, 0.5), "same") - 0.045)
    counts = rng.poisson(rate_hz * theta * swell * BIN_S).astype(np.uint8)
    nodes = Nodes(ids=[f"u{index}" for index in range(n_cells)])
    activity = BinnedActivity(values=counts, bin_size_s=BIN_S, nodes=nodes)
    windows = sliding_windows(activity, window_length=1 * pq.s, step=1 * pq.s)
    per_window = round(1 / BIN_S)
    mean = position[: per_window * len(windows)].reshape(-1, per_window).mean(axis=1)
    return activity, windows, mean


def _run(rng, back):
    """Position over one run along the track, and the stay at its end."""
    run = np.linspace(0, 1, int(rng.uniform(3.5, 6) / BIN_S)) ** rng.uniform(0.7, 1.4)
    stay = np.full(int(rng.uniform(1, 4) / BIN_S), 1.0)
    position = TRACK_M * np.concatenate([run, stay])
    return TRACK_M - position if back else position


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


def scored(simulation, graphs, options):
    """Score of held-out windows, and area under the curve of the pairs that change."""
    options = {**options}
    decay = options.pop("decay", None)
    arguments = {"latent_size": options.pop("latent_size", 8), "options": options}
    features, areas = [], []
    context = simulation.context
    folds = blocked_folds(len(graphs), n_folds=N_FOLDS, gap=0, context=context)
    for fold in folds:
        stretches = [graphs.select(block) for block in fold.train_blocks]
        with learnt_with(decay):
            model = TAVRNN(profile="state_space", **arguments).fit(stretches)
        seen = graphs.select(np.concatenate([fold.context, fold.test]))
        train = [model.transform(item).window_embedding() for item in stretches]
        test = model.transform(seen).window_embedding()[context:]
        features.append(FoldFeatures(fold=fold, train=np.concatenate(train), test=test))
        if simulation.coupling is not None:
            change = model.expected_change(seen)[context:]
            if simulation.labelled is not None:
                change = np.maximum(change, change.swapaxes(1, 2))
            areas += told_now(simulation, fold.test, change)
    behaviour = simulation.behaviour
    features = labelled_features(features, folds, simulation.labelled)
    if behaviour.dtype.kind == "f":
        score = decode_values("", features, behaviour, min_shift=10, n_shifts=0).r2
    else:
        labels = behaviour.astype(str)
        score = decode_labels("", features, labels, min_shift=10, n_shifts=0).balanced_accuracy
    return score, float(np.mean(areas)) if areas else np.nan


def learnt_with(decay):
    """Keep the decay of all states at a value, in place of learning it."""
    if decay is None:
        return contextlib.nullcontext()
    original = sessions.learn

    def learn(fits, **options):
        return original(fits, **{**options, "decay": np.full(8, decay)})

    return mock.patch.object(sessions, "learn", learn)


def told_now(simulation, windows, change):
    """Area under the curve, per window, of pairs that are coupled in its state alone."""
    active = np.swapaxes(simulation.coupling, 1, 2) > 0
    changing = active.any(axis=0) & ~active.all(axis=0)
    states = simulation.states[windows]
    return [
        roc_auc_score(active[state][changing], row[changing])
        for state, row in zip(states, change, strict=True)
    ]


def both_scored(simulation, options):
    """Score, score of the control, and area under the curve."""
    score, area = scored(simulation, simulation.graphs, options)
    control = np.nan
    if simulation.shuffled is not None:
        control, _ = scored(simulation, simulation.shuffled, options)
    return score, control, area


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--first-seed", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=4)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    heads = "task | variant | score | default minus variant, paired | bins shuffled | AUC"
    print(f"| {heads} |")
    print("|---|---|---|---|---|---|")
    for task in options.tasks:
        found = {name: [] for name in options.variants}
        for seed in range(options.first_seed, options.first_seed + options.seeds):
            simulation = simulate(task, seed)
            for name in options.variants:
                found[name].append(both_scored(simulation, VARIANTS[name]))
        for name, values in found.items():
            score, control, area = (f"{value:.3f}" for value in np.mean(values, axis=0))
            gain = np.array(found[options.variants[0]])[:, 0] - np.array(values)[:, 0]
            low, high = bootstrap_interval(gain) if len(gain) > 1 else (np.nan, np.nan)
            line = [task, name, score, f"{gain.mean():+.3f} ({low:+.3f} to {high:+.3f})"]
            print(f"| {' | '.join([*line, control, area])} |".replace("nan", "–"), flush=True)


if __name__ == "__main__":
    main()
