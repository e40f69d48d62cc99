"""Files of other versions of the NWB schema: read where they can be, added to only where safe."""

import shutil
from collections.abc import Callable
from pathlib import Path

import h5py
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.adapters.nwb import NwbAdapter
from tavrnn_ephys.core.errors import FileFormatError
from tests.adapters.contract import nodes_of
from tests.adapters.test_nwb_runs import make_results

Stated = Callable[[str], Path]


@pytest.fixture
def results(source_nwb: Path) -> te.Results:
    return make_results(nodes_of(NwbAdapter().read(source_nwb).segments[0]))


@pytest.fixture
def stated(source_nwb: Path, tmp_path: Path) -> Stated:
    """A file that says that it is of the given version."""

    def make(version: str) -> Path:
        path = Path(shutil.copyfile(source_nwb, tmp_path / "other.nwb"))
        with h5py.File(path, "r+") as file:
            file.attrs["nwb_version"] = version
        return path

    return make


@pytest.mark.parametrize("version", ["2.0b", "2.0.0", "2.3.0"])
def test_older_versions_of_nwb_2_are_read_and_added_to(
    stated: Stated, results: te.Results, tmp_path: Path, version: str
) -> None:
    path = stated(version)
    assert len(te.read(path).segments[0].spiketrains) == 4
    out = te.write_results(path, results, out=tmp_path / "out.nwb")
    assert te.read_results(out) == results.embedding
    with h5py.File(out, "r") as file:
        assert file.attrs["nwb_version"] == version


def test_a_newer_version_of_nwb_2_is_read_but_not_added_to(
    stated: Stated, results: te.Results, tmp_path: Path, sha256: Callable[[Path], str]
) -> None:
    path = stated("2.999.0")
    before = sha256(path)
    assert len(te.read(path).segments[0].spiketrains) == 4
    for way in ({"out": tmp_path / "a.nwb"}, {"out": tmp_path / "a.zarr"}, {"way": "in_place"}):
        with pytest.raises(FileFormatError, match=r"schema 2\.999\.0, newer than .* Update PyNWB"):
            te.write_results(path, results, **way)
    assert sha256(path) == before
    assert [item.name for item in tmp_path.iterdir()] == ["other.nwb"]


@pytest.mark.parametrize("version", ["1.0.6", "NWB-1.0.6", "3.0.0"])
def test_other_generations_are_refused(stated: Stated, version: str) -> None:
    number = version.removeprefix("NWB-")
    with pytest.raises(FileFormatError, match=f"is of NWB {number}, but only NWB 2 can be read"):
        te.read(stated(version))


def test_a_file_of_the_first_generation_is_told(tmp_path: Path) -> None:
    path = tmp_path / "old.nwb"
    with h5py.File(path, "w") as file:
        file["nwb_version"] = "NWB-1.0.6"
        file.create_group("acquisition/timeseries")
    with pytest.raises(FileFormatError, match=r"is of NWB 1\.0\.6, but only NWB 2"):
        te.list_runs(path)


def test_a_version_that_is_none_is_not_added_to(
    stated: Stated, results: te.Results, tmp_path: Path
) -> None:
    with pytest.raises(FileFormatError, match="names 'newest' as its version"):
        te.write_results(stated("newest"), results, out=tmp_path / "out.nwb")
