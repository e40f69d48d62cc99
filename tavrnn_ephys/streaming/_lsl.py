"""What sources and sinks of the Lab Streaming Layer share."""

from __future__ import annotations

from typing import Any

from tavrnn_ephys.core.errors import InputError, MissingDependencyError

__all__ = ["import_pylsl", "labels_of", "resolve"]

_SECOND_S = 1.0


def import_pylsl() -> Any:
    """Import pylsl, or say what to install."""
    try:
        import pylsl
    except (ImportError, RuntimeError, OSError) as error:
        raise MissingDependencyError(
            "The Lab Streaming Layer needs pylsl, whose library needs glibc 2.35 or later on "
            f"Linux: pip install 'tavrnn_ephys[lsl]' ({error})."
        ) from None
    return pylsl


def resolve(name: str, source_id: str | None, timeout_s: float) -> Any:
    """Find the one stream of a name."""
    pylsl = import_pylsl()
    # The first answer is not waited for alone: a second stream of the name may answer later.
    found = pylsl.resolve_byprop("name", name, minimum=2, timeout=min(timeout_s, _SECOND_S))
    found = found or pylsl.resolve_byprop("name", name, minimum=1, timeout=timeout_s)
    wanted = [item for item in found if source_id is None or item.source_id() == source_id]
    senders = {item.source_id() for item in wanted}
    if not wanted:
        raise InputError(
            f"There is no LSL stream '{name}' within {timeout_s:g} s. Start its sender, or list "
            "what there is: tavrnn-ephys stream sources."
        )
    if len(wanted) > 1:
        raise InputError(
            f"{len(wanted)} LSL streams are called '{name}', from {', '.join(sorted(senders))}. "
            "Choose one: source_id=…."
        )
    return wanted[0]


def labels_of(about: Any) -> list[str]:
    """Read the labels of the channels; empty where there are none."""
    labels, channel = [], about.desc().child("channels").child("channel")
    while not channel.empty():
        labels.append(channel.child_value("label"))
        channel = channel.next_sibling("channel")
    return labels if len(labels) == about.channel_count() and all(labels) else []
