"""A recording of another format as NWB, for as long as it is needed."""

from __future__ import annotations

import datetime
import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.core.addresses import Address
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.io.reading import read, write_nwb

if TYPE_CHECKING:
    import neo

__all__ = ["as_nwb", "session_date"]

_UNKNOWN_START = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


@contextmanager
def as_nwb(
    block: neo.Block,
    source: Path | Address,
    *,
    adapter: str,
    beside: Path,
    session_start: str | None = None,
) -> Iterator[tuple[neo.Block, Path]]:
    """
    Give a recording and an NWB file of it: its own file, or a conversion that vanishes.

    Parameters
    ----------
    block : neo.Block
        The recording.
    source : pathlib.Path or Address
        Its file, or where a server holds it.
    adapter : str
        Name of the adapter that read it.
    beside : pathlib.Path
        The conversion stands in the folder of this file.
    session_start : str, optional
        ISO date of the recording's start, for formats that do not know it.

    Yields
    ------
    block : neo.Block
        The recording, as it is read from the NWB file.
    path : pathlib.Path
        The NWB file.

    Raises
    ------
    InputError
        If the start is no date.

    Warns
    -----
    DataLossWarning
        If nothing says when it was recorded.
    """
    if adapter == "nwb" and isinstance(source, Path):
        yield block, source
        return
    if session_start is not None:
        block.rec_datetime = session_date(session_start)
    elif block.rec_datetime is None:
        warnings.warn(
            f"'{source.name}' does not say when it was recorded; the NWB file carries "
            "1970-01-01 instead. Give it with --session-start.",
            DataLossWarning,
            stacklevel=4,
        )
        block.rec_datetime = _UNKNOWN_START
    with tempfile.TemporaryDirectory(dir=beside.parent, prefix=f".{beside.stem}.") as folder:
        converted = write_nwb(block, Path(folder) / f"{source.stem}.nwb")
        yield read(converted), converted


def session_date(value: Any) -> datetime.datetime:
    """
    Read when a session started, or a date of its metadata.

    Parameters
    ----------
    value : str, datetime.date or datetime.datetime
        ISO date, with or without a time and a time zone.

    Returns
    -------
    datetime.datetime
        The moment; in UTC where no zone is given.

    Raises
    ------
    InputError
        If it is no date.

    Examples
    --------
    >>> session_date("2024-05-01T10:00")
    datetime.datetime(2024, 5, 1, 10, 0, tzinfo=datetime.timezone.utc)
    """
    if isinstance(value, datetime.datetime):
        moment = value
    elif isinstance(value, datetime.date):
        moment = datetime.datetime(value.year, value.month, value.day)
    else:
        try:
            moment = datetime.datetime.fromisoformat(str(value))
        except ValueError:
            raise InputError(
                f"'{value}' is not a date. Write it as 2024-05-01 or 2024-05-01T10:00."
            ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=datetime.UTC)
