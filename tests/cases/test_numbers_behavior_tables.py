"""Behaviour as tables have it: doubled rows, lost times, large labels, angles over the seam."""

import neo
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.activity.behavior.per_window import behavior_names
from tavrnn_ephys.core.errors import DataLossWarning, InputError

WINDOWS = te.Windows(start_s=[0.0, 10.0], stop_s=[10.0, 20.0])


def signal(values, unit=pq.dimensionless, times=None):
    times = np.arange(len(values)) * 20.0 / len(values) if times is None else np.asarray(times)
    made = neo.IrregularlySampledSignal(
        times * pq.s, np.asarray(values, dtype=float)[:, None] * unit, name="x"
    )
    made.annotate(role="behavior")
    segment = neo.Segment()
    segment.irregularlysampledsignals.append(made)
    return segment


def over(segment, **options):
    return te.window_behavior(segment, WINDOWS, "x", **options).values.tolist()


def test_period_that_contradicts_the_unit_is_refused_and_the_way_out_leads_on():
    segment = signal(np.tile([6.2, 0.1], 50), pq.rad)
    with pytest.raises(InputError) as caught:
        over(segment, how="circular_mean", period=360)
    assert str(caught.value) == (
        "The behaviour 'x' has the unit 'rad', of which a full turn is 6.28319, not 360. Leave "
        "period out (--behavior-period)."
    )
    assert over(segment, how="circular_mean") == pytest.approx([0.0084, 0.0084], abs=1e-4)


def test_plain_mean_of_angles_over_the_seam_draws_a_word_and_the_way_out_leads_on():
    segment = signal(np.tile([359.0, 1.0], 50), pq.degree)
    with pytest.warns(DataLossWarning, match="an angle in deg that passes the end of a turn 99 ti"):
        assert over(segment) == [180.0, 180.0]
    assert over(segment, how="circular_mean") == [0.0, 0.0]


def test_plain_mean_of_angles_within_a_turn_is_a_mean():
    assert over(signal(np.tile([10.0, 20.0], 50), pq.degree)) == [15.0, 15.0]


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (np.tile([0.0, 180.0], 50), "The angles of 'x' cancel out in every window"),
        (np.full(100, np.nan), "has 100 samples in the windows, and a value in none"),
    ],
)
def test_behaviour_without_a_mean_is_told_from_one_of_another_clock(values, rule):
    with pytest.raises(InputError, match=rule):
        over(signal(values, pq.degree), how="circular_mean")


def test_samples_without_a_time_are_told():
    times = np.arange(20.0)
    times[4] = np.nan
    with pytest.warns(DataLossWarning, match="1 of 20 samples of the behaviour 'x' have no time"):
        assert over(signal(np.ones(20), times=times)) == [1.0, 1.0]


def test_samples_at_one_time_with_two_values_are_told():
    times = np.repeat(np.arange(20.0), 2)
    with pytest.warns(DataLossWarning, match="20 of 40 samples .* stand at the time of another"):
        over(signal(np.tile([0.0, 1.0], 20), times=times))


def test_clock_that_starts_again_is_told():
    times = np.tile(np.arange(10.0), 2)
    with pytest.warns(DataLossWarning, match="10 of 20 samples .* stand at the time of another"):
        over(signal(np.repeat([0.0, 1.0], 10), times=times))


def test_large_numbers_that_name_states_stay_apart():
    segment = signal(np.repeat([1_234_567.0, 1_234_568.0], 10))
    assert over(segment, how="majority") == ["1234567", "1234568"]
    share = te.window_behavior(segment, WINDOWS, "x:1234567")
    assert share.values.tolist() == [1.0, 0.0]


def test_large_numbers_that_name_windows_stay_apart():
    activity = te.BinnedActivity(
        values=np.zeros((2, 20)), bin_size_s=1.0, nodes=te.Nodes(ids=["a", "b"])
    )
    windows = te.label_windows(np.repeat([1_234_567.0, 1_234_568.0], 10), activity)
    assert windows.columns["label"].tolist() == ["1234567", "1234568"]


def test_events_that_stand_twice_are_told():
    activity = te.BinnedActivity(
        values=np.zeros((2, 20)), bin_size_s=1.0, nodes=te.Nodes(ids=["a", "b"])
    )
    with pytest.warns(DataLossWarning, match="1 of 3 events give a window that another gives too"):
        te.event_windows([5, 9, 5] * pq.s, activity, before=1 * pq.s, after=1 * pq.s)


def test_epochs_that_stand_twice_are_told():
    activity = te.BinnedActivity(
        values=np.zeros((2, 20)), bin_size_s=1.0, nodes=te.Nodes(ids=["a", "b"])
    )
    epoch = neo.Epoch([2, 2, 9] * pq.s, [3, 3, 3] * pq.s, labels=["a", "b", "a"], name="trials")
    with pytest.warns(DataLossWarning, match="1 of 3 intervals give a window that another gives"):
        te.epoch_windows(epoch, activity)


def test_behaviours_whose_names_clash_with_numbers_stay_apart():
    segment = neo.Segment()
    for label, name in (("a", "x"), ("b", "x"), ("c", "x_0")):
        segment.epochs.append(neo.Epoch([0] * pq.s, [20] * pq.s, labels=[label], name=name))
    names = behavior_names(segment)
    assert len(set(names)) == 3
    found = [te.window_behavior(segment, WINDOWS, name).values[0] for name in names]
    assert sorted(found) == ["a", "b", "c"]
