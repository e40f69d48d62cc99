"""Windows over epochs, runs of a label and events."""

import neo
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.activity.windows import bin_ranges
from tavrnn_ephys.core.errors import DataLossWarning, InputError


@pytest.fixture
def activity():
    return te.BinnedActivity(
        values=np.zeros((2, 100)),
        bin_size_s=0.1,
        t_start_s=5.0,
        nodes=te.Nodes(ids="ab"),
        segment_index=2,
    )


def epoch_of(start, length, labels=None):
    return neo.Epoch(start * pq.s, length * pq.s, labels=labels, name="task")


@pytest.mark.parametrize(("snap", "limits"), [("inside", [[21, 29]]), ("nearest", [[20, 29]])])
def test_free_limits_fall_onto_bins(activity, snap, limits):
    windows = te.epoch_windows(epoch_of([7.03], [0.89]), activity, snap=snap)
    np.testing.assert_array_equal(bin_ranges(windows, activity), limits)
    assert windows.segment_index.tolist() == [2]


def test_limits_on_bins_stay_whatever_the_rule(activity):
    epoch = epoch_of([5.3, 7.7], [0.6, 1.1])
    for snap in ("inside", "nearest", "exact"):
        windows = te.epoch_windows(epoch, activity, snap=snap)
        np.testing.assert_array_equal(bin_ranges(windows, activity), [[3, 9], [27, 38]])


def test_exact_refuses_a_cut_bin(activity):
    with pytest.raises(InputError, match=r"Interval 0, 7.03 s to 7.92 s, cuts through bins"):
        te.epoch_windows(epoch_of([7.03], [0.89]), activity, snap="exact")


def test_windows_never_cross_the_segment(activity):
    epoch = epoch_of([3.0, 6.0, 14.5], [3.0, 1.0, 2.0], ["before", "in", "behind"])
    with pytest.warns(DataLossWarning, match="Left out 2 of 3 intervals: 2 reach beyond 5 s to 15"):
        windows = te.epoch_windows(epoch, activity)
    assert windows.columns["label"].tolist() == ["in"]
    with pytest.raises(InputError, match="All 1 of 1 intervals"):
        te.epoch_windows(epoch_of([30.0], [1.0]), activity)


def test_epoch_is_sorted_chosen_and_told_of_short_intervals(activity):
    epoch = epoch_of([9.0, 6.0, 8.0], [1.0, 1.5, 0.04], ["play", "rest", "play"])
    with pytest.warns(DataLossWarning, match="1 last less than 0.1 s"):
        windows = te.epoch_windows(epoch, activity)
    assert windows.columns["label"].tolist() == ["rest", "play"]
    assert len(te.epoch_windows(epoch, activity, labels=["rest"])) == 1
    with pytest.warns(DataLossWarning, match="2 last less than 1.2 s"):
        assert len(te.epoch_windows(epoch, activity, min_length=1.2 * pq.s)) == 1
    with pytest.raises(InputError, match="no label 'sleep'; it has 'play', 'rest'"):
        te.epoch_windows(epoch, activity, labels=["sleep"])


def test_overlap_with_neighbours(activity):
    windows = te.epoch_windows(epoch_of([6.0, 7.0, 9.0], [2.0, 2.0, 1.0]), activity)
    np.testing.assert_allclose(windows.overlap_s, [[0, 1], [1, 0], [0, 0]])
    sliding = te.sliding_windows(activity, window_length=3 * pq.s, step=1 * pq.s)
    np.testing.assert_allclose(sliding.overlap_s[0], [0, 2])
    np.testing.assert_allclose(sliding.overlap_s[3], [2, 2])
    apart = te.Windows(start_s=[0, 0.5], stop_s=[1, 1.5], segment_index=[0, 1])
    np.testing.assert_array_equal(apart.overlap_s, 0)


def test_one_window_per_run_of_a_label(activity):
    labels = np.repeat(["", "left", "right", "left", ""], [10, 20, 5, 30, 35])
    windows = te.label_windows(labels, activity)
    np.testing.assert_array_equal(bin_ranges(windows, activity), [[10, 30], [30, 35], [35, 65]])
    assert windows.columns["label"].tolist() == ["left", "right", "left"]
    with pytest.warns(DataLossWarning, match="1 of 3 runs of a label: 1 last less than 1 s"):
        assert len(te.label_windows(labels, activity, min_length=1 * pq.s)) == 2


def test_signal_on_its_own_clock(activity):
    position = neo.AnalogSignal(
        np.concatenate([np.full(60, 0.1), np.full(60, 1.6), np.full(60, 0.8)]) * pq.m,
        sampling_rate=30 * pq.Hz,
        t_start=6 * pq.s,
    )
    ends = lambda x: np.select([x < 0.2, (x > 1.5) & (x < 1.7)], ["start", "end"], "")  # noqa: E731
    windows = te.label_windows(position, activity, label_of=ends)
    np.testing.assert_allclose(windows.start_s, [6.0, 8.0])
    np.testing.assert_allclose(windows.stop_s, [8.0, 10.0])


def test_a_pause_of_the_signal_ends_a_run(activity):
    times = np.concatenate([np.arange(6, 8, 0.1), np.arange(9, 10, 0.1)]) * pq.s
    windows = te.label_windows(np.ones(30), activity, times=times)
    np.testing.assert_allclose(windows.start_s, [6, 9])
    np.testing.assert_allclose(windows.stop_s, [8, 10])
    assert windows.columns["label"].tolist() == ["1", "1"]


def test_nan_is_no_label(activity):
    labels = np.full(100, np.nan)
    labels[20:40] = 3
    windows = te.label_windows(labels, activity)
    np.testing.assert_array_equal(bin_ranges(windows, activity), [[20, 40]])
    with pytest.raises(InputError, match="There are no runs of a label"):
        te.label_windows(np.full(100, np.nan), activity)
    with pytest.raises(InputError, match="99 samples for 100 bins"):
        te.label_windows(labels[:99], activity)


def test_rat_protocol_of_the_paper(recordings):
    """One window per run at either end of the track, as the notebook takes them."""
    data = np.load(recordings / "rat-hippocampus-hc11" / "achilles.npz")
    counts, position = data["x"].T.astype(np.uint8), data["b"][:, 0]
    activity = te.BinnedActivity(
        values=counts, bin_size_s=0.025, nodes=te.Nodes(ids=range(len(counts)))
    )
    ends = lambda x: np.select([x < 0.2, (x > 1.5) & (x < 1.7)], ["start", "end"], "")  # noqa: E731
    with pytest.warns(DataLossWarning, match="2 of 87 runs of a label"):
        windows = te.label_windows(position, activity, label_of=ends, min_length=225 * pq.ms)
    labels = windows.columns["label"]
    assert len(windows) == 85, "as many as the paper has"
    assert set(labels) == {"start", "end"}
    for (first, last), label in zip(bin_ranges(windows, activity), labels, strict=True):
        assert (ends(position[first:last]) == label).all()


def test_windows_around_events(activity):
    event = neo.Event([7.02, 14.9, 6.0] * pq.s, labels=["hit", "miss", "hit"])
    with pytest.warns(DataLossWarning, match="Left out 1 of 3 events: 1 reach beyond"):
        windows = te.event_windows(event, activity, before=0.5 * pq.s, after=1 * pq.s)
    np.testing.assert_allclose(windows.start_s, [5.5, 6.5])
    np.testing.assert_allclose(windows.stop_s - windows.start_s, 1.5)
    np.testing.assert_allclose(windows.columns["event_s"], [6.0, 7.02])
    assert windows.columns["label"].tolist() == ["hit", "hit"]


def test_window_behind_an_event(activity):
    windows = te.event_windows([7.0] * pq.s, activity, before=-1 * pq.s, after=2 * pq.s)
    np.testing.assert_allclose([windows.start_s[0], windows.stop_s[0]], [8.0, 9.0])
    with pytest.raises(InputError, match="leave the window no length"):
        te.event_windows([7.0] * pq.s, activity, before=0 * pq.s, after=0 * pq.s)
    with pytest.raises(InputError, match="events must be a neo.Event or times with a unit"):
        te.event_windows([7.0], activity, before=0 * pq.s, after=1 * pq.s)
    with pytest.raises(InputError, match="before must be a whole number of 0.1 s bins"):
        te.event_windows([7.0] * pq.s, activity, before=0.15 * pq.s, after=1 * pq.s)


def test_connectivity_of_windows_of_any_length():
    values = np.random.default_rng(0).poisson(0.5, (5, 400))
    activity = te.BinnedActivity(values=values, bin_size_s=0.1, nodes=te.Nodes(ids=range(5)))
    labels = np.repeat(["a", "b", "", "a"], [90, 110, 50, 150])
    windows = te.label_windows(labels, activity)
    found = te.compute_connectivity(activity, windows)
    for matrix, (first, last) in zip(found.weights, bin_ranges(windows, activity), strict=True):
        np.testing.assert_allclose(matrix, np.corrcoef(values[:, first:last]), atol=1e-12)
