"""States of a culture, and the coupling of each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import Nodes

STATES = ("segregated", "aligned")


def switching(
    total_s: float, dwell_s: float, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    limits = [0.0]
    while limits[-1] < total_s:
        limits.append(limits[-1] + dwell_s * rng.uniform(0.5, 1.5))
    limits[-1] = total_s
    states = (np.arange(len(limits) - 1) + rng.integers(2)) % 2
    return np.array(limits), states


def coupling_of_states(
    nodes: Nodes,
    rates: NDArray[np.float64],
    coupled_fraction: float,
    n_parents: int,
    state: int,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Draw the parents of each node; every node owes the same fraction of its rate to them."""
    groups = np.asarray(nodes.groups)
    coupling = np.zeros((len(nodes), len(nodes)))
    for child, group in enumerate(groups):
        parent_group = "sensory" if STATES[state] == "aligned" else group
        candidates = np.flatnonzero(groups == parent_group)
        candidates = candidates[candidates != child]
        parents = rng.choice(candidates, size=min(n_parents, len(candidates)), replace=False)
        coupling[child, parents] = coupled_fraction * rates[child] / rates[parents] / len(parents)
    return coupling
