"""Bin, window and step that suit a recording, each with its reason."""

from __future__ import annotations

import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.core.checks import duration_s
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.frozen import FrozenMapping
from tavrnn_ephys.core.spec import SelectionSpec
from tavrnn_ephys.io.blocks import choose_segment
from tavrnn_ephys.studies.advice.choosing import (
    bin_and_window,
    count_windows,
    standard_error,
    suitable_step,
)
from tavrnn_ephys.studies.advice.reasons import duration_text, reason_lines, reasons_for
from tavrnn_ephys.studies.advice.survey import survey
from tavrnn_ephys.studies.analysis_config import AnalysisConfig

if TYPE_CHECKING:
    import neo

__all__ = ["Suggestion", "suggest", "suggest_for"]


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """
    Bin, window and step that suit a recording, each with its reason.

    Parameters
    ----------
    bin_size_s, window_length_s, step_s : float
        Durations in seconds.
    reasons : mapping of str to str
        Why: ``bin``, ``window``, ``step``, and ``gaps`` where the recording has any.
    n_windows : int
        Number of windows that follow.
    spikes_per_window : float or None
        Spikes of the median node in a window; None of traces.
    standard_error : float
        Standard error of r in a window where nodes are independent, from the number of bins that
        are as far apart as the activity remembers (Bartlett 1946).

    Examples
    --------
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> found = te.suggest(te.simulate_culture(n_nodes=20, duration=300 * pq.s, seed=0))
    >>> sorted(found.reasons), found.n_windows >= 20
    (['bin', 'step', 'window'], True)
    """

    bin_size_s: float
    window_length_s: float
    step_s: float
    reasons: Mapping[str, str]
    n_windows: int
    spikes_per_window: float | None
    standard_error: float

    def __post_init__(self) -> None:
        object.__setattr__(self, "reasons", FrozenMapping(self.reasons))

    def config(self, **changes: Any) -> AnalysisConfig:
        """
        Give the configuration of an analysis that follows this suggestion.

        Parameters
        ----------
        **changes : object
            Further choices of :class:`tavrnn_ephys.AnalysisConfig`.

        Returns
        -------
        AnalysisConfig
            The configuration.
        """
        chosen: dict[str, Any] = {
            "bin_size_s": self.bin_size_s,
            "window_length_s": self.window_length_s,
            "step_s": self.step_s,
        }
        return AnalysisConfig(**{**chosen, **changes})

    def command(self, path: str | Path, out: str | Path | None = None) -> str:
        """
        Write the command that analyses a file so.

        Parameters
        ----------
        path : str or pathlib.Path
            The recording.
        out : str or pathlib.Path, optional
            The file to write.

        Returns
        -------
        str
            One line for a shell.
        """
        parts = ["tavrnn-ephys", "analyze", str(path), "--bin-size", duration_text(self.bin_size_s)]
        parts += ["--window", duration_text(self.window_length_s)]
        parts += ["--step", duration_text(self.step_s)]
        parts += [] if out is None else ["--out", str(out)]
        return shlex.join(parts)

    def __str__(self) -> str:
        values = {"bin": self.bin_size_s, "window": self.window_length_s, "step": self.step_s}
        return "\n".join(reason_lines(values, self.reasons))


def suggest(
    block: neo.Block,
    *,
    bin_size: Any = None,
    window_length: Any = None,
    step: Any = None,
    segment_index: int | None = None,
    selection: SelectionSpec | None = None,
) -> Suggestion:
    """
    Suggest bin, window and step for a recording.

    The window is the shortest in which the median node fires 20 times, two independent nodes
    meet 5 times, and the standard error of r is at most 0.1, unless that leaves fewer than 20
    windows; the bin is the smallest in which these meetings happen.

    Parameters
    ----------
    block : neo.Block
        The recording.
    bin_size, window_length, step : quantities.Quantity, optional
        What is chosen already; the others are suggested beside it.
    segment_index : int, optional
        Which segment; the first by default, and a warning says so where there are several.
    selection : SelectionSpec, optional
        Nodes and time that are meant; all of both by default.

    Returns
    -------
    Suggestion
        The choice, each part with its reason; its text is for people.

    Raises
    ------
    InputError
        If the recording has no nodes, they never fire, or it is too short for two windows.

    Examples
    --------
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.simulate_culture(n_nodes=20, duration=120 * pq.s, mean_rate_hz=10.0, seed=1)
    >>> found = te.suggest(block)
    >>> found.window_length_s, found.n_windows >= 20
    (5.0, True)
    """
    index = choose_segment(block, segment_index)
    given = {
        name: None if value is None else duration_s(value, name)
        for name, value in (
            ("bin_size", bin_size), ("window_length", window_length), ("step", step),
        )
    }  # fmt: skip
    return suggest_for(block.segments[index], given, selection or SelectionSpec())


def suggest_for(
    segment: neo.Segment, given: Mapping[str, float | None], selection: SelectionSpec
) -> Suggestion:
    """
    Suggest what is not chosen yet for a segment.

    Parameters
    ----------
    segment : neo.Segment
        The segment.
    given : mapping of str to float or None
        ``bin_size``, ``window_length`` and ``step`` in seconds, None where they are open.
    selection : SelectionSpec
        Nodes and time that are meant.

    Returns
    -------
    Suggestion
        As of :func:`suggest`.

    Raises
    ------
    InputError
        As :func:`suggest` does.
    """
    known = survey(segment, selection)
    bin_s, window_s = bin_and_window(known, given)
    if known.rate_hz is None and len(known.stretches) > 1:
        # Gaps that are shorter than a bin are none.
        known = survey(segment, selection, bin_s)
        _, window_s = bin_and_window(known, {**given, "bin_size": bin_s})
    known = known.in_bins(bin_s)
    step_s = given["step"] or suitable_step(known, bin_s, window_s)
    n_windows = count_windows(known, window_s, step_s) if len(known.stretches) else 0
    if n_windows < 2:
        raise InputError(
            f"The recording lasts {known.lengths_s.sum():.6g} s, its longest stretch "
            f"{known.lengths_s.max(initial=0.0):.6g} s: no two windows of {window_s:g} s fit. "
            "Record longer, or choose a shorter window."
        )
    return Suggestion(
        bin_size_s=bin_s,
        window_length_s=window_s,
        step_s=step_s,
        reasons=reasons_for(known, given, bin_s, window_s, step_s),
        n_windows=n_windows,
        spikes_per_window=None if known.rate_hz is None else known.rate_hz * window_s,
        standard_error=standard_error(known, bin_s, window_s),
    )
