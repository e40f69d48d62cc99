"""
What attention by content could gain over a state that decays, at most and in fact.

*At most*: states alternate after stays of random length, each window tells them with noise, and a
linear decoder reads the window beside its exponential average.  The hidden Markov filter that is
told states, noise and mean stay is the best that any memory of earlier windows can do.

*In fact*: networks whose six states return, as in the benchmark, directed graphs at 1 ms, on seeds
that are in none of its tables.  Each filtered state of the profile ``state_space`` is replaced by
the average of those of the fit that resemble it, however long ago, weighted by a Gaussian of their
difference in units of its uncertainty; ``sharpness`` divides that uncertainty.

*In the fit*: windows that resemble each other, told by factors that were learnt without them, are
put into clusters, and factors are learnt again that tell these clusters, as if they were labels.

    python docs/measurements/content_attention.py
    python docs/measurements/content_attention.py --seeds 0               the bound alone
"""

from __future__ import annotations

import argparse
import warnings
from functools import partial
from unittest import mock

import numpy as np
from sklearn.cluster import KMeans
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from tavrnn_ephys.evaluation import TaskGraphs, decode_labels, nodes_in_folds
from tavrnn_ephys.methods.tavrnn.factors.network import WindowEvidence
from tavrnn_ephys.methods.tavrnn.factors.reading import FactorReader
from tavrnn_ephys.methods.tavrnn_method import LabelledStateSpaceMethod, StateSpaceMethod
from tavrnn_ephys.statistics.across_cultures import bootstrap_interval
from tavrnn_ephys.studies.benchmark import SimulatedSource

# States, mean windows of a stay, and the distance between states in units of the noise of a window.
ALTERNATIONS = ((2, 10, 1.5), (2, 10, 2.0), (6, 4, 1.2), (6, 4, 2.0), (6, 4, 2.8))
FACTORS_OF_PAST = (0.3, 0.4, 0.5, 0.6, 0.7, 0.8)
SHARPNESS = (0.3, 1.0, 3.0, 10.0)
CLUSTERS = (6, 10)


def alternation(n_states, stay, distance, n_windows):
    """Windows that tell states which alternate after geometric stays."""
    rng = np.random.default_rng(0)
    centres = np.eye(n_states) * distance / np.sqrt(2)
    states, current = [], 0
    while len(states) < n_windows:
        current = rng.choice([item for item in range(n_states) if item != current])
        states += [current] * rng.geometric(1 / stay)
    states = np.array(states[:n_windows])
    return states, centres[states] + rng.normal(size=(n_windows, n_states)), centres


def linear_accuracy(states, features):
    """Accuracy of a linear discriminant, fitted to the first half, in the second."""
    half, kinds = len(states) // 2, np.unique(states)
    centres = np.array([features[:half][states[:half] == kind].mean(axis=0) for kind in kinds])
    precision = np.linalg.pinv(np.cov((features[:half] - centres[states[:half]]).T))
    away = features[half:, np.newaxis] - centres
    squares = np.einsum("tki,ij,tkj->tk", away, precision, away)
    return np.mean(squares.argmin(axis=1) == states[half:])


def smoothed(features, factor):
    """Exponential average over past windows."""
    found, known = np.empty_like(features), np.zeros(features.shape[1])
    for index, row in enumerate(features):
        known = factor * known + (1 - factor) * row
        found[index] = known
    return found


def filter_accuracy(states, features, centres, stay):
    """Accuracy of the hidden Markov filter that knows states, noise and mean stay."""
    n_states = len(centres)
    change = np.full((n_states, n_states), 1 / stay / (n_states - 1))
    np.fill_diagonal(change, 1 - 1 / stay)
    known, found = np.full(n_states, 1 / n_states), []
    for row in features:
        fit = np.exp(-0.5 * np.square(row - centres).sum(axis=1))
        known = (change.T @ known) * fit
        known /= known.sum()
        found.append(known.argmax())
    half = len(states) // 2
    return np.mean(np.array(found[half:]) == states[half:])


def print_bound(n_windows):
    """Table of what a filter that knows everything gains."""
    print(
        "| states | mean stay | distance | window | window beside its average | filter that knows |"
    )
    print("|---|---|---|---|---|---|")
    for n_states, stay, distance in ALTERNATIONS:
        states, features, centres = alternation(n_states, stay, distance, n_windows)
        beside = max(
            linear_accuracy(states, np.hstack([features, smoothed(features, factor)]))
            for factor in FACTORS_OF_PAST
        )
        alone = linear_accuracy(states, features)
        knows = filter_accuracy(states, features, centres, stay)
        print(f"| {n_states} | {stay} | {distance} | {alone:.3f} | {beside:.3f} | {knows:.3f} |")


def by_content(reader, evidence, found, *, sharpness, original):
    """Read out states that are averaged over those of the fit that resemble them."""
    network = reader._network
    said = network.seen_evidence.double().numpy()
    precision = np.repeat(network.precision()[np.newaxis], len(said), axis=0)
    known = reader.filtered(WindowEvidence(said, precision))
    sureness = sharpness * np.linalg.inv(found.covariance[-1] + known.covariance[-1])
    away = found.mean[:, np.newaxis] - known.mean
    score = -0.5 * np.einsum("tsk,kl,tsl->ts", away, sureness, away)
    weight = np.exp(score - score.max(axis=1, keepdims=True))
    weight /= weight.sum(axis=1, keepdims=True)
    return original(reader, evidence, found._replace(mean=weight @ known.mean))


class LearntFromClusters(StateSpaceMethod):
    """Factors that are learnt twice: from graphs alone, then from the clusters of windows too."""

    def __init__(self, *, n_clusters, **options):
        super().__init__(**options)
        self.n_clusters = n_clusters

    def fit(self, graphs, y=None):
        sequences = list(graphs) if isinstance(graphs, list | tuple) else [graphs]
        alone = StateSpaceMethod(seed=self.seed).fit(sequences)
        windows = [alone.transform(item).window_embedding("mean") for item in sequences]
        clusters = make_pipeline(StandardScaler(), KMeans(self.n_clusters, n_init=20))
        found = clusters.set_params(kmeans__random_state=0).fit_predict(np.concatenate(windows))
        self.learnt = LabelledStateSpaceMethod(seed=self.seed)
        self.learnt.fit(sequences, np.char.add("cluster ", found.astype(str)))
        return self

    def transform(self, graphs):
        return self.learnt.transform(graphs)


def decoded(graphs, sharpness=None):
    """Balanced accuracy of the states of held-out windows."""
    original = FactorReader.embedding_of
    patched = original
    if sharpness is not None:

        def patched(reader, evidence, found):
            return by_content(reader, evidence, found, sharpness=sharpness, original=original)

    with mock.patch.object(FactorReader, "embedding_of", patched):
        return accuracy(graphs, StateSpaceMethod)


def accuracy(graphs, make):
    """Balanced accuracy of the states of held-out windows by a method."""
    task = graphs.task
    of_fold = partial(graphs.graphs, "identity", history_node=False, shuffled=False)
    features = nodes_in_folds(
        lambda number: make(), lambda fold: of_fold(fold=fold), graphs.folds, labels=task.behavior
    )
    pooled = [item.features for item in features]
    return decode_labels("", pooled, task.behavior, min_shift=10, n_shifts=0).balanced_accuracy


def print_gain(seeds):
    """Table of scores with attention by content in place of the filtered state."""
    ways = {"filtered state": decoded}
    for sharpness in SHARPNESS:
        ways[f"by content, sharpness {sharpness:g}"] = partial(decoded, sharpness=sharpness)
    for n_clusters in CLUSTERS:
        make = partial(LearntFromClusters, n_clusters=n_clusters)
        ways[f"filtered state, learnt from {n_clusters} clusters"] = partial(accuracy, make=make)
    ways["filtered state, learnt from the true labels"] = partial(
        accuracy, make=LabelledStateSpaceMethod
    )
    found = {name: [] for name in ways}
    for seed in seeds:
        source = SimulatedSource(name="returning", seed=seed, measure="lagged_correlation")
        graphs = TaskGraphs(source.load())
        for name, way in ways.items():
            found[name].append(way(graphs))
    print("| beside the window | score | minus the filtered state, paired |\n|---|---|---|")
    for name, scores in found.items():
        gain = np.subtract(scores, found["filtered state"])
        low, high = bootstrap_interval(gain) if len(gain) > 1 else (np.nan, np.nan)
        print(
            f"| {name} | {np.mean(scores):.3f} | {gain.mean():+.3f} ({low:+.3f} to {high:+.3f}) |"
        )


def main():
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n")[0])
    parser.add_argument("--first-seed", type=int, default=300)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--windows", type=int, default=40000)
    options = parser.parse_args()
    warnings.simplefilter("ignore")
    with threadpool_limits(limits=1):
        print_bound(options.windows)
        if options.seeds:
            print()
            print_gain(range(options.first_seed, options.first_seed + options.seeds))


if __name__ == "__main__":
    main()
