"""What two runs have in common, and in what they differ."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from tavrnn_ephys.core.run_parts import RUN_PARTS, RunPart
from tavrnn_ephys.core.runs import Results
from tavrnn_ephys.results.stored import open_results

__all__ = ["RunComparison", "compare_parts", "compare_runs", "options_that_differ"]

_COMPUTED = ("axis", "sequence")


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
    equal, differences = compare_parts(one, two, roles=(*_COMPUTED, "beside"))
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


def compare_parts(
    one: Results, two: Results, *, roles: Collection[str] = _COMPUTED
) -> tuple[list[str], list[str]]:
    """
    Compare the parts of two results.

    Parameters
    ----------
    one, two : Results
        The results.
    roles : collection of str
        Which parts are compared: ``"axis"`` the nodes and windows, ``"sequence"`` what is
        computed over them, ``"beside"`` summaries and tables.

    Returns
    -------
    equal : list of str
        Parts that are equal to the last bit.
    differences : list of str
        What differs in the others, one sentence each.
    """
    equal, differences = [], []
    for row in RUN_PARTS:
        for name, text in _compared(row, one, two) if row.role in roles else ():
            if text:
                differences.append(text)
            else:
                equal.append(name)
    return equal, differences


def _compared(row: RunPart, one: Results, two: Results) -> Iterator[tuple[str, str]]:
    a, b = getattr(one, row.name), getattr(two, row.name)
    if a is None and b is None:
        return
    if a is None or b is None:
        yield row.name, f"Only one of both has {row.name}."
        return
    yield from row.compare(a, b)


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
