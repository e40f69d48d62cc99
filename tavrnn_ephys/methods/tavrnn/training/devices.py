"""Where networks compute."""

from __future__ import annotations

import torch

from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.errors import InputError

__all__ = ["find_device"]


def find_device(name: str) -> torch.device:
    """
    Return the device of a name.

    Parameters
    ----------
    name : {"auto", "cpu", "cuda"}
        The device; ``"auto"`` for CUDA where it is to be had.

    Returns
    -------
    torch.device
        The device.

    Raises
    ------
    InputError
        If the name is unknown, or CUDA is absent.

    Examples
    --------
    >>> find_device("cpu")
    device(type='cpu')
    """
    one_of(name, ("auto", "cpu", "cuda"), "device")
    if name == "cuda" and not torch.cuda.is_available():
        raise InputError(
            'device="cuda" was asked for, but torch finds no CUDA device. Use device="auto" or '
            '"cpu", or install a CUDA build of torch and its driver.'
        )
    return torch.device("cuda" if name != "cpu" and torch.cuda.is_available() else "cpu")
