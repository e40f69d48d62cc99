"""What is known of the windows of an analysis beside their network."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = ["WindowContext"]


@dataclass(frozen=True, kw_only=True)
class WindowContext:
    """
    What pictures of an analysis draw beside the network.

    Parameters
    ----------
    labels : array_like of str, shape (n_windows,), optional
        Label of each window, where the behaviour is one; empty where unknown.  It colours the
        embedding in place of a score.
    states : array_like of int or str, shape (n_windows,), optional
        Network state of each window.
    changes : array_like of int
        First windows after change points.
    epochs : tuple of (name, start_s, stop_s)
        Intervals of time by the name of their table, limits in seconds.
    behaviors : tuple of (name, values)
        Further behaviours beside the score: a number, or a label, of each window.
    """

    labels: Any = None
    states: Any = None
    changes: Any = ()
    epochs: tuple[tuple[str, Any, Any], ...] = ()
    behaviors: tuple[tuple[str, Any], ...] = ()
