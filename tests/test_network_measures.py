"""Each network measure equals a hand-worked graph, or a library that computes it another way."""

import networkx as nx
import numpy as np
import pytest

from tavrnn_ephys.connectivity import AbsoluteThreshold
from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.networks._betweenness import betweenness
from tavrnn_ephys.networks.measures import network_measures, node_measures, small_worldness

ALL = AbsoluteThreshold(value=0.0)


def sequence(*matrices):
    return ConnectivitySequence.from_array(np.array(matrices, dtype=float))


def weighted(edges, n):
    matrix = np.zeros((n, n))
    for a, b, weight in edges:
        matrix[a, b] = matrix[b, a] = weight
    return matrix


def random_matrix(seed, n=14, density=0.4):
    rng = np.random.default_rng(seed)
    upper = np.triu(rng.uniform(0.1, 1, (n, n)) * (rng.random((n, n)) < density), 1)
    return upper + upper.T


def measures(matrix, **options):
    return network_measures(sequence(matrix), threshold=ALL, **options).iloc[0]


def graph_of(matrix):
    graph = nx.from_numpy_array(matrix)
    for _, _, about in graph.edges(data=True):
        about["length"] = 1.0 / about["weight"]
    return graph


@pytest.mark.parametrize("seed", range(5))
def test_measures_equal_networkx(seed):
    matrix = random_matrix(seed)
    graph, found = graph_of(matrix), measures(matrix)
    clustering = nx.clustering(graph, weight="weight")
    assert found["density"] == pytest.approx(nx.density(graph))
    assert found["clustering"] == pytest.approx(np.mean(list(clustering.values())))
    assert found["max_betweenness"] == pytest.approx(
        max(nx.betweenness_centrality(graph, weight="length").values())
    )
    lengths = dict(nx.all_pairs_dijkstra_path_length(graph, weight="length"))
    between = [d for a in lengths for b, d in lengths[a].items() if a != b]
    assert found["path_length"] == pytest.approx(np.mean(between))
    n = len(matrix)
    assert found["efficiency"] == pytest.approx(np.sum(1 / np.array(between)) / (n * (n - 1)))
    weights = [about["weight"] for _, _, about in graph.edges(data=True)]
    assert found["mean_weight"] == pytest.approx(np.mean(weights))


def two_triangles():
    """Two triangles of weight 1, joined by one weak edge."""
    inside = [(0, 1, 1), (0, 2, 1), (1, 2, 1), (3, 4, 1), (3, 5, 1), (4, 5, 1)]
    return weighted([*inside, (2, 3, 0.5)], 6)


def test_modularity_by_hand():
    # 2m = 13; each triangle: 6 of weight inside, strengths 2 + 2 + 2.5 = 6.5.
    found = measures(two_triangles())
    assert found["modularity"] == pytest.approx(2 * (6 / 13 - (6.5 / 13) ** 2))
    assert found["n_communities"] == 2


def test_participation_by_hand():
    table = node_measures(sequence(two_triangles()), 0, threshold=ALL)
    expected = 1 - (2 / 2.5) ** 2 - (0.5 / 2.5) ** 2
    assert table["participation"].tolist() == pytest.approx([0, 0, expected, expected, 0, 0])
    assert measures(two_triangles())["participation"] == pytest.approx(expected / 3)


def test_betweenness_by_hand():
    # All paths between the triangles pass through nodes 2 and 3: each carries 2 x 3 pairs of
    # ten, that is the pairs of two others with three.
    table = node_measures(sequence(two_triangles()), 0, threshold=ALL)
    assert table["betweenness"].tolist() == pytest.approx([0, 0, 0.6, 0.6, 0, 0])


def test_strong_edges_are_short():
    # The way around, 1/0.9 + 1/0.9, is shorter than the weak edge of 1/0.1; taking weights for
    # lengths would say the opposite.
    matrix = weighted([(0, 1, 0.9), (1, 2, 0.9), (0, 2, 0.1)], 3)
    found = measures(matrix)
    assert found["path_length"] == pytest.approx((1 / 0.9 + 1 / 0.9 + 2 / 0.9) / 3)
    assert found["max_betweenness"] == 1.0


def test_hub_of_a_star():
    matrix = weighted([(0, leaf, 1.0) for leaf in range(1, 9)], 9)
    assert measures(matrix)["n_hubs"] == 1
    assert node_measures(sequence(matrix), 0, threshold=ALL)["is_hub"].tolist()[0]


def test_ring_lattice_by_formula():
    # Watts and Strogatz: clustering 3 (k − 2) / (4 (k − 1)) for k = 4 neighbours.
    near = np.abs(np.subtract.outer(np.arange(40), np.arange(40)))
    ring = np.isin(np.minimum(near, 40 - near), [1, 2]).astype(float)
    found = measures(ring, measures=["clustering", "path_length"])
    assert found["clustering"] == pytest.approx(0.5)
    distance = np.ceil(np.minimum(np.arange(1, 40), 40 - np.arange(1, 40)) / 2)
    assert found["path_length"] == pytest.approx(distance.mean())
    assert small_worldness(ring, n_rewired=5) > 2


def test_random_graph_is_no_small_world():
    graph = nx.to_numpy_array(nx.gnp_random_graph(60, 0.15, seed=1))
    assert small_worldness(graph, n_rewired=5) == pytest.approx(1.0, abs=0.25)


def test_complete_graph_cannot_be_rewired():
    assert np.isnan(small_worldness(np.ones((8, 8))))


def test_empty_window_has_no_path():
    found = measures(np.zeros((4, 4)))
    assert found["density"] == 0
    assert np.isnan(found[["mean_weight", "path_length", "modularity", "participation"]]).all()


def test_negative_weights_make_no_edge_unless_asked():
    matrix = weighted([(0, 1, 0.5), (1, 2, -0.5)], 3)
    assert measures(matrix)["density"] == pytest.approx(1 / 3)
    assert measures(matrix, sign="absolute")["density"] == pytest.approx(2 / 3)


def test_relabelling_nodes_changes_no_measure():
    matrix = random_matrix(7)
    order = np.random.default_rng(0).permutation(len(matrix))
    names = ["density", "clustering", "path_length", "max_betweenness"]
    np.testing.assert_allclose(
        measures(matrix, measures=names), measures(matrix[np.ix_(order, order)], measures=names)
    )


def test_default_level_lets_windows_differ_in_density():
    rng = np.random.default_rng(0)
    weak, strong = (np.abs(rng.normal(0, s, (20, 20))) for s in (0.05, 0.2))
    table = network_measures(sequence(weak + weak.T, strong + strong.T), measures=["density"])
    assert table["density"][1] > 3 * table["density"][0]
    assert table["density"].mean() == pytest.approx(0.15, abs=0.01)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"measures": ["smallness"]}, "no network measure 'smallness'"),
        ({"measures": ["small_worldness"]}, "pass n_rewired"),
        ({"sign": "negative"}, "sign must be one of"),
    ],
)
def test_bad_requests_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        network_measures(sequence(two_triangles()), **options)


def test_two_nodes_are_refused():
    with pytest.raises(InputError, match="need three nodes"):
        network_measures(sequence(np.ones((2, 2))))


@pytest.mark.parametrize("levels", [0, 1, 3])
@pytest.mark.parametrize("density", [0.05, 0.3, 1.0])
def test_betweenness_equals_that_of_networkx(density, levels):
    """Also with many paths of equal length, where weights have few levels, and in pieces."""
    rng = np.random.default_rng(0)
    weights = rng.uniform(0.1, 1, (25, 25)) if not levels else rng.integers(1, levels + 1, (25, 25))
    matrix = np.triu(weights * (rng.uniform(size=(25, 25)) < density), 1).astype(float)
    matrix += matrix.T
    graph = nx.from_numpy_array(np.divide(1, matrix, where=matrix > 0, out=np.zeros((25, 25))))
    expected = nx.betweenness_centrality(graph, weight="weight")
    assert betweenness(matrix).tolist() == pytest.approx([expected[n] for n in range(25)])


def test_an_edge_that_is_too_short_to_count_leaves_betweenness_finite():
    matrix = np.zeros((4, 4))
    matrix[0, 1], matrix[1, 2], matrix[2, 3] = 1.0, 1e300, 1.0
    assert np.isfinite(betweenness(matrix + matrix.T)).all()
