"""The tables of a study as CSV, with a forest plot and one page for the whole."""

from __future__ import annotations

import io
import os
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from tavrnn_ephys._version import __version__
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.csv_files import write_csv
from tavrnn_ephys.core.output import check_folder, make_folder, whole_file
from tavrnn_ephys.figures.page.study import StudyTable, study_page

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from tavrnn_ephys.studies.cohort.cohort import Cohort
    from tavrnn_ephys.studies.cohort.report import StudyTables

__all__ = ["check_tables", "methods_text", "write_tables"]

_TABLES = ("recordings", "missing", "effects", "trends")
_FILES = (*(f"{name}.csv" for name in _TABLES), "forest.png", "study.html")
_CAPTIONS = {
    "effects": "One row per measure and contrast; every culture counts once.",
    "trends": "One row per measure, over recordings.",
    "recordings": "Mean of each measure over the windows of a recording, at one threshold for all.",
    "missing": "Recordings that are planned and not analysed, with the reason.",
}


def check_tables(out: str | Path, *, overwrite: bool) -> Path:
    """
    Say before any work whether tables may be written.

    Parameters
    ----------
    out : str or pathlib.Path
        Their folder.
    overwrite : bool
        Whether existing ones may be replaced.

    Returns
    -------
    pathlib.Path
        The folder.

    Raises
    ------
    OutputError
        If they may not.
    """
    return check_folder(out, _FILES, overwrite=overwrite)


def write_tables(cohort: Cohort, found: StudyTables, folder: Path) -> None:
    """
    Write the tables of a study, a forest plot, and one page.

    Parameters
    ----------
    cohort : Cohort
        The study.
    found : StudyTables
        What it found.
    folder : pathlib.Path
        Where to; made where it is not there.

    Raises
    ------
    OutputError
        If the folder cannot be made.
    """
    from tavrnn_ephys.figures import save_figure

    make_folder(folder)
    frames: dict[str, pandas.DataFrame | None] = {name: getattr(found, name) for name in _TABLES}
    for name, frame in frames.items():
        if frame is not None:
            with whole_file(folder / f"{name}.csv") as partial:
                write_csv(frame, partial)
    figure = None if found.effects is None else _forest(found.effects)
    if figure is not None:
        save_figure(figure, folder / "forest.png")
    files = {name: cohort.file(name) for name in found.recordings["id"]}
    links = {name: os.path.relpath(path, folder) for name, path in files.items()}
    shown = [
        StudyTable(
            title=name.capitalize(),
            caption=_CAPTIONS[name],
            frame=frame,
            links=links if name == "recordings" else {},
        )
        for name in _CAPTIONS
        if (frame := frames[name]) is not None
    ]
    page = study_page(
        f"Study {cohort.study.resolve().name}",
        found.sentence(),
        shown,
        methods_text(cohort, found),
        forest=None if figure is None else _svg(figure),
    )
    with whole_file(folder / "study.html") as partial:
        partial.write_text(page, encoding="utf-8")


def methods_text(cohort: Cohort, found: StudyTables) -> list[str]:
    """
    Describe how a study was made, for the methods of a paper.

    Parameters
    ----------
    cohort : Cohort
        The study.
    found : StudyTables
        What it found.

    Returns
    -------
    list of str
        Paragraphs; every choice stands in them.
    """
    kinds = Counter(
        tuple(sorted(item.choices.config.facts().items()))
        for item in cohort.plan.recordings
        if not item.refusal
    )
    paragraphs = [
        f"{len(found.recordings)} recordings were analysed with tavrnn_ephys {__version__}. "
        "Activity was binned, functional connectivity was computed in each window, and a "
        "variational graph recurrent network with temporal attention (TAVRNN) was fitted to the "
        "sequence of graphs of each recording."
    ]
    for facts, count in kinds.most_common():
        chosen = ", ".join(f"{name.split('.')[-1]} {value}" for name, value in facts)
        paragraphs.append(f"Choices in {count} recordings: {chosen}.")
    paragraphs.append(
        f"Network measures were averaged over windows, with pairs above {found.threshold:.4g} as "
        "edges in every recording."
    )
    if found.effects is not None:
        contrasts = some(sorted(set(found.effects["contrast"])), 12)
        paragraphs.append(
            f"Contrasts ({contrasts}) were tested by permutation over cultures, with bootstrap "
            "intervals, and the false discovery rate over measures was held by Benjamini and "
            "Hochberg's procedure."
        )
    return paragraphs


def _forest(effects: pandas.DataFrame) -> Figure:
    from matplotlib.figure import Figure

    from tavrnn_ephys.figures import plot_forest

    figure = Figure(figsize=(8, 1.2 + 0.4 * len(effects)), dpi=150, layout="constrained")
    plot_forest(effects, ax=figure.subplots())
    return figure


def _svg(figure: Figure) -> str:
    text = io.StringIO()
    figure.savefig(text, format="svg", metadata={"Date": None})
    return text.getvalue()
