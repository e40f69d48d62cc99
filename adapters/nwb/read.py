"""NWB file → Neo block."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.adapters.nwb._files import open_nwb
from tavrnn_ephys.adapters.nwb._read_beside import read_behavior, read_epochs, read_metadata
from tavrnn_ephys.adapters.nwb._read_rois import find_roi_series, read_roi_signals
from tavrnn_ephys.adapters.nwb._read_spikes import has_units, read_spiketrains
from tavrnn_ephys.errors import FileFormatError

if TYPE_CHECKING:
    import neo

__all__ = ["read_block"]


def read_block(path: str | Path, *, series: str | None = None) -> neo.Block:
    """
    Read the nodes of an NWB file and what was recorded beside them.

    Units become spike trains; each ``RoiResponseSeries`` becomes a signal, of which one has
    the role ``"nodes"`` (a ΔF/F series before a fluorescence before deconvolved traces before
    neuropil) and the others ``"traces_alternative"``; position and other numeric series become
    behaviour, intervals become epochs.  Raw voltage and images are not loaded.

    Parameters
    ----------
    path : str or pathlib.Path
        The file, which is opened read-only.
    series : str, optional
        Name of the ROI series to analyse, ``"series"`` or ``"container/series"``.

    Returns
    -------
    neo.Block
        One segment.  Units are named by a unique column ``unit_name``, else by their id; their
        groups come from the units' column ``node_group``, else from the electrodes'
        ``node_group``, else from the electrodes' ``location``; their positions are the mean of
        their electrodes' in µm.  The recording starts and stops with the observation
        intervals; without any it starts at 0 s, or at an earlier spike, and stops just behind
        the last spike or with the last sample or interval of the file.

    Raises
    ------
    FileFormatError
        If the file is damaged, not NWB, inconsistent, or holds neither units nor ROI traces.
    InputError
        If there is no ROI series of that name.

    Warns
    -----
    DataLossWarning
        If behaviour without usable sample times is left out.
    """
    path = Path(path)
    with open_nwb(path) as nwbfile:
        found = find_roi_series(nwbfile)
        if not found and not has_units(nwbfile):
            raise FileFormatError(
                f"'{path.name}' holds neither units nor ROI traces, so there is no network to "
                "analyse. Add a units table or RoiResponseSeries to the file."
            )
        segment = _segment(nwbfile, path.name)
        for signal in [
            *read_roi_signals(found, path.name, series),
            *read_behavior(nwbfile, path.name),
        ]:
            _append_signal(segment, signal)
        segment.epochs.extend(read_epochs(nwbfile))
        if has_units(nwbfile):
            segment.spiketrains.extend(read_spiketrains(nwbfile, path.name, _last_s(segment)))
        return _block(nwbfile, path, segment)


def _segment(nwbfile: Any, file_name: str) -> neo.Segment:
    import neo

    return neo.Segment(
        name=nwbfile.session_id or Path(file_name).stem,
        rec_datetime=nwbfile.session_start_time,
        file_origin=file_name,
    )


def _block(nwbfile: Any, path: Path, segment: neo.Segment) -> neo.Block:
    import neo

    block = neo.Block(
        name=path.stem,
        description=nwbfile.session_description,
        rec_datetime=nwbfile.session_start_time,
        file_origin=path.name,
    )
    block.annotate(**read_metadata(nwbfile))
    block.segments.append(segment)
    return block


def _append_signal(segment: neo.Segment, signal: Any) -> None:
    import neo

    regular = isinstance(signal, neo.AnalogSignal)
    (segment.analogsignals if regular else segment.irregularlysampledsignals).append(signal)


def _last_s(segment: neo.Segment) -> float:
    signals = [*segment.analogsignals, *segment.irregularlysampledsignals]
    stops = [float(signal.t_stop.rescale("s").magnitude) for signal in signals]
    for epoch in segment.epochs:
        stops += (epoch.times + epoch.durations).rescale("s").magnitude.tolist()
    return max((stop for stop in stops if np.isfinite(stop)), default=0.0)
