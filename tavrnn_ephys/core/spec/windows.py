"""Bins, and the windows that are cut from them."""

from __future__ import annotations

from dataclasses import dataclass

from tavrnn_ephys.core.checks import positive_number, whole_bins
from tavrnn_ephys.core.spec.facts import fact

__all__ = ["WindowSpec"]


@dataclass(frozen=True, kw_only=True)
class WindowSpec:
    """
    Width of a bin, and length and step of the windows that slide over them.

    Parameters
    ----------
    bin_size_s, window_length_s, step_s : float
        Durations in seconds.

    Raises
    ------
    InputError
        If one is not positive and finite, or length or step is no whole number of bins.

    Examples
    --------
    >>> WindowSpec(bin_size_s=0.05, window_length_s=2.0, step_s=1.0).step_s
    1.0
    """

    bin_size_s: float = fact("analysis.bin_size_s")
    window_length_s: float = fact("analysis.window_length_s")
    step_s: float = fact("analysis.step_s")

    def __post_init__(self) -> None:
        for name in ("bin_size_s", "window_length_s", "step_s"):
            positive_number(getattr(self, name), name)
        whole_bins(self.window_length_s, self.bin_size_s, "window_length")
        whole_bins(self.step_s, self.bin_size_s, "step")

    def n_windows(self, duration_s: float) -> int:
        """
        Count the windows that a recording gives, before any of it is binned.

        Parameters
        ----------
        duration_s : float
            Length of the recording in seconds.

        Returns
        -------
        int
            Their number; 0 where it is shorter than one window.

        Examples
        --------
        >>> WindowSpec(bin_size_s=0.05, window_length_s=2.0, step_s=1.0).n_windows(10.0)
        9
        """
        # The remainder of a division that comes out even is rounding.
        left_s = duration_s - self.window_length_s
        return max(0, int(left_s / self.step_s + 1e-6) + 1) if left_s > -1e-9 else 0
