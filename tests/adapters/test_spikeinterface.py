"""SpikeInterface's generated ground truth as blocks, and back."""

import sys
from typing import Any

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.adapters.spikeinterface import from_spikeinterface, to_spikeinterface
from tavrnn_ephys.core.errors import InputError, MissingDependencyError
from tavrnn_ephys.io.blocks import block_from_arrays, nodes_of_signal, nodes_of_spiketrains

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def truth() -> Any:
    from spikeinterface.core import generate_ground_truth_recording

    return generate_ground_truth_recording(
        durations=[4.0, 3.0], num_channels=4, num_units=5, seed=0, sampling_frequency=20000.0
    )


def test_sorting_becomes_spike_trains(truth: Any) -> None:
    recording, sorting = truth
    block = from_spikeinterface(sorting, recording)
    assert len(block.segments) == 2
    for index, segment in enumerate(block.segments):
        assert nodes_of_spiketrains(segment.spiketrains).ids.tolist() == [
            str(unit) for unit in sorting.unit_ids
        ]
        for unit, train in zip(sorting.unit_ids, segment.spiketrains, strict=True):
            samples = sorting.get_unit_spike_train(unit, segment_index=index)
            np.testing.assert_allclose(train.magnitude, samples / 20000.0, atol=1e-9)
    assert float(block.segments[1].spiketrains[0].t_stop) == pytest.approx(3.0)


def test_recording_becomes_a_lazy_signal(truth: Any) -> None:
    recording, _ = truth
    (signal,) = from_spikeinterface(recording).segments[0].analogsignals
    assert isinstance(signal, te.LazySignal)
    nodes = nodes_of_signal(signal)
    assert nodes.kind == "channel"
    np.testing.assert_allclose(nodes.positions_um, recording.get_channel_locations())
    part = signal.load((1 * pq.s, 1.01 * pq.s), channel_indexes=[2, 0])
    expected = recording.get_traces(segment_index=0, start_frame=20000, end_frame=20200)
    np.testing.assert_allclose(part.magnitude, expected[:, [2, 0]])


def test_spikes_detected_are_the_true_ones(truth: Any) -> None:
    recording, sorting = truth
    trains = te.detect_spikes(from_spikeinterface(recording).segments[0], threshold=6)
    true = np.sort(
        np.concatenate(
            [sorting.get_unit_spike_train(unit, segment_index=0) for unit in sorting.unit_ids]
        )
    )
    found = np.round(np.concatenate([train.magnitude for train in trains]) * 20000).astype(int)
    # Whatever stands out of the noise is a spike of the truth, within 1 ms.
    distance = np.abs(found[:, None] - true[None, :]).min(axis=1)
    assert len(found) > 20
    assert np.mean(distance <= 20) > 0.95


def test_block_comes_back(truth: Any) -> None:
    recording, sorting = truth
    back = to_spikeinterface(from_spikeinterface(sorting, recording))
    assert [str(unit) for unit in back.unit_ids] == [str(unit) for unit in sorting.unit_ids]
    for index in range(2):
        for one, other in zip(sorting.unit_ids, back.unit_ids, strict=True):
            np.testing.assert_array_equal(
                sorting.get_unit_spike_train(one, segment_index=index),
                back.get_unit_spike_train(other, segment_index=index),
            )


def test_groups_positions_and_kind_survive() -> None:
    block = block_from_arrays(
        spike_times=[[0.1, 0.2], [0.15]], t_stop=1 * pq.s, node_ids=["a", "b"],
        node_kind="channel", groups=["CA1", "CA3"], positions=np.eye(2) * pq.um,
    )  # fmt: skip
    sorting = to_spikeinterface(block, sampling_frequency=10000)
    after = nodes_of_spiketrains(from_spikeinterface(sorting).segments[0].spiketrains)
    assert (after.ids.tolist(), after.kind) == (["a", "b"], "channel")
    assert after.groups.tolist() == ["CA1", "CA3"]
    np.testing.assert_array_equal(after.positions_um, np.eye(2))


def test_bad_input_is_refused() -> None:
    with pytest.raises(InputError, match="a sorting or a recording, got list"):
        from_spikeinterface([1, 2])
    block = block_from_arrays(spike_times=[[0.1]])
    with pytest.raises(InputError, match="sampling_frequency=20000"):
        to_spikeinterface(block)


def test_missing_package_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "spikeinterface", None)
    monkeypatch.setitem(sys.modules, "spikeinterface.core", None)
    with pytest.raises(MissingDependencyError, match=r"tavrnn_ephys\[spikeinterface\]"):
        from_spikeinterface([])
