"""Spikes in raw voltage: band-pass, a robust threshold, and a refractory time, chunk by chunk."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import duration_s, one_of, positive_number, some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.plain_arrays import plain_array
from tavrnn_ephys.io.blocks import make_spiketrain, nodes_of_signal
from tavrnn_ephys.io.blocks.segments import require_segment
from tavrnn_ephys.io.filling import bridged, unrecorded
from tavrnn_ephys.io.lazy_signals import load_samples
from tavrnn_ephys.io.voltage_noise import (
    DetectionPlan,
    channel_groups,
    finite_samples,
    noise_levels,
    run_filter,
)

if TYPE_CHECKING:
    import neo

__all__ = ["detect_on_reading", "detect_spikes"]

_FILTER_ORDER = 3
# Periods of the lower band limit after which the filter has forgotten the edge of a chunk.
_MARGIN_PERIODS = 10.0
# Samples of all channels held at once: 0.5 s of 1024 at 20 kHz.
_SAMPLES_AT_ONCE = 10_240_000
_POLARITIES = {"negative": -1.0, "positive": 1.0, "both": 0.0}


def detect_spikes(
    recording: Any,
    *,
    threshold: float = 5.0,
    polarity: str = "negative",
    band: tuple[Any, Any] | None = None,
    refractory: Any = None,
    signal: str | None = None,
    sampling_rate: Any = None,
) -> list[neo.SpikeTrain]:
    r"""
    Detect spikes in raw voltage, one spike train per channel.

    Parameters
    ----------
    recording : neo.Segment, neo.AnalogSignal, LazySignal or array_like
        A segment with one signal of the role ``"raw"`` (or only one signal), a signal, loaded or
        lazy, or an array of shape (n_samples, n_channels) such as an HDF5 dataset or a memory
        map, of which only the part at work is loaded.
    threshold : float
        Smallest height of a spike in standard deviations of the noise of its channel.
    polarity : {"negative", "positive", "both"}
        Sign of the peaks.
    band : tuple of quantities.Quantity, optional
        Limits of the band-pass filter; 300 Hz to 3000 Hz by default, the upper one lowered to
        0.45 of the sampling rate where that is less.  ``(None, None)`` takes the samples as they
        are.
    refractory : quantities.Quantity, optional
        Of the peaks within this time of each other on one channel only the highest counts;
        1 ms by default.
    signal : str, optional
        Name of the signal, where the segment has several raw ones.
    sampling_rate : quantities.Quantity, optional
        Sampling rate, needed with an array.

    Returns
    -------
    list of neo.SpikeTrain
        One per channel, in their order, from the start to the stop of the signal; annotated with
        the channel's id, position and group, with ``noise_level`` (in units of the signal) and
        ``threshold``.

    Raises
    ------
    InputError
        If there is no raw signal or several, samples are not finite, an option breaks a rule, or
        all channels hold a filling value for most of the time, as event-based recordings do.

    Warns
    -----
    DataLossWarning
        If channels are constant, or filled for most of the time, so that no threshold exists for
        them.

    Notes
    -----
    A Butterworth band-pass of third order is run forwards and backwards, so that peaks keep
    their times.  The noise of a channel is :math:`\operatorname{median}(|x|) / 0.6745` [1]_ over
    20 stretches of 0.5 s spread over the recording.  Samples that were not recorded, a value
    that is repeated for 2 ms or occurs far more often than those beside it, enter no noise and
    hold no spike.  A peak is a sample that exceeds the
    threshold and everything within the refractory time on both sides.  Chunks overlap, so that
    their borders do not show.

    References
    ----------
    .. [1] Quian Quiroga, Nadasdy & Ben-Shaul (2004), Neural Computation 16, 1661-1687.

    Examples
    --------
    >>> import quantities as pq
    >>> noise = np.random.default_rng(0).normal(size=(20000, 1))
    >>> noise[[4000, 9000], 0] = -50
    >>> trains = detect_spikes(noise, sampling_rate=20 * pq.kHz, band=(None, None), threshold=6)
    >>> trains[0].magnitude
    array([0.2 , 0.45])
    """
    source = _source(recording, signal)
    rate_hz = _rate_hz(source, sampling_rate)
    plan = _plan(rate_hz, threshold, polarity, band, refractory)
    n_samples, n_channels = _shape(source)
    nodes = _channels(source, n_channels)
    noise, filling = noise_levels(source, plan, nodes)
    peaks: list[list[NDArray[np.int64]]] = [[] for _ in range(n_channels)]
    for start, stop, samples in _chunks(source, plan):
        lost = unrecorded(samples, filling, plan.rate_hz)
        for channels, filtered, first in _filtered(bridged(samples, lost), start, plan):
            found = _peaks(filtered, plan.threshold * noise[channels], plan)
            for channel, times in zip(range(n_channels)[channels], found, strict=True):
                inside = times[(times + first >= start) & (times + first < stop)]
                peaks[channel].append(inside[~lost[inside, channel]] + first)
    return _trains(peaks, nodes, noise, source, plan, n_samples)


def _source(recording: Any, name: str | None) -> Any:
    if hasattr(recording, "segments"):
        require_segment(recording, "detect_spikes")
    if not hasattr(recording, "analogsignals"):
        plain = plain_array(recording, "the raw voltage")
        return plain if hasattr(plain, "shape") else np.asarray(plain)
    signals = list(recording.analogsignals)
    raw = [item for item in signals if item.annotations.get("role") == "raw"]
    if not raw and not any("role" in item.annotations for item in signals):
        raw = signals
    if name is not None:
        raw = [item for item in raw if item.name == name]
    if len(raw) != 1:
        listing = some(str(item.name) for item in raw) if raw else "none"
        asked = f" named '{name}'" if name is not None else ""
        raise InputError(
            f"Spikes are detected in one raw signal; this segment has {len(raw)}{asked} "
            f"({listing}). Choose one by name: signal='…', detect_signal=… where spikes are "
            "detected on reading (--option detect_signal=…), or annotate it with role='raw'."
        )
    return raw[0]


def _rate_hz(source: Any, given: Any) -> float:
    value: Any = given if given is not None else getattr(source, "sampling_rate", None)
    if not hasattr(value, "rescale"):
        raise InputError(
            "An array needs its sampling rate with a unit: sampling_rate=20 * quantities.kHz."
        )
    rate = float(np.ravel(value.rescale("Hz").magnitude)[0])
    if not (np.isfinite(rate) and rate > 0):
        raise InputError(f"sampling_rate must be positive, got {rate:g} Hz.")
    return rate


def _shape(source: Any) -> tuple[int, int]:
    shape = tuple(source.shape)
    if len(shape) != 2 or 0 in shape:
        raise InputError(
            f"Raw voltage must have shape (n_samples, n_channels), got {shape}. Reshape it."
        )
    if shape[0] < shape[1]:
        raise InputError(
            f"Raw voltage of shape {shape} has fewer samples than channels. Its axes are "
            "(n_samples, n_channels): pass samples.T, or a longer recording."
        )
    return shape


def _plan(
    rate_hz: float, threshold: float, polarity: str, band: Any, refractory: Any
) -> DetectionPlan:
    one_of(polarity, _POLARITIES, "polarity")
    positive_number(threshold, "threshold")
    wait_s = 1e-3 if refractory is None else duration_s(refractory, "refractory")
    sos, low_hz = _filter(rate_hz, band)
    wait = max(1, round(wait_s * rate_hz))
    return DetectionPlan(
        rate_hz=rate_hz,
        sos=sos,
        margin=wait + (int(np.ceil(_MARGIN_PERIODS * rate_hz / low_hz)) if sos is not None else 0),
        refractory=wait,
        polarity=_POLARITIES[polarity],
        threshold=float(threshold),
    )


def _filter(rate_hz: float, band: Any) -> tuple[NDArray[np.float64] | None, float]:
    from scipy.signal import butter

    if band is None:
        limits = [300.0, min(3000.0, 0.45 * rate_hz)]
    elif len(band) == 2 and all(value is None for value in band):
        return None, 0.0
    else:
        limits = [_hertz(value) for value in band]
    if not (len(limits) == 2 and 0 < limits[0] < limits[1] < rate_hz / 2):
        raise InputError(
            f"band must rise within 0 Hz and half the sampling rate ({rate_hz / 2:g} Hz), got "
            f"{' to '.join(f'{value:g} Hz' for value in limits)}. Choose band=(low, high), or "
            "band=(None, None) to leave the samples as they are."
        )
    sos = butter(_FILTER_ORDER, limits, btype="bandpass", fs=rate_hz, output="sos")
    return sos, limits[0]


def _hertz(value: Any) -> float:
    try:
        return float(value.rescale("Hz").magnitude)
    except (AttributeError, ValueError):
        raise InputError(
            f"band must be two frequencies with a unit, such as 300 * quantities.Hz, got {value!r}."
        ) from None


def _channels(source: Any, n_channels: int) -> Nodes:
    """Take the identity of the channels from our annotations, else from Neo's own."""
    arrays = dict(getattr(source, "array_annotations", None) or {})
    if "node_id" in arrays:
        nodes = nodes_of_signal(source)
        return Nodes(
            ids=nodes.ids, kind="channel", groups=nodes.groups, positions_um=nodes.positions_um,
            rows=nodes.rows, table=nodes.table,
        )  # fmt: skip
    for key in ("channel_ids", "channel_names"):
        ids = [str(value) for value in arrays.get(key, ())]
        if len(ids) == n_channels and len(set(ids)) == n_channels:
            return Nodes(ids=ids, kind="channel")
    return Nodes(ids=[str(index) for index in range(n_channels)], kind="channel")


def _chunks(source: Any, plan: DetectionPlan) -> Iterator[tuple[int, int, NDArray[Any]]]:
    """Give the limits of each chunk and its samples with a margin on both sides."""
    n_samples, n_channels = source.shape
    length = max(_SAMPLES_AT_ONCE // n_channels, 4 * plan.margin, 1)
    nodes = _channels(source, n_channels)
    for start in range(0, n_samples, length):
        stop = min(start + length, n_samples)
        first, last = max(start - plan.margin, 0), min(stop + plan.margin, n_samples)
        yield start, stop, finite_samples(load_samples(source, first, last), nodes)


def _filtered(
    samples: NDArray[Any], start: int, plan: DetectionPlan
) -> Iterator[tuple[slice, NDArray[np.float64], int]]:
    first = max(start - plan.margin, 0)
    for channels in channel_groups(samples.shape[1]):
        yield channels, run_filter(samples[:, channels], plan), first


def _peaks(
    filtered: NDArray[np.float64], heights: NDArray[np.float64], plan: DetectionPlan
) -> list[NDArray[np.int64]]:
    """Find the samples of each channel that exceed its height and all their neighbours."""
    values = np.abs(filtered) if plan.polarity == 0 else filtered * plan.polarity
    found = []
    for column, height in zip(values.T, heights, strict=True):
        padded = np.pad(column, plan.refractory, constant_values=-np.inf)
        candidates = np.flatnonzero(column >= height)
        neighbours = np.lib.stride_tricks.sliding_window_view(padded, 2 * plan.refractory + 1)
        around = neighbours[candidates]
        centre = column[candidates]
        # Of equal neighbours the first counts.
        before = around[:, : plan.refractory].max(axis=1, initial=-np.inf)
        after = around[:, plan.refractory + 1 :].max(axis=1, initial=-np.inf)
        found.append(candidates[(centre > before) & (centre >= after)])
    return found


def _trains(
    peaks: list[list[NDArray[np.int64]]],
    nodes: Nodes,
    noise: NDArray[np.float64],
    source: Any,
    plan: DetectionPlan,
    n_samples: int,
) -> list[neo.SpikeTrain]:
    import quantities as pq

    first = getattr(source, "t_start", None)
    start_s = 0.0 if first is None else float(first.rescale("s").magnitude)
    trains = []
    for index, parts in enumerate(peaks):
        train = make_spiketrain(
            start_s + np.concatenate(parts) / plan.rate_hz,
            nodes,
            index,
            t_start_s=start_s,
            t_stop_s=start_s + n_samples / plan.rate_hz,
            noise_level=float(noise[index]) if np.isfinite(noise[index]) else 0.0,
            threshold=plan.threshold,
        )
        train.sampling_rate = plan.rate_hz * pq.Hz
        trains.append(train)
    return trains


def detect_on_reading(block: neo.Block, *, detect: Any, detect_signal: str | None = None) -> None:
    """
    Detect the spikes of a recording that holds raw voltage alone.

    Parameters
    ----------
    block : neo.Block
        The recording; its segments without spike trains get them.
    detect : bool or float
        Threshold in standard deviations of the noise, or True for that of :func:`detect_spikes`.
    detect_signal : str, optional
        Name of the raw signal, where there are several.

    Raises
    ------
    InputError
        If it is no threshold, every segment holds spike trains already, or as
        :func:`detect_spikes`.
    """
    if detect is False and detect_signal is None:
        return
    if not isinstance(detect, bool):
        positive_number(detect, "detect")
    if block.segments and all(len(segment.spiketrains) for segment in block.segments):
        raise InputError(
            "The recording holds spike trains already; detect is for raw voltage alone. Leave it "
            "out."
        )
    options: dict[str, Any] = {} if isinstance(detect, bool) else {"threshold": float(detect)}
    for segment in block.segments:
        if not len(segment.spiketrains):
            found = detect_spikes(segment, signal=detect_signal, **options)
            segment.spiketrains.extend(found)
