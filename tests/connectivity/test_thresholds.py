"""Which weights become edges, and what noise is granted."""

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.connectivity.noise import noise_ceiling
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.statistics.discoveries import discoveries


@pytest.fixture
def connectivity():
    weights = np.random.default_rng(0).uniform(-1, 1, (5, 12, 12))
    weights = 0.5 * (weights + np.swapaxes(weights, 1, 2))
    weights[2, 3] = weights[2, :, 3] = np.nan
    weights[4, 7] = weights[4, :, 7] = 0.0
    return te.ConnectivitySequence.from_array(weights)


ALL = [
    te.AbsoluteThreshold(value=0.4),
    te.DensityThreshold(density=0.2),
    te.StrongestThreshold(n_strongest=2),
]


@pytest.mark.parametrize("threshold", ALL)
def test_edges_are_symmetric_without_loops_or_missing_weights(connectivity, threshold):
    kept = threshold.keep(connectivity)
    np.testing.assert_array_equal(kept, np.swapaxes(kept, 1, 2))
    assert not kept[:, np.arange(12), np.arange(12)].any()
    assert not kept[2, 3].any()
    assert not kept[4, 7].any()


@pytest.mark.parametrize("threshold", ALL)
def test_a_window_is_judged_alone(connectivity, threshold):
    whole = threshold.keep(connectivity)
    for index in range(5):
        alone = threshold.keep(connectivity.select(slice(index, index + 1)))
        np.testing.assert_array_equal(alone[0], whole[index])


def test_density_is_kept_in_every_window(connectivity):
    kept = te.DensityThreshold(density=0.2).keep(connectivity)
    assert (kept.sum(axis=(1, 2)) == 2 * round(0.2 * 66)).all()


def test_density_of_one_keeps_every_weight(connectivity):
    kept = te.DensityThreshold(density=1.0).keep(connectivity)
    assert kept[0].sum() == 12 * 11
    assert kept[2].sum() == 11 * 10


def test_density_fitted_on_some_windows_is_a_level_for_others(connectivity):
    train, test = connectivity.select(slice(0, 2)), connectivity.select(slice(2, 5))
    level = te.DensityThreshold(density=0.2).fitted(train)
    assert level.keep(train).sum() == 2 * round(0.2 * 2 * 66)
    strengths = np.abs(np.nan_to_num(test.weights))
    strengths[:, np.arange(12), np.arange(12)] = 0
    np.testing.assert_array_equal(level.keep(test), strengths >= level.value)


def test_every_node_keeps_its_strongest_weights(connectivity):
    kept = te.StrongestThreshold(n_strongest=2).keep(connectivity)
    strengths = np.abs(connectivity.weights[0])
    np.fill_diagonal(strengths, 0)
    for node in range(12):
        assert kept[0, node][np.argsort(strengths[node])[-2:]].all()
    assert kept[0].sum(axis=1).min() == 2


def test_as_many_strongest_as_nodes_are_refused(connectivity):
    with pytest.raises(InputError, match="n_strongest of 12 must be less than .* 12"):
        te.StrongestThreshold(n_strongest=12).keep(connectivity)


def test_graphs_take_threshold_objects(connectivity):
    by_number = te.build_graphs(connectivity, threshold=0.4)
    assert te.build_graphs(connectivity, threshold=te.AbsoluteThreshold(value=0.4)) == by_number
    graphs = te.build_graphs(connectivity, threshold=te.DensityThreshold(density=0.2))
    np.testing.assert_allclose(graphs.density, round(0.2 * 66) / 66)
    kept = np.abs(graphs.weights[0].toarray()) > 0
    np.testing.assert_allclose(
        graphs.weights[0].toarray()[kept], connectivity.weights[0][kept].astype(np.float32)
    )


def test_discoveries_by_hand():
    # Levels q k / n = .0125, .025, .0375, .05: the third passes, and lifts the second with it.
    p_values = np.array([0.03, 0.9, 0.001, 0.026])
    np.testing.assert_array_equal(discoveries(p_values, 0.05), [True, False, True, True])
    assert not discoveries(np.array([0.2, 0.6]), 0.05).any()
    assert discoveries(np.array([]), 0.05).shape == (0,)


def independent(n_nodes, n_bins, seed):
    rng = np.random.default_rng(seed)
    rates = rng.lognormal(np.log(0.08), 0.8, n_nodes).clip(0.01, 0.6)
    return (rng.random((n_nodes, n_bins)) < rates[:, np.newaxis]).astype(np.uint8)


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning")
@pytest.mark.parametrize("n_shuffles", [0, 10])
def test_noise_has_no_mode(n_shuffles):
    """(120, 200): none on at least 95 % of windows; the full run is in docs/measurements."""
    n_windows = 60
    values = independent(120, 200 * n_windows, seed=3)
    activity = te.BinnedActivity(values=values, bin_size_s=0.05, nodes=te.Nodes(ids=range(120)))
    windows = te.sliding_windows(activity, window_length=10 * pq.s, step=10 * pq.s)
    cleaned = te.clean_marchenko_pastur(
        te.compute_connectivity(activity, windows),
        activity,
        n_shuffles=n_shuffles,
        seed=1,
    )
    n_modes = cleaned.windows.columns["n_modes"]
    assert np.mean(n_modes == 0) >= 0.95
    assert not cleaned.weights[n_modes == 0].any()


def test_a_shared_mode_stands_out():
    rng = np.random.default_rng(4)
    rates = np.full((60, 1200), 0.1)
    rates[:20] = 0.02 + 0.3 * (np.sin(np.arange(1200) / 7) > 0.5)
    values = (rng.random(rates.shape) < rates).astype(np.uint8)
    activity = te.BinnedActivity(values=values, bin_size_s=0.05, nodes=te.Nodes(ids=range(60)))
    windows = te.sliding_windows(activity, window_length=20 * pq.s, step=20 * pq.s)
    cleaned = te.clean_marchenko_pastur(te.compute_connectivity(activity, windows), activity)
    assert (cleaned.windows.columns["n_modes"] == 1).all()
    inside = np.abs(cleaned.weights[:, :20, :20]).mean()
    assert inside > 20 * np.abs(cleaned.weights[:, 20:, 20:]).mean()


def test_the_bounds_of_the_paper_keep_noise():
    values = independent(60, 1200, seed=5)
    activity = te.BinnedActivity(values=values, bin_size_s=0.05, nodes=te.Nodes(ids=range(60)))
    windows = te.sliding_windows(activity, window_length=60 * pq.s, step=60 * pq.s)
    connectivity = te.compute_connectivity(activity, windows)
    paper = te.clean_marchenko_pastur_paper(connectivity, activity)
    assert paper.windows.columns["n_modes"][0] == 60
    assert te.clean_marchenko_pastur(connectivity, activity).windows.columns["n_modes"][0] == 0


def test_cleaning_needs_correlations():
    values = independent(5, 100, seed=5)
    activity = te.BinnedActivity(values=values, bin_size_s=1.0, nodes=te.Nodes(ids=range(5)))
    windows = te.Windows(start_s=[0.0], stop_s=[100.0])
    covariance = te.compute_connectivity(activity, windows, measure="covariance")
    with pytest.raises(InputError, match="needs measure='pearson'"):
        te.clean_marchenko_pastur(covariance, activity)


def test_ceiling_lies_above_the_edge_of_the_law():
    values = independent(100, 400, seed=6)
    edge = te.marchenko_pastur_bounds(100, 400)[1]
    assert edge == pytest.approx(2.25)
    assert edge < noise_ceiling(values) < 1.1 * edge
    rng = np.random.default_rng(0)
    assert noise_ceiling(values, n_shuffles=10, rng=rng) >= noise_ceiling(values)
