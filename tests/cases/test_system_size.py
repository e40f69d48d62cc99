"""What is too large: refused before the work, or kept in a file with the same result."""

import copy
import dataclasses
import pickle
import time

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.connectivity import size, stored
from tavrnn_ephys.connectivity.size import (
    Size,
    analysis_size,
    connectivity_size,
    refuse_size,
)
from tavrnn_ephys.connectivity.stored import fitting_connectivity, store_connectivity
from tavrnn_ephys.core import memory
from tavrnn_ephys.core.errors import InputError, OutputError
from tavrnn_ephys.core.matrix_file import MatrixFile, MatrixSequence
from tavrnn_ephys.core.names import PROFILES
from tavrnn_ephys.core.run_differences import sequence_difference
from tavrnn_ephys.core.run_parts import PartArray
from tavrnn_ephys.core.vertex_features import FeaturesOnDemand
from tavrnn_ephys.methods.tavrnn import inputs
from tavrnn_ephys.studies import recording

GB = 10**9
WEIGHTS = (PartArray(name="weights", text="connectivity"),)
MOST_S = 1.0  # Seconds of the processor, so that a busy machine has no say.


@pytest.fixture(scope="module")
def activity():
    counts = np.random.default_rng(0).poisson(0.1, (12, 600)).astype(np.uint8)
    return te.BinnedActivity(values=counts, bin_size_s=0.1, nodes=te.Nodes(ids=range(12)))


@pytest.fixture(scope="module")
def windows(activity):
    return te.sliding_windows(activity, window_length=10 * pq.s, step=2 * pq.s)


@pytest.fixture(scope="module")
def pair(activity, windows):
    """The same connectivity in memory and in a file."""
    return te.compute_connectivity(activity, windows), store_connectivity(activity, windows)


@pytest.fixture
def small_machine(monkeypatch):
    monkeypatch.setattr(size, "available_memory", lambda: 8 * GB)
    monkeypatch.setattr(size, "free_room", lambda _: 100 * GB)


# ---- refused before the work --------------------------------------------------


def a_million_windows():
    counts = np.zeros((60, 1_001_000), dtype=np.uint8)
    counts[:, ::7] = 1
    return te.BinnedActivity(values=counts, bin_size_s=0.001, nodes=te.Nodes(ids=range(60)))


def test_a_million_windows_are_refused_in_a_second_with_their_size(small_machine):
    activity = a_million_windows()
    start = time.process_time()
    windows = te.sliding_windows(activity, window_length=1 * pq.s, step=1 * pq.ms)
    with pytest.raises(InputError) as told:
        te.compute_connectivity(activity, windows)
    assert time.process_time() - start < MOST_S
    assert str(told.value) == (
        "1000001 windows of 60 units need 28.8 GB of memory, of which 8 GB are free. Take a step "
        "4 times as long (277777 windows fit), or at most 31 units. Or take one window after the "
        "other: iter_connectivity."
    )


def test_the_size_of_an_analysis_follows_its_profile():
    # Peaks that docs/measurements/analysis_memory.py finds.
    for n_windows, n_nodes, n_bins, peak in (
        (3481, 900, 72_000, 2563e6),
        (1581, 400, 34_000, 1374e6),
    ):
        found = analysis_size(n_windows, n_nodes, n_bins=n_bins, profile="state_space")
        assert found.memory == pytest.approx(peak, rel=0.05)
    directed, undirected = (
        analysis_size(3481, 900, measure=measure, profile="state_space").memory
        for measure in ("lagged_correlation", "pearson")
    )
    assert directed >= undirected


def test_an_analysis_of_a_million_windows_is_refused_in_a_second(small_machine):
    activity = a_million_windows()
    start = time.process_time()
    with pytest.raises(InputError, match=r"1000001 windows of 60 units need 8\.\d+ TB of memory"):
        size.refuse_large_analysis(
            1_000_001, 60, n_bins=activity.n_bins, measure="pearson", node_kind="unit"
        )
    assert time.process_time() - start < MOST_S


def test_analyze_refuses_before_the_work(monkeypatch):
    monkeypatch.setattr(size, "available_memory", lambda: 10**8)
    block = te.simulate_culture(n_nodes=20, duration=20 * pq.s, seed=1)
    config = te.AnalysisConfig(bin_size_s=0.05, window_length_s=4.0, step_s=2.0)
    with pytest.raises(InputError, match="9 windows of 20 channels need .* of memory"):
        te.analyze(block, config)


def test_analyze_refuses_a_million_windows_in_a_second_before_anything_is_binned(
    small_machine, monkeypatch
):
    trains = [np.arange(0.5, 1000, 0.5)] * 60
    block = te.block_from_arrays(spike_times=trains, t_stop=1001 * pq.s)

    def not_yet(*_, **__):
        raise AssertionError("The recording was binned.")

    monkeypatch.setattr(recording, "bin_recordings", not_yet)
    config = te.AnalysisConfig(bin_size_s=0.001, window_length_s=1.0, step_s=0.001)
    start = time.process_time()
    with pytest.raises(InputError, match=r"1000001 windows of 60 units need 8\.\d+ TB of memory"):
        te.analyze(block, config)
    assert time.process_time() - start < MOST_S


@pytest.mark.parametrize("way", ["windows", "nodes"])
def test_what_the_refusal_advises_fits(small_machine, way):
    def size_of(n_windows, n_nodes):
        return analysis_size(n_windows, n_nodes, measure="cross_correlation")

    with pytest.raises(InputError) as told:
        refuse_size(size_of, 20_000, 900, node_kind="channel")
    words = str(told.value).split()
    if way == "windows":
        n_windows = int(words[words.index("fit),") - 2].strip("("))
        refuse_size(size_of, n_windows, 900, node_kind="channel")
        assert 20_000 // int(words[words.index("times") - 1]) <= n_windows
    else:
        refuse_size(size_of, 20_000, int(words[words.index("most") + 1]), node_kind="channel")


def test_the_machine_is_asked_of_its_memory_only_where_there_may_be_too_little(monkeypatch):
    asked = []
    monkeypatch.setattr(size, "available_memory", lambda: asked.append(1) or 8 * GB)
    for n_nodes, n_asked in ((120, 0), (900, 1)):
        refuse_size(
            lambda windows, nodes: connectivity_size(windows, nodes, "pearson"),
            20,
            n_nodes,
            node_kind="channel",
        )
        assert len(asked) == n_asked


def test_room_that_the_disk_lacks_is_named(monkeypatch):
    monkeypatch.setattr(size, "available_memory", lambda: 8 * GB)
    monkeypatch.setattr(size, "free_room", lambda _: 5 * GB)
    with pytest.raises(InputError, match="20 GB of disk, of which 5 GB are free"):
        refuse_size(
            lambda windows, nodes: Size(n_windows=windows, n_nodes=nodes, memory=1, disk=20 * GB),
            2,
            2,
            node_kind="unit",
        )


def test_the_limit_of_the_process_is_known(monkeypatch):
    resource = pytest.importorskip("resource")
    monkeypatch.setattr(resource, "getrlimit", lambda _: (12 * 2**30, 12 * 2**30))
    assert memory.available_memory() <= 12 * 2**30


def test_the_limit_of_a_container_is_known_without_its_cache(monkeypatch, tmp_path):
    (tmp_path / "memory.max").write_text("1000000\n")
    (tmp_path / "memory.current").write_text("900000\n")
    (tmp_path / "memory.stat").write_text("anon 300000\ninactive_file 500000\n")
    names = ("memory.max", "memory.current")
    monkeypatch.setattr(memory, "_CONTAINERS", ((str(tmp_path), *names),))
    assert memory.available_memory() == 600_000


# ---- kept in a file, with the same result -------------------------------------


@pytest.mark.parametrize("measure", ["pearson", "covariance", "spearman", "partial"])
def test_connectivity_in_a_file_is_that_in_memory(activity, windows, measure):
    expected = te.compute_connectivity(activity, windows, measure=measure)
    found = store_connectivity(activity, windows, measure=measure)
    assert found.is_file_backed
    assert not expected.is_file_backed
    assert found == expected
    assert np.array_equal(np.asarray(found.weights), expected.weights)


def test_lags_are_refused(activity, windows):
    with pytest.raises(
        InputError, match="Lags and errors of measure 'cross_correlation' are kept in memory alone"
    ):
        store_connectivity(activity, windows, measure="cross_correlation", max_lag=200 * pq.ms)


@pytest.mark.parametrize(
    "index", [3, -1, slice(2, 9, 3), [0, 5], (2, slice(1, 4)), (slice(0, 3), 1, 2), (0, 1, 2)]
)
def test_indexing_is_that_of_an_array(pair, index):
    inside, in_file = pair
    assert np.array_equal(in_file.weights[index], inside.weights[index])


def test_pairs_of_nodes_are_indexed_as_in_an_array(pair):
    inside, in_file = pair
    rows, columns = np.triu_indices(12, 1)
    assert np.array_equal(in_file.weights[:, rows, columns], inside.weights[:, rows, columns])


def test_another_process_gets_the_values(pair):
    inside, in_file = pair
    assert np.array_equal(pickle.loads(pickle.dumps(in_file.weights)), inside.weights)
    assert copy.deepcopy(in_file.weights) is in_file.weights


def test_a_full_disk_is_told(monkeypatch):
    matrices = MatrixFile((1, 2, 2), symmetric=True)

    class Full:
        def seek(self, _):
            pass

        def write(self, _):
            raise OSError(28, "No space left on device")

    matrices._stream.close()
    matrices._stream = Full()
    with pytest.raises(OutputError, match=r"No space left on device.*TMPDIR=FOLDER"):
        matrices.append(np.eye(2))


@pytest.mark.parametrize("threshold", [0.0, 0.15])
@pytest.mark.parametrize("features", ["weights", "identity", "rates"])
@pytest.mark.parametrize("history_node", [True, False])
def test_graphs_on_demand_are_those_in_memory(pair, threshold, features, history_node):
    options = {"threshold": threshold, "features": features, "history_node": history_node}
    expected, found = (te.build_graphs(item, **options) for item in pair)
    assert found == expected
    assert expected == found
    assert np.array_equal(found.density, expected.density)
    assert found[2:7] == expected[2:7]
    assert [found.n_entries(k) for k in range(3)] == [expected.n_entries(k) for k in range(3)]
    for signed in (True, False):
        one, two = (item.dense_adjacency(4, signed=signed) for item in (expected, found))
        assert np.array_equal(one, two)


def test_the_history_node_is_left_out_without_building_features_of_all_windows(pair):
    in_memory, on_demand = (te.build_graphs(item, history_node=True) for item in pair)
    found = inputs.without_history(on_demand)
    assert isinstance(found.features, FeaturesOnDemand)
    assert found.features.shape == inputs.without_history(in_memory).features.shape
    np.testing.assert_array_equal(
        found.features[1:3], inputs.without_history(in_memory).features[1:3]
    )
    assert found[1:3].features.shape == found.features[1:3].shape


def test_graphs_on_demand_know_how_they_were_made(pair):
    in_memory, on_demand = (te.build_graphs(item, threshold=0.1) for item in pair)
    assert on_demand.origin == in_memory.origin
    assert (on_demand.origin.measure, on_demand.origin.bin_size_s) == ("pearson", 0.1)


def test_graphs_on_demand_without_an_edge_are_refused(pair):
    with pytest.raises(InputError, match="threshold of 2 leaves no edge"):
        te.build_graphs(pair[1], threshold=2.0)


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning")
@pytest.mark.parametrize("profile", PROFILES)
def test_a_model_learns_the_same_from_a_file(pair, monkeypatch, profile):
    expected, found = (te.build_graphs(item) for item in pair)
    model = te.TAVRNN(training_epochs=2, profile=profile).fit(expected)
    embedding = model.transform(expected)
    monkeypatch.setattr(inputs, "MOST_AT_ONCE", 0)
    again = te.TAVRNN(training_epochs=2, profile=profile).fit(found)
    assert again.history_ == model.history_
    assert again.transform(found) == embedding


@pytest.mark.parametrize("form", ["triangle", "full", "edges"])
def test_results_from_a_file_are_stored_alike(activity, pair, tmp_path, form):
    import datetime

    rng = np.random.default_rng(0)
    trains = [np.sort(rng.uniform(0, 60, 100)) for _ in range(12)]
    block = te.block_from_arrays(spike_times=trains, t_stop=60 * pq.s, node_ids=range(12))
    block.rec_datetime = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    source = te.write_nwb(block, tmp_path / "source.nwb")
    loaded = []
    for name, connectivity in zip(("memory", "file"), pair, strict=True):
        graphs = te.build_graphs(connectivity)
        parts = {"connectivity": connectivity, "graphs": graphs}
        out = te.write_results(
            source,
            te.Results(**parts, **te.summarize(**parts)),
            out=tmp_path / f"{name}.nwb",
            connectivity=form,
        )
        with te.open_results(out) as stored_run:
            loaded.append(stored_run.load())
    one, two = loaded
    assert two.connectivity == one.connectivity
    assert two.graphs == one.graphs
    assert all(
        np.array_equal(one.window_values[k], two.window_values[k]) for k in one.window_values
    )


def test_connectivity_in_a_file_is_compared_window_by_window(pair, monkeypatch):
    def whole(*_):
        raise AssertionError("All windows were loaded at once.")

    in_memory, in_file = pair
    same = np.array(in_memory.weights)
    same[3, 0, 1] = same[3, 1, 0] = 0.5 + in_memory.weights[3, 0, 1]
    changed = dataclasses.replace(in_memory, weights=same)
    monkeypatch.setattr(MatrixSequence, "__array__", whole)
    assert sequence_difference("connectivity", WEIGHTS, in_memory, in_file) == ""
    found = sequence_difference("connectivity", WEIGHTS, changed, in_file)
    assert found == "The connectivity differs by up to 0.5."


def test_an_analysis_keeps_large_connectivity_in_a_file(activity, windows, monkeypatch):
    monkeypatch.setattr(size, "MOST_IN_MEMORY", 0)
    assert fitting_connectivity(activity, windows, measure="pearson").is_file_backed
    assert stored.lies_in_file(1, 2, "cross_correlation") is False
