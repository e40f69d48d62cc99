"""States of a culture, and the coupling of each."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import Nodes

STATES = ("segregated", "aligned", "relayed")
_MOTOR = ("L_down", "L_up", "R_down", "R_up")


def switching(
    total_s: float, dwell_s: float, n_states: int, rng: np.random.Generator
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw when the state changes, and which one it becomes; never the one that it was."""
    limits = [0.0]
    while limits[-1] < total_s:
        limits.append(limits[-1] + dwell_s * rng.uniform(0.5, 1.5))
    limits[-1] = total_s
    first, n_stays = rng.integers(n_states), len(limits) - 1
    if n_states < 3:
        return np.array(limits), (np.arange(n_stays) + first) % n_states
    steps = rng.integers(1, n_states, n_stays)
    steps[0] = first
    return np.array(limits), np.cumsum(steps) % n_states


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
        parent_group = _driving_group(STATES[state], str(group))
        candidates = np.flatnonzero(groups == parent_group)
        candidates = candidates[candidates != child]
        parents = rng.choice(candidates, size=min(n_parents, len(candidates)), replace=False)
        coupling[child, parents] = coupled_fraction * rates[child] / rates[parents] / len(parents)
    return coupling


def _driving_group(state: str, group: str) -> str:
    """Subregion that drives a node of a group."""
    if state == "aligned":
        return "sensory"
    if state == "relayed" and group in _MOTOR:
        return _MOTOR[(_MOTOR.index(group) + 1) % len(_MOTOR)]
    return group
