"""Training windows as blocks of standardised pairs, built when needed where they are large."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tavrnn_ephys.core.graph_conversion import arrows
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.graphs_on_demand import dense_weights

__all__ = ["GraphWindows", "weights_of"]

# Bytes of a block, and of all blocks that are kept.
_BLOCK, _KEPT = 2**26, 2**30
# Directions beyond those that are wanted, and rounds, of a search through windows not kept.
_MORE_DIRECTIONS, _N_ITERATIONS = 10, 4


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
    The training windows of one session.

    Parameters
    ----------
    sequences : sequence of GraphSequence
        Its stretches.
    device : torch.device
        Where the tensors go.
    """

    def __init__(self, sequences: Sequence[GraphSequence], device: torch.device) -> None:
        self.directed = arrows(sequences[0])
        self._places = [(item, index) for item in sequences for index in range(len(item))]
        self._device = device
        #: Positions of windows in which a node does not exist.
        self.incomplete = [
            number
            for number, (item, index) in enumerate(self._places)
            if item.node_mask is not None and not item.node_mask[index].all()
        ]
        limits = np.cumsum([0, *map(len, sequences)])
        self.stretches = [
            np.arange(first, last) for first, last in zip(limits[:-1], limits[1:], strict=True)
        ]
        n_nodes = sequences[0].n_nodes
        size = max(1, _BLOCK // (4 * n_nodes**2))
        self._blocks = [
            np.arange(first, min(first + size, len(self))) for first in range(0, len(self), size)
        ]
        self._keeps = 4 * n_nodes**2 * len(self) <= _KEPT
        self._kept: dict[int, Tensor] = {}
        self._standardized: Callable[[Tensor, Tensor | None], Tensor] | None = None

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

    def weights(self, index: int) -> Tensor:
        """
        Give the weights of one window.

        Parameters
        ----------
        index : int
            Which window.

        Returns
        -------
        torch.Tensor, shape (n_nodes, n_nodes)
            Its weights.
        """
        return self.window(index)[0]

    def moments(self) -> tuple[Tensor, Tensor]:
        """
        Give mean and standard deviation of every pair over the windows in which it exists.

        Returns
        -------
        tuple of torch.Tensor, shape (n_nodes, n_nodes)
            The mean graph; and the deviation, 0 for pairs that do not vary.
        """
        first = self.weights(0)
        total, square, count = (torch.zeros_like(first, dtype=torch.float64) for _ in range(3))
        for weights, there in self._with_presence():
            total += weights * there
            count += there
        mean = total / count.clamp(min=1.0)
        for weights, there in self._with_presence():
            square += (weights - mean).square() * there
        scale = (square / (count - 1.0).clamp(min=1.0)).sqrt()
        # Rounding leaves a deviation of a few ulp where a weight is always the same.
        scale = torch.where(scale > 1e-6 * mean.abs() + 1e-12, scale, 0.0)
        scale.fill_diagonal_(0.0)
        return mean.float(), scale.float()

    def _with_presence(self) -> Iterator[tuple[Tensor, Tensor]]:
        for index in range(len(self)):
            weights, present = self.window(index)
            there = torch.ones_like(weights) if present is None else present[:, None] & present
            yield weights.double(), there.double()

    def standardize(self, standardized: Callable[[Tensor, Tensor | None], Tensor]) -> None:
        """
        Say how pairs are standardised.

        Parameters
        ----------
        standardized : callable
            Takes the weights of a window and the nodes that exist in it.
        """
        self._standardized = standardized

    def strongest(self, gate: Tensor, n_directions: int) -> NDArray[np.float64]:
        """
        Find the directions in which gated windows differ most.

        Windows that are kept are multiplied with each other.  Others are read a few times over
        in place of once per block.

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

        Notes
        -----
        Subspace iteration from a random start, after Halko, Martinsson & Tropp (2011), *SIAM
        Rev.* 53, 217-288.
        """
        square, start = gate.square(), np.eye(len(self))
        if not self._keeps and n_directions + _MORE_DIRECTIONS < len(self):
            shape = len(self), n_directions + _MORE_DIRECTIONS
            start = np.random.default_rng(0).normal(size=shape)
            for _ in range(_N_ITERATIONS):
                start = np.linalg.qr(self._through(start, square))[0]
        gram = self._gram(square) if self._keeps else start.T @ self._through(start, square)
        values, vectors = np.linalg.eigh((gram + gram.T) / 2)
        order = np.argsort(values)[::-1][:n_directions]
        scores: NDArray[np.float64] = start @ vectors[:, order]
        return scores * np.sqrt(np.maximum(values[order], 0.0))

    def _gram(self, square: Tensor) -> NDArray[np.float64]:
        found = np.empty((len(self), len(self)))
        for rows, block in self._all():
            weighted = block * square.flatten()
            for columns, other in self._all():
                found[np.ix_(rows, columns)] = (weighted @ other.T).double().cpu().numpy()
        return found

    def _through(self, directions: NDArray[np.float64], square: Tensor) -> NDArray[np.float64]:
        """Multiply directions by the products of all windows with each other."""
        return self.evidence(self.products(directions) * square)

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
        n_nodes = self._places[0][0].n_nodes
        total = torch.zeros(weights.shape[1], n_nodes**2, device=self._device)
        for rows, block in self._all():
            total += weights[rows].T @ block
        return total.reshape(-1, n_nodes, n_nodes)

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
            Sums over pairs.
        """
        flat = loadings.flatten(1).T
        return np.concatenate([(block @ flat).double().cpu().numpy() for _, block in self._all()])

    def _all(self) -> Iterator[tuple[NDArray[np.int64], Tensor]]:
        for number, rows in enumerate(self._blocks):
            yield rows, self._block(number)

    def _block(self, number: int) -> Tensor:
        if number in self._kept:
            return self._kept[number]
        if self._standardized is None:
            raise RuntimeError("standardize has not been called.")
        windows = [self._standardized(*self.window(int(index))) for index in self._blocks[number]]
        block = torch.stack(windows).flatten(1)
        if self._keeps:
            self._kept[number] = block
        return block
