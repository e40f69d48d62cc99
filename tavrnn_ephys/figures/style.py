"""What all figures share: the one style sheet, letters of panels, and their files."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from string import ascii_lowercase

from matplotlib import rc_context, rc_params_from_file
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.names import FIGURE_FORMS
from tavrnn_ephys.core.output import check_output, whole_file

__all__ = ["DPI", "STYLE", "letter_panels", "save_figure"]

DPI = 150
#: The one style sheet of all pictures, ``paper.mplstyle``.
STYLE = rc_params_from_file(
    str(files("tavrnn_ephys.figures") / "paper.mplstyle"), use_default_template=False
)


def save_figure(figure: Figure, path: str | Path) -> None:
    """
    Write a figure as PNG, SVG or PDF, by the ending of the file, whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    path : str or pathlib.Path
        The file, which is replaced if it exists; ``.png`` (150 dots per inch), ``.svg`` or
        ``.pdf``, both with text that stays text.

    Raises
    ------
    InputError
        If it has another ending.
    OutputError
        If the folder does not exist or is not writable.
    """
    form = one_of(Path(path).suffix.lower().lstrip("."), FIGURE_FORMS, "ending of the figure")
    target = check_output(path, overwrite=True)
    # The layout of square panels with legends beside them needs a second round to settle.
    figure.draw_without_rendering()
    with whole_file(target) as temporary, rc_context(STYLE):
        figure.savefig(temporary, format=form, dpi=DPI)


def letter_panels(figure: Figure) -> None:
    """
    Put letters at the panels of a figure, in reading order; a single panel gets none.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        The figure.
    """
    panels = [ax for ax in figure.axes if ax.get_subplotspec() is not None and not _is_twin(ax)]
    if len(panels) < 2:
        return
    for letter, ax in zip(ascii_lowercase, panels, strict=False):
        ax.annotate(
            letter, (0, 1), xycoords="axes fraction", xytext=(-16, 8), fontweight="bold",
            textcoords="offset points", ha="right", va="bottom", annotation_clip=False,
        )  # fmt: skip


def _is_twin(ax: Axes) -> bool:
    """Say whether an Axes lies on one that was drawn before it."""
    earlier = ax.figure.axes[: ax.figure.axes.index(ax)]
    return any(other.get_subplotspec() is ax.get_subplotspec() for other in earlier)
