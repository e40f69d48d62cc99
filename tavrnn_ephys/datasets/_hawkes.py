"""Sparse coupling of a linear Hawkes process, and the spikes that spikes cause."""

from __future__ import annotations

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

__all__ = ["children_of", "cumulative_weights", "draw_coupling"]


def draw_coupling(
    candidates: list[NDArray[np.int64]],
    rates: NDArray[np.float64],
    n_parents: int,
    coupled_fraction: float,
    rng: np.random.Generator,
) -> scipy.sparse.csc_array:
    """Draw parents; ``W[child, parent]`` is the mean number of children of one spike."""
    rows, columns, values = [], [], []
    for child, pool in enumerate(candidates):
        pool = pool[pool != child]
        parents = rng.choice(pool, min(n_parents, len(pool)), replace=False)
        rows.append(np.full(len(parents), child))
        columns.append(parents)
        values.append(coupled_fraction * rates[child] / rates[parents] / len(parents))
    shape = (len(candidates), len(candidates))
    places = (np.concatenate(rows), np.concatenate(columns))
    return scipy.sparse.csc_array((np.concatenate(values), places), shape=shape)


def children_of(
    coupling: scipy.sparse.csc_array,
    sources: NDArray[np.int64],
    rng: np.random.Generator,
    cumulative: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """
    Draw how many children each spike has, then which nodes they are.

    Returns the position of each child's parent among the spikes, and its node; ``cumulative``
    are the :func:`cumulative_weights` of the coupling, where they are at hand.
    """
    cumulative = cumulative_weights(coupling) if cumulative is None else cumulative
    low = cumulative[coupling.indptr[sources]]
    width = cumulative[coupling.indptr[sources + 1]] - low
    n_children = rng.poisson(width)
    parents = np.repeat(np.arange(len(sources)), n_children)
    target = low[parents] + rng.random(len(parents)) * width[parents]
    entry = np.searchsorted(cumulative, target, side="right") - 1
    nodes = coupling.indices[np.minimum(entry, len(coupling.indices) - 1)]
    return parents, nodes.astype(np.int64)


def cumulative_weights(coupling: scipy.sparse.csc_array) -> NDArray[np.float64]:
    """Sum the weights up, from 0 to that of all."""
    return np.concatenate([[0.0], np.cumsum(coupling.data)])
