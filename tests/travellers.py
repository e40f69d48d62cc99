"""One instance of every documented class, and equality by content."""

import dataclasses
import datetime
import inspect
import warnings
from collections.abc import Mapping
from functools import cache
from importlib import import_module
from pathlib import Path

import numpy as np
import pandas as pd
import quantities as pq
import scipy.sparse
import torch

import tavrnn_ephys as te
from tavrnn_ephys import sinks, sources
from tavrnn_ephys.connectivity import RunningLagSums
from tavrnn_ephys.core.errors import ChanceLossWarning
from tavrnn_ephys.datasets.registry import DATASETS
from tavrnn_ephys.evaluation import BenchmarkTask, Job, Share, TaskGraphs
from tavrnn_ephys.methods import Rates, choose_methods
from tavrnn_ephys.methods.tavrnn.training import Checkpoint, Stretch, run_sequence
from tavrnn_ephys.results import StoredResults
from tavrnn_ephys.streaming import DriftMonitor, MeanAdaptation, Stream, Trigger
from tavrnn_ephys.studies.benchmark import FileSource, MethodFactory, SimulatedSource
from tests.public_api import documented

FRAME = pd.DataFrame({"score": np.arange(6.0)})
BY_ANNOTATION = {
    "NDArray": np.arange(6.0), "DataFrame": FRAME, "Mapping": {"a": 1.0}, "tuple": ("a", "b"),
    "str": "a", "float": 0.5, "int": 3,
}  # fmt: skip

# What holds an open file, a connection or a place in a recording belongs to one process; a stream
# goes on elsewhere through its own file.
STAYING = {
    StoredResults, Stream, Trigger, te.Report, sources.LslSource, sources.OpenEphysSource,
    sources.PushSource, sources.ReplaySource, sources.PongSource, sources.PongStimulator,
    sinks.EmbeddingOutlet, sinks.MarkerOutlet, sinks.NwbLog, sinks.LivePage,
}  # fmt: skip


def part_of_a_signal(start, stop, channels):
    """Give a part of a signal of two channels."""
    return np.zeros((stop - start, 2))[:, slice(None) if channels is None else channels]


@cache
def analysis():
    """Everything that an analysis of a small recording makes."""
    rng = np.random.default_rng(0)
    counts = rng.poisson(1, (5, 60))
    block = te.block_from_arrays(counts=counts, bin_size=100 * pq.ms)
    block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    config = te.AnalysisConfig(bin_size_s=0.1, window_length_s=1.0, step_s=0.5, training_epochs=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChanceLossWarning)
        return block, te.analyze(block, config)


def _network():
    """A trained network with what goes in and comes out."""
    _, result = analysis()
    model = te.TAVRNN(profile="recurrent", training_epochs=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChanceLossWarning)
        model.fit(result.graphs)
    _, windows, _ = model._opened(result.graphs, None)
    output, state = run_sequence(model.network_, windows)
    return model.network_, windows, output, state


def _long_embedding(nodes):
    """An embedding of as many windows as a range wants."""
    values = np.random.default_rng(0).normal(size=(30, len(nodes), 2))
    windows = te.Windows(start_s=np.arange(30.0), stop_s=np.arange(30.0) + 1)
    return te.NodeEmbedding(mean=values, std=np.ones_like(values), windows=windows, nodes=nodes)


def made():
    """Instances of the classes that hold data or state, each as its maker makes it."""
    block, result = analysis()
    network, windows, output, state = _network()
    activity, model = result.activity, result.model
    labels = np.where(np.arange(len(result.windows)) % 2, "up", "down")
    task = BenchmarkTask(
        name="t", session="s", activity=activity, windows=result.windows, behavior=labels
    )
    shifts = te.ShiftSurrogates(min_shift=1 * pq.s)
    null = te.connectivity_null(activity, result.windows, surrogates=shifts, n_surrogates=19)
    entry = choose_methods("uase,rates")["uase"]
    return [
        result, activity, result.windows.with_columns(label=labels), result.connectivity,
        result.graphs, model, result.embedding, activity.nodes, result.config,
        te.results_of(result), te.ResultTable(frame=FRAME),
        te.AbsoluteThreshold(value=0.1), te.DensityThreshold(density=0.2),
        te.StrongestThreshold(n_strongest=3),
        te.SignificanceThreshold(null=null), null, shifts,
        te.SpikeSurrogates(
            spiketrains=block.segments[0].spiketrains, displacement=200 * pq.ms
        ),
        te.UASE(latent_size=2).fit(result.graphs), Rates(), entry,
        te.GameConfig(), te.play_game(te.GameConfig(game_s=20.0), nodes=40),
        te.BehaviorConfig(behavior="score"), next(iter(DATASETS.values())),
        task, TaskGraphs(task), Job(source=task, method="rates", make_method=Rates, seed=0),
        FileSource(path="x", bin_size_s=0.1, window_length_s=1.0, step_s=1.0, behavior="b"),
        SimulatedSource(name="switching", seed=0),
        MethodFactory(entry=entry, n_steps=1, latent_size=2),
        model.initial_state(), model.training_options_, network.options,
        network, state, output, windows[0], Stretch(network, windows),
        Checkpoint(Path("c"), every=1, fit={"seed": 0}),
        te.LazySignal(part_of_a_signal, n_samples=9, n_channels=2, sampling_rate_hz=1.0),
        Share(0.5, 0.1, 0.9), RunningLagSums(np.ones(2), 3, 5), te.RunningGram(3, 5),
        te.streaming.RunningLags(np.ones(2), 3, 5),
        DriftMonitor(_long_embedding(activity.nodes)),
        MeanAdaptation(DriftMonitor(_long_embedding(activity.nodes)), 600.0),
    ]  # fmt: skip


def filled(kind):
    """An instance of a plain dataclass, its fields filled by what their annotations say."""
    instance = object.__new__(kind)
    for item in dataclasses.fields(kind):
        known = (value for name, value in BY_ANNOTATION.items() if name in str(item.type))
        object.__setattr__(instance, item.name, next(known, None))
    return instance


def documented_classes():
    """Classes that the reference lists, protocols and errors aside."""
    found = dict.fromkeys(
        getattr(import_module(module), name)
        for module, name in documented(Path(__file__).parents[1] / "docs/reference/api")
    )
    return [
        kind
        for kind in found
        if inspect.isclass(kind)
        and not issubclass(kind, Exception)
        and not getattr(kind, "_is_protocol", False)
    ]


@cache
def instances():
    """One instance of every documented class, by the name of the class."""
    known = {type(item): item for item in made()}
    for kind in documented_classes():
        if kind not in known and dataclasses.is_dataclass(kind):
            known[kind] = filled(kind)
        elif kind not in known and not inspect.isabstract(kind) and kind not in STAYING:
            known[kind] = kind()
    return known


def same(one, other):
    """Tell whether two objects of any class hold the same."""
    if type(one) is not type(other):
        return False
    if isinstance(one, np.ndarray):
        alike = np.array_equal(one, other, equal_nan=one.dtype.kind == "f")
        return one.shape == other.shape and bool(alike)
    if isinstance(one, np.random.Generator):
        return same(one.bit_generator.state, other.bit_generator.state)
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if scipy.sparse.issparse(one):
        return same(one.toarray(), other.toarray())
    if isinstance(one, pd.DataFrame):
        return one.equals(other)
    if isinstance(one, Mapping):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    if dataclasses.is_dataclass(one):
        names = [item.name for item in dataclasses.fields(one)]
        return all(same(getattr(one, name), getattr(other, name)) for name in names)
    if type(one).__eq__ is object.__eq__ and hasattr(one, "__dict__") and not callable(one):
        return same(vars(one), vars(other))
    return callable(one) or bool(one == other)
