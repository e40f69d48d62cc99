"""
Recall on recordings: whether windows return to kinds, and what that gains where labels are few.

Tasks are those of ``real_benchmark.py``, the first session of each.  Decoders learn from the first
windows of the training blocks alone, and from all.

    python docs/measurements/recall_recordings.py --data DIR
"""

from __future__ import annotations

import argparse
import os
import warnings

from real_benchmark import TASKS, sources_of

from tavrnn_ephys.evaluation import TaskGraphs, decode_labels, nodes_in_folds
from tavrnn_ephys.evaluation.labelled import labelled_features
from tavrnn_ephys.evaluation.regression import decode_values
from tavrnn_ephys.methods.tavrnn_method import StateSpaceMethod

LABELLED = (10, 20, 40, None)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n")[0])
    parser.add_argument("--data", default=os.environ.get("TAVRNN_EPHYS_DATA"), help="recordings")
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the folder of recordings: --data DIR, or set TAVRNN_EPHYS_DATA")
    warnings.simplefilter("ignore")
    heads = [f"{number or 'all'} labelled" for number in LABELLED]
    print(f"| task | recall | folds with kinds | {' | '.join(heads)} |\n|{'---|' * 7}")
    for name in TASKS:
        prepared = TaskGraphs(sources_of(name, options.data)[0].load())
        for recall in (True, False):
            taken, scores = scored(prepared, recall=recall)
            shown = " | ".join(f"{score:.3f}" for score in scores)
            print(f"| {name} | {'yes' if recall else 'no'} | {taken} | {shown} |", flush=True)


def scored(prepared: TaskGraphs, *, recall: bool) -> tuple[str, list[float]]:
    """How many folds take kinds, and the score by number of labelled windows."""
    task, made = prepared.task, []

    def make(seed: int) -> StateSpaceMethod:
        made.append(StateSpaceMethod(options={"recall": recall}, seed=seed))
        return made[-1]

    found = nodes_in_folds(
        make,
        lambda fold: prepared.graphs("identity", history_node=False, shuffled=False, fold=fold),
        prepared.folds,
    )
    features, scores = [item.features for item in found], []
    for number in LABELLED:
        known = labelled_features(features, prepared.folds, number)
        if task.kind == "classification":
            decoded = decode_labels("", known, task.behavior, min_shift=1, n_shifts=0)
            scores.append(decoded.balanced_accuracy)
        else:
            scores.append(decode_values("", known, task.behavior, min_shift=1, n_shifts=0).r2)
    n_taken = sum(item.model_.returning_kinds().kinds is not None for item in made)
    return f"{n_taken} of {len(made)}", scores


if __name__ == "__main__":
    main()
