"""Tasks of the benchmark from recordings in files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import quantities as pq
from numpy.typing import NDArray

from tavrnn_ephys.activity.binning import bin_activity
from tavrnn_ephys.activity.windows import sliding_windows, window_means
from tavrnn_ephys.connectivity.measures import MEASURES
from tavrnn_ephys.core.checks import one_of, positive_number, some, whole_number
from tavrnn_ephys.core.containers import Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation.tasks import BenchmarkTask
from tavrnn_ephys.io.blocks import behavior_columns
from tavrnn_ephys.io.reading import read

if TYPE_CHECKING:
    import neo

__all__ = ["FileSource"]


@dataclass(frozen=True, kw_only=True)
class FileSource:
    """
    A recording in a file, and the behaviour in it that is decoded.

    Parameters
    ----------
    path : str
        The recording, of any format that is known.
    bin_size_s, window_length_s, step_s : float
        Durations in seconds.
    behavior : str
        Name of a behaviour signal or of an epoch; windows outside every interval are left out.
    n_classes : int
        0 to decode numbers of a signal as they are; else so many classes of equal size.
    measure : str
        Connectivity measure.
    n_folds : int
        Blocks of time.
    segment_index : int
        Which segment of the recording.
    adapter : str, optional
        Adapter that reads the file; found by content by default.
    options : tuple of (str, object)
        Options of the adapter.
    """

    path: str
    bin_size_s: float
    window_length_s: float
    step_s: float
    behavior: str
    n_classes: int = 0
    measure: str = "pearson"
    n_folds: int = 5
    segment_index: int = 0
    adapter: str | None = None
    options: tuple[tuple[str, Any], ...] = ()

    def __post_init__(self) -> None:
        for name in ("bin_size_s", "window_length_s", "step_s"):
            positive_number(getattr(self, name), name)
        one_of(self.measure, MEASURES, "measure")
        whole_number(self.n_folds, "n_folds", at_least=2)
        if self.n_classes < 0 or self.n_classes == 1:
            raise InputError(f"n_classes must be 0 or at least 2, got {self.n_classes}.")
        # Hashable, so that neighbouring jobs find the recording that is loaded already.
        kept = ((key, tuple(v) if isinstance(v, list) else v) for key, v in self.options)
        object.__setattr__(self, "options", tuple(kept))

    @property
    def name(self) -> str:
        """Name of the task: the file and the behaviour."""
        return f"{Path(self.path).stem} {self.behavior}"

    @property
    def session(self) -> str:
        """Name of the recording: the file."""
        return Path(self.path).stem

    def load(self) -> BenchmarkTask:
        """
        Read the recording.

        Returns
        -------
        BenchmarkTask
            Its task; windows whose behaviour is unknown are left out.

        Raises
        ------
        InputError
            If there is no such segment or behaviour.
        """
        options = {key: list(v) if isinstance(v, tuple) else v for key, v in self.options}
        block = read(self.path, adapter=self.adapter, **options)
        if not 0 <= self.segment_index < len(block.segments):
            raise InputError(
                f"segment_index {self.segment_index} does not exist: the recording has "
                f"{len(block.segments)} segments, counted from 0."
            )
        segment = block.segments[self.segment_index]
        activity = bin_activity(
            segment, bin_size=self.bin_size_s * pq.s, segment_index=self.segment_index
        )
        windows = sliding_windows(
            activity,
            window_length=self.window_length_s * pq.s,
            step=self.step_s * pq.s,
        )
        values = self._behavior(segment, windows)
        known = values != "" if values.dtype.kind == "U" else np.isfinite(values)
        if not known.any():
            raise InputError(f"No window of '{self.path}' has a value of '{self.behavior}'.")
        windows, values = windows.select(known), values[known]
        for name in ("n_folds", "n_classes"):
            if getattr(self, name) > len(windows):
                raise InputError(
                    f"{name} must be at most the number of windows, which is {len(windows)}, got "
                    f"{getattr(self, name)}."
                )
        if values.dtype.kind == "f" and self.n_classes:
            limits = np.quantile(values, np.linspace(0, 1, self.n_classes + 1)[1:-1])
            values = np.array([f"class {k + 1}" for k in np.searchsorted(limits, values)])
        return BenchmarkTask(
            name=self.name,
            session=self.session,
            activity=activity,
            windows=windows,
            behavior=values,
            kind="regression" if values.dtype.kind == "f" else "classification",
            measure=self.measure,
            n_folds=self.n_folds,
        )

    def _behavior(self, segment: neo.Segment, windows: Windows) -> NDArray[Any]:
        signals = behavior_columns(segment)
        epochs = {str(epoch.name): epoch for epoch in segment.epochs}
        if self.behavior in signals:
            times_s, values = signals[self.behavior]
            return window_means(windows, times_s, values)
        if self.behavior in epochs:
            return _label_at(epochs[self.behavior], (windows.start_s + windows.stop_s) / 2)
        there = [*signals, *epochs]
        raise InputError(
            f"'{self.path}' has no behaviour '{self.behavior}'; it has {some(there, 12) or 'none'}."
        )


def _label_at(epoch: Any, times_s: NDArray[np.float64]) -> NDArray[np.str_]:
    start_s = np.asarray(epoch.times.rescale("s").magnitude)
    stop_s = start_s + np.asarray(epoch.durations.rescale("s").magnitude)
    labels = np.full(len(times_s), "", dtype=f"U{max(map(len, map(str, epoch.labels)), default=1)}")
    for start, stop, label in zip(start_s, stop_s, epoch.labels, strict=True):
        labels[(times_s >= start) & (times_s < stop)] = str(label)
    return labels
