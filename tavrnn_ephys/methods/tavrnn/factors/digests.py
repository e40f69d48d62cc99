"""Digests by which windows of a fit are known again."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

__all__ = ["digest_of", "known_window"]

# A large odd number: the weights of places then fill all bits.
_ODD = np.uint64(0x9E3779B97F4A7C15)


def digest_of(weights: Tensor) -> Tensor:
    """
    Return a digest by which the weights of a window are known again.

    Parameters
    ----------
    weights : torch.Tensor, shape (n_nodes, n_nodes)
        The weights.

    Returns
    -------
    torch.Tensor of int64, shape (2,)
        Two sums over the bits of its weights.
    """
    words = _words(weights)
    return torch.tensor([_sum(words), _sum_by_place(words)], dtype=torch.int64)


def known_window(weights: Tensor, digests: Tensor) -> int | None:
    """
    Find a window among those of a fit.

    Parameters
    ----------
    weights : torch.Tensor, shape (n_nodes, n_nodes)
        Its weights.
    digests : torch.Tensor of int64, shape (n_windows, 2)
        The digests of the windows of the fit.

    Returns
    -------
    int or None
        Its position, the first of several that are alike, or None.
    """
    words = _words(weights)
    # The second sum costs more, and is needed where the first agrees.
    places = (digests[:, 0] == _sum(words)).nonzero()[:, 0]
    if len(places):
        places = places[digests[places, 1] == _sum_by_place(words)]
    return int(places[0]) if len(places) else None


def _words(weights: Tensor) -> NDArray[np.uint32]:
    array = np.ascontiguousarray(weights.detach().cpu().numpy(), dtype=np.float32)
    return array.ravel().view(np.uint32)


def _sum(words: NDArray[np.uint32]) -> int:
    # Sums of whole numbers wrap around, and are the same in any order of summation.
    return _signed(words.sum(dtype=np.uint64))


def _sum_by_place(words: NDArray[np.uint32]) -> int:
    places = np.arange(1, len(words) + 1, dtype=np.uint64) * _ODD
    return _signed((words.astype(np.uint64) * places).sum(dtype=np.uint64))


def _signed(value: np.uint64) -> int:
    return int(value.view(np.int64))
