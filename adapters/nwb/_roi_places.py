"""Where the ROIs of an NWB file lie, in micrometres."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._names import quantities_unit

__all__ = ["roi_positions"]


def roi_positions(table: Any, rows: NDArray[np.int64]) -> NDArray[np.float64] | None:
    """
    Take positions that stand in the table, else centroids of masks whose pixel size is known.

    Parameters
    ----------
    table : pynwb.ophys.PlaneSegmentation
        Table of ROIs.
    rows : numpy.ndarray of int, shape (n_rois,)
        Rows of the table.

    Returns
    -------
    numpy.ndarray or None
        Micrometres, shape (n_rois, 2 or 3); None where they are unknown.
    """
    if "position_um" in table.colnames:
        return np.asarray(table["position_um"].data[:], dtype=np.float64)[rows]
    pixel_um = _pixel_size_um(getattr(table, "imaging_plane", None))
    if pixel_um is None:
        return None
    if "pixel_mask" in table.colnames:
        centroids = [_pixel_centroid(table["pixel_mask"][int(row)]) for row in rows]
    elif "voxel_mask" in table.colnames:
        centroids = [_voxel_centroid(table["voxel_mask"][int(row)]) for row in rows]
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


def _voxel_centroid(mask: Any) -> tuple[float, float]:
    # The third coordinate counts planes, whose distance a pixel size does not tell.
    voxels = np.array([tuple(voxel)[:4] for voxel in mask], dtype=np.float64).reshape(-1, 4)
    return _weighted_mean(voxels[:, 0], voxels[:, 1], voxels[:, 3])


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
