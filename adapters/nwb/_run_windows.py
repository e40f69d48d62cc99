"""Windows of a run, their summaries and the embedding: columns of one table, and back."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from tavrnn_ephys.adapters.nwb._run_columns import Column, row_chunks
from tavrnn_ephys.adapters.nwb._run_drafts import Draft, RunTables
from tavrnn_ephys.adapters.nwb._run_reader import NwbRun, options_below
from tavrnn_ephys.core.containers import NodeEmbedding, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.run_parts import EMBEDDING_ARRAYS
from tavrnn_ephys.core.runs import Results

__all__ = [
    "list_embedding",
    "read_embedding",
    "read_window_of_embedding",
    "read_window_values",
    "read_windows",
    "write_embedding",
    "write_window_values",
    "write_windows",
]

# Names of the columns of the embedding, by attribute.
_ARRAYS = {item.name: item.window or item.name for item in EMBEDDING_ARRAYS}
_PROPERTY = "Property '{}' of the window."


def write_windows(tables: RunTables) -> None:
    """
    Begin the table of windows.

    Parameters
    ----------
    tables : RunTables
        The tables of the run.

    Raises
    ------
    InputError
        If the windows of several segments do not follow each other on one clock.
    """
    from hdmf.common import VectorData
    from pynwb.epoch import TimeIntervals

    results = tables.results
    windows = results.windows
    if np.any(np.diff(windows.start_s) < 0):
        raise InputError(
            "Windows of several segments must follow each other on the clock of the NWB file, "
            "but these start anew. Write the results of each segment to a file of its own."
        )
    draft = Draft(
        table_class=TimeIntervals,
        text=_windows_text(tables),
        n_rows=len(windows),
        taken={"id", "segment_index", "start_time", "stop_time", *_ARRAYS.values()},
    )
    draft.first = [
        VectorData(
            name="start_time",
            description="Start of the window, in seconds from the start of the session.",
            data=windows.start_s,
        ),
        VectorData(
            name="stop_time",
            description="End of the window, not included, in seconds from the start of the "
            "session.",
            data=windows.stop_s,
        ),
    ]
    if np.any(windows.segment_index):
        text = (
            "Position of the Neo segment, a gap-free stretch of recording, that the window is of."
        )
        values = np.asarray(windows.segment_index)
        draft.columns.append(Column(name="segment_index", text=text, values=values))
    tables.drafts["windows"] = draft
    _add_named(draft, results, "window_columns", windows.columns, "window_column_")


def _add_named(
    draft: Draft, results: Results, what: str, given: Mapping[str, Any], numbered: str
) -> None:
    draft.add_named(what, given, numbered=numbered, texts=results.descriptions, default=_PROPERTY)


def _windows_text(tables: RunTables) -> str:
    text = f"Windows over the activity of {len(tables.results.nodes)} nodes"
    if tables.results.embedding is not None:
        text += (
            " and their embedding by TAVRNN, a temporal attention-enhanced variational graph "
            "recurrent neural network"
        )
    return (
        f"{text}. One row per window, in chronological order; the node axis of each array follows "
        f"the rows of the table '{tables.name('nodes')}'; options stand in "
        f"'{tables.name('provenance')}'."
    )


def write_window_values(tables: RunTables) -> None:
    """Add the summaries to the table of windows."""
    results = tables.results
    draft = tables.drafts["windows"]
    _add_named(draft, results, "window_values", results.window_values, "window_value_")


def write_embedding(tables: RunTables) -> None:
    """Add the arrays of the embedding to the table of windows."""
    embedding = tables.results.embedding
    if embedding is None:
        return
    forms = _array_forms(embedding)
    for name, column in _ARRAYS.items():
        values = getattr(embedding, name)
        if values is not None:
            text, chunks = forms[name]
            tables.drafts["windows"].columns.append(
                Column(name=column, text=text, values=values, chunks=chunks)
            )


def _array_forms(embedding: NodeEmbedding) -> dict[str, tuple[str, tuple[int, ...]]]:
    """Say what each array means, and what of it is read as one."""
    n_windows, n_nodes, size = embedding.mean.shape
    return {
        "mean": (
            "Embedding of each node in the window: mean of the posterior of its latent "
            f"variable, {n_nodes} nodes x {size} dimensions, unitless.",
            (1, n_nodes, size),
        ),
        "std": (
            "Standard deviation of the posterior of each node's latent variable in the window, "
            f"{n_nodes} nodes x {size} dimensions, unitless.",
            (1, n_nodes, size),
        ),
        "attention": (
            f"Weights with which the window attends to each of the {n_windows} windows, "
            "itself and earlier ones; a row sums to 1, later windows have weight 0.",
            row_chunks(n_windows, n_windows),
        ),
        "history": (
            "Embedding of the history node, a vertex added to each graph that carries the "
            f"past of the network: mean of its posterior, {size} dimensions, unitless.",
            row_chunks(n_windows, size),
        ),
    }


def read_windows(run: NwbRun) -> Windows:
    """Read the windows."""
    return Windows(
        start_s=run.stored("windows", "start_time"),
        stop_s=run.stored("windows", "stop_time"),
        segment_index=run.restored("windows", "segment_index"),
        columns=run.named("windows", "window_columns."),
    )


def read_window_values(run: NwbRun) -> dict[str, Any]:
    """Read the summaries of the windows."""
    return run.named("windows", "window_values.")


def read_embedding(run: NwbRun) -> NodeEmbedding | None:
    """Read the embedding."""
    arrays = {name: run.restored("windows", column) for name, column in _ARRAYS.items()}
    if arrays["mean"] is None or arrays["std"] is None:
        return None
    return NodeEmbedding(
        **arrays,
        windows=run.windows,
        nodes=run.nodes,
        config=options_below("config.", run.options),
        versions=options_below("versions.", run.options),
        seed=run.options.get("seed"),
    )


def read_window_of_embedding(run: NwbRun, index: int, known: Mapping[str, Any]) -> dict[str, Any]:
    """Read the embedding of one window."""
    here = slice(index, index + 1)
    names = [item.window for item in EMBEDDING_ARRAYS if item.window]
    found = {name: run.restored("windows", name, here) for name in names}
    return {name: values[0] for name, values in found.items() if values is not None}


def list_embedding(groups: Mapping[str, Any]) -> tuple[str, ...]:
    """Say for a listing whether there is an embedding."""
    there = any(name.startswith("embedding") for name in groups.get("windows", ()))
    return ("embedding",) if there else ()
