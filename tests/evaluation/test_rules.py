"""The seven rules of the protocol: each test fails when its rule is broken."""

import dataclasses
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import quantities as pq

from tavrnn_ephys.connectivity.surrogates import ShiftSurrogates
from tavrnn_ephys.core.containers import BinnedActivity, Nodes, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation import (
    BenchmarkTask,
    BlockedFold,
    FoldFeatures,
    TaskGraphs,
    blocked_folds,
    circular_shifts,
    decode_labels,
    decode_values,
    grouped_folds,
    nodes_in_folds,
    score_method,
    surrogate_scores,
    transductive_features,
)
from tavrnn_ephys.methods import UASE, Rates
from tests.baselines.toys import sequence_of


def poisson_task(*, n_windows=120, overlap=9, n_nodes=12, seed=0, kind="classification"):
    """Independent Poisson trains, windows with 90 % overlap, and a slow label without meaning."""
    rng = np.random.default_rng(seed)
    counts = rng.poisson(0.3, (n_nodes, 10 * (n_windows + overlap)))
    start = np.arange(n_windows, dtype=float)
    windows = Windows(start_s=start, stop_s=start + overlap + 1)
    activity = BinnedActivity(values=counts, bin_size_s=0.1, nodes=Nodes(ids=range(n_nodes)))
    slow = np.sin(np.arange(n_windows) / 6 + rng.uniform(0, 6))
    behavior = np.where(slow > 0, "up", "down") if kind == "classification" else slow
    return BenchmarkTask(
        name="noise", session=f"{seed}", activity=activity, windows=windows, behavior=behavior,
        kind=kind, n_folds=5, context=0,
    )  # fmt: skip


def uase(seed):
    return UASE(latent_size=3)


def random_folds(n_windows, seed):
    parts = np.array_split(np.random.default_rng(seed).permutation(n_windows), 5)
    return [
        BlockedFold(test=np.sort(p), train_blocks=(np.setdiff1d(np.arange(n_windows), p),))
        for p in parts
    ]


def test_rule_1_overlap_leaks_into_random_folds_and_not_into_blocks():
    blocked, leaking, inside = [], [], 0
    for seed in range(6):
        task = poisson_task(seed=seed)
        graphs = TaskGraphs(task)
        record = score_method(graphs, uase, n_shifts=39, transductive=False)
        blocked.append(record["score"])
        inside += record["chance_low"] - 0.02 <= record["score"] <= record["chance_high"] + 0.02
        sequence = graphs.graphs("identity", history_node=False, shuffled=False)
        vectors = UASE(latent_size=3).fit(sequence).transform(sequence).window_embedding()
        folds = random_folds(len(vectors), seed)
        features = [
            FoldFeatures(fold=fold, train=vectors[fold.train], test=vectors[fold.test])
            for fold in folds
        ]
        score = decode_labels("", features, task.behavior, min_shift=5, n_shifts=0)
        leaking.append(score.balanced_accuracy)
    assert np.mean(blocked) < 0.56
    assert inside >= 5
    assert np.mean(leaking) > 0.7


def test_rule_1_gap_is_the_overlap_and_context_trains_nothing():
    graphs = TaskGraphs(poisson_task())
    assert graphs.task.windows.overlap == 9
    for fold in graphs.folds:
        assert np.abs(np.subtract.outer(fold.test, fold.train)).min() == 10
    for fold in blocked_folds(60, n_folds=4, gap=2, context=3):
        np.testing.assert_array_equal(fold.context, np.arange(fold.test[0] - 3, fold.test[0]))
        seen = np.concatenate([fold.context, fold.test])
        assert np.abs(np.subtract.outer(seen, fold.train)).min() == 3
    assert blocked_folds(60, n_folds=4, gap=2, context=3)[0].test[0] == 3


def test_rule_1_a_method_that_looks_further_back_than_the_context_is_refused():
    class LooksBack(UASE):
        valid_from = 3

    graphs = sequence_of(np.random.default_rng(0).normal(size=(30, 4, 4)))
    with pytest.raises(InputError, match="looks back 3 windows, the folds leave a context of 2"):
        nodes_in_folds(lambda _: LooksBack(), graphs, blocked_folds(30, gap=1, context=2))


def test_rule_1_a_task_of_groups_is_scored_on_groups_that_no_method_has_seen():
    task = synchrony_task()
    groups = np.repeat(["a", "b", "c", "d"], 20)
    found = score_method(dataclasses.replace(task, groups=groups), uase, n_shifts=0)
    assert len(found["blocks"]) == 4
    assert found["score"] > 0.9
    with pytest.raises(InputError, match="no more than the context of 4"):
        TaskGraphs(dataclasses.replace(task, groups=np.arange(80) // 4)).folds  # noqa: B018


def test_rule_1_a_whole_group_is_left_out():
    folds = grouped_folds(["a", "a", "b", "b", "b", "c"])
    assert [fold.test.tolist() for fold in folds] == [[0, 1], [2, 3, 4], [5]]
    assert [len(fold.train_blocks) for fold in folds] == [2, 2, 2]
    with pytest.raises(InputError, match="2 groups in 3 runs"):
        grouped_folds(["a", "b", "a"])


class Memory:
    """Embeds a window as the label that fit was told for it, 0.5 where it was told none."""

    supervision = "label"

    def fit(self, stretches, labels):
        starts = np.concatenate([item.windows.start_s for item in stretches])
        self.known = dict(zip(starts, labels, strict=True))
        return self

    def transform(self, graphs):
        values = [self.known.get(start, 0.5) for start in graphs.windows.start_s]
        mean = np.repeat(np.array(values, float)[:, None, None], graphs.n_nodes, axis=1)
        return type("Embedding", (), {"mean": mean})


def test_rule_2_labels_of_test_windows_never_reach_a_method():
    rng = np.random.default_rng(0)
    graphs = sequence_of(rng.normal(size=(60, 4, 4)))
    labels = rng.integers(2, size=60)
    folds = blocked_folds(60, gap=1)
    inside = [item.features for item in nodes_in_folds(lambda _: Memory(), graphs, folds,
                                                        labels=labels)]  # fmt: skip
    seen = transductive_features(lambda _: Memory(), graphs, folds, labels=labels)
    honest = decode_labels("", inside, labels, min_shift=3, n_shifts=0)
    fable = decode_labels("", seen, labels, min_shift=3, n_shifts=0)
    assert fable.balanced_accuracy == 1.0
    assert honest.balanced_accuracy == pytest.approx(0.5, abs=0.12)


class Spy:
    """Remembers which windows it was fitted on, and says so in its embedding."""

    def fit(self, stretches):
        self.seen = np.concatenate([item.windows.start_s for item in stretches])
        return self

    def transform(self, graphs):
        here = np.isin(graphs.windows.start_s, self.seen)
        mean = np.stack([graphs.windows.start_s, here], axis=1)[:, None, :]
        return type("Embedding", (), {"mean": mean})


def test_rule_2_methods_see_training_windows_alone_and_context_leaves_no_trace():
    graphs = sequence_of(np.random.default_rng(0).normal(size=(40, 4, 4)))
    for item in nodes_in_folds(lambda _: Spy(), graphs, blocked_folds(40, gap=2, context=2)):
        np.testing.assert_array_equal(item.test[:, 0, 0], item.fold.test)
        assert np.all(item.train[:, 0, 1] == 1)
        assert np.all(item.test[:, 0, 1] == 0)


def test_rule_2_what_cannot_embed_unseen_windows_has_a_transductive_score_alone():
    class Closed(UASE):
        inductive = False

    task = poisson_task(overlap=0, n_windows=60)
    record = score_method(task, lambda _: Closed(latent_size=2), n_shifts=5)
    assert "score" not in record
    assert 0 <= record["transductive"] <= 1


def slow_noise(rng, n_windows, n_columns):
    values = np.zeros((n_windows, n_columns))
    for index in range(1, n_windows):
        values[index] = 0.85 * values[index - 1] + rng.normal(size=n_columns)
    return values


def correlation_p(column, values, moved):
    """Share of moved behaviours that correlate with the column at least as strongly."""
    found = [abs(np.corrcoef(column, item)[0, 1]) for item in [values, *moved]]
    return np.mean(np.array(found) >= found[0])


def test_rule_3_shift_null_holds_its_level_on_slow_noise_in_200_runs():
    rng, other = np.random.default_rng(1), np.random.default_rng(2)
    n_significant = n_shifted = n_permuted = 0
    for run in range(200):
        values = slow_noise(rng, 400, 1)[:, 0]
        columns = slow_noise(rng, 400, 3)
        features = [
            FoldFeatures(fold=fold, train=columns[fold.train], test=columns[fold.test])
            for fold in blocked_folds(400, n_folds=4, gap=2)
        ]
        score = decode_values("", features, values, min_shift=15, n_shifts=99, seed=run)
        n_significant += score.p_value <= 0.05
        shifts = circular_shifts(400, min_shift=15, n_shifts=39, seed=run)
        shifted = [np.roll(values, shift) for shift in shifts]
        n_shifted += correlation_p(columns[:, 0], values, shifted) <= 0.05
        permuted = [other.permutation(values) for _ in range(39)]
        n_permuted += correlation_p(columns[:, 0], values, permuted) <= 0.05
    # 5 % plus or minus 2 % of 200, of decoding and of correlation; permuted behaviours are
    # "significant" many times as often.
    assert 6 <= n_significant <= 14
    assert 6 <= n_shifted <= 14
    assert n_permuted > 60


def test_rule_3_surrogate_recordings_are_scored_from_scratch():
    task = synchrony_task()

    def score(activity):
        moved = dataclasses.replace(task, activity=activity)
        return score_method(moved, uase, n_shifts=0, transductive=False)["score"]

    shifts = ShiftSurrogates(min_shift=2 * pq.s)
    null = surrogate_scores(score, task.activity, shifts, n_surrogates=5)
    assert score(task.activity) > 0.9 > 0.7 > null.max()
    assert len(set(null)) > 1


def test_rule_4_seeds_are_paired_and_folds_have_seeds_of_their_own():
    asked = []

    def make(seed):
        asked.append(seed)
        return uase(seed)

    task = poisson_task(overlap=0, n_windows=60)
    score_method(task, make, seed=3, n_shifts=0, transductive=False)
    assert asked[1:6] == asked[6:11] == [3000, 3001, 3002, 3003, 3004]


def rate_coded_task(*, n_windows=80, seed=0):
    """Rates follow the label, and nodes fire independently of each other."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n_windows) // 4 % 2
    rate = np.where(np.arange(8) < 4, 1.0, 0.4)[:, None] * np.ones(n_windows)
    rate[:4] += 1.5 * labels
    counts = rng.poisson(np.repeat(0.2 * rate, 20, axis=1))
    start = np.arange(n_windows, dtype=float)
    return BenchmarkTask(
        name="rate code", session="0", windows=Windows(start_s=start, stop_s=start + 1),
        activity=BinnedActivity(values=counts, bin_size_s=0.05, nodes=Nodes(ids=range(8))),
        behavior=labels,
    )  # fmt: skip


def synchrony_task(*, n_windows=80, seed=0):
    """Two halves fire together in one state, alternate nodes in the other, at equal rates."""
    rng = np.random.default_rng(seed)
    labels = np.arange(n_windows) // 4 % 2
    halves, parity = np.arange(8) // 4, np.arange(8) % 2
    shared = rng.poisson(0.15, (2, n_windows * 50))
    own = rng.poisson(0.15, (8, n_windows * 50))
    member = np.where(np.repeat(labels, 50) == 0, halves[:, None], parity[:, None])
    counts = own + np.take_along_axis(shared, member, axis=0)
    start = np.arange(n_windows, dtype=float)
    return BenchmarkTask(
        name="synchrony", session="0", windows=Windows(start_s=start, stop_s=start + 1),
        activity=BinnedActivity(values=counts, bin_size_s=0.02, nodes=Nodes(ids=range(8))),
        behavior=labels,
    )  # fmt: skip


def test_rule_6_shuffled_bins_take_synchrony_away_and_leave_rates():
    found = score_method(synchrony_task(), uase, n_shifts=19)
    assert found["score"] > 0.9 > 0.65 > found["shuffled"]
    rates = score_method(synchrony_task(), lambda _: Rates(), n_shifts=19)
    assert rates["score"] < 0.65
    kept = score_method(rate_coded_task(), lambda _: Rates(), n_shifts=19)
    assert kept["score"] == kept["shuffled"] > 0.9


def test_rule_6_an_embedding_beside_rates_shows_what_it_adds():
    synchrony = score_method(synchrony_task(), uase, n_shifts=0)
    assert synchrony["with_rates"] > 0.9
    # Without coincidences the embedding has nothing to add.
    assert synchrony["control_with_rates"] < 0.65
    assert synchrony["chance_level"] == 0.5
    rate_code = score_method(rate_coded_task(), uase, n_shifts=0)
    assert rate_code["with_rates"] > rate_code["score"] + 0.1


def test_rule_7_steps_seconds_and_memory_are_reported():
    from tavrnn_ephys.methods import DynAE

    def make(seed):
        return DynAE(latent_size=2, hidden_sizes=(8,), n_steps=7, seed=seed)

    task = dataclasses.replace(poisson_task(overlap=0, n_windows=60), context=2)
    record = score_method(task, make, n_shifts=0)
    assert record["n_steps"] == 7
    assert record["seconds"] > 0
    assert record["peak_mb"] >= 0 or np.isnan(record["peak_mb"])


needs_peak = pytest.mark.skipif(
    not Path("/proc/self/clear_refs").exists(), reason="only Linux tells the peak of memory"
)


@needs_peak
def test_memory_of_a_large_array_is_seen():
    # In a process of its own: what other threads release meanwhile is counted too.
    code = (
        "import numpy as np; from tavrnn_ephys.evaluation import measured_cost\n"
        "with measured_cost() as cost: np.ones(20_000_000).sum()\n"
        "print(cost.peak_mb)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 100 < float(done.stdout) < 400


@needs_peak
def test_what_was_left_over_before_hides_no_memory():
    code = (
        "import gc, numpy as np; from tavrnn_ephys.evaluation import measured_cost\n"
        "gc.disable(); rest = [np.ones(40_000_000)]; rest.append(rest); del rest\n"
        "with measured_cost() as cost: gc.collect(); np.ones(20_000_000).sum()\n"
        "print(cost.peak_mb)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert 100 < float(done.stdout) < 400
