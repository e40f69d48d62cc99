"""The page shows which windows are alike, and connectivity at both ends of a behaviour."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from tavrnn_ephys.figures.page.asked import main_behavior
from tavrnn_ephys.figures.page.collect import collect
from tavrnn_ephys.figures.page.comparing import difference_figure, similarity_figure
from tavrnn_ephys.figures.page.figures import raster_figure, trajectory_figure
from tavrnn_ephys.figures.page.page import render
from tavrnn_ephys.figures.page.recording import BehaviorTrace
from tavrnn_ephys.figures.similarity import Neighbours
from tests.reporting.examples import make_file


@pytest.fixture(scope="module")
def content(tmp_path_factory):
    return collect(make_file(tmp_path_factory.mktemp("compared"), n_windows=40, n_nodes=6))


def with_tables(content, **tables):
    return replace(content, tables={**content.tables, **tables})


def asked(content, values):
    windows = content.windows
    table = pd.DataFrame({"start_s": windows.start_s, "stop_s": windows.stop_s, "behavior": values})
    return with_tables(content, behavior_windows=table)


def test_similarity_of_the_page_is_that_of_the_picture(content):
    view = content.similarity
    near = Neighbours.of(content.windows)
    rows = content.matrices.means[:, *np.triu_indices(6, 1)]
    inverse = np.argsort(content.matrices.blocks.order)
    rows = content.matrices.means[:, inverse][:, :, inverse][:, *np.triu_indices(6, 1)]
    np.testing.assert_allclose(view.values, near.similarity(rows.__getitem__), atol=1e-6)
    heat = similarity_figure(content).data[-1]
    blank = np.array([[value is None for value in row] for row in heat.z])
    np.testing.assert_array_equal(blank, view.near.shared)


def test_behaviour_states_and_change_points_stand_beside_it(content):
    states = pd.DataFrame({"state": np.repeat([0, 1], 20)})
    times = pd.DataFrame({"window_index": [20], "start_s": [40.0], "size": [1.0]})
    told = with_tables(asked(content, np.arange(40.0)), state_windows=states, change_times=times)
    line, bars, _, change = similarity_figure(told).data
    assert list(line.y) == list(range(40))
    assert list(bars.width) == [20, 20]
    assert [value for value in change.x if value is not None][:2] == [19.5, 19.5]


def test_difference_is_high_less_low_with_a_dot_per_pair_that_follows(content):
    edges = pd.DataFrame({"node_a": ["c0", "c1"], "node_b": ["c2", "c3"], "q_value": [0.01, 0.5]})
    told = with_tables(asked(content, np.arange(40.0)), behavior_edges=edges)
    high, low, rest, dots = difference_figure(told).data
    means = content.matrices.means
    np.testing.assert_allclose(high.z, means[32:].mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(low.z, means[:8].mean(axis=0), atol=1e-4)
    np.testing.assert_allclose(rest.z, np.subtract(high.z, low.z), atol=2e-4)
    ids = np.asarray(content.nodes.ids)[content.matrices.blocks.order]
    assert {(ids[x], ids[y]) for x, y in zip(dots.x, dots.y, strict=True)} == {
        ("c0", "c2"), ("c2", "c0"),
    }  # fmt: skip


def test_two_labels_are_held_against_each_other_and_more_are_not(content):
    two = difference_figure(asked(content, np.array(["rest", "run"] * 20)))
    assert [note.text for note in two.layout.annotations][:2] == [
        "run: 20 windows", "rest: 20 windows",
    ]  # fmt: skip
    assert difference_figure(asked(content, np.array(["a", "b", "c", "a"] * 10))) is None


def test_codes_of_a_signal_are_labels_and_have_no_high_and_low(content):
    told = asked(content, np.repeat([70.0, 71.0 + 1e-13, 72.0, np.nan], 10))
    told.tables["behavior_windows"].attrs["columns"] = {"behavior": "Mean of 'task'."}
    task = main_behavior(told)
    assert [str(label) for label in np.unique(task.values)] == ["", "70", "71", "72"]
    assert difference_figure(told) is None
    (bars, *_) = similarity_figure(told).data
    assert list(bars.width) == [10, 10, 10, 10]
    counts = asked(content, np.repeat([0.0, 1.0, 2.0, 3.0], 10))
    counts.tables["behavior_windows"].attrs["columns"] = {"behavior": "Count of licks."}
    assert main_behavior(counts).is_number


def test_a_signal_on_another_clock_leaves_the_time_axis_alone(content):
    odd = BehaviorTrace(
        name="events", unit="", times_s=np.array([-1.5e9, 3.0, 4.0]), values=np.arange(3.0), every=1
    )
    recording = replace(content.recording, behavior=(odd,), n_behaviors=1)
    figure = raster_figure(replace(content, recording=recording))
    low, high = figure.layout.xaxis.range
    assert low == content.windows.start_s.min()
    assert high <= content.windows.stop_s.max() + 10
    (line,) = [trace for trace in figure.data if trace.name == "events"]
    assert list(line.x) == [3.0, 4.0]


def test_without_a_behaviour_windows_are_coloured_by_time_and_not_by_any_signal(content):
    shown = trajectory_figure(content.embedding, content.windows).data[1]
    middle = (content.windows.start_s + content.windows.stop_s) / 2
    np.testing.assert_allclose(shown.marker.color, middle)
    assert content.windows.columns


def test_page_holds_both_pictures(content):
    page = render(asked(content, np.arange(40.0)))
    assert 'id="similarity"' in page
    assert 'id="difference"' in page
    assert "Similarity of 40 windows" in page
    assert 'id="difference"' not in render(content)
