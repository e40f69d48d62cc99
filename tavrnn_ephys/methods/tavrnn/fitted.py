"""What every part of the estimator reads of a fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.containers import NodeEmbedding
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.provenance import package_versions
from tavrnn_ephys.methods._direction import undirected
from tavrnn_ephys.methods.tavrnn.inputs import (
    as_sequences,
    check_readable,
    window_inputs,
    without_history,
)
from tavrnn_ephys.methods.tavrnn.nn.model import Network
from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions
from tavrnn_ephys.methods.tavrnn.nn.sequences import WindowInput
from tavrnn_ephys.methods.tavrnn.nn.spectral import SpectralBasis
from tavrnn_ephys.methods.tavrnn.profiles import options_of
from tavrnn_ephys.methods.tavrnn.readout import weighted
from tavrnn_ephys.methods.tavrnn.sessions import Session, find_session
from tavrnn_ephys.methods.tavrnn.training import TrainingOptions

__all__ = ["Fitted"]

_BOTH_WAYS = (
    'Take profile="state_space", which reads both, or call graphs.symmetrized() to do so yourself.'
)


class Fitted:
    """A fit: its sessions, and how graphs are opened with their networks."""

    profile: str
    ablation: str | None
    seed: int
    sessions_: dict[str, Session]
    training_options_: TrainingOptions
    history_: list[dict[str, float]]

    @property
    def network_(self) -> Network:
        """The trained network of the first session."""
        return cast(Network, self._first_session().network)

    @property
    def node_ids_(self) -> NDArray[np.str_]:
        """Nodes of the first session."""
        return self._first_session().node_ids

    def _first_session(self) -> Session:
        if "sessions_" not in vars(self):
            raise AttributeError("This TAVRNN is not fitted yet.")
        return next(iter(self.sessions_.values()))

    def _named(self, session: str | None) -> str:
        """Name of a session, the only one by default."""
        check_is_fitted(self, "sessions_")
        if session is None and len(self.sessions_) > 1:
            raise InputError(f"Name the session, one of {list(self.sessions_)}.")
        name: str = one_of(session or next(iter(self.sessions_)), self.sessions_, "session")
        return name

    def _readable(self, graphs: Any, options: NetworkOptions) -> list[GraphSequence]:
        sequences = as_sequences(graphs)
        if not options.has_factors:
            fitted = "sessions_" in vars(self)
            reader, way_out = f"TAVRNN's profile {self.profile!r}", _BOTH_WAYS
            sequences = [
                undirected(item, reader, warn=not fitted, way_out=way_out) for item in sequences
            ]
        if not options.history_node:
            sequences = [without_history(item) for item in sequences]
        for sequence in sequences:
            check_readable(sequence, options)
        return sequences

    def _found(
        self,
        graphs: GraphSequence,
        name: str | None,
        *,
        verb: str = "transform",
        before_s: Sequence[float] = (),
    ) -> tuple[GraphSequence, Session]:
        check_is_fitted(self, "sessions_")
        readable = self._readable(graphs, self.network_.options)[0]
        found = find_session(self.sessions_, readable, name, verb=verb, before_s=before_s)
        return readable, found

    def _supervision(self) -> str:
        """Say what the fit learnt from beside the graphs: nothing, or labels."""
        network = self.network_
        return "label" if getattr(network, "supervised", False) else "none"

    @property
    def _has_factors(self) -> bool:
        return bool(self.network_.options.has_factors)

    def _opened(
        self,
        graphs: GraphSequence,
        name: str | None,
        *,
        verb: str = "transform",
        before_s: Sequence[float] = (),
    ) -> tuple[Network, Sequence[WindowInput], Session]:
        readable, session = self._found(graphs, name, verb=verb, before_s=before_s)
        device = next(session.network.parameters()).device
        options = session.network.options
        return (
            session.network,
            window_inputs(readable, options, cast(SpectralBasis, session.basis), device=device),
            session,
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
        config = self._config()
        kinds = session.network.kinds.known() if self._has_factors else None
        if kinds is not None and attention is not None:
            # Attention by content reaches farther than what an embedding depends on.
            config["model.lookback"] = kinds.forgotten_after()
        return NodeEmbedding(
            mean=mean[:, :n_nodes],
            std=std[:, :n_nodes],
            windows=graphs.windows,
            nodes=graphs.nodes,
            attention=attention,
            history=mean[:, n_nodes] if session.history_node else None,
            config=config,
            versions=package_versions(),
            seed=int(self.seed),
        )

    def _config(self) -> dict[str, Any]:
        options = {**asdict(self.network_.options), **asdict(self.training_options_)}
        options["training_epochs"] = len(self.history_)
        about = {"model.profile": self.profile, "model.ablation": self.ablation}
        about["model.supervision"] = self._supervision()
        # Of what the profile does not read nothing is said.
        return about | {f"model.{name}": options[name] for name in options_of(self.profile)}
