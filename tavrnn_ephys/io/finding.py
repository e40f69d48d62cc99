"""Which adapters there are, and which of them reads a file."""

from __future__ import annotations

from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from tavrnn_ephys.core.addresses import is_address, is_file_object, place_of
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.core.heaps import refuse_endless_heap
from tavrnn_ephys.io.protocols import Reader, ResultsStore

__all__ = ["find_adapter", "list_adapters", "results_store"]

ENTRY_POINT_GROUP = "tavrnn_ephys.adapters"


def list_adapters() -> dict[str, Reader]:
    """
    Load all installed adapters.

    Returns
    -------
    dict of str to Reader
        Adapters by name, in alphabetical order.

    Examples
    --------
    >>> adapters = list_adapters()
    >>> "nwb" in adapters, adapters["suite2p"].suffixes
    (True, ('.npy',))
    """
    found = entry_points(group=ENTRY_POINT_GROUP)
    return {point.name: point.load()() for point in sorted(found, key=lambda item: item.name)}


def find_adapter(path: Any, adapter: str | None = None) -> Reader:
    """
    Choose the adapter for a file, by its content first and by its ending second.

    Parameters
    ----------
    path : str, pathlib.Path or binary file object
        The file.
    adapter : str, optional
        Name of an adapter that is to be taken whatever the file looks like.

    Returns
    -------
    Reader
        The adapter.

    Raises
    ------
    FileFormatError
        If the file is missing, or no adapter suits it, or several do.
    InputError
        If there is no adapter of that name.
    """
    if is_address(path) or is_file_object(path):
        # A file that a server holds, or that is open already.
        able = {item.name: item for item in list_adapters().values() if _reads_addresses(item)}
        chosen = next(iter(able)) if adapter is None else adapter
        if chosen not in able:
            where = "an address" if is_address(path) else "an open file"
            raise InputError(
                f"The adapter '{chosen}' cannot read '{place_of(path).name}' from {where}. "
                "Download the file first, and read the copy."
            )
        return able[chosen]
    file = Path(path)
    if not file.exists():
        raise FileFormatError(f"There is no file '{file}'. Check the path.")
    adapters = list_adapters()
    if file.is_dir():
        adapters = {
            name: item for name, item in adapters.items() if getattr(item, "reads_folders", False)
        }
        known = any(item.recognises(file) for item in adapters.values())
        if not known and adapter not in adapters:
            raise FileFormatError(
                f"'{file}' is not a file. Name the recording's own file, or hear what the folder "
                f'lacks from its adapter ({", ".join(adapters)}): adapter="…", on the command '
                "line --adapter."
            )
    elif not file.is_file():
        raise FileFormatError(f"'{file}' is not a file. Name the recording's own file.")
    else:
        refuse_endless_heap(file)
    if adapter is not None:
        if adapter not in adapters:
            raise InputError(
                f"There is no adapter '{adapter}'. Choose one of {', '.join(adapters)}."
            )
        return adapters[adapter]
    suiting = [item for item in adapters.values() if item.recognises(file)]
    if len(suiting) > 1:
        names = ", ".join(item.name for item in suiting)
        raise FileFormatError(
            f"'{file.name}' suits {len(suiting)} adapters: {names}. "
            f'Choose one: adapter="{suiting[0].name}".'
        )
    # Content that no adapter recognises still has an ending: the adapter of that
    # ending knows best what is wrong with the file.
    if not suiting:
        ending = file.name.lower().endswith
        suiting = [item for item in adapters.values() if any(map(ending, item.suffixes))]
    if len(suiting) > 1:
        names = ", ".join(item.name for item in suiting)
        raise FileFormatError(
            f"'{file.name}' lacks what each adapter of its ending looks for ({names}), or is "
            f'damaged. Name one to hear what it misses: adapter="{suiting[-1].name}".'
        )
    if not suiting:
        raise FileFormatError(
            f"No adapter reads '{file.name}': its content is of none of the known formats "
            f"({', '.join(adapters)}). Convert it, or name its adapter."
        )
    return suiting[0]


def _reads_addresses(adapter: Reader) -> bool:
    return bool(getattr(adapter, "reads_addresses", False))


def results_store() -> ResultsStore:
    """
    Find the adapter that keeps results beside recordings.

    Returns
    -------
    ResultsStore
        The adapter for NWB files.

    Raises
    ------
    InputError
        If it is not installed.
    """
    store: ResultsStore = with_ability(ResultsStore, "nwb")
    return store


def with_ability(ability: Any, name: str) -> Any:
    """
    Give the adapter of a name that can do what a protocol asks.

    Parameters
    ----------
    ability : type
        A protocol of :mod:`tavrnn_ephys.io.protocols`.
    name : str
        Name of the adapter.

    Returns
    -------
    object
        The adapter.

    Raises
    ------
    InputError
        If it is not installed.
    """
    adapter = list_adapters().get(name)
    if not isinstance(adapter, ability):
        raise InputError(
            f"The adapter '{name}' is not installed. Install the package again: pip install -e ."
        )
    return adapter
