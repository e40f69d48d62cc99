"""The options of a fit, from the profile and what differs from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import FORMER_PROFILES
from tavrnn_ephys.methods.tavrnn.nn.options import (
    ABLATIONS,
    PROFILES,
    NetworkOptions,
    options_for,
)
from tavrnn_ephys.methods.tavrnn.training import TrainingOptions

__all__ = ["options_of", "refuse_foreign", "resolve_options"]

_TRAINING_PROFILES: Mapping[str, Mapping[str, Any]] = {
    "state_space": {},
    "recurrent": {},
    "paper": {
        "training_epochs": 500,
        "learning_rate": 1e-2,
        "schedule": "constant",
        "sequence_length": None,
        "clip_norm": None,
    },
}
_OF_TRAINING = tuple(item.name for item in fields(TrainingOptions))
_OF_ALL = (*(item.name for item in fields(NetworkOptions)), *_OF_TRAINING)
_FITS = ("checkpoint",)
_OF_STATES_ALONE = ("gate", "left_out", "pooled_scale", "recall")
_ANY = None
# What each kind of model reads: an option, or what fit is given; and the values of those of which
# it reads some alone.
_STATES: Mapping[str, tuple[Any, ...] | None] = {
    "latent_size": _ANY,
    "recurrence": ("state_space", "independent"),
    "variational": _ANY,
    "gate": _ANY,
    "left_out": _ANY,
    "pooled_scale": _ANY,
    "recall": _ANY,
    "embedding": ("joined", "attended", "mean"),
    "smoothing": _ANY,
    "training_epochs": _ANY,
    "training_steps": _ANY,
}
_NETWORK: Mapping[str, tuple[Any, ...] | None] = {
    **{name: _ANY for name in (*_OF_ALL, *_FITS) if name not in _OF_STATES_ALONE},
    "recurrence": ("trained", "untrained", "none"),
}
_READ = {"state_space": _STATES, "recurrent": _NETWORK, "paper": _NETWORK}
# Parameters of the estimator, whose defaults say nothing.
_DEFAULTS = {"hidden_size": NetworkOptions.hidden_size, "n_layers": NetworkOptions.n_layers}


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
        If a name is unknown, a value is not allowed, or the profile does not read an option.
    """
    refuse_foreign(profile, options, ablation=ablation)
    training = {name: value for name, value in options.items() if name in _OF_TRAINING}
    network = {name: value for name, value in options.items() if name not in _OF_TRAINING}
    network_options = options_for(profile, ablation=ablation, **network)
    if training_epochs is not None:
        training["training_epochs"] = training_epochs
    return network_options, TrainingOptions(**{**_TRAINING_PROFILES[profile], **training})


def options_of(profile: str) -> tuple[str, ...]:
    """
    List the options that a profile reads.

    Parameters
    ----------
    profile : str
        The profile.

    Returns
    -------
    tuple of str
        Options of network and training, in their order.

    Examples
    --------
    >>> "gate" in options_of("state_space"), "gate" in options_of("recurrent")
    (True, False)
    """
    return tuple(name for name in _OF_ALL if name in _READ[profile])


def refuse_foreign(profile: str, given: Mapping[str, Any], *, ablation: str | None = None) -> None:
    """
    Refuse what a profile would not read, so that nothing is left aside in silence.

    Parameters
    ----------
    profile : str
        The profile.
    given : mapping of str to object
        Options, and what ``fit`` was given.
    ablation : str, optional
        Part that is taken away.

    Raises
    ------
    InputError
        If there is no such profile, ablation or option, or the profile does not read one.

    Examples
    --------
    >>> refuse_foreign("recurrent", {"kl_weight": 0.1}, ablation="no_attention")
    """
    one_of(profile, PROFILES, "profile", former=FORMER_PROFILES)
    if ablation is not None:
        for name in ABLATIONS[one_of(ablation, ABLATIONS, "ablation")]:
            if name not in _READ[profile]:
                raise _foreign(profile, name, f"{name}, which ablation={ablation!r} takes away")
    for name, value in given.items():
        if name not in (*_OF_ALL, *_FITS):
            one_of(name, options_of(profile), "option")
        is_said = name not in _DEFAULTS or value is True or value != _DEFAULTS[name]
        if is_said and not _reads(profile, name):
            raise _foreign(profile, name, name)
        if is_said and not _reads(profile, name, value):
            NetworkOptions(**{name: value})  # Refuses a value that no profile has.
            raise _foreign(profile, name, f"{name}={value!r}", value)


def _reads(profile: str, name: str, value: Any = _ANY) -> bool:
    """Whether a profile reads an option, and this value of it."""
    values = _READ[profile].get(name, ())
    if values is _ANY or value is _ANY:
        return values != ()
    return isinstance(value, str) and value in values


def _foreign(profile: str, name: str, what: str, value: Any = _ANY) -> InputError:
    others = [item for item in PROFILES if _reads(item, name, value)]
    own = _READ[profile].get(name) or ()
    ways = ["leave it out"] if value is _ANY else [f"choose one of {', '.join(map(repr, own))}"]
    ways += [f'take profile="{others[0]}", which does'] if others else []
    way_out = ", or ".join(ways)
    return InputError(
        f"The profile {profile!r} does not read {what}. {way_out[0].upper()}{way_out[1:]}."
    )
