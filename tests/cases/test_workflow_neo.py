"""What Neo objects look like in practice."""

import neo
import numpy as np
import pytest
import quantities as pq
from neo.core.spiketrainlist import SpikeTrainList

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import DataLossWarning, InputError

TIMES = [np.sort(np.random.default_rng(k).uniform(0, 60, 300)) for k in range(4)]
WINDOWS = te.Windows(start_s=[0.0, 30.0], stop_s=[30.0, 60.0])


def train(times, unit="s", **limits):
    return neo.SpikeTrain(np.asarray(times), units=unit, **limits)


def segment_of(*trains):
    segment = neo.Segment()
    segment.spiketrains.extend(trains)
    return segment


def regular():
    return segment_of(*(train(times, t_stop=60.0) for times in TIMES))


def test_trains_that_end_with_their_last_spike_are_binned_together():
    segment = segment_of(*(train(times, t_stop=times[-1]) for times in TIMES[:3]))
    segment.spiketrains.append(train(TIMES[3], t_stop=60.0))
    with pytest.warns(DataLossWarning, match="units were recorded for only a part of 0 s to"):
        found = te.bin_activity(segment, bin_size=50 * pq.ms)
    assert (found.n_bins, found.values.sum()) == (1200, 1200)


def test_units_of_time_may_differ():
    segment = segment_of(train(TIMES[0], t_stop=60.0), train(TIMES[1] * 1000, "ms", t_stop=60_000))
    found = te.bin_activity(segment, bin_size=50 * pq.ms)
    expected = te.bin_activity(regular(), bin_size=50 * pq.ms)
    np.testing.assert_array_equal(found.values, expected.values[:2])


def test_late_unit_does_not_cut_the_recording_and_the_way_out_leads_on():
    late = train([55.0, 56.0], t_start=50.0, t_stop=60.0)
    segment = segment_of(*(train(times, t_stop=60.0) for times in TIMES), late)
    rule = r"1 of 5 units were recorded for only a part of 0 s to 60 s \('4'\).*time_slice\(50 \*"
    with pytest.warns(DataLossWarning, match=rule):
        found = te.bin_activity(segment, bin_size=50 * pq.ms)
    assert (found.t_start_s, found.t_stop_s) == (0.0, 60.0)
    shared = te.bin_activity(segment.time_slice(50 * pq.s, 60 * pq.s), bin_size=50 * pq.ms)
    assert (shared.t_start_s, shared.t_stop_s) == (50.0, 60.0)


def test_lazy_recording_is_loaded():
    lazy = neo.io.ExampleIO("fake.fake").read_block(lazy=True).segments[0]
    loaded = neo.io.ExampleIO("fake.fake").read_block(lazy=False).segments[0]
    both = [te.bin_activity(item, bin_size=50 * pq.ms) for item in (lazy, loaded)]
    np.testing.assert_array_equal(both[0].values, both[1].values)


@pytest.mark.parametrize(
    "call",
    [
        lambda wrong: te.bin_activity(wrong, bin_size=50 * pq.ms),
        lambda wrong: te.window_behavior(wrong, WINDOWS, "x"),
    ],
)
def test_block_or_list_in_place_of_a_segment_is_named(call):
    block = neo.Block()
    block.segments.append(regular())
    with pytest.raises(InputError, match=r"takes one segment, got a block of 1. Pass block.segm"):
        call(block)
    with pytest.raises(InputError, match="takes a neo.Segment, got list"):
        call(list(block.segments))


def test_multiplexed_list_keeps_its_channel_ids():
    segment = neo.Segment()
    segment.spiketrains = SpikeTrainList.from_spike_time_array(
        np.array([0.1, 0.2, 0.3]), np.array([7, 9, 7]), all_channel_ids=[7, 9, 11],
        units="s", t_start=0 * pq.s, t_stop=1 * pq.s,
    )  # fmt: skip
    found = te.bin_activity(segment, bin_size=100 * pq.ms)
    assert found.node_ids.tolist() == ["7", "9", "11"]


def test_text_beside_activity_is_an_epoch():
    block = te.block_from_arrays(
        spike_times=[[1.0], [2.0]],
        t_stop=4 * pq.s,
        behavior={"state": np.array(["rest", "rest", "run", ""])},
        behavior_rate=1 * pq.Hz,
    )
    windows = te.Windows(start_s=[0.0, 2.0, 3.0], stop_s=[2.0, 3.0, 4.0])
    found = te.window_behavior(block.segments[0], windows, "state").values
    assert found.tolist() == ["rest", "run", ""]


@pytest.mark.parametrize("values", [[object()] * 4, [[["a"]]] * 4, [1j] * 4])
def test_behavior_of_no_known_kind_is_refused(values):
    with pytest.raises(InputError, match="The behaviour 'x'"):
        te.block_from_arrays(
            spike_times=[[1.0]], t_stop=4 * pq.s, behavior={"x": values}, behavior_rate=1 * pq.Hz
        )


def test_several_names_in_place_of_one_are_refused():
    with pytest.raises(InputError, match="name of one behaviour, a text, got \\['a', 'b'\\]"):
        te.window_behavior(regular(), WINDOWS, ["a", "b"])


def test_named_signal_without_a_role_is_a_behavior():
    segment = regular()
    segment.analogsignals.append(
        neo.AnalogSignal(np.arange(600.0)[:, None], "m/s", sampling_rate=10 * pq.Hz, name="speed")
    )
    found = te.window_behavior(segment, WINDOWS, "speed")
    assert found.values == pytest.approx([149.5, 449.5])
    assert found.unit == "m/s"


def test_signal_without_a_sample_is_refused():
    segment = neo.Segment()
    segment.analogsignals.append(neo.AnalogSignal(np.zeros((0, 3)), "V", sampling_rate=1 * pq.Hz))
    with pytest.raises(InputError, match="holds no sample"):
        te.bin_activity(segment, bin_size=1 * pq.s)
    with pytest.raises(InputError, match=r"traces has shape \(2, 0\): it holds no sample"):
        te.block_from_arrays(traces=np.zeros((2, 0)), sampling_rate=1 * pq.Hz)


@pytest.mark.parametrize("size", [np.inf, np.nan, 0.0, -1.0])
def test_bins_of_no_length_are_refused(size):
    with pytest.raises(InputError, match="bin_size must be a positive duration"):
        te.bin_activity(regular(), bin_size=size * pq.s)
    with pytest.raises(InputError, match="bin_size_s must be a positive number"):
        te.BinnedActivity(values=np.ones((1, 2)), bin_size_s=size, nodes=te.Nodes(ids=["a"]))


@pytest.mark.parametrize("limit", [np.inf, np.nan])
def test_windows_and_recordings_have_finite_limits(limit):
    with pytest.raises(InputError, match="The limits of window 1 are not finite"):
        te.Windows(start_s=[0.0, 1.0], stop_s=[1.0, limit])
    with pytest.raises(InputError, match="t_stop must be a finite time"):
        te.block_from_arrays(spike_times=[[1.0]], t_stop=limit * pq.s)


@pytest.mark.parametrize("rate", [0, -1, np.nan])
def test_rate_that_is_none_is_refused(rate):
    with pytest.raises(InputError, match="sampling_rate must be positive"):
        te.block_from_arrays(traces=np.ones((2, 5)), sampling_rate=rate * pq.Hz)


def test_one_lost_cell_is_left_out_with_a_word():
    traces = np.random.default_rng(0).normal(size=(4, 50))
    traces[2] = np.nan
    segment = te.block_from_arrays(
        traces=traces, sampling_rate=10 * pq.Hz, node_ids=list("abcd")
    ).segments[0]
    with pytest.warns(DataLossWarning, match="1 of 4 ROIs hold no finite sample \\('c'\\)"):
        found = te.bin_activity(segment, bin_size=0.1 * pq.s)
    assert found.node_ids.tolist() == ["a", "b", "d"]
    np.testing.assert_allclose(found.values, traces[[0, 1, 3]])


@pytest.mark.parametrize(
    ("times", "rule"),
    [
        (
            lambda s: np.round(s * 20_000),
            "All 1200 spike times of 'arrays'",
        ),
        (
            lambda s: s * 1000,
            r"The spike times of 'arrays' span 16.\d h at 0.005",
        ),
    ],
)
def test_samples_or_milliseconds_draw_a_word_and_a_unit_leads_on(times, rule):
    with pytest.warns(DataLossWarning, match=rule):
        te.block_from_arrays(spike_times=[times(item) for item in TIMES])
    block = te.block_from_arrays(spike_times=[item * 1000 * pq.ms for item in TIMES])
    np.testing.assert_allclose(block.segments[0].spiketrains[1].magnitude, TIMES[1])


def test_two_signals_of_traces_are_told_apart_by_the_role_that_is_named():
    segment = neo.Segment()
    for name in ("raw", "dff"):
        segment.analogsignals.append(
            neo.AnalogSignal(np.ones((9, 2)), "V", sampling_rate=1 * pq.Hz, name=name)
        )
    with pytest.raises(InputError, match=r"signal.annotate\(role='nodes'\)"):
        te.bin_activity(segment, bin_size=1 * pq.s)
    segment.analogsignals[1].annotate(role="nodes")
    assert te.bin_activity(segment, bin_size=1 * pq.s).n_nodes == 2
