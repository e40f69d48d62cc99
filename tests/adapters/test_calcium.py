"""suite2p, CaImAn, and tables of traces."""

import pickle
import shutil
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import quantities as pq

from tavrnn_ephys.adapters.calcium import CaimanAdapter, CalciumCsvAdapter, Suite2pAdapter
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError
from tavrnn_ephys.io.blocks import node_signals, nodes_of_signal
from tests.adapters.contract import ReaderContract

RATE = 10 * pq.Hz
LOSS = pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning")


@LOSS
class TestSuite2pPlane(ReaderContract):
    adapter_class = Suite2pAdapter
    options = {"sampling_rate": RATE}

    @pytest.fixture
    def file(self, recordings: Path) -> Path:
        return recordings / "formats/suite2p/plane0/F.npy"


class TestCaimanResults(ReaderContract):
    adapter_class = CaimanAdapter

    @pytest.fixture
    def file(self, recordings: Path) -> Path:
        return recordings / "formats/caiman/caiman_analysis.hdf5"


class TestTable(ReaderContract):
    adapter_class = CalciumCsvAdapter

    @pytest.fixture
    def file(self, recordings: Path) -> Path:
        return recordings / "mouse-dg-calcium/LC-DG-FC_2-1_D1_smoothed_calcium_traces.csv"

    @pytest.mark.parametrize("share", [0.01, 0.95])
    def test_truncated_copy_is_refused(self, file: Path, tmp_path: Path, share: float) -> None:
        content = file.read_bytes()
        self._assert_refused(tmp_path, content[: int(share * len(content))])


# ---- suite2p -----------------------------------------------------------------


@pytest.fixture
def plane(tmp_path: Path) -> Path:
    """Folder of three ROIs, of which two are cells."""
    rng = np.random.default_rng(0)
    folder = tmp_path / "plane0"
    folder.mkdir()
    for name in ("F", "Fneu", "spks"):
        np.save(folder / f"{name}.npy", rng.random((3, 40), dtype=np.float32))
    np.save(folder / "iscell.npy", np.array([[1, 0.9], [0, 0.2], [1, 0.8]]))
    stat = np.array([{"med": [index, 10 * index]} for index in range(3)], dtype=object)
    np.save(folder / "stat.npy", stat)
    np.save(folder / "ops.npy", np.array({"fs": 12.5, "nplanes": 1}, dtype=object))
    return folder


def read(plane: Path, **options: Any) -> Any:
    return Suite2pAdapter().read(plane / "F.npy", **options).segments[0]


@LOSS
def test_accepted_cells_keep_their_rows(plane: Path) -> None:
    segment = read(plane, sampling_rate=RATE)
    (signal,) = node_signals(segment)
    assert nodes_of_signal(signal).ids.tolist() == ["0", "2"]
    np.testing.assert_array_equal(signal.magnitude, np.load(plane / "F.npy")[[0, 2]].T)
    assert [item.name for item in segment.analogsignals] == ["F", "Fneu", "spks"]
    assert float(signal.sampling_rate) == 10.0


@LOSS
def test_what_a_person_curated_counts_and_not_the_probability(plane: Path) -> None:
    # suite2p's window writes a click into the first column and leaves the classifier's second.
    np.save(plane / "iscell.npy", np.array([[0, 0.9], [1, 0.1], [1, 0.8]]))
    (signal,) = node_signals(read(plane, sampling_rate=RATE))
    assert nodes_of_signal(signal).ids.tolist() == ["1", "2"]


def test_rejected_rois_are_told_and_can_be_kept(plane: Path) -> None:
    with pytest.warns(DataLossWarning, match="1 of 3 ROIs"):
        read(plane, sampling_rate=RATE)
    assert node_signals(read(plane, sampling_rate=RATE, cells="all"))[0].shape == (40, 3)


def test_spks_can_be_analysed(plane: Path) -> None:
    (signal,) = node_signals(read(plane, sampling_rate=RATE, cells="all", series="spks"))
    np.testing.assert_array_equal(signal.magnitude, np.load(plane / "spks.npy").T)


def test_pickles_are_read_only_on_request(plane: Path) -> None:
    with pytest.raises(InputError, match="a pickle, which is not loaded unasked"):
        read(plane, cells="all")
    segment = read(plane, cells="all", allow_pickle=True, pixel_size=2 * pq.um)
    (signal,) = node_signals(segment)
    assert float(signal.sampling_rate) == 12.5
    nodes = nodes_of_signal(signal)
    assert nodes.positions_um is not None
    assert nodes.positions_um.tolist() == [[0, 0], [20, 2], [40, 4]]


class Trap:
    """What an attacker would put into a pickle."""

    def __reduce__(self) -> Any:
        return (Path.touch, (Path("pickle-was-run"),))


def test_pickle_that_runs_code_is_refused_even_on_request(
    plane: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(plane)
    with (plane / "ops.npy").open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"descr": "|O", "fortran_order": False, "shape": ()}
        )
        pickle.dump(Trap(), file)
    with pytest.raises(FileFormatError, match="holds more than arrays, numbers and text"):
        read(plane, cells="all", allow_pickle=True)
    assert not (plane / "pickle-was-run").exists()


def test_real_stat_gives_centres(recordings: Path) -> None:
    folder = recordings / "formats/suite2p/plane0"
    segment = read(folder, sampling_rate=RATE, cells="all", allow_pickle=True)
    (signal,) = node_signals(segment)
    stat = np.load(folder / "stat.npy", allow_pickle=True)
    assert signal.shape == (2000, 219)
    assert signal.array_annotations["pixel_x"].tolist() == [roi["med"][1] for roi in stat]


@LOSS
@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda folder: np.save(folder / "F.npy", np.zeros(7)), r"shape \(7,\)"),
        (lambda folder: np.save(folder / "F.npy", np.zeros((0, 9))), r"shape \(0, 9\)"),
        (lambda folder: np.save(folder / "spks.npy", np.zeros((3, 9))), "Traces 'spks'"),
        (lambda folder: np.save(folder / "iscell.npy", np.zeros((5, 2))), "judged 5 ROIs"),
        (lambda folder: np.save(folder / "iscell.npy", np.zeros((3, 2))), "accepted none"),
        (lambda folder: shutil.copy(folder / "stat.npy", folder / "F.npy"), "Python objects"),
        (lambda folder: (folder / "Fneu.npy").write_bytes(b"\x93NUMPY"), "no intact .npy"),
    ],
)
def test_contradictions_of_a_plane_are_refused(plane: Path, damage: Any, message: str) -> None:
    damage(plane)
    with pytest.raises(FileFormatError, match=message):
        read(plane, sampling_rate=RATE)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sampling_rate": 30}, "scalar in hertz"),
        ({"sampling_rate": -1 * pq.Hz}, "must be positive"),
        ({"sampling_rate": RATE, "cells": "some"}, "'accepted' or 'all'"),
        ({"sampling_rate": RATE, "cells": "all", "series": "dff"}, "no traces 'dff'"),
        ({"sampling_rate": RATE, "cells": "all", "pixel_size": 2}, "positive length"),
    ],
)
def test_bad_options_are_refused(plane: Path, options: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(plane, **options)


def test_missing_rate_is_asked_for(plane: Path) -> None:
    (plane / "ops.npy").unlink()
    with pytest.raises(InputError, match="does not state its sampling rate"):
        read(plane, cells="all")


# ---- CaImAn ------------------------------------------------------------------


@pytest.fixture
def results(tmp_path: Path, request: pytest.FixtureRequest) -> Path:
    """Two components on an image of 4 x 5 pixels."""
    content: dict[str, Any] = {
        "estimates/C": np.arange(12.0).reshape(2, 6),
        "estimates/S": np.zeros((2, 6)),
        "estimates/F_dff": b"NoneType",
        "estimates/A/data": np.array([1.0, 3.0, 2.0]),
        # Pixels count down the columns: 4 * column + row.
        "estimates/A/indices": np.array([4 * 2 + 1, 4 * 2 + 3, 4 * 4 + 0]),
        "estimates/A/indptr": np.array([0, 2, 3]),
        "estimates/dims": np.array([4, 5]),
        "params/data/fr": 30,
    }
    path = tmp_path / "caiman.hdf5"
    with h5py.File(path, "w") as file:
        for name, value in {**content, **getattr(request, "param", {})}.items():
            if value is not None:
                file[name] = value
    return path


def test_components_have_centres_of_mass(results: Path) -> None:
    segment = CaimanAdapter().read(results, pixel_size=2 * pq.um).segments[0]
    (signal,) = node_signals(segment)
    assert (signal.name, float(signal.sampling_rate)) == ("C", 30.0)
    nodes = nodes_of_signal(signal)
    assert nodes.positions_um is not None
    assert nodes.positions_um.tolist() == [[4.0, 5.0], [8.0, 0.0]]


@pytest.mark.parametrize("results", [{"estimates/idx_components": np.array([1])}], indirect=True)
def test_rejected_components_are_told(results: Path) -> None:
    with pytest.warns(DataLossWarning, match="1 of 2 ROIs"):
        segment = CaimanAdapter().read(results).segments[0]
    assert nodes_of_signal(node_signals(segment)[0]).ids.tolist() == ["1"]


@pytest.mark.parametrize(
    ("results", "message"),
    [
        ({"estimates/C": b"NoneType", "estimates/S": b"NoneType"}, "no traces"),
        ({"estimates/S": np.zeros((2, 9))}, "Traces 'S'"),
        ({"estimates/A/indptr": np.array([0, 3])}, "do not fit"),
        ({"estimates/A/indices": np.array([1, 2, 99])}, "do not fit"),
    ],
    indirect=["results"],
)
def test_contradictions_of_results_are_refused(results: Path, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        CaimanAdapter().read(results)


@pytest.mark.parametrize("results", [{"params/data/fr": None}], indirect=True)
def test_rate_of_results_is_asked_for(results: Path) -> None:
    with pytest.raises(InputError, match="does not state its sampling rate"):
        CaimanAdapter().read(results)


def test_real_results_have_the_traces_of_the_file(recordings: Path) -> None:
    path = recordings / "formats/caiman/caiman_analysis.hdf5"
    (signal,) = node_signals(CaimanAdapter().read(path).segments[0])
    with h5py.File(path) as file:
        np.testing.assert_array_equal(signal.magnitude.T, file["estimates/F_dff"][()])


# ---- tables ------------------------------------------------------------------


def table(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "traces.csv"
    path.write_text(text)
    return path


def test_table_by_hand(tmp_path: Path) -> None:
    path = table(tmp_path, "0.5,1.0,1.5,2.0\n1,2,3,4\n5,6,7,8\n")
    (signal,) = node_signals(CalciumCsvAdapter().read(path).segments[0])
    assert signal.magnitude.T.tolist() == [[1, 2, 3, 4], [5, 6, 7, 8]]
    assert (signal.name, float(signal.t_start), float(signal.sampling_rate)) == ("traces", 0.5, 2.0)


def test_table_with_irregular_times_and_sparse_values(tmp_path: Path) -> None:
    path = table(tmp_path, "0,1,3,4,9\n0,0,0,0,0\n0,0,2,0,0\n")
    (signal,) = CalciumCsvAdapter().read(path).segments[0].irregularlysampledsignals
    assert (signal.name, signal.times.magnitude.tolist()) == ("events", [0, 1, 3, 4, 9])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3\n", "got 1 rows"),
        ("1,2\n3,4\n", "at least 3 times"),
        ("1,2,3\n4,5\n", "Row 2 of 'traces.csv' has 2 values"),
        ("1,2,3\n4,nan,6\n", "1 values that are not finite"),
        ("1,3,2\n4,5,6\n", "must ascend; value 3"),
        ("time,a,b\n4,5,6\n", "Row 1"),
        ("1,2,3\n4,,6\n", "Row 2"),
    ],
)
def test_bad_tables_are_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        CalciumCsvAdapter().read(table(tmp_path, text))


@pytest.mark.parametrize("day", [1, 9])
def test_real_tables_have_the_values_of_the_file(recordings: Path, day: int) -> None:
    for name in (f"D{day}_smoothed_calcium_traces", f"Day{day}_eventTrace"):
        path = recordings / f"mouse-dg-calcium/LC-DG-FC_2-1_{name}.csv"
        (signal,) = node_signals(CalciumCsvAdapter().read(path).segments[0])
        expected = np.loadtxt(path, delimiter=",")
        np.testing.assert_array_equal(signal.magnitude.T, expected[1:])
        np.testing.assert_allclose(signal.times.magnitude, expected[0], atol=1e-6)
        assert signal.name == ("events" if "event" in name else "traces")
