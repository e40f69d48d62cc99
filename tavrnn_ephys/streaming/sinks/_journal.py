"""A file that only grows: every bin, commit and event, whole up to the last second."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import FileFormatError, OutputError
from tavrnn_ephys.core.ownership import as_new
from tavrnn_ephys.streaming.updates import Event, Update

__all__ = ["Journal", "read_records"]

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
