"""One style of progress: a bar on terminals, nothing in logs."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

__all__ = ["progress_bar"]


def progress_bar(
    steps: Iterable[Any] | None = None,
    *,
    what: str,
    unit: str,
    verbose: bool = True,
    total: int | None = None,
    initial: int = 0,
) -> Any:
    """
    Show how far a loop is, on the standard error stream if that is a terminal.

    Parameters
    ----------
    steps : iterable, optional
        What the loop goes over; without it, ``update`` of the bar is called at each step.
    what : str
        What is done, in a word or two.
    unit : str
        What one step is called.
    verbose : bool
        Whether the bar is wanted at all.
    total : int, optional
        Number of steps, where ``steps`` does not say it.
    initial : int
        Number of steps that are done already.

    Returns
    -------
    tqdm.tqdm
        The bar, which gives the steps; it vanishes at its end.

    Examples
    --------
    >>> list(progress_bar([1, 2], what="adding", unit="number", verbose=False))
    [1, 2]
    """
    return tqdm(
        steps,
        desc=what,
        unit=unit,
        total=total,
        initial=initial,
        disable=not (verbose and sys.stderr is not None and sys.stderr.isatty()),
        leave=False,
        dynamic_ncols=True,
    )
