"""Damaged copies of recordings, the same for the same seed, and a process that reads them."""

import hashlib
import multiprocessing
import shutil
import traceback
import warnings
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import h5py
import numpy as np

LIMIT_S = 20.0
MEMORY = 6 * 2**30
START_S = 120.0
HDF5_SIGNATURE = b"\x89HDF\r\n\x1a\n"


@dataclass(frozen=True)
class Source:
    """A small intact recording: its folder, the file that is read, and who reads it."""

    folder: Path
    entry: str
    adapter: str
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> list[str]:
        return sorted(
            str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()
        )


def damaged_copy(source: Source, seed: int, folder: Path) -> tuple[Path, str]:
    """Copy a source and damage one of its files; return the entry file and what was done."""
    rng = np.random.default_rng([seed, zlib.crc32(source.adapter.encode())])
    copy = folder / f"{source.adapter}-{seed}"
    shutil.copytree(source.folder, copy)
    # The entry file is damaged half of the time, else one of those beside it.
    names = source.files
    name = source.entry if rng.random() < 0.5 else str(rng.choice(names))
    path = copy / name
    content = path.read_bytes()
    if content.startswith(HDF5_SIGNATURE) and rng.random() < 0.6:
        what = damage_hdf5(path, rng)
    elif name.endswith(".npy") and rng.random() < 0.6:
        what = damage_array(path, rng)
    elif name.endswith(".npz") and rng.random() < 0.6:
        what = damage_archive(path, rng)
    elif b"\0" not in content and not content.startswith(b"\x1f\x8b") and rng.random() < 0.6:
        what = damage_text(path, rng)
    else:
        what = damage_bytes(path, rng)
    return copy / source.entry, f"{name}: {what}"


def damage_bytes(path: Path, rng: Any) -> str:
    """Cut a file, flip bytes anywhere or in its head, wipe a stretch, or empty it."""
    content = bytearray(path.read_bytes())
    kind = rng.choice(["cut", "cut", "flip", "flip", "head", "head", "wipe", "grow", "empty"])
    if kind == "cut":
        del content[int(rng.random() * len(content)) :]
    elif kind in ("flip", "head"):
        reach = len(content) if kind == "flip" else min(4096, len(content))
        for _ in range(int(rng.integers(1, 40))):
            content[int(rng.integers(reach))] = int(rng.integers(256))
    elif kind == "wipe":
        start, length = int(rng.random() * len(content)), int(rng.integers(1, 4096))
        content[start : start + length] = bytes(min(length, len(content) - start))
    elif kind == "grow":
        content += bytes(rng.integers(0, 256, 300).astype(np.uint8))
    else:
        content.clear()
    path.write_bytes(bytes(content))
    return str(kind)


def strange(values: np.ndarray, rng: Any) -> Any:
    """Turn an array into one of another type, shape or range."""
    kinds = ["empty", "text", "objects", "cut", "flat", "turned", "scalar"]
    if values.dtype.kind in "iuf":
        kinds += ["negative", "huge", "nan", "shuffled", "same", "float", "zero"] * 2
    kind = rng.choice(kinds)
    flat = np.ravel(values)
    if kind == "empty":
        changed = values[:0] if values.ndim else np.zeros(0)
    elif kind == "text":
        changed = np.array([b"abc"] * max(1, min(flat.size, 50)))
    elif kind == "objects":
        changed = np.array(["a", "bc"], dtype=object)
    elif kind == "cut":
        changed = flat[: flat.size // 2]
    elif kind == "flat":
        changed = flat
    elif kind == "turned":
        changed = np.atleast_1d(values.T)[::-1]
    elif kind == "scalar":
        changed = np.array(7.5)
    elif kind == "negative":
        changed = -values.astype(np.float64) - 1
    elif kind == "huge":
        changed = np.full(values.shape, np.iinfo(np.int64).max)
    elif kind == "nan":
        changed = values.astype(np.float64)
        changed[rng.random(values.shape) < 0.3] = rng.choice([np.nan, np.inf, -np.inf])
    elif kind == "shuffled":
        changed = rng.permutation(flat).reshape(values.shape)
    elif kind == "same":
        changed = np.full(values.shape, flat[0] if flat.size else 0)
    elif kind == "float":
        changed = values.astype(np.float64) + 0.5
    else:
        changed = np.zeros(values.shape, values.dtype)
    return str(kind), changed


def damage_hdf5(path: Path, rng: Any) -> str:
    """Delete an item or attribute, or replace a dataset or column by a strange one."""
    with h5py.File(path, "r+") as file:
        names: list[str] = []
        file.visit(names.append)
        name = str(rng.choice(names))
        item = file[name]
        if rng.random() < 0.2:
            where = file if rng.random() < 0.5 else item
            keys = list(where.attrs)
            if keys:
                key = str(rng.choice(keys))
                if rng.random() < 0.5:
                    del where.attrs[key]
                    return f"attribute {key} of {where.name} deleted"
                where.attrs[key] = rng.choice([-1, 2**40, 0])
                return f"attribute {key} of {where.name} changed"
        if isinstance(item, h5py.Group) or rng.random() < 0.25:
            del file[name]
            return f"{name} deleted"
        values = item[()]
        if isinstance(values, np.ndarray) and values.dtype.names and values.size:
            column = str(rng.choice(values.dtype.names))
            if values[column].dtype.kind in "iuf":
                kind, changed = strange(values[column], rng)
                if np.shape(changed) == values[column].shape and changed.dtype.kind in "iuf":
                    with np.errstate(all="ignore"):
                        values[column] = changed.astype(values[column].dtype)
                    item[...] = values
                    return f"column {column} of {name} {kind}"
        kind, changed = strange(np.asarray(values), rng)
        del file[name]
        if changed.dtype.kind == "U":
            changed = changed.astype(object)
        file[name] = changed
        return f"{name} {kind}"


def damage_array(path: Path, rng: Any) -> str:
    """Replace an array by a strange one."""
    try:
        values = np.load(path, allow_pickle=False)
    except ValueError:
        return damage_bytes(path, rng)
    kind, changed = strange(values, rng)
    np.save(path, changed)
    return kind


def damage_archive(path: Path, rng: Any) -> str:
    """Delete an array of an archive, or replace it by a strange one."""
    with np.load(path, allow_pickle=False) as archive:
        arrays = {name: archive[name] for name in archive.files}
    name = str(rng.choice(list(arrays)))
    values = arrays.pop(name)
    kind = "deleted"
    if rng.random() < 0.75:
        kind, arrays[name] = strange(values, rng)
    np.savez(path, **arrays)
    return f"{name} {kind}"


def damage_text(path: Path, rng: Any) -> str:
    """Delete, repeat or clip lines, or put rubbish into cells."""
    lines = path.read_bytes().splitlines(keepends=True) or [b"\n"]
    index = int(rng.integers(len(lines))) if rng.random() < 0.7 else 0
    kind = rng.choice(["delete", "repeat", "clip", "cell", "cell", "bytes", "only"])
    if kind == "delete":
        del lines[index]
    elif kind == "repeat":
        lines.insert(index, lines[index])
    elif kind == "clip":
        lines[index] = lines[index][: len(lines[index]) // 2]
    elif kind == "cell":
        cells = lines[index].split(b",")
        rubbish = [b"nan", b"-1", b"", b"x", b"1e400", b"inf", b'"', b"\0"]
        cells[int(rng.integers(len(cells)))] = rubbish[int(rng.integers(len(rubbish)))]
        lines[index] = b",".join(cells)
    elif kind == "bytes":
        lines[index] = bytes(rng.integers(0, 256, 80).astype(np.uint8))
    else:
        lines = lines[: index + 1]
    path.write_bytes(b"".join(lines))
    return f"line {index} {kind}"


def fingerprint(folder: Path) -> str:
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        digest.update(str(path.relative_to(folder)).encode())
        if path.is_file():
            digest.update(path.read_bytes())
    return digest.hexdigest()


class ReadingProcess:
    """Another process that reads files, so that a crash or a hang of a reader is a result."""

    def __init__(self) -> None:
        self.start()

    def start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, far_end = context.Pipe()
        self.process = context.Process(target=_serve, args=(far_end,), daemon=True)
        self.process.start()
        far_end.close()
        if not self.pipe.poll(START_S) or self.pipe.recv() != "ready":
            raise RuntimeError("the reading process does not start")

    def read(self, path: Path, source: Source) -> str:
        """Return "block", "refused: …", "raised: …", "hangs" or "crashes"."""
        self.pipe.send((str(path), source.adapter, dict(source.options)))
        try:
            if self.pipe.poll(LIMIT_S):
                return str(self.pipe.recv())
            outcome = "hangs"
        except (EOFError, OSError):
            outcome = "crashes"
        self.stop()
        self.start()
        return outcome

    def stop(self) -> None:
        self.process.kill()
        self.process.join()
        self.pipe.close()


def _serve(pipe: Any) -> None:
    import resource

    from tavrnn_ephys.io.finding import list_adapters

    warnings.simplefilter("ignore")
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    adapters = list_adapters()
    pipe.send("ready")
    while True:
        path, adapter, options = pipe.recv()
        pipe.send(_outcome(adapters[adapter], Path(path), options))


def _outcome(adapter: Any, path: Path, options: dict[str, Any]) -> str:
    import neo

    from tavrnn_ephys.core.errors import TavrnnEphysError

    try:
        adapter.recognises(path)
    except Exception as error:
        return f"raised while recognising: {error!r}"
    try:
        block = adapter.read(path, **options)
    except TavrnnEphysError as error:
        lines = str(error).count("\n")
        return f"refused: {error}" if lines == 0 else f"raised: {lines + 1} lines: {error}"
    except Exception as error:
        where = traceback.extract_tb(error.__traceback__)[-3:]
        places = " < ".join(f"{Path(item.filename).name}:{item.lineno}" for item in where[::-1])
        return f"raised: {type(error).__name__}: {error} at {places}"
    return "block" if isinstance(block, neo.Block) and block.segments else "raised: no block"
