"""Every choice of a comparison of recordings, and what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.core.checks import positive_number, whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.spec import RecordingSpec, WindowSpec, from_facts

if TYPE_CHECKING:
    import pandas

__all__ = ["Comparison", "ComparisonConfig"]


@dataclass(frozen=True, kw_only=True)
class ComparisonConfig:
    """
    Every choice of a comparison.

    Parameters
    ----------
    bin_size_s, window_length_s, step_s : float, optional
        Durations in seconds; by default those of the results in each file.  The step is the
        length of a window by default.
    group_by : str, optional
        What names the group of a recording, or its condition where pairs are compared.
    culture_by : str, optional
        What names its culture; ``subject_id`` where all recordings have one, else the file.
    is_paired : bool
        Whether the two conditions of each culture are compared, in place of groups of cultures.
    threshold : float, optional
        Smallest weight of an edge, the same in all recordings; by default the level at which 15 %
        of all pairs are edges, recordings and windows counting alike.
    trend : str, optional
        What names a number that measures may follow.
    seed : int
        Seed of permutations and resamples.
    segment_index : int, optional
        Which segment of each recording; the first by default, and a warning says so where there
        are several.
    """

    bin_size_s: float | None = None
    window_length_s: float | None = None
    step_s: float | None = None
    group_by: str | None = None
    culture_by: str | None = None
    is_paired: bool = False
    threshold: float | None = None
    trend: str | None = None
    seed: int = 0
    segment_index: int | None = None

    def __post_init__(self) -> None:
        for name in ("bin_size_s", "window_length_s", "step_s"):
            if getattr(self, name) is not None:
                positive_number(getattr(self, name), name)
        if self.threshold is not None:
            positive_number(self.threshold, "threshold", or_zero=True)
            if self.threshold > 1:
                raise InputError(
                    f"threshold must lie in [0, 1], got {self.threshold:g}: the weights of edges "
                    "are correlations."
                )
        whole_number(self.seed, "seed")
        if self.segment_index is not None:
            whole_number(self.segment_index, "segment_index")
        if self.is_paired and self.group_by is None:
            raise InputError("A paired comparison needs the condition of each file: --group-by.")

    @property
    def recording(self) -> RecordingSpec:
        """How each file is read."""
        return RecordingSpec(segment_index=self.segment_index)

    def windows(self, stored: Mapping[str, Any]) -> WindowSpec | None:
        """
        Say the bins and windows of a recording.

        Parameters
        ----------
        stored : mapping of str to scalar
            What the results in its file say of their own.

        Returns
        -------
        WindowSpec or None
            The choices of this comparison, completed by those of the results; None where neither
            says enough.
        """
        bin_size_s, length_s = self.bin_size_s, self.window_length_s
        if (bin_size_s is None or length_s is None) and "analysis.bin_size_s" in stored:
            own = from_facts(WindowSpec, stored)
            bin_size_s, length_s = bin_size_s or own.bin_size_s, length_s or own.window_length_s
        if bin_size_s is None or length_s is None:
            return None
        return WindowSpec(
            bin_size_s=bin_size_s, window_length_s=length_s, step_s=self.step_s or length_s
        )


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """
    What a comparison found.

    Parameters
    ----------
    recordings : pandas.DataFrame
        One row per file: file, culture, group, size, and the mean of each measure over windows.
    effects : pandas.DataFrame or None
        One row per measure and contrast, over cultures.
    trends : pandas.DataFrame or None
        One row per measure, over recordings.
    """

    recordings: pandas.DataFrame
    effects: pandas.DataFrame | None
    trends: pandas.DataFrame | None

    def __str__(self) -> str:
        parts = [self.recordings.round(3).to_string(index=False)]
        for table in (self.effects, self.trends):
            if table is not None:
                parts.append(table.round(4).to_string(index=False))
        return "\n\n".join(parts)
