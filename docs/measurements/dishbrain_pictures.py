"""Pictures of a session of DishBrain, for ``dishbrain_session.py``."""

from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from tavrnn_ephys.figures import save_figure

BLUE, ORANGE, GREEN, GREY = "#0072B2", "#D55E00", "#009E73", "0.6"


def draw_session(found: dict, hits_s, misses_s, run: dict | None, out: Path) -> None:
    """Draw performance, coincidences, subregions, and the attention of the run."""
    figure = Figure(figsize=(10, 6.4), dpi=150, layout="constrained")
    axes = figure.subplots(2, 2)
    one, _, _ = found["as recorded"]
    _performance(axes[0, 0], one, hits_s, misses_s)
    _gaps(axes[0, 1], found)
    _subregions(axes[1, 0], found)
    _rates(axes[1, 1], found, hits_s, misses_s)
    save_figure(figure, out / "dishbrain_session.png")
    if run is not None and run["embedding"].attention is not None:
        figure = Figure(figsize=(4.6, 3.8), dpi=150, layout="constrained")
        _attention(figure.subplots(), run["embedding"])
        save_figure(figure, out / "dishbrain_attention.png")


def _performance(ax, one, hits_s, misses_s) -> None:
    minutes = (one.windows.start_s + one.windows.stop_s) / 120
    ax.plot(minutes, one.performance["rally_length_time_weighted"], color=BLUE, marker=".")
    ax.set(xlabel="time (min)", ylabel="time-weighted rally (hits)", title="Performance per window")
    ax.plot(hits_s / 60, np.full(len(hits_s), -0.15), "|", color=GREEN, label="hit")
    ax.plot(misses_s / 60, np.full(len(misses_s), -0.3), "|", color=ORANGE, label="miss")
    ax.legend(fontsize=7, ncols=2, loc="upper left")


def _gaps(ax, found: dict) -> None:
    edges = np.arange(-0.025, 10.0, 0.05)
    for (name, (one, _, _)), color in zip(found.items(), (GREY, BLUE), strict=True):
        counts = np.histogram(one.spikes.pair_gaps_s * 1e3, edges)[0]
        ax.step(edges[:-1], counts, where="post", color=color, label=name)
    ax.set(xlabel="between two channels (ms)", ylabel="pairs", yscale="log",
           title="Spikes of two channels within a bin")  # fmt: skip
    ax.legend(fontsize=7)


def _subregions(ax, found: dict) -> None:
    for (name, (one, measures, alignment)), color in zip(found.items(), (GREY, BLUE), strict=True):
        minutes = (one.windows.start_s + one.windows.stop_s) / 120
        ax.plot(minutes, measures["silhouette"], color=color, label=name)
        low, high = np.quantile(alignment.null["silhouette"], [0.025, 0.975], axis=0)
        ax.fill_between(minutes, low, high, color=color, alpha=0.25, linewidth=0)
    ax.set(xlabel="time (min)", ylabel="silhouette of subregions",
           title="Subregions; shaded: patches laid elsewhere")  # fmt: skip
    ax.legend(fontsize=7)


def _rates(ax, found: dict, hits_s, misses_s) -> None:
    times = found["without artefacts"][0].spikes.times_s
    edges = np.arange(-10.0, 10.5, 0.5)
    for name, events, color in (("hits", hits_s, GREEN), ("misses", misses_s, ORANGE)):
        gaps = (times[None] - events[:, None]).ravel()
        rate = np.histogram(gaps, edges)[0] / len(events) / 0.5
        ax.step(edges[:-1], rate, where="post", color=color, label=f"around {name}")
    ax.axvline(0, color="k", linewidth=0.6)
    ax.set(xlabel="time from the event (s)", ylabel="spikes/s, all channels",
           title="Rates around hits and misses")  # fmt: skip
    ax.legend(fontsize=7)


def _attention(ax, embedding) -> None:
    image = ax.imshow(np.asarray(embedding.attention), cmap="magma", vmin=0, aspect="auto")
    ax.set(xlabel="attended window", ylabel="window", title="Attention of TAVRNN")
    ax.figure.colorbar(image, ax=ax)
