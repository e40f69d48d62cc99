"""A stream as an NWB file: what came in, what was said, and what was lost."""

from __future__ import annotations

import datetime
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import quantities as pq
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import NodeEmbedding, Windows
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, OutputError
from tavrnn_ephys.core.output import check_output
from tavrnn_ephys.core.provenance import package_versions
from tavrnn_ephys.core.runs import Results, ResultTable
from tavrnn_ephys.io.blocks import block_from_arrays, nodes_of_spiketrains
from tavrnn_ephys.io.reading import write_nwb
from tavrnn_ephys.results import write_results
from tavrnn_ephys.streaming.sinks._journal import Journal
from tavrnn_ephys.streaming.sinks._layout import JournalContent, first_bin_s, lay_out
from tavrnn_ephys.streaming.sinks.functions import FunctionSink
from tavrnn_ephys.streaming.updates import Event, StreamInfo, Update

if TYPE_CHECKING:
    import neo

__all__ = ["NwbLog", "finish_log", "journal_of"]

#: Name of the run that a log holds.
RUN = "stream"
_EVENT_COLUMNS = {
    "time_s": "Time on the clock of the source in seconds.",
    "kind": "What happened.",
    "text": "The same in one sentence.",
    "count": "Number of bins, spikes, chunks or embeddings concerned.",
}


class NwbLog(FunctionSink):
    """
    Writes bins, committed embeddings and events; a crash costs at most a second.

    While the stream runs they are appended to a journal beside the file, ``NAME.journal``.  When
    it ends, the journal becomes an NWB file with the spikes of every bin, laid out evenly inside
    it, the run ``"stream"``, and tables of events and of missing bins; ``tavrnn-ephys
    reproduce`` computes every commit again.

    Parameters
    ----------
    path : str or pathlib.Path
        The NWB file.
    model : str or pathlib.Path, optional
        File of the model, by which ``reproduce`` finds it.
    about : mapping of str to object, optional
        Annotations of the recording, such as ``subject`` or ``session_description``.
    overwrite : bool
        Whether an existing file is replaced.
    resume : bool
        Whether the journal of a stream that was killed is gone on with.

    Raises
    ------
    OutputError
        If the file exists, or the journal of another stream lies beside it.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        model: str | Path | None = None,
        about: Mapping[str, Any] | None = None,
        overwrite: bool = False,
        resume: bool = False,
    ) -> None:
        super().__init__()
        self.path = check_output(path, overwrite=overwrite)
        self.model, self.about = model, dict(about or {})
        self.overwrite, self.resume = overwrite, resume
        self._journal: Journal | None = None
        self._origin_s: float | None = None

    def open(self, info: StreamInfo) -> None:
        """
        Begin the journal, or go on with it.

        Parameters
        ----------
        info : StreamInfo
            What the stream expects.
        """
        self._info = info
        header = {
            "model": info.digest,
            "model_path": None if self.model is None else str(Path(self.model).absolute()),
            "node_ids": info.node_ids.tolist(),
            "bin_size_s": info.bin_size_s,
            "window_length_s": info.window_length_s,
            "step_s": info.step_s,
            "units": info.units.to_facts(),
            "started": datetime.datetime.now(datetime.UTC).isoformat(),
            "about": self.about,
        }
        self._journal = Journal(journal_of(self.path), header, resume=self.resume)

    def bin(self, counts: NDArray[Any] | None, t_s: float) -> None:
        """
        Append a bin.

        Parameters
        ----------
        counts : numpy.ndarray of int, shape (n_nodes,), or None
            Counts.
        t_s : float
            End of the bin.
        """
        if self._journal is None:
            raise OutputError("A log takes bins between open() and close().")
        size, last = self._info.bin_size_s, self._journal.last_index
        if self._origin_s is None and last >= 0:
            self._origin_s = first_bin_s(journal_of(self.path))
        elif self._origin_s is None:
            # Bins are numbered from the first one.
            self._origin_s = t_s - size
            self._journal.event(_origin_event(self._origin_s))
        index = round((t_s - self._origin_s) / size) - 1
        if index <= last:
            # Another clock: numbered behind a gap that starts everything afresh, as it did.
            index = last + round(self._info.window_length_s / size) + 2
            self._origin_s = t_s - (index + 1) * size
        self._journal.bin(index, counts)

    def update(self, update: Update) -> None:
        """
        Append a committed update.

        Parameters
        ----------
        update : Update
            What the stream says.
        """
        if update.committed and self._journal is not None:
            self._journal.update(update)

    def event(self, event: Event) -> None:
        """
        Append an event.

        Parameters
        ----------
        event : Event
            What happened.
        """
        if self._journal is not None:
            self._journal.event(event)

    def close(self) -> None:
        """Turn the journal into the NWB file, and delete it once that is whole."""
        if self._journal is None:
            return
        self._journal.close()
        self._journal = None
        finish_log(self.path, overwrite=self.overwrite)


def journal_of(path: str | Path) -> Path:
    """
    Say where the journal of a log lies.

    Parameters
    ----------
    path : str or pathlib.Path
        The NWB file.

    Returns
    -------
    pathlib.Path
        The journal beside it.
    """
    return Path(path).with_name(Path(path).name + ".journal")


def finish_log(path: str | Path, *, overwrite: bool = False) -> Path:
    """
    Turn the journal of a stream that was killed into its NWB file.

    Parameters
    ----------
    path : str or pathlib.Path
        The NWB file; its journal lies beside it.
    overwrite : bool
        Whether an existing file is replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    FileFormatError
        If there is no journal, or it is none.

    Warns
    -----
    DataLossWarning
        If no window was committed, so that the file holds the recording alone.
    """
    target, journal = check_output(path, overwrite=overwrite), journal_of(path)
    if not journal.is_file():
        raise FileFormatError(f"There is no journal '{journal}' to finish.")
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".stream-") as folder:
        content = lay_out(journal, Path(folder))
        if not content.n_bins:
            loss = "No bin came: no log is written."
        elif not len(content.bins):
            write_nwb(_block(content), target, overwrite=overwrite)
            loss = "No window was committed: the log holds the recording alone."
        else:
            loss = ""
            block = _block(content)
            recording = write_nwb(block, Path(folder) / "recording.nwb")
            results = _results(content, block)
            del block
            write_results(recording, results, out=target, run=RUN, overwrite=overwrite)
    journal.unlink()
    if loss:
        warnings.warn(loss, DataLossWarning, stacklevel=2)
    return target


def _origin_event(origin_s: float) -> Event:
    return Event(kind="begin", t_s=origin_s, text="The first bin starts.")


def _block(content: JournalContent) -> neo.Block:
    """Make the recording, of spikes that lie evenly inside their bins."""
    header, origin_s = content.header, content.origin_s
    block = block_from_arrays(
        spike_times=content.spike_times,
        node_ids=header["node_ids"],
        node_kind=header["units"].get("node_kind", "unit"),
        t_start=origin_s * pq.s,
        t_stop=(origin_s + content.n_bins * header["bin_size_s"]) * pq.s,
        name="stream",
    )
    block.rec_datetime = datetime.datetime.fromisoformat(header["started"])
    block.annotate(
        **{
            "session_description": "Bins that a stream took in; the spikes of a bin are laid out "
            "evenly inside it.",
            "session_id": f"stream-{header['started']}",
            **header["about"],
        }
    )
    return block


def _results(content: JournalContent, block: neo.Block) -> Results:
    header = content.header
    start, stop = content.facts["t_start_s"], content.facts["t_stop_s"]
    # Windows of another clock are told by their bins, which go on counting.
    shift = content.origin_s + (content.bins + 1) * header["bin_size_s"] - stop
    embedding = NodeEmbedding(
        mean=content.mean,
        std=content.std,
        windows=Windows(start_s=start + shift, stop_s=stop + shift),
        nodes=nodes_of_spiketrains(block.segments[0].spiketrains),
        config={
            "stream.model_sha256": header["model"],
            "stream.model_path": header["model_path"] or "",
            **{f"stream.{key}": value for key, value in header["units"].items()},
        },
        versions=package_versions(),
    )
    values = {name: content.facts[name] for name in ("latency_ms", "score")}
    return Results(
        embedding=embedding,
        window_values={
            **{name: array for name, array in values.items() if np.isfinite(array).all()},
            "stream_state": np.array(content.states),
        },
        descriptions={
            "latency_ms": "Time from the arrival of the last bin to the embedding, in ms.",
            "score": "Probability of the state that the decoder was fitted to.",
            "stream_state": "settling until attention reaches only known windows; then running.",
        },
        tables=_tables(content),
    )


def _tables(content: JournalContent) -> dict[str, Any]:
    import pandas as pd

    events = pd.DataFrame(
        {
            "time_s": [float(item["t_s"]) for item in content.events],
            "kind": [item["kind"] for item in content.events],
            "text": [item["text"] for item in content.events],
            "count": [int(item["count"]) for item in content.events],
        }
    )
    tables: dict[str, Any] = {}
    if len(events):
        tables["stream_events"] = ResultTable(
            frame=events, description="What happened, and what was lost.", columns=_EVENT_COLUMNS
        )
    if len(content.missing):
        tables["stream_missing_bins"] = ResultTable(
            frame=pd.DataFrame({"bin_index": content.missing}),
            description="Bins that never came: they hold no spikes in this file, and play no part.",
            columns={"bin_index": "Number of the bin, counted from the first one."},
        )
    return tables
