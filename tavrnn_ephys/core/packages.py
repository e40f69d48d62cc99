"""Packages whose names load at first use: they keep their names, and travel by name."""

from __future__ import annotations

import sys
from importlib import import_module
from types import ModuleType
from typing import Any

__all__ = ["settle"]


class _Package(ModuleType):
    """A package that pickles by name, and whose public names no submodule overwrites."""

    def __setattr__(self, name: str, value: Any) -> None:
        # The import system binds a loaded submodule to its package.  Where an old module has the
        # name of a public function, that would put the module in the place of the function.
        taken = isinstance(value, ModuleType) and name in self.__dict__.get("_lazy_names", ())
        if not (taken and value.__name__ != f"{self.__name__}.{name}"):
            super().__setattr__(name, value)

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        # Picklers know modules by their exact class; this one is sent as its name.
        return import_module, (self.__name__,)


def settle(package: str, names: list[str]) -> None:
    """
    Let functions that use a package travel to other processes, and its names stay as they are.

    A function of a script or notebook is sent by value, with the modules that it uses.  Picklers
    (cloudpickle, and with it joblib, loky and Dask) send a module by name if they know its class.

    Parameters
    ----------
    package : str
        Name of a package that is being imported.
    names : list of str
        Its public names.

    Examples
    --------
    >>> import copy, pickle
    >>> import tavrnn_ephys as te
    >>> pickle.loads(pickle.dumps(te)) is te, copy.deepcopy(te) is te
    (True, True)
    """
    module = sys.modules[package]
    module.__dict__["_lazy_names"] = frozenset(names)
    # lazy_loader may have given the package a class of its own, which guards other names.
    module.__class__ = type("Package", (_Package, type(module)), {})
