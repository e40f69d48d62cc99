"""What a culture that plays Pong is like, and how it is played with."""

from __future__ import annotations

from dataclasses import dataclass

from tavrnn_ephys.core.checks import one_of, positive_int, positive_number
from tavrnn_ephys.core.errors import InputError

__all__ = ["FEEDBACKS", "PongConfig"]

FEEDBACKS = ("stimulus", "silent")


@dataclass(frozen=True, kw_only=True)
class PongConfig:
    """
    How a culture plays Pong, and what stimulation does to it.

    Parameters
    ----------
    feedback : {"stimulus", "silent"}
        Predictable stimulation on a hit and noise on a miss, or neither: the same time passes
        without stimulation.
    game_s, rest_s : float
        Length of the game, and of the rest before it, in seconds.
    tick_s : float
        Time between two looks at the motor subregions, in seconds.
    dwell_s : float
        Mean time in one state that nothing disturbs, in seconds.
    kick : float
        Probability that a pulse of noise makes the culture leave its state.
    calm_s : float
        Time after predictable stimulation in which the culture does not leave its state by
        itself, in seconds.
    response : float
        Probability that a pulse of 75 mV makes a node of its site fire.
    mean_rate_hz : float
        Mean of the log-normally distributed rates without stimulation.
    coupled_fraction : float
        Fraction of a node's spikes that other nodes cause, in [0, 0.9].
    n_parents : int
        Number of nodes that drive each node.
    delay_s : float
        Mean time from a spike to the one that it causes.
    crossing_s : float
        Time in which the ball crosses the court.
    paddle : float
        Length of the paddle, as a share of the court's height, in (0, 1).

    Raises
    ------
    InputError
        If a value is out of its range.

    Examples
    --------
    >>> PongConfig(game_s=60.0).feedback
    'stimulus'
    """

    feedback: str = "stimulus"
    game_s: float = 300.0
    rest_s: float = 0.0
    tick_s: float = 0.02
    dwell_s: float = 20.0
    kick: float = 0.1
    calm_s: float = 6.0
    response: float = 0.6
    mean_rate_hz: float = 6.0
    coupled_fraction: float = 0.6
    n_parents: int = 4
    delay_s: float = 0.004
    crossing_s: float = 1.5
    paddle: float = 0.3

    def __post_init__(self) -> None:
        one_of(self.feedback, FEEDBACKS, "feedback")
        for name in (
            "game_s", "tick_s", "dwell_s", "mean_rate_hz", "delay_s", "crossing_s", "paddle",
        ):  # fmt: skip
            positive_number(getattr(self, name), name)
        for name in ("rest_s", "calm_s"):
            positive_number(getattr(self, name), name, or_zero=True)
        positive_int(self.n_parents, "n_parents")
        limits = {"coupled_fraction": 0.9, "kick": 1.0, "response": 1.0, "paddle": 0.99}
        for name, most in limits.items():
            value = positive_number(getattr(self, name), name, or_zero=True)
            if value > most:
                raise InputError(f"{name} must lie in [0, {most:g}], got {value!r}.")
        if self.tick_s > 0.1:
            raise InputError(f"tick_s must be at most 0.1 s, got {self.tick_s:g}.")
