"""The plain types and the arithmetic of windows."""

import numpy as np
import pytest
import quantities as pq
from hypothesis import given, settings
from hypothesis import strategies as st

from tavrnn_ephys.activity.windows import bin_ranges, sliding_windows, window_means
from tavrnn_ephys.core.containers import (
    BinnedActivity,
    ConnectivitySequence,
    NodeEmbedding,
    Nodes,
    Windows,
)
from tavrnn_ephys.core.errors import InputError


def activity_of(n_bins=20, bin_size_s=0.1, t_start_s=0.0):
    values = np.arange(2 * n_bins).reshape(2, n_bins)
    nodes = Nodes(ids=["a", "b"])
    return BinnedActivity(values=values, bin_size_s=bin_size_s, nodes=nodes, t_start_s=t_start_s)


def test_windows_of_overlapping_steps_by_hand():
    windows = sliding_windows(activity_of(), window_length=1 * pq.s, step=500 * pq.ms)
    np.testing.assert_allclose(windows.start_s, [0.0, 0.5, 1.0])
    np.testing.assert_allclose(windows.stop_s, [1.0, 1.5, 2.0])
    assert windows.overlap == 1
    np.testing.assert_array_equal(bin_ranges(windows, activity_of()), [[0, 10], [5, 15], [10, 20]])


@given(
    n_bins=st.integers(1, 200), n_window=st.integers(1, 60), n_step=st.integers(1, 60),
    bin_size_ms=st.sampled_from([1, 5, 25, 50, 300, 1000]), hours=st.sampled_from([0, 24, 1000]),
)  # fmt: skip
@settings(deadline=None, max_examples=60)
def test_every_window_has_its_bins_wherever_the_clock_starts(
    n_bins, n_window, n_step, bin_size_ms, hours
):
    bin_size_s = bin_size_ms / 1000
    activity = activity_of(n_bins, bin_size_s, hours * 3600.0)
    lengths = {
        "window_length": n_window * bin_size_ms * pq.ms,
        "step": n_step * bin_size_ms * pq.ms,
    }
    if n_window > n_bins:
        with pytest.raises(InputError, match="exceeds the recording"):
            sliding_windows(activity, **lengths)
        return
    ranges = bin_ranges(sliding_windows(activity, **lengths), activity)
    assert np.all(ranges[:, 1] - ranges[:, 0] == n_window)
    assert np.all(np.diff(ranges[:, 0]) == n_step)
    assert ranges[-1, 1] <= n_bins < ranges[-1, 1] + n_step


@pytest.mark.parametrize(
    ("length", "message"),
    [
        (0.25 * pq.s, r"whole number of 0.1 s bins, got 0.25 s \(2.5 bins\). Use 0.2 s or 0.3 s"),
        (0.04 * pq.s, "Use 0.1 s"),
        (3 * pq.s, "exceeds the recording, which lasts 2 s"),
        (-1 * pq.s, "positive"),
        (1.0, "unit of time"),
        (1 * pq.m, "unit of time"),
        ([1, 2] * pq.s, "scalar"),
    ],
)
def test_bad_window_length_is_explained(length, message):
    with pytest.raises(InputError, match=message):
        sliding_windows(activity_of(), window_length=length, step=0.1 * pq.s)


def test_windows_of_another_segment_are_refused():
    windows = Windows(start_s=[0.0], stop_s=[1.0], segment_index=[1])
    with pytest.raises(InputError, match="other segments"):
        bin_ranges(windows, activity_of())


def test_window_that_cuts_a_bin_is_refused():
    with pytest.raises(InputError, match="limits of 0.1 s bins"):
        bin_ranges(Windows(start_s=[0.05], stop_s=[1.0]), activity_of())


def test_overlap_counts_within_segments_only():
    windows = Windows(
        start_s=[0.0, 1.0, 0.0, 5.0], stop_s=[2.0, 3.0, 2.0, 7.0], segment_index=[0, 0, 1, 1]
    )
    assert windows.overlap == 1


def test_means_leave_out_nan_and_know_empty_windows():
    windows = Windows(start_s=[0.0, 1.0, 2.0], stop_s=[1.0, 2.0, 3.0])
    means = window_means(windows, np.array([0.0, 0.5, 1.0]), np.array([2.0, np.nan, 7.0]))
    np.testing.assert_array_equal(means, [2.0, 7.0, np.nan])


def test_containers_are_equal_by_content():
    assert activity_of() == activity_of()
    assert activity_of() != activity_of(t_start_s=1.0)
    one = Windows(start_s=[0.0], stop_s=[1.0], columns={"x": [np.nan]})
    assert one == Windows(start_s=[0.0], stop_s=[1.0], columns={"x": [np.nan]})
    assert one != Windows(start_s=[0.0], stop_s=[1.0])


def test_arrays_of_containers_cannot_be_written_and_the_callers_can():
    values = np.zeros((2, 3))
    activity = BinnedActivity(values=values, bin_size_s=1.0, nodes=Nodes(ids=["a", "b"]))
    with pytest.raises(ValueError, match="read-only"):
        activity.values[0, 0] = 1.0
    values[0, 0] = 1.0


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Nodes(ids=["a", "a"]), "more than once: 'a'"),
        (lambda: Nodes(ids=[]), "node_ids is empty"),
        (lambda: Nodes(ids=["a"], kind="cell"), "kind must be one of"),
        (lambda: Nodes(ids=["a"], groups=["x", "y"]), "groups has 2 entries for 1 nodes"),
        (lambda: Nodes(ids=["a"], positions_um=[[1.0]]), "positions_um must have shape"),
        (lambda: Windows(start_s=[], stop_s=[]), "At least one window"),
        (lambda: Windows(start_s=[1.0], stop_s=[1.0]), "window 0 does not"),
        (lambda: Windows(start_s=[2.0, 1.0], stop_s=[3.0, 2.0]), "chronological"),
        (
            lambda: Windows(start_s=[0.0], stop_s=[1.0], columns={"x": [1, 2]}),
            "column 'x' has shape",
        ),
        (
            lambda: BinnedActivity(
                values=[[np.nan, 1.0]], bin_size_s=1.0, nodes=Nodes(ids=["q"]), quantity="trace"
            ),
            "'q'",
        ),
        (lambda: ConnectivitySequence.from_array(np.zeros((2, 3))), "must have shape"),
        (
            lambda: ConnectivitySequence.from_array([[[1.0, 0.2], [0.3, 1.0]]]),
            "window 0 is not symmetric",
        ),
        (
            lambda: ConnectivitySequence.from_array([[[1.0, np.inf], [np.inf, 1.0]]]),
            "window 0 holds infinite weights",
        ),
    ],
)
def test_container_refuses_what_breaks_its_rule(build, message):
    with pytest.raises(InputError, match=message):
        build()


def embedding_of(history=None):
    return NodeEmbedding(
        mean=np.arange(12.0).reshape(2, 3, 2), std=np.ones((2, 3, 2)),
        windows=Windows(start_s=[0.0, 1.0], stop_s=[1.0, 2.0]), nodes=Nodes(ids=["a", "b", "c"]),
        history=history,
    )  # fmt: skip


def test_window_embedding_concatenates_nodes_in_node_order():
    embedding = embedding_of()
    np.testing.assert_array_equal(embedding.window_embedding()[0], np.arange(6.0))
    np.testing.assert_array_equal(embedding.window_embedding("mean")[0], [2.0, 3.0])


def test_window_embedding_needs_a_history_node_to_return_it():
    with pytest.raises(InputError, match="history_node=True"):
        embedding_of().window_embedding("history")
    history = np.ones((2, 2))
    np.testing.assert_array_equal(embedding_of(history).window_embedding("history"), history)


def test_table_of_windows_has_every_column():
    table = Windows(start_s=[0.0], stop_s=[1.0], columns={"label": ["run"]}).to_pandas()
    assert list(table.columns) == ["start_s", "stop_s", "segment_index", "label"]


def test_a_change_of_the_activity_is_noticed_by_its_checksum():
    one, same = (
        BinnedActivity(values=[[1, 0, 2]], bin_size_s=1.0, nodes=Nodes(ids="a")) for _ in "ab"
    )
    other = BinnedActivity(values=[[1, 0, 1]], bin_size_s=1.0, nodes=Nodes(ids="a"))
    assert one.sha256 == same.sha256 != other.sha256
