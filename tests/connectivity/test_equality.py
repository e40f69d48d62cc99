"""The fast path and every measure against Elephant, one window at a time."""

import warnings

import neo
import numpy as np
import pytest
import quantities as pq
from elephant.conversion import BinnedSpikeTrain
from elephant.spike_train_correlation import (
    correlation_coefficient,
    covariance,
    cross_correlation_histogram,
)
from elephant.spike_train_correlation import (
    spike_time_tiling_coefficient as elephant_tiling,
)
from scipy.stats import spearmanr

import tavrnn_ephys as te
from tavrnn_ephys.activity.windows import bin_ranges

ELEPHANT = {"pearson": correlation_coefficient, "covariance": covariance}
NUMPY = {"pearson": np.corrcoef, "covariance": np.cov}
# Rounding of sums over a few thousand bins in double precision.
TOLERANCE = 1e-12


def laid(activity, kind):
    """Windows that overlap, leave gaps, cut time irregularly, or consist of one bin."""
    bin_size_s, n_bins = activity.bin_size_s, activity.n_bins
    first, last = {
        "overlapping": (np.arange(0, 1600, 100), np.arange(0, 1600, 100) + 400),
        "small step": (np.arange(0, 300, 7), np.arange(0, 300, 7) + 210),
        "no multiple": (np.arange(0, 1000, 90), np.arange(0, 1000, 90) + 250),
        "gapped": (np.arange(0, 1800, 300), np.arange(0, 1800, 300) + 130),
        "irregular": ([0, 5, 5, 400, 433, 900], [900, 64, 700, 500, 1200, 1000]),
        "single bin": (np.arange(50), np.arange(50) + 1),
        "whole": ([0], [n_bins]),
    }[kind]
    first, last = np.array(first), np.array(last)
    order = np.lexsort((last, first))
    return te.Windows(
        start_s=activity.t_start_s + first[order] * bin_size_s,
        stop_s=activity.t_start_s + last[order] * bin_size_s,
    )


KINDS = ["overlapping", "small step", "no multiple", "gapped", "irregular", "single bin", "whole"]


def expected(measure, values):
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if values.dtype.kind == "f":
            matrix = NUMPY[measure](values)
        else:
            binned = BinnedSpikeTrain(values.astype(np.int32), bin_size=1 * pq.s, t_start=0 * pq.s)
            matrix = np.array(ELEPHANT[measure](binned), dtype=float)
        constant = np.ptp(values, axis=1) == 0
        matrix[constant] = np.nan
        matrix[:, constant] = np.nan
    return matrix


def assert_equal_per_window(activity, windows, measure, scale=1.0, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", te_loss())
        found = te.compute_connectivity(
            activity, windows, measure=measure, silent_nodes="nan", **options
        )
    for matrix, (first, last) in zip(found.weights, bin_ranges(windows, activity), strict=True):
        values = np.asarray(activity.values[:, first:last])
        if options.get("binary"):
            values = (values > 0).astype(np.uint8)
        np.testing.assert_allclose(
            matrix, expected(measure, values), rtol=0, atol=TOLERANCE * scale, equal_nan=True
        )
    return found


def te_loss():
    from tavrnn_ephys.core.errors import DataLossWarning

    return DataLossWarning


def counts_with_silence(mean, n_nodes=21, n_bins=2000, dtype=np.uint8, seed=0):
    values = np.random.default_rng(seed).poisson(mean, (n_nodes, n_bins)).astype(dtype)
    values[3] = 0  # silent throughout
    values[5, :1000] = 0  # silent at first
    values[7] = 2  # constant
    return values


@pytest.mark.parametrize("measure", ["pearson", "covariance"])
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mean", [0.05, 0.8, 12.0])
def test_counts_equal_elephant(make_activity, measure, kind, mean):
    activity = make_activity(counts_with_silence(mean))
    # Covariances of counts of 12 have two digits before the point.
    assert_equal_per_window(activity, laid(activity, kind), measure, scale=max(1.0, mean))


@pytest.mark.parametrize("kind", KINDS)
def test_binary_raster_equals_elephant(make_activity, kind):
    values = counts_with_silence(0.1).clip(max=1)
    assert_equal_per_window(make_activity(values), laid(make_activity(values), kind), "pearson")


@pytest.mark.parametrize("kind", ["overlapping", "irregular"])
def test_clipped_counts_equal_elephant(make_activity, kind):
    activity = make_activity(counts_with_silence(0.8))
    assert_equal_per_window(activity, laid(activity, kind), "pearson", binary=True)


@pytest.mark.parametrize("measure", ["pearson", "covariance"])
@pytest.mark.parametrize("kind", KINDS)
def test_traces_equal_numpy(make_activity, measure, kind):
    rng = np.random.default_rng(2)
    values = rng.gamma(1.0, 1.0, (15, 2000)) + rng.normal(0, 3, (15, 1))
    values[4, :700] = 0.3
    activity = make_activity(values)
    assert_equal_per_window(activity, laid(activity, kind), measure, scale=4.0)


def test_trace_far_from_zero_keeps_its_digits(make_activity):
    rng = np.random.default_rng(3)
    values = (
        rng.normal(0, 1, (6, 2000))
        + np.linspace(0, 1e6, 2000)[None, :] * (np.arange(6) > 2)[:, None]
    )
    activity = make_activity(values)
    windows = laid(activity, "overlapping")
    found = te.compute_connectivity(activity, windows).weights
    for matrix, (first, last) in zip(found, bin_ranges(windows, activity), strict=True):
        exact = np.corrcoef(values[:, first:last].astype(np.longdouble).astype(float))
        np.testing.assert_allclose(matrix, exact, atol=1e-9)


@pytest.mark.parametrize("dtype", [bool, np.int8, np.uint16, np.int64])
def test_every_whole_number_type_gives_the_same(make_activity, dtype):
    values = counts_with_silence(0.1).clip(max=1)
    windows = laid(make_activity(values), "overlapping")
    with pytest.warns(te_loss()):
        reference = te.compute_connectivity(make_activity(values), windows).weights
    with pytest.warns(te_loss()):
        found = te.compute_connectivity(make_activity(values.astype(dtype)), windows).weights
    np.testing.assert_array_equal(found, reference)


@pytest.mark.parametrize("highest", [3, 200, 30_000])
def test_large_and_negative_whole_numbers_are_exact(make_activity, highest):
    rng = np.random.default_rng(4)
    values = rng.integers(-highest, highest, (9, 2000))
    activity = make_activity(values)
    assert_equal_per_window(activity, laid(activity, "overlapping"), "pearson")


@pytest.mark.parametrize("n_nodes", [2, 31, 32, 33, 65])
def test_any_number_of_nodes(make_activity, n_nodes):
    values = np.random.default_rng(5).poisson(0.7, (n_nodes, 2000)).astype(np.uint8)
    activity = make_activity(values)
    assert_equal_per_window(activity, laid(activity, "no multiple"), "pearson")


@pytest.mark.parametrize("measure", ["pearson", "covariance"])
@pytest.mark.parametrize("kind", ["overlapping", "gapped", "single bin"])
def test_real_recordings_equal_elephant(real_activity, measure, kind):
    assert_equal_per_window(real_activity, laid(real_activity, kind), measure, scale=10.0)


def test_gram_blocks_beyond_the_memory_budget_change_nothing(make_activity, monkeypatch):
    activity = make_activity(counts_with_silence(0.8))
    windows = laid(activity, "small step")
    with pytest.warns(te_loss()):
        shared = te.compute_connectivity(activity, windows).weights
    monkeypatch.setattr("tavrnn_ephys.connectivity.sliding._MOST_BYTES", 0)
    with pytest.warns(te_loss()):
        alone = te.compute_connectivity(activity, windows).weights
    np.testing.assert_array_equal(shared, alone)


def test_cross_correlation_equals_elephant(make_activity):
    values = np.random.default_rng(6).poisson(0.3, (5, 400)).astype(np.uint8)
    values[1, 3:] = values[0, :-3]  # node 1 follows node 0 by three bins
    activity = make_activity(values)
    windows = te.Windows(start_s=[0.0, 5.0], stop_s=[10.0, 20.0])
    found = te.compute_connectivity(
        activity, windows, measure="cross_correlation", max_lag=250 * pq.ms
    )
    for index, (first, last) in enumerate(bin_ranges(windows, activity)):
        binned = [
            BinnedSpikeTrain(
                row[np.newaxis, first:last].astype(np.int32), bin_size=50 * pq.ms, t_start=0 * pq.s
            )
            for row in values
        ]
        for i in range(5):
            for j in range(5):
                histogram, lags = cross_correlation_histogram(
                    binned[i], binned[j], window=[-5, 5], cross_correlation_coefficient=True
                )
                curve = np.ravel(histogram.magnitude)
                assert found.weights[index, i, j] == pytest.approx(
                    curve[np.argmax(np.abs(curve))], abs=TOLERANCE
                )
                at_lag = curve[lags == round(found.lags_s[index, i, j] / 0.05)]
                assert abs(at_lag[0]) == pytest.approx(np.abs(curve).max(), abs=TOLERANCE)
    np.testing.assert_allclose(found.lags_s[:, 0, 1], 0.15)
    np.testing.assert_allclose(found.lags_s, -np.swapaxes(found.lags_s, 1, 2))


def grid_trains(seed, n_trains=6, length_ms=4000):
    """Times in whole milliseconds: no distance lies near dt, where Elephant's tolerance grows."""
    rng = np.random.default_rng(seed)
    chosen = [
        np.sort(rng.choice(length_ms, size=size, replace=False)) / 1000
        for size in rng.integers(1, 60, n_trains)
    ]
    chosen[2] = np.array([])
    return chosen


def test_tiling_equals_elephant():
    trains = grid_trains(7)
    block = te.block_from_arrays(spike_times=trains, t_stop=4 * pq.s)
    activity = te.bin_activity(block.segments[0], bin_size=50 * pq.ms)
    windows = te.Windows(start_s=[0.0], stop_s=[4.0])
    with pytest.warns(te_loss(), match="1 of 6 units"):
        found = te.compute_connectivity(
            activity,
            windows,
            measure="spike_time_tiling_coefficient",
            dt=10.5 * pq.ms,
            spiketrains=block.segments[0].spiketrains,
            silent_nodes="nan",
        ).weights[0]
    for i, first in enumerate(trains):
        for j, second in enumerate(trains):
            pair = [neo.SpikeTrain(times, units="s", t_stop=4.0) for times in (first, second)]
            exact = elephant_tiling(*pair, dt=10.5 * pq.ms)
            np.testing.assert_allclose(found[i, j], exact, atol=TOLERANCE, equal_nan=True)


def test_tiling_of_bins_equals_elephant_on_the_middles_of_bins(real_spikes):
    counts = real_spikes.values[:30, :160]
    activity = te.BinnedActivity(
        values=counts,
        bin_size_s=real_spikes.bin_size_s,
        nodes=te.Nodes(ids=real_spikes.nodes.ids[:30]),
    )
    size = activity.bin_size_s
    windows = te.Windows(start_s=[0.0], stop_s=[160 * size])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", te_loss())
        found = te.compute_connectivity(
            activity,
            windows,
            measure="spike_time_tiling_coefficient",
            dt=1.5 * size * pq.s,
            silent_nodes="nan",
        ).weights[0]
    trains = [
        neo.SpikeTrain((np.repeat(np.arange(160), row) + 0.5) * size, units="s", t_stop=160 * size)
        for row in counts
    ]
    for i in range(0, 30, 3):
        for j in range(30):
            exact = elephant_tiling(trains[i], trains[j], dt=1.5 * size * pq.s)
            np.testing.assert_allclose(found[i, j], exact, atol=TOLERANCE, equal_nan=True)


def test_spearman_equals_scipy(make_activity):
    values = np.random.default_rng(8).poisson(0.8, (6, 300))
    windows = te.Windows(start_s=[0.0], stop_s=[15.0])
    found = te.compute_connectivity(make_activity(values), windows, measure="spearman")
    np.testing.assert_allclose(found.weights[0], spearmanr(values, axis=1)[0], atol=TOLERANCE)


def test_partial_correlation_equals_the_residuals_of_regression(make_activity):
    rng = np.random.default_rng(9)
    values = rng.normal(0, 1, (4, 500))
    values[1] += values[0]
    values[2] += values[1]
    windows = te.Windows(start_s=[0.0], stop_s=[25.0])
    activity = make_activity(values)
    found = te.compute_connectivity(activity, windows, measure="partial", shrinkage=0.0)
    centred = values - values.mean(axis=1, keepdims=True)
    for i, j in [(0, 1), (0, 2), (1, 2), (0, 3)]:
        others = centred[[k for k in range(4) if k not in (i, j)]].T
        left, right = (
            centred[k] - others @ np.linalg.lstsq(others, centred[k], rcond=None)[0] for k in (i, j)
        )
        assert found.weights[0, i, j] == pytest.approx(np.corrcoef(left, right)[0, 1], abs=1e-9)
    assert abs(found.weights[0, 0, 2]) < 0.1 < abs(found.weights[0, 0, 1])
