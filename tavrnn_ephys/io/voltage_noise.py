"""The noise of each channel of raw voltage, and the filter in front of it."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.io.filling import bridged, filling_values, unrecorded
from tavrnn_ephys.io.lazy_signals import load_samples

__all__ = ["DetectionPlan", "channel_groups", "finite_samples", "noise_levels", "run_filter"]

# The median of |x| of Gaussian noise is this part of its standard deviation.
_MAD_OF_GAUSSIAN = 0.6744897501960817
_NOISE_CHUNKS = 20
_NOISE_CHUNK_S = 0.5
# Noise that is estimated from less than this share of a channel is that of the spikes in it.
_LEAST_RECORDED = 0.1
# Channels filtered at once.
_CHANNELS_AT_ONCE = 32
# Every sixth sample says nearly as much of the noise, at a sixth of the memory.
_EVERY = 6
# Stretches whose noise is this small a part of the loudest were not recorded: amplifiers differ
# from moment to moment by a factor of two or three.
_QUIET_STRETCH_S, _QUIET, _FEWEST_STRETCHES = 0.02, 0.05, 10
# Beyond these sizes the squares of voltages leave the range of numbers.
_SMALLEST_VALUE, _LARGEST_VALUE = 1e-30, 1e30
# Every so many samples tell how often each value occurs, in a few thousand of them.
_THINNING = 29


@dataclass(frozen=True, kw_only=True)
class DetectionPlan:
    """
    How to detect, in samples.

    Parameters
    ----------
    rate_hz : float
        Samples per second.
    sos : numpy.ndarray or None
        Second-order sections of the band-pass; ``None`` for no filter.
    margin : int
        Samples after which the filter has forgotten the edge of a chunk.
    refractory : int
        Samples within which only the highest peak counts.
    polarity : float
        -1 for negative peaks, 1 for positive ones, 0 for both.
    threshold : float
        Smallest height in standard deviations of the noise.
    """

    rate_hz: float
    sos: NDArray[np.float64] | None
    margin: int
    refractory: int
    polarity: float
    threshold: float


def noise_levels(
    source: Any, plan: DetectionPlan, nodes: Nodes
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """
    Estimate the noise of each channel from what was recorded.

    Parameters
    ----------
    source : object
        Raw voltage, shape (n_samples, n_channels), loaded or lazy.
    plan : DetectionPlan
        The filter.
    nodes : Nodes
        The channels.

    Returns
    -------
    levels : numpy.ndarray of float64
        Standard deviation of the noise, shape (n_channels,); infinite where none can be told.
    filling : numpy.ndarray of float64
        Value that stands for samples that were not recorded, shape (n_channels,), NaN where
        there is none.

    Raises
    ------
    InputError
        If samples are not finite, unfiltered channels do not vary around zero, or all channels
        hold a filling value for most of the time.

    Warns
    -----
    DataLossWarning
        If channels are constant, or filled for most of the time.
    """
    few = [samples[::_THINNING] for samples in _stretches(source, plan, nodes)]
    filling = filling_values(np.concatenate(few))
    magnitudes: list[list[NDArray[np.float32]]] = [[] for _ in range(len(nodes))]
    varies, n_looked_at = np.zeros(len(nodes), dtype=bool), 0
    for samples in _stretches(source, plan, nodes):
        # Of a constant channel the filter leaves rounding errors, which are no noise.
        varies |= _varies(samples, nodes)
        lost = unrecorded(samples, filling, plan.rate_hz)
        whole, n_looked_at = bridged(samples, lost), n_looked_at + len(samples[::_EVERY])
        for channels in channel_groups(len(nodes)):
            part = run_filter(whole[:, channels], plan)[::_EVERY].astype(np.float32)
            for column, channel in enumerate(range(len(nodes))[channels]):
                magnitudes[channel].append(part[~lost[::_EVERY, channel], column])
    known = [_without_quiet_stretches(np.concatenate(items), plan) for items in magnitudes]
    share = np.array([len(item) / n_looked_at for item in known])
    levels = np.array([_middle(np.abs(item)) for item in known])
    if plan.sos is None:
        _require_centred(np.array([_middle(item) for item in known]), levels, nodes)
    dead = ~varies | ((levels <= 0) & (share >= _LEAST_RECORDED))
    blank = ~dead & (share < _LEAST_RECORDED)
    _tell_silent_channels(dead, blank, nodes)
    return np.where(dead | blank, np.inf, levels / _MAD_OF_GAUSSIAN), filling


def _varies(samples: NDArray[Any], nodes: Nodes) -> NDArray[np.bool_]:
    """Say which channels vary, and refuse those whose noise no number can hold."""
    # Compared, not subtracted: the difference of narrow integers wraps to zero.
    low, high = samples.min(axis=0), samples.max(axis=0)
    varies = np.asarray(high > low)
    if samples.dtype.kind == "f":
        largest = np.maximum(np.abs(low), np.abs(high)).astype(np.float64)
        odd = (largest > _LARGEST_VALUE) | (varies & (largest < _SMALLEST_VALUE))
        if odd.any():
            raise InputError(
                f"Samples of {int(odd.sum())} channels reach {largest[odd][0]:.2g} "
                f"({some(nodes.ids[odd])}), which is no voltage in any unit. Check the conversion."
            )
    return varies


def _without_quiet_stretches(
    values: NDArray[np.float32], plan: DetectionPlan
) -> NDArray[np.float32]:
    """
    Leave out stretches that hold no noise, though no value repeats in them.

    Gaps that were bridged by a line or dithered are far quieter than the amplifier ever is.
    """
    length = max(8, round(_QUIET_STRETCH_S * plan.rate_hz / _EVERY))
    rows = values[: len(values) // length * length].reshape(-1, length)
    if len(rows) < _FEWEST_STRETCHES:
        return values
    levels = np.median(np.abs(rows), axis=1)
    quiet = levels < _QUIET * np.quantile(levels, 1 - _LEAST_RECORDED)
    return values if not quiet.any() else rows[~quiet].ravel()


def _middle(values: NDArray[np.float32]) -> float:
    return float(np.median(values)) if len(values) else 0.0


def _require_centred(
    centres: NDArray[np.float64], levels: NDArray[np.float64], nodes: Nodes
) -> None:
    """Refuse an offset, which the median of absolute values would take for noise."""
    off = np.abs(centres) > 0.5 * levels
    if off.any():
        raise InputError(
            f"Unfiltered, {int(off.sum())} of {len(nodes)} channels do not vary around zero "
            f"({some(nodes.ids[off])}), so that their noise cannot be told. Leave out "
            "band=(None, None), or subtract the offset of each channel."
        )


def _stretches(source: Any, plan: DetectionPlan, nodes: Nodes) -> Iterator[NDArray[Any]]:
    """Load stretches that are spread over the recording, one after the other."""
    n_samples = source.shape[0]
    length = min(n_samples, max(int(_NOISE_CHUNK_S * plan.rate_hz), 4 * plan.margin))
    n_chunks = max(1, min(_NOISE_CHUNKS, n_samples // length))
    starts = np.linspace(0, n_samples - length, n_chunks).astype(int)
    for start in starts:
        yield finite_samples(load_samples(source, int(start), int(start) + length), nodes)


def _tell_silent_channels(dead: NDArray[np.bool_], blank: NDArray[np.bool_], nodes: Nodes) -> None:
    if blank.any() and (dead | blank).all():
        raise InputError(
            f"{int(blank.sum())} of {len(nodes)} channels hold a filling value for more than "
            f"{1 - _LEAST_RECORDED:.0%} of the time ({some(nodes.ids[blank])}), as event-based "
            "recordings do: their noise cannot be estimated, and no spike be told from it. Take "
            "the spikes that the acquisition program stored."
        )
    for chosen, what in (
        (dead, "are constant"),
        (blank, f"hold a filling value for more than {1 - _LEAST_RECORDED:.0%} of the time"),
    ):
        if chosen.any():
            warnings.warn(
                f"{int(chosen.sum())} of {len(nodes)} channels {what} and have no spikes: "
                f"{some(nodes.ids[chosen])}.",
                DataLossWarning,
                stacklevel=4,
            )


def finite_samples(samples: NDArray[Any], nodes: Nodes) -> NDArray[Any]:
    """
    Return samples that are finite.

    Parameters
    ----------
    samples : numpy.ndarray, shape (n_samples, n_channels)
        Raw voltage.
    nodes : Nodes
        The channels, for the message.

    Returns
    -------
    numpy.ndarray
        The samples themselves.

    Raises
    ------
    InputError
        If a sample is NaN or infinite.
    """
    if samples.dtype.kind not in "biuf":
        raise InputError(
            f"Raw voltage must be real numbers, got the type {samples.dtype}. Convert it first."
        )
    if samples.dtype.kind == "b":
        raise InputError(
            "Raw voltage cannot be truth values. Pass the samples themselves, or spike times."
        )
    if samples.dtype.kind == "f" and not np.isfinite(samples).all():
        bad = ~np.isfinite(samples).all(axis=0)
        raise InputError(
            f"Samples of {int(bad.sum())} channels are not finite ({some(nodes.ids[bad])}). "
            "Leave these channels out, or replace the samples."
        )
    return samples


def channel_groups(n_channels: int) -> Iterator[slice]:
    """
    Cut channels into groups that are filtered at once.

    Parameters
    ----------
    n_channels : int
        Number of channels.

    Yields
    ------
    slice
        Positions of a group.
    """
    for first in range(0, n_channels, _CHANNELS_AT_ONCE):
        yield slice(first, min(first + _CHANNELS_AT_ONCE, n_channels))


def run_filter(samples: NDArray[Any], plan: DetectionPlan) -> NDArray[np.float64]:
    """
    Filter along time.

    Parameters
    ----------
    samples : numpy.ndarray, shape (n_samples, n_channels)
        Raw voltage.
    plan : DetectionPlan
        The filter.

    Returns
    -------
    numpy.ndarray of float64
        Same shape; time lies last in memory, where the filter is fastest.
    """
    from scipy.signal import sosfiltfilt

    rows = np.ascontiguousarray(samples.T, dtype=np.float64)
    if plan.sos is None:
        return rows.T
    padding = min(plan.margin, rows.shape[1] - 1)
    return sosfiltfilt(plan.sos, rows, axis=1, padlen=padding).T
