"""The behaviours that a run was asked for, and the pictures of the link to each."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from tavrnn_ephys.activity.behavior.codes import code_labels
from tavrnn_ephys.figures.page.collect import ReportContent
from tavrnn_ephys.figures.page.table_figures import (
    association_figure,
    partition_figure,
    scores_figure,
)

__all__ = ["AskedBehavior", "asked_behaviors", "link_figures", "main_behavior"]

_OF_BEHAVIOR = re.compile(r"(behavior\d*)_(windows|decoding|association)")


@dataclass(frozen=True, kw_only=True)
class AskedBehavior:
    """
    A behaviour that a run was asked for.

    Parameters
    ----------
    stem : str
        What the names of its tables begin with, such as ``"behavior2"``.
    name : str
        Its name.
    values : numpy.ndarray, shape (n_windows,)
        Numbers, NaN where unknown; or labels, empty where unknown, codes among them.  Unknown in
        all windows where the run holds tables of the link alone.
    is_decided : bool
        Whether the recording can decide what the network has to do with it.
    """

    stem: str
    name: str
    values: NDArray[Any]
    is_decided: bool

    @property
    def is_number(self) -> bool:
        """Whether it is a number rather than a label."""
        return self.values.dtype.kind in "biuf"

    @property
    def is_known(self) -> bool:
        """Whether any window has a value."""
        return bool(np.isfinite(self.values).any() if self.is_number else (self.values != "").any())

    def place(self, kind: str) -> str:
        """
        Name the place of a picture on the page.

        Parameters
        ----------
        kind : str
            What it shows, such as ``"decoding"``.

        Returns
        -------
        str
            The name.
        """
        return f"{kind}{self.stem.removeprefix('behavior')}"


def asked_behaviors(content: ReportContent) -> list[AskedBehavior]:
    """
    Give the behaviours that were asked for, in their order.

    Parameters
    ----------
    content : ReportContent
        The run.

    Returns
    -------
    list of AskedBehavior
        Empty where none was asked for.
    """
    matches = [match for match in map(_OF_BEHAVIOR.fullmatch, content.tables) if match]
    stems = sorted({match[1] for match in matches}, key=lambda stem: (len(stem), stem))
    return [
        AskedBehavior(
            stem=stem,
            name=str(content.facts.get(f"config.{stem}.name", "behaviour")),
            values=_values(content, stem),
            is_decided=f"{stem}_decoding" in content.tables,
        )
        for stem in stems
    ]


def _values(content: ReportContent, stem: str) -> NDArray[Any]:
    """Give the behaviour of each window; of a code its labels."""
    table = content.tables.get(f"{stem}_windows")
    if table is None or "behavior" not in table or len(table) != len(content.windows):
        return np.full(len(content.windows), np.nan)
    # The table says in words how a window is summed up.
    meaning = str(table.attrs.get("columns", {}).get("behavior", ""))
    values = np.asarray(table["behavior"])
    labels = code_labels(values, "mean" if meaning.startswith("Mean of ") else "")
    return values if labels is None else labels


def main_behavior(content: ReportContent) -> AskedBehavior | None:
    """
    Give the behaviour that pictures with room for one show.

    Parameters
    ----------
    content : ReportContent
        The run.

    Returns
    -------
    AskedBehavior or None
        The first that the recording can decide, else the first; None where none was asked for.
    """
    asked = [item for item in asked_behaviors(content) if item.is_known]
    return next((item for item in asked if item.is_decided), asked[0] if asked else None)


def link_figures(content: ReportContent) -> dict[str, go.Figure]:
    """
    Draw the link to each behaviour from its tables.

    Parameters
    ----------
    content : ReportContent
        The run.

    Returns
    -------
    dict of str to plotly.graph_objects.Figure
        By the name of its place on the page, as :meth:`AskedBehavior.place` gives it.
    """
    found, tables = {}, content.tables
    for item in asked_behaviors(content):
        if f"{item.stem}_decoding" in tables:
            found[item.place("decoding")] = scores_figure(
                tables[f"{item.stem}_decoding"], "features"
            )
        if f"{item.stem}_partition" in tables:
            found[item.place("partition")] = partition_figure(tables[f"{item.stem}_partition"])
        if f"{item.stem}_association" in tables:
            found[item.place("association")] = association_figure(
                tables[f"{item.stem}_association"]
            )
    return found
