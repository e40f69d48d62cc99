"""What a fit knows of the factors of one session, and what it says of a window."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tavrnn_ephys.methods.tavrnn.factors.digests import known_window
from tavrnn_ephys.methods.tavrnn.factors.filtering import FilterState
from tavrnn_ephys.methods.tavrnn.factors.kinds import JudgedKinds, KeptKinds
from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions

__all__ = ["FactorNetwork", "WindowEvidence"]


class WindowEvidence(NamedTuple):
    """
    What windows say of the factors' states.

    Parameters
    ----------
    contributions : numpy.ndarray, shape (n_windows, n_nodes, n_factors)
        Evidence that the couplings of each node bring; a coupling counts half for either end.
    precision : numpy.ndarray, shape (n_windows, n_factors, n_factors)
        Precision of their sum.
    """

    contributions: NDArray[np.float64]
    precision: NDArray[np.float64]


class FactorNetwork(nn.Module):
    """
    A mean graph and the factors by which it changes: ``A_t = M + S ∘ (Σ_k g_tk D_k + ε_t)``.

    ``S`` is the standard deviation of each pair, ``D_k`` the loadings of factor ``k``, and
    ``g_tk`` its state in window ``t``, which decays to zero, with unit variance.

    Parameters
    ----------
    options : NetworkOptions
        The options.
    n_nodes : int
        Number of nodes.
    n_seen : int
        Number of windows whose evidence is told by loadings that were learnt without them.

    Attributes
    ----------
    mean, scale : torch.Tensor, shape (n_nodes, n_nodes)
        Mean graph, and standard deviation of each pair; 0 for pairs that do not vary.
    loadings, uncertainty : torch.Tensor, shape (latent_size, n_nodes, n_nodes)
        Posterior mean and variance of the loadings, in units of the pair's standard deviation.
    told : torch.Tensor of bool, shape (latent_size,)
        Which factors are told from noise; the strongest counts as told in any case.
    reliability : torch.Tensor, shape (latent_size,)
        How much each factor counts in expected graphs, from 0 to 1; 1 for states of kinds that
        return, which left-out windows have shrunk already.
    decay, decay_low, decay_high : torch.Tensor, shape (latent_size,)
        Share of a state that is left after one window, with its interval of 95 %.
    pair_weight : torch.Tensor, shape ()
        1 for directed graphs, ½ for others, in which each pair stands twice.
    deviation : torch.Tensor, shape (latent_size,)
        Variance of the states of single nodes around that of the network.
    supervised : torch.Tensor of bool, shape ()
        Whether labels took part in the fit.
    seen : torch.Tensor of int64, shape (n_seen, 2)
        Digests of the windows that the fit saw.
    seen_evidence : torch.Tensor, shape (n_seen, n_nodes, latent_size)
        What each node's couplings say in them, by loadings that were learnt without them.
    kinds : KeptKinds
        Kinds of windows that return.
    """

    mean: Tensor
    scale: Tensor
    loadings: Tensor
    uncertainty: Tensor
    told: Tensor
    reliability: Tensor
    decay: Tensor
    decay_low: Tensor
    decay_high: Tensor
    pair_weight: Tensor
    deviation: Tensor
    supervised: Tensor
    seen: Tensor
    seen_evidence: Tensor

    def __init__(self, options: NetworkOptions, *, n_nodes: int, n_seen: int) -> None:
        super().__init__()
        self.options = options
        pairs, size = (n_nodes, n_nodes), options.latent_size
        for name in ("mean", "scale"):
            self.register_buffer(name, torch.zeros(pairs))
        for name in ("loadings", "uncertainty"):
            self.register_buffer(name, torch.zeros(size, *pairs))
        for name in ("decay", "decay_low", "decay_high", "deviation"):
            self.register_buffer(name, torch.zeros(size, dtype=torch.float64))
        self.register_buffer("pair_weight", torch.ones(()))
        self.register_buffer("told", torch.ones(size, dtype=torch.bool))
        self.register_buffer("reliability", torch.ones(size, dtype=torch.float64))
        self.register_buffer("supervised", torch.zeros((), dtype=torch.bool))
        self.register_buffer("seen", torch.zeros(n_seen, 2, dtype=torch.int64))
        self.register_buffer("seen_evidence", torch.zeros(n_seen, n_nodes, size))
        self.kinds = KeptKinds(size)
        # What is computed once to read windows, and of which state of the buffers.
        self.reader: Any = None

    def __getstate__(self) -> dict[str, Any]:
        """Leave out of copies what they can compute."""
        return {**self.__dict__, "reader": None}

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.mean)

    @property
    def active(self) -> NDArray[np.int64]:
        """Positions of the factors that are told from noise, or of the strongest."""
        return np.flatnonzero(self.told.cpu().numpy())

    def count(self, told: NDArray[np.bool_], reliability: NDArray[np.float64] | None) -> None:
        """
        Say which factors are told from noise, and how much each counts in expected graphs.

        Parameters
        ----------
        told : numpy.ndarray of bool, shape (latent_size,)
            Which are told; the strongest is in any case.
        reliability : numpy.ndarray or None, shape (latent_size,)
            How much each counts; ``None`` where windows have not been left out: those that are
            told count whole, and the others not at all.
        """
        self.told.copy_(torch.from_numpy(told))
        self.told[int(self.loadings.square().flatten(1).sum(dim=1).argmax())] = True
        self.reliability.copy_(self.told if reliability is None else torch.from_numpy(reliability))

    def remember(self, judged: JudgedKinds) -> None:
        """
        Take in kinds of windows, if there are any, and how they were judged.

        Parameters
        ----------
        judged : JudgedKinds
            What the fit found.
        """
        self.kinds.keep(judged)
        if judged.kinds is not None:
            self.reliability.fill_(1.0)

    def node_coordinates(self) -> NDArray[np.float64]:
        """
        Say how far the coordinates of each node move with each state.

        A node's coordinates are those of its expected couplings, in the directions in which the
        couplings of nodes move most: of directed graphs one half for the couplings that leave it,
        the other for those that reach it.  A factor thus counts as much as it moves couplings,
        and one that holds little but noise hardly at all.

        Returns
        -------
        numpy.ndarray, shape (n_nodes, latent_size, latent_size)
            Coordinates by factor.

        Notes
        -----
        The unfolded embedding of Gallagher, Jones & Rubin-Delanchy (2021), *NeurIPS* 34, of what
        the factors expect.
        """
        loadings, size = self.loadings.double().cpu().numpy(), self.options.latent_size
        if float(self.pair_weight) < 1:
            return _coordinates(loadings, size)
        half = (size + 1) // 2
        reaching = _coordinates(loadings.swapaxes(1, 2), size - half)
        return np.concatenate([_coordinates(loadings, half), reaching], axis=1)

    def node_precision(self) -> NDArray[np.float64]:
        """
        Say how surely the couplings of each node tell each state.

        Returns
        -------
        numpy.ndarray, shape (n_nodes, latent_size)
            Sums to the diagonal of the precision of a window over nodes.
        """
        square = self.loadings.double().square()
        halves = (square.sum(dim=1) + square.sum(dim=2)).T / 2
        return (halves * self.pair_weight).cpu().numpy()

    def precision(self, present: Tensor | None = None) -> NDArray[np.float64]:
        """
        Say how surely a window tells the states.

        Parameters
        ----------
        present : torch.Tensor of bool, shape (n_nodes,), optional
            Nodes that exist in it; by default all do.

        Returns
        -------
        numpy.ndarray, shape (latent_size, latent_size)
            Its precision.
        """
        loadings = self.loadings
        if present is not None:
            loadings = loadings * (present[:, None] & present)
        flat = loadings.flatten(1).double()
        return (flat @ flat.T * self.pair_weight).cpu().numpy()

    def divisor(self) -> Tensor:
        """
        Return the standard deviation of each pair, infinite where it does not vary.

        Returns
        -------
        torch.Tensor, shape (n_nodes, n_nodes)
            What differences from the mean graph are divided by.
        """
        return torch.where(self.scale > 0, self.scale, torch.inf)

    def standardized(
        self, weights: Tensor, present: Tensor | None = None, *, divisor: Tensor | None = None
    ) -> Tensor:
        """
        Express a graph as its difference from the mean graph, in standard deviations.

        Parameters
        ----------
        weights : torch.Tensor, shape (n_nodes, n_nodes)
            Weights of a window.
        present : torch.Tensor of bool, shape (n_nodes,), optional
            Nodes that exist in it; by default all do.
        divisor : torch.Tensor, shape (n_nodes, n_nodes), optional
            What :meth:`divisor` gave, for who reads many windows.

        Returns
        -------
        torch.Tensor, shape (n_nodes, n_nodes)
            0 where a pair does not vary or does not exist.
        """
        values = (weights - self.mean).div_(self.divisor() if divisor is None else divisor)
        if present is not None:
            values = torch.where(present[:, None] & present, values, 0.0)
        return values

    def evidence(
        self,
        windows: Sequence[tuple[Tensor, Tensor | None]],
        *,
        divisor: Tensor | None = None,
    ) -> NDArray[np.float64]:
        """
        Gather what each node's couplings say of the states in windows.

        A window that the fit saw has shaped the loadings itself.  What it says is told by others,
        so that the windows that a decoder is trained on are embedded like those that it meets
        later.

        Parameters
        ----------
        windows : sequence of tuple of torch.Tensor
            Weights of each, and the nodes that exist in it, ``None`` if all do.
        divisor : torch.Tensor, shape (n_nodes, n_nodes), optional
            What :meth:`divisor` gave, for who reads many windows.

        Returns
        -------
        numpy.ndarray, shape (n_windows, n_nodes, latent_size)
            Evidence of each node.
        """
        divisor = self.divisor() if divisor is None else divisor
        each = [self.standardized(*window, divisor=divisor) for window in windows]
        values = torch.stack(each) if len(each) > 1 else each[0][None]
        found = self.gathered(values, self.loadings)
        if len(self.seen):
            for index, (weights, _) in enumerate(windows):
                place = known_window(weights, self.seen)
                if place is not None:
                    found[index] = self.seen_evidence[place].double().cpu().numpy()
        return found

    def gathered(self, values: Tensor, loadings: Tensor) -> NDArray[np.float64]:
        """
        Sum each node's entries of every graph, weighted by loadings: half for either end.

        Parameters
        ----------
        values : torch.Tensor, shape (n_windows, n_nodes, n_nodes)
            Standardised graphs.
        loadings : torch.Tensor, shape (n_factors, n_nodes, n_nodes)
            The loadings.

        Returns
        -------
        numpy.ndarray, shape (n_windows, n_nodes, n_factors)
            The sums.
        """
        # One product per node, over all graphs: what is weighted has the size of all loadings.
        found = torch.bmm(values.transpose(0, 1), loadings.permute(1, 2, 0))
        if float(self.pair_weight) == 1:
            found = (found + torch.bmm(values.permute(2, 0, 1), loadings.permute(2, 1, 0))) / 2
        return found.transpose(0, 1).double().cpu().numpy() * float(self.pair_weight)

    def expected(self, states: NDArray[np.float64]) -> Tensor:
        """
        Return the graph that states stand for; each factor counts as far as it is reliable.

        Parameters
        ----------
        states : numpy.ndarray, shape (latent_size,)
            State of each factor.

        Returns
        -------
        torch.Tensor, shape (n_nodes, n_nodes)
            Expected weights.
        """
        factors = torch.from_numpy(states * self.reliability.cpu().numpy()).to(self.loadings)
        return self.mean + self.scale * torch.tensordot(factors, self.loadings, dims=1)

    def initial_state(self) -> FilterState:
        """
        Return what is known before the first window: nothing.

        Returns
        -------
        FilterState
            Zeros, with unit variance.
        """
        size = self.options.latent_size
        return FilterState(np.zeros(size), np.eye(size))


def _coordinates(loadings: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Rows of every loading in the directions in which all rows move most, (n, size, factors)."""
    moment = np.tensordot(loadings, loadings, axes=((0, 1), (0, 1)))
    directions = np.linalg.eigh(moment)[1][:, ::-1][:, :size]
    # The sign of an eigenvector is the solver's; its largest entry is made positive.
    peak = directions[np.abs(directions).argmax(axis=0), np.arange(directions.shape[1])]
    found = (loadings @ (directions * np.where(peak < 0, -1.0, 1.0))).transpose(1, 2, 0)
    return np.pad(found, ((0, 0), (0, size - found.shape[1]), (0, 0)))
