"""TAVRNN as an estimator: ``fit`` on graphs, ``transform`` to embeddings."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import asdict, fields
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from tavrnn_ephys._checks import some, whole_number
from tavrnn_ephys.containers import NodeEmbedding
from tavrnn_ephys.errors import ChanceLossWarning, InputError
from tavrnn_ephys.graphs import GraphSequence
from tavrnn_ephys.nn.decoder import PairTarget
from tavrnn_ephys.nn.model import Network, WindowInput
from tavrnn_ephys.nn.options import NetworkOptions, options_for
from tavrnn_ephys.nn.propagation import normalized_operator
from tavrnn_ephys.nn.spectral import SpectralBasis, coherence, fit_spectral_basis
from tavrnn_ephys.provenance import package_versions
from tavrnn_ephys.training import TrainingOptions, run_sequence, threads_for, train

__all__ = ["TAVRNN"]

# Independent spike trains reach 1.05; a network whose weakest visible states a spectral
# classifier still finds starts at 1.1.
_LEAST_COHERENCE = 1.08

_TRAINING_PROFILES: dict[str, dict[str, Any]] = {
    "default": {},
    "paper": {
        "training_epochs": 500,
        "learning_rate": 1e-2,
        "schedule": "constant",
        "sequence_length": None,
        "clip_norm": None,
    },
}


class TAVRNN(BaseEstimator):
    """
    Temporal Attention-enhanced Variational Graph Recurrent Neural Network [1]_.

    Parameters
    ----------
    hidden_size, latent_size : int
        Width of the state of a vertex, and of its embedding.
    n_layers : int
        Layers of the graph GRU.
    training_epochs : int, optional
        Passes over the training windows; by default as many as make 200 optimizer steps, in
        the profile ``"paper"`` 500.
    profile : {"default", "paper"}
        The corrected model, or the published notebook to the letter.
    seed : int
        Seed of weights and sampling; equal seeds give equal embeddings.
    verbose : bool
        Whether a progress bar is shown on a terminal.
    options : dict of str to object, optional
        Single options of :class:`~tavrnn_ephys.nn.options.NetworkOptions` or
        :class:`~tavrnn_ephys.training.TrainingOptions` that differ from the profile, such as
        ``{"attention_width": 5, "kl_weight": 0.1}``.

    Attributes
    ----------
    network_ : Network
        The trained network.
    history_ : list of dict of str to float
        Loss terms per training epoch, means over windows.
    node_ids_ : numpy.ndarray of str, shape (n_nodes,)
        Nodes seen in ``fit``.

    References
    ----------
    .. [1] Khajehnejad et al. (2025), Graph-based representation learning of neuronal dynamics
       and behavior, arXiv:2410.00665.

    Examples
    --------
    >>> from tavrnn_ephys.containers import ConnectivitySequence
    >>> from tavrnn_ephys.graphs import build_graphs
    >>> rng = np.random.default_rng(0)
    >>> weights = rng.uniform(-1, 1, (6, 5, 5))
    >>> graphs = build_graphs(ConnectivitySequence.from_array(weights + weights.swapaxes(1, 2)))
    >>> TAVRNN(latent_size=2, training_epochs=3).fit(graphs).transform(graphs)
    NodeEmbedding: 6 windows x 5 units x 2, with attention
    """

    def __init__(
        self,
        *,
        hidden_size: int = 32,
        latent_size: int = 8,
        n_layers: int = 1,
        training_epochs: int | None = None,
        profile: str = "default",
        seed: int = 0,
        verbose: bool = False,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.hidden_size = hidden_size
        self.latent_size = latent_size
        self.n_layers = n_layers
        self.training_epochs = training_epochs
        self.profile = profile
        self.seed = seed
        self.verbose = verbose
        self.options = options

    def fit(self, graphs: GraphSequence | Sequence[GraphSequence], y: Any = None) -> TAVRNN:
        """
        Train on one recording, or on several stretches over the same nodes.

        Parameters
        ----------
        graphs : GraphSequence or sequence of GraphSequence
            Training windows in chronological order.
        y : None
            Ignored; the model takes no labels.

        Returns
        -------
        TAVRNN
            The fitted estimator.

        Raises
        ------
        InputError
            If an option is unknown or out of range, or the stretches differ in their nodes.

        Warns
        -----
        ChanceLossWarning
            If the model has learnt nothing.
        """
        sequences = _sequences(graphs)
        network_options, training_options = self._resolve_options()
        seed = whole_number(self.seed, "seed")
        first = sequences[0]
        self.node_ids_ = np.array(first.nodes.ids)
        self.history_node_ = first.history_node
        self.n_features_ = first.n_features
        for sequence in sequences:
            self._check_graphs(sequence, network_options)
        generator = torch.Generator().manual_seed(seed)
        self.basis_ = _fit_basis(sequences, network_options)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.network_ = _build_network(sequences, network_options, self.basis_)
        if network_options.target == "signed":
            _warn_of_incoherence(sequences, seed)
        inputs = [self._inputs(sequence) for sequence in sequences]
        self.training_options_ = training_options
        with threads_for(first.n_vertices):
            self.history_ = train(
                self.network_, inputs, training_options, generator=generator, verbose=self.verbose
            )
        return self

    def transform(self, graphs: GraphSequence) -> NodeEmbedding:
        """
        Embed every node in every window.

        The state starts afresh in the first window; earlier windows influence later ones,
        never the reverse.

        Parameters
        ----------
        graphs : GraphSequence
            Windows over the nodes seen in ``fit``, in chronological order.

        Returns
        -------
        NodeEmbedding
            Posterior mean and standard deviation, (n_windows, n_nodes, latent_size), and
            attention (n_windows, n_windows).

        Raises
        ------
        InputError
            If the nodes are not those of ``fit``.
        """
        check_is_fitted(self, "network_")
        options = self.network_.options
        self._check_graphs(graphs, options)
        generator = torch.Generator().manual_seed(int(self.seed))
        output = run_sequence(
            self.network_,
            self._inputs(graphs),
            generator=generator if options.embedding == "sample" else None,
        )
        latent = output.latent if options.embedding == "sample" else output.posterior.mean
        mean = latent.numpy()
        n_nodes = graphs.n_nodes
        return NodeEmbedding(
            mean=mean[:, :n_nodes],
            std=output.posterior.std[:, :n_nodes].numpy(),
            windows=graphs.windows,
            nodes=graphs.nodes,
            attention=_attention_matrix(output.attention),
            history=mean[:, n_nodes] if graphs.history_node else None,
            config=self._config(),
            versions=package_versions(),
            seed=int(self.seed),
        )

    def fit_transform(self, graphs: GraphSequence, y: Any = None) -> NodeEmbedding:
        """
        Train on a recording and embed it.

        Parameters
        ----------
        graphs : GraphSequence
            Windows in chronological order.
        y : None
            Ignored.

        Returns
        -------
        NodeEmbedding
            Embedding of the training windows.
        """
        return self.fit(graphs, y).transform(graphs)

    def _resolve_options(self) -> tuple[NetworkOptions, TrainingOptions]:
        changes = dict(self.options or {})
        training_names = {item.name for item in fields(TrainingOptions)}
        training = {name: changes.pop(name) for name in list(changes) if name in training_names}
        network_options = options_for(
            self.profile,
            **{
                "hidden_size": self.hidden_size,
                "latent_size": self.latent_size,
                "n_layers": self.n_layers,
                **changes,
            },
        )
        if self.training_epochs is not None:
            training["training_epochs"] = self.training_epochs
        training_options = TrainingOptions(**{**_TRAINING_PROFILES[self.profile], **training})
        return network_options, training_options

    def _check_graphs(self, graphs: GraphSequence, options: NetworkOptions) -> None:
        _check_type(graphs)
        seen, given = self.node_ids_, np.asarray(graphs.nodes.ids)
        if not np.array_equal(seen, given):
            missing, new = np.setdiff1d(seen, given), np.setdiff1d(given, seen)
            detail = f"missing: {some(missing)}" if len(missing) else "their order differs"
            detail += f"; new: {some(new)}" if len(new) else ""
            raise InputError(
                f"These graphs have {len(given)} nodes, fit saw {len(seen)}; {detail}. "
                "Select the same nodes in the same order, or fit again."
            )
        if graphs.history_node != self.history_node_:
            raise InputError("These graphs and those of fit differ in history_node.")
        if options.node_features == "graph" and graphs.n_features != self.n_features_:
            raise InputError(
                f"These graphs have {graphs.n_features} features, fit saw {self.n_features_}."
            )
        if options.attention == "history" and not graphs.history_node:
            raise InputError(
                'attention="history" needs graphs with a history node: build them with '
                'history_node=True, or choose attention="node".'
            )

    def _inputs(self, graphs: GraphSequence) -> list[WindowInput]:
        options = self.network_.options
        return [_window_input(graphs, index, options, self.basis_) for index in range(len(graphs))]

    def _config(self) -> dict[str, Any]:
        options = {**asdict(self.network_.options), **asdict(self.training_options_)}
        options["training_epochs"] = len(self.history_)
        return {"model.profile": self.profile} | {
            f"model.{name}": value for name, value in options.items()
        }


def _sequences(graphs: Any) -> list[GraphSequence]:
    if isinstance(graphs, GraphSequence):
        return [graphs]
    if not isinstance(graphs, list | tuple):
        _check_type(graphs)
    if len(graphs) == 0:
        raise InputError("There are no graphs to fit: the list of sequences is empty.")
    for sequence in graphs:
        _check_type(sequence)
    return list(graphs)


def _check_type(graphs: Any) -> None:
    if not isinstance(graphs, GraphSequence):
        raise InputError(
            f"TAVRNN takes a GraphSequence, got {type(graphs).__name__}. Call build_graphs first."
        )


def _warn_of_incoherence(sequences: Sequence[GraphSequence], seed: int) -> None:
    dense = [matrix.toarray() for sequence in sequences for matrix in sequence.weights]
    found = coherence(dense, seed=seed)
    if found >= _LEAST_COHERENCE:
        return
    warnings.warn(
        "The graphs of these windows differ no more coherently than the same weights shuffled "
        f"between windows (ratio {found:.2f}, at least {_LEAST_COHERENCE:g} is expected of a "
        "network that changes): these embeddings say nothing about the windows. Lengthen the "
        "windows, or choose smaller bins.",
        ChanceLossWarning,
        stacklevel=3,
    )


def _target_matrix(
    graphs: GraphSequence, index: int, options: NetworkOptions
) -> NDArray[np.float32]:
    if options.target_pairs == "all":
        binary = options.target == "binary"
        matrix = graphs.adjacency(index) if binary else graphs.signed_adjacency(index)
        return matrix.toarray()
    weights = graphs.weights[index].toarray()
    return (weights != 0).astype(np.float32) if options.target == "binary" else weights


def _fit_basis(sequences: Sequence[GraphSequence], options: NetworkOptions) -> SpectralBasis:
    rank = max(options.n_spectral, options.latent_size)
    return fit_spectral_basis(
        (matrix.toarray() for sequence in sequences for matrix in sequence.weights), rank
    )


def _build_network(
    sequences: Sequence[GraphSequence], options: NetworkOptions, basis: SpectralBasis
) -> Network:
    first = sequences[0]
    targets = [
        _target_matrix(sequence, index, options)
        for sequence in sequences
        for index in range(len(sequence))
    ]
    offset = np.mean(targets, axis=0)
    if options.target == "binary":
        share = np.clip(offset, 0.02, 0.98)
        offset = np.log(share / (1.0 - share))
    n_targets = len(offset)
    initial = np.zeros((n_targets, options.latent_size), dtype=np.float32)
    initial[: first.n_nodes] = basis.directions[:, : options.latent_size] * basis.scale
    n_features = first.n_features
    if options.node_features == "spectral":
        n_features = basis.directions.shape[1]
    return Network(
        options,
        n_vertices=first.n_vertices,
        n_features=n_features,
        n_targets=n_targets,
        offset=torch.from_numpy(np.asarray(offset, dtype=np.float32)),
        basis=torch.from_numpy(initial),
    )


def _window_input(
    graphs: GraphSequence, index: int, options: NetworkOptions, basis: SpectralBasis
) -> WindowInput:
    signed = options.propagation == "signed"
    adjacency = graphs.signed_adjacency(index) if signed else graphs.adjacency(index)
    features: NDArray[np.float32] | None
    if options.node_features == "spectral":
        coordinates = basis.coordinates(graphs.weights[index].toarray())
        features = np.zeros((graphs.n_vertices, coordinates.shape[1]), dtype=np.float32)
        features[: graphs.n_nodes] = coordinates
    else:
        features = None if graphs.features is None else np.array(graphs.features[index])
    return WindowInput(
        operator=normalized_operator(adjacency),
        features=None if features is None else torch.from_numpy(features),
        target=PairTarget(
            values=torch.from_numpy(_target_matrix(graphs, index, options)),
            binary=options.target == "binary",
            diagonal=options.target_pairs == "all",
            variance=basis.variance,
        ),
    )


def _attention_matrix(rows: list[torch.Tensor]) -> NDArray[np.float32] | None:
    if not rows:
        return None
    matrix = np.zeros((len(rows), len(rows)), dtype=np.float32)
    for index, row in enumerate(rows):
        matrix[index, index + 1 - len(row) : index + 1] = row.numpy()
    return matrix
