"""What does not exist in a window, or is not known there, is no zero."""

import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import DataLossWarning
from tavrnn_ephys.networks.placement import placed_in_plane
from tavrnn_ephys.networks.states.features import window_features
from tavrnn_ephys.networks.states.model import _mean_weights
from tavrnn_ephys.studies.recordings.edges import mean_graph

WINDOWS = te.Windows(start_s=np.arange(4.0), stop_s=np.arange(4.0) + 1)


@pytest.fixture
def embedding():
    """Four windows of five nodes, of which the last exists in the second half."""
    mean = np.random.default_rng(0).normal(size=(4, 5, 3))
    mean[:2, 4] = np.nan
    return te.NodeEmbedding(
        mean=mean, std=np.abs(mean), windows=WINDOWS, nodes=te.Nodes(ids=list("abcde"))
    )


def test_a_node_that_is_absent_has_no_place_in_a_plane(embedding):
    placed = placed_in_plane(embedding, [0, 3])
    absent = np.isnan(placed).any(axis=2)
    assert absent.tolist() == [[False] * 4 + [True], [False] * 5]


def test_states_do_not_tell_windows_apart_by_who_is_there(embedding):
    with pytest.warns(DataLossWarning, match="1 of 5 units do not exist .* left out of the states"):
        features = window_features(embedding)
    np.testing.assert_array_equal(features, embedding.mean[:, :4].reshape(4, -1))


@pytest.fixture
def connectivity():
    """A weight of 0.5, known in two windows of four."""
    weights = np.full((4, 2, 2), 0.5)
    weights[1:3, 0, 1] = weights[1:3, 1, 0] = np.nan
    return te.ConnectivitySequence(
        weights=weights, windows=WINDOWS, nodes=te.Nodes(ids=["a", "b"]), measure="pearson"
    )


def test_mean_graph_of_a_state_is_over_the_windows_that_know_a_weight(connectivity):
    means = _mean_weights(connectivity, np.array([0, 0, 1, 1]), 2)
    assert means[:, 0, 1].tolist() == [0.5, 0.5]


def test_mean_graph_of_a_recording_is_over_the_windows_that_know_a_weight(connectivity):
    assert mean_graph(connectivity, np.array(["b", "a"]))[0, 1] == 0.5
