"""A report with a person's own figures and texts."""

from __future__ import annotations

import base64
import io
from pathlib import Path
from typing import Any

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.output import whole_file
from tavrnn_ephys.figures.page.collect import collect
from tavrnn_ephys.figures.page.page import OwnSection, render
from tavrnn_ephys.figures.page.writing import check_report

__all__ = ["Report"]


class Report:
    """
    The page of a run, to which own figures and texts are added.

    Parameters
    ----------
    path : str or pathlib.Path
        NWB file with results; it is not changed.
    run : str, optional
        The run; the only one, or the one named ``"default"``, by default.

    Examples
    --------
    >>> from matplotlib.figure import Figure
    >>> figure = Figure(figsize=(3, 2))
    >>> _ = figure.subplots().plot([0, 1], [1, 0])
    >>> page = Report("culture_tavrnn.nwb").add("Stimulus", text="Light at 60 s.", figure=figure)
    >>> [section.title for section in page.sections]
    ['Stimulus']
    """

    def __init__(self, path: str | Path, *, run: str | None = None) -> None:
        self.path = Path(path)
        self.run = run
        self.sections: list[OwnSection] = []

    def add(self, title: str, *, text: str = "", figure: Any = None) -> Report:
        """
        Add a section of one's own.

        Parameters
        ----------
        title : str
            Its heading.
        text : str
            Paragraphs with an empty line between them; shown as they stand, without markup.
        figure : matplotlib.figure.Figure, optional
            A picture, written into the page as PNG.

        Returns
        -------
        Report
            The same, so that sections can be added one after the other.

        Raises
        ------
        InputError
            If there is neither text nor figure, or the figure is none.
        """
        if not text and figure is None:
            raise InputError(f"The section '{title}' has neither text nor figure. Give one.")
        image = "" if figure is None else _as_address(figure)
        self.sections.append(OwnSection(title=str(title), text=str(text), image=image))
        return self

    def write(self, out: str | Path, *, overwrite: bool = False) -> Path:
        """
        Write the page.

        Parameters
        ----------
        out : str or pathlib.Path
            The page, ending in ``.html``.
        overwrite : bool
            Whether an existing page may be replaced.

        Returns
        -------
        pathlib.Path
            The page; own sections stand before the provenance.

        Raises
        ------
        FileFormatError
            If the file is missing, damaged, or holds no results.
        OutputError
            If the page may not be written.
        """
        target = check_report(out, inputs=(self.path,), overwrite=overwrite)
        page = render(collect(self.path, self.run), self.sections)
        with whole_file(target) as temporary:
            temporary.write_text(page, encoding="utf-8")
        return target

    def __repr__(self) -> str:
        return f"Report: {self.path.name}, {len(self.sections)} sections of its own"


def _as_address(figure: Any) -> str:
    if not hasattr(figure, "savefig"):
        raise InputError(
            f"A figure of Matplotlib is needed, got {type(figure).__name__}. Of an Axes, pass "
            "ax.figure."
        )
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=150)
    return f"data:image/png;base64,{base64.b64encode(buffer.getvalue()).decode('ascii')}"
