"""
3Brain BRW recordings of versions 3 and 4: raw traces through Neo, and spikes detected or stored.

Neo's ``BiocamIO`` knows both layouts; this adapter keeps the traces in the file, names channels by
row and column of the array, and runs :func:`tavrnn_ephys.io.detection.detect_spikes` on them.
"""

from __future__ import annotations

import datetime
import re
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._hdf5 import has_items, open_hdf5
from tavrnn_ephys.adapters._hdf5_faults import faults_told, one_line
from tavrnn_ephys.adapters.mea._biocam_spikes import (
    EVENTS,
    StoredSpikes,
    settings_of,
    stored_spikes,
    wells_of,
)
from tavrnn_ephys.adapters.mea._parts import (
    asked_pitch_um,
    asked_span_s,
    choose,
    refuse_unknown,
    span_within,
)
from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError
from tavrnn_ephys.io.choices import Choice, note_choice
from tavrnn_ephys.io.lazy_signals import LazySignal

if TYPE_CHECKING:
    import neo

__all__ = ["BiocamAdapter"]

# Traces that Neo decodes, whole or between gaps.
_TRACES = ("Raw", EVENTS)
_SPIKES = ("auto", "detected", "stored")
_BOTH = Choice(
    what="sources of spikes",
    chosen="detection in the traces",
    candidates=("detection in the traces", "spikes that BrainWave stored"),
    reason="te.detect_spikes treats recordings of all systems alike",
    option="spikes=stored",
)
_CHANNEL = re.compile(r"ch(\d+)-(\d+)")


class BiocamAdapter:
    """
    Recordings of 3Brain BioCAM.

    Examples
    --------
    >>> BiocamAdapter().suffixes
    ('.brw', '.bxr')
    """

    name = "biocam"
    description = "3Brain BRW versions 3 and 4, spikes detected on reading or stored by BrainWave"
    suffixes: tuple[str, ...] = (".brw", ".bxr")
    choices: Mapping[str, str] = MappingProxyType({
        "detect": "Spikes are detected with the defaults of te.detect_spikes.",
        "spikes": "Spikes are detected in whole traces; where traces are event-based or missing, "
        "those that BrainWave stored are read.",
    })  # fmt: skip

    def recognises(self, path: Path) -> bool:
        """
        Say whether a file is a BRW recording.

        Parameters
        ----------
        path : pathlib.Path
            An existing file.

        Returns
        -------
        bool
            True for an HDF5 file of 3Brain, version 3 or 4.
        """
        return has_items(path, ("3BRecInfo",)) or has_items(path, ("ExperimentSettings", "TOC"))

    def read(
        self,
        path: Path,
        *,
        detect: bool | float = True,
        spikes: str = "auto",
        channels: Sequence[str] | None = None,
        electrode_pitch: Any = None,
        t_start: Any = None,
        t_stop: Any = None,
        **unknown: Any,
    ) -> neo.Block:
        """
        Stand for the traces of a recording, and detect their spikes.

        Parameters
        ----------
        path : pathlib.Path
            The file, which is opened read-only.
        detect : bool or float
            Whether spikes are detected with the defaults of ``te.detect_spikes``, or the
            threshold in standard deviations of the noise; False leaves that call, with other
            parameters, to the reader.
        spikes : {"auto", "detected", "stored"}
            Whether spikes are detected in the traces, or those that BrainWave stored are read; by
            default the latter only where traces are event-based or missing.
        channels : sequence of str, optional
            Channels by row and column such as ``"ch20-31"``; all by default.
        electrode_pitch : quantities.Quantity, optional
            Distance of neighbouring electrodes, such as ``42 * pq.um``; the file does not hold
            it, and without it positions are unknown.
        t_start, t_stop : quantities.Quantity, optional
            Part of the recording; all of it by default.
        **unknown : object
            Refused.

        Returns
        -------
        neo.Block
            One segment with the unloaded traces in microvolts, role ``"raw"``, and one spike
            train per channel; of stored spikes without the traces.

        Raises
        ------
        FileFormatError
            If the file is damaged, of another version, or Neo cannot make sense of it.
        InputError
            If an option is unknown, or names what the file does not have.

        Warns
        -----
        DataLossWarning
            If a file holds several wells, or both traces and stored spikes.
        """
        import neo

        refuse_unknown(self, unknown)
        if one_of(spikes, _SPIKES, "spikes") != "auto" and not detect:
            raise InputError(f"detect=False asks for no spikes, spikes='{spikes}' for some.")
        asked, path = asked_span_s(t_start, t_stop), Path(path)
        pitch_um = asked_pitch_um(electrode_pitch, "42 * quantities.um")
        with open_hdf5(path) as file:
            settings = settings_of(file)
            stored = stored_spikes(file, path.name) if detect and spikes != "detected" else None
            traces = _traces(file)
            if stored is None:
                _require_traces(file, path.name, spikes)
        block = neo.Block(name=path.stem, file_origin=path.name)
        block.rec_datetime = _date(settings.get("ExperimentDateTime"))
        block.annotate(**_about(settings))
        segment = neo.Segment(name=path.stem, file_origin=path.name)
        block.segments.append(segment)
        if stored is not None and (spikes == "stored" or traces != "whole"):
            if spikes == "auto":
                _tell_stored(stored, traces, path.name)
            segment.spiketrains.extend(
                stored.spiketrains(path.name, channels=channels, pitch_um=pitch_um, asked=asked)
            )
            return block
        if stored is not None:
            note_choice(block, _BOTH, file_name=path.name)
        signal = _signal(path, pitch_um)
        ids = [str(item) for item in signal.array_annotations["node_id"]]
        chosen = choose(channels, ids, "channel", path.name)
        stop_s = signal.shape[0] / float(signal.sampling_rate.magnitude)
        span = span_within(asked, (0.0, stop_s), path.name)
        rate_hz = float(signal.sampling_rate.magnitude)
        signal = signal.part(
            start=round(span[0] * rate_hz), stop=round(span[1] * rate_hz), channels=chosen
        )
        segment.analogsignals.append(signal)
        if detect:
            from tavrnn_ephys.io.detection import detect_on_reading

            detect_on_reading(block, detect=detect)
        return block


def _traces(file: Any) -> str:
    """Say whether traces are whole, kept around events alone, or missing."""
    wells = wells_of(file).values()
    if "3BData/Raw" in file or any("Raw" in well for well in wells):
        return "whole"
    return "events" if any(EVENTS in well for well in wells) else "none"


def _tell_stored(stored: StoredSpikes, traces: str, name: str) -> None:
    why = (
        "keeps its traces only around events, in which no noise can be measured"
        if traces == "events"
        else "holds no traces that can be read"
    )
    warnings.warn(
        f"'{name}' {why}: the {len(stored.frames)} spikes that BrainWave stored are read, and "
        "nothing is detected.",
        DataLossWarning,
        stacklevel=3,
    )


def _require_traces(file: Any, name: str, spikes: str) -> None:
    """Tell results and compressions that hold no traces from recordings."""
    wells = wells_of(file)
    if spikes == "stored" and _traces(file) != "none":
        raise InputError(
            f"'{name}' stores no spikes. Leave spikes=stored out: they are detected in the traces."
        )
    with_traces = [key for key, well in wells.items() if any(item in well for item in _TRACES)]
    if "3BData/Raw" in file or with_traces:
        if len(with_traces) > 1:
            warnings.warn(
                f"'{name}' holds {len(with_traces)} wells; only the first, '{with_traces[0]}', is "
                "read, since Neo reads no other. Export the others one by one.",
                DataLossWarning,
                stacklevel=3,
            )
        return
    if any("WaveletBasedEncodedRaw" in well for well in wells.values()):
        raise FileFormatError(
            f"'{name}' keeps its traces compressed by wavelets, which nothing but BrainWave "
            "decodes. Export it as raw data from BrainWave 5."
        )
    if spikes == "detected" and any("SpikeTimes" in well for well in wells.values()):
        raise FileFormatError(
            f"'{name}' holds spikes that BrainWave stored, and no traces. Leave spikes=detected "
            "out to read them, or name the .brw file of the recording."
        )
    if "3BResults" in file or any("SpikeTimes" in well for well in wells.values()):
        raise FileFormatError(
            f"'{name}' holds results of BrainWave in a layout whose spikes are not read (version "
            "3), and no traces. Name the .brw file of the recording, from which spikes are "
            "detected, or give their times to tavrnn_ephys.block_from_arrays(spike_times=…)."
        )


def _date(text: Any) -> datetime.datetime | None:
    try:
        return datetime.datetime.fromisoformat(text)
    except (ValueError, TypeError):
        return None


def _about(settings: dict[str, Any]) -> dict[str, str]:
    plate = settings.get("MeaPlate")
    found = {
        "array": plate.get("Model") if isinstance(plate, dict) else None,
        "biological_model": settings.get("BiologicalModel"),
        "experiment_type": settings.get("ExperimentType"),
    }
    return {key: value for key, value in found.items() if isinstance(value, str)}


def _signal(path: Path, pitch_um: float | None) -> LazySignal:
    import quantities as pq

    with _neo_reader(path) as reader:
        header = reader.header["signal_channels"]
        n_samples = int(reader.get_signal_size(0, 0, 0))
        rate_hz = float(reader.get_signal_sampling_rate(0))
    names = [str(item) for item in header["name"]]
    rows_columns = np.array([_row_column(name, path.name) for name in names])
    if len(names) == 0 or n_samples == 0 or not rate_hz > 0:
        raise FileFormatError(
            f"'{path.name}' holds {len(names)} channels of {n_samples} samples at {rate_hz:g} Hz; "
            "there is nothing to read. Check the recording."
        )
    about: dict[str, Any] = {
        "node_id": np.array(names),
        "row": rows_columns[:, 0],
        "column": rows_columns[:, 1],
    }
    if pitch_um is not None:
        about["x"] = (rows_columns[:, 1] - 1) * pitch_um * pq.um
        about["y"] = (rows_columns[:, 0] - 1) * pitch_um * pq.um
    return LazySignal(
        _part_reader(path, header["gain"].astype(float), header["offset"].astype(float)),
        n_samples=n_samples, n_channels=len(names), sampling_rate_hz=rate_hz, name="traces",
        array_annotations=about, annotations={"role": "raw", "node_kind": "channel"},
    )  # fmt: skip


@contextmanager
def _neo_reader(path: Path) -> Iterator[Any]:
    """Open a file with Neo, say its faults in one sentence, and close it again."""
    from neo.rawio import BiocamRawIO

    reader = BiocamRawIO(str(path))
    try:
        with warnings.catch_warnings(), faults_told(path):
            warnings.simplefilter("ignore")
            try:
                reader.parse_header()
            except (MemoryError, OSError):
                raise
            except Exception as error:  # Neo has no exception of its own for what it cannot read.
                raise _refusal(path, error) from error
        with faults_told(path):
            yield reader
    finally:
        # Neo leaves the file open until the reader is forgotten.
        file = getattr(reader, "_filehandle", None)
        if file is not None:
            file.close()


def _refusal(path: Path, error: Exception) -> FileFormatError:
    return FileFormatError(
        f"Neo's BiocamIO does not read '{path.name}' ({one_line(error)}): it is of another version "
        "or incomplete. Export it from BrainWave as BRW version 3 or 4 with raw data."
    )


def _row_column(name: str, file_name: str) -> tuple[int, int]:
    match = _CHANNEL.fullmatch(name)
    if match is None:
        raise FileFormatError(f"'{file_name}' names a channel '{name}'; chROW-COLUMN is needed.")
    return int(match[1]), int(match[2])


def _part_reader(path: Path, gain: NDArray[np.float64], offset: NDArray[np.float64]) -> Any:
    def read_part(start: int, stop: int, channels: Sequence[int] | None) -> NDArray[Any]:
        index = np.arange(len(gain)) if channels is None else np.asarray(channels)
        with _neo_reader(path) as reader:
            raw = reader.get_analogsignal_chunk(
                block_index=0, seg_index=0, i_start=start, i_stop=stop, stream_index=0,
                channel_indexes=index,
            )  # fmt: skip
            samples = np.asarray(raw, dtype=np.float32)
        return samples * gain[index].astype(np.float32) + offset[index].astype(np.float32)

    return read_part
