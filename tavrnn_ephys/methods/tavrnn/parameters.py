"""Options of network and training as parameters that scikit-learn can read, set and search."""

from __future__ import annotations

from dataclasses import asdict, fields
from typing import Any, Self

from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions
from tavrnn_ephys.methods.tavrnn.profiles import options_of, refuse_foreign, resolve_options
from tavrnn_ephys.methods.tavrnn.training import TrainingOptions

__all__ = ["Parameters"]

_PREFIX = "options__"
# Those that the estimator takes by themselves.
_OWN = ("hidden_size", "latent_size", "n_layers", "training_epochs")
_NAMES = tuple(
    item.name
    for part in (NetworkOptions, TrainingOptions)
    for item in fields(part)
    if item.name not in _OWN
)


class Parameters:
    """Parameters of TAVRNN: its own, and every single option behind ``options__``."""

    hidden_size: int
    latent_size: int
    n_layers: int
    training_epochs: int | None
    profile: str
    ablation: str | None
    options: dict[str, Any] | None

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """
        Give the parameters.

        Parameters
        ----------
        deep : bool
            Whether every option that the profile reads stands beside them, with the value that
            profile, ablation and ``options`` give it.

        Returns
        -------
        dict of str to object
            By name; an option as ``options__kl_weight``.
        """
        found: dict[str, Any] = super().get_params(deep=False)  # type: ignore[misc]
        if not deep:
            return found
        try:
            base = resolve_options(self.profile, self.ablation, training_epochs=None, options={})
            given = dict(self.options or {})
        except (InputError, TypeError):
            # What does not exist is refused by fit, and has no options that could be shown.
            return found
        known = {name: value for part in base for name, value in asdict(part).items()}
        known |= given
        names = (name for name in options_of(self.profile) if name in _NAMES)
        found |= {f"{_PREFIX}{name}": known[name] for name in names}
        return found

    def set_params(self, **parameters: Any) -> Self:
        """
        Set parameters, single options among them.

        Parameters
        ----------
        **parameters : object
            By name, such as ``latent_size=4`` or ``options__kl_weight=0.1``; a single option leaves
            the others as they are.

        Returns
        -------
        TAVRNN
            The estimator itself.

        Raises
        ------
        InputError
            If there is no such option.
        ValueError
            If there is no such parameter.
        """
        single = {
            one_of(name.removeprefix(_PREFIX), _NAMES, "option"): value
            for name, value in parameters.items()
            if name.startswith(_PREFIX)
        }
        own = {key: value for key, value in parameters.items() if not key.startswith(_PREFIX)}
        super().set_params(**own)  # type: ignore[misc]
        if single:
            # A dictionary of its own: a copy of the estimator may share the one before.
            self.options = {**(self.options or {}), **single}
        return self

    def _resolve_options(self, **of_fit: Any) -> tuple[NetworkOptions, TrainingOptions]:
        """Check the options, and what ``fit`` was given beside the graphs."""
        given = {name: value for name, value in of_fit.items() if value is not None}
        found = resolve_options(
            self.profile,
            self.ablation,
            training_epochs=self.training_epochs,
            options={
                "hidden_size": self.hidden_size,
                "latent_size": self.latent_size,
                "n_layers": self.n_layers,
                **(self.options or {}),
            },
        )
        refuse_foreign(self.profile, given)
        return found
