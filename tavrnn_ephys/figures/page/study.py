"""One page for a whole study: effects, recordings, what is missing, and a text of methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from typing import TYPE_CHECKING, Any

import jinja2
from markupsafe import Markup

from tavrnn_ephys._version import __version__

if TYPE_CHECKING:
    import pandas

__all__ = ["StudyTable", "study_page"]


@dataclass(frozen=True, kw_only=True)
class StudyTable:
    """
    A table of a page.

    Parameters
    ----------
    title, caption : str
        What it is called, and what it says.
    frame : pandas.DataFrame
        Its rows.
    links : mapping of str to str
        Addresses by the text of a cell of the first column.
    """

    title: str
    caption: str
    frame: pandas.DataFrame
    links: Mapping[str, str]


@dataclass(frozen=True)
class _Cell:
    text: str
    is_text: bool
    link: str | None


def study_page(
    title: str,
    sentence: str,
    tables: Sequence[StudyTable],
    methods: Sequence[str],
    *,
    forest: str | None = None,
) -> str:
    """
    Write the page of a study.

    Parameters
    ----------
    title : str
        Its heading.
    sentence : str
        What stands first.
    tables : sequence of StudyTable
        Tables in their order.
    methods : sequence of str
        Paragraphs on how it was done, to be pasted into a paper.
    forest : str, optional
        A forest plot as SVG.

    Returns
    -------
    str
        HTML that needs no other file and no network.
    """
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    source = files("tavrnn_ephys.figures.page").joinpath("study.html").read_text(encoding="utf-8")
    return environment.from_string(source).render(
        title=title,
        sentence=sentence,
        tables=[_shown(table) for table in tables if len(table.frame)],
        methods=list(methods),
        # The picture is our own: matplotlib escapes the names in it.
        forest=Markup(forest[forest.index("<svg") :]) if forest else None,
        version=__version__,
    )


def _shown(table: StudyTable) -> dict[str, Any]:
    kinds = [column.dtype.kind not in "fiu" for _, column in table.frame.items()]
    names = [str(name).replace("_", " ") for name in table.frame.columns]
    rows = [
        [
            _Cell(_text(value), is_text, table.links.get(str(value)) if position == 0 else None)
            for position, (value, is_text) in enumerate(zip(row, kinds, strict=True))
        ]
        for row in table.frame.itertuples(index=False, name=None)
    ]
    return {
        "title": table.title,
        "caption": table.caption,
        "columns": list(zip(names, kinds, strict=True)),
        "rows": rows,
    }


def _text(value: Any) -> str:
    return f"{value:.4g}" if isinstance(value, float) else str(value)
