"""Is this file a list of spikes?  Strict, since many formats are tables of numbers."""

from __future__ import annotations

import re
import zipfile
from pathlib import Path

from tavrnn_ephys.adapters.mea.axion import AxionAdapter
from tavrnn_ephys.adapters.tables._loading import load_table
from tavrnn_ephys.adapters.tables._names import NODES, base_and_unit, is_time
from tavrnn_ephys.adapters.tables._roles import ascends, guess_roles
from tavrnn_ephys.adapters.tables._text_tables import Table, first_lines, text_names, text_table

__all__ = ["is_spike_table"]

_TEXT = (".csv", ".tsv", ".txt", ".dat")
_KEY = re.compile(r'"([^"\\]{1,40})"\s*:')
_LIST_OF_PAIRS = re.compile(r"\s*\[\s*\[\s*-?[\d.eE+-]+\s*,\s*(\"[^\"]*\"|-?[\d.eE+-]+)\s*[],]")
_SPIKES = re.compile(r'"(spikes|spike_times)"\s*:\s*(\[\s*[\[{]|\{)')
# Fewer rows tell nothing by their values.
_FEWEST_ROWS = 3
_SMALL_BYTES = 2**28


def is_spike_table(path: Path) -> bool:
    """
    Say whether a file holds a list of spikes; never raise.

    Parameters
    ----------
    path : pathlib.Path
        Any path.

    Returns
    -------
    bool
        True if the names of its columns, or the values where there are none, tell a time and a
        channel or unit apart.
    """
    try:
        with path.open("rb") as stream:
            head = stream.read(8)
        if head.startswith(b"PAR1"):
            return True
        if head.startswith(b"\x93NUMPY"):
            return path.stat().st_size < _SMALL_BYTES and _is_list(load_table(path))
        if head.startswith(b"PK"):
            with zipfile.ZipFile(path) as archive:
                names = [item.filename.removesuffix(".npy") for item in archive.infolist()]
            return _name_a_spike(names)
        text = first_lines(path)
        if text is None:
            return False
        if text.lstrip()[:1] in ("{", "["):
            return _is_json(text)
        if not path.name.lower().endswith(_TEXT) or AxionAdapter().recognises(path):
            return False
        names = text_names(text)
        return _name_a_spike(names) if names else _is_list(text_table(text))
    except Exception:
        return False


def _is_json(text: str) -> bool:
    keys = [key for key in dict.fromkeys(_KEY.findall(text))][:200]
    if text.lstrip()[0] == "{":
        return _SPIKES.search(text) is not None or _name_a_spike(keys)
    return _LIST_OF_PAIRS.match(text) is not None or _name_a_spike(keys)


def _is_list(table: Table) -> bool:
    if table.names:
        return _name_a_spike(table.names)
    roles = guess_roles(table) if len(table) >= _FEWEST_ROWS else None
    # A list that a script wrote ascends; a share per cell, such as suite2p's, does not.
    return roles is not None and ascends(table.columns[roles.time])


def _name_a_spike(names: list[str]) -> bool:
    """Whether one name is that of a channel or unit, and another that of a time."""
    return any(base_and_unit(name)[0] in NODES for name in names) and any(map(is_time, names))
