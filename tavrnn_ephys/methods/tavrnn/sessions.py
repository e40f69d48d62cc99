"""Sessions: recordings over nodes of their own, whose networks share most of their weights."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of, some
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.graph_units import GraphUnits, require_units, units_of
from tavrnn_ephys.methods.tavrnn.nn.spectral import SpectralBasis

__all__ = ["Session", "find_session", "knows_nodes", "name_sessions"]


@dataclass(frozen=True, kw_only=True)
class Session:
    """
    What a fit knows of one session.

    Parameters
    ----------
    node_ids : numpy.ndarray of str, shape (n_nodes,)
        Its nodes.
    history_node : bool
        Whether its graphs have a history node.
    n_features : int
        Width of the features that its graphs bring.
    basis : SpectralBasis or None
        Its spectral coordinates; ``None`` where the network reads none.
    network : Network or FactorNetwork
        Its network.
    units : GraphUnits
        Windows, bins, measure and threshold of its graphs, as far as they are known.
    """

    node_ids: NDArray[np.str_]
    history_node: bool
    n_features: int
    basis: SpectralBasis | None
    network: Any
    units: GraphUnits = field(default_factory=GraphUnits)

    def check(
        self, graphs: GraphSequence, *, verb: str = "transform", before_s: Sequence[float] = ()
    ) -> None:
        """
        Say whether graphs are of this session.

        Parameters
        ----------
        graphs : GraphSequence
            The graphs.
        verb : str
            What was called, for the message.
        before_s : sequence of float
            Starts of the windows before, of a stream.

        Raises
        ------
        InputError
            If their nodes, history node or features are others, or they were made with another
            window, step, bin size, measure or threshold.
        """
        seen, given = self.node_ids, np.asarray(graphs.nodes.ids)
        if not np.array_equal(seen, given):
            missing, new = np.setdiff1d(seen, given), np.setdiff1d(given, seen)
            detail = f"missing: {some(missing)}" if len(missing) else "their order differs"
            detail += f"; new: {some(new)}" if len(new) else ""
            raise InputError(
                f"These graphs have {len(given)} nodes, fit saw {len(seen)}; {detail}. "
                "Select the same nodes in the same order, fit again, or call adapt for a session "
                "of other nodes."
            )
        if graphs.history_node != self.history_node:
            raise InputError("These graphs and those of fit differ in history_node.")
        options = self.network.options
        if options.node_features == "graph" and graphs.n_features != self.n_features:
            raise InputError(
                f"These graphs have {graphs.n_features} features, fit saw {self.n_features}."
            )
        require_units(
            self.units,
            units_of(graphs, before_s=before_s),
            verb=verb,
            besides=() if options.node_features == "graph" else ("features",),
            known_to="the first graphs had" if verb == "fit" else "fit saw",
        )


def name_sessions(
    sequences: Sequence[GraphSequence], names: Sequence[Any] | None
) -> dict[str, list[GraphSequence]]:
    """
    Sort stretches into sessions.

    Parameters
    ----------
    sequences : sequence of GraphSequence
        The stretches.
    names : sequence of str, optional
        The session of each; by default stretches over the same nodes are of one session.

    Returns
    -------
    dict of str to list of GraphSequence
        Stretches by session, in the order of their first appearance.

    Raises
    ------
    InputError
        If there are more or fewer names than stretches.
    """
    if names is None:
        keys = [tuple(sequence.nodes.ids) for sequence in sequences]
        order = {key: str(position) for position, key in enumerate(dict.fromkeys(keys))}
        names = [order[key] for key in keys]
    if len(names) != len(sequences):
        raise InputError(
            f"sessions must name the session of each of the {len(sequences)} sequences, got "
            f"{len(names)} names."
        )
    sessions: dict[str, list[GraphSequence]] = {}
    for name, sequence in zip(names, sequences, strict=True):
        sessions.setdefault(str(name), []).append(sequence)
    return sessions


def find_session(
    sessions: Mapping[str, Session],
    graphs: GraphSequence,
    name: str | None,
    *,
    verb: str = "transform",
    before_s: Sequence[float] = (),
) -> Session:
    """
    Find the session that graphs belong to.

    Parameters
    ----------
    sessions : mapping of str to Session
        Those that are known.
    graphs : GraphSequence
        The graphs.
    name : str or None
        Its name; by default the session with the same nodes.
    verb : str
        What was called, for the message.
    before_s : sequence of float
        Starts of the windows before, of a stream.

    Returns
    -------
    Session
        The session.

    Raises
    ------
    InputError
        If there is none, or more than one, or its graphs were made otherwise.
    """
    if name is not None:
        session = sessions[one_of(name, sessions, "session")]
        session.check(graphs, verb=verb, before_s=before_s)
        return session
    suited = knows_nodes(sessions, graphs)
    if len(suited) > 1:
        raise InputError(
            f"These graphs suit {len(suited)} sessions of the same nodes: {some(suited)}. Choose "
            f"one: session={suited[0]!r}."
        )
    if not suited and len(sessions) > 1:
        raise InputError(
            f"The {graphs.n_nodes} nodes of these graphs are those of none of the "
            f"{len(sessions)} sessions that fit saw. Call adapt for a session of other nodes."
        )
    session = sessions[suited[0] if suited else next(iter(sessions))]
    session.check(graphs, verb=verb, before_s=before_s)
    return session


def knows_nodes(sessions: Mapping[str, Session], graphs: GraphSequence) -> list[str]:
    """
    List the sessions with the nodes of graphs.

    Parameters
    ----------
    sessions : mapping of str to Session
        Those that are known.
    graphs : GraphSequence
        The graphs.

    Returns
    -------
    list of str
        Their names.
    """
    return [
        name
        for name, session in sessions.items()
        if np.array_equal(session.node_ids, graphs.nodes.ids)
    ]
