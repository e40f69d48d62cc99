"""The experiment log of an Axion plate: what was given to each well."""

from __future__ import annotations

import csv
import gzip
import re
import zlib
from pathlib import Path

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import FileFormatError

__all__ = ["find_log", "read_log"]

_LOG_NAME = re.compile(r"(?P<prefix>.+)_expLog\.csv(\.gz)?", re.IGNORECASE)
_DAY = re.compile(r"DIV\D?(\d+)", re.IGNORECASE)
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
    return content.decode("utf-8-sig", errors="replace").replace("\0", "").splitlines()
