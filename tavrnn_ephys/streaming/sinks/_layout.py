"""
A journal laid out as the arrays of a file, in two passes and without being held in memory.

Embeddings and spike times, which grow with the length of a stream, lie in temporary files; what
is held in memory is a few numbers per window, and the events.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import FileFormatError
from tavrnn_ephys.streaming.sinks._journal import read_records

__all__ = ["JournalContent", "first_bin_s", "lay_out"]

_FACTS = ("t_start_s", "t_stop_s", "latency_ms", "score")


@dataclass
class JournalContent:
    """
    What a journal holds.

    Parameters
    ----------
    header : dict
        What was known beforehand.
    origin_s : float
        Start of the first bin.
    n_bins : int
        Number of bins from the first to the last.
    missing : numpy.ndarray of int
        Bins that are missing.
    spike_times : list of numpy.ndarray
        Spikes of each node in seconds, those of a bin laid out evenly inside it.
    bins : numpy.ndarray of int, shape (n_commits,)
        Last bin of every committed window.
    facts : dict of str to numpy.ndarray, shape (n_commits,)
        ``t_start_s``, ``t_stop_s``, ``latency_ms`` and ``score`` of every commit.
    states : list of str
        State of every commit.
    mean, std : numpy.ndarray of float32, shape (n_commits, n_nodes, width)
        Embeddings.
    events : list of dict
        Events.
    """

    header: dict[str, Any]
    origin_s: float
    n_bins: int
    missing: NDArray[np.int64]
    spike_times: list[NDArray[np.float64]]
    bins: NDArray[np.int64]
    facts: dict[str, NDArray[np.float64]]
    states: list[str]
    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    events: list[dict[str, Any]] = field(default_factory=list)


@dataclass
class _Size:
    """What the first pass finds: how much room everything takes, and all that is small."""

    n_spikes: NDArray[np.int64]
    present: list[NDArray[np.int64]] = field(default_factory=list)
    last: int = -1
    width: int = 1
    bins: list[int] = field(default_factory=list)
    facts: list[tuple[float, ...]] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)


def first_bin_s(journal: Path) -> float:
    """
    Read when the first bin of a journal starts.

    Parameters
    ----------
    journal : pathlib.Path
        The journal.

    Returns
    -------
    float
        In seconds on the clock of the source; 0 where there is no bin.
    """
    for record in read_records(journal):
        if isinstance(record, list) and record[0] == "event" and record[2]["kind"] == "begin":
            return float(record[2]["t_s"])
    return 0.0


def lay_out(journal: Path, folder: Path) -> JournalContent:
    """
    Read a journal into arrays that lie in files.

    Parameters
    ----------
    journal : pathlib.Path
        The journal.
    folder : pathlib.Path
        Where the files of the arrays go.

    Returns
    -------
    JournalContent
        What it holds; its arrays end with the folder.

    Raises
    ------
    FileFormatError
        If it is no journal.
    """
    header = next(read_records(journal), None)
    if header is None:
        raise FileFormatError(f"'{journal}' is empty: no stream was written into it.")
    size, origin_s = _measured(journal, len(header["node_ids"])), first_bin_s(journal)
    times = _room(folder / "times.npy", (int(size.n_spikes.sum()),), np.float64)
    shape = (len(size.bins), len(size.n_spikes), size.width)
    both = [_room(folder / f"{name}.npy", shape, np.float32) for name in ("mean", "std")]
    _fill(journal, size, times, both, (origin_s, header["bin_size_s"]))
    known = np.zeros(size.last + 1, bool)
    for part in size.present:
        known[part] = True
    return JournalContent(
        header=header,
        origin_s=origin_s,
        n_bins=size.last + 1,
        missing=np.flatnonzero(~known),
        spike_times=np.split(times, np.cumsum(size.n_spikes)[:-1]),
        bins=np.array(size.bins, np.int64),
        facts=dict(zip(_FACTS, np.array(size.facts, np.float64).reshape(-1, 4).T, strict=True)),
        states=size.states,
        mean=both[0],
        std=both[1],
        events=size.events,
    )


def _room(path: Path, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
    # An empty file cannot be mapped.
    if 0 in shape:
        return np.zeros(shape, dtype)
    return np.lib.format.open_memmap(path, mode="w+", dtype=dtype, shape=shape)


def _rows(journal: Path) -> Iterator[list[Any]]:
    records = read_records(journal)
    next(records)
    yield from records


def _measured(journal: Path, n_nodes: int) -> _Size:
    size, present = _Size(np.zeros(n_nodes, np.int64)), []
    for record in _rows(journal):
        kind, index = record[0], record[1]
        size.last = max(size.last, index)
        if kind == "bin":
            size.n_spikes[np.frombuffer(record[2], "<u4")] += np.frombuffer(record[3], "<u4")
            present.append(index)
            if len(present) == 100_000:
                size.present.append(np.array(present))
                present.clear()
        elif kind == "commit":
            size.width = record[3]
            size.bins.append(index)
            size.facts.append(tuple(float(record[2][name]) for name in _FACTS))
            size.states.append(record[2]["state"])
        elif kind == "event":
            size.events.append({"bin": index, **record[2]})
    size.present.append(np.array(present, np.int64))
    return size


def _fill(
    journal: Path,
    size: _Size,
    times: NDArray[np.float64],
    both: list[NDArray[np.float32]],
    clock: tuple[float, float],
) -> None:
    """Write spikes and embeddings at their places."""
    origin_s, bin_size_s = clock
    place, row = np.cumsum(size.n_spikes) - size.n_spikes, 0
    for record in _rows(journal):
        if record[0] == "commit":
            for array, part in zip(both, record[4:], strict=True):
                array[row] = np.frombuffer(part, "<f4").reshape(array.shape[1:])
            row += 1
        elif record[0] == "bin":
            nodes = np.frombuffer(record[2], "<u4").astype(np.int64)
            counts = np.frombuffer(record[3], "<u4").astype(np.int64)
            owner = np.repeat(np.arange(len(nodes)), counts)
            behind = np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)
            share = (behind + 0.5) / counts[owner]
            times[place[nodes][owner] + behind] = origin_s + (record[1] + share) * bin_size_s
            place[nodes] += counts
