"""A file that only grows: every bin, commit and event, whole up to the last second."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import FileFormatError, OutputError
from tavrnn_ephys.core.ownership import as_new
from tavrnn_ephys.streaming.updates import Event, Update

__all__ = ["Journal", "JournalContent", "read_journal", "read_records"]

_FORMAT, _VERSION = "tavrnn_ephys.StreamJournal", 1
_SYNC_S = 0.5


class Journal:
    """
    Appends records of a stream to a file, and sees to it that they reach the disk.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    header : dict of str to object
        What is known beforehand.
    resume : bool
        Whether an existing file of the same header is gone on with.
    """

    def __init__(self, path: Path, header: dict[str, Any], *, resume: bool) -> None:
        header = {"format": _FORMAT, "version": _VERSION, **header}
        self.last_index = -1
        if path.exists():
            self._take_up(path, header, resume)
        is_new = not path.exists()
        self._file = path.open("ab")
        if is_new:
            as_new(path)
        if not self._file.tell():
            self._write(header)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._sync, name="stream journal", daemon=True)
        self._thread.start()

    def _take_up(self, path: Path, header: dict[str, Any], resume: bool) -> None:
        if not resume:
            raise OutputError(
                f"'{path}' is the journal of a stream that did not end. Go on with it "
                "(resume=True), or finish it first: tavrnn-ephys stream --finish."
            )
        whole, end = None, 0
        for record, behind in _records(path):
            whole, end = (record if whole is None else whole), behind
            if isinstance(record, list) and record[0] in ("bin", "missing"):
                self.last_index = record[1]
        same = ("format", "version", "model", "node_ids", "bin_size_s")
        if whole is None or any(whole.get(key) != header[key] for key in same):
            raise OutputError(f"'{path}' is the journal of another stream. Name another file.")
        # A record that was cut off in the middle is not gone on with.
        os.truncate(path, end)

    def _write(self, record: Any) -> None:
        self._file.write(msgpack.packb(record))
        self._file.flush()

    def _sync(self) -> None:
        while not self._stop.wait(_SYNC_S):
            os.fsync(self._file.fileno())

    def bin(self, index: int, counts: NDArray[Any] | None) -> None:
        """Append the counts of a bin."""
        self.last_index = index
        if counts is None:
            return self._write(["missing", index])
        nodes = np.flatnonzero(counts).astype("<u4")
        return self._write(
            ["bin", index, nodes.tobytes(), np.asarray(counts)[nodes].astype("<u4").tobytes()]
        )

    def update(self, update: Update) -> None:
        """Append a committed update."""
        plain = {
            key: getattr(update, key)
            for key in ("t_start_s", "t_stop_s", "state", "n_missed_bins", "latency_ms", "score")
        }
        parts = [np.asarray(item, "<f4").tobytes() for item in (update.embedding, update.std)]
        self._write(["commit", self.last_index, plain, update.embedding.shape[1], *parts])

    def event(self, event: Event) -> None:
        """Append an event."""
        self._write(["event", self.last_index, {**asdict(event), "facts": {}}])

    def close(self) -> None:
        """Flush, and let go of the file."""
        self._stop.set()
        self._thread.join()
        os.fsync(self._file.fileno())
        self._file.close()


@dataclass
class JournalContent:
    """
    What a journal holds.

    Parameters
    ----------
    header : dict
        What was known beforehand.
    bins, nodes, counts : numpy.ndarray of int, shape (n_entries,)
        Bin, node and count of every entry that is not zero.
    n_bins : int
        Number of bins from the first to the last.
    missing : numpy.ndarray of int
        Bins that are missing.
    commits : list of dict
        Facts of every commit, with ``"bin"``.
    mean, std : numpy.ndarray of float32, shape (n_commits, n_nodes, width)
        Embeddings.
    events : list of dict
        Events.
    """

    header: dict[str, Any]
    bins: NDArray[np.int64]
    nodes: NDArray[np.int64]
    counts: NDArray[np.int64]
    n_bins: int
    missing: NDArray[np.int64]
    commits: list[dict[str, Any]] = field(default_factory=list)
    mean: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0, 0), np.float32))
    std: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0, 0), np.float32))
    events: list[dict[str, Any]] = field(default_factory=list)


def _records(path: Path) -> Iterator[tuple[Any, int]]:
    """Give whole records, each with where it ends."""
    with path.open("rb") as stream:
        unpacker = msgpack.Unpacker(stream, raw=False, max_buffer_size=2**31 - 1)
        while True:
            try:
                record = unpacker.unpack()
            except msgpack.OutOfData:
                return
            except ValueError as error:
                raise FileFormatError(f"'{path}' is no journal of a stream: {error}.") from None
            yield record, unpacker.tell()


def read_records(path: Path) -> Iterator[Any]:
    """Give the records of a journal, the header first; one that was cut off is left out."""
    for number, (record, _) in enumerate(_records(path)):
        if number == 0 and (not isinstance(record, dict) or record.get("format") != _FORMAT):
            raise FileFormatError(f"'{path}' is no journal of a stream.")
        if number == 0 and record["version"] > _VERSION:
            raise FileFormatError(f"'{path}' was written by a newer version. Update the package.")
        yield record


def read_journal(path: Path) -> JournalContent:
    """Read a journal as a whole."""
    records = read_records(path)
    header = next(records, None)
    if header is None:
        raise FileFormatError(f"'{path}' is empty: no stream was written into it.")
    n_nodes, last = len(header["node_ids"]), -1
    bins, nodes, counts, present = [], [], [], []
    commits, events, embeddings = [], [], []
    for record in records:
        kind, index = record[0], record[1]
        if kind == "bin":
            nodes.append(np.frombuffer(record[2], "<u4").astype(np.int64))
            counts.append(np.frombuffer(record[3], "<u4").astype(np.int64))
            bins.append(np.full(len(nodes[-1]), index))
            present.append(index)
        elif kind == "commit":
            shape = (n_nodes, record[3])
            embeddings.append([np.frombuffer(part, "<f4").reshape(shape) for part in record[4:]])
            commits.append({"bin": index, **record[2]})
        elif kind == "event":
            events.append({"bin": index, **record[2]})
        last = max(last, index)
    known = np.zeros(last + 1, bool)
    known[present] = True
    empty = np.zeros((2, 0, n_nodes, 1), np.float32)
    both = np.stack(embeddings, axis=1) if embeddings else empty
    return JournalContent(
        header=header,
        bins=_joined(bins),
        nodes=_joined(nodes),
        counts=_joined(counts),
        n_bins=last + 1,
        missing=np.flatnonzero(~known),
        commits=commits,
        mean=both[0] if embeddings else empty[0],
        std=both[1] if embeddings else empty[1],
        events=events,
    )


def _joined(parts: list[NDArray[Any]]) -> NDArray[np.int64]:
    return np.concatenate(parts).astype(np.int64) if parts else np.zeros(0, np.int64)
