"""What is read out of a trained network: embeddings, smoothed over windows, and attention."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions
from tavrnn_ephys.methods.tavrnn.nn.sequences import SequenceOutput
from tavrnn_ephys.methods.tavrnn.nn.smoothing import smooth

__all__ = ["Past", "attention_matrix", "read_embedding", "read_out", "weighted"]


@dataclass(frozen=True, kw_only=True)
class Past:
    """
    What the embedding of later windows needs of earlier ones.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_past, n_vertices, latent_size)
        Values of the windows that attention can reach, before smoothing.
    smoothed : numpy.ndarray, shape (n_vertices, width)
        Smoothed value of the last window.
    """

    values: NDArray[np.float32]
    smoothed: NDArray[np.float32]


def read_out(
    values: torch.Tensor,
    output: SequenceOutput,
    options: NetworkOptions,
    past: Past | None = None,
) -> tuple[NDArray[np.float32], Past]:
    """
    Average values over the windows that each window attends to, and smooth them.

    Parameters
    ----------
    values : torch.Tensor, shape (n_windows, n_vertices, latent_size)
        Posterior means, samples or standard deviations; those of averages are bounded from above
        by averages of those of single windows.
    output : SequenceOutput
        What the network said of consecutive windows.
    options : NetworkOptions
        What the embedding is, and how it is smoothed.
    past : Past, optional
        What is known of the windows before.

    Returns
    -------
    tuple of numpy.ndarray and Past
        Shape (n_windows, n_vertices, width), where ``width`` is ``latent_size``, twice that for
        ``embedding="joined"``; and what later windows need.
    """
    array = values.cpu().numpy()
    joined = array if past is None else np.concatenate([past.values, array])
    result = array
    if options.embedding in ("attended", "joined") and output.attention:
        result = _attended(joined, [row.cpu().numpy() for row in output.attention])
        if options.embedding == "joined":
            result = np.concatenate([array, result], axis=-1)
    if options.smoothing != "none":
        two_sided = options.smoothing == "two_sided"
        before = None if past is None else past.smoothed
        result = smooth(result, options.smoothing_factor, two_sided=two_sided, before=before)
    width = options.attention_width
    kept = joined if width is None else joined[-width:]
    return result, Past(values=kept, smoothed=result[-1])


def _attended(
    joined: NDArray[np.float32], rows: Sequence[NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Average over the windows of each row, the last of which is its own."""
    first = len(joined) - len(rows)
    result = np.empty_like(joined[first:])
    for index, row in enumerate(rows):
        last = first + index + 1
        weights = row[:, np.newaxis] if row.ndim == 1 else row
        result[index] = np.einsum("kv,kvd->vd", weights, joined[last - len(row) : last])
    return result


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


def read_embedding(
    output: SequenceOutput, options: NetworkOptions, past: tuple[Past, Past] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32], tuple[Past, Past]]:
    """
    Read embedding and standard deviation out, and what later windows need of them.

    Parameters
    ----------
    output : SequenceOutput
        What the network said of consecutive windows.
    options : NetworkOptions
        What the embedding is, and how it is smoothed.
    past : tuple of Past, optional
        What is known of the windows before, for embedding and standard deviation.

    Returns
    -------
    tuple of numpy.ndarray, numpy.ndarray and tuple of Past
        Both of shape (n_windows, n_vertices, width); and what later windows need.
    """
    chosen = output.latent if options.embedding == "sample" else output.posterior.mean
    before = past or (None, None)
    mean, of_mean = read_out(chosen, output, options, before[0])
    std, of_std = read_out(output.posterior.std, output, options, before[1])
    return mean, std, (of_mean, of_std)
