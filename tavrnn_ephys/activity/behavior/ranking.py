"""The best and the worst windows, a distance apart."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int, time_s
from tavrnn_ephys.core.containers import Windows
from tavrnn_ephys.core.errors import InputError

if TYPE_CHECKING:
    import pandas

__all__ = ["WindowRanking", "rank_windows"]


@dataclass(frozen=True, kw_only=True)
class WindowRanking:
    """
    Windows of the highest and of the lowest score.

    Parameters
    ----------
    high, low : numpy.ndarray of int, shape (n_each,)
        Positions of the windows; the first is the highest, or the lowest.
    scores : numpy.ndarray, shape (n_windows,)
        What they were ranked by.
    min_distance_s : float
        Smallest time between the starts of two chosen windows.
    """

    high: NDArray[np.int64]
    low: NDArray[np.int64]
    scores: NDArray[np.float64]
    min_distance_s: float

    @property
    def order(self) -> NDArray[np.int64]:
        """Chosen windows from High 1 to Low 1, best to worst."""
        return np.concatenate([self.high, self.low[::-1]])

    @property
    def names(self) -> tuple[str, ...]:
        """Names in the order of :attr:`order`: High 1, High 2, … Low 2, Low 1."""
        n_each = len(self.high)
        high = [f"High {index + 1}" for index in range(n_each)]
        return (*high, *(f"Low {index + 1}" for index in reversed(range(n_each))))

    def to_pandas(self, windows: Windows) -> pandas.DataFrame:
        """
        Return the chosen windows as a table.

        Parameters
        ----------
        windows : Windows
            The windows that were ranked.

        Returns
        -------
        pandas.DataFrame
            ``rank`` (High 1 … Low 1), ``window_index``, ``start_s``, ``stop_s``, ``score``.
        """
        import pandas as pd

        return pd.DataFrame(
            {
                "rank": self.names,
                "window_index": self.order,
                "start_s": windows.start_s[self.order],
                "stop_s": windows.stop_s[self.order],
                "score": self.scores[self.order],
            }
        )


def rank_windows(
    windows: Windows, scores: Any, *, n_each: int = 3, min_distance: Any = None
) -> WindowRanking:
    """
    Choose the windows of highest and of lowest score.

    Parameters
    ----------
    windows : Windows
        The windows.
    scores : array_like, shape (n_windows,)
        Behaviour per window; windows with NaN are never chosen.
    n_each : int
        How many at either end.
    min_distance : quantities.Quantity, optional
        Smallest time between the starts of any two chosen windows; by default the length of
        the longest window, so that no two share time.

    Returns
    -------
    WindowRanking
        From either end the best first, each taken if it is far enough from those before, High
        and Low in turn; of equal scores the earlier window.

    Raises
    ------
    InputError
        If the behaviour is constant, or too few windows lie far enough apart.

    Examples
    --------
    >>> import quantities as pq
    >>> windows = Windows(start_s=[0, 1, 2, 3, 4], stop_s=[2, 3, 4, 5, 6])
    >>> ranking = rank_windows(windows, [5, 4, 1, 2, 3], n_each=1, min_distance=2 * pq.s)
    >>> ranking.high, ranking.low, ranking.names
    (array([0]), array([2]), ('High 1', 'Low 1'))
    """
    positive_int(n_each, "n_each")
    scores = np.asarray(scores, dtype=np.float64)
    if scores.shape != (len(windows),):
        raise InputError(f"scores has shape {scores.shape} for {len(windows)} windows.")
    known = np.flatnonzero(np.isfinite(scores))
    if len(known) == 0 or np.ptp(scores[known]) == 0:
        raise InputError(
            f"The score is known in {len(known)} windows and does not vary there: windows cannot "
            "be ranked. Choose another behaviour, or other windows."
        )
    least_s = float((windows.stop_s - windows.start_s).max())
    if min_distance is not None:
        least_s = max(time_s(min_distance, "min_distance"), 0.0)
    waiting = {
        "high": known[np.argsort(-scores[known], kind="stable")].tolist(),
        "low": known[np.argsort(scores[known], kind="stable")].tolist(),
    }
    chosen: dict[str, list[int]] = {"high": [], "low": []}
    for _ in range(n_each):
        for end, queue in waiting.items():
            taken = chosen["high"] + chosen["low"]
            free = [index for index in queue if _is_apart(windows, index, taken, least_s)]
            if not free:
                raise InputError(
                    f"Only {len(taken)} of the {2 * n_each} windows to be ranked lie "
                    f"{least_s:g} s apart, among {len(known)} with a known score. Ask for fewer, "
                    "or for a smaller min_distance."
                )
            chosen[end].append(free[0])
    if scores[chosen["high"]].min() <= scores[chosen["low"]].max():
        raise InputError(
            f"The {n_each} highest windows that lie {least_s:g} s apart score no higher than the "
            f"{n_each} lowest. Ask for fewer, or for a smaller min_distance."
        )
    return WindowRanking(
        high=np.array(chosen["high"], dtype=np.int64),
        low=np.array(chosen["low"], dtype=np.int64),
        scores=scores,
        min_distance_s=least_s,
    )


def _is_apart(windows: Windows, index: int, taken: list[int], least_s: float) -> bool:
    same = [
        other for other in taken if windows.segment_index[other] == windows.segment_index[index]
    ]
    gaps = np.abs(windows.start_s[same] - windows.start_s[index])
    return index not in taken and bool(np.all(gaps >= least_s - 1e-9))
