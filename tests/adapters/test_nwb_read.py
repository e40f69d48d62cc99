import datetime
from collections.abc import Callable
from pathlib import Path
from types import MappingProxyType
from typing import Any

import h5py
import numpy as np
import pynwb
import pytest
import quantities as pq
from pynwb.behavior import Position, SpatialSeries
from pynwb.ophys import DfOverF, Fluorescence, ImageSegmentation, OpticalChannel, RoiResponseSeries

from tavrnn_ephys.adapters.nwb import NwbAdapter
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError
from tavrnn_ephys.io.blocks import (
    behavior_signals,
    node_signals,
    nodes_of_signal,
    nodes_of_spiketrains,
)
from tests.adapters.contract import ReaderContract, nodes_of

Save = Callable[[pynwb.NWBFile], Path]


class TestWrittenUnits(ReaderContract):
    adapter_class = NwbAdapter

    @pytest.fixture
    def file(self, source_nwb: Path) -> Path:
        return source_nwb


class TestRealUnits(ReaderContract):
    adapter_class = NwbAdapter

    @pytest.fixture
    def file(self, recordings: Path) -> Path:
        return recordings / "formats/nwb/A8604-211122.nwb"


class TestRealTraces(ReaderContract):
    adapter_class = NwbAdapter
    options = MappingProxyType({"quality": "all"})

    @pytest.fixture
    def file(self, recordings: Path) -> Path:
        return recordings / "formats/nwb/nwb_test.nwb"


def new_nwb() -> pynwb.NWBFile:
    return pynwb.NWBFile(
        session_description="A file for tests.",
        identifier="test",
        session_start_time=datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC),
    )


@pytest.fixture
def save(tmp_path: Path) -> Save:
    def writer(nwbfile: pynwb.NWBFile) -> Path:
        path = tmp_path / "test.nwb"
        with pynwb.NWBHDF5IO(path, "w") as io:
            io.write(nwbfile)
        return path

    return writer


def segment_of(path: Path, **options: Any) -> Any:
    return NwbAdapter().read(path, **options).segments[0]


# Units


def with_units(*trains: list[float], **columns: list[Any]) -> pynwb.NWBFile:
    nwbfile = new_nwb()
    for name in columns:
        if name != "obs_intervals":
            nwbfile.add_unit_column(name=name, description=f"The {name}.")
    for index, train in enumerate(trains):
        about = {name: values[index] for name, values in columns.items()}
        nwbfile.add_unit(spike_times=train, id=10 + index, **about)
    return nwbfile


def with_electrodes(positions: list[tuple[float, float, float]], units: list[list[int]]) -> Any:
    nwbfile = new_nwb()
    device = nwbfile.create_device(name="array", description="An array.")
    group = nwbfile.create_electrode_group(
        name="shank", description="A shank.", location="CA1", device=device
    )
    for index, (x, y, z) in enumerate(positions):
        nwbfile.add_electrode(x=x, y=y, z=z, location=["CA1", "unknown"][index % 2], group=group)
    for rows in units:
        nwbfile.add_unit(spike_times=[0.5], electrodes=rows)
    return nwbfile


def test_units_are_named_by_their_id(save: Save) -> None:
    nodes = nodes_of(segment_of(save(with_units([0.5], [1.5]))))
    assert (nodes.ids.tolist(), nodes.table) == (["10", "11"], "units")
    assert nodes.rows is not None
    assert nodes.rows.tolist() == [0, 1]


@pytest.mark.parametrize(
    ("names", "expected"), [(["a", "b"], ["a", "b"]), (["a", "a"], ["10", "11"])]
)
def test_units_are_named_by_unit_name_if_it_is_unique(
    save: Save, names: list[str], expected: list[str]
) -> None:
    nodes = nodes_of(segment_of(save(with_units([0.5], [1.5], unit_name=names))))
    assert nodes.ids.tolist() == expected


def test_unsorted_spikes_are_sorted(save: Save) -> None:
    assert segment_of(save(with_units([2.0, 0.5]))).spiketrains[0].magnitude.tolist() == [0.5, 2.0]


def test_spikes_that_are_not_finite_are_refused(save: Save) -> None:
    path = save(with_units([0.5], [1.0, np.nan]))
    with pytest.raises(FileFormatError, match="not finite, in 1 units \\('11'\\)"):
        NwbAdapter().read(path)


def test_limits_are_those_of_the_observation_intervals(save: Save) -> None:
    observed = [[[0.25, 9.0]], [[0.25, 9.0]]]
    train = segment_of(save(with_units([0.5], [2.5], obs_intervals=observed))).spiketrains[0]
    assert (float(train.t_start), float(train.t_stop)) == (0.25, 9.0)


def test_gaps_in_the_observation_are_told(save: Save) -> None:
    observed = [[[0.0, 4.0], [6.0, 10.0]], [[0.0, 10.0]]]
    path = save(with_units([0.5], [2.5], obs_intervals=observed))
    with pytest.warns(DataLossWarning, match="1 of 2 units .*'10'.* for up to 2 s"):
        NwbAdapter().read(path)
    # No gap lies in this part.
    assert len(NwbAdapter().read(path, t_stop=4 * pq.s).segments[0].spiketrains) == 2


def test_units_with_intervals_alone_are_silent(save: Save) -> None:
    nwbfile = new_nwb()
    for _ in range(2):
        nwbfile.add_unit(obs_intervals=[[0.0, 3.0]])
    trains = segment_of(save(nwbfile)).spiketrains
    assert [(len(train), float(train.t_stop)) for train in trains] == [(0, 3.0), (0, 3.0)]


def test_limits_without_observation_intervals_hold_every_spike(save: Save) -> None:
    train = segment_of(save(with_units([-0.5, 0.5], [2.5]))).spiketrains[0]
    assert (float(train.t_start), float(train.t_stop)) == (-0.5, np.nextafter(2.5, np.inf))


def test_limits_without_observation_intervals_reach_the_last_sample(save: Save) -> None:
    nwbfile = with_units([0.5])
    series = pynwb.TimeSeries(name="lick", data=np.zeros(40), unit="n.a.", rate=10.0)
    nwbfile.add_acquisition(series)
    assert float(segment_of(save(nwbfile)).spiketrains[0].t_stop) == 4.0


def test_position_is_the_mean_of_the_electrodes(save: Save) -> None:
    places = [(0.0, 0.0, np.nan), (10.0, 0.0, np.nan), (20.0, 30.0, np.nan)]
    nodes = nodes_of(segment_of(save(with_electrodes(places, [[0, 1], [2]]))))
    assert nodes.positions_um is not None
    assert nodes.positions_um.tolist() == [[5.0, 0.0], [20.0, 30.0]]


@pytest.mark.parametrize("value", [0.0, np.nan])
def test_electrodes_without_a_place_give_no_positions(save: Save, value: float) -> None:
    nodes = nodes_of(segment_of(save(with_electrodes([(value, value, value)] * 2, [[0], [1]]))))
    assert nodes.positions_um is None


def test_group_is_the_location_of_the_first_electrode(save: Save) -> None:
    places = [(1.0, 2.0, 3.0)] * 2
    nodes = nodes_of(segment_of(save(with_electrodes(places, [[0, 1], [1]]))))
    assert nodes.groups is not None
    assert nodes.groups.tolist() == ["CA1", ""]


def test_group_of_the_unit_comes_before_that_of_the_electrode(save: Save) -> None:
    nwbfile = with_electrodes([(1.0, 2.0, 3.0)], [[0]])
    nwbfile.add_unit_column(name="node_group", description="Subregion.", data=["sensory"])
    assert nodes_of(segment_of(save(nwbfile))).group_names == ("sensory",)


def test_further_columns_annotate_the_trains(save: Save) -> None:
    train = segment_of(save(with_units([0.5], quality=["good"], name_=[3]))).spiketrains[0]
    assert (train.annotations["quality"], train.annotations["name_"]) == ("good", 3)


# ROI traces


def with_rois(
    *names: str,
    shape: tuple[int, int] = (30, 3),
    grid_spacing: list[float] | None = None,
    container: type = Fluorescence,
) -> pynwb.NWBFile:
    nwbfile = new_nwb()
    device = nwbfile.create_device(name="microscope", description="A microscope.")
    channel = OpticalChannel(name="green", description="Green.", emission_lambda=520.0)
    plane = nwbfile.create_imaging_plane(
        name="plane", optical_channel=channel, description="A plane.", device=device,
        excitation_lambda=920.0, indicator="GCaMP6f", location="V1",
        grid_spacing=grid_spacing, grid_spacing_unit="micrometers",
    )  # fmt: skip
    module = nwbfile.create_processing_module(name="ophys", description="Imaging.")
    segmentation = ImageSegmentation()
    module.add(segmentation)
    table = segmentation.create_plane_segmentation(
        name="cells", description="Cells.", imaging_plane=plane
    )
    for index in range(3):
        table.add_roi(pixel_mask=[(index, 4, 1.0), (index + 2, 4, 1.0)], id=100 + index)
    holder = container()
    module.add(holder)
    for name in names:
        rois = table.create_roi_table_region(region=[2, 0, 1], description="Cells.")
        data = np.arange(np.prod(shape), dtype=np.float32).reshape(shape)
        holder.add_roi_response_series(
            RoiResponseSeries(name=name, data=data, unit="n.a.", rois=rois, rate=10.0)
        )
    return nwbfile


def test_traces_keep_the_order_of_the_rois(save: Save) -> None:
    signal = node_signals(segment_of(save(with_rois("RoiResponseSeries"))))[0]
    nodes = nodes_of_signal(signal)
    assert (nodes.ids.tolist(), nodes.kind, nodes.table) == (["102", "100", "101"], "roi", "cells")
    assert nodes.rows is not None
    assert nodes.rows.tolist() == [2, 0, 1]
    assert (signal.shape, float(signal.sampling_rate)) == ((30, 3), 10.0)


def test_centroids_need_a_pixel_size(save: Save) -> None:
    nodes = nodes_of(segment_of(save(with_rois("RoiResponseSeries"))))
    assert nodes.positions_um is None


def test_centroids_are_micrometres(save: Save) -> None:
    path = save(with_rois("RoiResponseSeries", grid_spacing=[2.0, 3.0]))
    positions = nodes_of(segment_of(path)).positions_um
    assert positions is not None
    assert positions.tolist() == [[6.0, 12.0], [2.0, 12.0], [4.0, 12.0]]


def test_fluorescence_comes_before_its_by_products(save: Save) -> None:
    segment = segment_of(save(with_rois("Deconvolved", "Neuropil", "RoiResponseSeries")))
    roles = {signal.name: signal.annotations["role"] for signal in segment.analogsignals}
    assert roles == {
        "RoiResponseSeries": "nodes",
        "Deconvolved": "traces_alternative",
        "Neuropil": "traces_alternative",
    }


def test_dff_comes_before_fluorescence(save: Save) -> None:
    nwbfile = with_rois("RoiResponseSeries")
    original = nwbfile.processing["ophys"]["Fluorescence"]["RoiResponseSeries"]
    dff = DfOverF()
    nwbfile.processing["ophys"].add(dff)
    rois = original.rois.table.create_roi_table_region(region=[0], description="A cell.")
    dff.add_roi_response_series(
        RoiResponseSeries(name="dff", data=np.ones((30, 1)), unit="n.a.", rois=rois, rate=10.0)
    )
    assert [signal.name for signal in node_signals(segment_of(save(nwbfile)))] == ["dff"]


@pytest.mark.parametrize("series", ["Deconvolved", "Fluorescence/Deconvolved"])
def test_another_series_can_be_chosen(save: Save, series: str) -> None:
    segment = segment_of(save(with_rois("Deconvolved", "RoiResponseSeries")), series=series)
    assert [signal.name for signal in node_signals(segment)] == ["Deconvolved"]


def test_a_series_that_is_not_there_is_refused(save: Save) -> None:
    with pytest.raises(InputError, match="no ROI series 'dff'. It has: 'RoiResponseSeries'"):
        NwbAdapter().read(save(with_rois("RoiResponseSeries")), series="dff")


def test_traces_with_rois_first_are_refused(save: Save) -> None:
    path = save(with_rois("RoiResponseSeries"))
    with h5py.File(path, "r+") as file:
        series = file["processing/ophys/Fluorescence/RoiResponseSeries"]
        data, about = series["data"][()].T, dict(series["data"].attrs)
        del series["data"]
        series["data"] = data
        series["data"].attrs.update(about)
    with pytest.raises(FileFormatError, match=r"shape \(3, 30\) for 3 ROIs.*Transpose"):
        NwbAdapter().read(path)


def test_a_rate_of_zero_is_refused(save: Save) -> None:
    path = save(with_rois("RoiResponseSeries"))
    with h5py.File(path, "r+") as file:
        series = file["processing/ophys/Fluorescence/RoiResponseSeries"]
        series["starting_time"].attrs["rate"] = 0.0
    with pytest.raises(FileFormatError, match="sampling rate of 0 Hz"):
        NwbAdapter().read(path)


def test_missing_samples_stay_in_the_traces(save: Save) -> None:
    path = save(with_rois("RoiResponseSeries"))
    with h5py.File(path, "r+") as file:
        file["processing/ophys/Fluorescence/RoiResponseSeries/data"][4, 1] = np.nan
    samples = node_signals(segment_of(path))[0].magnitude
    assert np.argwhere(np.isnan(samples)).tolist() == [[4, 1]]


# Behaviour


def behavior_of(save: Save, *series: pynwb.TimeSeries) -> dict[str, Any]:
    nwbfile = with_units([0.5])
    for item in series:
        nwbfile.add_acquisition(item)
    return behavior_signals(segment_of(save(nwbfile)))


def test_conversion_and_offset_are_applied(save: Save) -> None:
    series = pynwb.TimeSeries(
        name="speed", data=np.array([0, 1, 2]), unit="m/s", rate=2.0, starting_time=1.5,
        conversion=0.5, offset=10.0,
    )  # fmt: skip
    signal = behavior_of(save, series)["speed"]
    assert signal.magnitude[:, 0].tolist() == [10.0, 10.5, 11.0]
    assert (signal.dimensionality.string, float(signal.t_start)) == ("m/s", 1.5)


def test_time_stamps_give_an_irregular_signal(save: Save) -> None:
    times = [0.0, 0.1, 0.5]
    series = pynwb.TimeSeries(name="lick", data=np.ones(3), unit="n.a.", timestamps=times)
    assert behavior_of(save, series)["lick"].times.magnitude.tolist() == times


def test_samples_out_of_order_are_sorted_by_time(save: Save) -> None:
    series = pynwb.TimeSeries(
        name="code", data=np.array([1, 2, 3]), unit="n.a.", timestamps=[0.0, 2.0, 1.0]
    )
    signal = behavior_of(save, series)["code"]
    assert signal.times.magnitude.tolist() == [0.0, 1.0, 2.0]
    assert signal.magnitude[:, 0].tolist() == [1, 3, 2]


def test_unusable_time_stamps_leave_a_series_out_with_a_warning(save: Save) -> None:
    series = pynwb.TimeSeries(
        name="code", data=np.ones(2), unit="n.a.", timestamps=[0.0, np.nan]
    )  # fmt: skip
    with pytest.warns(DataLossWarning, match="1 series of .* left out: 'code'"):
        assert behavior_of(save, series) == {}


@pytest.mark.parametrize("unit", ["a.u.", "ADDME", "__import__('os')", "9**9**9"])
def test_a_unit_that_is_none_stays_as_text(save: Save, unit: str) -> None:
    series = pynwb.TimeSeries(name="score", data=np.ones(3), unit=unit, rate=1.0)
    signal = behavior_of(save, series)["score"]
    assert signal.dimensionality.string == "dimensionless"
    assert signal.annotations["unit_text"] == unit


def test_wide_and_textual_series_are_no_behaviour(save: Save) -> None:
    wide = pynwb.TimeSeries(name="wide", data=np.ones((20, 17)), unit="n.a.", rate=1.0)
    text = pynwb.TimeSeries(name="text", data=["a", "b"], unit="n.a.", rate=1.0)
    assert behavior_of(save, wide, text) == {}


def test_series_of_one_name_are_prefixed_by_their_container(save: Save) -> None:
    nwbfile = with_units([0.5])
    module = nwbfile.create_processing_module(name="behavior", description="Behaviour.")
    for name in ("Head", "Tail"):
        position = Position(name=name)
        position.add_spatial_series(
            SpatialSeries(name="xy", data=np.ones((5, 2)), reference_frame="Box.", rate=1.0)
        )
        module.add(position)
    signals = behavior_signals(segment_of(save(nwbfile)))
    assert sorted(signals) == ["Head_xy", "Tail_xy"]
    assert signals["Head_xy"].array_annotations["column"].tolist() == ["x", "y"]
    assert signals["Head_xy"].dimensionality.string == "m"


# Intervals


def test_trials_become_labelled_epochs(save: Save) -> None:
    nwbfile = with_units([0.5])
    nwbfile.add_trial_column(name="side", description="Side of the lever.")
    nwbfile.add_trial_column(name="reward", description="Reward in µl.")
    nwbfile.add_trial(start_time=0.0, stop_time=1.5, side="left", reward=2.0)
    nwbfile.add_trial(start_time=2.0, stop_time=3.0, side="right", reward=0.0)
    epoch = segment_of(save(nwbfile)).epochs[0]
    assert (epoch.name, epoch.labels.tolist()) == ("trials", ["left", "right"])
    assert (epoch.times.magnitude.tolist(), epoch.durations.magnitude.tolist()) == (
        [0.0, 2.0],
        [1.5, 1.0],
    )
    assert epoch.array_annotations["reward"].tolist() == [2.0, 0.0]


def test_intervals_without_text_are_labelled_by_row(save: Save) -> None:
    nwbfile = with_units([0.5])
    nwbfile.add_invalid_time_interval(start_time=0.0, stop_time=1.0)
    nwbfile.add_invalid_time_interval(start_time=4.0, stop_time=5.0)
    epoch = segment_of(save(nwbfile)).epochs[0]
    assert (epoch.name, epoch.labels.tolist()) == ("invalid_times", ["0", "1"])


# Files that are refused


def test_hdf5_that_is_not_nwb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other.nwb"
    with h5py.File(path, "w") as file:
        file["x"] = 1
    assert not NwbAdapter().recognises(path)
    with pytest.raises(FileFormatError, match="HDF5 file but not NWB"):
        NwbAdapter().read(path)


def test_what_pynwb_cannot_read_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "old.nwb"
    with h5py.File(path, "w") as file:
        file.attrs["neurodata_type"] = "NWBFile"
    assert NwbAdapter().recognises(path)
    with pytest.raises(FileFormatError, match="PyNWB cannot read 'old.nwb'") as caught:
        NwbAdapter().read(path)
    assert "\n" not in str(caught.value)


def test_a_file_without_nodes_is_refused(save: Save) -> None:
    with pytest.raises(FileFormatError, match="neither units nor ROI traces"):
        NwbAdapter().read(save(new_nwb()))


# Real files that are read


def test_three_units_of_an_awake_mouse(recordings: Path) -> None:
    block = NwbAdapter().read(recordings / "formats/nwb/A8604-211122.nwb")
    segment = block.segments[0]
    nodes = nodes_of_spiketrains(segment.spiketrains)
    assert nodes.ids.tolist() == ["6", "191", "206"]
    assert nodes.positions_um is None
    assert [len(train) for train in segment.spiketrains] == [11020, 4690, 5644]
    assert float(segment.spiketrains[0].t_stop) == 1087.5289
    assert segment.epochs[0].labels.tolist() == ["wake"]
    assert block.rec_datetime.year == 2022


def test_thirty_five_human_units(recordings: Path) -> None:
    block = NwbAdapter().read(recordings / "formats/nwb/sub-4_ses-4_ecephys+image.nwb")
    segment = block.segments[0]
    nodes = nodes_of_spiketrains(segment.spiketrains)
    assert (len(nodes), nodes.group_names) == (35, ("amygdala_right", "hippocampus_right"))
    assert nodes.positions_um is not None
    assert nodes.positions_um.shape == (35, 3)
    assert float(segment.spiketrains[0].t_start) == 0.0
    assert sorted(behavior_signals(segment)) == ["events", "experiment_ids"]
    assert [len(epoch) for epoch in segment.epochs] == [90, 180, 180]
    assert block.annotations["subject"]["species"] == "Homo sapiens"


def test_fifteen_rois(recordings: Path) -> None:
    path = recordings / "formats/nwb/nwb_test.nwb"
    with pytest.warns(DataLossWarning, match="8 of 15 ROIs .* column 'Accepted'"):
        assert node_signals(segment_of(path))[0].shape == (250, 7)
    segment = segment_of(path, quality="all")
    (signal,) = node_signals(segment)
    nodes = nodes_of_signal(signal)
    assert (signal.shape, float(signal.sampling_rate)) == ((250, 15), 10.0)
    assert (signal.name, nodes.table, nodes.positions_um) == (
        "RoiResponseSeries",
        "PlaneSegmentation",
        None,
    )


def test_one_roi_with_one_dimensional_data(recordings: Path) -> None:
    (signal,) = node_signals(segment_of(recordings / "formats/nwb/test_RoiResponseSeries.nwb"))
    assert signal.shape == (10, 1)
    assert nodes_of_signal(signal).ids.tolist() == ["0"]
