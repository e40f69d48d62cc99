"""Sessions of factors: built, learnt together, and taken in one after the other."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import ChanceLossWarning, DataLossWarning
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.graph_units import joined_units, units_of
from tavrnn_ephys.methods.tavrnn.factors.cross_fitting import cross_fitted_evidence
from tavrnn_ephys.methods.tavrnn.factors.fit import FactorFit
from tavrnn_ephys.methods.tavrnn.factors.labels import LabelEvidence, label_columns
from tavrnn_ephys.methods.tavrnn.factors.learning import judge, learn
from tavrnn_ephys.methods.tavrnn.factors.network import FactorNetwork
from tavrnn_ephys.methods.tavrnn.factors.windows import GraphWindows
from tavrnn_ephys.methods.tavrnn.fitting import LEAST_COHERENCE
from tavrnn_ephys.methods.tavrnn.inputs import DenseGraphs
from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions
from tavrnn_ephys.methods.tavrnn.nn.spectral import coherence
from tavrnn_ephys.methods.tavrnn.sessions import Session

__all__ = ["N_SWEEPS", "factor_sessions", "labels_by_session"]

#: Sweeps of a fit where no other number is asked for.  Many more let factors that hold noise grow
#: slow, so that decoders of slow behaviour take them for it.
N_SWEEPS = 8


def factor_sessions(
    named: Mapping[str, Sequence[GraphSequence]],
    options: NetworkOptions,
    *,
    n_sweeps: int,
    device: torch.device,
    labels: Mapping[str, NDArray[np.float64]] | None = None,
    decay: NDArray[np.float64] | None = None,
    verb: str = "fit",
    verbose: bool = False,
) -> tuple[dict[str, Session], list[dict[str, float]]]:
    """
    Learn the factors of sessions.

    Parameters
    ----------
    named : mapping of str to sequence of GraphSequence
        Training stretches by session.
    options : NetworkOptions
        The options.
    n_sweeps : int
        Sweeps over all windows.
    device : torch.device
        Where pairs are computed.
    labels : mapping of str to numpy.ndarray, optional
        Columns of labels of the windows of each session.
    decay : numpy.ndarray, optional
        Decay that is known from other sessions.
    verb : str
        What was called, for messages.
    verbose : bool
        Whether a progress bar is shown on a terminal.

    Returns
    -------
    tuple of dict of str to Session and list
        The sessions, and the history of the fit.

    Raises
    ------
    InputError
        If the stretches of a session differ.

    Warns
    -----
    DataLossWarning
        If a session has more windows than memory has room for.
    ChanceLossWarning
        If no factor of a session is told from noise.
    """
    fits: dict[str, FactorFit] = {}
    sessions: dict[str, Session] = {}
    for name, sequences in named.items():
        windows = GraphWindows(sequences, device, pooled=options.pooled_scale)
        _say_how_many(len(windows), sum(map(len, sequences)))
        n_seen = len(windows) if options.left_out else 0
        network = FactorNetwork(options, n_nodes=sequences[0].n_nodes, n_seen=n_seen).to(device)
        sessions[name] = Session(
            node_ids=sequences[0].nodes.ids,
            history_node=sequences[0].history_node,
            n_features=sequences[0].n_features,
            basis=None,
            network=network,
            units=joined_units(map(units_of, sequences)),
        )
        for sequence in sequences:
            sessions[name].check(sequence, verb=verb)
        evidence = None if labels is None else LabelEvidence(labels[name][windows.chosen])
        fits[name] = FactorFit(options, windows, evidence)
    history, interval = learn(list(fits.values()), n_sweeps=n_sweeps, decay=decay, verbose=verbose)
    networks = [sessions[name].network for name in fits]
    for fit, network in zip(fits.values(), networks, strict=True):
        fit.fill(network)
        for kept, value in zip((network.decay_low, network.decay_high), interval, strict=True):
            kept.copy_(torch.from_numpy(value))
    judged = judge(list(fits.values()), verbose=verbose)
    for (name, fit), network, told in zip(fits.items(), networks, judged, strict=True):
        if options.left_out:
            network.seen.copy_(fit.windows.digests)
            without = cross_fitted_evidence(fit, network, n_sweeps=n_sweeps, verbose=verbose)
            network.seen_evidence.copy_(without)
        network.count(told, fit.reliability(network))
        # Noise differs from block to block of windows that were left out, as if these were kinds.
        if options.recall and options.recurrence == "state_space" and told.any():
            network.remember(fit.judged_kinds(network))
        network.deviation.copy_(torch.from_numpy(fit.deviation(network)))
        if not told.any() and not _differ_together(named[name]):
            _warn_of_noise(name if len(fits) > 1 else None)
    return sessions, history


def labels_by_session(
    y: Any, sequences: Sequence[GraphSequence], named: Mapping[str, Sequence[GraphSequence]]
) -> dict[str, NDArray[np.float64]]:
    """
    Hand the labels of all windows to their sessions.

    Parameters
    ----------
    y : array_like, shape (n_windows,)
        Labels of all windows, in the order of the sequences.
    sequences : sequence of GraphSequence
        The sequences as they were given.
    named : mapping of str to sequence of GraphSequence
        The same by session.

    Returns
    -------
    dict of str to numpy.ndarray
        Columns of labels by session.

    Raises
    ------
    InputError
        If there is not one label per window.
    """
    columns = label_columns(y, sum(map(len, sequences)))
    limits = np.cumsum([0, *map(len, sequences)])
    parts = {
        id(item): columns[first:last]
        for item, first, last in zip(sequences, limits[:-1], limits[1:], strict=True)
    }
    return {
        name: np.concatenate([parts[id(item)] for item in items]) for name, items in named.items()
    }


def _say_how_many(n_learnt: int, n_windows: int) -> None:
    if n_learnt < n_windows:
        warnings.warn(
            f"Factors are learnt from {n_learnt} of {n_windows} windows, in stretches that are "
            "spread evenly: pairs of more would not stay in memory. All windows are embedded.",
            DataLossWarning,
            stacklevel=4,
        )


def _differ_together(sequences: Sequence[GraphSequence]) -> bool:
    """
    Say whether undirected graphs differ more coherently than their weights shuffled over windows.

    A few windows may show so where they are too few to tell a factor.
    """
    if any(item.directed for item in sequences):
        return False
    return coherence(DenseGraphs(sequences)) >= LEAST_COHERENCE


def _warn_of_noise(name: str | None) -> None:
    of_session = f" of session {name!r}" if name is not None else ""
    warnings.warn(
        f"No factor tells the windows{of_session} apart more than noise alone can: nothing but a "
        "decoder beside its shuffled control shows whether these embeddings say anything. Lengthen "
        "the windows, or choose a finer measure of connectivity.",
        ChanceLossWarning,
        stacklevel=4,
    )
