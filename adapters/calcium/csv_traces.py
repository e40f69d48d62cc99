"""Tables of calcium traces: a row of times in seconds, then one row per cell."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TextIO

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._text import encoding_of
from tavrnn_ephys.adapters.calcium._rois import check_options
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import FileFormatError
from tavrnn_ephys.io.blocks import make_signal

if TYPE_CHECKING:
    import neo

__all__ = ["CalciumCsvAdapter"]

# Calcium frames come slower than this share of their interval apart from regular.
_REGULAR = 1e-3
# Event traces are 0 almost everywhere.
_SPARSE = 0.8
_HEAD_BYTES = 4096
_FEWEST_SAMPLES = 3


class CalciumCsvAdapter:
    """
    Traces or events of calcium imaging as a table of numbers without a header.

    Examples
    --------
    >>> CalciumCsvAdapter().suffixes
    ('.csv',)
    """

    name = "calcium_csv"
    description = "calcium traces or events: a row of times in seconds, then one row per cell (CSV)"
    suffixes: tuple[str, ...] = (".csv",)
    choices: Mapping[str, str] = MappingProxyType({})
    nothing_to_choose = "The first row is the times, and every further row a cell."

    def recognises(self, path: Path) -> bool:
        """
        Say whether the first two rows are numbers, and the first one ascends.

        Parameters
        ----------
        path : pathlib.Path
            An existing file.

        Returns
        -------
        bool
            True for such a table.
        """
        try:
            with _opened(path) as file:
                times, cell = (_numbers(file.readline()) for _ in range(2))
        except Exception:
            return False
        ascending = len(times) >= _FEWEST_SAMPLES and bool(np.all(np.diff(times) > 0))
        return ascending and len(cell) == len(times)

    def read(self, path: Path, **options: Any) -> neo.Block:
        """
        Read the traces of a table.

        Parameters
        ----------
        path : pathlib.Path
            The file.
        **options : object
            None; an unknown option is refused.

        Returns
        -------
        neo.Block
            One segment with one signal, named ``"events"`` if at least 80 % of its values are 0
            and else ``"traces"``; cells are named by their row, counted from 0.

        Raises
        ------
        FileFormatError
            If the table is not one of numbers, or its times do not ascend.
        InputError
            If an option is given.
        """
        import neo

        check_options(self.name, options, ())
        path = Path(path)
        table = _table(path)
        times, values = table[0], table[1:].T
        _check_times(times, path.name)
        nodes = Nodes(ids=[str(row) for row in range(values.shape[1])], kind="roi")
        steps = np.diff(times)
        regular = float(np.ptp(steps)) <= _REGULAR * float(np.median(steps))
        rate = (len(times) - 1) / (times[-1] - times[0])
        signal = make_signal(
            np.ascontiguousarray(values),
            name="events" if np.mean(values == 0) >= _SPARSE else "traces",
            role="nodes",
            t_start_s=float(times[0]),
            # Rates are decimal numbers; the times were rounded when they were printed.
            sampling_rate_hz=float(np.round(rate, 9)) if regular else None,
            times_s=None if regular else times,
            nodes=nodes,
        )
        segment = neo.Segment(name=path.stem, file_origin=path.name)
        if regular:
            segment.analogsignals.append(signal)
        else:
            segment.irregularlysampledsignals.append(signal)
        block = neo.Block(name=path.stem, file_origin=path.name)
        block.segments.append(segment)
        return block


def _numbers(line: str) -> NDArray[np.float64]:
    """Read numbers between commas, or with decimal commas between semicolons or tabulators."""
    text = line.strip()
    separator = next((item for item in (";", "\t") if item in text), ",")
    if separator != ",":
        text = text.replace(",", ".")
    return np.array([float(part) for part in text.split(separator)])


def _opened(path: Path) -> TextIO:
    with path.open("rb") as stream:
        head = stream.read(_HEAD_BYTES)
    # Western Windows would take any bytes for text; numbers need none of its letters.
    encoding = encoding_of(head)
    return path.open(encoding="utf-8-sig" if encoding == "cp1252" else encoding)


def _table(path: Path) -> NDArray[np.float64]:
    if not path.is_file():
        raise FileFormatError(f"There is no file '{path}'. Check the path.")
    rows: list[NDArray[np.float64]] = []
    try:
        with _opened(path) as file:
            for number, line in enumerate(file, start=1):
                if line.strip():
                    rows.append(_row(line, number, path.name, len(rows[0]) if rows else None))
    except UnicodeDecodeError:
        raise FileFormatError(
            f"'{path.name}' is no table of numbers: it is not text. Name the adapter of its format."
        ) from None
    if len(rows) < 2 or len(rows[0]) < _FEWEST_SAMPLES:
        raise FileFormatError(
            f"'{path.name}' needs a row of at least {_FEWEST_SAMPLES} times and a row per cell, "
            f"got {len(rows)} rows. Check that the file is complete."
        )
    return np.array(rows)


def _row(line: str, number: int, file_name: str, n_fields: int | None) -> NDArray[np.float64]:
    try:
        values = _numbers(line)
    except ValueError:
        raise FileFormatError(
            f"Row {number} of '{file_name}' is not made of numbers alone. The first row holds the "
            "times in seconds, each further row one cell, without a header."
        ) from None
    if n_fields is not None and len(values) != n_fields:
        raise FileFormatError(
            f"Row {number} of '{file_name}' has {len(values)} values, the row of times has "
            f"{n_fields}. Check that the file is complete."
        )
    if not np.isfinite(values).all():
        raise FileFormatError(
            f"Row {number} of '{file_name}' has {int((~np.isfinite(values)).sum())} values that "
            "are not finite. Interpolate them first."
        )
    # A last value that was cut short still is a number; only a line without its end tells.
    if not line.endswith("\n") and n_fields is not None and line.rstrip().endswith((",", ".", "-")):
        raise FileFormatError(f"Row {number} of '{file_name}' is cut short. Copy it again.")
    return values


def _check_times(times: NDArray[np.float64], file_name: str) -> None:
    if np.any(np.diff(times) <= 0):
        index = int(np.argmin(np.diff(times) > 0)) + 1
        raise FileFormatError(
            f"The first row of '{file_name}' holds the times in seconds and must ascend; value "
            f"{index + 1} ({times[index]:g}) does not. Put the times into the first row."
        )
