"""Results as objects of Neo, so that workflows of Neo and Elephant go on from them."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import numpy as np
import quantities as pq

from tavrnn_ephys.core.containers import Nodes, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.runs import Results
from tavrnn_ephys.io.blocks import node_signals, nodes_of_spiketrains

if TYPE_CHECKING:
    import neo

__all__ = ["results_to_neo"]


def results_to_neo(results: Results, block: neo.Block | None = None) -> neo.Block:
    """
    Put results into Neo objects.

    Parameters
    ----------
    results : Results
        The results, such as ``te.read_results(path, what="all")``.
    block : neo.Block, optional
        The recording; copies of its spike trains and traces come along, with what the results
        say of each node.

    Returns
    -------
    neo.Block
        One segment per segment of the windows.  ``epochs``: the windows, with every column as
        an array annotation, and of network states ``states``, one epoch per stay, labelled with
        its state.  ``irregularlysampledsignals``, sampled at the middle of each
        window: one per numeric column with the role ``"behavior"``, and ``window_embedding``
        and ``history`` with a channel per dimension.  Spike trains carry the values of their
        node as annotations, ``embedding_mean`` of shape (n_windows, latent_size) among them;
        traces carry them as array annotations, one entry per channel.

    Raises
    ------
    InputError
        If the recording lacks a node of the results, or a segment.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> found = Results(connectivity=ConnectivitySequence.from_array(np.ones((3, 2, 2))))
    >>> results_to_neo(found).segments[0].epochs[0].times
    array([0., 1., 2.]) * s
    """
    import neo

    made = neo.Block(name="results", description=repr(results))
    for index in np.unique(results.windows.segment_index):
        here = results.windows.segment_index == index
        segment = neo.Segment(name=f"segment {index}", index=int(index))
        segment.epochs.append(_epoch(results, here))
        segment.epochs.extend(_states(results, here))
        segment.irregularlysampledsignals.extend(_signals(results, here))
        if block is not None:
            _add_activity(segment, _segment(block, int(index)), results, here)
        made.segments.append(segment)
    return made


def _segment(block: neo.Block, index: int) -> neo.Segment:
    if len(block.segments) == 1:
        return block.segments[0]  # A file of one segment, whichever of its source that was.
    if index >= len(block.segments):
        raise InputError(
            f"The windows are of segment {index}, but the recording has {len(block.segments)}."
        )
    return block.segments[index]


def _columns(results: Results) -> dict[str, Any]:
    return {**results.windows.columns, **results.window_values}


def _middle_s(windows: Windows, here: Any) -> Any:
    return 0.5 * (windows.start_s[here] + windows.stop_s[here])


def _epoch(results: Results, here: Any) -> neo.Epoch:
    import neo

    windows, columns = results.windows, _columns(results)
    labels = columns.get("label")
    numbers = np.flatnonzero(here)
    return neo.Epoch(
        times=np.array(windows.start_s[here]) * pq.s,
        durations=np.array(windows.stop_s[here] - windows.start_s[here]) * pq.s,
        labels=np.array(labels[here] if labels is not None else numbers, dtype=str),
        name="windows",
        array_annotations={
            "window_index": numbers,
            **{name: np.array(values[here]) for name, values in columns.items()},
        },
    )


def _states(results: Results, here: Any) -> list[neo.Epoch]:
    """Give the stays in network states that begin within windows, where the run has any."""
    import neo

    table = results.tables.get("state_visits")
    frame = getattr(table, "frame", table)
    if frame is None:
        return []
    windows = results.windows
    starts, stops = frame["start_time"].to_numpy(), frame["stop_time"].to_numpy()
    within = (starts >= windows.start_s[here].min()) & (starts < windows.stop_s[here].max())
    return [
        neo.Epoch(
            times=starts[within] * pq.s,
            durations=(stops - starts)[within] * pq.s,
            labels=np.array([f"state {state}" for state in frame["state"][within]], dtype=str),
            name="states",
            array_annotations={
                name: frame[name].to_numpy()[within] for name in ("state", "n_windows")
            },
        )
    ]


def _signals(results: Results, here: Any) -> list[neo.IrregularlySampledSignal]:
    import neo

    times = _middle_s(results.windows, here) * pq.s
    embedding = results.embedding
    made = []
    for name, values in _columns(results).items():
        if values.dtype.kind in "biuf":
            made.append((name, values[here].astype(np.float64)[:, np.newaxis], "behavior"))
    if embedding is not None:
        made.append(("window_embedding", embedding.window_embedding()[here], "results"))
        if embedding.history is not None:
            made.append(("history", embedding.history[here], "results"))
    return [
        neo.IrregularlySampledSignal(
            times, np.array(values), units="dimensionless", name=name, role=role
        )
        for name, values, role in made
    ]


def _add_activity(target: neo.Segment, source: neo.Segment, results: Results, here: Any) -> None:
    nodes = results.nodes
    position = {str(name): index for index, name in enumerate(nodes.ids)}
    everyone = list(source.spiketrains)
    ids = nodes_of_spiketrains(everyone).ids if everyone else ()
    trains = {str(name): train for name, train in zip(ids, everyone, strict=True)}
    trains = {name: train for name, train in trains.items() if name in position}
    signals = [
        signal
        for signal in node_signals(source)
        if set(signal.array_annotations.get("node_id", ())) & set(position)
    ]
    found = set(trains)
    found |= {name for signal in signals for name in signal.array_annotations["node_id"]}
    missing = [name for name in position if name not in found]
    if missing:
        raise InputError(
            f"The recording lacks {len(missing)} nodes of these results, such as '{missing[0]}'. "
            "Give the recording that was analysed."
        )
    for name, train in trains.items():
        same = copy.deepcopy(train)
        same.annotate(node_id=name, **_of_node(results, position[name], here))
        target.spiketrains.append(same)
    for signal in signals:
        same = copy.deepcopy(signal)
        same.array_annotate(**_of_channels(results, nodes, signal))
        target.analogsignals.append(same)


def _of_node(results: Results, index: int, here: Any) -> dict[str, Any]:
    values: dict[str, Any] = {
        name: item[index].item() for name, item in results.node_values.items()
    }
    if results.embedding is not None:
        values["embedding_mean"] = np.array(results.embedding.mean[here, index])
        values["embedding_std"] = np.array(results.embedding.std[here, index])
    return values


def _of_channels(results: Results, nodes: Nodes, signal: Any) -> dict[str, Any]:
    position = {str(name): index for index, name in enumerate(nodes.ids)}
    where = [position.get(str(name), -1) for name in signal.array_annotations["node_id"]]
    annotations: dict[str, Any] = {"node_index": np.array(where)}
    for name, values in results.node_values.items():
        if values.dtype.kind in "biuf":
            annotations[name] = np.array(
                [values[index] if index >= 0 else np.nan for index in where], dtype=np.float64
            )
    return annotations
