"""Which recordings belong to a cohort, and what is known of each."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tavrnn_ephys.core.addresses import Address, is_address, place_of
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.core.yaml_text import YamlFault, load_yaml, refuse_hostile_yaml, short_text
from tavrnn_ephys.io.dandi import DandiAsset, dandi_assets, is_dandiset
from tavrnn_ephys.studies.cohort.keys import KEYS, likely_key

__all__ = ["Entry", "read_manifest"]

_TABLES = (".csv", ".tsv")
_TEXTS = (".yaml", ".yml")
_OWN = ("file", "id")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """
    A recording of a cohort.

    Parameters
    ----------
    id : str
        Its name in tables, different for each recording.
    file : pathlib.Path or Address
        The file, or where a server holds it.
    options : mapping of str to object
        How it is analysed, by the keys of a manifest.
    facts : mapping of str to str
        What else the manifest says of it: its culture, its group, its age.
    """

    id: str
    file: Path | Address
    options: Mapping[str, Any] = field(default_factory=dict)
    facts: Mapping[str, str] = field(default_factory=dict)


def read_manifest(
    source: str | Path | Sequence[str | Path], defaults: Mapping[str, Any] | None = None
) -> tuple[Entry, ...]:
    """
    Read which recordings belong to a cohort.

    Parameters
    ----------
    source : str, pathlib.Path or sequence of these
        A YAML file with ``defaults`` and ``recordings``; a CSV or TSV file with the column
        ``file``; a pattern such as ``data/*.nwb``; a folder, of which every file is taken that
        is not hidden; ``dandi:ID/VERSION``, of which every NWB file is taken; or paths.
    defaults : mapping of str to object, optional
        How recordings are analysed where the manifest does not say it.

    Returns
    -------
    tuple of Entry
        In the order of the manifest.

    Raises
    ------
    FileFormatError
        If the manifest cannot be read.
    InputError
        If it names no recording, an unknown key, or two recordings alike.
    """
    if isinstance(source, str | Path):
        rows, shared = _rows(source)
    else:
        rows, shared = [{"file": place_of(item)} for item in source], {}
    shared = {**(defaults or {}), **_known(shared, "'defaults'")}
    entries = [entry for row in rows for entry in _entries(row, shared)]
    if not entries:
        raise InputError(f"'{source}' names no recording. Check the path or the pattern.")
    return _with_own_names(entries)


def _rows(source: str | Path) -> tuple[list[dict[str, Any]], Mapping[str, Any]]:
    if is_address(source):
        return [{"file": place_of(source)}], {}
    if is_dandiset(source):
        return [_of_dandi(asset) for asset in dandi_assets(str(source))], {}
    path = Path(source)
    if path.is_dir():
        files = sorted(item for item in path.iterdir() if not item.name.startswith("."))
        return [{"file": item} for item in files if item.is_file() or item.suffix == ".zarr"], {}
    suffix = path.suffix.lower()
    if suffix not in (*_TABLES, *_TEXTS):
        return [{"file": path}], {}
    if not path.is_file():
        raise FileFormatError(f"There is no manifest '{path}'. Check the path.")
    try:
        text = short_text(path, "utf-8-sig")
    except UnicodeDecodeError:
        raise FileFormatError(f"The manifest '{path.name}' is no UTF-8 text.") from None
    rows, shared = _of_table(text, path) if suffix in _TABLES else _of_yaml(text, path)
    return [{**row, "file": _beside(path, row, number)} for number, row in rows], shared


def _of_dandi(asset: DandiAsset) -> dict[str, Any]:
    """Take what the path of a file of the archive says of its subject and session."""
    said = dict(re.findall(r"(?:^|[/_])(sub|ses)-([^/_.]+)", asset.path))
    facts = {"subject": said.get("sub"), "session": said.get("ses")}
    return {"file": asset.address, **{key: value for key, value in facts.items() if value}}


def _beside(manifest: Path, row: Mapping[str, Any], number: int) -> Path | Address:
    """Take a relative path as one from the manifest's own folder."""
    name = row.get("file")
    if not isinstance(name, str) or not name.strip():
        raise InputError(f"Recording {number} of '{manifest.name}' lacks 'file'. Name its file.")
    place = place_of(name.strip())
    return place if isinstance(place, Address) else manifest.parent / place


def _of_table(text: str, path: Path) -> tuple[list[tuple[int, dict[str, Any]]], dict[str, Any]]:
    delimiter = "\t" if path.suffix.lower() == ".tsv" else ","
    reader = csv.DictReader(text.splitlines(), delimiter=delimiter, skipinitialspace=True)
    if "file" not in (reader.fieldnames or ()):
        raise InputError(
            f"The table '{path.name}' lacks the column 'file'; it has "
            f"{some(reader.fieldnames or ['none'])}."
        )
    rows = []
    for number, row in enumerate(reader, 1):
        if None in row:
            raise InputError(f"Row {number} of '{path.name}' has more cells than the header.")
        rows.append((number, {key: value for key, value in row.items() if value not in (None, "")}))
    return rows, {}


def _of_yaml(text: str, path: Path) -> tuple[list[tuple[int, dict[str, Any]]], Mapping[str, Any]]:
    try:
        refuse_hostile_yaml(text, path.name)
        content = load_yaml(text)
    except YamlFault as error:
        reason = " ".join(str(error).split())[:200]
        raise FileFormatError(f"'{path.name}' is no YAML ({reason}). Correct it.") from None
    if not isinstance(content, dict) or not isinstance(content.get("recordings"), list):
        raise InputError(f"'{path.name}' needs a list 'recordings', each with its 'file'.")
    unknown = [str(key) for key in content if key not in ("defaults", "recordings")]
    if unknown:
        raise InputError(
            f"'{path.name}' has the key '{unknown[0]}'; known are 'defaults' and 'recordings'."
        )
    rows = []
    for number, row in enumerate(content["recordings"], 1):
        item = {"file": row} if isinstance(row, str) else row
        if not isinstance(item, dict) or not all(isinstance(key, str) for key in item):
            raise InputError(f"Recording {number} of '{path.name}' is no mapping with a 'file'.")
        rows.append((number, item))
    shared = content.get("defaults") or {}
    if not isinstance(shared, dict):
        raise InputError(f"'defaults' of '{path.name}' must hold keys and values.")
    return rows, shared


def _known(options: Mapping[str, Any], where: str) -> dict[str, Any]:
    named = {str(key).replace("-", "_"): value for key, value in options.items()}
    for name in named:
        if name not in KEYS:
            close = likely_key(name)
            hint = f"Is '{close}' meant?" if close else f"Known are {', '.join(KEYS)}."
            raise InputError(f"{where} has the unknown key '{name}'. {hint}")
    return named


def _entries(row: Mapping[str, Any], shared: Mapping[str, Any]) -> Iterator[Entry]:
    pattern: Path | Address = row["file"]
    where = f"The recording '{row.get('id', pattern.name)}'"
    options, facts = dict(shared), {}
    for key, value in row.items():
        name = str(key).replace("-", "_")
        if name in KEYS:
            options[name] = value
        elif name not in _OWN:
            close = likely_key(name)
            if close is not None:
                raise InputError(f"{where} has the key '{key}'. Is '{close}' meant?")
            facts[str(key)] = str(value)
    for path in _expanded(pattern):
        yield Entry(id=str(row.get("id", "")), file=path, options=options, facts=facts)


def _expanded(pattern: Path | Address) -> Sequence[Path | Address]:
    """Give the files of a pattern; a name with brackets that exists is no pattern."""
    if isinstance(pattern, Address) or pattern.exists() or not set("*?[") & set(str(pattern)):
        return [pattern]
    root = Path(pattern.anchor) if pattern.is_absolute() else Path()
    found = sorted(root.glob(str(pattern.relative_to(pattern.anchor))))
    return [path for path in found if not path.name.startswith(".")]


def _with_folder(place: Path | Address) -> str:
    """Name a recording by its folder too; those of a server are numbered instead."""
    return place.stem if isinstance(place, Address) else f"{place.parent.name}-{place.stem}"


def _with_own_names(entries: Sequence[Entry]) -> tuple[Entry, ...]:
    """Name recordings by their file where the manifest does not; by its folder too if need be."""
    given = [entry.id for entry in entries if entry.id]
    twice = [name for name in dict.fromkeys(given) if given.count(name) > 1]
    if twice:
        raise InputError(f"Two recordings have the id {some(twice)}. Give each its own.")
    stems = [entry.file.stem for entry in entries if not entry.id]
    named = []
    for entry in entries:
        own = entry.id or (
            entry.file.stem if stems.count(entry.file.stem) == 1 else _with_folder(entry.file)
        )
        named.append((re.sub(r"[^\w.-]+", "-", own) or "recording", entry))
    seen: dict[str, int] = {}
    unique = []
    for name, entry in named:
        seen[name] = seen.get(name, 0) + 1
        own = name if seen[name] == 1 else f"{name}-{seen[name]}"
        unique.append(Entry(id=own, file=entry.file, options=entry.options, facts=entry.facts))
    return tuple(unique)
