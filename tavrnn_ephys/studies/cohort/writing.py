"""The tables of a study as CSV, with a forest plot and one page for the whole."""

from __future__ import annotations

import io
import os
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tavrnn_ephys._version import __version__
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.csv_files import write_csv
from tavrnn_ephys.core.output import check_folder, make_folder, whole_file
from tavrnn_ephys.core.progress import progress_bar
from tavrnn_ephys.figures.page.study import StudyTable, study_page
from tavrnn_ephys.figures.page.writing import report as write_report
from tavrnn_ephys.studies.cohort.shards import shard_files

if TYPE_CHECKING:
    import pandas
    from matplotlib.figure import Figure

    from tavrnn_ephys.studies.cohort.cohort import Cohort
    from tavrnn_ephys.studies.cohort.report import StudyTables

__all__ = ["check_tables", "methods_text", "write_tables"]

_TABLES = ("recordings", "answers", "missing", "effects", "trends")
_FILES = (*(f"{name}.csv" for name in _TABLES), "forest.png", "study.html")
_CAPTIONS = {
    "effects": "One row per measure and contrast; every culture counts once.",
    "trends": "One row per measure, over recordings.",
    "recordings": "Mean of each measure over the windows of a recording, at one threshold for all.",
    "answers": "What the analysis of each recording says. A name leads to its page or its results.",
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


def write_tables(
    cohort: Cohort,
    found: StudyTables,
    folder: Path,
    *,
    pages: bool = False,
    verbose: bool = False,
) -> None:
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
    pages : bool
        Whether each recording gets a page of its own, in the folder ``pages``.
    verbose : bool
        Whether progress of the pages is shown on a terminal.

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
    links = _links(cohort, list(found.recordings["id"]), folder, pages=pages, verbose=verbose)
    shown = [
        StudyTable(
            title=name.capitalize(),
            caption=_CAPTIONS[name],
            frame=frame,
            links=links if name in ("recordings", "answers") else {},
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


def _links(
    cohort: Cohort, names: Sequence[str], folder: Path, *, pages: bool, verbose: bool
) -> dict[str, str]:
    """Give what each recording leads to: its page, where there is one, else its results."""
    keys = {item.id: item.key for item in cohort.plan.recordings}
    links = {}
    shown = names if pages else ()
    for name in progress_bar(shown, what="drawing", unit="page", verbose=verbose):
        make_folder(folder / "pages")
        results = shard_files(cohort.study, keys[name])[0]
        write_report(results, out=folder / "pages" / f"{name}.html", overwrite=True)
    for name in names:
        page = folder / "pages" / f"{name}.html"
        results = shard_files(cohort.study, keys[name])[0]
        links[name] = os.path.relpath(page if page.is_file() else results, folder)
    return links


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
        tuple(sorted(item.choices.facts().items()))
        for item in cohort.plan.recordings
        if not item.refusal
    )
    paragraphs = [
        f"{len(found.recordings)} recordings were analysed with tavrnn_ephys {__version__}. "
        "Activity was binned, functional connectivity was computed in each window, and a "
        "variational graph recurrent network with temporal attention (TAVRNN) was fitted to the "
        "sequences of graphs."
    ]
    shared = [item for item in cohort.plan.recordings if item.model and not item.refusal]
    if shared:
        n_held_out = sum(item.is_held_out for item in shared)
        paragraphs.append(
            f"One model was trained over {len(shared) - n_held_out} recordings, each with its own "
            f"projection of its nodes, and adapted to {n_held_out} recordings that were held out."
        )
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
