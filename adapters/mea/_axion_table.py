"""The lines of an Axion spike list: spikes, settings, and the block on wells."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tavrnn_ephys.adapters._text import encoding_of
from tavrnn_ephys.adapters.mea._axion_log import read_well_block
from tavrnn_ephys.core.errors import FileFormatError

__all__ = ["SpikeTable", "delimiter_of", "is_header", "open_text", "read_table"]

_ELECTRODE = re.compile(r"([A-Z]{1,2}\d{1,2})_(\d)(\d)")
_WELL_BLOCK = "well information"
_TIME, _NAME, _COLUMNS = 2, 3, 5
# What tells how a list is encoded.
_HEAD_BYTES = 2**16


@dataclass
class SpikeTable:
    """
    What a spike list says.

    Parameters
    ----------
    times_s : list of float
        Time of each spike of the part that is read.
    electrodes : list of int
        Position of its electrode in ``names``.
    names : dict of str to int
        Electrodes that fired, in the order of their first spike.
    settings : dict of str to str
        Settings of the instrument.
    wells : dict of str to dict of str to str
        The block on wells.
    first_s, last_s : float
        First and last spike of the whole list.
    rate_hz : float or None
        Sampling rate of the instrument.
    n_bare, bare_line, last_line : int
        Number of spikes without an amplitude, the line of the last of them, and the last line.
    """

    times_s: list[float] = field(default_factory=list)
    electrodes: list[int] = field(default_factory=list)
    names: dict[str, int] = field(default_factory=dict)
    settings: dict[str, str] = field(default_factory=dict)
    wells: dict[str, dict[str, str]] = field(default_factory=dict)
    first_s: float = float("inf")
    last_s: float = 0.0
    rate_hz: float | None = None
    n_bare: int = 0
    bare_line: int = 0
    last_line: int = 0


@contextmanager
def open_text(path: Path) -> Iterator[IO[str]]:
    """
    Open a spike list, plain or gzipped.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Yields
    ------
    file object
        Its text.
    """
    with path.open("rb") as stream:
        is_gzip = stream.read(2) == b"\x1f\x8b"
    opener = gzip.open if is_gzip else open
    with opener(path, "rb") as stream:
        encoding = encoding_of(stream.read(_HEAD_BYTES))
    with opener(path, "rt", encoding=encoding, errors="replace", newline=None) as text:
        yield text


def is_header(row: Sequence[str]) -> bool:
    """
    Say whether a line has the columns of AxIS.

    Parameters
    ----------
    row : sequence of str
        Its cells.

    Returns
    -------
    bool
        True for a time, an electrode and an amplitude behind two columns of settings.
    """
    cells = [cell.strip().lower() for cell in row[:_COLUMNS]]
    return (
        len(cells) == _COLUMNS
        and cells[_TIME] == "time (s)"
        and cells[_NAME] == "electrode"
        and cells[4].startswith("amplitude")
    )


def read_table(path: Path, asked: tuple[float, float]) -> SpikeTable:
    """
    Read the lines of a spike list.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    asked : tuple of float
        Start and stop in seconds of the spikes to keep.

    Returns
    -------
    SpikeTable
        What it says.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged or cut short, or holds no spikes.
    """
    if not path.is_file():
        raise FileFormatError(f"There is no file '{path}'. Check the path.")
    table = SpikeTable()
    try:
        with open_text(path) as stream:
            header = stream.readline()
            delimiter = delimiter_of(header)
            if not is_header(next(csv.reader([header], delimiter=delimiter), [])):
                raise FileFormatError(
                    f"'{path.name}' is no spike list of Axion: its first line lacks the columns "
                    "'Time (s)', 'Electrode' and 'Amplitude(mV)'. Export it from AxIS again."
                )
            rows = csv.reader(stream, delimiter=delimiter)
            for row in rows:
                if row and row[0].strip().lower() == _WELL_BLOCK:
                    table.wells = read_well_block(rows)
                    break
                # The reader has not seen the header.
                _take_row(row, rows.line_num + 1, table, asked, path.name, delimiter)
    except (OSError, EOFError, zlib.error) as error:
        raise FileFormatError(
            f"'{path.name}' is damaged or cut short ({error}). Copy it again from its source."
        ) from error
    except csv.Error as error:
        raise FileFormatError(
            f"'{path.name}' is no table that can be read ({error}). Export it from AxIS again."
        ) from error
    _check_table(table, asked, path.name)
    table.rate_hz = _rate_hz(table.settings.get("Sampling Frequency", ""))
    return table


def _check_table(table: SpikeTable, asked: tuple[float, float], name: str) -> None:
    if table.n_bare == 1 and table.bare_line == table.last_line:
        raise FileFormatError(
            f"Line {table.bare_line} of '{name}' is no spike: its amplitude is missing. "
            "The file may be cut short; export it again."
        )
    if not table.names:
        raise FileFormatError(
            f"'{name}' holds no spikes"
            + (f" between {asked[0]:g} s and {asked[1]:g} s" if table.last_s else "")
            + ". Check the spike detector, or the part that is read."
        )


def delimiter_of(header: str) -> str:
    """
    Find what separates the columns; where it is no comma, a comma may mark decimals.

    Parameters
    ----------
    header : str
        The first line.

    Returns
    -------
    str
        Comma, semicolon or tabulator.
    """
    return max(",;\t", key=header.count)


def _take_row(
    row: list[str],
    line: int,
    table: SpikeTable,
    asked: tuple[float, float],
    name: str,
    delimiter: str,
) -> None:
    if len(row) > 1 and row[0].strip() and row[1].strip():
        table.settings[row[0].strip()] = row[1].strip()
    cells = row[_TIME:_COLUMNS]
    if not any(cell.strip() for cell in cells):
        return
    match = _ELECTRODE.fullmatch(cells[1].strip()) if len(cells) == 3 else None
    try:
        time_s = _number(cells[0], delimiter)
    except (ValueError, IndexError):
        time_s = float("nan")
    if match is None or not 0 <= time_s < float("inf"):
        shown = " ".join(",".join(cells).split())[:60]
        raise FileFormatError(
            f"Line {line} of '{name}' is no spike: '{shown}' must hold a time of at "
            "least 0 s, an electrode such as A1_23 and an amplitude. The file may be cut short; "
            "export it again."
        )
    table.last_line = line
    if not cells[2].strip():
        table.n_bare, table.bare_line = table.n_bare + 1, line
    table.first_s, table.last_s = min(table.first_s, time_s), max(table.last_s, time_s)
    electrode = table.names.setdefault(match.group(), len(table.names))
    if asked[0] <= time_s < asked[1]:
        table.times_s.append(time_s)
        table.electrodes.append(electrode)


def _number(text: str, delimiter: str) -> float:
    return float(text if delimiter == "," else text.replace(",", "."))


def _rate_hz(text: str) -> float | None:
    match = re.match(r"([\d.]+)\s*(k?)Hz", text)
    try:
        return float(match[1]) * (1000.0 if match[2] else 1.0) if match else None
    except ValueError:
        return None
