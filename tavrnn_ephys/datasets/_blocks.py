"""What blocks of simulated cultures have in common: spike trains, and that nothing was recorded."""

from __future__ import annotations

import datetime
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.io.blocks import make_spiketrain

if TYPE_CHECKING:
    import neo

__all__ = ["simulated_block", "trains_of"]


def trains_of(
    times_s: NDArray[np.float64], sources: NDArray[np.int64], nodes: Nodes, t_stop_s: float
) -> list[neo.SpikeTrain]:
    """Make a spike train of every node from the spikes of all."""
    order = np.lexsort((times_s, sources))
    counts = np.bincount(sources, minlength=len(nodes))
    trains = np.split(times_s[order], np.cumsum(counts)[:-1])
    return [
        make_spiketrain(train, nodes, index, t_start_s=0.0, t_stop_s=t_stop_s)
        for index, train in enumerate(trains)
    ]


def simulated_block(
    segment: neo.Segment, *, name: str, title: str, keyword: str, how: str, session: str, seed: int
) -> neo.Block:
    """Put a segment into a block that says that nothing in it was recorded."""
    import neo

    kind = name.replace(" ", "-")
    block = neo.Block(
        name=name,
        rec_datetime=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC),
        session_id=session,
        session_description=title,
        experimenter=["Simulation, Numerical"],
        institution="none (simulation)",
        lab="none (simulation)",
        keywords=["simulation", "multi-electrode array", keyword],
        experiment_description=how,
        subject={
            "subject_id": f"{kind}-{seed}",
            "description": "Simulated culture of cortical neurons; not a living subject.",
            "species": "Rattus norvegicus",
            "sex": "U",
            "age": "P21D",
        },
    )
    block.segments.append(segment)
    return block
