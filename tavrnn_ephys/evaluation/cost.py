"""What a computation costs: processor time, and the memory that it needs at its peak."""

from __future__ import annotations

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

__all__ = ["Cost", "measured_cost"]

_STATUS, _RESET = Path("/proc/self/status"), Path("/proc/self/clear_refs")


class Cost:
    """
    Seconds and memory of a block of code, filled in when the block ends.

    Attributes
    ----------
    seconds : float
        Processor time, of all threads together: what else runs on the machine matters little.
    peak_mb : float
        Growth of the process's resident memory at its peak, in 10⁶ bytes; NaN where the system
        does not tell, which only Linux does.
    """

    def __init__(self) -> None:
        self.seconds = float("nan")
        self.peak_mb = float("nan")


@contextmanager
def measured_cost() -> Iterator[Cost]:
    """
    Measure what happens inside the block.

    What was left over before is collected first: released in the block, it would hide the memory
    that the block takes.

    Yields
    ------
    Cost
        The measurements, known when the block has ended.

    Examples
    --------
    >>> with measured_cost() as cost:
    ...     _ = sum(range(1000))
    >>> 0 <= cost.seconds < 1
    True
    """
    cost = Cost()
    before = _begin()
    start = time.process_time()
    try:
        yield cost
    finally:
        cost.seconds = time.process_time() - start
        grown = _resident("VmHWM") - before
        cost.peak_mb = grown if grown != grown else max(0.0, grown)


def _begin() -> float:
    """Forget the earlier peak, so that the block's own can be read."""
    gc.collect()
    try:
        _RESET.write_text("5", encoding="utf-8")
    except OSError:
        return float("nan")
    return _resident("VmRSS")


def _resident(key: str) -> float:
    try:
        for line in _STATUS.read_text(encoding="utf-8").splitlines():
            if line.startswith(f"{key}:"):
                return int(line.split()[1]) * 1024 / 1e6
    except OSError:
        pass
    return float("nan")
