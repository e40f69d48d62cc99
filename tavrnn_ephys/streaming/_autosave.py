"""The state of a stream, kept in a file by a thread of its own."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any

from tavrnn_ephys.core.checks import positive_number
from tavrnn_ephys.core.output import check_output
from tavrnn_ephys.streaming._state_file import write_state

__all__ = ["Autosave"]


class Autosave:
    """
    Saves now and then: the arrays are copied between two bins, and written meanwhile.

    Parameters
    ----------
    path : str or pathlib.Path
        The file; replaced at every saving.
    every_s : float
        Time between two savings.
    """

    def __init__(self, path: str | Path, every_s: float) -> None:
        self.path = check_output(path, overwrite=True)
        self.every_s = positive_number(every_s, "autosave_every_s")
        self._due = time.monotonic() + self.every_s
        self._writer: threading.Thread | None = None
        self.fault: BaseException | None = None

    def consider(self, stream: Any) -> None:
        """Save if it is time, and the last saving is done."""
        if time.monotonic() < self._due or (self._writer and self._writer.is_alive()):
            return
        self._raise_fault()
        self._due = time.monotonic() + self.every_s
        arguments = stream.remembered(), stream.info.digest
        self._writer = threading.Thread(target=self._write, args=arguments, name="stream autosave")
        self._writer.start()

    def _write(self, state: dict[str, Any], digest: str) -> None:
        try:
            write_state(self.path, state, digest, overwrite=True)
        except BaseException as error:
            self.fault = error

    def _raise_fault(self) -> None:
        if self.fault is not None:
            fault, self.fault = self.fault, None
            raise fault

    def close(self, stream: Any) -> None:
        """Wait for the writer, and save the end."""
        if self._writer is not None:
            self._writer.join()
        self._raise_fault()
        write_state(self.path, stream.remembered(), stream.info.digest, overwrite=True)
