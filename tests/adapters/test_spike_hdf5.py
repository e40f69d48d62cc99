from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tavrnn_ephys.adapters.mea import SpikeHdf5Adapter
from tavrnn_ephys.core.errors import FileFormatError
from tavrnn_ephys.io.blocks import nodes_of_spiketrains
from tests.adapters.contract import ReaderContract

Writer = Callable[..., Path]


@pytest.fixture
def write(tmp_path: Path) -> Writer:
    """Write a small file of two units, some of its datasets replaced or left out."""

    def writer(**changes: Any) -> Path:
        content: dict[str, Any] = {
            "spikes": np.array([0.5, 1.0, 2.0, 0.25]),
            "sCount": np.array([3, 1], dtype=np.int32),
            "epos": np.array([[0.0, 42.0], [84.0, 126.0]]),
            "names": np.array([b"Ch1.2", b"Ch2.3"]),
            "array": np.array([b"APS_64x64_42um"]),
            "meta/age": np.array([11], dtype=np.int32),
            "meta/species": np.array([b"mouse"]),
            "summary/duration": np.array([10.0]),
        }
        path = tmp_path / "array.h5"
        with h5py.File(path, "w") as file:
            for name, value in {**content, **changes}.items():
                if value is not None:
                    file[name] = value
        return path

    return writer


def test_spikes_are_split_by_counts(write: Writer) -> None:
    segment = SpikeHdf5Adapter().read(write()).segments[0]
    assert [train.magnitude.tolist() for train in segment.spiketrains] == [[0.5, 1.0, 2.0], [0.25]]


def test_positions_are_micrometres_of_each_node(write: Writer) -> None:
    nodes = nodes_of_spiketrains(SpikeHdf5Adapter().read(write()).segments[0].spiketrains)
    assert nodes.positions_um is not None
    assert nodes.positions_um.tolist() == [[0.0, 84.0], [42.0, 126.0]]


def test_metadata_annotates_the_block(write: Writer) -> None:
    block = SpikeHdf5Adapter().read(write())
    assert block.annotations == {
        "array": "APS_64x64_42um", "age": 11, "species": "mouse", "notes": "array: APS_64x64_42um",
        "subject": {"species": "Mus musculus", "age": "P11D"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "subject", "notes"),
    [
        ({"meta/species": np.array([b"human"])}, {"species": "Homo sapiens"},
         "array: APS_64x64_42um; age: 11 days in vitro"),
        ({"meta/DIV0": np.array([b"05/11/13"])}, {"species": "Mus musculus"},
         "array: APS_64x64_42um; DIV0: 05/11/13; age: 11 days in vitro"),
        ({"meta/genotype": np.array([b"wt"]), "meta/cond": np.array([b"ctl"])},
         {"species": "Mus musculus", "age": "P11D", "genotype": "wt"},
         "array: APS_64x64_42um; cond: ctl"),
        ({"meta/species": np.array([b"gecko"])}, None,
         "array: APS_64x64_42um; age: 11; species: gecko"),
    ],
)  # fmt: skip
def test_metadata_are_in_terms_of_nwb(
    write: Writer, changes: Any, subject: Any, notes: str
) -> None:
    about = SpikeHdf5Adapter().read(write(**changes)).annotations
    assert (about.get("subject"), about["notes"]) == (subject, notes)


@pytest.mark.parametrize(
    ("names", "kind"),
    [
        ([b"Ch1.16", b"Ch64.3"], "channel"),
        ([b"ch_12", b"ch_13"], "channel"),
        ([b"ch_25a", b"ch_25b"], "unit"),
        ([b"ch_13_unit_0", b"ch_13_unit_1"], "unit"),
    ],
)
def test_names_tell_channels_from_units(write: Writer, names: list[bytes], kind: str) -> None:
    segment = SpikeHdf5Adapter().read(write(names=np.array(names))).segments[0]
    assert nodes_of_spiketrains(segment.spiketrains).kind == kind


def test_recording_lasts_as_long_as_it_says(write: Writer) -> None:
    train = SpikeHdf5Adapter().read(write()).segments[0].spiketrains[0]
    assert (float(train.t_start), float(train.t_stop)) == (0.0, 10.0)


@pytest.mark.parametrize("duration", [None, np.array([1.5]), np.array([2.0])])
def test_recording_reaches_behind_its_last_spike(write: Writer, duration: Any) -> None:
    path = write(**{"summary/duration": duration})
    train = SpikeHdf5Adapter().read(path).segments[0].spiketrains[0]
    assert float(train.t_stop) == np.nextafter(2.0, np.inf)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sCount": np.array([3, 2])}, "sums to 5, but /spikes holds 4"),
        ({"sCount": np.array([4])}, "one number of spikes"),
        ({"sCount": np.array([5, -1])}, "one number of spikes"),
        ({"sCount": np.array([2, 2])}, "out of order in 1 of 2 channels \\('Ch2.3'\\)"),
        ({"spikes": np.array([-0.5, 1.0, 2.0, 0.25])}, "negative or not finite"),
        ({"spikes": np.array([0.5, 1.0, np.nan, 0.25])}, "negative or not finite"),
        ({"names": np.array([b"Ch1.2", b"Ch1.2"])}, "more than once: 'Ch1.2'"),
        ({"epos": np.zeros((2, 3))}, "shape \\(2, 3\\) for 2 names"),
        ({"epos": np.zeros((2, 2)).T[:1]}, "shape \\(1, 2\\)"),
        ({"summary/duration": np.array([np.nan])}, "duration"),
        ({"epos": None}, "lacks 'epos'"),
        ({"spikes": None, "spikes/inner": np.zeros(4)}, "lacks the dataset 'spikes'"),
        ({"spikes": 0.5}, "one time after the other, got shape \\(\\)"),
        ({"spikes": np.array([b"0.5"] * 4)}, "'spikes' of 'array.h5' has the type"),
        ({"names": 3.5}, "'names' of 'array.h5' has the type"),
    ],
)
def test_contradictions_are_refused(write: Writer, changes: dict, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        SpikeHdf5Adapter().read(write(**changes))


class TestRetinaUnits(ReaderContract):
    adapter_class = SpikeHdf5Adapter

    @pytest.fixture
    def file(self, recordings: Path) -> Path:
        return recordings / "retina-mea/Demas2003_6WK_CTRL_ME1.h5"


class TestCultureUnits(ReaderContract):
    adapter_class = SpikeHdf5Adapter

    @pytest.fixture
    def file(self, recordings: Path) -> Path:
        return recordings / "hipsc-mea/hiPSN_tc65_d21_spikes6sd.h5"


def test_retina_of_1152_channels(recordings: Path) -> None:
    path = recordings / "retina-mea/Maccione2014_P11_m1r2_Spkts_bursts_filtered.h5"
    trains = SpikeHdf5Adapter().read(path).segments[0].spiketrains
    nodes = nodes_of_spiketrains(trains)
    assert (len(nodes), nodes.kind, sum(map(len, trains))) == (1152, "channel", 664716)
    assert float(trains[0].t_stop) == 1800.0


@pytest.mark.parametrize("day", [21, 27, 34, 41, 45, 59, 73])
def test_culture_on_each_day(recordings: Path, day: int) -> None:
    block = SpikeHdf5Adapter().read(recordings / f"hipsc-mea/hiPSN_tc65_d{day}_spikes6sd.h5")
    trains = block.segments[0].spiketrains
    assert block.annotations["age"] == day
    assert nodes_of_spiketrains(trains).kind == "unit"
    assert float(trains[0].t_stop) >= 300.0
