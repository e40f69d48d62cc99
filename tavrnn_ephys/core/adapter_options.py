"""Options of adapters and measures, as written on the command line and stored with results."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from tavrnn_ephys.core.errors import InputError

__all__ = ["option_text", "parse_options"]

_QUANTITY = re.compile(r"([-+]?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*([A-Za-zµ]*)")
_UNITS = ("Hz", "kHz", "s", "ms", "us", "min", "h", "um", "mm", "uV", "mV", "V")


def parse_options(texts: Sequence[str], *, example: str = "sampling_rate=30Hz") -> dict[str, Any]:
    """
    Read options of an adapter or a measure as they are written on the command line.

    Parameters
    ----------
    texts : sequence of str
        ``NAME=VALUE`` each.  A value is a number, a number with a unit, true, false, a list
        with commas, or text.
    example : str
        What a message shows as one.

    Returns
    -------
    dict of str to object
        Values by name.

    Raises
    ------
    InputError
        If a text has no name.

    Examples
    --------
    >>> parse_options(["cells=all", "sampling_rate=30Hz", "allow_pickle=true", "wells=A1,B2"])
    {'cells': 'all', 'sampling_rate': array(30.) * Hz, 'allow_pickle': True, 'wells': ['A1', 'B2']}
    """
    options = {}
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals or not name.strip().isidentifier():
            raise InputError(f"'{text}' is no option. Write NAME=VALUE, such as {example}.")
        options[name.strip()] = _value(value.strip())
    return options


def option_text(value: Any) -> str:
    """
    Write an option as :func:`parse_options` reads it.

    Parameters
    ----------
    value : object
        Number, quantity, boolean, text or list of such.

    Returns
    -------
    str
        What stands behind ``NAME=``.

    Examples
    --------
    >>> option_text(parse_options(["t_stop=2.5min"])["t_stop"])
    '2.5 min'
    """
    if isinstance(value, list | tuple):
        return ",".join(option_text(item) for item in value)
    unit = getattr(value, "dimensionality", None)
    return str(value) if unit is None else f"{float(value.magnitude)!r} {unit.string}"


def _value(text: str) -> Any:
    import quantities as pq

    if text.lower() in ("true", "false"):
        return text.lower() == "true"
    if "," in text:
        return [_value(part.strip()) for part in text.split(",") if part.strip()]
    match = _QUANTITY.fullmatch(text)
    if match is None:
        return text
    number, unit = match[1], match[2].replace("µ", "u")
    if unit in _UNITS:
        return pq.Quantity(float(number), unit)
    if unit:
        return text
    return int(number) if number.lstrip("+-").isdigit() else float(number)
