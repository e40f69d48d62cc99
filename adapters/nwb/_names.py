"""Names that reading, writing and results must agree on, with what they mean in the file."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from tavrnn_ephys.core.runs import DEFAULT_RUN

__all__ = [
    "CHOSEN_COMMENT",
    "COLUMNS_COMMENT",
    "METADATA",
    "NODE_COLUMNS",
    "PARTS",
    "ROI_NAME",
    "ROOT_OF_ATLAS",
    "RUN_COMMENT",
    "SUBJECT_FIELDS",
    "UNIT_NAME",
    "UNKNOWN",
    "is_free_name",
    "is_windows_of_a_run",
    "known_place",
    "known_text",
    "nwb_unit",
    "quantities_unit",
    "table_name",
]

# The tables of a run, in the order in which they are written; further tables follow.
PARTS = ("nodes", "windows", "connectivity", "graphs", "provenance")
_PREFIX = "tavrnn"

UNIT_NAME = "unit_name"
ROI_NAME = "roi_name"
NODE_COLUMNS = {
    UNIT_NAME: "Name of the unit in the recording that this file was written from.",
    ROI_NAME: "Name of the ROI in the recording that this file was written from.",
    "node_kind": "What a row of this table records: 'unit' (sorted putative neuron), "
    "'channel' (all spikes detected at one recording site) or 'roi' (segmented cell).",
    "node_group": "Subregion of the network that the row belongs to, such as 'sensory' or "
    "'R_up'; empty where there is none.",
    "position_um": "Position of the ROI in micrometres: x, y and, where a third value stands, z.",
}

# Marks the time series of a run, which are results and no behaviour.
RUN_COMMENT = "Result of tavrnn_ephys."

UNKNOWN = "unknown"
# The term of the Allen mouse atlas that holds all others, so that it says nothing of a place.
ROOT_OF_ATLAS = "root"
COLUMNS_COMMENT = "columns: "
# Tells the traces to analyse from the others of the same ROIs.
CHOSEN_COMMENT = "These traces are the ones to analyse."

# Fields of an NWBFile that travel as annotations of the block under the same name.
METADATA = (
    "experiment_description",
    "experimenter",
    "identifier",
    "institution",
    "keywords",
    "lab",
    "notes",
    "protocol",
    "related_publications",
    "session_description",
    "session_id",
)
SUBJECT_FIELDS = (
    "age", "date_of_birth", "description", "genotype", "sex", "species", "strain", "subject_id",
    "weight",
)  # fmt: skip

_MISSING_TEXTS = {"", "unknown", "n/a", "na", "none", "nan", "no description"}
_PLAIN_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")

# NWB spells units out.  Only these products of names and small powers reach quantities'
# parser, which evaluates its argument as Python.
_UNIT_FACTOR = r"(?:1|[A-Za-zµ%]+(?:\*\*-?[1-9])?)"
_UNIT = re.compile(rf"{_UNIT_FACTOR}(?:[*/]{_UNIT_FACTOR})*")
_NWB_UNITS = {
    "dimensionless": "n.a.",
    "V": "volts",
    "m": "meters",
    "cm": "centimeters",
    "mm": "millimeters",
    "um": "micrometers",
    "deg": "degrees",
    "rad": "radians",
}


def known_text(value: Any) -> str:
    """
    Return a text, or an empty one for the spellings of "not known".

    Parameters
    ----------
    value : object
        Text from a file.

    Returns
    -------
    str
        The text without surrounding white space.

    Examples
    --------
    >>> known_text("CA1 "), known_text("unknown")
    ('CA1', '')
    """
    text = value.decode() if isinstance(value, bytes) else str(value if value is not None else "")
    return "" if text.strip().lower() in _MISSING_TEXTS else text.strip()


def known_place(value: Any) -> str:
    """
    Return the name of a place in the brain, or an empty text where it is not known.

    Parameters
    ----------
    value : object
        Text from a file.

    Returns
    -------
    str
        The name; empty also for the root of an atlas, which holds every place.

    Examples
    --------
    >>> known_place("CA1"), known_place("root")
    ('CA1', '')
    """
    text = known_text(value)
    return "" if text == ROOT_OF_ATLAS else text


def table_name(run: str, part: str) -> str:
    """
    Name a table of a run.

    Parameters
    ----------
    run : str
        The run.
    part : str
        Which part of it.

    Returns
    -------
    str
        Name of the NWB object.

    Examples
    --------
    >>> table_name("default", "windows"), table_name("paper", "windows")
    ('tavrnn_windows', 'tavrnn_paper_windows')
    """
    return f"{_PREFIX}_{part}" if run == DEFAULT_RUN else f"{_PREFIX}_{run}_{part}"


def is_windows_of_a_run(name: str) -> bool:
    """
    Say whether intervals are results rather than part of the recording.

    Parameters
    ----------
    name : str
        Name of the intervals.

    Returns
    -------
    bool
        True for the names that :func:`table_name` gives to windows, to their intervals, and to
        further tables, such as the stays in network states.
    """
    is_table = "_table_" in name or name.endswith(("_windows", "_intervals"))
    return name.startswith(f"{_PREFIX}_") and is_table


def is_free_name(name: str, table_class: type) -> bool:
    """
    Say whether a further column of a table can have a name.

    Parameters
    ----------
    name : str
        Name of the column.
    table_class : type
        Class of the table, whose attributes and standard columns it must not hide.

    Returns
    -------
    bool
        True for letters, digits and underscores after a letter that are not taken.
    """
    standard = {column["name"] for column in getattr(table_class, "__columns__", ())}
    is_plain = _PLAIN_NAME.fullmatch(name) is not None
    return is_plain and name not in standard and not hasattr(table_class, name)


def nwb_unit(unit: str) -> str:
    """
    Spell a unit of ``quantities`` as NWB does.

    Parameters
    ----------
    unit : str
        Unit such as ``"V"``.

    Returns
    -------
    str
        Unit such as ``"volts"``; ``"n.a."`` for what has none.
    """
    return _NWB_UNITS.get(unit, unit)


def quantities_unit(text: str) -> str | None:
    """
    Find the unit of ``quantities`` that a text of a file means.

    Parameters
    ----------
    text : str
        Unit as it stands in the file.

    Returns
    -------
    str or None
        A unit that ``quantities`` knows, None where the text is none.

    Examples
    --------
    >>> quantities_unit("meters"), quantities_unit("n.a.")
    ('m', None)
    """
    import quantities as pq

    if _UNIT.fullmatch(text.strip()) is None:
        return None
    try:
        quantity = pq.Quantity(np.float64(1.0), text.strip())
    except (LookupError, SyntaxError, TypeError, ValueError):
        return None
    return quantity.dimensionality.string
