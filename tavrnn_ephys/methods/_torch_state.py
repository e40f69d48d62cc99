"""Torch as the methods need it, whatever the caller has set."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

__all__ = ["own_torch_state", "with_own_torch_state"]

_Class = TypeVar("_Class", bound=type)


@contextmanager
def own_torch_state() -> Iterator[None]:
    """
    Compute in single precision with gradients, and put back what was set before.

    The default type, ``no_grad`` and ``inference_mode`` belong to the caller's own code.

    Yields
    ------
    None
        Nothing.
    """
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with torch.inference_mode(False), torch.enable_grad():
            yield
    finally:
        torch.set_default_dtype(before)


def with_own_torch_state(*names: str) -> Callable[[_Class], _Class]:
    """
    Let methods of a class run in :func:`own_torch_state`.

    Parameters
    ----------
    *names : str
        The methods.

    Returns
    -------
    callable
        A decorator of the class.
    """

    def decorate(cls: _Class) -> _Class:
        for name in names:
            setattr(cls, name, _wrapped(getattr(cls, name)))
        return cls

    return decorate


def _wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with own_torch_state():
            return function(*args, **kwargs)

    return run
