"""Self-loops and the history node, beside SciPy's blocks."""

import numpy as np
import pytest
import scipy.sparse

from tavrnn_ephys.core.graph_loops import with_loops


def in_blocks(weights, joined):
    if joined is not None:
        row = scipy.sparse.csr_array(joined[np.newaxis])
        weights = scipy.sparse.block_array([[weights, row.T], [row, None]], format="csr")
    loops = scipy.sparse.eye_array(weights.shape[0], dtype=np.float32, format="csr")
    return scipy.sparse.csr_array(weights + loops)


@pytest.mark.parametrize("history", ["none", "all", "some", "no edge"])
@pytest.mark.parametrize("density", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("n_nodes", [1, 2, 7, 40])
def test_rows_are_those_of_blocks_with_columns_in_order(n_nodes, density, history):
    rng = np.random.default_rng(n_nodes)
    upper = rng.normal(size=(n_nodes, n_nodes)) * (rng.random((n_nodes, n_nodes)) < density)
    upper = np.triu(upper, 1).astype(np.float32)
    weights = scipy.sparse.csr_array(upper + upper.T)
    joined = {
        "none": None,
        "all": np.full(n_nodes, 0.25, dtype=np.float32),
        "some": (0.25 * (np.arange(n_nodes) % 3 > 0)).astype(np.float32),
        "no edge": np.zeros(n_nodes, dtype=np.float32),
    }[history]
    found, expected = with_loops(weights, joined), in_blocks(weights, joined)
    expected.sort_indices()
    assert found.dtype == np.float32
    assert np.array_equal(found.indptr, expected.indptr)
    assert np.array_equal(found.indices, expected.indices)
    assert np.array_equal(found.data, expected.data)


def test_columns_out_of_order_are_sorted():
    weights = scipy.sparse.csr_array(
        (np.array([2.0, 1.0, 1.0, 2.0]), np.array([2, 1, 0, 0]), np.array([0, 2, 3, 4]))
    )
    assert not weights.has_sorted_indices
    assert np.array_equal(with_loops(weights).toarray(), in_blocks(weights, None).toarray())
