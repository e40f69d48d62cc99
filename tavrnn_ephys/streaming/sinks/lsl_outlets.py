"""Markers and embeddings for the Lab Streaming Layer."""

from __future__ import annotations

import uuid
from collections.abc import Collection
from typing import Any

import numpy as np

from tavrnn_ephys.core.checks import positive_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.streaming._lsl import import_pylsl
from tavrnn_ephys.streaming.sinks.functions import FunctionSink
from tavrnn_ephys.streaming.updates import Event, StreamInfo, Update

__all__ = ["EmbeddingOutlet", "MarkerOutlet"]


class MarkerOutlet(FunctionSink):
    """
    Sends a marker for every event of some kinds: what a stimulator listens to.

    Parameters
    ----------
    name : str
        Name of the LSL stream; its type is ``"Markers"``, one channel of text.
    kinds : collection of str
        Kinds of events that become markers.  The text of a marker is the kind of the event, or
        what the trigger is called.
    wait_s : float
        Time to wait for somebody to listen: the first marker after connecting may be lost
        otherwise.  0 does not wait.
    answers : bool
        Whether an empty marker follows every bin when it was judged, so that a rig that waits for
        its answer knows that there is none.
    source_id : str, optional
        Identity of the sender; a new one by default.

    Raises
    ------
    MissingDependencyError
        If ``pylsl`` is not installed.
    """

    def __init__(
        self,
        name: str = "tavrnn_ephys markers",
        *,
        kinds: Collection[str] = ("trigger",),
        wait_s: float = 0.0,
        answers: bool = False,
        source_id: str | None = None,
    ) -> None:
        super().__init__()
        self._pylsl, self.name, self.answers = import_pylsl(), name, answers
        self.kinds, self.source_id = frozenset(kinds), source_id or str(uuid.uuid4())
        self.wait_s = positive_number(wait_s, "wait_s", or_zero=True)

    def open(self, info: StreamInfo) -> None:
        """
        Open the outlet, and wait for a listener where that is asked for.

        Parameters
        ----------
        info : StreamInfo
            What the stream expects.

        Raises
        ------
        InputError
            If nobody listens in time.
        """
        about = self._pylsl.StreamInfo(self.name, "Markers", 1, 0, "string", self.source_id)
        self._outlet = self._pylsl.StreamOutlet(about)
        if self.wait_s and not self._outlet.wait_for_consumers(self.wait_s):
            raise InputError(
                f"Nobody listens to the LSL stream '{self.name}' after {self.wait_s:g} s. Start "
                "the stimulator first, or leave wait_s out."
            )

    def event(self, event: Event) -> None:
        """
        Send a marker.

        Parameters
        ----------
        event : Event
            What happened.
        """
        if event.kind in self.kinds:
            self._outlet.push_sample([str(event.facts.get("marker", event.kind))])

    def judged(self, t_s: float) -> None:
        """
        Say that a bin was judged, if answers are asked for.

        Parameters
        ----------
        t_s : float
            End of the bin.
        """
        if self.answers:
            self._outlet.push_sample([""])

    def close(self) -> None:
        """Close the outlet."""
        self._outlet = None


class EmbeddingOutlet(FunctionSink):
    """
    Sends every embedding as one sample of ``n_nodes · width`` numbers, node by node.

    Parameters
    ----------
    name : str
        Name of the LSL stream; its type is ``"Embedding"``.
    provisional : bool
        Whether provisional embeddings are sent too.
    source_id : str, optional
        Identity of the sender; a new one by default.

    Raises
    ------
    MissingDependencyError
        If ``pylsl`` is not installed.
    """

    def __init__(
        self,
        name: str = "tavrnn_ephys embedding",
        *,
        provisional: bool = False,
        source_id: str | None = None,
    ) -> None:
        super().__init__()
        self._pylsl, self.name, self.provisional = import_pylsl(), name, provisional
        self.source_id = source_id or str(uuid.uuid4())
        self._outlet: Any = None

    def open(self, info: StreamInfo) -> None:
        """
        Open the outlet.

        Parameters
        ----------
        info : StreamInfo
            What the stream expects.
        """
        n_channels = info.n_nodes * info.width
        about = self._pylsl.StreamInfo(
            self.name, "Embedding", n_channels, 0, "float32", self.source_id
        )
        self._outlet = self._pylsl.StreamOutlet(about)

    def update(self, update: Update) -> None:
        """
        Send an embedding.

        Parameters
        ----------
        update : Update
            What the stream says.
        """
        if update.committed or self.provisional:
            self._outlet.push_sample(np.ascontiguousarray(update.embedding).ravel())

    def close(self) -> None:
        """Close the outlet."""
        self._outlet = None
