"""Coordinates of graphs in a basis that all windows share."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

__all__ = ["SpectralBasis", "coherence", "fit_spectral_basis"]

# Weights that are shuffled at a time to judge coherence: 200 MB of float32.
_LARGEST_STACK = 50_000_000


class SpectralBasis:
    """
    Mean graph and the directions in which the graphs of single windows leave it.

    Parameters
    ----------
    mean : numpy.ndarray, shape (n, n)
        Mean of the training graphs.
    directions : numpy.ndarray, shape (n, rank)
        Orthonormal left factors.
    scale : float
        Root mean square of the coordinates on the training graphs.
    variance : float
        Variance of an off-diagonal weight around the mean graph.
    """

    def __init__(
        self,
        mean: NDArray[np.float32],
        directions: NDArray[np.float32],
        scale: float,
        variance: float,
    ) -> None:
        self.mean = mean
        self.directions = directions
        self.scale = scale
        self.variance = variance

    def coordinates(self, graph: NDArray[np.float32]) -> NDArray[np.float32]:
        """
        Project one graph.

        Parameters
        ----------
        graph : numpy.ndarray, shape (n, n)
            Symmetric weights.

        Returns
        -------
        numpy.ndarray
            ``(A − M) U / scale``, shape (n, rank).
        """
        coordinates = (graph - self.mean) @ self.directions
        return (coordinates / self.scale).astype(np.float32)


def fit_spectral_basis(graphs: Iterable[NDArray[np.float32]], rank: int) -> SpectralBasis:
    """
    Fit the unfolded adjacency spectral embedding to training graphs.

    The left singular vectors of ``[A_1 − M, …, A_T − M]`` (Gallagher, Jones &
    Rubin-Delanchy 2021), as eigenvectors of ``Σ_t (A_t − M)²``, with the mean graph ``M``.

    Parameters
    ----------
    graphs : iterable of numpy.ndarray, each of shape (n, n)
        Symmetric weights of the training windows; gone through twice, and one held at a time
        unless this is an iterator.
    rank : int
        Number of directions; columns beyond n are zero.

    Returns
    -------
    SpectralBasis
        The basis.

    Examples
    --------
    >>> graphs = [np.zeros((3, 3), np.float32), np.ones((3, 3), np.float32)]
    >>> fit_spectral_basis(graphs, rank=1).coordinates(graphs[1]).round(3).ravel()
    array([1., 1., 1.], dtype=float32)
    """
    graphs = list(graphs) if isinstance(graphs, Iterator) else graphs
    n_graphs, mean = _mean(graphs)
    n = len(mean)
    moment = np.zeros((n, n))
    off_diagonal, total = ~np.eye(n, dtype=bool), 0.0
    for graph in graphs:
        deviation = graph - mean
        # Symmetric: written so, NumPy computes half of the product.
        moment += deviation @ deviation.T
        total += float(np.square(deviation[off_diagonal]).mean())
    # In ascending order; the n × nT matrix, whose left factors these are, is never built.
    values, vectors = np.linalg.eigh(moment)
    kept = min(rank, n)
    directions = np.zeros((n, rank), dtype=np.float32)
    directions[:, :kept] = vectors[:, ::-1][:, :kept]
    # An eigenvector's sign is arbitrary; the largest entry is made positive.
    peak = directions[np.abs(directions).argmax(axis=0), np.arange(rank)]
    directions *= np.where(peak < 0, -1.0, 1.0).astype(np.float32)
    # Rounding makes vanishing eigenvalues slightly negative.
    power = values[::-1][:kept].clip(min=0).sum() / (n_graphs * n * rank)
    return SpectralBasis(
        mean,
        directions,
        scale=float(np.sqrt(power)) or 1.0,
        variance=total / n_graphs or 1.0,
    )


def _mean(graphs: Iterable[NDArray[np.float32]]) -> tuple[int, NDArray[np.float32]]:
    """Count graphs, and average them in double precision, one after the other."""
    # Summed in double precision: sums over thousands of windows lose digits in float32.
    n_graphs, total = 0, np.zeros(0)
    for graph in graphs:
        total = graph.astype(np.float64) if n_graphs == 0 else np.add(total, graph, out=total)
        n_graphs += 1
    return n_graphs, np.asarray(total / n_graphs, dtype=np.float32)


def coherence(graphs: Sequence[NDArray[np.float32]], *, seed: int = 0) -> float:
    """
    Say how much more coherently graphs differ between windows than chance would have it.

    The share of the strongest common direction in the deviations from the mean graph,
    divided by the same share after the weights of each pair are shuffled between windows on
    their own: the shuffle keeps the spread of every pair and destroys what pairs do together.

    Parameters
    ----------
    graphs : sequence of numpy.ndarray, each of shape (n, n)
        Symmetric weights of the windows; many are thinned out evenly.
    seed : int
        Seed of the shuffle.

    Returns
    -------
    float
        About 1 where windows differ by noise alone; up to 1.05 for independent spike trains,
        whose estimates share their margins.
    """
    n = graphs[0].shape[0]
    n_kept = int(np.clip(_LARGEST_STACK // n**2, 8, max(len(graphs), 8)))
    chosen = np.unique(np.linspace(0, len(graphs) - 1, n_kept).astype(np.int64))
    rows, columns = np.triu_indices(n, 1)
    pairs = np.stack([graphs[index][rows, columns] for index in chosen])
    pairs -= pairs.mean(axis=0)
    observed = _strongest_share(pairs, n)
    shuffled = np.random.default_rng(seed).permuted(pairs, axis=0)
    # Windows that are all equal have no share at all.
    return observed / max(_strongest_share(shuffled, n), 1e-12)


def _strongest_share(pairs: NDArray[np.float32], n: int) -> float:
    rows, columns = np.triu_indices(n, 1)
    moment = np.zeros((n, n))
    for values in pairs:
        deviation = np.zeros((n, n), dtype=np.float32)
        deviation[rows, columns] = values
        deviation += deviation.T
        # Symmetric: written so, NumPy computes half of the product.
        moment += deviation @ deviation.T
    eigenvalues = np.linalg.eigvalsh(moment)
    return float(eigenvalues[-1] / max(eigenvalues.sum(), 1e-30))
