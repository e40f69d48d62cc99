"""States of windows that are trials: nothing is carried over from one to the next."""

import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.networks.states.stretches import stretch_lengths

N_TRIALS, N_NODES = 60, 6


def connectivity(state_of_trial, pause_s=1.0, seed=0):
    """Trials of three seconds in one of two states."""
    rng = np.random.default_rng(seed)
    weights = rng.normal(0, 0.05, (N_TRIALS, N_NODES, N_NODES))
    weights[:, :3, :3] += 0.5 * np.asarray(state_of_trial)[:, None, None]
    weights = (weights + weights.transpose(0, 2, 1)) / 2
    start_s = np.arange(N_TRIALS) * (3.0 + pause_s)
    labels = np.array(["trial"] * N_TRIALS)
    windows = te.Windows(start_s=start_s, stop_s=start_s + 3.0, columns={"label": labels})
    return te.ConnectivitySequence(
        weights=weights, windows=windows, nodes=te.Nodes(ids=range(N_NODES)), measure="pearson"
    )


def test_each_trial_is_a_stretch_of_its_own_and_runs_that_touch_are_one():
    states = np.zeros(N_TRIALS)
    assert stretch_lengths(connectivity(states).windows) == [1] * N_TRIALS
    assert stretch_lengths(connectivity(states, pause_s=0.0).windows) == [N_TRIALS]


def test_a_hidden_markov_model_of_trials_knows_no_order_of_them():
    rng = np.random.default_rng(3)
    states = rng.integers(2, size=N_TRIALS)
    recorded = connectivity(states)
    order = rng.permutation(N_TRIALS)
    moved = te.ConnectivitySequence(
        weights=recorded.weights[order], windows=recorded.windows, nodes=recorded.nodes,
        measure="pearson",
    )  # fmt: skip
    first = te.network_states(recorded, n_states=2, seed=0)
    second = te.network_states(moved, n_states=2, seed=0)
    assert np.array_equal(first.labels[order], second.labels)
    assert np.allclose(first.probabilities[order], second.probabilities, atol=1e-6)
    agreement = np.mean(first.labels == states)
    assert max(agreement, 1 - agreement) == 1.0
    assert not first.durations.transitions.any()
    assert first.durations.table["n_stays"].sum() == N_TRIALS


def test_the_trial_before_does_not_decide_on_one_in_between():
    """Half way between two states a trial follows its neighbours only where these touch it."""
    states = np.repeat([0.0, 1.0], N_TRIALS // 2)
    between = 10
    states[between] = 0.5
    apart, touching = (connectivity(states, pause_s=pause_s) for pause_s in (1.0, 0.0))
    chances = [
        te.network_states(item, n_states=2, seed=0).probabilities[between].max()
        for item in (apart, touching)
    ]
    assert chances[1] > chances[0]


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning")
def test_windows_of_trials_bear_the_label_by_which_this_is_told():
    import neo
    import quantities as pq

    block = te.simulate_culture(n_nodes=20, duration=40 * pq.s, seed=1)
    activity = te.bin_activity(block.segments[0], bin_size=100 * pq.ms)
    starts = np.arange(0.0, 40.0, 4.0)
    epoch = neo.Epoch(starts * pq.s, np.full(10, 3.0) * pq.s, labels=["t"] * 10, name="trials")
    laid = (
        te.epoch_windows(epoch, activity),
        te.event_windows(
            neo.Event(starts * pq.s, labels=["e"] * 10), activity, before=0 * pq.s, after=3 * pq.s
        ),
    )
    for windows in laid:
        assert stretch_lengths(windows) == [1] * len(windows)
