"""How separable and how aligned named groups of nodes are in embedding space, window by window."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment
from scipy.spatial.distance import cdist

from tavrnn_ephys.core.checks import some, whole_number
from tavrnn_ephys.core.containers import NodeEmbedding, Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.networks._geometry import procrustes, unit_vectors
from tavrnn_ephys.networks._presence import nodes_throughout
from tavrnn_ephys.statistics.nulls import tail_p_values
from tavrnn_ephys.statistics.resampling import arrangements

if TYPE_CHECKING:
    import pandas

__all__ = ["GroupAlignment", "check_groups", "group_alignment", "shuffle_groups_in_space"]

_RIDGE = 1e-2
# Smallest group whose separability and subspace mean anything.
LEAST_NODES = 3
DESCRIPTIONS = {
    "silhouette": "Mean silhouette of nodes by group, cosine distance, groups weighing equally.",
    "group_accuracy": "Balanced accuracy of a node's group, each node left out in turn.",
    "similarity": "Mean cosine similarity of a reference node with a node of another group.",
}
PAIR_DESCRIPTIONS = {
    "similarity": "Mean cosine similarity of a node of the reference with one of the group.",
    "principal_angle": "Mean principal angle between the two groups' subspaces, in degrees.",
    "procrustes": "Procrustes size-and-shape distance of the groups' second moments.",
}


@dataclass(frozen=True, kw_only=True)
class GroupAlignment:
    """
    Alignment of groups in every window, beside shuffles of the groups.

    Parameters
    ----------
    reference : str
        The group that the others are compared with.
    groups : tuple of str
        The other groups.
    observed : dict of str to numpy.ndarray, shape (n_windows,)
        Value of each measure.
    null : dict of str to numpy.ndarray, shape (n_shuffles, n_windows)
        The same for shuffled groups.
    pairs : dict of str to numpy.ndarray, shape (n_windows, n_groups)
        Measures of the reference with each group: ``similarity``, ``principal_angle``,
        ``procrustes``.
    keeps_space : bool
        Whether the shuffles keep neighbourhoods of electrodes.
    """

    reference: str
    groups: tuple[str, ...]
    observed: dict[str, NDArray[np.float64]]
    null: dict[str, NDArray[np.float64]]
    pairs: dict[str, NDArray[np.float64]]
    keeps_space: bool

    def to_pandas(self) -> pandas.DataFrame:
        """
        Return one row per window.

        Returns
        -------
        pandas.DataFrame
            For each measure its value, ``…_z`` (in standard deviations of the shuffles, from
            their mean) and ``…_p`` (share of shuffles that are at least as large); then
            ``similarity_GROUP``, ``principal_angle_GROUP`` and ``procrustes_GROUP``.
        """
        import pandas as pd

        columns: dict[str, Any] = {}
        for name, values in self.observed.items():
            null = self.null[name]
            columns[name] = values
            if len(null) > 0:
                # Shuffles that are all alike have a spread of rounding errors.
                spread = np.where(null.std(axis=0) > 1e-12, null.std(axis=0), np.nan)
                columns[f"{name}_z"] = (values - null.mean(axis=0)) / spread
                columns[f"{name}_p"] = tail_p_values(values, null, tail="upper")
        for name, per_group in self.pairs.items():
            for index, group in enumerate(self.groups):
                columns[f"{name}_{group}"] = per_group[:, index]
        return pd.DataFrame(columns)


def group_alignment(
    embedding: NodeEmbedding,
    *,
    reference: str = "sensory",
    groups: Sequence[str] | None = None,
    n_shuffles: int = 199,
    seed: int = 0,
) -> GroupAlignment:
    """
    Measure how separable groups are, and how aligned with a reference, in every window.

    Parameters
    ----------
    embedding : NodeEmbedding
        Mean, shape (n_windows, n_nodes, latent_size), over nodes with groups.
    reference : str
        The group that the others are compared with, such as the sensory subregion.
    groups : sequence of str, optional
        The other groups; all by default.  Nodes of no named group are left out.
    n_shuffles : int
        Number of shuffles of the groups, all distinct ones where there are fewer; 0 for none.
    seed : int
        Seed of the shuffles.

    Returns
    -------
    GroupAlignment
        ``silhouette``, ``group_accuracy`` and ``similarity`` with their null; the measures
        between the reference and each group.

    Raises
    ------
    InputError
        If a group does not exist or has fewer than three nodes, there is one group only, or no
        node exists in every window.

    Warns
    -----
    DataLossWarning
        If nodes that do not exist in every window are left out.

    Notes
    -----
    Nodes stand as unit vectors, so that an angle counts and a length does not; a node of no
    length has a similarity of 0.  ``group_accuracy`` is ridge regression of group membership,
    scores divided by the share of the group, with the exact leave-one-out formula
    ``ŷ₋ᵢ = (ŷᵢ − hᵢᵢ yᵢ) / (1 − hᵢᵢ)``.  Subspaces are spanned by the leading half of the
    singular vectors of a group's nodes; ``principal_angle`` [1]_ is the mean over them.
    ``procrustes`` is ``min_R ‖S_a^½ − S_b^½ R‖`` over rotations, with the second moments ``S`` of
    the two groups [2]_.

    References
    ----------
    .. [1] Björck & Golub (1973), Mathematics of Computation 27, 579-594.
    .. [2] Dryden, Koloydenko & Zhou (2009), Annals of Applied Statistics 3, 1102-1123.

    Examples
    --------
    >>> import numpy as np
    >>> from tavrnn_ephys.core.containers import NodeEmbedding, Nodes, Windows
    >>> places = np.repeat([[0.0, 5.0], [5.0, 0.0]], 6, axis=0)
    >>> noise = np.random.default_rng(0).normal(0, 0.1, (3, 12, 2))
    >>> embedding = NodeEmbedding(
    ...     mean=places + noise,
    ...     std=np.ones((3, 12, 2)),
    ...     windows=Windows(start_s=[0.0, 1.0, 2.0], stop_s=[1.0, 2.0, 3.0]),
    ...     nodes=Nodes(ids=range(12), groups=["sensory"] * 6 + ["motor"] * 6),
    ... )
    >>> alignment = group_alignment(embedding, n_shuffles=9)
    >>> alignment.observed["silhouette"].round(1).tolist()
    [1.0, 1.0, 1.0]
    """
    whole_number(n_shuffles, "n_shuffles")
    nodes, kept = nodes_throughout(embedding)
    names = check_groups(nodes, reference, groups)
    kept = kept[np.isin(nodes.groups, names)]
    codes = np.array([names.index(str(name)) for name in embedding.node_groups[kept]])
    positions = embedding.nodes.positions_um
    places = None if positions is None else np.asarray(positions)[kept]
    keeps_space = places is not None and bool(np.isfinite(places).all())
    shuffled = [codes]
    if n_shuffles:
        shuffled += list(_shuffles(codes, places if keeps_space else None, n_shuffles, seed))
    members = np.stack([np.eye(len(names))[labels] for labels in shuffled])
    points = unit_vectors(np.asarray(embedding.mean[:, kept], dtype=np.float64))
    found = {name: np.empty((len(members), len(points))) for name in DESCRIPTIONS}
    for window, nodes in enumerate(points):
        for name, values in _window_measures(nodes, members).items():
            found[name][:, window] = values
    return GroupAlignment(
        reference=reference,
        groups=tuple(names[1:]),
        observed={name: values[0] for name, values in found.items()},
        null={name: values[1:] for name, values in found.items()},
        pairs=_pair_measures(points, codes, len(names)),
        keeps_space=keeps_space,
    )


def shuffle_groups_in_space(
    groups: Any, positions_um: Any, *, n_shuffles: int = 199, seed: int = 0
) -> NDArray[np.str_]:
    """
    Lay the groups over the electrodes anew, as patches of the same sizes elsewhere.

    Parameters
    ----------
    groups : array_like of str, shape (n_nodes,)
        Group of each node.
    positions_um : array_like, shape (n_nodes, 2 or 3)
        Positions in micrometres, finite.
    n_shuffles : int
        Number of shuffles.
    seed : int
        Seed of the centres.

    Returns
    -------
    numpy.ndarray of str
        Shape (n_shuffles, n_nodes); in every row each group has as many nodes as before.

    Notes
    -----
    Every group gets a random centre, and the electrodes are dealt out so that the squared
    distances from the centres are least, each group keeping its number of nodes: the cells are
    those of a power diagram [1]_, convex but for the gaps of the array.  Neighbours stay
    neighbours, as in spin tests of cortical maps [2]_, which a bounded and often symmetric array
    does not allow.  Meant for groups that are patches; scattered groups are less compact than
    their shuffles.

    References
    ----------
    .. [1] Aurenhammer, Hoffmann & Aronov (1998), Algorithmica 20, 61-76.
    .. [2] Alexander-Bloch et al. (2018), NeuroImage 178, 540-551.

    Examples
    --------
    >>> line = np.column_stack([np.arange(6.0), np.zeros(6)])
    >>> rows = shuffle_groups_in_space(["a", "a", "a", "b", "b", "b"], line, n_shuffles=2)
    >>> [sorted(row.tolist()) for row in rows]
    [['a', 'a', 'a', 'b', 'b', 'b'], ['a', 'a', 'a', 'b', 'b', 'b']]
    """
    groups = np.asarray(groups, dtype=str)
    places = np.asarray(positions_um, dtype=np.float64)
    if len(places) != len(groups) or not np.isfinite(places).all():
        raise InputError("Groups can be moved in space only if each node has a finite position.")
    return _shuffles(groups, places, n_shuffles, seed)


def check_groups(nodes: Nodes, reference: str, groups: Sequence[str] | None = None) -> list[str]:
    """
    Refuse groups that cannot be aligned.

    Parameters
    ----------
    nodes : Nodes
        The nodes.
    reference : str
        The group that the others are compared with.
    groups : sequence of str, optional
        The other groups; all by default.

    Returns
    -------
    list of str
        The reference, then the others.

    Raises
    ------
    InputError
        If a group does not exist or has fewer than three nodes, or there is one group only.
    """
    known = nodes.group_names
    if not known:
        raise InputError(
            "No node has a group, so that nothing can be aligned. Name groups of nodes: --groups "
            "on the command line."
        )
    others = [name for name in known if name != reference] if groups is None else list(groups)
    names = [reference, *dict.fromkeys(name for name in others if name != reference)]
    absent = [name for name in names if name not in known]
    if absent:
        raise InputError(f"No node belongs to the group {some(absent)}; there are {some(known)}.")
    if len(names) < 2:
        raise InputError(f"'{reference}' is the only group: alignment needs another one.")
    small = [name for name in names if np.sum(nodes.groups == name) < LEAST_NODES]
    if small:
        raise InputError(
            f"Groups of fewer than {LEAST_NODES} nodes cannot be aligned: {some(small)}. Name the "
            "others: groups=[…], on the command line --groups."
        )
    return names


def _shuffles(
    labels: NDArray[Any], places: NDArray[np.float64] | None, n_shuffles: int, seed: int
) -> NDArray[Any]:
    """Shuffled labels, shape (n_shuffles, n_nodes): freely, or as compact patches in space."""
    rng = np.random.default_rng(whole_number(seed, "seed"))
    if places is None:
        return arrangements(labels, most=n_shuffles, rng=rng)[1:]
    # Places of nodes, one for each node, in the order of the groups.
    names, owner = np.unique(labels, return_inverse=True)
    owner = np.sort(owner)
    low, high = places.min(axis=0), places.max(axis=0)
    shuffled = []
    for _ in range(n_shuffles):
        centers = rng.uniform(low, high, (len(names), places.shape[1]))
        _, taken = linear_sum_assignment(cdist(places, centers, "sqeuclidean")[:, owner])
        shuffled.append(names[owner[taken]])
    return np.stack(shuffled)


def _window_measures(
    nodes: NDArray[np.float64], members: NDArray[np.float64]
) -> dict[str, NDArray[np.float64]]:
    """Measures of one window for all shuffles; members: (n_shuffles, n_nodes, n_groups)."""
    n_shuffles, n_nodes, n_groups = members.shape
    flat = members.transpose(1, 0, 2).reshape(n_nodes, -1)
    cosine = nodes @ nodes.T
    sums = (cosine @ flat).reshape(n_nodes, n_shuffles, n_groups)
    return {
        "silhouette": _silhouette(np.diag(cosine), sums, members),
        "group_accuracy": _left_out_accuracy(nodes, flat, members),
        "similarity": _similarity(sums, members),
    }


def _similarity(sums: NDArray[np.float64], members: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean cosine between reference (group 0) and each other group, then over groups."""
    sizes = members.sum(axis=1)
    totals = np.einsum("sn,nsg->sg", members[:, :, 0], sums)
    return np.asarray((totals / (sizes[:, :1] * sizes))[:, 1:].mean(axis=1))


def _silhouette(
    own: NDArray[np.float64], sums: NDArray[np.float64], members: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Rousseeuw (1987), with 1 − cosine as distance, from sums of cosines over groups."""
    sizes = members.sum(axis=1)
    member = members.transpose(1, 0, 2).astype(bool)
    mean_distance = 1.0 - sums / sizes
    inside = (np.sum(sums, axis=2, where=member) - own[:, None]) / (
        np.sum(np.broadcast_to(sizes, sums.shape), axis=2, where=member) - 1
    )
    a = 1.0 - inside
    b = np.where(member, np.inf, mean_distance).min(axis=2)
    widths = (b - a) / np.maximum(np.maximum(a, b), 1e-12)
    per_group = np.einsum("ns,nsg->sg", widths, member.astype(np.float64)) / sizes
    return np.asarray(per_group.mean(axis=1))


def _left_out_accuracy(
    nodes: NDArray[np.float64], flat: NDArray[np.float64], members: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Decode the group of each left-out node by ridge regression, for all shuffles at once."""
    n_shuffles, n_nodes, n_groups = members.shape
    design = np.column_stack([np.ones(n_nodes), nodes])
    penalty = _RIDGE * n_nodes * np.eye(design.shape[1])
    penalty[0, 0] = 1e-9
    hat = design @ np.linalg.solve(design.T @ design + penalty, design.T)
    leverage = np.diag(hat)[:, None]
    left_out = (hat @ flat - leverage * flat) / np.maximum(1.0 - leverage, 1e-9)
    scores = left_out.reshape(n_nodes, n_shuffles, n_groups) / members.mean(axis=1)
    right = scores.argmax(axis=2) == members.transpose(1, 0, 2).argmax(axis=2)
    per_group = np.einsum("ns,sng->sg", right.astype(np.float64), members)
    return np.asarray((per_group / members.sum(axis=1)).mean(axis=1))


def _pair_measures(
    points: NDArray[np.float64], codes: NDArray[np.int64], n_groups: int
) -> dict[str, NDArray[np.float64]]:
    """Measures between group 0 and each other group, shape (n_windows, n_groups - 1)."""
    first, *others = (points[:, codes == code] for code in range(n_groups))
    measures = {
        "similarity": lambda a, b: np.einsum("tid,tjd->t", a, b) / (a.shape[1] * b.shape[1]),
        "principal_angle": _angles_degrees,
        "procrustes": procrustes,
    }
    return {
        name: np.stack([measures[name](first, other) for other in others], axis=1)
        for name in PAIR_DESCRIPTIONS
    }


def _angles_degrees(a: NDArray[np.float64], b: NDArray[np.float64]) -> NDArray[np.float64]:
    """Mean principal angle of every window; small angles by their sine, for precision."""
    rank = max(1, min(a.shape[1], b.shape[1], a.shape[2]) // 2)
    spans = [np.linalg.svd(part, full_matrices=False)[2][:, :rank] for part in (a, b)]
    shared = spans[0] @ spans[1].swapaxes(1, 2)
    cosines = np.linalg.svd(shared, compute_uv=False).clip(max=1.0)
    outside = spans[1] - shared.swapaxes(1, 2) @ spans[0]
    sines = np.linalg.svd(outside, compute_uv=False)[:, ::-1].clip(max=1.0)
    angles = np.where(np.square(cosines) >= 0.5, np.arcsin(sines), np.arccos(cosines))
    return np.asarray(np.degrees(angles).mean(axis=1))
