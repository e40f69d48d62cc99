"""Sessions whose nodes differ train together, and a new one can be taken in."""

from functools import partial

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tests.estimator.made_graphs import two_state_graphs

recurrent = partial(TAVRNN, profile="recurrent")


def two_sessions():
    return [
        two_state_graphs(n_nodes=12, node_prefix="a")[0],
        two_state_graphs(n_nodes=10, node_prefix="b", seed=1)[0],
    ]


def separation(embedding, states):
    """Mean distance between windows of different states over that within states."""
    vectors = embedding.window_embedding()
    distances = np.linalg.norm(vectors[:, None] - vectors[None], axis=2)
    other = ~np.equal.outer(states, states)
    same = ~other & ~np.eye(len(states), dtype=bool)
    return distances[other].mean() / distances[same].mean()


def test_sessions_share_all_weights_that_know_no_nodes():
    model = recurrent(training_epochs=2).fit(two_sessions())
    first, second = (session.network for session in model.sessions_.values())
    shared = {id(item) for item in first.parameters()} & {id(p) for p in second.parameters()}
    own = {name for name, item in second.named_parameters() if id(item) not in shared}
    assert own == {
        "project_features.weight", "project_features.bias", "encoder.residual", "decoder.basis",
    }  # fmt: skip


@pytest.mark.parametrize(
    "model",
    [TAVRNN(latent_size=4), recurrent(latent_size=4, options={"batch_size": 2})],
    ids=lambda model: model.profile,
)
def test_both_sessions_are_embedded_with_their_states_apart(model):
    _, states = two_state_graphs()
    graphs = two_sessions()
    model.fit(graphs)
    for sequence, embedding in zip(graphs, model.transform(graphs), strict=True):
        assert embedding.n_nodes == sequence.n_nodes
        assert separation(embedding, states) > 2


def test_training_one_session_moves_what_the_other_reads():
    graphs = two_sessions()
    both = recurrent(training_epochs=2).fit(graphs)
    alone = recurrent(training_epochs=2).fit(graphs[0])
    name = "prior.shared.weight"
    assert not np.array_equal(both.network_.state_dict()[name], alone.network_.state_dict()[name])


@pytest.mark.parametrize("profile", ["state_space", "recurrent"])
def test_adapting_leaves_the_shared_weights_and_the_first_session_alone(profile):
    graphs = two_sessions()
    _, states = two_state_graphs()
    model = TAVRNN(latent_size=4, profile=profile).fit(graphs[0])
    before = model.transform(graphs[0])
    model.adapt(graphs[1], session="later")
    assert model.transform(graphs[0]) == before
    assert separation(model.transform(graphs[1], session="later"), states) > 2
    assert all(item.requires_grad for item in model.network_.parameters())


def test_sessions_over_equal_node_names_are_told_apart_by_name():
    first, second = two_state_graphs()[0], two_state_graphs(seed=3)[0]
    model = TAVRNN(training_epochs=2).fit([first, second], sessions=["day 1", "day 2"])
    assert list(model.sessions_) == ["day 1", "day 2"]
    assert model.transform(second, session="day 2") != model.transform(second, session="day 1")
    with pytest.raises(InputError, match="suit 2 sessions of the same nodes: 'day 1', 'day 2'"):
        model.transform(first)
    with pytest.raises(InputError, match="session must be one of"):
        model.transform(first, session="day 3")


def test_nodes_of_no_session_are_refused():
    model = TAVRNN(training_epochs=1).fit(two_sessions())
    with pytest.raises(InputError, match="none of the 2 sessions that fit saw. Call adapt"):
        model.transform(two_state_graphs(n_nodes=8)[0])


def test_wrong_number_of_session_names_is_refused():
    with pytest.raises(InputError, match="each of the 2 sequences, got 1 names"):
        TAVRNN().fit(two_sessions(), sessions=["a"])


def test_taken_session_name_is_refused():
    graphs = two_sessions()
    model = TAVRNN(training_epochs=1).fit(graphs)
    with pytest.raises(InputError, match="There is a session '1' already"):
        model.adapt(graphs[1], session="1")


@pytest.mark.parametrize("profile", ["state_space", "recurrent"])
def test_score_of_structure_exceeds_that_of_noise(profile):
    graphs, _ = two_state_graphs()
    model = TAVRNN(latent_size=4, profile=profile).fit(graphs[:16])
    rng = np.random.default_rng(0)
    shuffled = [rng.permutation(12) for _ in range(8)]
    noise = [
        matrix.toarray()[order][:, order]
        for matrix, order in zip(graphs.weights[16:], shuffled, strict=True)
    ]
    from dataclasses import replace

    from scipy.sparse import csr_array

    scrambled = replace(graphs[16:], weights=tuple(map(csr_array, noise)))
    assert model.score(graphs[16:]) > model.score(scrambled) + 0.1


@pytest.mark.parametrize("profile", ["state_space", "recurrent"])
def test_session_of_other_nodes_is_scored_in_a_copy(profile):
    graphs = two_sessions()
    model = TAVRNN(training_epochs=2, profile=profile).fit(graphs[0])
    assert np.isfinite(model.score(graphs[1]))
    assert list(model.sessions_) == ["0"]
    with pytest.raises(InputError, match="at least 4 windows"):
        model.score(graphs[1][:3])


def test_grid_search_runs_over_a_list_of_sessions():
    graphs = [*two_sessions(), two_state_graphs(n_nodes=9, node_prefix="c", seed=2)[0]]
    search = GridSearchCV(TAVRNN(training_epochs=3), {"latent_size": [1, 4]}, cv=3)
    search.fit(graphs)
    assert search.best_params_["latent_size"] in (1, 4)
    assert np.isfinite(search.cv_results_["mean_test_score"]).all()
