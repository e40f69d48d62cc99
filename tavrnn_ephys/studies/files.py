"""An analysis from file to file: read, convert if needed, analyse, write beside the recording."""

from __future__ import annotations

import dataclasses
import shlex
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tavrnn_ephys.core.addresses import Address
from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.csv_files import write_csv
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import FIGURE_FORMS, STATE_TABLES
from tavrnn_ephys.core.output import check_folder, check_output, make_folder, whole_file
from tavrnn_ephys.core.runs import Placement
from tavrnn_ephys.core.spec import RecordingSpec, StateSpec
from tavrnn_ephys.figures import save_figure
from tavrnn_ephys.figures.page.writing import check_report
from tavrnn_ephys.figures.page.writing import report as write_report
from tavrnn_ephys.io.converting import as_nwb
from tavrnn_ephys.io.finding import find_adapter, results_store
from tavrnn_ephys.studies.advice import check_choices, completed
from tavrnn_ephys.studies.analysis import AnalysisResult, Embedder, results_of
from tavrnn_ephys.studies.analysis_config import AnalysisConfig
from tavrnn_ephys.studies.answering import answer, stored_answer
from tavrnn_ephys.studies.behavior.config import BehaviorConfig, stem_of
from tavrnn_ephys.studies.behavior.drawing import BEHAVIOR_FIGURES
from tavrnn_ephys.studies.behavior.several import table_names
from tavrnn_ephys.studies.change import CHANGE_TABLES
from tavrnn_ephys.studies.drawing import BesideNetwork, beside_network, result_figures
from tavrnn_ephys.studies.recording import read_segment
from tavrnn_ephys.studies.run import compute_run, tables_of
from tavrnn_ephys.studies.states.drawing import STATE_FIGURES

__all__ = ["analyze_file"]

_FIGURES = ("raster", "connectivity", "connectivity_mean", "embedding", "similarity", "attention")


def analyze_file(
    source: Path | Address,
    out: Path | None,
    config: AnalysisConfig | Mapping[str, Any] | None = None,
    *,
    placement: Placement | None = None,
    adapter: str | None = None,
    options: Mapping[str, Any] | None = None,
    session_start: str | None = None,
    figures: str | Path | None = None,
    report: str | Path | None = None,
    behavior: BehaviorConfig | Sequence[BehaviorConfig] | None = None,
    states: StateSpec | None = None,
    node_groups: Mapping[str, str] | None = None,
    tables: str | Path | None = None,
    figure_format: str = "png",
    embedder: Embedder | None = None,
    overwrite: bool = False,
    verbose: bool = False,
) -> AnalysisResult:
    """
    Analyse a recording and write the results into a copy of it, or where they are asked for.

    Parameters
    ----------
    source : pathlib.Path or Address
        The recording, or the address of an NWB file; a format other than NWB is converted into
        the copy, of several segments the one that is analysed.
    out : pathlib.Path, optional
        The NWB file to write; none where the results go into the source itself.
    config : AnalysisConfig or mapping of str to object, optional
        How; or the choices that are made, the others as :func:`tavrnn_ephys.suggest` suggests.
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
    behavior : BehaviorConfig or sequence of BehaviorConfig, optional
        Behaviours that the network is to be linked to.
    states : StateSpec, optional
        How discrete states of the network are found, where they are asked for.
    node_groups : mapping of str to str, optional
        Group of each node by its id, in place of those of the recording.
    tables : str or pathlib.Path, optional
        Folder for the tables of the link to the behaviour and of the states, as CSV.
    figure_format : {"png", "svg", "pdf"}
        Form of the figures.
    embedder : callable, optional
        As in :func:`tavrnn_ephys.studies.analysis.analyze_recording`.
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
    one_of(figure_format, FIGURE_FORMS, "figure_format")
    chosen = config if isinstance(config, AnalysisConfig) else dict(config or {})
    if isinstance(chosen, dict):
        check_choices(chosen)
    placement = placement or Placement(overwrite=overwrite)
    found = _checked_adapter(source, out, placement, adapter, session_start)
    asked_for = [behavior] if isinstance(behavior, BehaviorConfig) else list(behavior or ())
    drawn = [*_FIGURES]
    drawn += [
        _own_name(name, index) for index in range(len(asked_for)) for name in BEHAVIOR_FIGURES
    ]
    drawn += STATE_FIGURES if states is not None else ()
    folder = table_folder = None
    if figures is not None:
        folder = check_folder(
            figures, [f"{name}.{figure_format}" for name in drawn], overwrite=overwrite
        )
    if tables is not None:
        asked = [
            "answer",
            *CHANGE_TABLES,
            *table_names(len(asked_for)),
            *(STATE_TABLES if states is not None else ()),
        ]
        names = [f"{name}.csv" for name in asked]
        table_folder = check_folder(tables, names, overwrite=overwrite)
    if report is not None:
        check_report(report, inputs=_local(source), overwrite=overwrite)
    spec = RecordingSpec(
        adapter=found,
        options=dict(options or {}),
        segment_index=_segment_index(chosen),
        node_groups=node_groups,
    )
    block, spec = read_segment(source, spec)
    with as_nwb(
        block, source, adapter=found, beside=out or Path(source), session_start=session_start
    ) as (block, nwb):
        config, reasons = _completed(block.segments[0], chosen)
        result = compute_run(
            block.segments[0], config, spec, asked_for, states, embedder=embedder, verbose=verbose
        )
        result = dataclasses.replace(result, reasons=reasons)
        kept, origin = stored_answer(tables_of(result)), _origin(source, found)
        content = results_of(result, tables=kept, provenance=origin)
        results_store().write_results(nwb, content, out, placement)
        beside = None if folder is None else beside_network(result, block.segments[0])
    if table_folder is not None:
        _save_tables(result, table_folder)
    if folder is not None:
        _save_figures(result, beside, folder, figure_format)
    if report is not None:
        write_report(out or Path(source), out=report, run=placement.run, overwrite=overwrite)
    return result


def _segment_index(chosen: AnalysisConfig | dict[str, Any]) -> int | None:
    if isinstance(chosen, AnalysisConfig):
        return chosen.segment_index
    index: int | None = chosen.get("segment_index")
    return index


def _completed(
    segment: Any, chosen: AnalysisConfig | dict[str, Any]
) -> tuple[AnalysisConfig, dict[str, str]]:
    if isinstance(chosen, AnalysisConfig):
        return chosen, {}
    config, _, reasons = completed(segment, chosen)
    return config, reasons


def _checked_adapter(
    source: Path | Address,
    out: Path | None,
    placement: Placement,
    adapter: str | None,
    session_start: str | None,
) -> str:
    """Find the adapter, and refuse what could not be written, before any work."""
    found = find_adapter(source, adapter).name
    if placement.way != "copy" and isinstance(source, Address):
        raise InputError(
            f"'{source.name}' lies at an address, and results cannot go into it or link to it. "
            "Write a new file: --out FILE.nwb."
        )
    if placement.way != "copy" and found != "nwb":
        raise InputError(
            f"'{source.name}' is no NWB file, which alone can take or be linked to results. Write "
            "a new one: --out FILE.nwb."
        )
    if placement.way == "in_place":
        if out is not None:
            raise InputError("Results go either into the recording's own file or into --out.")
        check_output(Path(source).resolve(), overwrite=True)
    elif out is None:
        raise InputError("Say where the results go: --out FILE.nwb, or --in-place.")
    elif not out.name.lower().endswith(".zarr"):
        check_output(out, inputs=_local(source), overwrite=placement.overwrite, suffix=".nwb")
    if found == "nwb" and session_start is not None:
        raise InputError(
            f"'{source.name}' knows its start; --session-start is for formats that do not. "
            "Leave it out."
        )
    if found == "nwb" and isinstance(source, Path):
        results_store().check_results_source(source, placement)
    return found


def _local(source: Path | Address) -> tuple[Path, ...]:
    """Give a recording that could be overwritten."""
    return (source,) if isinstance(source, Path) else ()


def _origin(source: Path | Address, adapter: str) -> dict[str, Any]:
    """Note the file and the command."""
    name, *arguments = sys.argv
    return {
        "recording": str(source) if isinstance(source, Address) else source.name,
        "adapter": adapter,
        "command_line": shlex.join([Path(name).name, *arguments]),
    }


def _own_name(name: str, index: int) -> str:
    """Name a picture of one of several behaviours."""
    return f"{stem_of(index)}_{name.partition('_')[2]}"


def _save_tables(result: AnalysisResult, folder: Path) -> None:
    make_folder(folder)
    for name, table in {"answer": answer(result).to_dataframe(), **tables_of(result)}.items():
        with whole_file(folder / f"{name}.csv") as temporary:
            write_csv(table, temporary)


def _save_figures(
    result: AnalysisResult, beside: BesideNetwork | None, folder: Path, form: str
) -> None:
    make_folder(folder)
    for name, figure in result_figures(result, beside).items():
        save_figure(figure, folder / f"{name}.{form}")
