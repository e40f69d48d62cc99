"""Loadings of pairs: their posterior under states, and what windows say of states under them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tavrnn_ephys.methods.tavrnn.factors.gate import fit_gate
from tavrnn_ephys.methods.tavrnn.factors.windows import GraphWindows
from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions

__all__ = ["PairLoadings", "Said"]

_Array = NDArray[np.float64]
# Pairs that are worked on at once: what is computed of them stays near the processor.
_CHUNK = 2**15
_SMALLEST = 1e-9


class Said(NamedTuple):
    """
    What the windows of a fit say of states, under loadings.

    Parameters
    ----------
    evidence : numpy.ndarray, shape (n_windows, n_factors)
        Products of each window with the loadings of each factor.
    precision : numpy.ndarray, shape (n_factors, n_factors)
        How surely a window in which every node exists says so.
    uncertainty : numpy.ndarray, shape (n_factors,)
        Sum of the posterior variances of the loadings.
    """

    evidence: _Array
    precision: _Array
    uncertainty: _Array


@dataclass
class PairLoadings:
    """
    Posterior of the loadings of every pair of nodes, in units of the pair's standard deviation.

    The prior variance of a loading is that of its pair, told by the mean graph, times the
    relevance of its factor.  A pair of an undirected graph is held once.

    Parameters
    ----------
    windows : GraphWindows
        The windows they are learnt from.
    options : NetworkOptions
        The options.
    n_learnt : int
        Number of windows that mean and scale are told by.

    Attributes
    ----------
    mean : torch.Tensor, shape (latent_size, n_pairs)
        Posterior means.
    prior, probability : torch.Tensor, shape (n_pairs,)
        Prior variance of each pair, and the probability that it is coupled at all.
    relevance : numpy.ndarray, shape (latent_size,)
        Mean square of the loadings of each factor over their prior.
    said : Said
        What windows say under the loadings, after an update.
    """

    windows: GraphWindows
    options: NetworkOptions
    n_learnt: int
    mean: Tensor = field(init=False)
    prior: Tensor = field(init=False)
    probability: Tensor = field(init=False)
    relevance: _Array = field(init=False)
    said: Said = field(init=False)

    def __post_init__(self) -> None:
        mean, scale = map(self.windows.pairs.taken, (self.windows.mean, self.windows.scale))
        varies = scale > 0
        counts = max(self.n_learnt, 2)
        probability, prior = np.ones(len(mean)), np.full(len(mean), 1.0 / counts)
        if self.options.gate:
            z = (mean[varies] / scale[varies]).cpu().numpy() * np.sqrt(counts)
            gate = fit_gate(z, times=1 if self.windows.directed else 2)
            there = varies.cpu().numpy()
            probability, prior = np.zeros(len(mean)), np.zeros(len(mean))
            probability[there], prior[there] = gate.probability, gate.mean_square / counts
        self.probability = torch.from_numpy(probability).to(mean) * varies
        self.prior = torch.from_numpy(prior).to(mean) * varies + _SMALLEST
        self.relevance = np.ones(self.options.latent_size)
        self.mean = torch.zeros(self.options.latent_size, len(mean)).to(mean)
        self._variance_of = self.relevance, self.relevance

    def update(self, states: _Array, moments: _Array) -> None:
        """
        Give every loading its posterior under states, one factor after the other.

        Parameters
        ----------
        states : numpy.ndarray, shape (n_windows, latent_size)
            Posterior means of the states.
        moments : numpy.ndarray, shape (latent_size, latent_size)
            Sums of their products over windows.
        """
        size = len(moments)
        evidence, precision = np.zeros((len(states), size)), np.zeros((size, size))
        uncertainty, square = np.zeros(size), np.zeros(size)
        self._variance_of = np.diagonal(moments).copy(), self.relevance
        for pairs in self.windows.pairs.chunks(_CHUNK):
            variance = self._update_some(pairs, self.windows.products(states, pairs), moments)
            loadings, share = self.mean[:, pairs], self.probability[pairs] / self.prior[pairs]
            square += _sums((loadings.square() + variance) * share)
            uncertainty += _sums(variance)
            flat = loadings.double()
            precision += (flat @ flat.T).cpu().numpy()
            evidence += self.windows.evidence(loadings, pairs)
        if not self.options.variational:
            uncertainty = np.zeros(size)
        self.said = Said(evidence, precision, uncertainty)
        weight = float(self.probability.double().sum()) or 1.0
        self.relevance = np.maximum(square / weight, _SMALLEST)

    def _update_some(self, pairs: slice, products: Tensor, moments: _Array) -> Tensor:
        """Update the loadings of some pairs, and give their posterior variances."""
        loadings = self.mean[:, pairs]
        variance = self._variance(pairs)
        for factor, row in enumerate(moments):
            others = torch.from_numpy(row).to(loadings)
            others[factor] = 0.0
            loadings[factor] = (products[factor] - others @ loadings) * variance[factor]
        return variance

    def _variance(self, pairs: slice) -> Tensor:
        moment, relevance = (
            torch.from_numpy(item).to(self.prior)[:, None] for item in self._variance_of
        )
        return 1.0 / (moment + 1.0 / (self.prior[pairs] * relevance))

    def lacking(self, index: int) -> _Array:
        """
        Say how much less surely a window speaks in which a node does not exist.

        Parameters
        ----------
        index : int
            Which window.

        Returns
        -------
        numpy.ndarray, shape (latent_size, latent_size)
            The part of the precision that its missing pairs would bring.
        """
        flat = self.mean[:, self.windows.absent(index)].double()
        found: _Array = (flat @ flat.T).cpu().numpy()
        return found

    def noise(self, moments: _Array) -> _Array:
        """
        Say how large the loadings of factors would be that hold noise alone.

        Parameters
        ----------
        moments : numpy.ndarray, shape (latent_size,)
            Sums of the squares of the states.

        Returns
        -------
        numpy.ndarray, shape (latent_size,)
            Posterior variances, summed over the pairs that are coupled.
        """
        self._variance_of = moments, self.relevance
        total = np.zeros(len(moments))
        for pairs in self.windows.pairs.chunks(_CHUNK):
            total += _sums(self._variance(pairs) * (self.probability[pairs] > 0))
        return total

    def variance(self) -> Tensor:
        """
        Give the posterior variance of every loading.

        Returns
        -------
        torch.Tensor, shape (latent_size, n_pairs)
            Zeros where the fit takes loadings for certain.
        """
        if not self.options.variational:
            return torch.zeros_like(self.mean)
        return self._variance(slice(None))


def _sums(values: Tensor) -> _Array:
    found: _Array = values.sum(dim=1).double().cpu().numpy()
    return found
