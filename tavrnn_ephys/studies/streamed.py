"""Every commit of a stream's log computed again from the bins in the same file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.runs import Results
from tavrnn_ephys.core.spec import RecordingSpec, WindowSpec
from tavrnn_ephys.streaming import Stream
from tavrnn_ephys.studies.recording import open_recording

if TYPE_CHECKING:
    from tavrnn_ephys.streaming import Update

__all__ = ["compare_commits", "is_streamed"]

_MODEL = "config.stream.model_sha256"
_PATH = "config.stream.model_path"


def is_streamed(facts: Mapping[str, Any]) -> bool:
    """
    Say whether a run is the log of a stream.

    Parameters
    ----------
    facts : mapping of str to scalar
        Its provenance.

    Returns
    -------
    bool
        Whether a stream wrote it.
    """
    return _MODEL in facts


def compare_commits(
    path: Path, stored: Results, facts: Mapping[str, Any]
) -> tuple[list[str], list[str]]:
    """
    Stream the bins of a log once more, and compare every commit.

    Parameters
    ----------
    path : pathlib.Path
        NWB file of the log.
    stored : Results
        The run in it.
    facts : mapping of str to scalar
        Its provenance.

    Returns
    -------
    equal, differences : list of str
        What came out equal to the last bit, and what differs.

    Raises
    ------
    InputError
        If the model is not found, or is another one.
    """
    stream = Stream(_model_of(path, facts))
    if stream.info.digest != facts[_MODEL]:
        raise InputError(
            f"The model beside '{path.name}' is not the one that the stream ran with. Put that one "
            "in its place."
        )
    found = [item for item in _streamed(path, stream, stored) if item.committed]
    old = stored.embedding
    if old is None:
        raise InputError(f"The log '{path.name}' holds no embedding to compare. Name another run.")
    if len(found) != len(old.windows):
        return [], [f"{len(old.windows)} windows were committed then, {len(found)} now."]
    pairs: dict[str, tuple[NDArray[Any], NDArray[Any]]] = {
        "mean": (np.asarray(old.mean), np.stack([item.embedding for item in found])),
        "std": (np.asarray(old.std), np.stack([item.std for item in found])),
    }
    equal, differences = [f"{len(found)} commits"], []
    for name, (then, now) in pairs.items():
        if np.array_equal(then, now):
            equal.append(name)
        else:
            largest = np.abs(then - now).max()
            differences.append(f"The {name} of the embedding differs by up to {largest:.2g}.")
    return equal, differences


def _model_of(path: Path, facts: Mapping[str, Any]) -> Path:
    """Find the file of the model: where it was, or beside the log under the same name."""
    said = str(facts.get(_PATH, ""))
    if not said:
        raise InputError(
            f"The log '{path.name}' does not say which file its model is in, so that it cannot be "
            "computed again. Name the model when the log is begun."
        )
    places = [Path(said), path.parent / Path(said).name]
    for place in places:
        if place.is_file():
            return place
    raise InputError(f"The model '{said}' of the log '{path.name}' is gone. Put it beside the log.")


def _streamed(path: Path, stream: Stream, stored: Results) -> list[Update]:
    """Push the bins of a log in stretches without missing ones."""
    info = stream.info
    windows = WindowSpec(
        bin_size_s=info.bin_size_s, window_length_s=info.window_length_s, step_s=info.step_s
    )
    activity = open_recording(path, RecordingSpec(adapter="nwb"), windows).activity
    known = np.ones(activity.n_bins, bool)
    if "stream_missing_bins" in stored.tables:
        known[stored.tables["stream_missing_bins"]["bin_index"].to_numpy()] = False
    limits = np.flatnonzero(np.diff(np.concatenate([[False], known, [False]]).astype(int)))
    updates: list[Update] = []
    for first, last in limits.reshape(-1, 2):
        start_s = activity.t_start_s + first * info.bin_size_s
        updates += stream.push(np.asarray(activity.values)[:, first:last], start_s)
    return updates
