"""One model over many recordings: trained on some of them, adapted to those that are held out."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.connectivity.network import compute_graphs
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.spec import RecordingSpec
from tavrnn_ephys.studies.analysis import Embedder, make_model
from tavrnn_ephys.studies.cohort.options import AnalysisOptions, analysis_options
from tavrnn_ephys.studies.cohort.plan import Plan, Planned
from tavrnn_ephys.studies.cohort.shards import model_files, shard_key
from tavrnn_ephys.studies.cohort.tasks import Task, unchanged
from tavrnn_ephys.studies.recording import open_recording

if TYPE_CHECKING:
    from tavrnn_ephys.core.containers import NodeEmbedding
    from tavrnn_ephys.core.graph_sequence import GraphSequence
    from tavrnn_ephys.methods.tavrnn import TAVRNN

__all__ = ["shared_embedder", "shared_plan", "train_shared"]


def shared_plan(plan: Plan, hold_out: Mapping[str, Collection[str]]) -> Plan:
    """
    Plan the same recordings with one model for all.

    Parameters
    ----------
    plan : Plan
        Recordings, each with a model of its own.
    hold_out : mapping of str to collection of str
        Recordings that the model is not trained on: values by a fact of the manifest, or by
        ``"id"``.

    Returns
    -------
    Plan
        What can be analysed; results have other names than those of models of their own.

    Raises
    ------
    InputError
        If choices differ between recordings, fewer than two are left to train on, nothing is
        held out by a name that is given, or a culture stands on both sides.
    """
    able = [item for item in plan.recordings if not item.refusal]
    _require_equal_choices(able)
    held = {item.id for item in able if _is_held_out(item, hold_out)}
    _require_two_sides(able, held, hold_out)
    training = sorted(item.key for item in able if item.id not in held)
    model = shard_key(" ".join(training), "shared model")

    def shared(item: Planned) -> Planned:
        if item.refusal:
            return item
        is_held_out = item.id in held
        choices = json.dumps({"of": item.key, "model": model, "is_held_out": is_held_out})
        key = shard_key(item.digest, choices)
        return dataclasses.replace(item, key=key, model=model, is_held_out=is_held_out)

    return Plan(recordings=tuple(shared(item) for item in plan.recordings))


def _is_held_out(item: Planned, hold_out: Mapping[str, Collection[str]]) -> bool:
    about = {"id": item.id, **item.facts}
    return any(about.get(name) in values for name, values in hold_out.items())


def _require_equal_choices(able: list[Planned]) -> None:
    def of(item: Planned) -> Any:
        return dataclasses.replace(item.choices.config, segment_index=None)

    differing = [item.id for item in able if of(item) != of(able[0])]
    if differing:
        raise InputError(
            f"A shared model needs the same bins, windows and choices in all recordings; "
            f"{some(differing)} differ from '{able[0].id}'. Give them the same, and plan again."
        )


def _require_two_sides(
    able: list[Planned], held: set[str], hold_out: Mapping[str, Collection[str]]
) -> None:
    for name, values in hold_out.items():
        known = {{"id": item.id, **item.facts}.get(name) for item in able}
        strange = sorted(set(values) - {text for text in known if text is not None})
        if strange:
            raise InputError(f"No recording that can be analysed has {name} = {some(strange)}.")
    if len(able) - len(held) < 2:
        raise InputError(
            f"A shared model needs two recordings to be trained on; {len(able) - len(held)} are "
            "left. Hold out fewer."
        )
    sides: dict[str, set[bool]] = {}
    for item in able:
        if "culture" in item.facts:
            sides.setdefault(item.facts["culture"], set()).add(item.id in held)
    both = [name for name, found in sides.items() if len(found) == 2]
    if both:
        raise InputError(
            f"Recordings of the culture {some(both)} stand on both sides: the model would have "
            f"seen what is held out. Hold out whole cultures: culture={both[0]}."
        )


def train_shared(task: Task, out: Path) -> dict[str, Any]:
    """
    Train one model over recordings: shared weights, an own projection of each one's nodes.

    Parameters
    ----------
    task : Task
        The task, with the recordings to train on.
    out : pathlib.Path
        Where the model is saved.

    Returns
    -------
    dict
        Recordings, nodes and windows that it has seen, and its loss.

    Raises
    ------
    FileFormatError
        If a recording cannot be read.
    InputError
        If one has changed since it was planned, or does not suit the choices.
    """
    graphs = [_graphs(part) for part in task.trains_on]
    config = _choices(task.trains_on[0]).config
    model = make_model(config).fit(graphs, sessions=[_session(part) for part in task.trains_on])
    model.save(out, overwrite=True)
    return {
        "recordings": [part.id for part in task.trains_on],
        "n_nodes": sum(item.n_nodes for item in graphs),
        "n_windows": sum(len(item) for item in graphs),
        "reconstruction_loss": float(model.history_[-1]["reconstruction"]),
    }


def shared_embedder(task: Task) -> Embedder:
    """
    Say how a recording is embedded by the model that it shares.

    Parameters
    ----------
    task : Task
        Analysis of a recording, with the key of the model.

    Returns
    -------
    callable
        Adapts the model to a recording that is held out, and embeds it.
    """

    def embed(graphs: GraphSequence) -> tuple[TAVRNN, NodeEmbedding]:
        from tavrnn_ephys.methods.tavrnn import TAVRNN

        model = TAVRNN.load(model_files(Path(task.study), task.model)[0], device="cpu")
        n_recordings = len(model.sessions_)
        if task.is_held_out:
            model.adapt(graphs, session=_session(task))
        embedding = model.transform(graphs, session=_session(task))
        about = {
            "shared_model.key": task.model,
            "shared_model.n_recordings": n_recordings,
            "shared_model.is_held_out": task.is_held_out,
        }
        return model, dataclasses.replace(embedding, config={**embedding.config, **about})

    return embed


def _session(task: Task) -> str:
    """Name a recording by its content, since its id and its path may change."""
    return f"{task.digest.rpartition(':')[2][:16]}-{task.options.get('segment', 0)}"


def _choices(task: Task) -> AnalysisOptions:
    return analysis_options(task.options, f"'{task.id}'")


def _graphs(task: Task) -> GraphSequence:
    choices = _choices(task)
    config = choices.config
    spec = RecordingSpec(
        adapter=choices.adapter, options=choices.options, segment_index=config.segment_index
    )
    recording = open_recording(unchanged(task), spec, config.windows)
    _, graphs = compute_graphs(
        recording.activity,
        recording.windows,
        config.connectivity,
        config.graphs,
        spiketrains=recording.segment.spiketrains,
    )
    return graphs
