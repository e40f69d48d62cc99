"""Data sets as Neo blocks."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from tavrnn_ephys.core.adapter_options import parse_options
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.datasets.fetching import fetch
from tavrnn_ephys.datasets.registry import dataset
from tavrnn_ephys.datasets.stand_ins import simulated_stand_in
from tavrnn_ephys.io.blocks import block_from_arrays
from tavrnn_ephys.io.reading import read, read_mat

if TYPE_CHECKING:
    import neo

__all__ = ["load", "load_or_simulate"]


# The limits that the file states for every unit (its field "timerange"), in seconds.
_TRACK_S = (4396.9975, 6365.2707)


def load(name: str, *, progress: bool = False) -> neo.Block:
    """
    Read a data set.

    Parameters
    ----------
    name : str
        Its name.
    progress : bool
        Whether a progress bar is shown while it is downloaded.

    Returns
    -------
    neo.Block
        The recording; ``block.description`` says what it is, ``block.annotations["stand_in"]``
        is false.

    Raises
    ------
    InputError
        If there is no data set of this name, or it holds no recording.
    FileFormatError
        If a file cannot be had, or is not the published one.
    """
    import quantities as pq

    found = dataset(name)
    if name == "dishbrain-layout":
        raise InputError(
            "'dishbrain-layout' is a table of channels, not a recording. Read the CSV file that "
            "te.datasets.fetch('dishbrain-layout') returns."
        )
    path = fetch(name, progress=progress)
    if name == "rat-hippocampus-hc11":
        block = _rat_on_track(path)
    elif name == "rat-linear-track":
        start, stop = (time * pq.s for time in _TRACK_S)
        block = read_mat(path, spike_times="spikes[0][0][*][*].time", t_start=start, t_stop=stop)
    else:
        block = read(path, **parse_options(found.reading))
    block.description = f"Recording '{name}': {found.title}."
    block.annotate(stand_in=False)
    return block


def load_or_simulate(name: str, *, seed: int = 0, progress: bool = False) -> neo.Block:
    """
    Read a data set, or simulate something like it where it cannot be had.

    Parameters
    ----------
    name : str
        Its name.
    seed : int
        Seed of the simulation.
    progress : bool
        Whether a progress bar is shown while it is downloaded.

    Returns
    -------
    neo.Block
        The recording or its stand-in: ``block.annotations["stand_in"]`` says which, and
        ``block.description`` why.

    Raises
    ------
    InputError
        If there is no data set of this name, or it holds no recording.
    """
    try:
        return load(name, progress=progress)
    except FileFormatError as error:
        block = simulated_stand_in(name, seed=seed)
        block.description = f"{block.description} The recording cannot be had: {error}"
        return block


def _rat_on_track(path: Path) -> neo.Block:
    import quantities as pq

    with np.load(path) as arrays:
        counts, track = arrays["x"].T, arrays["b"]
    direction = track[:, 1] - track[:, 2]
    return block_from_arrays(
        counts=counts.astype(np.int64),
        bin_size=25 * pq.ms,
        node_ids=[f"u{index:03d}" for index in range(len(counts))],
        behavior={"position": track[:, 0] * pq.m, "direction": direction},
        name="rat Achilles",
    )
