"""Every choice of a comparison of recordings, and what it found."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.core.checks import one_of, positive_number, whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.spec import RecordingSpec, StateSpec, WindowSpec, from_facts
from tavrnn_ephys.statistics.missing import missing_sentence
from tavrnn_ephys.statistics.network_based import SIZES, NetworkBasedStatistic

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
        What names the group of a recording, or its condition where pairs are compared; several
        between commas are factors of a mixed model.
    culture_by : str, optional
        What names its culture; ``subject_id`` where all recordings have one, else the file.
    is_paired : bool
        Whether the conditions of each culture are compared, in place of groups of cultures.
    threshold : float, optional
        Smallest weight of an edge, the same in all recordings; by default the level at which 15 %
        of all pairs are edges, recordings and windows counting alike.
    trend : str, optional
        What names a number that measures may follow.
    is_mixed : bool
        Whether a mixed model is fitted, cultures being random effects; with several factors it is.
    states : int or "auto", optional
        Number of network states whose measures are compared too; found where it is ``"auto"``.
    compares_edges : bool
        Whether conditions are compared edge by edge, by the network-based statistic.
    nbs_threshold : float, optional
        Statistic beyond which an edge counts there; that of p = 0.001 by default.
    nbs_size : {"extent", "intensity"}
        What sets of edges are measured by there.
    seed : int
        Seed of permutations and resamples.
    segment_index : int, optional
        Which segment of each recording; the first by default, and a warning says so where there
        are several.
    adapter : str, optional
        Adapter that reads the files; found by content by default.
    options : mapping of str to object
        Options of the adapter, the same for all files.
    """

    bin_size_s: float | None = None
    window_length_s: float | None = None
    step_s: float | None = None
    group_by: str | None = None
    culture_by: str | None = None
    is_paired: bool = False
    threshold: float | None = None
    trend: str | None = None
    is_mixed: bool = False
    states: int | str | None = None
    compares_edges: bool = False
    nbs_threshold: float | None = None
    nbs_size: str = "extent"
    seed: int = 0
    segment_index: int | None = None
    adapter: str | None = None
    options: Mapping[str, Any] = field(default_factory=dict)

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
        if self.group_by is None:
            for is_asked, what in (
                (self.is_paired, "A paired comparison"),
                (self.is_mixed, "A mixed model"),
                (self.compares_edges, "A comparison of edges"),
            ):
                if is_asked:
                    raise InputError(f"{what} needs the condition of each file: --group-by.")
        if len(self.factors) > 1 and (self.is_paired or self.compares_edges):
            raise InputError(
                "Pairs and edges are compared for one --group-by. Several are factors of a mixed "
                "model: leave --paired and --nbs out."
            )
        one_of(self.nbs_size, SIZES, "nbs_size")
        if self.nbs_threshold is not None:
            positive_number(self.nbs_threshold, "nbs_threshold")
        self.state_spec  # noqa: B018

    @property
    def factors(self) -> tuple[str, ...]:
        """Names of what recordings are grouped by."""
        return tuple(name.strip() for name in (self.group_by or "").split(",") if name.strip())

    @property
    def fits_model(self) -> bool:
        """Whether a mixed model is fitted."""
        return self.is_mixed or len(self.factors) > 1

    @property
    def state_spec(self) -> StateSpec | None:
        """How network states are found; None where they are not asked for."""
        return None if self.states is None else StateSpec(n_states=self.states, seed=self.seed)

    @property
    def recording(self) -> RecordingSpec:
        """How each file is read."""
        return RecordingSpec(
            adapter=self.adapter, options=self.options, segment_index=self.segment_index
        )

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
    omnibus : pandas.DataFrame or None
        One row per measure: whether any of several conditions differs, by permutation.
    mixed : pandas.DataFrame or None
        One row per measure and term of the mixed model.
    edges : NetworkBasedStatistic or None
        Conditions compared edge by edge.
    missing : pandas.DataFrame or None
        One row per file that cannot be compared: file, reason, and its group as far as known.
    missing_p_value : float or None
        Whether groups lack files unequally
        (:func:`tavrnn_ephys.statistics.missing.missing_by_group`); None without groups.
    """

    recordings: pandas.DataFrame
    effects: pandas.DataFrame | None
    trends: pandas.DataFrame | None
    omnibus: pandas.DataFrame | None = None
    mixed: pandas.DataFrame | None = None
    edges: NetworkBasedStatistic | None = None
    missing: pandas.DataFrame | None = None
    missing_p_value: float | None = None

    @property
    def n_missing(self) -> int:
        """Number of files that cannot be compared."""
        return 0 if self.missing is None else len(self.missing)

    def __str__(self) -> str:
        parts = [self.recordings.round(3).to_string(index=False)]
        for table in (self.effects, self.omnibus, self.mixed, self.trends):
            if table is not None:
                parts.append(table.round(4).to_string(index=False))
        parts += [] if self.edges is None else [str(self.edges)]
        if self.missing is not None and self.n_missing:
            parts.append("Left out:\n" + self.missing.to_string(index=False))
            if self.missing_p_value is not None:
                parts.append(missing_sentence(self.missing_p_value))
        return "\n\n".join(parts)
