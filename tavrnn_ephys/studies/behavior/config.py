"""Every choice of the link to a behaviour."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from tavrnn_ephys.core.checks import positive_int, positive_number, some, whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.spec import BehaviorSpec, from_facts, to_facts
from tavrnn_ephys.core.spec.facts import fact

__all__ = ["BehaviorConfig", "behavior_facts", "behaviors_of_facts", "each_behavior", "stem_of"]

_STEM = "behavior"
_NULLS_EACH, _MOST_NULLS = 199, 999


@dataclass(frozen=True, kw_only=True)
class BehaviorConfig:
    """
    Every choice of the link to a behaviour.

    Parameters
    ----------
    behavior : str
        Name, as :func:`tavrnn_ephys.activity.behavior.window_behavior` takes it.
    how : str, optional
        How a window is summed up.
    period : float, optional
        Full turn of a signal that is an angle, such as 360 for degrees.
    groups : tuple of str
        Groups of nodes, the reference first; empty for all, with ``"sensory"`` or else the first
        in the alphabet as the reference.
    n_each : int
        Number of windows ranked High, and of those ranked Low.
    min_distance_s : float, optional
        Smallest time between ranked windows; the length of a window by default.
    n_nulls, n_shuffles : int
        Number of circular shifts in time, and of shuffles of groups in space.
    model_in_folds : bool
        Whether the model is fitted anew in every fold for decoding; else it is left out there.
    seed : int
        Seed of all nulls.
    least_coverage : float, optional
        Share of a window in which the behaviour must be known; a window that knows less has no
        value.
    """

    behavior: str = fact("behavior.name")
    how: str | None = fact("behavior.how", kind="optional", default=None)
    period: float | None = fact("behavior.period", kind="optional", default=None)
    groups: tuple[str, ...] = fact("behavior.groups", kind="json", default=())
    n_each: int = fact("behavior.n_each", default=3)
    min_distance_s: float | None = fact("behavior.min_distance_s", kind="optional", default=None)
    n_nulls: int = fact("behavior.n_nulls", default=199)
    n_shuffles: int = fact("behavior.n_shuffles", default=199)
    model_in_folds: bool = fact("behavior.model_in_folds", default=True)
    seed: int = fact("behavior.seed", default=0)
    least_coverage: float | None = fact("behavior.least_coverage", kind="optional", default=None)

    def __post_init__(self) -> None:
        object.__setattr__(self, "groups", self.spec.groups)
        for name in ("n_each", "n_nulls", "n_shuffles"):
            positive_int(getattr(self, name), name)
        if self.min_distance_s is not None:
            positive_number(self.min_distance_s, "min_distance_s")
        whole_number(self.seed, "seed")

    @property
    def spec(self) -> BehaviorSpec:
        """The behaviour itself."""
        return BehaviorSpec(
            name=self.behavior,
            how=self.how,
            period=self.period,
            groups=self.groups,
            least_coverage=self.least_coverage,
        )


def each_behavior(
    names: str | Sequence[str],
    *,
    how: Any = None,
    period: Any = None,
    least_coverage: Any = None,
    **common: Any,
) -> tuple[BehaviorConfig, ...]:
    """
    Make one configuration for each of several behaviours.

    Parameters
    ----------
    names : str or sequence of str
        The behaviours, each once.
    how, period, least_coverage : object or sequence, optional
        One for all behaviours, or one for each in their order, None where it is left open.  A
        period belongs to angles: of several behaviours each needs its own, or None.
    **common : object
        Further choices of :class:`BehaviorConfig`, the same for all.  ``n_nulls`` is 199 for each
        behaviour by default, at most 999: what is corrected over more of them needs smaller
        p-values.

    Returns
    -------
    tuple of BehaviorConfig
        In the order of the names.

    Raises
    ------
    InputError
        If a behaviour is named twice, or the numbers of values and of behaviours differ.

    Examples
    --------
    >>> speed, heading = each_behavior(["speed", "heading"], period=[None, 360.0])
    >>> speed.period, heading.period
    (None, 360.0)
    """
    named = [names] if isinstance(names, str) else list(names)
    if not named:
        raise InputError("There is no behaviour to be linked: name one.")
    twice = [name for name in dict.fromkeys(named) if named.count(name) > 1]
    if twice:
        raise InputError(f"The behaviour {some(twice)} is named twice. Name each once.")
    common = {"n_nulls": min(_NULLS_EACH * len(named), _MOST_NULLS), **common}
    given = {"how": how, "period": period, "least_coverage": least_coverage}
    values = {name: _for_each(name, value, len(named)) for name, value in given.items()}
    return tuple(
        BehaviorConfig(
            behavior=name, **{key: value[index] for key, value in values.items()}, **common
        )
        for index, name in enumerate(named)
    )


def _for_each(name: str, value: Any, n_behaviors: int) -> list[Any]:
    values = list(value) if isinstance(value, list | tuple) else [value]
    if len(values) == n_behaviors:
        return values
    if len(values) == 1 and (values[0] is None or name != "period"):
        return values * n_behaviors
    hint = ", None where it is no angle" if name == "period" else ""
    raise InputError(
        f"{name} is given {len(values)} times for {n_behaviors} behaviours. Give it once for each, "
        f"in their order{hint}."
    )


def stem_of(index: int) -> str:
    """
    Name what is stored of one of several behaviours.

    Parameters
    ----------
    index : int
        Its position among those that were asked for, from 0.

    Returns
    -------
    str
        What the names of its facts, tables and pictures begin with.

    Examples
    --------
    >>> stem_of(0), stem_of(1)
    ('behavior', 'behavior2')
    """
    return _STEM if index == 0 else f"{_STEM}{index + 1}"


def behavior_facts(configs: Sequence[BehaviorConfig]) -> dict[str, Any]:
    """
    Write the choices of several behaviours as scalars by dotted key.

    Parameters
    ----------
    configs : sequence of BehaviorConfig
        The behaviours.

    Returns
    -------
    dict of str to scalar
        Keys begin with ``behavior.``, ``behavior2.``, ….
    """
    return {
        f"{stem_of(index)}{key.removeprefix(_STEM)}": value
        for index, config in enumerate(configs)
        for key, value in to_facts(config).items()
    }


def behaviors_of_facts(facts: Mapping[str, Any]) -> tuple[BehaviorConfig, ...]:
    """
    Read the behaviours of a stored run.

    Parameters
    ----------
    facts : mapping of str to scalar
        Facts by dotted key, with or without ``"config."`` before it.

    Returns
    -------
    tuple of BehaviorConfig
        Empty where the run was not asked for any.

    Raises
    ------
    InputError
        If a choice breaks a rule.

    Examples
    --------
    >>> configs = each_behavior(["speed", "lick"], how=[None, "rate"])
    >>> behaviors_of_facts(behavior_facts(configs)) == configs
    True
    """
    known = {key.removeprefix("config."): value for key, value in facts.items()}
    found: list[BehaviorConfig] = []
    while f"{stem_of(len(found))}.name" in known:
        start = f"{stem_of(len(found))}."
        mine = {
            f"{_STEM}.{key.removeprefix(start)}": value
            for key, value in known.items()
            if key.startswith(start)
        }
        found.append(from_facts(BehaviorConfig, mine))
    return tuple(found)
