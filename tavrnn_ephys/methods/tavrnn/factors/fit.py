"""The fit of one session's factors: loadings and states, updated in turn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tavrnn_ephys.methods.tavrnn.factors.filtering import decay_likelihood, filter_states, smooth
from tavrnn_ephys.methods.tavrnn.factors.gate import fit_gate
from tavrnn_ephys.methods.tavrnn.factors.labels import LabelEvidence
from tavrnn_ephys.methods.tavrnn.factors.network import FactorNetwork
from tavrnn_ephys.methods.tavrnn.factors.windows import GraphWindows

__all__ = ["FactorFit"]

_Array = NDArray[np.float64]
# Directions in which windows differ most, among which those that last are looked for.  Without
# lag 0, windows that are single trials would start from noise.
_N_DIRECTIONS, _LAGS = 20, (0, 1, 2, 3)
_START_VARIANCE = 0.1
# Loadings of factors that hold noise fall below this share of their own uncertainty.
_LEAST_RELIABILITY = 0.45
_SMALLEST = 1e-9


@dataclass
class FactorFit:
    """
    The state of the fit of one session.

    Parameters
    ----------
    network : FactorNetwork
        Filled in as it learns.
    windows : GraphWindows
        Its training windows.
    labels : LabelEvidence, optional
        What labels say of its windows.
    held : numpy.ndarray of bool, shape (n_windows,), optional
        Windows that are not learnt from; by default all are.
    """

    network: FactorNetwork
    windows: GraphWindows
    labels: LabelEvidence | None = None
    held: NDArray[np.bool_] | None = None
    states: _Array = field(init=False)
    spread: _Array = field(init=False)
    prior: Tensor = field(init=False)
    probability: Tensor = field(init=False)
    relevance: _Array = field(init=False)

    @property
    def n_learnt(self) -> int:
        """Number of windows that are learnt from."""
        return len(self.windows) - (0 if self.held is None else int(self.held.sum()))

    def start(self) -> None:
        """Fit mean graph and gate, and start from the directions in which windows last."""
        self.windows.standardize()
        self._begin()

    def without(self, held: NDArray[np.bool_]) -> FactorFit:
        """
        Start the fit again on fewer windows; decays stay.

        Parameters
        ----------
        held : numpy.ndarray of bool, shape (n_windows,)
            Windows that are left out; not all.

        Returns
        -------
        FactorFit
            The fit before its first sweep.
        """
        known = self.network
        network = FactorNetwork(known.options, n_nodes=known.n_nodes, n_seen=0).to(known.mean)
        network.decay.copy_(known.decay)
        labels = None if self.labels is None else self.labels.without(held)
        fit = FactorFit(network, self.windows.without(held), labels, held)
        fit._begin()
        return fit

    def _begin(self) -> None:
        network, windows = self.network, self.windows
        network.mean, network.scale = windows.mean, windows.scale
        network.pair_weight.fill_(1.0 if windows.directed else 0.5)
        counts = max(self.n_learnt, 2)
        varies = network.scale > 0
        z = torch.where(varies, network.mean / torch.where(varies, network.scale, 1.0), 0.0)
        probability, prior = np.ones(z.shape), np.full(z.shape, 1.0 / counts)
        if network.options.gate:
            gate = fit_gate(z[varies].cpu().numpy() * np.sqrt(counts))
            probability, prior = np.zeros(z.shape), np.zeros(z.shape)
            probability[varies.cpu().numpy()] = gate.probability
            prior[varies.cpu().numpy()] = gate.mean_square / counts
        self.probability = torch.from_numpy(probability).to(network.mean) * varies
        self.prior = torch.from_numpy(prior).to(network.mean) * varies + _SMALLEST
        size = network.options.latent_size
        self.relevance = np.ones(size)
        self.states = self._lasting_directions(size)
        self.spread = np.tile(np.eye(size) * _START_VARIANCE, (len(windows), 1, 1))
        self._forget_held()

    def _forget_held(self) -> None:
        """Let windows that are not learnt from have no state."""
        if self.held is not None:
            self.states[self.held] = 0.0
            self.spread[self.held] = 0.0

    def _lasting_directions(self, size: int) -> _Array:
        """Turn the strongest gated directions so that the first ones last longest."""
        likeness = self.windows.likeness(self.prior.sqrt())
        if self.held is not None:
            likeness[self.held], likeness[:, self.held] = 0.0, 0.0
        found, vectors = np.linalg.eigh(likeness)
        order = np.argsort(found)[::-1][:_N_DIRECTIONS]
        scores = vectors[:, order] * np.sqrt(np.maximum(found[order], 0.0))
        lagged = np.zeros((scores.shape[1], scores.shape[1]))
        for part in self.windows.stretches:
            for lag in _LAGS:
                later, earlier = scores[part][lag:], scores[part][: len(part) - lag]
                lagged += later.T @ earlier if len(part) > lag else 0.0
        turned = scores @ np.linalg.eigh((lagged + lagged.T) / 2)[1][:, ::-1][:, :size]
        # The sign of an eigenvector is the solver's; that of its third moment is the data's.
        skew = np.where((turned**3).sum(axis=0) < 0, -1.0, 1.0)
        unit = turned * skew / np.maximum(turned.std(axis=0), _SMALLEST)
        return np.pad(unit, ((0, 0), (0, size - unit.shape[1])))

    def update_loadings(self, *, uncertain: bool = False) -> None:
        """
        Give every loading its posterior under the states, one factor after the other.

        Parameters
        ----------
        uncertain : bool
            Whether the variance of states counts.  With it, the posteriors of states and of
            loadings shrink each other until weak factors vanish, true ones too.
        """
        network = self.network
        moments = self._moments(uncertain)
        products = self.windows.products(self.states)
        weight = float(self.probability.sum()) or 1.0
        for factor in range(len(moments)):
            others = torch.from_numpy(moments[factor]).to(network.loadings)
            others[factor] = 0.0
            rest = products[factor] - torch.tensordot(others, network.loadings, dims=1)
            prior = self.prior * float(self.relevance[factor])
            variance = 1.0 / (float(moments[factor, factor]) + 1.0 / prior)
            mean = rest * variance
            network.loadings[factor] = mean
            network.uncertainty[factor] = variance if network.options.variational else 0.0
            square = (mean.square() + variance) / self.prior
            found = float((square * self.probability).sum()) / weight
            self.relevance[factor] = max(found, _SMALLEST)

    def update_states(self) -> tuple[_Array, _Array]:
        """
        Filter and smooth the states.

        Returns
        -------
        tuple of numpy.ndarray, shape (n_windows, n_factors)
            Evidence on each state, the others taken out, and its precision.
        """
        network = self.network
        evidence = self.windows.evidence(network.loadings) * float(network.pair_weight)
        uncertainty = network.uncertainty.flatten(1).sum(dim=1).double().cpu().numpy()
        precision = network.precision() + np.diag(uncertainty) * float(network.pair_weight)
        every = np.tile(precision, (len(evidence), 1, 1))
        for index in self.windows.incomplete:
            every[index] += network.precision(self.windows.window(index)[1]) - network.precision()
        if self.labels is not None:
            self.labels.learn(self.states, self.spread)
            evidence, every = self.labels.joined(evidence, every)
        if self.held is not None:
            evidence[self.held], every[self.held] = 0.0, 0.0
        decay = network.decay.cpu().numpy()
        for part in self.windows.stretches:
            found = filter_states(evidence[part], every[part], decay)
            self.states[part], self.spread[part] = smooth(found, decay)
        self._forget_held()
        alone = np.diagonal(every, axis1=1, axis2=2)
        others = np.einsum("tkl,tl->tk", every, self.states) - alone * self.states
        return evidence - others, np.maximum(alone, 0.0)

    def decay_evidence(self, evidence: _Array, precision: _Array) -> _Array:
        """
        Say how likely each decay is, over all stretches.

        Parameters
        ----------
        evidence, precision : numpy.ndarray, shape (n_windows, n_factors)
            As of :meth:`update_states`.

        Returns
        -------
        numpy.ndarray, shape (len(DECAYS), n_factors)
            Log-likelihood, up to a constant.
        """
        return np.sum(
            [decay_likelihood(evidence[part], precision[part]) for part in self.windows.stretches],
            axis=0,
        )

    def _moments(self, uncertain: bool) -> _Array:
        moments: _Array = self.states.T @ self.states
        return moments + self.spread.sum(axis=0) if uncertain else moments

    def sweep(self, *, uncertain: bool = False) -> _Array:
        """
        Update loadings and states once.

        Parameters
        ----------
        uncertain : bool
            Whether the variance of states counts.

        Returns
        -------
        numpy.ndarray, shape (len(DECAYS), n_factors)
            How likely each decay is.
        """
        self.update_loadings(uncertain=uncertain)
        likelihood = self.decay_evidence(*self.update_states())
        self.rescale(uncertain=uncertain)
        return likelihood

    def rescale(self, *, uncertain: bool = False) -> None:
        """
        Bring every state to unit variance; its loadings follow in the next sweep.

        Parameters
        ----------
        uncertain : bool
            Whether the variance of states counts.
        """
        square = np.diagonal(self._moments(uncertain)) / self.n_learnt
        unit = np.sqrt(np.maximum(square, 1e-6))
        self.states = self.states / unit
        self.spread = self.spread / unit[:, np.newaxis] / unit

    def reliable(self) -> NDArray[np.bool_]:
        """
        Say which factors are told from noise.

        Returns
        -------
        numpy.ndarray of bool, shape (n_factors,)
            Whether the loadings exceed their own uncertainty.
        """
        square = self.network.loadings.square().flatten(1).sum(dim=1)
        noise = 1.0 / (self._moment() + 1.0 / (self.prior * self._relevance()))
        noise = (noise * (self.probability > 0)).flatten(1).sum(dim=1)
        return np.asarray((square > _LEAST_RELIABILITY * noise).cpu())

    def finish(self, told: NDArray[np.bool_]) -> None:
        """
        Say how far nodes differ from the network, and which factors count.

        Parameters
        ----------
        told : numpy.ndarray of bool, shape (n_factors,)
            Which factors are told from noise; the strongest counts in any case.
        """
        network = self.network
        network.told.copy_(torch.from_numpy(told))
        network.told[int(network.loadings.square().flatten(1).sum(dim=1).argmax())] = True
        network.deviation.copy_(torch.from_numpy(self._deviation()))

    def _moment(self) -> Tensor:
        moments = np.diagonal(self._moments(uncertain=True)).copy()
        return torch.from_numpy(moments).to(self.prior)[:, None, None]

    def _relevance(self) -> Tensor:
        return torch.from_numpy(self.relevance).to(self.prior)[:, None, None]

    def _deviation(self) -> _Array:
        """Estimate by moments how far the states of nodes lie from that of the network."""
        network = self.network
        sampled = self._sampled()
        parts = np.array_split(sampled, min(20, len(sampled)))
        said = np.concatenate(
            [network.evidence([self.windows.window(index) for index in part]) for part in parts]
        )
        precision = network.node_precision()
        total = said.sum(axis=1) / np.maximum(precision.sum(axis=0), _SMALLEST)
        rest = said - precision * total[:, np.newaxis]
        excess = np.square(rest).mean(axis=0) - precision
        size = np.maximum(np.square(precision).sum(axis=0), _SMALLEST)
        return np.maximum(excess.sum(axis=0) / size, 0.0)

    def _sampled(self) -> NDArray[np.int64]:
        """Choose windows, as many as tell a variance."""
        return np.unique(np.linspace(0, len(self.windows) - 1, 200).astype(np.int64))
