"""A recording played again, at any speed."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import quantities as pq

from tavrnn_ephys.activity.binning import bin_activity
from tavrnn_ephys.core.checks import positive_number
from tavrnn_ephys.core.containers import BinnedActivity
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.io.blocks import choose_segment
from tavrnn_ephys.io.reading import read
from tavrnn_ephys.streaming.chunks import Counts
from tavrnn_ephys.streaming.sources.contract import places_of
from tavrnn_ephys.streaming.updates import StreamInfo

__all__ = ["ReplaySource"]


class ReplaySource:
    """
    Bins of a recording, as if they were being recorded.

    Parameters
    ----------
    recording : str, pathlib.Path or BinnedActivity
        A file of any format that an adapter reads, or binned activity.
    speed : float, optional
        Seconds of the recording per second; as fast as they are taken by default.
    start_s : float, optional
        Time from which on bins are played; from the beginning by default.
    segment_index : int, optional
        Which segment of the file; the first by default.
    adapter : str, optional
        Adapter that reads the file; found by content by default.
    **options : object
        Options of the adapter.

    Raises
    ------
    InputError
        If the speed is not positive.

    Examples
    --------
    >>> import tavrnn_ephys as te
    >>> source = te.sources.replay("culture.nwb", speed=20.0)
    >>> source.is_live, source.can_wait
    (True, True)
    """

    can_wait = True

    def __init__(
        self,
        recording: str | Path | BinnedActivity,
        speed: float | None = None,
        *,
        start_s: float | None = None,
        segment_index: int | None = None,
        adapter: str | None = None,
        **options: Any,
    ) -> None:
        self.recording, self.start_s = recording, start_s
        self.speed = None if speed is None else positive_number(speed, "speed")
        self._reading = {"adapter": adapter, **options}
        self._segment_index = segment_index
        self._closed = threading.Event()
        named = recording if isinstance(recording, str | Path) else "binned activity"
        self.name = f"replay of '{named}'"

    @property
    def is_live(self) -> bool:
        """Whether bins come by a clock."""
        return self.speed is not None

    def open(self, info: StreamInfo) -> None:
        """
        Read and bin the recording.

        Parameters
        ----------
        info : StreamInfo
            What the stream expects.

        Raises
        ------
        InputError
            If it lacks nodes of the fit, or holds no spikes.
        """
        activity = self._binned(info)
        if activity.quantity != "spike_count":
            raise InputError(f"The {self.name} holds traces; a stream takes spikes.")
        if abs(activity.bin_size_s - info.bin_size_s) > 1e-9:
            way_out = "Bin it as the fit was."
            if info.bin_size_s < info.fit_bin_size_s:
                way_out = "Its lags are told in these: hand over the recording itself."
            raise InputError(
                f"The {self.name} has bins of {activity.bin_size_s:g} s, the stream "
                f"{info.bin_size_s:g} s. {way_out}"
            )
        self._rows = places_of(activity.nodes.ids, info, f"The {self.name}")
        self._activity = activity

    def _binned(self, info: StreamInfo) -> BinnedActivity:
        if isinstance(self.recording, BinnedActivity):
            return self.recording
        block = read(self.recording, **self._reading)
        index = choose_segment(block, self._segment_index, where=f"'{self.recording}'")
        return bin_activity(block.segments[index], bin_size=info.bin_size_s * pq.s)

    def chunks(self) -> Iterator[Counts]:
        """
        Play bin by bin.

        Yields
        ------
        Counts
            One bin.
        """
        activity, size = self._activity, self._activity.bin_size_s
        start = activity.t_start_s if self.start_s is None else self.start_s
        first = max(0, round((start - activity.t_start_s) / size))
        begun = time.perf_counter()
        for index in range(first, activity.n_bins):
            due = time.perf_counter()
            if self.speed is not None:
                # A bin is known when it has passed.
                due = begun + (index + 1 - first) * size / self.speed
                if self._closed.wait(max(0.0, due - time.perf_counter())):
                    return
            if self._closed.is_set():
                return
            counts = np.asarray(activity.read_bins(index, index + 1))[self._rows, 0]
            yield Counts(counts=counts, t_start_s=activity.t_start_s + index * size, received_s=due)

    def close(self) -> None:
        """Stop playing."""
        self._closed.set()
