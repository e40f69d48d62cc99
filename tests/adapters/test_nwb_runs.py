"""Runs in NWB files of HDF5: side by side, replaced, deleted, and never at a price."""

import datetime
import fcntl
import os
import shutil
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import neo
import numpy as np
import pandas as pd
import pynwb
import pytest
import quantities as pq
import scipy.sparse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import tavrnn_ephys as te
from tavrnn_ephys.adapters.nwb import NwbAdapter
from tavrnn_ephys.core.errors import FileFormatError, InputError, OutputError
from tests.adapters.contract import nodes_of

Inspect = Callable[..., list[str]]

ASSOCIATION = pd.DataFrame(
    {
        "measure": ["density", "strength", "change"],
        "r": [0.25, np.nan, -0.5],
        "p (shift)": [0.01, 0.5, 1.0],
        "significant": [True, False, False],
        "n": [3, 4, 5],
        "note": ["a, b", None, ""],
    }
)


def make_results(nodes: te.Nodes, n_windows: int = 5, seed: int = 0, **changes: Any) -> te.Results:
    rng = np.random.default_rng(seed)
    starts = 0.25 * np.arange(n_windows)
    windows = te.Windows(
        start_s=starts, stop_s=starts + 0.5, columns={"score": rng.random(n_windows)}
    )
    n_nodes = len(nodes)
    upper = np.triu(rng.uniform(-1, 1, (n_windows, n_nodes, n_nodes)))
    connectivity = te.ConnectivitySequence(
        weights=upper + np.triu(upper, 1).swapaxes(1, 2),
        windows=windows,
        nodes=nodes,
        measure="pearson",
        mean_activity=rng.random((n_windows, n_nodes)),
    )
    embedding = te.NodeEmbedding(
        mean=rng.normal(size=(n_windows, n_nodes, 3)),
        std=rng.random((n_windows, n_nodes, 3)),
        windows=windows,
        nodes=nodes,
        config={"analysis.threshold": 0.1 * seed},
        versions={"numpy": "2.4.6"},
        seed=seed,
    )
    content: dict[str, Any] = {
        "embedding": embedding,
        "connectivity": connectivity,
        "graphs": te.build_graphs(connectivity),
        "tables": {"association": ASSOCIATION},
    }
    content |= te.summarize(embedding=embedding, connectivity=connectivity)
    return te.Results(**{**content, **changes})


def same(found: te.Results, written: te.Results) -> bool:
    for name in ("embedding", "connectivity", "graphs"):
        assert getattr(found, name) == getattr(written, name), name
    for name in ("window_values", "node_values"):
        a, b = getattr(found, name), getattr(written, name)
        assert list(a) == list(b)
        assert all(np.array_equal(a[key], b[key], equal_nan=a[key].dtype.kind == "f") for key in a)
    assert list(found.tables) == list(written.tables)
    for name, frame in found.tables.items():
        pd.testing.assert_frame_equal(frame, written.tables[name])
    return True


def objects_of(path: Path, *, without: str = "tavrnn") -> dict[str, Any]:
    """Everything in a file but results and schemas, references by the name that they lead to."""
    found: dict[str, Any] = {}

    def plain(value: Any, file: Any) -> Any:
        if isinstance(value, h5py.Reference):
            return file[value].name if value else None
        if isinstance(value, np.ndarray) and value.dtype == object:
            return [plain(item, file) for item in value.ravel()]
        return value.tobytes() if isinstance(value, np.ndarray | np.generic) else value

    def look(group: Any) -> None:
        for key in group:
            item, name = group[key], f"{group.name}/{key}"
            if key.startswith(without) or name.startswith("//specifications"):
                continue
            attributes = {k: plain(item.attrs[k], item.file) for k in item.attrs}
            data = plain(item[()], item.file) if isinstance(item, h5py.Dataset) else None
            found[name] = (attributes, data)
            if isinstance(item, h5py.Group):
                look(item)

    with h5py.File(path, "r") as file:
        found["/"] = {key: plain(file.attrs[key], file) for key in file.attrs}
        look(file)
    return found


def module_of(path: Path) -> set[str]:
    with h5py.File(path, "r") as file:
        return set(file.get("processing", ()))


@pytest.fixture(scope="module")
def units(source_nwb: Path) -> te.Nodes:
    return nodes_of(NwbAdapter().read(source_nwb).segments[0])


@pytest.fixture(scope="module")
def template(source_nwb: Path, units: te.Nodes, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "out.nwb"
    te.write_results(source_nwb, make_results(units), out=path)
    return te.write_results(path, make_results(units, seed=2), way="in_place", run="second")


@pytest.fixture
def stored(template: Path, tmp_path: Path) -> Path:
    """File with a run "default" and a run "second"."""
    return Path(shutil.copy(template, tmp_path / "out.nwb"))


def test_runs_stand_side_by_side(
    source_nwb: Path, units: te.Nodes, stored: Path, inspect: Inspect
) -> None:
    assert [run.name for run in te.list_runs(stored)] == ["default", "second"]
    assert same(te.read_results(stored, what="all"), make_results(units))
    assert same(te.read_results(stored, run="second", what="all"), make_results(units, seed=2))
    assert te.read_results(stored, run="second", what="graphs") == make_results(units, 5, 2).graphs
    assert inspect(stored) == inspect(source_nwb) == []
    with pynwb.NWBHDF5IO(stored, "r") as io:
        assert pynwb.validate(io=io) == []


def test_listing_says_what_a_run_holds(stored: Path) -> None:
    first = te.list_runs(stored)[0]
    assert (first.n_windows, first.n_nodes, first.node_kind) == (5, 4, "unit")
    assert first.contents == ("embedding", "connectivity", "graphs", "table association")
    assert first.n_bytes > 5 * 10 * 8
    assert str(first).startswith("default: 5 windows x 4 units, embedding, connectivity, graphs")


def test_comparison_names_what_differs(stored: Path) -> None:
    found = te.compare_runs(stored, "default", "second")
    assert found.options == {"analysis.threshold": (0.0, 0.2)}
    assert found.versions == {}
    assert found.equal == ("nodes", "table association")
    text = str(found)
    assert "What is known of the windows differs: 'score'." in text
    assert "The edges differ in 5 of 5 graphs." in text
    assert "analysis.threshold: 0.0 in default, 0.2 in second" in text
    assert te.compare_runs(stored, "second", "second").differences == ()


def test_five_replacements_do_not_grow_a_file(stored: Path, units: te.Nodes) -> None:
    sizes = []
    for seed in range(5):
        results = make_results(units, n_windows=20, seed=seed)
        te.write_results(stored, results, way="in_place", run="second", replace=True)
        sizes.append(stored.stat().st_size)
    assert max(sizes) <= 1.02 * sizes[0]
    assert same(te.read_results(stored, run="second", what="all"), results)
    assert same(te.read_results(stored, run="default", what="all"), make_results(units))


def test_deleting_gives_the_room_back_and_leaves_the_recording(
    source_nwb: Path, stored: Path, units: te.Nodes
) -> None:
    before = objects_of(source_nwb)
    te.delete_runs(stored, "second")
    assert [run.name for run in te.list_runs(stored)] == ["default"]
    alone = te.write_results(source_nwb, make_results(units), out=stored.with_name("alone.nwb"))
    assert stored.stat().st_size <= 1.02 * alone.stat().st_size
    te.delete_runs(stored, "default")
    assert te.list_runs(stored) == []
    assert objects_of(stored) == before
    assert module_of(stored) == module_of(source_nwb)
    with pynwb.NWBHDF5IO(stored, "r") as io:
        assert len(io.read().units.id) == 4


def test_a_file_without_gaps_keeps_references_in_compound_data(tmp_path: Path) -> None:
    from tavrnn_ephys.adapters.nwb._rewriting import copy_objects, same_content

    kind = np.dtype([("n", "i4"), ("ref", h5py.ref_dtype)])
    with h5py.File(tmp_path / "a.h5", "w") as file:
        table = file.create_dataset("t/table", data=np.arange(5))
        file["same"] = table
        file["soft"] = h5py.SoftLink("/t/table")
        file["elsewhere"] = h5py.ExternalLink("b.h5", "/x")
        rows = file.create_dataset("rows", (2,), dtype=kind)
        rows[0], rows[1] = (1, table.ref), (2, file["t"].ref)
        file.create_dataset("refs", data=[table.ref], dtype=h5py.ref_dtype)
        file.attrs["ref"], file.attrs["text"], file.attrs["none"] = table.ref, "é", h5py.Empty("f")
    with h5py.File(tmp_path / "a.h5", "r") as old, h5py.File(tmp_path / "c.h5", "w") as new:
        copy_objects(old, new)
    assert same_content(tmp_path / "a.h5", tmp_path / "c.h5")
    with h5py.File(tmp_path / "c.h5", "r+") as new:
        assert new[new["rows"][0]["ref"]] == new["t/table"]
        assert new["same"] == new["t/table"]
        new["t/table"][0] = 9
    assert not same_content(tmp_path / "a.h5", tmp_path / "c.h5")


@pytest.fixture(params=["units", "channels", "rois"])
def any_recording(
    request: pytest.FixtureRequest, unit_block: neo.Block, roi_block: neo.Block, tmp_path: Path
) -> tuple[Path, te.Nodes]:
    """A recording of each kind of node."""
    path = tmp_path / "recording.nwb"
    if request.param == "rois":
        NwbAdapter().write_block(roi_block, path)
        return path, nodes_of(NwbAdapter().read(path).segments[0])
    NwbAdapter().write_block(unit_block, path)
    if request.param == "units":
        return path, nodes_of(NwbAdapter().read(path).segments[0])
    with h5py.File(path, "r") as file:
        count = len(file["general/extracellular_ephys/electrodes/id"])
    ids = [str(index) for index in range(count)]
    return path, te.Nodes(ids=ids, kind="channel", rows=range(count), table="electrodes")


@pytest.mark.parametrize("way", ["copy", "in_place", "sidecar"])
def test_the_recording_is_unchanged_object_by_object(
    any_recording: tuple[Path, te.Nodes], tmp_path: Path, inspect: Inspect, way: str
) -> None:
    source, nodes = any_recording
    before, remarks = objects_of(source), sorted(inspect(source))
    sha = source.read_bytes()
    out = None if way == "in_place" else tmp_path / "out.nwb"
    path = te.write_results(source, make_results(nodes), out=out, way=way)
    after = objects_of(path)
    added = {name for name in after if name not in before}
    assert {name: after[name] for name in before} == before
    assert added <= {"//processing", "/processing/ecephys", "/processing/ophys"}
    assert (source.read_bytes() == sha) is (way != "in_place")
    assert sorted(inspect(path)) == remarks
    assert same(te.read_results(path, what="all"), make_results(nodes))
    with pynwb.NWBHDF5IO(path, "r") as io:
        nwbfile = io.read()
        module = nwbfile.processing["ophys" if nodes.kind == "roi" else "ecephys"]
        region = module["tavrnn_nodes"]["source_row"]
        assert region.table.name == nodes.table
        assert module["tavrnn_graphs"]["window"].table is module["tavrnn_windows"]
        assert module["tavrnn_connectivity"]["window"].data[:].tolist() == [0, 1, 2, 3, 4]


@st.composite
def results(draw: st.DrawFn) -> te.Results:
    n_windows, n_nodes = draw(st.integers(1, 4)), draw(st.integers(2, 5))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    kind = draw(st.sampled_from(["unit", "channel", "roi"]))
    nodes = te.Nodes(ids=[f"n{index}" for index in range(n_nodes)], kind=kind)
    base = make_results(nodes, n_windows, seed=int(rng.integers(99)))
    assert base.connectivity is not None
    weights = np.array(base.connectivity.weights)
    weights = draw(
        st.sampled_from(
            [weights, weights.astype(np.float32), np.round(weights), np.abs(np.sign(weights)),
             np.where(np.abs(weights) < 0.5, np.nan, weights)]
        )
    )  # fmt: skip
    directed = draw(st.booleans())
    if directed:
        weights = weights + np.arange(n_nodes)
    lags = rng.normal(size=weights.shape) if draw(st.booleans()) else None
    connectivity = te.ConnectivitySequence(
        weights=weights, windows=base.windows, nodes=nodes, measure="own", lags_s=lags,
        directed=directed,
    )  # fmt: skip
    graphs = draw(graphs_over(base.windows, nodes, weights))
    parts = draw(st.sampled_from(["all", "connectivity", "graphs"]))
    return te.Results(
        embedding=base.embedding if parts == "all" else None,
        connectivity=connectivity if parts != "graphs" else None,
        graphs=graphs if parts != "connectivity" else None,
        window_values={"a b": rng.random(n_windows), "name": np.array(["x"] * n_windows)},
        node_values={"degree": rng.integers(0, 5, n_nodes)},
        tables={"one": ASSOCIATION.head(draw(st.integers(2, 3)))},
    )


@st.composite
def graphs_over(draw: st.DrawFn, windows: te.Windows, nodes: te.Nodes, weights: Any) -> Any:
    n_nodes, threshold = len(nodes), draw(st.sampled_from([0.0, 0.6, 5.0]))
    upper = np.triu(np.nan_to_num(weights), 1).astype(np.float32)
    matrices = upper + upper.swapaxes(1, 2)
    matrices[np.abs(matrices) < threshold] = 0.0
    mask = np.ones((len(windows), n_nodes), dtype=bool)
    if draw(st.booleans()):
        mask[:, 0], matrices[:, 0], matrices[:, :, 0] = False, 0.0, 0.0
    history = draw(st.booleans())
    width = n_nodes + int(history)
    features = draw(
        st.sampled_from(
            [None, np.ones((len(windows), width, 2), np.float32),
             np.ones((len(windows), width, width), np.float32)]
        )
    )  # fmt: skip
    return te.GraphSequence(
        weights=tuple(scipy.sparse.csr_array(matrix) for matrix in matrices),
        windows=windows,
        nodes=nodes,
        features=features,
        history_node=history,
        node_mask=None if mask.all() else mask,
    )


@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(given_results=results(), form=st.sampled_from(["triangle", "full", "edges"]))
def test_whatever_is_written_comes_back_equal(
    source_nwb: Path,
    tmp_path_factory: pytest.TempPathFactory,
    given_results: te.Results,
    form: str,
) -> None:
    out = tmp_path_factory.mktemp("runs") / "out.nwb"
    if form == "edges" and given_results.embedding is given_results.graphs is None:
        form = "full"
    te.write_results(source_nwb, given_results, out=out, connectivity=form)
    found = te.read_results(out, what="all")
    if form == "edges" and given_results.connectivity is not None:
        assert found.connectivity is None
        found = te.Results(**{**vars(found), "connectivity": given_results.connectivity})
    assert same(found, given_results)
    with te.open_results(out) as opened:
        one = opened.window(-1)
        if given_results.graphs is not None:
            expected = given_results.graphs.weights[-1].toarray()
            assert np.array_equal(one.adjacency.toarray(), expected)


@pytest.mark.parametrize("form", ["triangle", "full", "edges"])
@pytest.mark.parametrize("threshold", [0.0, 0.3, 0.9])
def test_graphs_come_back_equal_however_they_are_stored(
    source_nwb: Path, units: te.Nodes, tmp_path: Path, inspect: Inspect, form: str, threshold: float
) -> None:
    whole = make_results(units)
    graphs = te.build_graphs(whole.connectivity, threshold=threshold)
    content = te.Results(embedding=whole.embedding, connectivity=whole.connectivity, graphs=graphs)
    path = te.write_results(source_nwb, content, out=tmp_path / "out.nwb", connectivity=form)
    assert te.read_results(path, what="graphs") == graphs
    assert inspect(path) == []


def test_one_window_is_what_the_whole_says(stored: Path, units: te.Nodes) -> None:
    written = make_results(units)
    with te.open_results(stored, run="default") as opened:
        one = opened.window(3)
        assert repr(opened).startswith("StoredResults: default: 5 windows")
        assert opened.to_pandas().columns.tolist()[:4] == [
            "start_s", "stop_s", "segment_index", "score",
        ]  # fmt: skip
        with pytest.raises(InputError, match="There is no window 5: the run has 5"):
            opened.window(5)
    assert np.array_equal(one.embedding_mean, written.embedding.mean[3])
    assert np.array_equal(one.weights, written.connectivity.weights[3])
    assert np.array_equal(one.mean_activity, written.connectivity.mean_activity[3])
    assert one.values["score"] == written.windows.columns["score"][3]
    assert (one.start_s, one.stop_s) == (0.75, 1.25)
    assert "window 3 from 0.75 s to 1.25 s" in repr(one)


def test_tables_say_what_their_columns_mean(
    source_nwb: Path, units: te.Nodes, tmp_path: Path
) -> None:
    table = te.ResultTable(
        frame=ASSOCIATION, description="Association with behaviour.", columns={"r": "Pearson's r."}
    )
    content = te.Results(embedding=make_results(units).embedding, tables={"behavior": table})
    path = te.write_results(source_nwb, content, out=tmp_path / "out.nwb")
    frame = te.read_results(path, what="all").tables["behavior"]
    assert frame.attrs["description"] == "Association with behaviour."
    assert frame.attrs["columns"]["r"] == "Pearson's r."
    with pynwb.NWBHDF5IO(path, "r") as io:
        read = io.read().processing["ecephys"]["tavrnn_table_behavior"]
        assert read.to_dataframe()["n"].tolist() == [3, 4, 5]


@pytest.mark.parametrize(
    ("frame", "message"),
    [
        (ASSOCIATION.head(0), "Table 't' is empty"),
        (ASSOCIATION.set_index("measure"), r"index of its own.*reset_index\(\)"),
        (ASSOCIATION.assign(n=[[1], [2], [3]]), "Column 'n' of the table 't' is of type object"),
        (ASSOCIATION.assign(n=pd.Timestamp(0)), "Column 'n' of the table 't' is of type datetime"),
        ([1, 2], "must be a pandas.DataFrame or a ResultTable, got list"),
    ],
)
def test_tables_that_nwb_cannot_hold_are_refused(
    source_nwb: Path, units: te.Nodes, tmp_path: Path, frame: Any, message: str
) -> None:
    content = te.Results(embedding=make_results(units).embedding, tables={"t": frame})
    with pytest.raises(InputError, match=message):
        te.write_results(source_nwb, content, out=tmp_path / "out.nwb")
    assert list(tmp_path.iterdir()) == []


def test_parts_over_other_windows_or_nodes_are_refused(units: te.Nodes) -> None:
    first, second = make_results(units), make_results(units, 4)
    with pytest.raises(InputError, match="connectivity and the embedding.*differ in windows"):
        te.Results(embedding=first.embedding, connectivity=second.connectivity)
    with pytest.raises(InputError, match="got none of them"):
        te.Results()
    with pytest.raises(InputError, match=r"'x' of node_values has shape \(3,\); \(4,\)"):
        te.Results(embedding=first.embedding, node_values={"x": [1, 2, 3]})


@pytest.mark.parametrize("name", ["", "a b", "1st", "a/b", "é", "x" * 65, 3])
def test_names_that_nwb_cannot_hold_are_refused(stored: Path, units: te.Nodes, name: Any) -> None:
    with pytest.raises(InputError, match="A run cannot be named"):
        te.write_results(stored, make_results(units), way="in_place", run=name)


def test_runs_that_are_not_there_are_refused(stored: Path, source_nwb: Path) -> None:
    with pytest.raises(InputError, match="holds no run 'third'. It holds: default, second"):
        te.read_results(stored, run="third")
    with pytest.raises(InputError, match="holds no run 'third'"):
        te.delete_runs(stored, "second", "third")
    with pytest.raises(FileFormatError, match="holds no results"):
        te.delete_runs(source_nwb, "default")
    assert [run.name for run in te.list_runs(stored)] == ["default", "second"]
    te.delete_runs(stored, "default")
    assert te.read_results(stored).seed == 2  # The only one needs no name.


def test_several_runs_of_other_names_ask_which(stored: Path, units: te.Nodes) -> None:
    te.write_results(stored, make_results(units), way="in_place", run="third")
    te.delete_runs(stored, "default")
    with pytest.raises(InputError, match='holds 2 runs: second, third. Choose one: run="second"'):
        te.read_results(stored)


def test_a_run_of_the_same_name_needs_to_be_replaced_on_purpose(
    stored: Path, units: te.Nodes
) -> None:
    before = stored.read_bytes()
    with pytest.raises(OutputError, match="already holds a run 'second'.*--replace"):
        te.write_results(stored, make_results(units), way="in_place", run="second")
    assert stored.read_bytes() == before


def test_an_object_of_another_origin_is_not_replaced(
    source_nwb: Path, units: te.Nodes, tmp_path: Path
) -> None:
    path = Path(shutil.copy(source_nwb, tmp_path / "own.nwb"))
    with pynwb.NWBHDF5IO(path, "r+") as io:
        nwbfile = io.read()
        module = nwbfile.create_processing_module("ecephys", "Own results.")
        module.add(pynwb.core.DynamicTable(name="tavrnn_windows", description="Somebody's own."))
        io.write(nwbfile)
    with pytest.raises(OutputError, match="already holds an object 'tavrnn_windows'"):
        te.write_results(path, make_results(units), way="in_place")
    te.write_results(path, make_results(units), way="in_place", module="tavrnn")
    assert te.list_runs(path)[0].module == "tavrnn"


def test_a_run_that_something_points_to_is_not_deleted(stored: Path) -> None:
    with h5py.File(stored, "r+") as file:
        own = file.create_group("scratch/own")
        own.attrs["about"] = file["processing/ecephys/tavrnn_second_nodes"].ref
    before = stored.read_bytes()
    with pytest.raises(InputError, match="cannot be removed: '/scratch/own' points to it"):
        te.delete_runs(stored, "second")
    assert stored.read_bytes() == before
    te.delete_runs(stored, "default")


@pytest.mark.parametrize("way", ["remove", "shorten"])
def test_a_run_whose_units_were_removed_is_told_and_can_be_deleted(
    stored: Path, units: te.Nodes, way: str
) -> None:
    with h5py.File(stored, "r+") as file:
        if way == "remove":
            del file["units"]
        else:
            ids = file["units/id"]
            values, about = ids[:2], dict(ids.attrs)
            del file["units/id"]
            file["units/id"] = values
            file["units/id"].attrs.update(about)
    what = (
        "'units' that the nodes" if way == "remove" else "row 3 of its table 'units', which has 2"
    )
    with pytest.raises(FileFormatError, match=f"{what}.*tavrnn-ephys runs out.nwb --delete second"):
        te.read_results(stored, run="second")
    assert len(te.list_runs(stored)) == 2
    te.delete_runs(stored, "default", "second")
    assert te.list_runs(stored) == []
    if way == "remove":
        with pynwb.NWBHDF5IO(stored, "r") as io:
            assert io.read().units is None


def change_provenance(path: Path, key: str, value: str, table: str = "tavrnn_provenance") -> None:
    with h5py.File(path, "r+") as file:
        group = file["processing/ecephys"][table]
        keys = [item.decode() for item in group["key"][:]]
        group["value"][keys.index(key)] = value


def test_results_of_a_newer_version_are_told(stored: Path) -> None:
    change_provenance(stored, "format_version", "99")
    change_provenance(stored, "software_version", "7.0")
    with pytest.raises(FileFormatError, match="tavrnn_ephys 7.0, whose layout 99 is newer than"):
        te.read_results(stored, run="default")
    assert te.read_results(stored, run="second").seed == 2


def test_results_of_the_first_layout_are_read(
    source_nwb: Path, units: te.Nodes, tmp_path: Path
) -> None:
    embedding = make_results(units).embedding
    path = te.write_results(source_nwb, te.Results(embedding=embedding), out=tmp_path / "o.nwb")
    with h5py.File(path, "r+") as file:
        group = file["processing/ecephys/tavrnn_provenance"]
        rows = [[item.decode() for item in group[name][:]] for name in ("key", "value", "type")]
        kept = [row for row in zip(*rows, strict=True) if not row[0].startswith(("tables.", "run"))]
        for name, column in zip(("key", "value", "type"), zip(*kept, strict=True), strict=True):
            about = dict(group[name].attrs)
            texts = [
                text.replace("columns.windows.", "columns.tavrnn_windows.").replace(
                    "columns.nodes.", "columns.tavrnn_nodes."
                )
                for text in column
            ]
            del group[name]
            group[name] = texts
            group[name].attrs.update(about)
    change_provenance(path, "format_version", "1")
    assert te.read_results(path) == embedding


def test_a_run_that_lost_a_table_is_told(stored: Path) -> None:
    with h5py.File(stored, "r+") as file:
        del file["processing/ecephys/tavrnn_second_windows"]
    with pytest.raises(FileFormatError, match="lacks its table 'tavrnn_second_windows'. Delete"):
        te.read_results(stored, run="second")
    te.delete_runs(stored, "second")
    assert [run.name for run in te.list_runs(stored)] == ["default"]


def test_damaged_provenance_is_told(stored: Path) -> None:
    change_provenance(stored, "seed", "no number")
    with pytest.raises(FileFormatError, match="provenance 'tavrnn_provenance' of a run is damaged"):
        te.list_runs(stored)


def test_provenance_tells_the_recording_and_the_software(
    source_nwb: Path, units: te.Nodes, stored: Path, sha256: Callable[[Path], str]
) -> None:
    with te.open_results(stored, run="default") as opened:
        facts = opened.provenance
    assert facts["source.sha256"] == sha256(source_nwb)
    assert facts["source.file"] == "culture.nwb"
    with h5py.File(source_nwb, "r") as file:
        assert facts["source.object_id"] == file.attrs["object_id"]
        assert facts["node_table_object_id"] == file["units"].attrs["object_id"]
    assert facts["software"] == "tavrnn_ephys"
    assert facts["config.analysis.threshold"] == 0.0
    assert facts["versions.numpy"] == "2.4.6"


def test_in_place_keeps_permissions_and_links(
    source_nwb: Path, units: te.Nodes, tmp_path: Path
) -> None:
    path = Path(shutil.copy(source_nwb, tmp_path / "own.nwb"))
    path.chmod(0o640)
    link = tmp_path / "link.nwb"
    link.symlink_to(path)
    te.write_results(link, make_results(units), way="in_place")
    assert link.is_symlink()
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert sorted(item.name for item in tmp_path.iterdir()) == ["link.nwb", "own.nwb"]
    assert te.read_results(path) == make_results(units).embedding


def test_in_place_and_out_exclude_each_other(source_nwb: Path, units: te.Nodes) -> None:
    with pytest.raises(OutputError, match="leave out"):
        te.write_results(source_nwb, make_results(units), way="in_place", out="x.nwb")
    with pytest.raises(OutputError, match="Say where the results go"):
        te.write_results(source_nwb, make_results(units))


def test_a_file_that_is_open_for_writing_elsewhere_is_refused(
    source_nwb: Path, units: te.Nodes, tmp_path: Path
) -> None:
    path = Path(shutil.copy(source_nwb, tmp_path / "own.nwb"))
    descriptor = os.open(path, os.O_RDWR)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    try:
        with pytest.raises(InputError, match="'own.nwb' is open for writing in another program"):
            te.write_results(path, make_results(units), way="in_place")
    finally:
        os.close(descriptor)


@pytest.fixture
def large_recording(tmp_path: Path) -> Path:
    """Recording with raw voltage of more than a sidecar copies."""
    folder = tmp_path / "data"
    folder.mkdir()
    path = folder / "raw.nwb"
    block = te.block_from_arrays(
        counts=np.random.default_rng(0).integers(0, 3, (4, 100)), bin_size=20 * pq.ms
    )
    block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    NwbAdapter().write_block(block, path)
    with pynwb.NWBHDF5IO(path, "r+") as io:
        nwbfile = io.read()
        data = np.random.default_rng(1).normal(size=(50_000, 2))
        nwbfile.add_acquisition(
            pynwb.TimeSeries(name="raw", data=data, unit="V", rate=1000.0, description="Raw.")
        )
        io.write(nwbfile)
    return path


def test_a_sidecar_links_to_the_large_data(large_recording: Path, tmp_path: Path) -> None:
    nodes = nodes_of(NwbAdapter().read(large_recording).segments[0])
    out = tmp_path / "sidecar.nwb"
    te.write_results(large_recording, make_results(nodes), out=out, way="sidecar")
    assert out.stat().st_size < large_recording.stat().st_size / 1.3
    with h5py.File(out, "r") as file:
        link = file["acquisition/raw"].get("data", getlink=True)
        assert (link.filename, link.path) == ("data/raw.nwb", "/acquisition/raw/data")
    with pynwb.NWBHDF5IO(out, "r") as io, pynwb.NWBHDF5IO(large_recording, "r") as original:
        linked = io.read().acquisition["raw"].data[:]
        assert np.array_equal(linked, original.read().acquisition["raw"].data[:])
    assert nodes_of(te.read(out).segments[0]) == nodes
    # Both move together; a run more goes into the sidecar as into any other file.
    moved = tmp_path / "elsewhere"
    moved.mkdir()
    out.rename(moved / "sidecar.nwb")
    large_recording.parent.rename(moved / "data")
    te.write_results(moved / "sidecar.nwb", make_results(nodes, seed=2), way="in_place", run="b")
    copy = te.write_results(
        moved / "sidecar.nwb", make_results(nodes), out=tmp_path / "copy.nwb", run="c"
    )
    with pynwb.NWBHDF5IO(copy, "r") as io:
        assert np.array_equal(io.read().acquisition["raw"].data[:], linked)


def test_a_sidecar_whose_recording_is_gone_says_so(large_recording: Path, tmp_path: Path) -> None:
    nodes = nodes_of(NwbAdapter().read(large_recording).segments[0])
    out = tmp_path / "sidecar.nwb"
    te.write_results(large_recording, make_results(nodes), out=out, way="sidecar")
    shutil.rmtree(large_recording.parent)
    assert te.read_results(out) == make_results(nodes).embedding
    with pytest.raises(FileFormatError, match="'sidecar.nwb' links to 'data/raw.nwb', which is"):
        te.read(out)
