"""Windows laid where something happens: intervals, runs of a label, events."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.windows.bins import snap_to_bins, windows_of_bins
from tavrnn_ephys.activity.windows.holding import held_until_s, in_order_of_time, known_intervals
from tavrnn_ephys.core.checks import duration_s, some, time_s, whole_bins
from tavrnn_ephys.core.containers import BinnedActivity, Windows
from tavrnn_ephys.core.errors import InputError

__all__ = ["epoch_windows", "event_windows", "label_windows"]

# Times this close are one time.
_SAME_S = 1e-9


def epoch_windows(
    epoch: Any,
    activity: BinnedActivity,
    *,
    labels: Any = None,
    min_length: Any = None,
    snap: str = "inside",
    within: Any = None,
) -> Windows:
    """
    Lay one window over each interval of an epoch.

    Parameters
    ----------
    epoch : neo.Epoch
        Intervals on the clock of the recording; they may overlap.
    activity : BinnedActivity
        The segment, whose bins the windows consist of.
    labels : sequence of str, optional
        Only intervals with these labels; all by default.
    min_length : quantities.Quantity, optional
        Windows shorter than this are left out.
    snap : {"inside", "nearest", "exact"}
        The bins that lie inside the interval as a whole; those between the nearest limits of
        bins; or an error where an interval cuts through a bin.
    within : neo.Epoch or array_like, shape (n_stretches, 2), optional
        Stretches of time in one of which a window must lie; the whole segment by default.

    Returns
    -------
    Windows
        One per interval that lies in the segment, by start, with the column ``label``.

    Raises
    ------
    InputError
        If a label does not occur, or no window is left.

    Warns
    -----
    DataLossWarning
        If intervals are left out, because they reach beyond the segment, are too short, or lack
        a start or stop time.

    Examples
    --------
    >>> import neo
    >>> import quantities as pq
    >>> from tavrnn_ephys.core.containers import Nodes
    >>> activity = BinnedActivity(
    ...     values=np.zeros((2, 20)), bin_size_s=0.5, nodes=Nodes(ids=["a", "b"])
    ... )
    >>> epoch = neo.Epoch([1.2, 6] * pq.s, [3, 2] * pq.s, labels=["rest", "play"])
    >>> windows = epoch_windows(epoch, activity)
    >>> windows.start_s, windows.stop_s, windows.columns["label"]
    (array([1.5, 6. ]), array([4., 8.]), array(['rest', 'play'], dtype='<U4'))
    """
    start_s = np.asarray(epoch.times.rescale("s").magnitude, dtype=np.float64)
    length_s = np.asarray(epoch.durations.rescale("s").magnitude, dtype=np.float64)
    names = _texts(epoch.labels, len(start_s))
    if labels is not None:
        missing = sorted(set(map(str, labels)) - set(names.tolist()))
        if missing:
            raise InputError(
                f"The epoch '{epoch.name}' has no label {some(missing)}; it has "
                f"{some(np.unique(names), 9)}."
            )
        chosen = np.isin(names, [str(label) for label in labels])
        start_s, length_s, names = start_s[chosen], length_s[chosen], names[chosen]
    whole = known_intervals(start_s, start_s + length_s, f"intervals of the epoch '{epoch.name}'")
    start_s, length_s, names = start_s[whole], length_s[whole], names[whole]
    ranges = snap_to_bins(start_s, start_s + length_s, activity, snap)
    return windows_of_bins(
        ranges,
        activity,
        what="intervals",
        min_length=min_length,
        columns={"label": names},
        within=within,
    )


def label_windows(
    signal: Any,
    activity: BinnedActivity,
    *,
    label_of: Callable[[NDArray[Any]], Any] | None = None,
    times: Any = None,
    min_length: Any = None,
    snap: str = "inside",
    within: Any = None,
) -> Windows:
    """
    Lay one window over each contiguous run of one label of a behaviour signal.

    A sample holds until the next one, at most 1.5 usual distances of samples, else one.  A run
    ends where the label changes, and at such a pause.

    Parameters
    ----------
    signal : neo.AnalogSignal, neo.IrregularlySampledSignal or array_like
        The behaviour, or the labels themselves; an array has one entry per sample.
    activity : BinnedActivity
        The segment, whose bins the windows consist of.
    label_of : callable, optional
        Turns the samples, shape (n_samples,) or (n_samples, n_channels), into one label each;
        an empty text or NaN is no label.  By default the samples are labels.
    times : quantities.Quantity, shape (n_samples,), optional
        Sample times of an array; by default one sample per bin.
    min_length : quantities.Quantity, optional
        Windows shorter than this are left out.
    snap : {"inside", "nearest", "exact"}
        As in :func:`epoch_windows`.
    within : neo.Epoch or array_like, shape (n_stretches, 2), optional
        Stretches of time in one of which a window must lie; the whole segment by default.

    Returns
    -------
    Windows
        One per run, chronological, with the column ``label``.

    Raises
    ------
    InputError
        If lengths differ, or no window is left.

    Warns
    -----
    DataLossWarning
        If runs are left out, because they reach beyond the segment or are too short.

    Notes
    -----
    The rat protocol of the TAVRNN paper takes the bins with positions below 0.2 m against those
    between 1.5 m and 1.7 m, one window per run.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import Nodes
    >>> activity = BinnedActivity(
    ...     values=np.zeros((2, 6)), bin_size_s=0.5, nodes=Nodes(ids=["a", "b"])
    ... )
    >>> position = np.array([0.1, 0.1, 0.8, 1.6, 1.6, 1.6])
    >>> ends = lambda x: np.select([x < 0.2, (x > 1.5) & (x < 1.7)], ["start", "end"], "")
    >>> windows = label_windows(position, activity, label_of=ends)
    >>> windows.columns["label"], windows.start_s, windows.stop_s
    (array(['start', 'end'], dtype='<U5'), array([0. , 1.5]), array([1., 3.]))
    """
    samples, times_s = _samples_of(signal, times, activity)
    times_s, samples = in_order_of_time(times_s, samples)
    labels = _texts(samples if label_of is None else label_of(samples), len(times_s))
    if len(times_s) < 2 or np.any(np.diff(times_s) <= 0):
        raise InputError("label_windows needs at least two samples, each at a time of its own.")
    until_s = held_until_s(times_s)
    lost = until_s[:-1] < times_s[1:] - _SAME_S
    first = np.flatnonzero(np.append(True, (labels[1:] != labels[:-1]) | lost))
    last = np.append(first[1:], len(labels)) - 1
    named = labels[first] != ""
    first, last = first[named], last[named]
    return windows_of_bins(
        snap_to_bins(times_s[first], until_s[last], activity, snap),
        activity,
        what="runs of a label",
        min_length=min_length,
        columns={"label": labels[first]},
        within=within,
    )


def event_windows(
    events: Any,
    activity: BinnedActivity,
    *,
    before: Any,
    after: Any,
    within: Any = None,
) -> Windows:
    """
    Lay one window around each event, all of one length.

    Parameters
    ----------
    events : neo.Event or quantities.Quantity, shape (n_events,)
        Times on the clock of the recording.
    activity : BinnedActivity
        The segment, whose bins the windows consist of.
    before, after : quantities.Quantity
        Time before and after each event, whole numbers of bins, one of them perhaps 0 or
        negative.  The event is moved to the nearest limit of a bin, at most half a bin.
    within : neo.Epoch or array_like, shape (n_stretches, 2), optional
        Stretches of time in one of which a window must lie; the whole segment by default.

    Returns
    -------
    Windows
        One per event whose window lies in the segment, by start, with the columns ``event_s``
        (the time of the event itself) and, for a :class:`neo.Event`, ``label``.

    Raises
    ------
    InputError
        If the window has no length, is no whole number of bins, or none lies in the segment.

    Warns
    -----
    DataLossWarning
        If events are left out, because their windows reach beyond the segment, or they have no
        time.

    Examples
    --------
    >>> import quantities as pq
    >>> from tavrnn_ephys.core.containers import Nodes
    >>> activity = BinnedActivity(
    ...     values=np.zeros((2, 20)), bin_size_s=0.5, nodes=Nodes(ids=["a", "b"])
    ... )
    >>> event_windows([2.1, 5] * pq.s, activity, before=1 * pq.s, after=2 * pq.s).start_s
    array([1., 4.])
    """
    try:
        times = events.times if hasattr(events, "labels") else events
        times_s = np.atleast_1d(np.asarray(times.rescale("s").magnitude, dtype=np.float64))
    except (AttributeError, ValueError):
        raise InputError(
            "events must be a neo.Event or times with a unit, such as [1, 2] * quantities.s."
        ) from None
    n_before = _signed_bins(before, activity.bin_size_s, "before")
    n_after = _signed_bins(after, activity.bin_size_s, "after")
    if n_before + n_after < 1:
        raise InputError("before and after leave the window no length. Make one of them longer.")
    known = known_intervals(times_s, times_s, "events")
    columns: dict[str, NDArray[Any]] = {"event_s": times_s[known]}
    if hasattr(events, "labels") and len(events.labels) == len(times_s):
        columns["label"] = _texts(events.labels, len(times_s))[known]
    times_s = times_s[known]
    middle = snap_to_bins(times_s, times_s, activity, "nearest")
    ranges = middle + np.array([-n_before, n_after])
    return windows_of_bins(ranges, activity, what="events", columns=columns, within=within)


def _signed_bins(value: Any, bin_size_s: float, name: str) -> int:
    seconds = time_s(value, name)
    if seconds == 0:
        return 0
    sign = 1 if seconds > 0 else -1
    return sign * whole_bins(duration_s(sign * value, name), bin_size_s, name)


def _samples_of(
    signal: Any, times: Any, activity: BinnedActivity
) -> tuple[NDArray[Any], NDArray[np.float64]]:
    """Read samples, those of one channel as a flat array, and their times."""
    if hasattr(signal, "times") and hasattr(signal, "magnitude"):
        samples = np.asarray(signal.magnitude)
        times_s = np.asarray(signal.times.rescale("s").magnitude, dtype=np.float64)
        return (samples[:, 0] if samples.shape[1] == 1 else samples), times_s
    samples = np.asarray(signal)
    if samples.ndim == 0:
        raise InputError(
            f"label_windows takes a signal or an array of samples, got {type(signal).__name__}."
        )
    if times is not None:
        times_s = np.asarray(times.rescale("s").magnitude, dtype=np.float64)
    else:
        bins = np.arange(activity.n_bins, dtype=np.float64)
        times_s = np.asarray(activity.t_start_s + bins * activity.bin_size_s)
    if len(samples) != len(times_s):
        whose = "times" if times is not None else "bins of the activity"
        raise InputError(f"The signal has {len(samples)} samples for {len(times_s)} {whose}.")
    return samples, times_s


def _texts(labels: Any, n_samples: int) -> NDArray[np.str_]:
    """One text per sample; NaN becomes an empty one, whole numbers lose their point."""
    array = np.asarray(labels)
    if array.shape != (n_samples,):
        if array.size == 0:
            return np.full(n_samples, "", dtype=str)
        raise InputError(
            f"Labels of shape {array.shape} stand for {n_samples} samples; one each is needed. "
            "Pass label_of."
        )
    if array.dtype.kind == "f":
        texts = np.array([f"{value:.15g}" for value in array], dtype=str)
        return np.where(np.isnan(array), "", texts)
    return np.array([str(value) for value in array], dtype=str)
