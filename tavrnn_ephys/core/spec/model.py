"""Which model, trained for how long."""

from __future__ import annotations

from dataclasses import dataclass

from tavrnn_ephys.core.checks import one_of, positive_int, whole_number
from tavrnn_ephys.core.names import PROFILES
from tavrnn_ephys.core.spec.facts import fact

__all__ = ["ModelSpec"]


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """
    Profile, training and seed of the model.

    Parameters
    ----------
    profile : {"default", "state_space", "paper"}
        Profile of the model.
    training_epochs : int, optional
        Passes over the windows; the profile's by default.
    seed : int
        Seed of the model.

    Raises
    ------
    InputError
        If there is no such profile, or a number is no whole number in its range.

    Examples
    --------
    >>> ModelSpec(seed=1)
    ModelSpec(profile='default', training_epochs=None, seed=1)
    """

    profile: str = fact("analysis.profile", default="default")
    training_epochs: int | None = fact("analysis.training_epochs", default=None)
    seed: int = fact("analysis.seed", default=0)

    def __post_init__(self) -> None:
        whole_number(self.seed, "seed")
        if self.training_epochs is not None:
            positive_int(self.training_epochs, "training_epochs")
        one_of(self.profile, PROFILES, "profile")
