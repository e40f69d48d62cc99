"""Conditions compared edge by edge, and judged by what hangs together: network-based statistic."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import f as f_distribution

from tavrnn_ephys.core.checks import one_of, positive_int, positive_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.statistics.conditions import Design, design_of
from tavrnn_ephys.statistics.nulls import Null

if TYPE_CHECKING:
    import pandas

__all__ = ["SIZES", "NetworkBasedStatistic", "network_based_statistic"]

SIZES = ("extent", "intensity")
# Edges beyond this p-value of their own are looked at by default.
_EDGE_P = 0.001


@dataclass(frozen=True, kw_only=True, eq=False)
class NetworkBasedStatistic:
    """
    Sets of connected edges in which conditions differ.

    Parameters
    ----------
    components : pandas.DataFrame
        One row per set, largest first: ``component``, ``n_edges``, ``n_nodes``, ``size`` (extent
        or intensity), ``p_value``, corrected over the whole network.
    edges : pandas.DataFrame
        One row per edge of a set: ``component``, ``node_1``, ``node_2``, ``statistic`` and
        ``difference``, of two conditions the second less the first in the alphabet, of more the
        largest mean less the smallest.
    threshold : float
        Statistic beyond which an edge counts.
    statistic : {"t", "f"}
        Absolute t of two conditions, or F of more.
    null : Null
        Largest size in each other arrangement, beside the largest one that was found.
    names : tuple of str
        The conditions.
    is_within : bool
        Whether conditions were permuted within cultures.

    Examples
    --------
    >>> weights = np.zeros((6, 3, 3))
    >>> weights[3:, 0, 1] = weights[3:, 1, 0] = [1.0, 1.1, 1.2]
    >>> print(network_based_statistic(weights, list("aaabbb"), threshold=5.0))
    Network-based statistic of a and b, permuted over recordings, edges beyond t = 5: 1 edge ...
    """

    components: pandas.DataFrame
    edges: pandas.DataFrame
    threshold: float
    statistic: str
    null: Null
    names: tuple[str, ...]
    is_within: bool

    @property
    def p_value(self) -> float:
        """P-value of the largest set; 1 where no edge is beyond the threshold."""
        return float(self.null.p_value)

    def __str__(self) -> str:
        how = "within cultures" if self.is_within else "over recordings"
        head = (
            f"Network-based statistic of {' and '.join(self.names)}, permuted {how}, edges beyond "
            f"{self.statistic} = {self.threshold:.3g}: "
        )
        if not len(self.components):
            return f"{head}no edge."
        rows = [
            f"{row.n_edges} edge{'' if row.n_edges == 1 else 's'} among {row.n_nodes} nodes "
            f"(p {row.p_value:.3g})"
            for row in self.components.itertuples()
        ]
        return f"{head}{'; '.join(rows[:5])}{' …' if len(rows) > 5 else ''}."


def network_based_statistic(
    weights: Any,
    conditions: Sequence[Any],
    *,
    cultures: Sequence[Any] | None = None,
    threshold: float | None = None,
    size: str = "extent",
    n_permutations: int = 4999,
    node_ids: Sequence[Any] | None = None,
    seed: int = 0,
) -> NetworkBasedStatistic:
    """
    Compare conditions edge by edge, and test connected sets of edges against chance.

    Parameters
    ----------
    weights : array_like, shape (n_recordings, n_nodes, n_nodes)
        Connectivity of each recording, such as the mean over its windows; symmetric, of the same
        nodes.  Unknown weights (NaN) count as zero.
    conditions : sequence, shape (n_recordings,)
        Condition of each recording; two or more.
    cultures : sequence, shape (n_recordings,), optional
        Culture or animal of each.  Where cultures have several conditions, these are permuted
        within cultures; else over cultures.  Every recording is one of its own by default.
    threshold : float, optional
        Edges count whose absolute t (of two conditions) or F (of more) is larger; by default where
        the p-value of a single edge is 0.001.
    size : {"extent", "intensity"}
        Number of edges of a set, or the sum of their statistics beyond the threshold.
    n_permutations : int
        Number of other arrangements; all where they are fewer.
    node_ids : sequence, shape (n_nodes,), optional
        Names of the nodes; their positions by default.
    seed : int
        Seed of the draw.

    Returns
    -------
    NetworkBasedStatistic
        Sets of edges with p-values that are corrected over the network.

    Raises
    ------
    InputError
        If shapes do not fit, weights are not symmetric, or cultures are too few.

    Notes
    -----
    Edges beyond the threshold form a graph; its connected components are the sets [1]_.  Each
    arrangement of conditions gives the size of its largest component.  The p-value of a component
    is the share of arrangements whose largest one is at least as large, the observation counted in.
    This controls the chance of any false set.  It says nothing about single edges of a set.  The
    choice of the threshold decides what is found, not how often chance is taken for a finding.

    References
    ----------
    .. [1] Zalesky, Fornito & Bullmore (2010), NeuroImage 53, 1197-1207.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> weights = rng.normal(0, 0.1, (12, 6, 6))
    >>> weights[6:, :3, :3] += 0.5
    >>> weights = (weights + weights.swapaxes(1, 2)) / 2
    >>> found = network_based_statistic(weights, ["rest"] * 6 + ["game"] * 6, threshold=3.0)
    >>> found.components[["n_edges", "n_nodes"]].to_numpy().tolist()
    [[3, 3]]
    >>> found.p_value < 0.05
    True
    """
    import pandas as pd

    one_of(size, SIZES, "size")
    positive_int(n_permutations, "n_permutations")
    matrices, ids = _checked(weights, node_ids)
    rows, columns = np.triu_indices(len(ids), 1)
    design = design_of(matrices[:, rows, columns], conditions, cultures)
    limit = _threshold(threshold, design)
    measure = _Sizes(rows, columns, len(ids), limit, size)
    codes, n_extreme = design.arrangements(n_permutations, seed)
    statistic = _statistic(design, codes[0])
    names, sizes = measure.components(statistic)
    largest = np.array([measure.largest(_statistic(design, row)) for row in codes[1:]])
    null = Null(observed=float(sizes.max(initial=0.0)), values=largest, n_extreme=n_extreme)
    beyond = np.flatnonzero(statistic > limit)
    edges = pd.DataFrame(
        {
            "component": names,
            "node_1": ids[rows[beyond]],
            "node_2": ids[columns[beyond]],
            "statistic": statistic[beyond],
            "difference": _difference(design)[beyond],
        }
    ).sort_values("component", kind="stable", ignore_index=True)
    return NetworkBasedStatistic(
        components=_component_table(edges, sizes, null),
        edges=edges,
        threshold=limit,
        statistic="t" if len(design.names) == 2 else "f",
        null=null,
        names=design.names,
        is_within=design.is_within,
    )


def _checked(weights: Any, node_ids: Sequence[Any] | None) -> tuple[NDArray[np.float64], Any]:
    matrices = np.nan_to_num(np.asarray(weights, dtype=np.float64))
    if matrices.ndim != 3 or matrices.shape[1] != matrices.shape[2]:
        raise InputError(
            f"weights must have shape (n_recordings, n_nodes, n_nodes), got {matrices.shape}."
        )
    if not np.allclose(matrices, matrices.swapaxes(1, 2), atol=1e-9):
        raise InputError(
            "weights must be symmetric. Give directed connectivity as "
            "connectivity.symmetrized('strongest')."
        )
    n_nodes = matrices.shape[1]
    ids = np.arange(n_nodes) if node_ids is None else np.asarray(node_ids).astype(str)
    if len(ids) != n_nodes:
        raise InputError(f"There are {len(ids)} node_ids for {n_nodes} nodes.")
    return matrices, ids


def _threshold(given: float | None, design: Design) -> float:
    if given is not None:
        return float(positive_number(given, "threshold"))
    first, second = design.freedom
    limit = float(f_distribution.isf(_EDGE_P, first, second))
    return float(np.sqrt(limit)) if first == 1 else limit


def _statistic(design: Design, codes: NDArray[np.int64]) -> NDArray[np.float64]:
    found = design.f_values(codes)
    return np.sqrt(found) if len(design.names) == 2 else found


def _difference(design: Design) -> NDArray[np.float64]:
    means = np.stack(
        [design.rows[design.codes == code].mean(axis=0) for code in range(len(design.names))]
    )
    return means[1] - means[0] if len(means) == 2 else np.ptp(means, axis=0)


class _Sizes:
    """Sizes of connected sets of edges beyond a threshold."""

    def __init__(
        self, rows: NDArray[Any], columns: NDArray[Any], n_nodes: int, limit: float, size: str
    ) -> None:
        self.rows, self.columns, self.n_nodes = rows, columns, n_nodes
        self.limit, self.size = limit, size

    def components(
        self, statistic: NDArray[np.float64]
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """Set of each edge beyond the threshold, largest first from 0, and size of each set."""
        beyond = np.flatnonzero(statistic > self.limit)
        if not len(beyond):
            return np.zeros(0, np.int64), np.zeros(0)
        first, second = self.rows[beyond], self.columns[beyond]
        of_node = _connected(first, second, self.n_nodes)
        _, of_edge = np.unique(of_node[first], return_inverse=True)
        weight = None if self.size == "extent" else statistic[beyond] - self.limit
        sizes = np.bincount(of_edge, weights=weight).astype(np.float64)
        order = np.argsort(-sizes, kind="stable")
        return np.argsort(order)[of_edge], sizes[order]

    def largest(self, statistic: NDArray[np.float64]) -> float:
        """Size of the largest set; 0 where there is none."""
        return float(self.components(statistic)[1].max(initial=0.0))


def _connected(first: NDArray[np.intp], second: NDArray[np.intp], n_nodes: int) -> NDArray[np.intp]:
    """
    Name for each node the first node of its connected set.

    The same as :func:`scipy.sparse.csgraph.connected_components`, which needs ten times as long
    where edges are few, since it makes three sparse matrices; and it is asked once an arrangement.
    """
    names = np.arange(n_nodes)
    while True:
        before = names.copy()
        lower = np.minimum(names[first], names[second])
        np.minimum.at(names, first, lower)
        np.minimum.at(names, second, lower)
        # A name is a node of the same set: its own name is as good, and nearer to the first.
        names = names[names]
        if np.array_equal(names, before):
            return names


def _component_table(
    edges: pandas.DataFrame, sizes: NDArray[np.float64], null: Null
) -> pandas.DataFrame:
    import pandas as pd

    rows = []
    for component, value in enumerate(sizes):
        mine = edges[edges["component"] == component]
        judged = Null(observed=value, values=null.values, n_extreme=null.n_extreme)
        rows.append(
            {
                "component": component,
                "n_edges": len(mine),
                "n_nodes": len(set(mine["node_1"]) | set(mine["node_2"])),
                "size": float(value),
                "p_value": judged.p_value,
            }
        )
    names = ["component", "n_edges", "n_nodes", "size", "p_value"]
    return pd.DataFrame(rows, columns=names)
