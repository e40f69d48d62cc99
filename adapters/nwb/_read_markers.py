"""Events and intervals that an NWB file keeps as series: annotations, and starts with stops."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._names import known_text
from tavrnn_ephys.adapters.nwb._series import walk_series
from tavrnn_ephys.core.errors import DataLossWarning

if TYPE_CHECKING:
    import neo

__all__ = ["annotation_events", "series_epochs"]


def annotation_events(nwbfile: Any) -> list[neo.Event]:
    """
    Load the series of annotations, of which each sample is an event with a text.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        An open file.

    Returns
    -------
    list of neo.Event
        One per ``AnnotationSeries`` with samples, in the order of time, its texts as labels.

    Warns
    -----
    DataLossWarning
        If a series has not one time for each text, and is left out.
    """
    import neo
    import quantities as pq
    from pynwb.misc import AnnotationSeries

    events = []
    for series, times_s in _timed(nwbfile, AnnotationSeries):
        order = np.argsort(times_s, kind="stable")
        labels = np.array([known_text(text) for text in series.data[:]], dtype=str)
        events.append(
            neo.Event(
                times=times_s[order] * pq.s,
                labels=labels[order],
                name=series.name,
                description=str(series.description),
            )
        )
    return events


def series_epochs(nwbfile: Any) -> list[neo.Epoch]:
    """
    Load the series of intervals, of which each sample starts or stops one.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        An open file.

    Returns
    -------
    list of neo.Epoch
        One per ``IntervalSeries`` with intervals, in the order of their starts.  A sample of 1
        starts an interval and one of -1 stops it, 2 and -2 those of another kind, and so on: the
        kind is the label.

    Warns
    -----
    DataLossWarning
        If a start has no stop or a stop no start, or a series has not one time for each sample.
    """
    import neo
    import quantities as pq
    from pynwb.misc import IntervalSeries

    epochs = []
    for series, times_s in _timed(nwbfile, IntervalSeries):
        start, stop, kind = _paired(np.asarray(series.data[:]), times_s, series.name)
        if len(start):
            epochs.append(
                neo.Epoch(
                    times=start * pq.s,
                    durations=(stop - start) * pq.s,
                    labels=kind.astype(str),
                    name=series.name,
                    description=str(series.description),
                )
            )
    return epochs


def _timed(nwbfile: Any, kind: Any) -> list[tuple[Any, NDArray[np.float64]]]:
    """Find the series of a type that hold samples, each with its times in seconds."""
    found = []
    for _, series in walk_series(nwbfile):
        if not isinstance(series, kind) or series.data is None or len(series.data) == 0:
            continue
        if series.timestamps is None or len(series.timestamps) != len(series.data):
            warnings.warn(
                f"The series '{series.name}' is left out: it has not one time for each of its "
                f"{len(series.data)} samples.",
                DataLossWarning,
                stacklevel=5,
            )
            continue
        found.append((series, np.asarray(series.timestamps[:], dtype=np.float64)))
    return found


def _paired(
    signs: NDArray[Any], times_s: NDArray[np.float64], name: str
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Join each start with the next stop of its kind."""
    order = np.argsort(times_s, kind="stable")
    found: list[tuple[float, float, int]] = []
    open_s: dict[int, float] = {}
    n_single = 0
    for sign, at_s in zip(signs[order].astype(int), times_s[order], strict=True):
        kind = abs(int(sign))
        if sign > 0:
            n_single += kind in open_s
            open_s[kind] = float(at_s)
        elif sign < 0 and kind in open_s:
            found.append((open_s.pop(kind), float(at_s), kind))
        else:
            n_single += 1
    n_single += len(open_s)
    if n_single:
        warnings.warn(
            f"The series '{name}' has {n_single} starts without a stop, or stops without a start; "
            "they are left out.",
            DataLossWarning,
            stacklevel=5,
        )
    found.sort()
    table = np.array(found, dtype=np.float64).reshape(-1, 3)
    return table[:, 0], table[:, 1], table[:, 2].astype(np.int64)
