"""Parts of NWB files: limits in time, raw voltage that stays in the file, one series per neuron."""

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
from pynwb.ecephys import ElectricalSeries

import tavrnn_ephys as te
from tavrnn_ephys.adapters.nwb import NwbAdapter
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError
from tavrnn_ephys.io.blocks import behavior_signals, node_signals, nodes_of_signal
from tavrnn_ephys.studies.inspection import describe_file
from tests.adapters.contract import ReaderContract

CELEGANS = "celegans-nwb/ScholzEtAl2018.AML175_moving.BrainScanner20180223_141721.nwb"
Save = Callable[[pynwb.NWBFile], Path]


class TestOneSeriesPerNeuron(ReaderContract):
    adapter_class = NwbAdapter
    has_outline = False
    options = MappingProxyType({"series": "Activity_*"})

    @pytest.fixture
    def file(self, recordings: Path) -> Path:
        return recordings / CELEGANS


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


# ---- one series per neuron ---------------------------------------------------


def neurons(n: int = 12, n_samples: int = 30) -> pynwb.NWBFile:
    nwbfile = new_nwb()
    for index in range(n):
        nwbfile.add_acquisition(
            pynwb.TimeSeries(
                name=f"Cell_{index:02d}", data=np.arange(n_samples) + 100.0 * index,
                unit="n.a.", rate=5.0, description="A cell.",
            )
        )  # fmt: skip
    return nwbfile


def test_worm_has_the_traces_of_its_file(recordings: Path) -> None:
    path = recordings / CELEGANS
    with pytest.warns(DataLossWarning, match="holds 62 plain series"):
        segment = segment_of(path)
    (signal,) = node_signals(segment)
    with h5py.File(path) as file:
        names = sorted(name for name in file["acquisition"] if name.startswith("Activity_"))
        expected = np.column_stack([file[f"acquisition/{name}/data"][()] for name in names])
        times = file[f"acquisition/{names[0]}/timestamps"][()]
    assert nodes_of_signal(signal).ids.tolist() == names
    np.testing.assert_array_equal(signal.magnitude, expected)
    np.testing.assert_allclose(signal.times.magnitude, times)
    assert list(behavior_signals(segment)) == ["ss_2D"]


def test_ten_numbered_series_are_neurons(save: Save) -> None:
    path = save(neurons())
    with pytest.warns(DataLossWarning, match="12 plain series .* 'Cell_00 … Cell_11' is taken"):
        segment = segment_of(path)
    (signal,) = node_signals(segment)
    assert (signal.name, signal.shape, float(signal.sampling_rate)) == ("Cell", (30, 12), 5.0)
    assert behavior_signals(segment) == {}


def test_nine_numbered_series_are_behaviour_unless_asked_for(save: Save) -> None:
    path = save(neurons(9))
    assert node_signals(segment_of(path)) == []
    (signal,) = node_signals(segment_of(path, series="Cell_0[0-3]"))
    assert nodes_of_signal(signal).ids.tolist() == ["Cell_00", "Cell_01", "Cell_02", "Cell_03"]


def test_series_of_a_pattern_must_exist_and_agree(save: Save) -> None:
    nwbfile = neurons(12)
    nwbfile.add_acquisition(
        pynwb.TimeSeries(name="Cell_99", data=np.zeros(7), unit="n.a.", rate=5.0)
    )
    nwbfile.add_acquisition(
        pynwb.TimeSeries(name="Cell_98", data=np.zeros(30), unit="n.a.", rate=6.0)
    )
    path = save(nwbfile)
    with pytest.raises(InputError, match=r"no series 'Unit_\*'"):
        NwbAdapter().read(path, series="Unit_*")
    with pytest.raises(FileFormatError, match="7 to 30 samples"):
        NwbAdapter().read(path, series="Cell_*")
    with pytest.raises(FileFormatError, match="other sample times than 'Cell_00': 'Cell_98'"):
        NwbAdapter().read(path, series="Cell_*[0-8]")


# ---- raw voltage -------------------------------------------------------------


def with_raw(n_samples: int = 1000, n_channels: int = 4, **about: Any) -> pynwb.NWBFile:
    nwbfile = new_nwb()
    device = nwbfile.create_device(name="array", description="An array.")
    group = nwbfile.create_electrode_group(
        name="shank", description="A shank.", location="CA1", device=device
    )
    for index in range(n_channels):
        nwbfile.add_electrode(x=17.5 * index, y=0.0, z=0.0, location="CA1", group=group,
                              id=100 + index)  # fmt: skip
    region = nwbfile.create_electrode_table_region(list(range(n_channels)), "All.")
    data = np.arange(n_samples * n_channels, dtype=np.int16).reshape(n_samples, n_channels)
    nwbfile.add_acquisition(
        ElectricalSeries(name="wideband", data=about.pop("data", data), electrodes=region,
                         **{"rate": 100.0, "starting_time": 2.0, "conversion": 1e-6, **about})
    )  # fmt: skip
    return nwbfile


def raw_of(path: Path, **options: Any) -> Any:
    (signal,) = segment_of(path, **options).analogsignals
    return signal


def test_raw_voltage_stays_in_the_file_until_it_is_loaded(save: Save) -> None:
    signal = raw_of(save(with_raw()))
    assert isinstance(signal, te.LazySignal)
    assert signal.annotations["role"] == "raw"
    loaded = signal.load(time_slice=(3 * pq.s, 3.02 * pq.s), channel_indexes=[2, 0])
    np.testing.assert_allclose(loaded.rescale("uV").magnitude, [[402, 400], [406, 404]])
    assert float(loaded.t_start) == 3.0
    nodes = nodes_of_signal(signal)
    assert (nodes.ids.tolist(), nodes.kind) == (["100", "101", "102", "103"], "channel")
    assert nodes.positions_um[:, 0].tolist() == [0, 17.5, 35, 52.5]
    assert nodes.groups.tolist() == ["CA1"] * 4


def test_only_the_asked_part_is_described(save: Save) -> None:
    path = save(with_raw(channel_conversion=[1.0, 2.0, 3.0, 4.0]))
    signal = raw_of(path, t_start=4 * pq.s, t_stop=5 * pq.s, channels=[103, "101"])
    assert signal.shape == (100, 2)
    assert (float(signal.t_start), float(signal.t_stop)) == (4.0, 5.0)
    whole = raw_of(path).load().magnitude
    np.testing.assert_array_equal(signal.load().magnitude, whole[200:300, [1, 3]])
    np.testing.assert_allclose(whole[0], [0, 2e-6, 6e-6, 12e-6])


def test_one_channel_without_a_second_axis_is_read(save: Save) -> None:
    path = save(with_raw(n_channels=1, data=np.arange(50.0)))
    assert raw_of(path).load().shape == (50, 1)


def test_raw_voltage_with_time_stamps_is_loaded(save: Save) -> None:
    times = np.cumsum(np.full(1000, 0.01)) + np.arange(1000) ** 2 * 1e-6
    nwbfile = with_raw(timestamps=times, rate=None, starting_time=None)
    (signal,) = segment_of(save(nwbfile), t_stop=1 * pq.s).irregularlysampledsignals
    assert signal.times.magnitude.max() < 1.0
    assert signal.annotations["role"] == "raw"


def test_badly_oriented_or_unknown_channels_are_refused(save: Save, tmp_path: Path) -> None:
    path = save(with_raw())
    with pytest.raises(InputError, match="no channels '7'"):
        NwbAdapter().read(path, channels=[100, 7])
    with pytest.warns(UserWarning, match="orient|shape|dimension|length"):
        nwbfile = with_raw(data=np.zeros((4, 1000)))
    with pytest.raises(FileFormatError, match="Transpose its data"):
        NwbAdapter().read(save(nwbfile))


def test_spikes_are_detected_in_raw_voltage_and_analysis_says_so(save: Save) -> None:
    samples = np.random.default_rng(0).normal(0, 10, (20000, 4)).astype(np.int16)
    samples[[4000, 9000]] = -400
    path = save(with_raw(data=samples, rate=20000.0, starting_time=0.0))
    segment = segment_of(path)
    with pytest.raises(InputError, match="Detect spikes on reading"):
        te.bin_activity(segment, bin_size=100 * pq.ms)
    trains = te.detect_spikes(segment, threshold=8)
    assert [np.round(train.magnitude, 4).tolist() for train in trains] == [[0.2, 0.45]] * 4
    assert trains[0].annotations["node_id"] == "100"
    segment.spiketrains.extend(trains)
    assert te.bin_activity(segment, bin_size=100 * pq.ms).values.sum() == 8


def test_real_raw_voltage_is_described(recordings: Path) -> None:
    path = recordings / "formats/nwb/test_ElectricalSeries.nwb"
    (signal,) = segment_of(path).irregularlysampledsignals
    with h5py.File(path) as file:
        np.testing.assert_allclose(
            signal.magnitude, file["acquisition/test_eS/data"][()], rtol=1e-6
        )
    assert "'test_eS', 2 channels, 10 samples" in describe_file(path)


# ---- files with little in them -----------------------------------------------


def test_file_with_electrodes_alone_has_no_nodes(save: Save) -> None:
    nwbfile = new_nwb()
    device = nwbfile.create_device(name="array", description="An array.")
    group = nwbfile.create_electrode_group(
        name="shank", description="A shank.", location="CA1", device=device
    )
    nwbfile.add_electrode(location="CA1", group=group)
    path = save(nwbfile)
    assert "Nodes:       none" in describe_file(path)
    with pytest.raises(
        InputError, match="neither spike trains nor traces of nodes. What the file holds"
    ):
        te.bin_activity(segment_of(path), bin_size=1 * pq.s)


def test_extension_is_read_without_its_package(recordings: Path) -> None:
    segment = segment_of(recordings / "formats/nwb/2.1.0_nwbfile_with_extension.nwb")
    assert list(behavior_signals(segment)) == ["test_ts"]


# ---- limits in time ----------------------------------------------------------


def test_limits_narrow_spikes_traces_behaviour_and_intervals(
    unit_block: Any, roi_block: Any, tmp_path: Path
) -> None:
    unit_block.segments[0].analogsignals.extend(node_signals(roi_block.segments[0]))
    path = NwbAdapter().write_block(unit_block, tmp_path / "both.nwb")
    whole, part = segment_of(path), segment_of(path, t_start=0.5 * pq.s, t_stop=1.5 * pq.s)
    assert [train.magnitude.tolist() for train in part.spiketrains] == [[], [], [0.5, 1.125]]
    assert {(float(train.t_start), float(train.t_stop)) for train in part.spiketrains} == {
        (0.5, 1.5)
    }
    for name, signal in behavior_signals(part).items():
        expected = behavior_signals(whole)[name]
        inside = (expected.times.magnitude >= 0.5) & (expected.times.magnitude < 1.5)
        np.testing.assert_array_equal(signal.magnitude, expected.magnitude[inside])
    (traces,), (all_traces,) = node_signals(part), node_signals(whole)
    inside = (all_traces.times.magnitude >= 0.5 - 1e-9) & (all_traces.times.magnitude < 1.5 - 1e-9)
    np.testing.assert_array_equal(traces.magnitude, all_traces.magnitude[inside])
    assert part.epochs[0].labels.tolist() == ["rest"]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"t_start": 3 * pq.s, "t_stop": 2 * pq.s}, "t_start must lie before t_stop"),
        ({"t_start": 50 * pq.s}, "no recording of units between"),
        ({"t_start": 3}, "unit of time"),
    ],
)
def test_bad_limits_are_refused(
    unit_block: Any, tmp_path: Path, options: dict[str, Any], message: str
) -> None:
    path = NwbAdapter().write_block(unit_block, tmp_path / "units.nwb")
    with pytest.raises(InputError, match=message):
        NwbAdapter().read(path, **options)
