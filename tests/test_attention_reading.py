"""Attention, read: lags and weights by hand, and a planted memory that foretells."""

import numpy as np
import pytest

from tavrnn_ephys.connectivity.graphs import build_graphs
from tavrnn_ephys.core.containers import ConnectivitySequence, NodeEmbedding, Nodes, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.networks.attention import (
    attended_scores,
    attention_foretells,
    attention_per_window,
    attention_when_shuffled,
)


def embedding(attention, step=2.0, length=2.0):
    n = len(attention)
    start = np.arange(n) * step
    return NodeEmbedding(
        mean=np.zeros((n, 2, 1)),
        std=np.ones((n, 2, 1)),
        windows=Windows(start_s=start, stop_s=start + length),
        nodes=Nodes(ids=["a", "b"]),
        attention=attention,
    )


def test_lags_and_weights_by_hand():
    attention = np.array([[1, 0, 0], [0.5, 0.5, 0], [0.2, 0.6, 0.2]])
    table = attention_per_window(embedding(attention))
    assert table["self_weight"].tolist() == pytest.approx([1, 0.5, 0.2])
    assert np.isnan(table["mean_lag_s"][0])
    # The past of the third window: a quarter 4 s ago, three quarters 2 s ago.
    assert table["mean_lag_s"][2] == pytest.approx(0.25 * 4 + 0.75 * 2)
    assert table["strongest_window"].tolist() == [-1, 0, 1]
    assert table["effective_windows"][1] == pytest.approx(1.0)


def test_windows_that_share_time_are_no_past():
    attention = np.array([[1, 0, 0], [0.5, 0.5, 0], [0.2, 0.6, 0.2]])
    table = attended_scores(embedding(attention, step=1.0), [3.0, 5.0, 7.0])
    assert np.isnan(table["attended"][1])
    assert table["attended"][2] == pytest.approx(3.0)
    assert table["next"][0] == 7.0


def planted(informative, seed=0, n=150):
    """The next score is that of the window that is attended to, or attention means nothing."""
    rng = np.random.default_rng(seed)
    scores, attention = rng.normal(size=n), np.eye(n)
    for t in range(4, n - 1):
        chosen = t - 1 - rng.integers(4)
        attention[t] = 0.0
        attention[t, t - 4 : t] = 0.1
        attention[t, chosen] = 0.7
        if informative:
            scores[t + 1] = 0.8 * scores[chosen] + 0.4 * rng.normal()
    return embedding(attention), scores


def test_attention_that_foretells_is_found():
    found = attention_foretells(*planted(True)).iloc[0]
    assert found["correlation"] > 0.3
    assert found["p_value"] < 0.02


def test_attention_that_means_nothing_is_not():
    p_values = [attention_foretells(*planted(False, seed), n_nulls=49)["p_value"].iloc[0]
                for seed in range(10)]  # fmt: skip
    assert np.sum(np.array(p_values) < 0.05) <= 2


def test_shuffled_order_reaches_the_model():
    seen = []

    class Model:
        def fit(self, graphs):
            seen.append(np.stack([matrix.toarray()[0, 1] for matrix in graphs.weights]))
            return self

        def transform(self, graphs):
            return embedding(np.tril(np.ones((6, 6))) / np.arange(1, 7)[:, None])

    weights = np.zeros((6, 2, 2))
    weights[:, 0, 1] = weights[:, 1, 0] = np.linspace(0.1, 0.6, 6)
    graphs = build_graphs(ConnectivitySequence.from_array(weights))
    table = attention_when_shuffled(Model, graphs, n_shuffles=2)
    assert table["order"].tolist() == ["true", "shuffled", "shuffled"]
    assert np.all(np.diff(seen[0]) > 0)
    assert not np.all(np.diff(seen[1]) > 0)
    np.testing.assert_allclose(np.sort(seen[1]), seen[0])


def test_embedding_without_attention_is_refused():
    plain = embedding(np.eye(3))
    bare = NodeEmbedding(mean=plain.mean, std=plain.std, windows=plain.windows, nodes=plain.nodes)
    with pytest.raises(InputError, match="holds no attention"):
        attention_per_window(bare)
