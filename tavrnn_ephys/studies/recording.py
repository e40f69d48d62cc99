"""The one door to a recording: read, choose the segment, bin and cut windows, each once."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior import WindowBehavior, behavior_means, window_behavior
from tavrnn_ephys.activity.binning import bin_recordings, n_whole_bins
from tavrnn_ephys.activity.laying import lay_windows
from tavrnn_ephys.activity.stretches import selected_segment
from tavrnn_ephys.connectivity.size import refuse_large_analysis
from tavrnn_ephys.core.containers import BinnedActivity, Windows
from tavrnn_ephys.core.errors import ChanceLossWarning, ChoiceWarning, DataLossWarning
from tavrnn_ephys.core.spec import BehaviorSpec, RecordingSpec, SelectionSpec, WindowSpec
from tavrnn_ephys.io.blocks import annotated_fields, choose_segment, one_segment
from tavrnn_ephys.io.blocks.groups import with_node_groups
from tavrnn_ephys.io.blocks.recorded import NodeRecordings
from tavrnn_ephys.io.reading import read

if TYPE_CHECKING:
    import neo

__all__ = [
    "Recording",
    "behavior_of",
    "open_segment",
    "open_block",
    "open_recording",
    "read_block",
    "read_segment",
    "remembered",
]

_FIELDS = ("subject", "device", "imaging_plane")
_KEPT = (ChanceLossWarning, ChoiceWarning, DataLossWarning)
EVERYTHING = SelectionSpec()


@dataclass(frozen=True, kw_only=True, eq=False)
class Recording:
    """
    The segment of a recording that a question is asked of, in bins and windows.

    Parameters
    ----------
    segment : neo.Segment
        The segment.
    segment_index : int
        Its position in the block that was given, from 0.
    activity : BinnedActivity
        Its activity.
    windows : Windows
        Its windows, with the mean of every behaviour signal.
    behavior : WindowBehavior, optional
        The behaviour in each window, where one was asked for; of several the first.
    stretches : numpy.ndarray, shape (n_stretches, 2), optional
        Stretches of time in seconds inside which the windows lie.
    warned : tuple of str
        What opening it warned of.
    behaviors : tuple of WindowBehavior
        All behaviours that were asked for.
    """

    segment: neo.Segment
    segment_index: int
    activity: BinnedActivity
    windows: Windows
    behavior: WindowBehavior | None = None
    stretches: NDArray[np.float64] | None = None
    warned: tuple[str, ...] = ()
    behaviors: tuple[WindowBehavior, ...] = ()


def open_recording(
    path: str | Path,
    spec: RecordingSpec,
    windows: WindowSpec,
    behavior: BehaviorSpec | None = None,
) -> Recording:
    """
    Read a recording, choose its segment, and cut it into bins and windows.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    spec : RecordingSpec
        How it is read, and which segment is meant.
    windows : WindowSpec
        Bins and windows.
    behavior : BehaviorSpec, optional
        A behaviour that is summed up in each window.

    Returns
    -------
    Recording
        The segment, its activity, its windows, and the behaviour in them.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    InputError
        If there is no such segment, or bins, windows or behaviour do not suit it.

    Warns
    -----
    DataLossWarning
        If there are several segments and none is chosen, or spikes lie outside whole bins.
    """
    block, _ = read_segment(path, spec)
    return open_segment(block.segments[0], windows, behavior)


def read_block(path: str | Path, spec: RecordingSpec) -> neo.Block:
    """
    Read a recording, and see to it that what it says of itself can be used.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    spec : RecordingSpec
        Adapter and its options.

    Returns
    -------
    neo.Block
        The recording; ``subject``, ``device`` and ``imaging_plane`` of its annotations are
        mappings, or absent.

    Raises
    ------
    FileFormatError
        If the file cannot be read.

    Warns
    -----
    DataLossWarning
        If an annotation of these names is no mapping.
    """
    block = read(path, adapter=spec.adapter, **spec.options)
    for name in _FIELDS:
        if name in block.annotations:
            about = block.annotations.pop(name)
            fields = annotated_fields({name: about}, name, where=f"'{Path(path).name}'")
            block.annotations |= {name: fields} if fields else {}
    return block


def read_segment(path: str | Path, spec: RecordingSpec) -> tuple[neo.Block, RecordingSpec]:
    """
    Read the segment of a recording that is meant, with the groups that its nodes are given.

    Parameters
    ----------
    path : str or pathlib.Path
        The file.
    spec : RecordingSpec
        How it is read, and which segment is meant.

    Returns
    -------
    block : neo.Block
        The recording with this segment alone.
    spec : RecordingSpec
        The same with the index of the segment.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    InputError
        If there is no such segment, or groups name nodes that it does not have.
    """
    block = read_block(path, spec)
    index = choose_segment(block, spec.segment_index, where=f"'{Path(path).name}'")
    block = one_segment(block, index)
    if spec.node_groups is not None:
        block = with_node_groups(block, spec.node_groups)
    return block, replace(spec, segment_index=index)


def open_block(
    block: neo.Block,
    windows: WindowSpec,
    *,
    segment_index: int | None = None,
    selection: SelectionSpec = EVERYTHING,
    measure: Any = None,
) -> Recording:
    """
    Cut a segment of a block into bins and windows.

    Parameters
    ----------
    block : neo.Block
        The recording.
    windows : WindowSpec
        Bins and windows.
    segment_index : int, optional
        Which segment; the first by default, and a warning says so where there are several.
    selection : SelectionSpec
        Its nodes and time that are meant; all of both by default.
    measure : str or callable, optional
        As in :func:`open_segment`.

    Returns
    -------
    Recording
        The segment, its activity and its windows.

    Raises
    ------
    InputError
        If there is no such segment, or bins or windows do not suit it.
    """
    with remembered() as said:
        index = choose_segment(block, segment_index)
    opened = open_segment(
        block.segments[index],
        windows,
        segment_index=index,
        selection=selection,
        measure=measure,
    )
    return replace(opened, warned=(*said, *opened.warned))


def open_segment(
    segment: neo.Segment,
    windows: WindowSpec,
    behavior: BehaviorSpec | Sequence[BehaviorSpec] | None = None,
    *,
    segment_index: int = 0,
    selection: SelectionSpec = EVERYTHING,
    measure: Any = None,
) -> Recording:
    """
    Cut a segment into bins and windows.

    Parameters
    ----------
    segment : neo.Segment
        The segment.
    windows : WindowSpec
        Bins and windows.
    behavior : BehaviorSpec or sequence of BehaviorSpec, optional
        Behaviours that are summed up in each window.
    segment_index : int
        Its position in its block.
    selection : SelectionSpec
        Its nodes and time that are meant; all of both by default.
    measure : str or callable, optional
        Measure of connectivity of an analysis that follows; one for which there is no room is
        refused before anything is binned.

    Returns
    -------
    Recording
        The segment, its activity, its windows, and the behaviour in them.

    Raises
    ------
    InputError
        If bins, windows or the behaviour do not suit it, or the analysis is too large.
    """
    with remembered() as said:
        chosen = selected_segment(segment, selection, windows.bin_size_s, asked_by="open_segment")
        if measure is not None:
            _refuse_large(chosen.recorded, windows, measure)
        activity = bin_recordings(
            chosen.recorded, windows.bin_size_s, segment_index=segment_index, gaps="hold"
        )
        cut = lay_windows(chosen.segment, activity, windows, chosen.stretches)
        cut = cut.with_columns(**behavior_means(chosen.segment, cut))
        asked = [behavior] if isinstance(behavior, BehaviorSpec) else behavior or ()
        summed = tuple(behavior_of(chosen.segment, cut, item) for item in asked)
    return Recording(
        segment=chosen.segment,
        segment_index=segment_index,
        activity=activity,
        windows=cut,
        behavior=summed[0] if summed else None,
        behaviors=summed,
        stretches=chosen.stretches,
        warned=tuple(said),
    )


def _refuse_large(recorded: NodeRecordings, windows: WindowSpec, measure: Any) -> None:
    start_s, stop_s = recorded.limits_s
    n_windows = windows.n_windows(stop_s - start_s)
    if n_windows is None:
        return
    refuse_large_analysis(
        n_windows,
        len(recorded.nodes),
        n_bins=n_whole_bins(stop_s - start_s, windows.bin_size_s),
        measure=measure,
        node_kind=recorded.nodes.kind,
    )


def behavior_of(segment: neo.Segment, windows: Windows, spec: BehaviorSpec) -> WindowBehavior:
    """
    Sum up a behaviour of a segment in each window.

    Parameters
    ----------
    segment : neo.Segment
        The segment that the windows lie in.
    windows : Windows
        The windows.
    spec : BehaviorSpec
        Which behaviour, and how.

    Returns
    -------
    WindowBehavior
        One value or label per window.

    Raises
    ------
    InputError
        As :func:`tavrnn_ephys.activity.behavior.window_behavior` does.
    """
    return window_behavior(
        segment,
        windows,
        spec.name,
        how=spec.how,
        period=spec.period,
        least_coverage=spec.least_coverage,
    )


@contextmanager
def remembered() -> Iterator[list[str]]:
    """
    Collect what is warned of, and let it be heard afterwards.

    Yields
    ------
    list of str
        Filled at the end with the warnings of this package, each once.
    """
    said: list[str] = []
    with warnings.catch_warnings(record=True) as caught:
        # What a choice leaves open is kept with the run, whoever does not want to hear it.
        warnings.simplefilter("always", ChoiceWarning)
        yield said
    for item in caught:
        warnings.warn_explicit(item.message, item.category, item.filename, item.lineno)
    ours = [str(item.message) for item in caught if issubclass(item.category, _KEPT)]
    said += dict.fromkeys(ours)
