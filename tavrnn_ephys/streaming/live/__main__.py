"""The process of a live page; :class:`tavrnn_ephys.streaming.sinks.LivePage` starts it."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from contextlib import suppress

from tavrnn_ephys.streaming.live.server import serve

_NICE = 10


def _step_behind() -> None:
    """Give way to the stream, whatever priority this process was born with."""
    with suppress(AttributeError, OSError):
        os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    with suppress(AttributeError, OSError):
        os.nice(_NICE)


def main() -> None:
    """Read what the page is about from the first line of the input, and serve it."""
    about = json.loads(sys.stdin.readline())
    _step_behind()
    with suppress(KeyboardInterrupt):
        asyncio.run(serve(about))


if __name__ == "__main__":
    main()
