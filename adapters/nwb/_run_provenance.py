"""The table of everything that led to a run."""

from __future__ import annotations

import platform
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tavrnn_ephys._version import __version__
from tavrnn_ephys.adapters.nwb._encoding import Row, option_rows
from tavrnn_ephys.adapters.nwb._names import table_name
from tavrnn_ephys.core.provenance import option_digests
from tavrnn_ephys.core.runs import Results

__all__ = ["FORMAT_VERSION", "provenance_table"]

FORMAT_VERSION = 2


def provenance_table(
    results: Results, run: str, facts: Mapping[str, Any], notes: Mapping[str, Any]
) -> Any:
    """
    Build the table of everything that led to the results.

    Parameters
    ----------
    results : Results
        The results.
    run : str
        Name of the run.
    facts : mapping of str to object
        What is known of the source and of the tables, by dotted key.
    notes : mapping of str to object
        How the columns of the other tables are to be read back.

    Returns
    -------
    hdmf.common.DynamicTable
        Key, value and type per row.
    """
    from hdmf.common import DynamicTable, VectorData

    embedding = results.embedding
    config = {} if embedding is None else dict(embedding.config)
    versions = {} if embedding is None else dict(embedding.versions)
    options = {
        "software": "tavrnn_ephys",
        "software_version": __version__,
        "format_version": FORMAT_VERSION,
        "run": run,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "platform": f"{platform.system()} {platform.machine()}",
        **facts,
        "node_kind": results.nodes.kind,
        "node_table": results.nodes.table,
        "seed": None if embedding is None else embedding.seed,
        "config_digests": option_digests(config),
        **{f"config.{key}": value for key, value in config.items()},
        **{f"versions.{key}": value for key, value in versions.items()},
        **{f"origin.{key}": value for key, value in results.provenance.items()},
        **notes,
    }
    rows: list[Row] = [row for key, value in options.items() for row in option_rows(key, value)]
    texts = {
        "key": "Dotted name of an option: 'source.' the recording, 'tables.' the tables of this "
        "run, 'config.' options of the analysis, 'versions.' packages that took part, 'origin.' "
        "further facts, 'columns.' how a column of the other tables is stored, 'window_columns.', "
        "'window_values.', 'node_values.' and 'table_columns.' its original name.",
        "value": "Value of the option as text; for a list or tuple the number of its entries, "
        "which follow under '.0', '.1' and so on.",
        "type": "Type of the value: str, int, float, bool, none, list or tuple.",
    }
    return DynamicTable(
        name=table_name(run, "provenance"),
        description=f"Software, options and seed that led to the run '{run}', whose other tables "
        "are named under 'tables.', and how their columns are stored.",
        id=list(range(len(rows))),
        columns=[
            VectorData(name=name, description=text, data=[row[index] for row in rows])
            for index, (name, text) in enumerate(texts.items())
        ],
        colnames=list(texts),
    )
