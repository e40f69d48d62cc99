"""Groups of nodes, given to a recording."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import InputError

if TYPE_CHECKING:
    import neo

__all__ = ["with_node_groups"]


def with_node_groups(block: neo.Block, groups: Mapping[str, str]) -> neo.Block:
    """
    Give the nodes of a recording groups.

    Parameters
    ----------
    block : neo.Block
        The recording; spike trains are annotated anew, and it is returned itself.
    groups : mapping of str to str
        Group of each node by its id; nodes that are not named have none.

    Returns
    -------
    neo.Block
        The recording.

    Raises
    ------
    InputError
        If a node is named that the recording does not have, or it holds no spike trains.
    """
    trains = [train for segment in block.segments for train in segment.spiketrains]
    if not trains:
        raise InputError(
            "Groups can be given to recordings with spike trains; this one has traces, whose "
            "groups stand in the file."
        )
    ids = [str(train.annotations.get("node_id", train.name)) for train in trains]
    absent = sorted(set(groups) - set(ids))
    if absent:
        raise InputError(
            f"The groups name {len(absent)} channels that the recording does not have: "
            f"{some(absent)}; it has {some(dict.fromkeys(ids), 3)}."
        )
    for train, identity in zip(trains, ids, strict=True):
        train.annotate(node_group=str(groups.get(identity, "")))
    return block
