"""Files of the formats that Neo reads: Blackrock, Plexon, NeuroExplorer, Spike2, Intan, Phy …."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.adapters._phy import PARAMETERS, is_phy, read_phy
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError
from tavrnn_ephys.io.choices import Choice, note_choice
from tavrnn_ephys.io.quality import asked_quality

if TYPE_CHECKING:
    import neo

__all__ = ["NeoAdapter"]

# First bytes of a file (or from an offset on), per format.
_SIGNATURES = (
    (0, b"NEURALEV"), (0, b"BREVENTS"), (0, b"NEURALSG"), (0, b"NEURALCD"), (0, b"BRSMPGRP"),
    (0, b"NEX1"), (0, b"NEX5"), (0, b"PLEX"), (0, b"ABF "), (0, b"ABF2"), (2, b"(C) CED"),
    (0, b"S64"), (0, b"######## Neuralynx"), (0, b"\x02\x27\x91\xc6"), (0, b"\xac\x27\x91\xd6"),
    (0, b"* MICROMED"), (0, b"0       "), (0, b"header.format"),
)  # fmt: skip
# PickleIO runs code of the file; the others would take files from adapters of this package,
# or write rather than read.
_NEVER = {"PickleIO", "NWBIO", "NeoMatlabIO", "AsciiSignalIO", "AsciiSpikeTrainIO",
          "AsciiImageIO", "TiffIO", "KwikIO", "MaxwellIO", "BiocamIO"}  # fmt: skip
# Neo has two readers called NixIO.  The lazy one takes times of any unit for seconds and loses
# the names of segments (Neo 0.14.6).
_WRONG_UNITS = "neo.io.nixio_fr"
_OPTIONS = ("reader", "quality", "block")
# A day of a thousand units in twenty parts; damaged heads pretend to more.
_MOST_TRAINS = 20_000


class NeoAdapter:
    """
    Whatever Neo reads; which of its readers does it, Neo says.

    Examples
    --------
    >>> ".nev" in NeoAdapter().suffixes
    True
    """

    name = "neo"
    description = "formats that Neo reads: Blackrock, Plexon, NeuroExplorer, Spike2, Intan, Phy …"
    suffixes: tuple[str, ...] = (
        ".nev", ".ns1", ".ns2", ".ns3", ".ns4", ".ns5", ".ns6", ".nex", ".nex5", ".plx", ".pl2",
        ".smr", ".smrx", ".abf", ".rhd", ".rhs", ".nix", ".ncs", ".nse", ".ntt", ".edf", ".trc",
        ".nrd", ".continuous", ".tsq", ".vhdr", ".axgx", ".axgd", ".wcp", ".bdf",
    )  # fmt: skip

    reads_folders = True
    choices: Mapping[str, str] = MappingProxyType({
        "reader": "The first of Neo's readers for the ending that makes sense of the file.",
        "quality": "Of a Phy folder, units called noise or mua are left out.",
        "block": "Of a file with several blocks, the first.",
    })  # fmt: skip

    def recognises(self, path: Path) -> bool:
        """
        Say whether a file begins like one of Neo's formats.

        Parameters
        ----------
        path : pathlib.Path
            An existing file, or a folder.

        Returns
        -------
        bool
            True for a known signature, an HDF5 file that calls itself NIX, a Phy folder or the
            ``params.py`` of one.
        """
        try:
            if path.is_dir():
                return is_phy(path)
            if path.name == PARAMETERS:
                return is_phy(path.parent)
            with path.open("rb") as file:
                head = file.read(64)
            return any(head[at:].startswith(sign) for at, sign in _SIGNATURES) or _is_nix(path)
        except Exception:
            return False

    def read(self, path: Path, **options: Any) -> neo.Block:
        """
        Read the spike trains of a file; its signals stay there until they are loaded.

        Parameters
        ----------
        path : pathlib.Path
            The file; a Phy folder or its ``params.py``.
        **options : object
            ``reader``: name of one of Neo's readers, such as ``"BlackrockIO"``, where Neo knows
            several for an ending; ``quality``: which units are kept by the judgement of Phy or
            Kilosort, ``"accepted"``, ``"all"`` or labels such as ``["good", "mua"]``; ``block``:
            number of the block, where a file holds several.

        Returns
        -------
        neo.Block
            The segments as Neo finds them.  Spike trains are units, named as Neo names them, or
            numbered where names repeat; signals have the role ``"raw"`` and, where Neo can,
            wait in the file until ``signal.load()``.

        Raises
        ------
        FileFormatError
            If no reader of Neo makes sense of the file.
        InputError
            If an option is unknown.

        Warns
        -----
        DataLossWarning
            If the file holds further blocks, which are not read.
        """
        unknown = sorted(set(options) - {*_OPTIONS, "cells"})
        if unknown:
            raise InputError(
                f"The adapter 'neo' has no option {some(unknown)}. It has: {some(_OPTIONS)}."
            )
        path, quality = Path(path), asked_quality(options)
        if path.is_dir() or path.name == PARAMETERS:
            folder = path if path.is_dir() else path.parent
            if not is_phy(folder):
                raise FileFormatError(
                    f"'{folder.name}' is no folder of Phy: it lacks {PARAMETERS} or "
                    "spike_times.npy. Name the recording's own file."
                )
            return read_phy(folder, quality)
        if not path.is_file():
            raise FileFormatError(f"There is no file '{path}'. Check the path.")
        if path.stat().st_size == 0:
            raise FileFormatError(f"'{path.name}' is empty. Copy it again from its source.")
        readers = _candidates(path, options.get("reader"))
        number = _number(options.get("block"))
        block, n_blocks, reader = _first_that_reads(path, readers, number)
        if n_blocks > 1 and options.get("block") is None:
            warnings.warn(
                f"'{path.name}' holds {n_blocks} blocks; only the first one is read. Choose "
                "another: block=1, on the command line --option block=1.",
                DataLossWarning,
                stacklevel=2,
            )
        if len(readers) > 1:
            names = tuple(item.__name__ for item in readers)
            choice = Choice(
                what="readers of Neo for this ending", chosen=reader, candidates=names,
                reason="it is the first that makes sense of the file", option="reader=NAME",
                guessed=False,
            )  # fmt: skip
            note_choice(block, choice, file_name=path.name)
        _name_nodes(block, path)
        return block


def _number(block: Any) -> int:
    if block is None:
        return 0
    if isinstance(block, bool) or not isinstance(block, int) or block < 0:
        raise InputError(f"block must be the number of a block, counted from 0, got {block!r}.")
    return block


def _is_nix(path: Path) -> bool:
    import h5py

    try:
        with h5py.File(path, "r") as file:
            kind = file.attrs.get("format", b"")
            return (kind.decode() if isinstance(kind, bytes) else kind) == "nix"
    except OSError:
        return False


def _candidates(path: Path, chosen: str | None) -> list[Any]:
    import neo.io

    try:
        found = neo.io.list_candidate_ios(str(path))
    except ValueError:
        found = [neo.io.NixIO] if _is_nix(path) else []
    found = [item for item in found if item.__module__ != _WRONG_UNITS]
    unique = {item.__name__: item for item in found if item.__name__ not in _NEVER}
    if chosen is not None:
        named = getattr(neo.io, str(chosen), None)
        if str(chosen) in _NEVER or named not in neo.io.iolist:
            raise InputError(
                f"reader must name one of Neo's readers, such as "
                f"{some(unique) or repr('PlexonIO')}, got {chosen!r}."
            )
        return [named]
    if not unique:
        raise FileFormatError(
            f"Neo has no reader for '{path.name}'. Name the adapter of its format, or convert it."
        )
    return list(unique.values())


def _first_that_reads(path: Path, readers: list[Any], number: int) -> tuple[neo.Block, int, str]:
    reasons = []
    for reader in readers:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                return (*_read_with(reader, path, number), reader.__name__)
        except InputError:
            raise
        except MemoryError as error:
            raise InputError(
                f"Reading '{path.name}' with {reader.__name__} needs more memory than there is. "
                "Choose another reader, or use a larger machine."
            ) from error
        except Exception as error:
            text = " ".join(str(error).split()).rstrip(".") or type(error).__name__
            reasons.append(f"{reader.__name__}: {text[:160]}")
    raise FileFormatError(
        f"Neo cannot read '{path.name}' ({'; '.join(reasons)}). "
        "Check that the file is complete and its companions lie beside it."
    )


def _read_with(reader: Any, path: Path, number: int) -> tuple[neo.Block, int]:
    from neo.io.basefromrawio import BaseFromRaw

    place = path.parent if reader.mode == "dir" else path
    if issubclass(reader, BaseFromRaw):
        source = reader(str(place))
        _require_plausible(source)
        n_blocks = source.block_count()
        _require_block(number, n_blocks, path)
        block = source.read_block(block_index=number, lazy=True)
        for segment in block.segments:
            _load_all_but_signals(segment)
    else:
        source = reader(str(place), "ro") if reader.__name__ == "NixIO" else reader(str(place))
        blocks = source.read_all_blocks() if hasattr(source, "read_all_blocks") else source.read()
        n_blocks = len(blocks)
        _require_block(number, n_blocks, path)
        block = blocks[number]
        if hasattr(source, "close"):
            source.close()
    if not any(_content(segment) for segment in block.segments):
        raise ValueError("it holds neither spikes nor signals nor events")
    return block, n_blocks


def _require_block(number: int, n_blocks: int, path: Path) -> None:
    if number and number >= n_blocks:
        raise InputError(
            f"'{path.name}' has no block {number}: it holds {n_blocks}, counted from 0."
        )


def _require_plausible(source: Any) -> None:
    """Refuse what a damaged head pretends to hold before it is loaded for minutes."""
    n_segments, n_trains = source.segment_count(0), source.spike_channels_count()
    if n_segments > 1 and n_segments * n_trains > _MOST_TRAINS:
        raise ValueError(
            f"it sees {n_segments} segments of {n_trains} units, more than {_MOST_TRAINS} trains"
        )


def _content(segment: neo.Segment) -> bool:
    return any(
        len(items) > 0
        for items in (
            segment.spiketrains, segment.analogsignals, segment.irregularlysampledsignals,
            segment.events, segment.epochs,
        )
    )  # fmt: skip


def _load_all_but_signals(segment: neo.Segment) -> None:
    trains = [item.load(load_waveforms=False) for item in segment.spiketrains]
    events = [item.load() for item in segment.events]
    epochs = [item.load() for item in segment.epochs]
    segment.spiketrains = trains
    segment.events = [item for item in events if len(item)]
    segment.epochs = [item for item in epochs if len(item)]


def _name_nodes(block: neo.Block, path: Path) -> None:
    block.name = block.name or path.stem
    block.file_origin = path.name
    for segment in block.segments:
        ids = _unique_names(segment.spiketrains)
        checked = []
        for row, (name, train) in enumerate(zip(ids, segment.spiketrains, strict=True)):
            train = _sorted_seconds(train)
            train.annotate(node_id=name, node_kind="unit", node_group="", node_row=row,
                           node_table="")  # fmt: skip
            checked.append(train)
        segment.spiketrains = checked
        for signal in (*segment.analogsignals, *segment.irregularlysampledsignals):
            signal.annotations.setdefault("role", "raw")


def _unique_names(trains: Any) -> list[str]:
    known = [train.annotations.get("node_id") for train in trains]
    names = known if all(known) else [train.name or "" for train in trains]
    counts = Counter(names)
    return [
        str(name) if name and counts[name] == 1 else f"{name or 'unit'}_{index}"
        for index, name in enumerate(names)
    ]


def _sorted_seconds(train: neo.SpikeTrain) -> neo.SpikeTrain:
    seconds = train.rescale("s")
    times = seconds.magnitude
    if not np.isfinite(times).all():
        raise FileFormatError(
            f"Spike train '{train.name}' has times that are not finite. Correct the file."
        )
    if np.any(np.diff(times) < 0):
        seconds = seconds[np.argsort(times, kind="stable")]
    return seconds
