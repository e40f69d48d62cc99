"""An analysis from file to file: read, convert if needed, analyse, write beside the recording."""

from __future__ import annotations

import dataclasses
import datetime
import shlex
import sys
import tempfile
import warnings
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.core.adapter_options import option_text
from tavrnn_ephys.core.csv_files import write_csv
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.output import check_folder, check_output, make_folder, whole_file
from tavrnn_ephys.core.runs import Placement, ResultTable
from tavrnn_ephys.figures.page.writing import check_report
from tavrnn_ephys.figures.page.writing import report as write_report
from tavrnn_ephys.io.blocks import one_segment
from tavrnn_ephys.io.finding import find_adapter, results_store
from tavrnn_ephys.io.reading import read, write_nwb
from tavrnn_ephys.studies.analysis import (
    AnalysisConfig,
    AnalysisResult,
    analyze,
    results_of,
    segment_to_analyze,
)
from tavrnn_ephys.studies.behavior.analysis import (
    BEHAVIOR_TABLES,
    BehaviorConfig,
    BehaviorResult,
    analyze_behavior,
    behavior_tables,
    check_behavior,
    with_node_groups,
)
from tavrnn_ephys.studies.behavior.drawing import BEHAVIOR_FIGURES, behavior_figures

if TYPE_CHECKING:
    import neo

__all__ = ["analyze_file"]

_FIGURES = ("raster", "connectivity", "connectivity_mean", "embedding", "attention")
_UNKNOWN_START = datetime.datetime(1970, 1, 1, tzinfo=datetime.UTC)


def analyze_file(
    source: Path,
    out: Path | None,
    config: AnalysisConfig,
    *,
    placement: Placement | None = None,
    adapter: str | None = None,
    options: Mapping[str, Any] | None = None,
    session_start: str | None = None,
    figures: str | Path | None = None,
    report: str | Path | None = None,
    behavior: BehaviorConfig | None = None,
    node_groups: Mapping[str, str] | None = None,
    tables: str | Path | None = None,
    overwrite: bool = False,
    verbose: bool = False,
) -> AnalysisResult:
    """
    Analyse a recording and write the results into a copy of it, or where they are asked for.

    Parameters
    ----------
    source : pathlib.Path
        The recording; a format other than NWB is converted into the copy, of several segments
        the one that is analysed.
    out : pathlib.Path, optional
        The NWB file to write; none where the results go into the source itself.
    config : AnalysisConfig
        How.
    placement : Placement, optional
        Name of the run and way of writing; the default run in a copy by default.
    adapter : str, optional
        Adapter that reads the source; found by content by default.
    options : mapping of str to object, optional
        Options of the adapter.
    session_start : str, optional
        ISO date of the recording's start, for formats that do not know it.
    figures : str or pathlib.Path, optional
        Folder for PNG figures.
    report : str or pathlib.Path, optional
        Page that shows the run, ending in ``.html``.
    behavior : BehaviorConfig, optional
        A behaviour that the network is to be linked to.
    node_groups : mapping of str to str, optional
        Group of each node by its id, in place of those of the recording.
    tables : str or pathlib.Path, optional
        Folder for the tables of the link to the behaviour, as CSV.
    overwrite : bool
        Whether existing figures, an existing page and an existing output file may be replaced.
    verbose : bool
        Whether progress is shown on a terminal.

    Returns
    -------
    AnalysisResult
        What was found.

    Raises
    ------
    FileFormatError
        If the source cannot be read.
    InputError
        If the configuration does not suit it.
    OutputError
        If the output may not be written.
    """
    placement = placement or Placement(overwrite=overwrite)
    found = find_adapter(source, adapter)
    _check_target(source, out, placement, found.name)
    if found.name == "nwb":
        if session_start is not None:
            raise InputError(
                f"'{source.name}' knows its start; --session-start is for formats that do not. "
                "Leave it out."
            )
        results_store().check_results_source(source, placement)
    drawn = (*_FIGURES, *BEHAVIOR_FIGURES) if behavior is not None else _FIGURES
    folder = table_folder = None
    if figures is not None:
        folder = check_folder(figures, [f"{name}.png" for name in drawn], overwrite=overwrite)
    if tables is not None:
        names = [f"{name}.csv" for name in BEHAVIOR_TABLES]
        table_folder = check_folder(tables, names, overwrite=overwrite)
    if report is not None:
        check_report(report, inputs=(source,), overwrite=overwrite)
    block = read(source, adapter=found.name, **dict(options or {}))
    index = segment_to_analyze(block, config)
    block = one_segment(block, index)
    if node_groups is not None:
        block = with_node_groups(block, node_groups)
    if behavior is not None:
        check_behavior(block, dataclasses.replace(config, segment_index=0), behavior)
    with _as_nwb(block, source, out or source, found.name, session_start) as (block, nwb):
        result = analyze(block, dataclasses.replace(config, segment_index=0), verbose=verbose)
        if behavior is not None:
            linked = analyze_behavior(block, result, behavior)
            result = dataclasses.replace(result, behavior=linked)
        result = _with_segment(result, index)
        facts = _origin(source, found.name, dict(options or {}))
        content = results_of(result, tables=_result_tables(result.behavior), provenance=facts)
        results_store().write_results(nwb, content, out, placement)
    if folder is not None:
        _save_figures(result, folder)
    if table_folder is not None and result.behavior is not None:
        _save_tables(result.behavior, table_folder)
    if report is not None:
        write_report(out or source, out=report, run=placement.run, overwrite=overwrite)
    return result


def _result_tables(behavior: BehaviorResult | None) -> dict[str, ResultTable]:
    """Give what is known of the behaviour to the file, each column described."""
    tables = {} if behavior is None else behavior_tables(behavior)
    return {
        name: ResultTable(
            frame=frame, description=frame.attrs["description"], columns=frame.attrs["columns"]
        )
        for name, frame in tables.items()
    }


def _check_target(source: Path, out: Path | None, placement: Placement, adapter: str) -> None:
    if placement.way != "copy" and adapter != "nwb":
        raise InputError(
            f"'{source.name}' is no NWB file, which alone can take or be linked to results. Write "
            "a new one: --out FILE.nwb."
        )
    if placement.way == "in_place":
        if out is not None:
            raise InputError("Results go either into the recording's own file or into --out.")
        check_output(source.resolve(), overwrite=True)
        return
    if out is None:
        raise InputError("Say where the results go: --out FILE.nwb, or --in-place.")
    if not out.name.lower().endswith(".zarr"):
        check_output(out, inputs=(source,), overwrite=placement.overwrite, suffix=".nwb")


def _origin(source: Path, adapter: str, options: Mapping[str, Any]) -> dict[str, Any]:
    """Note the command, and of a recording in NWB how it is to be read again."""
    name, *arguments = sys.argv
    facts = {
        "recording": source.name,
        "adapter": adapter,
        "command_line": shlex.join([Path(name).name, *arguments]),
    }
    if adapter == "nwb":
        facts |= {f"reading.{key}": option_text(value) for key, value in options.items()}
    return facts


def _save_tables(found: BehaviorResult, folder: Path) -> None:
    make_folder(folder)
    for name, table in behavior_tables(found).items():
        with whole_file(folder / f"{name}.csv") as temporary:
            write_csv(table, temporary)


def _with_segment(result: AnalysisResult, index: int) -> AnalysisResult:
    """Note which segment of the source the only one of the NWB file was."""
    settings = {**result.embedding.config, "analysis.segment_index": index}
    return dataclasses.replace(
        result,
        config=dataclasses.replace(result.config, segment_index=index),
        embedding=dataclasses.replace(result.embedding, config=settings),
    )


@contextmanager
def _as_nwb(
    block: neo.Block, source: Path, out: Path, adapter: str, session_start: str | None
) -> Iterator[tuple[neo.Block, Path]]:
    """Give the block and an NWB file of it: the source itself, or a conversion that vanishes."""
    if adapter == "nwb":
        yield block, source
        return
    if session_start is not None:
        block.rec_datetime = _date(session_start)
    elif block.rec_datetime is None:
        warnings.warn(
            f"'{source.name}' does not say when it was recorded; the NWB file carries "
            "1970-01-01 instead. Give it with --session-start.",
            DataLossWarning,
            stacklevel=2,
        )
        block.rec_datetime = _UNKNOWN_START
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=f".{out.stem}.") as folder:
        converted = write_nwb(block, Path(folder) / f"{source.stem}.nwb")
        yield read(converted), converted


def _date(text: str) -> datetime.datetime:
    try:
        return datetime.datetime.fromisoformat(text)
    except ValueError:
        raise InputError(
            f"'{text}' is not a date. Write it as 2024-05-01 or 2024-05-01T10:00."
        ) from None


def _save_figures(result: AnalysisResult, folder: Path) -> None:
    from tavrnn_ephys.figures import analysis_figures, save_figure

    numeric = {
        name: values
        for name, values in result.windows.columns.items()
        if values.dtype.kind in "fiu"
    }
    label, score = next(iter(numeric.items()), ("", None))
    drawn = analysis_figures(
        result.activity,
        result.windows,
        result.connectivity,
        result.embedding,
        score=score,
        score_label=label,
    )
    if result.behavior is not None:
        drawn |= behavior_figures(result, result.behavior)
    make_folder(folder)
    for name, figure in drawn.items():
        save_figure(figure, folder / f"{name}.png")
