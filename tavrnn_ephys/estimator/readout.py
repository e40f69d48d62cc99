"""What is read out of a trained network: embeddings, smoothed over windows, and attention."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from tavrnn_ephys.nn.model import SequenceOutput
from tavrnn_ephys.nn.options import NetworkOptions
from tavrnn_ephys.nn.smoothing import smooth

__all__ = ["attention_matrix", "read_embedding", "smoothed", "weighted"]


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
    chosen = output.latent if options.embedding == "sample" else output.posterior.mean
    earlier, spread = before or (None, None)
    mean = smoothed(chosen, options, before=earlier)
    std = smoothed(output.posterior.std, options, before=spread)
    return mean, std


def weighted(
    mean: NDArray[np.float32], std: NDArray[np.float32]
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """
    Express an embedding in units of its standard deviation.

    Parameters
    ----------
    mean, std : numpy.ndarray
        The embedding.

    Returns
    -------
    tuple of numpy.ndarray
        ``mean / std``, and ones.
    """
    return mean / std, np.ones_like(std)


def smoothed(
    values: torch.Tensor, options: NetworkOptions, before: NDArray[np.float32] | None = None
) -> NDArray[np.float32]:
    """
    Smooth over windows as the options ask for.

    Parameters
    ----------
    values : torch.Tensor, shape (n_windows, n_vertices, latent_size)
        Means, samples or standard deviations.  Smoothed standard deviations bound those of
        smoothed values from above.
    options : NetworkOptions
        The options.
    before : numpy.ndarray, optional
        Smoothed value of the window before, with causal smoothing.

    Returns
    -------
    numpy.ndarray
        The same shape.
    """
    array = values.cpu().numpy()
    if options.smoothing == "none":
        return array
    two_sided = options.smoothing == "two_sided"
    return smooth(array, options.smoothing_factor, two_sided=two_sided, before=before)


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
