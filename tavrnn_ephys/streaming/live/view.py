"""What a live page shows: the last bins, windows and events, in memory of fixed size."""

from __future__ import annotations

import json
import math
import struct
from collections import deque
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["LiveView"]

_MOST_ROWS = 512
_SHOWN_S, _FEWEST_COLUMNS, _MOST_COLUMNS = 30.0, 200, 1200
_N_WINDOWS = 120
_N_POINTS = 1200
_N_EVENTS = 12
#: Counts above it look alike; the next value stands for a bin that is missing or was not shown.
_LARGEST = 4
_UNKNOWN = _LARGEST + 1


class LiveView:
    r"""
    Everything that the page draws.

    Parameters
    ----------
    about : mapping of str to object
        ``n_nodes``, ``bin_size_s``, ``width`` (coordinates of a node) and ``title``.

    Examples
    --------
    >>> view = LiveView({"n_nodes": 2, "bin_size_s": 0.1, "width": 1, "title": "culture"})
    >>> view.take({"bins": [[0, 0.1, b"\x03\x00"], [1, 0.2, None]]})
    >>> view.raster[:, -2:].tolist()
    [[3, 5], [0, 5]]
    """

    def __init__(self, about: Mapping[str, Any]) -> None:
        self.about = dict(about)
        self.row_size = math.ceil(about["n_nodes"] / _MOST_ROWS)
        n_rows = math.ceil(about["n_nodes"] / self.row_size)
        n_columns = round(_SHOWN_S / about["bin_size_s"])
        n_columns = min(max(n_columns, _FEWEST_COLUMNS), _MOST_COLUMNS)
        self.raster = np.full((n_rows, n_columns), _UNKNOWN, np.uint8)
        self._n_bins, self._t_s = 0, math.nan
        self._windows = np.zeros((_N_WINDOWS, about["n_nodes"] * about["width"]), np.float32)
        self._stops: deque[float] = deque(maxlen=_N_WINDOWS)
        self._similarity = np.zeros((0, 0), np.int8)
        self._points: deque[tuple[float, float, float]] = deque(maxlen=_N_POINTS)
        self._events: deque[Any] = deque(maxlen=_N_EVENTS)
        self._facts: dict[str, Any] = {}
        self.ended = False

    def take(self, frame: Mapping[str, Any]) -> None:
        """
        Take in what happened since the last frame.

        Parameters
        ----------
        frame : mapping of str to object
            ``bins`` (number, end in seconds, and a byte per node or ``None``), ``points`` (end,
            latency in ms, score), ``commits`` (end, embedding as bytes of float32), ``events``
            and ``facts``; each may be left out.
        """
        for number, t_s, counts in list(frame.get("bins", ()))[-self.raster.shape[1] :]:
            self._show(int(number), counts)
            self._t_s = t_s
        self._points.extend(tuple(item) for item in frame.get("points", ()))
        self._remember(frame.get("commits", ()))
        for t_s, kind, text in frame.get("events", ()):
            # What is said again and again takes one line, with when it was said last.
            if self._events and self._events[-1][1:] == [kind, text]:
                self._events.pop()
            self._events.append([t_s, kind, text])
        self._facts.update(frame.get("facts", {}))

    def _show(self, number: int, counts: bytes | None) -> None:
        """Move the raster on to a bin; bins whose frames were dropped stay unknown."""
        shift = min(number + 1 - self._n_bins, self.raster.shape[1])
        if shift > 0:
            self.raster[:, :-shift] = self.raster[:, shift:]
            self.raster[:, -shift:] = _UNKNOWN
            self._n_bins = number + 1
        if counts is not None:
            padded = np.zeros(len(self.raster) * self.row_size, np.uint8)
            padded[: len(counts)] = np.frombuffer(counts, np.uint8)
            most = padded.reshape(-1, self.row_size).max(axis=1)
            self.raster[:, -1] = np.minimum(most, _LARGEST)

    def _remember(self, commits: Iterable[Any]) -> None:
        new = list(commits)[-_N_WINDOWS:]
        if not new:
            return
        self._windows[: -len(new)] = self._windows[len(new) :]
        for place, (stop_s, embedding) in enumerate(new, start=_N_WINDOWS - len(new)):
            self._windows[place] = np.frombuffer(embedding, np.float32)
            self._stops.append(stop_s)
        self._similarity = _similarity(self._windows[-len(self._stops) :])

    def message(self) -> bytes:
        """
        Say all of it to a browser.

        Returns
        -------
        bytes
            Length of a header, the header as JSON, the raster row by row as bytes, and the
            similarities in hundredths as signed bytes.
        """
        points = np.array(self._points, np.float64).reshape(-1, 3)
        header = {
            **self.about,
            **self._facts,
            "n_bins": self._n_bins,
            "t_s": self._t_s,
            "row_size": self.row_size,
            "raster": list(self.raster.shape),
            "stops": [stop - self._t_s for stop in self._stops],
            "times": (points[:, 0] - self._t_s).round(4).tolist(),
            "latency_ms": points[:, 1].round(3).tolist(),
            "score": points[:, 2].round(4).tolist(),
            "latency_median_ms": _percentile(points[:, 1], 50),
            "latency_p99_ms": _percentile(points[:, 1], 99),
            "events": list(self._events),
            "ended": self.ended,
        }
        text = json.dumps(_plain(header), allow_nan=False).encode()
        return b"".join(
            [struct.pack(">I", len(text)), text, self.raster.tobytes(), self._similarity.tobytes()]
        )


def _similarity(windows: NDArray[np.float32]) -> NDArray[np.int8]:
    """Correlate every two windows, each coordinate less its mean over them; in hundredths."""
    rows = windows - windows.mean(axis=0)
    size = np.sqrt(np.square(rows).sum(axis=1))
    rows /= np.maximum(size, np.float32(1e-12))[:, np.newaxis]
    return np.rint(100 * np.clip(rows @ rows.T, -1, 1)).astype(np.int8)


def _percentile(values: NDArray[np.float64], percent: float) -> float:
    known = values[np.isfinite(values)]
    return round(float(np.percentile(known, percent)), 2) if len(known) else math.nan


def _plain(value: Any) -> Any:
    """Write what is no number as nothing, which JSON can say."""
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value
