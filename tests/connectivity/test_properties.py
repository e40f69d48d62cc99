"""What holds for any activity: relabelling, shifting time, bounds, symmetry."""

import warnings

import numpy as np
import pytest
import quantities as pq
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import DataLossWarning

MEASURES = {
    "pearson": {},
    "covariance": {},
    "spearman": {},
    "partial": {},
    "cross_correlation": {"max_lag": 0.2 * pq.s},
    "spike_time_tiling_coefficient": {"dt": 0.15 * pq.s},
}
BIN = 0.1


def activity_of(values, t_start_s=0.0, ids=None):
    nodes = te.Nodes(ids=range(len(values)) if ids is None else ids)
    return te.BinnedActivity(values=values, bin_size_s=BIN, t_start_s=t_start_s, nodes=nodes)


def connectivity_of(activity, measure, length=12, step=5):
    windows = te.sliding_windows(
        activity, window_length=length * BIN * pq.s, step=step * BIN * pq.s
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataLossWarning)
        return te.compute_connectivity(activity, windows, measure=measure, **MEASURES[measure])


def counts(n_bins=40):
    return st.integers(2, 6).flatmap(
        lambda n: arrays(np.uint8, (n, n_bins), elements=st.integers(0, 4))
    )


@pytest.mark.parametrize("measure", MEASURES)
@settings(max_examples=12, deadline=None)
@given(values=counts())
def test_weights_are_symmetric_bounded_and_finite(measure, values):
    found = connectivity_of(activity_of(values), measure)
    assert np.isfinite(found.weights).all()
    np.testing.assert_allclose(found.weights, np.swapaxes(found.weights, 1, 2), atol=1e-12)
    if measure != "covariance":
        assert np.abs(found.weights).max() <= 1.0 + 1e-12


@pytest.mark.parametrize("measure", MEASURES)
@settings(max_examples=12, deadline=None)
@given(values=counts(), seed=st.integers(0, 1000))
def test_relabelling_nodes_permutes_everything(measure, values, seed):
    order = np.random.default_rng(seed).permutation(len(values))
    found = connectivity_of(activity_of(values), measure)
    permuted = connectivity_of(activity_of(values[order], ids=order), measure)
    expected = found.weights[:, order][:, :, order]
    # The shrunk inverse sums over nodes in another order.
    np.testing.assert_allclose(permuted.weights, expected, atol=1e-9)
    np.testing.assert_allclose(permuted.mean_activity, found.mean_activity[:, order])


@pytest.mark.parametrize("measure", MEASURES)
def test_shifting_the_recording_by_a_day_changes_the_times_only(measure):
    values = np.random.default_rng(0).poisson(0.4, (6, 60))
    here = connectivity_of(activity_of(values), measure)
    there = connectivity_of(activity_of(values, t_start_s=86_400.0), measure)
    np.testing.assert_array_equal(there.weights, here.weights)
    np.testing.assert_allclose(there.windows.start_s, here.windows.start_s + 86_400.0)


def test_tiling_of_spike_times_does_not_depend_on_the_clock():
    rng = np.random.default_rng(1)
    trains = [np.sort(rng.uniform(0, 20, 100)) for _ in range(4)]

    def tiling(offset):
        block = te.block_from_arrays(
            spike_times=[times + offset for times in trains],
            t_start=offset * pq.s,
            t_stop=(offset + 20) * pq.s,
        )
        activity = te.bin_activity(block.segments[0], bin_size=100 * pq.ms)
        windows = te.sliding_windows(activity, window_length=5 * pq.s, step=5 * pq.s)
        return te.compute_connectivity(
            activity,
            windows,
            measure="spike_time_tiling_coefficient",
            dt=5 * pq.ms,
            spiketrains=block.segments[0].spiketrains,
        ).weights

    # Times after a day are rounded to 1.5e-11 s; the share of time covered moves as much.
    np.testing.assert_allclose(tiling(86_400.0), tiling(0.0), atol=1e-8)
    independent = tiling(86_400.0)[:, *np.triu_indices(4, 1)]
    assert np.abs(independent).mean() < 0.1


@settings(max_examples=20, deadline=None)
@given(
    times=st.lists(st.floats(0.0, 9.99), min_size=1, max_size=40),
    bin_ms=st.sampled_from([300, 700]),
)
def test_counted_and_dropped_spikes_are_all_spikes(times, bin_ms):
    block = te.block_from_arrays(spike_times=[np.sort(times), [0.05]], t_stop=10 * pq.s)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        activity = te.bin_activity(block.segments[0], bin_size=bin_ms * pq.ms)
    told = [str(item.message) for item in caught if item.category is DataLossWarning]
    n_dropped = int(told[0].split()[0]) if told else 0
    assert int(activity.values.sum()) + n_dropped == len(times) + 1


def test_input_is_not_changed():
    values = np.random.default_rng(2).poisson(1.0, (5, 60))
    before = values.copy()
    for measure in MEASURES:
        connectivity_of(activity_of(values), measure)
    np.testing.assert_array_equal(values, before)


def test_windows_one_by_one_equal_all_at_once():
    values = np.random.default_rng(3).poisson(0.6, (7, 90))
    activity = activity_of(values)
    for measure, options in MEASURES.items():
        whole = connectivity_of(activity, measure)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataLossWarning)
            parts = list(te.iter_connectivity(activity, whole.windows, measure=measure, **options))
        np.testing.assert_array_equal(
            np.concatenate([part.weights for part in parts]), whole.weights
        )
        np.testing.assert_array_equal(
            np.concatenate([part.mean_activity for part in parts]), whole.mean_activity
        )
