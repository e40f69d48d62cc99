"""Ball and paddle: a court of height and width 1, the paddle on its left side."""

from __future__ import annotations

import numpy as np

__all__ = ["Court"]

# The paddle crosses the court in so many seconds when one motor subregion fires alone.
_PADDLE_SPEED = 1.2
_STEEPEST = 0.8


class Court:
    """
    A ball that bounces off three sides, and a paddle that guards the fourth.

    Parameters
    ----------
    crossing_s : float
        Time in which the ball crosses the court.
    paddle : float
        Length of the paddle.
    rng : numpy.random.Generator
        Draws directions and starts of the ball.
    """

    def __init__(self, crossing_s: float, paddle: float, rng: np.random.Generator) -> None:
        self.speed, self.half, self._rng = 1.0 / crossing_s, paddle / 2.0, rng
        self.paddle_y = 0.5
        self.serve()

    @property
    def offset(self) -> float:
        """Height of the ball above the paddle, in (-1, 1)."""
        return self.y - self.paddle_y

    def serve(self) -> None:
        """Start a ball on the far side, towards the paddle."""
        self.x, self.y = 1.0, float(self._rng.uniform(0.1, 0.9))
        self._direct(-1.0)

    def _direct(self, sign: float) -> None:
        self._vx = sign * self.speed
        self._vy = self.speed * float(self._rng.uniform(-_STEEPEST, _STEEPEST))

    def step(self, tick_s: float, drive: float) -> str:
        """Move on by a tick; return ``"hit"``, ``"miss"`` or an empty text."""
        self.move_paddle(tick_s, drive)
        self.x += tick_s * self._vx
        self.y += tick_s * self._vy
        if not 0.0 <= self.y <= 1.0:
            self.y = abs(self.y) if self.y < 0 else 2.0 - self.y
            self._vy = -self._vy
        if self.x >= 1.0:
            self.x, self._vx = 2.0 - self.x, -abs(self._vx)
        if self.x > 0.0:
            return ""
        if abs(self.offset) > self.half:
            return "miss"
        self.x = -self.x
        self._direct(1.0)
        return "hit"

    def move_paddle(self, tick_s: float, drive: float) -> None:
        """Move the paddle alone; ``drive`` in [-1, 1] is positive upwards."""
        moved = self.paddle_y + tick_s * _PADDLE_SPEED * float(np.clip(drive, -1.0, 1.0))
        # The whole paddle stays inside.
        self.paddle_y = float(np.clip(moved, self.half, 1.0 - self.half))
