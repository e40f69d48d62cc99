"""The windows that factors are learnt from, as standardised pairs in memory."""

from __future__ import annotations

import copy
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
from tavrnn_ephys.methods.tavrnn.factors.pairs import NodePairs

__all__ = ["GraphWindows", "weights_of"]

# Windows of a stretch where not all are taken: states that last are seen to last.
_STRETCH = 64
# Degrees of freedom of the variance of all pairs, towards which that of each is drawn.
_PRIOR_FREEDOM = 20.0
# Values, of some pairs in all windows, that are worked on at once.
_CHUNK = 2**22
# As many as stay near the processor while their powers are taken.
_NEAR = 2**18


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
    pooled : bool
        Whether the scale of a pair is told by all pairs too.

    Attributes
    ----------
    directed : bool
        Whether a pair has two weights.
    pairs : NodePairs
        The pairs, in the order in which they are held.
    chosen : numpy.ndarray of int64, shape (n_windows,)
        Which windows of the session they are.
    stretches : list of numpy.ndarray of int64
        Positions of windows that follow each other.
    overlap : int
        With how many of the windows before it a window shares bins.
    incomplete : list of int
        Positions of windows in which a node does not exist.
    digests : torch.Tensor of int64, shape (n_windows, 2)
        By which each window is known again, once they are standardised.
    mean, scale : torch.Tensor, shape (n_nodes, n_nodes)
        The mean graph, and the scale of each pair, 0 for pairs that do not vary.
    variance : float
        Sum of the variances of all pairs, each in its scale.
    """

    mean: Tensor
    scale: Tensor
    variance: float
    # Of each pair: the mean that is subtracted in memory, sums of the first powers of what is left
    # over all windows; what is left of the mean, and one over the scale.
    _origin: Tensor
    _totals: Tensor
    _middle: Tensor
    _unit: Tensor

    def __init__(
        self, sequences: Sequence[GraphSequence], device: torch.device, *, pooled: bool = True
    ) -> None:
        self.directed = arrows(sequences[0])
        self.overlap = max(item.windows.overlap for item in sequences)
        self._device, self._pooled = device, pooled
        self.pairs = NodePairs(sequences[0].n_nodes, directed=self.directed, device=device)
        places = [(item, index) for item in sequences for index in range(len(item))]
        self.chosen = _spread(len(places), n_learnt(len(places), len(self.pairs)))
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
        self._absent: dict[int, Tensor] = {}

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

    def sharing(self) -> NDArray[np.bool_]:
        """
        Mark windows that share bins with one that is not marked, as few as can be.

        Returns
        -------
        numpy.ndarray of bool, shape (n_windows,)
            Without these, no two windows share bins.
        """
        marked = np.ones(len(self), dtype=bool)
        for part in self.stretches:
            marked[part[:: self.overlap + 1]] = False
        return marked

    def standardize(self) -> None:
        """
        Read every window once, and express its pairs in their scale, from their mean.

        Where it is pooled, the variance of a pair is drawn towards that of all pairs, the more the
        fewer windows tell it.  A pair of nodes that seldom fire hardly varies but for a few
        coincidences; on a scale of its own, these few would count as much as all that frequent
        pairs say.

        Notes
        -----
        Moderated variances: Smyth (2004), *Stat. Appl. Genet. Mol. Biol.* 3, 3.  The degrees of
        freedom of a pair are those of normal values whose variance is told as well:
        ``3 (Σ x²)² / Σ x⁴``, as many as there are windows where values are normal.
        """
        self._values = torch.empty(len(self), len(self.pairs), device=self._device)
        for index in range(len(self)):
            weights, present = self.window(index)
            self.digests[index] = digest_of(weights)
            self._values[index] = self.pairs.taken(weights)
            if present is not None:
                exists = self.pairs.taken(present[:, None] & present)
                self._absent[index] = (~exists).nonzero().flatten()
                self._values[index, self._absent[index]] = 0.0
        every = np.ones(len(self), dtype=bool)
        self._origin = (self._sums(every, 1)[0] / self._counts(every)).float()
        for pairs in self._chunks():
            self._values[:, pairs] -= self._origin[pairs]
        for index, absent in self._absent.items():
            self._values[index, absent] = 0.0
        self._totals = self._sums(every, 4)
        self._choose_scales(every, self._totals)

    def without(self, held: NDArray[np.bool_]) -> GraphWindows:
        """
        Standardise all windows by some of them alone.

        Parameters
        ----------
        held : numpy.ndarray of bool, shape (n_windows,)
            Windows that mean and scale know nothing of; not all.

        Returns
        -------
        GraphWindows
            The windows; what these hold in memory is shared.
        """
        other = copy.copy(self)
        other._choose_scales(~held, self._totals - self._sums(held, 4))
        return other

    def absent(self, index: int) -> Tensor:
        """
        Say which pairs do not exist in a window.

        Parameters
        ----------
        index : int
            Which window.

        Returns
        -------
        torch.Tensor of int64
            Their positions, ascending.
        """
        return self._absent.get(index, torch.zeros(0, dtype=torch.int64, device=self._device))

    def likeness(self, gate: Tensor) -> NDArray[np.float64]:
        """
        Multiply every gated window with every other.

        Parameters
        ----------
        gate : torch.Tensor, shape (n_pairs,)
            Weight of each pair.

        Returns
        -------
        numpy.ndarray, shape (n_windows, n_windows)
            Their products.
        """
        gram: NDArray[np.float64] = np.zeros((len(self), len(self)))
        for pairs in self._chunks():
            values = self._scaled(range(len(self)), pairs).mul_(gate[pairs])
            gram += _with_itself(values)
        return (gram + gram.T) / 2

    def standardized(self, indices: Sequence[int]) -> Tensor:
        """
        Give some windows.

        Parameters
        ----------
        indices : sequence of int
            Which.

        Returns
        -------
        torch.Tensor, shape (n_wanted, n_nodes, n_nodes)
            Their pairs, 0 where one does not vary or does not exist.
        """
        return self.pairs.laid_out(self._scaled(indices, slice(0, len(self.pairs))))

    def products(self, states: NDArray[np.float64], pairs: slice) -> Tensor:
        """
        Sum some pairs over windows, each weighted by its states.

        Parameters
        ----------
        states : numpy.ndarray, shape (n_windows, n_states)
            The states.
        pairs : slice
            Which pairs, as of :meth:`NodePairs.chunks`.

        Returns
        -------
        torch.Tensor, shape (n_states, n_wanted)
            One sum per state.
        """
        weights = torch.from_numpy(states).to(self._device, torch.float32)
        middle = self._middle[pairs]
        found = weights.T @ self._values[:, pairs] - weights.sum(dim=0)[:, None] * middle
        for index, absent in self._absent_among(pairs):
            found[:, absent] += weights[index][:, None] * middle[absent]
        return found * self._unit[pairs]

    def evidence(self, loadings: Tensor, pairs: slice) -> NDArray[np.float64]:
        """
        Multiply some pairs of every window with their loadings.

        Parameters
        ----------
        loadings : torch.Tensor, shape (n_factors, n_wanted)
            The loadings.
        pairs : slice
            Which pairs, as of :meth:`NodePairs.chunks`.

        Returns
        -------
        numpy.ndarray, shape (n_windows, n_factors)
            Sums over these pairs.
        """
        flat, middle = loadings * self._unit[pairs], self._middle[pairs]
        found = self._values[:, pairs] @ flat.T - flat @ middle
        for index, absent in self._absent_among(pairs):
            found[index] += flat[:, absent] @ middle[absent]
        return found.double().cpu().numpy()

    def _absent_among(self, pairs: slice) -> Iterator[tuple[int, Tensor]]:
        """Give of each incomplete window the places of absent pairs among some pairs."""
        limits = torch.tensor([pairs.start, pairs.stop], device=self._device)
        for index, absent in self._absent.items():
            first, last = torch.searchsorted(absent, limits).tolist()
            if last > first:
                yield index, absent[first:last] - pairs.start

    def _choose_scales(self, kept: NDArray[np.bool_], sums: Tensor) -> None:
        """Let some windows, by sums of their powers, tell the mean and the scale of each pair."""
        count = self._counts(kept)
        total, square, cube, fourth = sums
        middle = total / count
        square = (square - count * middle**2).clamp(min=0)
        fourth = fourth - 4 * middle * cube + 6 * middle**2 * square + 3 * count * middle**4
        # Of fourth powers a difference may leave rounding alone: then few windows tell the
        # variance, which is the upper of the limits that no values exceed.
        fourth = torch.where(fourth > 1e-12 * self._totals[3], fourth, torch.inf)
        fourth = fourth.clamp(min=square.square() / count, max=square.square())
        variance = square / (count - 1).clamp(min=1)
        mean = self._origin + middle
        # Rounding leaves a deviation of a few ulp where a weight is always the same, and of a few
        # ulp of all sums where it is the same in these windows.
        varies = variance > (1e-6 * mean.abs() + 1e-12).square()
        varies &= square > 1e-9 * self._totals[1]
        variance = torch.where(varies, variance, 0.0)
        scale = variance.sqrt()
        if self._pooled:
            usual = variance.sum() / varies.sum().clamp(min=1)
            freedom = 3 * square.square() / torch.where(varies, fourth, 1.0)
            drawn = (freedom * variance + _PRIOR_FREEDOM * usual) / (freedom + _PRIOR_FREEDOM)
            scale = torch.where(varies, drawn.sqrt(), 0.0)
        unit = torch.where(varies, 1.0 / torch.where(varies, scale, 1.0), 0.0)
        self.variance = float((variance * unit.square()).sum())
        self._middle, self._unit = middle.float(), unit.float()
        self.mean, self.scale = self.pairs.laid_out(torch.stack([mean, scale]).float())

    def _counts(self, kept: NDArray[np.bool_]) -> Tensor:
        """In how many windows each pair exists, 1 where it does in none."""
        count = torch.full((len(self.pairs),), float(kept.sum()), dtype=torch.float64)
        count = count.to(self._device)
        for index, absent in self._absent.items():
            count[absent] -= float(kept[index])
        return count.clamp(min=1)

    def _sums(self, kept: NDArray[np.bool_], n_powers: int) -> Tensor:
        """Sum the first powers of what is in memory over windows, (n_powers, n_pairs)."""
        there = torch.from_numpy(kept).to(self._device)
        sums = torch.zeros(n_powers, len(self.pairs), dtype=torch.float64, device=self._device)
        for pairs in self.pairs.chunks(_NEAR // len(self)):
            values = self._values[:, pairs][there].double()
            power = torch.ones_like(values)
            for found in sums[:, pairs]:
                power *= values
                torch.sum(power, dim=0, out=found)
        return sums

    def _scaled(self, indices: Sequence[int], pairs: slice) -> Tensor:
        """Give some pairs of some windows as they are standardised."""
        values = self._values[list(indices), pairs] - self._middle[pairs]
        rows = {index: row for row, index in enumerate(indices)}
        for index, absent in self._absent_among(pairs):
            if index in rows:
                values[rows[index], absent] = 0.0
        return values * self._unit[pairs]

    def _chunks(self) -> Iterator[slice]:
        return self.pairs.chunks(_CHUNK // len(self))


def _with_itself(values: Tensor) -> NDArray[np.float32]:
    """Multiply rows with each other."""
    if values.device.type == "cpu":
        # NumPy sees that both are the same, and computes half.
        rows = values.numpy()
        return np.asarray(rows @ rows.T)
    return np.asarray((values @ values.T).cpu().numpy())


def _spread(n_windows: int, wanted: int) -> NDArray[np.int64]:
    """Choose stretches of equal length, spread evenly."""
    if wanted >= n_windows:
        return np.arange(n_windows, dtype=np.int64)
    n_stretches = max(1, wanted // _STRETCH)
    length = wanted // n_stretches
    starts = np.linspace(0, n_windows - length, n_stretches).astype(np.int64)
    return np.unique(starts[:, np.newaxis] + np.arange(length))
