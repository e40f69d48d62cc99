"""Measures of DishBrain's game: hits, misses and rallies per window."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior.game_marks import find_marks
from tavrnn_ephys.core.containers import Windows
from tavrnn_ephys.core.errors import DataLossWarning, InputError

if TYPE_CHECKING:
    import neo
    import pandas

__all__ = ["GAME_MEASURES", "GameEpisodes", "episodes_of_segment", "game_measures"]

GAME_MEASURES = {
    "hits": "Hits of the window; where times of hits are unknown, spread evenly over episodes.",
    "misses": "Episodes that end in the window, each with a miss.",
    "hit_miss_ratio": "Hits over misses; NaN without a miss.",
    "rally_length": "Mean number of hits of the episodes that end in the window; NaN if none does.",
    "rally_length_time_weighted": "Mean number of hits of the running episode, weighted by time.",
}


@dataclass(frozen=True, kw_only=True)
class GameEpisodes:
    """
    Episodes of a game: from one miss to the next, with the hits in between.

    Parameters
    ----------
    start_s, stop_s : numpy.ndarray, shape (n_episodes,)
        Limits in seconds, ascending; each episode ends with a miss.
    hits : numpy.ndarray, shape (n_episodes,)
        Number of hits.
    hit_times_s : numpy.ndarray, shape (n_hits,), optional
        Times of single hits, where they are known.
    source : str, optional
        From which events or epochs the game was counted, in words.

    Raises
    ------
    InputError
        If an episode has no length, or the numbers do not fit.
    """

    start_s: NDArray[np.float64]
    stop_s: NDArray[np.float64]
    hits: NDArray[Any]
    hit_times_s: NDArray[np.float64] | None = None
    source: str = ""

    def __post_init__(self) -> None:
        for name in ("start_s", "stop_s", "hits"):
            object.__setattr__(self, name, np.asarray(getattr(self, name), dtype=np.float64))
        if not len(self.start_s) == len(self.stop_s) == len(self.hits) > 0:
            raise InputError("A game needs episodes with a start, a stop and a number of hits.")
        if np.any(self.stop_s <= self.start_s) or np.any(np.diff(self.start_s) < 0):
            raise InputError("Episodes of a game must have a length and stand in order of time.")

    @classmethod
    def from_events(cls, hits_s: Any, misses_s: Any, *, t_start_s: float) -> GameEpisodes:
        """
        Cut a game at its misses.

        Parameters
        ----------
        hits_s, misses_s : array_like
            Times in seconds; hits behind the last miss belong to no whole episode.
        t_start_s : float
            Start of the game.

        Returns
        -------
        GameEpisodes
            One per miss.

        Raises
        ------
        InputError
            If there is no miss behind the start.

        Examples
        --------
        >>> GameEpisodes.from_events([1.0, 2.0, 6.0], [4.0, 9.0], t_start_s=0.0).hits
        array([2., 1.])
        """
        hits = np.sort(np.asarray(hits_s, dtype=np.float64))
        stop = np.unique(np.asarray(misses_s, dtype=np.float64))
        stop = stop[stop > t_start_s]
        if len(stop) == 0:
            raise InputError("A game without a miss has no whole episode.")
        start = np.concatenate([[t_start_s], stop[:-1]])
        counts = np.searchsorted(hits, stop) - np.searchsorted(hits, start)
        return cls(start_s=start, stop_s=stop, hits=counts, hit_times_s=hits)


def episodes_of_segment(segment: neo.Segment) -> GameEpisodes | None:
    """
    Find a game in a segment.

    Parameters
    ----------
    segment : neo.Segment
        The segment.

    Returns
    -------
    GameEpisodes or None
        From the hits and misses that events or epochs mark, in whatever way they stand: one
        object with the labels ``hit`` and ``miss``, or one object per kind that is named so.
        Without them, from epochs that carry ``hit_count``, one per episode.  None if there are
        neither.  The game starts with the epoch that is labelled ``gameplay``, else with the
        segment.

    Warns
    -----
    DataLossWarning
        If hits or misses stand in two places that differ; the first of them counts.

    Notes
    -----
    Episodes alone do not say when their hits fell: ``hits`` and ``hit_miss_ratio`` then spread
    them evenly over each episode.  All other measures are the same from every form.
    """
    hits, misses = find_marks(segment, "hit"), find_marks(segment, "miss")
    counted = _counted_episodes(segment)
    if misses is None or (hits is None and counted is not None):
        return counted
    source = f"{hits or 'no hits, as no event, epoch or label names any'}; {misses}"
    hits_s = np.zeros(0) if hits is None else hits.times_s
    start_s = _game_start_s(segment, float(np.append(hits_s, misses.times_s).min()))
    if misses.times_s[-1] <= start_s:
        # Marks of something before the game, such as a test of the rig, are no game.
        return counted
    episodes = GameEpisodes.from_events(hits_s, misses.times_s, t_start_s=start_s)
    return replace(episodes, source=source)


def _counted_episodes(segment: neo.Segment) -> GameEpisodes | None:
    """Episodes from epochs that say how many hits each had."""
    for epoch in segment.epochs:
        counts = epoch.array_annotations.get("hit_count")
        if counts is not None and len(counts) > 0:
            start = np.asarray(epoch.times.rescale("s").magnitude)
            stop = start + np.asarray(epoch.durations.rescale("s").magnitude)
            kept = stop > start
            hits = np.asarray(counts, dtype=np.float64)[kept]
            return GameEpisodes(
                start_s=start[kept], stop_s=stop[kept], hits=hits,
                source=f"{hits.sum():g} hits of {len(hits)} epochs '{epoch.name}'",
            )  # fmt: skip
    return None


def game_measures(windows: Windows, episodes: GameEpisodes) -> pandas.DataFrame:
    """
    Say how well a culture plays in each window.

    Parameters
    ----------
    windows : Windows
        The windows.
    episodes : GameEpisodes
        The game.

    Returns
    -------
    pandas.DataFrame
        One row per window with the columns of :data:`GAME_MEASURES`; NaN in windows outside the
        game.

    Notes
    -----
    Kagan et al. [1]_ count the hits of a rally, which ends with a miss.  The time-weighted rally
    length is the mean over time of the hits of the running episode, which the TAVRNN paper ranks
    windows by.

    References
    ----------
    .. [1] Kagan et al. (2022), Neuron 110, 3952-3969.

    Examples
    --------
    >>> game = GameEpisodes(start_s=[0.0, 4.0], stop_s=[4.0, 10.0], hits=[2, 6])
    >>> game_measures(Windows(start_s=[0.0], stop_s=[5.0]), game).iloc[0].to_dict()
    {'hits': 3.0, 'misses': 1.0, 'hit_miss_ratio': 3.0, 'rally_length': 2.0,
     'rally_length_time_weighted': 2.8}
    """
    import pandas as pd

    start, stop, hits = episodes.start_s, episodes.stop_s, episodes.hits
    shared = np.minimum(windows.stop_s[:, None], stop) - np.maximum(windows.start_s[:, None], start)
    shared = np.maximum(shared, 0.0)
    played = shared.sum(axis=1)
    ends = (stop > windows.start_s[:, None] + 1e-9) & (stop <= windows.stop_s[:, None] + 1e-9)
    misses = ends.sum(axis=1).astype(np.float64)
    if episodes.hit_times_s is None:
        n_hits = shared @ (hits / (stop - start))
    else:
        times = episodes.hit_times_s
        n_hits = np.searchsorted(times, windows.stop_s) - np.searchsorted(times, windows.start_s)
    with np.errstate(invalid="ignore", divide="ignore"):
        table = {
            "hits": n_hits.astype(np.float64),
            "misses": misses,
            "hit_miss_ratio": np.where(misses > 0, n_hits / misses, np.nan),
            "rally_length": np.where(misses > 0, (ends @ hits) / misses, np.nan),
            "rally_length_time_weighted": shared @ hits / played,
        }
    frame = pd.DataFrame(table)
    frame.loc[played <= 1e-9] = np.nan
    return frame


def warn_of_constant(name: str, values: NDArray[np.float64], source: str) -> None:
    """
    Say what a measure was counted from, if it is the same in all windows.

    Parameters
    ----------
    name : str
        Name of the measure.
    values : numpy.ndarray, shape (n_windows,)
        One value per window, NaN where unknown.
    source : str
        From which events the game was counted.

    Warns
    -----
    DataLossWarning
        If there are two values or more, all the same.
    """
    known = values[np.isfinite(values)]
    if len(known) > 1 and np.ptp(known) == 0:
        warnings.warn(
            f"The measure '{name}' is {known[0]:g} in all windows. It was counted from "
            f"{source or 'the episodes'}. Check that these are the events of the game, or take "
            "longer windows.",
            DataLossWarning,
            stacklevel=3,
        )


def _game_start_s(segment: neo.Segment, first_s: float) -> float:
    for epoch in segment.epochs:
        labels = np.asarray(epoch.labels, dtype=str)
        if "gameplay" in labels:
            times = np.asarray(epoch.times.rescale("s").magnitude, dtype=np.float64)
            return float(times[labels == "gameplay"].min())
    t_start = segment.t_start
    return first_s if t_start is None else float(t_start.rescale("s").magnitude)
