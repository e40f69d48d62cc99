"""One rule for how long a sample holds, how a window is labelled, and what counts twice."""

import neo
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import DataLossWarning, InputError

WINDOWS = te.Windows(start_s=np.arange(0, 60, 10.0), stop_s=np.arange(10, 70, 10.0))


def signal_of(times_s, values, name="x", units="dimensionless"):
    signal = neo.IrregularlySampledSignal(
        np.asarray(times_s) * pq.s, np.asarray(values)[:, None], units=units, name=name
    )
    signal.annotate(role="behavior")
    segment = neo.Segment()
    segment.irregularlysampledsignals.append(signal)
    return segment


def epochs_of(*triples, name="state"):
    start, length, labels = zip(*triples, strict=True)
    segment = neo.Segment()
    segment.epochs.append(
        neo.Epoch(
            np.array(start) * pq.s, np.array(length) * pq.s, labels=np.array(labels), name=name
        )
    )
    return segment


def activity():
    return te.BinnedActivity(values=np.ones((2, 600)), bin_size_s=0.1, nodes=te.Nodes(ids="ab"))


def test_a_gap_of_40_s_is_unknown_to_mean_and_majority_alike():
    times = np.r_[np.arange(0, 10, 0.1), np.arange(50, 60, 0.1)]
    segment = signal_of(times, np.r_[np.zeros(100), np.ones(100)])
    majority = te.window_behavior(segment, WINDOWS, "x", how="majority").values
    means = te.window_behavior(segment, WINDOWS, "x").values
    assert majority.tolist() == ["0", "", "", "", "", "1"]
    np.testing.assert_array_equal(means, [0, np.nan, np.nan, np.nan, np.nan, 1])


def test_mean_of_irregular_samples_is_taken_over_time():
    # The value is 0 for 9 s, sampled each second, and 1 for 1 s, sampled ten times.
    times = np.r_[np.arange(0.0, 9.0), np.arange(9.0, 10.0, 0.75)]
    segment = signal_of(times, (times >= 9).astype(float))
    window = te.Windows(start_s=[0.0], stop_s=[10.0])
    assert te.window_behavior(segment, window, "x").values == pytest.approx([0.1])
    assert te.window_behavior(segment, window, "x", how="majority").values.tolist() == ["0"]


def test_slow_samples_hold_over_short_windows():
    segment = signal_of([0.0, 5.0, 10.0], [1.0, 2.0, 3.0])
    windows = te.Windows(start_s=np.arange(0.0, 10.0, 2.5), stop_s=np.arange(2.5, 12.5, 2.5))
    assert te.window_behavior(segment, windows, "x").values.tolist() == [1.0, 1.0, 2.0, 2.0]


def test_order_of_samples_in_the_file_plays_no_part():
    times = np.r_[np.arange(30.0, 60), np.arange(0.0, 30)]
    halves = te.Windows(start_s=[0.0, 30.0], stop_s=[30.0, 60.0])
    segment = signal_of(times, times)
    assert te.window_behavior(segment, halves, "x").values.tolist() == [14.5, 44.5]
    runs = te.label_windows(
        segment.irregularlysampledsignals[0],
        activity(),
        label_of=lambda x: np.where(x < 30, "a", "b"),
    )
    assert runs.columns["label"].tolist() == ["a", "b"]


def test_traces_out_of_order_bin_as_those_in_order():
    rng = np.random.default_rng(0)
    times, values = np.sort(rng.uniform(0, 30, 900)), rng.normal(size=(900, 3))
    found = []
    for order in (np.arange(900), rng.permutation(900)):
        segment = neo.Segment()
        segment.irregularlysampledsignals.append(
            neo.IrregularlySampledSignal(times[order] * pq.s, values[order] * pq.dimensionless)
        )
        found.append(te.bin_activity(segment, bin_size=0.5 * pq.s))
    np.testing.assert_allclose(found[0].values, found[1].values)


def test_trial_without_a_stop_claims_no_window_and_draws_a_word():
    segment = epochs_of((0, 5, "hit"), (12, np.nan, "abort"), (40, 5, "hit"))
    with pytest.warns(DataLossWarning, match="Left out 1 of 3 intervals of 'state'"):
        found = te.window_behavior(segment, WINDOWS, "state").values
    assert found.tolist() == ["hit", "", "", "", "hit", ""]


def test_epoch_windows_leave_out_the_trial_alone():
    segment = epochs_of((0, 5, "hit"), (12, np.nan, "abort"), (40, 5, "hit"))
    with pytest.warns(DataLossWarning, match="Left out 1 of 3 intervals of the epoch 'state'"):
        found = te.epoch_windows(segment.epochs[0], activity())
    assert found.start_s.tolist() == [0.0, 40.0]


def test_event_windows_leave_out_the_event_without_a_time():
    with pytest.warns(DataLossWarning, match="Left out 1 of 3 events"):
        found = te.event_windows(
            [5, np.nan, 20] * pq.s, activity(), before=1 * pq.s, after=1 * pq.s
        )
    assert found.start_s.tolist() == [4.0, 19.0]


def test_a_label_of_one_percent_names_no_window():
    found = te.window_behavior(epochs_of((9.9, 0.2, "reward")), WINDOWS, "state").values
    assert found.tolist() == [""] * 6


def test_none_is_a_candidate():
    segment = epochs_of((0, 3, "a"), (3, 2, "b"), (10, 4, "a"), (14, 3, "b"))
    found = te.window_behavior(segment, WINDOWS, "state").values
    # None covers 5 s of the first window and 3 s of the second.
    assert found[:2].tolist() == ["", "a"]


def test_least_share_is_asked_for():
    segment = epochs_of((0, 4, "a"), (4, 3, "b"))
    window = te.Windows(start_s=[0.0], stop_s=[10.0])
    assert te.window_behavior(segment, window, "state", least_share=0.4).values.tolist() == ["a"]
    assert te.window_behavior(segment, window, "state", least_share=0.5).values.tolist() == [""]
    with pytest.raises(InputError, match="least_share must lie between 0 and 1"):
        te.window_behavior(segment, window, "state", least_share=40)


def test_overlapping_intervals_count_once():
    segment = epochs_of((0, 6, "a"), (2, 6, "a"), (20, 10, "b"))
    share = te.window_behavior(segment, WINDOWS, "state:a", how="share").values
    assert share == pytest.approx([0.8, 0, 0, 0, 0, 0])
    # Twice 3 s of a are no 6 s against 4 s of b.
    segment = epochs_of((0, 3, "a"), (0, 3, "a"), (4, 4, "b"))
    assert te.window_behavior(segment, WINDOWS, "state").values[0] == "b"


def test_degrees_are_averaged_over_360():
    segment = signal_of(np.arange(0, 60, 0.1), np.tile([359.0, 1.0], 300), units="deg")
    for options in ({}, {"period": 360}):
        found = te.window_behavior(segment, WINDOWS, "x", how="circular_mean", **options).values
        assert found == pytest.approx(np.zeros(6), abs=1e-9)


def test_plain_numbers_that_are_no_radians_ask_for_the_period():
    segment = signal_of(np.arange(0, 60, 0.1), np.tile([359.0, 1.0], 300))
    with pytest.raises(InputError, match="reaches 359, which is no angle in radians.*period=360"):
        te.window_behavior(segment, WINDOWS, "x", how="circular_mean")
    found = te.window_behavior(segment, WINDOWS, "x", how="circular_mean", period=360).values
    assert found == pytest.approx(np.zeros(6), abs=1e-9)


def test_two_behaviors_of_one_name_are_both_there():
    segment = signal_of(np.arange(60.0), np.ones(60))
    segment.irregularlysampledsignals.append(
        signal_of(np.arange(60.0), np.full(60, 2.0)).irregularlysampledsignals[0]
    )
    with pytest.raises(InputError, match=r"no behaviour 'x'; it has 'x_0', 'x_1'"):
        te.window_behavior(segment, WINDOWS, "x")
    for name, number in (("x_0", 1.0), ("x_1", 2.0)):
        found = te.window_behavior(segment, WINDOWS, name).values
        assert found.tolist() == [number] * 6


def test_advice_to_take_one_value_and_its_share_leads_on():
    segment = signal_of(np.arange(0, 60, 1.0), np.repeat([0.0, 1.0, 2.0], 20))
    found = te.window_behavior(segment, WINDOWS, "x:1", how="share").values
    assert found.tolist() == [0.0, 0.0, 1.0, 1.0, 0.0, 0.0]
    with pytest.raises(InputError, match="never has the value '7'; it has '0', '1', '2'"):
        te.window_behavior(segment, WINDOWS, "x:7")
