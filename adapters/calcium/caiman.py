"""CaImAn's results, the HDF5 file that ``cnm.save`` writes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._hdf5 import has_items, open_hdf5
from tavrnn_ephys.adapters.calcium._rois import (
    accepted_rois,
    check_options,
    pixel_size_um,
    roi_block,
)
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import FileFormatError
from tavrnn_ephys.io.blocks import rate_hz
from tavrnn_ephys.io.quality import asked_quality

if TYPE_CHECKING:
    import h5py
    import neo

__all__ = ["CaimanAdapter"]

_OPTIONS = ("sampling_rate", "series", "quality", "pixel_size")
# The former name of an option.
_FORMER = ("cells",)
# In the order of preference: ΔF/F, denoised traces, deconvolved activity, residuals.
_TRACES = ("F_dff", "C", "S", "YrA")


class CaimanAdapter:
    """
    Traces and ROIs of CaImAn.

    Examples
    --------
    >>> CaimanAdapter().suffixes
    ('.hdf5', '.h5')
    """

    name = "caiman"
    description = "CaImAn results (HDF5): ΔF/F, denoised and deconvolved traces, centres of ROIs"
    suffixes: tuple[str, ...] = (".hdf5", ".h5")
    reads_folders = True
    choices: Mapping[str, str] = MappingProxyType({
        "series": "The first that is there of F_dff, C, S, YrA.",
        "quality": "Components that CaImAn judged and did not accept are left out.",
    })  # fmt: skip

    def recognises(self, path: Path) -> bool:
        """
        Say whether a file holds CaImAn's estimates.

        Parameters
        ----------
        path : pathlib.Path
            An existing file, or a folder.

        Returns
        -------
        bool
            True for an HDF5 file with ``/estimates/A`` and ``/estimates/C``, and for a folder
            that holds such files and no other recording of CaImAn.
        """
        try:
            return len(_results_in(path)) > 0 if path.is_dir() else _is_results(path)
        except OSError:
            return False

    def read(self, path: Path, **options: Any) -> neo.Block:
        """
        Read the traces of the components that CaImAn accepted.

        Parameters
        ----------
        path : pathlib.Path
            The file, which is opened read-only, or a folder that holds it alone.
        **options : object
            ``series``: ``"F_dff"``, ``"C"``, ``"S"`` or ``"YrA"``, by default the first that is
            there; ``sampling_rate``: a quantity, by default CaImAn's parameter ``fr``;
            ``quality``: ``"accepted"`` (the default, where components were judged) or ``"all"``;
            ``pixel_size``: a quantity that turns pixels into micrometres.

        Returns
        -------
        neo.Block
            One segment; ROIs are named by their row, their centres of mass stand in the array
            annotations ``pixel_x`` and ``pixel_y``.

        Raises
        ------
        FileFormatError
            If the file is damaged, no file of CaImAn, or inconsistent.
        InputError
            If an option is unknown or the traces are not there.

        Warns
        -----
        DataLossWarning
            If components are left out because CaImAn did not accept them.
        """
        check_options(self.name, options, _OPTIONS, _FORMER)
        path = _file_of(Path(path))
        quality = asked_quality(options)
        with _open(path) as file:
            estimates = file["estimates"]
            traces = _traces(estimates, path.name)
            n_rois = len(next(iter(traces.values())))
            centroids = _centroids(file, n_rois, path.name)
            accepted = _accepted(estimates, n_rois)
            stated = _number(file, "params/data/fr")
        return roi_block(
            path,
            traces,
            chosen=str(options.get("series", next(iter(traces)))),
            default="CaImAn's traces are taken in the order F_dff, C, S, YrA",
            rows=accepted_rois(accepted, n_rois, quality, path.name, "CaImAn"),
            rate_hz=rate_hz(options.get("sampling_rate"), stated, path.name),
            centroids=centroids,
            pixel_um=pixel_size_um(options.get("pixel_size")),
        )


def _is_results(path: Path) -> bool:
    return has_items(path, ("estimates/A", "estimates/C"))


def _results_in(folder: Path) -> list[Path]:
    names = (".hdf5", ".h5")
    files = [item for item in sorted(folder.iterdir()) if item.suffix.lower() in names]
    return [item for item in files if item.is_file() and _is_results(item)]


def _file_of(path: Path) -> Path:
    """Give the file that a folder stands for."""
    if not path.is_dir():
        return path
    found = _results_in(path)
    if len(found) != 1:
        raise FileFormatError(
            f"The folder '{path.name}' holds {len(found)} results of CaImAn"
            + (f" ({some(item.name for item in found)})" if found else "")
            + ". Name one of its files."
        )
    return found[0]


@contextmanager
def _open(path: Path) -> Iterator[h5py.File]:
    import h5py

    with open_hdf5(path) as file:
        if not isinstance(file.get("estimates"), h5py.Group):
            raise FileFormatError(
                f"'{path.name}' has no group 'estimates', so it is no file of CaImAn. "
                "Name the adapter of its format."
            )
        yield file


def _traces(estimates: Any, file_name: str) -> dict[str, NDArray[np.float64]]:
    traces = {}
    for name in _TRACES:
        item = estimates.get(name)
        # CaImAn writes the text "NoneType" for what was not computed.
        if getattr(item, "ndim", 0) == 2 and item.dtype.kind in "iuf" and 0 not in item.shape:
            traces[name] = np.asarray(item[()], dtype=np.float64)
    if not traces:
        raise FileFormatError(
            f"'{file_name}' holds no traces: none of {', '.join(_TRACES)} is a matrix. "
            "Run CaImAn's fit before saving."
        )
    return traces


def _number(file: Any, name: str) -> float | None:
    value = file[name][()] if name in file else None
    return float(value) if isinstance(value, np.number | float | int) else None


def _accepted(estimates: Any, n_rois: int) -> NDArray[np.bool_] | None:
    item = estimates.get("idx_components")
    if getattr(item, "ndim", 0) != 1 or item.dtype.kind not in "iuf":
        return None
    rows = np.asarray(item[()], dtype=np.int64)
    accepted = np.zeros(n_rois, dtype=bool)
    accepted[rows[(rows >= 0) & (rows < n_rois)]] = True
    return accepted


def _centroids(file: Any, n_rois: int, file_name: str) -> NDArray[np.float64] | None:
    """Centres of mass of the components; pixels are counted down the columns of the image."""
    matrix, dims = file["estimates"].get("A"), file["estimates"].get("dims", file.get("dims"))
    if dims is None or getattr(dims, "shape", ()) != (2,) or "indptr" not in (matrix or ()):
        return None
    n_rows, n_columns = (int(value) for value in dims[()])
    starts = np.asarray(matrix["indptr"][()], dtype=np.int64)
    pixels = np.asarray(matrix["indices"][()], dtype=np.int64)
    weights = np.asarray(matrix["data"][()], dtype=np.float64)
    fits = (
        len(starts) == n_rois + 1 and starts[0] == 0 and np.all(np.diff(starts) >= 0)
        and starts[-1] == len(pixels) == len(weights)
        and np.all((pixels >= 0) & (pixels < n_rows * n_columns))
    )  # fmt: skip
    if not fits:
        raise FileFormatError(
            f"The spatial components 'A' of '{file_name}' do not fit its {n_rois} traces and image "
            f"of {n_rows} x {n_columns} pixels. Save the results again."
        )
    owner = np.repeat(np.arange(n_rois), np.diff(starts))
    totals = np.bincount(owner, weights=weights, minlength=n_rois)
    with np.errstate(invalid="ignore", divide="ignore"):
        x = np.bincount(owner, weights=weights * (pixels // n_rows), minlength=n_rois) / totals
        y = np.bincount(owner, weights=weights * (pixels % n_rows), minlength=n_rois) / totals
    return np.column_stack([x, y])
