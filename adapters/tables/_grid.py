"""Positions of numbered channels on an array of rows and columns."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import InputError


def positions_um(
    names: NDArray[np.str_], grid: tuple[int, int, float] | None, order: str, file_name: str
) -> NDArray[np.float64] | None:
    """Place numbered channels on a grid; None where there is no grid."""
    if grid is None:
        return None
    n_rows, n_columns, pitch_um = grid
    if not all(name.isdigit() for name in names):
        raise InputError(f"grid needs channels that are numbered, got {some(names)}.")
    numbers = names.astype(np.int64)
    numbers -= int(numbers.min() > 0 and numbers.max() == n_rows * n_columns)
    if numbers.max() >= n_rows * n_columns:
        raise InputError(
            f"'{file_name}' names channel {numbers.max()}; grid={n_rows}x{n_columns} has "
            f"{n_rows * n_columns} places. Give the rows and columns of the array."
        )
    slow, fast = np.divmod(numbers, n_columns if order == "rows" else n_rows)
    columns, rows = (fast, slow) if order == "rows" else (slow, fast)
    return np.asarray(np.column_stack([columns, rows]) * pitch_um, dtype=np.float64)


def grid_um(grid: str | None, pitch: Any) -> tuple[int, int, float] | None:
    """Read rows, columns and distance of a grid, such as 8x8 and 200 um."""
    if grid is None and pitch is None:
        return None
    match = re.fullmatch(r"([1-9]\d{0,4})\s*[x×]\s*([1-9]\d{0,4})", str(grid))
    try:
        pitch_um = float(pitch.rescale("um").magnitude)
    except (AttributeError, ValueError, TypeError):
        pitch_um = float("nan")
    if match is None or not 0 < pitch_um < float("inf"):
        raise InputError(
            "Positions need both the array and the distance of its electrodes: grid=8x8 and "
            f"electrode_pitch=200um, got grid={grid} and electrode_pitch={pitch}."
        )
    return int(match[1]), int(match[2]), pitch_um
