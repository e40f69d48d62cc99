"""Which nodes of a recording are kept: by a condition on their table, by id, by their spikes."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.expressions import columns_of, evaluate, parse_expression
from tavrnn_ephys.core.spec import SelectionSpec
from tavrnn_ephys.io.blocks import (
    loaded_segment,
    node_signals,
    nodes_of_signal,
    nodes_of_spiketrains,
)
from tavrnn_ephys.io.blocks.segments import loaded

if TYPE_CHECKING:
    import neo
    import pandas

__all__ = ["keep_nodes", "node_table", "nodes_that_meet", "select_nodes", "selected_nodes"]

# What people call the group and the id of a node, where the table has no such column.
_GROUP = ("group", "region", "subregion", "location", "brain_region", "area", "node_group")
_ID = ("id", "node_id", "unit_id", "unit_name", "channel_id", "roi_id")
_AXES = ("x", "y", "z")


def node_table(segment: neo.Segment) -> pandas.DataFrame:
    """
    Give what a segment says of each of its nodes.

    Parameters
    ----------
    segment : neo.Segment
        The segment.

    Returns
    -------
    pandas.DataFrame
        One row per node: ``node_id``, ``node_kind``, ``region``, position in micrometres, of
        spike trains ``n_spikes`` and ``rate_hz``, and every further annotation that is one number
        or text.

    Raises
    ------
    InputError
        If the segment has no nodes.

    Examples
    --------
    >>> import quantities as pq
    >>> from tavrnn_ephys.io.blocks import block_from_arrays
    >>> block = block_from_arrays(
    ...     spike_times=[[0.1, 0.5], [0.2]], t_stop=1 * pq.s, groups=["CA1", "CA3"]
    ... )
    >>> node_table(block.segments[0])[["node_id", "region", "n_spikes"]].values.tolist()
    [['0', 'CA1', 2], ['1', 'CA3', 1]]
    """
    import pandas as pd

    _, columns = _described(segment)
    # What a condition sees: a column of the file goes before what the nodes are grouped by.
    base: dict[str, Any] = {name: columns[name] for name in ("node_id", "node_kind")}
    base["region"] = ["" if value is None else value for value in columns["region"]]
    return pd.DataFrame({**base, **{name: columns[name] for name in columns if name not in base}})


def nodes_that_meet(segment: neo.Segment, condition: str | Sequence[str]) -> NDArray[np.int64]:
    """
    Find the nodes that meet a condition, or have one of some ids.

    Parameters
    ----------
    segment : neo.Segment
        The segment.
    condition : str or sequence of str
        A condition on the columns of :func:`node_table`, or ids.

    Returns
    -------
    numpy.ndarray of int
        Their positions, ascending.

    Raises
    ------
    InputError
        If the condition cannot be read, an id or a column does not exist, or no node is left.
    """
    nodes, columns = _described(segment)
    if not isinstance(condition, str):
        return _by_id(nodes, condition)
    tree = parse_expression(condition)
    kept = np.flatnonzero(evaluate(tree, columns, len(nodes)))
    if len(kept) == 0:
        raise InputError(
            f"No node of {len(nodes)} meets the condition {condition!r:.200}. "
            f"{_values_of(tree, columns)}"
        )
    return kept


def keep_nodes(segment: neo.Segment, index: NDArray[np.int64]) -> neo.Segment:
    """
    Give a segment with some of its nodes.

    Parameters
    ----------
    segment : neo.Segment
        The segment, which is not changed.
    index : numpy.ndarray of int
        Positions of the nodes that stay.

    Returns
    -------
    neo.Segment
        A segment that shares everything else with the other.
    """
    import neo

    kept = neo.Segment(
        name=segment.name, description=segment.description, file_origin=segment.file_origin,
        rec_datetime=segment.rec_datetime, **segment.annotations,
    )  # fmt: skip
    trains = list(segment.spiketrains)
    kept.spiketrains = [trains[int(position)] for position in index] if trains else []
    kept.epochs, kept.events = list(segment.epochs), list(segment.events)
    kept.imagesequences = list(segment.imagesequences)
    n_nodes = 0 if trains else len(_described(segment)[0])
    alone = len(segment.analogsignals) + len(segment.irregularlysampledsignals) == 1
    roles = ("nodes", "traces_alternative", *((None,) if alone else ()))
    for name in ("analogsignals", "irregularlysampledsignals"):
        for signal in getattr(segment, name):
            # A behaviour may have as many columns as there are nodes.
            of_nodes = signal.annotations.get("role") in roles and signal.shape[1] == n_nodes
            getattr(kept, name).append(loaded(signal)[:, index] if of_nodes else signal)
    return kept


def select_nodes(block: neo.Block, condition: str | Sequence[str]) -> neo.Block:
    """
    Give a block with the nodes that meet a condition.

    Parameters
    ----------
    block : neo.Block
        The recording, which is not changed.
    condition : str or sequence of str
        A condition on the columns of :func:`node_table`, or ids.

    Returns
    -------
    neo.Block
        A block of the same description; segments without nodes stay as they are.

    Raises
    ------
    InputError
        As :func:`nodes_that_meet`, for each segment with nodes; or if none has any.

    Examples
    --------
    >>> import quantities as pq
    >>> from tavrnn_ephys.io.blocks import block_from_arrays
    >>> block = block_from_arrays(spike_times=[[0.1, 0.5], [0.2]], t_stop=1 * pq.s)
    >>> len(select_nodes(block, "n_spikes > 1").segments[0].spiketrains)
    1
    """
    import neo

    chosen = neo.Block(
        name=block.name, description=block.description, rec_datetime=block.rec_datetime,
        file_origin=block.file_origin,
    )  # fmt: skip
    chosen.annotations = dict(block.annotations)
    n_with_nodes = 0
    for segment in block.segments:
        whole = loaded_segment(segment)
        if len(whole.spiketrains) or node_signals(whole):
            n_with_nodes += 1
            whole = keep_nodes(whole, nodes_that_meet(whole, condition))
        chosen.segments.append(whole)
    if not n_with_nodes:
        raise InputError("The recording has no nodes that could be chosen. Leave nodes out.")
    return chosen


def selected_nodes(
    segment: neo.Segment, selection: SelectionSpec, stretches: NDArray[np.float64] | None
) -> neo.Segment:
    """
    Keep the nodes of a segment that a selection means.

    Parameters
    ----------
    segment : neo.Segment
        The segment, which is not changed.
    selection : SelectionSpec
        Condition, ids, least rate and least number of spikes.
    stretches : numpy.ndarray, shape (n_stretches, 2), optional
        The time in seconds over which spikes are counted; all by default.

    Returns
    -------
    neo.Segment
        The segment itself where all nodes are meant, else one that holds the others no more.

    Raises
    ------
    InputError
        If the condition or an id does not suit the nodes, fewer than two are left, or spikes are
        asked for and there are traces.

    Warns
    -----
    DataLossWarning
        With the number of nodes that are left out, and why.
    """
    reasons = []
    for condition in (selection.nodes, selection.node_ids):
        if condition:
            segment, n_gone = _kept(segment, nodes_that_meet(segment, condition))
            what = "the condition" if isinstance(condition, str) else "the list of ids"
            reasons += [f"{n_gone} by {what}"] if n_gone else []
    if selection.min_rate_hz is not None or selection.min_node_spikes is not None:
        counts, total_s = _spikes(segment, stretches)
        least = max(selection.min_node_spikes or 0, (selection.min_rate_hz or 0.0) * total_s)
        index = np.flatnonzero(counts >= least - 1e-9)
        if len(index) == 0:
            raise InputError(
                f"No node fires {least:.6g} spikes in {total_s:.6g} s; the most of any are "
                f"{counts.max()} ({counts.max() / total_s:.3g} per second). Ask for less."
            )
        segment, n_gone = _kept(segment, index)
        rule = f"fire fewer than {least:.6g} spikes in {total_s:.6g} s"
        reasons += [f"{n_gone} that {rule}"] if n_gone else []
    if reasons and _n_nodes(segment) < 2:
        raise InputError(
            f"One node is left of those asked for: {', '.join(reasons)}. A network needs two; "
            "choose more."
        )
    if reasons:
        warnings.warn(
            f"Nodes are left out as asked for: {', '.join(reasons)}; {_n_nodes(segment)} stay.",
            DataLossWarning,
            stacklevel=3,
        )
    return segment


def _described(segment: neo.Segment) -> tuple[Nodes, dict[str, Sequence[Any]]]:
    """Give the nodes of a segment and all their columns, those of other names among them."""
    segment = loaded_segment(segment)
    signals = node_signals(segment)
    if len(segment.spiketrains):
        nodes = nodes_of_spiketrains(list(segment.spiketrains))
        columns = _of_trains(list(segment.spiketrains))
    elif len(signals) == 1:
        nodes, columns = nodes_of_signal(signals[0]), _of_signal(signals[0])
    else:
        raise InputError(
            f"The segment has no spike trains and {len(signals)} arrays of traces: there is no "
            "table of nodes to choose from."
        )
    if nodes.positions_um is not None:
        columns |= dict(zip(_AXES, nodes.positions_um.T.tolist(), strict=False))
    groups = [str(name) or None for name in nodes.groups]
    for name in _GROUP:
        columns.setdefault(name, groups)
    for name in _ID:
        columns.setdefault(name, nodes.ids.tolist())
    columns.setdefault("node_kind", [nodes.kind] * len(nodes))
    return nodes, columns


def _of_trains(trains: Sequence[Any]) -> dict[str, Sequence[Any]]:
    names = dict.fromkeys(name for train in trains for name in train.annotations)
    columns: dict[str, Sequence[Any]] = {}
    for name in names:
        given = [train.annotations.get(name) for train in trains]
        # Quantities are compared by their numbers, which one unit alone makes comparable.
        units = {str(value.dimensionality) for value in given if hasattr(value, "dimensionality")}
        values = [_plain(value) for value in given] if len(units) < 2 else []
        if name not in _AXES and any(value is not None for value in values):
            columns[name] = values
    lengths_s = [float((train.t_stop - train.t_start).rescale("s").magnitude) for train in trains]
    counts = [len(train) for train in trains]
    columns["n_spikes"] = counts
    columns["rate_hz"] = [n / max(s, 1e-12) for n, s in zip(counts, lengths_s, strict=True)]
    # An empty group is no group.
    columns.pop("node_group", None)
    return columns


def _of_signal(signal: Any) -> dict[str, Sequence[Any]]:
    known = {
        name: np.asarray(values)
        for name, values in signal.array_annotations.items()
        if name not in ("node_group", *_AXES)
    }
    return {
        name: [_plain(value) for value in values.tolist()]
        for name, values in known.items()
        if values.ndim == 1
    }


def _plain(value: Any) -> Any:
    """Give a number, a text or a truth value, also of an array of one; nothing of others."""
    if isinstance(value, np.generic | np.ndarray) and value.size == 1:
        value = np.asarray(value).item()
    return value if isinstance(value, str | bool | int | float) else None


def _by_id(nodes: Nodes, ids: Sequence[str]) -> NDArray[np.int64]:
    if isinstance(ids, bytes) or not isinstance(ids, Iterable):
        raise InputError(f"Nodes are chosen by a condition, or by a list of ids, got {ids!r:.60}.")
    wanted = [str(item) for item in ids]
    absent = [item for item in dict.fromkeys(wanted) if item not in set(nodes.ids.tolist())]
    if absent:
        raise InputError(
            f"The recording has no node {some(absent)}; it has {some(nodes.ids.tolist(), 12)}."
        )
    if not wanted:
        raise InputError("The list of ids names no node. Leave it out to keep all.")
    return np.flatnonzero(np.isin(nodes.ids, wanted))


def _values_of(tree: Any, columns: Mapping[str, Sequence[Any]]) -> str:
    """Say what stands in the columns of a condition that no node meets."""
    told = []
    for name in columns_of(tree):
        values = [value for value in columns[name] if value is not None]
        if values and all(isinstance(value, str) for value in values):
            told.append(f"'{name}' holds {some(sorted(set(values)), 8)}")
        elif values and all(isinstance(value, int | float) for value in values):
            known = np.array(values, dtype=np.float64)
            known = known[np.isfinite(known)]
            if len(known):
                told.append(f"'{name}' lies between {known.min():g} and {known.max():g}")
    return f"{'; '.join(told)}." if told else "Its columns hold nothing."


def _kept(segment: neo.Segment, index: NDArray[np.int64]) -> tuple[neo.Segment, int]:
    n_nodes = _n_nodes(segment)
    if len(index) == n_nodes:
        return segment, 0
    return keep_nodes(segment, index), n_nodes - len(index)


def _n_nodes(segment: neo.Segment) -> int:
    return len(node_table(segment))


def _spikes(
    segment: neo.Segment, stretches: NDArray[np.float64] | None
) -> tuple[NDArray[np.int64], float]:
    """Count the spikes of each node in the time that is meant, and give its length in seconds."""
    if not len(segment.spiketrains):
        raise InputError(
            "A least rate or number of spikes is asked for, and the nodes are traces. Leave it out."
        )
    if stretches is None:
        raise InputError("The segment has no time over which spikes could be counted.")
    total_s = float(np.diff(stretches, axis=1).sum())
    counts = []
    for train in segment.spiketrains:
        times = np.sort(np.asarray(train.rescale("s").magnitude, dtype=np.float64))
        first, last = (
            np.searchsorted(times, stretches[:, 0]),
            np.searchsorted(times, stretches[:, 1]),
        )
        counts.append(int((last - first).sum()))
    return np.array(counts), total_s
