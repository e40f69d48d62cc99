"""
Which runs a file holds, read from the file itself rather than through PyNWB.

So that runs can be listed and deleted also in a file that PyNWB no longer opens, as after the
units were deleted that a run points to.  Groups of HDF5 and of Zarr are read alike.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._encoding import Row, read_options
from tavrnn_ephys.adapters.nwb._run_provenance import FORMAT_VERSION
from tavrnn_ephys.core.errors import FileFormatError, InputError, OutputError
from tavrnn_ephys.core.runs import DEFAULT_RUN, Placement

__all__ = [
    "RunEntry",
    "choose_run",
    "find_runs",
    "option_texts",
    "plain_values",
    "require_free_name",
    "require_intact",
]


@dataclass(frozen=True, kw_only=True)
class RunEntry:
    """
    Where a run stands.

    Parameters
    ----------
    name, module : str
        Names of the run and of its processing module.
    tables : dict of str to str
        Name of the NWB object of each part.
    options : dict of str to object
        Its provenance.
    """

    name: str
    module: str
    tables: dict[str, str]
    options: dict[str, Any]

    @property
    def format_version(self) -> int:
        """Version of the layout."""
        return int(self.options.get("format_version", 1))

    def group(self, root: Any, part: str) -> Any:
        """
        Give the group of a part.

        Parameters
        ----------
        root : h5py.File or zarr.Group
            The file.
        part : str
            Which part.

        Returns
        -------
        h5py.Group or zarr.Group
            The group.
        """
        return root["processing"][self.module][self.tables[part]]


def find_runs(root: Any) -> dict[str, RunEntry]:
    """
    Find the runs of a file.

    Parameters
    ----------
    root : h5py.File or zarr.Group
        The file.

    Returns
    -------
    dict of str to RunEntry
        Runs by name, in the order of their writing.

    Raises
    ------
    FileFormatError
        If the provenance of a run is damaged.
    """
    found = []
    for module in root["processing"] if "processing" in root else ():
        group = root["processing"][module]
        for name in list(group):
            if name.startswith("tavrnn") and name.endswith("provenance"):
                entry = _entry(group, str(module), str(name))
                if entry is not None:
                    found.append(entry)
    found.sort(key=lambda entry: (str(entry.options.get("created", "")), entry.name))
    return {entry.name: entry for entry in found}


def _entry(module_group: Any, module: str, name: str) -> RunEntry | None:
    table = module_group[name]
    if not all(column in table for column in ("key", "value", "type")):
        return None
    columns = [option_texts(table[column]) for column in ("key", "value", "type")]
    rows: list[Row] = list(zip(*columns, strict=True))
    try:
        options = read_options(rows)
    except FileFormatError:
        raise
    except Exception:
        raise FileFormatError(
            f"The provenance '{name}' of a run is damaged, so that its arrays cannot be told. "
            "Write the run again from the recording."
        ) from None
    if options.get("software") != "tavrnn_ephys":
        return None
    tables = {
        key.removeprefix("tables."): str(value)
        for key, value in options.items()
        if key.startswith("tables.")
    }
    if not tables:  # The first layout knew one run with three tables.
        tables = {part: f"tavrnn_{part}" for part in ("windows", "nodes", "provenance")}
    return RunEntry(
        name=str(options.get("run", DEFAULT_RUN)),
        module=module,
        tables={**tables, "provenance": name},
        options=options,
    )


def option_texts(dataset: Any) -> list[str]:
    """
    Read a column of text.

    Parameters
    ----------
    dataset : h5py.Dataset or zarr.Array
        The column.

    Returns
    -------
    list of str
        Its values.
    """
    return [value.decode() if isinstance(value, bytes) else str(value) for value in dataset[:]]


def plain_values(values: Any) -> NDArray[Any]:
    """
    Turn what HDF5 or Zarr hold into numbers or text.

    Parameters
    ----------
    values : array_like
        Values read from a dataset.

    Returns
    -------
    numpy.ndarray
        Numbers, booleans or ``str``.
    """
    array = np.asarray(values)
    if array.dtype.kind not in "OSU":
        return array
    texts = [item.decode() if isinstance(item, bytes) else str(item) for item in array.ravel()]
    return np.array(texts, dtype=str).reshape(array.shape)


def choose_run(runs: dict[str, RunEntry], name: str | None, file_name: str) -> RunEntry:
    """
    Choose a run: the named one, else the only one, else the default one.

    Parameters
    ----------
    runs : dict of str to RunEntry
        Runs of the file.
    name : str, optional
        Name of the run.
    file_name : str
        Name of the file, for the message.

    Returns
    -------
    RunEntry
        The run.

    Raises
    ------
    FileFormatError
        If there is no run.
    InputError
        If there is none of that name, or several and none is named.
    """
    if not runs:
        raise FileFormatError(
            f"'{file_name}' holds no results of tavrnn_ephys. Analyse the recording first: "
            "tavrnn-ephys analyze."
        )
    if name is None and len(runs) == 1:
        return next(iter(runs.values()))
    if name is None and DEFAULT_RUN not in runs:
        raise InputError(
            f"'{file_name}' holds {len(runs)} runs: {', '.join(runs)}. "
            f'Choose one: run="{next(iter(runs))}", on the command line --run.'
        )
    chosen = DEFAULT_RUN if name is None else name
    if chosen not in runs:
        raise InputError(f"'{file_name}' holds no run '{chosen}'. It holds: {', '.join(runs)}.")
    return runs[chosen]


def require_free_name(
    runs: dict[str, RunEntry], placement: Placement, file_name: str
) -> RunEntry | None:
    """
    Refuse a run whose name is taken, unless it is to be replaced.

    Parameters
    ----------
    runs : dict of str to RunEntry
        Runs of the file.
    placement : Placement
        Name of the run to be written, and whether one is replaced.
    file_name : str
        Name of the file, for the message.

    Returns
    -------
    RunEntry or None
        The run to be replaced; None where the name is free.

    Raises
    ------
    OutputError
        If there is a run of that name, and that is not to be replaced.
    """
    existing = runs.get(placement.run)
    if existing is not None and not placement.replace:
        raise OutputError(
            f"'{file_name}' already holds a run '{placement.run}'. Give this one another "
            'name: run="…", on the command line --run NAME; or replace it: replace=True, '
            "--replace."
        )
    return existing


def require_intact(root: Any, entry: RunEntry, file_name: str) -> None:
    """
    Refuse a run that is newer than this package, or whose tables or units are gone.

    Parameters
    ----------
    root : h5py.File or zarr.Group
        The file.
    entry : RunEntry
        The run.
    file_name : str
        Name of the file, for the message.

    Raises
    ------
    FileFormatError
        If it cannot be read.
    """
    if entry.format_version > FORMAT_VERSION:
        raise FileFormatError(
            f"The run '{entry.name}' of '{file_name}' was written by tavrnn_ephys "
            f"{entry.options.get('software_version', '')}, whose layout {entry.format_version} is "
            f"newer than {FORMAT_VERSION}, which is known here. Update the package."
        )
    module = root["processing"][entry.module]
    missing = [name for name in entry.tables.values() if name not in module]
    if missing:
        raise FileFormatError(
            f"The run '{entry.name}' of '{file_name}' lacks its table '{missing[0]}'. Delete what "
            f"is left, and analyse again: tavrnn-ephys runs {file_name} --delete {entry.name}."
        )
    _require_source(root, entry, file_name)


def _require_source(root: Any, entry: RunEntry, file_name: str) -> None:
    nodes = entry.group(root, "nodes")
    if "source_row" not in nodes or "table" not in nodes["source_row"].attrs:
        return
    way_out = (
        f"Put it back, or delete the run: tavrnn-ephys runs {file_name} --delete {entry.name}."
    )
    table = _target(root, nodes["source_row"].attrs["table"])
    name = entry.options.get("node_table", "")
    if table is None:
        raise FileFormatError(
            f"The table '{name}' that the nodes of the run '{entry.name}' point to was removed "
            f"from '{file_name}'. {way_out}"
        )
    rows = np.asarray(nodes["source_row"][:])
    if rows.max() >= len(table["id"]):
        raise FileFormatError(
            f"The run '{entry.name}' of '{file_name}' points to row {rows.max()} of its table "
            f"'{name}', which has {len(table['id'])} rows now. {way_out}"
        )


def _target(root: Any, reference: Any) -> Any | None:
    """Follow a reference of HDF5, or of HDMF's convention in Zarr; None where it dangles."""
    try:
        if isinstance(reference, dict):
            return root[str(reference["value"]["path"]).lstrip("/")]
        target = root[reference]
        # A reference outlives what it points to; only what has a name is still in the file.
        return target if target.name is not None and "id" in target else None
    except Exception:
        return None
