"""Sums over a moving window are those of the window, to the last bit."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError


def pushed(counts, n_bins, **options):
    gram = te.RunningGram(len(counts), n_bins, **options)
    for column in counts.T:
        gram.push(column)
    return gram


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**16),
    n_nodes=st.integers(1, 12),
    n_bins=st.integers(1, 9),
    n_pushed=st.integers(0, 40),
    rate=st.sampled_from([0.1, 1.0, 30.0]),
)
def test_sums_are_those_of_the_last_bins(seed, n_nodes, n_bins, n_pushed, rate):
    counts = np.random.default_rng(seed).poisson(rate, (n_nodes, n_pushed))
    gram, window = pushed(counts, n_bins), counts[:, max(0, n_pushed - n_bins) :]
    assert np.array_equal(gram.gram, window @ window.T)
    assert np.array_equal(gram.total, window.sum(axis=1))
    assert np.array_equal(gram.gram, gram.summed_afresh())


def test_weights_are_those_of_compute_connectivity():
    counts = np.random.default_rng(0).poisson(1.0, (9, 50))
    expected = np.corrcoef(counts[:, -30:])
    np.fill_diagonal(expected, 0.0)
    found = pushed(counts, 30).weights()
    assert np.allclose(found, expected, atol=1e-6)
    covariance = pushed(counts, 30).weights(measure="covariance")
    expected = np.cov(counts[:, -30:])
    np.fill_diagonal(expected, 0.0)
    assert np.allclose(covariance, expected, atol=1e-5)


def test_weights_below_the_threshold_are_no_edges():
    counts = np.random.default_rng(0).poisson(1.0, (9, 50))
    gram = pushed(counts, 30)
    all_weights, graph = gram.weights(), gram.graph(threshold=0.2)
    assert np.array_equal(graph.weights, np.where(np.abs(all_weights) >= 0.2, all_weights, 0))
    assert np.array_equal(graph.n_edges, (graph.weights != 0).sum(axis=1))
    assert np.allclose(graph.degrees, np.abs(graph.weights).sum(axis=1))


def test_a_silent_node_has_no_edge():
    counts = np.random.default_rng(0).poisson(1.0, (4, 20))
    counts[2] = 3
    assert not pushed(counts, 20).weights()[2].any()


def test_a_missing_bin_plays_no_part():
    counts = np.random.default_rng(0).poisson(1.0, (5, 20))
    gram = te.RunningGram(5, 20)
    for index, column in enumerate(counts.T):
        gram.push(None if index == 7 else column)
    rest = np.delete(counts, 7, axis=1)
    expected = np.corrcoef(rest)
    np.fill_diagonal(expected, 0.0)
    assert gram.n_missing == 1
    assert np.allclose(gram.weights(), expected, atol=1e-6)


def test_sums_beyond_32_bits_stay_exact():
    counts = np.full((2, 10), 40_000)
    counts[0, 3] = 39_999
    gram = pushed(counts, 5)
    assert np.array_equal(gram.gram, counts[:, 5:] @ counts[:, 5:].T)
    assert gram.gram.dtype == np.int64


def test_binary_sums_count_bins():
    counts = np.array([[3, 0, 1], [2, 1, 0]])
    assert pushed(counts, 3, binary=True).gram.tolist() == [[2, 1], [1, 2]]


@pytest.mark.parametrize("counts", [[1.5, 0.0], [1], [-1, 0], [2_000_000, 0]])
def test_what_are_no_counts_is_refused(counts):
    with pytest.raises(InputError, match="counts of a bin"):
        te.RunningGram(2, 3).push(counts)


def test_state_is_taken_over_to_the_last_bit():
    counts = np.random.default_rng(0).poisson(2.0, (6, 40))
    one, two = pushed(counts[:, :25], 10), te.RunningGram(6, 10)
    two.restore(one.state())
    for column in counts[:, 25:].T:
        one.push(column)
        two.push(column)
    assert np.array_equal(one.gram, two.gram)
    assert np.array_equal(one.weights(), two.weights())
