"""Nodes chosen from what files really say of them: gaps, texts among numbers, quotes, units."""

import neo
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.spec import SelectionSpec
from tavrnn_ephys.io.selection import (
    keep_nodes,
    node_table,
    nodes_that_meet,
    select_nodes,
    selected_nodes,
)

WHOLE = np.array([[0.0, 5.0]])


def units(**columns):
    """Four units, of which the third is silent and has no region."""
    segment = te.block_from_arrays(
        spike_times=[[0.1, 0.5, 3.0], [0.2], [], [1.0, 2.0]],
        t_stop=5 * pq.s,
        groups=["CA1", "CA3", "", "CA1"],
    ).segments[0]
    for name, values in columns.items():
        for train, value in zip(segment.spiketrains, values, strict=True):
            train.annotations[name] = value
    return segment


def traces(n_nodes=3):
    signal = neo.AnalogSignal(
        np.arange(20.0 * n_nodes).reshape(20, n_nodes), units="V", sampling_rate=10 * pq.Hz,
        role="nodes", array_annotations={"snr": np.array([1.0, np.nan, 3.0][:n_nodes])},
    )  # fmt: skip
    segment = neo.Segment()
    segment.analogsignals.append(signal)
    return segment


@pytest.mark.parametrize(
    ("condition", "kept"),
    [
        ("snr > 0.5", [0, 3]),
        ("snr <= 0.5", []),
        ("snr != 1", [1, 2, 3]),
        ("not snr > 2", [0, 1, 2]),
        ("mixed == 1", [0]),
        ("mixed == 'high'", [1]),
        ("flag", [0, 3]),
        ("not flag", [1, 2]),
        ('note == "it\'s"', [0]),
        ("note == 'a\"b'", [1]),
        ("note == 'x\\\\y'", [2]),
        ("`depth, µm` > 150 and `depth, µm` < 400", [1, 2]),
        ("region not in ['CA1', 'CA3']", [2]),
        ("n_spikes == 0", [2]),
        ("rate_hz >= 0.4", [0, 3]),
        ("depth > 1", [1, 2, 3]),
        ("one == 7", [0, 1, 2, 3]),
    ],
)
def test_ugly_columns_are_compared_as_they_are(condition, kept):
    segment = units(
        snr=[1.0, np.nan, None, 4.0],
        mixed=[1, "high", None, 2.5],
        flag=[True, np.bool_(False), None, True],
        note=["it's", 'a"b', "x\\y", ""],
        depth=[1 * pq.um, 2 * pq.um, 3 * pq.um, 4 * pq.um],
        one=[np.array([7.0])] * 4,
        **{"depth, µm": [100, 200, 300, 400]},
    )
    if kept:
        assert nodes_that_meet(segment, condition).tolist() == kept
    else:
        with pytest.raises(InputError, match="No node of 4.*'snr' lies between 1 and 4"):
            nodes_that_meet(segment, condition)


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("mixed > 1", "'high' and 1 have no order"),
        ("depths > 1", "have no column 'depths'"),
        ("arrays > 1", "have no column 'arrays'"),
        ("lengths > 1", "have no column 'lengths'"),
        ("node_id > 1", "have no order"),
        ("region == 'ca1'", "'region' holds 'CA1', 'CA3'"),
        (["0 "], "no node '0 '; it has '0', '1', '2', '3'"),
        ([], "names no node"),
        (3, "by a condition, or by a list of ids, got 3"),
        (None, "by a condition, or by a list of ids, got None"),
        (b"snr > 1", "by a condition, or by a list of ids"),
    ],
)
def test_what_cannot_be_chosen_by_is_refused(condition, message):
    segment = units(
        mixed=[1, "high", None, 2.5],
        arrays=[np.array([1, 2])] * 4,
        lengths=[1 * pq.um, 1 * pq.mm, 2 * pq.um, 3 * pq.um],
    )
    with pytest.raises(InputError, match=message):
        nodes_that_meet(segment, condition)


@pytest.mark.parametrize("segment", [units(region=["V1", "V1", "V2", None]), traces()])
def test_every_column_of_the_table_can_be_asked_for_as_it_stands(segment):
    table = node_table(segment)
    for name in table.columns:
        value = table[name].iloc[0]
        if isinstance(value, str) and value:
            wanted = np.flatnonzero(table[name] == value).tolist()
            assert nodes_that_meet(segment, f"`{name}` == {value!r}").tolist() == wanted, name


def test_a_column_named_region_goes_before_the_group():
    segment = units(region=["V1", "V1", "V2", None])
    assert node_table(segment)["region"].tolist() == ["V1", "V1", "V2", ""]
    assert nodes_that_meet(segment, "region == 'V1' and group == 'CA1'").tolist() == [0]


def test_a_behaviour_keeps_its_columns_when_nodes_leave():
    segment = traces()
    segment.analogsignals.append(
        neo.AnalogSignal(np.zeros((20, 3)), units="m", sampling_rate=10 * pq.Hz, name="position")
    )
    kept = keep_nodes(segment, nodes_that_meet(segment, "snr > 0"))
    assert [signal.shape[1] for signal in kept.analogsignals] == [2, 3]
    assert kept.analogsignals[0].array_annotations["snr"].tolist() == [1.0, 3.0]
    assert [signal.shape[1] for signal in segment.analogsignals] == [3, 3]


def test_a_block_without_nodes_is_refused():
    with pytest.raises(InputError, match="no nodes that could be chosen"):
        select_nodes(neo.Block(), "n_spikes > 1")


def test_rates_and_counts_are_of_the_time_that_is_analysed():
    late = np.array([[1.5, 5.0]])
    with pytest.warns(DataLossWarning, match="2 that fire fewer than 1 spikes in 3.5 s; 2 stay"):
        kept = selected_nodes(units(), SelectionSpec(min_node_spikes=1), late)
    assert [len(train) for train in kept.spiketrains] == [3, 2]


def test_conditions_ids_and_counts_narrow_in_turn():
    chosen = SelectionSpec(nodes="n_spikes != 2", node_ids=("0", "1"), min_node_spikes=1)
    with pytest.warns(DataLossWarning, match="1 by the condition, 1 by the list of ids; 2 stay"):
        assert len(selected_nodes(units(), chosen, WHOLE).spiketrains) == 2


@pytest.mark.parametrize("chosen", [{"nodes": "n_spikes == 3"}, {"node_ids": ("1",)},
                                    {"min_node_spikes": 3}])  # fmt: skip
def test_one_node_is_no_network(chosen):
    with pytest.raises(InputError, match="One node is left .*: 3 .*A network needs two"):
        selected_nodes(units(), SelectionSpec(**chosen), WHOLE)


def test_an_id_that_the_condition_left_out_is_refused():
    with pytest.raises(InputError, match="no node '0'; it has '1', '2', '3'"):
        selected_nodes(units(), SelectionSpec(nodes="n_spikes < 3", node_ids=("0",)), WHOLE)


@pytest.mark.parametrize(
    ("segment", "stretches", "message"),
    [
        (units(), WHOLE, "No node fires 500 spikes in 5 s; the most of any are 3"),
        (units(), None, "no time over which spikes could be counted"),
        (traces(), WHOLE, "the nodes are traces"),
    ],
)
def test_rates_that_no_node_has_are_refused(segment, stretches, message):
    with pytest.raises(InputError, match=message):
        selected_nodes(segment, SelectionSpec(min_rate_hz=100.0), stretches)


def test_all_nodes_leave_the_segment_as_it_is():
    segment = units()
    assert selected_nodes(segment, SelectionSpec(min_node_spikes=0), WHOLE) is segment
