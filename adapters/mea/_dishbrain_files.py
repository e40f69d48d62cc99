"""Files of DishBrain trials: sparse spike words, channel numbers, game events, layout tables."""

from __future__ import annotations

import csv
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import FileFormatError, TavrnnEphysError

__all__ = ["SUFFIX", "Layout", "Trial", "is_spike_words", "read_layout", "read_trial"]

SUFFIX = "_spikewords.npz"
_LOCATIONS, _SUBREGIONS = "channel_locs.csv", "channel_subregions.csv"
# Deflate shrinks at most 1032 to 1.
_LARGEST_RATIO = 1100
# What zipfile and NumPy raise when bytes make no sense.
_DAMAGE = (
    OSError, ValueError, LookupError, EOFError, TypeError, zipfile.BadZipFile, zlib.error,
    MemoryError, NotImplementedError, RuntimeError, SyntaxError, TokenError, ArithmeticError,
)  # fmt: skip
_COMPRESSED = {"csr": 0, "csc": 1}


@dataclass(frozen=True, kw_only=True)
class Trial:
    """Spikes of a trial as pairs of row and bin; ``channels`` names the rows."""

    name: str
    channels: NDArray[np.int64]
    rows: NDArray[np.int64]
    bins: NDArray[np.int64]
    n_bins: int
    episode_ends_s: NDArray[np.float64] | None
    hit_counts: NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Layout:
    """Position and subregion by channel number; empty where no table is found."""

    positions_um: dict[int, tuple[float, float]]
    subregions: dict[int, str]


def is_spike_words(path: Path) -> bool:
    """
    Say whether a file holds a sparse matrix and is named as spike words are; never raise.

    Parameters
    ----------
    path : pathlib.Path
        Any path.

    Returns
    -------
    bool
        True for ``…_spikewords.npz`` written by ``scipy.sparse.save_npz``.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return path.name.endswith(SUFFIX) and {"format.npy", "shape.npy", "data.npy"} <= set(
                archive.namelist()
            )
    except Exception:
        return False


def read_trial(path: Path, *, allow_pickle: bool) -> Trial:
    """
    Read the spike words of a trial with its channel numbers and events.

    Parameters
    ----------
    path : pathlib.Path
        The spike words.
    allow_pickle : bool
        Whether channel numbers may be an array of Python objects.

    Returns
    -------
    Trial
        The trial.

    Raises
    ------
    FileFormatError
        If a file is missing, damaged, or contradicts the others.
    """
    rows, bins, shape = _read_words(path)
    name = path.name.removesuffix(SUFFIX)
    channels = _read_channels(path, name, shape[0], allow_pickle)
    ends_s, hits = _read_events(path.parent / f"{name}_events.csv")
    return Trial(
        name=name, channels=channels, rows=rows, bins=bins, n_bins=shape[1],
        episode_ends_s=ends_s, hit_counts=hits,
    )  # fmt: skip


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except TavrnnEphysError:
        raise
    except _DAMAGE as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FileFormatError(
            f"'{path.name}' is damaged or cut short ({reason}). Copy it again from its source."
        ) from error


def _read_words(path: Path) -> tuple[NDArray[np.int64], NDArray[np.int64], tuple[int, int]]:
    if not path.is_file():
        raise FileFormatError(f"There is no file '{path}'. Check the path.")
    with _reading(path):
        if not zipfile.is_zipfile(path):
            raise FileFormatError(
                f"'{path.name}' is no .npz archive, or is cut short. Copy it again from its source."
            )
        arrays = _load_archive(path)
        kind = arrays["format"].item()
        kind = kind.decode() if isinstance(kind, bytes) else str(kind)
        shape = tuple(int(length) for length in arrays["shape"])
        if len(shape) != 2 or min(shape) < 1:
            raise FileFormatError(
                f"'{path.name}' holds a matrix of shape {shape}; channels x bins are needed, at "
                "least one of each."
            )
        rows, bins = _coordinates(arrays, kind, shape, path.name)
        values = np.ravel(arrays["data"])
    if len(values) != len(rows) or not np.isfinite(values).all() or np.any(values < 0):
        raise FileFormatError(
            f"Spike words of '{path.name}' must be 0 or 1 in each bin, got values that are "
            "negative, not finite, or fewer than their places. Write the words again."
        )
    spikes = values > 0
    return rows[spikes], bins[spikes], (shape[0], shape[1])


def _load_archive(path: Path) -> dict[str, NDArray[Any]]:
    with zipfile.ZipFile(path) as archive:
        size = sum(item.file_size for item in archive.infolist())
    if size > _LARGEST_RATIO * path.stat().st_size:
        raise FileFormatError(
            f"'{path.name}' claims to unfold to {size} bytes. It is damaged; copy it again."
        )
    with np.load(path, allow_pickle=False) as archive:
        return {name: np.asarray(archive[name]) for name in archive.files}


def _coordinates(
    arrays: dict[str, NDArray[Any]], kind: str, shape: tuple[int, ...], name: str
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Row and column of each entry, from the formats that save_npz writes for words."""
    if kind == "coo":
        pair = [arrays["row"], arrays["col"]]
    elif kind in _COMPRESSED:
        pointers, inner = arrays["indptr"].astype(np.int64), arrays["indices"]
        axis = _COMPRESSED[kind]
        steps = np.diff(pointers)
        if len(steps) != shape[axis] or np.any(steps < 0) or steps.sum() != len(inner):
            raise FileFormatError(
                f"The sparse matrix of '{name}' contradicts itself. Write the words again."
            )
        outer = np.repeat(np.arange(shape[axis]), steps)
        pair = [outer, inner] if axis == 0 else [inner, outer]
    else:
        raise FileFormatError(
            f"'{name}' holds a sparse matrix of the format '{kind}'; csr, csc and coo are read. "
            "Save it again: scipy.sparse.save_npz(path, matrix.tocsr())."
        )
    rows, bins = (np.asarray(item).astype(np.int64) for item in pair)
    if len(rows) != len(bins) or any(
        len(item) and (item.min() < 0 or item.max() >= length)
        for item, length in ((rows, shape[0]), (bins, shape[1]))
    ):
        raise FileFormatError(
            f"The sparse matrix of '{name}' has entries outside its shape {shape}. Write the words "
            "again."
        )
    return rows, bins


def _read_channels(words: Path, name: str, n_rows: int, allow_pickle: bool) -> NDArray[np.int64]:
    file_name = f"{name}_channel_nums.npy"
    places = [words.parent / file_name, words.parent / "Channel_Nums" / file_name,
              words.parent.parent / file_name]  # fmt: skip
    path = next((place for place in places if place.is_file()), None)
    if path is None:
        raise FileFormatError(
            f"The channel numbers of '{words.name}' are missing: put '{file_name}' beside it or "
            "into the folder 'Channel_Nums'."
        )
    with _reading(path):
        try:
            channels = np.load(path, allow_pickle=allow_pickle)
        except ValueError as error:
            if "allow_pickle" not in str(error):
                raise
            raise FileFormatError(
                f"'{path.name}' holds Python objects, and loading them can run any code that its "
                "author put into it. Save plain numbers, or, for a file of your own: "
                "allow_pickle=True."
            ) from None
        channels = np.ravel(np.asarray(channels, dtype=np.float64))
    whole = np.isfinite(channels).all() and np.array_equal(channels, np.round(channels))
    if not whole or np.any(channels < 0) or np.any(channels > 2**31):
        raise FileFormatError(
            f"'{path.name}' must hold channel numbers, whole and at least 0. Write it again."
        )
    if len(channels) != n_rows or len(np.unique(channels)) != n_rows:
        raise FileFormatError(
            f"'{path.name}' names {len(np.unique(channels))} different channels in "
            f"{len(channels)} entries for the {n_rows} rows of '{words.name}'. Use the numbers of "
            "that trial."
        )
    return channels.astype(np.int64)


def _read_events(path: Path) -> tuple[NDArray[np.float64] | None, NDArray[np.int64]]:
    if not path.is_file():
        return None, np.zeros(0, dtype=np.int64)
    rows = _table(path, ("elapse_seconds", "hit_count"))
    try:
        ends_s = np.array([float(row["elapse_seconds"]) for row in rows])
        hits = np.array([int(float(row["hit_count"])) for row in rows], dtype=np.int64)
    except (ValueError, OverflowError):
        ends_s, hits = np.array([np.nan]), np.zeros(1, dtype=np.int64)
    if not np.isfinite(ends_s).all() or np.any(ends_s <= 0) or np.any(np.diff(ends_s) <= 0):
        raise FileFormatError(
            f"'{path.name}' must hold the end of each episode in seconds, ascending and above 0, "
            "and its number of hits. Correct the table."
        )
    return ends_s, hits


def read_layout(words: Path, folder: str | Path | None) -> Layout:
    """
    Read positions and subregions of the channels.

    Parameters
    ----------
    words : pathlib.Path
        Spike words, whose folder and the two above are searched.
    folder : str or pathlib.Path, optional
        Folder of the tables instead.

    Returns
    -------
    Layout
        What the tables say; empty where there is none.

    Raises
    ------
    FileFormatError
        If a table is damaged, or the named folder has none.
    """
    places = [words.parent, *words.resolve().parents[1:3]] if folder is None else [Path(folder)]
    paths = {
        name: next((place / name for place in places if (place / name).is_file()), None)
        for name in (_LOCATIONS, _SUBREGIONS)
    }
    if folder is not None and not any(paths.values()):
        raise FileFormatError(
            f"The layout '{folder}' holds neither '{_LOCATIONS}' nor '{_SUBREGIONS}'. Name their "
            "folder."
        )
    positions: dict[int, tuple[float, float]] = {}
    subregions: dict[int, str] = {}
    if (path := paths[_LOCATIONS]) is not None:
        for number, row in _by_channel(path, ("channel", "x", "y")).items():
            positions[number] = (_number(row["x"], path), _number(row["y"], path))
    if (path := paths[_SUBREGIONS]) is not None:
        for number, row in _by_channel(path, ("channel", "subregion")).items():
            subregions[number] = row["subregion"].strip()
    return Layout(positions_um=positions, subregions=subregions)


def _by_channel(path: Path, columns: tuple[str, ...]) -> dict[int, dict[str, str]]:
    rows = _table(path, columns)
    numbers = [int(_number(row["channel"], path)) for row in rows]
    if len(set(numbers)) != len(numbers):
        twice = sorted({str(number) for number in numbers if numbers.count(number) > 1})
        raise FileFormatError(
            f"'{path.name}' names channels more than once: {some(twice)}. Correct the table."
        )
    return dict(zip(numbers, rows, strict=True))


def _number(text: str, path: Path) -> float:
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not np.isfinite(value):
        raise FileFormatError(
            f"'{path.name}' holds '{text}' where a finite number is needed. Correct the table."
        )
    return value


def _table(path: Path, columns: tuple[str, ...]) -> list[dict[str, str]]:
    with _reading(path):
        content = path.read_bytes().decode("utf-8-sig", errors="replace").replace("\0", "")
    try:
        rows = list(csv.DictReader(content.splitlines()))
    except csv.Error as error:
        raise FileFormatError(
            f"'{path.name}' is no CSV table ({error}). Write it again."
        ) from error
    present = rows[0] if rows else {}
    if any(row.get(column) is None for row in rows for column in columns) or not present:
        raise FileFormatError(
            f"'{path.name}' needs the columns {some(columns)}, filled in every row. Correct the "
            "table."
        )
    return rows
