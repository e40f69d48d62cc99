"""Recordings and runs in NWB files of Zarr's format."""

import shutil
from pathlib import Path

import neo
import numpy as np
import pynwb
import pytest
import zarr
from hdmf_zarr.nwb import NWBZarrIO

import tavrnn_ephys as te
from tavrnn_ephys.adapters.nwb import NwbAdapter
from tavrnn_ephys.core.errors import FileFormatError, InputError, OutputError
from tests.adapters.contract import nodes_of
from tests.adapters.test_nwb_runs import make_results, same


@pytest.fixture(scope="module")
def units(source_nwb: Path) -> te.Nodes:
    return nodes_of(NwbAdapter().read(source_nwb).segments[0])


@pytest.fixture(scope="module")
def template(source_nwb: Path, units: te.Nodes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("template") / "out.nwb.zarr"
    return te.write_results(source_nwb, make_results(units), out=out)


@pytest.fixture
def store(template: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(template, tmp_path / "out.nwb.zarr"))


def arrays_of(path: Path) -> dict[str, bytes]:
    found = {}

    def look(name: str, item: object) -> None:
        parts = name.split("/")
        ours = any(part.startswith("tavrnn") for part in parts) or parts[0] == "specifications"
        if isinstance(item, zarr.Array) and not ours:
            values = item[...]
            found[name] = repr(values.tolist()).encode() if values.dtype == object else (
                values.tobytes()
            )  # fmt: skip

    zarr.open_group(str(path), mode="r").visititems(look)
    return found


def test_runs_in_zarr_come_back_equal(store: Path, units: te.Nodes) -> None:
    assert same(te.read_results(store, what="all"), make_results(units))
    with NWBZarrIO(str(store), "r") as io:
        nwbfile = io.read()
        assert pynwb.validate(io=io) == []
        region = nwbfile.processing["ecephys"]["tavrnn_nodes"]["source_row"]
        assert region.table is nwbfile.units
    with te.open_results(store) as opened:
        assert np.array_equal(opened.window(2).weights, make_results(units).connectivity.weights[2])
        assert opened.info.n_bytes > 0


def test_a_recording_in_zarr_is_read_as_in_hdf5(source_nwb: Path, store: Path) -> None:
    one, two = te.read(source_nwb).segments[0], te.read(store).segments[0]
    for a, b in zip(one.spiketrains, two.spiketrains, strict=True):
        assert np.array_equal(a.magnitude, b.magnitude)
    assert nodes_of(one) == nodes_of(two)


def test_runs_in_zarr_are_added_replaced_and_deleted(store: Path, units: te.Nodes) -> None:
    before = arrays_of(store)
    te.write_results(store, make_results(units, seed=2), way="in_place", run="second")
    with pytest.raises(OutputError, match="already holds a run 'second'"):
        te.write_results(store, make_results(units), way="in_place", run="second")
    te.write_results(store, make_results(units), way="in_place", run="second", replace=True)
    assert te.compare_runs(store, "default", "second").differences == ()
    te.delete_runs(store, "default", "second")
    assert te.list_runs(store) == []
    assert arrays_of(store) == before
    assert [item.name for item in store.parent.iterdir()] == [store.name]
    with NWBZarrIO(str(store), "r") as io:
        assert len(io.read().units.id) == 4


def test_what_stands_in_the_place_of_a_store_is_kept(
    source_nwb: Path, units: te.Nodes, store: Path, tmp_path: Path
) -> None:
    with pytest.raises(OutputError, match="exists.*--overwrite"):
        te.write_results(source_nwb, make_results(units), out=store)
    folder = tmp_path / "photographs.zarr"
    folder.mkdir()
    with pytest.raises(OutputError, match="is there and no NWB file of Zarr"):
        te.write_results(source_nwb, make_results(units), out=folder, overwrite=True)
    te.write_results(source_nwb, make_results(units, seed=3), out=store, overwrite=True)
    assert te.read_results(store).seed == 3
    with pytest.raises(OutputError, match="go into Zarr"):
        te.write_results(store, make_results(units), out=tmp_path / "back.nwb")
    with pytest.raises(OutputError, match="A sidecar is an HDF5 file"):
        te.write_results(source_nwb, make_results(units), out=tmp_path / "a.zarr", way="sidecar")


def test_a_failure_leaves_no_half_store(
    source_nwb: Path, units: te.Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from tavrnn_ephys.adapters.nwb._zarr_runs import ZarrRunFile

    def fail(*args: object) -> None:
        raise OSError("No space left on device")

    monkeypatch.setattr(ZarrRunFile, "add", fail)
    with pytest.raises(OutputError, match="No space left"):
        te.write_results(source_nwb, make_results(units), out=tmp_path / "out.nwb.zarr")
    assert list(tmp_path.iterdir()) == []


def test_folders_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="is not a file"):
        te.read(tmp_path)
    with pytest.raises(FileFormatError, match="is a folder, but no NWB file"):
        te.list_runs(tmp_path)


def test_a_missing_extra_is_named(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tavrnn_ephys.adapters.nwb._files.find_spec", lambda name: None)
    with pytest.raises(te.TavrnnEphysError, match=r"pip install 'tavrnn_ephys\[zarr\]'"):
        te.list_runs(store)


def test_rois_in_zarr(roi_block: neo.Block, tmp_path: Path) -> None:
    source = NwbAdapter().write_block(roi_block, tmp_path / "source.nwb")
    nodes = nodes_of(NwbAdapter().read(source).segments[0])
    path = te.write_results(source, make_results(nodes), out=tmp_path / "rois.zarr")
    assert te.list_runs(path)[0].module == "ophys"
    assert same(te.read_results(path, what="all"), make_results(nodes))
    assert nodes_of(te.read(path).segments[0]) == nodes


def test_a_run_that_something_points_to_is_not_deleted(store: Path) -> None:
    root = zarr.open_group(str(store), mode="r+")
    root.create_group("scratch")
    root["scratch"].attrs["about"] = {
        "value": {"path": "/processing/ecephys/tavrnn_nodes", "source": "."},
        "zarr_dtype": "object",
    }
    zarr.consolidate_metadata(str(store))
    with pytest.raises(InputError, match="'/scratch' points to it"):
        te.delete_runs(store, "default")
