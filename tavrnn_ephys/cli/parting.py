"""``analyze --each``: one run for each region, all in one file."""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable
from pathlib import Path

from tavrnn_ephys.cli.questions import reading_options
from tavrnn_ephys.cli.reports import Report
from tavrnn_ephys.cli.selecting import selection_of
from tavrnn_ephys.core.addresses import place_of
from tavrnn_ephys.core.errors import InputError

__all__ = ["run_each"]


def run_each(options: argparse.Namespace, once: Callable[[argparse.Namespace], Report]) -> Report:
    """
    Run a command once for each part of the nodes.

    Parameters
    ----------
    options : argparse.Namespace
        The options of ``analyze``, where the file to write is known.
    once : callable
        Runs the command.

    Returns
    -------
    Report
        What was found in each part.

    Raises
    ------
    InputError
        If there is no such column, no value has two nodes, or the parts cannot stand in one file.
    """
    from tavrnn_ephys.core.spec import RecordingSpec
    from tavrnn_ephys.studies.parts import parts_of_file

    if options.sidecar:
        raise InputError("--each writes several runs into one file. Leave --sidecar out.")
    spec = RecordingSpec(
        adapter=options.adapter, options=reading_options(options), segment_index=options.segment
    )
    parts, adapter = parts_of_file(
        place_of(options.file), spec, options.each, selection_of(options)
    )
    names = _run_names(options.run_name, list(parts))
    reports = {
        value: once(_of_part(options, names[value], selection.nodes, index, adapter == "nwb"))
        for index, (value, selection) in enumerate(parts.items())
    }
    text = "\n\n".join(
        f"{options.each} = {value}, run '{names[value]}'\n{found.text}"
        for value, found in reports.items()
    )
    facts = {value: dict(found.facts) for value, found in reports.items()}
    return Report(text=text, facts={"each": options.each, "parts": facts})


def _run_names(base: str, values: list[str]) -> dict[str, str]:
    """Name the run of each value; a run bears letters, digits and underscores alone."""
    plain = {value: re.sub(r"[^A-Za-z0-9]+", "_", value).strip("_") or "part" for value in values}
    stem = "" if base == "default" else f"{base}_"
    named: dict[str, str] = {}
    for value, name in plain.items():
        # A name begins with a letter, and stands for one value.
        name = f"{stem}{name}" if stem or name[0].isalpha() else f"part_{name}"
        named[value] = name if name not in named.values() else f"{name}_{len(named) + 1}"
    return named


def _of_part(
    options: argparse.Namespace, run: str, nodes: str | None, index: int, is_nwb: bool
) -> argparse.Namespace:
    """Give the options of one part: the first makes the file, the others go into it."""
    mine = argparse.Namespace(**vars(options))
    mine.run_name, mine.nodes, mine.each = run, nodes, None
    for name in ("report", "save_model"):
        if getattr(options, name) is not None:
            setattr(mine, name, _beside(getattr(options, name), run))
    for name in ("figures", "tables"):
        if getattr(options, name) is not None:
            setattr(mine, name, str(Path(getattr(options, name)) / run))
    if index and not options.in_place:
        mine.file, mine.out, mine.in_place = options.out, None, True
        mine.session_start = None
        if not is_nwb:
            # The copy holds the one segment that was read, and nothing that is to be chosen.
            mine.adapter, mine.option, mine.segment = None, [], None
    return mine


def _beside(path: str, run: str) -> str:
    place = Path(path)
    return str(place.with_name(f"{place.stem}_{run}{place.suffix}"))
