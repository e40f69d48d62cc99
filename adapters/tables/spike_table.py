"""
Spike tables, the file that everybody's own script writes: one row per spike.

Text (comma, semicolon, tab or blanks), JSON, ``.npy``, ``.npz`` or Parquet with a time or frame,
a channel or unit, and perhaps an amplitude, with or without a header.  What the table does not
say, above all the unit of its times, is asked for.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.mea._parts import (
    asked_span_s,
    choose,
    refuse_unknown,
    spiketrains_of_table,
)
from tavrnn_ephys.adapters.tables._grid import grid_um, positions_um
from tavrnn_ephys.adapters.tables._loading import load_table
from tavrnn_ephys.adapters.tables._names import NODES, base_and_unit
from tavrnn_ephys.adapters.tables._recognising import is_spike_table
from tavrnn_ephys.adapters.tables._roles import Roles, TimeScale, find_roles, find_time_scale
from tavrnn_ephys.adapters.tables._text_tables import Table
from tavrnn_ephys.core.checks import one_of, positive_int
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError

if TYPE_CHECKING:
    import neo

__all__ = ["SpikeTableAdapter"]

_MOST_NODES = 65536
_CHANNELS = ("channels", "n_channels", "channel_count", "num_channels")
_LENGTHS_S = ("duration_sec", "duration_s", "duration_seconds")
_LENGTHS_FRAMES = ("duration_frames", "n_frames")
_COUNTS = ("spike_count", "n_spikes")


class SpikeTableAdapter:
    """
    Tables with one row per spike.

    Examples
    --------
    >>> SpikeTableAdapter().suffixes
    ('.json', '.parquet', '.tsv', '.csv')
    """

    name = "spike_table"
    description = "table with one row per spike: time or frame, channel or unit, amplitude"
    suffixes: tuple[str, ...] = (".json", ".parquet", ".tsv", ".csv")
    choices: Mapping[str, str] = MappingProxyType({
        "time_column": "The column that its name, or else its values, tell; asked for otherwise.",
        "node_column": "The column that its name, or else its values, tell; asked for otherwise.",
        "node_kind": "What the name of the column says, else channels.",
        "duplicates": "Repeated spikes are left out, with their number.",
    })  # fmt: skip

    def recognises(self, path: Path) -> bool:
        """
        Say whether a file holds a list of spikes.

        Parameters
        ----------
        path : pathlib.Path
            An existing file.

        Returns
        -------
        bool
            True if names or values tell a time and a channel or unit apart.
        """
        return is_spike_table(path)

    def read(
        self,
        path: Path,
        *,
        time_column: str | int | None = None,
        node_column: str | int | None = None,
        amplitude_column: str | int | None = None,
        time_unit: str | None = None,
        sampling_rate: Any = None,
        node_kind: str | None = None,
        channels: Sequence[Any] | None = None,
        n_channels: int | None = None,
        grid: str | None = None,
        grid_order: str = "rows",
        electrode_pitch: Any = None,
        duplicates: str = "drop",
        t_start: Any = None,
        t_stop: Any = None,
        **unknown: Any,
    ) -> neo.Block:
        """
        Read the spikes of a table.

        Parameters
        ----------
        path : pathlib.Path
            The table.
        time_column, node_column, amplitude_column : str or int, optional
            Name or position, from 0, of a column; found by name or by its values by default.
        time_unit : str, optional
            ``"s"``, ``"ms"``, ``"us"``, ``"min"`` or ``"frames"``; that of the column's name by
            default.  It must be given where neither says it.
        sampling_rate : quantities.Quantity, optional
            Frames per second; that of the file by default.
        node_kind : {"channel", "unit"}, optional
            What the nodes are; by default what the column's name says, else channels.
        channels : sequence of int or str, optional
            Which nodes are read; all by default.
        n_channels : int, optional
            Number of channels, so that those without a spike are nodes too; that of the file by
            default.
        grid : str, optional
            Rows and columns of the array, such as ``"8x8"``; channels are numbered from 0 or 1.
        grid_order : {"rows", "columns"}, optional
            Whether neighbouring numbers stand in a row or in a column.
        electrode_pitch : quantities.Quantity, optional
            Distance of neighbouring electrodes; needed with ``grid``.
        duplicates : {"drop", "keep"}, optional
            What becomes of rows that repeat a spike: same time, same node.
        t_start, t_stop : quantities.Quantity, optional
            Limits; by default from 0 s to the file's duration, or else to the last spike.
        **unknown : object
            Refused.

        Returns
        -------
        neo.Block
            One segment; an amplitude is an array annotation of the trains.

        Raises
        ------
        FileFormatError
            If the table is missing, damaged, or no table of spikes.
        InputError
            If an option is unknown, or the table leaves open what an option must say.

        Warns
        -----
        DataLossWarning
            If rows are left out, or columns were told apart by their values.
        """
        import neo

        refuse_unknown(self, unknown)
        one_of(duplicates, ("drop", "keep"), "duplicates")
        one_of(grid_order, ("rows", "columns"), "grid_order")
        asked, path = asked_span_s(t_start, t_stop), Path(path)
        table = load_table(path)
        columns = {"time_column": time_column, "node_column": node_column,
                   "amplitude_column": amplitude_column}  # fmt: skip
        roles = find_roles(table, columns, path.name)
        _check_times(table, roles, path.name)
        scale = find_time_scale(table, roles, time_unit, _rate_hz(sampling_rate), path.name)
        words = [_about_guess(table, roles, scale)] if roles.guessed else []
        times_s = table.columns[roles.time] * scale.factor_s
        names = _node_names(table, roles, path.name)
        kept, lost = _kept(times_s, names, duplicates)
        words += lost + _about_count(table, path.name)
        span = _span(times_s[kept], asked, table, scale, path.name)
        known = _known_nodes(names[kept], n_channels, table, path.name)
        positions = positions_um(known, grid_um(grid, electrode_pitch), grid_order, path.name)
        nodes = Nodes(ids=known, kind=node_kind or _kind(roles, table), positions_um=positions)
        chosen = choose(channels, [str(item) for item in nodes.ids], "channel or unit", path.name)
        words += _beyond(times_s[kept], span, asked)
        if any(words):
            warnings.warn(f"'{path.name}': {' '.join(words)}", DataLossWarning, stacklevel=2)
        owners = np.searchsorted(np.sort(known), names[kept])
        owners = np.argsort(known)[owners]
        amplitude = None if roles.amplitude is None else table.columns[roles.amplitude][kept]
        arrays = (
            {} if amplitude is None or amplitude.dtype.kind == "U" else {"amplitude": amplitude}
        )
        trains = spiketrains_of_table(
            times_s[kept], owners, nodes, span, sampling_rate_hz=scale.rate_hz, arrays=arrays
        )
        segment = neo.Segment(name=path.name.split(".")[0], file_origin=path.name)
        segment.spiketrains.extend([trains[index] for index in chosen])
        block = neo.Block(name=segment.name, file_origin=path.name)
        block.segments.append(segment)
        block.annotate(time_unit=scale.unit, **_about(table))
        return block


def _check_times(table: Table, roles: Roles, name: str) -> None:
    times = table.columns[roles.time]
    if times.dtype.kind == "U":
        wrong = np.flatnonzero([re.fullmatch(r"[-+]?[\d.]+([eE][-+]?\d+)?", item) is None
                                for item in times])  # fmt: skip
    else:
        wrong = np.flatnonzero(~np.isfinite(times))
    if len(wrong):
        raise FileFormatError(
            f"{_row(table, wrong[0])} of '{name}' holds '{str(times[wrong[0]])[:40]}' where a time "
            f"is needed ({len(wrong)} of {len(table)} rows). The file is damaged or cut short, or "
            "another column holds the times: time_column=…"
        )


def _row(table: Table, index: int) -> str:
    if table.first_line:
        return f"Line {table.first_line + int(index)}"
    return f"Row {int(index)}"


def _about_guess(table: Table, roles: Roles, scale: TimeScale) -> str:
    parts = f"column {roles.time} is read as time in {scale.unit}, column {roles.node} as channel"
    if roles.amplitude is not None:
        parts += f", column {roles.amplitude} as amplitude"
    return f"no names tell its columns, so {parts}; time_column, node_column choose others."


def _node_names(table: Table, roles: Roles, name: str) -> NDArray[np.str_]:
    """Names of the nodes of all rows; empty where a row names none."""
    column = table.columns[roles.node]
    if column.dtype.kind == "U":
        return column
    known = np.isfinite(column)
    wrong = np.flatnonzero(known & (column != np.round(column)))
    if len(wrong):
        raise FileFormatError(
            f"{_row(table, wrong[0])} of '{name}' names the channel or unit {column[wrong[0]]:g}; "
            "a whole number or a name is needed. Choose another column: node_column=…"
        )
    names = np.where(known, column, 0).astype(np.int64).astype(str)
    return np.where(known, names, "")


def _kept(
    times_s: NDArray[np.float64], names: NDArray[np.str_], duplicates: str
) -> tuple[NDArray[np.bool_], list[str]]:
    """Rows that enter, and what is said of the others."""
    kept, words = names != "", []
    if not kept.all():
        words.append(f"{(~kept).sum()} rows name no channel or unit and are left out.")
    _, numbers = np.unique(names, return_inverse=True)
    order = np.lexsort((times_s, numbers))
    same = (np.diff(times_s[order]) == 0) & (np.diff(numbers[order]) == 0)
    again = np.zeros(len(kept), dtype=bool)
    again[order[1:][same]] = True
    again &= kept
    if again.any() and duplicates == "drop":
        words.append(
            f"{again.sum()} rows repeat a spike and are left out; duplicates=keep keeps them."
        )
        kept = kept & ~again
    return kept, words


def _about_count(table: Table, name: str) -> list[str]:
    counts = [table.settings[key] for key in _COUNTS if key in table.settings]
    if counts and counts[0] != len(table):
        return [f"it claims {counts[0]} spikes and holds {len(table)}: it may be cut short."]
    return []


def _span(
    times_s: NDArray[np.float64],
    asked: tuple[float, float],
    table: Table,
    scale: TimeScale,
    name: str,
) -> tuple[float, float]:
    if len(times_s) == 0:
        raise FileFormatError(
            f"No row of '{name}' holds a spike of a channel or unit. Write it again."
        )
    early = int((times_s < 0).sum())
    if early and np.isinf(asked[0]):
        first = float(np.floor(times_s.min() * 1e6) / 1e6)
        raise InputError(
            f"{early} of {len(times_s)} spikes of '{name}' lie before 0 s, the first at "
            f"{times_s.min():g} s. Say where the recording starts: t_start={first:g}s keeps them, "
            "t_start=0s leaves them out."
        )
    start = 0.0 if np.isinf(asked[0]) else asked[0]
    stop = _length_s(table, scale) or float(np.nextafter(times_s.max(), np.inf))
    stop = stop if np.isinf(asked[1]) else asked[1]
    if not start < stop:
        raise InputError(
            f"'{name}' was recorded up to {stop:g} s; t_start must lie before, got {start:g} s."
        )
    return start, stop


def _length_s(table: Table, scale: TimeScale) -> float | None:
    """Duration that the file itself says."""
    for keys, factor in ((_LENGTHS_S, 1.0), (_LENGTHS_FRAMES, 1.0 / (scale.rate_hz or np.nan))):
        for key in keys:
            value = table.settings.get(key)
            if isinstance(value, int | float) and 0 < value * factor < float("inf"):
                return float(value * factor)
    return None


def _beyond(
    times_s: NDArray[np.float64], span: tuple[float, float], asked: tuple[float, float]
) -> list[str]:
    n_beyond = int((times_s >= span[1]).sum())
    if n_beyond and np.isinf(asked[1]):
        return [f"{n_beyond} spikes lie behind its duration of {span[1]:g} s and are left out."]
    return []


def _known_nodes(
    names: NDArray[np.str_], n_channels: int | None, table: Table, file_name: str
) -> NDArray[np.str_]:
    """All nodes, those without a spike included where their number is known, in order."""
    found = np.unique(names)
    said = [table.settings[key] for key in _CHANNELS if isinstance(table.settings.get(key), int)]
    n_all = said[0] if said and n_channels is None else n_channels
    if n_all is not None:
        n_all = positive_int(n_all, "n_channels")
    if len(found) > _MOST_NODES or (n_all or 0) > _MOST_NODES:
        raise InputError(
            f"'{file_name}' names {max(len(found), n_all or 0)} channels or units, more than any "
            "array has. Another column may hold them: node_column=…"
        )
    if all(re.fullmatch(r"-?\d{1,18}", name) for name in found):
        numbers = np.array(sorted(int(name) for name in found))
        if n_all is not None:
            first = 0 if numbers[0] == 0 or numbers[-1] < n_all else 1
            every = np.arange(first, first + n_all)
            if not np.isin(numbers, every).all():
                raise InputError(
                    f"'{file_name}' names the channels {numbers[0]} to {numbers[-1]}, which are "
                    f"not among {n_all} numbered from 0 or 1. Correct it: n_channels=…"
                )
            numbers = every
        return numbers.astype(str)
    return found


def _kind(roles: Roles, table: Table) -> str:
    """Channel or unit, as the name of the column says; channels without a name."""
    name = base_and_unit(table.names[roles.node])[0] if table.names else ""
    return NODES.get(name, "channel")


def _rate_hz(rate: Any) -> float | None:
    if rate is None:
        return None
    try:
        value = float(rate.rescale("Hz").magnitude)
    except (AttributeError, ValueError, TypeError):
        value = float("nan")
    if not 0 < value < float("inf"):
        raise InputError(f"sampling_rate must be a rate, such as 20000 Hz, got {rate!r}.")
    return value


def _about(table: Table) -> dict[str, Any]:
    """Texts and numbers that the file says of the recording, under names of Python."""
    return {
        re.sub(r"\W+", "_", key.strip().lower()).strip("_"): value
        for key, value in table.settings.items()
        if isinstance(value, str | int | float) and re.search(r"[A-Za-z]", key)
    }
