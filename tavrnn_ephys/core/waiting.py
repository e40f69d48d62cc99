"""Threads that have nothing to do sleep, so that a program beside this one gets the core."""

from __future__ import annotations

import os
from collections.abc import Mapping
from types import MappingProxyType

__all__ = ["WAITING", "wait_passively"]

#: What libraries read when they are loaded.  By default threads of OpenMP and OpenBLAS spin while
#: they wait for the next piece of work; two programs on the same cores then wait for each other.
WAITING: Mapping[str, str] = MappingProxyType({
    "OMP_WAIT_POLICY": "PASSIVE",  # of GNU and LLVM: PyTorch, Numba, scikit-learn
    "KMP_BLOCKTIME": "0",  # of Intel, milliseconds
    "OPENBLAS_THREAD_TIMEOUT": "4",  # 2 to this power cycles; 26 by default
})  # fmt: skip


def wait_passively() -> None:
    """
    Let threads of numerical libraries sleep while they wait, where nothing else is asked for.

    It holds for libraries that are loaded afterwards, here and in processes that start.
    """
    for name, value in WAITING.items():
        os.environ.setdefault(name, value)
