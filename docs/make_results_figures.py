"""
Draw the layout of results in an NWB file.

    python docs/make_results_figures.py
"""

from pathlib import Path

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.patches import FancyArrowPatch, FancyBboxPatch

GREY, BLUE, GREEN, SAND = "#e8e8e8", "#cfe3f5", "#d8efd6", "#f7e3c4"
BOXES = {
    "units": (0.2, 5.4, "units, electrodes", ("or ROIs",), GREY),
    "nodes": (4.8, 5.4, "tavrnn_nodes", ("node_id, node_group", "x, y, z", "source_row"), BLUE),
    "windows": (
        8.8,
        5.4,
        "tavrnn_windows",
        (
            "start_time, stop_time",
            "scores, summaries",
            "embedding_mean, …_std",
            "attention, history",
        ),
        BLUE,
    ),
    "graphs": (
        4.8,
        2.6,
        "tavrnn_graphs",
        ("window", "edge_from, edge_to", "edge_weight"),
        GREEN,
    ),
    "connectivity": (
        8.8,
        2.6,
        "tavrnn_connectivity",
        ("window", "weights_upper", "mean_activity"),
        GREEN,
    ),
    "provenance": (
        4.8,
        0.5,
        "tavrnn_provenance",
        ("key, value, type", "options, versions, checksums"),
        SAND,
    ),
    "tables": (8.8, 0.5, "tavrnn_table_NAME", ("your own columns",), SAND),
}
ARROWS = (
    ("nodes", "units", "source_row"),
    ("graphs", "nodes", "edge_from, edge_to"),
    ("connectivity", "windows", "window"),
    ("graphs", "windows", "window"),
)
WIDTH = 3.0


def box_height(lines: tuple[str, ...], title: str) -> float:
    """Height that a title and some lines take."""
    return 0.45 * (1 + title.count("\n")) + 0.36 * len(lines) + 0.2


def draw_box(ax: Axes, name: str) -> None:
    """Draw a table with its columns, its upper edge at the given height."""
    x, y, title, lines, color = BOXES[name]
    height = box_height(lines, title)
    ax.add_patch(
        FancyBboxPatch(
            (x, y + 1.9 - height), WIDTH, height, boxstyle="round,pad=0.05", fc=color, ec="0.4"
        )
    )
    ax.text(x + 0.12, y + 1.78, title, va="top", weight="bold", fontsize=9)
    top = y + 1.78 - 0.45 * (1 + title.count("\n"))
    for index, line in enumerate(lines):
        ax.text(x + 0.12, top - 0.36 * index, line, va="top", fontsize=8)


def draw_arrow(ax: Axes, start: str, stop: str, text: str) -> None:
    """Draw a reference from one table to another."""
    a, b = BOXES[start], BOXES[stop]
    if a[1] == b[1]:
        first, last = (a[0] - 0.08, a[1] + 1.2), (b[0] + WIDTH + 0.08, b[1] + 1.2)
    else:
        first = (a[0] + WIDTH / 2, a[1] + 2.0)
        last = (b[0] + WIDTH / 2, b[1] + 1.8 - box_height(b[3], b[2]))
        if a[0] != b[0]:
            first, last = (a[0] + WIDTH - 0.2, a[1] + 2.0), (b[0] + 0.3, last[1])
    ax.add_patch(FancyArrowPatch(first, last, arrowstyle="-|>", mutation_scale=12, color="0.3"))
    middle = ((first[0] + last[0]) / 2, (first[1] + last[1]) / 2)
    ax.text(
        *middle, text, fontsize=7, ha="center", va="center",
        bbox={"fc": "white", "ec": "none", "pad": 1},
    )  # fmt: skip


def main() -> None:
    """Draw the picture and save it."""
    figure, ax = plt.subplots(figsize=(9.5, 6.4))
    ax.add_patch(
        FancyBboxPatch((4.5, 0.9), 7.6, 6.6, boxstyle="round,pad=0.1", fc="none", ec="0.6", ls="--")
    )
    ax.text(12.1, 7.7, "processing module ecephys or ophys", ha="right", fontsize=8, color="0.3")
    for name in BOXES:
        draw_box(ax, name)
    for arrow in ARROWS:
        draw_arrow(ax, *arrow)
    ax.text(0.2, 6.0, "the recording, unchanged", fontsize=8, color="0.3", va="top")
    ax.set(xlim=(0, 12.4), ylim=(0.6, 8.1))
    ax.axis("off")
    out = Path(__file__).parent / "images" / "results_layout.png"
    figure.savefig(out, dpi=120, bbox_inches="tight")
    print(out)


if __name__ == "__main__":
    main()
