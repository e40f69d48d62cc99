"""Numerical libraries kept to one thread, here and in processes that start."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["one_thread", "thread_variables"]

_THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")


@contextmanager
def thread_variables() -> Iterator[None]:
    """
    Tell processes that start meanwhile to compute on one thread.

    Yields
    ------
    None
        While the environment says so; numerical libraries read it when they are loaded.
    """
    before = {name: os.environ.get(name) for name in _THREADS}
    os.environ.update(dict.fromkeys(_THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


@contextmanager
def one_thread() -> Iterator[None]:
    """
    Keep numerical libraries to one thread: equal sums everywhere, and no two that wait.

    Yields
    ------
    None
        While each library computes on one thread.
    """
    import torch
    from numba import get_num_threads, set_num_threads
    from threadpoolctl import threadpool_limits

    of_torch, of_numba = torch.get_num_threads(), get_num_threads()
    torch.set_num_threads(1)
    set_num_threads(1)
    try:
        with threadpool_limits(limits=1):
            yield
    finally:
        torch.set_num_threads(of_torch)
        set_num_threads(of_numba)
