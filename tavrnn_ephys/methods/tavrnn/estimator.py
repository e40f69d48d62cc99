"""TAVRNN as an estimator: ``fit`` on graphs, ``transform`` to embeddings."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, overload

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils import InputTags, Tags, TransformerTags
from sklearn.utils.validation import check_is_fitted

from tavrnn_ephys.core.checks import one_of, positive_int, whole_number
from tavrnn_ephys.core.containers import NodeEmbedding
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.provenance import package_versions
from tavrnn_ephys.methods.tavrnn.files import read_model, write_model
from tavrnn_ephys.methods.tavrnn.fitting import (
    build_sessions,
    only_training,
    stretches_of,
    warn_of_incoherence,
)
from tavrnn_ephys.methods.tavrnn.inputs import (
    as_sequences,
    check_readable,
    digest,
    window_inputs,
    without_history,
)
from tavrnn_ephys.methods.tavrnn.nn.model import Network, NetworkState, SequenceOutput, WindowInput
from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions
from tavrnn_ephys.methods.tavrnn.profiles import resolve_options
from tavrnn_ephys.methods.tavrnn.readout import Past, attention_matrix, read_out, weighted
from tavrnn_ephys.methods.tavrnn.scores import evidence_per_pair, expected_graphs
from tavrnn_ephys.methods.tavrnn.sessions import Session, find_session, knows_nodes, name_sessions
from tavrnn_ephys.methods.tavrnn.training import (
    Checkpoint,
    TrainingOptions,
    find_device,
    run_sequence,
    threads_for,
    train,
)

__all__ = ["TAVRNN", "OnlineState"]


@dataclass(frozen=True, kw_only=True)
class OnlineState:
    """
    What a model remembers between windows that arrive one after the other.

    Parameters
    ----------
    session : str
        The session.
    network : NetworkState
        Hidden states, and those that attention reaches.
    past : tuple of Past, optional
        What the read-out needs of the windows before, for embedding and standard deviation.
    noise : torch.Tensor, optional
        State of the generator, where the embedding is a sample.
    """

    session: str
    network: NetworkState
    past: tuple[Past, Past] | None = None
    noise: torch.Tensor | None = None


class TAVRNN(BaseEstimator):
    """
    Temporal Attention-enhanced Variational Graph Recurrent Neural Network [1]_.

    Parameters
    ----------
    hidden_size, latent_size : int
        Width of the state of a vertex, and of its latent variable.  The default profile's
        embedding is twice as wide as the latter: the posterior mean of the window, and beside it
        the average over the windows that it attends to (option ``embedding``).
    n_layers : int
        Layers of the graph GRU.
    training_epochs : int, optional
        Passes over the training windows; by default as many as make 200 optimizer steps, in
        the profile ``"paper"`` 500.
    profile : {"default", "paper"}
        The corrected model, or the published notebook to the letter.
    ablation : {"no_attention", "no_history_node", "vgrnn", "vgae", "not_variational"}, optional
        Part that is taken away; see :func:`~tavrnn_ephys.methods.tavrnn.nn.options.options_for`.
    device : {"auto", "cpu", "cuda"}
        Where the network computes; ``"auto"`` for CUDA where it is to be had.
    seed : int
        Seed of weights and sampling; on one device equal seeds give equal embeddings.
    verbose : bool
        Whether a progress bar is shown on a terminal.
    options : dict of str to object, optional
        Single options of :class:`~tavrnn_ephys.methods.tavrnn.nn.options.NetworkOptions` or
        :class:`~tavrnn_ephys.methods.tavrnn.training.TrainingOptions` that differ from the
        profile, such as
        ``{"attention_width": 5, "kl_weight": 0.1}``.

    Attributes
    ----------
    sessions_ : dict of str to Session
        What was learnt of each session: nodes, spectral coordinates and network.  Networks of
        different sessions share all weights but the projection of their features and their
        decoder.
    network_ : Network
        The trained network of the first session.
    node_ids_ : numpy.ndarray of str, shape (n_nodes,)
        Its nodes.
    history_ : list of dict of str to float
        Terms of the loss per training epoch, means over windows.

    Notes
    -----
    The network is inductive in time: windows that fit did not see are embedded with the learnt
    weights.  It is not inductive in nodes: coordinates, offset and basis belong to the nodes of
    a session.  :meth:`adapt` fits them for a session of other nodes and leaves the shared
    weights as they are.

    References
    ----------
    .. [1] Khajehnejad et al. (2025), Graph-based representation learning of neuronal dynamics
       and behavior, arXiv:2410.00665.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> rng = np.random.default_rng(0)
    >>> weights = rng.uniform(-1, 1, (6, 5, 5))
    >>> graphs = build_graphs(ConnectivitySequence.from_array(weights + weights.swapaxes(1, 2)))
    >>> TAVRNN(latent_size=2, training_epochs=3).fit(graphs).transform(graphs)
    NodeEmbedding: 6 windows x 5 units x 4, with attention
    """

    def __init__(
        self,
        *,
        hidden_size: int = 32,
        latent_size: int = 8,
        n_layers: int = 1,
        training_epochs: int | None = None,
        profile: str = "default",
        ablation: str | None = None,
        device: str = "auto",
        seed: int = 0,
        verbose: bool = False,
        options: dict[str, Any] | None = None,
    ) -> None:
        self.hidden_size = hidden_size
        self.latent_size = latent_size
        self.n_layers = n_layers
        self.training_epochs = training_epochs
        self.profile = profile
        self.ablation = ablation
        self.device = device
        self.seed = seed
        self.verbose = verbose
        self.options = options

    def fit(
        self,
        graphs: GraphSequence | Sequence[GraphSequence],
        y: Any = None,
        *,
        sessions: Sequence[str] | None = None,
        checkpoint: str | Path | None = None,
        checkpoint_every: int = 10,
    ) -> TAVRNN:
        """
        Train on one recording, on several stretches of one, or on several sessions.

        Parameters
        ----------
        graphs : GraphSequence or sequence of GraphSequence
            Training windows, each sequence in chronological order.
        y : None
            Ignored; the model takes no labels.
        sessions : sequence of str, optional
            Name of the session of each sequence; by default sequences over the same nodes are
            stretches of one session, and sessions are called ``"0"``, ``"1"``, ….
        checkpoint : str or pathlib.Path, optional
            File that keeps the state of training.  If it exists, training goes on from it, and
            ends bit for bit where an unbroken fit on the CPU ends.  It stays when fit is done.
        checkpoint_every : int
            Training epochs between two savings.

        Returns
        -------
        TAVRNN
            The fitted estimator.

        Raises
        ------
        InputError
            If an option is unknown or out of range, there are fewer than two windows, the
            stretches of a session differ in their nodes, or the checkpoint is damaged or of
            another fit.

        Warns
        -----
        ChanceLossWarning
            If the model has learnt nothing.
        """
        options, training_options = self._resolve_options()
        sequences = self._readable(graphs, options)
        if sum(map(len, sequences)) < 2:
            raise InputError(
                "fit needs at least two windows, got 1: there is nothing to tell it from. Shorten "
                "window_length or step."
            )
        seed, device = whole_number(self.seed, "seed"), find_device(self.device)
        named = name_sessions(sequences, sessions)
        learnt = build_sessions(named, options, seed=seed, device=device)
        if options.target == "signed":
            warn_of_incoherence(named, seed)
        keeper = None
        if checkpoint is not None:
            fit = {**asdict(options), **asdict(training_options), "seed": seed}
            fit |= {"sessions": list(named), "the digest of the graphs": digest(sequences)}
            every = positive_int(checkpoint_every, "checkpoint_every")
            keeper = Checkpoint(checkpoint, every=every, fit=fit)
        self.history_ = self._train(named, learnt, training_options, checkpoint=keeper)
        self.sessions_, self.training_options_ = learnt, training_options
        return self

    def adapt(
        self,
        graphs: GraphSequence | Sequence[GraphSequence],
        *,
        session: str,
    ) -> TAVRNN:
        """
        Take in a session of other nodes, and leave the shared weights as they are.

        Spectral coordinates, mean graph, projection of the features and basis of the decoder are
        fitted to the windows given here; what the recurrence, the attention, the encoder and the
        prior have learnt is used as it is.

        Parameters
        ----------
        graphs : GraphSequence or sequence of GraphSequence
            Windows of the new session.
        session : str
            Its name, for :meth:`transform`.

        Returns
        -------
        TAVRNN
            The estimator, with one more session.

        Raises
        ------
        InputError
            If the name is taken, or the graphs cannot be read.
        """
        check_is_fitted(self, "sessions_")
        if session in self.sessions_:
            raise InputError(f"There is a session {session!r} already. Choose another name.")
        options = self.network_.options
        device = next(self.network_.parameters()).device
        named = {session: self._readable(graphs, options)}
        seed = whole_number(self.seed, "seed")
        learnt = build_sessions(named, options, seed=seed, device=device, donor=self.network_)
        with only_training(learnt[session].network, self.network_):
            self._train(named, learnt, self.training_options_)
        self.sessions_ = {**self.sessions_, **learnt}
        return self

    @overload
    def transform(self, graphs: GraphSequence, *, session: str | None = None) -> NodeEmbedding: ...

    @overload
    def transform(
        self, graphs: Sequence[GraphSequence], *, session: str | None = None
    ) -> list[NodeEmbedding]: ...

    def transform(
        self, graphs: GraphSequence | Sequence[GraphSequence], *, session: str | None = None
    ) -> NodeEmbedding | list[NodeEmbedding]:
        """
        Embed every node in every window.

        The state starts afresh in the first window; earlier windows influence later ones,
        never the reverse (unless ``smoothing="two_sided"`` is asked for).

        Parameters
        ----------
        graphs : GraphSequence or sequence of GraphSequence
            Windows over the nodes of a session seen in ``fit`` or ``adapt``, in chronological
            order.
        session : str, optional
            Name of the session; by default the one with the same nodes.

        Returns
        -------
        NodeEmbedding, or list of NodeEmbedding for a list
            Mean and standard deviation, (n_windows, n_nodes, latent_size), twice
            ``latent_size`` with the option ``embedding="joined"``, the default profile's, and
            attention (n_windows, n_windows).

        Raises
        ------
        InputError
            If the nodes are those of no session.
        """
        check_is_fitted(self, "sessions_")
        if not isinstance(graphs, GraphSequence):
            return [self._embed(item, session) for item in as_sequences(graphs)]
        return self._embed(graphs, session)

    @overload
    def fit_transform(self, graphs: GraphSequence, y: Any = None) -> NodeEmbedding: ...

    @overload
    def fit_transform(
        self, graphs: Sequence[GraphSequence], y: Any = None
    ) -> list[NodeEmbedding]: ...

    def fit_transform(
        self, graphs: GraphSequence | Sequence[GraphSequence], y: Any = None
    ) -> NodeEmbedding | list[NodeEmbedding]:
        """
        Train on recordings and embed them.

        Parameters
        ----------
        graphs : GraphSequence or sequence of GraphSequence
            Windows in chronological order.
        y : None
            Ignored.

        Returns
        -------
        NodeEmbedding, or list of NodeEmbedding for a list
            Embedding of the training windows.
        """
        return self.fit(graphs, y).transform(graphs)

    def score(self, graphs: GraphSequence | Sequence[GraphSequence], y: Any = None) -> float:
        """
        Bound the log-likelihood of graphs from below; the higher, the better.

        ``E_q log p(A | z) − KL(q ‖ p)`` per pair of vertices, whatever ``kl_weight`` is: what a
        window's own posterior gains in likelihood is paid for by its distance to the prior.  A
        session whose nodes are unknown is adapted to (in a copy) on the first half of its
        windows, and scored on the second.

        Parameters
        ----------
        graphs : GraphSequence or sequence of GraphSequence
            Windows that fit did not see.
        y : None
            Ignored.

        Returns
        -------
        float
            Mean over windows, in nats per pair.
        """
        check_is_fitted(self, "sessions_")
        scores = []
        for item in as_sequences(graphs):
            model: TAVRNN = self
            if not knows_nodes(self.sessions_, item):
                half = len(item) // 2
                if half < 2:
                    raise InputError(
                        f"A session of other nodes needs at least 4 windows to be scored, got "
                        f"{len(item)}: the first half is adapted to."
                    )
                model = copy.copy(self).adapt(item[:half], session="scored")
                item = item[half:]
            network, windows, _ = model._opened(item, None)
            value = evidence_per_pair(network, windows, seed=int(self.seed))
            scores.append((value, len(item)))
        values, counts = zip(*scores, strict=True)
        return float(np.average(values, weights=counts))

    def reconstruct(
        self, graphs: GraphSequence, *, session: str | None = None
    ) -> NDArray[np.float32]:
        """
        Return the graph that the embedding of each window stands for.

        Parameters
        ----------
        graphs : GraphSequence
            Windows.
        session : str, optional
            Name of their session.

        Returns
        -------
        numpy.ndarray
            Expected signed weights, with ``target="binary"`` probabilities of edges, shape
            (n_windows, n_nodes, n_nodes).
        """
        network, output = self._output(graphs, session)
        mean, _ = read_out(output.posterior.mean, output, network.options)
        latents = torch.from_numpy(mean[..., : network.options.latent_size])
        return expected_graphs(network, latents, n_nodes=graphs.n_nodes)

    def predict_next(
        self, graphs: GraphSequence, *, session: str | None = None
    ) -> NDArray[np.float32]:
        """
        Return the graph that is expected in each window from the windows before it.

        Trained for with the option ``prediction_weight``.

        Parameters
        ----------
        graphs : GraphSequence
            Windows.
        session : str, optional
            Name of their session.

        Returns
        -------
        numpy.ndarray
            Expected signed weights, with ``target="binary"`` probabilities of edges, shape
            (n_windows, n_nodes, n_nodes); entry ``t`` does not depend on window ``t``.
        """
        network, output = self._output(graphs, session)
        return expected_graphs(network, output.prior.mean, n_nodes=graphs.n_nodes)

    def node_attention(
        self, graphs: GraphSequence, *, session: str | None = None
    ) -> NDArray[np.float32]:
        """
        Return the attention that each vertex pays to each window.

        Parameters
        ----------
        graphs : GraphSequence
            Windows.
        session : str, optional
            Name of their session.

        Returns
        -------
        numpy.ndarray
            Shape (n_windows, n_windows, n_vertices); row ``t`` sums to 1 over windows up to
            ``t``.

        Raises
        ------
        InputError
            If attention is not per node.
        """
        network, output = self._output(graphs, session)
        matrix = attention_matrix(output.attention, per_vertex=True)
        if matrix is None or matrix.ndim == 2:
            raise InputError(
                "All nodes of this model share their attention, or it has none: it stands in the "
                'embedding. Fit with options={"attention": "node"}.'
            )
        return matrix

    def initial_state(self, *, session: str | None = None) -> OnlineState:
        """
        Return the state before the first window of a stream.

        Parameters
        ----------
        session : str, optional
            Name of the session; needed where there are several.

        Returns
        -------
        OnlineState
            The state for :meth:`step`.

        Raises
        ------
        InputError
            If the session is unknown, or the embedding needs later windows.
        """
        check_is_fitted(self, "sessions_")
        if session is None and len(self.sessions_) > 1:
            raise InputError(f"Name the session of the stream, one of {list(self.sessions_)}.")
        name = one_of(session or next(iter(self.sessions_)), self.sessions_, "session")
        network = self.sessions_[name].network
        if network.options.smoothing == "two_sided":
            raise InputError(
                'smoothing="two_sided" needs windows that have not come yet. Use '
                'smoothing="causal" for a stream.'
            )
        noise = None
        if network.options.embedding == "sample":
            noise = torch.Generator().manual_seed(int(self.seed)).get_state()
        return OnlineState(session=name, network=network.initial_state(), noise=noise)

    def step(self, state: OnlineState, graphs: GraphSequence) -> tuple[OnlineState, NodeEmbedding]:
        """
        Embed the next window of a stream, or the next few.

        Parameters
        ----------
        state : OnlineState
            State after the windows before, from :meth:`initial_state` or the last step.
        graphs : GraphSequence
            The new windows.

        Returns
        -------
        tuple of OnlineState and NodeEmbedding
            The state after them, and their embedding: what :meth:`transform` says of them at the
            end of the whole sequence, without the attention to windows that are not in
            ``graphs``.
        """
        network, windows, session = self._opened(graphs, state.session)
        generator = None
        if state.noise is not None:
            generator = torch.Generator()
            generator.set_state(state.noise)
        output, after = run_sequence(network, windows, state=state.network, generator=generator)
        mean, std, past = _read_embedding(output, network.options, state.past)
        noise = None if generator is None else generator.get_state()
        return (
            replace(state, network=after, past=past, noise=noise),
            self._node_embedding(graphs, session, mean, std, attention=None),
        )

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """
        Save the trained model in one file of NumPy arrays and JSON, without pickled objects.

        Parameters
        ----------
        path : str or pathlib.Path
            The file, usually ``.npz``; it appears whole or not at all.
        overwrite : bool
            Whether an existing file may be replaced.

        Raises
        ------
        OutputError
            If the file exists or cannot be written.
        """
        check_is_fitted(self, "sessions_")
        write_model(
            path,
            parameters=self.get_params(),
            sessions=self.sessions_,
            training_options=self.training_options_,
            history=self.history_,
            overwrite=overwrite,
        )

    @classmethod
    def load(cls, path: str | Path, *, device: str = "auto") -> TAVRNN:
        """
        Load a model that :meth:`save` wrote.

        Parameters
        ----------
        path : str or pathlib.Path
            The file.
        device : {"auto", "cpu", "cuda"}
            Where it computes from now on.

        Returns
        -------
        TAVRNN
            The trained estimator; it embeds graphs as the saved one does.

        Raises
        ------
        FileFormatError
            If the file is missing, damaged, newer, or holds something else.
        """
        found, where = read_model(path), find_device(device)
        model = cls(**{**found["parameters"], "device": device})
        model.sessions_ = found["sessions"]
        for session in model.sessions_.values():
            session.network.to(where)
        model.training_options_, model.history_ = found["training_options"], found["history"]
        return model

    @property
    def network_(self) -> Network:
        """The trained network of the first session."""
        return self._first_session().network

    @property
    def node_ids_(self) -> NDArray[np.str_]:
        """Nodes of the first session."""
        return self._first_session().node_ids

    def __sklearn_tags__(self) -> Tags:
        """Tell scikit-learn that graphs are taken, and no arrays."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags = TransformerTags(preserves_dtype=[])
        tags.input_tags = InputTags(two_d_array=False)
        return tags

    def _first_session(self) -> Session:
        if "sessions_" not in vars(self):
            raise AttributeError("This TAVRNN is not fitted yet.")
        return next(iter(self.sessions_.values()))

    def _resolve_options(self) -> tuple[NetworkOptions, TrainingOptions]:
        return resolve_options(
            self.profile,
            self.ablation,
            training_epochs=self.training_epochs,
            options={
                "hidden_size": self.hidden_size,
                "latent_size": self.latent_size,
                "n_layers": self.n_layers,
                **(self.options or {}),
            },
        )

    def _readable(self, graphs: Any, options: NetworkOptions) -> list[GraphSequence]:
        sequences = as_sequences(graphs)
        if not options.history_node:
            sequences = [without_history(item) for item in sequences]
        for sequence in sequences:
            check_readable(sequence, options)
        return sequences

    def _train(
        self,
        named: dict[str, list[GraphSequence]],
        sessions: dict[str, Session],
        options: TrainingOptions,
        checkpoint: Checkpoint | None = None,
    ) -> list[dict[str, float]]:
        device = next(next(iter(sessions.values())).network.parameters()).device
        stretches = stretches_of(named, sessions, device=device)
        largest = max(stretch.network.n_vertices for stretch in stretches)
        with threads_for(largest):
            return train(
                stretches,
                options,
                generator=torch.Generator().manual_seed(int(self.seed)),
                verbose=self.verbose,
                checkpoint=checkpoint,
            )

    def _opened(
        self, graphs: GraphSequence, name: str | None
    ) -> tuple[Network, Sequence[WindowInput], Session]:
        check_is_fitted(self, "sessions_")
        readable = self._readable(graphs, self.network_.options)[0]
        session = find_session(self.sessions_, readable, name)
        device = next(session.network.parameters()).device
        options = session.network.options
        return (
            session.network,
            window_inputs(readable, options, session.basis, device=device),
            session,
        )

    def _output(self, graphs: GraphSequence, name: str | None) -> tuple[Network, SequenceOutput]:
        network, windows, _ = self._opened(graphs, name)
        return network, run_sequence(network, windows)[0]

    def _embed(self, graphs: GraphSequence, name: str | None) -> NodeEmbedding:
        network, windows, session = self._opened(graphs, name)
        generator = None
        if network.options.embedding == "sample":
            generator = torch.Generator().manual_seed(int(self.seed))
        output, _ = run_sequence(network, windows, generator=generator)
        mean, std, _ = _read_embedding(output, network.options)
        return self._node_embedding(
            graphs, session, mean, std, attention=attention_matrix(output.attention)
        )

    def _node_embedding(
        self,
        graphs: GraphSequence,
        session: Session,
        mean: NDArray[np.float32],
        std: NDArray[np.float32],
        *,
        attention: NDArray[np.float32] | None,
    ) -> NodeEmbedding:
        n_nodes = graphs.n_nodes
        if session.network.options.embedding == "weighted":
            mean, std = weighted(mean, std)
        return NodeEmbedding(
            mean=mean[:, :n_nodes],
            std=std[:, :n_nodes],
            windows=graphs.windows,
            nodes=graphs.nodes,
            attention=attention,
            history=mean[:, n_nodes] if session.history_node else None,
            config=self._config(),
            versions=package_versions(),
            seed=int(self.seed),
        )

    def _config(self) -> dict[str, Any]:
        options = {**asdict(self.network_.options), **asdict(self.training_options_)}
        options["training_epochs"] = len(self.history_)
        return {"model.profile": self.profile, "model.ablation": self.ablation} | {
            f"model.{name}": value for name, value in options.items()
        }


def _read_embedding(
    output: SequenceOutput, options: NetworkOptions, past: tuple[Past, Past] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32], tuple[Past, Past]]:
    """Read embedding and standard deviation out, and what later windows need of them."""
    chosen = output.latent if options.embedding == "sample" else output.posterior.mean
    before = past or (None, None)
    mean, of_mean = read_out(chosen, output, options, before[0])
    std, of_std = read_out(output.posterior.std, output, options, before[1])
    return mean, std, (of_mean, of_std)
