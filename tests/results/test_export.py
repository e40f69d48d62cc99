"""A run as files that other programs open, equal to what the run holds."""

import dataclasses
import datetime
import json
from pathlib import Path

import networkx
import numpy as np
import pandas as pd
import pytest
import quantities as pq
from scipy.io import loadmat

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import InputError, OutputError
from tests.adapters.contract import nodes_of
from tests.adapters.test_nwb_runs import make_results


@pytest.fixture(scope="module")
def results() -> te.Results:
    made = make_results(te.Nodes(ids=["a", "b", "c", "d"], groups=["x", "x", "y", ""]), 6)
    windows = made.windows.with_columns(**{"game:rally": np.arange(6.0), "label": list("ababab")})
    parts = {
        name: dataclasses.replace(getattr(made, name), windows=windows)
        for name in ("embedding", "connectivity", "graphs")
    }
    return dataclasses.replace(made, **parts)


def test_matlab_file_holds_equal_arrays(results: te.Results, tmp_path: Path) -> None:
    path = te.export_results(results, tmp_path / "run.mat", form="mat")
    found = loadmat(path, simplify_cells=True)
    assert np.array_equal(found["connectivity"]["weights"], results.connectivity.weights)
    assert np.array_equal(
        found["connectivity"]["mean_activity"], results.connectivity.mean_activity
    )
    assert found["connectivity"]["measure"] == "pearson"
    assert np.array_equal(found["embedding"]["mean"], results.embedding.mean)
    assert np.array_equal(found["embedding"]["std"], results.embedding.std)
    assert np.array_equal(found["windows"]["start_s"], results.windows.start_s)
    assert found["windows"]["label"].tolist() == list("ababab")
    assert np.array_equal(found["windows"]["game_rally"], np.arange(6.0))
    assert found["nodes"]["node_id"].tolist() == ["a", "b", "c", "d"]
    # SciPy reads an empty text as an empty array.
    groups = [str(value) if np.size(value) else "" for value in found["nodes"]["group"]]
    assert groups == ["x", "x", "y", ""]
    for name, values in results.window_values.items():
        assert np.array_equal(found["windows"][name], values, equal_nan=True)


def test_matlab_edges_rebuild_every_graph(results: te.Results, tmp_path: Path) -> None:
    path = te.export_results(results, tmp_path / "run.mat", form="mat")
    edges = loadmat(path, simplify_cells=True)["edges"]
    for index, matrix in enumerate(results.graphs.weights):
        here = edges["window"] == index + 1
        dense = np.zeros((4, 4), dtype=np.float32)
        places = edges["from"][here].astype(int) - 1, edges["to"][here].astype(int) - 1
        dense[places] = edges["weight"][here]
        assert np.array_equal(dense, matrix.toarray())


@pytest.mark.parametrize("form", ["csv", "parquet"])
def test_tables_come_back_equal(results: te.Results, tmp_path: Path, form: str) -> None:
    if form == "parquet":
        pytest.importorskip("pyarrow")
    folder = te.export_results(results, tmp_path / "tables", form=form)
    read = {"csv": pd.read_csv, "parquet": pd.read_parquet}[form]
    names = {path.stem for path in folder.iterdir()}
    assert names == {"windows", "nodes", "connectivity", "edges", "embedding", "association"}
    found = read(folder / f"connectivity.{form}")
    pd.testing.assert_frame_equal(
        found, results.connectivity.to_dataframe(), check_dtype=False, check_exact=True
    )
    windows = read(folder / f"windows.{form}")
    assert windows["label"].tolist() == list("ababab")
    assert windows["mean_weight"].tolist() == results.window_values["mean_weight"].tolist()


def test_graphml_holds_the_graph_of_each_window(results: te.Results, tmp_path: Path) -> None:
    folder = te.export_results(results, tmp_path / "graphs", form="graphml")
    assert len(list(folder.iterdir())) == 6
    found = networkx.read_graphml(folder / "window_00002.graphml")
    written = results.graphs.to_networkx(2)
    assert set(found.nodes) == set(written.nodes)
    assert found.nodes["a"]["group"] == "x"
    assert {frozenset(edge[:2]): edge[2] for edge in found.edges(data="weight")} == {
        frozenset(edge[:2]): edge[2] for edge in written.edges(data="weight")
    }


def test_directed_connectivity_becomes_directed_graphml(tmp_path: Path) -> None:
    one_way = te.ConnectivitySequence.from_array([[[0.0, 0.8], [0.2, 0.0]]], directed=True)
    folder = te.export_results(te.Results(connectivity=one_way), tmp_path / "g", form="graphml")
    found = networkx.read_graphml(folder / "window_00000.graphml")
    assert found.is_directed()
    assert found["0"]["1"]["weight"] == 0.8
    assert found["1"]["0"]["weight"] == 0.2


def test_unknown_form_is_refused(results: te.Results, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="form must be .*graphml"):
        te.export_results(results, tmp_path / "x", form="xls")


def test_folder_of_somebody_else_is_never_replaced(results: te.Results, tmp_path: Path) -> None:
    folder = tmp_path / "mine"
    folder.mkdir()
    (folder / "thesis.txt").write_text("kept")
    for overwrite in (False, True):
        with pytest.raises(OutputError, match="Name (another|it)"):
            te.export_results(results, folder, form="csv", overwrite=overwrite)
    assert (folder / "thesis.txt").read_text() == "kept"


def test_earlier_export_is_replaced_on_request(results: te.Results, tmp_path: Path) -> None:
    folder = te.export_results(results, tmp_path / "tables", form="csv")
    with pytest.raises(OutputError, match="not empty"):
        te.export_results(results, folder, form="csv")
    te.export_results(te.Results(connectivity=results.connectivity), folder, form="csv",
                      overwrite=True)  # fmt: skip
    assert {path.name for path in folder.iterdir()} == {
        "windows.csv", "nodes.csv", "connectivity.csv",
    }  # fmt: skip


def test_array_beyond_what_matlab_5_holds_is_refused(
    results: te.Results, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tavrnn_ephys.results.matlab._MOST_BYTES", 100)
    with pytest.raises(InputError, match="at most 2 GB"):
        te.export_results(results, tmp_path / "run.mat", form="mat")
    assert not (tmp_path / "run.mat").exists()


def test_command_exports_a_stored_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    counts = np.random.default_rng(0).integers(0, 3, (4, 100))
    block = te.block_from_arrays(counts=counts, bin_size=20 * pq.ms, node_ids=list("abcd"))
    block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    recording = te.write_nwb(block, tmp_path / "culture.nwb")
    made = make_results(nodes_of(te.read(recording).segments[0]), 6)
    stored = te.write_results(recording, made, out=tmp_path / "run.nwb")
    status = main(
        ["export", str(stored), "--to", "mat", "--out", str(tmp_path / "run.mat"), "--json"]
    )
    said = json.loads(capsys.readouterr().out)
    assert status == 0
    assert said["files"] == ["run.mat"]
    found = loadmat(tmp_path / "run.mat", simplify_cells=True)
    assert np.array_equal(found["embedding"]["mean"], made.embedding.mean)
