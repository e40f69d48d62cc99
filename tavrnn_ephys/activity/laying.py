"""Windows as a specification asks for: sliding, per interval, around events, or per run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import quantities as pq
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior.finding import find_behavior, find_intervals, find_times
from tavrnn_ephys.activity.windows import (
    epoch_windows,
    event_windows,
    label_windows,
    sliding_windows,
)
from tavrnn_ephys.core.containers import BinnedActivity, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.spec import WindowSpec

if TYPE_CHECKING:
    import neo

__all__ = ["lay_windows"]


def lay_windows(
    segment: neo.Segment,
    activity: BinnedActivity,
    spec: WindowSpec,
    within: NDArray[np.float64] | None = None,
) -> Windows:
    """
    Lay windows over a segment as a specification asks for.

    Parameters
    ----------
    segment : neo.Segment
        The segment, with the intervals and behaviours that the specification names.
    activity : BinnedActivity
        Its activity.
    spec : WindowSpec
        Which windows.
    within : numpy.ndarray, shape (n_stretches, 2), optional
        Stretches of time in seconds inside which they lie; the whole segment by default.

    Returns
    -------
    Windows
        The windows, with the column ``label`` where intervals, events or runs have one.

    Raises
    ------
    InputError
        If there is no table or behaviour of the name, or no window is left.

    Warns
    -----
    DataLossWarning
        If intervals, events or runs make no window.
    """
    if spec.is_sliding:
        length, step = (spec.window_length_s or 0.0) * pq.s, (spec.step_s or 0.0) * pq.s
        return sliding_windows(activity, window_length=length, step=step, within=within)
    if spec.intervals is not None:
        return epoch_windows(find_intervals(segment, spec.intervals), activity, within=within)
    if spec.around is not None:
        before, after = (spec.before_s or 0.0) * pq.s, (spec.after_s or 0.0) * pq.s
        events = find_times(segment, spec.around)
        return event_windows(events, activity, before=before, after=after, within=within)
    return _runs(segment, activity, spec.runs_of or "", within)


def _runs(
    segment: neo.Segment, activity: BinnedActivity, name: str, within: NDArray[np.float64] | None
) -> Windows:
    """Lay a window over each run of one value of a signal, or of one label of intervals."""
    kind, found, label = find_behavior(segment, name)
    if kind == "epoch":
        return epoch_windows(find_intervals(segment, name), activity, within=within)
    if kind not in ("signal", "state"):
        raise InputError(
            f"'{name}' has no runs: it is a measure of events. Name a signal or intervals, or lay "
            "windows around its events."
        )
    times_s, values, _ = found

    def label_of(samples: NDArray[np.float64]) -> NDArray[np.str_]:
        texts = np.array(
            ["" if np.isnan(value) else f"{value:.15g}" for value in samples], dtype=str
        )
        return np.where(texts == label, texts, "") if label else texts

    return label_windows(
        np.asarray(values), activity, label_of=label_of, times=times_s * pq.s, within=within
    )
