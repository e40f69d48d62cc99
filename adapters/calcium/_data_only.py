"""Arrays of Python objects, as suite2p saves them, read without carrying out any code."""

from __future__ import annotations

import pathlib
import pickle
from pathlib import Path
from typing import Any

import numpy as np

from tavrnn_ephys.core.errors import FileFormatError

__all__ = ["unpickled"]

# What a pickle of arrays, numbers, text, dates and sets needs; none of it runs anything else.
_HARMLESS = {
    *((module, name)
      for module in ("numpy.core.multiarray", "numpy._core.multiarray")
      for name in ("_reconstruct", "scalar")),
    *((module, "_frombuffer") for module in ("numpy.core.numeric", "numpy._core.numeric")),
    *(("datetime", name) for name in ("datetime", "date", "time", "timedelta", "timezone")),
    *(("builtins", name) for name in ("complex", "set", "frozenset", "slice", "bytearray")),
    ("collections", "OrderedDict"),
    ("numpy", "ndarray"), ("numpy", "dtype"), ("_codecs", "encode"),
}  # fmt: skip
# A path is a name; the kind of the other system cannot be made here, and its pure form can.
_PATHS = {
    "PosixPath": pathlib.PurePosixPath, "PurePosixPath": pathlib.PurePosixPath,
    "WindowsPath": pathlib.PureWindowsPath, "PureWindowsPath": pathlib.PureWindowsPath,
}  # fmt: skip


class _DataOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if module in ("pathlib", "pathlib._local") and name in _PATHS:
            return _PATHS[name]
        if (module, name) not in _HARMLESS:
            raise pickle.UnpicklingError(f"it wants to load {module}.{name}")
        return super().find_class(module, name)


def unpickled(path: Path) -> Any:
    """
    Read the object array of a .npy file, of which suite2p writes one per file.

    Parameters
    ----------
    path : pathlib.Path
        The file.

    Returns
    -------
    object
        What the array holds; a mapping for ``ops.npy``.

    Raises
    ------
    FileFormatError
        If the file is damaged, or holds anything but arrays, numbers, text, dates and paths.
    """
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
