"""The gate: which edges can change, told from how strong they are on average, without labels."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.graph_sequence import GraphSequence

__all__ = ["GATE_FORMS", "EdgeGate", "node_contributions"]

GATE_FORMS = ("proportional", "shrunk")


class EdgeGate:
    """
    Weigh each edge by the evidence that it is coupled at all.

    Only pairs that are coupled on average can change their coupling; all others add noise.  With
    the mean ``m`` and the standard deviation ``s`` of an edge over ``T`` independent training
    windows, ``z = √T m / s`` has a variance of 1 by chance, so that ``m² T / s²`` exceeds what
    chance gives by ``z² - 1``.  Positive and negative couplings count alike.

    Parameters
    ----------
    form : {"proportional", "shrunk"}
        ``"proportional"`` weighs an edge by ``√max(z² - 1, 0) / s``: its signal in units of its
        noise, as if the change of a coupling were in proportion to it.  ``"shrunk"`` weighs it by
        ``√(max(z² - 1, 0) / z²) / s``: in units of its noise, and less the more of its mean is
        chance.  The first is better where few pairs are coupled, the second where many are, for
        then few of the strongest outweigh all others in the first.

    Attributes
    ----------
    mean_ : numpy.ndarray, shape (n_nodes, n_nodes)
        Mean graph of the training windows.
    strength_ : numpy.ndarray, shape (n_nodes, n_nodes)
        Factor of each edge, scaled so that gated edges of training windows have a mean square
        of 1; 0 on the diagonal, and where the mean is no more than chance.
    z_ : numpy.ndarray, shape (n_nodes, n_nodes)
        Mean of each edge in units of its standard error.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> weights = rng.normal(0, 1, (50, 3, 3))
    >>> weights[:, 0, 1] += 2
    >>> weights[:, 2, 0] -= 2
    >>> (np.abs(EdgeGate().fit(weights).z_) > 5).astype(int)
    array([[0, 1, 0],
           [0, 0, 0],
           [1, 0, 0]])
    """

    mean_: NDArray[np.float64]
    strength_: NDArray[np.float64]
    z_: NDArray[np.float64]

    def __init__(self, *, form: str = "proportional") -> None:
        self.form = one_of(form, GATE_FORMS, "form")

    def fit(self, weights: NDArray[Any], *, overlap: int = 0) -> EdgeGate:
        """
        Learn the gate.

        Parameters
        ----------
        weights : numpy.ndarray, shape (n_windows, n_nodes, n_nodes)
            Signed weights of training windows; NaN counts as 0.
        overlap : int
            With how many of the windows before a window shares bins: so many times fewer windows
            are independent.

        Returns
        -------
        EdgeGate
            The fitted gate.
        """
        known = np.nan_to_num(np.asarray(weights, dtype=np.float64))
        n_windows, n_nodes, _ = known.shape
        mean, spread = known.mean(axis=0), known.std(axis=0, ddof=min(1, n_windows - 1))
        # Rounding leaves a constant edge a tiny spread, which would make it endlessly certain.
        varies = spread > 1e-9 * np.maximum(np.abs(known).max(axis=0), 1e-300)
        np.fill_diagonal(varies, False)
        safe = np.where(varies, spread, 1.0)
        z = np.where(varies, mean / safe * np.sqrt(n_windows / (1 + overlap)), 0.0)
        evidence = np.maximum(z * z - 1, 0.0)
        if self.form == "shrunk":
            evidence = evidence / (evidence + 1)
        strength = np.where(varies, np.sqrt(evidence) / safe, 0.0)
        power = np.mean((strength * spread) ** 2) * n_nodes / max(n_nodes - 1, 1)
        self.mean_, self.z_ = mean, z
        self.strength_ = strength / np.sqrt(power) if power > 0 else strength
        return self

    def apply(self, weights: NDArray[Any]) -> NDArray[np.float64]:
        """
        Weigh what each window has beyond the mean graph.

        Parameters
        ----------
        weights : numpy.ndarray, shape (n_windows, n_nodes, n_nodes)
            Signed weights; NaN counts as 0.

        Returns
        -------
        numpy.ndarray, shape (n_windows, n_nodes, n_nodes)
            Gated edges.
        """
        known = np.nan_to_num(np.asarray(weights, dtype=np.float64))
        gated: NDArray[np.float64] = (known - self.mean_) * self.strength_
        return gated


def node_contributions(
    gated: NDArray[np.float64], loadings: NDArray[np.float64]
) -> NDArray[np.float64]:
    """
    Say what each node adds to the score of a window on each component.

    Parameters
    ----------
    gated : numpy.ndarray, shape (n_windows, n_nodes, n_nodes)
        Gated edges.
    loadings : numpy.ndarray, shape (n_components, n_nodes, n_nodes)
        Loadings of the components.

    Returns
    -------
    numpy.ndarray, shape (n_windows, n_nodes, n_components)
        ``½ Σ_j (L_ij G_ij + L_ji G_ji)``; summed over nodes it is the score of the window.

    Examples
    --------
    >>> gated, loadings = np.ones((1, 2, 2)), np.array([[[0.0, 2.0], [0.0, 0.0]]])
    >>> node_contributions(gated, loadings).ravel(), np.tensordot(gated, loadings[0])
    (array([1., 1.]), array([2.]))
    """
    leaving = np.einsum("kij,tij->tik", loadings, gated, optimize=True)
    reaching = np.einsum("kji,tji->tik", loadings, gated, optimize=True)
    contributions: NDArray[np.float64] = 0.5 * (leaving + reaching)
    return contributions


def fitted_gate(
    sequences: Sequence[GraphSequence], form: str
) -> tuple[EdgeGate, NDArray[np.float64]]:
    """
    Fit a gate to training graphs.

    Parameters
    ----------
    sequences : sequence of GraphSequence
        Training graphs over the same nodes.
    form : str
        How strongly the gate weighs, as :class:`EdgeGate` takes it.

    Returns
    -------
    gate : EdgeGate
        The gate.
    edges : numpy.ndarray, shape (n_windows, n_nodes, n_nodes)
        Gated weights of all windows, one sequence after the other.
    """
    weights = np.concatenate(
        [np.stack([matrix.toarray() for matrix in item.weights]) for item in sequences]
    )
    overlap = max(item.windows.overlap for item in sequences)
    gate = EdgeGate(form=form).fit(weights, overlap=overlap)
    return gate, gate.apply(weights)
