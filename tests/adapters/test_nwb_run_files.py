"""What holds of a file with runs in every format: refusal, removal, references, validation."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pynwb
import pytest
from hdmf.common import DynamicTable, VectorData

import tavrnn_ephys as te
from tavrnn_ephys.adapters.nwb import NwbAdapter, _hdf5_runs, _zarr_runs
from tavrnn_ephys.adapters.nwb._hdf5_runs import Hdf5RunFile
from tavrnn_ephys.adapters.nwb._run_file import RunFile
from tavrnn_ephys.adapters.nwb._zarr_runs import ZarrRunFile
from tavrnn_ephys.core.errors import InputError, OutputError
from tavrnn_ephys.core.runs import Placement
from tests.adapters.contract import nodes_of
from tests.adapters.test_nwb_runs import make_results, objects_of, same

FORMATS = ["out.nwb", "out.nwb.zarr"]
BACKENDS: list[type[RunFile]] = [Hdf5RunFile, ZarrRunFile]


@pytest.fixture(scope="module")
def units(source_nwb: Path) -> te.Nodes:
    return nodes_of(NwbAdapter().read(source_nwb).segments[0])


@pytest.fixture(scope="module")
def templates(
    source_nwb: Path, units: te.Nodes, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("templates")
    found = {}
    for name in FORMATS:
        path = te.write_results(source_nwb, make_results(units), out=folder / name)
        found[name] = te.write_results(
            path, make_results(units, seed=2), way="in_place", run="second"
        )
    return found


@pytest.fixture(params=FORMATS)
def stored(request: pytest.FixtureRequest, templates: dict[str, Path], tmp_path: Path) -> Path:
    """A file with the runs "default" and "second", in every format."""
    source, target = templates[request.param], tmp_path / request.param
    copy: Callable[..., Any] = shutil.copytree if source.is_dir() else shutil.copy
    return Path(copy(source, target))


@pytest.fixture
def hdf5(templates: dict[str, Path], tmp_path: Path) -> Path:
    return Path(shutil.copy(templates["out.nwb"], tmp_path / "out.nwb"))


@contextmanager
def appended(path: Path) -> Iterator[pynwb.NWBFile]:
    """Add to a file with PyNWB, as somebody else's program does."""
    zarr = path.is_dir()
    io = _zarr_runs.writer(path) if zarr else pynwb.NWBHDF5IO(str(path), mode="r+")
    with io:
        nwbfile = io.read()
        yield nwbfile
        io.write(nwbfile)


def add_link(nwbfile: pynwb.NWBFile, table: Any) -> None:
    module = nwbfile.create_processing_module("own", "Somebody's own.")
    module.add(table)


def add_reference_in_an_attribute(nwbfile: pynwb.NWBFile, table: Any) -> None:
    own = DynamicTable(name="own", description="Rows of a run.", id=[0])
    own.add_column(name="row", description="Row of a run.", data=[0], table=table)
    nwbfile.add_scratch(own)


def add_reference_in_data(nwbfile: pynwb.NWBFile, table: Any) -> None:
    column = VectorData(name="about", description="Tables of a run.", data=[table])
    own = DynamicTable(name="own", description="Tables.", columns=[column], id=[0])
    nwbfile.add_scratch(own)


@pytest.mark.parametrize("add", [add_link, add_reference_in_an_attribute, add_reference_in_data])
def test_a_run_that_something_points_to_stays(
    stored: Path, units: te.Nodes, add: Callable[..., None]
) -> None:
    with appended(stored) as nwbfile:
        add(nwbfile, nwbfile.processing["ecephys"]["tavrnn_second_nodes"])
    with pytest.raises(
        InputError, match=r"'second' of 'out.*' cannot be removed: '/.*own.*' points"
    ):
        te.delete_runs(stored, "second")
    with pytest.raises(InputError, match="points to it"):
        te.write_results(stored, make_results(units), way="in_place", run="second", replace=True)
    assert same(te.read_results(stored, run="second", what="all"), make_results(units, seed=2))
    te.delete_runs(stored, "default")
    assert [run.name for run in te.list_runs(stored)] == ["second"]


@pytest.mark.parametrize("kind", ["array in an attribute", "field", "region", "named type"])
def test_every_kind_of_reference_of_hdf5_is_found(hdf5: Path, kind: str) -> None:
    with h5py.File(hdf5, "r+") as file:
        own = file.create_group("scratch/own")
        table = file["processing/ecephys/tavrnn_second_nodes"]
        if kind == "array in an attribute":
            values = np.array([table.ref], dtype=h5py.ref_dtype)
            own.attrs.create("about", values, dtype=h5py.ref_dtype)
        elif kind == "field":
            rows = own.create_dataset("x", (1,), dtype=[("n", "i4"), ("to", h5py.ref_dtype)])
            rows[0] = (1, table.ref)
        elif kind == "region":
            own.attrs["about"] = table["id"].regionref[:2]
        else:
            file["scratch/kind"] = np.dtype("f8")
            file["scratch/kind"].attrs["about"] = table.ref
    with pytest.raises(InputError, match="cannot be removed: '/scratch/.*' points to it"):
        te.delete_runs(hdf5, "second")
    assert len(te.list_runs(hdf5)) == 2


def test_references_within_a_run_and_to_the_recording_keep_nothing(stored: Path) -> None:
    te.delete_runs(stored, "default", "second")
    assert te.list_runs(stored) == []


def test_references_of_zarr_that_cannot_be_read_stand_in_nobodys_way(
    templates: dict[str, Path], tmp_path: Path
) -> None:
    """HDMF-Zarr pickles references by default, which numcodecs refuses to read."""
    import numcodecs
    import zarr

    store = Path(shutil.copytree(templates["out.nwb.zarr"], tmp_path / "out.nwb.zarr"))
    root = zarr.open_group(str(store), mode="r+")
    about = root.create_dataset(
        "scratch/about", shape=(1,), dtype=object, object_codec=numcodecs.Pickle()
    )
    about[0] = {"path": "/units", "source": "."}
    about.attrs["zarr_dtype"] = "object"
    zarr.consolidate_metadata(str(store))
    te.delete_runs(store, "second")
    assert [run.name for run in te.list_runs(store)] == ["default"]


def test_a_name_that_is_taken_is_refused_before_and_while_writing(
    stored: Path, units: te.Nodes
) -> None:
    texts = []
    for work in (
        lambda: NwbAdapter().check_results_source(stored, Placement(run="second")),
        lambda: te.write_results(stored, make_results(units), way="in_place", run="second"),
    ):
        with pytest.raises(OutputError) as caught:
            work()
        texts.append(str(caught.value))
    assert texts[0] == texts[1]
    assert texts[0].startswith(f"'{stored.name}' already holds a run 'second'.")
    NwbAdapter().check_results_source(stored, Placement(run="second", replace=True))


@pytest.mark.parametrize(("name", "backend"), list(zip(FORMATS, BACKENDS, strict=True)))
def test_what_the_schema_objects_to_is_not_written(
    source_nwb: Path,
    units: te.Nodes,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    backend: type[RunFile],
) -> None:
    errors = ["a fault of the recording's own", "tavrnn_windows: a fault\n of ours"]
    monkeypatch.setattr(backend, "schema_errors", lambda self: errors)
    with pytest.raises(OutputError, match=f"for '{name}' break the NWB schema.*a fault of ours"):
        te.write_results(source_nwb, make_results(units), out=tmp_path / name)
    assert list(tmp_path.iterdir()) == []
    errors.pop()
    te.write_results(source_nwb, make_results(units), out=tmp_path / name)


@pytest.mark.parametrize("name", FORMATS)
def test_results_of_another_recording_of_as_many_units_are_refused(
    source_nwb: Path, units: te.Nodes, tmp_path: Path, name: str
) -> None:
    ids = [*units.ids[:-1], "of another culture"]
    other = te.Nodes(ids=ids, rows=units.rows, table=units.table)
    with pytest.raises(InputError) as caught:
        te.write_results(source_nwb, make_results(other), out=tmp_path / name)
    assert str(caught.value) == (
        f"These results are not of 'culture.nwb': row 3 of its table 'units' is '{units.ids[-1]}', "
        "not 'of another culture'. Name the recording that was analysed."
    )
    assert list(tmp_path.iterdir()) == []


def test_results_of_the_same_units_in_another_order_are_refused(
    source_nwb: Path, units: te.Nodes, tmp_path: Path
) -> None:
    turned = te.Nodes(ids=units.ids[::-1], rows=units.rows, table=units.table)
    with pytest.raises(InputError, match="row 0 of its table 'units'"):
        te.write_results(source_nwb, make_results(turned), out=tmp_path / "out.nwb")
    both = te.Nodes(ids=units.ids[::-1], rows=units.rows[::-1], table=units.table)
    path = te.write_results(source_nwb, make_results(both), out=tmp_path / "out.nwb")
    assert te.read_results(path).nodes == both


def _lose_a_value(file: Any) -> None:
    file["units/spike_times"][-1] += 1e-9


def _lose_an_attribute(file: Any) -> None:
    del file["units"].attrs["description"]


def _lose_an_object(file: Any) -> None:
    del file["general/institution"]


def _turn_a_reference(file: Any) -> None:
    region = file["processing/ecephys/tavrnn_nodes/source_row"]
    region.attrs["table"] = file["processing/ecephys/tavrnn_windows"].ref


@pytest.mark.parametrize(
    "lose", [_lose_a_value, _lose_an_attribute, _lose_an_object, _turn_a_reference]
)
def test_a_file_without_gaps_that_is_not_the_same_does_not_take_over(
    hdf5: Path, monkeypatch: pytest.MonkeyPatch, lose: Callable[[Any], None]
) -> None:
    before = objects_of(hdf5, without="tavrnn_second")
    calls = []

    def lossy(source: Any, target: Any, **options: Any) -> None:
        copy_objects(source, target, **options)
        lose(target)
        calls.append(lose)

    copy_objects = _hdf5_runs.copy_objects
    monkeypatch.setattr(_hdf5_runs, "copy_objects", lossy)
    te.delete_runs(hdf5, "second")
    assert calls == [lose]
    assert objects_of(hdf5, without="tavrnn_second") == before
    assert [run.name for run in te.list_runs(hdf5)] == ["default"]
    assert [item.name for item in hdf5.parent.iterdir()] == ["out.nwb"]
