"""
Which weights become edges.

A threshold says for each pair of nodes and window whether its weight is kept; it looks at one
window at a time.  Those with ``fitted`` can take their level from some windows and apply it to
others, so that test windows do not set their own level.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import is_real_number, positive_int
from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.pairs import node_pairs

__all__ = ["AbsoluteThreshold", "DensityThreshold", "StrongestThreshold"]


def _strengths(connectivity: ConnectivitySequence) -> NDArray[np.float64]:
    """Absolute weights; zero on the diagonal and where there is no weight."""
    strengths = np.abs(np.nan_to_num(connectivity.weights, nan=0.0))
    diagonal = np.arange(connectivity.n_nodes)
    strengths[:, diagonal, diagonal] = 0.0
    return strengths


def _pairs(connectivity: ConnectivitySequence) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Rows and columns of what can be an edge: each pair once, or both of its directions."""
    return node_pairs(connectivity.n_nodes, directed=connectivity.directed)


@dataclass(frozen=True, kw_only=True)
class AbsoluteThreshold:
    """
    Keep weights of at least this absolute value, zero apart.

    Parameters
    ----------
    value : float
        Smallest absolute weight of an edge, at least 0.

    Raises
    ------
    InputError
        If the value is negative or not finite.

    Examples
    --------
    >>> connectivity = ConnectivitySequence.from_array([[[1.0, -0.7], [-0.7, 1.0]]])
    >>> AbsoluteThreshold(value=0.6).keep(connectivity)[0]
    array([[False,  True],
           [ True, False]])
    """

    value: float

    def __post_init__(self) -> None:
        if not (is_real_number(self.value) and self.value >= 0):
            raise InputError(f"threshold must be a number of at least 0, got {self.value!r}.")

    def keep(self, connectivity: ConnectivitySequence) -> NDArray[np.bool_]:
        """
        Say which weights become edges.

        Parameters
        ----------
        connectivity : ConnectivitySequence
            Any windows.

        Returns
        -------
        numpy.ndarray of bool
            Shape (n_windows, n_nodes, n_nodes), False on the diagonal.
        """
        strengths = _strengths(connectivity)
        return (strengths >= self.value) & (strengths > 0)


@dataclass(frozen=True, kw_only=True)
class DensityThreshold:
    """
    Keep the same share of all pairs of nodes in every window: the strongest.

    Parameters
    ----------
    density : float
        Share of the pairs that become edges, in (0, 1].

    Raises
    ------
    InputError
        If the density lies outside (0, 1].

    Notes
    -----
    Pairs without a weight never become edges.  A fixed density hides that a window is more
    strongly coupled than another; :meth:`fitted` keeps that difference.

    Examples
    --------
    >>> weights = np.array([[[1.0, 0.9, 0.1], [0.9, 1.0, -0.5], [0.1, -0.5, 1.0]]])
    >>> threshold = DensityThreshold(density=0.34)
    >>> threshold.keep(ConnectivitySequence.from_array(weights))[0].astype(int)
    array([[0, 1, 0],
           [1, 0, 0],
           [0, 0, 0]])
    """

    density: float

    def __post_init__(self) -> None:
        if not (is_real_number(self.density) and 0 < self.density <= 1):
            raise InputError(
                f"density must lie in (0, 1], got {self.density!r}: the share of node pairs that "
                "become edges, such as 0.1."
            )

    def keep(self, connectivity: ConnectivitySequence) -> NDArray[np.bool_]:
        """
        Say which weights become edges.

        Parameters
        ----------
        connectivity : ConnectivitySequence
            Any windows.

        Returns
        -------
        numpy.ndarray of bool
            Shape (n_windows, n_nodes, n_nodes), False on the diagonal, symmetric unless the
            connectivity is directed: each direction of a pair then counts on its own.
        """
        strengths = _strengths(connectivity)
        kept = np.zeros(strengths.shape, dtype=bool)
        rows, columns = _pairs(connectivity)
        n_edges = max(1, round(self.density * len(rows)))
        for window, matrix in zip(kept, strengths, strict=True):
            values = matrix[rows, columns]
            # A stable order: equal weights are kept in node order, not at random.
            best = np.argsort(-values, kind="stable")[:n_edges]
            best = best[values[best] > 0]
            window[rows[best], columns[best]] = True
        return kept if connectivity.directed else kept | np.swapaxes(kept, 1, 2)

    def fitted(self, connectivity: ConnectivitySequence) -> AbsoluteThreshold:
        """
        Find the absolute threshold that brings about this density over some windows.

        Parameters
        ----------
        connectivity : ConnectivitySequence
            The windows to fit, such as those for training.

        Returns
        -------
        AbsoluteThreshold
            For any windows; their densities differ as their coupling does.
        """
        rows, columns = _pairs(connectivity)
        values = np.sort(_strengths(connectivity)[:, rows, columns], axis=None)[::-1]
        position = max(1, round(self.density * len(values))) - 1
        return AbsoluteThreshold(value=float(values[position]))


@dataclass(frozen=True, kw_only=True)
class StrongestThreshold:
    """
    Keep the strongest weights of each node; an edge needs only one of its two ends.

    Parameters
    ----------
    n_strongest : int
        Number of weights per node.

    Raises
    ------
    InputError
        If the number is not at least 1.

    Examples
    --------
    >>> weights = np.array([[[1.0, 0.9, 0.1], [0.9, 1.0, -0.5], [0.1, -0.5, 1.0]]])
    >>> threshold = StrongestThreshold(n_strongest=1)
    >>> threshold.keep(ConnectivitySequence.from_array(weights))[0].astype(int)
    array([[0, 1, 0],
           [1, 0, 1],
           [0, 1, 0]])
    """

    n_strongest: int

    def __post_init__(self) -> None:
        positive_int(self.n_strongest, "n_strongest")

    def keep(self, connectivity: ConnectivitySequence) -> NDArray[np.bool_]:
        """
        Say which weights become edges.

        Parameters
        ----------
        connectivity : ConnectivitySequence
            Any windows.

        Returns
        -------
        numpy.ndarray of bool
            Shape (n_windows, n_nodes, n_nodes), False on the diagonal, symmetric unless the
            connectivity is directed: the strongest of a node are then those that leave it.

        Raises
        ------
        InputError
            If there are not more nodes than weights per node.
        """
        n_nodes = connectivity.n_nodes
        if self.n_strongest >= n_nodes:
            raise InputError(
                f"n_strongest of {self.n_strongest} must be less than the number of nodes, "
                f"{n_nodes}."
            )
        strengths = _strengths(connectivity)
        best = np.argsort(-strengths, axis=2, kind="stable")[:, :, : self.n_strongest]
        kept = np.zeros(strengths.shape, dtype=bool)
        np.put_along_axis(kept, best, True, axis=2)
        kept &= strengths > 0
        return kept if connectivity.directed else kept | np.swapaxes(kept, 1, 2)


def upper_values(matrix: NDArray[Any]) -> NDArray[Any]:
    """
    List the entries above the diagonal.

    Parameters
    ----------
    matrix : numpy.ndarray, shape (n_nodes, n_nodes)
        Any matrix.

    Returns
    -------
    numpy.ndarray
        Shape (n_nodes (n_nodes - 1) / 2,), row by row.
    """
    return matrix[np.triu_indices(len(matrix), 1)]
