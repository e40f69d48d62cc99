"""
The parts of a run in one table: of which type each is, how it is compared, counted and cut.

A new part is a row of ``RUN_PARTS`` with its field of :class:`tavrnn_ephys.Results`, and one
writer and one reader in the adapter that stores runs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from tavrnn_ephys.core import run_differences as differences
from tavrnn_ephys.core.containers import ConnectivitySequence, NodeEmbedding, Nodes, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.graphs_on_demand import bytes_of_graphs
from tavrnn_ephys.core.run_differences import CompareArrays, array_difference

__all__ = [
    "EMBEDDING_ARRAYS",
    "RUN_PARTS",
    "PartArray",
    "RunPart",
    "check_type",
    "cut_to_window",
    "joined_fields",
    "window_position",
]


@dataclass(frozen=True, kw_only=True)
class PartArray:
    """
    An array of a part of a run, with a row per window.

    Parameters
    ----------
    name : str
        Attribute of the part.
    text : str
        What it is, within a sentence.
    window : str
        Field of :class:`tavrnn_ephys.WindowResults` that its row becomes; empty for none.
    compare : callable
        Says in one sentence how two of them differ.
    """

    name: str
    text: str
    window: str = ""
    compare: CompareArrays = array_difference


@dataclass(frozen=True, kw_only=True)
class RunPart:
    """
    One part of a run.

    Parameters
    ----------
    name : str
        Attribute of :class:`tavrnn_ephys.Results` and of a stored run.
    kind : type
        Its type.
    role : {"axis", "sequence", "beside"}
        Whether it is an axis of the others, has windows and nodes itself, or stands beside
        them under names of its own and may be empty.
    compare : callable
        Gives names of what is compared, each with one sentence of how two parts differ, empty
        where they are equal.
    count : callable
        Gives the bytes that its arrays take, uncompressed.
    contents : callable
        Gives the names under which it is listed among the contents of a run.
    cut : callable or None
        Gives the fields of :class:`tavrnn_ephys.WindowResults` for one window; None where a
        window has no share of the part.
    """

    name: str
    kind: type
    role: str
    compare: Callable[[Any, Any], Iterator[tuple[str, str]]]
    count: Callable[[Any], int]
    contents: Callable[[Any], tuple[str, ...]]
    cut: Callable[[Any, int], dict[str, Any]] | None = None


EMBEDDING_ARRAYS = (
    PartArray(name="mean", text="mean of the embedding", window="embedding_mean"),
    PartArray(name="std", text="standard deviation of the embedding", window="embedding_std"),
    PartArray(name="attention", text="attention of the embedding", window="attention"),
    PartArray(name="history", text="history node of the embedding"),
)
_CONNECTIVITY_ARRAYS = (
    PartArray(
        name="mean_activity",
        text="mean activity",
        window="mean_activity",
        compare=differences.activity_difference,
    ),
    PartArray(name="weights", text="connectivity", window="weights"),
    PartArray(name="lags_s", text="lags of the connectivity"),
)


def _sequence(
    name: str, kind: type, arrays: tuple[PartArray, ...], **others: Callable[..., Any]
) -> RunPart:
    def compare(one: Any, two: Any) -> Iterator[tuple[str, str]]:
        yield name, differences.sequence_difference(name, arrays, one, two)

    def cut(part: Any, index: int) -> dict[str, Any]:
        present = {item.window: getattr(part, item.name) for item in arrays if item.window}
        known = {field: values for field, values in present.items() if values is not None}
        return {field: values[index] for field, values in known.items()}

    rules: dict[str, Any] = {
        "compare": compare,
        "count": lambda part: _array_bytes(getattr(part, item.name) for item in arrays),
        "cut": cut,
        "contents": lambda part: (name,),
    }
    return RunPart(name=name, kind=kind, role="sequence", **{**rules, **others})


def _array_bytes(arrays: Any) -> int:
    return sum(int(array.nbytes) for array in arrays if array is not None)


def _count_graphs(graphs: Any) -> int:
    return bytes_of_graphs(graphs) + _array_bytes([graphs.node_mask])


def _count_windows(windows: Windows) -> int:
    limits = (windows.start_s, windows.stop_s, windows.segment_index)
    return _array_bytes([*limits, *windows.columns.values()])


def _cut_windows(windows: Windows, index: int) -> dict[str, Any]:
    return {
        "start_s": float(windows.start_s[index]),
        "stop_s": float(windows.stop_s[index]),
        **_cut_values(windows.columns, index),
    }


def _cut_values(values: Mapping[str, NDArray[Any]], index: int) -> dict[str, Any]:
    return {"values": {name: array[index].item() for name, array in values.items()}}


def _unlisted(_part: Any) -> tuple[str, ...]:
    return ()


def _count_tables(tables: Mapping[str, Any]) -> int:
    frames = [getattr(table, "frame", table) for table in tables.values()]
    known = [frame for frame in frames if hasattr(frame, "memory_usage")]
    return sum(int(frame.memory_usage(deep=True).sum()) for frame in known)


#: Every part of a run, in the order of its computation, which is also that of a comparison.
RUN_PARTS = (
    RunPart(
        name="nodes",
        kind=Nodes,
        role="axis",
        compare=differences.compare_nodes,
        count=lambda nodes: _array_bytes([nodes.ids, nodes.groups, nodes.positions_um, nodes.rows]),
        contents=_unlisted,
    ),
    RunPart(
        name="windows",
        kind=Windows,
        role="axis",
        compare=differences.compare_windows,
        count=_count_windows,
        cut=_cut_windows,
        contents=_unlisted,
    ),
    _sequence("connectivity", ConnectivitySequence, _CONNECTIVITY_ARRAYS),
    _sequence(
        "graphs",
        GraphSequence,
        (),
        compare=differences.compare_graphs,
        count=_count_graphs,
        cut=lambda graphs, index: {"adjacency": graphs.weights[index]},
    ),
    _sequence("embedding", NodeEmbedding, EMBEDDING_ARRAYS),
    RunPart(
        name="window_values",
        kind=Mapping,
        role="beside",
        compare=differences.compare_values("summaries of windows"),
        count=lambda values: _array_bytes(values.values()),
        cut=_cut_values,
        contents=_unlisted,
    ),
    RunPart(
        name="node_values",
        kind=Mapping,
        role="beside",
        compare=differences.compare_values("summaries of nodes"),
        count=lambda values: _array_bytes(values.values()),
        contents=_unlisted,
    ),
    RunPart(
        name="tables",
        kind=Mapping,
        role="beside",
        compare=differences.compare_tables,
        count=_count_tables,
        contents=lambda tables: tuple(f"table {name}" for name in tables),
    ),
)


def check_type(row: RunPart, part: Any) -> None:
    """
    Refuse a part of another type than the table says.

    Parameters
    ----------
    row : RunPart
        The row of the part.
    part : object
        What was given for it.

    Raises
    ------
    InputError
        If it is of another type.

    Examples
    --------
    >>> check_type(RUN_PARTS[0], Nodes(ids=["a"]))
    """
    if not isinstance(part, row.kind):
        raise InputError(
            f"The {row.name} of results must be a {row.kind.__name__}, got {type(part).__name__}."
        )


def window_position(index: int, n_windows: int) -> int:
    """
    Count a window from the first one.

    Parameters
    ----------
    index : int
        Which window; negative ones count from the end.
    n_windows : int
        How many there are.

    Returns
    -------
    int
        Its position, from 0.

    Raises
    ------
    InputError
        If there is no such window.

    Examples
    --------
    >>> window_position(-1, 5)
    4
    """
    if not -n_windows <= index < n_windows:
        raise InputError(f"There is no window {index}: the run has {n_windows}, from 0.")
    return index % n_windows


def cut_to_window(parts: Mapping[str, Any], index: int) -> dict[str, Any]:
    """
    Cut the parts of a run to one window.

    Parameters
    ----------
    parts : mapping of str to object
        Parts by name; None for one that is not there.
    index : int
        Position of the window, from 0.

    Returns
    -------
    dict of str to object
        Fields of :class:`tavrnn_ephys.WindowResults`.

    Examples
    --------
    >>> windows = Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0], columns={"score": [0.5, 1.0]})
    >>> cut_to_window({"windows": windows}, 1)
    {'start_s': 2.0, 'stop_s': 4.0, 'values': {'score': 1.0}}
    """
    fields: dict[str, Any] = {}
    for row in RUN_PARTS:
        part = parts.get(row.name)
        if part is not None and row.cut is not None:
            fields = joined_fields(fields, row.cut(part, index))
    return fields


def joined_fields(known: Mapping[str, Any], given: Mapping[str, Any]) -> dict[str, Any]:
    """
    Join what two parts say of a window.

    Parameters
    ----------
    known, given : mapping of str to object
        Fields of :class:`tavrnn_ephys.WindowResults`.

    Returns
    -------
    dict of str to object
        All fields; the values of both stand together.

    Examples
    --------
    >>> joined_fields({"values": {"score": 1.0}}, {"values": {"density": 0.5}})
    {'values': {'score': 1.0, 'density': 0.5}}
    """
    values = {**known.get("values", {}), **given.get("values", {})}
    return {**known, **given, "values": values}
