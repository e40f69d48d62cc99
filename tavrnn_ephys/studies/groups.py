"""Groups of nodes, from the command line or a file."""

from __future__ import annotations

from pathlib import Path

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.io.blocks.groups import with_node_groups

__all__ = ["read_groups", "with_node_groups"]


def read_groups(text: str) -> tuple[dict[str, str] | None, tuple[str, ...]]:
    """
    Read groups of nodes from the command line: names, or a file.

    Parameters
    ----------
    text : str
        Names of groups between commas, the reference first; or the path of a CSV file with the
        columns ``node_id`` and ``group``, in which the first group is the reference.

    Returns
    -------
    tuple of dict or None, and tuple of str
        Group of each node where a file says so, and the names of the groups.

    Raises
    ------
    InputError
        If the file does not exist or lacks a column, a node stands twice, or there is no name.

    Examples
    --------
    >>> read_groups("sensory,L_up")
    (None, ('sensory', 'L_up'))
    """
    import pandas as pd

    if not text.endswith(".csv"):
        names = tuple(name.strip() for name in text.split(",") if name.strip())
        if not names:
            raise InputError("--groups names no group. Write sensory,L_up or the path of a CSV.")
        return None, names
    path = Path(text)
    if not path.is_file():
        raise InputError(f"There is no file of groups '{text}'. Check the path.")
    try:
        table = pd.read_csv(path, dtype=str, keep_default_na=False)
    except (ValueError, UnicodeDecodeError) as error:
        raise InputError(f"The file of groups '{path.name}' is no CSV table: {error}.") from None
    absent = [name for name in ("node_id", "group") if name not in table]
    if absent or table.empty:
        raise InputError(
            f"The file of groups '{path.name}' needs rows and the columns node_id and group; it "
            f"has {some(table.columns)}."
        )
    twice = table["node_id"][table["node_id"].duplicated()].tolist()
    if twice:
        raise InputError(f"The file of groups '{path.name}' names {some(twice)} more than once.")
    groups = tuple(name for name in dict.fromkeys(table["group"]) if name)
    return dict(zip(table["node_id"], table["group"], strict=True)), groups
