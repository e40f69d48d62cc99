"""Couplings of several states whose types are drawn one-hot, and are the same in all states."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch.nn.functional import softplus

from tavrnn_ephys.methods._windowed_glm import WindowSums

__all__ = ["OneHotCouplings"]

_LEARNING_RATE = 0.1
# Before data: nine pairs in ten are not coupled.
_FIRST_SHARES, _LEAST_SHARE = (0.05, 0.9, 0.05), 0.005
# A prior around zero would let a coupling of no strength pass for any type.
_FIRST_TYPICAL, _LEAST_TYPICAL = 0.4, 0.1
# Standard deviations of the Gaussian priors: of a pair's strength around the typical one, of a
# state's strength around that of its pair, and of a state's bias around zero.
_SPREAD, _SPREAD_OF_STATES, _SPREAD_OF_BIAS = 0.2, 0.3, 0.2


class OneHotCouplings:
    """
    Types of all pairs, and what each state makes of them.

    The coupling of a pair in a state is the sign of its type times a positive strength.  The type
    is inhibitory, none or excitatory: its probabilities are a softmax of logits.  Types are summed
    out, and not sampled: the expectation that samples would approach.

    Parameters
    ----------
    precision : numpy.ndarray, shape (n_nodes,)
        Curvature of the log-likelihood of one bin of each target.
    """

    def __init__(self, precision: NDArray[np.float64]) -> None:
        n = len(precision)
        self.precision = torch.tensor(precision, dtype=torch.float32)
        self.others = 1.0 - torch.eye(n)
        self.shares = torch.tensor(_FIRST_SHARES)
        self.logits = self.shares.log().repeat(n, n, 1).requires_grad_()
        self.typical = torch.tensor(_FIRST_TYPICAL)
        first = float(torch.log(torch.expm1(self.typical)))
        self.strength_of_pairs = torch.full((n, n), first, requires_grad=True)
        self.strength = torch.full((1, n, n), first, requires_grad=True)
        self.bias = torch.zeros(1, n, requires_grad=True)

    @property
    def types(self) -> NDArray[np.float32]:
        """Probability of each type (n_nodes, n_nodes, 3), target first; none on the diagonal."""
        found = torch.softmax(self.logits.detach(), dim=-1).numpy()
        found[np.eye(len(found), dtype=bool)] = (0.0, 1.0, 0.0)
        return found

    @property
    def couplings(self) -> NDArray[np.float32]:
        """Expected couplings, shape (n_states, n_nodes, n_nodes), target first."""
        with torch.no_grad():
            return self._moments()[0].numpy()

    def split(self, n_states: int) -> None:
        """Let so many states begin with what all windows have in common."""
        with torch.no_grad():
            strength = self.strength[:1].repeat(n_states, 1, 1)
            bias = self.bias[:1].repeat(n_states, 1)
        self.strength, self.bias = strength.requires_grad_(), bias.requires_grad_()

    def improve(self, sums: WindowSums, n_steps: int) -> list[float]:
        """Climb the bound on the posterior, given the sums of each state; return its descent."""
        score, gram = torch.from_numpy(sums.score), torch.from_numpy(sums.gram)
        learnt = [self.logits, self.strength_of_pairs, self.strength, self.bias]
        optimizer = torch.optim.Adam(learnt, lr=_LEARNING_RATE)
        losses = []
        for _ in range(n_steps):
            optimizer.zero_grad()
            loss = -self._bound(score, gram)
            loss.backward()
            optimizer.step()
            losses.append(float(loss.detach()))
        self._learn_priors()
        return losses

    def _learn_priors(self) -> None:
        """Let all pairs say how frequent each type is, and how strong a coupling."""
        with torch.no_grad():
            types = torch.softmax(self.logits, dim=-1)[self.others > 0]
            if not len(types):
                return
            shares = types.mean(dim=0).clamp(min=_LEAST_SHARE)
            self.shares = shares / shares.sum()
            coupled = 1.0 - types[:, 1]
            strength = softplus(self.strength_of_pairs)[self.others > 0]
            typical = (coupled * strength).sum() / coupled.sum().clamp(min=1e-6)
            self.typical = typical.clamp(min=_LEAST_TYPICAL)

    def log_likelihood(self, sums: WindowSums) -> NDArray[np.float64]:
        """Log-likelihood of each window in each state, up to a constant of the window."""
        with torch.no_grad():
            mean, variance = self._moments()
            terms = torch.cat([mean, self.bias[..., None]], dim=-1)
            curved = torch.einsum("n,snj,snk->sjk", self.precision, terms, terms)
            spread = torch.einsum("n,snj->sj", self.precision, variance)
            curved.diagonal(dim1=1, dim2=2)[:, :-1] += spread
        linear, quadratic = terms.numpy(), curved.numpy()
        found = sums.score.reshape(len(sums), -1) @ linear.reshape(len(linear), -1).T
        found -= 0.5 * sums.gram.reshape(len(sums), -1) @ quadratic.reshape(len(linear), -1).T
        return found.astype(np.float64)

    def _moments(self) -> tuple[torch.Tensor, torch.Tensor]:
        """Mean and variance of every coupling over the types of its pair."""
        types = torch.softmax(self.logits, dim=-1) * self.others[..., None]
        strength = softplus(self.strength)
        mean = (types[..., 2] - types[..., 0]) * strength
        return mean, (types[..., 2] + types[..., 0]) * strength**2 - mean**2

    def _bound(self, score: torch.Tensor, gram: torch.Tensor) -> torch.Tensor:
        mean, variance = self._moments()
        terms = torch.cat([mean, self.bias[..., None]], dim=-1)
        of_sources = gram.diagonal(dim1=1, dim2=2)[:, None, :-1]
        curved = ((terms @ gram) * terms).sum(dim=-1) + (variance * of_sources).sum(dim=-1)
        fit = (score * terms).sum() - 0.5 * (self.precision * curved).sum()
        return fit - self._away_from_priors()

    def _away_from_priors(self) -> torch.Tensor:
        log_types = torch.log_softmax(self.logits, dim=-1)
        divergence = (log_types.exp() * (log_types - self.shares.log())).sum(dim=-1)
        of_pairs = softplus(self.strength_of_pairs)
        of_states = (softplus(self.strength) - of_pairs) / _SPREAD_OF_STATES
        return (divergence * self.others).sum() + 0.5 * (
            of_states.square().sum()
            + ((of_pairs - self.typical) / _SPREAD).square().sum()
            + (self.bias / _SPREAD_OF_BIAS).square().sum()
        )
