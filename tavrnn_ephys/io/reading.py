"""Recordings in, recordings out, whatever their format."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from tavrnn_ephys.core.addresses import place_of
from tavrnn_ephys.core.expressions import parse_expression
from tavrnn_ephys.io.finding import find_adapter, with_ability
from tavrnn_ephys.io.protocols import BlockWriter
from tavrnn_ephys.io.selection import select_nodes

if TYPE_CHECKING:
    import neo

__all__ = ["read", "read_mat", "write_nwb"]

# Options that every adapter has which does not detect spikes itself.
_DETECTION = ("detect", "detect_signal")


def read(
    path: str | Path | BinaryIO,
    *,
    adapter: str | None = None,
    nodes: str | Sequence[str] | None = None,
    **options: Any,
) -> neo.Block:
    """
    Read a recording into a Neo block.

    Parameters
    ----------
    path : str, pathlib.Path or binary file object
        The file, of any format that an installed adapter reads; or the address of an NWB file,
        ``https://…``, of which only the parts that are needed are loaded; or an NWB file that is
        open for reading in binary, which stays open.
    adapter : str, optional
        Name of the adapter; found by content, then by ending, if left out.
    nodes : str or sequence of str, optional
        Which nodes are kept: a condition on their table, such as
        ``"quality == 'good' and region == 'CA1'"``, or ids.
        :func:`tavrnn_ephys.io.selection.node_table` shows its columns.
    **options : object
        Options of the adapter.  Of every format that holds raw voltage alone, ``detect`` has its
        spikes detected by :func:`tavrnn_ephys.detect_spikes`: True, or a threshold in standard
        deviations of the noise; ``detect_signal`` names the signal where there are several.

    Returns
    -------
    neo.Block
        The recording, following the conventions of :mod:`tavrnn_ephys.io.blocks`.

    Raises
    ------
    FileFormatError
        If the file is missing, damaged or of an unknown format.
    InputError
        If a condition or an option cannot be read or is unknown, no node meets the condition, or
        spikes are to be detected where there are some already.

    Examples
    --------
    >>> import tempfile
    >>> from pathlib import Path
    >>> import numpy as np
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = Path(folder) / "traces.csv"
    ...     np.savetxt(path, [[0, 0.5, 1, 1.5], [10, 11, 10, 12], [20, 20, 21, 20]], delimiter=",")
    ...     block = read(path, adapter="calcium_csv")
    >>> block.segments[0].analogsignals[0].shape
    (4, 2)
    """
    if isinstance(nodes, str):
        parse_expression(nodes)
    place = place_of(path)
    found = find_adapter(place, adapter)
    own = inspect.signature(found.read).parameters
    asked = {name: options.pop(name) for name in _DETECTION if name in options and name not in own}
    # An adapter that reads addresses takes one where others take a path.
    block = found.read(cast(Path, place), **options)
    if asked:
        from tavrnn_ephys.io.detection import detect_on_reading

        detect_on_reading(block, **{"detect": True, **asked})
    return block if nodes is None else select_nodes(block, nodes)


def read_mat(
    path: str | Path,
    *,
    counts: str | None = None,
    spike_times: str | None = None,
    traces: str | None = None,
    node_axis: int | None = None,
    samples: tuple[int, int] | None = None,
    behavior: Mapping[str, str] | None = None,
    positions: str | None = None,
    groups: str | None = None,
    node_ids: str | None = None,
    bin_size: Any = None,
    sampling_rate: Any = None,
    t_start: Any = None,
    t_stop: Any = None,
    node_kind: str | None = None,
    behavior_rate: Any = None,
) -> neo.Block:
    """
    Read a recording from variables of a MATLAB file.

    A variable is written as MATLAB nests it, cells counted from 0: ``"Ytr"``,
    ``"session.events"``, ``"spikes[0][2].time"``; ``[*]`` stands for every cell.

    Parameters
    ----------
    path : str or pathlib.Path
        The file, of MATLAB 5 to 7.3.
    counts : str, optional
        Variable with a matrix of spike counts.
    spike_times : str, optional
        Variable with a cell of spike times in seconds per unit, or a path with ``[*]``; empty
        cells are no units.
    traces : str, optional
        Variable with a matrix of traces.
    node_axis : {0, 1}, optional
        Which axis of ``counts`` or ``traces`` counts the nodes; needed with them.
    samples : tuple of int, optional
        First sample and one past the last, of ``counts`` or ``traces``; all by default.
    behavior : mapping of str to str, optional
        Variables beside the activity, shape (n_samples,) or (n_samples, n_columns), by the name
        that they get; ``"other.mat:variable"`` takes one from a file in the same folder.
    positions : str, optional
        Variable of shape (n_nodes, 2 or 3) and, after a blank, its unit: ``"xy um"``.
    groups, node_ids : str, optional
        Variables with a text per node.
    bin_size, sampling_rate, t_start, t_stop : quantities.Quantity, optional
        As in :func:`block_from_arrays`.
    node_kind : {"unit", "channel", "roi"}, optional
        As in :func:`block_from_arrays`.
    behavior_rate : quantities.Quantity, optional
        As in :func:`block_from_arrays`.

    Returns
    -------
    neo.Block
        One segment.

    Raises
    ------
    FileFormatError
        If the file is no intact MATLAB file.
    InputError
        If a variable is missing or of the wrong kind.

    Examples
    --------
    >>> import tempfile
    >>> import numpy as np
    >>> import quantities as pq
    >>> import scipy.io
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     scipy.io.savemat(f"{folder}/session.mat", {"counts": np.ones((10, 3))})
    ...     block = read_mat(
    ...         f"{folder}/session.mat", counts="counts", node_axis=1, bin_size=100 * pq.ms
    ...     )
    >>> [len(train) for train in block.segments[0].spiketrains]
    [10, 10, 10]
    """
    given = {
        "counts": counts, "spike_times": spike_times, "traces": traces, "node_axis": node_axis,
        "samples": samples, "behavior": behavior, "positions": positions, "groups": groups,
        "node_ids": node_ids,
        "bin_size": bin_size, "sampling_rate": sampling_rate, "t_start": t_start,
        "t_stop": t_stop, "node_kind": node_kind, "behavior_rate": behavior_rate,
    }  # fmt: skip
    return read(
        path, adapter="mat", **{key: value for key, value in given.items() if value is not None}
    )


def write_nwb(block: neo.Block, path: str | Path, *, overwrite: bool = False) -> Path:
    """
    Write a block to a new NWB file.

    Parameters
    ----------
    block : neo.Block
        The recording.
    path : str or pathlib.Path
        The new file.
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    OutputError
        If the file exists or cannot be written.

    Examples
    --------
    >>> import datetime, tempfile
    >>> import quantities as pq
    >>> from tavrnn_ephys.io.blocks import block_from_arrays
    >>> block = block_from_arrays(spike_times=[[0.1, 0.5], [0.2]], t_stop=1 * pq.s)
    >>> block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     again = read(write_nwb(block, f"{folder}/culture.nwb"))
    >>> [train.rescale("s").magnitude.tolist() for train in again.segments[0].spiketrains]
    [[0.1, 0.5], [0.2]]
    """
    writer = with_ability(BlockWriter, "nwb")
    return writer.write_block(block, Path(path), overwrite=overwrite)
