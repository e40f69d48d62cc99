"""What a pass through time keeps of every window, and products with its graphs."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tavrnn_ephys.methods.tavrnn.nn.sparse import SparseOperator

__all__ = ["Gathering", "Tape", "flat"]


class Tape:
    """
    Room for one matrix per window, or for one that all windows overwrite.

    Parameters
    ----------
    like : torch.Tensor, shape (n_vertices, …)
        A tensor of the same number of vertices, type and device.
    n_windows, width : int
        Number and width of the matrices.
    keep : bool
        Whether each window has room of its own.

    Attributes
    ----------
    all : torch.Tensor, shape (n_windows, n_vertices, width)
        All of them.
    """

    def __init__(self, like: Tensor, n_windows: int, width: int, *, keep: bool = True) -> None:
        room = like.new_empty(n_windows if keep else 1, len(like), width)
        self.all = room if keep else room.expand(n_windows, -1, -1)
        # Views are made once: taking one off costs as much as a small operation on it.
        self._views = self.all.unbind()

    def __getitem__(self, t: int) -> Tensor:
        return self._views[t]

    def columns(self, first: int, last: int) -> tuple[Tensor, ...]:
        """
        Return some columns of every window.

        Parameters
        ----------
        first, last : int
            Range of the columns.

        Returns
        -------
        tuple of torch.Tensor
            Views, each of shape (n_vertices, last - first).
        """
        return self.all[:, :, first:last].unbind()

    @property
    def rows(self) -> Tensor:
        """The vertices of all windows below each other, (n_windows · n_vertices, width)."""
        return flat(self.all)


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
        Shape (n_windows · n_vertices, width).
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
        operator = self.operators[t]
        if not self.self_path:
            if isinstance(operator, Tensor):
                return torch.mm(operator, features, out=out)
            return operator.multiply(features, out)
        gathered, own = out.chunk(2, dim=1)
        if isinstance(operator, Tensor):
            torch.mm(operator, features, out=gathered)
        else:
            gathered.copy_(operator.multiply(features))
        own.copy_(features)
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
        if not self.self_path:
            if isinstance(operator, Tensor):
                return operator @ gradient
            return operator.multiply(gradient)
        part, own = gradient.chunk(2, dim=1)
        if isinstance(operator, Tensor):
            return torch.addmm(own, operator, part)
        return operator.multiply(part).add_(own)
