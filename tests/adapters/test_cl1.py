import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq

from tavrnn_ephys.adapters.mea import Cl1Adapter
from tavrnn_ephys.adapters.mea._cl1_streams import pickled_values
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tests.adapters.contract import ReaderContract
from tests.adapters.made_files import FORMAT, stream, write_cl1


def read(path: Path, **options: Any) -> Any:
    return Cl1Adapter().read(path, **options).segments[0]


class TestMadeFile(ReaderContract):
    adapter_class = Cl1Adapter

    @pytest.fixture
    def file(self, tmp_path: Path) -> Path:
        return write_cl1(tmp_path / "made.h5")


def test_every_channel_is_a_node(tmp_path: Path) -> None:
    segment = read(write_cl1(tmp_path / "a.h5"))
    assert [train.name for train in segment.spiketrains] == [str(index) for index in range(8)]
    assert [len(train) for train in segment.spiketrains] == [10] * 6 + [0, 0]
    train = segment.spiketrains[0]
    assert (train.magnitude[0], float(train.t_stop), float(train.sampling_rate)) == (0.005, 2, 1000)


def test_stimulations_are_events(tmp_path: Path) -> None:
    stims = read(write_cl1(tmp_path / "a.h5")).events[0]
    assert stims.name == "stims"
    assert stims.times.magnitude.tolist() == [0.2, 0.2, 1.5]
    assert stims.labels.tolist() == ["3", "4", "3"]


def test_numbers_of_streams_are_behaviour(tmp_path: Path) -> None:
    signals = {
        item.name: item for item in read(write_cl1(tmp_path / "a.h5")).irregularlysampledsignals
    }
    assert set(signals) == {"game", "score"}
    assert signals["game"].magnitude.tolist() == [[0.5], [1.0]]
    assert signals["game"].array_annotations["column"].tolist() == ["ball"]
    assert signals["score"].times.magnitude.tolist() == [0.0, 1.0]
    assert signals["score"].annotations["role"] == "behavior"


def test_everything_else_in_streams_is_an_event(tmp_path: Path) -> None:
    events = {item.name: item for item in read(write_cl1(tmp_path / "a.h5")).events}
    assert events["game_state"].labels.tolist() == ["play", "x"]
    assert events["notes"].labels.tolist() == ["start", '["a", 1]']
    assert len(read(write_cl1(tmp_path / "a.h5"), streams=[]).irregularlysampledsignals) == 0


def test_arrays_in_messages_are_decoded_and_objects_left_out(tmp_path: Path) -> None:
    array = {b"nd": True, b"type": "<i8", b"kind": b"", b"shape": [2],
             b"data": np.array([4, 5]).tobytes()}  # fmt: skip
    objects = {b"nd": True, b"type": "|O", b"kind": b"O", b"shape": [1], b"data": b"never"}
    path = write_cl1(tmp_path / "a.h5", **stream("arrays", [(1, [array]), (2, [objects])]))
    events = {item.name: item for item in read(path).events}
    assert events["arrays"].labels.tolist() == ["[[4, 5]]", '["object array"]']


def test_samples_stay_in_the_file(tmp_path: Path) -> None:
    path = write_cl1(tmp_path / "a.h5")
    assert len(read(path).analogsignals) == 0
    signal = read(
        path, traces=True, channels=[2, 5], t_start=0.5 * pq.s, t_stop=1 * pq.s
    ).analogsignals[0]
    expected = np.random.default_rng(0).integers(-99, 99, (2000, 8))[500:1000, [2, 5]] * 0.195
    np.testing.assert_allclose(signal.load().magnitude, expected, rtol=1e-6)


def test_part_is_read(tmp_path: Path) -> None:
    segment = read(write_cl1(tmp_path / "a.h5"), t_start=0.15 * pq.s, t_stop=1.0 * pq.s)
    times = np.concatenate([train.magnitude for train in segment.spiketrains])
    assert (times.min() >= 0.15, times.max() < 1.0) == (True, True)
    assert segment.events[0].times.magnitude.tolist() == [0.2, 0.2]
    assert segment.irregularlysampledsignals[0].times.magnitude.tolist() == [0.9]


def test_start_and_labels_are_known(tmp_path: Path) -> None:
    block = Cl1Adapter().read(write_cl1(tmp_path / "a.h5"))
    assert block.rec_datetime.isoformat() == "2026-01-02T03:04:05+00:00"
    assert block.annotations == {"project_id": "dish", "application_culture": "dish 7"}


def test_timestamps_of_the_device_clock_are_shifted(tmp_path: Path) -> None:
    spike = np.dtype([("timestamp", "<i8"), ("channel", "u1"), ("samples", "<f4", (75,))])
    table = np.zeros(1, dtype=spike)
    table["timestamp"] = 5100
    absolute = FORMAT.replace(b"I01", b"I00")
    path = write_cl1(
        tmp_path / "a.h5", attributes={"file_format": absolute}, spikes=table, stims=None,
        **{f"data_stream/{name}/{part}": None for name in ("game", "score", "notes")
           for part in ("index", "data")},
    )  # fmt: skip
    assert read(path).spiketrains[0].magnitude.tolist() == [0.1]


@pytest.mark.parametrize("protocol", range(6))
def test_pickles_are_scanned_and_never_loaded(protocol: int) -> None:
    flat = {"version": 1, "flag": True, "name": "x"}
    assert pickled_values(pickle.dumps(flat, protocol)) == flat
    nested = {"inner": {"a": "b"}, "flag": False, "list": ["x", "y"]}
    assert pickled_values(pickle.dumps(nested, protocol))["flag"] is False
    assert pickled_values(pickle.dumps({"call": print}, protocol)) == {}
    assert pickled_values(b"no pickle") == {}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"spikes": None}, "without spikes"),
        ({"spikes": np.zeros(3)}, "lacks 'timestamp', 'channel'"),
        ({"stims": np.array([(1, 9)], [("timestamp", "i8"), ("channel", "u1")])}, "channel 9"),
        ({"stims": np.array([(-1, 1)], [("timestamp", "i8"), ("channel", "u1")])}, "outside 0 s"),
        ({"stims": np.array([(9999, 1)], [("timestamp", "i8"), ("channel", "u1")])}, "outside 0 s"),
        ({"data_stream/game/data": np.zeros(2, "u1")}, "outside its 2 bytes"),
        ({"data_stream/game/data": np.full(99, 0xC1, "u1")}, "no MessagePack"),
        ({"data_stream/game/index": None}, "lacks the dataset 'game/index'"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, changes: dict, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        read(write_cl1(tmp_path / "a.h5", **changes))


@pytest.mark.parametrize(
    ("attributes", "message"),
    [
        ({"duration_frames": None}, "not closed"),
        ({"duration_frames": 0}, "claims 8 channels and 0 frames"),
        ({"channel_count": -1}, "claims -1 channels"),
        ({"frames_per_second": float("nan")}, "nan Hz"),
    ],
)
def test_unfinished_recordings_are_refused(tmp_path: Path, attributes: dict, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        read(write_cl1(tmp_path / "a.h5", attributes=attributes))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"channels": [8]}, "no channel '8'"),
        ({"streams": ["ball"]}, "no data stream 'ball'"),
        ({"t_stop": 3 * pq.s}, "no part of it"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(write_cl1(tmp_path / "a.h5"), **options)
