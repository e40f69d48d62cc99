"""Tangent space of correlation matrices: edges as lengths on the manifold they lie on."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.errors import MissingDependencyError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods._dense import dense_weights, of_every_node
from tavrnn_ephys.methods.contract import GraphEmbedder

__all__ = ["TangentSpace"]

# Matrices of lagged correlations, and of short windows, are not positive definite by themselves.
_LEAST_EIGENVALUE = 0.05


class TangentSpace(GraphEmbedder):
    """
    Principal components of windows in the tangent space at their Riemannian mean [1]_.

    Parameters
    ----------
    n_components : int
        Number of components, at most one less than there are training windows.

    Attributes
    ----------
    tangent_ : pyriemann.tangentspace.TangentSpace
        The tangent space of the training windows.
    pca_ : sklearn.decomposition.PCA
        The components.
    node_ids_ : numpy.ndarray of str, shape (n_nodes,)
        Nodes seen in ``fit``.

    References
    ----------
    .. [1] Barachant et al. (2012), IEEE Transactions on Biomedical Engineering 59, 920-928.

    Examples
    --------
    >>> TangentSpace(n_components=4)
    TangentSpace(n_components=4)
    """

    name = "tangent_space"

    def __init__(self, *, n_components: int = 32) -> None:
        self.n_components = n_components

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        from sklearn.decomposition import PCA

        wanted = positive_int(self.n_components, "n_components")
        try:
            from pyriemann.tangentspace import TangentSpace as Tangent
        except ImportError:
            raise MissingDependencyError(
                "The tangent space needs the package pyriemann. "
                "Install it: pip install tavrnn_ephys[riemann]."
            ) from None
        matrices = np.concatenate([_positive(dense_weights(item)) for item in sequences])
        self.tangent_ = Tangent(metric="riemann").fit(matrices)
        vectors = self.tangent_.transform(matrices)
        kept = min(wanted, max(len(vectors) - 1, 1), vectors.shape[1])
        self.pca_ = PCA(kept, svd_solver="full").fit(vectors)

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        vectors = self.tangent_.transform(_positive(dense_weights(graphs)))
        return of_every_node(self.pca_.transform(vectors), graphs.n_nodes)


def _positive(weights: NDArray[Any]) -> NDArray[np.float64]:
    """Nearest matrices with ones added on the diagonal whose eigenvalues are large enough."""
    matrices = weights.astype(np.float64) + np.eye(weights.shape[1])
    values, vectors = np.linalg.eigh(matrices)
    raised = np.maximum(values, _LEAST_EIGENVALUE)
    positive: NDArray[np.float64] = (vectors * raised[:, np.newaxis]) @ np.swapaxes(vectors, 1, 2)
    return positive
