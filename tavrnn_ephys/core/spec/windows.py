"""Bins, and the windows that are cut from them."""

from __future__ import annotations

from dataclasses import dataclass

from tavrnn_ephys.core.checks import is_real_number, positive_number, whole_bins
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.spec.facts import fact

__all__ = ["WindowSpec"]


@dataclass(frozen=True, kw_only=True)
class WindowSpec:
    """
    Width of a bin, and the windows: sliding, one per interval, around events, or one per run.

    Exactly one way is chosen: ``window_length_s`` and ``step_s``, ``intervals``, ``around``, or
    ``runs_of``.

    Parameters
    ----------
    bin_size_s : float
        Width of a bin in seconds.
    window_length_s, step_s : float, optional
        Length and step of windows that slide, in seconds.
    intervals : str, optional
        Table of intervals, such as ``"trials"``, each of which is a window; ``"NAME:LABEL"`` for
        those of one label.
    around : str, optional
        Events, or starts of intervals, around each of which a window lies; ``"NAME:LABEL"`` for
        those of one label.
    before_s, after_s : float, optional
        How far such a window reaches before and behind its event, in seconds; one of them may be
        negative.
    runs_of : str, optional
        Behaviour each of whose runs of one value or label is a window.

    Raises
    ------
    InputError
        If no way or several are chosen, a duration is not positive and finite, or length, step
        or reach is no whole number of bins.

    Examples
    --------
    >>> WindowSpec(bin_size_s=0.05, window_length_s=2.0, step_s=1.0).step_s
    1.0
    >>> WindowSpec(bin_size_s=0.05, intervals="trials").is_sliding
    False
    """

    bin_size_s: float = fact("analysis.bin_size_s")
    window_length_s: float | None = fact("analysis.window_length_s", kind="optional", default=None)
    step_s: float | None = fact("analysis.step_s", kind="optional", default=None)
    intervals: str | None = fact("analysis.intervals", kind="optional", default=None)
    around: str | None = fact("analysis.around", kind="optional", default=None)
    before_s: float | None = fact("analysis.before_s", kind="optional", default=None)
    after_s: float | None = fact("analysis.after_s", kind="optional", default=None)
    runs_of: str | None = fact("analysis.runs_of", kind="optional", default=None)

    def __post_init__(self) -> None:
        positive_number(self.bin_size_s, "bin_size_s")
        self._check_way()
        if self.is_sliding:
            for name in ("window_length_s", "step_s"):
                value = getattr(self, name)
                if value is None:
                    other = "window_length_s" if name == "step_s" else "step_s"
                    raise InputError(
                        f"What is given does not say {name}, which windows that slide need beside "
                        f"{other}."
                    )
                positive_number(value, name)
                whole_bins(value, self.bin_size_s, name.removesuffix("_s"))
        elif self.around is not None:
            self._check_reach()

    @property
    def is_sliding(self) -> bool:
        """Whether windows of one length slide over the recording."""
        return self.window_length_s is not None or self.step_s is not None

    @property
    def shortest_s(self) -> float | None:
        """Length that all windows have, in seconds; None where each has its own."""
        if self.is_sliding:
            return self.window_length_s
        if self.before_s is None or self.after_s is None:
            return None
        return self.before_s + self.after_s

    def n_windows(self, duration_s: float) -> int | None:
        """
        Count the windows that a recording gives, before any of it is binned.

        Parameters
        ----------
        duration_s : float
            Length of the recording in seconds.

        Returns
        -------
        int or None
            Their number; 0 where it is shorter than one window, None where they do not slide.

        Examples
        --------
        >>> WindowSpec(bin_size_s=0.05, window_length_s=2.0, step_s=1.0).n_windows(10.0)
        9
        """
        # The remainder of a division that comes out even is rounding.
        if self.window_length_s is None or self.step_s is None:
            return None
        left_s = duration_s - self.window_length_s
        return max(0, int(left_s / self.step_s + 1e-6) + 1) if left_s > -1e-9 else 0

    def _check_way(self) -> None:
        ways = {
            "window_length_s and step_s": self.is_sliding,
            "intervals": self.intervals is not None,
            "around": self.around is not None,
            "runs_of": self.runs_of is not None,
        }
        chosen = [name for name, given in ways.items() if given]
        if len(chosen) != 1:
            got = " beside ".join(chosen) or "none of them"
            raise InputError(
                f"Windows are laid in one way: by {', '.join(ways)}. Choose one, got {got}."
            )
        for name in ("intervals", "around", "runs_of"):
            value = getattr(self, name)
            if value is not None and (not isinstance(value, str) or not value.strip()):
                raise InputError(f"{name} must be the name of a table or a behaviour.")
        reach = [name for name in ("before_s", "after_s") if getattr(self, name) is not None]
        if reach and self.around is None:
            raise InputError(f"{reach[0]} says how far windows reach around events: name around.")

    def _check_reach(self) -> None:
        for name in ("before_s", "after_s"):
            value = getattr(self, name)
            if not is_real_number(value):
                raise InputError(f"Windows around events need {name}, a number of seconds.")
            if value:
                whole_bins(abs(value), self.bin_size_s, name.removesuffix("_s"))
        length = self.shortest_s
        if length is None or length < self.bin_size_s / 2:
            raise InputError("before_s and after_s leave the window no length. Make one longer.")
