"""The plane folder of suite2p, through its file ``F.npy``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.calcium._data_only import unpickled
from tavrnn_ephys.adapters.calcium._rois import (
    accepted_rois,
    check_options,
    pixel_size_um,
    roi_block,
)
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.io.blocks import rate_hz
from tavrnn_ephys.io.choices import Choice, note_choice
from tavrnn_ephys.io.quality import asked_quality

if TYPE_CHECKING:
    import neo

__all__ = ["Suite2pAdapter"]

_OPTIONS = ("sampling_rate", "series", "quality", "pixel_size", "allow_pickle", "plane")
# The former name of an option.
_FORMER = ("cells",)
_BESIDE = ("Fneu", "spks")


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
    reads_folders = True
    choices: Mapping[str, str] = MappingProxyType({
        "series": "F, the fluorescence of the ROIs.",
        "quality": "ROIs that suite2p did not accept as cells are left out.",
        "plane": "Of a folder with several planes, the first.",
    })  # fmt: skip

    def recognises(self, path: Path) -> bool:
        """
        Say whether a file is the ``F.npy`` of a plane folder.

        Parameters
        ----------
        path : pathlib.Path
            An existing file, or a folder.

        Returns
        -------
        bool
            True for a matrix of numbers in a file ``F.npy`` that stands beside another file of
            suite2p, for the folder of such a file, and for a folder with plane folders.
        """
        if path.is_dir():
            return any(self.recognises(item) for item in _planes(path).values())
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
            ``F.npy``, shape (n_rois, n_samples), its plane folder, or the folder of all planes.
        **options : object
            ``sampling_rate``: a quantity, since only ``ops.npy`` states it; ``series``: ``"F"``
            (the default), ``"Fneu"`` or ``"spks"``; ``quality``: ``"accepted"`` (the default) or
            ``"all"``; ``plane``: number or name of a plane, where the folder holds several;
            ``pixel_size``: a quantity that turns pixels into micrometres;
            ``allow_pickle``: whether ``ops.npy`` (sampling rate) and ``stat.npy`` (centres of
            the ROIs) are read.  Both are pickles, which can run any code when they are loaded;
            even with ``allow_pickle=True`` nothing but arrays, numbers, text, dates and paths
            is accepted from them.

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
        check_options(self.name, options, _OPTIONS, _FORMER)
        path, choice = _plane_file(Path(path), options.get("plane"))
        quality = asked_quality(options)
        traces = {"F": _matrix(path)}
        for name in _BESIDE:
            if (path.parent / f"{name}.npy").is_file():
                traces[name] = _matrix(path.parent / f"{name}.npy")
        allowed = bool(options.get("allow_pickle", False))
        stated = _stated_rate_hz(path.parent, allowed, options.get("sampling_rate"))
        rate = rate_hz(options.get("sampling_rate"), stated, path.name)
        n_rois = len(traces["F"])
        block = roi_block(
            path,
            traces,
            chosen=str(options.get("series", "F")),
            default="F is suite2p's fluorescence, from which the others are made",
            rows=accepted_rois(_accepted(path.parent), n_rois, quality, path.name, "suite2p"),
            rate_hz=rate,
            centroids=_centroids(path.parent, n_rois) if allowed else None,
            pixel_um=pixel_size_um(options.get("pixel_size")),
        )
        if choice is not None:
            note_choice(block, choice, file_name=path.parent.parent.name)
        return block


def _planes(folder: Path) -> dict[str, Path]:
    """Files of traces of a plane folder, or of the plane folders in a folder, by plane."""
    if (folder / "F.npy").is_file():
        return {folder.name: folder / "F.npy"}
    for place in (folder, folder / "suite2p"):
        names = [item.parent.name for item in place.glob("plane*/F.npy")]
        if names:
            names.sort(key=lambda name: (len(name), name))
            return {name: place / name / "F.npy" for name in names}
    return {}


def _plane_file(path: Path, plane: Any) -> tuple[Path, Choice | None]:
    """Give the file of traces that a path stands for, and a choice among planes."""
    if not path.is_dir():
        return path, None
    planes = _planes(path)
    if not planes:
        raise FileFormatError(
            f"The folder '{path.name}' holds neither F.npy nor plane folders with one. Name a "
            "plane folder of suite2p."
        )
    if plane is not None:
        name = str(plane) if str(plane) in planes else f"plane{plane}"
        if name not in planes:
            raise InputError(f"'{path.name}' has no plane '{plane}'. It has: {some(planes)}.")
        return planes[name], None
    first = next(iter(planes))
    if len(planes) == 1:
        return planes[first], None
    choice = Choice(what="planes", chosen=first, candidates=tuple(planes),
                    reason="it is the first", option="plane=NAME")  # fmt: skip
    return planes[first], choice


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
    ops = unpickled(path)
    rate = ops.get("fs") if isinstance(ops, dict) else None
    try:
        return None if rate is None else float(np.asarray(rate).item())
    except (TypeError, ValueError):
        raise FileFormatError(
            f"'ops.npy' states the sampling rate {rate!r}, which is no number. Give it: "
            "sampling_rate=30 * quantities.Hz, on the command line --option sampling_rate=30Hz."
        ) from None


def _centroids(folder: Path, n_rois: int) -> NDArray[np.float64] | None:
    path = folder / "stat.npy"
    if not path.is_file():
        return None
    stat = unpickled(path)
    if len(stat) != n_rois or not all(isinstance(roi, dict) and "med" in roi for roi in stat):
        raise FileFormatError(
            f"'stat.npy' does not describe the {n_rois} ROIs of 'F.npy'. "
            "Take all files from the same run."
        )
    # suite2p lists y before x.
    try:
        return np.array([[float(roi["med"][1]), float(roi["med"][0])] for roi in stat])
    except (TypeError, ValueError, LookupError):
        raise FileFormatError(
            "'stat.npy' holds a ROI whose centre 'med' is no pair of numbers. Take all files from "
            "the same run."
        ) from None
