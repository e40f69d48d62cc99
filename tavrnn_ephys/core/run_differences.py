"""How two parts of runs differ, in one sentence each; an empty text where they are equal."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes, Windows
from tavrnn_ephys.core.matrix_file import MatrixSequence

__all__ = [
    "CompareArrays",
    "activity_difference",
    "array_difference",
    "compare_graphs",
    "compare_nodes",
    "compare_tables",
    "compare_values",
    "compare_windows",
    "sequence_difference",
]

#: Takes what an array is, the parts that hold it, and both arrays.
CompareArrays = Callable[[str, Any, NDArray[Any], NDArray[Any]], str]


def compare_nodes(one: Nodes, two: Nodes) -> Iterator[tuple[str, str]]:
    """
    Say whether other nodes, or what else of them, differs.

    Parameters
    ----------
    one, two : Nodes
        The nodes of both runs.

    Yields
    ------
    tuple of str
        Name and sentence.

    Examples
    --------
    >>> list(compare_nodes(Nodes(ids=["a"]), Nodes(ids=["b"])))
    [('nodes', "The nodes differ: 2 are in one only ('a', 'b').")]
    """
    first, second = set(one.ids.tolist()), set(two.ids.tolist())
    text = ""
    if first != second:
        only = sorted(first ^ second)
        text = f"The nodes differ: {len(only)} are in one only ({some(only)})."
    elif one != two:
        text = "The nodes are the same, but their order, groups, positions or rows differ."
    yield "nodes", text


def compare_windows(one: Windows, two: Windows) -> Iterator[tuple[str, str]]:
    """
    Say whether number, times or columns of windows differ.

    Parameters
    ----------
    one, two : Windows
        The windows of both runs.

    Yields
    ------
    tuple of str
        Name and sentence.

    Examples
    --------
    >>> one = Windows(start_s=[0.0], stop_s=[2.0])
    >>> list(compare_windows(one, Windows(start_s=[0.0, 1.0], stop_s=[2.0, 3.0])))
    [('windows', 'There are 1 and 2 windows.')]
    """
    yield "windows", "" if one == two else _windows(one, two)


def _windows(one: Windows, two: Windows) -> str:
    if len(one) != len(two):
        return f"There are {len(one)} and {len(two)} windows."
    if not (np.array_equal(one.start_s, two.start_s) and np.array_equal(one.stop_s, two.stop_s)):
        return "The windows lie at other times."
    changed = _changed(one.columns, two.columns)
    return f"What is known of the windows differs: {some(changed) if changed else 'segments'}."


def _changed(one: Mapping[str, Any], two: Mapping[str, Any]) -> list[str]:
    return [
        name
        for name in dict.fromkeys([*one, *two])
        if name not in one
        or name not in two
        or not _equal(np.asarray(one[name]), np.asarray(two[name]))
    ]


def _equal(one: NDArray[Any], two: NDArray[Any]) -> bool:
    # The length of the longest text is part of the type of text, and says nothing.
    same_type = one.dtype == two.dtype or one.dtype.kind == two.dtype.kind == "U"
    if one.shape != two.shape or not same_type:
        return False
    if isinstance(one, MatrixSequence) or isinstance(two, MatrixSequence):
        # What lies in a file need not fit into memory.
        return all(_equal(a, b) for a, b in zip(one, two, strict=True))
    return np.array_equal(one, two, equal_nan=one.dtype.kind == "f")


def sequence_difference(name: str, arrays: Iterable[Any], one: Any, two: Any) -> str:
    """
    Compare two sequences array by array.

    Parameters
    ----------
    name : str
        Name of the part.
    arrays : iterable of PartArray
        Its arrays.
    one, two : object
        The part of both runs.

    Returns
    -------
    str
        One sentence per array that differs.
    """
    kinds = [_kind(part) for part in (one, two)]
    if kinds[0] != kinds[1]:
        return f"The {name} is {kinds[0]} in one and {kinds[1]} in the other."
    texts = []
    for item in arrays:
        a, b = getattr(one, item.name), getattr(two, item.name)
        if a is None and b is None:
            continue
        if a is None or b is None:
            texts.append(f"Only one of both has the {item.text}.")
        else:
            texts.append(item.compare(item.text, one, a, b))
    return " ".join(text for text in texts if text)


def _kind(part: Any) -> str:
    """Measure of connectivity, and whether it is directed; empty for other parts."""
    return getattr(part, "measure", "") + (", directed" if getattr(part, "directed", False) else "")


def array_difference(what: str, part: Any, one: NDArray[Any], two: NDArray[Any]) -> str:
    """
    Say by how much two arrays differ.

    Parameters
    ----------
    what : str
        What they are.
    part : object
        The part that the first array belongs to.
    one, two : numpy.ndarray, shape (n_windows, ...)
        The arrays.

    Returns
    -------
    str
        One sentence, empty where they are equal to the last bit.

    Examples
    --------
    >>> array_difference("mean", None, np.array([[1.0]]), np.array([[1.5]]))
    'The mean differs by up to 0.5.'
    """
    if one.shape != two.shape:
        return f"The {what} has shape {one.shape} and {two.shape}."
    if _equal(one, two):
        return ""
    # Window by window: a difference of gigabytes would need as many again.
    largest = max(
        float(np.nanmax(np.abs(a.astype(np.float64) - b), initial=0.0))
        for a, b in zip(one, two, strict=True)
    )
    if largest > 0:
        return f"The {what} differs by up to {largest:.3g}."
    if one.dtype != two.dtype:
        return f"The {what} is of type {one.dtype} in one and {two.dtype} in the other."
    return f"The {what} is missing (NaN) at other places."


def activity_difference(what: str, part: Any, one: NDArray[Any], two: NDArray[Any]) -> str:
    """
    Say in which windows and nodes the activity differs.

    Parameters
    ----------
    what : str
        What the arrays are.
    part : ConnectivitySequence
        The part that the first array belongs to.
    one, two : numpy.ndarray, shape (n_windows, n_nodes)
        The activity.

    Returns
    -------
    str
        One sentence, empty where they are equal; shapes are told of the weights.
    """
    if one.shape != two.shape:
        return ""
    differs = ~((one == two) | (np.isnan(one) & np.isnan(two)))
    if not differs.any():
        return ""
    windows, nodes = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    return (
        f"The {what} differs in {len(windows)} windows (first {windows[0]}) and "
        f"{len(nodes)} nodes ({some(part.nodes.ids[nodes])})."
    )


def compare_graphs(one: Any, two: Any) -> Iterator[tuple[str, str]]:
    """
    Say in how many windows the edges differ.

    Parameters
    ----------
    one, two : GraphSequence
        The graphs of both runs.

    Yields
    ------
    tuple of str
        Name and sentence.
    """
    yield "graphs", "" if one == two else _graphs(one, two)


def _graphs(one: Any, two: Any) -> str:
    if len(one) != len(two) or not np.array_equal(one.nodes.ids, two.nodes.ids):
        return "The graphs are over other nodes or windows."
    changed = sum(
        not np.array_equal(a.toarray(), b.toarray())
        for a, b in zip(one.weights, two.weights, strict=True)
    )
    if changed == 0:
        return "The graphs differ in their features, their mask or what is known of their windows."
    return f"The edges differ in {changed} of {len(one)} graphs."


def compare_values(what: str) -> Callable[[Any, Any], Iterator[tuple[str, str]]]:
    """
    Make the comparison of summaries by name.

    Parameters
    ----------
    what : str
        What they are, such as ``"summaries of windows"``.

    Returns
    -------
    callable
        Gives name and sentence for the summaries of two runs; nothing where neither has any.

    Examples
    --------
    >>> list(compare_values("summaries")({"a": [1]}, {"a": [2]}))
    [('summaries', "The summaries differ: 'a'.")]
    """

    def compare(one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
        changed = _changed(one, two)
        if one or two:
            yield what, f"The {what} differ: {some(changed)}." if changed else ""

    return compare


def compare_tables(one: Mapping[str, Any], two: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    """
    Say which tables differ.

    Parameters
    ----------
    one, two : mapping of str to pandas.DataFrame or ResultTable
        The tables of both runs.

    Yields
    ------
    tuple of str
        Name and sentence, one pair per table.
    """
    for name in dict.fromkeys([*one, *two]):
        if name not in one or name not in two:
            yield f"table {name}", f"Only one of both has the table '{name}'."
            continue
        a, b = (getattr(tables[name], "frame", tables[name]) for tables in (one, two))
        yield f"table {name}", _frames(name, a, b)


def _frames(name: str, one: Any, two: Any) -> str:
    if list(one.columns) != list(two.columns) or len(one) != len(two):
        return (
            f"The table '{name}' has {len(one)} rows x {len(one.columns)} columns in one and "
            f"{len(two)} x {len(two.columns)} in the other, or other columns."
        )
    changed = [str(column) for column in one if not one[column].equals(two[column])]
    return f"The table '{name}' differs in {some(changed)}." if changed else ""
