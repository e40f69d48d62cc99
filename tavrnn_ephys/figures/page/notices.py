"""What a reader of a report should be warned of, in plain words."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np

from tavrnn_ephys._version import __version__
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.names import several
from tavrnn_ephys.figures.page.asked import asked_behaviors
from tavrnn_ephys.figures.page.collect import ReportContent

__all__ = ["notices"]

# Below, slow noise passes the nominal level (docs/measurements/calibration.py).
_FEW_INDEPENDENT = 40
_FEW_WINDOWS = 20
_WARNINGS = "origin.warnings."


def notices(content: ReportContent) -> list[str]:
    """
    Say what speaks against trusting a run at first sight.

    Parameters
    ----------
    content : ReportContent
        The run and its recording.

    Returns
    -------
    list of str
        Sentences, the gravest first; empty where there is nothing to say.
    """
    parts = (_stored, _of_model, _of_recording, _of_windows, _of_nodes, _of_behavior, _of_version)
    return list(dict.fromkeys(text for part in parts for text in part(content)))


def _stored(content: ReportContent) -> Iterator[str]:
    """Repeat what the analysis itself warned of."""
    found = [str(value) for key, value in content.facts.items() if key.startswith(_WARNINGS)]
    yield from sorted(found, key=lambda text: "say nothing" not in text)


def _of_model(content: ReportContent) -> Iterator[str]:
    facts = content.facts
    final, chance = facts.get("origin.final_loss"), _chance_loss(content)
    known = any("stands (" in text for text in _stored(content))
    if final is not None and chance and float(final) >= 0.99 * chance and not known:
        yield (
            f"The model learnt nothing: its reconstruction loss ends at {float(final):.3f}, where "
            f"one that knows nothing of the windows stands ({chance:.3f}). Do not read anything "
            "into this embedding. Train longer, raise the threshold, or lengthen the windows."
        )
    placed = content.embedding
    if placed is not None and not np.nanstd(placed.points, axis=0).any():
        yield "The embedding is the same in all windows: it says nothing about change."


def _chance_loss(content: ReportContent) -> float | None:
    """Give the loss of a decoder that knows nothing, as it is defined beside the decoder."""
    target = content.facts.get("config.model.target")
    if content.has_factors:
        # The fit itself tells factors from noise, and warns.
        return None
    if target == "signed":
        return 0.5
    if target is None or content.density is None:
        return None
    density = np.asarray(content.density, dtype=np.float64)
    return math.log(2.0) * float(np.mean((density > 0) & (density < 1)))


def _of_recording(content: ReportContent) -> Iterator[str]:
    view = content.recording
    if view.missing:
        yield f"Nothing of the recording can be shown: {view.missing}"
    yield from view.notices


def _of_windows(content: ReportContent) -> Iterator[str]:
    windows = content.windows
    told = any(text.startswith("There are only") for text in _stored(content))
    if len(windows) < _FEW_WINDOWS and not told:
        yield (
            f"There are only {len(windows)} windows. Associations and predictions over so few are "
            f"hardly distinguishable from chance; {_FEW_WINDOWS} or more are better."
        )
    if windows.overlap:
        yield (
            f"Windows overlap: each shares time with up to {windows.overlap} that follow it, so "
            "that neighbours resemble each other without any cause in the network."
        )


def _of_nodes(content: ReportContent) -> Iterator[str]:
    nodes, kind = content.nodes, several(content.nodes.kind)
    activity = content.mean_activity
    if activity is not None and content.facts.get("node_table", "units") != "" and np.any(activity):
        silent = np.asarray(activity) == 0
        always = np.flatnonzero(silent.all(axis=0))
        if len(always):
            yield (
                f"{len(always)} of {len(nodes)} {kind} are silent in all windows "
                f"({some(nodes.ids[always])}); their connectivity says nothing."
            )
        sometimes = silent.any(axis=0) & ~silent.all(axis=0)
        if sometimes.any() and not any("do not vary" in text for text in _stored(content)):
            yield (
                f"{int(sometimes.sum())} of {len(nodes)} {kind} are silent in some windows "
                f"({int(silent[:, sometimes].sum())} times in all); their connectivity there is "
                f"set by rule ({content.facts.get('config.analysis.silent_nodes', 'unknown')})."
            )
    matrices = content.matrices
    if matrices is not None and matrices.blocks.is_single:
        unknown = np.isnan(matrices.means).sum() - matrices.means.shape[0] * len(nodes)
        if unknown > 0:
            yield f"{int(unknown)} weights are unknown (NaN) and are left blank."
    positions = nodes.positions_um
    n_unplaced = len(nodes) if positions is None else int(np.isnan(positions[:, :2]).any(1).sum())
    if n_unplaced == len(nodes):
        yield f"The file knows no positions of its {kind}, so that no map of them can be drawn."
    elif n_unplaced:
        yield f"{n_unplaced} of {len(nodes)} {kind} have no position and are not on the map."


def _of_behavior(content: ReportContent) -> Iterator[str]:
    tables, asked = content.tables, asked_behaviors(content)
    for item in asked:
        which = f"'{item.name}'" if len(asked) > 1 else "the behaviour"
        if f"{item.stem}_decoding" in tables:
            yield from _of_decoding(tables[f"{item.stem}_decoding"], which)
        if f"{item.stem}_association" in tables:
            table = tables[f"{item.stem}_association"]
            n_small = int((table["p_value"] < 0.05).sum())
            yield (
                f"{len(table)} associations with {which} were tested and {n_small} have p < "
                f"0.05, where chance alone gives about {0.05 * len(table):.0f}. Look at q, which "
                "is corrected."
            )


def _of_decoding(table: Any, which: str = "the behaviour") -> Iterator[str]:
    n_independent = float(table["n_independent"].min()) if "n_independent" in table else np.inf
    if n_independent < _FEW_INDEPENDENT:
        yield (
            f"{which[0].upper()}{which[1:]} is slow: the recording holds about "
            f"{n_independent:.0f} independent "
            "values of it. P-values of circular shifts are lower limits here: of simulated slow "
            "noise up to a tenth had p \u2264 0.05. Record longer."
        )
    scores = dict(zip(table["features"], table["score"], strict=True))
    model = scores.get("TAVRNN embedding")
    if model is None:
        return
    for rival, meaning in (
        ("mean rates", "the behaviour may be one of rates rather than of the network"),
        ("spectral embedding", "the trained network adds nothing to what it is given"),
    ):
        if rival in scores and scores[rival] >= model:
            yield (
                f"'{rival}' predict{'' if rival.endswith('s') else 's'} {which} as well as "
                f"the TAVRNN embedding ({scores[rival]:.3f} and {model:.3f}): {meaning}."
            )
    chosen = table[table["features"] == "TAVRNN embedding"].iloc[0]
    if chosen["score"] <= chosen["chance_high"]:
        yield (
            f"The TAVRNN embedding predicts {which} no better than chance "
            f"({chosen['score']:.3f}; chance reaches {chosen['chance_high']:.3f})."
        )


def _of_version(content: ReportContent) -> Iterator[str]:
    wrote = content.info.software_version
    if wrote != __version__:
        yield f"This run was written by version {wrote}; this page was made by {__version__}."
