from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import quantities as pq

from tavrnn_ephys.adapters.mea import MaxwellAdapter
from tavrnn_ephys.core.errors import (
    DataLossWarning,
    FileFormatError,
    InputError,
    MissingDependencyError,
)
from tavrnn_ephys.io.blocks import nodes_of_spiketrains
from tests.adapters.contract import ReaderContract
from tests.adapters.made_files import (
    mapping,
    spikes,
    well_of_maxwell,
    write_legacy_maxwell,
    write_maxwell,
)

ignore_loss = pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning")


def read(path: Path, **options: Any) -> Any:
    return MaxwellAdapter().read(path, **options)


def times(segment: Any) -> dict[str, list[float]]:
    return {train.name: train.magnitude.tolist() for train in segment.spiketrains}


@ignore_loss
class TestMaxOne(ReaderContract):
    adapter_class = MaxwellAdapter

    @pytest.fixture
    def file(self, recordings: Path) -> Path:
        return recordings / "formats/maxwell/maxone_network.raw.h5"


@ignore_loss
class TestMaxTwo(ReaderContract):
    adapter_class = MaxwellAdapter

    @pytest.fixture
    def file(self, recordings: Path) -> Path:
        return recordings / "formats/maxwell/maxtwo_activity_scan.raw.h5"


class TestMadeFile(ReaderContract):
    adapter_class = MaxwellAdapter

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return write_maxwell(tmp_path / "made.raw.h5")


def test_times_count_from_the_first_frame(tmp_path: Path) -> None:
    segment = read(write_maxwell(tmp_path / "a.raw.h5")).segments[0]
    assert times(segment) == {"3": [0.25], "7": [0.1, 0.9]}
    assert float(segment.spiketrains[0].t_stop) == 1.0


def test_wells_are_subregions_and_part_of_the_name(tmp_path: Path) -> None:
    wells = {f"rec0000/well{index:03d}": well_of_maxwell() for index in range(2)}
    nodes = nodes_of_spiketrains(
        read(write_maxwell(tmp_path / "a.raw.h5", wells)).segments[0].spiketrains
    )
    assert nodes.ids.tolist() == ["well000/3", "well000/7", "well001/3", "well001/7"]
    assert nodes.group_names == ("well000", "well001")
    assert nodes.positions_um is not None
    assert nodes.positions_um[1].tolist() == [122.5, 35.0]


def test_wells_recordings_and_channels_are_chosen(tmp_path: Path) -> None:
    wells = {
        f"rec{recording:04d}/well{well:03d}": well_of_maxwell()
        for recording in range(2)
        for well in range(2)
    }
    path = write_maxwell(tmp_path / "a.raw.h5", wells)
    block = read(path, wells=[1], recordings="rec0001", channels=["well001/7"])
    assert [segment.name for segment in block.segments] == ["rec0001"]
    assert times(block.segments[0]) == {"well001/7": [0.1, 0.9]}


def test_part_of_the_time_is_read(tmp_path: Path) -> None:
    path = write_maxwell(tmp_path / "a.raw.h5")
    segment = read(path, t_start=0.2 * pq.s, t_stop=0.9 * pq.s).segments[0]
    assert times(segment) == {"3": [0.25], "7": []}


def test_times_count_from_a_spike_before_the_first_frame(tmp_path: Path) -> None:
    well = well_of_maxwell(spikes=spikes([(4900, 3), (5100, 7)]))
    path = write_maxwell(tmp_path / "a.raw.h5", {"rec0000/well000": well})
    segment = read(path, traces=True).segments[0]
    assert times(segment) == {"3": [0.0], "7": [0.2]}
    assert float(segment.spiketrains[0].t_stop) == 1.1
    assert float(segment.analogsignals[0].t_start) == 0.1


def test_rows_of_the_table_may_stand_in_any_order(tmp_path: Path) -> None:
    well = well_of_maxwell(spikes=spikes([(5900, 7), (5250, 3), (5100, 7)]))
    segment = read(write_maxwell(tmp_path / "a.raw.h5", {"rec0000/well000": well})).segments[0]
    assert times(segment)["7"] == [0.1, 0.9]


def test_spikes_of_unmapped_channels_are_left_out_with_a_warning(tmp_path: Path) -> None:
    well = well_of_maxwell(spikes=spikes([(5100, 7), (5200, 9), (5300, 9)]))
    path = write_maxwell(tmp_path / "a.raw.h5", {"rec0000/well000": well})
    with pytest.warns(DataLossWarning, match="2 of 3 spikes of 'a.raw.h5'"):
        assert times(read(path).segments[0]) == {"3": [], "7": [0.1]}
    kept = read(path, unmapped="keep").segments[0]
    assert times(kept)["9"] == [0.2, 0.3]
    assert np.isnan(kept.spiketrains[2].annotations["x"].magnitude)


def test_channel_of_two_electrodes_takes_the_place_of_the_first(tmp_path: Path) -> None:
    well = well_of_maxwell(**{"settings/mapping": mapping([3, 7, 3])})
    path = write_maxwell(tmp_path / "a.raw.h5", {"rec0000/well000": well})
    with pytest.warns(DataLossWarning, match="names channels more than once: '3'"):
        trains = read(path).segments[0].spiketrains
    assert [train.name for train in trains] == ["3", "7"]


def test_well_without_spikes_is_silent(tmp_path: Path) -> None:
    well = well_of_maxwell(spikes=spikes([]))
    segment = read(write_maxwell(tmp_path / "a.raw.h5", {"rec0000/well000": well})).segments[0]
    assert times(segment) == {"3": [], "7": []}


def test_traces_stay_in_the_file(tmp_path: Path) -> None:
    path = write_maxwell(tmp_path / "a.raw.h5")
    signal = read(path, traces=True, channels=[7], t_start=0.1 * pq.s, t_stop=0.2 * pq.s)
    signal = signal.segments[0].analogsignals[0]
    assert (signal.shape, signal.annotations["role"]) == ((100, 1), "raw")
    loaded = signal.load()
    np.testing.assert_allclose(loaded.magnitude[:2, 0], [1100 * 6.25, 1101 * 6.25], rtol=1e-6)
    assert float(loaded.t_start) == pytest.approx(0.1)


def test_legacy_file_counts_from_its_first_spike(tmp_path: Path) -> None:
    path = write_legacy_maxwell(tmp_path / "old.raw.h5")
    assert MaxwellAdapter().recognises(path)
    segment = read(path).segments[0]
    assert times(segment) == {"0": [0.5], "2": [0.0, 1.0]}
    assert float(segment.spiketrains[0].t_stop) == 2.0


def test_missing_filter_is_named(recordings: Path) -> None:
    path = recordings / "formats/maxwell/maxtwo_activity_scan.raw.h5"
    if h5py.h5z.filter_avail(401):
        pytest.skip("the vendor's filter is installed")
    with pytest.raises(MissingDependencyError, match="HDF5_PLUGIN_PATH.*traces=False"):
        read(path, traces=True, unmapped="keep")


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spikes": None}, "lacks the dataset 'spikes'"),
        ({"spikes": np.zeros(3)}, "lacks 'frameno', 'channel'"),
        ({"spikes": spikes([(5000 + 10**9, 3)])}, "do not agree"),
        ({"settings/mapping": mapping([])}, "names no channel"),
        ({"settings/sampling": np.array([0.0])}, "sampling rate"),
        ({"settings/sampling": np.array([np.nan])}, "finite number"),
        ({"spikes": spikes([]), "groups/routed/frame_nos": np.zeros(0, "u8")}, "zero length"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, changes: dict, message: str) -> None:
    well = well_of_maxwell(**changes)
    path = write_maxwell(tmp_path / "a.raw.h5", {"rec0000/well000": well})
    with pytest.raises(FileFormatError, match=message):
        read(path)


def test_positions_that_are_not_finite_are_refused(tmp_path: Path) -> None:
    electrodes = mapping([3, 7])
    electrodes["y"][1] = np.inf
    well = well_of_maxwell(**{"settings/mapping": electrodes})
    with pytest.raises(FileFormatError, match="not finite"):
        read(write_maxwell(tmp_path / "a.raw.h5", {"rec0000/well000": well}))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wells": ["well009"]}, "no well 'well009'"),
        ({"recordings": [4]}, "no recording 'rec0004'"),
        ({"channels": ["x"]}, "no channel 'x'"),
        ({"t_stop": 9 * pq.s}, "no part of it"),
        ({"t_start": 1.0}, "unit of time"),
        ({"unmapped": "guess"}, "must be one of"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(write_maxwell(tmp_path / "a.raw.h5"), **options)


@pytest.mark.parametrize("name", ["maxone_network", "maxtwo_activity_scan"])
def test_counts_are_those_of_the_file(recordings: Path, name: str) -> None:
    path = recordings / f"formats/maxwell/{name}.raw.h5"
    block = read(path, unmapped="keep")
    with h5py.File(path) as file:
        for segment in block.segments:
            wells = file["recordings"][segment.name].values()
            expected = sum(well["spikes"].shape[0] for well in wells)
            assert sum(map(len, segment.spiketrains)) == expected
            for train in segment.spiketrains[:40:5]:
                well, _, channel = train.name.rpartition("/")
                group = file["recordings"][segment.name][well or "well000"]
                table = group["spikes"][()]
                frames = np.sort(table["frameno"][table["channel"] == int(channel)])
                first = min(int(group["groups/routed/frame_nos"][0]), table["frameno"].min())
                rate = group["settings/sampling"][0]
                np.testing.assert_allclose(train.magnitude, (frames - first) / rate, atol=1e-9)
