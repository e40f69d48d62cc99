"""Which nodes an embedding follows through all of its windows."""

from __future__ import annotations

import warnings

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import NodeEmbedding, Nodes
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.names import several


def nodes_throughout(
    embedding: NodeEmbedding, what: str = "the alignment"
) -> tuple[Nodes, NDArray[np.intp]]:
    """Take the nodes that exist in every window, of which alone a group can be followed."""
    always = embedding.node_mask.all(axis=0)
    nodes = embedding.nodes
    if always.all():
        return nodes, np.arange(len(nodes))
    if not always.any():
        raise InputError(
            f"None of the {len(nodes)} {several(nodes.kind)} exists in every window: they "
            "cannot be followed. Choose windows that share nodes."
        )
    warnings.warn(
        f"{int((~always).sum())} of {len(nodes)} {several(nodes.kind)} do not exist in every "
        f"window and are left out of {what}: {some(nodes.ids[~always])}.",
        DataLossWarning,
        stacklevel=4,
    )
    return Nodes(
        ids=nodes.ids[always], kind=nodes.kind, groups=nodes.groups[always]
    ), np.flatnonzero(always)
