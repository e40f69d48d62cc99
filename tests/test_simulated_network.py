"""The network that no method is told: rates that say nothing, couplings that are there."""

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.datasets.simulated import NetworkRecipe, simulate_network

VARIED = {
    "plain": {},
    "inhibition": {"inhibitory_fraction": 0.3},
    "dense": {"n_parents": 12, "coupled_fraction": 0.4},
    "ups": {"up_depth": 0.6, "burst_rate_hz": 0.3, "drift": 0.3},
    "far": {"by_distance": True, "delays_s": (0.001, 0.015)},
}


def trains(block):
    return [np.asarray(train.rescale("s").magnitude) for train in block.segments[0].spiketrains]


@pytest.mark.parametrize("kind", VARIED)
def test_mean_rates_are_the_same_in_all_states(kind):
    recipe = NetworkRecipe(n_nodes=20, duration_s=200.0, dwell_s=5.0, **VARIED[kind])
    block, truth = simulate_network(recipe, seed=3)
    lengths = np.diff(truth.switch_s)
    held = [lengths[truth.states == state].sum() for state in (0, 1)]
    rates = np.array(
        [np.bincount(truth.state_at(times), minlength=2) / held for times in trains(block)]
    )
    assert np.isclose(rates.mean(), truth.rates_hz.mean(), rtol=0.08)
    difference = rates[:, 0] - rates[:, 1]
    chance = np.sqrt(truth.rates_hz * sum(1 / np.array(held)))
    # Bursts and ups make counts vary more than those of a Poisson process, for all units at once.
    assert np.sqrt(np.mean((difference / chance) ** 2)) < (4 if kind == "ups" else 1.6)


@pytest.mark.parametrize(("kind", "sign"), [("plain", 1), ("inhibition", -1)])
def test_coupled_pairs_are_found_behind_their_sources(kind, sign):
    recipe = NetworkRecipe(
        n_nodes=20, n_states=1, duration_s=200.0, coupled_fraction=0.3, **VARIED[kind]
    )
    block, truth = simulate_network(recipe, seed=1)
    activity = te.bin_activity(block.segments[0], bin_size=1 * pq.ms)
    windows = te.sliding_windows(activity, window_length=200 * pq.s, step=200 * pq.s)
    weights = te.compute_connectivity(
        activity, windows, measure="lagged_correlation", time_constant=5 * pq.ms, delay=1 * pq.ms
    ).weights[0]
    coupled = np.sign(truth.coupling[0].T) == sign
    others = truth.coupling[0].T == 0
    np.fill_diagonal(others, False)
    beyond = sign * (weights[coupled].mean() - weights[others].mean())
    assert beyond > 5 * weights[others].std() / np.sqrt(coupled.sum())
    assert sign * weights[coupled].mean() > 0


def test_equal_seeds_give_equal_spikes():
    recipe = NetworkRecipe(n_nodes=10, duration_s=20.0, inhibitory_fraction=0.2)
    first, second = (trains(simulate_network(recipe, seed=5)[0]) for _ in range(2))
    other = trains(simulate_network(recipe, seed=6)[0])
    for one, two in zip(first, second, strict=True):
        np.testing.assert_array_equal(one, two)
    assert any(len(one) != len(two) for one, two in zip(first, other, strict=True))


def test_states_return_after_all_others():
    recipe = NetworkRecipe(n_nodes=10, n_states=5, dwell_s=2.0, duration_s=100.0)
    _, truth = simulate_network(recipe, seed=0)
    assert (np.diff(truth.states) != 0).all()
    for start in range(0, len(truth.states) - 5, 5):
        assert set(truth.states[start : start + 5]) == set(range(5))


@pytest.mark.parametrize(
    "wrong",
    [
        {"n_nodes": 3},
        {"coupled_fraction": 1.0},
        {"inhibitory_fraction": 0.9},
        {"delays_s": (0.01, 0.001)},
        {"drift": -1.0},
    ],
)
def test_recipes_out_of_range_are_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        NetworkRecipe(**wrong)
