"""Files held against their own schemas: what PyNWB finds, with each set of schemas loaded once."""

import json
import shutil
import warnings
from pathlib import Path

import h5py
import pynwb
import pytest
import zarr

import tavrnn_ephys as te
from tavrnn_ephys.adapters.nwb import _validation
from tavrnn_ephys.adapters.nwb._validation import validation_errors
from tests.adapters.contract import nodes_of
from tests.adapters.test_nwb_recordings import FILES, complaints
from tests.adapters.test_nwb_runs import make_results

pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")


@pytest.fixture(autouse=True)
def understood(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files whose schemas were loaded; none is known before."""
    names, load = [], _validation._understood

    def noted(path: Path) -> _validation._Schemas:
        names.append(path.name)
        return load(path)

    monkeypatch.setattr(_validation, "_KNOWN", {})
    monkeypatch.setattr(_validation, "_understood", noted)
    return names


def found(path: Path) -> list[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sorted(map(str, validation_errors(path)))


@pytest.mark.parametrize("name", FILES)
def test_pynwb_finds_the_same_in_files_of_every_schema(recordings: Path, name: str) -> None:
    path = recordings / FILES[name][0]
    assert found(path) == found(path) == complaints(path)


@pytest.fixture(params=[".nwb", ".nwb.zarr"])
def written(request: pytest.FixtureRequest, source_nwb: Path, tmp_path: Path) -> Path:
    """A file or a store with a run."""
    nodes = nodes_of(te.read(source_nwb).segments[0])
    out = tmp_path / f"written{request.param}"
    return te.write_results(source_nwb, make_results(nodes), out=out)


def without_description(path: Path) -> Path:
    """Copy a file, and take out what every NWB file must have."""
    if path.is_dir():
        copy = shutil.copytree(path, path.with_name("faulty.nwb.zarr"))
        shutil.rmtree(copy / "session_description")
        zarr.consolidate_metadata(str(copy))
        return Path(copy)
    copy = shutil.copyfile(path, path.with_name("faulty.nwb"))
    with h5py.File(copy, "r+") as file:
        del file["session_description"]
    return Path(copy)


def test_a_fault_is_found_by_schemas_that_are_known(written: Path, understood: list[str]) -> None:
    faulty = without_description(written)
    assert found(written) == []
    (fault,) = found(faulty)
    assert [fault] == complaints(faulty)
    assert "session_description" in fault
    # Both hold the same schemas, and what was written was held against them before.
    assert len(understood) == 1


def test_other_schemas_are_not_taken_for_those_that_are_known(
    source_nwb: Path, tmp_path: Path, understood: list[str]
) -> None:
    other = Path(shutil.copyfile(source_nwb, tmp_path / "other.nwb"))
    with h5py.File(other, "r+") as file:
        (core,) = file["specifications/core"].values()
        schema = json.loads(core["nwb.file"][()])
        (kind,) = (item for item in schema["groups"] if item["neurodata_type_def"] == "NWBFile")
        kind["datasets"].append({"name": "diary", "dtype": "text", "doc": "Asked for here alone."})
        core["nwb.file"][()] = json.dumps(schema)
    assert found(source_nwb) == []
    (fault,) = found(other)
    assert [fault] == sorted(map(str, pynwb.validate(path=str(other))))
    assert "diary" in fault
    assert understood == [source_nwb.name, "other.nwb"]


def test_what_was_used_last_is_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(_validation, "_digest_of_schemas", lambda path: path.name)
    monkeypatch.setattr(_validation, "_understood", lambda path: _validation._Schemas(None, []))
    for name in ("a", "b", "c", "a", "d", "e"):
        _validation._schemas_of(tmp_path / name)
    assert list(_validation._KNOWN) == ["c", "a", "d", "e"]
