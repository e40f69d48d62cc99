"""Which behaviour, and how a window of it is summed up."""

from __future__ import annotations

from dataclasses import dataclass

from tavrnn_ephys.core.checks import one_of, positive_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import HOW
from tavrnn_ephys.core.spec.facts import fact

__all__ = ["BehaviorSpec"]


@dataclass(frozen=True, kw_only=True)
class BehaviorSpec:
    """
    A behaviour of a recording, one value per window.

    Parameters
    ----------
    name : str
        Name, as :func:`tavrnn_ephys.activity.behavior.window_behavior` takes it: a signal, an
        epoch or an event, ``"NAME:LABEL"`` for one label, ``"game:rally_length"`` for a game.
    how : str, optional
        How a window is summed up, one of ``tavrnn_ephys.core.names.HOW``; by default as
        suits the kind of behaviour.
    period : float, optional
        Full turn of a circular signal, in its unit.
    groups : tuple of str
        Groups of nodes that are aligned, the reference first; empty for all.

    Raises
    ------
    InputError
        If there is no name, windows are summed up in no known way, or the period is not positive.

    Examples
    --------
    >>> BehaviorSpec(name="heading", how="circular_mean", period=360.0).groups
    ()
    """

    name: str = fact("behavior.name")
    how: str | None = fact("behavior.how", kind="optional", default=None)
    period: float | None = fact("behavior.period", kind="optional", default=None)
    groups: tuple[str, ...] = fact("behavior.groups", kind="json", default=())

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InputError(f"A behaviour is chosen by its name, got {self.name!r}.")
        if self.how is not None:
            one_of(self.how, HOW, "how")
        if self.period is not None:
            positive_number(self.period, "period")
        if isinstance(self.groups, str):
            raise InputError(f"groups must be a list of names, got {self.groups!r}.")
        object.__setattr__(self, "groups", tuple(self.groups))
