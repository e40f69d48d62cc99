"""Electrodes of a simulated culture and their subregions."""

from __future__ import annotations

import numpy as np

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import InputError

__all__ = ["culture_nodes"]

# Share of the 900 recorded channels of a DishBrain chip in each subregion, and the rectangle
# in micrometres that holds it, or most of it (a few sensory channels of the real chip lie
# beside the motor subregions): left, bottom, width, height.
_LAYOUT = {
    "sensory": (502, (175.0, 175.0, 3430.0, 800.0)),
    "L_down": (99, (875.0, 1400.0, 472.5, 472.5)),
    "L_up": (100, (350.0, 1400.0, 472.5, 472.5)),
    "R_down": (99, (2975.0, 1400.0, 472.5, 472.5)),
    "R_up": (100, (2450.0, 1400.0, 472.5, 472.5)),
}
_PITCH_UM = 17.5


def culture_nodes(n_nodes: int, rng: np.random.Generator) -> Nodes:
    """
    Lay channels over the subregions in the proportions of a DishBrain chip.

    Parameters
    ----------
    n_nodes : int
        Number of channels, at least 20.
    rng : numpy.random.Generator
        Draws their places.

    Returns
    -------
    Nodes
        Channels with positions and groups.

    Raises
    ------
    InputError
        If there are too few to fill five subregions.
    """
    if positive_int(n_nodes, "n_nodes") < 20:
        raise InputError(f"n_nodes must be at least 20 to fill five subregions, got {n_nodes}.")
    counts = np.array([count for count, _ in _LAYOUT.values()])
    share = counts / counts.sum() * n_nodes
    sizes = np.floor(share).astype(int)
    sizes[np.argsort(sizes - share)[: n_nodes - sizes.sum()]] += 1
    groups, positions = [], []
    for name, size in zip(_LAYOUT, sizes, strict=True):
        left, bottom, width, height = _LAYOUT[name][1]
        columns, rows = int(width / _PITCH_UM), int(height / _PITCH_UM)
        sites = rng.choice(columns * rows, size=size, replace=False)
        x, y = left + sites % columns * _PITCH_UM, bottom + sites // columns * _PITCH_UM
        positions.append(np.column_stack([x, y]))
        groups += [name] * size
    return Nodes(
        ids=[f"ch{index:04d}" for index in range(n_nodes)],
        kind="channel",
        groups=groups,
        positions_um=np.concatenate(positions),
    )
