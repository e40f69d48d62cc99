"""The plane folder of suite2p, through its file ``F.npy``."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.calcium._rois import (
    accepted_rois,
    check_options,
    pixel_size_um,
    rate_hz,
    roi_block,
)
from tavrnn_ephys.core.errors import FileFormatError, InputError

if TYPE_CHECKING:
    import neo

__all__ = ["Suite2pAdapter"]

_OPTIONS = ("sampling_rate", "series", "cells", "pixel_size", "allow_pickle")
_BESIDE = ("Fneu", "spks")
# What a pickle of arrays, numbers and text needs; nothing among it runs anything else.
_HARMLESS = {
    *((module, name)
      for module in ("numpy.core.multiarray", "numpy._core.multiarray")
      for name in ("_reconstruct", "scalar")),
    *((module, "_frombuffer") for module in ("numpy.core.numeric", "numpy._core.numeric")),
    ("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"),
}  # fmt: skip


class Suite2pAdapter:
    """
    Traces that suite2p wrote: ``F.npy`` and, beside it, ``Fneu``, ``spks``, ``iscell``.

    Examples
    --------
    >>> Suite2pAdapter().suffixes
    ('.npy',)
    """

    name = "suite2p"
    description = "suite2p plane folder (name its F.npy): fluorescence, neuropil, spks, iscell"
    suffixes: tuple[str, ...] = (".npy",)

    def recognises(self, path: Path) -> bool:
        """
        Say whether a file is the ``F.npy`` of a plane folder.

        Parameters
        ----------
        path : pathlib.Path
            An existing file.

        Returns
        -------
        bool
            True for a matrix of numbers in a file ``F.npy`` that stands beside another file of
            suite2p.
        """
        beside = any((path.parent / f"{name}.npy").is_file() for name in (*_BESIDE, "iscell"))
        if path.name != "F.npy" or not beside:
            return False
        try:
            return _matrix(path).ndim == 2
        except Exception:
            return False

    def read(self, path: Path, **options: Any) -> neo.Block:
        """
        Read the traces of the ROIs that suite2p accepted as cells.

        Parameters
        ----------
        path : pathlib.Path
            ``F.npy``, shape (n_rois, n_samples).
        **options : object
            ``sampling_rate``: a quantity, since only ``ops.npy`` states it; ``series``: ``"F"``
            (the default), ``"Fneu"`` or ``"spks"``; ``cells``: ``"accepted"`` (the default) or
            ``"all"``; ``pixel_size``: a quantity that turns pixels into micrometres;
            ``allow_pickle``: whether ``ops.npy`` (sampling rate) and ``stat.npy`` (centres of
            the ROIs) are read.  Both are pickles, which can run any code when they are loaded;
            even with ``allow_pickle=True`` nothing but arrays, numbers and text is accepted
            from them.

        Returns
        -------
        neo.Block
            One segment; ROIs are named by their row in ``F.npy``.

        Raises
        ------
        FileFormatError
            If a file is damaged or the files do not belong together.
        InputError
            If the sampling rate is not known, or an option is unknown.

        Warns
        -----
        DataLossWarning
            If ROIs are left out because suite2p did not accept them.
        """
        check_options(self.name, options, _OPTIONS)
        path = Path(path)
        traces = {"F": _matrix(path)}
        for name in _BESIDE:
            if (path.parent / f"{name}.npy").is_file():
                traces[name] = _matrix(path.parent / f"{name}.npy")
        allowed = bool(options.get("allow_pickle", False))
        stated = _stated_rate_hz(path.parent, allowed, options.get("sampling_rate"))
        rate = rate_hz(options.get("sampling_rate"), stated, path.name)
        n_rois = len(traces["F"])
        return roi_block(
            path,
            traces,
            chosen=str(options.get("series", "F")),
            rows=accepted_rois(
                _accepted(path.parent), n_rois, options.get("cells", "accepted"), path.name,
                "suite2p",
            ),
            rate_hz=rate,
            centroids=_centroids(path.parent, n_rois) if allowed else None,
            pixel_um=pixel_size_um(options.get("pixel_size")),
        )  # fmt: skip


def _matrix(path: Path) -> NDArray[Any]:
    array = _numbers(path)
    if array.ndim != 2 or 0 in array.shape:
        raise FileFormatError(
            f"'{path.name}' has shape {array.shape}; suite2p's traces have shape "
            "(n_rois, n_samples). Name the F.npy of a plane folder."
        )
    return array


def _numbers(path: Path) -> NDArray[Any]:
    if not path.is_file():
        raise FileFormatError(f"There is no file '{path}'. Check the path.")
    try:
        array = np.load(path, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        if "allow_pickle" in str(error) or "Array can't be memory-mapped" in str(error):
            raise FileFormatError(
                f"'{path.name}' holds Python objects, which are not loaded because loading them "
                "can run any code. Name the F.npy of a plane folder."
            ) from None
        raise _damaged(path, error) from error
    except (EOFError, OSError, SyntaxError, TypeError, AttributeError) as error:
        raise _damaged(path, error) from error
    if not isinstance(array, np.ndarray) or array.dtype.kind not in "biuf":
        raise FileFormatError(f"'{path.name}' does not hold an array of numbers.")
    return np.array(array)


def _damaged(path: Path, error: Exception) -> FileFormatError:
    reason = " ".join(str(error).split())[:120] or type(error).__name__
    return FileFormatError(
        f"'{path.name}' is no intact .npy file ({reason}). Copy it again from its source."
    )


def _accepted(folder: Path) -> NDArray[np.bool_] | None:
    path = folder / "iscell.npy"
    if not path.is_file():
        return None
    judged = _numbers(path)
    # The first column is the verdict, which a person may have changed; the second, the
    # classifier's probability, stays as it was.
    return np.asarray(judged[:, 0] if judged.ndim == 2 else judged) > 0.5


def _stated_rate_hz(folder: Path, allowed: bool, given: Any) -> float | None:
    path = folder / "ops.npy"
    if given is not None or not path.is_file():
        return None
    if not allowed:
        raise InputError(
            "suite2p's sampling rate stands in 'ops.npy', a pickle, which is not loaded unasked "
            "because loading one can run any code. Give sampling_rate=30 * quantities.Hz, or, if "
            "you trust the file, allow_pickle=True; on the command line --option."
        )
    ops = _unpickled(path)
    rate = ops.get("fs") if isinstance(ops, dict) else None
    return None if rate is None else float(rate)


def _centroids(folder: Path, n_rois: int) -> NDArray[np.float64] | None:
    path = folder / "stat.npy"
    if not path.is_file():
        return None
    stat = _unpickled(path)
    if len(stat) != n_rois or not all(isinstance(roi, dict) and "med" in roi for roi in stat):
        raise FileFormatError(
            f"'stat.npy' does not describe the {n_rois} ROIs of 'F.npy'. "
            "Take all files from the same run."
        )
    # suite2p lists y before x.
    return np.array([[float(roi["med"][1]), float(roi["med"][0])] for roi in stat])


class _DataOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _HARMLESS:
            raise pickle.UnpicklingError(f"it wants to load {module}.{name}")
        return super().find_class(module, name)


def _unpickled(path: Path) -> Any:
    """Read the object array of a .npy file, of which suite2p writes one per file."""
    try:
        with path.open("rb") as file:
            version = np.lib.format.read_magic(file)
            reader = (
                np.lib.format.read_array_header_1_0
                if version == (1, 0)
                else np.lib.format.read_array_header_2_0
            )
            shape, _, _ = reader(file)
            array = _DataOnly(file, encoding="latin1").load()
    except Exception as error:
        reason = " ".join(str(error).split())[:120]
        raise FileFormatError(
            f"'{path.name}' is damaged, or holds more than arrays, numbers and text ({reason}). "
            "Leave it out: allow_pickle=False."
        ) from error
    return array.item() if shape == () else array.reshape(shape)
