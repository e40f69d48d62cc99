"""
Axion spike lists: ``…_spike_list.csv`` of AxIS, plain or gzipped, with the experiment log beside.

Three columns hold the spikes, ``Time (s)``, ``Electrode`` (such as ``A1_23``: well A1, electrode
in column 2 and row 3 of the well) and ``Amplitude(mV)``; the two columns before them hold the
settings of the instrument, among them the section of the recording that was searched for spikes.
AxIS Navigator closes the list with a block "Well Information"; spreadsheets of countries with a
decimal comma separate columns by semicolons.  A spike list says nothing about electrodes that
never fired.
"""

from __future__ import annotations

import csv
import datetime
import re
import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.adapters.mea._axion_log import (
    find_log,
    read_log,
    stated_section_s,
)
from tavrnn_ephys.adapters.mea._axion_table import (
    SpikeTable,
    delimiter_of,
    is_header,
    open_text,
    read_table,
)
from tavrnn_ephys.adapters.mea._parts import (
    asked_pitch_um,
    asked_span_s,
    choose,
    in_span,
    refuse_unknown,
    spiketrains_of_table,
)
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import DataLossWarning, InputError

if TYPE_CHECKING:
    import neo

__all__ = ["AxionAdapter"]

# Settings that say how long was recorded, what was done before what was asked for.
_SECTIONS = (
    "Actual File Section Run", "Actual Duration of Measurement", "Requested File Section",
    "Requested Duration of Measurement",
)  # fmt: skip
# A silence of the whole plate, in seconds and as a share of the section, that draws a word.
_LONG_S, _LONG_SHARE = 60.0, 0.1
_DATES = ("%m/%d/%y %H:%M", "%m/%d/%Y %H:%M", "%m/%d/%Y %H:%M:%S")
# Not ``%p``: many a locale has no words for the halves of a day, and strptime none with it.
_HALF_OF_DAY = re.compile(r"\s*([AP])M$", re.IGNORECASE)


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
    choices: Mapping[str, str] = MappingProxyType({
        "wells": "All wells of the plate.",
        "log": "The only experiment log whose name begins as that of the list, else the list's "
        "own block on wells.",
        "t_stop": "The recording lasts as long as the list states, else to its last spike.",
    })  # fmt: skip

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
            with open_text(path) as stream:
                line = stream.readline(4096)
                return is_header(next(csv.reader([line], delimiter=delimiter_of(line))))
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
            One segment over the section that the list states, or from 0 s to the last spike where
            it states none; node ids are the names of the electrodes, the
            subregion is the well, and the treatment, dose, units and size of the log or of the
            list's own block on wells annotate the trains of a well.

        Raises
        ------
        FileFormatError
            If the list or the log is damaged or cut short.
        InputError
            If an option is unknown, or names what the file does not have.

        Warns
        -----
        DataLossWarning
            If the list ends long before the section that it states.
        """
        import neo

        refuse_unknown(self, unknown)
        asked, path = asked_span_s(t_start, t_stop), Path(path)
        pitch_um = asked_pitch_um(electrode_pitch, "350 * quantities.um")
        table = read_table(path, asked)
        names = sorted(table.names, key=_electrode_order)
        chosen = _chosen(names, wells, channels, path.name)
        log_path = find_log(path) if log is None else Path(log)
        treatments = table.wells if log_path is None else read_log(log_path, path)
        nodes = _nodes(chosen, pitch_um)
        span = _span(asked, table, path.name)
        segment = neo.Segment(name=path.name.split(".")[0], file_origin=path.name)
        segment.spiketrains.extend(_trains(table, nodes, span, treatments))
        block = neo.Block(name=segment.name, file_origin=path.name)
        block.segments.append(segment)
        block.rec_datetime = _date(table.settings)
        block.annotate(**{_key(key): value for key, value in table.settings.items()})
        return block


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


def _span(asked: tuple[float, float], table: SpikeTable, name: str) -> tuple[float, float]:
    limits = _recorded(table, name, warn=np.isinf(asked[1]))
    start = limits[0] if np.isinf(asked[0]) else asked[0]
    stop = limits[1] if np.isinf(asked[1]) else asked[1]
    if not start < stop or start < 0:
        raise InputError(
            f"'{name}' was recorded from {limits[0]:g} s to at least {table.last_s:g} s; t_start "
            f"must lie within, got {asked[0]:g} s."
        )
    return start, stop


def _recorded(table: SpikeTable, name: str, warn: bool) -> tuple[float, float]:
    """Give the section that the list states, widened to all its spikes."""
    end = float(np.nextafter(table.last_s, np.inf))
    texts = [table.settings[key] for key in _SECTIONS if key in table.settings]
    stated = next((section for text in texts if (section := stated_section_s(text))), None)
    if stated is None:
        return 0.0, end
    start = stated[0] if table.first_s >= stated[0] else 0.0
    silent = stated[1] - table.last_s
    if warn and silent > _LONG_S and silent > _LONG_SHARE * (stated[1] - start):
        warnings.warn(
            f"'{name}' states that it lasts to {stated[1]:g} s, and its last spike lies at "
            f"{table.last_s:g} s: the time between counts as silence of the whole plate. If the "
            f"list was cut, say where: t_stop={np.ceil(table.last_s):g} * quantities.s, on the "
            f"command line --option t_stop={np.ceil(table.last_s):g}s.",
            DataLossWarning,
            stacklevel=4,
        )
    return start, max(stated[1], end)


def _trains(
    table: SpikeTable,
    nodes: Nodes,
    span: tuple[float, float],
    treatments: dict[str, dict[str, str]],
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


def _date(settings: dict[str, str]) -> datetime.datetime | None:
    text = settings.get("Experiment Start Time", settings.get("Original File Time", "")).strip()
    half = _HALF_OF_DAY.search(text)
    for pattern in _DATES:
        try:
            found = datetime.datetime.strptime(_HALF_OF_DAY.sub("", text), pattern)
            if half is None:
                return found
            # Noon is 12 PM, midnight 12 AM; there is no 13 PM.
            if 1 <= found.hour <= 12:
                return found.replace(hour=found.hour % 12 + 12 * (half[1].upper() == "P"))
        except ValueError:
            continue
    return None


def _key(label: str) -> str:
    return re.sub(r"\W+", "_", label.strip().lower()).strip("_") or "setting"
