"""Cultures whose coupling changes gradually, and what a camera sees of them."""

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.datasets.simulated import (
    calcium_traces,
    drift_path,
    learning_path,
    simulate_mixture,
)


def rates_of(block):
    duration_s = float(block.segments[0].spiketrains[0].t_stop)
    return np.array([len(train) / duration_s for train in block.segments[0].spiketrains])


def test_rates_are_those_promised_for_every_share():
    for share in (0.0, 0.5, 1.0):
        block, truth = simulate_mixture(
            np.full(200, share), coupled_fraction=0.5, n_nodes=30, seed=2
        )
        # Clusters of spikes widen the spread: four Poisson standard errors, twice as wide.
        error = 2 * np.sqrt(truth.rates_hz / 200)
        assert np.all(np.abs(rates_of(block) - truth.rates_hz) < 4 * error)


def test_correlations_follow_the_share():
    path = np.repeat([0.0, 1.0], 150)
    block, truth = simulate_mixture(path, coupled_fraction=0.6, n_nodes=30, seed=1)
    activity = te.bin_activity(block.segments[0], bin_size=10 * pq.ms)
    windows = te.sliding_windows(activity, window_length=150 * pq.s, step=150 * pq.s)
    first, second = te.compute_connectivity(activity, windows).weights
    ends = (truth.coupling > 0) | np.swapaxes(truth.coupling > 0, 1, 2)
    only_first, only_second = ends[0] & ~ends[1], ends[1] & ~ends[0]
    assert first[only_first].mean() > 2 * max(first[only_second].mean(), 0.002)
    assert second[only_second].mean() > 2 * max(second[only_first].mean(), 0.002)


def test_equal_seeds_give_equal_recordings():
    one, _ = simulate_mixture([0.2, 0.8], n_nodes=20, seed=4)
    two, _ = simulate_mixture([0.2, 0.8], n_nodes=20, seed=4)
    for a, b in zip(one.segments[0].spiketrains, two.segments[0].spiketrains, strict=True):
        np.testing.assert_array_equal(a.magnitude, b.magnitude)


def test_share_is_written_as_behaviour():
    block, _ = simulate_mixture([0.25, 0.75], step=2 * pq.s, n_nodes=20)
    signal = block.segments[0].analogsignals[0]
    np.testing.assert_array_equal(signal.magnitude[:, 0], [0.25, 0.75])
    assert float(signal.sampling_rate) == 0.5


@pytest.mark.parametrize("path", [[], [1.2], [[0.5]], [np.nan]])
def test_share_outside_its_range_is_refused(path):
    with pytest.raises(InputError, match=r"shares in \[0, 1\]"):
        simulate_mixture(path)


def test_drift_is_slow_and_uniform():
    path = drift_path(400, correlation_steps=20, seed=0)
    np.testing.assert_allclose(np.sort(path), np.linspace(0, 1, 400))
    lagged = [np.corrcoef(path[:-lag], path[lag:])[0, 1] for lag in (5, 100)]
    assert lagged[0] > 0.9 > 0.5 > lagged[1]


def test_learning_rises_with_ups_and_downs():
    path = np.mean([learning_path(400, seed=seed) for seed in range(20)], axis=0)
    assert path[:40].mean() < 0.3 < 0.7 < path[-40:].mean()
    one = learning_path(400, seed=0)
    assert np.diff(one).min() < -0.005
    smooth = learning_path(400, fluctuation=0.0)
    assert np.all(np.diff(smooth) > 0)


def test_calcium_of_one_spike_decays_with_its_time_constant():
    block = te.block_from_arrays(spike_times=[[0.1], []], t_stop=2 * pq.s)
    seen = calcium_traces(block, frame_rate_hz=100, decay=0.2 * pq.s, noise=0.0)
    trace = seen.segments[0].analogsignals[0].magnitude
    times = np.arange(200) / 100
    expected = np.where(times >= 0.1 - 1e-9, np.exp(-(times - 0.1) / 0.2), 0.0)
    np.testing.assert_allclose(trace[:, 0], expected, atol=1e-9)
    assert np.all(trace[:, 1] == 0)
    activity = te.bin_activity(seen.segments[0], bin_size=50 * pq.ms)
    assert activity.node_kind == "roi"


def test_noise_of_a_camera_has_its_size():
    block = te.block_from_arrays(spike_times=[[], []], t_stop=100 * pq.s)
    trace = calcium_traces(block, noise=0.5, seed=1).segments[0].analogsignals[0].magnitude
    assert trace.std() == pytest.approx(0.5, rel=0.05)
    with pytest.raises(InputError, match="no spike trains"):
        calcium_traces(calcium_traces(block))
