"""Tasks of the benchmark from recordings in files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior import WindowBehavior
from tavrnn_ephys.core.adapter_options import option_text, parse_options
from tavrnn_ephys.core.checks import whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.spec import BehaviorSpec, ConnectivitySpec, RecordingSpec, WindowSpec
from tavrnn_ephys.evaluation.tasks import BenchmarkTask
from tavrnn_ephys.studies.behavior.scores import is_constant
from tavrnn_ephys.studies.recording import open_recording

__all__ = ["FileSource"]


class _Unchosen(int):
    """Number of the first segment where nobody chose one; it equals 0 and is written so."""


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
        Name, as :func:`tavrnn_ephys.activity.behavior.window_behavior` takes it; windows in
        which it is unknown are left out.
    n_classes : int
        0 to decode numbers as they are; else so many classes of equal size.
    measure : str
        Connectivity measure.
    n_folds : int
        Blocks of time.
    segment_index : int
        Which segment of the recording; left out, the first, and a warning says so where there
        are several.
    adapter : str, optional
        Adapter that reads the file; found by content by default.
    options : tuple of (str, object)
        Options of the adapter.
    measure_options : tuple of (str, object)
        Parameters of the measure, such as ``max_lag``; durations as quantities.
    how : str, optional
        How a window of the behaviour is summed up; by default as suits its kind.
    period : float, optional
        Full turn of a signal that is an angle.
    least_coverage : float, optional
        Share of a window in which the behaviour must be known; a window that knows less has no
        value, and is left out.
    """

    path: str
    bin_size_s: float
    window_length_s: float
    step_s: float
    behavior: str
    n_classes: int = 0
    measure: str = "pearson"
    n_folds: int = 5
    segment_index: int = _Unchosen()
    adapter: str | None = None
    options: tuple[tuple[str, Any], ...] = ()
    measure_options: tuple[tuple[str, Any], ...] = ()
    how: str | None = None
    period: float | None = None
    least_coverage: float | None = None

    def __post_init__(self) -> None:
        # Hashable, so that neighbouring jobs find the recording that is loaded already.
        for name in ("options", "measure_options"):
            kept = ((key, _hashable(value)) for key, value in getattr(self, name))
            object.__setattr__(self, name, tuple(kept))
        # Each part checks what it is given, before anything is read.
        self.connectivity.check_windows(self.windows)
        self.recording, self.behavior_spec  # noqa: B018
        whole_number(self.n_folds, "n_folds", at_least=2)
        if self.n_classes < 0 or self.n_classes == 1:
            raise InputError(f"n_classes must be 0 or at least 2, got {self.n_classes}.")

    @property
    def recording(self) -> RecordingSpec:
        """How the file is read."""
        unchosen = isinstance(self.segment_index, _Unchosen)
        return RecordingSpec(
            adapter=self.adapter,
            options=_plain(self.options),
            segment_index=None if unchosen else self.segment_index,
        )

    @property
    def windows(self) -> WindowSpec:
        """Bins and windows."""
        return WindowSpec(
            bin_size_s=self.bin_size_s, window_length_s=self.window_length_s, step_s=self.step_s
        )

    @property
    def connectivity(self) -> ConnectivitySpec:
        """Measure and its parameters."""
        return ConnectivitySpec(measure=self.measure, options=_plain(self.measure_options))

    @property
    def behavior_spec(self) -> BehaviorSpec:
        """The behaviour that is decoded."""
        return BehaviorSpec(
            name=self.behavior,
            how=self.how,
            period=self.period,
            least_coverage=self.least_coverage,
        )

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
            If there is no such segment or behaviour, or it is the same in all windows.
        """
        about = self.recording, self.windows, self.behavior_spec
        recording = open_recording(self.path, *about)
        behavior = cast(WindowBehavior, recording.behavior)
        values = behavior.values
        known = values != "" if behavior.is_label else np.isfinite(values.astype(np.float64))
        windows, values = recording.windows.select(known), values[known]
        for name in ("n_folds", "n_classes"):
            if getattr(self, name) > len(windows):
                raise InputError(
                    f"{name} must be at most the number of windows, which is {len(windows)}, got "
                    f"{getattr(self, name)}."
                )
        _require_variety(behavior, values)
        if not behavior.is_label and self.n_classes:
            values = _classes(values, self.n_classes)
        return BenchmarkTask(
            name=self.name,
            session=self.session,
            activity=recording.activity,
            windows=windows,
            behavior=values,
            kind="classification" if values.dtype.kind == "U" else "regression",
            measure=self.measure,
            measure_options=self.connectivity.options,
            n_folds=self.n_folds,
        )


def _require_variety(behavior: WindowBehavior, values: NDArray[Any]) -> None:
    same = len(np.unique(values)) == 1 if behavior.is_label else is_constant(values)
    if not same:
        return
    way_out = (
        f"Choose a behaviour of several labels, or how='share' for '{behavior.name}'"
        if behavior.is_label
        else "Choose a behaviour that varies"
    )
    raise InputError(
        f"The behaviour '{behavior.name}' is {values[0]!s} in all {len(values)} windows where it "
        f"is known: nothing can be decoded. {way_out}."
    )


def _classes(values: NDArray[Any], n_classes: int) -> NDArray[np.str_]:
    """Cut numbers into classes of equal size."""
    limits = np.quantile(values, np.linspace(0, 1, n_classes + 1)[1:-1])
    return np.array([f"class {index + 1}" for index in np.searchsorted(limits, values)])


class _Written(str):
    """A quantity as its number and unit, which can be hashed."""


def _hashable(value: Any) -> Any:
    if isinstance(value, list | tuple):
        return tuple(_hashable(item) for item in value)
    return _Written(option_text(value)) if hasattr(value, "dimensionality") else value


def _plain(options: tuple[tuple[str, Any], ...]) -> dict[str, Any]:
    return {key: _given(value) for key, value in options}


def _given(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_given(item) for item in value]
    return parse_options([f"value={value}"])["value"] if isinstance(value, _Written) else value
