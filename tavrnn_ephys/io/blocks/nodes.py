"""Which nodes the objects of a segment are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.io.blocks.objects import AXES

if TYPE_CHECKING:
    import neo

__all__ = ["nodes_of_signal", "nodes_of_spiketrains"]


def nodes_of_spiketrains(spiketrains: Sequence[neo.SpikeTrain]) -> Nodes:
    """
    Read the nodes off a list of spike trains.

    Parameters
    ----------
    spiketrains : sequence of neo.SpikeTrain
        Trains of one segment.  Without our annotations a train is known by ``unit_id``,
        by its name, by the ``channel_id`` of Neo's multiplexed lists, or by its position in the
        list, whichever comes first and is unique.

    Returns
    -------
    Nodes
        One node per train, in their order.

    Raises
    ------
    InputError
        If there is no train, or an id stands twice.
    """
    if len(spiketrains) == 0:
        raise InputError("This segment has no spike trains.")
    about = [train.annotations for train in spiketrains]
    tables = {str(item.get("node_table", "")) for item in about}
    return Nodes(
        ids=_spiketrain_ids(spiketrains),
        kind=str(about[0].get("node_kind", "unit")),
        groups=[item.get("node_group", "") for item in about],
        positions_um=_positions_um(about),
        rows=[item.get("node_row", -1) for item in about],
        table=tables.pop() if len(tables) == 1 else "",
    )


def _spiketrain_ids(spiketrains: Sequence[neo.SpikeTrain]) -> list[str]:
    explicit = [train.annotations.get("node_id") for train in spiketrains]
    if all(value is not None for value in explicit):
        return [str(value) for value in explicit]
    for candidate in (
        [train.annotations.get("unit_id") for train in spiketrains],
        [train.name for train in spiketrains],
        [train.annotations.get("channel_id") for train in spiketrains],
    ):
        if all(value not in (None, "") for value in candidate):
            ids = [str(value) for value in candidate]
            if len(set(ids)) == len(ids):
                return ids
    return [str(index) for index in range(len(spiketrains))]


def _positions_um(about: Sequence[Mapping[str, Any]]) -> NDArray[np.float64] | None:
    if not all("x" in item and "y" in item for item in about):
        return None
    axes = AXES if all("z" in item for item in about) else AXES[:2]
    return np.array([[_micrometres(item[axis]) for axis in axes] for item in about])


def _micrometres(value: Any) -> float:
    return float(value.rescale("um").magnitude) if hasattr(value, "rescale") else float(value)


def nodes_of_signal(signal: neo.AnalogSignal) -> Nodes:
    """
    Read the nodes off a signal with one channel per node.

    Parameters
    ----------
    signal : neo.AnalogSignal or neo.IrregularlySampledSignal
        Traces, shape (n_samples, n_nodes).

    Returns
    -------
    Nodes
        One node per channel, named by position where no ``node_id`` is annotated.
    """
    arrays, n_nodes = signal.array_annotations, signal.shape[1]
    axes = [axis for axis in AXES if axis in arrays]
    positions = None
    if len(axes) >= 2:
        positions = np.column_stack(
            [
                arrays[axis].rescale("um").magnitude
                if hasattr(arrays[axis], "rescale")
                else np.asarray(arrays[axis], dtype=float)
                for axis in axes
            ]
        )
    return Nodes(
        ids=arrays.get("node_id", np.arange(n_nodes)),
        kind=str(signal.annotations.get("node_kind", "roi")),
        groups=arrays.get("node_group"),
        positions_um=positions,
        rows=arrays.get("node_row"),
        table=str(signal.annotations.get("node_table", "")),
    )
