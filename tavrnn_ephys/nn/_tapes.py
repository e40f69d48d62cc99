"""What a pass through time keeps of every window, and products with its graphs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tavrnn_ephys.nn.sparse import SparseOperator

__all__ = ["Gathering", "flat", "tape"]


def tape(like: Tensor, n_windows: int, width: int, keep: bool) -> Tensor:
    """
    Make room for one matrix per window, or for one that all windows overwrite.

    Parameters
    ----------
    like : torch.Tensor, shape (n_vertices, …)
        A tensor of the same number of vertices, type and device.
    n_windows, width : int
        Number and width of the matrices.
    keep : bool
        Whether each window has room of its own.

    Returns
    -------
    torch.Tensor
        Not initialised, shape (n_windows, n_vertices, width).
    """
    room = like.new_empty(n_windows if keep else 1, len(like), width)
    return room if keep else room.expand(n_windows, -1, -1)


def flat(windows: Tensor) -> Tensor:
    """
    Put the vertices of all windows below each other.

    Parameters
    ----------
    windows : torch.Tensor, shape (n_windows, n_vertices, width)
        One matrix per window.

    Returns
    -------
    torch.Tensor
        A view, shape (n_windows · n_vertices, width).
    """
    return windows.flatten(0, 1)


class Gathering:
    """
    Neighbourhoods in every window, forwards and backwards, without recorded derivatives.

    Parameters
    ----------
    operators : sequence of torch.Tensor or SparseOperator
        Normalised adjacency of each window, symmetric.
    self_path : bool
        Whether the features themselves stand beside the neighbourhood.
    """

    def __init__(self, operators: Sequence[Tensor | SparseOperator], self_path: bool) -> None:
        self.operators, self.self_path = operators, self_path

    def width(self, n_features: int) -> int:
        """
        Return the width of the neighbourhood of some features.

        Parameters
        ----------
        n_features : int
            Their number.

        Returns
        -------
        int
            The same, or twice as many with a self path.
        """
        return 2 * n_features if self.self_path else n_features

    def gather(self, t: int, features: Tensor, out: Tensor) -> Tensor:
        """
        Gather the neighbourhood.

        Parameters
        ----------
        t : int
            The window.
        features : torch.Tensor, shape (n_vertices, n_features)
            Vertex features.
        out : torch.Tensor, shape (n_vertices, width(n_features))
            Filled in place.

        Returns
        -------
        torch.Tensor
            ``out``.
        """
        operator, n_features = self.operators[t], features.shape[1]
        target = out[:, :n_features] if self.self_path else out
        if isinstance(operator, Tensor):
            torch.mm(operator, features, out=target)
        else:
            target.copy_(operator.multiply(features))
        if self.self_path:
            out[:, n_features:].copy_(features)
        return out

    def scatter(self, t: int, gradient: Tensor) -> Tensor:
        """
        Take a gradient back: the transpose of :meth:`gather`.

        Parameters
        ----------
        t : int
            The window.
        gradient : torch.Tensor, shape (n_vertices, width(n_features))
            Gradient of the neighbourhood.

        Returns
        -------
        torch.Tensor
            Gradient of the features, shape (n_vertices, n_features).
        """
        operator = self.operators[t]
        n_features = gradient.shape[1] // (2 if self.self_path else 1)
        part = gradient[:, :n_features]
        gathered = operator @ part if isinstance(operator, Tensor) else operator.multiply(part)
        return gathered.add_(gradient[:, n_features:]) if self.self_path else gathered
