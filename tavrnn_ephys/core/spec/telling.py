"""What a stored run says of its windows, nodes, time, network and behaviours, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.spec.connectivity import LEAST_SPIKES, ConnectivitySpec
from tavrnn_ephys.core.spec.facts import from_facts
from tavrnn_ephys.core.spec.graphs import GraphSpec
from tavrnn_ephys.core.spec.model import ModelSpec
from tavrnn_ephys.core.spec.selection import SelectionSpec
from tavrnn_ephys.core.spec.windows import WindowSpec

__all__ = ["told_selection"]

# As many ids are named; more are counted.
_MOST_IDS = 6


def told_selection(facts: Mapping[str, Any]) -> str:
    """
    Say which windows, nodes and time a run was asked for, and what differs from the usual network.

    Parameters
    ----------
    facts : mapping of str to scalar
        Facts by dotted key, with or without ``"config."`` before it.

    Returns
    -------
    str
        Parts joined by ``"; "``; empty where the run does not say.

    Examples
    --------
    >>> told_selection({"analysis.bin_size_s": 0.1, "analysis.intervals": "trials",
    ...                 "selection.nodes": "region == 'CA1'", "selection.t_stop_s": 60.0})
    "windows on 'trials'; nodes with region == 'CA1'; until 60 s"
    """
    try:
        windows = _told_windows(from_facts(WindowSpec, facts))
        selection = from_facts(SelectionSpec, facts)
        network = [
            *_told_connectivity(from_facts(ConnectivitySpec, facts)),
            *_told_edges(from_facts(GraphSpec, facts)),
            *_told_model(from_facts(ModelSpec, facts), facts),
            *_told_behaviors(facts),
        ]
    except InputError:
        # A run of another program, or of a later release.
        return ""
    return "; ".join([windows, *_told_nodes(selection), *_told_time(selection), *network])


def _told_windows(spec: WindowSpec) -> str:
    if spec.intervals is not None:
        return f"windows on '{spec.intervals}'"
    if spec.around is not None:
        return (
            f"windows from {-(spec.before_s or 0) + 0:g} s to {spec.after_s or 0:g} s around "
            f"'{spec.around}'"
        )
    if spec.runs_of is not None:
        return f"windows on runs of '{spec.runs_of}'"
    return f"windows of {spec.window_length_s:g} s every {spec.step_s:g} s"


def _told_nodes(selection: SelectionSpec) -> list[str]:
    told = [] if selection.nodes is None else [f"nodes with {selection.nodes}"]
    if len(selection.node_ids) > _MOST_IDS:
        told.append(f"{len(selection.node_ids)} nodes by id")
    elif selection.node_ids:
        told.append(f"nodes {', '.join(selection.node_ids)}")
    if selection.min_rate_hz is not None:
        told.append(f"at least {selection.min_rate_hz:g} spikes/s")
    if selection.min_node_spikes is not None:
        told.append(f"at least {selection.min_node_spikes} spikes")
    return told


def _told_time(selection: SelectionSpec) -> list[str]:
    told = [] if selection.t_start_s is None else [f"from {selection.t_start_s:g} s"]
    told += [] if selection.t_stop_s is None else [f"until {selection.t_stop_s:g} s"]
    told += [f"without '{name}'" for name in selection.exclude]
    return told + (["invalid times kept"] if selection.keep_invalid_times else [])


def _told_connectivity(spec: ConnectivitySpec) -> list[str]:
    told = [] if spec.measure == ConnectivitySpec().measure else [f"measure {spec.measure}"]
    told += [] if spec.taper is None else [f"tapered ({spec.taper})"]
    if spec.min_spikes not in (None, LEAST_SPIKES):
        told.append(f"edges of nodes with at least {spec.min_spikes} spikes in a window")
    return told


def _told_edges(spec: GraphSpec) -> list[str]:
    if spec.density is not None:
        return [f"the strongest {100 * spec.density:.4g} % of pairs as edges"]
    if spec.n_strongest is not None:
        return [f"the {spec.n_strongest} strongest weights of each node as edges"]
    if spec.false_discoveries is not None:
        return [
            f"edges beyond {spec.n_surrogates} surrogates ({spec.surrogates}), at most "
            f"{100 * spec.false_discoveries:.4g} % of them false"
        ]
    return [f"edges from {spec.threshold:g}"] if spec.threshold else []


def _told_model(spec: ModelSpec, facts: Mapping[str, Any]) -> list[str]:
    # Facts that say no profile may be of no model at all.
    says = {"analysis.profile", "config.analysis.profile"} & facts.keys()
    told = [f"profile {spec.profile}"] if says and spec.profile != ModelSpec().profile else []
    told += [] if spec.latent_size is None else [f"latent size {spec.latent_size}"]
    return told + [f"{name} {value}" for name, value in spec.given_options.items()]


def _told_behaviors(facts: Mapping[str, Any]) -> list[str]:
    """Name the behaviours, which are numbered from the second on."""
    known = {key.removeprefix("config."): value for key, value in facts.items()}
    told: list[str] = []
    while (name := known.get(f"behavior{len(told) + 1 if told else ''}.name")) is not None:
        stem = f"behavior{len(told) + 1 if told else ''}"
        ways = [str(known[f"{stem}.how"])] if f"{stem}.how" in known else []
        if f"{stem}.period" in known:
            ways.append(f"full turn {known[f'{stem}.period']:g}")
        if f"{stem}.least_coverage" in known:
            ways.append(f"known in {100 * known[f'{stem}.least_coverage']:g} % of a window")
        how = f" ({', '.join(ways)})" if ways else ""
        told.append(f"behaviour '{name}'{how}")
    states = known.get("states.n_states")
    return told + ([] if states is None else [f"network states: {states}"])
