"""Windows whose bins count less towards their ends."""

import dataclasses

import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.connectivity.stored import store_connectivity
from tavrnn_ephys.connectivity.tapers import Taper, taper_weights
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.names import TAPERS

COUNTS = np.random.default_rng(3).poisson(0.8, (6, 60))
WINDOWS = te.Windows(start_s=[0.0, 1.0, 2.5], stop_s=[2.0, 3.5, 6.0])


def activity(values=COUNTS):
    return te.BinnedActivity(values=values, bin_size_s=0.1, nodes=te.Nodes(ids=range(len(values))))


@pytest.mark.parametrize("name", TAPERS)
def test_weights_fall_off_towards_both_ends_and_sum_to_one(name):
    weights = taper_weights(name, 21)
    assert weights.sum() == pytest.approx(1.0)
    assert np.allclose(weights, weights[::-1])
    assert (weights > 0).all()
    assert weights[0] < 0.3 * weights[10]


@pytest.mark.parametrize("name", TAPERS)
def test_covariance_is_that_of_numpy_with_weights(name):
    expected = np.cov(COUNTS, aweights=taper_weights(name, COUNTS.shape[1]))
    assert np.allclose(Taper(name, "covariance").weights(COUNTS), expected, atol=1e-12)


def test_windows_of_any_length_are_tapered_each_by_its_own_bins():
    found = te.compute_connectivity(activity(), WINDOWS, taper="hann")
    for index, (first, last) in enumerate([(0, 20), (10, 35), (25, 60)]):
        values = COUNTS[:, first:last]
        cov = np.cov(values, aweights=taper_weights("hann", last - first))
        scale = np.sqrt(np.diagonal(cov))
        assert np.allclose(found.weights[index], cov / np.outer(scale, scale), atol=1e-12)
        rates = values @ taper_weights("hann", last - first) / 0.1
        assert np.allclose(found.mean_activity[index], rates)
    assert dict(found.origin.measure_options) == {"taper": "hann"}


def test_a_spike_that_enters_a_sliding_window_moves_tapered_weights_less():
    values = COUNTS.copy()
    values[:2, 20] = 9
    windows = te.Windows(start_s=[0.0, 0.1], stop_s=[2.0, 2.1])
    plain = te.compute_connectivity(activity(values), windows).weights[:, 0, 1]
    tapered = te.compute_connectivity(activity(values), windows, taper="hann").weights[:, 0, 1]
    assert abs(np.diff(tapered)[0]) < 0.5 * abs(np.diff(plain)[0])


def test_in_memory_in_a_file_and_one_by_one_are_the_same():
    found = te.compute_connectivity(activity(), WINDOWS, taper="tukey")
    stored = store_connectivity(activity(), WINDOWS, taper="tukey")
    each = list(te.iter_connectivity(activity(), WINDOWS, taper="tukey"))
    for index in range(3):
        assert np.array_equal(found.weights[index], stored.weights[index])
        assert np.array_equal(found.weights[index], each[index].weights[0])


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning")
def test_a_least_number_of_spikes_counts_spikes_and_not_their_weights():
    values = COUNTS.copy()
    values[0] = 0
    values[0, [0, 1, 59]] = 1
    whole = te.Windows(start_s=[0.0], stop_s=[6.0])
    three = te.compute_connectivity(activity(values), whole, taper="hann", min_spikes=3)
    four = te.compute_connectivity(activity(values), whole, taper="hann", min_spikes=4)
    assert three.weights[0, 0, 1:].any()
    assert not four.weights[0, 0].any()


def test_a_node_that_does_not_vary_is_silent():
    values = COUNTS.copy()
    values[2] = 1
    with pytest.warns(DataLossWarning, match="1 of 6 units do not vary"):
        found = te.compute_connectivity(activity(values), WINDOWS, taper="hann")
    assert not found.weights[:, 2].any()


@pytest.mark.parametrize(
    ("options", "message"),
    [({"taper": "box"}, "taper must be one of"),
     ({"taper": "hann", "measure": "spearman"}, "not those of 'spearman'")],
)  # fmt: skip
def test_tapers_that_do_not_exist_or_suit_are_refused(options, message):
    with pytest.raises(InputError, match=message):
        te.compute_connectivity(activity(), WINDOWS, **options)
    with pytest.raises(InputError, match=message):
        dataclasses.replace(te.core.spec.ConnectivitySpec(), **options)
