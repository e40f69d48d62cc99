"""Ticks between spikes, by which the loss of samples shows that carry no number."""

from __future__ import annotations

from collections import deque
from statistics import median
from typing import Any

__all__ = ["TickWatch", "is_tick"]

# How many times its usual spacing a tick may come late, and after how many that is known.
_LONGEST, _FEWEST = 1.5, 5


def is_tick(item: Any) -> bool:
    """
    Tell a tick from the node of a spike.

    Parameters
    ----------
    item : int, float or str
        Value of a sample.

    Returns
    -------
    bool
        Whether it is a negative number or an empty text.

    Examples
    --------
    >>> is_tick(-3), is_tick(""), is_tick(0), is_tick("A1")
    (True, True, False, False)
    """
    return item == "" if isinstance(item, str) else item < 0


class TickWatch:
    """
    Judge of whether ticks are missing: by their numbers, or else by their spacing.

    Examples
    --------
    >>> watch = TickWatch()
    >>> [watch.lost(-k, 0.1 * k) for k in (1, 2, 3, 6)]
    [0, 0, 0, 2]
    """

    def __init__(self) -> None:
        self.last_s: float | None = None
        self._number = 0
        self._counts = False
        self._spacings: deque[float] = deque(maxlen=20)

    def lost(self, item: Any, time_s: float) -> int:
        """
        Take a tick, and say how many were lost before it.

        Parameters
        ----------
        item : int, float or str
            ``-k`` for the k-th tick; ``-1`` or an empty text where they are not numbered.
        time_s : float
            Its time.

        Returns
        -------
        int
            0 if none is missing; otherwise the stretch since the last tick is not known.
        """
        number = 1 if isinstance(item, str) else round(-item)
        spacing = None if self.last_s is None else time_s - self.last_s
        before, self._number, self.last_s = self._number, number, time_s
        self._counts |= number > 1
        if spacing is None:
            return 0
        if self._counts and number > 1:
            return max(0, number - before - 1)
        if self._counts:
            # The sender began anew; what it did not send before is not known.
            return 1
        usual = median(self._spacings) if len(self._spacings) >= _FEWEST else spacing
        if spacing > _LONGEST * usual:
            return round(spacing / usual) - 1
        self._spacings.append(spacing)
        return 0
