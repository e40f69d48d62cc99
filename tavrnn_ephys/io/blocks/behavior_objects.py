"""Behaviour in arrays as Neo objects: numbers are signals, text is epochs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.plain_arrays import plain_array
from tavrnn_ephys.io.blocks.objects import make_signal

if TYPE_CHECKING:
    import neo

__all__ = ["add_behavior"]


def add_behavior(
    segment: neo.Segment, behavior: Mapping[str, Any], rate_hz: float | None, t_start_s: float
) -> None:
    """
    Add behaviour at a fixed rate to a segment.

    Parameters
    ----------
    segment : neo.Segment
        Gets a signal for each array of numbers, and an epoch for each array of text.
    behavior : mapping of str to array_like, shape (n_samples,) or (n_samples, n_columns)
        The behaviour.
    rate_hz : float or None
        Samples per second; needed.
    t_start_s : float
        Time of the first sample in seconds.

    Raises
    ------
    InputError
        If there is no rate, or an array is neither numbers nor one text per sample.
    """
    if hasattr(behavior, "items") and not behavior:
        return
    if rate_hz is None:
        raise InputError("behavior beside spike_times needs behavior_rate, such as 60 * pq.Hz.")
    if not hasattr(behavior, "items"):
        raise InputError(
            f"behavior must be a mapping of names to arrays, got {type(behavior).__name__}."
        )
    for name, values in behavior.items():
        if isinstance(values, np.ma.MaskedArray) and values.dtype.kind in "biuf":
            values = np.ma.filled(values.astype(np.float64), np.nan)
        array = np.asarray(plain_array(getattr(values, "magnitude", values), f"'{name}'"))
        if array.dtype.kind in "US" or (array.dtype.kind == "O" and _holds_text(array)):
            segment.epochs.append(_runs(str(name), array, rate_hz, t_start_s))
        else:
            unit = values.dimensionality.string if hasattr(values, "dimensionality") else ""
            signal = make_signal(
                _numbers(str(name), array),
                name=str(name),
                role="behavior",
                t_start_s=t_start_s,
                sampling_rate_hz=rate_hz,
                units=unit or "dimensionless",
            )
            segment.analogsignals.append(signal)


def _holds_text(array: NDArray[Any]) -> bool:
    return any(isinstance(value, str) for value in array.ravel())


def _numbers(name: str, array: NDArray[Any]) -> NDArray[np.float64]:
    if array.ndim not in (1, 2) or array.size == 0 or array.dtype.kind not in "biufO":
        raise InputError(
            f"The behaviour '{name}' has shape {array.shape} and type {array.dtype}; numbers or "
            "texts of shape (n_samples,) or (n_samples, n_columns) are needed."
        )
    try:
        # None becomes NaN, which is left out of every mean.
        return array.astype(np.float64)
    except (TypeError, ValueError):
        raise InputError(
            f"The behaviour '{name}' holds neither numbers nor one text per sample."
        ) from None


def _runs(name: str, labels: NDArray[Any], rate_hz: float, t_start_s: float) -> neo.Epoch:
    """One interval for each run of one label."""
    import neo
    import quantities as pq

    if labels.ndim != 1:
        raise InputError(
            f"The behaviour '{name}' is text of shape {labels.shape}; one label per sample, "
            "(n_samples,), is needed."
        )
    texts = np.array([_text(value) for value in labels], dtype=str)
    first = np.flatnonzero(np.append(True, texts[1:] != texts[:-1]))
    last = np.append(first[1:], len(texts))
    named = texts[first] != ""
    if not named.any():
        raise InputError(f"The behaviour '{name}' holds no label: every text is empty.")
    first, last = first[named], last[named]
    return neo.Epoch(
        times=(t_start_s + first / rate_hz) * pq.s,
        durations=((last - first) / rate_hz) * pq.s,
        labels=texts[first],
        name=name,
    )


def _text(value: Any) -> str:
    if value is None or (isinstance(value, float) and np.isnan(value)):
        return ""
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
