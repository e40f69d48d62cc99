"""Scores beside what chance gives."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.figures._drawing import INK, PALETTE, SMALL, tidy

__all__ = ["plot_scores"]

_KEYS = ("name", "score", "chance_low", "chance_high")


def plot_scores(scores: Sequence[Mapping[str, Any]], *, ax: Axes) -> Axes:
    """
    Compare decoding scores, each with the interval of chance.

    Parameters
    ----------
    scores : sequence of mapping
        From top to bottom; each with ``name``, and ``score``, ``chance_low`` and
        ``chance_high`` in [0, 1].
    ax : matplotlib.axes.Axes
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes: a point per score, its value at the right, a grey band for chance.

    Raises
    ------
    InputError
        If there is no score, or a record lacks a key.
    """
    if len(scores) == 0:
        raise InputError("scores is empty: give at least one record to compare.")
    for record in scores:
        missing = [key for key in _KEYS if key not in record]
        if missing:
            raise InputError(f"A record of scores lacks {some(missing)}: {dict(record)!r}.")
    value, low, high = (np.array([float(record[key]) for record in scores]) for key in _KEYS[1:])
    rows = np.arange(len(scores))
    ax.barh(rows, high - low, left=low, height=0.5, color="0.85")
    ax.scatter(value, rows, s=40, color=PALETTE[0], zorder=3, clip_on=False)
    for row, number in enumerate(value):
        ax.text(1.03, row, f"{number:.2f}", transform=ax.get_yaxis_transform(),
                fontsize=SMALL, va="center", color=INK)  # fmt: skip
    left = np.floor(10 * (min(low.min(), value.min(), 0.5) - 0.02)) / 10
    ax.set_xlim(max(float(left), 0.0), 1.0)
    ax.set_ylim(len(scores) - 0.4, -0.6)
    ax.set_yticks(rows, ["\n".join(textwrap.wrap(str(item["name"]), 28)) for item in scores])
    tidy(ax)
    ax.tick_params(axis="y", length=0)
    ax.spines["left"].set_visible(False)
    ax.set_xlabel("balanced accuracy (grey: interval of chance)", fontsize=SMALL)
    return ax
