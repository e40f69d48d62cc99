"""Events and intervals that a file keeps as series, as most files of today do."""

import datetime
import warnings
from pathlib import Path

import numpy as np
import pynwb
import pytest
from pynwb.behavior import BehavioralEpochs

from tavrnn_ephys.adapters.nwb import NwbAdapter
from tavrnn_ephys.core.errors import DataLossWarning


def new_nwb() -> pynwb.NWBFile:
    start = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    nwbfile = pynwb.NWBFile("A file for tests.", "markers", start)
    nwbfile.add_unit(spike_times=[0.5, 8.5], obs_intervals=[[0.0, 9.0]])
    return nwbfile


def annotations(name: str, times: list[float], texts: list[str]) -> pynwb.misc.AnnotationSeries:
    with warnings.catch_warnings():
        # pynwb would have tables of events.
        warnings.simplefilter("ignore", UserWarning)
        return pynwb.misc.AnnotationSeries(name=name, data=texts, timestamps=times)


def intervals(name: str, times: list[float], signs: list[int]) -> pynwb.misc.IntervalSeries:
    return pynwb.misc.IntervalSeries(name=name, data=np.array(signs, np.int8), timestamps=times)


def segment_of(nwbfile: pynwb.NWBFile, folder: Path):
    with pynwb.NWBHDF5IO(folder / "a.nwb", "w") as io:
        io.write(nwbfile)
    return NwbAdapter().read(folder / "a.nwb").segments[0]


def test_annotations_are_events_in_the_order_of_time(tmp_path: Path) -> None:
    nwbfile = new_nwb()
    nwbfile.add_acquisition(annotations("cue", [3.0, 1.0, 2.0], ["stop", "go", "it's"]))
    (event,) = segment_of(nwbfile, tmp_path).events
    assert event.name == "cue"
    assert event.times.magnitude.tolist() == [1.0, 2.0, 3.0]
    assert event.labels.tolist() == ["go", "it's", "stop"]


def test_starts_and_stops_are_intervals_labelled_by_their_kind(tmp_path: Path) -> None:
    nwbfile = new_nwb()
    module = nwbfile.create_processing_module("behavior", "Behaviour.")
    series = intervals("sleep", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], [1, 2, -1, -2, 1, -1])
    module.add(BehavioralEpochs(interval_series=series, name="epochs"))
    (epoch,) = segment_of(nwbfile, tmp_path).epochs
    assert (epoch.name, epoch.times.magnitude.tolist()) == ("sleep", [1.0, 2.0, 5.0])
    assert epoch.durations.magnitude.tolist() == [2.0, 2.0, 1.0]
    assert epoch.labels.tolist() == ["1", "2", "1"]


def test_a_start_without_stop_is_left_out_and_said(tmp_path: Path) -> None:
    nwbfile = new_nwb()
    series = intervals("sleep", [1.0, 2.0, 3.0, 4.0, 5.0], [-1, 1, 1, -1, 1])
    nwbfile.add_acquisition(series)
    with pytest.warns(DataLossWarning, match="'sleep' has 3 starts without a stop"):
        (epoch,) = segment_of(nwbfile, tmp_path).epochs
    assert epoch.times.magnitude.tolist() == [3.0]
    assert epoch.durations.magnitude.tolist() == [1.0]


def test_a_series_that_bears_the_name_of_a_table_gets_a_number(tmp_path: Path) -> None:
    nwbfile = new_nwb()
    nwbfile.add_trial(start_time=0.0, stop_time=1.0)
    nwbfile.add_acquisition(intervals("trials", [2.0, 3.0], [1, -1]))
    assert [item.name for item in segment_of(nwbfile, tmp_path).epochs] == ["trials", "trials_1"]


def test_an_empty_series_holds_no_event(tmp_path: Path) -> None:
    nwbfile = new_nwb()
    nwbfile.add_acquisition(intervals("sleep", [], []))
    segment = segment_of(nwbfile, tmp_path)
    assert (len(segment.epochs), len(segment.events)) == (0, 0)
