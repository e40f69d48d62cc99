"""Time series of an NWB file: where they stand, their samples and their times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._names import RUN_COMMENT, known_text, quantities_unit
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import FileFormatError
from tavrnn_ephys.io.blocks import make_signal

__all__ = ["Clock", "Limits", "cut", "neo_signal", "series_clock", "series_samples", "walk_series"]

# Start and stop in seconds of the part that is read, None for the end of the recording.
Limits = tuple[float | None, float | None]
# A limit this near to a sample, in samples, is that sample.
_ROUNDING = 1e-6


def walk_series(nwbfile: Any) -> Iterator[tuple[str, Any]]:
    """
    Visit every time series that was recorded or derived, wherever a file keeps it.

    The series of runs are results, and passed over.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        An open file.

    Yields
    ------
    container : str
        Name of what holds the series: a ``Position``, a ``DfOverF``, a module, "acquisition",
        "analysis" or "scratch".
    series : pynwb.TimeSeries
        The series; one that is linked in several places is visited once.
    """
    places = [
        (module.name, item)
        for module in nwbfile.processing.values()
        for item in module.data_interfaces.values()
    ]
    for place in ("acquisition", "analysis", "scratch"):
        places += [(place, item) for item in (getattr(nwbfile, place) or {}).values()]
    seen: set[str] = set()
    for place, item in places:
        for container, series in _series_in(place, item):
            ours = str(series.comments or "").startswith(RUN_COMMENT)
            if series.object_id not in seen and not ours:
                seen.add(series.object_id)
                yield container, series


def _series_in(place: str, item: Any) -> Iterator[tuple[str, Any]]:
    from pynwb import TimeSeries

    if isinstance(item, TimeSeries):
        yield place, item
        return
    for value in getattr(item, "fields", {}).values():
        if isinstance(value, dict):
            yield from (
                (item.name, part) for part in value.values() if isinstance(part, TimeSeries)
            )


def series_samples(series: Any, part: slice = slice(None)) -> NDArray[Any]:
    """
    Load the samples of a series in its unit.

    Parameters
    ----------
    series : pynwb.TimeSeries
        A numeric series.
    part : slice
        Which samples; only these are read from the file.

    Returns
    -------
    numpy.ndarray, shape (n_samples, …)
        The samples, conversion and offset applied.
    """
    samples = np.asarray(series.data[part])
    # Half precision has three digits and ends at 65504; NumPy would keep it through a product.
    if samples.dtype == np.float16:
        samples = samples.astype(np.float32)
    conversion, offset = float(series.conversion or 1.0), float(series.offset or 0.0)
    if conversion == 1.0 and offset == 0.0:
        return samples
    return samples * conversion + offset


@dataclass(frozen=True, kw_only=True)
class Clock:
    """
    Sample times of a series, regular or explicit.

    Parameters
    ----------
    t_start_s : float
        Time of the first sample in seconds.
    rate_hz : float, optional
        Sampling rate of a regular series.
    times_s : numpy.ndarray, shape (n_samples,), optional
        Ascending times of any other.
    order : numpy.ndarray, shape (n_samples,), optional
        Position in the file of each sample, where the file lists them out of order.
    """

    t_start_s: float
    rate_hz: float | None = None
    times_s: NDArray[np.float64] | None = None
    order: NDArray[np.int64] | None = None


def series_clock(
    series: Any, file_name: str, *, sort: bool = False, rate_hz: float | None = None
) -> Clock:
    """
    Read when the samples of a series were taken.

    Parameters
    ----------
    series : pynwb.TimeSeries
        A series with at least one sample.
    file_name : str
        Name of the file, for the message.
    sort : bool
        Whether time stamps may be out of order and are sorted.
    rate_hz : float, optional
        Samples per second, in place of the rate that the file states.

    Returns
    -------
    Clock
        The times.

    Raises
    ------
    FileFormatError
        If the rate is not positive, or the time stamps are too few, not finite or out of order.
    """
    if series.timestamps is None:
        stated = float(series.rate) if series.rate is not None else np.nan
        rate = stated if rate_hz is None else rate_hz
        if not (np.isfinite(rate) and rate > 0):
            raise FileFormatError(
                f"Series '{series.name}' of '{file_name}' has a sampling rate of {rate:g} Hz; "
                "a positive one is needed. Correct the rate in the file, or give it: "
                "sampling_rate=30 * quantities.Hz, on the command line --option "
                "sampling_rate=30Hz."
            )
        return Clock(t_start_s=float(series.starting_time or 0.0), rate_hz=rate)
    n_samples = len(series.data)
    times = np.asarray(series.timestamps[:], dtype=np.float64)
    ascending = not np.any(np.diff(times) < 0)
    if len(times) != n_samples or not np.isfinite(times).all() or not (ascending or sort):
        raise FileFormatError(
            f"Series '{series.name}' of '{file_name}' has {len(times)} time stamps for "
            f"{n_samples} samples; one finite, ascending time per sample is needed. "
            "Correct the time stamps in the file."
        )
    order = None if ascending else np.argsort(times, kind="stable")
    times = times if order is None else times[order]
    return Clock(t_start_s=float(times[0]), times_s=times, order=order)


def cut(clock: Clock, n_samples: int, limits: Limits) -> tuple[Clock, slice]:
    """
    Narrow a clock to the samples within limits.

    Parameters
    ----------
    clock : Clock
        Times of all samples, in order in the file.
    n_samples : int
        Their number.
    limits : tuple of float or None
        Start and stop in seconds, half-open.

    Returns
    -------
    clock : Clock
        Times of the part.
    part : slice
        Which samples these are.
    """
    start_s, stop_s = limits
    if clock.rate_hz is not None:
        first, last = (
            None if limit is None
            else int(np.ceil((limit - clock.t_start_s) * clock.rate_hz - _ROUNDING))
            for limit in (start_s, stop_s)
        )  # fmt: skip
    else:
        times = np.asarray(clock.times_s, dtype=np.float64)
        first, last = (
            None if limit is None else int(np.searchsorted(times, limit))
            for limit in (start_s, stop_s)
        )  # fmt: skip
    start = min(max(first or 0, 0), n_samples)
    stop = n_samples if last is None else min(max(last, start), n_samples)
    part = slice(start, stop)
    if clock.rate_hz is not None:
        return Clock(t_start_s=clock.t_start_s + start / clock.rate_hz, rate_hz=clock.rate_hz), part
    times = times[part]
    return Clock(t_start_s=float(times[0]) if len(times) else 0.0, times_s=times), part


def neo_signal(
    series: Any, clock: Clock, samples: NDArray[Any], *, name: str, container: str, role: str,
    columns: list[str] | None = None, nodes: Nodes | None = None,
) -> Any:  # fmt: skip
    """
    Turn a series into a Neo signal.

    Parameters
    ----------
    series : pynwb.TimeSeries
        The series, for its unit and description.
    clock : Clock
        Its times.
    samples : numpy.ndarray, shape (n_samples,) or (n_samples, n_channels)
        Its samples, as the file lists them.
    name : str
        Name of the signal.
    container : str
        Name of what holds the series, kept as an annotation.
    role : str
        What the signal stands for.
    columns : list of str, optional
        Name of each channel.
    nodes : Nodes, optional
        The node of each channel.

    Returns
    -------
    neo.AnalogSignal or neo.IrregularlySampledSignal
        The signal; a unit that ``quantities`` does not know makes it dimensionless and stays
        in the annotation ``unit_text``.
    """
    about = {"container": container}
    units = quantities_unit(str(series.unit))
    if units is None and known_text(series.unit):
        about["unit_text"] = str(series.unit)
    if known_text(series.description):
        about["description"] = str(series.description)
    return make_signal(
        samples if clock.order is None else samples[clock.order],
        name=name,
        role=role,
        t_start_s=clock.t_start_s,
        sampling_rate_hz=clock.rate_hz,
        times_s=clock.times_s,
        units=units or "dimensionless",
        columns=columns or (),
        nodes=nodes,
        **about,
    )
