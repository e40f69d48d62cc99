"""A behaviour as a number per window, refused where nothing can be associated with it."""

from __future__ import annotations

import dataclasses
import warnings

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior import WindowBehavior
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.evaluation import blocked_folds
from tavrnn_ephys.networks.alignment import LEAST_NODES, check_groups
from tavrnn_ephys.studies.behavior.config import BehaviorConfig
from tavrnn_ephys.studies.recording import Recording

__all__ = [
    "N_FOLDS",
    "behavior_score",
    "check_behavior",
    "components_of",
    "groups_to_align",
    "is_constant",
    "n_components_of",
    "small_groups",
    "without_rare_labels",
]

N_FOLDS = 5
_LEAST_PER_CLASS = 10


def without_rare_labels(behavior: WindowBehavior) -> WindowBehavior:
    """
    Leave out labels of too few windows, where two others stay.

    Parameters
    ----------
    behavior : WindowBehavior
        The behaviour per window.

    Returns
    -------
    WindowBehavior
        The same, windows of rare labels without a label; numbers as they are.

    Warns
    -----
    DataLossWarning
        If labels are left out, with their number of windows.
    """
    if not behavior.is_label:
        return behavior
    names, counts = np.unique(behavior.values[behavior.values != ""], return_counts=True)
    rare = counts < _LEAST_PER_CLASS
    if not rare.any() or (~rare).sum() < 2:
        return behavior
    told = ", ".join(
        f"'{name}' ({count})" for name, count in zip(names[rare], counts[rare], strict=True)
    )
    warnings.warn(
        f"'{behavior.name}': labels of fewer than {_LEAST_PER_CLASS} windows are left out: {told}.",
        DataLossWarning,
        stacklevel=3,
    )
    values = np.where(np.isin(behavior.values, names[rare]), "", behavior.values)
    return dataclasses.replace(behavior, values=values)


def components_of(behavior: WindowBehavior) -> dict[str, NDArray[np.float64]]:
    """
    Give a behaviour as one or several series of numbers that can be correlated.

    Parameters
    ----------
    behavior : WindowBehavior
        The behaviour per window.

    Returns
    -------
    dict of str to numpy.ndarray, shape (n_windows,)
        NaN where unknown.  A number, and one of two labels against the other, under the name
        ``""``; of more labels each against all others, by its name; of an angle its cosine and its
        sine, for 0 and a full turn are the same.

    Raises
    ------
    InputError
        As :func:`behavior_score` does.

    Examples
    --------
    >>> labels = np.repeat(["a", "b", "c"], 10)
    >>> stage = WindowBehavior(name="stage", how="majority", values=labels, description="Stage.")
    >>> {name: int(series.sum()) for name, series in components_of(stage).items()}
    {'a': 10, 'b': 10, 'c': 10}
    """
    score = behavior_score(behavior)
    if behavior.is_label:
        names = np.unique(behavior.values[behavior.values != ""])
        if len(names) == 2:
            return {"": score}
        unknown = behavior.values == ""
        return {
            str(name): np.where(unknown, np.nan, (behavior.values == name).astype(np.float64))
            for name in names
        }
    if behavior.period is None:
        return {"": score}
    angle = 2 * np.pi * score / behavior.period
    return {"cosine": np.cos(angle), "sine": np.sin(angle)}


def n_components_of(behavior: WindowBehavior) -> int:
    """
    Count the series of numbers that a behaviour is followed by.

    Parameters
    ----------
    behavior : WindowBehavior
        The behaviour per window.

    Returns
    -------
    int
        1 of a number and of two labels, 2 of an angle, else the number of labels.
    """
    if not behavior.is_label:
        return 1 if behavior.period is None else 2
    n_labels = len(np.unique(behavior.values[behavior.values != ""]))
    return n_labels if n_labels > 2 else 1


def check_behavior(
    recording: Recording, behavior: WindowBehavior, config: BehaviorConfig, undecided: str = ""
) -> None:
    """
    Refuse a behaviour or groups that do not suit a recording, before any model is fitted.

    Parameters
    ----------
    recording : Recording
        The recording.
    behavior : WindowBehavior
        The behaviour in its windows.
    config : BehaviorConfig
        How both are linked.
    undecided : str
        Why the recording cannot decide about it; empty where it can.  Then alone there have to be
        windows enough for folds.

    Raises
    ------
    InputError
        As :func:`tavrnn_ephys.studies.behavior.analysis.analyze_behavior` would.
    """
    nodes = recording.activity.nodes
    score = next(iter(components_of(behavior).values()))
    aligned = groups_to_align(nodes, config)
    if aligned is not None:
        check_groups(nodes, *aligned)
    if not undecided:
        known = np.flatnonzero(np.isfinite(score))
        overlap = recording.windows.select(known).overlap
        blocked_folds(len(known), n_folds=N_FOLDS, gap=overlap + 1)


def behavior_score(behavior: WindowBehavior) -> NDArray[np.float64]:
    """
    Give the behaviour as a number, and refuse one that cannot be associated with anything.

    Parameters
    ----------
    behavior : WindowBehavior
        The behaviour per window.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows,), NaN where unknown; of labels, their position in the alphabet from 0.

    Raises
    ------
    InputError
        If it does not vary, or has too few windows of a label.
    """
    values = behavior.values
    if not behavior.is_label:
        numbers = np.asarray(values, dtype=np.float64)
        known = numbers[np.isfinite(numbers)]
        if is_constant(known):
            raise InputError(
                f"The behaviour '{behavior.name}' is {known[0]:g} in all {len(known)} windows "
                "where it is known: nothing can follow it."
            )
        return numbers
    names, counts = np.unique(values[values != ""], return_counts=True)
    if len(names) == 1:
        raise InputError(
            f"The behaviour '{behavior.name}' is '{names[0]}' in all windows: two labels are "
            "needed."
        )
    if counts.min() < _LEAST_PER_CLASS:
        raise InputError(
            f"'{behavior.name}' is '{names[counts.argmin()]}' in {counts.min()} windows; each "
            f"label needs {_LEAST_PER_CLASS}. Record longer, or use a shorter step."
        )
    codes = np.searchsorted(names, values).astype(np.float64)
    return np.where(values == "", np.nan, codes)


def is_constant(values: NDArray[np.float64]) -> bool:
    """
    Say whether numbers differ by no more than rounding.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_values,)
        Finite numbers.

    Returns
    -------
    bool
        True if their range is below 1e-9 of the largest magnitude.

    Examples
    --------
    >>> is_constant(np.array([0.3, 0.1 + 0.2])), is_constant(np.array([0.3, 0.3001]))
    (True, False)
    """
    # A share of time that is equal everywhere comes out of sums that differ in the last bits.
    return bool(np.ptp(values) <= 1e-9 * np.abs(values).max())


def groups_to_align(
    nodes: Nodes, config: BehaviorConfig
) -> tuple[str, tuple[str, ...] | None] | None:
    """
    Say which groups of nodes are aligned.

    Parameters
    ----------
    nodes : Nodes
        The nodes.
    config : BehaviorConfig
        Which groups, or none for all that are large enough.

    Returns
    -------
    tuple of str and (tuple of str or None), or None
        The group that the others are compared with, and the others, None for all; None alone
        where nobody asked and fewer than two groups are large enough.
    """
    if config.groups:
        return config.groups[0], config.groups[1:] or None
    small = small_groups(nodes)
    names = [name for name in nodes.group_names if name not in small]
    if len(names) < 2:
        return None
    reference = "sensory" if "sensory" in names else names[0]
    return reference, tuple(name for name in names if name != reference) if small else None


def small_groups(nodes: Nodes) -> dict[str, int]:
    """
    Say which groups have too few nodes to be aligned.

    Parameters
    ----------
    nodes : Nodes
        The nodes.

    Returns
    -------
    dict of str to int
        Number of nodes of each.
    """
    counts = {name: int(np.sum(nodes.groups == name)) for name in nodes.group_names}
    return {name: count for name, count in counts.items() if count < LEAST_NODES}
