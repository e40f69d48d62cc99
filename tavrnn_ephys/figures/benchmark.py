"""Tables of a benchmark as pictures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.figures._drawing import INK, PALETTE, SMALL, tidy

if TYPE_CHECKING:
    import pandas

__all__ = ["plot_benchmark", "plot_benchmark_cost"]

_OWN, _CEILING = ("tavrnn", "recurrent_"), "oracle_"
_LEAST_R2 = -0.3


def plot_benchmark(table: pandas.DataFrame, *, ax: Axes) -> Axes:
    """
    Compare the methods of one task, each with its interval, chance, and its control.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of one task, of :func:`tavrnn_ephys.evaluation.summarize`.
    ax : matplotlib.axes.Axes
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes, best method on top: a point with its 95 % interval, a grey band for chance, an
        open circle for the same method on bins shuffled within windows, a line for rates.
        TAVRNN is in colour, and an oracle that knows the couplings in grey.

    Raises
    ------
    InputError
        If no method has a score.
    """
    rows = _scored(table)
    names, scores = list(rows["method"]), rows["score"].to_numpy(float)
    places = np.arange(len(rows))
    regression = "regression" in set(rows["kind"])
    low, high = rows["chance_low"].to_numpy(float), rows["chance_high"].to_numpy(float)
    colors = list(map(_color, names))
    left = max(np.nanmin([*low, *scores, *rows["shuffled"]]), _LEAST_R2 if regression else 0.0)
    low = np.maximum(low, left)
    ax.barh(places, high - low, left=low, height=0.6, color="0.88", label="chance, 95 %")
    for place, color, score, start, stop in zip(
        places, colors, scores, rows["low"], rows["high"], strict=True
    ):
        ax.plot([start, stop], [place, place], color=color, lw=1.5)
        ax.plot(score, place, "o", color=color, ms=5)
    ax.plot(
        np.maximum(rows["shuffled"], left), places, "o", mfc="white", mec="0.45", ms=4.5, ls="",
        label="bins shuffled within windows", zorder=1.9,
    )  # fmt: skip
    rates = rows["rates"].dropna()
    if len(rates):
        ax.axvline(rates.iloc[0], color=PALETTE[1], lw=1, ls="--", label="rates")
    ax.set_yticks(places, names)
    for label, color in zip(ax.get_yticklabels(), colors, strict=True):
        label.set_color(color)
    ax.set_ylim(len(rows) - 0.4, -0.6)
    ax.set_xlim(left - 0.03, max(np.nanmax([*rows["high"], *scores, *high]) + 0.03, 0.1))
    tidy(ax)
    ax.tick_params(axis="y", length=0)
    what = "explained variance" if regression else "balanced accuracy"
    ax.set_xlabel(f"{what} in unseen blocks of time", fontsize=SMALL)
    ax.set_title(str(rows["task"].iloc[0]), fontsize="medium", loc="left")
    return ax


def plot_benchmark_cost(table: pandas.DataFrame, *, ax: Axes) -> Axes:
    """
    Show the score of each method of one task against what it cost.

    Parameters
    ----------
    table : pandas.DataFrame
        Rows of one task, of :func:`tavrnn_ephys.evaluation.summarize`.
    ax : matplotlib.axes.Axes
        Where to draw.

    Returns
    -------
    matplotlib.axes.Axes
        The Axes: seconds of fitting and embedding one fold on a logarithmic axis, score upwards.

    Raises
    ------
    InputError
        If no method has a score.
    """
    rows = _scored(table)
    seconds, scores = rows["seconds"].to_numpy(float), rows["score"].to_numpy(float)
    regression = "regression" in set(rows["kind"])
    shown = np.maximum(scores, _LEAST_R2) if regression else scores
    ax.set_xscale("log")
    for name, x, y in zip(rows["method"], seconds, shown, strict=True):
        ax.plot(x, y, "o", color=_color(name), ms=5)
    _name_points(ax, list(rows["method"]), seconds, shown)
    ax.set_xlim(seconds.min() / 60, seconds.max() * 20)
    ax.margins(y=0.08)
    tidy(ax)
    ax.set_xlabel("seconds of one processor per fold, fit and embed", fontsize=SMALL)
    what = "explained variance" if regression else "balanced accuracy"
    ax.set_ylabel(what, fontsize=SMALL)
    ax.set_title(str(rows["task"].iloc[0]), fontsize="medium", loc="left")
    return ax


def _color(name: str) -> str:
    if name.startswith(_CEILING):
        return "0.55"
    return str(PALETTE[0] if name.startswith(_OWN) else INK)


def _scored(table: pandas.DataFrame) -> Any:
    rows = table[np.isfinite(table["score"].astype(float))]
    if len(rows) == 0:
        raise InputError("No method of this task has a score: every one failed.")
    return rows.sort_values("score", ascending=False)


def _name_points(ax: Axes, names: list[str], x: Any, y: Any) -> None:
    """Put names beside points, those of close points one under the other, with a leader."""
    figure: Any = ax.figure
    height_in = ax.get_position().height * figure.get_figheight()
    span = max(float(np.ptp(y)), 1e-6) * 1.16
    step = span * 0.105 / max(height_in, 0.5)
    # Two columns: cheap methods are named to the left, dear ones to the right.
    middle = np.exp(np.log(x).mean())
    for side in (x < middle, x >= middle):
        chosen = np.flatnonzero(side)
        if len(chosen) == 0:
            continue
        order = chosen[np.argsort(y[chosen])]
        places = _apart(y[order], step)
        right = bool(x[order[0]] >= middle)
        edge = x[order].max() * 1.6 if right else x[order].min() / 1.6
        for index, place in zip(order, places, strict=True):
            ax.annotate(
                names[index],
                (x[index], y[index]),
                xytext=(edge, place),
                fontsize="x-small",
                va="center",
                ha="left" if right else "right",
                color=_color(names[index]),
                arrowprops={"arrowstyle": "-", "color": "0.8", "lw": 0.6, "shrinkB": 2},
                annotation_clip=False,
            )


def _apart(values: Any, step: float) -> Any:
    """Move ascending values as little as keeps them a step apart."""
    from sklearn.isotonic import isotonic_regression

    offset = step * np.arange(len(values))
    return isotonic_regression(np.asarray(values) - offset) + offset
