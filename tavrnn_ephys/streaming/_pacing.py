"""What the operating system is asked for, so that bins are met in time."""

from __future__ import annotations

import os

__all__ = ["PRIORITIES", "use_priority"]

PRIORITIES = ("default", "realtime")
# Above every ordinary process, below what keeps the system itself running.
_FIFO_PRIORITY = 10


def use_priority(priority: str) -> str:
    """Give the thread that calls a priority; return a sentence where the system refuses it."""
    if priority != "realtime":
        return ""
    if not hasattr(os, "sched_setscheduler"):
        return "This system has no real-time scheduling: the priority stays the default."
    try:
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(_FIFO_PRIORITY))
    except OSError:
        return (
            "The system refuses real-time priority: allow it with 'ulimit -r 10', or run as a user "
            "who may. The priority stays the default."
        )
    return ""
