"""Torch as the methods need it, whatever the caller has set."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, TypeVar

__all__ = ["own_torch_state", "with_own_torch_state"]

_Class = TypeVar("_Class", bound=type)


@contextmanager
def own_torch_state() -> Iterator[None]:
    """
    Compute in single precision with gradients, and put back what was set before.

    The default type and device, ``autocast``, ``no_grad`` and ``inference_mode`` belong to the
    caller's own code.

    Yields
    ------
    None
        Nothing.
    """
    import torch

    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float32)
    try:
        with ExitStack() as stack:
            stack.enter_context(torch.inference_mode(False))
            stack.enter_context(torch.enable_grad())
            for kind in filter(torch.is_autocast_enabled, ("cpu", "cuda")):
                stack.enter_context(torch.autocast(kind, enabled=False))
            # Slows every operation down, so that it is left out where nothing else was set.
            if torch.get_default_device().type != "cpu":
                stack.enter_context(torch.device("cpu"))
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
            found = inspect.getattr_static(cls, name)
            is_of_class = isinstance(found, classmethod)
            wrapped = _wrapped(found.__func__ if is_of_class else found)
            setattr(cls, name, classmethod(wrapped) if is_of_class else wrapped)
        return cls

    return decorate


def _wrapped(function: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(function)
    def run(*args: Any, **kwargs: Any) -> Any:
        with own_torch_state():
            return function(*args, **kwargs)

    return run
