"""NWB files as people have them: what is taken, what is said, and how to choose otherwise."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pynwb
import pytest
import quantities as pq
from pynwb.behavior import BehavioralTimeSeries, Position, SpatialSeries
from pynwb.ecephys import ElectricalSeries, SpikeEventSeries
from pynwb.icephys import CurrentClampSeries

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError
from tavrnn_ephys.io.blocks import behavior_columns, node_signals, nodes_of_signal
from tests.cases.recordings import (
    new_nwb,
    one_plane,
    save,
    suite2p_nwb,
    traces,
    trains,
    two_planes,
    with_units,
)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "session.nwb"


def read_segment(path: Path, **options: Any) -> Any:
    return te.read(path, **options).segments[0]


def electrodes(nwbfile: pynwb.NWBFile, n: int) -> Any:
    device = nwbfile.create_device("probe")
    group = nwbfile.create_electrode_group("s", description="d", location="CA1", device=device)
    for index in range(n):
        nwbfile.add_electrode(x=index * 20.0, y=0.0, z=0.0, location="CA1", group=group)
    return group


# What is no population


def test_current_clamp_sweeps_are_no_population(path: Path) -> None:
    nwbfile = new_nwb()
    device = nwbfile.create_device("amplifier")
    electrode = nwbfile.create_icephys_electrode(name="e", description="pipette", device=device)
    for index in range(10):
        nwbfile.add_acquisition(
            CurrentClampSeries(
                name=f"CurrentClampSeries_{index:02d}", data=np.zeros(20), electrode=electrode,
                rate=1e3, gain=1.0,
            )
        )  # fmt: skip
    with pytest.raises(FileFormatError) as caught:
        te.read(save(nwbfile, path))
    assert str(caught.value) == (
        "'session.nwb' holds neither units nor ROI traces nor any other recording that can be "
        "read, so there is no network to analyse. It holds 10 CurrentClampSeries, 1 "
        "IntracellularElectrode. Add a units table or RoiResponseSeries to the file."
    )


def test_one_electrical_series_per_channel_is_raw_voltage(path: Path) -> None:
    nwbfile = new_nwb()
    electrodes(nwbfile, 12)
    for index in range(12):
        region = nwbfile.create_electrode_table_region([index], "one")
        nwbfile.add_acquisition(
            ElectricalSeries(name=f"Ch_{index:02d}", data=np.zeros(50), electrodes=region, rate=1e3)
        )
    segment = read_segment(save(nwbfile, path))
    assert node_signals(segment) == []
    assert {item.annotations["role"] for item in segment.analogsignals} == {"raw"}
    assert len(segment.analogsignals) == 12


def test_numbered_series_among_behaviour_are_no_neurons(path: Path) -> None:
    nwbfile = new_nwb()
    module = nwbfile.create_processing_module("behavior", "b")
    for index in range(12):
        module.add(pynwb.TimeSeries(name=f"joint_{index}", data=np.arange(5.0), unit="m", rate=1.0))
    segment = read_segment(save(nwbfile, path))
    assert node_signals(segment) == []
    assert len(behavior_columns(segment)) == 12


def test_guess_that_plain_series_are_neurons_is_announced(path: Path) -> None:
    nwbfile = new_nwb()
    for index in range(10):
        nwbfile.add_acquisition(
            pynwb.TimeSeries(name=f"cell_{index}", data=np.arange(9.0), unit="a.u.", rate=1.0)
        )
    with pytest.warns(DataLossWarning) as caught:
        block = te.read(save(nwbfile, path))
    assert [str(item.message) for item in caught] == [
        "'session.nwb' holds 10 plain series of one length whose names differ in a number "
        "('cell_0', 'cell_1', 'cell_2', 'cell_3', 'cell_4' and 5 more); 'cell_0 … cell_9' is "
        "taken, because nothing in the file says what they are, and so many are taken for one "
        "neuron each. Choose another: series=PATTERN, on the command line --option series=PATTERN."
    ]
    assert node_signals(block.segments[0])[0].shape == (9, 10)


# suite2p's own NWB, planes


def test_fluorescence_of_suite2p_is_taken_though_all_series_are_named_plane0(path: Path) -> None:
    with pytest.warns(DataLossWarning, match="1 of 3 ROIs .* column 'iscell' \\(1 rejected\\)"):
        segment = read_segment(save(suite2p_nwb(), path))
    (signal,) = node_signals(segment)
    assert signal.annotations["container"] == "Fluorescence"
    np.testing.assert_allclose(signal.magnitude, (traces(3, 0) + 100)[:, [0, 2]])
    assert nodes_of_signal(signal).ids.tolist() == ["0", "2"]


def test_one_plane_of_two_is_announced(path: Path) -> None:
    save(suite2p_nwb(2), path)
    with pytest.warns(DataLossWarning) as caught:
        te.read(path, quality="all")
    (message,) = [str(item.message) for item in caught]
    assert message.startswith("'session.nwb' holds 6 ROI series ('Fluorescence/plane0', ")
    assert "of 2 such series it is the first in the file. Choose another: series=NAME" in message


def test_advice_to_choose_another_plane_leads_on(path: Path) -> None:
    save(suite2p_nwb(2), path)
    segment = read_segment(path, series="Fluorescence/plane1", quality="all")
    np.testing.assert_allclose(node_signals(segment)[0].magnitude, traces(2, 1) + 100)


def test_planes_of_two_tables_are_announced(path: Path) -> None:
    with pytest.warns(DataLossWarning, match="'DfOverF/DfOverF0' is taken, because it is ΔF/F"):
        segment = read_segment(save(two_planes(), path))
    assert node_signals(segment)[0].shape == (40, 3)
    assert node_signals(read_segment(path, series="DfOverF1"))[0].shape == (40, 2)


# Quality


def test_column_accepted_of_neuroconv_is_believed(path: Path) -> None:
    nwbfile = one_plane(traces(4))
    table = nwbfile.processing["ophys"]["Segmentation of PlaneSegmentation"]["PlaneSegmentation"]
    table.add_column("Accepted", "1 if accepted", [1, 0, 1, 0])
    table.add_column("Rejected", "1 if rejected", [0, 1, 0, 1])
    save(nwbfile, path)
    with pytest.warns(DataLossWarning) as caught:
        segment = read_segment(path)
    assert [str(item.message) for item in caught] == [
        "2 of 4 ROIs of 'session.nwb' were not accepted by the column 'Accepted' (2 rejected) and "
        "are left out; quality='all' keeps them, on the command line --option quality=all."
    ]
    assert nodes_of_signal(node_signals(segment)[0]).rows.tolist() == [0, 2]
    assert node_signals(read_segment(path, quality="all"))[0].shape == (40, 4)


def test_quality_of_allen_units_is_believed(path: Path) -> None:
    save(with_units(quality=["good", "noise", "good", "noise"]), path)
    with pytest.warns(DataLossWarning, match="2 of 4 units .* column 'quality' \\(2 noise\\)"):
        kept = read_segment(path).spiketrains
    assert [train.name for train in kept] == ["0", "2"]
    assert [train.annotations["node_row"] for train in kept] == [0, 2]
    with pytest.warns(DataLossWarning, match="2 good"):
        assert len(read_segment(path, quality=["noise"]).spiketrains) == 2
    with pytest.raises(InputError, match="does not use 'fair'. It has 'good', 'noise'."):
        te.read(path, quality="fair")


def test_kept_units_are_not_judged_again_in_a_file_of_our_own(path: Path, tmp_path: Path) -> None:
    block = te.read(
        save(with_units(quality=["good", "noise", "good", "noise"]), path), quality="all"
    )
    again = te.read(te.write_nwb(block, tmp_path / "copy.nwb"))
    assert len(again.segments[0].spiketrains) == 4


def test_column_that_judges_nothing_is_no_quality(path: Path) -> None:
    save(with_units(group=["a", "b", "a", "b"]), path)
    assert len(read_segment(path).spiketrains) == 4


# Where units can stand


def test_units_of_a_processing_module_are_read(path: Path) -> None:
    nwbfile = new_nwb()
    units = pynwb.misc.Units(name="units", description="sorted")
    for times in trains(3):
        units.add_unit(spike_times=times)
    nwbfile.create_processing_module("ecephys", "e").add(units)
    segment = read_segment(save(nwbfile, path))
    assert [len(train) for train in segment.spiketrains] == [50, 50, 50]
    np.testing.assert_array_equal(segment.spiketrains[2].magnitude, trains(3)[2])


def test_second_table_of_units_is_announced_and_can_be_chosen(path: Path) -> None:
    nwbfile = with_units(2)
    other = pynwb.misc.Units(name="curated", description="sorted")
    other.add_unit(spike_times=[1.0, 2.0])
    nwbfile.create_processing_module("ecephys", "e").add(other)
    save(nwbfile, path)
    with pytest.warns(DataLossWarning, match="2 tables of units .* 'units' is taken"):
        assert len(read_segment(path).spiketrains) == 2
    assert [len(train) for train in read_segment(path, series="curated").spiketrains] == [2]


def test_units_without_spike_times_are_named(path: Path) -> None:
    nwbfile = new_nwb()
    nwbfile.add_unit_column("depth", "d")
    nwbfile.add_unit(depth=1.0)
    with pytest.raises(FileFormatError, match="1 Units \\(its units have no column spike_times\\)"):
        te.read(save(nwbfile, path))


def test_detected_spikes_of_event_series_are_nodes(path: Path) -> None:
    nwbfile = new_nwb()
    electrodes(nwbfile, 8)
    for index, times in enumerate(([0.5, 1.5, 3.0], [2.0])):
        region = nwbfile.create_electrode_table_region(list(range(4 * index, 4 * index + 4)), "t")
        series = SpikeEventSeries(
            name=f"tetrode{index}", data=np.zeros((len(times), 4, 32)), timestamps=times,
            electrodes=region,
        )  # fmt: skip
        if index:
            nwbfile.create_processing_module("ecephys", "e").add(series)
        else:
            nwbfile.add_acquisition(series)
    save(nwbfile, path)
    with pytest.warns(DataLossWarning, match="no sorted units; the 4 detected spikes of its 2 Spi"):
        found = read_segment(path).spiketrains
    assert {train.name: train.magnitude.tolist() for train in found} == {
        "tetrode1": [2.0], "tetrode0": [0.5, 1.5, 3.0],
    }  # fmt: skip
    assert float(found[0].annotations["x"]) == 110.0


# Times


def test_interval_without_a_stop_is_left_out_with_its_number(path: Path) -> None:
    nwbfile = with_units(2)
    for start, stop in ((0.0, 5.0), (12.0, np.nan), (30.0, 36.0)):
        nwbfile.add_trial(start_time=start, stop_time=stop)
    with pytest.warns(DataLossWarning) as caught:
        (epoch,) = read_segment(save(nwbfile, path)).epochs
    assert [str(item.message) for item in caught] == [
        "1 intervals have no start, no stop or end before they start, and are left out (1 of "
        "'trials'): without an end, an interval belongs to no window."
    ]
    assert epoch.times.magnitude.tolist() == [0.0, 30.0]
    assert epoch.durations.magnitude.tolist() == [5.0, 6.0]


def test_behaviours_of_one_name_stay_apart(path: Path) -> None:
    nwbfile = with_units(2)
    for index, name in enumerate(("behavior", "tracking")):
        series = SpatialSeries(
            name="head", data=np.full(9, float(index)), rate=1.0, reference_frame="room"
        )
        nwbfile.create_processing_module(name, "m").add(Position(spatial_series=series))
    columns = behavior_columns(read_segment(save(nwbfile, path)))
    assert {name: values[0] for name, (_, values) in columns.items()} == {
        "Position_head_0": 0.0, "Position_head_1": 1.0,
    }  # fmt: skip


def test_samples_out_of_order_are_in_the_order_of_time(path: Path) -> None:
    nwbfile = with_units(2)
    series = pynwb.TimeSeries(
        name="speed", data=[3.0, 1.0, 2.0], unit="m", timestamps=[30.0, 10.0, 20.0]
    )
    nwbfile.create_processing_module("behavior", "b").add(BehavioralTimeSeries(time_series=series))
    save(nwbfile, path)
    times, values = behavior_columns(read_segment(path))["speed"]
    assert (times.tolist(), values.tolist()) == ([10.0, 20.0, 30.0], [1.0, 2.0, 3.0])
    times, values = behavior_columns(read_segment(path, t_start=15 * pq.s))["speed"]
    assert (times.tolist(), values.tolist()) == ([20.0, 30.0], [2.0, 3.0])


def test_time_before_a_late_first_spike_is_not_counted_as_silence(path: Path) -> None:
    save(with_units(start_s=5000.0), path)
    with pytest.warns(DataLossWarning, match="does not say when its recording starts") as caught:
        found = read_segment(path).spiketrains
    first = min(train[0] for train in found)
    assert found[0].t_start == first
    assert f"its first spike lies at {float(first):.6g} s" in str(caught[0].message)
    assert float(read_segment(path, t_start=0 * pq.s).spiketrains[0].t_start) == 0.0


def test_gaps_of_observation_are_written_as_gaps(path: Path, tmp_path: Path) -> None:
    nwbfile = new_nwb()
    for times in trains(2):
        kept = times[(times < 30) | (times > 40)]
        nwbfile.add_unit(spike_times=kept, obs_intervals=[[0.0, 30.0], [40.0, 60.0]])
    with pytest.warns(DataLossWarning, match="silent for up to 10 s"):
        block = te.read(save(nwbfile, path))
    copy = te.write_nwb(block, tmp_path / "copy.nwb")
    with h5py.File(copy) as file:
        assert file["units/obs_intervals"][()].tolist() == [[0, 30], [40, 60]] * 2
    with pytest.warns(DataLossWarning, match="silent for up to 10 s"):
        te.read(copy)


def test_spike_times_in_samples_draw_a_word(path: Path) -> None:
    nwbfile = new_nwb()
    nwbfile.add_unit(spike_times=np.arange(0.0, 3_000_000.0, 10_000.0))
    with pytest.warns(DataLossWarning) as caught:
        te.read(save(nwbfile, path))
    assert [str(item.message) for item in caught] == [
        "All 300 spike times of 'session.nwb' are whole numbers up to 2.99e+06: they look like "
        "samples or milliseconds, and are read as seconds (831 h). Divide them by the sampling "
        "rate, or by 1000, first."
    ]


# Samples


def test_half_precision_with_a_conversion_keeps_its_values(path: Path) -> None:
    data = np.array([[1000.0, 2000.0], [3000.0, 4000.0]], dtype=np.float16)
    save(one_plane(data, conversion=1e3), path)
    (signal,) = node_signals(read_segment(path))
    np.testing.assert_allclose(signal.magnitude, data.astype(float) * 1e3)


def test_roi_of_nan_alone_is_left_out(path: Path) -> None:
    data = traces(4)
    data[:, 2] = np.nan
    with pytest.warns(DataLossWarning, match="1 of 4 traces .* hold nothing but NaN"):
        segment = read_segment(save(one_plane(data), path))
    assert nodes_of_signal(node_signals(segment)[0]).rows.tolist() == [0, 1, 3]
    assert te.bin_activity(segment, bin_size=1 * pq.s).values.shape == (3, 4)


def test_rate_of_zero_can_be_given(path: Path) -> None:
    save(one_plane(traces(3)), path)
    with h5py.File(path, "a") as file:
        file["processing/ophys/Fluorescence/RoiResponseSeries/starting_time"].attrs["rate"] = 0.0
    with pytest.raises(FileFormatError) as caught:
        te.read(path)
    assert str(caught.value) == (
        "Series 'RoiResponseSeries' of 'session.nwb' has a sampling rate of 0 Hz; a positive one "
        "is needed. Correct the rate in the file, or give it: sampling_rate=30 * quantities.Hz, "
        "on the command line --option sampling_rate=30Hz."
    )
    (signal,) = node_signals(read_segment(path, sampling_rate=30 * pq.Hz))
    assert float(signal.sampling_rate) == 30.0


def test_wide_integers_of_raw_voltage_keep_their_last_digit(path: Path) -> None:
    nwbfile = new_nwb()
    electrodes(nwbfile, 1)
    region = nwbfile.create_electrode_table_region([0], "one")
    data = np.array([[2**24 + 1], [2**24 + 3]], dtype=np.int32)
    nwbfile.add_acquisition(ElectricalSeries(name="raw", data=data, electrodes=region, rate=1e3))
    (signal,) = read_segment(save(nwbfile, path)).analogsignals
    np.testing.assert_array_equal(signal.load().magnitude, data.astype(float))


def test_raw_voltage_of_a_zarr_store_is_read(tmp_path: Path) -> None:
    zarr = pytest.importorskip("hdmf_zarr.nwb")
    nwbfile = with_units(2)
    electrodes(nwbfile, 3)
    data = np.arange(30, dtype=np.int16).reshape(10, 3)
    region = nwbfile.create_electrode_table_region([0, 1, 2], "all")
    nwbfile.add_acquisition(
        ElectricalSeries(name="raw", data=data, electrodes=region, rate=1e3, conversion=1e-6)
    )
    path = tmp_path / "session.nwb.zarr"
    with zarr.NWBZarrIO(str(path), "w") as io:
        io.write(nwbfile)
    (signal,) = read_segment(path).analogsignals
    np.testing.assert_allclose(signal.load().magnitude, data * 1e-6)
    part = signal.load(time_slice=(0.002 * pq.s, 0.004 * pq.s), channel_indexes=[2, 0])
    np.testing.assert_allclose(part.magnitude, data[2:4][:, [2, 0]] * 1e-6)


def test_extension_without_a_schema_names_its_package(recordings: Path, path: Path) -> None:
    path.write_bytes((recordings / "formats/nwb/2.1.0_nwbfile_with_extension.nwb").read_bytes())
    with h5py.File(path, "a") as file:
        del file["specifications"]
        del file.attrs[".specloc"]
    with pytest.raises(FileFormatError) as caught:
        te.read(path)
    assert str(caught.value) == (
        "'session.nwb' uses the extension 'ndx-testextension' of NWB, and holds no copy of its "
        "schema. Install the package of the extension: pip install ndx-testextension."
    )
