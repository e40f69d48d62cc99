"""From raw fluorescence to ΔF/F and to the events behind it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.activity.oasis import events_of_trace
from tavrnn_ephys.core.checks import duration_s, some
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.io.blocks import make_signal, node_signals, nodes_of_signal

if TYPE_CHECKING:
    import neo

__all__ = ["compute_dff", "deconvolve"]

# suite2p's and many laboratories' share of the neuropil in a cell's fluorescence.
_NEUROPIL_SHARE = 0.7
_NEUROPIL_NAMES = ("fneu", "neuropil")
_MOST_POINTS_PER_BASELINE = 200


def compute_dff(
    segment: neo.Segment,
    *,
    baseline_window: Any = None,
    percentile: float = 8.0,
    neuropil_share: float = _NEUROPIL_SHARE,
    signal: str | None = None,
) -> neo.AnalogSignal:
    r"""
    Compute ΔF/F with a running baseline, after taking off the neuropil.

    Parameters
    ----------
    segment : neo.Segment
        One regularly sampled signal of raw fluorescence with the role ``"nodes"``; a signal
        named ``Fneu`` or with ``neuropil`` in its name, of the same shape, is its neuropil.
    baseline_window : quantities.Quantity, optional
        Length over which the baseline is taken; 60 s by default, or the recording if it is
        shorter.
    percentile : float
        Which percentile of the fluorescence in the window is the baseline, 0 to 100.
    neuropil_share : float
        How much of the neuropil is taken off, 0 to 1; 0 leaves it.
    signal : str, optional
        Name of the fluorescence, where it has another role.

    Returns
    -------
    neo.AnalogSignal
        ΔF/F, shape (n_samples, n_nodes), dimensionless, named ``"dff"``, with the nodes and
        the role ``"nodes"`` of the fluorescence.

    Raises
    ------
    InputError
        If there is no such signal, samples are not finite, or a baseline is not positive.

    Notes
    -----
    :math:`\Delta F / F = (F_c - F_0) / F_0` with :math:`F_c = F - r (F_{neu} - \langle F_{neu}
    \rangle)`, where :math:`r` is ``neuropil_share``, :math:`\langle\cdot\rangle` the median over
    time, so that the level of the cell stays, and :math:`F_0` the percentile of :math:`F_c` in a
    window around each sample [1]_.

    References
    ----------
    .. [1] Dombeck et al. (2007), Neuron 56, 43-57.

    Examples
    --------
    >>> import quantities as pq
    >>> from tavrnn_ephys.io.blocks import block_from_arrays
    >>> block = block_from_arrays(traces=[[10.0, 10, 10, 15, 10, 10]], sampling_rate=1 * pq.Hz)
    >>> compute_dff(block.segments[0], percentile=50).magnitude.ravel()
    array([0. , 0. , 0. , 0.5, 0. , 0. ])
    """
    if not 0 <= percentile <= 100:
        raise InputError(f"percentile must lie between 0 and 100, got {percentile:g}.")
    if not 0 <= neuropil_share <= 1:
        raise InputError(f"neuropil_share must lie between 0 and 1, got {neuropil_share:g}.")
    source = _fluorescence(segment, signal)
    values = np.asarray(source.magnitude, dtype=np.float64)
    neuropil = _neuropil(segment, source)
    if neuropil is not None and neuropil_share > 0:
        values = values - neuropil_share * (neuropil - np.median(neuropil, axis=0))
    nodes = nodes_of_signal(source)
    bad = ~np.isfinite(values).all(axis=0)
    if bad.any():
        raise InputError(
            f"The fluorescence of {int(bad.sum())} nodes is not finite ({some(nodes.ids[bad])}). "
            "Interpolate or leave out these samples first."
        )
    rate = float(source.sampling_rate.rescale("Hz").magnitude)
    window_s = 60.0 if baseline_window is None else duration_s(baseline_window, "baseline_window")
    baseline = _running_percentile(values, max(1, round(window_s * rate)), percentile)
    low = (baseline <= 0).any(axis=0)
    if low.any():
        raise InputError(
            f"The baseline of {int(low.sum())} nodes is not positive ({some(nodes.ids[low])}), so "
            "ΔF/F has no meaning: these traces are ΔF/F already, or their background is taken "
            "off. Deconvolve them as they are: dff=False."
        )
    return _beside(source, (values - baseline) / baseline, "dff")


def deconvolve(
    segment: neo.Segment,
    *,
    dff: bool = True,
    baseline_window: Any = None,
    percentile: float = 8.0,
    neuropil_share: float = _NEUROPIL_SHARE,
    signal: str | None = None,
) -> neo.Segment:
    """
    Infer the events behind calcium traces.

    Parameters
    ----------
    segment : neo.Segment
        Raw fluorescence as in :func:`compute_dff`, or any traces where ``dff`` is False.
    dff : bool
        Whether ΔF/F is computed first.
    baseline_window, percentile, neuropil_share : object
        As in :func:`compute_dff`.
    signal : str, optional
        Name of the traces, where they have another role.

    Returns
    -------
    neo.Segment
        A new segment of two signals: ``"events"``, the deconvolved activity of at least 0 with
        the role ``"nodes"``, and ``"dff"`` (or the given traces) with the role
        ``"traces_alternative"``.

    Raises
    ------
    InputError
        As in :func:`compute_dff`.

    Notes
    -----
    OASIS with an L1 penalty and a decay of first order [1]_; decay and noise are estimated from
    each trace, as :mod:`tavrnn_ephys.activity.oasis` says.  A trace without variance has no events.

    References
    ----------
    .. [1] Friedrich, Zhou & Paninski (2017), PLoS Computational Biology 13, e1005423.

    Examples
    --------
    >>> import numpy as np
    >>> import quantities as pq
    >>> from tavrnn_ephys.io.blocks import block_from_arrays
    >>> trace = 10 + np.random.default_rng(0).normal(0, 0.2, (1, 400))
    >>> trace[0, 200:] += 20 * np.exp(-np.arange(200) / 10)
    >>> segment = block_from_arrays(traces=trace, sampling_rate=20 * pq.Hz).segments[0]
    >>> events = deconvolve(segment).analogsignals[-1]
    >>> int(np.argmax(events.magnitude[:, 0]))
    200
    """
    import neo

    if dff:
        traces = compute_dff(
            segment,
            baseline_window=baseline_window,
            percentile=percentile,
            neuropil_share=neuropil_share,
            signal=signal,
        )
    else:
        source = _fluorescence(segment, signal)
        traces = _beside(source, np.asarray(source.magnitude, dtype=np.float64), str(source.name))
    values = np.asarray(traces.magnitude)
    nodes = nodes_of_signal(traces)
    bad = ~np.isfinite(values).all(axis=0)
    if bad.any():
        raise InputError(
            f"The traces of {int(bad.sum())} nodes are not finite ({some(nodes.ids[bad])}). "
            "Interpolate or leave out these samples first."
        )
    events = np.zeros_like(values)
    for column in range(values.shape[1]):
        if np.ptp(values[:, column]) > 0:
            events[:, column] = events_of_trace(values[:, column])
    traces.annotations["role"] = "traces_alternative"
    result = neo.Segment(name=segment.name, file_origin=segment.file_origin)
    result.analogsignals.extend([_beside(traces, events, "events"), traces])
    return result


def _fluorescence(segment: neo.Segment, name: str | None) -> Any:
    import neo

    found = node_signals(segment)
    if name is not None:
        found = [item for item in segment.analogsignals if item.name == name]
    if len(found) != 1:
        raise InputError(
            f"One signal of fluorescence is needed, this segment has {len(found)}. "
            "Name it: signal='…', or annotate it with role='nodes'."
        )
    if not isinstance(found[0], neo.AnalogSignal):
        raise InputError(
            f"'{found[0].name}' is not regularly sampled, which baseline and deconvolution need. "
            "Interpolate it to a fixed rate first."
        )
    return found[0]


def _neuropil(segment: neo.Segment, source: Any) -> NDArray[np.float64] | None:
    for item in segment.analogsignals:
        is_neuropil = any(part in str(item.name).lower() for part in _NEUROPIL_NAMES)
        if item is not source and is_neuropil and item.shape == source.shape:
            return np.asarray(item.magnitude, dtype=np.float64)
    return None


def _running_percentile(
    values: NDArray[np.float64], length: int, percentile: float
) -> NDArray[np.float64]:
    """Take the percentile around some points along time, and interpolate between them."""
    n_samples = len(values)
    if length >= n_samples:
        return np.broadcast_to(np.percentile(values, percentile, axis=0), values.shape)
    # A baseline does not change within a tenth of its window.
    step = max(1, length // 10)
    centres = np.unique(np.append(np.arange(0, n_samples, step), n_samples - 1))
    starts = np.clip(centres - length // 2, 0, n_samples - length)
    thinning = max(1, length // _MOST_POINTS_PER_BASELINE)
    levels = np.array(
        [
            np.percentile(values[start : start + length : thinning], percentile, axis=0)
            for start in starts
        ]
    )
    return np.column_stack([np.interp(np.arange(n_samples), centres, level) for level in levels.T])


def _beside(source: Any, values: NDArray[np.float64], name: str) -> neo.AnalogSignal:
    result = make_signal(
        values,
        name=name,
        role="nodes",
        t_start_s=float(source.t_start.rescale("s").magnitude),
        sampling_rate_hz=float(source.sampling_rate.rescale("Hz").magnitude),
        nodes=nodes_of_signal(source),
    )
    further = {
        key: value for key, value in source.array_annotations.items()
        if key not in result.array_annotations
    }  # fmt: skip
    result.array_annotate(**further)
    return result
