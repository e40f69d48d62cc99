"""Sessions built from training graphs, and the warning where there is nothing to learn."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch

from tavrnn_ephys.core.errors import ChanceLossWarning
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.graph_units import GraphUnits, joined_units, require_units, units_of
from tavrnn_ephys.methods.tavrnn.inputs import DenseGraphs, build_network, fit_basis, window_inputs
from tavrnn_ephys.methods.tavrnn.nn.model import Network
from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions
from tavrnn_ephys.methods.tavrnn.nn.spectral import SpectralBasis, coherence
from tavrnn_ephys.methods.tavrnn.sessions import Session
from tavrnn_ephys.methods.tavrnn.training import Stretch

__all__ = [
    "LEAST_COHERENCE",
    "build_sessions",
    "only_training",
    "require_one_making",
    "stretches_of",
    "warn_of_incoherence",
]

#: Independent spike trains reach 1.05; a network whose weakest visible states a spectral
#: classifier still finds starts at 1.1.
LEAST_COHERENCE = 1.08


def build_sessions(
    named: Mapping[str, Sequence[GraphSequence]],
    options: NetworkOptions,
    *,
    seed: int,
    device: torch.device,
    donor: Network | None = None,
    seen: GraphUnits | None = None,
    verb: str = "fit",
) -> dict[str, Session]:
    """
    Build the untrained networks of sessions.

    Parameters
    ----------
    named : mapping of str to sequence of GraphSequence
        Training stretches by session.
    options : NetworkOptions
        The options.
    seed : int
        Seed of the weights.
    device : torch.device
        Where the networks compute.
    donor : Network, optional
        Whose weights are shared; by default those of the first session.
    seen : GraphUnits, optional
        What the donor saw.
    verb : str
        What was called, for the message.

    Returns
    -------
    dict of str to Session
        The sessions, in order.

    Raises
    ------
    InputError
        If the stretches of a session differ in their nodes, history node or features, or any in
        how their graphs were made.
    """
    require_one_making(named, seen, verb)
    sessions: dict[str, Session] = {}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        for name, sequences in named.items():
            first, basis = sequences[0], fit_basis(sequences, options)
            network = build_network(sequences, options, basis)
            session = Session(
                node_ids=first.nodes.ids,
                history_node=first.history_node,
                n_features=first.n_features,
                basis=basis,
                network=network,
                units=joined_units(map(units_of, sequences)),
            )
            for sequence in sequences:
                session.check(sequence, verb=verb)
            sessions[name] = session
    shared = donor
    for session in sessions.values():
        session.network.to(device)
        if shared is not None:
            session.network.share_with(shared)
        shared = shared or session.network
    return sessions


def require_one_making(
    named: Mapping[str, Sequence[GraphSequence]], seen: GraphUnits | None, verb: str
) -> None:
    """
    Require that graphs of all sessions were made alike.

    Sessions share what a model learns of time; nodes and thresholds are their own.

    Parameters
    ----------
    named : mapping of str to sequence of GraphSequence
        Stretches by session.
    seen : GraphUnits or None
        How the graphs of the fit were made.
    verb : str
        What was called, for the message.

    Raises
    ------
    InputError
        If windows, bins or measure differ.
    """
    known_to = "the first graphs had" if seen is None else "fit saw"
    seen = seen or GraphUnits()
    for sequences in named.values():
        for units in map(units_of, sequences):
            besides = ("features", "node_kind", "threshold")
            require_units(seen, units, verb=verb, besides=besides, known_to=known_to)
            seen = joined_units([seen, units])


def stretches_of(
    named: Mapping[str, Sequence[GraphSequence]],
    sessions: Mapping[str, Session],
    *,
    device: torch.device,
) -> list[Stretch]:
    """
    Pair the windows of every stretch with the network of its session.

    Parameters
    ----------
    named : mapping of str to sequence of GraphSequence
        Stretches by session.
    sessions : mapping of str to Session
        The sessions.
    device : torch.device
        Where the tensors go.

    Returns
    -------
    list of Stretch
        The first stretch of every session, then the second of every session, and so on, so
        that neighbours come from different sessions.
    """
    stretches = []
    for position in range(max(map(len, named.values()))):
        for name, sequences in named.items():
            if position < len(sequences):
                session = sessions[name]
                windows = window_inputs(
                    sequences[position], session.network.options, _basis(session), device=device
                )
                stretches.append(Stretch(session.network, windows))
    return stretches


def _basis(session: Session) -> SpectralBasis:
    if session.basis is None:
        raise TypeError("Factors read no spectral coordinates.")
    return session.basis


@contextmanager
def only_training(own: Network, shared: Network) -> Iterator[None]:
    """
    Hold the weights that a network shares while its own are trained.

    Parameters
    ----------
    own : Network
        The network whose own weights are trained.
    shared : Network
        A network that shares the others.

    Yields
    ------
    None
        What could be trained before can be trained afterwards.
    """
    elsewhere = {id(item) for item in shared.parameters()}
    held = [item for item in own.parameters() if id(item) in elsewhere and item.requires_grad]
    for item in held:
        item.requires_grad_(False)
    try:
        yield
    finally:
        for item in held:
            item.requires_grad_(True)


def warn_of_incoherence(named: Mapping[str, Sequence[GraphSequence]], seed: int) -> None:
    """
    Warn of sessions whose windows differ by noise alone.

    Parameters
    ----------
    named : mapping of str to sequence of GraphSequence
        Stretches by session.
    seed : int
        Seed of the shuffle that they are compared with.

    Warns
    -----
    ChanceLossWarning
        If windows differ no more coherently than shuffled ones.
    """
    for name, sequences in named.items():
        found = coherence(DenseGraphs(sequences), seed=seed)
        if found >= LEAST_COHERENCE:
            continue
        of_session = f" of session {name!r}" if len(named) > 1 else ""
        warnings.warn(
            f"The graphs of these windows{of_session} differ no more coherently than the same "
            f"weights shuffled between windows (ratio {found:.2f}, at least "
            f"{LEAST_COHERENCE:g} is expected of a network that changes): these embeddings say "
            "nothing about the windows. Lengthen the windows, or choose smaller bins.",
            ChanceLossWarning,
            stacklevel=3,
        )
