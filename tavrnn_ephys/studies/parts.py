"""Each region apart: one analysis for each value of a column of the table of nodes."""

from __future__ import annotations

import dataclasses
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.core.addresses import Address
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.spec import RecordingSpec, SelectionSpec
from tavrnn_ephys.io.blocks import choose_segment
from tavrnn_ephys.io.finding import find_adapter
from tavrnn_ephys.io.selection import keep_nodes, node_table, nodes_that_meet
from tavrnn_ephys.studies.analysis import AnalysisResult, analyze
from tavrnn_ephys.studies.analysis_config import AnalysisConfig
from tavrnn_ephys.studies.recording import read_segment

if TYPE_CHECKING:
    import neo

__all__ = ["analyze_each", "node_parts", "parts_of_file"]

_LEAST_NODES = 2


def analyze_each(
    block: neo.Block, config: AnalysisConfig, *, by: str = "region", verbose: bool = False
) -> dict[str, AnalysisResult]:
    """
    Analyse the nodes of each region apart.

    Parameters
    ----------
    block : neo.Block
        The recording.
    config : AnalysisConfig
        How; its selection holds in every part.
    by : str
        Column of the table of nodes whose values part them, such as ``"region"`` or ``"shank"``.
    verbose : bool
        Whether a progress bar is shown on a terminal.

    Returns
    -------
    dict of str to AnalysisResult
        One analysis for each value of the column, by its text.

    Raises
    ------
    InputError
        If there is no such column, or no value has two nodes.

    Warns
    -----
    DataLossWarning
        If values of fewer than two nodes are left out.

    Examples
    --------
    >>> import warnings
    >>> import quantities as pq
    >>> import tavrnn_ephys as te
    >>> block = te.simulate_culture(n_nodes=20, duration=20 * pq.s, mean_rate_hz=20.0, seed=1)
    >>> config = te.AnalysisConfig(
    ...     bin_size_s=0.05, window_length_s=4.0, step_s=2.0, training_epochs=1, min_spikes=None
    ... )
    >>> with warnings.catch_warnings(action="ignore"):  # of parts this small
    ...     found = te.analyze_each(block, config)
    >>> sorted(found)
    ['L_down', 'L_up', 'R_down', 'R_up', 'sensory']
    """
    segment = block.segments[choose_segment(block, config.segment_index)]
    return {
        name: analyze(block, dataclasses.replace(config, selection=selection), verbose=verbose)
        for name, selection in node_parts(segment, by, config.selection).items()
    }


def node_parts(segment: neo.Segment, by: str, selection: SelectionSpec) -> dict[str, SelectionSpec]:
    """
    Part the nodes of a selection by the values of a column.

    Parameters
    ----------
    segment : neo.Segment
        The segment.
    by : str
        Column of :func:`tavrnn_ephys.node_table`.
    selection : SelectionSpec
        Nodes and time that are meant in every part.

    Returns
    -------
    dict of str to SelectionSpec
        The selection of each part, by the text of its value, in order of the values.

    Raises
    ------
    InputError
        If there is no such column, or no value has two nodes.

    Warns
    -----
    DataLossWarning
        If values of fewer than two nodes are left out.
    """
    for condition in (selection.nodes, selection.node_ids):
        if condition:
            segment = keep_nodes(segment, nodes_that_meet(segment, condition))
    table = node_table(segment)
    if by not in table:
        raise InputError(
            f"The table of nodes has no column '{by}'; it has {some(map(str, table.columns), 12)}."
        )
    values = [value for value in table[by].tolist() if _is_known(value)]
    counts = {value: values.count(value) for value in sorted(set(values), key=_in_order)}
    small = [f"'{value}' ({n})" for value, n in counts.items() if n < _LEAST_NODES]
    if len(small) == len(counts):
        raise InputError(
            f"No value of '{by}' has {_LEAST_NODES} nodes, of which a network could be made: "
            f"{', '.join(small[:12]) or 'the column is empty'}."
        )
    if small:
        warnings.warn(
            f"Values of '{by}' with fewer than {_LEAST_NODES} nodes are left out: "
            f"{', '.join(small)}.",
            DataLossWarning,
            stacklevel=3,
        )
    return {
        str(value): dataclasses.replace(selection, nodes=_condition(selection.nodes, by, value))
        for value, n in counts.items()
        if n >= _LEAST_NODES
    }


def parts_of_file(
    source: Path | Address, spec: RecordingSpec, by: str, selection: SelectionSpec
) -> tuple[dict[str, SelectionSpec], str]:
    """
    Part the nodes of a recording in a file by the values of a column.

    Parameters
    ----------
    source : pathlib.Path or Address
        The recording.
    spec : RecordingSpec
        How it is read.
    by : str
        Column of :func:`tavrnn_ephys.node_table`.
    selection : SelectionSpec
        Nodes and time that are meant in every part.

    Returns
    -------
    parts : dict of str to SelectionSpec
        As of :func:`node_parts`.
    adapter : str
        Adapter that reads the file.

    Raises
    ------
    FileFormatError
        If the file cannot be read.
    InputError
        As :func:`node_parts` does.
    """
    adapter = find_adapter(source, spec.adapter).name
    block, _ = read_segment(source, dataclasses.replace(spec, adapter=adapter))
    return node_parts(block.segments[0], by, selection), adapter


def _is_known(value: Any) -> bool:
    if isinstance(value, str):
        return bool(value)
    return value is not None and bool(np.isfinite(value))


def _in_order(value: Any) -> tuple[bool, Any]:
    """Put numbers before texts, which cannot be compared with them."""
    return isinstance(value, str), value


def _condition(nodes: str | None, by: str, value: Any) -> str:
    column = by if by.isidentifier() else f"`{by}`"
    own = f"{column} == {value!r}"
    return own if nodes is None else f"({nodes}) and {own}"
