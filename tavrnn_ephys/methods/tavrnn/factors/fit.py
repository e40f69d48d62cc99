"""The fit of one session's factors: loadings and states, updated in turn."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray

from tavrnn_ephys.methods.tavrnn.factors.filtering import decay_likelihood, filter_states, smooth
from tavrnn_ephys.methods.tavrnn.factors.kinds import JudgedKinds
from tavrnn_ephys.methods.tavrnn.factors.kinds_fit import judge_kinds
from tavrnn_ephys.methods.tavrnn.factors.labels import LabelEvidence
from tavrnn_ephys.methods.tavrnn.factors.loadings import PairLoadings
from tavrnn_ephys.methods.tavrnn.factors.network import FactorNetwork
from tavrnn_ephys.methods.tavrnn.factors.windows import GraphWindows
from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions

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
    options : NetworkOptions
        The options.
    windows : GraphWindows
        Its training windows.
    labels : LabelEvidence, optional
        What labels say of its windows.
    held : numpy.ndarray of bool, shape (n_windows,), optional
        Windows that are not learnt from; by default all are.

    Attributes
    ----------
    decay : numpy.ndarray, shape (latent_size,)
        Share of a state that is left after one window.
    loadings : PairLoadings
        Loadings of the pairs, once it has started.
    states : numpy.ndarray, shape (n_windows, latent_size)
        Posterior means of the states.
    spread : numpy.ndarray, shape (n_windows, latent_size, latent_size)
        Their posterior covariances.
    """

    options: NetworkOptions
    windows: GraphWindows
    labels: LabelEvidence | None = None
    held: NDArray[np.bool_] | None = None
    decay: _Array = field(init=False)
    loadings: PairLoadings = field(init=False)
    states: _Array = field(init=False)
    spread: _Array = field(init=False)

    def __post_init__(self) -> None:
        self.decay = np.zeros(self.options.latent_size)

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
        labels = None if self.labels is None else self.labels.without(held)
        fit = FactorFit(self.options, self.windows.without(held), labels, held)
        fit.decay = self.decay
        fit._begin()
        return fit

    def _begin(self) -> None:
        self.loadings = PairLoadings(self.windows, self.options, self.n_learnt)
        size = self.options.latent_size
        self.states = self._lasting_directions(size)
        self.spread = np.tile(np.eye(size) * _START_VARIANCE, (len(self.windows), 1, 1))
        self._forget_held()

    def _forget_held(self) -> None:
        """Let windows that are not learnt from have no state."""
        if self.held is not None:
            self.states[self.held] = 0.0
            self.spread[self.held] = 0.0

    def _lasting_directions(self, size: int) -> _Array:
        """Turn the strongest gated directions so that the first ones last longest."""
        likeness = self.windows.likeness(self.loadings.prior.sqrt())
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
        Give every loading its posterior under the states.

        Parameters
        ----------
        uncertain : bool
            Whether the variance of states counts.  With it, the posteriors of states and of
            loadings shrink each other until weak factors vanish, true ones too.
        """
        self.loadings.update(self.states, self._moments(uncertain))

    def update_states(self) -> tuple[_Array, _Array]:
        """
        Filter and smooth the states.

        Returns
        -------
        tuple of numpy.ndarray, shape (n_windows, n_factors)
            Evidence on each state, the others taken out, and its precision.
        """
        said = self.loadings.said
        evidence = said.evidence.copy()
        every = np.tile(said.precision + np.diag(said.uncertainty), (len(evidence), 1, 1))
        for index in self.windows.incomplete:
            every[index] -= self.loadings.lacking(index)
        if self.labels is not None:
            self.labels.learn(self.states, self.spread)
            evidence, every = self.labels.joined(evidence, every)
        if self.held is not None:
            evidence[self.held], every[self.held] = 0.0, 0.0
        for part in self.windows.stretches:
            found = filter_states(evidence[part], every[part], self.decay)
            self.states[part], self.spread[part] = smooth(found, self.decay)
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
        square = np.diagonal(self.loadings.said.precision)
        noise = self.loadings.noise(np.diagonal(self._moments(uncertain=True)).copy())
        return np.asarray(square > _LEAST_RELIABILITY * noise)

    def fill(self, network: FactorNetwork) -> None:
        """
        Let a network know what has been learnt.

        Parameters
        ----------
        network : FactorNetwork
            An empty one.
        """
        windows = self.windows
        network.mean, network.scale = windows.mean, windows.scale
        network.pair_weight.fill_(1.0 if windows.directed else 0.5)
        network.loadings = windows.pairs.laid_out(self.loadings.mean)
        network.uncertainty = windows.pairs.laid_out(self.loadings.variance())
        network.decay.copy_(torch.from_numpy(self.decay))
        network.supervised.fill_(self.labels is not None)

    def reliability(self, network: FactorNetwork) -> _Array | None:
        """
        Say how much of what windows say of each state is more than noise.

        Parameters
        ----------
        network : FactorNetwork
            What the fit has learnt, the evidence of its windows included.

        Returns
        -------
        numpy.ndarray or None, shape (latent_size,)
            ``max(0, 1 - noise / variance)`` of the evidence that loadings give on windows which
            they were learnt without; its noise is its precision.  ``None`` where no windows were
            left out, for loadings fit the noise of their own windows.

        Notes
        -----
        The weight of Wiener's filter, for each factor alone.
        """
        if len(network.seen_evidence) < 2:
            return None
        said = network.seen_evidence.double().sum(dim=1).cpu().numpy()
        every = np.tile(np.diagonal(network.precision()), (len(said), 1))
        for index in self.windows.incomplete:
            every[index] = np.diagonal(network.precision(self.windows.window(index)[1]))
        variance = np.maximum(said.var(axis=0), _SMALLEST)
        found: _Array = np.maximum(1.0 - every.mean(axis=0) / variance, 0.0)
        return found

    def judged_kinds(self, network: FactorNetwork) -> JudgedKinds:
        """
        Learn kinds of windows that return, and judge them on windows that were left out.

        Parameters
        ----------
        network : FactorNetwork
            What the fit has learnt, the evidence of its windows included.

        Returns
        -------
        JudgedKinds
            None, where no windows were left out.
        """
        return judge_kinds(
            network.seen_evidence.double().sum(dim=1).cpu().numpy(),
            network.precision(),
            self.windows.stretches,
            skipped=self.windows.incomplete,
            overlap=self.windows.overlap,
        )

    def deviation(self, network: FactorNetwork) -> _Array:
        """
        Estimate by moments how far the states of nodes lie from that of the network.

        Parameters
        ----------
        network : FactorNetwork
            What the fit has learnt.

        Returns
        -------
        numpy.ndarray, shape (latent_size,)
            Variances.
        """
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
        found: _Array = np.maximum(excess.sum(axis=0) / size, 0.0)
        return found

    def _sampled(self) -> NDArray[np.int64]:
        """Choose windows, as many as tell a variance."""
        return np.unique(np.linspace(0, len(self.windows) - 1, 200).astype(np.int64))
