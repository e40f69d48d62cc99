# mypy: disable-error-code="arg-type"
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure

from tavrnn_ephys.core.containers import (
    BinnedActivity,
    ConnectivitySequence,
    NodeEmbedding,
    Nodes,
    Windows,
)
from tavrnn_ephys.core.errors import InputError, OutputError
from tavrnn_ephys.figures import (
    analysis_figures,
    connectivity_limit,
    overview_figure,
    plot_attention,
    plot_connectivity,
    plot_node_embedding,
    plot_raster,
    plot_scores,
    plot_window_embedding,
    save_figure,
)

GROUPS = ["motor", "sensory", "motor", "", "sensory", "area"]
BY_GROUP = [5, 0, 2, 1, 4, 3]
N_WINDOWS = 7


@pytest.fixture
def ax():
    return Figure(figsize=(8, 4), layout="constrained").subplots()


@pytest.fixture
def nodes():
    return Nodes(ids=list("abcdef"), kind="channel", groups=GROUPS)


@pytest.fixture
def windows():
    start = np.arange(N_WINDOWS, dtype=float)
    table = Windows(start_s=start, stop_s=start + 2.0)
    return table.with_columns(state=list("xxyyxxy"), score=[0.5, 0.1, 0.9, 0.4, 0.2, 0.3, 0.6])


@pytest.fixture
def activity(nodes):
    values = np.random.default_rng(0).poisson(0.1, (6, 80))
    return BinnedActivity(values=values, bin_size_s=0.1, nodes=nodes)


@pytest.fixture
def connectivity(nodes, windows):
    raw = np.random.default_rng(1).uniform(-1, 1, (N_WINDOWS, 6, 6))
    weights = (raw + raw.transpose(0, 2, 1)) / 2
    return ConnectivitySequence(weights=weights, windows=windows, nodes=nodes, measure="pearson")


@pytest.fixture
def embedding(nodes, windows):
    mean = np.random.default_rng(2).normal(size=(N_WINDOWS, 6, 4))
    attention = np.tril(np.random.default_rng(3).uniform(size=(N_WINDOWS, N_WINDOWS)))
    attention /= attention.sum(axis=1, keepdims=True)
    return NodeEmbedding(
        mean=mean, std=np.ones_like(mean), windows=windows, nodes=nodes, attention=attention
    )


def tick_names(axis):
    return [label.get_text() for label in axis.get_ticklabels()]


def marks(ax):
    (collection,) = (item for item in ax.collections if isinstance(item, LineCollection))
    return np.array(collection.get_segments())


def straight_lines(ax, which):
    lines = [np.asarray(getattr(line, f"get_{which}data")(), dtype=float) for line in ax.lines]
    return [values[0] for values in lines if len(values) == 2 and values[0] == values[1]]


def label_boxes(figure):
    renderer = figure._get_renderer()
    for ax in figure.axes:
        for axis in (ax.xaxis, ax.yaxis):
            yield [label.get_window_extent(renderer) for label in axis.get_ticklabels()]


class TestRaster:
    def test_spikes_stand_in_group_order(self, activity, windows, ax):
        plot_raster(activity, windows, ax=ax)
        rows, bins = np.nonzero(activity.values[BY_GROUP])
        drawn = marks(ax).mean(axis=1)
        np.testing.assert_allclose(drawn, np.column_stack([(bins + 0.5) * 0.1, rows]), atol=1e-9)

    def test_lines_divide_the_groups(self, activity, windows, ax):
        plot_raster(activity, windows, ax=ax)
        dividers = [y for y in straight_lines(ax, "y") if 0 <= y < 6]
        assert dividers == [0.5, 2.5, 4.5]

    def test_rows_and_axes_are_named(self, activity, windows, ax):
        plot_raster(activity, windows, ax=ax)
        assert tick_names(ax.yaxis) == ["area", "motor", "sensory", "no group", "windows"]
        assert ax.get_xlabel() == "time (s)"
        assert ax.get_ylabel() == "channels, by group"

    def test_every_window_has_a_bar_above_the_nodes(self, activity, windows, ax):
        plot_raster(activity, windows, ax=ax)
        bars = [line for line in ax.lines if line.get_ydata()[0] < -0.5]
        middles = sorted(np.mean(line.get_xdata()) for line in bars)
        np.testing.assert_allclose(middles, windows.start_s + 1.0)
        heights = [line.get_ydata()[0] for line in bars]
        assert heights[0] != heights[1]
        assert heights[0] == heights[2]

    def test_many_overlapping_windows_are_thinned_and_said_so(self, activity, ax):
        start = np.arange(0, 7.95, 0.1)[:71]
        plot_raster(activity, Windows(start_s=start, stop_s=start + 1.0), ax=ax)
        assert "windows\n(1 in 3)" in tick_names(ax.yaxis)

    def test_excerpt_shows_its_bins_only(self, activity, windows, ax):
        plot_raster(activity, windows, ax=ax, t_start_s=2.0, t_stop_s=4.0)
        assert ax.get_xlim() == (2.0, 4.0)
        assert len(marks(ax)) == np.count_nonzero(activity.values[:, 20:40])

    def test_default_excerpt_lasts_thirty_steps(self, nodes, ax):
        long = BinnedActivity(values=np.ones((6, 1000), dtype=int), bin_size_s=0.1, nodes=nodes)
        start = np.arange(5.0, 98.0)
        plot_raster(long, Windows(start_s=start, stop_s=start + 2.0), ax=ax)
        assert ax.get_xlim() == (5.0, 37.0)

    def test_excerpt_outside_the_recording_is_refused(self, activity, windows, ax):
        with pytest.raises(InputError, match="holds no bin"):
            plot_raster(activity, windows, ax=ax, t_start_s=20.0, t_stop_s=30.0)

    def test_windows_of_other_segments_are_refused(self, activity, ax):
        other = Windows(start_s=[0.0], stop_s=[1.0], segment_index=[3])
        with pytest.raises(InputError, match="segment 0"):
            plot_raster(activity, other, ax=ax)

    def test_behavior_is_drawn_in_its_band_with_its_name(self, activity, windows, ax):
        times, values = np.arange(0, 8, 0.5), np.linspace(0, 1, 16)
        plot_raster(activity, windows, ax=ax, behavior=(times, values, "speed (cm/s)"))
        (twin,) = (other for other in ax.figure.axes if other is not ax)
        np.testing.assert_array_equal(twin.lines[0].get_ydata(), values)
        low, high = twin.get_ylim()
        assert (0 - low) / (high - low) > 0.8
        assert high > 1
        assert tick_names(ax.yaxis)[-1] == "speed (cm/s)"

    def test_behavior_of_unequal_lengths_is_refused(self, activity, windows, ax):
        with pytest.raises(InputError, match="'speed'"):
            plot_raster(activity, windows, ax=ax, behavior=([0, 1], [1, 2, 3], "speed"))

    def test_traces_are_z_scored_per_node(self, nodes, windows, ax):
        values = np.random.default_rng(4).normal(3.0, 2.0, (6, 80))
        values[2] = 1.0
        traces = BinnedActivity(values=values, bin_size_s=0.1, nodes=nodes, quantity="trace")
        plot_raster(traces, windows, ax=ax)
        spread = np.where(values.std(axis=1) > 0, values.std(axis=1), 1)[:, None]
        expected = ((values - values.mean(axis=1, keepdims=True)) / spread)[BY_GROUP]
        np.testing.assert_allclose(ax.images[0].get_array(), expected, atol=1e-12)
        assert ax.images[0].colorbar.ax.get_ylabel() == "z-score"

    def test_many_nodes_become_an_image_of_rates(self, windows, ax):
        many, counts = Nodes(ids=range(400)), np.random.default_rng(0).poisson(2.0, (400, 80))
        activity = BinnedActivity(values=counts, bin_size_s=0.1, nodes=many)
        plot_raster(activity, windows, ax=ax)
        expected = (counts.T - counts.mean(axis=1)) / counts.std(axis=1)
        np.testing.assert_allclose(ax.images[0].get_array(), expected.T, atol=1e-12)
        assert ax.images[0].colorbar.ax.get_ylabel() == "rate (z-score)"
        assert ax.get_ylabel() == "unit index"

    def test_a_fast_node_among_slow_ones_is_no_black_bar(self, windows, ax):
        rng = np.random.default_rng(1)
        counts = rng.poisson(np.array([[0.05], [0.05], [0.05], [9.0]]), (4, 300))
        nodes = Nodes(ids=range(4))
        activity = BinnedActivity(values=counts, bin_size_s=8.0 / 300, nodes=nodes)
        plot_raster(activity, windows, ax=ax)
        (image,) = ax.images
        shade = np.clip(image.norm(image.get_array()), 0, 1)
        assert shade[3].mean() < 0.3
        assert (shade[:3] > 0.5).any(axis=1).all()


class TestConnectivity:
    def test_image_is_the_matrix_in_group_order_without_its_diagonal(self, connectivity, ax):
        plot_connectivity(connectivity, 3, ax=ax)
        expected = connectivity.weights[3].copy()
        np.fill_diagonal(expected, np.nan)
        image = np.ma.filled(ax.images[0].get_array(), np.nan)
        np.testing.assert_array_equal(image, expected[np.ix_(BY_GROUP, BY_GROUP)])

    def test_lines_divide_the_groups_on_both_axes(self, connectivity, ax):
        plot_connectivity(connectivity, 0, ax=ax)
        inside = ax.lines
        assert len(inside) == 6
        assert sorted({*straight_lines(ax, "y")} & {0.5, 2.5, 4.5}) == [0.5, 2.5, 4.5]
        assert sorted({*straight_lines(ax, "x")} & {0.5, 2.5, 4.5}) == [0.5, 2.5, 4.5]

    def test_groups_are_named_on_both_axes(self, connectivity, ax):
        plot_connectivity(connectivity, 0, ax=ax)
        for axis in (ax.xaxis, ax.yaxis):
            assert tick_names(axis) == ["area", "motor", "sensory", "no group"]

    def test_colors_are_centered_at_zero_and_named(self, connectivity, ax):
        plot_connectivity(connectivity, 0, ax=ax, limit=0.4)
        assert ax.images[0].get_clim() == (-0.4, 0.4)
        assert ax.images[0].colorbar.ax.get_ylabel() == "Pearson correlation"
        assert ax.images[0].colorbar.extend == "both"

    def test_limit_ignores_the_diagonal_and_missing_weights(self):
        weights = np.full((1, 3, 3), 0.25)
        weights[0][np.diag_indices(3)] = 1.0
        weights[0, 0, 1] = weights[0, 1, 0] = np.nan
        assert connectivity_limit(ConnectivitySequence.from_array(weights), 0) == 0.25

    def test_limit_of_empty_matrices_is_one(self):
        assert connectivity_limit(ConnectivitySequence.from_array(np.zeros((2, 3, 3)))) == 1.0

    def test_nodes_without_groups_are_numbered(self, ax):
        sequence = ConnectivitySequence.from_array(np.ones((1, 15, 15)), node_kind="roi")
        plot_connectivity(sequence, 0, ax=ax)
        assert ax.get_xlabel() == ax.get_ylabel() == "ROI index"
        assert len(ax.lines) == 0

    @pytest.mark.parametrize("index", [-1, N_WINDOWS, 1.5, True])
    def test_window_that_does_not_exist_is_refused(self, connectivity, ax, index):
        with pytest.raises(InputError, match="window_index must be a whole number from 0 to 6"):
            plot_connectivity(connectivity, index, ax=ax)

    def test_limit_of_zero_is_refused(self, connectivity, ax):
        with pytest.raises(InputError, match="limit must be positive"):
            plot_connectivity(connectivity, 0, ax=ax, limit=0.0)


class TestAttention:
    def test_weights_of_later_windows_are_masked(self, embedding, ax):
        plot_attention(embedding, ax=ax)
        drawn = ax.images[0].get_array()
        np.testing.assert_array_equal(np.ma.getmaskarray(drawn), ~np.tri(N_WINDOWS, dtype=bool))
        np.testing.assert_array_equal(
            drawn.compressed(), embedding.attention[np.tri(N_WINDOWS, dtype=bool)]
        )

    def test_ticks_give_centers_of_windows_in_seconds(self, embedding, ax):
        plot_attention(embedding, ax=ax)
        assert ax.get_xlabel() == "attended window, time (s)"
        assert ax.get_ylabel() == "present window, time (s)"
        for place, name in zip(ax.get_xticks(), tick_names(ax.xaxis), strict=True):
            assert float(name) == embedding.windows.start_s[round(place)] + 1.0

    def test_segments_that_share_a_clock_are_numbered(self, embedding, ax):
        table = Windows(
            start_s=[0, 1, 2, 0, 1, 2, 3],
            stop_s=[1, 2, 3, 1, 2, 3, 4],
            segment_index=[0, 0, 0, 1, 1, 1, 1],
        )
        two = NodeEmbedding(
            mean=embedding.mean, std=embedding.std, windows=table, nodes=embedding.nodes,
            attention=embedding.attention,
        )  # fmt: skip
        plot_attention(two, ax=ax)
        assert ax.get_xlabel() == "attended window, index"

    def test_embedding_without_attention_is_refused(self, embedding, ax):
        without = NodeEmbedding(
            mean=embedding.mean, std=embedding.std, windows=embedding.windows, nodes=embedding.nodes
        )
        with pytest.raises(InputError, match="no attention"):
            plot_attention(without, ax=ax)


class TestEmbeddings:
    def test_windows_keep_the_distances_of_a_plane(self, nodes, windows, ax):
        plane = np.random.default_rng(5).normal(size=(N_WINDOWS, 2))
        mean = np.einsum("ti,inl->tnl", plane, np.random.default_rng(6).normal(size=(2, 6, 3)))
        flat = NodeEmbedding(mean=mean, std=np.ones_like(mean), windows=windows, nodes=nodes)
        plot_window_embedding(flat, ax=ax)
        drawn = ax.lines[0].get_xydata()
        vectors = flat.window_embedding()
        np.testing.assert_allclose(
            np.linalg.norm(drawn - drawn[0], axis=1),
            np.linalg.norm(vectors - vectors[0], axis=1),
            rtol=1e-4,  # The container holds single precision.
        )
        assert ax.get_aspect() == 1

    def test_axes_say_the_share_of_variance(self, embedding, ax):
        plot_window_embedding(embedding, ax=ax)
        vectors = embedding.window_embedding()
        share = np.linalg.svd(vectors - vectors.mean(axis=0), compute_uv=False) ** 2
        share /= share.sum()
        assert ax.get_xlabel() == f"PC 1 ({share[0]:.0%} of variance)"
        assert ax.get_ylabel() == f"PC 2 ({share[1]:.0%} of variance)"

    def test_text_column_gets_a_legend(self, embedding, ax):
        plot_window_embedding(embedding, ax=ax, color="state")
        legend = ax.get_legend()
        assert legend.get_title().get_text() == "state"
        assert [text.get_text() for text in legend.get_texts()] == ["x", "y"]
        assert [len(points.get_offsets()) for points in ax.collections] == [4, 3]

    def test_numeric_column_gets_a_color_bar(self, embedding, ax):
        plot_window_embedding(embedding, ax=ax, color="score", color_label="hits/miss")
        (points,) = ax.collections
        np.testing.assert_array_equal(points.get_array(), embedding.windows.columns["score"])
        assert points.colorbar.ax.get_ylabel() == "hits/miss"

    def test_time_is_the_color_by_default(self, embedding, ax):
        plot_window_embedding(embedding, ax=ax)
        (points,) = ax.collections
        np.testing.assert_array_equal(points.get_array(), embedding.windows.start_s + 1)
        assert points.colorbar.ax.get_ylabel() == "time (s)"

    def test_windows_without_a_value_are_grey_and_named(self, embedding, ax):
        color = np.array([np.nan, 1.0, 2.0, np.nan, 3.0, 4.0, 5.5])
        plot_window_embedding(embedding, ax=ax, color=color)
        unknown, known = ax.collections
        assert (len(unknown.get_offsets()), len(known.get_offsets())) == (2, 5)
        assert ax.get_legend().get_texts()[0].get_text() == "unknown"

    def test_path_is_broken_between_segments(self, embedding, ax):
        table = Windows(
            start_s=embedding.windows.start_s, stop_s=embedding.windows.stop_s,
            segment_index=[0, 0, 0, 1, 1, 1, 1],
        )  # fmt: skip
        two = NodeEmbedding(
            mean=embedding.mean, std=embedding.std, windows=table, nodes=embedding.nodes
        )
        plot_window_embedding(two, ax=ax)
        gaps = np.isnan(ax.lines[0].get_xdata())
        np.testing.assert_array_equal(np.flatnonzero(gaps), [3])

    def test_unknown_column_is_refused_with_the_known_ones(self, embedding, ax):
        with pytest.raises(InputError, match="no column 'speed'; choose 'state', 'score'"):
            plot_window_embedding(embedding, ax=ax, color="speed")

    def test_colors_of_wrong_length_are_refused(self, embedding, ax):
        with pytest.raises(InputError, match="7 windows need one value each"):
            plot_window_embedding(embedding, ax=ax, color=[1.0, 2.0])

    def test_nodes_of_two_windows_share_components_and_limits(self, embedding):
        first, second = Figure(figsize=(8, 4)).subplots(1, 2)
        plot_node_embedding(embedding, 0, ax=first)
        plot_node_embedding(embedding, 6, ax=second)
        assert first.get_xlabel() == second.get_xlabel()
        assert first.dataLim.bounds == second.dataLim.bounds

    def test_nodes_are_colored_by_group(self, embedding, ax):
        plot_node_embedding(embedding, 0, ax=ax)
        names = [text.get_text() for text in ax.get_legend().get_texts()]
        assert names == ["area", "motor", "sensory", "no group"]
        assert [len(points.get_offsets()) for points in ax.collections] == [1, 2, 2, 1]

    def test_constant_embedding_is_drawn(self, nodes, windows, ax):
        mean = np.ones((N_WINDOWS, 6, 1))
        constant = NodeEmbedding(mean=mean, std=mean, windows=windows, nodes=nodes)
        plot_window_embedding(constant, ax=ax)
        plot_node_embedding(constant, 0, ax=Figure().subplots())
        assert ax.get_xlabel() == "PC 1 (0% of variance)"


class TestScores:
    RECORDS = (
        {"name": "embedding", "score": 0.9, "chance_low": 0.4, "chance_high": 0.6},
        {"name": "rates", "score": 0.5, "chance_low": 0.35, "chance_high": 0.65},
    )

    def test_points_and_bands_stand_where_the_records_say(self, ax):
        plot_scores(self.RECORDS, ax=ax)
        np.testing.assert_allclose(ax.collections[0].get_offsets(), [[0.9, 0], [0.5, 1]])
        bands = [(bar.get_x(), bar.get_x() + bar.get_width()) for bar in ax.patches]
        np.testing.assert_allclose(bands, [(0.4, 0.6), (0.35, 0.65)])

    def test_first_record_is_at_the_top_and_all_are_named(self, ax):
        plot_scores(self.RECORDS, ax=ax)
        assert ax.yaxis_inverted()
        assert tick_names(ax.yaxis) == ["embedding", "rates"]
        assert ax.get_xlabel().startswith("balanced accuracy")

    def test_no_record_is_refused(self, ax):
        with pytest.raises(InputError, match="scores is empty"):
            plot_scores([], ax=ax)

    def test_missing_key_is_named(self, ax):
        with pytest.raises(InputError, match="lacks 'chance_low', 'chance_high'"):
            plot_scores([{"name": "rates", "score": 0.5}], ax=ax)


class TestComposition:
    def test_windows_of_highest_and_lowest_score_are_chosen(
        self, activity, windows, connectivity, embedding
    ):
        score = windows.columns["score"].copy()
        score[4] = np.nan
        figures = analysis_figures(
            activity, windows, connectivity, embedding, score=score, score_label="performance"
        )
        titles = [ax.get_title(loc="left") for ax in figures["connectivity"].axes[:2]]
        assert titles == [
            "Highest performance: 0.900\nwindow 2, 2–4 s",
            "Lowest performance: 0.100\nwindow 1, 1–3 s",
        ]

    def test_two_matrices_share_their_colors(self, activity, windows, connectivity, embedding):
        figures = analysis_figures(activity, windows, connectivity, embedding)
        high, low = (ax.images[0] for ax in figures["connectivity"].axes[:2])
        assert high.get_clim() == low.get_clim()

    def test_without_score_the_mean_weight_chooses(self, activity, windows, nodes, embedding):
        weights = np.full((N_WINDOWS, 6, 6), -0.2)
        weights[5], weights[3] = -0.8, 0.1
        weights[:, np.arange(6), np.arange(6)] = 1.0
        sequence = ConnectivitySequence(
            weights=weights, windows=windows, nodes=nodes, measure="pearson"
        )
        figures = analysis_figures(activity, windows, sequence, embedding)
        high, low = (ax.get_title(loc="left") for ax in figures["connectivity"].axes[:2])
        assert high == "Highest mean |weight|: 0.800\nwindow 5, 5–7 s"
        assert low == "Lowest mean |weight|: 0.100\nwindow 3, 3–5 s"

    def test_attention_figure_is_left_out_without_attention(
        self, activity, windows, connectivity, embedding
    ):
        without = NodeEmbedding(
            mean=embedding.mean, std=embedding.std, windows=windows, nodes=embedding.nodes
        )
        names = {"raster", "connectivity", "embedding", "similarity"}
        assert set(analysis_figures(activity, windows, connectivity, without)) == names
        with_it = analysis_figures(activity, windows, connectivity, embedding)
        assert set(with_it) == names | {"attention"}

    def test_truth_gets_a_panel_of_its_own(self, activity, windows, connectivity, embedding):
        figures = analysis_figures(
            activity, windows, connectivity, embedding, truth=windows.columns["state"]
        )
        legend = figures["embedding"].axes[1].get_legend()
        assert legend is not None
        assert [text.get_text() for text in legend.get_texts()] == ["x", "y"]

    def test_numbers_of_windows_that_differ_are_refused(
        self, activity, windows, connectivity, embedding
    ):
        with pytest.raises(InputError, match="score has 3 windows"):
            analysis_figures(activity, windows, connectivity, embedding, score=[1, 2, 3])

    def test_score_without_a_number_is_refused(self, activity, windows, connectivity, embedding):
        with pytest.raises(InputError, match="not finite"):
            overview_figure(
                activity, windows, connectivity, embedding, score=np.full(N_WINDOWS, np.nan)
            )

    def test_single_window_is_drawn(self, activity, connectivity, embedding):
        one = embedding.windows.select([0])
        sequence = ConnectivitySequence(
            weights=connectivity.weights[:1], windows=one, nodes=activity.nodes, measure="pearson"
        )
        first = NodeEmbedding(
            mean=embedding.mean[:1], std=embedding.std[:1], windows=one, nodes=activity.nodes,
            attention=[[1.0]],
        )  # fmt: skip
        figure = overview_figure(activity, one, sequence, first)
        figure.draw_without_rendering()
        # The attention of a single window can be nothing but its decay, and is not drawn.
        assert len([ax for ax in figure.axes if ax.images]) == 1

    def test_inputs_are_unchanged(self, activity, windows, connectivity, embedding):
        arrays = [activity.values, connectivity.weights, embedding.mean, embedding.attention]
        before = [array.copy() for array in arrays]
        score = windows.columns["score"].copy()
        overview_figure(activity, windows, connectivity, embedding, score=score)
        for array, copy in zip(arrays, before, strict=True):
            np.testing.assert_array_equal(array, copy)
        np.testing.assert_array_equal(score, windows.columns["score"])

    @pytest.mark.parametrize("n_groups", [1, 5, 12])
    def test_names_do_not_overlap_and_stay_on_the_page(
        self, n_groups, windows, embedding, tmp_path
    ):
        rng = np.random.default_rng(n_groups)
        groups = [f"area {min(i, n_groups - 1)}" for i in rng.permutation(60)]
        nodes = Nodes(ids=range(60), groups=groups)
        values = rng.poisson(0.2, (60, 80))
        activity = BinnedActivity(values=values, bin_size_s=0.1, nodes=nodes)
        weights = np.array([np.corrcoef(rng.normal(size=(60, 20))) for _ in range(N_WINDOWS)])
        sequence = ConnectivitySequence(
            weights=(weights + weights.transpose(0, 2, 1)) / 2, windows=windows, nodes=nodes,
            measure="pearson",
        )  # fmt: skip
        behavior = (np.arange(8.0), np.arange(8.0), "speed of the animal (cm/s)")
        figure = overview_figure(activity, windows, sequence, embedding, behavior=behavior)
        save_figure(figure, tmp_path / "overview.png")
        for boxes in label_boxes(figure):
            for first in range(len(boxes)):
                assert not any(boxes[first].overlaps(box) for box in boxes[first + 1 :])
        page = figure.get_tightbbox()
        assert page.x0 >= 0
        assert page.y0 >= 0
        assert page.x1 <= figure.get_figwidth()
        assert page.y1 <= figure.get_figheight()

    def test_legends_of_square_panels_stay_on_the_page(self, embedding, tmp_path):
        figure = Figure(figsize=(10.67, 8), layout="constrained")
        panels = figure.subplots(2, 2)
        plot_node_embedding(embedding, 0, ax=panels[0, 0])
        plot_node_embedding(embedding, 1, ax=panels[0, 1])
        plot_scores(TestScores.RECORDS, ax=panels[1, 0])
        plot_window_embedding(embedding, ax=panels[1, 1])
        save_figure(figure, tmp_path / "panels.png")
        assert figure.get_tightbbox().x1 <= figure.get_figwidth()


class TestFiles:
    def test_figure_is_saved_whole_at_150_dots_per_inch(self, tmp_path):
        from matplotlib.image import imread

        figure = Figure(figsize=(2, 1), layout="constrained")
        figure.subplots()
        save_figure(figure, tmp_path / "a.png")
        assert (tmp_path / "a.png").read_bytes().startswith(b"\x89PNG\r\n\x1a\n")
        assert imread(tmp_path / "a.png").shape[:2] == (150, 300)
        assert [path.name for path in tmp_path.iterdir()] == ["a.png"]

    def test_missing_folder_is_refused(self, tmp_path):
        with pytest.raises(OutputError, match="does not exist"):
            save_figure(Figure(), tmp_path / "none" / "a.png")

    def test_pyplot_is_never_imported(self):
        code = (
            "import sys, tavrnn_ephys.figures as f; from matplotlib.figure import Figure; "
            "from tavrnn_ephys.core.containers import ConnectivitySequence as C; "
            "f.plot_connectivity(C.from_array([[[1, .5], [.5, 1]]]), 0, ax=Figure().subplots()); "
            "sys.exit('matplotlib.pyplot' in sys.modules or 'torch' in sys.modules)"
        )
        assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_mean_figure_averages_the_fifths_of_highest_and_lowest_score(nodes, activity):
    rng = np.random.default_rng(4)
    start = np.arange(12.0) / 2
    windows = Windows(start_s=start, stop_s=start + 2.0)
    raw = rng.uniform(-1, 1, (12, 6, 6))
    weights = (raw + raw.transpose(0, 2, 1)) / 2
    connectivity = ConnectivitySequence(
        weights=weights, windows=windows, nodes=nodes, measure="pearson"
    )
    mean = rng.normal(size=(12, 6, 4))
    embedding = NodeEmbedding(mean=mean, std=np.ones_like(mean), windows=windows, nodes=nodes)
    score = rng.normal(size=12)
    figures = analysis_figures(activity, windows, connectivity, embedding, score=score)
    panels = [ax for ax in figures["connectivity_mean"].axes if ax.get_title(loc="left")]
    ranked = np.argsort(score)
    for panel, chosen in zip(panels, (ranked[-2:], ranked[:2]), strict=True):
        shown = np.ma.masked_invalid(panel.images[0].get_array()).compressed()
        expected = weights[chosen].mean(axis=0)[~np.eye(6, dtype=bool)]
        np.testing.assert_allclose(np.sort(shown), np.sort(expected), atol=1e-6)


def test_few_windows_have_no_mean_figure(activity, windows, connectivity, embedding):
    score = windows.columns["score"]
    drawn = analysis_figures(activity, windows, connectivity, embedding, score=score)
    assert "connectivity_mean" not in drawn
