"""What the names of columns say: time or frame with its unit, channel or unit, amplitude."""

from __future__ import annotations

import re

__all__ = [
    "AMPLITUDES",
    "NODES",
    "SECONDS",
    "TIMES",
    "base_and_unit",
    "is_time",
    "names_a_spike_column",
]

# Factors of seconds; frames need a rate.
SECONDS = {
    "s": 1.0, "sec": 1.0, "secs": 1.0, "second": 1.0, "seconds": 1.0,
    "ms": 1e-3, "msec": 1e-3, "millisecond": 1e-3, "milliseconds": 1e-3,
    "us": 1e-6, "usec": 1e-6, "microsecond": 1e-6, "microseconds": 1e-6,
    "ns": 1e-9, "nanoseconds": 1e-9, "min": 60.0, "minutes": 60.0,
}  # fmt: skip
TIMES = {
    "time", "times", "t", "timestamp", "timestamps", "spike time", "spike times", "spiketime",
    "spiketimes", "ts", "spike timestamp", "spike timestamps", "",
}  # fmt: skip
_FRAMES = {
    "frame", "frames", "sample", "samples", "sample index", "frame no", "frame number",
    "sample number", "frame index", "spike frame", "spike frames", "spike sample",
    "spike samples", "frameno",
}  # fmt: skip
NODES = {
    **dict.fromkeys(
        ("channel", "channels", "ch", "chan", "channel id", "channel ids", "electrode",
         "electrodes", "electrode id", "site", "channel number", "chid", "channelid"), "channel"
    ),
    **dict.fromkeys(
        ("unit", "units", "unit id", "unit ids", "neuron", "neurons", "neuron id", "cell", "cells",
         "cell id", "cluster", "clusters", "cluster id", "spike clusters", "unitid", "neuronid"),
        "unit",
    ),
}  # fmt: skip
AMPLITUDES = {"amplitude", "amplitudes", "amp", "peak", "peak amplitude", "spike amplitude"}
_UNIT = re.compile(r"(.*?)(?:^|[\s_/.-]+|[(\[{])\s*([a-zA-Zµμ]+)\s*[)\]}]?")
_VOLTS = {"uv", "mv", "v", "nv"}


def base_and_unit(name: str) -> tuple[str, str]:
    """
    Split the name of a column into what it is and its unit.

    Parameters
    ----------
    name : str
        As people write it: ``"time_ms"``, ``"Time (s)"``, ``"timestamps [µs]"``, ``"Frame"``.

    Returns
    -------
    tuple of str
        Words in small letters with single blanks, and the unit: one of ``SECONDS``,
        ``"frames"``, a voltage, or nothing.

    Examples
    --------
    >>> [base_and_unit(name) for name in ("time_ms", "Timestamps [s]", "frame", "Unit ID")]
    [('time', 'ms'), ('timestamps', 's'), ('frame', 'frames'), ('unit id', '')]
    """
    text = name.strip().strip("\"'").strip()
    match = _UNIT.fullmatch(text)
    if match is not None:
        unit = match[2].lower().replace("µ", "u").replace("μ", "u")
        base = _words(match[1])
        if unit in SECONDS and base in TIMES or unit in _VOLTS:
            return base, unit
        if _words(match[2]) in _FRAMES and base in TIMES and base:
            return base, "frames"
    words = _words(text)
    return words, "frames" if words in _FRAMES else ""


def is_time(name: str) -> bool:
    """
    Say whether a name is that of a time or a frame.

    Parameters
    ----------
    name : str
        Name of a column.

    Returns
    -------
    bool
        True for a known word, or a unit of time alone.
    """
    base, unit = base_and_unit(name)
    # A column "min" alone is a minimum.
    return unit == "frames" or (base in TIMES and (bool(base) or unit not in ("", "min")))


def names_a_spike_column(name: str) -> bool:
    """
    Say whether a name is that of a time, a channel or unit, or an amplitude.

    Parameters
    ----------
    name : str
        Name of a column.

    Returns
    -------
    bool
        True if it is known.
    """
    base, _ = base_and_unit(name)
    return is_time(name) or base in NODES or base in AMPLITUDES


def _words(text: str) -> str:
    return re.sub(r"[\s_.-]+", " ", re.sub(r"(?<=[a-z])(?=[A-Z])", " ", text)).strip().lower()
