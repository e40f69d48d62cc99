"""Many random calls, and what of each is a fault."""

from __future__ import annotations

import traceback
import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np

from tavrnn_ephys.core.errors import TavrnnEphysError
from tests.fuzz.calls import CALLS
from tests.fuzz.inputs import Inputs

__all__ = ["Fault", "one_call", "run"]

# Ours begin with the package; third-party ones say nothing of these calls.
_THIRD_PARTY = ("quantities", "elephant", "neo")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """
    A call that ended neither in a result nor in a typed error.

    Parameters
    ----------
    seed : int
        What makes the call again.
    kind : str
        Kind of call.
    text : str
        What happened.
    """

    seed: int
    kind: str
    text: str


def one_call(seed: int) -> tuple[str, Fault | None]:
    """
    Make one call.

    Parameters
    ----------
    seed : int
        Which.

    Returns
    -------
    tuple of str and Fault or None
        ``"right"`` or ``"refused"``; the fault, if it is one.
    """
    draw = Inputs(np.random.default_rng([2024, seed]))
    kind = list(CALLS)[seed % len(CALLS)]
    given: list[Any] = []
    outcome, fault = "right", None
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            CALLS[kind](draw, _Watched(given))
    except TavrnnEphysError as error:
        outcome = "refused"
        if not str(error).strip().endswith((".", "?", "…")):
            fault = Fault(seed=seed, kind=kind, text=f"no sentence: {error}")
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        where = f"{last.filename.split('/')[-1]}:{last.lineno}"
        text = f"{type(error).__name__}: {str(error)[:150]} ({where})"
        fault = Fault(seed=seed, kind=kind, text=text)
    if fault is None and any(not _same(item, copy) for item, copy in given):
        fault = Fault(seed=seed, kind=kind, text="an input was changed")
    return outcome, fault


class _Watched(list):
    """Keeps each input beside a copy of it."""

    def __init__(self, pairs: list[Any]) -> None:
        super().__init__()
        self._pairs = pairs

    def append(self, item: Any) -> None:
        copy = item.copy() if isinstance(item, np.ndarray) else None
        self._pairs.append((item, copy))

    def __iadd__(self, items: Any) -> _Watched:
        for item in items:
            self.append(item)
        return self


def _same(item: Any, copy: Any) -> bool:
    if copy is None or item.dtype == object:
        return True
    return bool(np.array_equal(item, copy, equal_nan=item.dtype.kind in "fc"))


def run(n_calls: int, *, first: int = 0) -> tuple[dict[str, int], list[Fault]]:
    """
    Make calls one after the other.

    Parameters
    ----------
    n_calls : int
        How many.
    first : int
        Seed of the first.

    Returns
    -------
    tuple of dict and list of Fault
        How many were right and how many refused; the faults.
    """
    outcomes, faults = {"right": 0, "refused": 0}, []
    for seed in range(first, first + n_calls):
        outcome, fault = one_call(seed)
        outcomes[outcome] += 1
        if fault is not None:
            faults.append(fault)
    return outcomes, faults
