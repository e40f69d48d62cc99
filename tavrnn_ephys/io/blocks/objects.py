"""Spike trains and signals that say which node or behaviour they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import Nodes

if TYPE_CHECKING:
    import neo

__all__ = ["make_signal", "make_spiketrain"]

AXES = ("x", "y", "z")


def make_spiketrain(
    times_s: NDArray[np.float64],
    nodes: Nodes,
    index: int,
    *,
    t_start_s: float,
    t_stop_s: float,
    **annotations: Any,
) -> neo.SpikeTrain:
    """
    Build the spike train of one node.

    Parameters
    ----------
    times_s : numpy.ndarray, shape (n_spikes,)
        Ascending spike times in seconds within ``[t_start_s, t_stop_s]``.
    nodes : Nodes
        All nodes of the recording.
    index : int
        Which of them.
    t_start_s, t_stop_s : float
        Limits of the recording in seconds.
    **annotations : object
        Further annotations.

    Returns
    -------
    neo.SpikeTrain
        The train, named and annotated after its node.
    """
    import neo
    import quantities as pq

    about: dict[str, Any] = {
        "node_id": str(nodes.ids[index]),
        "node_kind": nodes.kind,
        "node_group": str(nodes.groups[index]),
        "node_row": int(nodes.rows[index]),
        "node_table": nodes.table,
    }
    if nodes.positions_um is not None:
        for axis, value in zip(AXES, nodes.positions_um[index], strict=False):
            about[axis] = float(value) * pq.um
    return neo.SpikeTrain(
        times_s,
        units="s",
        t_start=t_start_s,
        t_stop=t_stop_s,
        name=str(nodes.ids[index]),
        **{**about, **annotations},
    )


def make_signal(
    values: NDArray[Any],
    *,
    name: str,
    role: str,
    t_start_s: float = 0.0,
    sampling_rate_hz: float | None = None,
    times_s: NDArray[np.float64] | None = None,
    units: str = "dimensionless",
    columns: Sequence[str] = (),
    nodes: Nodes | None = None,
    **annotations: Any,
) -> neo.AnalogSignal | neo.IrregularlySampledSignal:
    """
    Build a signal that follows the conventions of this module.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_samples,) or (n_samples, n_channels)
        The samples.
    name : str
        Name of the signal.
    role : {"nodes", "behavior", "raw"}
        What the signal stands for.
    t_start_s : float
        Time of the first sample in seconds, for regular sampling.
    sampling_rate_hz : float, optional
        Sampling rate; without it, ``times_s`` gives every sample's time.
    times_s : numpy.ndarray, shape (n_samples,), optional
        Ascending sample times in seconds.
    units : str
        Unit as ``quantities`` knows it.
    columns : sequence of str
        Name of each channel.
    nodes : Nodes, optional
        The nodes that the channels record.
    **annotations : object
        Further annotations.

    Returns
    -------
    neo.AnalogSignal or neo.IrregularlySampledSignal
        The signal.
    """
    import neo
    import quantities as pq

    samples = np.asarray(values)
    # Sums of half precision overflow beyond 65504.
    samples = samples.astype(np.float32) if samples.dtype == np.float16 else samples
    samples = samples[:, np.newaxis] if samples.ndim == 1 else samples
    arrays: dict[str, Any] = {"column": np.asarray(columns, dtype=str)} if len(columns) else {}
    if nodes is not None:
        arrays |= {"node_id": nodes.ids, "node_group": nodes.groups, "node_row": nodes.rows}
        annotations |= {"node_kind": nodes.kind, "node_table": nodes.table}
        if nodes.positions_um is not None:
            for axis, position in zip(AXES, nodes.positions_um.T, strict=False):
                arrays[axis] = position * pq.um
    about = {"name": name, "array_annotations": arrays, "role": role, **annotations}
    if sampling_rate_hz is not None:
        return neo.AnalogSignal(
            samples,
            units=units,
            sampling_rate=sampling_rate_hz * pq.Hz,
            t_start=t_start_s * pq.s,
            **about,
        )
    return neo.IrregularlySampledSignal(times_s, samples, units=units, time_units="s", **about)
