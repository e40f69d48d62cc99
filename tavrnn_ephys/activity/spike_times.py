"""Spike times of Neo trains, whatever their unit, loaded or lazy."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.io.blocks.segments import loaded

__all__ = ["seconds_by_default", "spike_times_s"]


def spike_times_s(train: Any) -> NDArray[np.float64]:
    """
    Return the spike times of a train.

    Parameters
    ----------
    train : neo.SpikeTrain, a proxy of one, or times with a unit
        The train.

    Returns
    -------
    numpy.ndarray
        Ascending times in seconds, shape (n_spikes,).

    Raises
    ------
    InputError
        If it is nothing of that kind.

    Examples
    --------
    >>> import quantities as pq
    >>> spike_times_s([200, 100] * pq.ms)
    array([0.1, 0.2])
    """
    try:
        times = loaded(train).rescale("s").magnitude
    except (AttributeError, ValueError):
        raise InputError(
            f"A spike train must be a neo.SpikeTrain or times with a unit, got "
            f"{type(train).__name__}."
        ) from None
    return np.sort(np.asarray(times, dtype=np.float64).reshape(-1))


@contextmanager
def seconds_by_default() -> Iterator[None]:
    """
    Let Elephant, which tells times by the unit they simplify to, find seconds.

    ``quantities.set_default_units`` of the caller is put back.

    Yields
    ------
    None
        Nothing.
    """
    import quantities as pq

    before = (1.0 * pq.s).simplified.dimensionality.string
    if before == "s":
        yield
        return
    pq.set_default_units(time="s")
    try:
        yield
    finally:
        pq.set_default_units(time=before)
