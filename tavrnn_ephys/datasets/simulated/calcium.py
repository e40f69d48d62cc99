"""What a calcium camera sees of spike trains."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.core.checks import duration_s, positive_number, whole_number
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.io.blocks import make_signal, nodes_of_spiketrains

if TYPE_CHECKING:
    import neo

__all__ = ["calcium_traces"]


def calcium_traces(
    block: neo.Block,
    *,
    frame_rate_hz: float = 50.0,
    decay: Any = None,
    noise: float = 0.3,
    seed: int = 0,
) -> neo.Block:
    """
    Replace spike trains by fluorescence: every spike adds 1 and decays exponentially.

    Parameters
    ----------
    block : neo.Block
        A recording with spike trains in one segment.
    frame_rate_hz : float
        Frames per second.
    decay : quantities.Quantity, optional
        Time constant of the indicator; 150 ms by default.
    noise : float
        Standard deviation of the white noise of a frame, in units of a spike's peak.
    seed : int
        Seed of the noise.

    Returns
    -------
    neo.Block
        The same behaviour signals and epochs, with one signal ΔF/F of ROIs in place of the
        spike trains.

    Raises
    ------
    InputError
        If there are no spike trains, or a number is out of its range.

    Examples
    --------
    >>> import quantities as pq
    >>> from tavrnn_ephys.io.blocks import block_from_arrays
    >>> block = block_from_arrays(spike_times=[[0.1], [0.2]], t_stop=1 * pq.s)
    >>> seen = calcium_traces(block, frame_rate_hz=10, decay=0.2 * pq.s, noise=0)
    >>> seen.segments[0].analogsignals[0].magnitude[:4, 0].round(2)
    array([0.  , 1.  , 0.61, 0.37])
    """
    import neo
    import quantities as pq

    trains = list(block.segments[0].spiketrains)
    if not trains:
        raise InputError("This block has no spike trains that a camera could see.")
    rate = positive_number(frame_rate_hz, "frame_rate_hz")
    decay_s = duration_s(decay if decay is not None else 150 * pq.ms, "decay")
    positive_number(noise, "noise", or_zero=True)
    rng = np.random.default_rng(whole_number(seed, "seed"))
    start_s, stop_s = (
        float(getattr(trains[0], name).rescale("s")) for name in ("t_start", "t_stop")
    )
    n_frames = int(np.floor((stop_s - start_s) * rate + 1e-6))
    traces = np.zeros((n_frames, len(trains)))
    for column, train in zip(traces.T, trains, strict=True):
        times_s = np.asarray(train.rescale("s").magnitude) - start_s
        # A frame shows what happened before it; what a spike lost until then is lost.
        frame = np.ceil(times_s * rate - 1e-9).astype(np.int64)
        here = frame < n_frames
        late_s = frame[here] / rate - times_s[here]
        np.add.at(column, frame[here], np.exp(-late_s / decay_s))
    kept = np.exp(-1.0 / (rate * decay_s))
    for index in range(1, n_frames):
        traces[index] += kept * traces[index - 1]
    traces += rng.normal(0.0, noise, traces.shape)
    nodes = nodes_of_spiketrains(trains)
    signal = make_signal(
        traces,
        name="dff",
        role="nodes",
        t_start_s=start_s,
        sampling_rate_hz=rate,
        description="Simulated ΔF/F.",
        nodes=Nodes(
            ids=nodes.ids, kind="roi", groups=nodes.groups, positions_um=nodes.positions_um
        ),
    )
    segment = neo.Segment(name=block.segments[0].name)
    segment.analogsignals.extend([signal, *block.segments[0].analogsignals])
    segment.epochs.extend(block.segments[0].epochs)
    seen = neo.Block(
        name=block.name,
        rec_datetime=block.rec_datetime,
        description=block.description,
        **block.annotations,
    )
    seen.segments.append(segment)
    return seen
