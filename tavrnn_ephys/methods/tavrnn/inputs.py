"""From graphs to the tensors that a network reads."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.graphs_on_demand import dense_weights
from tavrnn_ephys.core.vertex_features import features_of_first
from tavrnn_ephys.methods.tavrnn.nn.decoder import PairTarget
from tavrnn_ephys.methods.tavrnn.nn.model import Network
from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions
from tavrnn_ephys.methods.tavrnn.nn.propagation import multiplies_sparsely, normalized_operator
from tavrnn_ephys.methods.tavrnn.nn.sequences import WindowInput
from tavrnn_ephys.methods.tavrnn.nn.sparse import SparseOperator
from tavrnn_ephys.methods.tavrnn.nn.spectral import SpectralBasis, fit_spectral_basis
from tavrnn_ephys.methods.tavrnn.training.passes import InputsOnDemand

__all__ = [
    "MOST_AT_ONCE",
    "DenseGraphs",
    "as_sequences",
    "build_network",
    "check_readable",
    "digest",
    "fit_basis",
    "input_bytes",
    "window_inputs",
    "without_history",
]

# Bytes of the tensors of all windows beyond which each is built when it is needed: that takes
# longer where there are several training epochs, and changes no value.
MOST_AT_ONCE = 2**30


def as_sequences(graphs: Any) -> list[GraphSequence]:
    """
    Take one sequence or several.

    Parameters
    ----------
    graphs : GraphSequence or sequence of GraphSequence
        What was passed.

    Returns
    -------
    list of GraphSequence
        At least one.

    Raises
    ------
    InputError
        If it is something else, or empty.
    """
    if isinstance(graphs, GraphSequence):
        return [graphs]
    several = isinstance(graphs, list | tuple)
    for sequence in graphs if several else [graphs]:
        if not isinstance(sequence, GraphSequence):
            raise InputError(
                f"TAVRNN takes a GraphSequence, got {type(sequence).__name__}. Call build_graphs "
                "first."
            )
    if len(graphs) == 0:
        raise InputError("There are no graphs to fit: the list of sequences is empty.")
    return list(graphs)


def without_history(graphs: GraphSequence) -> GraphSequence:
    """
    Read graphs as if they had no history node.

    Parameters
    ----------
    graphs : GraphSequence
        Graphs with or without one.

    Returns
    -------
    GraphSequence
        The same graphs without it.
    """
    if not graphs.history_node:
        return graphs
    features = features_of_first(graphs.features, graphs.n_nodes)
    return replace(graphs, history_node=False, features=features)


def check_readable(graphs: GraphSequence, options: NetworkOptions) -> None:
    """
    Say whether a network with these options can read graphs.

    Parameters
    ----------
    graphs : GraphSequence
        The graphs.
    options : NetworkOptions
        The options.

    Raises
    ------
    InputError
        If attention needs a history node that is not there.
    """
    if options.attention == "history" and not graphs.history_node:
        raise InputError(
            'attention="history" needs graphs with a history node: build them with '
            'history_node=True, or choose attention="node".'
        )


def digest(sequences: Sequence[GraphSequence]) -> str:
    """
    Return a digest of all that a fit reads of graphs.

    Parameters
    ----------
    sequences : sequence of GraphSequence
        The graphs.

    Returns
    -------
    str
        SHA-256 in hexadecimal.
    """
    found = hashlib.sha256()
    for graphs in sequences:
        found.update(repr((graphs.nodes.ids.tolist(), graphs.history_node, len(graphs))).encode())
        for array in _read_by_fit(graphs):
            found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def _read_by_fit(graphs: GraphSequence) -> Iterator[NDArray[Any]]:
    """Give the arrays of graphs, those of one window after the other."""
    yield from () if graphs.features is None else graphs.features
    yield from () if graphs.node_mask is None else graphs.node_mask
    for matrix in graphs.weights:
        yield from (matrix.data, matrix.indices, matrix.indptr)


class DenseGraphs(Sequence[NDArray[np.float32]]):
    """
    The graphs of all windows with their zeros written out, each when it is asked for.

    Parameters
    ----------
    sequences : sequence of GraphSequence
        The graphs.
    """

    def __init__(self, sequences: Sequence[GraphSequence]) -> None:
        self._places = [(item, index) for item in sequences for index in range(len(item))]

    def __len__(self) -> int:
        return len(self._places)

    def __getitem__(self, index: Any) -> Any:
        graphs, position = self._places[index]
        return dense_weights(graphs.weights, position)


def fit_basis(sequences: Sequence[GraphSequence], options: NetworkOptions) -> SpectralBasis:
    """
    Fit the spectral coordinates of one session.

    Parameters
    ----------
    sequences : sequence of GraphSequence
        Its training windows.
    options : NetworkOptions
        The options.

    Returns
    -------
    SpectralBasis
        The basis.
    """
    rank = max(options.n_spectral, options.latent_size)
    return fit_spectral_basis(DenseGraphs(sequences), rank)


def build_network(
    sequences: Sequence[GraphSequence], options: NetworkOptions, basis: SpectralBasis
) -> Network:
    """
    Build the untrained network of one session, with weights from torch's global generator.

    Parameters
    ----------
    sequences : sequence of GraphSequence
        Its training windows.
    options : NetworkOptions
        The options.
    basis : SpectralBasis
        Its spectral coordinates.

    Returns
    -------
    Network
        The network, on the CPU.
    """
    first = sequences[0]
    targets = (
        _target_matrix(sequence, index, options)
        for sequence in sequences
        for index in range(len(sequence))
    )
    offset = np.array(next(targets), dtype=np.float64)
    for target in targets:
        offset += target
    offset /= sum(map(len, sequences))
    if options.target == "binary":
        share = np.clip(offset, 0.02, 0.98)
        offset = np.log(share / (1.0 - share))
    initial = np.zeros((len(offset), options.latent_size), dtype=np.float32)
    initial[: first.n_nodes] = basis.directions[:, : options.latent_size] * basis.scale
    return Network(
        options,
        n_vertices=first.n_vertices,
        n_features=feature_width(first, options, basis),
        n_targets=len(offset),
        offset=torch.from_numpy(np.asarray(offset, dtype=np.float32)),
        basis=torch.from_numpy(initial),
    )


def feature_width(graphs: GraphSequence, options: NetworkOptions, basis: SpectralBasis) -> int:
    """
    Return the width of the features that a network reads.

    Parameters
    ----------
    graphs : GraphSequence
        The graphs.
    options : NetworkOptions
        The options.
    basis : SpectralBasis
        The spectral coordinates.

    Returns
    -------
    int
        Number of features of a vertex.
    """
    if options.node_features == "spectral":
        return basis.directions.shape[1]
    return graphs.n_features


def window_inputs(
    graphs: GraphSequence,
    options: NetworkOptions,
    basis: SpectralBasis,
    *,
    device: torch.device,
) -> Sequence[WindowInput]:
    """
    Turn every window into tensors: at once, or where they would take much room, when asked for.

    Parameters
    ----------
    graphs : GraphSequence
        The graphs.
    options : NetworkOptions
        The options.
    basis : SpectralBasis
        The spectral coordinates of their session.
    device : torch.device
        Where the tensors go.

    Returns
    -------
    sequence of WindowInput
        One per window.
    """

    def build(index: int) -> WindowInput:
        return _window_input(graphs, index, options, basis, device=device)

    windows = InputsOnDemand(build, range(len(graphs)))
    return windows if input_bytes(len(graphs), graphs.n_vertices) > MOST_AT_ONCE else [*windows]


def input_bytes(n_windows: int, n_vertices: int) -> int:
    """
    Bound the bytes of the tensors of windows: adjacency and target of each.

    Parameters
    ----------
    n_windows, n_vertices : int
        Numbers of windows and vertices.

    Returns
    -------
    int
        Bytes in single precision.
    """
    return 8 * n_windows * n_vertices**2


def _window_input(
    graphs: GraphSequence,
    index: int,
    options: NetworkOptions,
    basis: SpectralBasis,
    *,
    device: torch.device,
) -> WindowInput:
    features = _features(graphs, index, options, basis)
    return WindowInput(
        operator=_operator(graphs, index, options, device),
        features=None if features is None else torch.from_numpy(features).to(device),
        target=PairTarget(
            values=torch.from_numpy(_target_matrix(graphs, index, options)).to(device),
            binary=options.target == "binary",
            diagonal=options.target_pairs == "all",
            variance=basis.variance,
            present=_present(graphs, index, options, device),
        ),
    )


def _operator(
    graphs: GraphSequence, index: int, options: NetworkOptions, device: torch.device
) -> torch.Tensor | SparseOperator:
    """Build the normalised adjacency, at once as an array where few entries are zero."""
    signed = options.propagation == "signed"
    if multiplies_sparsely(graphs.n_entries(index), graphs.n_vertices, device):
        adjacency = graphs.signed_adjacency(index) if signed else graphs.adjacency(index)
        return normalized_operator(adjacency, device=device)
    return normalized_operator(graphs.dense_adjacency(index, signed=signed), device=device)


def _present(
    graphs: GraphSequence, index: int, options: NetworkOptions, device: torch.device
) -> torch.Tensor | None:
    """Say which vertices of the target exist, where some do not."""
    if graphs.node_mask is None:
        return None
    mask = np.array(graphs.node_mask[index])
    if options.target_pairs == "all" and graphs.history_node:
        mask = np.append(mask, True)
    return torch.from_numpy(mask).to(device)


def _features(
    graphs: GraphSequence, index: int, options: NetworkOptions, basis: SpectralBasis
) -> NDArray[np.float32] | None:
    if options.node_features == "graph":
        return None if graphs.features is None else np.array(graphs.features[index])
    coordinates = basis.coordinates(dense_weights(graphs.weights, index))
    features = np.zeros((graphs.n_vertices, coordinates.shape[1]), dtype=np.float32)
    features[: graphs.n_nodes] = coordinates
    return features


def _target_matrix(
    graphs: GraphSequence, index: int, options: NetworkOptions
) -> NDArray[np.float32]:
    if options.target_pairs == "all":
        binary = options.target == "binary"
        matrix = graphs.adjacency(index) if binary else graphs.signed_adjacency(index)
        return matrix.toarray()
    weights = dense_weights(graphs.weights, index)
    return (weights != 0).astype(np.float32) if options.target == "binary" else weights
