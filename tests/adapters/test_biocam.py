import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.adapters.mea import BiocamAdapter
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError
from tavrnn_ephys.io.blocks import nodes_of_signal, nodes_of_spiketrains
from tests.adapters.contract import ReaderContract

V3, V4 = "formats/3brain/biocam_hw3.0_fw1.6.brw", "formats/3brain/biocam_hw3.0_fw1.7.0.12_raw.brw"


def read(path: Path, **options: Any) -> Any:
    return BiocamAdapter().read(path, **options).segments[0]


class TestVersion3(ReaderContract):
    adapter_class = BiocamAdapter

    @pytest.fixture
    def file(self, recordings: Path) -> Path:
        return recordings / V3


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning")
class TestVersion4(ReaderContract):
    adapter_class = BiocamAdapter

    @pytest.fixture
    def file(self, recordings: Path) -> Path:
        return recordings / V4


def test_traces_are_those_of_the_file(recordings: Path) -> None:
    signal = read(recordings / V3, detect=False).analogsignals[0]
    assert (signal.shape, signal.annotations["role"]) == ((19754, 36), "raw")
    with h5py.File(recordings / V3) as file:
        raw = file["3BData/Raw"][()].reshape(-1, 36)
        chips = [f"ch{row}-{column}" for row, column in file["3BRecInfo/3BMeaStreams/Raw/Chs"]]
    assert nodes_of_signal(signal).ids.tolist() == chips
    expected = raw[:50].astype(float) * 8250 / 4096 - 4125
    part = signal.load(time_slice=(0 * pq.s, 50 / signal.sampling_rate))
    np.testing.assert_allclose(part.magnitude, expected, atol=2e-3)


def test_version_4_knows_its_start(recordings: Path) -> None:
    block = BiocamAdapter().read(recordings / V4, detect=False)
    assert block.rec_datetime.isoformat().startswith("2023-04-30T11:56:37")
    assert block.annotations["array"] == "AccuraV2"
    assert block.segments[0].analogsignals[0].shape == (5000, 100)


def test_spikes_are_those_of_detect_spikes(recordings: Path) -> None:
    segment = read(recordings / V3)
    expected = te.detect_spikes(read(recordings / V3, detect=False))
    for found, train in zip(segment.spiketrains, expected, strict=True):
        assert found.name == train.name
        np.testing.assert_array_equal(found.magnitude, train.magnitude)


def test_constant_channel_is_named(recordings: Path) -> None:
    with pytest.warns(DataLossWarning, match="'ch1-1'"):
        read(recordings / V4)


def test_part_is_read(recordings: Path) -> None:
    segment = read(
        recordings / V3, channels=["ch20-22", "ch21-25"], t_start=0.25 * pq.s, t_stop=0.5 * pq.s,
        electrode_pitch=42 * pq.um,
    )  # fmt: skip
    nodes = nodes_of_spiketrains(segment.spiketrains)
    assert nodes.ids.tolist() == ["ch20-22", "ch21-25"]
    assert nodes.positions_um is not None
    assert nodes.positions_um.tolist() == [[21 * 42, 19 * 42], [24 * 42, 20 * 42]]
    assert float(segment.spiketrains[0].t_start) == pytest.approx(0.25, abs=1e-4)
    assert float(segment.spiketrains[0].t_stop) == pytest.approx(0.5, abs=1e-4)


@pytest.mark.parametrize(
    "damage",
    ["3BRecInfo/3BRecVars", "3BRecInfo/3BMeaStreams/Raw/Chs", "3BData/Raw"],
)
def test_missing_parts_are_refused(recordings: Path, tmp_path: Path, damage: str) -> None:
    path = tmp_path / "damaged.brw"
    shutil.copyfile(recordings / V3, path)
    with h5py.File(path, "r+") as file:
        del file[damage]
    with pytest.raises(FileFormatError, match="'damaged.brw'"):
        read(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": ["ch1-1"]}, "no channel 'ch1-1'"),
        ({"electrode_pitch": -1 * pq.um}, "must be a length"),
        ({"t_stop": 2 * pq.s}, "no part of it"),
    ],
)
def test_options_that_do_not_fit_are_refused(recordings: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(recordings / V3, **options)
