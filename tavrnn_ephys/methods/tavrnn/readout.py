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

__all__ = ["Past", "attention_matrix", "known_only", "read_embedding", "read_out", "weighted"]


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


def known_only(output: SequenceOutput, node_mask: NDArray[np.bool_] | None) -> SequenceOutput:
    """
    Take out what a network says of nodes in windows in which they do not exist.

    Parameters
    ----------
    output : SequenceOutput
        What the network said of consecutive windows.
    node_mask : numpy.ndarray of bool or None, shape (n_windows, n_nodes)
        Which nodes exist; ``None`` if all do.  A history node, behind them, always does.

    Returns
    -------
    SequenceOutput
        The same, its latent variable and its posterior NaN where a node does not exist.
    """
    if node_mask is None:
        return output
    n_more = output.latent.shape[1] - node_mask.shape[1]
    present = np.pad(node_mask, ((0, 0), (0, n_more)), constant_values=True)
    absent = ~torch.from_numpy(present).to(output.latent.device)[..., None]
    posterior = type(output.posterior)(
        *(part.masked_fill(absent, float("nan")) for part in output.posterior)
    )
    return output._replace(
        posterior=posterior, latent=output.latent.masked_fill(absent, float("nan"))
    )


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
        by averages of those of single windows.  NaN where a node does not exist; such windows
        enter no average.
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
    last = result[-1]
    result = np.where(np.isnan(array[..., :1]), np.float32(np.nan), result)
    return result, Past(values=_kept(joined, output, options), smoothed=last)


def _kept(
    joined: NDArray[np.float32], output: SequenceOutput, options: NetworkOptions
) -> NDArray[np.float32]:
    """Keep what later windows are averaged with: nothing where none are, all without a width."""
    if options.embedding not in ("attended", "joined") or not output.attention:
        return joined[:0]
    width = options.attention_width
    return joined if width is None else joined[-width:]


def _attended(
    joined: NDArray[np.float32], rows: Sequence[NDArray[np.float32]]
) -> NDArray[np.float32]:
    """Average over the windows of each row, the last of which is its own."""
    first = len(joined) - len(rows)
    result = np.empty_like(joined[first:])
    for index, row in enumerate(rows):
        last = first + index + 1
        weights = row[:, np.newaxis] if row.ndim == 1 else row
        values = joined[last - len(row) : last]
        known = np.isfinite(values[..., 0])
        if not known.all():
            weights, values = _over_known(weights, known), np.nan_to_num(values, nan=0.0)
        result[index] = np.einsum("kv,kvd->vd", weights, values)
    return result


def _over_known(weights: NDArray[np.float32], known: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Let the weights of the windows in which a node exists sum to 1."""
    kept = np.where(known, weights, np.float32(0.0))
    total = kept.sum(axis=0)
    return np.asarray(kept / np.where(total > 0, total, 1.0), dtype=np.float32)


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
        ``mean / std``, and ones; NaN stays.
    """
    return mean / std, np.where(np.isnan(std), std, np.float32(1.0))


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
