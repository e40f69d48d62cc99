"""Which model, trained for how long."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tavrnn_ephys.core.checks import one_of, positive_int, whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import FORMER_PROFILES, PROFILES, SMOOTHINGS
from tavrnn_ephys.core.spec.facts import fact

__all__ = ["ModelSpec"]


@dataclass(frozen=True, kw_only=True)
class ModelSpec:
    """
    Profile, width, training and seed of the model.

    Parameters
    ----------
    profile : {"state_space", "recurrent", "paper"}
        Profile of the model.  Runs of former releases that say ``"default"``, or nothing, are of
        ``"recurrent"``.
    training_epochs : int, optional
        Passes over the windows; the profile's by default.
    seed : int
        Seed of the model.
    latent_size : int, optional
        Width of the latent variable of a node; the model's by default.
    smoothing : {"none", "causal", "two_sided"}, optional
        How embeddings are smoothed over windows; the profile's by default.
    options : mapping of str to object
        Further options of the model that differ from the profile, such as ``embedding``.

    Raises
    ------
    InputError
        If there is no such profile or smoothing, a number is no whole number in its range, or an
        option has a parameter of its own.

    Examples
    --------
    >>> ModelSpec(seed=1, latent_size=4).given_options
    {}
    >>> ModelSpec(smoothing="causal").given_options
    {'smoothing': 'causal'}
    """

    profile: str = fact(
        "analysis.profile", default=PROFILES[0], former=FORMER_PROFILES, absent="recurrent"
    )
    training_epochs: int | None = fact("analysis.training_epochs", default=None)
    seed: int = fact("analysis.seed", default=0)
    latent_size: int | None = fact("analysis.latent_size", kind="optional", default=None)
    smoothing: str | None = fact("analysis.smoothing", kind="optional", default=None)
    options: Mapping[str, Any] = fact(
        "analysis.model_options", kind="options", default_factory=dict
    )

    def __post_init__(self) -> None:
        whole_number(self.seed, "seed")
        if self.training_epochs is not None:
            positive_int(self.training_epochs, "training_epochs")
        one_of(self.profile, PROFILES, "profile", former=FORMER_PROFILES)
        if self.latent_size is not None:
            positive_int(self.latent_size, "latent_size")
        if self.smoothing is not None:
            one_of(self.smoothing, SMOOTHINGS, "smoothing")
        for name in ("latent_size", "smoothing", "training_epochs"):
            if name in self.options:
                raise InputError(f"{name} has a parameter of its own: leave it out of the options.")

    @property
    def given_options(self) -> dict[str, Any]:
        """Options that differ from the profile, the smoothing among them."""
        smoothing = {} if self.smoothing is None else {"smoothing": self.smoothing}
        return {**self.options, **smoothing}
