"""The switching GLM with one-hot types: what it finds in spikes of known couplings."""

import warnings
from dataclasses import replace

import numpy as np
import pytest
from scipy.special import xlogy

from tavrnn_ephys.connectivity import compute_connectivity, with_counts
from tavrnn_ephys.connectivity.graphs import build_graphs
from tavrnn_ephys.core.containers import BinnedActivity, Nodes, Windows
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.evaluation import BenchmarkTask, score_method
from tavrnn_ephys.methods import OneHotHMMGLM
from tavrnn_ephys.methods._one_hot import OneHotCouplings
from tavrnn_ephys.methods._windowed_glm import Bins, Drive
from tests.baselines.toys import switching_counts

N_NODES, N_BINS = 8, 200
BIN_S = 0.005


def _graphs(values, limits_s, *, bin_size_s=BIN_S):
    activity = BinnedActivity(
        values=values,
        bin_size_s=bin_size_s,
        nodes=Nodes(ids=range(len(values))),
        quantity="spike_count" if values.dtype.kind == "i" else "trace",
    )
    start_s, stop_s = np.array(limits_s, dtype=float).T
    windows = Windows(start_s=start_s, stop_s=stop_s)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataLossWarning)
        connectivity = compute_connectivity(activity, windows)
    return with_counts(build_graphs(connectivity, history_node=False), activity)


def _in_a_row(counts):
    return np.concatenate(list(counts), axis=1).astype(np.int64)


def _seconds(n_windows):
    return [(float(index), index + 1.0) for index in range(n_windows)]


@pytest.fixture(scope="module")
def switching():
    counts, labels = switching_counts(n_windows=24, n_nodes=N_NODES, n_bins=N_BINS, dwell=4)
    values = _in_a_row(counts)
    return values, _graphs(values, _seconds(24)), labels


@pytest.fixture(scope="module")
def fitted(switching):
    return OneHotHMMGLM(n_states=2).fit(switching[1])


def _agreement(method, graphs, labels):
    found = method.transform(graphs).mean[:, 0].argmax(axis=1)
    return max(np.mean(found == labels), np.mean(found != labels))


def test_two_couplings_at_equal_rates_are_told_apart(switching, fitted):
    values, graphs, labels = switching
    rates = values.reshape(N_NODES, 24, N_BINS).mean(axis=2)
    assert abs(rates[:, labels == 0].mean() - rates[:, labels == 1].mean()) < 0.01
    assert _agreement(fitted, graphs, labels) == 1.0


def test_states_of_shuffled_bins_know_nothing(switching):
    values, _, labels = switching
    rng = np.random.default_rng(0)
    shuffled = rng.permuted(values.reshape(N_NODES, 24, N_BINS), axis=2).reshape(N_NODES, -1)
    graphs = _graphs(shuffled, _seconds(24))
    assert _agreement(OneHotHMMGLM(n_states=2).fit(graphs), graphs, labels) < 0.8


def test_each_state_has_its_own_couplings_of_shared_types(switching, fitted):
    _, graphs, labels = switching
    of_first = fitted.transform(graphs).mean[labels == 0, 0].mean(axis=0).argmax()
    next_node, after_next = (
        (np.roll(np.arange(N_NODES), -step), np.arange(N_NODES)) for step in (1, 2)
    )
    both = ((of_first, next_node, after_next), (1 - of_first, after_next, next_node))
    for state, own, other in both:
        assert (fitted.couplings_[state][own] > 2 * fitted.couplings_[state][other]).all()
    assert (fitted.types_[next_node].argmax(axis=1) == 2).all()
    assert (fitted.types_[after_next].argmax(axis=1) == 2).all()


def test_excitation_inhibition_and_no_coupling_are_told_apart():
    rng = np.random.default_rng(1)
    values = np.zeros((4, 8000), dtype=np.int64)
    for bin_ in range(1, values.shape[1]):
        before = values[:, bin_ - 1]
        gain = np.array([1.0, 1 + before[0], 0.3 ** before[0], 1.0])
        values[:, bin_] = rng.poisson(0.2 * gain)
    method = OneHotHMMGLM(n_states=1).fit(_graphs(values, _seconds(40)))
    types = method.types_.argmax(axis=2)
    expected = np.ones((4, 4), dtype=int)
    expected[1, 0], expected[2, 0] = 2, 0
    np.testing.assert_array_equal(types, expected)
    assert 0.5 < method.couplings_[0, 1, 0] < 1.1
    assert -0.8 < method.couplings_[0, 2, 0] < -0.3


def test_likelihood_of_windows_follows_the_poisson_one(switching, fitted):
    values, graphs, _ = switching
    found = fitted._model.log_likelihood(fitted._drive.sums(Bins(sequences=[graphs])))
    drive, bias = fitted._drive, fitted._model.bias.detach().numpy()
    exact = np.zeros((24, 2))
    for window, counts in enumerate(np.split(values, 24, axis=1)):
        past = np.zeros_like(counts, dtype=float)
        for bin_ in range(1, N_BINS):
            past[:, bin_] = drive.decay * past[:, bin_ - 1] + counts[:, bin_ - 1] - drive.mean
        for state in range(2):
            gain = 1 + fitted.couplings_[state] @ past + bias[state][:, np.newaxis]
            rate = drive.mean[:, np.newaxis] * np.maximum(gain, 0.1)
            exact[window, state] = (xlogy(counts, rate) - rate).sum()
    mine, theirs = found[:, 0] - found[:, 1], exact[:, 0] - exact[:, 1]
    assert np.corrcoef(mine, theirs)[0, 1] > 0.98
    assert (np.sign(mine) == np.sign(theirs)).all()


def test_bins_of_nan_at_the_end_change_nothing(switching, fitted):
    _, graphs, _ = switching
    padded = np.pad(np.asarray(graphs.features), ((0, 0), (0, 0), (0, 7)), constant_values=np.nan)
    longer = replace(graphs, features=padded)
    np.testing.assert_array_equal(fitted.transform(longer).mean, fitted.transform(graphs).mean)
    again = OneHotHMMGLM(n_states=2).fit(longer)
    np.testing.assert_array_equal(again.couplings_, fitted.couplings_)


def test_windows_of_unequal_length_end_with_nan_and_may_overlap(switching):
    values, _, labels = switching
    limits = [(float(index), min(index + 1.5, 24.0)) for index in range(24)]
    graphs = _graphs(values, limits)
    assert np.isnan(graphs.features[23][:, N_BINS:]).all()
    assert np.isfinite(graphs.features[22]).all()
    assert graphs == _graphs(values, limits)
    method = OneHotHMMGLM(n_states=2).fit(graphs)
    assert _agreement(method, graphs, labels) > 0.8


def test_fine_bins_summed_equal_coarse_bins(switching):
    values, coarse, _ = switching
    fine = np.zeros((N_NODES, values.shape[1], 5), dtype=np.int64)
    fine[:, :, 2] = values
    fine = _graphs(fine.reshape(N_NODES, -1), _seconds(24), bin_size_s=BIN_S / 5)
    options = {"n_states": 2, "n_steps": 20}
    summed = OneHotHMMGLM(bin_size_s=BIN_S, **options).fit(fine)
    plain = OneHotHMMGLM(**options).fit(coarse)
    np.testing.assert_array_equal(summed.couplings_, plain.couplings_)
    np.testing.assert_array_equal(summed.transform(fine).mean, plain.transform(coarse).mean)


def test_traces_take_the_gaussian_model_freed_of_their_own_past():
    rng = np.random.default_rng(4)
    values = np.zeros((4, 6000))
    for bin_ in range(1, values.shape[1]):
        noise = rng.normal(size=4)
        values[:, bin_] = 0.8 * values[:, bin_ - 1] + noise
        values[1, bin_] += 0.3 * (values[0, bin_ - 1] - 0.8 * values[0, bin_ - 2])
    method = OneHotHMMGLM(n_states=1, time_constant_s=0.002, same_bin=False)
    method.fit(_graphs(values + 100.0, _seconds(30)))
    assert not method.is_poisson_
    np.testing.assert_allclose(method._drive.own, 0.8, atol=0.05)
    types = method.types_.argmax(axis=2)
    assert types[1, 0] == 2
    assert (np.delete(types.ravel(), 4) == 1).all()


def test_effects_within_a_bin_count_where_bins_are_long():
    rng = np.random.default_rng(3)
    values = rng.poisson(0.2, (4, 4000))
    values[1] += rng.binomial(values[0], 0.5)
    graphs = _graphs(values, _seconds(20))
    found = {
        same_bin: OneHotHMMGLM(n_states=1, same_bin=same_bin, time_constant_s=0.004).fit(graphs)
        for same_bin in (None, False)
    }
    assert found[None].types_[1, 0].argmax() == 2
    assert found[False].types_[1, 0].argmax() == 1


def test_the_benchmark_brings_counts_and_shuffles_those_of_the_control(switching):
    values, graphs, labels = switching
    task = BenchmarkTask(
        name="switching",
        session="0",
        activity=BinnedActivity(values=values, bin_size_s=BIN_S, nodes=graphs.nodes),
        windows=graphs.windows,
        behavior=labels,
        n_folds=3,
        context=1,
        min_shift=2,
    )

    def make(seed):
        return OneHotHMMGLM(n_states=2, n_steps=40, seed=seed)

    found = score_method(task, make, n_shifts=0, transductive=False)
    assert found["score"] > 0.9 > 0.75 > found["shuffled"]


def test_few_windows_have_few_states(switching):
    _, graphs, _ = switching
    for n_windows, n_states in ((1, 1), (5, 2)):
        method = OneHotHMMGLM(n_steps=3).fit(graphs[:n_windows])
        assert method.transform(graphs[:n_windows]).mean.shape == (n_windows, N_NODES, n_states)


def test_a_window_without_bins_tells_nothing(switching, fitted):
    _, graphs, _ = switching
    features = np.array(graphs.features)
    features[0] = np.nan
    found = fitted.transform(replace(graphs, features=features)).mean[0, 0]
    np.testing.assert_allclose(found, fitted.start_, atol=1e-6)


def test_silent_nodes_are_uncoupled_and_harmless(switching):
    values, _, labels = switching
    with_silent = np.concatenate([values, np.zeros_like(values[:1])])
    graphs = _graphs(with_silent, _seconds(24))
    method = OneHotHMMGLM(n_states=2).fit(graphs)
    assert _agreement(method, graphs, labels) == 1.0
    assert (method.types_[-1].argmax(axis=1) == 1).all()


def test_a_constant_trace_has_no_precision():
    noise = np.random.default_rng(0).normal(size=(2, 400))
    values = np.concatenate([np.full((1, 400), 0.1), noise])
    bins = Bins(sequences=[_graphs(values, _seconds(2))])
    drive = Drive.of(bins, decay=0.5, same_bin=False)
    np.testing.assert_array_equal(drive.precision, [0, 1, 1])
    sums = drive.sums(bins)
    assert (sums.score[:, 0] == 0).all()
    assert np.isfinite(OneHotCouplings(drive.precision).log_likelihood(sums)).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"n_states": 0}, "n_states"),
        ({"n_steps": 0}, "n_steps"),
        ({"time_constant_s": 0.0}, "time_constant_s"),
        ({"same_bin": "yes"}, "same_bin must be True, False or None"),
        ({"bin_size_s": 0.007}, "bin_size_s must be a whole number of 0.005 s bins"),
        ({"seed": -1}, "seed"),
    ],
)
def test_bad_options_are_refused(switching, options, message):
    with pytest.raises(InputError, match=message):
        OneHotHMMGLM(**options).fit(switching[1])


def test_graphs_without_counts_are_refused(switching):
    _, graphs, _ = switching
    plain = replace(graphs, features=None, origin=replace(graphs.origin, features="identity"))
    rates = replace(graphs, origin=replace(graphs.origin, features="rates"))
    for given in (plain, rates):
        with pytest.raises(InputError, match=r"add it by with_counts\(graphs, activity\)"):
            OneHotHMMGLM().fit(given)


def test_counts_of_other_nodes_are_refused(switching):
    values, graphs, _ = switching
    other = BinnedActivity(values=values, bin_size_s=BIN_S, nodes=Nodes(ids="stuvwxyz"))
    with pytest.raises(InputError, match="other nodes than the graphs"):
        with_counts(graphs, other)


def test_a_history_node_brings_the_mean_of_all(switching):
    values, graphs, _ = switching
    activity = BinnedActivity(values=values, bin_size_s=BIN_S, nodes=graphs.nodes)
    found = with_counts(replace(graphs, features=None, history_node=True), activity)
    np.testing.assert_allclose(found.features[3][-1], found.features[3][:-1].mean(axis=0))
