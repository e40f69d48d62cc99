"""Lagged correlation: equal to the plain formula, causal, exact when it slides, told its times."""

import warnings

import numpy as np
import pytest
import quantities as pq
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tavrnn_ephys as te
from tavrnn_ephys.connectivity import LagKernel, RunningLagSums, estimate_lag_kernel
from tavrnn_ephys.connectivity.lagged.correlograms import (
    asymmetries_of_events,
    asymmetries_of_traces,
)
from tavrnn_ephys.connectivity.lagged.events import events_of_counts
from tavrnn_ephys.connectivity.lagged.measure import lagged_correlation
from tavrnn_ephys.connectivity.lagged.sums import SlidingLagSums
from tavrnn_ephys.core.errors import DataLossWarning, InputError

KERNEL = LagKernel(time_constant_s=0.004, delay_s=0.0013)
MEASURE = "lagged_correlation"


def activity_of(values, bin_size_s=0.001, quantity="spike_count"):
    nodes = te.Nodes(ids=range(len(values)))
    return te.BinnedActivity(values=values, bin_size_s=bin_size_s, nodes=nodes, quantity=quantity)


def windows_of(activity, length, step):
    size = activity.bin_size_s
    return te.sliding_windows(activity, window_length=length * size * pq.s, step=step * size * pq.s)


def quiet(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataLossWarning)
        return function(*arguments, **options)


def plain_correlation(values, kernel, first, last):
    """Sum by sum, no library: ``corr(Σ_l k(l) x_i(t - l), x_j(t))`` over the bins of a window."""
    n_nodes = len(values)
    past = np.zeros((n_nodes, last - first))
    for t in range(first, last):
        for lag, weight in enumerate(kernel, start=1):
            if t - lag >= 0:
                past[:, t - first] += weight * values[:, t - lag]
    found = np.zeros((n_nodes, n_nodes))
    for i in range(n_nodes):
        for j in range(n_nodes):
            x, f = values[j, first:last].astype(float), past[i]
            deviation = x.std() * f.std()
            if x.std() > 0 and f.std() > 1e-12:
                found[i, j] = np.mean((x - x.mean()) * (f - f.mean())) / deviation
    return found


def silent_of(values, kernel, first, last):
    weights = quiet(
        lagged_correlation, values[:, :last], kernel=kernel, bin_size_s=0.001, n_before=first
    )
    return np.isnan(weights).all(axis=1) | np.isnan(weights).all(axis=0)


@pytest.mark.parametrize("shape", ["exponential", "raised_cosine"])
@settings(max_examples=15, deadline=None)
@given(values=arrays(np.uint8, (3, 80), elements=st.integers(0, 3)))
def test_weights_equal_a_plain_computation(shape, values):
    kernel = LagKernel(shape=shape, time_constant_s=0.003, delay_s=0.002)
    activity = activity_of(values)
    windows = windows_of(activity, 30, 7)
    found = quiet(te.compute_connectivity, activity, windows, measure=MEASURE, kernel=kernel)
    assert found.directed
    for index, first in enumerate(range(0, 51, 7)):
        plain = plain_correlation(values, kernel.values(0.001), first, first + 30)
        silent = silent_of(values, kernel, first, first + 30)
        plain[silent] = 0.0
        plain[:, silent] = 0.0
        np.testing.assert_allclose(found.weights[index], plain, rtol=0, atol=1e-10)


def test_weights_agree_with_elephants_cross_correlation_histogram():
    from elephant.conversion import BinnedSpikeTrain
    from elephant.spike_train_correlation import cross_correlation_histogram

    rng = np.random.default_rng(0)
    values = rng.poisson(0.05, (2, 4000))
    values[1, 3:] += values[0, :-3]
    values[:, -40:] = values[:, :40] = 0  # nothing at the edges, which Elephant cuts otherwise
    kernel = LagKernel(time_constant_s=0.003)
    weights = kernel.values(0.001)
    found = quiet(
        te.compute_connectivity,
        activity_of(values),
        windows_of(activity_of(values), 4000, 4000),
        measure=MEASURE,
        kernel=kernel,
    ).weights[0]
    trains = [
        BinnedSpikeTrain(row[np.newaxis].astype(np.int32), bin_size=1 * pq.ms, t_start=0 * pq.ms)
        for row in values
    ]
    reach = len(weights)
    histogram, lags = cross_correlation_histogram(*trains, window=[-reach, reach])
    assert lags[reach] == 0
    together = np.array(histogram.magnitude)[reach + 1 :, 0] @ weights
    past = np.convolve(values[0], np.concatenate([[0], weights]))[:4000]
    covariance = together / 4000 - past.mean() * values[1].mean()
    np.testing.assert_allclose(
        found[0, 1], covariance / (past.std() * values[1].std()), rtol=0, atol=1e-10
    )


def test_what_falls_into_one_bin_does_not_count():
    together = np.zeros((2, 400), dtype=np.uint8)
    together[:, 10::40] = 1
    found = te.compute_connectivity(
        activity_of(together), windows_of(activity_of(together), 400, 400), measure=MEASURE,
        kernel=LagKernel(time_constant_s=0.002),
    ).weights[0]  # fmt: skip
    assert (found < 0).all()


def test_the_weight_from_source_to_target_stands_in_the_row_of_the_source():
    values = np.zeros((2, 400), dtype=np.uint8)
    values[0, 10::40] = values[1, 12::40] = 1
    found = te.compute_connectivity(
        activity_of(values), windows_of(activity_of(values), 400, 400), measure=MEASURE,
        kernel=LagKernel(time_constant_s=0.002),
    ).weights[0]  # fmt: skip
    assert found[0, 1] > 0.4 > 0 > found[1, 0]


@settings(max_examples=20, deadline=None)
@given(
    values=arrays(np.uint8, (4, 120), elements=st.integers(0, 5)),
    limits=st.lists(st.tuples(st.integers(0, 119), st.integers(1, 60)), min_size=2, max_size=6),
)
def test_sums_that_slide_equal_fresh_ones_to_the_last_bit(values, limits):
    events, kernel = events_of_counts(activity_of(values)), KERNEL.values(0.001)
    sliding = SlidingLagSums(events, kernel, with_squares=True)
    for first, length in sorted(limits):
        last = min(first + length, 120)
        moved = sliding.move_to(first, last)
        fresh = SlidingLagSums(events, kernel, with_squares=True).move_to(first, last)
        for name in ("gram", "squares", "totals"):
            np.testing.assert_array_equal(getattr(moved, name), getattr(fresh, name))


def test_a_stream_equals_its_windows_to_the_last_bit():
    rng = np.random.default_rng(1)
    values = rng.poisson(0.1, (5, 300)).astype(np.uint8)
    running = RunningLagSums(KERNEL.values(0.001), n_nodes=5, n_bins=100)
    for counts in values.T:
        running.push(counts)
    fresh = SlidingLagSums(events_of_counts(activity_of(values)), KERNEL.values(0.001)).move_to(
        200, 300
    )
    np.testing.assert_array_equal(running.sums.gram, fresh.gram)
    np.testing.assert_array_equal(running.sums.totals, fresh.totals)
    activity = activity_of(values)
    whole = te.compute_connectivity(
        activity, windows_of(activity, 100, 100), measure=MEASURE, kernel=KERNEL
    )
    np.testing.assert_array_equal(running.weights(), whole.weights[2])


def test_later_bins_change_nothing():
    rng = np.random.default_rng(2)
    values = rng.poisson(0.1, (3, 200)).astype(np.uint8)
    other = values.copy()
    other[:, 150:] = rng.poisson(1.0, (3, 50))
    first, second = (
        te.compute_connectivity(
            activity_of(item), windows_of(activity_of(item), 50, 50), measure=MEASURE, kernel=KERNEL
        ).weights[:3]
        for item in (values, other)
    )
    np.testing.assert_array_equal(first, second)


def test_spike_times_are_told_apart_within_the_bins_of_the_activity():
    trains = [np.arange(0.0101, 1.9, 0.04), np.arange(0.0131, 1.9, 0.04)]
    block = te.block_from_arrays(spike_times=trains, t_stop=2 * pq.s)
    activity = te.bin_activity(block.segments[0], bin_size=20 * pq.ms)
    windows = te.sliding_windows(activity, window_length=2 * pq.s, step=2 * pq.s)
    found = te.compute_connectivity(
        activity, windows, measure=MEASURE, spiketrains=block.segments[0].spiketrains,
        time_constant=3 * pq.ms, delay=0 * pq.ms,
    )  # fmt: skip
    assert found.weights[0, 0, 1] > 0.2 > 0 > found.weights[0, 1, 0]
    assert dict(found.origin.measure_options)["spiketrains"] == "exact"
    coarse = te.bin_activity(block.segments[0], bin_size=1 * pq.ms)
    fine = te.compute_connectivity(
        coarse, te.sliding_windows(coarse, window_length=2 * pq.s, step=2 * pq.s),
        measure=MEASURE, time_constant=3 * pq.ms, delay=0 * pq.ms,
    )  # fmt: skip
    np.testing.assert_array_equal(found.weights, fine.weights)


def test_traces_give_what_counts_of_the_same_values_give():
    values = np.random.default_rng(3).poisson(1.0, (4, 300))
    counts, traces = (
        te.compute_connectivity(
            activity,
            windows_of(activity, 60, 20),
            measure=MEASURE,
            kernel=LagKernel(time_constant_s=0.004),
            **options,
        )  # fmt: skip
        for activity, options in (
            (activity_of(values.astype(np.uint8)), {}),
            (activity_of(values.astype(np.float64), quantity="trace"), {"same_bin": False}),
        )
    )
    np.testing.assert_allclose(counts.weights, traces.weights, rtol=0, atol=1e-10)


def test_frames_count_what_falls_into_them():
    rng = np.random.default_rng(5)
    first = rng.normal(size=400)
    second = np.roll(first, 1) + first
    traces = activity_of(np.stack([first, second]), bin_size_s=0.02, quantity="trace")
    kernel = LagKernel(time_constant_s=0.004)
    shares = kernel.frame_values(0.02)
    found = te.compute_connectivity(
        traces, windows_of(traces, 200, 200), measure=MEASURE, kernel=kernel
    ).weights[1]
    past = np.convolve(first, shares)[200:400]
    np.testing.assert_allclose(found[0, 1], np.corrcoef(past, second[200:400])[0, 1], atol=1e-10)
    tau, dt = 4.0, 20.0
    assert np.isclose(
        shares[1] / shares[0],
        tau / dt * (1 - np.exp(-dt / tau)) ** 2 / (1 - tau / dt * (1 - np.exp(-dt / tau))),
        rtol=0.03,
    )


def culture(delay, *, seed=1, fraction=0.2, duration=150):
    block = te.simulate_culture(
        n_nodes=20, duration=duration * pq.s, mean_rate_hz=10,
        coupled_fraction=fraction, delay=delay, n_states=1, seed=seed,
    )  # fmt: skip
    activity = te.bin_activity(block.segments[0], bin_size=1 * pq.ms)
    return activity, te.sliding_windows(activity, window_length=1 * pq.s, step=1 * pq.s)


@pytest.mark.parametrize("true_ms", [3, 10])
def test_the_time_constant_is_found(true_ms):
    found = estimate_lag_kernel(*culture(true_ms * pq.ms))
    low, high = found.time_constant_interval_s
    assert low < true_ms / 1000 < high
    assert high / low < 3
    assert found.delay_s <= 0.002


def test_a_delay_is_found():
    activity, windows = culture(2 * pq.ms, fraction=0.0)
    values = np.array(activity.values)
    rng = np.random.default_rng(0)
    for source in range(10):
        moved = np.roll(values[source], 7) * (rng.random(values.shape[1]) < 0.3)
        values[source + 10] = np.minimum(values[source + 10] + moved, 200)
    found = estimate_lag_kernel(activity_of(values), windows, time_constant=2 * pq.ms)
    assert abs(found.delay_s - 0.007) <= 0.001
    assert found.time_constant_s == 0.002


def test_inhibition_has_a_time_constant_too():
    rng = np.random.default_rng(0)
    n_bins = 200_000
    values = np.zeros((6, n_bins), dtype=np.uint8)
    values[:3] = rng.random((3, n_bins)) < 0.02
    trace = np.zeros(3)
    for t in range(n_bins):
        values[3:, t] = rng.random(3) < 0.04 * np.maximum(1 - trace, 0)
        trace = trace * np.exp(-1 / 8) + values[:3, t]
    found = estimate_lag_kernel(activity_of(values), windows_of(activity_of(values), 1000, 1000))
    assert 0.005 < found.time_constant_s < 0.012


def test_test_windows_have_no_say_in_the_time_constant():
    activity, windows = culture(3 * pq.ms)
    values = np.array(activity.values)
    train = np.arange(len(windows)) < 60
    other = values.copy()
    other[:, 60_000:] = np.random.default_rng(0).permutation(other[:, 60_000:], axis=1)
    first, second = (
        estimate_lag_kernel(activity_of(item), windows, fit_windows=train)
        for item in (values, other)
    )
    assert first == second
    assert first.n_windows == 60


def test_independent_trains_have_no_time_constant_and_say_so():
    activity, windows = culture(3 * pq.ms, fraction=0.0, duration=60)
    with pytest.warns(DataLossWarning, match="show no coupling at positive lags"):
        found = estimate_lag_kernel(activity, windows)
    assert (found.time_constant_s, found.n_windows) == (0.005, 0)


@pytest.mark.parametrize(("quantity", "expected_s"), [("trace", 0.005), ("spike_count", 0.02)])
def test_frames_without_coupling_take_its_usual_time_and_counts_no_less_than_a_bin(
    quantity, expected_s
):
    values = np.random.default_rng(0).poisson(0.2, (5, 4000)).astype(np.uint8)
    values = values if quantity == "spike_count" else values.astype(float)
    activity = activity_of(values, bin_size_s=0.02, quantity=quantity)
    with pytest.warns(DataLossWarning, match=f"{1000 * expected_s:g} ms stand for it"):
        found = estimate_lag_kernel(activity, windows_of(activity, 50, 50))
    assert (found.time_constant_s, found.n_windows) == (expected_s, 0)


@pytest.mark.parametrize(("quantity", "farthest_s"), [("trace", 0.03), ("spike_count", 0.08)])
def test_a_delay_of_several_frames_is_not_that_of_coupling(quantity, farthest_s):
    values = np.random.default_rng(0).poisson(0.2, (6, 8000))
    values[3:] += np.roll(values[:3], 4, axis=1)
    values = values.astype(np.uint8 if quantity == "spike_count" else float)
    activity = activity_of(values, bin_size_s=0.02, quantity=quantity)
    found = quiet(estimate_lag_kernel, activity, windows_of(activity, 50, 50))
    assert found.delay_s <= farthest_s
    assert (found.delay_s > 0.03) == (quantity == "spike_count")


def test_a_unit_that_is_silent_in_a_group_says_nothing_there():
    values = np.zeros((2, 100), dtype=np.uint8)
    values[0, 48] = values[1, [10, 30, 50, 70]] = 1
    found = asymmetries_of_events(
        events_of_counts(activity_of(values)), [[(0, 50)], [(50, 100)]], np.arange(2), 5
    )
    # The spike before the second group meets one inside it, in units of a deviation of zero.
    np.testing.assert_array_equal(found[1], 0.0)


def test_what_was_estimated_is_kept_as_numbers():
    activity, windows = culture(3 * pq.ms)
    found = quiet(te.compute_connectivity, activity, windows, measure=MEASURE)
    kept = dict(found.origin.measure_options)
    estimate = estimate_lag_kernel(activity, windows)
    assert kept["time_constant"] == f"{estimate.time_constant_s:.6g} s"
    interval = kept["time_constant_interval"].split(" to ")
    low, high = (float(part.removesuffix(" s")) for part in interval)
    assert low < estimate.time_constant_s < high
    again = quiet(te.compute_connectivity, activity, windows, measure=MEASURE, kernel=estimate)
    np.testing.assert_array_equal(found.weights, again.weights)


def test_standard_errors_are_those_of_repeated_independent_trains():
    rng = np.random.default_rng(4)
    values = rng.poisson(0.05, (6, 60_000)).astype(np.uint8)
    activity = activity_of(values)
    found = te.compute_connectivity(
        activity, windows_of(activity, 500, 500), measure=MEASURE, kernel=KERNEL,
        standard_errors=True,
    )  # fmt: skip
    z = found.weights / found.standard_errors
    assert 0.8 < z.std() < 1.05
    assert found.select(slice(0, 2)).standard_errors.shape == (2, 6, 6)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"time_constant": 0 * pq.ms}, "time_constant must be a positive duration"),
        ({"time_constant": 3}, "time_constant must be a scalar with a unit of time"),
        ({"delay": -1 * pq.ms}, "delay must be at least 0"),
        ({"kernel": "square"}, "kernel"),
        ({"kernel": KERNEL, "delay": 1 * pq.ms}, "Leave out time_constant and delay"),
        ({"same_bin": True}, "same_bin counts what falls into one frame"),
        ({"max_lag": 3 * pq.ms}, "no option 'max_lag'"),
        ({"fit_windows": [True]}, "fit_windows has shape"),
        ({"fit_windows": [7000]}, "fit_windows must be truth values or numbers"),
        ({"fit_windows": np.zeros(3, dtype=bool)}, "leaves no window"),
        ({"time_constant": 100 * pq.s, "delay": 0 * pq.s}, "65,536 is the most"),
    ],
)
def test_options_that_mean_nothing_are_refused(options, message):
    activity = activity_of(np.eye(3, 300, dtype=np.uint8))
    with pytest.raises(InputError, match=message):
        quiet(
            te.compute_connectivity,
            activity,
            windows_of(activity, 100, 100),
            measure=MEASURE,
            **options,
        )


def test_other_measures_have_no_standard_errors():
    activity = activity_of(np.eye(3, 300, dtype=np.uint8))
    with pytest.raises(InputError, match="options of measure 'lagged_correlation'"):
        te.compute_connectivity(activity, windows_of(activity, 100, 100), standard_errors=True)


def test_windows_shorter_than_the_lags_are_summed_as_far_as_they_reach():
    values = np.random.default_rng(0).normal(size=(3, 4))
    activity = te.BinnedActivity(
        values=values, bin_size_s=0.001, nodes=te.Nodes(ids="abc"), quantity="trace"
    )
    found = asymmetries_of_traces(activity, [[(0, 2)], [(0, 4)]], np.arange(3), 6)
    assert found.shape[2] == 6
    assert np.isfinite(found).all()
    # Of two bins, only a lag of one has a pair of them.
    assert (found[0, :, 1:] == 0).all()
    assert (found[1, :, 3:] == 0).all()
    assert (found[1, :, 0] != 0).any()
