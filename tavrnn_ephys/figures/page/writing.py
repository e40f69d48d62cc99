"""A report written from a file to a file."""

from __future__ import annotations

from pathlib import Path

from tavrnn_ephys.core.output import check_output, whole_file
from tavrnn_ephys.figures.page.collect import collect
from tavrnn_ephys.figures.page.page import render

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

    Examples
    --------
    >>> import datetime, tempfile
    >>> import numpy as np
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.block_from_arrays(counts=[[1, 0, 2, 1], [0, 1, 0, 1]], bin_size=1 * pq.s)
    >>> block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    >>> embedding = te.NodeEmbedding(
    ...     mean=np.ones((2, 2, 1)),
    ...     std=np.ones((2, 2, 1)),
    ...     windows=te.Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0]),
    ...     nodes=te.bin_activity(block.segments[0], bin_size=1 * pq.s).nodes,
    ... )
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     recording = te.write_nwb(block, f"{folder}/culture.nwb")
    ...     results = te.write_results(recording, embedding, out=f"{folder}/results.nwb")
    ...     page = te.report(results, out=f"{folder}/report.html")
    ...     "<script" in page.read_text()
    True
    """
    source = Path(path)
    target = check_report(out, inputs=(source,), overwrite=overwrite)
    page = render(collect(source, run))
    with whole_file(target) as temporary:
        temporary.write_text(page, encoding="utf-8")
    return target
