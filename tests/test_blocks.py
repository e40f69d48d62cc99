"""Blocks from arrays, and the conventions in them."""

import numpy as np
import pytest
import quantities as pq

from tavrnn_ephys.activity.binning import bin_activity
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.io.blocks import (
    behavior_columns,
    block_from_arrays,
    nodes_of_signal,
    nodes_of_spiketrains,
    segment_limits_s,
)
from tavrnn_ephys.io.blocks.recorded import node_recordings


def test_counts_come_back_at_their_bin_size():
    counts = np.random.default_rng(0).poisson(0.7, (5, 200))
    block = block_from_arrays(counts=counts, bin_size=25 * pq.ms, t_start=100 * pq.s)
    activity = bin_activity(block.segments[0], bin_size=25 * pq.ms)
    np.testing.assert_array_equal(activity.values, counts)
    assert activity.t_start_s == 100.0


def test_ids_positions_and_groups_reach_the_nodes():
    block = block_from_arrays(
        spike_times=[[0.5, 0.1], [0.3]], node_ids=["a", "b"], node_kind="channel",
        positions=np.array([[1.0, 2.0], [3.0, 4.0]]) * pq.mm, groups=["sensory", "motor"],
        t_stop=1 * pq.s,
    )  # fmt: skip
    nodes = nodes_of_spiketrains(block.segments[0].spiketrains)
    assert list(nodes.ids) == ["a", "b"]
    assert nodes.kind == "channel"
    assert nodes.group_names == ("motor", "sensory")
    np.testing.assert_allclose(nodes.positions_um, [[1000, 2000], [3000, 4000]])
    assert segment_limits_s(block.segments[0]) == (0.0, 1.0)


def test_trace_signal_carries_its_nodes():
    block = block_from_arrays(
        traces=np.ones((2, 5)), sampling_rate=10 * pq.Hz, node_ids=["r1", "r2"],
        positions=np.zeros((2, 2)) * pq.um,
    )  # fmt: skip
    nodes = nodes_of_signal(block.segments[0].analogsignals[0])
    assert list(nodes.ids) == ["r1", "r2"]
    assert nodes.kind == "roi"


def test_behavior_keeps_unit_and_columns():
    block = block_from_arrays(
        counts=np.ones((1, 4), dtype=int), bin_size=100 * pq.ms,
        behavior={"speed": np.arange(4.0) * pq.m / pq.s, "xy": np.ones((4, 2))},
    )  # fmt: skip
    columns = behavior_columns(block.segments[0])
    assert set(columns) == {"speed", "xy_0", "xy_1"}
    times_s, values = columns["speed"]
    np.testing.assert_allclose(times_s, [0.0, 0.1, 0.2, 0.3])
    np.testing.assert_array_equal(values, np.arange(4.0))
    assert block.segments[0].analogsignals[0].dimensionality == (pq.m / pq.s).dimensionality


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({}, "exactly one"),
        ({"counts": [[1]], "traces": [[1.0]]}, "counts and traces"),
        ({"counts": [[1]]}, "bin_size"),
        ({"counts": [[0.5]], "bin_size": 1 * pq.s}, "whole numbers"),
        ({"counts": [[-1]], "bin_size": 1 * pq.s}, "at least 0"),
        ({"counts": [1, 2], "bin_size": 1 * pq.s}, "shape"),
        ({"traces": [[1.0]]}, "sampling_rate"),
        ({"traces": [[1.0]], "sampling_rate": 10}, "in hertz"),
        ({"traces": [[1.0]], "sampling_rate": 0 * pq.Hz}, "positive"),
        ({"spike_times": [[1.0]], "t_stop": 0.5 * pq.s}, "outside 0 s to 0.5 s"),
        ({"spike_times": [[np.nan]]}, "not finite|not.finite"),
        ({"spike_times": [[1.0]], "positions": [[1.0, 2.0]]}, "unit of length"),
        ({"spike_times": [[1.0]], "node_ids": ["a", "b"]}, "1 rows for 2 node_ids"),
        ({"spike_times": [[1.0]], "behavior": {"x": [1.0]}}, "behavior_rate"),
    ],
)
def test_bad_arrays_are_explained(arguments, message):
    with pytest.raises(InputError, match=message):
        block_from_arrays(**arguments)


def test_what_is_recorded_of_nodes_is_spike_trains_or_one_signal():
    trains = block_from_arrays(spike_times=[[0.5], [0.3]], t_stop=2 * pq.s, t_start=0.25 * pq.s)
    found = node_recordings(trains.segments[0], asked_by="test")
    assert (len(found.nodes), len(found.spiketrains), found.signal) == (2, 2, None)
    assert found.limits_s == (0.25, 2.0)
    traces = block_from_arrays(traces=np.ones((3, 8)), sampling_rate=4 * pq.Hz)
    found = node_recordings(traces.segments[0], asked_by="test")
    assert (len(found.nodes), found.spiketrains, found.signal.shape) == (3, [], (8, 3))
    assert found.limits_s == (0.0, 2.0)


def test_traces_that_are_not_there_are_not_replaced_by_spikes():
    block = block_from_arrays(spike_times=[[0.5], [0.3]], t_stop=2 * pq.s)
    with pytest.raises(InputError, match="has spike trains, and no signal with a trace per node"):
        node_recordings(block.segments[0], "traces", asked_by="test")
