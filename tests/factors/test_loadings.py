"""Loadings of pairs, updated a few pairs at a time."""

import dataclasses

import numpy as np
import pytest
import torch

from tavrnn_ephys.methods.tavrnn.factors import loadings as module
from tavrnn_ephys.methods.tavrnn.factors.gate import fit_gate
from tavrnn_ephys.methods.tavrnn.factors.loadings import PairLoadings
from tavrnn_ephys.methods.tavrnn.factors.network import FactorNetwork
from tavrnn_ephys.methods.tavrnn.factors.windows import GraphWindows
from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions
from tests.factors.made_networks import graphs_of

N_WINDOWS, N_NODES, N_FACTORS = 30, 7, 3


def _windows(*, directed, masked=False):
    rng = np.random.default_rng(0)
    dense = rng.normal(0.3, 1.0, (N_WINDOWS, N_NODES, N_NODES))
    if not directed:
        dense = dense + dense.transpose(0, 2, 1)
    dense[:, np.eye(N_NODES, dtype=bool)] = 0
    graphs = graphs_of(dense, directed=directed)
    if masked:
        mask = np.ones((N_WINDOWS, N_NODES), dtype=bool)
        mask[[4, 4, 20], [0, 5, 3]] = False
        dense *= mask[:, :, np.newaxis] & mask[:, np.newaxis]
        graphs = dataclasses.replace(graphs_of(dense, directed=directed), node_mask=mask)
    windows = GraphWindows([graphs], torch.device("cpu"))
    windows.standardize()
    return windows


def _updated(windows, *, n_times=3, **options):
    found = PairLoadings(windows, NetworkOptions(latent_size=N_FACTORS, **options), N_WINDOWS)
    states = np.random.default_rng(1).normal(size=(N_WINDOWS, N_FACTORS))
    for _ in range(n_times):
        found.update(states, states.T @ states)
    return found, states


@pytest.mark.parametrize("directed", [True, False])
def test_loadings_are_those_of_a_plain_computation_over_matrices(directed, monkeypatch):
    monkeypatch.setattr(module, "_CHUNK", 5)
    windows = _windows(directed=directed)
    found, states = _updated(windows)
    unit = windows.standardized(range(N_WINDOWS)).double().numpy()
    prior = windows.pairs.laid_out(found.prior[None])[0].double().numpy()
    there = ~np.eye(N_NODES, dtype=bool)
    coupled = windows.pairs.laid_out(found.probability[None])[0].double().numpy()
    plain, relevance = np.zeros((N_FACTORS, N_NODES, N_NODES)), np.ones(N_FACTORS)
    moments = states.T @ states
    for _ in range(3):
        variances = np.zeros_like(plain)
        for factor in range(N_FACTORS):
            others = np.delete(np.arange(N_FACTORS), factor)
            rest = np.einsum("t,tij->ij", states[:, factor], unit)
            rest -= np.einsum("k,kij->ij", moments[factor, others], plain[others])
            with np.errstate(divide="ignore"):
                variances[factor] = 1 / (moments[factor, factor] + 1 / (prior * relevance[factor]))
            plain[factor] = rest * variances[factor]
        share = np.where(there, coupled / np.where(there, prior, 1), 0)
        relevance = ((plain**2 + variances) * share).sum(axis=(1, 2)) / coupled.sum()
    np.testing.assert_allclose(windows.pairs.laid_out(found.mean), plain, atol=1e-5)
    np.testing.assert_allclose(found.relevance, relevance, rtol=1e-4)
    half = 1 if directed else 2
    evidence = np.einsum("tij,kij->tk", unit, plain) / half
    np.testing.assert_allclose(found.said.evidence, evidence, atol=1e-3)
    precision = np.einsum("kij,lij->kl", plain, plain) / half
    np.testing.assert_allclose(found.said.precision, precision, rtol=1e-4, atol=1e-6)
    uncertainty = variances[:, there].sum(axis=1) / half
    np.testing.assert_allclose(found.said.uncertainty, uncertainty, rtol=1e-4)


def test_a_window_without_a_node_speaks_less_surely_by_the_pairs_of_that_node():
    windows = _windows(directed=True, masked=True)
    found, _ = _updated(windows)
    network = FactorNetwork(found.options, n_nodes=N_NODES, n_seen=0)
    network.loadings = windows.pairs.laid_out(found.mean)
    assert windows.incomplete == [4, 20]
    for index in windows.incomplete:
        present = windows.window(index)[1]
        lacking = network.precision() - network.precision(present)
        np.testing.assert_allclose(found.lacking(index), lacking, rtol=1e-4, atol=1e-6)
    assert not found.lacking(5).any()


def test_loadings_that_count_as_certain_have_no_variance():
    found, _ = _updated(_windows(directed=False), variational=False)
    assert not found.said.uncertainty.any()
    assert not found.variance().any()


def test_values_that_count_twice_give_the_gate_of_each_given_twice():
    z = np.random.default_rng(2).normal(0, 3, 200)
    once, twice = fit_gate(np.tile(z, 2)), fit_gate(z, times=2)
    np.testing.assert_allclose(twice.probability, once.probability[:200])
    np.testing.assert_allclose(twice.mean_square, once.mean_square[:200])
