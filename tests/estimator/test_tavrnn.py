"""TAVRNN as an estimator."""

from functools import partial

import numpy as np
import pytest
import quantities as pq
from sklearn.base import clone

from tavrnn_ephys.activity.windows import sliding_windows
from tavrnn_ephys.connectivity import compute_connectivity
from tavrnn_ephys.connectivity.graphs import build_graphs
from tavrnn_ephys.core.containers import BinnedActivity, ConnectivitySequence, Nodes
from tavrnn_ephys.core.errors import ChanceLossWarning, InputError
from tavrnn_ephys.core.names import PROFILES
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tests.estimator.made_graphs import two_state_graphs

recurrent = partial(TAVRNN, profile="recurrent")


def test_equal_seeds_give_bit_equal_embeddings():
    graphs, _ = two_state_graphs()
    first = recurrent(training_epochs=3, seed=5).fit(graphs).transform(graphs)
    second = recurrent(training_epochs=3, seed=5).fit(graphs).transform(graphs)
    other = recurrent(training_epochs=3, seed=6).fit(graphs).transform(graphs)
    assert first == second
    assert not np.array_equal(first.mean, other.mean)


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning")
def test_paper_profile_is_deterministic_by_seed_too():
    graphs, _ = two_state_graphs(threshold=0.3)
    embeddings = [
        TAVRNN(profile="paper", training_epochs=3, seed=5).fit(graphs).transform(graphs)
        for _ in range(2)
    ]
    assert embeddings[0] == embeddings[1]


@pytest.mark.parametrize("profile", ["state_space", "recurrent"])
def test_embedding_tells_two_states_apart(profile):
    graphs, states = two_state_graphs()
    embedding = TAVRNN(latent_size=4, seed=0, profile=profile).fit(graphs).transform(graphs)
    vectors = embedding.window_embedding()
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    same = np.equal.outer(states, states) & ~np.eye(len(states), dtype=bool)
    assert distances[same].max() < distances[~np.equal.outer(states, states)].min()


def test_loss_falls_well_below_chance():
    graphs, _ = two_state_graphs()
    model = recurrent(seed=0).fit(graphs)
    assert model.history_[-1]["reconstruction"] < 0.25 < 0.5


def test_pure_noise_under_the_published_model_warns_of_chance():
    rng = np.random.default_rng(0)
    weights = rng.uniform(-1, 1, (6, 30, 30))
    noise = ConnectivitySequence.from_array((weights + weights.swapaxes(1, 2)) / 2)
    graphs = build_graphs(noise, threshold=0.4)
    with pytest.warns(ChanceLossWarning, match="learnt nothing"):
        TAVRNN(profile="paper", training_epochs=2, latent_size=1).fit(graphs)


def test_every_stretch_takes_part_in_training():
    graphs, _ = two_state_graphs()
    both = recurrent(training_epochs=2).fit([graphs[:10], graphs[12:]])
    first = recurrent(training_epochs=2).fit([graphs[:10]])
    for name, value in both.network_.state_dict().items():
        if name.startswith("encoder.mean"):
            assert not np.array_equal(value, first.network_.state_dict()[name])
    # The mean graph of the decoder is the mean over all training windows.
    expected = np.mean([m.toarray() for m in (*graphs.weights[:10], *graphs.weights[12:])], axis=0)
    np.testing.assert_allclose(both.network_.decoder.offset, expected, atol=1e-6)


@pytest.mark.parametrize(
    ("profile", "options"), [("state_space", {"recall": False}), ("recurrent", None)]
)
def test_state_starts_afresh_in_every_stretch(profile, options):
    graphs, _ = two_state_graphs()
    model = TAVRNN(training_epochs=2, profile=profile, options=options).fit(graphs)
    alone = model.transform(graphs[12:])
    assert not np.array_equal(model.transform(graphs).mean[12:], alone.mean)
    np.testing.assert_array_equal(alone.mean, model.transform(graphs[12:]).mean)


def independent_trains(n_nodes, seed=0, step=1):
    counts = np.random.default_rng(seed).poisson(0.06, (n_nodes, 20000)).astype(np.uint8)
    activity = BinnedActivity(values=counts, bin_size_s=0.01, nodes=Nodes(ids=range(n_nodes)))
    windows = sliding_windows(activity, window_length=2 * pq.s, step=step * pq.s)
    return compute_connectivity(activity, windows)


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning")
@pytest.mark.parametrize("n_nodes", [15, 60])
@pytest.mark.parametrize(
    ("make", "step", "said"),
    [
        (TAVRNN, 2, "No factor tells the windows apart"),
        (TAVRNN, 1, "No factor tells the windows apart"),
        (TAVRNN, 0.5, "No factor tells the windows apart"),
        (partial(recurrent, training_epochs=1), 1, "differ no more coherently"),
    ],
)
def test_independent_spike_trains_warn_of_chance_however_windows_overlap(make, step, said, n_nodes):
    graphs = build_graphs(independent_trains(n_nodes, step=step))
    with pytest.warns(ChanceLossWarning, match=said):
        make().fit(graphs)


def test_complete_graphs_warn_of_chance_in_the_paper_profile():
    weights = np.full((4, 6, 6), 0.5)
    graphs = build_graphs(ConnectivitySequence.from_array(weights))
    with pytest.warns(ChanceLossWarning, match=r"learnt nothing stands \(0.000\)"):
        TAVRNN(profile="paper", training_epochs=2).fit(graphs)


@pytest.mark.parametrize("profile", ["state_space", "recurrent"])
def test_future_windows_do_not_change_earlier_embeddings(profile):
    graphs, _ = two_state_graphs()
    model = TAVRNN(training_epochs=2, profile=profile).fit(graphs)
    whole, part = model.transform(graphs), model.transform(graphs[:9])
    np.testing.assert_allclose(whole.mean[:9], part.mean, atol=1e-6)


@pytest.mark.parametrize(
    "model",
    [
        TAVRNN(latent_size=3, options={"smoothing": "two_sided"}),
        recurrent(latent_size=3, options={"attention_width": 4}),
    ],
    ids=lambda model: model.profile,
)
def test_parameters_survive_clone_and_inputs_stay(model):
    assert clone(model).get_params() == model.get_params()
    graphs, _ = two_state_graphs()
    before = [matrix.toarray().copy() for matrix in graphs.weights]
    model.set_params(training_epochs=1).fit(graphs)
    for matrix, copy in zip(graphs.weights, before, strict=True):
        np.testing.assert_array_equal(matrix.toarray(), copy)


def test_embedding_carries_configuration_versions_and_seed():
    graphs, _ = two_state_graphs()
    embedding = TAVRNN(training_epochs=1, seed=3).fit(graphs).transform(graphs)
    assert embedding.config["model.profile"] == "state_space"
    assert embedding.config["model.training_epochs"] == 1
    assert embedding.config["model.gate"] is True
    assert "model.attention_width" not in embedding.config
    assert embedding.versions["torch"].startswith("2.")
    assert embedding.seed == 3


def test_graphs_with_other_nodes_are_refused_by_name():
    graphs, _ = two_state_graphs()
    fewer, _ = two_state_graphs(n_nodes=10)
    model = TAVRNN(training_epochs=1).fit(graphs)
    with pytest.raises(InputError, match="have 10 nodes, fit saw 12; missing: '10', '11'"):
        model.transform(fewer)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda g: TAVRNN(profile="papr").fit(g), "profile must be one of"),
        (lambda g: TAVRNN(ablation="gru").fit(g), "ablation must be one of"),
        (lambda g: TAVRNN(device="tpu").fit(g), "device must be one of"),
        (lambda g: TAVRNN().fit(g[:1]), "at least two windows, got 1"),
        (lambda g: recurrent(options={"held_out": 1.0}).fit(g), "held_out must be a share"),
        (lambda g: recurrent(options={"smoothing_factor": 1}).fit(g), "smoothing_factor must be"),
        (lambda g: TAVRNN(options={"variational": "no"}).fit(g), "variational must be one of"),
        (lambda g: TAVRNN(latent_size=0).fit(g), "latent_size"),
        (lambda g: TAVRNN(training_epochs=0).fit(g), "training_epochs"),
        (lambda g: TAVRNN(options={"lr": 1}).fit(g), "option must be one of"),
        (lambda g: recurrent(options={"learning_rate": -1.0}).fit(g), "learning_rate"),
        (lambda g: TAVRNN().fit([np.ones((3, 3))]), "Call build_graphs first"),
        (lambda g: TAVRNN().transform(g), "not fitted"),
        (lambda g: TAVRNN().fit([]), "no graphs to fit"),
        (lambda g: TAVRNN().fit(np.ones(3)), "got ndarray"),
        (lambda g: TAVRNN(seed=None).fit(g), "seed must be a whole number"),
        (lambda g: TAVRNN(seed=2**70).fit(g), "seed must be a whole number"),
        (lambda g: recurrent(options={"kl_weight": "a"}).fit(g), "kl_weight must be a number"),
        (lambda g: recurrent(options={"clip_norm": -1.0}).fit(g), "clip_norm must be a positive"),
    ],
)
def test_misuse_is_explained(make, message):
    graphs, _ = two_state_graphs()
    with pytest.raises((InputError, ValueError), match=message):
        make(graphs)


def test_history_attention_needs_a_history_node():
    graphs, _ = two_state_graphs(history_node=False)
    with pytest.raises(InputError, match="history_node=True"):
        recurrent().fit(graphs)
    per_node = recurrent(training_epochs=1, options={"attention": "node"})
    for model in (per_node, TAVRNN()):
        assert model.fit(graphs).transform(graphs).history is None


def test_absent_cuda_is_named(monkeypatch):
    graphs, _ = two_state_graphs()
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)
    with pytest.raises(InputError, match='finds no CUDA device. Use device="auto" or "cpu"'):
        TAVRNN(device="cuda").fit(graphs)


@pytest.mark.parametrize("weight", [0.0, 0.5])
@pytest.mark.parametrize("profile", PROFILES)
@pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning")
def test_empty_and_complete_graphs_give_finite_results(profile, weight):
    weights = np.full((4, 6, 6), weight)
    weights[0, 0, 1] = weights[0, 1, 0] = 0.3
    graphs = build_graphs(ConnectivitySequence.from_array(weights))
    model = TAVRNN(profile=profile, training_epochs=2, latent_size=2).fit(graphs)
    assert np.isfinite(model.transform(graphs).mean).all()
    assert np.isfinite(model.score(graphs))
