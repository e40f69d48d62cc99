"""
Spike times of an array with electrode positions: the HDF5 layout of the retinal-wave archive.

The layout of Eglen et al. (2014), GigaScience 3, 3: ``/spikes`` holds the spike times of all
units one after the other in seconds, ``/sCount`` their numbers, ``/epos`` (2 x n_units) the
electrode positions in micrometres, ``/names`` the names, ``/array`` the kind of array,
``/summary/duration`` the length in seconds and ``/meta`` what is known of the culture.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._hdf5 import has_items, load, open_hdf5
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.core.names import several
from tavrnn_ephys.io.blocks import make_spiketrain
from tavrnn_ephys.io.outlines import Outline

if TYPE_CHECKING:
    import neo

__all__ = ["SpikeHdf5Adapter"]

_NEEDED = ("spikes", "sCount", "epos", "names")

# Ch12.7 and ch_25 name electrodes; ch_25a and ch_13_unit_0 name units sorted on them.
_CHANNEL_NAME = re.compile(r"ch_?\d+(\.\d+)?", re.IGNORECASE)
_SPECIES = {"human": "Homo sapiens", "mouse": "Mus musculus", "rat": "Rattus norvegicus"}


class SpikeHdf5Adapter:
    """
    Spike times with electrode positions in HDF5, the layout of the retinal-wave archive.

    Examples
    --------
    >>> SpikeHdf5Adapter().suffixes
    ('.h5', '.hdf5')
    """

    name = "spike_hdf5"
    description = "MEA spike times with electrode positions (HDF5 of the retinal-wave archive)"
    suffixes: tuple[str, ...] = (".h5", ".hdf5")
    choices: Mapping[str, str] = MappingProxyType({})
    nothing_to_choose = "A file holds one list of spikes, and their names tell channels from units."

    def recognises(self, path: Path) -> bool:
        """
        Say whether a file has this layout.

        Parameters
        ----------
        path : pathlib.Path
            An existing file.

        Returns
        -------
        bool
            True for an HDF5 file with ``/spikes``, ``/sCount``, ``/epos`` and ``/names``.
        """
        return has_items(path, _NEEDED)

    def read(self, path: Path, **options: Any) -> neo.Block:
        """
        Read the spike trains, positions and metadata of a file.

        Parameters
        ----------
        path : pathlib.Path
            The file, which is opened read-only.
        **options : object
            None; an unknown option is refused.

        Returns
        -------
        neo.Block
            One segment from 0 s to the duration that the file states, or to just behind the
            last spike if that is later.  Names such as ``Ch1.16`` are channels, names such as
            ``ch_25a`` or ``ch_13_unit_0`` units.  The block is annotated with ``array`` and
            with everything in ``/meta``, and again in NWB's terms: species, age and genotype as
            ``subject``, all else as ``notes``.  Ages are postnatal days; beside ``DIV0``, and of
            human cells, they are days in vitro, which NWB knows no field for.

        Raises
        ------
        FileFormatError
            If the file is damaged, of another layout, or contradicts itself.
        InputError
            If an option is given.
        """
        path = Path(path)
        with _opened(path, options) as file:
            nodes = _nodes(file, path.name)
            times = _spike_times(file, nodes, path.name)
            duration_s = _duration_s(file, path.name)
            about = _metadata(file)
        return _block(path, nodes, times, duration_s, about)

    def outline(self, path: Path, **options: Any) -> tuple[Outline, ...]:
        """
        Say how many nodes a file holds, and how long it is, from names and last spikes.

        Parameters
        ----------
        path : pathlib.Path
            The file.
        **options : object
            None; an unknown option is refused.

        Returns
        -------
        tuple of Outline
            One segment.
        """
        path = Path(path)
        with _opened(path, options) as file:
            nodes = _nodes(file, path.name)
            counts = np.asarray(load(file, "sCount"), dtype=np.int64)
            last = np.cumsum(counts)[counts > 0] - 1
            spikes = file["spikes"]
            times = spikes[last] if len(last) and last[-1] < spikes.shape[0] else [0.0]
            stop_s = max(_duration_s(file, path.name), float(np.max(times)))
        return (Outline(n_nodes=len(nodes), t_start_s=0.0, t_stop_s=stop_s),)


@contextmanager
def _opened(path: Path, options: Mapping[str, Any]) -> Iterator[Any]:
    if options:
        raise InputError(
            f"The adapter 'spike_hdf5' has no option {some(sorted(options))}. It has: none."
        )
    with open_hdf5(path) as file:
        missing = [name for name in _NEEDED if name not in file]
        if missing:
            raise FileFormatError(
                f"'{path.name}' lacks {some(missing)}, which spike times of this layout need. "
                "Name the adapter of its format."
            )
        yield file


def _nodes(file: Any, file_name: str) -> Nodes:
    names = np.array([_text(name) for name in np.ravel(load(file, "names", kinds="SO"))], dtype=str)
    positions = load(file, "epos").astype(np.float64)
    if len(names) == 0:
        raise FileFormatError(f"'{file_name}' lists no units. Check the spike detection.")
    unique, counts = np.unique(names, return_counts=True)
    if np.any(counts > 1):
        raise FileFormatError(
            f"'{file_name}' uses names of units more than once: {some(unique[counts > 1])}. "
            "Make /names unique."
        )
    if positions.shape != (2, len(names)):
        raise FileFormatError(
            f"/epos of '{file_name}' has shape {positions.shape} for {len(names)} names; "
            f"(2, {len(names)}) is needed. Correct the file."
        )
    is_channel = all(_CHANNEL_NAME.fullmatch(name) for name in names)
    return Nodes(
        ids=names,
        kind="channel" if is_channel else "unit",
        positions_um=None if np.isnan(positions).all() else positions.T,
    )


def _spike_times(file: Any, nodes: Nodes, file_name: str) -> list[NDArray[np.float64]]:
    counts, flat = load(file, "sCount"), load(file, "spikes").astype(np.float64)
    if flat.ndim != 1:
        raise FileFormatError(
            f"/spikes of '{file_name}' must hold one time after the other, got shape "
            f"{flat.shape}. Correct the file."
        )
    if counts.shape != (len(nodes),) or counts.dtype.kind not in "iu" or np.any(counts < 0):
        raise FileFormatError(
            f"/sCount of '{file_name}' must hold one number of spikes for each of the "
            f"{len(nodes)} names, got shape {counts.shape} and type {counts.dtype}. "
            "Correct the file."
        )
    if counts.sum() != len(flat):
        raise FileFormatError(
            f"/sCount of '{file_name}' sums to {counts.sum()}, but /spikes holds {len(flat)} "
            "spikes. Correct the file."
        )
    times = np.split(flat, np.cumsum(counts)[:-1])
    _refuse(
        [not np.isfinite(train).all() or bool(np.any(train < 0)) for train in times],
        "negative or not finite", nodes, file_name,
    )  # fmt: skip
    # Times out of order mean that the counts cut the list in the wrong places.
    _refuse([bool(np.any(np.diff(train) < 0)) for train in times], "out of order", nodes, file_name)
    return times


def _refuse(bad: list[bool], what: str, nodes: Nodes, file_name: str) -> None:
    if any(bad):
        raise FileFormatError(
            f"Spike times of '{file_name}' are {what} in {sum(bad)} of {len(nodes)} "
            f"{several(nodes.kind)} ({some(nodes.ids[np.array(bad)])}). Correct the file."
        )


def _duration_s(file: Any, file_name: str) -> float:
    if "summary/duration" not in file:
        return 0.0
    duration = float(np.ravel(file["summary/duration"][()])[0])
    if not (np.isfinite(duration) and duration >= 0):
        raise FileFormatError(
            f"/summary/duration of '{file_name}' is {duration:g} s; a positive duration is "
            "needed. Correct the file."
        )
    return duration


def _metadata(file: Any) -> dict[str, Any]:
    items = {"array": file["array"]} if "array" in file else {}
    items |= dict(file["meta"]) if "meta" in file else {}
    return {name: _scalar(item[()]) for name, item in items.items() if hasattr(item, "dtype")}


def _in_terms_of_nwb(about: dict[str, Any]) -> dict[str, Any]:
    """Give the subject as far as NWB has fields for it, and all else as notes."""
    left, subject = dict(about), {}
    species = _SPECIES.get(str(about.get("species")).lower())
    if species is not None:
        subject["species"] = species
        left.pop("species")
    age = about.get("age")
    is_animal = species not in (None, "Homo sapiens") and "DIV0" not in about
    if is_animal and isinstance(age, int):
        subject["age"] = f"P{left.pop('age')}D"
    elif isinstance(age, int) and ("DIV0" in about or species == "Homo sapiens"):
        left["age"] = f"{age} days in vitro"
    if is_animal and isinstance(about.get("genotype"), str):
        subject["genotype"] = left.pop("genotype")
    notes = "; ".join(f"{name}: {value}" for name, value in left.items())
    return {key: value for key, value in (("subject", subject), ("notes", notes)) if value}


def _scalar(value: Any) -> Any:
    values = [_text(item) if isinstance(item, str | bytes) else item for item in np.ravel(value)]
    values = [item.item() if isinstance(item, np.generic) else item for item in values]
    return values[0] if len(values) == 1 else values


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def _block(
    path: Path,
    nodes: Nodes,
    times: list[NDArray[np.float64]],
    duration_s: float,
    about: dict[str, Any],
) -> neo.Block:
    import neo

    last_s = max((float(train[-1]) for train in times if len(train)), default=0.0)
    # A spike at t_stop lies outside the half-open limits.
    t_stop_s = duration_s if last_s < duration_s else float(np.nextafter(last_s, np.inf))
    segment = neo.Segment(name=path.stem, file_origin=path.name)
    segment.spiketrains.extend(
        [
            make_spiketrain(train, nodes, index, t_start_s=0.0, t_stop_s=t_stop_s)
            for index, train in enumerate(times)
        ]
    )
    block = neo.Block(name=path.stem, file_origin=path.name)
    block.annotate(**{**about, **_in_terms_of_nwb(about)})
    block.segments.append(segment)
    return block
