"""Simulated cultures that play a game: subregions whose coupling, or rate, grows with the game."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray
from scipy.special import ndtr

from tavrnn_ephys.core.checks import one_of, positive_int, positive_number, whole_number
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.datasets._blocks import simulated_block, trains_of
from tavrnn_ephys.datasets._hawkes import children_of, draw_coupling
from tavrnn_ephys.datasets.layout import culture_nodes
from tavrnn_ephys.io.blocks import make_signal

if TYPE_CHECKING:
    import neo

__all__ = ["EFFECTS", "GameConfig", "SimulatedGame", "game_block", "play_game"]

EFFECTS = ("alignment", "independent", "rate", "none")

# Skill is quantised: coupling takes one of so many mixtures.
_N_LEVELS = 6
# Seconds from one arrival of the ball to the next; the skill of such a beat decides on the hit.
_BEAT_S = 1.0
_HIT_FLOOR, _HIT_SPAN = 0.35, 0.5
_RATE_SPAN = 0.8
_REST_LEVEL = 0


@dataclass(frozen=True, kw_only=True)
class GameConfig:
    """
    How a culture plays, and what its skill changes.

    Parameters
    ----------
    effect : {"alignment", "independent", "rate", "none"}
        What follows the skill of the game: the coupling of sensory and motor subregions at
        equal rates; nothing, while the coupling wanders in the same way on its own; all rates
        at constant coupling; nothing at all, at constant coupling.
    effect_size : float
        Share of the way from random to aligned coupling that full skill goes, in [0, 1]; for
        ``"rate"`` the share of the span of rates.
    game_s, rest_s : float
        Length of the game, and of the rest before it, in seconds.
    skill_time_s : float
        Correlation time of the skill in seconds.
    mean_rate_hz : float
        Mean of the log-normally distributed rates.
    coupled_fraction : float
        Fraction of a node's spikes that other nodes cause, in [0, 0.9].
    n_parents : int
        Number of nodes that drive each node, in either coupling.
    n_hubs : int
        Number of sensory nodes that drive one subregion in the aligned coupling.
    delay_s : float
        Mean time from a spike to the one that it causes.

    Raises
    ------
    InputError
        If a value is out of its range.
    """

    effect: str = "alignment"
    effect_size: float = 1.0
    game_s: float = 300.0
    rest_s: float = 0.0
    skill_time_s: float = 15.0
    mean_rate_hz: float = 5.0
    coupled_fraction: float = 0.5
    n_parents: int = 4
    n_hubs: int = 6
    delay_s: float = 0.004

    def __post_init__(self) -> None:
        one_of(self.effect, EFFECTS, "effect")
        for name in ("game_s", "skill_time_s", "mean_rate_hz", "delay_s"):
            positive_number(getattr(self, name), name)
        positive_number(self.rest_s, "rest_s", or_zero=True)
        positive_int(self.n_parents, "n_parents")
        positive_int(self.n_hubs, "n_hubs")
        for name, most in (("effect_size", 1.0), ("coupled_fraction", 0.9)):
            value = positive_number(getattr(self, name), name, or_zero=True)
            if value > most:
                raise InputError(f"{name} must lie in [0, {most:g}], got {value!r}.")


@dataclass(frozen=True, kw_only=True)
class SimulatedGame:
    """
    Spikes and game of a simulated culture, as plain arrays.

    Parameters
    ----------
    config : GameConfig
        How.
    nodes : Nodes
        The channels.
    times_s : numpy.ndarray, shape (n_spikes,)
        Times of all spikes.
    sources : numpy.ndarray of int, shape (n_spikes,)
        Node of each spike.
    skill : numpy.ndarray, shape (n_seconds,)
        Skill of each second of the game in (0, 1); NaN at rest.
    hits_s, misses_s : numpy.ndarray
        Times of hits and misses.
    seed : int
        Seed.
    """

    config: GameConfig
    nodes: Nodes
    times_s: NDArray[np.float64]
    sources: NDArray[np.int64]
    skill: NDArray[np.float64]
    hits_s: NDArray[Any]
    misses_s: NDArray[Any]
    seed: int

    @property
    def duration_s(self) -> float:
        """Length of the recording in seconds."""
        return float(len(self.skill))


def play_game(
    config: GameConfig | None = None, *, nodes: Nodes | int = 60, seed: int = 0
) -> SimulatedGame:
    """
    Simulate a culture that plays a game.

    Skill is an Ornstein–Uhlenbeck process, squeezed into (0, 1).  Once a second the ball comes;
    the culture hits with a probability of 0.35 to 0.85, by its skill.  Spikes are the linear
    Hawkes process of :func:`tavrnn_ephys.datasets.culture.simulate_culture`, with a coupling
    ``W = (1 − s) W_random + s W_aligned`` that mixes random parents with parents that every
    subregion shares: a few sensory hubs.  Every node owes the same fraction of its spikes to
    its parents in any mixture, so that rates stay the same while coincidences change.

    Parameters
    ----------
    config : GameConfig, optional
        How.
    nodes : Nodes or int
        Channels with groups, one of them ``"sensory"``; or a number of at least 20, which are
        laid out in the proportions of a DishBrain chip.
    seed : int
        Seed of everything random.

    Returns
    -------
    SimulatedGame
        Spikes and game; at rest, before the game, the coupling is random.

    Raises
    ------
    InputError
        If there are too few nodes, or none is sensory.

    Examples
    --------
    >>> game = play_game(GameConfig(game_s=20.0, rest_s=10.0), nodes=20, seed=1)
    >>> len(game.nodes), game.duration_s, len(game.hits_s) + len(game.misses_s)
    (20, 30.0, 20)
    """
    config = config or GameConfig()
    rng = np.random.default_rng(whole_number(seed, "seed"))
    placed = nodes if isinstance(nodes, Nodes) else culture_nodes(nodes, rng)
    if "sensory" not in placed.group_names:
        raise InputError("A game needs a group 'sensory' among the groups of the nodes.")
    n_rest, n_game = round(config.rest_s), round(config.game_s)
    skill = _wander(n_game, config.skill_time_s, rng)
    other = _wander(n_game, config.skill_time_s, rng)
    drive = {"alignment": skill, "independent": other}.get(config.effect, np.zeros(n_game))
    levels = np.round(config.effect_size * drive * (_N_LEVELS - 1)).astype(np.int64)
    levels = np.concatenate([np.full(n_rest, _REST_LEVEL), levels])
    gain = np.ones(n_rest + n_game)
    if config.effect == "rate":
        gain[n_rest:] += 2 * _RATE_SPAN * config.effect_size * (skill - 0.5)
    rates = np.clip(rng.lognormal(0.0, 0.5, len(placed)), 0.3, 4.0)
    rates *= config.mean_rate_hz / rates.mean()
    coupling = _couplings(np.asarray(placed.groups), rates, config, rng)
    times, sources = _spikes(coupling, rates, levels, gain, config.delay_s, rng)
    hit = rng.random(n_game) < _HIT_FLOOR + _HIT_SPAN * skill
    beats = n_rest + (np.arange(n_game) + 0.5) * _BEAT_S
    return SimulatedGame(
        config=config,
        nodes=placed,
        times_s=times,
        sources=sources,
        skill=np.concatenate([np.full(n_rest, np.nan), skill]),
        hits_s=beats[hit],
        misses_s=beats[~hit],
        seed=seed,
    )


def game_block(game: SimulatedGame) -> neo.Block:
    """
    Put a simulated game into Neo objects.

    Parameters
    ----------
    game : SimulatedGame
        Spikes and game.

    Returns
    -------
    neo.Block
        One segment with a spike train per channel, the signal ``skill`` (1 Hz, the truth), the
        events ``game`` labelled ``hit`` or ``miss``, and the epochs ``phase`` labelled
        ``rest`` or ``gameplay``.

    Examples
    --------
    >>> block = game_block(play_game(GameConfig(game_s=20.0), nodes=20, seed=1))
    >>> len(block.segments[0].spiketrains), block.segments[0].events[0].name
    (20, 'game')
    """
    import neo
    import quantities as pq

    total_s, rest_s = game.duration_s, float(round(game.config.rest_s))
    segment = neo.Segment(name="game")
    trains = trains_of(game.times_s, game.sources, game.nodes, total_s)
    segment.spiketrains.extend(trains)
    segment.analogsignals.append(
        make_signal(
            game.skill,
            name="skill",
            role="behavior",
            sampling_rate_hz=1.0,
            description="Skill of the simulated game, which decides on hits; NaN at rest.",
        )
    )
    times = np.concatenate([game.hits_s, game.misses_s])
    labels = np.array(["hit"] * len(game.hits_s) + ["miss"] * len(game.misses_s), dtype=str)
    chronological = np.argsort(times)
    segment.events.append(
        neo.Event(times[chronological] * pq.s, labels=labels[chronological], name="game")
    )
    starts = np.array([0.0, rest_s]) if rest_s else np.array([0.0])
    segment.epochs.append(
        neo.Epoch(
            starts * pq.s,
            durations=np.diff(np.append(starts, total_s)) * pq.s,
            labels=np.array(["rest", "gameplay"][-len(starts) :]),
            name="phase",
        )
    )
    return simulated_block(
        segment,
        name="simulated game",
        title=f"Simulated culture that plays a game; effect: {game.config.effect}.",
        keyword="game",
        how="A multivariate Hawkes process whose coupling or rate follows the skill of a game; no "
        "animal and no device is behind it.",
        session=f"simulated-game-{game.config.effect}-seed-{game.seed}",
        seed=game.seed,
    )


def _wander(n_seconds: int, time_s: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """Sample a stationary Ornstein–Uhlenbeck process and squeeze it into (0, 1)."""
    from scipy.signal import lfilter

    keep = np.exp(-1.0 / time_s)
    noise = rng.normal(size=n_seconds) * np.sqrt(1 - keep**2)
    noise[:1] /= np.sqrt(1 - keep**2)
    return np.asarray(ndtr(lfilter([1.0], [1.0, -keep], noise)))


def _couplings(
    groups: NDArray[np.str_],
    rates: NDArray[np.float64],
    config: GameConfig,
    rng: np.random.Generator,
) -> list[scipy.sparse.csc_array]:
    """Mix random with aligned parents, one mixture per level."""
    everyone, sensory = np.arange(len(groups)), np.flatnonzero(groups == "sensory")
    hubs = {
        name: rng.choice(sensory, min(config.n_hubs, len(sensory)), replace=False)
        for name in np.unique(groups)
    }
    share, n_parents = config.coupled_fraction, config.n_parents
    chance = draw_coupling([everyone] * len(groups), rates, n_parents, share, rng)
    aligned = draw_coupling([hubs[name] for name in groups], rates, n_parents, share, rng)
    shares = np.linspace(0.0, 1.0, _N_LEVELS)
    return [scipy.sparse.csc_array((1 - s) * chance + s * aligned) for s in shares]


def _spikes(
    coupling: list[scipy.sparse.csc_array],
    rates: NDArray[np.float64],
    levels: NDArray[np.int64],
    gain: NDArray[np.float64],
    delay_s: float,
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Sample immigrants per second, then children generation by generation."""
    total_s = len(levels)
    base = np.stack([rates - matrix @ rates for matrix in coupling])
    counts = rng.poisson(gain[:, None] * base[levels])
    second, source = np.nonzero(counts)
    n_each = counts[second, source]
    times = np.repeat(second, n_each) + rng.random(n_each.sum())
    sources = np.repeat(source, n_each)
    all_times, all_sources = [times], [sources]
    while len(times):
        times, sources = _children(coupling, levels, times, sources, rng)
        times = times + rng.exponential(delay_s, len(times))
        inside = times < total_s
        times, sources = times[inside], sources[inside]
        all_times.append(times)
        all_sources.append(sources)
    return np.concatenate(all_times), np.concatenate(all_sources)


def _children(
    coupling: list[scipy.sparse.csc_array],
    levels: NDArray[np.int64],
    times: NDArray[np.float64],
    sources: NDArray[np.int64],
    rng: np.random.Generator,
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Draw the children of spikes, each by the coupling of its second."""
    here = levels[times.astype(np.int64)]
    child_times, child_nodes = [], []
    for level in np.unique(here):
        mine = np.flatnonzero(here == level)
        parents, nodes = children_of(coupling[level], sources[mine], rng)
        child_nodes.append(nodes)
        child_times.append(times[mine][parents])
    return np.concatenate(child_times), np.concatenate(child_nodes).astype(np.int64)
