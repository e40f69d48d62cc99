"""Digests by which windows of a fit are known again."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

__all__ = ["digest_of"]

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
    array = np.ascontiguousarray(weights.detach().cpu().numpy(), dtype=np.float32).ravel()
    words = array.view(np.uint32).astype(np.uint64)
    # Sums of whole numbers wrap around, and are the same in any order of summation.
    places = np.arange(1, len(words) + 1, dtype=np.uint64) * _ODD
    sums = [words.sum(dtype=np.uint64), (words * places).sum(dtype=np.uint64)]
    return torch.from_numpy(np.array(sums, dtype=np.uint64).view(np.int64))
