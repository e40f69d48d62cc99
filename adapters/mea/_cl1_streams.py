"""Data streams of CL1 recordings: MessagePack messages become behaviour signals and events."""

from __future__ import annotations

import json
import pickletools
from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import msgpack
import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._hdf5 import file_name, load_columns
from tavrnn_ephys.adapters.mea._parts import choose, in_span
from tavrnn_ephys.core.errors import FileFormatError
from tavrnn_ephys.io.blocks import make_signal

if TYPE_CHECKING:
    import neo

__all__ = ["pickled_values", "read_streams"]

_INDEX = {"timestamp": "iu", "start_index": "iu", "end_index": "iu"}
_TEXT_CODES = {"UNICODE", "BINUNICODE", "SHORT_BINUNICODE", "BINUNICODE8"}
_VALUE_CODES = _TEXT_CODES | {"INT", "BININT", "BININT1", "BININT2", "LONG", "LONG1", "FLOAT",
                              "BINFLOAT"}  # fmt: skip
_FIXED = {"NEWTRUE": True, "NEWFALSE": False, "NONE": None}
_CONTAINERS = {"DICT", "EMPTY_DICT", "LIST", "EMPTY_LIST", "TUPLE", "EMPTY_TUPLE", "TUPLE1",
               "TUPLE2", "TUPLE3"}  # fmt: skip
_HARMLESS = {"PROTO", "FRAME", "MARK", "PUT", "BINPUT", "LONG_BINPUT", "MEMOIZE", "GET", "BINGET",
             "LONG_BINGET", "SETITEM", "SETITEMS", "APPEND", "APPENDS", "STOP"}  # fmt: skip


def pickled_values(content: Any) -> dict[str, Any]:
    """
    Find the plain values in a mapping that PyTables pickled, without unpickling it.

    Parameters
    ----------
    content : bytes or str
        The pickle, or anything else.

    Returns
    -------
    dict of str to object
        Text, numbers and truth values by key; empty if the content is anything else.
    """
    raw = content.encode("latin-1", "ignore") if isinstance(content, str) else content
    if not isinstance(raw, bytes) or not raw:
        return {}
    values: list[Any] = []
    n_containers = 0
    try:
        # pickletools lists instructions and carries out none of them.
        for code, argument, _ in pickletools.genops(raw):
            if code.name in _VALUE_CODES:
                values.append(argument)
            elif code.name in _FIXED:
                values.append(_FIXED[code.name])
            elif code.name in _CONTAINERS:
                n_containers += 1
            elif code.name not in _HARMLESS:
                return {}
    except Exception:
        return {}
    if n_containers == 1:
        pairs = list(zip(values[::2], values[1::2], strict=False))
    else:
        # Among nested containers, only a number behind a text is sure to be its value.
        pairs = [pair for pair in pairwise(values) if not isinstance(pair[1], str)]
    return {key: value for key, value in pairs if isinstance(key, str)}


def read_streams(
    file: Any,
    wanted: Sequence[str] | None,
    origin: int,
    rate_hz: float,
    span: tuple[float, float],
) -> list[neo.IrregularlySampledSignal | neo.Event]:
    """
    Read the messages of data streams within a span.

    Parameters
    ----------
    file : h5py.File
        The recording.
    wanted : sequence of str, optional
        Names of streams; all by default.
    origin : int
        Timestamp of 0 s.
    rate_hz : float
        Timestamps per second.
    span : tuple of float
        Limits in seconds.

    Returns
    -------
    list of neo.IrregularlySampledSignal or neo.Event
        Numbers as behaviour signals, the rest as events.

    Raises
    ------
    FileFormatError
        If an index points outside its data, or a message cannot be decoded.
    """
    known = sorted(file["data_stream"]) if "data_stream" in file else []
    if wanted is not None and len(wanted) == 0:
        return []
    found: list[Any] = []
    for index in choose(wanted, known, "data stream", file_name(file)) if known or wanted else []:
        times_s, messages = _messages(file["data_stream"], known[index], origin, rate_hz, span)
        found += _objects(known[index], times_s, messages)
    return found


def _messages(
    group: Any, name: str, origin: int, rate_hz: float, span: tuple[float, float]
) -> tuple[NDArray[np.float64], list[Any]]:
    index = load_columns(group, f"{name}/index", _INDEX)
    times_s = (index["timestamp"].astype(np.int64) - origin) / rate_hz
    order = np.argsort(times_s, kind="stable")
    order = order[in_span(times_s[order], span)]
    starts = index["start_index"][order].astype(np.int64)
    stops = index["end_index"][order].astype(np.int64)
    data = group[name].get("data")
    where = f"The data stream '{name}' of '{file_name(group)}'"
    size = 0 if data is None or data.dtype != np.uint8 or data.ndim != 1 else data.shape[0]
    if np.any(starts < 0) or np.any(stops < starts) or np.any(stops > size):
        raise FileFormatError(
            f"{where} has an index that points outside its {size} bytes. The file is cut short or "
            "damaged; leave the stream out with streams=[…]."
        )
    if len(order) == 0:
        return times_s[order], []
    first = int(starts.min())
    content = data[first : int(stops.max())].tobytes()
    try:
        messages = [
            msgpack.unpackb(
                content[start - first : stop - first], raw=False, strict_map_key=False,
                object_hook=_array,
            )
            for start, stop in zip(starts.tolist(), stops.tolist(), strict=True)
        ]  # fmt: skip
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FileFormatError(
            f"{where} holds a message that is no MessagePack ({reason}). The file is damaged; "
            "leave the stream out with streams=[…]."
        ) from error
    return times_s[order], messages


def _array(message: dict[Any, Any]) -> Any:
    """Turn what msgpack-numpy made of an array back into lists; pickled objects stay out."""
    if b"nd" not in message:
        return message
    if message.get(b"kind") == b"O":
        return "object array"
    values = np.frombuffer(message[b"data"], dtype=np.dtype(message[b"type"]))
    return values.reshape(message.get(b"shape", ())).tolist()


def _objects(
    name: str, times_s: NDArray[np.float64], messages: list[Any]
) -> list[neo.IrregularlySampledSignal | neo.Event]:
    if messages and all(isinstance(message, dict) for message in messages):
        fields = dict.fromkeys(str(key) for message in messages for key in message)
        rows = [{str(key): value for key, value in message.items()} for message in messages]
    else:
        fields, rows = {"": None}, [{"": message} for message in messages]
    numeric = {
        key: column
        for key in fields
        if (column := _numbers([row.get(key) for row in rows])) is not None
    }
    found: list[Any] = []
    if numeric:
        found.append(
            make_signal(
                np.column_stack(list(numeric.values())), name=name, role="behavior",
                times_s=times_s, columns=list(numeric) if len(numeric) > 1 or "" not in numeric
                else (),
            )
        )  # fmt: skip
    for key in fields:
        if key not in numeric and messages:
            found.append(_event(f"{name}_{key}" if key else name, times_s, rows, key))
    return found


def _numbers(values: list[Any]) -> NDArray[np.float64] | None:
    """Values as numbers, or None if one of them is missing or no finite number."""
    if not values or not all(isinstance(value, int | float) for value in values):
        return None
    try:
        column = np.array(values, dtype=np.float64)
    except OverflowError:
        return None
    return column if np.isfinite(column).all() else None


def _event(
    name: str, times_s: NDArray[np.float64], rows: list[dict[str, Any]], key: str
) -> neo.Event:
    import neo
    import quantities as pq

    kept = [index for index, row in enumerate(rows) if row.get(key) is not None]
    labels = [_label(rows[index][key]) for index in kept]
    return neo.Event(times_s[kept] * pq.s, labels=np.array(labels, dtype=str), name=name)


def _label(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, default=str, sort_keys=False)
