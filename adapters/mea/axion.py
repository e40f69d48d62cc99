"""
Axion spike lists: ``…_spike_list.csv`` of AxIS, plain or gzipped, with the experiment log beside.

Three columns hold the spikes, ``Time (s)``, ``Electrode`` (such as ``A1_23``: well A1, electrode
in column 2 and row 3 of the well) and ``Amplitude(mV)``; the two columns before them hold the
settings of the instrument.  A spike list says nothing about electrodes that never fired, and
nothing about how long the recording lasted.
"""

from __future__ import annotations

import csv
import datetime
import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.adapters.mea._axion_log import find_log, read_log
from tavrnn_ephys.adapters.mea._parts import (
    asked_pitch_um,
    asked_span_s,
    choose,
    in_span,
    refuse_unknown,
    spiketrains_of_table,
)
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import FileFormatError, InputError

if TYPE_CHECKING:
    import neo

__all__ = ["AxionAdapter"]

_ELECTRODE = re.compile(r"([A-Z]{1,2}\d{1,2})_(\d)(\d)")
_TIME, _NAME, _COLUMNS = 2, 3, 5
_DATES = ("%m/%d/%y %H:%M", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S", "%m/%d/%Y %I:%M:%S %p")


class AxionAdapter:
    """
    Spike lists of Axion Maestro.

    Examples
    --------
    >>> AxionAdapter().suffixes
    ('_spike_list.csv', '_spike_list.csv.gz')
    """

    name = "axion"
    description = "Axion spike list (CSV) with its experiment log"
    suffixes: tuple[str, ...] = ("_spike_list.csv", "_spike_list.csv.gz")

    def recognises(self, path: Path) -> bool:
        """
        Say whether a file begins as a spike list does.

        Parameters
        ----------
        path : pathlib.Path
            An existing file.

        Returns
        -------
        bool
            True if the first line has the columns of AxIS.
        """
        try:
            with _open_text(path) as stream:
                return _is_header(next(csv.reader([stream.readline(4096)])))
        except Exception:
            return False

    def read(
        self,
        path: Path,
        *,
        wells: Sequence[str] | None = None,
        channels: Sequence[str] | None = None,
        log: str | Path | None = None,
        electrode_pitch: Any = None,
        t_start: Any = None,
        t_stop: Any = None,
        **unknown: Any,
    ) -> neo.Block:
        """
        Read the spikes of every electrode that fired.

        Parameters
        ----------
        path : pathlib.Path
            The spike list.
        wells : sequence of str, optional
            Wells such as ``"B2"``; all by default.
        channels : sequence of str, optional
            Electrodes such as ``"B2_11"``; all by default.
        log : str or pathlib.Path, optional
            The experiment log; by default ``…_expLog.csv`` beside the list, if its name begins
            as that of the list.
        electrode_pitch : quantities.Quantity, optional
            Distance of neighbouring electrodes of the plate, such as ``350 * pq.um``; with it,
            positions within the well are known.
        t_start, t_stop : quantities.Quantity, optional
            Part of the recording.  ``t_stop`` may lie behind the last spike, where the list by
            itself ends.
        **unknown : object
            Refused.

        Returns
        -------
        neo.Block
            One segment from 0 s to the last spike; node ids are the names of the electrodes, the
            subregion is the well, and the log's treatment, dose, units and size annotate the
            trains of a well.

        Raises
        ------
        FileFormatError
            If the list or the log is damaged or cut short.
        InputError
            If an option is unknown, or names what the file does not have.
        """
        import neo

        refuse_unknown(self, unknown)
        asked, path = asked_span_s(t_start, t_stop), Path(path)
        pitch_um = asked_pitch_um(electrode_pitch, "350 * quantities.um")
        table = _read_table(path, asked)
        names = sorted(table.names, key=_electrode_order)
        chosen = _chosen(names, wells, channels, path.name)
        log_path = find_log(path) if log is None else Path(log)
        treatments = {} if log_path is None else read_log(log_path, path)
        nodes = _nodes(chosen, pitch_um)
        span = _span(asked, table, path.name)
        segment = neo.Segment(name=path.name.split(".")[0], file_origin=path.name)
        segment.spiketrains.extend(_trains(table, nodes, span, treatments))
        block = neo.Block(name=segment.name, file_origin=path.name)
        block.segments.append(segment)
        block.rec_datetime = _date(table.settings)
        block.annotate(**{_key(key): value for key, value in table.settings.items()})
        return block


@dataclass
class _Table:
    """Columns of a spike list; electrodes as positions in ``names``."""

    times_s: list[float] = field(default_factory=list)
    electrodes: list[int] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    last_s: float = 0.0
    rate_hz: float | None = None


@contextmanager
def _open_text(path: Path) -> Iterator[IO[str]]:
    with path.open("rb") as stream:
        is_gzip = stream.read(2) == b"\x1f\x8b"
    opener = gzip.open if is_gzip else open
    with opener(path, "rt", encoding="utf-8-sig", errors="replace", newline=None) as text:
        yield text


def _is_header(row: Sequence[str]) -> bool:
    cells = [cell.strip().lower() for cell in row[:_COLUMNS]]
    return (
        len(cells) == _COLUMNS
        and cells[_TIME] == "time (s)"
        and cells[_NAME] == "electrode"
        and cells[4].startswith("amplitude")
    )


def _read_table(path: Path, asked: tuple[float, float]) -> _Table:
    if not path.is_file():
        raise FileFormatError(f"There is no file '{path}'. Check the path.")
    table = _Table()
    try:
        with _open_text(path) as stream:
            rows = csv.reader(stream)
            if not _is_header(next(rows, [])):
                raise FileFormatError(
                    f"'{path.name}' is no spike list of Axion: its first line lacks the columns "
                    "'Time (s)', 'Electrode' and 'Amplitude(mV)'. Export it from AxIS again."
                )
            for row in rows:
                _take_row(row, rows.line_num, table, asked, path.name)
    except (OSError, EOFError, zlib.error, csv.Error) as error:
        raise FileFormatError(
            f"'{path.name}' is damaged or cut short ({error}). Copy it again from its source."
        ) from error
    if not table.names:
        raise FileFormatError(
            f"'{path.name}' holds no spikes"
            + (f" between {asked[0]:g} s and {asked[1]:g} s" if table.last_s else "")
            + ". Check the spike detector, or the part that is read."
        )
    table.rate_hz = _rate_hz(table.settings.get("Sampling Frequency", ""))
    return table


def _take_row(
    row: list[str], line: int, table: _Table, asked: tuple[float, float], name: str
) -> None:
    if len(row) > 1 and row[0].strip() and row[1].strip():
        table.settings[row[0].strip()] = row[1].strip()
    cells = row[_TIME:_COLUMNS]
    if not any(cell.strip() for cell in cells):
        return
    match = _ELECTRODE.fullmatch(cells[1].strip()) if len(cells) == 3 else None
    try:
        time_s, complete = float(cells[0]), bool(cells[2].strip())
    except (ValueError, IndexError):
        time_s, complete = float("nan"), False
    if match is None or not complete or not 0 <= time_s < float("inf"):
        shown = " ".join(",".join(cells).split())[:60]
        raise FileFormatError(
            f"Line {line} of '{name}' is no spike: '{shown}' must hold a time of at "
            "least 0 s, an electrode such as A1_23 and an amplitude. The file may be cut short; "
            "export it again."
        )
    table.last_s = max(table.last_s, time_s)
    electrode = table.names.setdefault(match.group(), len(table.names))
    if asked[0] <= time_s < asked[1]:
        table.times_s.append(time_s)
        table.electrodes.append(electrode)


def _electrode_order(name: str) -> tuple[int, str, int, str]:
    well, electrode = name.split("_")
    letters = well.rstrip("0123456789")
    return len(letters), letters, int(well[len(letters) :]), electrode


def _chosen(names: list[str], wells: Any, channels: Any, file_name: str) -> list[str]:
    present = list(dict.fromkeys(name.split("_")[0] for name in names))
    kept = {present[index] for index in choose(wells, present, "well with spikes", file_name)}
    names = [name for name in names if name.split("_")[0] in kept]
    return [names[index] for index in choose(channels, names, "electrode with spikes", file_name)]


def _nodes(names: list[str], pitch_um: float | None) -> Nodes:
    grid = np.array([[int(name[-2]) - 1, int(name[-1]) - 1] for name in names], dtype=np.float64)
    return Nodes(
        ids=names,
        kind="channel",
        groups=[name.split("_")[0] for name in names],
        positions_um=None if pitch_um is None else grid * pitch_um,
    )


def _span(asked: tuple[float, float], table: _Table, name: str) -> tuple[float, float]:
    end = float(np.nextafter(table.last_s, np.inf))
    start = max(asked[0], 0.0)
    stop = end if np.isinf(asked[1]) else asked[1]
    if not start < stop or asked[0] < 0 and np.isfinite(asked[0]):
        raise InputError(
            f"'{name}' was recorded from 0 s to at least {table.last_s:g} s; t_start must lie "
            f"within, got {asked[0]:g} s."
        )
    return start, stop


def _trains(
    table: _Table, nodes: Nodes, span: tuple[float, float], treatments: dict[str, dict[str, str]]
) -> list[neo.SpikeTrain]:
    position = np.full(len(table.names), -1)
    for index, name in enumerate(nodes.ids):
        position[table.names[str(name)]] = index
    owners = position[np.asarray(table.electrodes, dtype=np.int64)]
    times_s = np.asarray(table.times_s, dtype=np.float64)
    kept = (owners >= 0) & in_span(times_s, span)
    about = [
        {
            "electrode_column": int(str(name)[-2]),
            "electrode_row": int(str(name)[-1]),
            **treatments.get(str(group), {}),
        }
        for name, group in zip(nodes.ids, nodes.groups, strict=True)
    ]
    return spiketrains_of_table(
        times_s[kept], owners[kept], nodes, span, sampling_rate_hz=table.rate_hz, annotations=about
    )


def _rate_hz(text: str) -> float | None:
    match = re.match(r"([\d.]+)\s*(k?)Hz", text)
    try:
        return float(match[1]) * (1000.0 if match[2] else 1.0) if match else None
    except ValueError:
        return None


def _date(settings: dict[str, str]) -> datetime.datetime | None:
    text = settings.get("Experiment Start Time", settings.get("Original File Time", ""))
    for pattern in _DATES:
        try:
            return datetime.datetime.strptime(text, pattern)
        except ValueError:
            continue
    return None


def _key(label: str) -> str:
    return re.sub(r"\W+", "_", label.strip().lower()).strip("_") or "setting"
