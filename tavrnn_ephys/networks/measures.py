"""Graph measures of each window: weights say how strong, lengths how far, and never the reverse."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array
from scipy.sparse.csgraph import shortest_path

from tavrnn_ephys.connectivity import DensityThreshold
from tavrnn_ephys.core.checks import one_of, some, whole_number
from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.networks._betweenness import betweenness

if TYPE_CHECKING:
    import networkx
    import pandas

__all__ = ["DESCRIPTIONS", "network_measures", "node_measures", "small_worldness"]

DESCRIPTIONS = {
    "density": "Share of the pairs of nodes that are joined by an edge, in [0, 1].",
    "mean_weight": "Mean weight of the edges; NaN without edge.",
    "clustering": "Mean weighted clustering of the nodes (Onnela 2005), in [0, 1].",
    "path_length": "Mean shortest path between joined pairs, an edge being 1/weight long.",
    "efficiency": "Mean inverse of the shortest path over all pairs, 0 where there is none.",
    "modularity": "Weighted modularity of the communities that Louvain finds.",
    "n_communities": "Number of these communities that have at least two nodes.",
    "participation": "Mean participation coefficient of nodes with edges, in [0, 1].",
    "max_betweenness": "Largest share of shortest paths that pass through one node.",
    "n_hubs": "Nodes whose strength exceeds the mean by more than two standard deviations.",
    "small_worldness": "Clustering over path length, each relative to rewired graphs, unweighted.",
}
_DENSITY = 0.15
_HUB_SD = 2.0
_SWAPS_PER_EDGE = 5


def network_measures(
    connectivity: ConnectivitySequence,
    *,
    measures: Sequence[str] | None = None,
    threshold: Any = None,
    sign: str = "positive",
    n_rewired: int = 0,
    seed: int = 0,
) -> pandas.DataFrame:
    """
    Compute graph measures of each window.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Symmetric weights, shape (n_windows, n_nodes, n_nodes).
    measures : sequence of str, optional
        Which columns of :data:`DESCRIPTIONS`; all by default.
    threshold : Threshold, optional
        Which weights become edges.  By default one level for all windows, at which 15 % of all
        pairs are edges on average, so that windows can differ in density.
    sign : {"positive", "absolute"}
        Negative weights make no edge, or their absolute value does.
    n_rewired : int
        Rewired graphs for ``small_worldness``, which is left out where it is 0.
    seed : int
        Seed of communities and rewiring.

    Returns
    -------
    pandas.DataFrame
        One row per window, one column per measure; what an empty graph does not have is NaN.

    Raises
    ------
    InputError
        If a measure is unknown, the connectivity is directed, or has fewer than three nodes.

    Notes
    -----
    ``clustering`` is the geometric mean of the weights of triangles, weights divided by the
    largest of the window [1]_.  ``path_length`` and ``max_betweenness`` [2]_ take 1/weight as
    the length of an edge, so that strong edges are short; ``modularity`` [3]_ and
    ``participation`` [4]_ take weights.  Betweenness is normalised by (n − 1)(n − 2)/2.

    References
    ----------
    .. [1] Onnela et al. (2005), Physical Review E 71, 065103.
    .. [2] Freeman (1977), Sociometry 40, 35-41; Brandes (2001), Journal of Mathematical Sociology
       25, 163-177.
    .. [3] Newman (2004), Physical Review E 70, 056131; Blondel et al. (2008), Journal of
       Statistical Mechanics P10008.
    .. [4] Guimerà & Amaral (2005), Nature 433, 895-900.

    Examples
    --------
    >>> triangle = [[0, 0.5, 0.5], [0.5, 0, 0.5], [0.5, 0.5, 0]]
    >>> from tavrnn_ephys.connectivity import AbsoluteThreshold
    >>> table = network_measures(
    ...     ConnectivitySequence.from_array([triangle]), threshold=AbsoluteThreshold(value=0.1),
    ...     measures=["density", "mean_weight", "clustering", "path_length"],
    ... )
    >>> table.iloc[0].to_dict()
    {'density': 1.0, 'mean_weight': 0.5, 'clustering': 1.0, 'path_length': 2.0}
    """
    import pandas as pd

    whole_number(n_rewired, "n_rewired")
    wanted = list(DESCRIPTIONS) if measures is None else list(measures)
    if measures is None and n_rewired == 0:
        wanted.remove("small_worldness")
    unknown = [name for name in wanted if name not in DESCRIPTIONS]
    if unknown:
        raise InputError(
            f"There is no network measure {some(unknown)}; choose from {some(DESCRIPTIONS, 20)}."
        )
    if "small_worldness" in wanted and n_rewired == 0:
        raise InputError("small_worldness needs rewired graphs: pass n_rewired, such as 10.")
    matrices = _edges(connectivity, threshold, sign)
    rows = [_measure(matrix, wanted, n_rewired, seed) for matrix in matrices]
    return pd.DataFrame(rows, columns=wanted)


def node_measures(
    connectivity: ConnectivitySequence,
    window_index: int,
    *,
    threshold: Any = None,
    sign: str = "positive",
    seed: int = 0,
) -> pandas.DataFrame:
    """
    Compute the measures of each node in one window.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Symmetric weights.
    window_index : int
        Position of the window.
    threshold : Threshold, optional
        As in :func:`network_measures`, taken from all windows.
    sign : {"positive", "absolute"}
        As in :func:`network_measures`.
    seed : int
        Seed of the communities.

    Returns
    -------
    pandas.DataFrame
        One row per node: ``node_id``, ``group``, ``degree``, ``strength``, ``community``
        (numbered by size), ``participation``, ``betweenness``, ``is_hub``.

    Raises
    ------
    InputError
        If there is no such window, or as in :func:`network_measures`.
    """
    import pandas as pd

    if not 0 <= whole_number(window_index, "window_index") < connectivity.n_windows:
        raise InputError(f"window_index must lie below {connectivity.n_windows}.")
    matrix = _edges(connectivity, threshold, sign)[window_index]
    graph = _graph(matrix)
    communities = _communities(graph, seed)
    strength = matrix.sum(axis=1)
    return pd.DataFrame(
        {
            "node_id": connectivity.node_ids,
            "group": connectivity.node_groups,
            "degree": np.count_nonzero(matrix, axis=1),
            "strength": strength,
            "community": communities,
            "participation": _participation(matrix, communities),
            "betweenness": betweenness(matrix),
            "is_hub": _is_hub(strength),
        }
    )


def small_worldness(adjacency: Any, *, n_rewired: int = 10, seed: int = 0) -> float:
    """
    Compare clustering and path length with those of rewired graphs of the same degrees [1]_.

    Parameters
    ----------
    adjacency : array_like, shape (n_nodes, n_nodes)
        Symmetric; what is not 0 off the diagonal is an edge.
    n_rewired : int
        Number of rewired graphs, each after five swaps of pairs of edges per edge [2]_.
    seed : int
        Seed of the rewiring.

    Returns
    -------
    float
        ``(C / C_rewired) / (L / L_rewired)``, above 1 for small worlds; NaN where a clustering
        or a path length is 0 or undefined, or the edges are too few to be swapped.

    References
    ----------
    .. [1] Humphries & Gurney (2008), PLoS ONE 3, e0002051.
    .. [2] Maslov & Sneppen (2002), Science 296, 910-913.

    Examples
    --------
    >>> near = np.abs(np.subtract.outer(np.arange(24), np.arange(24)))
    >>> ring = np.isin(np.minimum(near, 24 - near), [1, 2])
    >>> small_worldness(ring) > 1.2
    True
    """
    import networkx as nx

    matrix = (np.asarray(adjacency) != 0).astype(np.float64)
    np.fill_diagonal(matrix, 0.0)
    graph = nx.from_numpy_array(matrix)
    n_edges = graph.number_of_edges()
    rng = np.random.default_rng(whole_number(seed, "seed"))
    found = []
    for _ in range(n_rewired):
        rewired = graph.copy()
        try:
            nx.double_edge_swap(
                rewired,
                nswap=_SWAPS_PER_EDGE * n_edges,
                max_tries=100 * _SWAPS_PER_EDGE * max(n_edges, 1),
                seed=int(rng.integers(2**31)),
            )
        except nx.NetworkXException:
            return math.nan
        found.append(_shape(nx.to_numpy_array(rewired)))
    clustering, length = _shape(matrix)
    null_clustering, null_length = np.mean(found, axis=0) if found else (0.0, 0.0)
    if not min(clustering, length, null_clustering, null_length) > 0:
        return math.nan
    return float((clustering / null_clustering) / (length / null_length))


def _edges(connectivity: ConnectivitySequence, threshold: Any, sign: str) -> NDArray[np.float64]:
    """Weights of the edges of each window, 0 where there is none."""
    one_of(sign, ("positive", "absolute"), "sign")
    if connectivity.directed:
        raise InputError(
            "Network measures need one weight per pair of nodes, and this connectivity is "
            "directed. Call connectivity.symmetrized() first."
        )
    if connectivity.n_nodes < 3:
        raise InputError(f"Network measures need three nodes, got {connectivity.n_nodes}.")
    weights = np.nan_to_num(np.asarray(connectivity.weights, dtype=np.float64), nan=0.0)
    weights = np.abs(weights) if sign == "absolute" else np.maximum(weights, 0.0)
    kept = ConnectivitySequence(
        weights=weights,
        windows=connectivity.windows,
        nodes=connectivity.nodes,
        measure=connectivity.measure,
    )
    rule = threshold if threshold is not None else DensityThreshold(density=_DENSITY).fitted(kept)
    return np.where(rule.keep(kept), weights, 0.0)


def _measure(
    matrix: NDArray[np.float64], wanted: Sequence[str], n_rewired: int, seed: int
) -> dict[str, float]:
    """Compute what is wanted, and nothing that takes long besides."""
    values: dict[str, float] = {}
    on = matrix > 0
    n = len(matrix)
    n_edges = int(on.sum()) // 2
    values["density"] = 2 * n_edges / (n * (n - 1))
    values["mean_weight"] = float(matrix[on].mean()) if n_edges else math.nan
    if "clustering" in wanted:
        values["clustering"] = float(_clustering(matrix).mean())
    if {"path_length", "efficiency"} & set(wanted):
        values["path_length"], values["efficiency"] = _path_length(matrix)
    if _BY_COMMUNITY & set(wanted):
        communities = _communities(_graph(matrix), seed)
        values["modularity"] = _modularity(matrix, communities) if n_edges else math.nan
        values["n_communities"] = float(np.sum(np.bincount(communities) > 1))
        participation = _participation(matrix, communities)
        values["participation"] = float(np.nanmean(participation)) if n_edges else math.nan
    if "max_betweenness" in wanted:
        values["max_betweenness"] = float(betweenness(matrix).max())
    values["n_hubs"] = float(_is_hub(matrix.sum(axis=1)).sum())
    if "small_worldness" in wanted:
        values["small_worldness"] = small_worldness(matrix, n_rewired=n_rewired, seed=seed)
    return {name: values[name] for name in wanted}


_BY_COMMUNITY = {"modularity", "n_communities", "participation"}


def _graph(matrix: NDArray[np.float64]) -> networkx.Graph:
    """Build a graph whose edges carry a weight."""
    import networkx as nx

    graph = nx.Graph()
    graph.add_nodes_from(range(len(matrix)))
    rows, columns = np.nonzero(np.triu(matrix, 1))
    for a, b, weight in zip(rows.tolist(), columns.tolist(), matrix[rows, columns], strict=True):
        graph.add_edge(a, b, weight=float(weight))
    return graph


def _communities(graph: networkx.Graph, seed: int) -> NDArray[np.int64]:
    """Give each node the number of its community, the largest first."""
    import networkx as nx

    found = nx.community.louvain_communities(graph, weight="weight", seed=seed)
    labels = np.zeros(graph.number_of_nodes(), dtype=np.int64)
    for index, members in enumerate(sorted(found, key=lambda nodes: (-len(nodes), min(nodes)))):
        labels[list(members)] = index
    return labels


def _clustering(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = matrix.max()
    if largest == 0:
        return np.zeros(len(matrix))
    root = np.cbrt(matrix / largest)
    triangles = np.einsum("ij,ji->i", root @ root, root)
    degree = np.count_nonzero(matrix, axis=1)
    pairs = degree * (degree - 1)
    return np.where(pairs > 0, triangles / np.maximum(pairs, 1), 0.0)


def _path_length(matrix: NDArray[np.float64]) -> tuple[float, float]:
    lengths = csr_array(matrix)
    lengths.data = 1.0 / lengths.data
    paths = shortest_path(lengths, directed=False)[np.triu_indices(len(matrix), 1)]
    joined = paths[np.isfinite(paths)]
    efficiency = float(np.sum(1.0 / joined) / len(paths))
    return (float(joined.mean()) if len(joined) else math.nan), efficiency


def _modularity(matrix: NDArray[np.float64], communities: NDArray[np.int64]) -> float:
    """Σ_c share of the weights within community c − (share of the strengths of c)²."""
    member = np.eye(communities.max() + 1)[communities]
    shares = member.T @ matrix @ member / matrix.sum()
    return float(np.trace(shares) - np.sum(np.square(shares.sum(axis=1))))


def _participation(
    matrix: NDArray[np.float64], communities: NDArray[np.int64]
) -> NDArray[np.float64]:
    """1 − Σ_c (strength to community c / strength)²; NaN for nodes without edges."""
    member = np.eye(communities.max() + 1)[communities]
    strength = matrix.sum(axis=1, keepdims=True)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(1.0 - np.sum(np.square(matrix @ member / strength), axis=1))


def _is_hub(strength: NDArray[np.float64]) -> NDArray[np.bool_]:
    return np.asarray(strength > strength.mean() + _HUB_SD * strength.std())


def _shape(adjacency: NDArray[np.float64]) -> tuple[float, float]:
    return float(_clustering(adjacency).mean()), _path_length(adjacency)[0]
