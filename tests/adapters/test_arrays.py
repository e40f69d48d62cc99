"""MATLAB files, whose variables the caller names."""

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import quantities as pq
import scipy.io

import tavrnn_ephys as te
from tavrnn_ephys.adapters.arrays import MatAdapter
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError
from tavrnn_ephys.io.blocks import behavior_signals, node_signals, nodes_of_signal
from tests.adapters.contract import ReaderContract


class TestReaching(ReaderContract):
    adapter_class = MatAdapter
    options = {"counts": "Ytr", "node_axis": 1, "bin_size": 50 * pq.ms}

    @pytest.fixture
    def file(self, recordings: Path) -> Path:
        return recordings / "monkey-m1-reach/chewie_demo.mat"


def cells(values: list[Any]) -> np.ndarray:
    array = np.empty((1, len(values)), dtype=object)
    for index, value in enumerate(values):
        array[0, index] = np.atleast_2d(value).T if np.size(value) else np.empty((0, 0))
    return array


CONTENT: dict[str, Any] = {
    "counts": np.array([[1, 0, 2], [0, 1, 0]]),
    "spikes": cells([[0.5, 0.1], [], [0.25]]),
    "xy": np.array([[0.0, 1.0], [2.0, 3.0]]),
    "speed": np.array([[1.0, 2.0, 3.0]]),
    "session": {"traces": np.arange(12.0).reshape(6, 2), "name": "A"},
}


def version5(tmp_path: Path) -> Path:
    path = tmp_path / "v5.mat"
    scipy.io.savemat(path, CONTENT)
    return path


def version73(tmp_path: Path) -> Path:
    """The same content as MATLAB writes it into HDF5: axes reversed, cells by reference."""
    path = tmp_path / "v73.mat"
    with h5py.File(path, "w", userblock_size=512) as file:
        for name in ("counts", "xy", "speed"):
            file[name] = CONTENT[name].T
        file["session/traces"] = CONTENT["session"]["traces"].T
        references = []
        for index, cell in enumerate(CONTENT["spikes"][0]):
            item = file.create_dataset(
                f"#refs#/{index}", data=cell.T if cell.size else np.zeros(2, dtype=np.uint64)
            )
            if not cell.size:
                item.attrs["MATLAB_empty"] = 1
            references.append([item.ref])
        file.create_dataset("spikes", data=references, dtype=h5py.ref_dtype)
    with path.open("rb+") as raw:
        raw.write(b"MATLAB 7.3 MAT-file".ljust(128))
    return path


@pytest.mark.parametrize("write", [version5, version73])
class TestBothVersions:
    def test_file_is_recognised(self, tmp_path: Path, write: Any) -> None:
        assert MatAdapter().recognises(write(tmp_path))

    def test_counts_with_positions_and_behaviour(self, tmp_path: Path, write: Any) -> None:
        block = te.read_mat(
            write(tmp_path), counts="counts", node_axis=0, bin_size=10 * pq.ms,
            positions="xy um", behavior={"velocity": "speed"},
        )  # fmt: skip
        binned = te.bin_activity(block.segments[0], bin_size=10 * pq.ms)
        assert binned.values.tolist() == [[1, 0, 2], [0, 1, 0]]
        assert binned.nodes.positions_um.tolist() == [[0, 1], [2, 3]]
        (velocity,) = behavior_signals(block.segments[0]).values()
        assert velocity.magnitude.ravel().tolist() == [1, 2, 3]

    def test_cells_of_spike_times_keep_their_numbers(self, tmp_path: Path, write: Any) -> None:
        for path in ("spikes", "spikes[*]"):
            trains = te.read_mat(write(tmp_path), spike_times=path).segments[0].spiketrains
            assert [train.name for train in trains] == ["0", "2"]
            assert [train.magnitude.tolist() for train in trains] == [[0.1, 0.5], [0.25]]

    def test_traces_in_a_structure(self, tmp_path: Path, write: Any) -> None:
        block = te.read_mat(
            write(tmp_path), traces="session.traces", node_axis=1, sampling_rate=2 * pq.Hz,
            samples=(1, 4),
        )  # fmt: skip
        (signal,) = node_signals(block.segments[0])
        assert signal.magnitude.tolist() == [[2, 3], [4, 5], [6, 7]]

    @pytest.mark.parametrize(
        ("options", "message"),
        [
            ({}, "does not say what its variables mean"),
            ({"counts": "count", "node_axis": 0}, "no variable 'count'"),
            ({"counts": "counts"}, "Say which axis counts the nodes"),
            ({"counts": "a b", "node_axis": 0}, "names no variable"),
            ({"spike_times": "spikes[7]"}, "no spike times"),
            ({"spike_times": "xy"}, "a vector of numbers per unit"),
            ({"traces": "spikes[*]", "node_axis": 0}, "3 arrays; one is needed"),
            ({"traces": "session.traces", "node_axis": 1, "samples": (3, 99)}, "samples must"),
            ({"counts": "counts", "node_axis": 0}, "counts need bin_size"),
        ],
    )
    def test_bad_requests_are_refused(
        self, tmp_path: Path, write: Any, options: Any, message: str
    ) -> None:
        with pytest.raises(InputError, match=message):
            MatAdapter().read(write(tmp_path), **options)


def test_reaching_monkey(recordings: Path) -> None:
    path = recordings / "monkey-m1-reach/chewie_demo.mat"
    block = te.read_mat(
        path, counts="Ytr", node_axis=1, bin_size=50 * pq.ms, behavior={"hand": "Xtr"}
    )
    content = scipy.io.loadmat(path)
    binned = te.bin_activity(block.segments[0], bin_size=50 * pq.ms)
    np.testing.assert_array_equal(binned.values, content["Ytr"].T)
    (hand,) = behavior_signals(block.segments[0]).values()
    np.testing.assert_array_equal(hand.magnitude, content["Xtr"])


def test_tetrodes_of_a_rat(recordings: Path) -> None:
    path = recordings / "rat-linear-track/spikes.mat"
    with pytest.warns(DataLossWarning, match="its first spike lies at 4397 s"):
        block = te.read_mat(path, spike_times="spikes[0][0][*][*].time")
    trains = block.segments[0].spiketrains
    assert (len(trains), sum(map(len, trains))) == (31, 28829)
    # The second number is the tetrode's place, the last one the unit's.
    assert trains[0].name == "0.0"


def test_miniscope_events_beside_behaviour(recordings: Path) -> None:
    folder = recordings / "mouse-ca1-miniscope/C11_M1/Environment A"
    block = te.read_mat(
        folder / "finalEventsMat_1.mat", traces="allEventsMat", node_axis=1,
        sampling_rate=20 * pq.Hz, samples=(3617, 7229),
        behavior={"position": "behavior_1.mat:my_mvmt[1].position"},
    )  # fmt: skip
    (signal,) = node_signals(block.segments[0])
    expected = scipy.io.loadmat(folder / "finalEventsMat_1.mat")["allEventsMat"]
    np.testing.assert_array_equal(signal.magnitude, expected[3617:7229])
    assert len(nodes_of_signal(signal)) == 458
    assert behavior_signals(block.segments[0])["position"].shape == (3613, 1)


def test_damaged_file_of_version_73_is_refused(tmp_path: Path) -> None:
    path = version73(tmp_path)
    path.write_bytes(path.read_bytes()[:900])
    with pytest.raises(FileFormatError, match="no intact MATLAB file"):
        MatAdapter().read(path, counts="counts", node_axis=0)
