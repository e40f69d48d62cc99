"""A fitted model holds the units of its fit, and refuses graphs of others."""

import dataclasses
import datetime

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.core.archives import read_archive, write_archive
from tavrnn_ephys.core.containers import Origin
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_units import GraphUnits, require_units, units_of
from tavrnn_ephys.methods import UASE, Rates, TavrnnMethod

# Independent spike trains have nothing to be learnt, which is no matter here.
pytestmark = pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning")

N_NODES = 6


def graphs_of(
    *, window=2.0, step=1.0, bin_size=0.1, threshold=0.0, features="weights", binary=False,
    nodes="u", kind="unit", **options,
):  # fmt: skip
    """Graphs of a recording that is the same but for how it is looked at."""
    rng = np.random.default_rng(0)
    times = [np.sort(rng.uniform(0, 20, 120)) for _ in range(N_NODES)]
    block = te.block_from_arrays(spike_times=times, t_stop=20 * pq.s)
    activity = te.bin_activity(block.segments[0], bin_size=bin_size * pq.s)
    ids = [f"{nodes}{index}" for index in range(N_NODES)]
    activity = dataclasses.replace(activity, nodes=te.Nodes(ids=ids, kind=kind))
    windows = te.sliding_windows(activity, window_length=window * pq.s, step=step * pq.s)
    connectivity = te.compute_connectivity(activity, windows, binary=binary, **options)
    return te.build_graphs(connectivity, threshold=threshold, features=features)


@pytest.fixture(scope="module")
def model():
    return te.TAVRNN(training_epochs=2, latent_size=2).fit(graphs_of())


OTHERS = {
    "window": ({"window": 4.0}, "windows of 4 s every 1 s, fit saw 2 s every 1 s"),
    "both": ({"window": 4.0, "step": 2.0}, "windows of 4 s every 2 s, fit saw 2 s every 1 s"),
    "step": ({"step": 0.5}, "windows of 2 s every 0.5 s, fit saw 2 s every 1 s"),
    "bins": ({"bin_size": 0.05}, "bins of 0.05 s, fit saw 0.1 s"),
    "measure": ({"measure": "covariance"}, "the measure 'covariance', fit saw 'pearson'"),
    "binary": ({"binary": True}, "counts clipped to 1, fit saw as they are"),
    "threshold": (
        {"threshold": 0.1},
        r"the threshold AbsoluteThreshold\(value=0.1\), fit saw AbsoluteThreshold\(value=0\)",
    ),
    "kind": ({"kind": "channel"}, "nodes of the kind 'channel', fit saw 'unit'"),
}


@pytest.mark.parametrize("what", OTHERS)
def test_transform_refuses_graphs_made_otherwise(model, what):
    made, sentence = OTHERS[what]
    match = f"^transform got {sentence}. Make these graphs as those of fit were made, or fit again"
    with pytest.raises(InputError, match=match):
        model.transform(graphs_of(**made))


@pytest.mark.parametrize("verb", ["score", "reconstruct", "predict_next"])
def test_every_answer_refuses_graphs_of_other_windows(model, verb):
    with pytest.raises(InputError, match=f"^{verb} got windows of 4 s every 2 s, fit saw 2 s"):
        getattr(model, verb)(graphs_of(window=4.0, step=2.0))


def test_parameters_of_the_measure_are_held():
    made = {"measure": "cross_correlation", "max_lag": 300 * pq.ms}
    model = te.TAVRNN(training_epochs=1, latent_size=2).fit(graphs_of(**made))
    model.transform(graphs_of(measure="cross_correlation", max_lag=0.3 * pq.s))
    sentence = "options of the measure max_lag=0.5 s, fit saw max_lag=0.3 s"
    with pytest.raises(InputError, match=sentence):
        model.transform(graphs_of(measure="cross_correlation", max_lag=0.5 * pq.s))


def test_all_that_differs_is_named(model):
    with pytest.raises(InputError, match="4 s every 1 s, .*; bins of 0.2 s, .*; the measure 'spea"):
        model.transform(graphs_of(window=4.0, bin_size=0.2, measure="spearman"))


def test_way_out_arrives(model):
    graphs = graphs_of()
    assert len(model.transform(graphs).mean) == len(graphs)
    other = graphs_of(window=4.0, step=2.0)
    assert te.TAVRNN(training_epochs=1).fit(other).transform(other).n_windows == len(other)


@pytest.mark.parametrize("index", [slice(3, 4), slice(2, 9), [0, 1, 2, 3, 9, 10, 11, 12]])
def test_a_part_of_the_windows_or_a_gap_passes(model, index):
    model.transform(graphs_of()[index])


def test_unknown_on_either_side_passes(model):
    graphs = graphs_of()
    unknown = dataclasses.replace(graphs, origin=Origin())
    model.transform(unknown)
    te.TAVRNN(training_epochs=1).fit(unknown).transform(graphs)


def test_step_refuses_windows_of_another_length(model):
    with pytest.raises(InputError, match="^step got windows of 4 s every 1 s, fit saw 2 s"):
        model.step(model.initial_state(), graphs_of(window=4.0))


def test_step_knows_the_step_of_single_windows(model):
    graphs, state = graphs_of(step=0.5), model.initial_state()
    for index in range(2):
        state, _ = model.step(state, graphs[index : index + 1])
    with pytest.raises(InputError, match="^step got windows of 2 s every 0.5 s, fit saw"):
        model.step(state, graphs[2:3])
    graphs, state = graphs_of(), model.initial_state()
    # A gap in the stream is no other step.
    for index in (0, 1, 2, 7, 8, 9):
        state, _ = model.step(state, graphs[index : index + 1])


def test_adapt_refuses_other_windows_and_takes_other_thresholds(model):
    with pytest.raises(InputError, match="^adapt got bins of 0.05 s, fit saw 0.1 s"):
        model.adapt(graphs_of(nodes="v", bin_size=0.05), session="other")
    fitted = te.TAVRNN(training_epochs=1, latent_size=2).fit(graphs_of())
    fitted.adapt(graphs_of(nodes="v", threshold=0.1), session="other")
    fitted.transform(graphs_of(nodes="v", threshold=0.1))


def test_fit_refuses_sequences_that_were_made_differently():
    with pytest.raises(InputError, match="^fit got windows of 4 s .*, the first graphs had 2 s"):
        te.TAVRNN(training_epochs=1).fit([graphs_of(), graphs_of(window=4.0, nodes="v")])


def test_features_count_only_where_they_are_read(model):
    model.transform(graphs_of(features="identity"))
    reading = te.TAVRNN(training_epochs=1, profile="recurrent", options={"node_features": "graph"})
    reads = reading.fit(graphs_of())
    with pytest.raises(InputError, match="the features 'identity', fit saw 'weights'"):
        reads.transform(graphs_of(features="identity"))


def test_the_model_file_holds_the_units(model, tmp_path):
    model.save(tmp_path / "model.npz")
    loaded = te.TAVRNN.load(tmp_path / "model.npz")
    assert loaded.sessions_["0"].units == model.sessions_["0"].units
    assert loaded.sessions_["0"].units.step_s == pytest.approx(1.0)
    with pytest.raises(InputError, match="windows of 4 s every 2 s, fit saw 2 s every 1 s"):
        loaded.transform(graphs_of(window=4.0, step=2.0))


def test_a_model_file_without_units_takes_all_graphs(model, tmp_path):
    model.save(tmp_path / "model.npz")
    kind = "tavrnn_ephys.TAVRNN"
    about, arrays = read_archive(tmp_path / "model.npz", kind=kind, version=1, noun="model")
    del about["sessions"][0]["units"]
    write_archive(tmp_path / "old.npz", kind=kind, version=1, arrays=arrays, about=about)
    te.TAVRNN.load(tmp_path / "old.npz").transform(graphs_of(window=4.0, step=2.0))


@pytest.mark.parametrize(
    "method",
    [UASE(latent_size=2), TavrnnMethod(n_steps=1, latent_size=2), Rates()],
    ids=lambda method: method.name,
)
def test_every_method_of_the_contract_refuses_graphs_made_otherwise(method):
    features = method.features
    method.fit(graphs_of(features=features))
    with pytest.raises(InputError, match="^transform got windows of 4 s every 2 s, fit saw 2 s"):
        method.transform(graphs_of(features=features, window=4.0, step=2.0))
    with pytest.raises(InputError, match="^fit got bins of 0.05 s, the first graphs had 0.1 s"):
        method.fit([graphs_of(features=features), graphs_of(features=features, bin_size=0.05)])


def test_saved_graphs_keep_their_origin(tmp_path):
    graphs = graphs_of(threshold=0.1)
    graphs.save(tmp_path / "graphs.npz")
    loaded = te.GraphSequence.load(tmp_path / "graphs.npz")
    assert loaded == graphs
    assert loaded.origin == graphs.origin
    assert graphs.origin == Origin(
        bin_size_s=0.1, quantity="spike_count", binary=False, measure="pearson",
        measure_options=(), threshold="AbsoluteThreshold(value=0.1)", features="weights",
        min_spikes=0,
    )  # fmt: skip


def test_threshold_objects_and_their_numbers_are_one_rule():
    as_object = graphs_of(threshold=te.AbsoluteThreshold(value=0.1))
    assert as_object.origin == graphs_of(threshold=0.1).origin


def test_origin_is_no_part_of_equality():
    graphs = graphs_of()
    assert graphs == dataclasses.replace(graphs, origin=Origin())


def test_parts_that_were_computed_differently_are_not_joined():
    connectivity = te.ConnectivitySequence.from_array(np.ones((2, 3, 3)))
    parts = [
        dataclasses.replace(connectivity.select([index]),
                            origin=Origin(bin_size_s=size))
        for index, size in ((0, 0.1), (1, 0.2))
    ]  # fmt: skip
    with pytest.raises(InputError, match="differ in bin_size_s cannot be joined"):
        te.build_graphs(parts)


def test_symmetrized_connectivity_says_how():
    one_way = te.ConnectivitySequence.from_array([[[0.0, 0.8], [0.2, 0.0]]], directed=True)
    assert one_way.symmetrized().origin.measure_options == (("symmetrized", "mean"),)


def test_runs_in_nwb_keep_the_origin(tmp_path):
    rng = np.random.default_rng(0)
    block = te.block_from_arrays(counts=rng.poisson(1, (4, 40)), bin_size=100 * pq.ms)
    block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    activity = te.bin_activity(block.segments[0], bin_size=0.1 * pq.s)
    windows = te.sliding_windows(activity, window_length=1 * pq.s, step=1 * pq.s)
    connectivity = te.compute_connectivity(activity, windows)
    graphs = te.build_graphs(connectivity)
    recording = te.write_nwb(block, tmp_path / "recording.nwb")
    results = te.Results(connectivity=connectivity, graphs=graphs)
    path = te.write_results(recording, results, out=tmp_path / "results.nwb")
    back = te.read_results(path, what="all")
    assert back.connectivity.origin == connectivity.origin
    assert back.graphs.origin == graphs.origin


def test_unequal_windows_have_no_length_in_common():
    graphs = graphs_of()[:3]
    uneven = te.Windows(start_s=[0, 1, 5], stop_s=[1, 3, 9])
    units = units_of(dataclasses.replace(graphs, windows=uneven))
    assert (units.window_length_s, units.step_s) == (None, None)
    require_units(units, units_of(graphs_of()), verb="transform")


def test_units_survive_a_file():
    units = units_of(graphs_of(measure="cross_correlation", max_lag=300 * pq.ms))
    assert GraphUnits.from_facts(units.to_facts()) == units
    assert GraphUnits.from_facts({}) == GraphUnits()
