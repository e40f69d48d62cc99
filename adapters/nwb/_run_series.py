"""
Windows of a run as other programs read them one by one: intervals that touch, and time series.

Windows that overlap are one long interval to a program that joins what overlaps.  Everything here
also stands in the table of windows, and is never read back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._encoding import BINARY_TEXTS
from tavrnn_ephys.adapters.nwb._names import RUN_COMMENT
from tavrnn_ephys.adapters.nwb._run_columns import free_names
from tavrnn_ephys.adapters.nwb._run_drafts import RunTables
from tavrnn_ephys.core.containers import Windows

__all__ = ["add_series", "nearest_stretches"]

_NOTHING: dict[str, Any] = {}


def add_series(tables: RunTables) -> None:
    """
    Add intervals that do not overlap, and a time series for each score and for the embedding.

    Parameters
    ----------
    tables : RunTables
        The tables of the run, every part of it written.
    """
    results = tables.results
    windows = results.windows
    stretches = nearest_stretches(windows)
    if stretches is None or len(windows) < 2:
        return
    values = {**windows.columns, **results.window_values}
    tables.add("intervals", _intervals(tables, stretches, values), _NOTHING)
    for name, series in _series(tables, values):
        tables.add(name, series, _NOTHING)


def nearest_stretches(windows: Windows) -> tuple[NDArray[np.float64], NDArray[np.float64]] | None:
    """
    Cut each window to the time that lies nearer to its middle than to that of any other.

    Parameters
    ----------
    windows : Windows
        The windows.

    Returns
    -------
    tuple of numpy.ndarray, each of shape (n_windows,), or None
        Starts and stops in seconds, each stop at or before the next start; windows that do not
        overlap stay as they are.  None where the middles of windows do not ascend.

    Examples
    --------
    >>> start_s, stop_s = nearest_stretches(Windows(start_s=[0.0, 1.0], stop_s=[2.0, 3.0]))
    >>> start_s.tolist(), stop_s.tolist()
    ([0.0, 1.5], [1.5, 3.0])
    """
    middle = 0.5 * (windows.start_s + windows.stop_s)
    if np.any(np.diff(middle) <= 0):
        return None
    between = 0.5 * (middle[1:] + middle[:-1])
    shared = windows.stop_s[:-1] > windows.start_s[1:]
    start, stop = np.array(windows.start_s), np.array(windows.stop_s)
    start[1:] = np.where(shared, np.maximum(start[1:], between), start[1:])
    stop[:-1] = np.where(shared, np.minimum(stop[:-1], between), stop[:-1])
    return (start, stop) if bool(np.all(stop > start)) else None


def _intervals(
    tables: RunTables,
    stretches: tuple[NDArray[np.float64], NDArray[np.float64]],
    values: Mapping[str, NDArray[Any]],
) -> Any:
    from hdmf.common import VectorData
    from pynwb.epoch import TimeIntervals

    start, stop = stretches
    named = {name: each for name, each in values.items() if _is_shown(each)}
    taken = {"id", "start_time", "stop_time", "window"}
    names = free_names(named, TimeIntervals, taken=taken, numbered="window_column_")
    texts = tables.results.descriptions
    columns = [
        _limit("start_time", "Start of the stretch, in seconds.", start),
        _limit("stop_time", "End of the stretch, in seconds.", stop),
        VectorData(
            name="window",
            description=f"Row of the window in '{tables.name('windows')}', from 0.",
            data=np.arange(len(start)),
        ),
        *(
            VectorData(
                name=stored,
                description=texts.get(name, f"Property '{name}' of the window."),
                data=_plain(named[name]),
            )
            for stored, name in names.items()
        ),
    ]
    return TimeIntervals(
        name=tables.name("intervals"),
        description=f"One interval per window of '{tables.name('windows')}', none of which "
        "overlap: the time that lies nearer to the middle of this window than to that of any "
        "other.",
        id=list(range(len(start))),
        columns=columns,
        colnames=[column.name for column in columns],
    )


def _limit(name: str, text: str, values: NDArray[np.float64]) -> Any:
    from hdmf.common import VectorData

    return VectorData(name=name, description=text, data=values)


def _is_shown(values: NDArray[Any]) -> bool:
    """Leave out what holds nothing, and text that an inspector would rather see as a flag."""
    if values.dtype.kind == "f":
        return bool(np.isfinite(values).any())
    if values.dtype.kind == "U":
        return {str(value).lower() for value in np.unique(values)} not in BINARY_TEXTS
    return True


def _plain(values: NDArray[Any]) -> Any:
    if values.dtype.kind == "U":
        return values.tolist()
    return values.astype(bool) if set(np.unique(values).tolist()) == {0, 1} else values


def _series(tables: RunTables, values: Mapping[str, NDArray[Any]]) -> Iterator[tuple[str, Any]]:
    results = tables.results
    numeric = {
        name: each
        for name, each in values.items()
        if each.dtype.kind in "iuf" and np.isfinite(each).any()
    }
    for stored, name in free_names(numeric, object, taken=(), numbered="window_column_").items():
        text = results.descriptions.get(name, f"Property '{name}' of the window.")
        yield f"score_{stored}", _time_series(tables, f"score_{stored}", numeric[name], text)
    embedding = results.embedding
    # Inspectors take the longest axis for time.
    if embedding is not None and embedding.n_windows >= embedding.latent_size:
        mean = embedding.window_embedding("mean")
        text = (
            "Embedding of each window: mean over the nodes that exist in it, "
            f"{embedding.latent_size} dimensions."
        )
        if np.isfinite(mean).any():
            yield "embedding", _time_series(tables, "embedding", mean, text)


def _time_series(tables: RunTables, part: str, data: NDArray[Any], text: str) -> Any:
    from pynwb import TimeSeries

    windows = tables.results.windows
    middle = 0.5 * (windows.start_s + windows.stop_s)
    return TimeSeries(
        name=tables.name(part),
        data=data,
        unit="n.a.",
        description=f"{text} One sample per window, at its middle.",
        comments=f"{RUN_COMMENT} The same stands in '{tables.name('windows')}'.",
        **_clock(middle),
    )


def _clock(times: NDArray[np.float64]) -> dict[str, Any]:
    """Give a rate where time stamps say no more, to a nanosecond."""
    steps = np.diff(times)
    if len(times) > 2 and np.ptp(np.round(steps, 9)) == 0:
        rate = (len(times) - 1) / (times[-1] - times[0])
        return {"starting_time": float(times[0]), "rate": float(rate)}
    return {"timestamps": times}
