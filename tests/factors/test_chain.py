"""A chain of kinds against all the paths that it can take."""

import itertools

import numpy as np
import pytest

from tavrnn_ephys.methods.tavrnn.factors._chain import (
    filter_chain,
    smooth_chain,
    smooth_stretches,
)

SHARE, STAY = np.array([0.5, 0.3, 0.2]), 0.6


def _gains(n_windows=5, seed=0):
    return 2 * np.random.default_rng(seed).normal(size=(n_windows, len(SHARE)))


def _paths(gains, share, stay, before):
    """All paths, whether each move was a stay, and the log of their joint probability."""
    n_windows, n_kinds = gains.shape
    for kinds in itertools.product(range(n_kinds), repeat=n_windows):
        for stays in itertools.product((False, True), repeat=n_windows - 1):
            log = np.log(before[kinds[0]]) + gains[range(n_windows), kinds].sum()
            for earlier, later, stayed in zip(kinds[:-1], kinds[1:], stays, strict=True):
                chance = stay * (earlier == later) if stayed else (1 - stay) * share[later]
                log += np.log(chance) if chance else -np.inf
            yield kinds, stays, log


def _enumerated(gains, share=SHARE, stay=STAY, before=SHARE):
    """Log-likelihood, probability of each kind in each window, expected number of stays."""
    paths = list(_paths(gains, share, stay, before))
    weight = np.exp([log for _, _, log in paths])
    known = np.zeros(gains.shape)
    for (kinds, _, _), chance in zip(paths, weight / weight.sum(), strict=True):
        known[range(len(gains)), kinds] += chance
    stayed = np.average([sum(stays) for _, stays, _ in paths], weights=weight)
    return np.log(weight.sum()), known, stayed


@pytest.mark.parametrize("before", [SHARE, np.array([0.1, 0.1, 0.8])])
def test_filter_knows_the_windows_up_to_each_alone(before):
    gains = _gains()
    found, total = filter_chain(gains, SHARE, STAY, before)
    for n_windows in range(1, len(gains) + 1):
        log, known, _ = _enumerated(gains[:n_windows], before=before)
        np.testing.assert_allclose(found[n_windows - 1], known[-1], atol=1e-12)
        np.testing.assert_allclose(total[:n_windows].sum(), log, atol=1e-12)


@pytest.mark.parametrize("stay", [0.0, 0.6, 0.99])
def test_smoother_knows_all_windows_and_counts_stays(stay):
    gains = _gains()
    known, stayed = smooth_chain(filter_chain(gains, SHARE, stay, SHARE)[0], SHARE, stay)
    _, expected, count = _enumerated(gains, stay=stay)
    np.testing.assert_allclose(known, expected, atol=1e-12)
    assert stayed == pytest.approx(count)


def test_a_kind_that_is_drawn_again_has_not_stayed():
    gains = np.tile([0.0, -50.0], (2, 1))
    share = np.array([0.9, 0.1])
    _, stayed = smooth_chain(filter_chain(gains, share, 0.5, share)[0], share, 0.5)
    assert stayed == pytest.approx(0.5 / (0.5 + 0.5 * 0.9))


def test_one_window_moves_nowhere():
    found, total = filter_chain(np.log([[0.2, 0.6, 0.4]]), SHARE, STAY, SHARE)
    np.testing.assert_allclose(found, [[0.1 / 0.36, 0.18 / 0.36, 0.08 / 0.36]])
    assert total == pytest.approx(np.log(0.36))
    known, stayed = smooth_chain(found, SHARE, STAY)
    np.testing.assert_array_equal(known, found)
    assert stayed == 0


def test_every_stretch_begins_anew():
    gains, limits = _gains(8), np.array([0, 3, 4, 8])
    known, total, stayed = smooth_stretches(gains, limits, SHARE, STAY)
    parts = [_enumerated(gains[part]) for part in (slice(0, 3), slice(3, 4), slice(4, 8))]
    logs, expected, counts = zip(*parts, strict=True)
    np.testing.assert_allclose(known, np.concatenate(expected), atol=1e-12)
    assert total == pytest.approx(sum(logs))
    assert stayed == pytest.approx(sum(counts))


def test_evidence_of_any_size_is_weighed():
    gains = np.array([[-1e5, -1e5 + 1, -3e5], [2e5, 0.0, -2e5], [0.0, 0.0, 0.0]])
    found, total = filter_chain(gains, SHARE, STAY, SHARE)
    known, _ = smooth_chain(found, SHARE, STAY)
    assert np.isfinite(total).all()
    np.testing.assert_allclose(found.sum(axis=1), 1)
    np.testing.assert_allclose(known.sum(axis=1), 1)
    np.testing.assert_allclose(found[1], [1, 0, 0], atol=1e-12)
    np.testing.assert_allclose(found[2], STAY * found[1] + (1 - STAY) * SHARE)
