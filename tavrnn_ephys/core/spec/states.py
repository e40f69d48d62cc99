"""Whether discrete states of the network are asked for, and how they are found."""

from __future__ import annotations

from dataclasses import dataclass

from tavrnn_ephys.core.checks import one_of, positive_int, whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import STATE_METHODS
from tavrnn_ephys.core.spec.facts import fact

__all__ = ["StateSpec"]

_LEAST_SURROGATES = 19


@dataclass(frozen=True, kw_only=True)
class StateSpec:
    """
    How discrete states of a network are found.

    Parameters
    ----------
    n_states : int or "auto"
        Number of states; chosen against surrogates and by held-out likelihood by default.
    method : {"hmm", "kmeans"}
        Hidden Markov model with Gaussian states, or k-means, which knows no time.
    max_states : int
        Most states that are tried.
    n_surrogates : int
        Number of surrogate recordings that keep rates, at least 19.
    n_nulls : int
        Number of shifts in time when behaviours are linked to states.
    seed : int
        Seed of surrogates, fits and shifts.

    Raises
    ------
    InputError
        If a number is no whole number in its range, or there is no such method.

    Examples
    --------
    >>> StateSpec(n_states=3).max_states
    6
    """

    n_states: int | str = fact("states.n_states", default="auto")
    method: str = fact("states.method", default="hmm")
    max_states: int = fact("states.max_states", default=6)
    n_surrogates: int = fact("states.n_surrogates", default=_LEAST_SURROGATES)
    n_nulls: int = fact("states.n_nulls", default=199)
    seed: int = fact("states.seed", default=0)

    def __post_init__(self) -> None:
        if self.n_states != "auto":
            if isinstance(self.n_states, str):
                raise InputError(
                    f"n_states must be a whole number, or 'auto', got {self.n_states!r:.40}."
                )
            positive_int(self.n_states, "n_states")
        one_of(self.method, STATE_METHODS, "method")
        for name in ("max_states", "n_nulls"):
            positive_int(getattr(self, name), name)
        if positive_int(self.n_surrogates, "n_surrogates") < _LEAST_SURROGATES:
            raise InputError(
                f"{self.n_surrogates} surrogates are too few for a chance of 0.05; "
                f"{_LEAST_SURROGATES} are needed."
            )
        whole_number(self.seed, "seed")
