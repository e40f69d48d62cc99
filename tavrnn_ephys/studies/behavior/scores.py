"""A behaviour as a number per window, refused where nothing can be associated with it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior import WindowBehavior
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation import blocked_folds
from tavrnn_ephys.networks.alignment import check_groups
from tavrnn_ephys.statistics.time_shifts import time_null
from tavrnn_ephys.studies.behavior.config import BehaviorConfig

__all__ = ["N_FOLDS", "behavior_score", "check_behavior", "groups_to_align"]

N_FOLDS = 5
_LEAST_PER_CLASS = 10


def check_behavior(
    behavior: WindowBehavior, windows: Windows, nodes: Nodes, config: BehaviorConfig
) -> None:
    """
    Refuse a behaviour or groups that do not suit a recording, before any model is fitted.

    Parameters
    ----------
    behavior : WindowBehavior
        The behaviour per window.
    windows : Windows
        The windows.
    nodes : Nodes
        The nodes.
    config : BehaviorConfig
        How they are linked.

    Raises
    ------
    InputError
        As :func:`tavrnn_ephys.studies.behavior.analysis.analyze_behavior` would.
    """
    score = behavior_score(behavior)
    known = np.flatnonzero(np.isfinite(score))
    time_null(score[known], n_nulls=1)
    blocked_folds(len(known), n_folds=N_FOLDS, gap=windows.select(known).overlap + 1)
    if config.groups or len(nodes.group_names) > 1:
        check_groups(nodes, *groups_to_align(nodes, config))


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
        Shape (n_windows,), NaN where unknown; of two labels, 1 for the second in the alphabet.

    Raises
    ------
    InputError
        If it does not vary, has more than two labels, or too few windows of one.
    """
    values = behavior.values
    if not behavior.is_label:
        numbers = np.asarray(values, dtype=np.float64)
        known = numbers[np.isfinite(numbers)]
        if np.ptp(known) == 0:
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
    if len(names) > 2:
        raise InputError(
            f"The behaviour '{behavior.name}' has {len(names)} labels ({some(names)}); two can be "
            f"compared. Name one of them, as '{behavior.name}:{names[0]}', with how='share'."
        )
    if counts.min() < _LEAST_PER_CLASS:
        raise InputError(
            f"'{behavior.name}' is '{names[counts.argmin()]}' in {counts.min()} windows; each "
            f"label needs {_LEAST_PER_CLASS}. Record longer, or use a shorter step."
        )
    return np.where(values == "", np.nan, (values == names[1]).astype(np.float64))


def groups_to_align(nodes: Nodes, config: BehaviorConfig) -> tuple[str, tuple[str, ...] | None]:
    """
    Say which groups of nodes are aligned.

    Parameters
    ----------
    nodes : Nodes
        The nodes.
    config : BehaviorConfig
        Which groups, or none for all.

    Returns
    -------
    reference : str
        The group that the others are compared with.
    others : tuple of str or None
        The other groups; None for all.
    """
    names = nodes.group_names
    if config.groups:
        return config.groups[0], config.groups[1:] or None
    return ("sensory" if "sensory" in names else names[0]), None
