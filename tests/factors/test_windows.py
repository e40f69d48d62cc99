"""The windows that factors are learnt from."""

import dataclasses

import numpy as np
import pytest
import torch

from tavrnn_ephys.core import learnt_windows
from tavrnn_ephys.methods.tavrnn.factors.windows import GraphWindows
from tests.factors.made_networks import graphs_of, switching_graphs

CPU = torch.device("cpu")


def _in_parts(found, of_pairs, size=4):
    """What windows say, a few pairs at a time."""
    return [of_pairs(pairs) for pairs in found.pairs.chunks(size)]


def _products(found, states):
    parts = _in_parts(found, lambda pairs: found.products(states, pairs))
    return found.pairs.laid_out(torch.cat(parts, dim=1))


def _evidence(found, loadings):
    return sum(_in_parts(found, lambda pairs: found.evidence(loadings[:, pairs], pairs)))


def test_stretches_of_a_choice_never_cross_the_limits_of_a_session(monkeypatch):
    graphs, _, _ = switching_graphs(n_windows=400)
    monkeypatch.setattr(learnt_windows, "MOST_KEPT", 4 * 20**2 * 200)
    found = GraphWindows([graphs[:150], graphs[150:]], CPU)
    assert len(found) == len(found.chosen) == 198
    np.testing.assert_array_equal(np.concatenate(found.stretches), np.arange(198))
    for part in found.stretches:
        there = found.chosen[part]
        assert (np.diff(there) == 1).all()
        assert there[-1] < 150 or there[0] >= 150


def _undirected(n_windows, n_nodes, seed=0):
    half = np.triu(np.random.default_rng(seed).normal(size=(n_windows, n_nodes, n_nodes)), 1)
    return half + half.transpose(0, 2, 1)


def _scale_of(dense):
    """Of each pair: its variance drawn towards that of all, by its degrees of freedom."""
    rest = dense - dense.mean(axis=0)
    own = rest.var(axis=0, ddof=1)
    square, fourth = (rest**2).sum(axis=0), (rest**4).sum(axis=0)
    freedom = 3 * square**2 / np.where(fourth > 0, fourth, 1)
    return np.sqrt((freedom * own + 20 * own[own > 0].mean()) / (freedom + 20))


def test_variance_of_normal_pairs_is_their_own_and_of_rare_ones_that_of_all():
    rng = np.random.default_rng(0)
    dense = np.zeros((400, 8, 8))
    dense[:, :4] = rng.normal(size=(400, 4, 8))
    dense[0, 4:] = 0.1
    dense[:, np.eye(8, dtype=bool)] = 0
    found = GraphWindows([graphs_of(dense)], CPU)
    found.standardize()
    own = dense.std(axis=0, ddof=1)
    usual = np.sqrt((own[own > 0] ** 2).mean())
    scale = found.scale.numpy()
    there = ~np.eye(8, dtype=bool)
    np.testing.assert_allclose(scale[:4][there[:4]], own[:4][there[:4]], rtol=0.05)
    np.testing.assert_allclose(scale[4:][there[4:]], usual, rtol=0.08)


def test_a_pair_of_an_undirected_graph_is_held_once_and_says_the_same():
    dense = _undirected(30, 6)
    found = GraphWindows([graphs_of(dense, directed=False)], CPU)
    found.standardize()
    there = ~np.eye(6, dtype=bool)
    np.testing.assert_allclose(found.mean[there], dense.mean(axis=0)[there], atol=1e-6)
    np.testing.assert_allclose(found.scale[there], _scale_of(dense)[there], rtol=1e-5)
    unit = np.where(there, (dense - dense.mean(axis=0)) / np.where(there, found.scale, 1), 0)
    np.testing.assert_allclose(found.variance, unit.var(axis=0, ddof=1).sum() / 2, rtol=1e-5)
    states = np.random.default_rng(1).normal(size=(30, 2))
    wanted = np.einsum("ts,tij->sij", states, unit)
    np.testing.assert_allclose(_products(found, states), wanted, atol=1e-4)
    loadings = found.pairs.taken(torch.from_numpy(wanted).float())
    said = np.einsum("tij,sij->ts", unit, wanted) / 2
    np.testing.assert_allclose(_evidence(found, loadings), said, rtol=1e-4)
    gram = np.einsum("tij,uij->tu", unit, unit) / 2
    np.testing.assert_allclose(found.likeness(torch.ones(15)), gram, atol=1e-4)


@pytest.mark.parametrize("masked", [False, True])
def test_windows_standardised_without_some_equal_those_that_never_had_them(masked):
    dense = _undirected(30, 6, seed=2) + 0.3
    dense[:, np.eye(6, dtype=bool)] = 0
    mask = np.ones((30, 6), dtype=bool)
    if masked:
        mask[[3, 12, 22], [1, 4, 1]] = False
        dense *= mask[:, :, np.newaxis] & mask[:, np.newaxis]
    graphs = graphs_of(dense, directed=False)
    if masked:
        graphs = dataclasses.replace(graphs, node_mask=mask)
    held = np.zeros(30, dtype=bool)
    held[10:16] = True
    whole = GraphWindows([graphs], CPU)
    whole.standardize()
    before = whole.mean.clone(), whole.scale.clone()
    part = whole.without(held)
    alone = GraphWindows([graphs[:10], graphs[16:]], CPU)
    alone.standardize()
    np.testing.assert_allclose(part.mean, alone.mean, atol=1e-6)
    np.testing.assert_allclose(part.scale, alone.scale, rtol=1e-5)
    np.testing.assert_allclose(part.variance, alone.variance, rtol=1e-5)
    rest = np.flatnonzero(~held)
    here, there = part.standardized(rest.tolist()), alone.standardized(range(24))
    np.testing.assert_allclose(here, there, atol=1e-5)
    loadings = torch.from_numpy(np.random.default_rng(3).normal(size=(2, 15))).float()
    np.testing.assert_allclose(
        _evidence(part, loadings)[rest], _evidence(alone, loadings), rtol=1e-4, atol=1e-4
    )
    states = np.where(held[:, np.newaxis], 0.0, np.random.default_rng(4).normal(size=(30, 2)))
    np.testing.assert_allclose(_products(part, states), _products(alone, states[rest]), atol=1e-4)
    gate = loadings[0].abs()
    np.testing.assert_allclose(
        part.likeness(gate)[np.ix_(rest, rest)], alone.likeness(gate), rtol=1e-4, atol=1e-4
    )
    assert torch.equal(whole.mean, before[0])
    assert torch.equal(whole.scale, before[1])


@pytest.mark.parametrize("pooled", [True, False])
def test_a_pair_that_varies_in_windows_alone_that_are_left_out_does_not_vary(pooled):
    dense = _undirected(30, 12, seed=5)
    dense[:10, :6, 6:] = dense[16:, :6, 6:] = 0
    dense[:, 6:, :6] = dense[:, :6, 6:].transpose(0, 2, 1)
    held = np.zeros(30, dtype=bool)
    held[10:16] = True
    whole = GraphWindows([graphs_of(dense, directed=False)], CPU, pooled=pooled)
    whole.standardize()
    part = whole.without(held)
    assert (whole.scale[:6, 6:] > 0).all()
    assert (part.scale[:6, 6:] == 0).all()
    assert (part.standardized(range(30))[:, :6, 6:] == 0).all()
    assert part.standardized(range(30)).abs().max() < 10


def test_pairs_that_hardly_vary_but_in_windows_left_out_have_the_scale_of_the_others():
    dense = _undirected(30, 12, seed=5)
    held = np.zeros(30, dtype=bool)
    held[10:16] = True
    dense[:, :6, 6:] = 0
    dense[12, :6, 6:] = 0.9
    dense[20, :6, 6:] = np.geomspace(1e-4, 0.3, 36).reshape(6, 6)
    dense[:, 6:, :6] = dense[:, :6, 6:].transpose(0, 2, 1)
    whole = GraphWindows([graphs_of(dense, directed=False)], CPU)
    whole.standardize()
    part = whole.without(held)
    alone = GraphWindows([graphs_of(dense[~held], directed=False)], CPU)
    alone.standardize()
    told = part.scale > 0
    assert told[:6, 6:].any()
    np.testing.assert_allclose(part.scale[told], alone.scale[told], rtol=1e-2)
    assert np.isfinite(part.likeness(torch.ones(66))).all()


@pytest.mark.parametrize(("length_s", "apart"), [(1.0, 1), (2.0, 2), (3.0, 3)])
def test_windows_that_are_not_marked_share_no_bins(length_s, apart):
    parts = [graphs_of(_undirected(count, 4), length_s=length_s) for count in (7, 5)]
    free = np.flatnonzero(~GraphWindows(parts, CPU).sharing())
    assert free.tolist() == [*range(0, 7, apart), *range(7, 12, apart)]
