"""Spike trains and traces into bins."""

import subprocess
import sys

import neo
import numpy as np
import pytest
import quantities as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from tavrnn_ephys.activity.binning import bin_activity
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.io.blocks import block_from_arrays


def segment_of(*trains, t_start=0.0, t_stop=10.0):
    segment = neo.Segment()
    segment.spiketrains.extend(
        [neo.SpikeTrain(times, units="s", t_start=t_start, t_stop=t_stop) for times in trains]
    )
    return segment


def test_counts_by_hand():
    segment = segment_of([0.0, 0.1, 2.5], [9.99], t_stop=10.0)
    activity = bin_activity(segment, bin_size=1 * pq.s)
    assert activity.values.shape == (2, 10)
    assert activity.values.dtype == np.uint8
    np.testing.assert_array_equal(activity.values[0, :3], [2, 0, 1])
    np.testing.assert_array_equal(activity.values[1].nonzero()[0], [9])


def test_spike_at_t_stop_is_dropped_with_a_count():
    with pytest.warns(DataLossWarning, match="1 of 2 spikes"):
        activity = bin_activity(segment_of([1.0, 10.0]), bin_size=1 * pq.s)
    assert activity.values.sum() == 1


def test_remainder_behind_the_last_whole_bin_is_dropped_with_a_count():
    with pytest.warns(DataLossWarning, match="1 of 2 spikes lie outside the 33 whole bins"):
        activity = bin_activity(segment_of([1.0, 9.95]), bin_size=0.3 * pq.s)
    assert activity.n_bins == 33
    assert activity.t_stop_s == pytest.approx(9.9)


@given(
    times=st.lists(st.floats(0, 9.999), min_size=1, max_size=60),
    bin_ms=st.sampled_from([10, 25, 70, 300, 1000]),
)
@settings(deadline=None, max_examples=40)
@pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning")
def test_counted_plus_dropped_spikes_are_all_spikes(times, bin_ms):
    size_s = bin_ms / 1000
    activity = bin_activity(segment_of(sorted(times)), bin_size=bin_ms * pq.ms)
    limit = activity.n_bins * size_s
    n_behind = sum(time >= limit - 1e-7 for time in times)
    n_surely_inside = sum(time < limit - 1e-6 for time in times)
    assert n_surely_inside <= activity.values.sum() <= len(times)
    assert activity.values.sum() + n_behind >= len(times)


def test_shifting_the_clock_by_a_day_changes_times_only():
    rng = np.random.default_rng(0)
    times = np.sort(rng.uniform(0, 9.99, 300))
    here = bin_activity(segment_of(times), bin_size=25 * pq.ms)
    day = 86400.0
    later = segment_of(times + day, t_start=day, t_stop=day + 10)
    there = bin_activity(later, bin_size=25 * pq.ms)
    np.testing.assert_array_equal(here.values, there.values)
    assert there.t_start_s == day


def test_all_silent_units_are_refused():
    with pytest.raises(InputError, match="All 2 units are silent"):
        bin_activity(segment_of([], []), bin_size=1 * pq.s)


def test_bin_longer_than_the_recording_is_refused():
    with pytest.raises(InputError, match="exceeds the recording, which lasts 10 s"):
        bin_activity(segment_of([1.0]), bin_size=11 * pq.s)


def test_trains_of_another_origin_are_known_by_name():
    segment = segment_of([1.0], [2.0])
    for train, name in zip(segment.spiketrains, ["left", "right"], strict=True):
        train.name = name
    assert list(bin_activity(segment, bin_size=1 * pq.s).node_ids) == ["left", "right"]


def traces_block(traces, **kwargs):
    return block_from_arrays(traces=traces, sampling_rate=10 * pq.Hz, **kwargs)


def test_traces_bin_to_their_mean():
    segment = traces_block([[1.0, 3.0, 5.0, 7.0], [0.0, 0.0, 2.0, 2.0]]).segments[0]
    activity = bin_activity(segment, bin_size=200 * pq.ms)
    np.testing.assert_allclose(activity.values, [[2.0, 6.0], [0.0, 2.0]])
    assert activity.quantity == "trace"
    assert activity.node_kind == "roi"


def test_samples_behind_the_last_bin_are_counted():
    segment = traces_block([[1.0, 3.0, 5.0]]).segments[0]
    with pytest.warns(DataLossWarning, match="1 of 3 samples"):
        activity = bin_activity(segment, bin_size=200 * pq.ms)
    np.testing.assert_allclose(activity.values, [[2.0]])


def test_bin_without_a_sample_is_refused():
    segment = traces_block([[1.0, 3.0, 5.0, 7.0]]).segments[0]
    with pytest.raises(InputError, match="Use bins of at least 0.1 s"):
        bin_activity(segment, bin_size=50 * pq.ms)


def test_nan_in_traces_is_refused_by_name():
    segment = traces_block([[1.0, 2.0], [np.nan, 1.0]], node_ids=["a", "b"]).segments[0]
    with pytest.raises(InputError, match=r"1 NaN or infinite samples \('b'\)"):
        bin_activity(segment, bin_size=100 * pq.ms)


def test_gap_in_irregular_traces_is_refused():
    signal = neo.IrregularlySampledSignal(
        [0.0, 0.1, 0.2, 5.0], np.ones((4, 2)), units="V", time_units="s"
    )
    segment = neo.Segment()
    segment.irregularlysampledsignals.append(signal)
    rule = "Bin 3 of 0.1 s, at 0.3 s, holds no sample.*at least 4.8 s.*t_start=0 s, t_stop=0.2 s"
    with pytest.raises(InputError, match=rule):
        bin_activity(segment, bin_size=100 * pq.ms)


def test_segment_without_activity_is_refused():
    with pytest.raises(InputError, match="neither spike trains nor traces of nodes"):
        bin_activity(neo.Segment(), bin_size=1 * pq.s)


def test_import_of_elephant_leaves_the_warning_filters_alone():
    code = (
        "import warnings, neo, quantities as pq\n"
        "from tavrnn_ephys.activity.binning import bin_activity\n"
        "segment = neo.Segment()\n"
        "segment.spiketrains.append(neo.SpikeTrain([1.0], units='s', t_stop=2.0))\n"
        "warnings.simplefilter('ignore', UserWarning)\n"
        "before = list(warnings.filters)\n"
        "bin_activity(segment, bin_size=1 * pq.s)\n"
        "assert list(warnings.filters)[0] == before[0], warnings.filters[0]\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_elephant_does_not_speak_of_rounding(capfd):
    bin_activity(segment_of([0.3 - 1e-12, 0.7 - 1e-12]), bin_size=100 * pq.ms)
    assert capfd.readouterr().err == ""
