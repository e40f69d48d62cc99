"""Which part of a recording was asked for, and spike tables split into one train per node."""

from __future__ import annotations

import inspect
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some, time_s
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.io.blocks import make_spiketrain

if TYPE_CHECKING:
    import neo

__all__ = [
    "asked_pitch_um",
    "asked_span_s",
    "choose",
    "in_span",
    "refuse_unknown",
    "span_within",
    "spiketrains_of_table",
]

# Limits typed as decimals may miss the end of a recording by rounding.
_ROUNDING_S = 1e-6


def asked_pitch_um(pitch: Any, example: str) -> float | None:
    """
    Convert the distance of neighbouring electrodes that was given for an array.

    Parameters
    ----------
    pitch : quantities.Quantity, optional
        The distance.
    example : str
        One such distance, for the message.

    Returns
    -------
    float or None
        The distance in micrometres; None where none was given.

    Raises
    ------
    InputError
        If it is no positive length.
    """
    if pitch is None:
        return None
    try:
        value = float(pitch.rescale("um").magnitude)
    except (AttributeError, ValueError, TypeError):
        value = float("nan")
    if not 0 < value < float("inf"):
        raise InputError(f"electrode_pitch must be a length, such as {example}, got {pitch!r}.")
    return value


def refuse_unknown(adapter: Any, unknown: Iterable[str]) -> None:
    """
    Refuse options that an adapter does not have, and say which it has.

    Parameters
    ----------
    adapter : Reader
        The adapter; its options are the arguments of ``read`` that have a name.
    unknown : iterable of str
        Options left over.

    Raises
    ------
    InputError
        If there is any.
    """
    names = sorted(unknown)
    if names:
        arguments = inspect.signature(adapter.read).parameters.values()
        known = [item.name for item in arguments if item.kind is item.KEYWORD_ONLY]
        raise InputError(
            f"The adapter '{adapter.name}' has no option {some(names)}. It has: "
            f"{some(known, 12) or 'none'}."
        )


def asked_span_s(t_start: Any, t_stop: Any) -> tuple[float, float]:
    """
    Turn the options ``t_start`` and ``t_stop`` into seconds.

    Parameters
    ----------
    t_start, t_stop : quantities.Quantity or None
        Limits with a unit of time.

    Returns
    -------
    tuple of float
        Start and stop, infinite where nothing is asked for.

    Raises
    ------
    InputError
        If a limit has no unit of time, or the stop does not lie behind the start.
    """
    start = -math.inf if t_start is None else time_s(t_start, "t_start")
    stop = math.inf if t_stop is None else time_s(t_stop, "t_stop")
    if not start < stop:
        raise InputError(f"t_stop must lie after t_start, got {start:g} s to {stop:g} s.")
    return start, stop


def span_within(
    asked: tuple[float, float], limits: tuple[float, float], file_name: str
) -> tuple[float, float]:
    """
    Fit the span that was asked for into the limits of a recording.

    Parameters
    ----------
    asked : tuple of float
        Start and stop in seconds, infinite where nothing is asked for.
    limits : tuple of float
        Start and stop of the recording in seconds.
    file_name : str
        Name of the file, for the message.

    Returns
    -------
    tuple of float
        Start and stop of the part in seconds.

    Raises
    ------
    InputError
        If the span reaches out of the recording.
    """
    start = limits[0] if math.isinf(asked[0]) else asked[0]
    stop = limits[1] if math.isinf(asked[1]) else asked[1]
    if start < limits[0] - _ROUNDING_S or stop > limits[1] + _ROUNDING_S or not start < stop:
        raise InputError(
            f"'{file_name}' was recorded from {limits[0]:g} s to {limits[1]:g} s; {start:g} s to "
            f"{stop:g} s is no part of it. Choose t_start and t_stop within it."
        )
    return start, stop


def in_span(times_s: NDArray[np.float64], span: tuple[float, float]) -> NDArray[np.bool_]:
    """
    Say which times lie in a half-open span.

    Parameters
    ----------
    times_s : numpy.ndarray
        Times in seconds.
    span : tuple of float
        Start and stop in seconds.

    Returns
    -------
    numpy.ndarray of bool
        True from the start up to, but not including, the stop.
    """
    return (times_s >= span[0]) & (times_s < span[1])


def choose(
    wanted: Sequence[Any] | Any | None, known: Sequence[str], what: str, file_name: str
) -> list[int]:
    """
    Find the names that were asked for.

    Parameters
    ----------
    wanted : sequence of str or int, or one of them, optional
        Names; all by default.
    known : sequence of str
        Names in the file.
    what : str
        What is named, in the singular, for the message.
    file_name : str
        Name of the file, for the message.

    Returns
    -------
    list of int
        Positions among the known names, in their order.

    Raises
    ------
    InputError
        If nothing is asked for, or a name is unknown.
    """
    if wanted is None:
        return list(range(len(known)))
    listed = [wanted] if isinstance(wanted, str | int | np.integer) else list(wanted)
    names = {str(item) for item in listed}
    missing = sorted(names - set(known))
    if missing or not names:
        raise InputError(
            f"'{file_name}' has no {what} {some(missing) if missing else 'in an empty list'}. "
            f"Choose among {some(known, limit=12)}."
        )
    return [index for index, name in enumerate(known) if name in names]


def spiketrains_of_table(
    times_s: NDArray[np.float64],
    owners: NDArray[np.int64],
    nodes: Nodes,
    span: tuple[float, float],
    *,
    sampling_rate_hz: float | None = None,
    annotations: Sequence[Mapping[str, Any]] | None = None,
    arrays: Mapping[str, NDArray[Any]] | None = None,
) -> list[neo.SpikeTrain]:
    """
    Split a table of spikes, whose rows may stand in any order, into one train per node.

    Parameters
    ----------
    times_s : numpy.ndarray, shape (n_spikes,)
        Time of each spike in seconds.
    owners : numpy.ndarray of int, shape (n_spikes,)
        Position of its node.
    nodes : Nodes
        All nodes.
    span : tuple of float
        Limits of the trains in seconds; spikes outside are left out.
    sampling_rate_hz : float, optional
        Sampling rate of the device.
    annotations : sequence of mapping, optional
        More that is known of each node.
    arrays : mapping of str to numpy.ndarray, optional
        More that is known of each spike, shape (n_spikes,), such as its amplitude.

    Returns
    -------
    list of neo.SpikeTrain
        One per node.

    Raises
    ------
    FileFormatError
        If a time is not finite.
    """
    import quantities as pq

    if not np.isfinite(times_s).all():
        raise FileFormatError(
            f"{int((~np.isfinite(times_s)).sum())} of {len(times_s)} spike times are not finite. "
            "Correct the file."
        )
    inside = in_span(times_s, span)
    times_s, owners = times_s[inside], owners[inside]
    order = np.lexsort((times_s, owners))
    ends = np.cumsum(np.bincount(owners, minlength=len(nodes)))[:-1]
    split = {name: np.split(values[inside][order], ends) for name, values in (arrays or {}).items()}
    trains = []
    for index, times in enumerate(np.split(times_s[order], ends)):
        about = dict(annotations[index]) if annotations else {}
        if split:
            about["array_annotations"] = {name: parts[index] for name, parts in split.items()}
        if sampling_rate_hz is not None:
            about["sampling_rate"] = sampling_rate_hz * pq.Hz
        trains.append(
            make_spiketrain(times, nodes, index, t_start_s=span[0], t_stop_s=span[1], **about)
        )
    return trains
