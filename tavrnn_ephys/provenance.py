"""Which versions of which packages take part in a result."""

from __future__ import annotations

import platform
from importlib.metadata import PackageNotFoundError, version

__all__ = ["package_versions"]

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
        Version by distribution name, and ``"python"``.
    """
    found = {"python": platform.python_version()}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return found
