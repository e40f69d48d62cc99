"""TAVRNN as an estimator: ``fit`` on graphs, ``transform`` to embeddings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, overload

import torch
from sklearn.base import BaseEstimator
from sklearn.utils import InputTags, Tags, TransformerTags
from sklearn.utils.validation import check_is_fitted

from tavrnn_ephys.core.checks import positive_int, whole_number
from tavrnn_ephys.core.containers import NodeEmbedding
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.names import PROFILES
from tavrnn_ephys.methods._torch_state import with_own_torch_state
from tavrnn_ephys.methods.tavrnn.answers import Answers
from tavrnn_ephys.methods.tavrnn.factor_fits import FactorFits
from tavrnn_ephys.methods.tavrnn.files import read_model, write_model
from tavrnn_ephys.methods.tavrnn.fitting import (
    build_sessions,
    only_training,
    stretches_of,
    warn_of_incoherence,
)
from tavrnn_ephys.methods.tavrnn.inputs import digest
from tavrnn_ephys.methods.tavrnn.online import Online, OnlineState
from tavrnn_ephys.methods.tavrnn.parameters import Parameters
from tavrnn_ephys.methods.tavrnn.sessions import Session, name_sessions
from tavrnn_ephys.methods.tavrnn.training import (
    Checkpoint,
    TrainingOptions,
    find_device,
    threads_for,
    train,
)

__all__ = ["TAVRNN", "OnlineState"]


@with_own_torch_state(
    "fit", "adapt", "transform", "score", "reconstruct", "expected_change", "predict_next",
    "node_attention", "kinds_of_windows", "initial_state", "step", "stream_step", "load",
)  # fmt: skip
class TAVRNN(Answers, Online, FactorFits, Parameters, BaseEstimator):
    """
    Temporal Attention-enhanced Variational Graph Recurrent Neural Network [1]_.

    Parameters
    ----------
    hidden_size : int
        Width of the state of a vertex in the graph GRU, which the profile ``"state_space"`` does
        not have.
    latent_size : int
        Width of the latent variable of a vertex: the number of factors in the profile
        ``"state_space"``.  The embedding is twice as wide: what the window says alone, and beside
        it what it says with the windows before it (option ``embedding``).
    n_layers : int
        Layers of the graph GRU.
    training_epochs : int, optional
        Passes over the training windows: 8 in the profile ``"state_space"``, as many as make 200
        optimizer steps in ``"recurrent"``, and 500 in ``"paper"``.
    profile : {"state_space", "recurrent", "paper"}
        A mean graph and gated factors whose states decay, for directed graphs too; the corrected
        graph recurrent network; or the published notebook to the letter.
    ablation : {"no_attention", "no_history_node", "vgrnn", "vgae", "not_variational"}, optional
        Part that is taken away, where the profile has it; see
        :func:`~tavrnn_ephys.methods.tavrnn.nn.options.options_for`.
    device : {"auto", "cpu", "cuda"}
        Where the network computes; ``"auto"`` for CUDA where it is to be had.
    seed : int
        Seed of weights and sampling; on one device equal seeds give equal embeddings.  The profile
        ``"state_space"`` draws nothing at random.
    verbose : bool
        Whether a progress bar is shown on a terminal.
    options : dict of str to object, optional
        Single options of :class:`~tavrnn_ephys.methods.tavrnn.nn.options.NetworkOptions` or
        :class:`~tavrnn_ephys.methods.tavrnn.training.TrainingOptions` that differ from the
        profile, such as ``{"smoothing": "two_sided"}``; one that the profile does not read is
        refused.  Each is a parameter too, as scikit-learn names those of parts:
        ``options__smoothing``.

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
    >>> import numpy as np
    >>> rng = np.random.default_rng(0)
    >>> couplings = rng.uniform(-1, 1, (2, 5, 5))
    >>> weights = couplings[np.arange(12) // 2 % 2] + rng.uniform(-0.1, 0.1, (12, 5, 5))
    >>> symmetric = (weights + weights.swapaxes(1, 2)) / 3
    >>> graphs = build_graphs(ConnectivitySequence.from_array(symmetric))
    >>> TAVRNN(latent_size=2).fit(graphs).transform(graphs)
    NodeEmbedding: 12 windows x 5 units x 4, with attention
    """

    def __init__(
        self,
        *,
        hidden_size: int = 32,
        latent_size: int = 8,
        n_layers: int = 1,
        training_epochs: int | None = None,
        profile: str = PROFILES[0],
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
        y : array_like, shape (n_windows,), optional
            Labels of all windows for the profile ``"state_space"``: numbers, NaN where unknown, or
            classes, ``""`` where unknown.  They take part in finding the factors, and the
            embedding is called supervised.  Other profiles take no labels and ignore them.
        sessions : sequence of str, optional
            Name of the session of each sequence; by default sequences over the same nodes are
            stretches of one session, and sessions are called ``"0"``, ``"1"``, ….
        checkpoint : str or pathlib.Path, optional
            File that keeps the state of training, which the profile ``"state_space"`` does not
            have.  If it exists, training goes on from it, and ends bit for bit where an unbroken
            fit on the CPU ends.  It stays when fit is done.
        checkpoint_every : int
            Training epochs between two savings.

        Returns
        -------
        TAVRNN
            The fitted estimator.

        Raises
        ------
        InputError
            If an option is unknown or out of range, the profile does not read what was given, there
            are fewer than two windows, the stretches of a session differ in their nodes, any in
            how they were made, or the checkpoint is damaged or of another fit.

        Warns
        -----
        ChanceLossWarning
            If the model has learnt nothing.
        """
        options, training_options = self._resolve_options(checkpoint=checkpoint)
        sequences = self._readable(graphs, options)
        if sum(map(len, sequences)) < 2:
            raise InputError(
                "fit needs at least two windows, got 1: there is nothing to tell it from. Shorten "
                "window_length or step."
            )
        seed, device = whole_number(self.seed, "seed"), find_device(self.device)
        named = name_sessions(sequences, sessions)
        if options.has_factors:
            self._fit_factors(sequences, named, options, training_options, device, y)
            return self
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
            If the name is taken, or the graphs cannot be read, or were made with another window,
            step, bin size or measure than those of ``fit``.
        """
        check_is_fitted(self, "sessions_")
        if session in self.sessions_:
            raise InputError(f"There is a session {session!r} already. Choose another name.")
        options = self.network_.options
        named = {session: self._readable(graphs, options)}
        if options.has_factors:
            self._adapt_factors(named)
            return self
        device = next(self.network_.parameters()).device
        seed = whole_number(self.seed, "seed")
        learnt = build_sessions(
            named,
            options,
            seed=seed,
            device=device,
            donor=self.network_,
            seen=self._first_session().units,
            verb="adapt",
        )
        with only_training(learnt[session].network, self.network_):
            self._train(named, learnt, self.training_options_)
        self.sessions_ = {**self.sessions_, **learnt}
        return self

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
        y : array_like, shape (n_windows,), optional
            Labels, as :meth:`fit` takes them.

        Returns
        -------
        NodeEmbedding, or list of NodeEmbedding for a list
            Embedding of the training windows.
        """
        return self.fit(graphs, y).transform(graphs)

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
            parameters=self.get_params(deep=False),
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

    def __sklearn_tags__(self) -> Tags:
        """Tell scikit-learn that graphs are taken, and no arrays."""
        tags = super().__sklearn_tags__()
        tags.transformer_tags = TransformerTags(preserves_dtype=[])
        tags.input_tags = InputTags(two_d_array=False)
        return tags

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
