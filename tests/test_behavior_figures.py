"""Pictures of the link to behaviour hold the numbers that they were given."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from tavrnn_ephys.core.containers import NodeEmbedding, Nodes, Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.figures import (
    plot_against_performance,
    plot_attention_with_performance,
    plot_conditions,
    plot_electrodes,
    plot_forest,
    plot_performance_by_rank,
    plot_placed_nodes,
)


@pytest.fixture
def ax():
    return Figure(figsize=(6, 4), layout="constrained").subplots()


@pytest.fixture
def nodes():
    positions = np.column_stack([np.arange(6) * 100.0, np.arange(6) * 50.0])
    positions[5] = np.nan
    groups = ["sensory", "sensory", "L_up", "L_up", "", ""]
    return Nodes(ids=list("abcdef"), kind="channel", groups=groups, positions_um=positions)


def points_of(ax):
    return np.concatenate([np.asarray(item.get_offsets()) for item in ax.collections])


def test_map_holds_every_node_with_a_place(ax, nodes):
    plot_electrodes(nodes, ax=ax)
    drawn = points_of(ax)
    assert sorted(drawn[:, 0]) == [0.0, 100.0, 200.0, 300.0, 400.0]
    assert [text.get_text() for text in ax.get_legend().get_texts()] == [
        "L_up", "sensory", "no group",
    ]  # fmt: skip
    assert ax.get_xlabel() == "x (µm)"
    assert ax.yaxis_inverted()


def test_map_without_places_is_refused(ax):
    with pytest.raises(InputError, match="No node has a position"):
        plot_electrodes(Nodes(ids=["a"]), ax=ax)


def test_points_stand_in_the_order_of_ranks_beside_all_windows(ax):
    ranked = pd.DataFrame({"rank": ["High 1", "Low 1"], "score": [3.3, 0.6]})
    plot_performance_by_rank(ranked, ax=ax, label="hits per miss", everyone=[0.6, np.nan, 3.3])
    marks, others = ax.collections
    assert [point[1] for point in marks.get_offsets()] == [3.3, 0.6]
    assert [text.get_text() for text in ax.get_xticklabels()] == ["High 1", "Low 1", "all windows"]
    assert marks.get_facecolor()[0].tolist() != marks.get_facecolor()[1].tolist()
    assert sorted(point[1] for point in others.get_offsets()) == [0.6, 3.3]


def test_ranks_of_a_behaviour_that_varies_little_are_told_apart(ax):
    ranked = pd.DataFrame({"rank": ["High 1", "Low 1"], "score": [0.0131, 0.0128]})
    plot_performance_by_rank(ranked, ax=ax, label="position (m)")
    low, high = ax.get_ylim()
    assert (0.0131 - 0.0128) / (high - low) > 0.5


def test_correlation_is_written_and_unknown_windows_are_left_out(ax):
    plot_against_performance(
        [1, 2, 3, np.nan], [2, 4, 9, 1], ax=ax, score_label="hits (1/s)", value_label="silhouette"
    )
    assert "Spearman r = 1.00" in [text.get_text() for text in ax.texts]
    assert len(points_of(ax)) == 3
    with pytest.raises(InputError, match="too few"):
        plot_against_performance([1, np.nan], [1, 2], ax=ax, score_label="", value_label="")


def test_performance_stands_above_attention(ax):
    n = 5
    attention = np.tril(np.ones((n, n))) / np.arange(1, n + 1)[:, None]
    embedding = NodeEmbedding(
        mean=np.zeros((n, 2, 1)), std=np.ones((n, 2, 1)), attention=attention,
        windows=Windows(start_s=np.arange(n), stop_s=np.arange(n) + 1.0),
        nodes=Nodes(ids=["a", "b"]),
    )  # fmt: skip
    plot_attention_with_performance(embedding, [1, 5, 2, 4, 3], ax=ax, score_label="hits (1/s)")
    above = [child for child in ax.child_axes if child.get_ylabel() == "hits (1/s)"]
    assert above[0].lines[0].get_ydata().tolist() == [1, 5, 2, 4, 3]


def test_nodes_are_coloured_by_subregion(ax, nodes):
    plot_placed_nodes(np.arange(12.0).reshape(6, 2), nodes, ax=ax, title="High 1")
    assert len(points_of(ax)) == 6
    assert ax.get_title(loc="left") == "High 1"
    assert len({tuple(item.get_facecolor()[0]) for item in ax.collections}) == 3


def effects():
    return pd.DataFrame(
        {"measure": ["density", "path_length"], "contrast": "play - rest", "n_cultures": 8,
         "effect": [0.1, -2.0], "low": [0.05, -4.0], "high": [0.15, 1.0], "hedges_g": [2.0, -0.5],
         "q_value": [0.01, 0.3]}
    )  # fmt: skip


def test_forest_scales_intervals_with_the_effect(ax):
    plot_forest(effects(), ax=ax)
    lines = next(item for item in ax.collections if hasattr(item, "get_segments"))
    spans = [segment[:, 0].tolist() for segment in lines.get_segments()]
    np.testing.assert_allclose(spans, [[1.0, 3.0], [-1.0, 0.25]])
    assert "n = 8, q = 0.01" in [text.get_text() for text in ax.texts]


def test_only_sure_effects_are_filled(ax):
    plot_forest(effects(), ax=ax, standardized=False)
    sure, unsure = (item for item in ax.collections if not hasattr(item, "get_segments"))
    assert np.asarray(sure.get_offsets()).tolist() == [[0.1, 0.0]]
    assert np.asarray(unsure.get_offsets()).tolist() == [[-2.0, 1.0]]


def test_conditions_are_drawn_in_units_of_their_spread(ax):
    table = pd.DataFrame({"phase": ["play"] * 3 + ["rest"] * 3,
                          "density": [5.0, 6.0, 7.0, 1.0, 2.0, 3.0]})  # fmt: skip
    plot_conditions(table, ["density"], condition="phase", contrast=("play", "rest"), ax=ax)
    bars = [
        item.get_segments()[0][0, 1] for item in ax.collections if hasattr(item, "get_segments")
    ]
    np.testing.assert_allclose(bars[:2], [4 / np.sqrt(2 / 3), 0.0], atol=1e-12)
    with pytest.raises(InputError, match="'sleep' has fewer than two"):
        plot_conditions(table, ["density"], condition="phase", contrast=("play", "sleep"), ax=ax)
