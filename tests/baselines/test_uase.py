"""Methods beside TAVRNN."""

import numpy as np
import pytest

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods import UASE
from tests.random_graphs import random_graphs


def graphs_of(n_nodes=12):
    return random_graphs(n_windows=5, n_nodes=n_nodes, density=0.6)


def test_coordinates_equal_a_singular_value_decomposition():
    graphs = graphs_of()
    embedding = UASE(latent_size=3).fit(graphs).transform(graphs)
    dense = np.array([matrix.toarray() for matrix in graphs.weights], dtype=float)
    deviations = dense - dense.mean(axis=0)
    left, _, _ = np.linalg.svd(np.concatenate(list(deviations), axis=1))
    expected = deviations @ left[:, :3]
    for column in range(3):
        mine, theirs = embedding.mean[..., column].ravel(), expected[..., column].ravel()
        assert abs(np.corrcoef(mine, theirs)[0, 1]) == pytest.approx(1.0, abs=1e-4)


def test_joined_coordinates_are_those_of_the_window_beside_their_mean():
    graphs = graphs_of()
    joined, plain, smoothed = (
        UASE(latent_size=2, **options).fit(graphs).transform(graphs).mean
        for options in ({"smoothing": 0.6, "joined": True}, {}, {"smoothing": 0.6})
    )
    np.testing.assert_array_equal(joined, np.concatenate([plain, smoothed], axis=-1))
    np.testing.assert_allclose(smoothed[1], 0.6 * plain[0] + 0.4 * plain[1], atol=1e-6)


def test_windows_embed_alike_alone_and_together():
    graphs = graphs_of()
    model = UASE(latent_size=2).fit(graphs)
    np.testing.assert_array_equal(
        model.transform(graphs).mean[3:], model.transform(graphs[3:]).mean
    )


def test_other_nodes_are_refused():
    with pytest.raises(InputError, match="other nodes than those of fit"):
        UASE().fit(graphs_of()).transform(graphs_of(10))


def test_bad_latent_size_is_refused():
    with pytest.raises(InputError, match="latent_size"):
        UASE(latent_size=0).fit(graphs_of())
