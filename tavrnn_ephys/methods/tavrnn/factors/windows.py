"""The windows that factors are learnt from, as standardised pairs in memory."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tavrnn_ephys.core.graph_conversion import arrows
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.graphs_on_demand import dense_weights
from tavrnn_ephys.core.learnt_windows import n_learnt
from tavrnn_ephys.methods.tavrnn.factors.digests import digest_of

__all__ = ["GraphWindows", "weights_of"]

# Windows of a stretch where not all are taken: states that last are seen to last.
_STRETCH = 64
# Values, of some pairs in all windows, that are worked on at once.
_CHUNK = 2**22


def weights_of(
    graphs: GraphSequence, index: int, device: torch.device
) -> tuple[Tensor, Tensor | None]:
    """
    Give the weights of a window, and the nodes that exist in it.

    Parameters
    ----------
    graphs : GraphSequence
        The graphs.
    index : int
        Which window.
    device : torch.device
        Where the tensors go.

    Returns
    -------
    tuple of torch.Tensor
        Shape (n_nodes, n_nodes), zeros on the diagonal; and (n_nodes,), or ``None`` if all exist.
    """
    weights = np.array(dense_weights(graphs.weights, index), dtype=np.float32)
    np.fill_diagonal(weights, 0.0)
    present = None
    if graphs.node_mask is not None:
        present = torch.from_numpy(np.array(graphs.node_mask[index])).to(device)
    return torch.from_numpy(weights).to(device), present


class GraphWindows:
    """
    The windows of one session that factors are learnt from.

    A pair of an undirected graph is held once.  Where not all windows have room, stretches of them
    are taken, spread evenly over the session.

    Parameters
    ----------
    sequences : sequence of GraphSequence
        The stretches of the session.
    device : torch.device
        Where the tensors go.

    Attributes
    ----------
    directed : bool
        Whether a pair has two weights.
    chosen : numpy.ndarray of int64, shape (n_windows,)
        Which windows of the session they are.
    stretches : list of numpy.ndarray of int64
        Positions of windows that follow each other.
    incomplete : list of int
        Positions of windows in which a node does not exist.
    digests : torch.Tensor of int64, shape (n_windows, 2)
        By which each window is known again, once they are standardised.
    """

    def __init__(self, sequences: Sequence[GraphSequence], device: torch.device) -> None:
        self.directed = arrows(sequences[0])
        self._n_nodes = n_nodes = sequences[0].n_nodes
        self._device = device
        everything = np.arange(n_nodes**2, dtype=np.int64).reshape(n_nodes, n_nodes)
        pairs = everything.ravel() if self.directed else everything[np.triu_indices(n_nodes, 1)]
        self._pairs = torch.from_numpy(pairs).to(device)
        places = [(item, index) for item in sequences for index in range(len(item))]
        self.chosen = _spread(len(places), n_learnt(len(places), len(pairs)))
        self._places = [places[index] for index in self.chosen]
        limits = np.cumsum([0, *map(len, sequences)])
        parts = np.searchsorted(limits, self.chosen, side="right")
        breaks = np.flatnonzero((np.diff(self.chosen) != 1) | (np.diff(parts) != 0)) + 1
        self.stretches = np.split(np.arange(len(self)), breaks)
        self.incomplete = [
            number
            for number, (item, index) in enumerate(self._places)
            if item.node_mask is not None and not item.node_mask[index].all()
        ]
        self.digests = torch.zeros(len(self), 2, dtype=torch.int64)
        self._values = torch.zeros(0)

    def __len__(self) -> int:
        return len(self._places)

    def window(self, index: int) -> tuple[Tensor, Tensor | None]:
        """
        Give one window.

        Parameters
        ----------
        index : int
            Which window.

        Returns
        -------
        tuple of torch.Tensor
            Its weights, and the nodes that exist in it.
        """
        graphs, position = self._places[index]
        return weights_of(graphs, position, self._device)

    def standardize(self) -> tuple[Tensor, Tensor]:
        """
        Read every window once, and express its pairs in standard deviations from their mean.

        Returns
        -------
        tuple of torch.Tensor, shape (n_nodes, n_nodes)
            The mean graph, and the deviation of each pair over the windows in which it exists;
            0 for pairs that do not vary.
        """
        self._values = torch.empty(len(self), len(self._pairs), device=self._device)
        for index in range(len(self)):
            weights, present = self.window(index)
            self.digests[index] = digest_of(weights)
            if present is not None:
                weights[~(present[:, None] & present)] = torch.nan
            self._values[index] = weights.flatten()[self._pairs]
        mean, scale = (torch.zeros(len(self._pairs), device=self._device) for _ in range(2))
        for pairs in self._chunks():
            values = self._values[:, pairs].double()
            count = (~values.isnan()).sum(dim=0)
            middle = values.nansum(dim=0) / count.clamp(min=1)
            square = (values - middle).square().nansum(dim=0)
            spread = (square / (count - 1).clamp(min=1)).sqrt()
            # Rounding leaves a deviation of a few ulp where a weight is always the same.
            spread = torch.where(spread > 1e-6 * middle.abs() + 1e-12, spread, 0.0)
            mean[pairs], scale[pairs] = middle.float(), spread.float()
            unit = torch.where(spread > 0, spread, torch.inf)
            self._values[:, pairs] = ((values - middle) / unit).nan_to_num(nan=0.0).float()
        return self._matrices(mean[None])[0], self._matrices(scale[None])[0]

    def strongest(self, gate: Tensor, n_directions: int) -> NDArray[np.float64]:
        """
        Find the directions in which gated windows differ most.

        Parameters
        ----------
        gate : torch.Tensor, shape (n_nodes, n_nodes)
            Weight of each pair.
        n_directions : int
            How many are wanted.

        Returns
        -------
        numpy.ndarray, shape (n_windows, n_directions)
            Score of every window in each, the strongest first; fewer for few windows.
        """
        square = gate.square().flatten()[self._pairs]
        gram = np.zeros((len(self), len(self)))
        for pairs in self._chunks():
            values = self._values[:, pairs]
            gram += ((values * square[pairs]) @ values.T).double().cpu().numpy()
        found, vectors = np.linalg.eigh((gram + gram.T) / 2)
        order = np.argsort(found)[::-1][:n_directions]
        scores: NDArray[np.float64] = vectors[:, order] * np.sqrt(np.maximum(found[order], 0.0))
        return scores

    def products(self, states: NDArray[np.float64]) -> Tensor:
        """
        Sum the windows, each weighted by its states.

        Parameters
        ----------
        states : numpy.ndarray, shape (n_windows, n_states)
            The states.

        Returns
        -------
        torch.Tensor, shape (n_states, n_nodes, n_nodes)
            One sum per state.
        """
        weights = torch.from_numpy(states).to(self._device, torch.float32)
        return self._matrices(weights.T @ self._values)

    def evidence(self, loadings: Tensor) -> NDArray[np.float64]:
        """
        Multiply every window with the loadings of every factor.

        Parameters
        ----------
        loadings : torch.Tensor, shape (n_factors, n_nodes, n_nodes)
            The loadings.

        Returns
        -------
        numpy.ndarray, shape (n_windows, n_factors)
            Sums over all entries of the graphs: a pair of an undirected one counts twice.
        """
        found = self._values @ loadings.flatten(1)[:, self._pairs].T
        return (found.double() * (1 if self.directed else 2)).cpu().numpy()

    def _chunks(self) -> Iterator[slice]:
        size = max(1, _CHUNK // len(self))
        for first in range(0, len(self._pairs), size):
            yield slice(first, first + size)

    def _matrices(self, values: Tensor) -> Tensor:
        """Lay pairs out as matrices."""
        found = torch.zeros(len(values), self._n_nodes**2, device=self._device)
        found[:, self._pairs] = values
        found = found.reshape(-1, self._n_nodes, self._n_nodes)
        return found if self.directed else found + found.transpose(1, 2)


def _spread(n_windows: int, wanted: int) -> NDArray[np.int64]:
    """Choose stretches of equal length, spread evenly."""
    if wanted >= n_windows:
        return np.arange(n_windows, dtype=np.int64)
    n_stretches = max(1, wanted // _STRETCH)
    length = wanted // n_stretches
    starts = np.linspace(0, n_windows - length, n_stretches).astype(np.int64)
    return np.unique(starts[:, np.newaxis] + np.arange(length))
