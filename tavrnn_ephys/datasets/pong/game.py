"""The game itself: culture, court and stimulator, tick by tick."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of, whole_number
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.datasets.layout import culture_nodes
from tavrnn_ephys.datasets.pong._court import Court
from tavrnn_ephys.datasets.pong._living import DOWN, UP, LivingCulture
from tavrnn_ephys.datasets.pong._stimuli import (
    NOISE_S,
    PATTERNS,
    PREDICTABLE_S,
    Pulses,
    Stimulator,
    noise,
    predictable,
)
from tavrnn_ephys.datasets.pong.config import PongConfig

__all__ = ["PongGame", "PongTick", "play_pong"]

# Motor activity is looked at through so many seconds of the past.
_MEMORY_S = 0.25
_GAIN = 2.0
# A burst of noise ends one state, not two.
_SETTLING_S = NOISE_S
# Between the noise of a miss and the next ball nothing is stimulated.
_PAUSE_S = 4.0


@dataclass(frozen=True, kw_only=True)
class PongTick:
    """
    What happened in one tick.

    Parameters
    ----------
    t_start_s, t_stop_s : float
        Its limits.
    times_s : numpy.ndarray, shape (n_spikes,)
        Times of its spikes, in order.
    nodes : numpy.ndarray of int, shape (n_spikes,)
        Position of the node of each.
    event : {"", "hit", "miss"}
        What the ball did.
    """

    t_start_s: float
    t_stop_s: float
    times_s: NDArray[np.float64]
    nodes: NDArray[np.int64]
    event: str = ""


class PongGame:
    """
    A culture that plays Pong, as in DishBrain [1]_, and can be stimulated while it does.

    Eight sites along the sensory subregion are stimulated: the site says how high the ball is
    above the paddle, the rate (4 to 40 Hz) how near.  The paddle moves by the difference of
    activity in the motor subregions *up* and *down*.  A hit is answered predictably, by all
    sites at 100 Hz for 100 ms and 75 mV; a miss by noise, 20 pulses of 150 mV at random sites
    and times within 4 s, after which the game pauses for 4 s.

    The culture is in one of two states at equal rates.  In the *aligned* one the motor
    subregions follow the sensory sites, so that the paddle follows the ball; in the *segregated*
    one they drive themselves.  Noise may make the culture leave its state, whatever that is, and
    predictable stimulation keeps it there.  So a culture that is told of its hits and misses
    plays better than one that is not.  This is a model to try a closed loop on, not evidence for
    any theory of learning.

    Parameters
    ----------
    config : PongConfig, optional
        How.
    nodes : Nodes or int
        Channels with the groups and positions of a DishBrain chip, or a number of at least 20.
    culture : int
        Seed of what the culture is: places, rates, coupling.
    seed : int
        Seed of what happens.

    Raises
    ------
    InputError
        If there are too few nodes, or their groups are not those of a chip.

    References
    ----------
    .. [1] Kagan et al. (2022), Neuron 110, 3952-3969.

    Examples
    --------
    >>> game = PongGame(PongConfig(game_s=20.0), nodes=40, seed=1)
    >>> tick = game.advance()
    >>> tick.t_stop_s, game.is_over
    (0.02, False)
    """

    def __init__(
        self,
        config: PongConfig | None = None,
        *,
        nodes: Nodes | int = 60,
        culture: int = 0,
        seed: int = 0,
    ) -> None:
        self.config = config or PongConfig()
        self.culture, self.seed = whole_number(culture, "culture"), whole_number(seed, "seed")
        wiring, session = np.random.default_rng(culture), np.random.default_rng([seed, culture, 1])
        self.nodes = nodes if isinstance(nodes, Nodes) else culture_nodes(nodes, wiring)
        _check_nodes(self.nodes)
        self._rng, self._living = session, LivingCulture(self.nodes, self.config, wiring, session)
        self._court = Court(self.config.crossing_s, self.config.paddle, session)
        self._stimulator, self._activity = Stimulator(), np.zeros(2)
        self._motor = [np.isin(self.nodes.groups, names) for names in (UP, DOWN)]
        self._expected = [self._living.rates[chosen].sum() for chosen in self._motor]
        # Another thread may ask; what it asks for begins with the next tick.
        self._asked: deque[tuple[str, str]] = deque()
        self._running: list[Pulses] = []
        self._pause_until_s = self._calm_until_s = self._settled_s = 0.0
        self.n_ticks = self.n_asked = 0
        self.ticks: list[PongTick] = []
        self.pulses: list[Pulses] = []
        self.hits_s: list[float] = []
        self.misses_s: list[float] = []
        self.switches: list[tuple[float, int]] = [(0.0, self._living.state)]
        self.positions: list[tuple[float, float, float]] = []

    @property
    def t_s(self) -> float:
        """Time that has passed, in seconds."""
        return self.n_ticks * self.config.tick_s

    @property
    def duration_s(self) -> float:
        """Length of rest and game in seconds, in whole ticks."""
        return self._n_all * self.config.tick_s

    @property
    def _n_all(self) -> int:
        return round((self.config.rest_s + self.config.game_s) / self.config.tick_s)

    @property
    def is_over(self) -> bool:
        """Whether rest and game have passed."""
        return self.n_ticks >= self._n_all

    @property
    def state(self) -> int:
        """State of the culture, which a monitor has to find out: 0 segregated, 1 aligned."""
        return self._living.state

    def stimulate(self, pattern: str = "noise", *, asked: str = "monitor") -> None:
        """
        Stimulate from the next tick on, whatever the game does.

        Parameters
        ----------
        pattern : {"noise", "predictable"}
            What a miss, or what a hit is answered with.
        asked : str
            Who asks; kept with the pulses.

        Raises
        ------
        InputError
            If there is no such pattern.
        """
        self._asked.append((one_of(pattern, PATTERNS, "pattern"), asked))

    def advance(self) -> PongTick:
        """
        Play one tick.

        Returns
        -------
        PongTick
            What happened in it.

        Raises
        ------
        InputError
            If the game is over.
        """
        if self.is_over:
            raise InputError("The game is over. Begin another one, or take a longer game_s.")
        start, stop = self.t_s, (self.n_ticks + 1) * self.config.tick_s
        self._begin_asked(start)
        event = self._play(start) if start >= self.config.rest_s else ""
        pulses = self._due(start, stop)
        self._change_state(start, pulses)
        times, nodes = self._living.advance(start, stop, pulses)
        self._look(nodes)
        tick = PongTick(t_start_s=start, t_stop_s=stop, times_s=times, nodes=nodes, event=event)
        self.ticks.append(tick)
        self.positions.append((self._court.x, self._court.y, self._court.paddle_y))
        self.n_ticks += 1
        return tick

    def _begin_asked(self, start_s: float) -> None:
        while self._asked:
            pattern, asked = self._asked.popleft()
            self.n_asked += 1
            self._begin(pattern, start_s, asked)

    def _begin(self, pattern: str, start_s: float, asked: str) -> None:
        if pattern == "noise":
            self._running.append(noise(start_s, self._rng, asked=asked))
        else:
            self._running.append(predictable(start_s, asked=asked))
            self._calm_until_s = start_s + PREDICTABLE_S + self.config.calm_s

    def _play(self, start_s: float) -> str:
        """Move ball and paddle, and tell the culture."""
        tick_s, court = self.config.tick_s, self._court
        up, down = self._activity / self._expected
        drive = _GAIN * (up - down)
        if start_s < self._pause_until_s:
            court.move_paddle(tick_s, drive)
            return ""
        event = court.step(tick_s, drive)
        is_told = self.config.feedback == "stimulus"
        if event == "hit":
            self.hits_s.append(start_s)
            if is_told:
                self._begin("predictable", start_s, "game")
        elif event == "miss":
            self.misses_s.append(start_s)
            self._pause_until_s = start_s + NOISE_S + _PAUSE_S
            if is_told:
                self._begin("noise", start_s, "game")
            court.serve()
        else:
            sensory = self._stimulator.sensory(start_s, tick_s, court.x, court.offset)
            if len(sensory.times_s):
                self._running.append(sensory)
        return event

    def _due(self, start_s: float, stop_s: float) -> list[Pulses]:
        due = [item.between(start_s, stop_s) for item in self._running]
        self._running = [item for item in self._running if item.times_s[-1] >= stop_s]
        due = [item for item in due if len(item.times_s)]
        self.pulses += due
        return due

    def _change_state(self, start_s: float, pulses: list[Pulses]) -> None:
        config, rng = self.config, self._rng
        if start_s < self._settled_s:
            return
        n_noise = sum(len(item.times_s) for item in pulses if item.kind == "noise")
        stays = (1.0 - config.kick) ** n_noise
        if start_s >= self._calm_until_s:
            stays *= float(np.exp(-config.tick_s / config.dwell_s))
        if rng.random() >= stays:
            self._living.leave()
            self._settled_s = start_s + _SETTLING_S
            self.switches.append((start_s, self._living.state))

    def _look(self, nodes: NDArray[np.int64]) -> None:
        """Keep the rates of both motor subregions, smoothed over the past."""
        counts = np.array([chosen[nodes].sum() for chosen in self._motor])
        share = self.config.tick_s / _MEMORY_S
        self._activity += share * (counts / self.config.tick_s - self._activity)

    def __repr__(self) -> str:
        return (
            f"PongGame: {self.t_s:g} of {self.duration_s:g} s, {len(self.hits_s)} hits, "
            f"{len(self.misses_s)} misses, {self.n_asked} stimulations on request"
        )


def play_pong(
    config: PongConfig | None = None,
    *,
    nodes: Nodes | int = 60,
    culture: int = 0,
    seed: int = 0,
) -> PongGame:
    """
    Play a whole game, with nobody watching.

    Parameters
    ----------
    config : PongConfig, optional
        How.
    nodes : Nodes or int
        Channels, or their number.
    culture, seed : int
        Seeds of what the culture is, and of what happens.

    Returns
    -------
    PongGame
        The game, over; :func:`pong_block` makes a recording of it.

    Examples
    --------
    >>> game = play_pong(PongConfig(game_s=30.0), nodes=40, seed=2)
    >>> game.is_over, len(game.hits_s) + len(game.misses_s) > 0
    (True, True)
    """
    game = PongGame(config, nodes=nodes, culture=culture, seed=seed)
    while not game.is_over:
        game.advance()
    return game


def _check_nodes(nodes: Nodes) -> None:
    wanted = {"sensory", *UP, *DOWN}
    missing = sorted(wanted - set(nodes.group_names))
    if missing or nodes.positions_um is None:
        what = f"the groups {', '.join(missing)}" if missing else "positions"
        raise InputError(
            f"A game of Pong needs nodes with positions and the groups of a chip; these lack "
            f"{what}. Give a number of nodes to lay them out."
        )
