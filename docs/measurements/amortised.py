"""
Whether hyperparameters of the state-space profile, learnt on many networks, serve others better.

The profile has no weights that networks could share.  What can be amortised over simulated
networks are its hyperparameters.  Each is changed alone on the first networks, beside the default;
a value is learnt if its mean gain exceeds the standard error of that gain.  What is learnt is put
together, for all tasks alike and for each task, and set beside the default on the other networks.
The weight of the window beside the filtered state is none of them: decoders scale features.  Graphs
are lagged correlations at 1 ms, the same for every setting.

    python docs/measurements/amortised.py [--training 8] [--held-out 12] [--first 300]
        [--tasks drift] [--only factors "first decay"]
"""

import argparse
import time
import warnings
from contextlib import ExitStack
from functools import cache, partial
from unittest import mock

import numpy as np

from tavrnn_ephys.evaluation import TaskGraphs, decode_labels, decode_values, nodes_in_folds
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tavrnn_ephys.methods.tavrnn.factors import learning, loadings, windows
from tavrnn_ephys.statistics.across_cultures import bootstrap_interval
from tavrnn_ephys.studies.benchmark import SimulatedSource

TASKS = ("switching", "returning", "drift")
# Hyperparameter, its default, and what is tried in its place.
HYPERPARAMETERS = {
    "factors": (8, (4, 16)),
    "prior degrees of freedom": (20.0, (5.0, 80.0)),
    "power of the gate": (1.0, (0.5, 1.5)),
    "first decay": (0.8, (0.95,)),
}
DEFAULT = {name: value for name, (value, _) in HYPERPARAMETERS.items()}


@cache
def prepared(task, seed):
    """Folds and graphs of a network; one kernel of all its windows."""
    found = TaskGraphs(SimulatedSource(name=task, seed=seed, measure="lagged_correlation").load())
    return found, found.graphs("identity", history_node=False, shuffled=False)


def powered(z, *, power, original=loadings.fit_gate, **options):
    """The gate, the prior variance of every loading raised to a power."""
    gate = original(z, **options)
    return gate._replace(mean_square=gate.mean_square**power)


def patched(setting):
    """Put the constants of a setting in the place of those of the profile."""
    gate = partial(powered, power=setting["power of the gate"])
    stack = ExitStack()
    for place in (
        (windows, "_PRIOR_FREEDOM", setting["prior degrees of freedom"]),
        (loadings, "fit_gate", gate),
        (learning, "_START_DECAY", setting["first decay"]),
        # Which factors are told from noise is said of a fit, and changes no embedding.
        (learning, "_JUDGING_SWEEPS", 1),
    ):
        stack.enter_context(mock.patch.object(*place))
    return stack


def score(task, seed, setting):
    """Balanced accuracy or explained variance of held-out windows."""
    return computed(task, seed, tuple(setting.items()))


@cache
def computed(task, seed, items):
    """The score, computed once for each setting."""
    setting = dict(items)
    network, graphs = prepared(task, seed)
    with patched(setting):
        embedded = nodes_in_folds(
            lambda _: TAVRNN(latent_size=setting["factors"]), graphs, network.folds
        )
    found = [item.features for item in embedded]
    behavior, options = network.task.behavior, {"min_shift": network.min_shift, "n_shifts": 0}
    if network.task.kind == "regression":
        return decode_values("", found, behavior, **options).r2
    return decode_labels("", found, behavior, **options).balanced_accuracy


def gains(tasks, seeds, setting):
    """Gain of a setting over the default, shape (n_tasks, n_networks)."""
    if setting == DEFAULT:
        return np.zeros((len(tasks), len(seeds)))
    pairs = [[(score(task, seed, setting), score(task, seed, DEFAULT)) for seed in seeds]
             for task in tasks]  # fmt: skip
    return np.subtract(*np.moveaxis(pairs, -1, 0))


def shown(values):
    """Mean over networks, and its interval."""
    if len(values) < 2:
        return f"{values.mean():+.3f}"
    low, high = bootstrap_interval(values)
    return f"{values.mean():+.3f} ({low:+.3f} to {high:+.3f})"


def learnt(table):
    """Of each hyperparameter the value that gains most, where that exceeds its standard error."""
    setting = dict(DEFAULT)
    best = dict.fromkeys(DEFAULT, 0.0)
    for (name, value), found in table.items():
        gain = found.mean()
        if gain > max(best[name], found.std(ddof=1) / np.sqrt(len(found))):
            setting[name], best[name] = value, gain
    return setting


def searched(seeds, tasks, names):
    """Change each hyperparameter alone; return what is learnt for all tasks, and for each."""
    print(f"| hyperparameter | value | {' | '.join(tasks)} | mean |")
    print("|---|---|" + "---|" * (len(tasks) + 1))
    table = {}
    for name in names:
        for value in HYPERPARAMETERS[name][1]:
            found = gains(tasks, seeds, {**DEFAULT, name: value})
            table[name, value] = found
            cells = [shown(row) for row in (*found, found.mean(axis=0))]
            print(f"| {name} | {value} | {' | '.join(cells)} |", flush=True)
    together = learnt({key: item.mean(axis=0) for key, item in table.items()})
    return together, {
        task: learnt({key: item[row] for key, item in table.items()})
        for row, task in enumerate(tasks)
    }


def compared(seeds, together, by_task):
    """Set what is learnt beside the default on networks that were not learnt from."""
    print("\n| learnt | task | gain, paired | setting |\n|---|---|---|---|")
    for name in ("all tasks alike", "each task"):
        rows = []
        for task, own in by_task.items():
            setting = together if name == "all tasks alike" else own
            rows.append(gains([task], seeds, setting)[0])
            changed = {key: item for key, item in setting.items() if item != DEFAULT[key]}
            about = ", ".join(f"{key} {item}" for key, item in changed.items()) or "the default"
            print(f"| {name} | {task} | {shown(rows[-1])} | {about} |", flush=True)
        print(f"| {name} | mean | {shown(np.mean(rows, axis=0))} | |", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--training", type=int, default=8)
    parser.add_argument("--held-out", type=int, default=12)
    parser.add_argument("--first", type=int, default=300)
    parser.add_argument("--tasks", nargs="+", choices=TASKS, default=list(TASKS))
    parser.add_argument("--only", nargs="+", choices=DEFAULT, default=list(DEFAULT))
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    middle = options.first + options.training
    together, by_task = searched(range(options.first, middle), options.tasks, options.only)
    prepared.cache_clear()
    compared(range(middle, middle + options.held_out), together, by_task)
    print(f"\n{time.process_time():.0f} s of processor time")


if __name__ == "__main__":
    main()
