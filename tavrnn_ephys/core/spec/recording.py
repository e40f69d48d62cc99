"""Which recording, and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from tavrnn_ephys.core.checks import whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.spec.facts import fact

__all__ = ["RecordingSpec"]


@dataclass(frozen=True, kw_only=True)
class RecordingSpec:
    """
    How a recording is read, which of its segments is meant, and what is said of its nodes.

    Parameters
    ----------
    adapter : str, optional
        Adapter that reads the file; found by content by default.
    options : mapping of str to object
        Options of the adapter.
    segment_index : int, optional
        Which segment, counted from 0; the first by default, and a warning says so where there
        are several.
    node_groups : mapping of str to str, optional
        Group of each node by its id, in place of those of the recording.

    Raises
    ------
    InputError
        If the index is no whole number, or the groups are no mapping of names.

    Examples
    --------
    >>> RecordingSpec(adapter="maxwell", segment_index=1).segment_index
    1
    """

    adapter: str | None = fact("recording.adapter", "origin.adapter", kind="optional", default=None)
    options: Mapping[str, Any] = fact(
        "recording.options", "origin.reading", kind="options", default_factory=dict
    )
    segment_index: int | None = fact("analysis.segment_index", kind="optional", default=None)
    node_groups: Mapping[str, str] | None = fact("recording.node_groups", kind="json", default=None)

    def __post_init__(self) -> None:
        if self.segment_index is not None:
            whole_number(self.segment_index, "segment_index")
        groups = self.node_groups
        if groups is not None and not _names_groups(groups):
            raise InputError(
                f"node_groups must name the group of each node, such as {{'ch0001': 'sensory'}}, "
                f"got {groups!r:.60}."
            )

    def copied(self) -> RecordingSpec:
        """
        Say how the NWB file is read that a run was written into.

        Returns
        -------
        RecordingSpec
            Of a format other than NWB, the copy holds the one segment that was analysed, and
            the options have done their work.
        """
        options = self.options if self.adapter in (None, "nwb") else {}
        return RecordingSpec(adapter="nwb", options=options, node_groups=self.node_groups)


def _names_groups(groups: Any) -> bool:
    return isinstance(groups, Mapping) and all(
        isinstance(text, str) for pair in groups.items() for text in pair
    )
