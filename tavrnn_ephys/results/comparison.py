"""What two runs have in common, and in what they differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import ConnectivitySequence, NodeEmbedding
from tavrnn_ephys.core.runs import Results
from tavrnn_ephys.results.stored import open_results

__all__ = ["RunComparison", "compare_parts", "compare_runs", "options_that_differ"]


@dataclass(frozen=True, kw_only=True)
class RunComparison:
    """
    What two runs have in common, and in what they differ.

    Parameters
    ----------
    names : tuple of str
        The two runs.
    options, versions : mapping of str to tuple
        Options, and versions of packages, that differ: both values by key, None where a run
        lacks it.
    equal : tuple of str
        Parts that are equal to the last bit.
    differences : tuple of str
        What differs in the other parts, one sentence each.
    similarity : float or None
        Correlation between the distances that the windows have from each other in both
        embeddings; 1 also where one is a rotation of the other.  None where the windows differ
        or are fewer than three.

    Examples
    --------
    >>> import datetime, tempfile
    >>> import numpy as np
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.block_from_arrays(counts=[[1, 0, 2, 1], [0, 1, 0, 1]], bin_size=1 * pq.s)
    >>> block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    >>> embedding = te.NodeEmbedding(
    ...     mean=np.ones((2, 2, 1)),
    ...     std=np.ones((2, 2, 1)),
    ...     windows=te.Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0]),
    ...     nodes=te.bin_activity(block.segments[0], bin_size=1 * pq.s).nodes,
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     recording = te.write_nwb(block, f"{folder}/culture.nwb")
    ...     path = te.write_results(recording, embedding, out=f"{folder}/results.nwb")
    ...     path = te.write_results(path, embedding, way="in_place", run="again")
    ...     found = te.compare_runs(path, "default", "again")
    >>> found.names, found.differences
    (('default', 'again'), ())
    """

    names: tuple[str, str]
    options: Mapping[str, tuple[Any, Any]]
    versions: Mapping[str, tuple[Any, Any]]
    equal: tuple[str, ...]
    differences: tuple[str, ...]
    similarity: float | None

    def __str__(self) -> str:
        first, second = self.names
        lines = [f"{first} and {second}"]
        lines.append(f"Equal:       {', '.join(self.equal) or 'nothing'}")
        lines += [f"Differs:     {text}" for text in self.differences]
        for title, changed in (("Option", self.options), ("Version", self.versions)):
            for key, (one, two) in changed.items():
                lines.append(f"{title + ':':<12} {key}: {one!r} in {first}, {two!r} in {second}")
        if self.similarity is not None:
            lines.append(
                f"Similarity:  {self.similarity:.3f}, correlation of the distances between windows"
            )
        return "\n".join(lines)


def compare_runs(path: str | Path, first: str, second: str) -> RunComparison:
    """
    Compare two runs of a file.

    Parameters
    ----------
    path : str or pathlib.Path
        An NWB file.
    first, second : str
        The runs.

    Returns
    -------
    RunComparison
        Options, versions and parts that differ.

    Raises
    ------
    FileFormatError
        If the file is damaged, or holds no results.
    InputError
        If there is no run of a name.

    Examples
    --------
    >>> import datetime, tempfile
    >>> import numpy as np
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.block_from_arrays(counts=[[1, 0, 2, 1], [0, 1, 0, 1]], bin_size=1 * pq.s)
    >>> block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    >>> embedding = te.NodeEmbedding(
    ...     mean=np.ones((2, 2, 1)),
    ...     std=np.ones((2, 2, 1)),
    ...     windows=te.Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0]),
    ...     nodes=te.bin_activity(block.segments[0], bin_size=1 * pq.s).nodes,
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     recording = te.write_nwb(block, f"{folder}/culture.nwb")
    ...     path = te.write_results(recording, embedding, out=f"{folder}/results.nwb")
    ...     path = te.write_results(path, embedding, way="in_place", run="again")
    ...     found = te.compare_runs(path, "default", "again")
    >>> found.names, found.differences
    (('default', 'again'), ())
    """
    loaded = []
    for name in (first, second):
        with open_results(path, run=name) as stored:
            loaded.append((stored.load(), stored.provenance))
    (one, facts), (two, other_facts) = loaded
    equal, differences = compare_parts(one, two)
    return RunComparison(
        names=(first, second),
        options=options_that_differ(facts, other_facts, "config."),
        versions=options_that_differ(facts, other_facts, "versions."),
        equal=tuple(equal),
        differences=tuple(differences),
        similarity=_similarity(one, two),
    )


def options_that_differ(
    first: Mapping[str, Any], second: Mapping[str, Any], prefix: str = ""
) -> dict[str, tuple[Any, Any]]:
    """
    Collect the options that differ.

    Parameters
    ----------
    first, second : mapping of str to object
        Options by key.
    prefix : str
        Only keys that begin so are looked at, and named without it.

    Returns
    -------
    dict of str to tuple
        Both values by key, None where one lacks it.

    Examples
    --------
    >>> options_that_differ({"a": 1, "b": 2}, {"a": 1, "b": 3})
    {'b': (2, 3)}
    """
    keys = [key for key in dict.fromkeys([*first, *second]) if key.startswith(prefix)]
    return {
        key.removeprefix(prefix): (first.get(key), second.get(key))
        for key in keys
        if not _same(first.get(key), second.get(key))
    }


def _same(one: Any, two: Any) -> bool:
    if isinstance(one, float) and isinstance(two, float) and one != one:
        return two != two
    return type(one) is type(two) and bool(one == two)


def compare_parts(one: Results, two: Results) -> tuple[list[str], list[str]]:
    """
    Compare the parts of two results.

    Parameters
    ----------
    one, two : Results
        The results.

    Returns
    -------
    equal : list of str
        Parts that are equal to the last bit.
    differences : list of str
        What differs in the others, one sentence each.
    """
    equal, differences = [], []
    for name, text in _parts(one, two):
        if text:
            differences.append(text)
        else:
            equal.append(name)
    return equal, differences


def _parts(one: Results, two: Results) -> Iterator[tuple[str, str]]:
    yield "nodes", "" if one.nodes == two.nodes else _nodes(one, two)
    yield "windows", "" if one.windows == two.windows else _windows(one, two)
    for name in ("connectivity", "graphs", "embedding"):
        a, b = getattr(one, name), getattr(two, name)
        if a is None and b is None:
            continue
        if a is None or b is None:
            yield name, f"Only one of both has {name}."
        else:
            yield name, _COMPARE[name](a, b)


def _nodes(one: Results, two: Results) -> str:
    first, second = set(one.nodes.ids.tolist()), set(two.nodes.ids.tolist())
    if first != second:
        only = sorted(first ^ second)
        return f"The nodes differ: {len(only)} are in one only ({some(only)})."
    return "The nodes are the same, but their order, groups, positions or rows differ."


def _windows(one: Results, two: Results) -> str:
    a, b = one.windows, two.windows
    if len(a) != len(b):
        return f"There are {len(a)} and {len(b)} windows."
    if not (np.array_equal(a.start_s, b.start_s) and np.array_equal(a.stop_s, b.stop_s)):
        return "The windows lie at other times."
    changed = [
        name
        for name in dict.fromkeys([*a.columns, *b.columns])
        if name not in a.columns
        or name not in b.columns
        or not _equal(np.asarray(a.columns[name]), np.asarray(b.columns[name]))
    ]
    return f"What is known of the windows differs: {some(changed) if changed else 'segments'}."


def _connectivity(one: ConnectivitySequence, two: ConnectivitySequence) -> str:
    if one.measure != two.measure:
        return f"The connectivity is {one.measure} in one and {two.measure} in the other."
    texts = []
    if one.mean_activity is not None and two.mean_activity is not None:
        texts.append(_activity(one, two))
    texts.append(_array("connectivity", one.weights, two.weights))
    return " ".join(text for text in texts if text)


def _activity(one: ConnectivitySequence, two: ConnectivitySequence) -> str:
    if one.mean_activity.shape != two.mean_activity.shape:
        return ""
    differs = ~(
        (one.mean_activity == two.mean_activity)
        | (np.isnan(one.mean_activity) & np.isnan(two.mean_activity))
    )
    if not differs.any():
        return ""
    windows, nodes = np.flatnonzero(differs.any(axis=1)), np.flatnonzero(differs.any(axis=0))
    return (
        f"The mean activity differs in {len(windows)} windows (first {windows[0]}) and "
        f"{len(nodes)} nodes ({some(one.nodes.ids[nodes])})."
    )


def _graphs(one: Any, two: Any) -> str:
    if one == two:
        return ""
    if len(one) != len(two) or not np.array_equal(one.nodes.ids, two.nodes.ids):
        return "The graphs are over other nodes or windows."
    changed = sum(
        not np.array_equal(a.toarray(), b.toarray())
        for a, b in zip(one.weights, two.weights, strict=True)
    )
    if changed == 0:
        return "The graphs differ in their features, their mask or what is known of their windows."
    return f"The edges differ in {changed} of {len(one)} graphs."


def _embedding(one: NodeEmbedding, two: NodeEmbedding) -> str:
    texts = [
        _array(f"{text} of the embedding", getattr(one, name), getattr(two, name))
        for name, text in (
            ("mean", "mean"),
            ("std", "standard deviation"),
            ("attention", "attention"),
            ("history", "history node"),
        )
    ]
    return " ".join(text for text in texts if text)


_COMPARE = {"connectivity": _connectivity, "graphs": _graphs, "embedding": _embedding}


def _equal(a: NDArray[Any], b: NDArray[Any]) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return np.array_equal(a, b, equal_nan=a.dtype.kind == "f")


def _array(what: str, a: NDArray[Any] | None, b: NDArray[Any] | None) -> str:
    if a is None and b is None:
        return ""
    if a is None or b is None:
        return f"Only one of both has the {what}."
    if a.shape != b.shape:
        return f"The {what} has shape {a.shape} and {b.shape}."
    if _equal(a, b):
        return ""
    # Window by window: a difference of gigabytes would need as many again.
    largest = max(
        float(np.nanmax(np.abs(x.astype(np.float64) - y), initial=0.0))
        for x, y in zip(a, b, strict=True)
    )
    return f"The {what} differs by up to {largest:.3g}."


def _similarity(one: Results, two: Results) -> float | None:
    from scipy.spatial.distance import pdist

    a, b = one.embedding, two.embedding
    if a is None or b is None or len(a.windows) != len(b.windows) or len(a.windows) < 3:
        return None
    if not np.array_equal(a.windows.start_s, b.windows.start_s):
        return None
    distances = [pdist(item.window_embedding().astype(np.float64)) for item in (a, b)]
    if any(np.ptp(item) == 0 or not np.isfinite(item).all() for item in distances):
        return None
    return float(np.corrcoef(distances[0], distances[1])[0, 1])
