import datetime
from collections.abc import Callable
from pathlib import Path

import neo
import numpy as np
import pynwb
import pytest
import quantities as pq

from tavrnn_ephys.adapters.nwb import NwbAdapter
from tavrnn_ephys.core.errors import DataLossWarning, InputError, OutputError
from tavrnn_ephys.io.blocks import (
    behavior_signals,
    block_from_arrays,
    make_signal,
    node_signals,
    nodes_of_signal,
    nodes_of_spiketrains,
)
from tavrnn_ephys.io.protocols import BlockWriter
from tests.adapters.conftest import with_metadata

Inspect = Callable[..., list[str]]


def round_trip(block: neo.Block, folder: Path) -> neo.Segment:
    return NwbAdapter().read(NwbAdapter().write_block(block, folder / "out.nwb")).segments[0]


def test_adapter_writes_blocks() -> None:
    assert isinstance(NwbAdapter(), BlockWriter)


def test_nodes_come_back(unit_block: neo.Block, tmp_path: Path) -> None:
    before = nodes_of_spiketrains(unit_block.segments[0].spiketrains)
    after = nodes_of_spiketrains(round_trip(unit_block, tmp_path).spiketrains)
    assert after.ids.tolist() == before.ids.tolist()
    assert after.kind == "channel"
    np.testing.assert_array_equal(after.groups, before.groups)
    np.testing.assert_array_equal(after.positions_um, before.positions_um)
    assert (after.table, list(after.rows)) == ("units", [0, 1, 2])


def test_spikes_and_limits_come_back(unit_block: neo.Block, tmp_path: Path) -> None:
    before = unit_block.segments[0].spiketrains
    after = round_trip(unit_block, tmp_path).spiketrains
    for old, new in zip(before, after, strict=True):
        np.testing.assert_array_equal(new.magnitude, old.magnitude)
        assert (new.t_start, new.t_stop) == (old.t_start, old.t_stop)
        assert float(new.sampling_rate.rescale("kHz")) == pytest.approx(20.0)


@pytest.mark.parametrize(
    ("spikes", "resolution"), [([0.5, 0.501, 0.503], 0.001), ([0.5, 1.5, 3.5], None)]
)
def test_resolution_is_the_smallest_interval_if_spikes_are_dense(
    tmp_path: Path, spikes: list[float], resolution: float | None
) -> None:
    block = block_from_arrays(spike_times=[spikes[:2], spikes[2:]], t_stop=4 * pq.s)
    path = NwbAdapter().write_block(with_metadata(block), tmp_path / "out.nwb")
    with pynwb.NWBHDF5IO(path, "r") as io:
        assert io.read().units.resolution == pytest.approx(resolution)


def test_behavior_comes_back(unit_block: neo.Block, tmp_path: Path) -> None:
    before = behavior_signals(unit_block.segments[0])
    after = behavior_signals(round_trip(unit_block, tmp_path))
    assert sorted(after) == sorted(before)
    for name, signal in before.items():
        np.testing.assert_array_equal(after[name].magnitude, signal.magnitude)
        assert after[name].dimensionality == signal.dimensionality
        assert after[name].sampling_rate == signal.sampling_rate


def test_epochs_come_back_with_their_annotations(unit_block: neo.Block, tmp_path: Path) -> None:
    (epoch,) = round_trip(unit_block, tmp_path).epochs
    assert (epoch.name, epoch.labels.tolist()) == ("state", ["rest", "game"])
    assert epoch.durations.magnitude.tolist() == [2.0, 3.0]
    assert epoch.array_annotations["level"].tolist() == [3, 7]
    assert epoch.array_annotations["won"].tolist() == [0, 1]


def test_traces_come_back(roi_block: neo.Block, tmp_path: Path) -> None:
    (before,), (after,) = (
        node_signals(segment)
        for segment in (roi_block.segments[0], round_trip(roi_block, tmp_path))
    )
    np.testing.assert_array_equal(after.magnitude, before.magnitude)
    old, new = nodes_of_signal(before), nodes_of_signal(after)
    assert (new.ids.tolist(), new.kind) == (old.ids.tolist(), "roi")
    np.testing.assert_array_equal(new.groups, old.groups)
    np.testing.assert_allclose(new.positions_um, old.positions_um, rtol=1e-15)


def test_metadata_comes_back(unit_block: neo.Block, tmp_path: Path) -> None:
    path = NwbAdapter().write_block(unit_block, tmp_path / "out.nwb")
    block = NwbAdapter().read(path)
    assert block.rec_datetime == unit_block.rec_datetime
    assert block.annotations["subject"] == unit_block.annotations["subject"]
    assert block.annotations["keywords"] == ["culture", "test"]
    assert block.annotations["experimenter"] == ["Doe, Jane"]


def test_annotations_of_trains_become_columns(unit_block: neo.Block, tmp_path: Path) -> None:
    for index, train in enumerate(unit_block.segments[0].spiketrains):
        train.annotate(depth=1.5 * index, waveforms="taken", odd={"a": index})
    trains = round_trip(unit_block, tmp_path).spiketrains
    assert [train.annotations["depth"] for train in trains] == [0.0, 1.5, 3.0]
    assert "odd" not in trains[0].annotations


def test_channel_names_of_a_signal_come_back(unit_block: neo.Block, tmp_path: Path) -> None:
    signal = make_signal(
        np.ones((5, 2)), name="paddle", role="behavior", sampling_rate_hz=1.0,
        columns=["up", "down"],
    )  # fmt: skip
    unit_block.segments[0].analogsignals.append(signal)
    after = behavior_signals(round_trip(unit_block, tmp_path))["paddle"]
    assert after.array_annotations["column"].tolist() == ["up", "down"]


def test_irregular_times_come_back(unit_block: neo.Block, tmp_path: Path) -> None:
    times = np.array([0.0, 0.3, 0.4, 2.0])
    signal = make_signal(np.arange(4.0), name="hits", role="behavior", times_s=times)
    unit_block.segments[0].irregularlysampledsignals.append(signal)
    after = behavior_signals(round_trip(unit_block, tmp_path))["hits"]
    np.testing.assert_array_equal(after.times.magnitude, times)


def test_regular_time_stamps_become_a_rate(unit_block: neo.Block, tmp_path: Path) -> None:
    times = 0.5 + np.arange(10) / 4
    signal = make_signal(np.arange(10.0), name="hits", role="behavior", times_s=times)
    unit_block.segments[0].irregularlysampledsignals.append(signal)
    after = behavior_signals(round_trip(unit_block, tmp_path))["hits"]
    assert float(after.sampling_rate) == 4.0
    # The rate rounds times by far less than a sample of any recording.
    np.testing.assert_allclose(after.times.magnitude, times, atol=1e-9)


@pytest.mark.parametrize("fixture", ["unit_block", "roi_block"])
def test_inspector_and_schema_have_nothing_to_say(
    fixture: str, request: pytest.FixtureRequest, tmp_path: Path, inspect: Inspect
) -> None:
    path = NwbAdapter().write_block(request.getfixturevalue(fixture), tmp_path / "out.nwb")
    assert inspect(path) == []
    assert pynwb.validate(path=path) == []


def test_units_without_a_place_get_no_electrodes(tmp_path: Path) -> None:
    block = with_metadata(block_from_arrays(counts=[[1, 2], [0, 1]], bin_size=5 * pq.ms))
    path = NwbAdapter().write_block(block, tmp_path / "out.nwb")
    with pynwb.NWBHDF5IO(path, "r") as io:
        assert io.read().electrodes is None


def test_silent_trains_are_written(tmp_path: Path) -> None:
    block = block_from_arrays(spike_times=[[], []], t_stop=5 * pq.s)
    trains = round_trip(with_metadata(block), tmp_path).spiketrains
    assert [(len(train), float(train.t_stop)) for train in trains] == [(0, 5.0), (0, 5.0)]


def test_partly_unknown_positions_come_back(tmp_path: Path) -> None:
    positions = np.array([[1.0, 2.0, np.nan], [np.nan, np.nan, np.nan], [3.0, 4.0, 5.0]])
    block = block_from_arrays(
        spike_times=[[0.5], [1.0], [1.5]], positions=positions * pq.um, t_stop=2 * pq.s
    )
    nodes = nodes_of_spiketrains(round_trip(with_metadata(block), tmp_path).spiketrains)
    np.testing.assert_array_equal(nodes.positions_um, positions)


def test_local_time_is_taken_where_there_is_no_time_zone(
    unit_block: neo.Block, tmp_path: Path
) -> None:
    naive = datetime.datetime(2024, 5, 6, 12)
    unit_block.rec_datetime = naive
    path = NwbAdapter().write_block(unit_block, tmp_path / "out.nwb")
    assert NwbAdapter().read(path).rec_datetime == naive.astimezone()


def test_a_missing_start_is_asked_for_by_name(unit_block: neo.Block, tmp_path: Path) -> None:
    unit_block.rec_datetime = None
    with pytest.raises(InputError, match=r"Set block\.rec_datetime"):
        NwbAdapter().write_block(unit_block, tmp_path / "out.nwb")
    assert list(tmp_path.iterdir()) == []


def test_several_segments_are_refused(unit_block: neo.Block, tmp_path: Path) -> None:
    unit_block.segments.append(neo.Segment())
    with pytest.raises(InputError, match="one segment, 'arrays' has 2"):
        NwbAdapter().write_block(unit_block, tmp_path / "out.nwb")


def test_a_block_without_nodes_is_refused(tmp_path: Path) -> None:
    block = neo.Block(name="empty")
    block.segments.append(neo.Segment())
    with pytest.raises(InputError, match="neither spike trains nor traces"):
        NwbAdapter().write_block(with_metadata(block), tmp_path / "out.nwb")


def test_unknown_fields_of_the_subject_are_refused(unit_block: neo.Block, tmp_path: Path) -> None:
    unit_block.annotations["subject"] = {"colour": "white"}
    with pytest.raises(InputError, match="does not know: 'colour'"):
        NwbAdapter().write_block(unit_block, tmp_path / "out.nwb")


def test_a_name_with_a_slash_is_refused(unit_block: neo.Block, tmp_path: Path) -> None:
    unit_block.segments[0].analogsignals[0].name = "a/b"
    with pytest.raises(InputError, match="cannot name a signal 'a/b'"):
        NwbAdapter().write_block(unit_block, tmp_path / "out.nwb")


def test_what_is_not_written_is_told(unit_block: neo.Block, tmp_path: Path) -> None:
    raw = make_signal(np.ones(10), name="raw", role="raw", sampling_rate_hz=100.0)
    unit_block.segments[0].analogsignals.append(raw)
    with pytest.warns(DataLossWarning, match="1 parts .* signal 'raw'"):
        NwbAdapter().write_block(unit_block, tmp_path / "out.nwb")


def test_an_existing_file_is_replaced_only_on_request(
    unit_block: neo.Block, tmp_path: Path
) -> None:
    path = tmp_path / "out.nwb"
    path.write_text("mine")
    with pytest.raises(OutputError, match="exists"):
        NwbAdapter().write_block(unit_block, path)
    assert path.read_text() == "mine"
    assert NwbAdapter().recognises(NwbAdapter().write_block(unit_block, path, overwrite=True))


def test_a_failure_leaves_nothing_behind(
    unit_block: neo.Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*args: object, **kwargs: object) -> None:
        raise RuntimeError("in the middle")

    monkeypatch.setattr(pynwb.NWBHDF5IO, "write", fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        NwbAdapter().write_block(unit_block, tmp_path / "out.nwb")
    assert list(tmp_path.iterdir()) == []


def test_hippocampal_units_with_position_pass_the_inspector(
    recordings: Path, tmp_path: Path, inspect: Inspect
) -> None:
    with np.load(recordings / "rat-hippocampus-hc11/achilles.npz") as file:
        counts, behavior = file["x"].T, file["b"]
    block = block_from_arrays(
        counts=counts, bin_size=25 * pq.ms, behavior={"position": behavior[:, 0] * pq.m}
    )
    path = NwbAdapter().write_block(with_metadata(block), tmp_path / "achilles.nwb")
    assert inspect(path, "CRITICAL", "BEST_PRACTICE_VIOLATION") == []
    segment = NwbAdapter().read(path).segments[0]
    assert [len(train) for train in segment.spiketrains] == counts.sum(axis=1).tolist()
    np.testing.assert_array_equal(
        behavior_signals(segment)["position"].magnitude[:, 0], behavior[:, 0]
    )


def test_silent_recording_comes_back_and_is_clean(tmp_path: Path, inspect: Inspect) -> None:
    block = block_from_arrays(spike_times=[[], []], t_stop=5 * pq.s, node_ids=["a", "b"])
    for train in block.segments[0].spiketrains:
        train.sampling_rate = 20 * pq.kHz
    path = NwbAdapter().write_block(with_metadata(block), tmp_path / "out.nwb")
    assert inspect(path, "CRITICAL", "BEST_PRACTICE_VIOLATION", "ERROR", "PYNWB_VALIDATION") == []
    trains = NwbAdapter().read(path).segments[0].spiketrains
    assert [(train.name, len(train), float(train.t_stop)) for train in trains] == [
        ("a", 0, 5.0), ("b", 0, 5.0),
    ]  # fmt: skip
    # Other readers see rows without spikes, too.
    with pynwb.NWBHDF5IO(path, "r") as io:
        assert [len(io.read().units["spike_times"][row]) for row in range(2)] == [0, 0]


def test_unknown_place_in_a_mouse_is_the_root_of_its_atlas(
    unit_block: neo.Block, tmp_path: Path, inspect: Inspect
) -> None:
    unit_block.annotations["subject"] = {
        "subject_id": "m1", "species": "Mus musculus", "sex": "U", "age": "P11D",
    }  # fmt: skip
    for train in unit_block.segments[0].spiketrains:
        train.annotate(node_group="")
    path = NwbAdapter().write_block(unit_block, tmp_path / "out.nwb")
    assert inspect(path, "CRITICAL", "BEST_PRACTICE_VIOLATION", "ERROR") == []
    with pynwb.NWBHDF5IO(path, "r") as io:
        assert set(io.read().electrodes["location"].data[:]) == {"root"}
    after = nodes_of_spiketrains(NwbAdapter().read(path).segments[0].spiketrains)
    assert after.groups.tolist() == ["", "", ""]
