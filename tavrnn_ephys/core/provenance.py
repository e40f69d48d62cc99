"""Where a result comes from: versions of packages, checksums of options and of arrays."""

from __future__ import annotations

import hashlib
import platform
from collections.abc import Mapping
from functools import lru_cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["PROCESSOR", "fingerprint", "instruction_set", "option_digests", "package_versions"]

#: Key of the processor among the versions: its instructions set the order in which sums round.
PROCESSOR = "processor"

_PACKAGES = (
    "tavrnn_ephys",
    "numpy",
    "scipy",
    "scikit-learn",
    "neo",
    "elephant",
    "quantities",
    "torch",
    "torch-geometric",
    "pynwb",
    "hdmf",
)


def package_versions() -> dict[str, str]:
    """
    Return the installed versions of the packages that results depend on.

    Returns
    -------
    dict of str to str
        Version by distribution name, ``"python"``, and for ``"processor"`` its instruction set.
    """
    return dict(_installed())


@lru_cache(maxsize=1)
def _installed() -> dict[str, str]:
    found = {"python": platform.python_version(), PROCESSOR: instruction_set()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found


def instruction_set() -> str:
    """
    Name the widest instructions of the processor that numerical libraries use.

    Sums of the same numbers round differently where more of them are added at once, so that two
    processors with equal packages can differ in the last digits.

    Returns
    -------
    str
        Architecture and the last set of instructions that NumPy finds, such as
        ``"x86_64 X86_V3"``; the architecture alone where it finds none beyond its own baseline.
    """
    extensions = np.show_config("dicts").get("SIMD Extensions", {})
    return " ".join([platform.machine(), *extensions.get("found", [])[-1:]])


def option_digests(options: Mapping[str, Any]) -> str:
    """
    Return a short checksum of each option, by which a later change of one is noticed.

    Parameters
    ----------
    options : mapping of str to object
        Options by dotted key.

    Returns
    -------
    str
        ``"key=checksum"``, joined by blanks; blanks in keys are left out.

    Examples
    --------
    >>> option_digests({"threshold": 0.5})
    'threshold=5bd481b5'
    """
    return " ".join(f"{key.replace(' ', '')}={_digest(value)}" for key, value in options.items())


def _digest(value: Any) -> str:
    value = value.item() if isinstance(value, np.generic) else value
    text = f"{type(value).__name__} {value!r}"
    return hashlib.sha256(text.encode("utf-8", "backslashreplace")).hexdigest()[:8]


def fingerprint(*arrays: NDArray[Any]) -> str:
    """
    Return a checksum of the values, types and shapes of arrays.

    Parameters
    ----------
    *arrays : numpy.ndarray
        The arrays.

    Returns
    -------
    str
        SHA-256 in hexadecimal digits.

    Examples
    --------
    >>> fingerprint(np.zeros(3)) == fingerprint(np.zeros(3)) != fingerprint(np.ones(3))
    True
    """
    state = hashlib.sha256()
    for array in arrays:
        state.update(f"{array.dtype.str} {array.shape} ".encode())
        state.update(np.ascontiguousarray(array).tobytes())
    return state.hexdigest()
