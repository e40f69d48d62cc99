"""A behaviour as a number per window, refused where nothing can be associated with it."""

from __future__ import annotations

from typing import cast

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior import WindowBehavior
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation import blocked_folds
from tavrnn_ephys.networks.alignment import check_groups
from tavrnn_ephys.statistics.time_shifts import time_null
from tavrnn_ephys.studies.behavior.config import BehaviorConfig
from tavrnn_ephys.studies.recording import Recording

__all__ = ["N_FOLDS", "behavior_score", "check_behavior", "groups_to_align", "is_constant"]

N_FOLDS = 5
_LEAST_PER_CLASS = 10


def check_behavior(recording: Recording, config: BehaviorConfig) -> None:
    """
    Refuse a behaviour or groups that do not suit a recording, before any model is fitted.

    Parameters
    ----------
    recording : Recording
        The recording, opened with the behaviour.
    config : BehaviorConfig
        How both are linked.

    Raises
    ------
    InputError
        As :func:`tavrnn_ephys.studies.behavior.analysis.analyze_behavior` would.
    """
    nodes = recording.activity.nodes
    score = behavior_score(cast(WindowBehavior, recording.behavior))
    if config.groups or len(nodes.group_names) > 1:
        reference, others = groups_to_align(nodes, config)
        check_groups(nodes, reference, others)
    known = np.flatnonzero(np.isfinite(score))
    overlap = recording.windows.select(known).overlap
    blocked_folds(len(known), n_folds=N_FOLDS, gap=overlap + 1)
    time_null(score[known], n_nulls=1)


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
