"""Graphs from connectivity."""

import dataclasses

import networkx
import numpy as np
import pytest

from tavrnn_ephys.connectivity.graphs import build_graphs
from tavrnn_ephys.core.containers import ConnectivitySequence, Nodes, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence

WEIGHTS = np.array(
    [
        [[1.0, 0.8, -0.7, 0.0], [0.8, 1.0, 0.1, 0.0], [-0.7, 0.1, 1.0, 0.0], [0.0] * 4],
        [[1.0, 0.1, 0.2, 0.3], [0.1, 1.0, 0.9, 0.3], [0.2, 0.9, 1.0, 0.3], [0.3, 0.3, 0.3, 1.0]],
    ]
)


def connectivity():
    return ConnectivitySequence.from_array(WEIGHTS, node_ids=list("abcd"))


def test_edges_are_strong_weights_with_their_sign():
    graphs = build_graphs(connectivity(), threshold=0.5)
    expected = np.zeros((4, 4), dtype=np.float32)
    expected[0, 1] = expected[1, 0] = 0.8
    expected[0, 2] = expected[2, 0] = -0.7
    np.testing.assert_array_equal(graphs.weights[0].toarray(), expected)
    np.testing.assert_allclose(graphs.density, [4 / 12, 2 / 12])


def test_threshold_is_inclusive_and_zero_weight_is_no_edge():
    graphs = build_graphs(connectivity(), threshold=0.9)
    assert graphs.weights[1].nnz == 2
    assert build_graphs(connectivity(), threshold=0.0).weights[0].nnz == 6


def test_history_node_and_loops_stand_in_the_adjacency():
    graphs = build_graphs(connectivity(), threshold=0.5)
    adjacency = graphs.adjacency(0).toarray()
    np.testing.assert_array_equal(adjacency, adjacency.T)
    np.testing.assert_array_equal(np.diag(adjacency), 1.0)
    np.testing.assert_array_equal(adjacency[-1], 1.0)
    assert adjacency.sum() == 5 + 2 * 4 + 4
    signed = graphs.signed_adjacency(0).toarray()
    np.testing.assert_allclose(signed[-1, :4], 0.75)


@pytest.mark.parametrize("history_node", [True, False])
def test_dense_adjacency_is_the_sparse_one_written_out(history_node):
    graphs = build_graphs(connectivity(), threshold=0.5, history_node=history_node)
    mask = np.ones((len(graphs), graphs.n_nodes), dtype=bool)
    mask[0, np.flatnonzero(graphs.weights[0].toarray().any(axis=1) == 0)] = False
    for item in (graphs, dataclasses.replace(graphs, node_mask=mask)):
        for index in range(len(item)):
            pairs = ((item.adjacency(index), False), (item.signed_adjacency(index), True))
            for sparse, signed in pairs:
                dense = item.dense_adjacency(index, signed=signed)
                np.testing.assert_allclose(dense, sparse.toarray(), rtol=1e-6)
            assert item.n_entries(index) == item.adjacency(index).nnz


def test_weight_features_are_absolute_rows_before_the_threshold():
    graphs = build_graphs(connectivity(), threshold=0.5)
    np.testing.assert_allclose(graphs.vertex_features(0)[:4, :4], np.abs(WEIGHTS[0]), rtol=1e-6)
    np.testing.assert_array_equal(graphs.vertex_features(0)[4], 1.0)


def test_identity_features_take_no_memory():
    graphs = build_graphs(connectivity(), features="identity")
    assert graphs.features is None
    np.testing.assert_array_equal(graphs.vertex_features(1), np.eye(5))


def test_rate_features_are_mean_activity():
    given = ConnectivitySequence(
        weights=WEIGHTS, windows=Windows(start_s=[0.0, 1.0], stop_s=[1.0, 2.0]),
        nodes=Nodes(ids=list("abcd")), measure="pearson",
        mean_activity=[[1.0, 2.0, 3.0, 6.0], [0.0, 0.0, 0.0, 4.0]],
    )  # fmt: skip
    graphs = build_graphs(given, features="rates")
    np.testing.assert_array_equal(graphs.vertex_features(0).ravel(), [1, 2, 3, 6, 3])


def test_item_is_a_data_object_of_torch_geometric():
    from torch_geometric.data import Data
    from torch_geometric.utils import to_networkx

    data = build_graphs(connectivity(), threshold=0.5)[0]
    assert isinstance(data, Data)
    assert data.validate()
    assert data.is_undirected()
    assert data.has_self_loops()
    assert networkx.is_connected(to_networkx(data, to_undirected=True))


def test_slice_is_a_shorter_sequence():
    graphs = build_graphs(connectivity(), threshold=0.5)
    part = graphs[1:]
    assert isinstance(part, GraphSequence)
    assert len(part) == 1
    np.testing.assert_array_equal(part.weights[0].toarray(), graphs.weights[1].toarray())
    assert part.windows.start_s[0] == 1.0


def test_relabelling_nodes_permutes_the_graphs():
    order = np.array([2, 0, 3, 1])
    permuted = ConnectivitySequence.from_array(WEIGHTS[:, order][:, :, order])
    for threshold in (0.0, 0.25, 0.75):
        plain = build_graphs(connectivity(), threshold=threshold)
        other = build_graphs(permuted, threshold=threshold)
        for one, two in zip(plain.weights, other.weights, strict=True):
            np.testing.assert_array_equal(one.toarray()[np.ix_(order, order)], two.toarray())


def test_nan_is_no_edge():
    weights = WEIGHTS.copy()
    weights[:, 1] = weights[:, :, 1] = np.nan
    graphs = build_graphs(ConnectivitySequence.from_array(weights), threshold=0.1)
    assert graphs.weights[0].toarray()[1].sum() == 0
    assert np.isfinite(graphs.features).all()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"threshold": 0.95}, "largest absolute weight is 0.9"),
        ({"threshold": -0.1}, "at least 0"),
        ({"threshold": np.nan}, "at least 0"),
        ({"features": "degree"}, "features must be one of"),
        ({"features": "rates"}, "mean activity"),
    ],
)
def test_bad_choice_is_explained(arguments, message):
    with pytest.raises(InputError, match=message):
        build_graphs(connectivity(), **arguments)
