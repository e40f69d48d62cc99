"""Which behaviour, and how a window of it is summed up."""

from __future__ import annotations

from dataclasses import dataclass

from tavrnn_ephys.core.checks import is_real_number, one_of, positive_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import HOW, HOW_OF_ANGLES, HOW_WITH_COVERAGE
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
        Full turn of a signal that is an angle, in its unit, such as 360 for degrees.
    groups : tuple of str
        Groups of nodes that are aligned, the reference first; empty for all.
    least_coverage : float, optional
        Share of a window in which the behaviour must be known, in (0, 1]; a window that knows less
        has no value.

    Raises
    ------
    InputError
        If there is no name, windows are summed up in no known way, a number is out of its range, or
        a period or a coverage does not suit the way.

    Examples
    --------
    >>> BehaviorSpec(name="heading", how="circular_mean", period=360.0).groups
    ()
    """

    name: str = fact("behavior.name")
    how: str | None = fact("behavior.how", kind="optional", default=None)
    period: float | None = fact("behavior.period", kind="optional", default=None)
    groups: tuple[str, ...] = fact("behavior.groups", kind="json", default=())
    least_coverage: float | None = fact("behavior.least_coverage", kind="optional", default=None)

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not self.name:
            raise InputError(f"A behaviour is chosen by its name, got {self.name!r}.")
        if self.how is not None:
            one_of(self.how, HOW, "how")
        if self.period is not None:
            positive_number(self.period, "period")
            self._check_way("period", "the full turn of angles", HOW_OF_ANGLES)
        if self.least_coverage is not None:
            share = self.least_coverage
            if not (is_real_number(share) and 0 < share <= 1):
                raise InputError(f"least_coverage must lie in (0, 1], got {share!r}.")
            self._check_way("least_coverage", "how much of a window is known", HOW_WITH_COVERAGE)
        if isinstance(self.groups, str):
            raise InputError(f"groups must be a list of names, got {self.groups!r}.")
        object.__setattr__(self, "groups", tuple(self.groups))

    def _check_way(self, name: str, meaning: str, ways: tuple[str, ...]) -> None:
        if self.how is not None and self.how not in ways:
            raise InputError(
                f"{name} is {meaning}, and belongs to {', '.join(ways)}, not to '{self.how}'. "
                "Leave it out."
            )
