"""What an analysis found, as text and as a document."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tavrnn_ephys.studies.analysis import AnalysisResult

__all__ = ["facts_of", "text_of"]


def text_of(result: AnalysisResult, options: argparse.Namespace) -> str:
    """
    Tell what an analysis found, for a terminal.

    Parameters
    ----------
    result : AnalysisResult
        What it found.
    options : argparse.Namespace
        How it was asked for.

    Returns
    -------
    str
        The answer first, then every part.
    """
    from tavrnn_ephys.studies.answering import answer

    parts: list[Any] = [answer(result), ""]
    if result.reasons:
        parts += ["Chosen to suit the recording:", *_reasons(result), ""]
    parts += [result.activity, result.connectivity, result.graphs, result.embedding]
    parts += _how_fitted(result)
    parts += result.behaviors.values()
    if result.states is not None:
        parts.append(result.states)
    parts.append(f"Written to {options.out or options.file}")
    return "\n".join(map(str, parts))


def _how_fitted(result: AnalysisResult) -> list[str]:
    final = result.model.history_[-1]
    if "kl" in final:
        return [f"Reconstruction loss {final['reconstruction']:.4f}, KL {final['kl']:.4f}"]
    return [
        f"Share of the pairs' variance that factors leave: {final['reconstruction']:.4f}",
        str(result.model.returning_kinds()),
    ]


def _kinds(result: AnalysisResult) -> dict[str, Any] | None:
    """Tell of kinds of windows that return; ``None`` where the profile looks for none."""
    if "kl" in result.model.history_[-1]:
        return None
    judged = result.model.returning_kinds()
    return {
        "taken": judged.kinds is not None,
        "n_kinds": judged.n_kinds,
        "gain": judged.gain,
        "gain_error": judged.gain_error,
    }


def _reasons(result: AnalysisResult) -> list[str]:
    """Say each duration that was chosen, with its reason."""
    from tavrnn_ephys.studies.advice.reasons import reason_lines

    config = result.config
    values = {"bin": config.bin_size_s, "window": config.window_length_s, "step": config.step_s}
    return reason_lines(values, result.reasons)


def facts_of(result: AnalysisResult, options: argparse.Namespace) -> dict[str, Any]:
    """
    Tell what an analysis found, for a program.

    Parameters
    ----------
    result : AnalysisResult
        What it found.
    options : argparse.Namespace
        How it was asked for.

    Returns
    -------
    dict of str to object
        The parts of the document of ``--json``.
    """
    from tavrnn_ephys.studies.answering import answer

    final, behavior = result.model.history_[-1], result.behavior
    return {
        "answer": list(answer(result)),
        "recording": options.file,
        "written": options.out or options.file,
        "run": options.run_name,
        "n_nodes": result.embedding.n_nodes,
        "node_kind": result.embedding.node_kind,
        "n_bins": result.activity.n_bins,
        "n_windows": len(result.windows),
        "latent_size": result.embedding.mean.shape[2],
        "reconstruction_loss": final["reconstruction"],
        "kl": final.get("kl"),
        "kinds": _kinds(result),
        "config": result.config,
        "reasons": result.reasons,
        "behavior": None if behavior is None else _linked(behavior),
        "behaviors": list(map(_linked, result.behaviors.values())),
        "states": None
        if result.states is None
        else {
            "n_states": result.states.found.n_states,
            "summary": result.states.found.durations.table,
            "behavior": result.states.behavior,
            "notes": list(result.states.notes),
        },
        "figures": options.figures,
        "report": options.report,
        "tables": options.tables,
    }


def _linked(found: Any) -> dict[str, Any]:
    return {
        "name": found.behavior.name,
        "how": found.behavior.how,
        "decoding": found.decoding,
        "association": found.association,
    }
