"""What chance gives: shifts of time, and recordings rebuilt without their coincidences."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import positive_int
from tavrnn_ephys.core.containers import BinnedActivity
from tavrnn_ephys.core.errors import InputError

__all__ = ["circular_shifts", "correlation_time", "surrogate_scores"]


class Surrogates(Protocol):
    """Something that draws surrogates of an activity."""

    def draw(self, activity: BinnedActivity, *, seed: Any) -> BinnedActivity:
        """
        Draw one surrogate.

        Parameters
        ----------
        activity : BinnedActivity
            The activity.
        seed : int or sequence of int
            Seed of the draw.

        Returns
        -------
        BinnedActivity
            A surrogate with the same nodes and bins.
        """
        ...


def circular_shifts(
    n_windows: int, *, min_shift: int, n_shifts: int, seed: int = 0
) -> NDArray[np.int64]:
    """
    Draw by how many windows a label is rotated in time.

    Parameters
    ----------
    n_windows : int
        Length of the recording.
    min_shift : int
        Smallest shift in either direction: the correlation time of the label in windows.
    n_shifts : int
        How many, without repetition where the recording is long enough.
    seed : int
        Seed of the draw.

    Returns
    -------
    numpy.ndarray of int
        Shape (n_shifts,).

    Raises
    ------
    InputError
        If the recording is too short.

    Examples
    --------
    >>> np.sort(circular_shifts(8, min_shift=2, n_shifts=5))
    array([2, 3, 4, 5, 6])
    """
    possible = np.arange(min_shift, n_windows - min_shift + 1)
    if len(possible) < 2:
        raise InputError(
            f"{n_windows} windows are too few to shift labels by at least {min_shift} windows. "
            "Record longer, or use a shorter step."
        )
    rng = np.random.default_rng(seed)
    return rng.choice(possible, size=n_shifts, replace=n_shifts > len(possible))


def correlation_time(values: NDArray[Any]) -> int:
    """
    Estimate after how many windows a behaviour resembles itself no more.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_windows,)
        Numbers, or labels of any type.

    Returns
    -------
    int
        First lag at which the autocorrelation falls below 1/e, at least 1; for labels the mean
        over their indicators, weighed by variance.

    Examples
    --------
    >>> correlation_time(np.repeat([0, 1, 0, 1], 10))
    4
    """
    array = np.asarray(values)
    if array.dtype.kind == "f":
        columns = array[:, np.newaxis]
    else:
        columns = (array[:, np.newaxis] == np.unique(array)).astype(np.float64)
    centred = columns - columns.mean(axis=0)
    power = float(np.square(centred).sum())
    if power == 0:
        return 1
    for lag in range(1, len(array)):
        if float((centred[lag:] * centred[:-lag]).sum()) < power / np.e:
            return lag
    return len(array)


def surrogate_scores(
    score: Callable[[BinnedActivity], float],
    activity: BinnedActivity,
    surrogates: Surrogates,
    *,
    n_surrogates: int = 199,
    seed: int = 0,
) -> NDArray[np.float64]:
    """
    Score surrogate recordings from scratch: bins, connectivity, graphs, model, decoder.

    Parameters
    ----------
    score : callable
        Takes an activity and does everything that was done with the recording.
    activity : BinnedActivity
        The recording.
    surrogates : surrogates
        Such as :class:`tavrnn_ephys.SpikeSurrogates` or :class:`tavrnn_ephys.ShiftSurrogates`.
    n_surrogates : int
        Number of surrogates.
    seed : int
        Seed of the draws.

    Returns
    -------
    numpy.ndarray
        One score per surrogate.

    Examples
    --------
    >>> import quantities as pq
    >>> from tavrnn_ephys.core.containers import Nodes
    >>> from tavrnn_ephys.connectivity.surrogates import ShiftSurrogates
    >>> activity = BinnedActivity(
    ...     values=np.eye(2, 20, dtype=int), bin_size_s=1.0, nodes=Nodes(ids=["a", "b"])
    ... )
    >>> shifts = ShiftSurrogates(min_shift=2 * pq.s)
    >>> surrogate_scores(lambda item: item.values.sum(), activity, shifts, n_surrogates=3)
    array([2., 2., 2.])
    """
    positive_int(n_surrogates, "n_surrogates")
    return np.array(
        [
            float(score(surrogates.draw(activity, seed=[seed, index])))
            for index in range(n_surrogates)
        ]
    )
