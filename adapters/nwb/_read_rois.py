"""ROI response series of an NWB file as one signal per series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._names import (
    CHOSEN_COMMENT,
    ROI_NAME,
    known_text,
    quantities_unit,
)
from tavrnn_ephys.adapters.nwb._series import (
    Limits,
    cut,
    neo_signal,
    series_clock,
    series_samples,
    walk_series,
)
from tavrnn_ephys.adapters.nwb._tables import plain_column, scalar_columns
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import FileFormatError, InputError

__all__ = ["RoiSeries", "find_roi_series", "read_roi_signals"]

# Parts of names that tell a by-product of the traces from the traces.
_BY_PRODUCTS = (("deconv", 3), ("denois", 3), ("neuropil", 4), ("background", 4), ("baseline", 4))

# What becomes of these columns is decided by name; the others turn into array annotations.
_KNOWN_COLUMNS = (ROI_NAME, "node_kind", "node_group", "image_mask", "pixel_mask", "voxel_mask")


@dataclass(frozen=True, kw_only=True)
class RoiSeries:
    """
    An ROI response series and where it stands.

    Parameters
    ----------
    container : str
        Name of what holds the series.
    series : pynwb.ophys.RoiResponseSeries
        The series.
    """

    container: str
    series: Any

    @property
    def rank(self) -> int:
        """Place in the order of preference: ΔF/F, fluorescence, others, deconvolved, neuropil."""
        from pynwb.ophys import DfOverF

        if self.series.comments == CHOSEN_COMMENT:
            return -1
        name = self.series.name.lower()
        for part, rank in _BY_PRODUCTS:
            if part in name:
                return rank
        if isinstance(self.series.parent, DfOverF):
            return 0
        return 1 if name in ("fluorescence", "roiresponseseries") else 2


def find_roi_series(nwbfile: Any) -> list[RoiSeries]:
    """
    List the ROI response series of a file.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        An open file.

    Returns
    -------
    list of RoiSeries
        In the order of preference, equals in the order of the file.
    """
    from pynwb.ophys import RoiResponseSeries

    found = [
        RoiSeries(container=container, series=series)
        for container, series in walk_series(nwbfile)
        if isinstance(series, RoiResponseSeries)
    ]
    return sorted(found, key=lambda item: item.rank)


def read_roi_signals(
    found: list[RoiSeries], file_name: str, chosen: str | None, limits: Limits = (None, None)
) -> list[Any]:
    """
    Load ROI traces; one series has the role ``"nodes"``, the others are alternatives.

    Parameters
    ----------
    found : list of RoiSeries
        Series in the order of preference.
    file_name : str
        Name of the file, for messages.
    chosen : str, optional
        Name of the series to analyse, ``"series"`` or ``"container/series"``; the preferred
        one by default.
    limits : tuple of float or None
        Start and stop in seconds of the part to load.

    Returns
    -------
    list of neo.AnalogSignal or neo.IrregularlySampledSignal
        The chosen series first.

    Raises
    ------
    FileFormatError
        If a series is badly oriented or has no usable times.
    InputError
        If there is no series of the chosen name.
    """
    if chosen is not None:
        matching = [
            item for item in found
            if chosen in (item.series.name, f"{item.container}/{item.series.name}")
        ]  # fmt: skip
        if not matching:
            raise InputError(
                f"'{file_name}' has no ROI series '{chosen}'. "
                f"It has: {some(item.series.name for item in found)}."
            )
        found = [matching[0], *(item for item in found if item is not matching[0])]
    names = [item.series.name for item in found]
    return [
        _roi_signal(
            item,
            file_name,
            name=name if names.count(name) == 1 else f"{item.container}_{name}",
            role="nodes" if index == 0 else "traces_alternative",
            limits=limits,
        )
        for index, (item, name) in enumerate(zip(found, names, strict=True))
    ]


def _roi_signal(item: RoiSeries, file_name: str, *, name: str, role: str, limits: Limits) -> Any:
    series = item.series
    rows = np.asarray(series.rois.data[:], dtype=np.int64)
    shape = series.data.shape if len(series.data.shape) > 1 else (*series.data.shape, 1)
    if len(shape) != 2 or shape[1] != len(rows):
        transposed = len(shape) == 2 and shape[0] == len(rows)
        raise FileFormatError(
            f"ROI series '{series.name}' of '{file_name}' has shape {tuple(series.data.shape)} "
            f"for {len(rows)} ROIs; (n_samples, n_rois) is needed. "
            + ("Transpose its data in the file." if transposed else "Write the file again.")
        )
    clock, part = cut(series_clock(series, file_name), shape[0], limits)
    nodes = _roi_nodes(series.rois.table, rows, file_name)
    samples = series_samples(series, part).reshape(-1, shape[1])
    if len(samples) == 0:
        raise InputError(
            f"ROI series '{series.name}' of '{file_name}' has no sample between t_start and "
            "t_stop. Choose limits within the recording."
        )
    signal = neo_signal(
        series, clock, samples, name=name, container=item.container, role=role, nodes=nodes
    )
    further = scalar_columns(series.rois.table, without=_KNOWN_COLUMNS)
    signal.array_annotate(
        **{key: values[rows] for key, values in further.items()
           if key not in signal.array_annotations}
    )  # fmt: skip
    return signal


def _roi_nodes(table: Any, rows: NDArray[np.int64], file_name: str) -> Nodes:
    if np.any((rows < 0) | (rows >= len(table.id))):
        raise FileFormatError(
            f"ROI traces of '{file_name}' point to rows that '{table.name}' with its "
            f"{len(table.id)} ROIs does not have. Write the file again."
        )
    return Nodes(
        ids=_roi_ids(table)[rows],
        kind="roi",
        groups=_roi_groups(table)[rows],
        positions_um=_roi_positions(table, rows),
        rows=rows,
        table=table.name,
    )


def _roi_ids(table: Any) -> NDArray[np.str_]:
    names = plain_column(table[ROI_NAME]) if ROI_NAME in table.colnames else None
    if names is not None and len(np.unique(names)) == len(names):
        return names
    return np.array([str(identity) for identity in table.id[:]])


def _roi_groups(table: Any) -> NDArray[np.str_]:
    groups = plain_column(table["node_group"]) if "node_group" in table.colnames else None
    if groups is not None:
        return np.array([known_text(value) for value in groups])
    plane = getattr(table, "imaging_plane", None)
    return np.array([known_text(getattr(plane, "location", ""))] * len(table.id))


def _roi_positions(table: Any, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """Positions that stand in the table, else centroids of masks whose pixel size is known."""
    if "position_um" in table.colnames:
        return np.asarray(table["position_um"].data[:], dtype=np.float64)[rows]
    pixel_um = _pixel_size_um(getattr(table, "imaging_plane", None))
    if pixel_um is None:
        return None
    if "pixel_mask" in table.colnames:
        centroids = [_pixel_centroid(table["pixel_mask"][int(row)]) for row in rows]
    elif "image_mask" in table.colnames:
        centroids = [
            _image_centroid(np.asarray(table["image_mask"].data[int(row)])) for row in rows
        ]
    else:
        return None
    positions = np.array(centroids) * pixel_um
    return None if np.isnan(positions).all() else positions


def _pixel_size_um(plane: Any) -> NDArray[np.float64] | None:
    import quantities as pq

    spacing = getattr(plane, "grid_spacing", None)
    unit = quantities_unit(str(getattr(plane, "grid_spacing_unit", "") or ""))
    if spacing is None or unit is None:
        return None
    try:
        scale = float(pq.Quantity(1.0, unit).rescale("um").magnitude)
    except ValueError:
        return None
    size = np.asarray(spacing[:], dtype=np.float64)[:2] * scale
    return size if len(size) == 2 and np.all(size > 0) else None


def _pixel_centroid(mask: Any) -> tuple[float, float]:
    pixels = np.array([tuple(pixel)[:3] for pixel in mask], dtype=np.float64).reshape(-1, 3)
    return _weighted_mean(pixels[:, 0], pixels[:, 1], pixels[:, 2])


def _image_centroid(mask: NDArray[Any]) -> tuple[float, float]:
    # The first axis of a mask is x in NWB.
    x, y = np.nonzero(mask)
    return _weighted_mean(x, y, np.asarray(mask[x, y], dtype=np.float64))


def _weighted_mean(
    x: NDArray[Any], y: NDArray[Any], weights: NDArray[np.float64]
) -> tuple[float, float]:
    total = weights.sum()
    if not total > 0:
        return float("nan"), float("nan")
    return float((x * weights).sum() / total), float((y * weights).sum() / total)
