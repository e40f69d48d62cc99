"""Any recording as an NWB file, with what the recording does not say from a file beside it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.core.addresses import Address, is_address
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.core.output import check_output
from tavrnn_ephys.core.spec import RecordingSpec
from tavrnn_ephys.core.yaml_text import YamlFault, load_yaml, refuse_hostile_yaml, short_text
from tavrnn_ephys.io.blocks import annotated_fields, node_signals, one_segment
from tavrnn_ephys.io.converting import session_date
from tavrnn_ephys.io.finding import find_adapter
from tavrnn_ephys.io.reading import write_nwb
from tavrnn_ephys.studies.recording import read_block

if TYPE_CHECKING:
    import neo

__all__ = ["add_metadata", "convert_file", "read_metadata"]

_TEXTS = (
    "session_description", "identifier", "session_id", "experiment_description", "institution",
    "lab", "notes", "protocol",
)  # fmt: skip
_LISTS = ("experimenter", "keywords", "related_publications")
_TABLES = ("subject", "device", "imaging_plane")
_KNOWN = ("session_start_time", *_TEXTS, *_LISTS, *_TABLES)
_NEEDED_OF_A_PLANE = ("excitation_lambda", "emission_lambda", "indicator", "location")


def convert_file(
    source: Path | Address,
    out: Path,
    *,
    adapter: str | None = None,
    metadata: str | Path | None = None,
    segment: int | None = None,
    options: Mapping[str, Any] | None = None,
    overwrite: bool = False,
) -> Path:
    """
    Convert a recording to NWB.

    Parameters
    ----------
    source : pathlib.Path or Address
        The recording, which is not changed, or the address of an NWB file.
    out : pathlib.Path
        The NWB file to write.
    adapter : str, optional
        Adapter that reads the source; found by content by default.
    metadata : str or pathlib.Path, optional
        YAML file with what the recording does not say; see :func:`read_metadata`.
    segment : int, optional
        Which segment is written, where the recording has several.
    options : mapping of str to object, optional
        Options of the adapter.
    overwrite : bool
        Whether an existing file may be replaced.

    Returns
    -------
    pathlib.Path
        The file.

    Raises
    ------
    FileFormatError
        If the source or the metadata cannot be read.
    InputError
        If NWB demands what neither the recording nor the metadata say.
    OutputError
        If the output may not be written.
    """
    named = [source] if metadata is None else [source, metadata]
    inputs = tuple(Path(item) for item in named if not is_address(item))
    about = {} if metadata is None else read_metadata(metadata)
    found = find_adapter(source, adapter)
    check_output(out, inputs=inputs, overwrite=overwrite, suffix=".nwb")
    block = read_block(source, RecordingSpec(adapter=found.name, options=dict(options or {})))
    if segment is not None:
        block = one_segment(block, segment)
    add_metadata(block, about)
    _require_what_nwb_demands(block, source.name, described="session_description" in about)
    return write_nwb(block, out, overwrite=overwrite)


def read_metadata(path: str | Path) -> dict[str, Any]:
    """
    Read a YAML file of metadata.

    Parameters
    ----------
    path : str or pathlib.Path
        A file of NWB's own names: ``session_start_time`` (ISO date), ``session_description``,
        ``experimenter``, ``institution``, ``lab``, ``keywords``, …, and ``subject``, ``device``
        and ``imaging_plane`` with fields of their own.

    Returns
    -------
    dict of str to object
        What it says.

    Raises
    ------
    FileFormatError
        If it is missing or no YAML.
    InputError
        If it has a key that is not known, or a value of the wrong kind.
    """
    path = Path(path)
    if not path.is_file():
        what = "is no file but a folder, pipe or device" if path.exists() else "does not exist"
        raise FileFormatError(f"The metadata file '{path}' {what}. Check the path.")
    content = _yaml(path)
    if not isinstance(content, dict):
        raise FileFormatError(
            f"'{path.name}' must hold keys and values, such as 'session_start_time: 2024-05-01'."
        )
    unknown = [str(key) for key in content if key not in _KNOWN]
    if unknown:
        raise InputError(
            f"'{path.name}' has keys that are not known: {some(unknown)}. Use {', '.join(_KNOWN)}."
        )
    for key in _TABLES:
        if not isinstance(content.get(key, {}), dict):
            raise InputError(f"'{key}' of '{path.name}' must hold fields of its own.")
    return {key: value for key, value in content.items() if value is not None}


def _yaml(path: Path) -> Any:
    try:
        text = short_text(path)
        refuse_hostile_yaml(text, path.name)
        return load_yaml(text)
    except (YamlFault, UnicodeDecodeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise FileFormatError(f"'{path.name}' is no YAML file ({reason}). Correct it.") from None


def add_metadata(block: neo.Block, about: Mapping[str, Any]) -> None:
    """
    Add metadata to a block, where they take precedence over what it says already.

    Parameters
    ----------
    block : neo.Block
        The recording; its annotations are changed.
    about : mapping of str to object
        What :func:`read_metadata` gave.

    Raises
    ------
    InputError
        If a value is of the wrong kind.
    """
    for key, value in about.items():
        if key == "session_start_time":
            block.rec_datetime = session_date(value)
        elif key in _TABLES:
            known = annotated_fields(block.annotations, key)
            block.annotations[key] = {**known, **_plain(value)}
        elif key in _LISTS:
            texts = value if isinstance(value, list) else [value]
            block.annotations[key] = [str(text) for text in texts]
        else:
            block.annotations[key] = str(value)


def _plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Spell dates and numbers as NWB's fields want them."""
    plain = {}
    for key, value in fields.items():
        if key == "date_of_birth":
            value = session_date(value)
        elif key in ("age", "subject_id", "weight", "strain", "genotype", "species", "sex"):
            value = str(value)
        elif key.endswith("_lambda"):
            value = _wavelength(key, value)
        plain[str(key)] = value
    return plain


def _wavelength(key: str, value: Any) -> float:
    try:
        return float(value)
    except (TypeError, ValueError):
        raise InputError(
            f"'{key}' must be a wavelength in nanometres, got {value!r}. Write .nan where it is "
            "not known."
        ) from None


def _require_what_nwb_demands(block: neo.Block, file_name: str, *, described: bool) -> None:
    segment = block.segments[0]
    missing = []
    if (block.rec_datetime or segment.rec_datetime) is None:
        missing.append("session_start_time")
    if not (described or block.description or block.annotations.get("session_description")):
        missing.append("session_description")
    if len(block.segments) == 1 and node_signals(segment):
        plane = annotated_fields(block.annotations, "imaging_plane")
        missing += [f"imaging_plane: {key}" for key in _NEEDED_OF_A_PLANE if key not in plane]
    if missing:
        raise InputError(
            f"NWB demands what '{file_name}' does not say: {', '.join(missing)}. Write it into a "
            "YAML file, 'unknown' or .nan where nobody knows, and name it: --metadata FILE.yaml."
        )
