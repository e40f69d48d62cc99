"""A game of Pong as a recording."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.datasets._blocks import simulated_block, trains_of
from tavrnn_ephys.datasets.pong.game import PongGame
from tavrnn_ephys.io.blocks import make_signal

if TYPE_CHECKING:
    import neo

__all__ = ["pong_block"]

_STATES = ("segregated", "aligned")
_POSITIONS = {
    "ball_x": "Distance of the ball from the paddle's side, as a share of the court.",
    "ball_y": "Height of the ball, as a share of the court.",
    "paddle_y": "Height of the paddle's middle, as a share of the court.",
}


def pong_block(game: PongGame) -> neo.Block:
    """
    Put a game of Pong into Neo objects, as far as it was played.

    Parameters
    ----------
    game : PongGame
        The game.

    Returns
    -------
    neo.Block
        One segment with a spike train per channel; the behaviour signals ``ball_x``, ``ball_y``
        and ``paddle_y``, one value per tick; the events ``game``, labelled ``hit`` or ``miss``;
        the events ``stims``, one per pulse, labelled ``sensory``, ``predictable`` or ``noise``,
        with site, amplitude and who asked; the epochs ``phase``, labelled ``rest`` or
        ``gameplay``, and ``state``, the truth.

    Raises
    ------
    InputError
        If nothing was played.

    Examples
    --------
    >>> from tavrnn_ephys.datasets.pong import PongConfig, play_pong
    >>> block = pong_block(play_pong(PongConfig(game_s=20.0), nodes=40, seed=1))
    >>> [event.name for event in block.segments[0].events]
    ['game', 'stims']
    """
    import neo

    if not game.ticks:
        raise InputError("Nothing was played yet. Advance the game first.")
    total_s = game.t_s
    segment = neo.Segment(name="pong")
    times = np.concatenate([tick.times_s for tick in game.ticks])
    nodes = np.concatenate([tick.nodes for tick in game.ticks])
    segment.spiketrains.extend(trains_of(times, nodes, game.nodes, total_s))
    for index, (name, description) in enumerate(_POSITIONS.items()):
        segment.analogsignals.append(
            make_signal(
                np.array(game.positions)[:, index], name=name, role="behavior",
                sampling_rate_hz=1.0 / game.config.tick_s, description=description,
            )
        )  # fmt: skip
    segment.events.extend([_marks(game), _stims(game, total_s)])
    rest_s = game.config.rest_s
    starts = [0.0, rest_s] if rest_s else [0.0]
    labels = ["rest", "gameplay"][-len(starts) :]
    segment.epochs.append(_epochs("phase", starts, labels, total_s))
    begun, states = zip(*game.switches, strict=True)
    segment.epochs.append(_epochs("state", begun, [_STATES[item] for item in states], total_s))
    return simulated_block(
        segment,
        name="simulated pong",
        title=f"Simulated culture that plays Pong; feedback: {game.config.feedback}.",
        keyword="closed loop",
        how="A multivariate Hawkes process that answers stimulation and moves a paddle; no animal "
        "and no device is behind it.",
        session=f"simulated-pong-{game.culture}-seed-{game.seed}",
        seed=game.culture,
    )


def _marks(game: PongGame) -> neo.Event:
    import neo
    import quantities as pq

    times = np.array([*game.hits_s, *game.misses_s])
    labels = np.array(["hit"] * len(game.hits_s) + ["miss"] * len(game.misses_s), dtype=str)
    order = np.argsort(times, kind="stable")
    return neo.Event(times[order] * pq.s, labels=labels[order], name="game")


def _stims(game: PongGame, total_s: float) -> neo.Event:
    import neo
    import quantities as pq

    pulses = game.pulses
    counts = [len(item.times_s) for item in pulses]
    times = np.concatenate([np.zeros(0), *(item.times_s for item in pulses)])
    columns: dict[str, NDArray[Any]] = {
        "site": np.concatenate([np.zeros(0, np.int64), *(item.sites for item in pulses)]),
        "millivolts": np.repeat([item.millivolts for item in pulses], counts),
        "asked": np.repeat(np.array([item.asked for item in pulses], dtype=str), counts),
    }
    labels = np.repeat(np.array([item.kind for item in pulses], dtype=str), counts)
    order = np.argsort(times, kind="stable")
    order = order[times[order] < total_s]
    return neo.Event(
        times[order] * pq.s,
        labels=labels[order],
        name="stims",
        array_annotations={name: values[order] for name, values in columns.items()},
    )


def _epochs(name: str, starts: Any, labels: list[str], total_s: float) -> neo.Epoch:
    import neo
    import quantities as pq

    begun = np.asarray(starts, np.float64)
    inside = begun < total_s
    durations = np.diff(np.append(begun[inside], total_s))
    return neo.Epoch(
        begun[inside] * pq.s, durations * pq.s, labels=np.array(labels)[inside], name=name
    )
