"""Windows inside the stretches of time that there are: gaps, limits, and what is left out."""

import warnings

import neo
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.activity.laying import lay_windows
from tavrnn_ephys.activity.stretches import recorded_stretches, selected_stretches
from tavrnn_ephys.activity.windows.stretches import shared_time, without_time
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.spec import SelectionSpec, WindowSpec

ACTIVITY = te.BinnedActivity(
    values=np.zeros((2, 100)), bin_size_s=0.1, nodes=te.Nodes(ids=["a", "b"])
)


def limits(windows):
    return np.column_stack([windows.start_s, windows.stop_s]).round(6).tolist()


def worm(gap_s=11.0, rate_hz=6.0, length_s=60.0):
    """Two traces at about 6 Hz with a gap in the middle."""
    rng = np.random.default_rng(0)
    times = np.arange(0, length_s, 1 / rate_hz)
    times = times[(times < length_s / 2) | (times >= length_s / 2 + gap_s)]
    signal = neo.IrregularlySampledSignal(
        times, rng.normal(size=(len(times), 2)), units="V", time_units="s", role="nodes"
    )
    segment = neo.Segment()
    segment.irregularlysampledsignals.append(signal)
    return segment


def trials(*rows, name="trials"):
    start, stop, labels = zip(*rows, strict=True)
    start = np.array(start, dtype=float)
    return neo.Epoch(
        times=start * pq.s,
        durations=(np.array(stop, dtype=float) - start) * pq.s,
        labels=np.array(labels, dtype=str),
        name=name,
    )


def spikes(length_s=60.0, n_nodes=4, rate_hz=20.0):
    rng = np.random.default_rng(1)
    n_spikes = int(rate_hz * length_s)
    return te.block_from_arrays(
        spike_times=[np.sort(rng.uniform(0, length_s, n_spikes)) for _ in range(n_nodes)],
        t_stop=length_s * pq.s,
    ).segments[0]


def test_windows_start_anew_in_each_stretch():
    windows = te.sliding_windows(
        ACTIVITY, window_length=2 * pq.s, step=2 * pq.s, within=[[0.0, 5.0], [6.05, 10.0]]
    )
    assert limits(windows) == [[0.0, 2.0], [2.0, 4.0], [6.1, 8.1]]


def test_a_window_longer_than_every_stretch_is_refused_with_their_length():
    with pytest.raises(InputError, match="longest of 2 stretches of the recording, .* lasts 4 s"):
        te.sliding_windows(
            ACTIVITY, window_length=5 * pq.s, step=1 * pq.s, within=[[0.0, 4.0], [6.0, 9.0]]
        )


def test_trials_that_reach_into_a_gap_are_left_out_and_counted():
    epoch = trials((0, 2, "a"), (4, 6, "b"), (7, 9, "c"))
    with pytest.warns(DataLossWarning, match="1 of 3 intervals: 1 reach into time that is left"):
        windows = te.epoch_windows(epoch, ACTIVITY, within=[[0.0, 5.0], [6.5, 10.0]])
    assert windows.columns["label"].tolist() == ["a", "c"]


@pytest.mark.parametrize("within", ["trials", [[1, 2, 3]], 4])
def test_within_must_be_intervals(within):
    with pytest.raises(InputError, match="within must be"):
        te.sliding_windows(ACTIVITY, window_length=1 * pq.s, step=1 * pq.s, within=within)


def test_an_epoch_says_within_what():
    windows = te.sliding_windows(
        ACTIVITY, window_length=1 * pq.s, step=1 * pq.s, within=trials((2, 4, "x"))
    )
    assert limits(windows) == [[2.0, 3.0], [3.0, 4.0]]


def test_time_is_shared_and_taken_out():
    whole = np.array([[0.0, 10.0]])
    assert shared_time(whole, np.array([[8.0, 20.0], [-1.0, 2.0]])).tolist() == [[0, 2], [8, 10]]
    assert without_time(whole, np.array([[3.0, 3.0], [5.0, 4.0]])).tolist() == [[0, 10]]
    assert without_time(whole, np.array([[-5.0, 20.0]])).tolist() == []
    assert without_time(whole, np.array([[np.nan, 2.0]])).tolist() == [[0, 10]]


def test_a_gap_in_traces_leaves_short_bins_and_windows_on_both_sides():
    segment = worm()
    stretches = recorded_stretches(segment, 0.5)
    assert len(stretches) == 2
    activity = te.bin_activity(segment, bin_size=0.5 * pq.s, gaps="hold")
    windows = lay_windows(
        segment, activity, WindowSpec(bin_size_s=0.5, window_length_s=5.0, step_s=5.0), stretches
    )
    assert len(windows) == 6 + 3
    assert not ((windows.start_s < 41) & (windows.stop_s > 30)).any()


def test_bins_beside_a_gap_are_those_of_the_parts_alone():
    activity = te.bin_activity(worm(), bin_size=0.5 * pq.s, gaps="hold")
    with pytest.raises(InputError, match="holds no sample"):
        te.bin_activity(worm(), bin_size=0.5 * pq.s)
    signal = worm().irregularlysampledsignals[0]
    times = signal.times.magnitude
    first = activity.values[:, 3]
    inside = (times >= 1.5 - 1e-6) & (times < 2.0 - 1e-6)
    assert np.allclose(first, signal.magnitude[inside].mean(axis=0))


def test_bins_shorter_than_the_samples_are_no_gap_and_refused():
    with pytest.raises(InputError, match="holds no sample"):
        te.bin_activity(worm(), bin_size=0.05 * pq.s, gaps="hold")


def test_a_gap_is_said():
    with pytest.warns(DataLossWarning, match="1 gap of 10.8333 s in all; windows lie inside the 2"):
        selected_stretches(worm(gap_s=11.0), SelectionSpec(), 0.5)


def test_units_that_were_not_observed_all_the_time_leave_what_they_share():
    segment = spikes()
    for train in segment.spiketrains[:2]:
        train.annotate(obs_intervals=np.array([[0.0, 20.0], [30.0, 60.0]]) * pq.s)
    assert recorded_stretches(segment, 0.1).tolist() == [[0, 20], [30, 60]]
    segment.spiketrains[2].annotate(obs_intervals=np.array([[20.0, 30.0]]) * pq.s)
    assert recorded_stretches(segment, 0.1).tolist() == [[0, 60]]


def test_limits_and_tables_of_intervals_narrow_the_time():
    segment = spikes()
    segment.epochs.append(trials((10, 12, "a"), (11, 14, "b"), (30, 30, "b"), name="artefacts"))
    chosen = SelectionSpec(t_start_s=5.0, t_stop_s=50.0, exclude=("artefacts",))
    with pytest.warns(DataLossWarning, match="4 s of 45 s are left out, as 'artefacts' says"):
        found = selected_stretches(segment, chosen, 0.1)
    assert found.tolist() == [[5, 10], [14, 50]]
    with pytest.warns(DataLossWarning, match="3 s of 60 s"):
        found = selected_stretches(segment, SelectionSpec(exclude=("artefacts:b",)), 0.1)
    assert found.tolist() == [[0, 11], [14, 60]]


def test_invalid_times_are_honoured_unless_they_are_kept():
    segment = spikes()
    segment.epochs.append(trials((20, 25, "x"), name="invalid_times"))
    with pytest.warns(DataLossWarning, match="the recording's own table 'invalid_times' says"):
        found = selected_stretches(segment, SelectionSpec(), 0.1)
    assert found.tolist() == [[0, 20], [25, 60]]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        kept = selected_stretches(segment, SelectionSpec(keep_invalid_times=True), 0.1)
    assert kept.tolist() == [[0, 60]]


@pytest.mark.parametrize(
    ("selection", "message"),
    [
        (SelectionSpec(t_start_s=70.0), "Nothing is recorded between 70 s and inf s"),
        (SelectionSpec(exclude=("artifacts",)), "no table of intervals 'artifacts'; it has 'all'"),
        (SelectionSpec(exclude=("all:b",)), "'all' has no label 'b'; it has 'a'"),
    ],
)
def test_a_selection_that_leaves_nothing_is_refused(selection, message):
    segment = spikes()
    segment.epochs.append(trials((0, 60, "a"), name="all"))
    with pytest.raises(InputError, match=message):
        selected_stretches(segment, selection, 0.1)


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning")
def test_no_time_left_is_refused():
    segment = spikes()
    segment.epochs.append(trials((-5, 99, "a"), name="all"))
    with pytest.raises(InputError, match="No time is left"):
        selected_stretches(segment, SelectionSpec(exclude=("all",)), 0.1)


def laid(spec, *epochs, events=(), behavior=None):
    segment = spikes()
    segment.epochs.extend(epochs)
    segment.events.extend(events)
    activity = te.bin_activity(segment, bin_size=spec.bin_size_s * pq.s)
    return lay_windows(segment, activity, spec)


def test_windows_of_a_specification_equal_those_of_the_functions():
    epoch = trials((1, 3, "go"), (2, 5, "stop"), (8, 9, "go"))
    activity = te.bin_activity(spikes(), bin_size=0.1 * pq.s)
    windows = laid(WindowSpec(bin_size_s=0.1, intervals="trials"), epoch)
    assert windows == te.epoch_windows(epoch, activity)
    windows = laid(WindowSpec(bin_size_s=0.1, intervals="trials:go"), epoch)
    assert windows == te.epoch_windows(epoch, activity, labels=["go"])
    around = WindowSpec(bin_size_s=0.1, around="trials:go", before_s=1.0, after_s=-0.2)
    assert limits(laid(around, epoch)) == [[0.0, 0.8], [7.0, 7.8]]


def test_windows_around_events_of_one_label():
    event = neo.Event(times=[5.0, 9.0, 59.9] * pq.s, labels=["cue", "lick", "cue"], name="it's")
    spec = WindowSpec(bin_size_s=0.1, around="it's:cue", before_s=0.0, after_s=1.0)
    with pytest.warns(DataLossWarning, match="1 of 2 events: 1 reach beyond"):
        assert limits(laid(spec, events=[event])) == [[5.0, 6.0]]


def test_a_name_with_a_colon_is_found_whole_first():
    epoch = trials((1, 3, "x"), name="a:b")
    other = trials((4, 6, "b"), name="a")
    spec = WindowSpec(bin_size_s=0.1, intervals="a:b")
    assert limits(laid(spec, epoch, other)) == [[1.0, 3.0]]
    assert limits(laid(WindowSpec(bin_size_s=0.1, intervals="a:b:x"), epoch, other)) == [[1.0, 3.0]]


def test_overlapping_outside_and_empty_trials():
    epoch = trials((1, 3, "a"), (2, 4, "a"), (2, 2, "a"), (58, 62, "a"), (np.nan, 5, "a"))
    with pytest.warns(DataLossWarning) as caught:
        windows = laid(WindowSpec(bin_size_s=0.1, intervals="trials"), epoch)
    assert limits(windows) == [[1.0, 3.0], [2.0, 4.0]]
    said = " ".join(str(item.message) for item in caught)
    assert "1 of 5 intervals of the epoch 'trials': a start or stop time is missing" in said
    assert "2 of 4 intervals: 1 reach beyond 0 s to 60 s and 1 last less than 0.1 s" in said


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        (WindowSpec(bin_size_s=0.1, intervals="nope"), "no table of intervals 'nope'"),
        (WindowSpec(bin_size_s=0.1, intervals="trials:z"), "no label 'z'"),
        (WindowSpec(bin_size_s=0.1, around="nope", before_s=1.0, after_s=1.0), "no events or"),
        (WindowSpec(bin_size_s=0.1, intervals="none"), "holds no interval"),
        (WindowSpec(bin_size_s=0.1, runs_of="nope"), "has no behaviour 'nope'"),
    ],
)
def test_windows_of_what_is_not_there_are_refused(spec, message):
    empty = neo.Epoch(times=[] * pq.s, durations=[] * pq.s, labels=[], name="none")
    with pytest.raises(InputError, match=message):
        laid(spec, trials((1, 3, "a")), empty)


def test_a_window_per_run_of_a_behaviour():
    block = te.block_from_arrays(
        spike_times=[[0.5, 3.2], [1.0]],
        t_stop=6 * pq.s,
        behavior={"state": np.repeat([0.0, 1.0, 0.0], 2)},
        behavior_rate=1 * pq.Hz,
    )
    activity = te.bin_activity(block.segments[0], bin_size=0.1 * pq.s)
    runs = WindowSpec(bin_size_s=0.1, runs_of="state")
    found = lay_windows(block.segments[0], activity, runs)
    assert limits(found) == [[0.0, 2.0], [2.0, 4.0], [4.0, 6.0]]
    assert found.columns["label"].tolist() == ["0", "1", "0"]
    ones = lay_windows(block.segments[0], activity, WindowSpec(bin_size_s=0.1, runs_of="state:1"))
    assert limits(ones) == [[2.0, 4.0]]
