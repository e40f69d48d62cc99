"""Where nodes stand: spectral positions, and windows turned onto each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import orthogonal_procrustes

from tavrnn_ephys.core.checks import one_of, positive_int, whole_number
from tavrnn_ephys.core.containers import ConnectivitySequence, NodeEmbedding
from tavrnn_ephys.core.errors import InputError, MissingDependencyError
from tavrnn_ephys.core.provenance import package_versions
from tavrnn_ephys.networks._geometry import unit_vectors

__all__ = ["align_windows", "placed_in_plane", "spectral_positions"]


def spectral_positions(
    connectivity: ConnectivitySequence, *, latent_size: int = 8
) -> NodeEmbedding:
    """
    Place nodes by their own weights: unfolded spectral embedding, not centred [1]_.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Symmetric signed weights; the diagonal and missing weights count as 0.
    latent_size : int
        Number of coordinates.

    Returns
    -------
    NodeEmbedding
        ``A_t U``, with the leading eigenvectors ``U`` of ``Σ_t A_t²`` over all windows; two nodes
        with the same weights stand at the same place.

    Raises
    ------
    InputError
        If the connectivity is directed.

    Notes
    -----
    Embeddings that describe how a window *leaves* the mean graph, such as TAVRNN's and
    :class:`tavrnn_ephys.methods.UASE`, give two groups the same direction whenever they leave it
    together, be it upward or downward.  For the alignment of groups the place itself is what
    counts.

    References
    ----------
    .. [1] Gallagher, Jones & Rubin-Delanchy (2021), Spectral embedding for dynamic networks with
       stability guarantees, NeurIPS.

    Examples
    --------
    >>> weights = np.array([[[0, 1.0, 0], [1.0, 0, 0], [0, 0, 0]]])
    >>> spectral_positions(ConnectivitySequence.from_array(weights), latent_size=1)
    NodeEmbedding: 1 windows x 3 units x 1, without attention
    """
    positive_int(latent_size, "latent_size")
    if connectivity.directed:
        raise InputError(
            "spectral_positions needs one weight per pair of nodes, and this connectivity is "
            "directed. Call connectivity.symmetrized() first."
        )
    n = connectivity.n_nodes
    moment = np.zeros((n, n))
    for matrix in connectivity.weights:
        weights = _without_diagonal(matrix)
        moment += weights @ weights
    vectors = np.linalg.eigh(moment)[1][:, ::-1][:, :latent_size]
    peak = vectors[np.abs(vectors).argmax(axis=0), np.arange(vectors.shape[1])]
    vectors = vectors * np.where(peak < 0, -1.0, 1.0)
    mean = np.stack([_without_diagonal(matrix) @ vectors for matrix in connectivity.weights])
    return NodeEmbedding(
        mean=mean,
        std=np.zeros_like(mean),
        windows=connectivity.windows,
        nodes=connectivity.nodes,
        config={"model.method": "spectral_positions", "model.latent_size": latent_size},
        versions=package_versions(),
    )


def align_windows(embedding: NodeEmbedding, window_index: Sequence[int]) -> NDArray[np.float64]:
    """
    Rotate the embeddings of some windows onto the first, so that they can be compared by eye.

    Parameters
    ----------
    embedding : NodeEmbedding
        Mean, shape (n_windows, n_nodes, latent_size).
    window_index : sequence of int
        The windows, shape (n_chosen,).

    Returns
    -------
    numpy.ndarray
        Shape (n_chosen, n_nodes, latent_size): every window rotated or mirrored, never scaled
        or bent, to the least squared distance from the first [1]_ over the nodes that exist in
        both; NaN where a node does not exist.

    Raises
    ------
    InputError
        If no window is chosen, one does not exist, or one shares no node with the first.

    References
    ----------
    .. [1] Schönemann (1966), Psychometrika 31, 1-10.
    """
    chosen = [whole_number(index, "window_index") for index in window_index]
    if not chosen or max(chosen) >= embedding.n_windows:
        raise InputError(f"window_index must name windows below {embedding.n_windows}.")
    points = np.asarray(embedding.mean[chosen], dtype=np.float64)
    present = embedding.node_mask[chosen]
    return np.stack(
        [
            window @ _turn(window, points[0], here & present[0])
            for window, here in zip(points, present, strict=True)
        ]
    )


def _turn(
    window: NDArray[np.float64], onto: NDArray[np.float64], both: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Turn a window onto another by the nodes that exist in both."""
    if not both.any():
        raise InputError(
            "Two of these windows have no node in common, so that none can be rotated onto the "
            "other. Choose windows that share nodes."
        )
    return orthogonal_procrustes(window[both], onto[both])[0]


def placed_in_plane(
    embedding: NodeEmbedding, window_index: Sequence[int], *, method: str = "pca", seed: int = 0
) -> NDArray[np.float64]:
    """
    Place the nodes of some windows in one plane, for pictures.

    Parameters
    ----------
    embedding : NodeEmbedding
        Mean, shape (n_windows, n_nodes, latent_size).
    window_index : sequence of int
        The windows; all are rotated onto the first by :func:`align_windows`.
    method : {"pca", "tsne", "umap"}
        How the aligned nodes of all chosen windows together are projected.  UMAP needs the
        package umap-learn.
    seed : int
        Seed of t-SNE or UMAP.

    Returns
    -------
    numpy.ndarray
        Shape (n_chosen, n_nodes, 2); NaN where a node does not exist.

    Raises
    ------
    InputError
        If a window does not exist, or the method is unknown.
    MissingDependencyError
        If UMAP is asked for and umap-learn is not installed.

    Notes
    -----
    Nodes stand as unit vectors, as in :func:`group_alignment`.  Distances are to be taken in
    embedding space, never in t-SNE or UMAP.
    """
    one_of(method, ("pca", "tsne", "umap"), "method")
    points = unit_vectors(align_windows(embedding, window_index))
    flat = points.reshape(-1, points.shape[2])
    known = np.isfinite(flat).all(axis=1)
    placed = np.full((len(flat), 2), np.nan)
    placed[known] = _in_plane(flat[known], method, seed)
    return placed.reshape(*points.shape[:2], 2)


def _in_plane(flat: NDArray[np.float64], method: str, seed: int) -> NDArray[np.float64]:
    """Place vectors, shape (n, latent_size), in a plane."""
    placed = np.zeros((len(flat), 2))
    if method == "pca" or flat.shape[1] < 2:
        from sklearn.decomposition import PCA

        found = PCA(n_components=min(2, *flat.shape)).fit_transform(flat)
        placed[:, : found.shape[1]] = found
    elif method == "tsne":
        from sklearn.manifold import TSNE

        perplexity = min(30.0, (len(flat) - 1) / 3)
        placed = TSNE(perplexity=perplexity, init="pca", random_state=seed).fit_transform(flat)
    else:
        try:
            from umap import UMAP  # type: ignore[import-not-found]
        except ImportError:
            raise MissingDependencyError(
                "method='umap' needs umap-learn: pip install umap-learn, or take 'tsne'."
            ) from None
        placed = UMAP(random_state=seed).fit_transform(flat)
    return np.asarray(placed, dtype=np.float64)


def _without_diagonal(matrix: NDArray[Any]) -> NDArray[np.float64]:
    weights = np.nan_to_num(np.array(matrix, dtype=np.float64), nan=0.0)
    np.fill_diagonal(weights, 0.0)
    return weights
