"""A report written from a file to a file."""

from __future__ import annotations

from pathlib import Path

from tavrnn_ephys.output import check_output, whole_file
from tavrnn_ephys.reporting.collect import collect
from tavrnn_ephys.reporting.page import render

__all__ = ["check_report", "report"]


def check_report(out: str | Path, *, inputs: tuple[Path, ...] = (), overwrite: bool) -> Path:
    """
    Say before any work whether a report may be written.

    Parameters
    ----------
    out : str or pathlib.Path
        The page.
    inputs : tuple of pathlib.Path
        Files that must never be overwritten.
    overwrite : bool
        Whether an existing page may be replaced.

    Returns
    -------
    pathlib.Path
        The page.

    Raises
    ------
    OutputError
        If it may not.
    """
    return check_output(out, inputs=inputs, overwrite=overwrite, suffix=".html")


def report(
    path: str | Path, *, out: str | Path, run: str | None = None, overwrite: bool = False
) -> Path:
    """
    Write a run as one page that a browser shows without network.

    Parameters
    ----------
    path : str or pathlib.Path
        NWB file with results; it is not changed.
    out : str or pathlib.Path
        The page, ending in ``.html``.
    run : str, optional
        The run; the only one, or the one named ``"default"``, by default.
    overwrite : bool
        Whether an existing page may be replaced.

    Returns
    -------
    pathlib.Path
        The page: what was analysed, activity and behaviour, connectivity, embedding and map of
        any window, attention, tables of the run, provenance, and warnings.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged, or holds no results.
    InputError
        If there is no run of that name.
    OutputError
        If the page may not be written.
    """
    source = Path(path)
    target = check_report(out, inputs=(source,), overwrite=overwrite)
    page = render(collect(source, run))
    with whole_file(target) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return target
