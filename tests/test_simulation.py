"""The simulated culture holds what it promises."""

import numpy as np
import pytest
import quantities as pq

from tavrnn_ephys.activity.binning import bin_activity
from tavrnn_ephys.activity.windows import sliding_windows
from tavrnn_ephys.connectivity import compute_connectivity
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.datasets.culture import culture_truth, simulate_culture, true_coupling
from tavrnn_ephys.io.blocks import behavior_columns, block_from_arrays, nodes_of_spiketrains


@pytest.fixture(scope="module")
def culture():
    return simulate_culture(seed=3)


def spikes_per_state(block):
    truth = culture_truth(block)
    seconds = np.array([np.diff(truth.switch_s)[truth.states == state].sum() for state in (0, 1)])
    counts = np.array(
        [
            np.bincount(truth.state_at(train.magnitude), minlength=2)
            for train in block.segments[0].spiketrains
        ]
    )
    return counts, seconds, truth


def test_rates_are_equal_in_both_states_and_as_stated(culture):
    counts, seconds, truth = spikes_per_state(culture)
    rates = counts / seconds
    # Sums over 80 channels and 150 s; clustering of children widens Poisson errors a little.
    np.testing.assert_allclose(rates.sum(axis=0) / truth.rates_hz.sum(), 1.0, atol=0.03)
    z = (rates[:, 0] - rates[:, 1]) / np.sqrt((counts / seconds**2).sum(axis=1))
    assert np.abs(z).mean() < 1.3


def test_coupled_pairs_correlate_in_their_state_only(culture):
    truth = culture_truth(culture)
    activity = bin_activity(culture.segments[0], bin_size=10 * pq.ms)
    windows = sliding_windows(activity, window_length=2 * pq.s, step=2 * pq.s)
    with pytest.warns(UserWarning, match="do not vary"):
        weights = compute_connectivity(activity, windows).weights
    states = truth.state_at((windows.start_s + windows.stop_s) / 2)
    only = [true_coupling(truth, s) & ~true_coupling(truth, 1 - s) for s in (0, 1)]
    for state in (0, 1):
        mean = weights[states == state].mean(axis=0)
        assert mean[only[state]].mean() > 3 * abs(mean[only[1 - state]].mean())


def test_subregions_stand_in_the_proportions_of_the_real_layout(culture, recordings):
    nodes = nodes_of_spiketrains(culture.segments[0].spiketrains)
    names, counts = np.unique(nodes.groups, return_counts=True)
    assert dict(zip(names, counts, strict=True)) == {
        "L_down": 9, "L_up": 9, "R_down": 9, "R_up": 9, "sensory": 44,
    }  # fmt: skip
    layout = recordings / "dishbrain-layout"
    locations = np.genfromtxt(layout / "channel_locs.csv", delimiter=",", names=True)
    regions = np.genfromtxt(
        layout / "channel_subregions.csv", delimiter=",", names=True, dtype=None, encoding="utf8"
    )
    region_of = {row["channel"]: row["subregion"] for row in regions}
    real_names = {"L_down": "left1", "L_up": "left2", "R_down": "right1", "R_up": "right2"}
    for name, real in real_names.items():
        real_xy = np.array(
            [(row["x"], row["y"]) for row in locations if region_of[row["channel"]] == real]
        )
        mine = nodes.positions_um[nodes.groups == name]
        assert np.all(mine >= real_xy.min(axis=0))
        assert np.all(mine <= real_xy.max(axis=0))
        share = len(real_xy) / len(locations)
        assert abs(len(mine) / len(nodes) - share) < 0.02


def test_performance_follows_the_state(culture):
    times_s, values = behavior_columns(culture.segments[0])["performance"]
    states = culture_truth(culture).state_at(times_s + 0.5)
    assert values[states == 1].mean() > values[states == 0].mean() + 1.0


def test_equal_seeds_give_equal_spikes():
    blocks = [simulate_culture(n_nodes=20, duration=20 * pq.s, seed=seed) for seed in (1, 1, 2)]
    trains = [block.segments[0].spiketrains[0].magnitude for block in blocks]
    np.testing.assert_array_equal(trains[0], trains[1])
    assert not np.array_equal(trains[0], trains[2])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"n_nodes": 5}, "at least 20"),
        ({"coupled_fraction": 1.2}, "coupled_fraction"),
        ({"duration": -1 * pq.s}, "positive"),
        ({"dwell": 3}, "unit of time"),
    ],
)
def test_bad_culture_is_explained(arguments, message):
    with pytest.raises(InputError, match=message):
        simulate_culture(**arguments)


def test_real_block_has_no_truth():
    block = block_from_arrays(spike_times=[[0.1]], t_stop=1 * pq.s)
    with pytest.raises(InputError, match="not a simulated culture"):
        culture_truth(block)
