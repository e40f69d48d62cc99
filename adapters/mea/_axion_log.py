"""What was given to each well of an Axion plate, and for how long the plate was recorded."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from collections.abc import Iterator
from pathlib import Path

from tavrnn_ephys.adapters._text import decoded
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import FileFormatError

__all__ = ["find_log", "read_log", "read_well_block", "stated_section_s"]

_LOG_NAME = re.compile(r"(?P<prefix>.+)_expLog\.csv(\.gz)?", re.IGNORECASE)
_DAY = re.compile(r"DIV\D?(\d+)", re.IGNORECASE)
# Rows of the block on wells that AxIS Navigator adds to a list, and the annotation.
_OF_BLOCK = {"treatment": "treatment", "concentration": "dose", "concentration units": "dose_units",
             "additional information": "additional_information", "active": "active"}  # fmt: skip
_DURATION = re.compile(
    r"(?:(\d+)\s*h(?:ours?|r)?)?\s*(?:(\d+)\s*m(?:in(?:utes?)?)?)?\s*"
    r"(?:(\d+(?:[.,]\d+)?)\s*s(?:ec(?:onds?)?)?)?",
    re.IGNORECASE,
)
# Name of a column in the log, in lower case, and of the annotation.
_KEPT = {"treatment": "treatment", "dose": "dose", "units": "dose_units", "size": "size",
         "div": "days_in_vitro", "plate sn": "plate"}  # fmt: skip


def find_log(spike_list: Path) -> Path | None:
    """
    Find the log beside a spike list.

    Parameters
    ----------
    spike_list : pathlib.Path
        The spike list.

    Returns
    -------
    pathlib.Path or None
        The only log in the folder whose name before ``_expLog`` begins that of the list.
    """
    found = [
        path
        for path in sorted(spike_list.parent.glob("*_expLog.csv*"))
        if (match := _LOG_NAME.fullmatch(path.name))
        and spike_list.name.startswith(match["prefix"] + "_")
    ]
    return found[0] if len(found) == 1 else None


def read_well_block(rows: Iterator[list[str]]) -> dict[str, dict[str, str]]:
    """
    Read the block "Well Information": a column per well, a row per property.

    Parameters
    ----------
    rows : iterator of list of str
        The lines behind the heading of the block.

    Returns
    -------
    dict of str to dict of str to str
        Filled cells by well; empty where the block names no wells.
    """
    wells: list[str] = []
    found: dict[str, dict[str, str]] = {}
    for row in rows:
        label = row[0].strip().lower() if row else ""
        cells = [cell.strip() for cell in row[1:]]
        if label == "well":
            wells = cells
        elif label in _OF_BLOCK:
            for well, cell in zip(wells, cells, strict=False):
                if well and cell:
                    found.setdefault(well, {})[_OF_BLOCK[label]] = cell
    return found


def stated_section_s(text: str) -> tuple[float, float] | None:
    """
    Read the section of a recording as AxIS writes it.

    Parameters
    ----------
    text : str
        Such as ``"0s to 18m2s"``, or a duration alone.

    Returns
    -------
    tuple of float or None
        Start and stop in seconds; None where the text is none.

    Examples
    --------
    >>> stated_section_s("0s to 18m2s"), stated_section_s("1h 5s"), stated_section_s("all")
    ((0.0, 1082.0), (0.0, 3605.0), None)
    """
    parts = [_seconds(part) for part in text.split(" to ")]
    if len(parts) == 1:
        parts.insert(0, 0.0)
    start, stop = parts[0], parts[-1]
    if len(parts) != 2 or start is None or stop is None or not start < stop:
        return None
    return start, stop


def _seconds(text: str) -> float | None:
    match = _DURATION.fullmatch(text.strip())
    if match is None or not any(match.groups()):
        return None
    hours, minutes, seconds = (float((part or "0").replace(",", ".")) for part in match.groups())
    return hours * 3600.0 + minutes * 60.0 + seconds


def read_log(path: Path, spike_list: Path) -> dict[str, dict[str, str]]:
    """
    Read what the log says of each well on the day of a spike list.

    Parameters
    ----------
    path : pathlib.Path
        The log.
    spike_list : pathlib.Path
        The spike list, whose name holds the day in vitro (``…_DIV3_…``) where the log has many.

    Returns
    -------
    dict of str to dict of str to str
        Filled cells by well.

    Raises
    ------
    FileFormatError
        If the log is missing, damaged, has no column of wells, or lists a well twice.
    """
    rows = [row for row in csv.reader(_lines(path)) if any(cell.strip() for cell in row)]
    header = [cell.strip().lower() for cell in rows[0]] if rows else []
    if "well" not in header:
        raise FileFormatError(
            f"The experiment log '{path.name}' has no column 'Well' (columns: {some(header)}). "
            "Correct it, or name another: log=…"
        )
    records = [dict(zip(header, (cell.strip() for cell in row), strict=False)) for row in rows[1:]]
    day = _DAY.search(spike_list.name)
    if day and any(record.get("div") == day[1] for record in records):
        records = [record for record in records if record.get("div") == day[1]]
    wells: dict[str, dict[str, str]] = {}
    for record in records:
        well = record.get("well", "")
        about = {key: record[column] for column, key in _KEPT.items() if record.get(column)}
        if wells.setdefault(well, about) != about:
            raise FileFormatError(
                f"The experiment log '{path.name}' lists well '{well}' twice with different "
                "entries. Keep one day in it, or name another: log=…"
            )
    return wells


def _lines(path: Path) -> list[str]:
    """Lines ended by any of the three line breaks; old Macintosh spreadsheets use CR alone."""
    if not path.is_file():
        raise FileFormatError(f"There is no experiment log '{path}'. Check the path.")
    try:
        content = path.read_bytes()
        content = gzip.decompress(content) if content[:2] == b"\x1f\x8b" else content
    except (OSError, EOFError, zlib.error) as error:
        raise FileFormatError(
            f"The experiment log '{path.name}' is damaged or cut short ({error}). Copy it again."
        ) from error
    return decoded(content).replace("\0", "").splitlines()
