"""The sparse product against the dense one."""

import numpy as np
import pytest
import scipy.sparse
import torch

from tavrnn_ephys.methods.tavrnn.nn.propagation import normalized_operator
from tavrnn_ephys.methods.tavrnn.nn.sparse import SparseOperator
from tests.random_graphs import random_graphs


@pytest.mark.parametrize("signed", [False, True])
@pytest.mark.parametrize("width", [1, 3, 8, 32, 33])
def test_sparse_product_equals_dense_product(signed, width):
    graphs = random_graphs(n_windows=1, n_nodes=80, density=0.15)
    adjacency = graphs.signed_adjacency(0) if signed else graphs.adjacency(0)
    operator = normalized_operator(adjacency)
    assert isinstance(operator, SparseOperator)
    degree = np.abs(adjacency.toarray()).sum(axis=1)
    dense = torch.from_numpy(adjacency.toarray() / np.sqrt(np.outer(degree, degree))).float()
    features = torch.randn(81, width, requires_grad=True)
    other = features.detach().clone().requires_grad_()
    weight = torch.randn(81, width)
    (operator @ features * weight).sum().backward()
    (dense @ other * weight).sum().backward()
    np.testing.assert_allclose((operator @ features).detach(), (dense @ other).detach(), atol=1e-5)
    np.testing.assert_allclose(features.grad, other.grad, atol=1e-5)


def test_dense_graph_stays_dense():
    graphs = random_graphs(n_windows=1, n_nodes=30, density=0.8)
    assert isinstance(normalized_operator(graphs.adjacency(0)), torch.Tensor)


def test_features_that_do_not_lie_row_by_row_are_multiplied_right():
    matrix = scipy.sparse.csr_array(np.array([[1.0, 1.0], [1.0, 0.0]], dtype=np.float32))
    operator = SparseOperator(matrix)
    features = torch.arange(6.0).reshape(3, 2).T
    expected = torch.from_numpy(matrix.toarray()) @ features
    np.testing.assert_array_equal(operator @ features, expected)
