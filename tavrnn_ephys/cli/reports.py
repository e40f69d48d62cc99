"""What a command says: text for people, one JSON document for machines."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tavrnn_ephys._version import __version__

__all__ = ["Report", "plain"]


@dataclass(frozen=True, kw_only=True)
class Report:
    """
    What a command says at its end.

    Parameters
    ----------
    text : str
        For people.
    facts : mapping of str to object
        The same for machines, by stable keys.
    status : int
        Exit status.
    """

    text: str
    facts: Mapping[str, Any] = field(default_factory=dict)
    status: int = 0

    def json(self, command: str, warned: Sequence[str] = ()) -> str:
        """
        Write the facts as one JSON document.

        Parameters
        ----------
        command : str
            Name of the command.
        warned : sequence of str
            Warnings.

        Returns
        -------
        str
            One object, ASCII only; NaN and infinity are null.

        Examples
        --------
        >>> json.loads(Report(text="Written", facts={"loss": float("nan")}).json("analyze"))
        {'command': 'analyze', 'version': ..., 'loss': None, 'warnings': []}
        """
        document = {"command": command, "version": __version__, **self.facts}
        return json.dumps(plain({**document, "warnings": list(warned)}), indent=2, allow_nan=False)


def plain(value: Any) -> Any:
    """
    Turn a value into what JSON knows.

    Parameters
    ----------
    value : object
        Numbers, text, paths, quantities, arrays, tables, containers of such.

    Returns
    -------
    object
        Dictionaries, lists, numbers, text, booleans and None; NaN and infinity are None, a table
        is a list of rows.

    Examples
    --------
    >>> plain({"score": float("nan"), "states": (1, 2)})
    {'score': None, 'states': [1, 2]}
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        names = [item.name for item in dataclasses.fields(value)]
        return {name: plain(getattr(value, name)) for name in names}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if hasattr(value, "to_dict") and hasattr(value, "columns"):
        return plain(value.to_dict(orient="records"))
    if hasattr(value, "dimensionality"):
        return str(value)
    if hasattr(value, "tolist"):
        return plain(value.tolist())
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value if value is None or isinstance(value, bool | int | str) else str(value)
