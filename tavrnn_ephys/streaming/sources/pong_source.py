"""A simulated culture that plays Pong: a rig to try a closed loop on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import fields
from typing import Any

import numpy as np

from tavrnn_ephys.core.checks import positive_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.datasets.pong import PongConfig, PongGame
from tavrnn_ephys.streaming.chunks import Spikes
from tavrnn_ephys.streaming.sinks.functions import FunctionSink
from tavrnn_ephys.streaming.sources.contract import places_of
from tavrnn_ephys.streaming.updates import Event, StreamInfo

__all__ = ["PongSource", "PongStimulator", "pong_of"]

_WHOLE = ("seed", "culture", "nodes")
_NUMBERS = tuple(item.name for item in fields(PongConfig) if item.type == "float")


class PongSource:
    """
    Spikes of a culture that plays Pong, and a stimulator that triggers can use.

    In real time the game goes by the clock of this machine.  As fast as possible, the default,
    the game waits until the stream has judged every bin, so that a stimulation begins with the
    next tick, and equal seeds give equal games to the last spike.

    Parameters
    ----------
    game : PongGame, optional
        The game; one of 5 min by default.
    speed : float, optional
        Seconds of the game per second; as fast as they are taken by default.

    Raises
    ------
    InputError
        If the speed is not positive.

    Examples
    --------
    >>> import tavrnn_ephys as te
    >>> source = te.sources.pong(te.PongGame(nodes=40, seed=1), speed=1.0)
    >>> source.is_live, source.waits_for_stream
    (True, False)
    """

    can_wait = True

    def __init__(self, game: PongGame | None = None, speed: float | None = None) -> None:
        self.game = PongGame() if game is None else game
        self.speed = None if speed is None else positive_number(speed, "speed")
        self.name = f"game of Pong, culture {self.game.culture}, seed {self.game.seed}"
        self.stimulator = PongStimulator(self.game)
        self._closed = threading.Event()

    @property
    def is_live(self) -> bool:
        """Whether ticks come by a clock."""
        return self.speed is not None

    @property
    def waits_for_stream(self) -> bool:
        """Whether each tick is played only when the stream has judged those before."""
        return self.speed is None

    @property
    def told(self) -> str:
        """What became of the game, in words."""
        return str(self.game)

    def open(self, info: StreamInfo) -> None:
        """
        Find the nodes of the fit among those of the culture.

        Parameters
        ----------
        info : StreamInfo
            What the stream expects.

        Raises
        ------
        InputError
            If it lacks one.
        """
        rows = places_of(self.game.nodes.ids, info, f"The {self.name}")
        self._places = np.full(len(self.game.nodes), -1)
        self._places[rows] = np.arange(info.n_nodes)

    def chunks(self) -> Iterator[Spikes]:
        """
        Play tick by tick.

        Yields
        ------
        Spikes
            Those of a tick.
        """
        begun, before_s = time.perf_counter(), self.game.t_s
        while not self.game.is_over and not self._closed.is_set():
            due = time.perf_counter()
            tick = self.game.advance()
            if self.speed is not None:
                # A tick is known when it has passed.
                due = begun + (tick.t_stop_s - before_s) / self.speed
                if self._closed.wait(max(0.0, due - time.perf_counter())):
                    return
            places = self._places[tick.nodes]
            yield Spikes(
                times_s=tick.times_s[places >= 0],
                node_ids=places[places >= 0],
                t_start_s=tick.t_start_s,
                until_s=tick.t_stop_s,
                received_s=due,
            )

    def close(self) -> None:
        """Stop playing."""
        self._closed.set()


class PongStimulator(FunctionSink):
    """
    Stimulates the culture when a trigger fires.

    The marker of the trigger says how: ``"predictable"`` as on a hit, anything else as on a
    miss, by noise.

    Parameters
    ----------
    game : PongGame
        The game.
    """

    def __init__(self, game: PongGame) -> None:
        super().__init__()
        self.game = game

    def event(self, event: Event) -> None:
        """
        Stimulate, if a trigger fired.

        Parameters
        ----------
        event : Event
            What happened.
        """
        if event.kind == "trigger":
            marker = str(event.facts.get("marker", "trigger"))
            pattern = "predictable" if marker == "predictable" else "noise"
            self.game.stimulate(pattern, asked=marker)


def pong_of(text: str) -> PongSource:
    """
    Make a game of a text such as ``seed=1,game_s=60@1``.

    Parameters
    ----------
    text : str
        ``seed``, ``culture``, ``nodes``, ``feedback`` and the numbers of
        :class:`~tavrnn_ephys.PongConfig`, such as ``game_s``, with their values and commas
        between them; behind @ the speed, ``@max`` as fast as bins are taken.  Real time by
        default.

    Returns
    -------
    PongSource
        The source.

    Raises
    ------
    InputError
        If the text says something else.

    Examples
    --------
    >>> pong_of("seed=3,game_s=60@max").game
    PongGame: 0 of 60 s, 0 hits, 0 misses, 0 stimulations on request
    """
    said, _, speed = text.partition("@")
    config: dict[str, Any] = {}
    seeds: dict[str, int] = {}
    for part in filter(None, said.split(",")):
        name, _, value = part.partition("=")
        if name == "feedback":
            config[name] = value
        elif name in _WHOLE:
            seeds[name] = int(_number(name, value, whole=True))
        elif name in _NUMBERS:
            config[name] = _number(name, value)
        else:
            raise InputError(
                f"'{part}' says nothing of a game of Pong. Write pong:NAME=VALUE,… with "
                f"{', '.join([*_WHOLE, 'feedback', *_NUMBERS])}, such as pong:seed=1,game_s=60@1."
            )
    rate = None if speed == "max" else _number("speed", speed or "1")
    return PongSource(PongGame(PongConfig(**config), **seeds), rate)


def _number(name: str, value: str, *, whole: bool = False) -> float:
    try:
        return int(value) if whole else float(value)
    except ValueError:
        kind = "whole number" if whole else "number"
        raise InputError(
            f"{name} of a game of Pong must be a {kind}, got '{value}'. Write for example "
            "pong:seed=1,game_s=60@1."
        ) from None
