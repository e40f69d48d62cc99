"""A stream that was killed, taken up where its journal ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import OutputError
from tavrnn_ephys.streaming.sinks._journal import read_records
from tavrnn_ephys.streaming.sinks.nwb_log import NwbLog, journal_of
from tavrnn_ephys.streaming.stream import Stream

__all__ = ["resumed"]


def resumed(model: Any, state: str | Path, log: NwbLog, **options: Any) -> Stream:
    """
    Take up a stream that was killed: its last saved state, and the bins journalled since.

    Parameters
    ----------
    model : TAVRNN, str or pathlib.Path
        The same model.
    state : str or pathlib.Path
        File of the autosave; where it is missing, the whole journal is streamed again.
    log : NwbLog
        The log with ``resume=True``.
    **options : object
        Parameters of :class:`~tavrnn_ephys.Stream`.

    Returns
    -------
    Stream
        A stream that goes on behind the last bin of the journal, to the last bit as if nothing
        had happened.

    Raises
    ------
    OutputError
        If there is no journal.
    """
    journal = journal_of(log.path)
    if not journal.is_file():
        raise OutputError(f"There is no journal '{journal}' to go on with. Begin afresh.")
    saved = Path(state).is_file()
    stream = Stream.load(state, model, **options) if saved else Stream(model, **options)
    begun = stream.t_s if stream.n_bins else -np.inf
    for counts, start_s in _bins(journal):
        if start_s > begun - 0.5 * stream.info.bin_size_s:
            stream.push(counts, start_s)
    return stream


def _bins(journal: Path) -> Iterator[tuple[NDArray[np.int64], float]]:
    """Give counts and start of the bins of a journal that are not missing."""
    records = read_records(journal)
    header = next(records)
    n_nodes, size, origin_s = len(header["node_ids"]), header["bin_size_s"], 0.0
    for record in records:
        if record[0] == "event" and record[2]["kind"] == "begin":
            origin_s = record[2]["t_s"]
        if record[0] != "bin":
            continue
        counts = np.zeros(n_nodes, np.int64)
        counts[np.frombuffer(record[2], "<u4")] = np.frombuffer(record[3], "<u4")
        yield counts, origin_s + record[1] * size
