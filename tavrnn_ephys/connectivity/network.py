"""Activity to graphs, as specifications ask for."""

from __future__ import annotations

from typing import Any

from tavrnn_ephys.connectivity.edge_rules import edge_rule
from tavrnn_ephys.connectivity.graphs import graphs_of
from tavrnn_ephys.connectivity.stored import fitting_connectivity
from tavrnn_ephys.core.containers import BinnedActivity, ConnectivitySequence, Windows
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.names import MEASURES_OF_SPIKES
from tavrnn_ephys.core.spec import ConnectivitySpec, GraphSpec

__all__ = ["compute_graphs"]


def compute_graphs(
    activity: BinnedActivity,
    windows: Windows,
    connectivity: ConnectivitySpec,
    graphs: GraphSpec,
    *,
    spiketrains: Any = (),
) -> tuple[ConnectivitySequence, GraphSequence]:
    """
    Compute the connectivity of each window, and its graph.

    Parameters
    ----------
    activity : BinnedActivity
        The activity, or a surrogate of it.
    windows : Windows
        Its windows.
    connectivity : ConnectivitySpec
        Measure and its parameters.
    graphs : GraphSpec
        How graphs are made.
    spiketrains : sequence of neo.SpikeTrain, optional
        What was binned, where the activity is no surrogate: times for measures that take them.

    Returns
    -------
    connectivity : ConnectivitySequence
        Shape (n_windows, n_nodes, n_nodes); in a temporary file where it is large.
    graphs : GraphSequence
        One graph per window.

    Raises
    ------
    InputError
        If a specification does not suit the activity.
    """
    exact = len(spiketrains) > 0 and connectivity.measure in MEASURES_OF_SPIKES
    least = (connectivity.min_spikes or 0) if activity.quantity == "spike_count" else 0
    found = fitting_connectivity(
        activity,
        windows,
        measure=connectivity.measure,
        silent_nodes=connectivity.silent_nodes,
        min_spikes=least,
        **connectivity.options,
        **({} if connectivity.taper is None else {"taper": connectivity.taper}),
        **({"spiketrains": spiketrains} if exact else {}),
    )
    # The specification has checked its choices.
    rule = edge_rule(activity, windows, connectivity, graphs, spiketrains=spiketrains)
    made = graphs_of(
        found, threshold=rule, features=graphs.features, history_node=graphs.history_node
    )
    return found, made
