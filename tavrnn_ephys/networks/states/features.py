"""Windows as points: weights of pairs, or coordinates of nodes, on their principal components."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import ConnectivitySequence, NodeEmbedding
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.pairs import node_pairs
from tavrnn_ephys.networks._presence import nodes_throughout

__all__ = ["Components", "Source", "pairs_of", "window_features"]

Source = ConnectivitySequence | NodeEmbedding


@dataclass(frozen=True, kw_only=True)
class Components:
    """
    Principal components of standardised features of windows.

    Parameters
    ----------
    mean, scale : numpy.ndarray, shape (n_features,)
        What is taken off each feature, and what it is divided by.
    axes : numpy.ndarray, shape (n_components, n_features)
        Orthonormal axes, of largest variance first.
    sizes : numpy.ndarray, shape (n_components,)
        Singular values.
    """

    mean: NDArray[np.float64]
    scale: NDArray[np.float64]
    axes: NDArray[np.float64]
    sizes: NDArray[np.float64]

    @classmethod
    def fit(cls, features: NDArray[np.float64], n_components: int) -> Components:
        """
        Find the components of features.

        Parameters
        ----------
        features : numpy.ndarray, shape (n_windows, n_features)
            One row per window.
        n_components : int
            How many are kept at most.

        Returns
        -------
        Components
            The components.
        """
        mean = features.mean(axis=0)
        spread = features.std(axis=0)
        # A feature that hardly varies would otherwise be blown up to the size of the others.
        scale = np.maximum(spread, 1e-3 * max(float(np.median(spread)), 1e-12))
        _, sizes, axes = np.linalg.svd((features - mean) / scale, full_matrices=False)
        return cls(mean=mean, scale=scale, axes=axes[:n_components], sizes=sizes[:n_components])

    def points(self, features: NDArray[np.float64], n_components: int) -> NDArray[np.float64]:
        """
        Place windows on the first components.

        Parameters
        ----------
        features : numpy.ndarray, shape (n_windows, n_features)
            One row per window.
        n_components : int
            Number of components.

        Returns
        -------
        numpy.ndarray
            Shape (n_windows, n_components).
        """
        return ((features - self.mean) / self.scale) @ self.axes[:n_components].T


def window_features(source: Source) -> NDArray[np.float64]:
    """
    Write each window as one row: weights above the diagonal, or all coordinates of all nodes.

    Parameters
    ----------
    source : ConnectivitySequence or NodeEmbedding
        What is known of the windows.  Of directed weights both directions count.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows, n_features); a weight that is not known counts as zero, and nodes that
        do not exist in every window are left out.

    Raises
    ------
    InputError
        If it is neither.
    """
    if isinstance(source, ConnectivitySequence):
        pairs = pairs_of(source)
        return np.stack([np.nan_to_num(np.asarray(w, np.float64)[pairs]) for w in source.weights])
    if isinstance(source, NodeEmbedding):
        # Coordinates of a node that comes and goes would say when it is there, and nothing else.
        _, kept = nodes_throughout(source, "the states")
        mean = np.asarray(source.mean, dtype=np.float64)[:, kept]
        return mean.reshape(len(mean), -1)
    raise InputError(
        "network_states takes a ConnectivitySequence or a NodeEmbedding, got "
        f"{type(source).__name__}."
    )


def pairs_of(connectivity: ConnectivitySequence) -> tuple[NDArray[np.intp], ...]:
    """
    Give the pairs of nodes whose weights are features, in their order.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        The connectivity.

    Returns
    -------
    tuple of numpy.ndarray of int
        First and second node of each pair; both directions of directed weights.
    """
    return node_pairs(connectivity.n_nodes, directed=connectivity.directed)
