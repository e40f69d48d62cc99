"""Graphs: features, masks, files, NetworkX."""

import dataclasses

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import FileFormatError, InputError, OutputError


@pytest.fixture
def connectivity():
    counts = np.random.default_rng(0).poisson(0.8, (6, 300))
    nodes = te.Nodes(
        ids=[f"u{index}" for index in range(6)],
        groups=["sensory", "", "motor", "motor", "", "sensory"],
        positions_um=np.arange(12.0).reshape(6, 2),
    )
    activity = te.BinnedActivity(values=counts, bin_size_s=0.1, nodes=nodes)
    windows = te.sliding_windows(activity, window_length=10 * pq.s, step=5 * pq.s)
    windows = windows.with_columns(score=np.arange(len(windows)), label=["rest"] * len(windows))
    return te.compute_connectivity(activity, windows)


def on_nodes(connectivity, chosen, window):
    """One window over some of the nodes."""
    nodes = connectivity.nodes
    part = te.Nodes(
        ids=nodes.ids[chosen], groups=nodes.groups[chosen], positions_um=nodes.positions_um[chosen]
    )
    return te.ConnectivitySequence(
        weights=connectivity.weights[window][np.ix_(chosen, chosen)][np.newaxis],
        windows=connectivity.windows.select(slice(window, window + 1)),
        nodes=part,
        measure=connectivity.measure,
        mean_activity=connectivity.mean_activity[window][chosen][np.newaxis],
    )


def test_own_features(connectivity):
    def strength(window):
        return np.column_stack([np.abs(window.weights[0]).sum(axis=1), window.mean_activity[0]])

    graphs = te.build_graphs(connectivity, features=strength)
    assert graphs.features.shape == (5, 7, 2)
    np.testing.assert_allclose(graphs.features[:, :6, 1], connectivity.mean_activity, rtol=1e-6)
    np.testing.assert_allclose(
        graphs.features[:, 6], graphs.features[:, :6].mean(axis=1), rtol=1e-5
    )
    with pytest.raises(InputError, match=r"features returned shape \(6,\) for 6 nodes"):
        te.build_graphs(connectivity, features=lambda window: window.mean_activity[0])


@pytest.mark.parametrize("features", ["weights", "identity", "rates"])
@pytest.mark.parametrize("history_node", [True, False])
def test_parts_give_what_the_whole_gives(connectivity, features, history_node):
    options = {"threshold": 0.02, "features": features, "history_node": history_node}
    parts = (connectivity.select(slice(index, index + 1)) for index in range(5))
    assert te.build_graphs(parts, **options) == te.build_graphs(connectivity, **options)


def test_slices_and_single_windows(connectivity):
    graphs = te.build_graphs(connectivity, threshold=0.05)
    assert graphs[1:3] == graphs.select([1, 2])
    data = graphs[-1]
    assert data.num_nodes == 7
    assert data.edge_index.shape[1] == graphs.signed_adjacency(4).nnz
    assert "5 windows x 6 units + history node" in repr(graphs)


def test_networkx_keeps_order_weights_and_places(connectivity):
    graphs = te.build_graphs(connectivity, threshold=0.05)
    graph = graphs.to_networkx(2)
    assert list(graph) == [f"u{index}" for index in range(6)]
    assert graph.nodes["u2"] == {"group": "motor", "position_um": (4.0, 5.0)}
    assert "group" not in graph.nodes["u1"]
    dense = graphs.weights[2].toarray()
    assert graph.number_of_edges() == np.count_nonzero(np.triu(dense))
    for first, second, weight in graph.edges(data="weight"):
        assert weight == dense[int(first[1:]), int(second[1:])]


def test_units_that_come_and_go(connectivity):
    parts = [
        on_nodes(connectivity, [0, 1, 2, 3], 0),
        on_nodes(connectivity, [0, 2, 3, 4], 1),
        on_nodes(connectivity, [5, 0, 4], 2),
    ]
    graphs = te.build_graphs(parts)
    assert graphs.nodes.ids.tolist() == ["u0", "u1", "u2", "u3", "u4", "u5"]
    assert graphs.nodes.groups.tolist() == connectivity.nodes.groups.tolist()
    expected = [[1, 1, 1, 1, 0, 0], [1, 0, 1, 1, 1, 0], [1, 0, 0, 0, 1, 1]]
    np.testing.assert_array_equal(graphs.node_mask, np.array(expected, dtype=bool))
    full = te.build_graphs(connectivity)
    for index, present in enumerate(graphs.node_mask):
        where = np.ix_(present, present)
        dense = graphs.weights[index].toarray()
        np.testing.assert_array_equal(dense[where], full.weights[index].toarray()[where])
        assert np.count_nonzero(dense) == np.count_nonzero(dense[where])
        adjacency = graphs.adjacency(index).toarray()
        np.testing.assert_array_equal(adjacency[6, :6], present)
        np.testing.assert_array_equal(np.diag(adjacency), 1)
    np.testing.assert_allclose(graphs.density, 1.0)
    assert len(graphs.to_networkx(2)) == 3
    assert not graphs.features[2, 1].any()
    assert graphs[1:].node_mask.shape == (2, 6)


def test_edges_at_nodes_that_do_not_exist_are_refused(connectivity):
    graphs = te.build_graphs(connectivity)
    mask = np.ones((5, 6), dtype=bool)
    mask[3, 2] = False
    with pytest.raises(InputError, match="Graph 3 has edges at nodes"):
        dataclasses.replace(graphs, node_mask=mask)


@pytest.mark.parametrize("features", ["weights", "identity"])
def test_saved_graphs_come_back_equal(connectivity, tmp_path, features):
    parts = [on_nodes(connectivity, [0, 1, 2, 3], 0), on_nodes(connectivity, [0, 2, 4], 1)]
    for graphs in (te.build_graphs(connectivity, features=features), te.build_graphs(parts)):
        path = tmp_path / "graphs.npz"
        graphs.save(path, overwrite=True)
        loaded = te.GraphSequence.load(path)
        assert loaded == graphs
        assert loaded.windows.columns.keys() == graphs.windows.columns.keys()
        assert [item.name for item in tmp_path.iterdir()] == ["graphs.npz"]


def test_saving_does_not_overwrite_or_leave_parts(connectivity, tmp_path, monkeypatch):
    graphs = te.build_graphs(connectivity)
    path = tmp_path / "graphs"
    graphs.save(path)
    before = path.read_bytes()
    with pytest.raises(OutputError, match="exists"):
        graphs.save(path)
    monkeypatch.setattr(np, "savez_compressed", lambda *args, **kwargs: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        graphs.save(path, overwrite=True)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["graphs"]


@pytest.mark.parametrize("content", [b"no archive", b""])
def test_damaged_files_are_refused(connectivity, tmp_path, content):
    path = tmp_path / "graphs.npz"
    path.write_bytes(content)
    with pytest.raises(FileFormatError, match="holds no saved graphs, or is damaged"):
        te.GraphSequence.load(path)
    with pytest.raises(FileFormatError, match="does not exist"):
        te.GraphSequence.load(tmp_path / "other.npz")


def test_other_arrays_are_refused(connectivity, tmp_path):
    path = tmp_path / "graphs.npz"
    np.savez(path, weights=np.ones(3))
    with pytest.raises(FileFormatError, match="but no saved graphs"):
        te.GraphSequence.load(path)
    graphs = te.build_graphs(connectivity)
    graphs.save(path, overwrite=True)
    path.write_bytes(path.read_bytes()[:-400])
    with pytest.raises(FileFormatError, match="damaged"):
        te.GraphSequence.load(path)


def test_pickled_objects_are_never_loaded(tmp_path):
    path = tmp_path / "graphs.npz"
    np.savez(path, format=np.array([{"a": 1}], dtype=object))
    with pytest.raises(FileFormatError, match="it holds Python objects"):
        te.GraphSequence.load(path)


def test_nothing_to_build_from():
    with pytest.raises(InputError, match="There is no connectivity"):
        te.build_graphs([])


def test_a_threshold_that_leaves_nothing(connectivity):
    with pytest.raises(InputError, match=r"threshold of 0.99 leaves no edge in any window"):
        te.build_graphs(connectivity, threshold=0.99)
    with pytest.raises(InputError, match="AbsoluteThreshold leaves no edge"):
        te.build_graphs(connectivity, threshold=te.AbsoluteThreshold(value=0.99))
    with pytest.raises(InputError, match="threshold must be a number of at least 0, got 'high'"):
        te.build_graphs(connectivity, threshold="high")
