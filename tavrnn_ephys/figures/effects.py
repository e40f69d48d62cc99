"""Effects over cultures, and measures under two conditions."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.axes import Axes

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.figures._drawing import INK, PALETTE, SMALL, tidy

if TYPE_CHECKING:
    import pandas

__all__ = ["plot_conditions", "plot_forest"]


def plot_forest(effects: pandas.DataFrame, *, ax: Axes, standardized: bool = True) -> Axes:
    """
    Draw effects with their intervals, one row each.

    Parameters
    ----------
    effects : pandas.DataFrame
        With ``measure``, ``contrast``, ``n_cultures``, ``effect``, ``low``, ``high``,
        ``hedges_g`` and ``q_value``.
    ax : matplotlib.axes.Axes
        Where to draw.
    standardized : bool
        Whether effects are drawn in standard deviations over cultures (Hedges' g, the interval
        scaled alike), so that measures of different units share an axis.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes: filled points for q < 0.05, numbers at the right.

    Raises
    ------
    InputError
        If there is no effect.
    """
    if len(effects) == 0:
        raise InputError("There is no effect to draw.")
    value = effects["effect"].to_numpy(dtype=np.float64)
    scale = np.ones(len(value))
    if standardized:
        with np.errstate(divide="ignore", invalid="ignore"):
            scale = effects["hedges_g"].to_numpy(dtype=np.float64) / value
        scale = np.where(np.isfinite(scale), scale, 0.0)
    low, high = (effects[name].to_numpy(dtype=np.float64) * scale for name in ("low", "high"))
    rows = np.arange(len(value))
    ax.hlines(rows, low, high, color=INK, linewidth=1.2)
    sure = effects["q_value"].to_numpy(dtype=np.float64) < 0.05
    for chosen, face in ((sure, PALETTE[0]), (~sure, "white")):
        ax.scatter((value * scale)[chosen], rows[chosen], s=36, facecolor=face,
                   edgecolor=PALETTE[0], zorder=3)  # fmt: skip
    ax.axvline(0, color=INK, linewidth=0.6, linestyle=(0, (4, 3)))
    for row, item in enumerate(effects.itertuples()):
        ax.text(1.02, row, f"n = {item.n_cultures}, q = {item.q_value:.2g}", fontsize=SMALL,
                transform=ax.get_yaxis_transform(), va="center", color=INK)  # fmt: skip
    contrasts = effects["contrast"].nunique()
    names = [
        str(item.measure).replace("_", " ") + (f"\n{item.contrast}" if contrasts > 1 else "")
        for item in effects.itertuples()
    ]
    ax.set_yticks(rows, names)
    ax.set_ylim(len(value) - 0.4, -0.6)
    tidy(ax)
    unit = "Hedges' g" if standardized else "effect"
    what = f": {effects['contrast'].iloc[0]}" if contrasts == 1 else ""
    ax.set_xlabel(f"{unit}{what} (line: 95 % interval; filled: q < 0.05)", fontsize=SMALL)
    return ax


def plot_conditions(
    table: pandas.DataFrame,
    measures: Sequence[str],
    *,
    condition: str,
    contrast: tuple[str, str],
    ax: Axes,
    unit: str = "windows",
) -> Axes:
    """
    Draw measures under two conditions, such as gameplay and rest, each in units of its spread.

    Parameters
    ----------
    table : pandas.DataFrame
        One row per window, recording or culture.
    measures : sequence of str
        Columns.
    condition : str
        Column that names the condition.
    contrast : tuple of str
        The two conditions.
    ax : matplotlib.axes.Axes
        Where to draw.
    unit : str
        What a point is.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes: a point per row, a bar for the mean of each condition; zero is the mean of the
        second condition, one the pooled standard deviation.

    Raises
    ------
    InputError
        If a condition has fewer than two rows.
    """
    sides = [table[table[condition] == name] for name in contrast]
    short = [name for name, side in zip(contrast, sides, strict=True) if len(side) < 2]
    if short:
        raise InputError(f"The condition {some(short)} has fewer than two {unit}.")
    rng = np.random.default_rng(0)
    for index, measure in enumerate(measures):
        values = [side[measure].dropna().to_numpy(dtype=np.float64) for side in sides]
        spread = float(np.sqrt(np.mean([item.var() for item in values]))) or 1.0
        for offset, item, color in zip(
            (-0.18, 0.18), values, (PALETTE[0], PALETTE[1]), strict=True
        ):
            scaled = (item - values[1].mean()) / spread
            jitter = rng.uniform(-0.11, 0.11, len(scaled))
            ax.scatter(index + offset + jitter, scaled, s=7, color=color, alpha=0.45, linewidths=0)
            ax.hlines(scaled.mean(), index + offset - 0.15, index + offset + 0.15, color=INK,
                      linewidth=2.2)  # fmt: skip
    for name, color in zip(contrast, (PALETTE[0], PALETTE[1]), strict=True):
        ax.scatter([], [], s=24, color=color, linewidths=0, label=name)
    ax.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize=SMALL, frameon=False,
              handletextpad=0.2)  # fmt: skip
    names = [str(name).replace("_", "\n") for name in measures]
    ax.set_xticks(np.arange(len(measures)), names)
    ax.axhline(0, color=INK, linewidth=0.6, linestyle=(0, (4, 3)))
    ax.set_ylabel(f"distance from mean of {contrast[1]}\n(pooled SD over {unit})", fontsize=SMALL)
    tidy(ax)
    return ax
