"""The options of a fit, from the profile and what differs from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions, options_for
from tavrnn_ephys.methods.tavrnn.training import TrainingOptions

__all__ = ["resolve_options"]

_TRAINING_PROFILES: Mapping[str, Mapping[str, Any]] = {
    "default": {},
    "state_space": {},
    "paper": {
        "training_epochs": 500,
        "learning_rate": 1e-2,
        "schedule": "constant",
        "sequence_length": None,
        "clip_norm": None,
    },
}


def resolve_options(
    profile: str,
    ablation: str | None,
    *,
    training_epochs: int | None,
    options: Mapping[str, Any],
) -> tuple[NetworkOptions, TrainingOptions]:
    """
    Combine a profile, an ablation and single options.

    Parameters
    ----------
    profile : str
        Named set of options.
    ablation : str or None
        Part that is taken away.
    training_epochs : int or None
        Passes over the training windows; ``None`` for the profile's.
    options : mapping of str to object
        Options of network and training that differ.

    Returns
    -------
    tuple of NetworkOptions and TrainingOptions
        Checked options.

    Raises
    ------
    InputError
        If a name is unknown or a value is not allowed.
    """
    names = {item.name for item in fields(TrainingOptions)}
    training = {name: value for name, value in options.items() if name in names}
    network = {name: value for name, value in options.items() if name not in names}
    network_options = options_for(profile, ablation=ablation, **network)
    if training_epochs is not None:
        training["training_epochs"] = training_epochs
    return network_options, TrainingOptions(**{**_TRAINING_PROFILES[profile], **training})
