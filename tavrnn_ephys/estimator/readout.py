"""What is read out of a trained network: embeddings, smoothed over windows, and attention."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from tavrnn_ephys.nn.model import SequenceOutput
from tavrnn_ephys.nn.options import NetworkOptions
from tavrnn_ephys.nn.smoothing import smooth

__all__ = ["attention_matrix", "read_embedding"]


def read_embedding(
    output: SequenceOutput,
    options: NetworkOptions,
    before: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """
    Return the embedding of every vertex in every window.

    Parameters
    ----------
    output : SequenceOutput
        What the network said of consecutive windows.
    options : NetworkOptions
        What the embedding is, and how it is smoothed.
    before : tuple of numpy.ndarray, optional
        Smoothed embedding and standard deviation of the window before, with causal smoothing.

    Returns
    -------
    tuple of numpy.ndarray
        Embedding and its standard deviation, both (n_windows, n_vertices, latent_size).
    """
    std = output.posterior.std.cpu().numpy()
    chosen = output.latent if options.embedding == "sample" else output.posterior.mean
    mean = chosen.cpu().numpy()
    if options.embedding == "weighted":
        mean, std = mean / std, np.ones_like(std)
    if options.smoothing == "none":
        return mean, std
    earlier, spread = before or (None, None)
    two_sided = options.smoothing == "two_sided"
    factor = options.smoothing_factor
    return (
        smooth(mean, factor, two_sided=two_sided, before=earlier),
        smooth(std, factor, two_sided=two_sided, before=spread),
    )


def attention_matrix(
    rows: Sequence[torch.Tensor], *, per_vertex: bool = False
) -> NDArray[np.float32] | None:
    """
    Arrange attention by window.

    Parameters
    ----------
    rows : sequence of torch.Tensor
        Per window the weights of the remembered windows, oldest first, and of the present.
    per_vertex : bool
        Whether the weights of each vertex are kept, where it has its own.

    Returns
    -------
    numpy.ndarray or None
        Shape (n_windows, n_windows), the mean over vertices where each has weights of its own,
        or with ``per_vertex`` (n_windows, n_windows, n_vertices); ``None`` without attention.
    """
    if not rows:
        return None
    if not per_vertex:
        rows = [row.mean(dim=1) if row.ndim == 2 else row for row in rows]
    shape = (len(rows), len(rows), *rows[0].shape[1:])
    matrix = np.zeros(shape, dtype=np.float32)
    for index, row in enumerate(rows):
        matrix[index, index + 1 - len(row) : index + 1] = row.cpu().numpy()
    return matrix
