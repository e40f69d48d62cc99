"""Files that claim, nest or hide more than they hold: one sentence, in bounded time."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import quantities as pq
import scipy.io
import scipy.sparse

import tavrnn_ephys as te
from tavrnn_ephys.adapters._mat5 import require_intact
from tavrnn_ephys.adapters.tables import _loading
from tavrnn_ephys.adapters.tables._loading import load_table
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.studies.conversion import read_metadata

COUNTS = np.array([[0, 2, 1], [1, 0, 3]])


def claiming(path: Path, shape: tuple[int, ...]) -> Path:
    """An array of NumPy whose header promises more than follows."""
    header = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}".encode()
    header += b" " * (63 - (10 + len(header)) % 64) + b"\n"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header)
    return path


@pytest.mark.parametrize("shape", [(2**40, 2), (2**61, 2)])
def test_array_that_claims_more_than_its_file_holds_is_refused(
    tmp_path: Path, shape: tuple[int, ...]
) -> None:
    with pytest.raises(FileFormatError, match="entries, more than the file holds"):
        load_table(claiming(tmp_path / "spikes.npy", shape))


def test_memory_that_a_table_lacks_is_no_damage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_: str) -> Any:
        raise MemoryError("Unable to allocate 8 EiB")

    path = tmp_path / "spikes.csv"
    path.write_text("time_s,unit\n1,a\n")
    monkeypatch.setattr(_loading, "text_table", full)
    with pytest.raises(InputError) as caught:
        load_table(path)
    assert str(caught.value) == (
        "Reading 'spikes.csv' needs more memory than there is (Unable to allocate 8 EiB). Cut it "
        "into files of fewer rows, or use a larger machine."
    )


def test_fault_of_the_program_is_no_damage_of_a_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong(_: str) -> Any:
        raise TypeError("of ours")

    path = tmp_path / "spikes.csv"
    path.write_text("time_s,unit\n1,a\n")
    monkeypatch.setattr(_loading, "text_table", wrong)
    with pytest.raises(TypeError, match="of ours"):
        load_table(path)


@pytest.mark.parametrize("text", ["1," + "x" * 200_000, ",".join(["1"] * 2000)])
def test_endless_lines_are_no_spikes(tmp_path: Path, text: str) -> None:
    path = tmp_path / "spikes.csv"
    path.write_text(f"{text}\n{text}\n")
    with pytest.raises(FileFormatError, match="no spike table"):
        load_table(path)


# Encodings of spreadsheets


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_names_keep_their_letters_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "spikes.csv"
    path.write_bytes("time_s,unit\n1,µa\n3,b\n".encode(encoding))
    found = te.read(path).segments[0].spiketrains
    assert {train.annotations["node_id"] for train in found} == {"µa", "b"}


def test_doses_of_an_axion_log_keep_their_letters(tmp_path: Path) -> None:
    from tavrnn_ephys.adapters.mea._axion_log import _lines

    log = tmp_path / "day_expLog.csv"
    log.write_bytes("Well,Treatment,Dose,Units\nA1,DMSO,10,µM\n".encode("cp1252"))
    assert _lines(log)[1] == "A1,DMSO,10,µM"


# MATLAB


def nested(path: Path, depth: int, packed: bool) -> Path:
    """Cells in cells, as no program writes them."""
    import zlib

    def element(kind: int, data: bytes) -> bytes:
        return kind.to_bytes(4, "little") + len(data).to_bytes(4, "little") + data

    def matrix(kind: int, name: bytes, inside: bytes) -> bytes:
        flags = element(6, kind.to_bytes(8, "little"))
        shape = element(5, (1).to_bytes(4, "little") * 2)
        padded = element(1, name) + bytes(-len(name) % 8)
        return element(14, flags + shape + padded + inside)

    made = matrix(6, b"", element(9, np.float64(1).tobytes()))
    for _ in range(depth):
        made = matrix(1, b"", made)
    made = matrix(1, b"c", made)
    made = element(15, zlib.compress(made)) if packed else made
    path.write_bytes(b"MATLAB 5.0 MAT-file".ljust(124) + b"\0\1IM" + made)
    return path


def test_cells_nested_without_measure_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="nested more than 200 deep"):
        require_intact(nested(tmp_path / "plain.mat", 5000, packed=False))
    path = nested(tmp_path / "nest.mat", 5000, packed=True)
    code = (
        "import sys, tavrnn_ephys as te\n"
        "try: te.read(sys.argv[1], spike_times='c')\n"
        "except te.core.errors.FileFormatError as error: print(error)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=False
    )
    # Without the look at the nesting the process itself ends, by a signal.
    assert ended.returncode == 0
    assert "its cells are nested more than 200 deep" in ended.stdout


@pytest.mark.parametrize("compress", [True, False])
def test_cells_and_structures_of_usual_depth_are_let_pass(tmp_path: Path, compress: bool) -> None:
    path = tmp_path / "usual.mat"
    cells = np.empty(3, dtype=object)
    cells[:] = [np.arange(4) / 3, np.arange(5000) / 3, np.zeros((0, 0))]
    scipy.io.savemat(
        path,
        {"a": np.random.default_rng(0).random((300, 40)), "s": {"x": {"y": cells}}, "c": cells,
         "t": "text", "l": COUNTS > 0, "p": scipy.sparse.csc_matrix(COUNTS)},
        do_compression=compress,
    )  # fmt: skip
    require_intact(path)
    train = te.read(path, spike_times="s.x.y").segments[0].spiketrains[1]
    assert len(train) == 5000


def version_73(path: Path, fill: Any) -> Path:
    with h5py.File(path, "w", userblock_size=512) as file:
        fill(file)
    with path.open("r+b") as stream:
        stream.write(b"MATLAB 7.3 MAT-file, HDF5 schema 1.00 .".ljust(124) + b"\0\2IM")
    return path


def sparse_73(file: Any) -> None:
    matrix = scipy.sparse.csc_matrix(COUNTS)
    group = file.create_group("c")
    group.attrs["MATLAB_sparse"] = np.uint64(2)
    group["data"], group["ir"], group["jc"] = matrix.data, matrix.indices, matrix.indptr


def test_sparse_counts_of_matlab_are_counts(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "old.mat", {"c": scipy.sparse.csc_matrix(COUNTS)})
    for path in (tmp_path / "old.mat", version_73(tmp_path / "new.mat", sparse_73)):
        block = te.read(path, counts="c", node_axis=0, bin_size=100 * pq.ms)
        assert [len(train) for train in block.segments[0].spiketrains] == [3, 4]


def test_empty_array_of_matlab_that_claims_a_size_is_empty(tmp_path: Path) -> None:
    def fill(file: Any) -> None:
        file["c"] = np.array([2**40, 2**40], dtype="u8")
        file["c"].attrs["MATLAB_empty"] = 1

    path = version_73(tmp_path / "empty.mat", fill)
    with pytest.raises(InputError, match=r"'c' must be a matrix of numbers, got shape \(0,\)"):
        te.read(path, counts="c", node_axis=0, bin_size=100 * pq.ms)


# Folders


def plane(folder: Path, traces: Any) -> Path:
    folder.mkdir()
    np.save(folder / "F.npy", traces)
    np.save(folder / "iscell.npy", np.ones((3, 2)))
    return folder


def test_folder_that_no_adapter_knows_says_how_to_hear_why_and_that_leads_on(
    tmp_path: Path,
) -> None:
    folder = plane(tmp_path / "plane0", np.zeros(60, dtype=np.float32))
    with pytest.raises(FileFormatError, match=r"is not a file\. .* hear what the folder lacks"):
        te.read(folder)
    with pytest.raises(FileFormatError, match=r"'F.npy' has shape \(60,\); suite2p's traces"):
        te.read(folder, adapter="suite2p", sampling_rate=10 * pq.Hz)


@pytest.mark.parametrize(("rate", "said"), [([10.0], 10.0), ([10.0, 20.0], None), ("fast", None)])
def test_rate_of_suite2p_is_a_number_or_is_asked_for(tmp_path: Path, rate: Any, said: Any) -> None:
    folder = plane(tmp_path / "plane0", np.random.default_rng(0).random((3, 60)))
    np.save(folder / "ops.npy", {"fs": np.array(rate)}, allow_pickle=True)
    if said:
        signal = te.read(folder, allow_pickle=True).segments[0].analogsignals[0]
        assert float(signal.sampling_rate) == said
        return
    with pytest.raises(FileFormatError, match=r"which is no number\. Give it: sampling_rate=30"):
        te.read(folder, allow_pickle=True)


def phy(folder: Path, **arrays: Any) -> Path:
    folder.mkdir()
    (folder / "params.py").write_text("sample_rate = 30000.\n")
    made = {"spike_times": np.arange(1, 9) * 30_000, "spike_clusters": np.arange(8) % 2} | arrays
    for name, values in made.items():
        np.save(folder / f"{name}.npy", values)
    return folder


@pytest.mark.parametrize(
    "arrays",
    [{"spike_times": np.arange(1, 9) / 3}, {"spike_clusters": np.arange(8) % 2 + 0.5}],
)
def test_fractions_of_phy_are_no_samples_and_no_clusters(tmp_path: Path, arrays: Any) -> None:
    (name,) = arrays
    with pytest.raises(FileFormatError, match=f"'{name}.npy' of 'sorted' holds fractions"):
        te.read(phy(tmp_path / "sorted", **arrays))


def test_whole_numbers_of_phy_may_be_floating(tmp_path: Path) -> None:
    folder = phy(tmp_path / "sorted", spike_times=np.arange(1.0, 9.0) * 30_000)
    trains = te.read(folder).segments[0].spiketrains
    assert [train.magnitude.tolist() for train in trains] == [[1, 3, 5, 7], [2, 4, 6, 8]]


@pytest.mark.parametrize("value", ["-" * 5000 + "1", "{[]: 1}", "1" + "+1" * 20_000])
def test_parameters_of_phy_that_hide_the_rate_are_refused(tmp_path: Path, value: str) -> None:
    folder = phy(tmp_path / "sorted")
    (folder / "params.py").write_text(f"sample_rate = {value}\n")
    with pytest.raises(FileFormatError, match=r"'params.py' of 'sorted'"):
        te.read(folder)


@pytest.mark.skipif(os.name == "nt", reason="pipes of POSIX systems")
def test_metadata_that_are_a_pipe_are_not_called_missing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "mouse.yaml")
    with pytest.raises(FileFormatError, match="is no file but a folder, pipe or device"):
        read_metadata(tmp_path / "mouse.yaml")
