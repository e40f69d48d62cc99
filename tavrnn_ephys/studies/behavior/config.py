"""Every choice of the link to a behaviour."""

from __future__ import annotations

from dataclasses import dataclass

from tavrnn_ephys.core.checks import positive_int, positive_number, whole_number
from tavrnn_ephys.core.spec import BehaviorSpec
from tavrnn_ephys.core.spec.facts import fact

__all__ = ["BehaviorConfig"]


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
        Full turn of a circular signal.
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
            name=self.behavior, how=self.how, period=self.period, groups=self.groups
        )
