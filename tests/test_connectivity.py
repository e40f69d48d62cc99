"""Connectivity against Elephant and NumPy, and its rules."""

import numpy as np
import pytest
import quantities as pq
from elephant.conversion import BinnedSpikeTrain
from elephant.spike_train_correlation import correlation_coefficient

from tavrnn_ephys.activity.binning import bin_activity
from tavrnn_ephys.activity.windows import bin_ranges, sliding_windows
from tavrnn_ephys.connectivity import compute_connectivity
from tavrnn_ephys.connectivity.surrogates import shuffle_bins_within_windows
from tavrnn_ephys.core.containers import BinnedActivity, Nodes
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.io.blocks import block_from_arrays


def counts_activity(counts, bin_size_s=0.025):
    ids = [str(index) for index in range(len(counts))]
    return BinnedActivity(values=counts, bin_size_s=bin_size_s, nodes=Nodes(ids=ids))


def random_activity(seed=0):
    counts = np.random.default_rng(seed).poisson(0.4, (12, 400)).astype(np.uint8)
    return counts_activity(counts)


def four_windows(activity):
    return sliding_windows(activity, window_length=4 * pq.s, step=2 * pq.s)


def test_pearson_equals_elephant_window_by_window():
    counts = np.random.default_rng(0).poisson(0.4, (12, 400))
    block = block_from_arrays(counts=counts, bin_size=25 * pq.ms)
    activity = bin_activity(block.segments[0], bin_size=25 * pq.ms)
    windows = four_windows(activity)
    ours = compute_connectivity(activity, windows)
    whole = BinnedSpikeTrain(block.segments[0].spiketrains, bin_size=25 * pq.ms)
    for index in range(len(windows)):
        part = whole.time_slice(windows.start_s[index] * pq.s, windows.stop_s[index] * pq.s)
        np.testing.assert_allclose(
            ours.weights[index], correlation_coefficient(part), rtol=0, atol=1e-12
        )


@pytest.mark.parametrize("measure", ["pearson", "covariance"])
def test_measure_equals_numpy(measure):
    activity = random_activity()
    windows = four_windows(activity)
    ours = compute_connectivity(activity, windows, measure=measure)
    formula = {"pearson": np.corrcoef, "covariance": np.cov}[measure]
    for index, (first, last) in enumerate(bin_ranges(windows, activity)):
        expected = formula(activity.values[:, first:last])
        np.testing.assert_allclose(ours.weights[index], expected, rtol=0, atol=1e-12)


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning")
def test_pearson_equals_numpy_on_a_real_recording(recordings):
    counts = np.load(recordings / "rat-hippocampus-hc11/achilles.npz")["x"].T.astype(np.int64)
    activity = counts_activity(counts)
    windows = four_windows(activity)
    ours = compute_connectivity(activity, windows, silent_nodes="nan")
    with np.errstate(invalid="ignore", divide="ignore"):
        for index, (first, last) in enumerate(bin_ranges(windows, activity)):
            expected = np.corrcoef(counts[:, first:last])
            np.testing.assert_allclose(ours.weights[index], expected, rtol=0, atol=1e-12)


def test_traces_take_the_same_formula():
    traces = np.random.default_rng(0).normal(size=(4, 100))
    activity = BinnedActivity(
        values=traces, bin_size_s=0.1, nodes=Nodes(ids=list("abcd"), kind="roi"), quantity="trace"
    )
    windows = sliding_windows(activity, window_length=10 * pq.s, step=10 * pq.s)
    ours = compute_connectivity(activity, windows)
    np.testing.assert_allclose(ours.weights[0], np.corrcoef(traces), atol=1e-12)
    np.testing.assert_allclose(ours.mean_activity[0], traces.mean(axis=1))


def test_mean_activity_of_counts_is_a_rate():
    ours = compute_connectivity(random_activity(), four_windows(random_activity()))
    expected = random_activity().values[:, :160].sum(axis=1) / 4.0
    np.testing.assert_allclose(ours.mean_activity[0], expected)


def silent_activity():
    counts = np.random.default_rng(0).poisson(0.4, (4, 400))
    counts[2, :160] = 0
    return counts_activity(counts)


@pytest.mark.parametrize(("rule", "fill"), [("zero", 0.0), ("nan", np.nan)])
def test_silent_node_follows_the_rule_and_is_counted_once(rule, fill):
    activity = silent_activity()
    with pytest.warns(DataLossWarning, match="1 of 4 units do not vary") as caught:
        ours = compute_connectivity(activity, four_windows(activity), silent_nodes=rule)
    assert len(caught) == 1
    np.testing.assert_array_equal(ours.weights[0, 2], np.full(4, fill))
    assert np.isfinite(ours.weights[0][np.ix_([0, 1, 3], [0, 1, 3])]).all()


def test_silent_node_raises_on_request():
    activity = silent_activity()
    with pytest.raises(InputError, match="silent_nodes='zero'"):
        compute_connectivity(activity, four_windows(activity), silent_nodes="raise")


def test_callable_measure_is_used():
    activity = random_activity()

    def half(values):
        return np.full((len(values), len(values)), 0.5)

    ours = compute_connectivity(activity, four_windows(activity), measure=half)
    assert np.all(ours.weights == 0.5)
    assert ours.measure == "half"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"measure": "pearsn"}, "'pearson', 'covariance'"),
        ({"silent_nodes": "drop"}, "silent_nodes must be one of"),
        ({"measure": lambda values: np.zeros((1, 1))}, "for window 0"),
    ],
)
def test_bad_choice_is_explained(arguments, message):
    with pytest.raises(InputError, match=message):
        compute_connectivity(random_activity(), four_windows(random_activity()), **arguments)


def test_one_node_is_no_network():
    activity = counts_activity(np.ones((1, 400), dtype=int))
    with pytest.raises(InputError, match="at least two nodes"):
        compute_connectivity(activity, four_windows(activity))


def test_shuffled_bins_keep_rates_and_destroy_coincidences():
    shared = np.random.default_rng(0).poisson(0.4, 400)
    activity = counts_activity(np.stack([shared, shared, shared]))
    windows = four_windows(activity)
    shuffled = shuffle_bins_within_windows(activity, windows, seed=1)
    for first, last in bin_ranges(windows, activity):
        np.testing.assert_array_equal(
            shuffled.values[:, first:last].sum(axis=1), activity.values[:, first:last].sum(axis=1)
        )
    after = compute_connectivity(shuffled, windows).weights
    assert np.abs(after[:, 0, 1]).max() < 0.5
    np.testing.assert_array_equal(activity.values[0], shared)
