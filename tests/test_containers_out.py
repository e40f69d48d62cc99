"""Containers as tables, labelled arrays and graphs; counted, indexed and gone through."""

from pathlib import Path
from typing import Any

import networkx
import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError

pytest.importorskip("xarray", reason="needs the extra xarray")


@pytest.fixture(scope="module")
def nodes() -> te.Nodes:
    return te.Nodes(
        ids=["a", "b", "c"],
        groups=["sensory", "", "motor"],
        positions_um=[[0.0, 1.0], [2.0, 3.0], [np.nan, np.nan]],
        rows=[4, 5, 6],
        table="units",
    )


@pytest.fixture(scope="module")
def windows() -> te.Windows:
    return te.Windows(
        start_s=[0.0, 1.0, 2.5, 4.0],
        stop_s=[2.0, 3.0, 4.5, 6.0],
        segment_index=[0, 0, 0, 1],
        columns={"score": [0.5, np.nan, 1.5, 2.0], "state": ["rest", "run", "run", "rest"]},
    )


@pytest.fixture(scope="module")
def connectivity(windows: te.Windows, nodes: te.Nodes) -> te.ConnectivitySequence:
    rng = np.random.default_rng(0)
    weights = rng.uniform(-1, 1, (4, 3, 3))
    return te.ConnectivitySequence(
        weights=weights,
        windows=windows,
        nodes=nodes,
        measure="lagged",
        mean_activity=rng.random((4, 3)),
        lags_s=rng.normal(size=(4, 3, 3)),
        directed=True,
    )


@pytest.fixture(scope="module")
def embedding(windows: te.Windows, nodes: te.Nodes) -> te.NodeEmbedding:
    rng = np.random.default_rng(1)
    mean = rng.normal(size=(4, 3, 2))
    mean[1, 2] = np.nan
    return te.NodeEmbedding(
        mean=mean,
        std=np.abs(mean),
        windows=windows,
        nodes=nodes,
        attention=np.tril(np.full((4, 4), 0.25)),
        history=rng.normal(size=(4, 2)),
        config={"model.hidden_size": 32, "analysis.threshold": 0.5, "analysis.binary": True},
        versions={"numpy": "2.4"},
        seed=3,
    )


@pytest.mark.parametrize("name", ["nodes", "windows", "connectivity", "embedding"])
def test_container_comes_back_equal_from_labelled_arrays(
    name: str, request: pytest.FixtureRequest
) -> None:
    container = request.getfixturevalue(name)
    assert type(container).from_xarray(container.to_xarray()) == container


@pytest.mark.parametrize("name", ["nodes", "windows", "connectivity", "embedding"])
def test_container_comes_back_equal_from_a_netcdf_file(
    name: str, request: pytest.FixtureRequest, tmp_path: Path
) -> None:
    import xarray

    container = request.getfixturevalue(name)
    container.to_xarray().to_netcdf(tmp_path / "out.nc", engine="scipy")
    with xarray.open_dataset(tmp_path / "out.nc", engine="scipy") as data:
        assert type(container).from_xarray(data.load()) == container


def test_labelled_weights_are_found_by_name(connectivity: te.ConnectivitySequence) -> None:
    data = connectivity.to_xarray()
    assert float(data["weights"].sel(window=2, node="a", node_to="c")) == pytest.approx(
        connectivity.weights[2, 0, 2]
    )
    assert data["node_group"].values.tolist() == ["sensory", "", "motor"]


def test_window_column_with_the_name_of_an_axis_is_refused(windows: te.Windows) -> None:
    with pytest.raises(InputError, match="'node' has the name of an axis.*Rename it first"):
        windows.with_columns(node=np.arange(4)).to_xarray()


def test_other_labelled_arrays_are_refused(nodes: te.Nodes) -> None:
    with pytest.raises(InputError, match="'weights' is missing"):
        te.ConnectivitySequence.from_xarray(nodes.to_xarray())


def test_binned_activity_is_labelled_by_time_and_node(nodes: te.Nodes) -> None:
    activity = te.BinnedActivity(
        values=np.arange(12).reshape(3, 4), bin_size_s=0.5, nodes=nodes, t_start_s=1.0
    )
    data = activity.to_xarray()
    assert int(data["values"].sel(node="b", bin=2.0)) == 6
    frame = activity.to_dataframe()
    assert frame.loc[2.0, "b"] == 6
    assert len(activity) == 3
    assert activity[1:].nodes.ids.tolist() == ["b", "c"]
    assert [row.sum() for row in activity] == [6, 22, 38]


def test_table_of_a_directed_measure_has_every_arrow(
    connectivity: te.ConnectivitySequence,
) -> None:
    frame = connectivity.to_dataframe()
    assert len(frame) == 4 * 6
    row = frame[(frame.window_index == 2) & (frame.source == "c") & (frame.target == "a")]
    assert row["weight"].item() == connectivity.weights[2, 2, 0]
    assert row["lag_s"].item() == connectivity.lags_s[2, 2, 0]


def test_table_of_an_undirected_measure_has_every_pair_once(
    connectivity: te.ConnectivitySequence,
) -> None:
    frame = connectivity.symmetrized().to_dataframe()
    assert list(frame.columns) == [
        "window_index", "start_s", "stop_s", "node_a", "node_b", "weight",
    ]  # fmt: skip
    assert len(frame) == 4 * 3


def test_directed_connectivity_becomes_a_directed_graph(
    connectivity: te.ConnectivitySequence,
) -> None:
    graph = connectivity.to_networkx(1)
    assert isinstance(graph, networkx.DiGraph)
    assert graph["a"]["c"]["weight"] == connectivity.weights[1, 0, 2]
    assert graph["c"]["a"]["weight"] == connectivity.weights[1, 2, 0]
    assert graph.nodes["a"]["group"] == "sensory"
    undirected = connectivity.symmetrized().to_networkx(1)
    assert not undirected.is_directed()
    assert not networkx.number_of_selfloops(undirected)


def test_table_of_graphs_has_every_edge_once(connectivity: te.ConnectivitySequence) -> None:
    graphs = te.build_graphs(connectivity.symmetrized(), threshold=0.2)
    frame = graphs.to_dataframe()
    assert len(frame) == sum(matrix.nnz for matrix in graphs.weights) // 2
    first = frame.iloc[0]
    dense = graphs.weights[int(first.window_index)].toarray()
    places = {name: index for index, name in enumerate(graphs.nodes)}
    assert dense[places[first.node_a], places[first.node_b]] == np.float32(first.weight)


def test_table_of_an_embedding_has_a_row_per_window_and_node(embedding: te.NodeEmbedding) -> None:
    frame = embedding.to_dataframe()
    assert len(frame) == 12
    row = frame[(frame.window_index == 3) & (frame.node_id == "b")]
    assert row[["mean_0", "mean_1"]].to_numpy().ravel() == pytest.approx(embedding.mean[3, 1])


@pytest.mark.parametrize("name", ["windows", "connectivity", "embedding"])
def test_sequence_is_counted_cut_and_gone_through(
    name: str, request: pytest.FixtureRequest
) -> None:
    sequence: Any = request.getfixturevalue(name)
    assert len(sequence) == 4
    assert len(sequence[1:3]) == 2
    assert type(sequence[1:3]) is type(sequence)
    assert len(sequence[np.array([True, False, False, True])]) == 2
    every = list(sequence)
    assert len(every) == 4
    assert np.array_equal(every[2], sequence[2], equal_nan=True)
    assert np.array_equal(every[-1], sequence[-1], equal_nan=True)
    with pytest.raises(IndexError):
        sequence[4]


def test_nodes_are_gone_through_by_name(nodes: te.Nodes) -> None:
    assert list(nodes) == ["a", "b", "c"]
    assert nodes[0] == "a"
    chosen = nodes[[True, False, True]]
    assert chosen.groups.tolist() == ["sensory", "motor"]
    assert chosen.rows.tolist() == [4, 6]
    assert nodes.to_dataframe()["y_um"].tolist()[:2] == [1.0, 3.0]


def test_results_are_gone_through_window_by_window(
    connectivity: te.ConnectivitySequence, embedding: te.NodeEmbedding
) -> None:
    results = te.Results(connectivity=connectivity, embedding=embedding)
    assert len(results) == 4
    assert [window.index for window in results] == [0, 1, 2, 3]
    assert results[-1].start_s == 4.0


def test_every_container_shows_itself_in_a_notebook(
    connectivity: te.ConnectivitySequence, embedding: te.NodeEmbedding, nodes: te.Nodes
) -> None:
    results = te.Results(connectivity=connectivity, embedding=embedding)
    table = te.ResultTable(frame=connectivity.to_dataframe(), description="<pairs>")
    shown = [connectivity, embedding, nodes, connectivity.windows, results, results[0], table]
    for item in shown:
        page = item._repr_html_()
        assert f"<strong>{type(item).__name__}</strong>" in page
    assert "&lt;pairs&gt;" in table._repr_html_()
