"""Directed graphs all the way: built, kept, read back, handed on, or made undirected in a word."""

import datetime
import warnings

import networkx
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.methods.pca_edges import EdgePCA
from tavrnn_ephys.methods.uase import UASE
from tavrnn_ephys.methods.vgae import VGAE


def one_way(n_windows=8, n_nodes=5, *, errors=False):
    rng = np.random.default_rng(0)
    weights = rng.uniform(-1, 1, (n_windows, n_nodes, n_nodes))
    starts = np.arange(float(n_windows))
    return te.ConnectivitySequence(
        weights=weights,
        windows=te.Windows(start_s=starts, stop_s=starts + 1),
        nodes=te.Nodes(ids=range(n_nodes)),
        measure="lagged_correlation",
        directed=True,
        mean_activity=np.ones((n_windows, n_nodes)),
        standard_errors=np.full(weights.shape, 0.1) if errors else None,
    )


def quiet(function, *arguments, **options):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataLossWarning)
        return function(*arguments, **options)


def test_graphs_keep_both_directions():
    connectivity = one_way()
    graphs = te.build_graphs(connectivity, threshold=0.5)
    assert graphs.directed
    assert "directed" in repr(graphs)
    expected = np.where(np.abs(connectivity.weights[3]) >= 0.5, connectivity.weights[3], 0)
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(graphs.weights[3].toarray(), expected, rtol=1e-6)


def test_direction_is_part_of_what_graphs_are():
    graphs = te.build_graphs(one_way())
    assert graphs != graphs.symmetrized()
    assert graphs[2:4].directed


def test_standard_errors_go_along():
    graphs = te.build_graphs(one_way(errors=True))
    assert graphs.standard_errors.shape == (8, 5, 5)
    assert graphs[2:4].standard_errors.shape == (2, 5, 5)
    assert graphs.symmetrized().standard_errors is None


def test_symmetrized_graphs_hold_the_mean_of_both_directions():
    graphs = te.build_graphs(one_way()).symmetrized()
    weights = one_way().weights[0].astype(np.float32)
    np.fill_diagonal(weights, 0)
    found = graphs.weights[0].toarray()
    np.testing.assert_array_equal(found, found.T)
    np.testing.assert_allclose(found, (weights + weights.T) / 2, rtol=1e-6)
    assert ("symmetrized", "mean") in graphs.origin.measure_options


@pytest.mark.parametrize("threshold", [0.0, 0.9])
def test_saved_graphs_come_back(tmp_path, threshold):
    graphs = te.build_graphs(one_way(errors=True), threshold=threshold)
    graphs.save(tmp_path / "graphs.npz")
    assert te.GraphSequence.load(tmp_path / "graphs.npz") == graphs


def recording(tmp_path):
    block = te.block_from_arrays(
        counts=np.random.default_rng(0).poisson(1, (5, 80)), bin_size=100 * pq.ms
    )
    block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    return te.write_nwb(block, tmp_path / "recording.nwb")


@pytest.mark.parametrize("with_connectivity", [True, False])
@pytest.mark.parametrize("threshold", [0.0, 0.5, 0.9])
def test_runs_in_nwb_keep_direction_and_errors(tmp_path, threshold, with_connectivity):
    connectivity = one_way(errors=True)
    graphs = te.build_graphs(one_way(), threshold=threshold)
    results = te.Results(connectivity=connectivity if with_connectivity else None, graphs=graphs)
    path = te.write_results(recording(tmp_path), results, out=tmp_path / "results.nwb")
    back = te.read_results(path, what="all")
    assert back.graphs == graphs
    if with_connectivity:
        assert back.connectivity == connectivity
        np.testing.assert_array_equal(
            back.connectivity.standard_errors, connectivity.standard_errors
        )


def test_networkx_gets_arrows():
    graph = te.build_graphs(one_way(), threshold=0.5).to_networkx(0)
    assert isinstance(graph, networkx.DiGraph)
    weights = one_way().weights[0]
    strong = {(str(i), str(j)) for i, j in np.argwhere(np.abs(weights) >= 0.5).tolist() if i != j}
    assert set(graph.edges) == strong


def test_thresholds_count_each_direction_on_its_own():
    connectivity = one_way()
    density = te.DensityThreshold(density=0.3)
    kept = density.keep(connectivity)
    assert (kept.sum(axis=(1, 2)) == 6).all()
    level = density.fitted(connectivity).value
    strengths = np.abs(connectivity.weights)[:, ~np.eye(5, dtype=bool)]
    assert np.isclose((strengths >= level).mean(), 0.3, atol=0.01)
    strongest = te.StrongestThreshold(n_strongest=2).keep(connectivity)
    assert (strongest.sum(axis=2) == 2).all()


def test_directed_and_undirected_parts_are_not_joined():
    part = one_way(1)
    with pytest.raises(InputError, match="cannot be joined"):
        te.build_graphs([part, part.symmetrized()])


@pytest.mark.parametrize(
    "make",
    [lambda: VGAE(n_steps=2), lambda: te.TAVRNN(profile="recurrent", training_epochs=1)],
)
def test_methods_that_read_undirected_graphs_say_so_once(make):
    graphs = te.build_graphs(one_way())
    with pytest.warns(DataLossWarning, match="reads undirected graphs") as caught:
        method = make().fit(graphs)
    assert len([item for item in caught if "undirected" in str(item.message)]) == 1
    found = quiet(method.transform, graphs)
    again = quiet(make().fit, graphs.symmetrized())
    np.testing.assert_array_equal(found.mean, quiet(again.transform, graphs.symmetrized()).mean)


def test_the_way_out_of_a_profile_that_reads_no_directions_arrives():
    graphs = te.build_graphs(one_way())
    with pytest.warns(DataLossWarning, match="'recurrent' reads .* Take profile=\"state_space\""):
        te.TAVRNN(profile="recurrent", training_epochs=1).fit(graphs)
    model = te.TAVRNN(profile="state_space", latent_size=2)
    with warnings.catch_warnings():
        warnings.simplefilter("error", DataLossWarning)
        warnings.simplefilter("ignore", te.ChanceLossWarning)
        expected = model.fit(graphs).reconstruct(graphs)
    assert not np.allclose(expected, expected.swapaxes(1, 2))


@pytest.mark.parametrize("make", [lambda: UASE(latent_size=2), lambda: EdgePCA(n_components=2)])
def test_methods_that_read_directed_graphs_see_the_direction(make):
    graphs = te.build_graphs(one_way())
    directed = make().fit(graphs).transform(graphs).mean
    other = graphs.symmetrized()
    assert not np.allclose(directed, make().fit(other).transform(other).mean)
