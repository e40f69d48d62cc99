"""Discrete states of a network: their number, their times, and what is refused."""

import itertools

import numpy as np
import pytest
import quantities as pq
from scipy.stats import norm

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.networks.states.durations import durations_of
from tavrnn_ephys.networks.states.features import Components, window_features
from tavrnn_ephys.networks.states.hidden_markov import HeldOut, fit_model, hold_out
from tavrnn_ephys.networks.states.selection import LEAST_STABILITY, best_number

N_NODES = 12


def made(labels, patterns, *, noise=0.1, seed=0):
    """Connectivity whose mean is the pattern of the state of each window."""
    rng = np.random.default_rng(seed)
    n_windows = len(labels)
    weights = np.zeros((n_windows, N_NODES, N_NODES))
    rows, columns = np.triu_indices(N_NODES, 1)
    weights[:, rows, columns] = patterns[labels] + rng.normal(0, noise, (n_windows, len(rows)))
    weights = np.clip(weights + weights.swapaxes(1, 2), -1, 1)
    windows = te.Windows(start_s=np.arange(n_windows) * 2.0, stop_s=np.arange(n_windows) * 2.0 + 2)
    nodes = te.Nodes(ids=[f"u{index}" for index in range(N_NODES)])
    return te.ConnectivitySequence(weights=weights, windows=windows, nodes=nodes, measure="pearson")


def patterns(n_states, seed=1):
    n_pairs = N_NODES * (N_NODES - 1) // 2
    return np.random.default_rng(seed).normal(0, 0.12, (n_states, n_pairs))


def stays(n_states, n_stays=24, length=6):
    return np.repeat(np.arange(n_stays) % n_states, length)


@pytest.mark.parametrize("n_states", [1, 2, 3])
@pytest.mark.parametrize("method", ["hmm", "kmeans"])
def test_number_and_times_of_states_are_found(n_states, method):
    true = stays(n_states)
    found = te.network_states(made(true, patterns(n_states)), method=method)
    assert found.n_states == n_states
    agreement = [
        np.bincount(found.labels[true == state]).max() / (true == state).sum()
        for state in range(n_states)
    ]
    assert min(agreement) > 0.95


def test_states_are_in_order_of_their_frequency():
    true = np.repeat([0, 1, 0, 1, 0], [30, 10, 30, 10, 30])
    found = te.network_states(made(true, patterns(2)), n_states=2)
    assert (found.labels == true).all()
    np.testing.assert_allclose(found.probabilities.sum(axis=1), 1.0)
    assert (found.probabilities.argmax(axis=1) == found.labels).mean() > 0.95


def test_mean_weights_are_those_of_the_windows_of_a_state():
    true = stays(2)
    connectivity = made(true, patterns(2))
    found = te.network_states(connectivity, n_states=2)
    for state in range(2):
        expected = connectivity.weights[found.labels == state].mean(axis=0)
        np.testing.assert_allclose(found.mean_weights[state], expected)


def test_new_windows_are_told_apart_by_the_states_of_others():
    shapes = patterns(2)
    found = te.network_states(made(stays(2), shapes), n_states=2)
    again = found.predict(made(stays(2), shapes, seed=5))
    names = [found.labels[stays(2) == state][0] for state in range(2)]
    assert (again == np.array(names)[stays(2)]).mean() > 0.95


def test_new_windows_of_other_nodes_are_refused():
    found = te.network_states(made(stays(2), patterns(2)), n_states=2)
    other = made(stays(2), patterns(2))
    other = te.ConnectivitySequence(
        weights=other.weights,
        windows=other.windows,
        nodes=te.Nodes(ids=[f"x{index}" for index in range(N_NODES)]),
        measure="pearson",
    )
    with pytest.raises(InputError, match="windows of other nodes"):
        found.predict(other)


def test_relabelling_nodes_changes_nothing():
    connectivity = made(stays(3), patterns(3))
    order = np.random.default_rng(0).permutation(N_NODES)
    turned = te.ConnectivitySequence(
        weights=connectivity.weights[:, order][:, :, order],
        windows=connectivity.windows,
        nodes=te.Nodes(ids=connectivity.nodes.ids[order]),
        measure="pearson",
    )
    first, second = (te.network_states(item, n_states=3) for item in (connectivity, turned))
    assert (first.labels == second.labels).all()


def test_equal_seeds_give_equal_states():
    connectivity = made(stays(3), patterns(3))
    first, second = (te.network_states(connectivity, seed=4) for _ in range(2))
    assert first.n_states == second.n_states
    np.testing.assert_array_equal(first.probabilities, second.probabilities)


def test_noise_is_one_state_and_says_so():
    found = te.network_states(made(np.zeros(120, int), np.zeros((1, 66))))
    assert found.n_states == 1
    assert found.evidence.p_value > 0.05
    assert "One state" in str(found)


def test_surrogates_without_coincidences_leave_one_state():
    block = te.simulate_culture(n_nodes=20, duration=120 * pq.s, mean_rate_hz=15.0, seed=1)
    activity = te.bin_activity(block.segments[0], bin_size=10 * pq.ms)
    windows = te.sliding_windows(activity, window_length=2 * pq.s, step=2 * pq.s)

    def connectivity(seed):
        shuffled = te.shuffle_bins_within_windows(activity, windows, seed=seed)
        return te.compute_connectivity(shuffled, windows)

    null = [connectivity(seed) for seed in range(19)]
    real = te.compute_connectivity(activity, windows)
    assert te.network_states(real, surrogates=null).n_states == 2
    assert te.network_states(connectivity(77), surrogates=null).n_states == 1


# ---- by hand -----------------------------------------------------------------


def test_durations_by_hand():
    windows = te.Windows(start_s=np.arange(8) * 1.0, stop_s=np.arange(8) * 1.0 + 1)
    found = durations_of(np.array([0, 0, 0, 1, 1, 0, 0, 0]), 2, windows)
    assert found.stays["start_s"].tolist() == [0.0, 3.0, 5.0]
    assert found.stays["stop_s"].tolist() == [3.0, 5.0, 8.0]
    # State 0 lasts 6 s and ends once: its last stay is cut by the end of the recording.
    assert found.table["dwell_s"].tolist() == [6.0, 2.0]
    assert found.table["occupancy"].tolist() == [0.75, 0.25]
    assert found.transitions.tolist() == [[0.0, 1.0], [1.0, 0.0]]


def test_dwell_times_of_exponential_stays_lie_in_their_interval():
    rng = np.random.default_rng(3)
    inside = 0
    for _ in range(200):
        lengths = rng.geometric(1 / 8, 40)
        labels = np.repeat(np.arange(40) % 2, lengths)
        n = len(labels)
        windows = te.Windows(start_s=np.arange(n) * 1.0, stop_s=np.arange(n) * 1.0 + 1)
        row = durations_of(labels, 2, windows).table.iloc[0]
        inside += row["dwell_low_s"] <= 8 <= row["dwell_high_s"]
    # 95 % of 200, three standard deviations either way; geometric stays vary a little less.
    assert 181 <= inside <= 200


def test_a_state_that_never_ends_has_a_lower_limit_only():
    windows = te.Windows(start_s=np.arange(4) * 1.0, stop_s=np.arange(4) * 1.0 + 1)
    row = durations_of(np.zeros(4, int), 1, windows).table.iloc[0]
    assert np.isnan(row["dwell_s"])
    assert row["dwell_low_s"] > 0
    assert row["dwell_high_s"] == np.inf


def test_components_are_those_of_a_plain_decomposition():
    features = np.random.default_rng(0).normal(size=(30, 6)) * np.arange(1, 7)
    found = Components.fit(features, 3)
    standard = (features - features.mean(0)) / features.std(0)
    expected = np.sqrt(np.linalg.eigvalsh(standard.T @ standard)[::-1][:3])
    np.testing.assert_allclose(found.sizes, expected, rtol=1e-10)


def test_directed_weights_count_both_ways():
    weights = np.zeros((2, 3, 3))
    weights[0, 0, 1], weights[0, 1, 0] = 0.5, 0.2
    windows = te.Windows(start_s=[0.0, 1.0], stop_s=[1.0, 2.0])
    directed = te.ConnectivitySequence(
        weights=weights,
        windows=windows,
        nodes=te.Nodes(ids=list("abc")),
        measure="x",
        directed=True,
    )
    assert sorted(window_features(directed)[0]) == [0, 0, 0, 0, 0.2, 0.5]


# ---- refusals ----------------------------------------------------------------


def test_few_windows_are_refused():
    with pytest.raises(InputError, match="4 windows are too few to tell states apart"):
        te.network_states(made(np.zeros(4, int), np.zeros((1, 66))))


def test_few_surrogates_are_refused():
    connectivity = made(stays(2), patterns(2))
    with pytest.raises(InputError, match="3 surrogates are too few"):
        te.network_states(connectivity, surrogates=[connectivity] * 3)


def test_an_embedding_needs_surrogates_or_a_number():
    values = np.random.default_rng(0).normal(size=(40, 3, 2))
    windows = te.Windows(start_s=np.arange(40) * 1.0, stop_s=np.arange(40) * 1.0 + 1)
    embedding = te.NodeEmbedding(
        mean=values, std=values**2, windows=windows, nodes=te.Nodes(ids=list("abc"))
    )
    with pytest.raises(InputError, match="needs surrogates"):
        te.network_states(embedding)
    assert te.network_states(embedding, n_states=2).mean_weights is None


def test_anything_else_is_refused():
    with pytest.raises(
        InputError, match="takes a ConnectivitySequence or a NodeEmbedding, got list"
    ):
        te.network_states([1, 2])


# ---- stability, and the likelihood of the model -------------------------------


def test_states_are_stable_and_noise_that_is_cut_into_states_is_not():
    features = window_features(made(stays(2), patterns(2)))
    points = Components.fit(features, 1).points(features, 1)
    assert hold_out(points, 2, n_blocks=4, gap=0).stability > 0.95
    noise = np.random.default_rng(0).normal(size=(120, 1))
    assert hold_out(noise, 3, n_blocks=4, gap=0).stability < LEAST_STABILITY


def test_an_unstable_number_is_not_chosen_however_likely():
    found = [HeldOut(likelihood=value, stability=agreement)
             for value, agreement in ((-3.0, 1.0), (-2.0, 0.9), (-1.0, 0.3))]  # fmt: skip
    assert best_number(found) == 2
    assert best_number(found[:1]) == best_number([]) == 1


def test_evidence_says_why_a_number_was_chosen():
    evidence = te.network_states(made(stays(3), patterns(3))).evidence
    assert len(evidence.stabilities) == len(evidence.likelihoods) >= 3
    assert evidence.stabilities[0] == 1.0
    assert evidence.stabilities[2] > 0.9


def test_likelihood_of_the_model_is_the_sum_over_all_paths():
    points = np.array([[0.1], [-0.4], [2.2], [1.9]])
    model = fit_model(np.vstack([points, points[::-1]]), 2)
    total = 0.0
    for path in itertools.product(range(2), repeat=len(points)):
        chance = model.startprob_[path[0]]
        for before, after in itertools.pairwise(path):
            chance *= model.transmat_[before, after]
        for state, point in zip(path, points, strict=True):
            deviation = np.sqrt(model.covars_[state].ravel())
            chance *= norm.pdf(point, model.means_[state], deviation).prod()
        total += chance
    np.testing.assert_allclose(model.score(points), np.log(total), rtol=1e-8)


def test_a_state_that_is_never_left_is_fitted_without_a_word(caplog, capfd):
    rng = np.random.default_rng(0)
    points = rng.normal(size=(30, 2))
    points[-1] += 100.0
    for seed in range(3):
        model = fit_model(points, 5, seed=seed)
        np.testing.assert_allclose(model.transmat_.sum(axis=1), 1.0)
        assert np.isfinite(model.means_).all()
    assert caplog.records == []
    assert capfd.readouterr().err == ""
