"""A fitted model over windows that arrive one after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import torch

from tavrnn_ephys.core.containers import NodeEmbedding
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods.stepping import StreamStep
from tavrnn_ephys.methods.tavrnn.factors.reading import read_factors
from tavrnn_ephys.methods.tavrnn.factors.step import FactorStep
from tavrnn_ephys.methods.tavrnn.fitted import Fitted
from tavrnn_ephys.methods.tavrnn.readout import Past, known_only, read_embedding
from tavrnn_ephys.methods.tavrnn.single_step import SingleStep
from tavrnn_ephys.methods.tavrnn.training import run_sequence

__all__ = ["Online", "OnlineState"]


@dataclass(frozen=True, kw_only=True)
class OnlineState:
    """
    What a model remembers between windows that arrive one after the other.

    Parameters
    ----------
    session : str
        The session.
    network : NetworkState or FilterState
        Hidden states, and those that attention reaches; or the state of the factors.
    past : tuple of Past, optional
        What the read-out needs of the windows before, for embedding and standard deviation.
    noise : torch.Tensor, optional
        State of the generator, where the embedding is a sample.
    starts_s : tuple of float
        Starts of the last two windows, in seconds, that tell the step of a stream.
    """

    session: str
    network: Any
    past: tuple[Past, Past] | None = None
    noise: torch.Tensor | None = None
    starts_s: tuple[float, ...] = ()


class Online(Fitted):
    """A stream: what a fitted model says of each window when it arrives."""

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
        name = self._named(session)
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

    def stream_step(self, session: str | None = None) -> StreamStep:
        """
        Return the network of a session as a step from window to window, for a stream.

        Parameters
        ----------
        session : str, optional
            Name of the session; needed where there are several.

        Returns
        -------
        StreamStep
            The step, with nothing remembered; it says what :meth:`transform` says.

        Raises
        ------
        InputError
            If the session is unknown, or the options have no streaming path.
        """
        found = self.sessions_[self._named(session)]
        return FactorStep(found) if self._has_factors else SingleStep(found)

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
        starts_s = (*state.starts_s, *map(float, graphs.windows.start_s))[-2:]
        if self._has_factors:
            return self._factor_step(state, graphs, starts_s)
        network, windows, session = self._opened(
            graphs, state.session, verb="step", before_s=state.starts_s
        )
        generator = None
        if state.noise is not None:
            generator = torch.Generator()
            generator.set_state(state.noise)
        output, after = run_sequence(network, windows, state=state.network, generator=generator)
        output = known_only(output, graphs.node_mask)
        mean, std, past = read_embedding(output, network.options, state.past)
        noise = None if generator is None else generator.get_state()
        return (
            replace(state, network=after, past=past, noise=noise, starts_s=starts_s),
            self._node_embedding(graphs, session, mean, std, attention=None),
        )

    def _factor_step(
        self, state: OnlineState, graphs: GraphSequence, starts_s: tuple[float, ...]
    ) -> tuple[OnlineState, NodeEmbedding]:
        readable, session = self._found(graphs, state.session, verb="step", before_s=state.starts_s)
        said = read_factors(session.network, readable, start=state.network, with_attention=False)
        return (
            replace(state, network=said.after, starts_s=starts_s),
            self._node_embedding(graphs, session, said.mean, said.std, attention=None),
        )
