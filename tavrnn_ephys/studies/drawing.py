"""Every picture of an analysis, with what the recording says beside its network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior import WindowBehavior
from tavrnn_ephys.activity.behavior.codes import code_labels
from tavrnn_ephys.figures import WindowContext, analysis_figures
from tavrnn_ephys.io.blocks.behaviors import behaviors_of_segment
from tavrnn_ephys.studies.analysis import AnalysisResult
from tavrnn_ephys.studies.behavior.config import stem_of
from tavrnn_ephys.studies.behavior.drawing import behavior_figures
from tavrnn_ephys.studies.states.drawing import state_figures

if TYPE_CHECKING:
    import neo
    from matplotlib.figure import Figure

__all__ = ["BesideNetwork", "beside_network", "labels_of", "result_figures"]


@dataclass(frozen=True, kw_only=True)
class BesideNetwork:
    """
    What a recording says beside its network, taken while its file is open.

    Parameters
    ----------
    behavior : tuple of (times_s, values, label), optional
        Samples of the behaviour that was asked for.
    epochs : tuple of (name, start_s, stop_s)
        Tables of intervals, limits in seconds; the one that was asked for first.
    """

    behavior: tuple[Any, Any, str] | None = None
    epochs: tuple[tuple[str, Any, Any], ...] = ()


def beside_network(result: AnalysisResult, segment: neo.Segment) -> BesideNetwork:
    """
    Take from a recording what its pictures draw beside the network.

    Parameters
    ----------
    result : AnalysisResult
        An analysis of the segment.
    segment : neo.Segment
        The segment, with its file open.

    Returns
    -------
    BesideNetwork
        Samples of the behaviour that was asked for, and epochs.
    """
    behavior = _asked(result)
    asked = "" if behavior is None else behavior.name
    held = behaviors_of_segment(segment, asked, asked_by="beside_network")
    table = asked.partition(":")[0]
    epochs = [
        (name, _seconds(epoch.times), _seconds(epoch.times + epoch.durations))
        for name, kind, epoch in held.markers
        if kind == "epoch" and len(epoch)
    ]
    epochs.sort(key=lambda item: item[0] != table)
    column = held.columns.get(asked, held.without_role if asked else None)
    samples = None
    if column is not None and behavior is not None and not behavior.is_label:
        samples = (*column[:2], behavior.label)
    return BesideNetwork(behavior=samples, epochs=tuple(epochs))


def _seconds(times: Any) -> NDArray[np.float64]:
    return np.asarray(times.rescale("s").magnitude, dtype=float)


def result_figures(
    result: AnalysisResult, beside: BesideNetwork | None = None
) -> dict[str, Figure]:
    """
    Draw an analysis: its network, its link to a behaviour, and its states.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.
    beside : BesideNetwork, optional
        What its recording says beside the network.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        Those of :func:`tavrnn_ephys.figures.analysis_figures`, and of behaviour and states where
        they were asked for.  A behaviour that was not asked for colours nothing.
    """
    beside, found, asked = beside or BesideNetwork(), result.behavior, _asked(result)
    # Labels have no mean, and none is the highest.
    has_order = asked is not None and labels_of(asked) is None
    score = None
    if asked is not None and has_order:
        score = asked.values if found is None else found.score
    drawn = analysis_figures(
        result.activity,
        result.windows,
        result.connectivity,
        result.embedding,
        score=score,
        score_label="" if asked is None else asked.label,
        behavior=beside.behavior,
        context=_context(result, beside),
    )
    if found is not None:
        for index, linked in (result.behaviors or {0: found}).items():
            # Those of further behaviours are numbered: behavior2_ranking.
            for name, figure in behavior_figures(result, linked).items():
                drawn[f"{stem_of(index)}_{name.partition('_')[2]}"] = figure
    if result.states is not None:
        drawn |= state_figures(result)
    return drawn


def labels_of(behavior: WindowBehavior) -> NDArray[np.str_] | None:
    """
    Give the labels of windows, also where a signal holds codes rather than amounts.

    Parameters
    ----------
    behavior : WindowBehavior
        The behaviour per window.

    Returns
    -------
    numpy.ndarray of str, shape (n_windows,), or None
        Labels, empty where unknown or where a window holds two codes; None for amounts.

    Examples
    --------
    >>> task = np.array([70.0, 70.0, 71.0, np.nan])
    >>> labels_of(WindowBehavior(name="task", how="mean", values=task, description="Code."))
    array(['70', '70', '71', ''], dtype='<U2')
    """
    return code_labels(behavior.values, behavior.how)


def _asked(result: AnalysisResult) -> WindowBehavior | None:
    """Give the behaviour of pictures with room for one: the first that can be decided, if any."""
    asked = result.asked if result.behavior is None else result.behavior.behavior
    return asked if isinstance(asked, WindowBehavior) else None


def _further(result: AnalysisResult) -> tuple[tuple[str, Any], ...]:
    """Give every other behaviour that was asked for, in their order."""
    every = {index: found.behavior for index, found in result.behaviors.items()}
    every |= {index: behavior for index, (behavior, _) in result.unanswered.items()}
    first = _asked(result)
    others = (every[index] for index in sorted(every) if every[index] is not first)
    values = ((item, labels_of(item)) for item in others)
    return tuple((item.label, item.values if labels is None else labels) for item, labels in values)


def _context(result: AnalysisResult, beside: BesideNetwork) -> WindowContext:
    asked, change = _asked(result), result.change or {}
    times = change.get("change_times")
    several = result.states is not None and result.states.found.n_states > 1
    states = result.states.found.labels if several else None
    return WindowContext(
        labels=None if asked is None else labels_of(asked),
        states=states,
        changes=() if times is None else times["window_index"].to_numpy(),
        epochs=beside.epochs,
        behaviors=_further(result),
    )
