"""All tables of a run, built for an open NWB file and added to it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tavrnn_ephys.adapters.nwb._run_columns import Wrap
from tavrnn_ephys.adapters.nwb._run_drafts import RunTables
from tavrnn_ephys.adapters.nwb._run_parts import WRITERS
from tavrnn_ephys.adapters.nwb._run_provenance import provenance_table
from tavrnn_ephys.adapters.nwb._run_series import add_series
from tavrnn_ephys.adapters.nwb._write_beside import add_to_module
from tavrnn_ephys.core.errors import OutputError
from tavrnn_ephys.core.runs import Placement, Results

__all__ = ["add_run"]


def add_run(
    nwbfile: Any,
    results: Results,
    placement: Placement,
    *,
    facts: Mapping[str, Any],
    source_name: str,
    wrap: Wrap,
) -> list[str]:
    """
    Add a run to an open file; the caller writes the file.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        The file.
    results : Results
        The results.
    placement : Placement
        Name of the run, its module, and how connectivity is stored.
    facts : mapping of str to object
        What is known of the source, by dotted key.
    source_name : str
        Name of the recording, for messages.
    wrap : callable
        Marks an array for chunked storage.

    Returns
    -------
    list of str
        Names of the tables that were added.

    Raises
    ------
    InputError
        If the nodes are not rows of the source, or a value cannot be stored.
    OutputError
        If an object of another origin has the name of a table.
    """
    draft = RunTables(results, placement, nwbfile, source_name, wrap)
    for write in WRITERS.values():
        write(draft)
    add_series(draft)
    tables, notes = draft.completed()
    module = placement.module or ("ophys" if results.nodes.kind == "roi" else "ecephys")
    facts = {
        **facts,
        "module_created": module not in nwbfile.processing,
        **{f"tables.{part}": table.name for part, table in tables.items()},
        "tables.provenance": draft.name("provenance"),
    }
    provenance = provenance_table(results, placement.run, facts, notes)
    added = [*tables.values(), provenance]
    names = [table.name for table in added]
    _require_free(nwbfile, module, names, placement.run)
    for table in added:
        add_to_module(nwbfile, module, table)
    return names


def _require_free(nwbfile: Any, module: str, names: list[str], run: str) -> None:
    there = nwbfile.processing[module].data_interfaces if module in nwbfile.processing else ()
    taken = [name for name in names if name in there]
    if taken:
        raise OutputError(
            f"The processing module '{module}' already holds an object '{taken[0]}' that is no "
            f"part of a run '{run}'. Name this run otherwise: run=\"…\", on the command line --run."
        )
