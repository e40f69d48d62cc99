"""Sessions of the DishBrain server, beside what NumPy reads in their files."""

import datetime
import shutil
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.activity.behavior import episodes_of_segment, window_behavior
from tavrnn_ephys.adapters.mea import DishBrainAdapter
from tavrnn_ephys.core.containers import Windows
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError
from tavrnn_ephys.io.blocks import behavior_signals, nodes_of_spiketrains
from tests.adapters.contract import ReaderContract
from tests.adapters.made_files import SERVER_SPIKE, write_session


def read(path: Path, **options: Any) -> Any:
    return DishBrainAdapter().read(path, **options)


@pytest.fixture
def session(tmp_path: Path) -> Path:
    return write_session(tmp_path)


class TestMadeSession(ReaderContract):
    adapter_class = DishBrainAdapter

    @pytest.fixture
    def file(self, session: Path) -> Path:
        return session

    def _assert_refused(self, folder: Path, content: bytes) -> None:
        copy = folder / "copy.spikes.bin"
        copy.write_bytes(content)
        with pytest.raises(FileFormatError, match=r"'copy\.spikes\.bin'") as caught:
            self.adapter_class().read(copy)
        assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["", "spikes.bin", "events.txt", "gen3b.cfg", "replay.bin"])
def test_session_is_named_by_its_folder_or_any_of_its_files(tmp_path: Path, name: str) -> None:
    write_session(tmp_path, replay=True)
    segment = te.read(tmp_path / name).segments[0]
    assert sum(map(len, segment.spiketrains)) == 101
    assert [event.name for event in segment.events] == ["game"]


def test_files_with_a_common_beginning_are_one_session(tmp_path: Path) -> None:
    write_session(tmp_path, prefix="7048.2020-12-04.4.")
    (tmp_path / "9.spikes.bin").write_bytes(
        (tmp_path / "7048.2020-12-04.4.spikes.bin").read_bytes()
    )
    block = te.read(tmp_path / "7048.2020-12-04.4.events.txt")
    assert block.name == "7048.2020-12-04.4"
    assert block.segments[0].events
    with pytest.raises(InputError, match=r"holds 2 sessions: '7048.*Choose one: name its file"):
        te.read(tmp_path)


def test_spikes_are_those_of_the_file(session: Path) -> None:
    table = np.fromfile(session, dtype=SERVER_SPIKE)
    trains = read(session).segments[0].spiketrains
    assert [train.name for train in trains] == ["3", "7", "9", "11", "1020"]
    of_seven = table[table["channel"] == 7]
    assert trains[1].magnitude == pytest.approx((of_seven["frame"] - 1000.0) / 20000)
    assert trains[1].array_annotations["amplitude"] == pytest.approx(of_seven["amplitude"])
    assert len(trains[3]) == 0


def test_events_are_hits_misses_and_bounces(session: Path) -> None:
    segment = read(session).segments[0]
    (event,) = segment.events
    assert event.labels.tolist() == ["game begin", "bounce", "hit", "hit", "miss", "hit", "miss"]
    assert event.times.magnitude.tolist() == [0, 1, 2, 3, 4, 6, 8]


def test_episodes_and_motor_layouts_are_epochs(session: Path) -> None:
    epochs = {epoch.name: epoch for epoch in read(session).segments[0].epochs}
    assert epochs["phase"].labels.tolist() == ["gameplay"]
    assert epochs["episodes"].times.magnitude.tolist() == [0, 4]
    assert epochs["episodes"].array_annotations["hit_count"].tolist() == [2, 1]
    assert epochs["motor_layout"].labels.tolist() == ["5", "2"]
    assert epochs["motor_layout"].times.magnitude.tolist() == [4, 8]
    assert epochs["motor_layout"].durations.magnitude.tolist() == pytest.approx([4, 2])


def test_game_is_measured_with_the_times_of_hits(session: Path) -> None:
    windows = Windows(start_s=[0.0, 5.0], stop_s=[5.0, 10.0])
    hits = window_behavior(read(session).segments[0], windows, "game:hits")
    assert hits.values.tolist() == [2.0, 1.0]
    assert "3 hits of the event 'game'; 2 misses of the event 'game'" in hits.description


def test_replay_is_behaviour(tmp_path: Path) -> None:
    path = write_session(tmp_path, replay=True)
    segment = read(path, t_stop=5 * pq.s).segments[0]
    signal = behavior_signals(segment)["replay"]
    assert signal.shape == (500, 3)
    raw = np.fromfile(tmp_path / "replay.bin", dtype="<f4", offset=40).reshape(1000, 10)
    assert signal.magnitude.tolist() == raw[:500, 2:5].tolist()
    assert signal.times.magnitude[1] == pytest.approx(0.01)


def test_recording_says_when_and_on_which_chip(session: Path) -> None:
    block = read(session)
    assert block.rec_datetime == datetime.datetime(2020, 12, 4, 1, 7, 17, tzinfo=datetime.UTC)
    assert block.annotations["chip_id"] == "7048"
    assert not any("labuser" in str(value) for value in block.annotations.values())


def test_part_is_read(session: Path) -> None:
    segment = read(session, t_start=3 * pq.s, t_stop=7 * pq.s, channels=[7]).segments[0]
    (train,) = segment.spiketrains
    assert (float(train.t_start), float(train.t_stop)) == (3.0, 7.0)
    assert segment.events[0].labels.tolist() == ["hit", "miss", "hit"]


def test_rate_of_frames_is_that_of_the_device_unless_told(session: Path) -> None:
    slow = read(session, sampling_rate=10 * pq.kHz).segments[0]
    assert float(slow.t_stop) == pytest.approx(2 * float(read(session).segments[0].t_stop))


# ---- places and subregions ---------------------------------------------------


def write_layout(folder: Path) -> None:
    (folder / "channel_locs.csv").write_text("channel,x,y\n3,1365,665\n7,1365,700\n9,3000,1800\n")
    (folder / "channel_subregions.csv").write_text("channel,subregion\n3,a\n7,b\n9,c\n")


def test_subregion_is_that_of_the_place(session: Path) -> None:
    """Channel 7 lies beside the layout's channel 9, channel 9 near no electrode of the layout."""
    write_layout(session.parent)
    text = (session.parent / "gen3b.cfg").read_text()
    text = text.replace("3237.5/1767.5", "3000/1835").replace("1505/805", "100/1800")
    (session.parent / "gen3b.cfg").write_text(text)
    with pytest.warns(DataLossWarning, match="4 channels lie elsewhere than in the layout"):
        nodes = nodes_of_spiketrains(read(session).segments[0].spiketrains)
    assert nodes.groups.tolist() == ["a", "c", "", "", ""]


def test_channels_without_a_place_are_told_with_their_spikes(session: Path) -> None:
    path = session.parent / "gen3b.cfg"
    path.write_text(path.read_text().replace("1020(1)350/1820;", ""))
    said = r"1 channels have no place in 'gen3b\.cfg'; 25 of 101 spikes are theirs"
    with pytest.warns(DataLossWarning, match=f"{said}.*kept"):
        nodes = nodes_of_spiketrains(read(session).segments[0].spiketrains)
    assert np.isnan(nodes.positions_um[-1]).all()
    with pytest.warns(DataLossWarning, match=f"{said}.*left out"):
        trains = read(session, unplaced="drop").segments[0].spiketrains
    assert [train.name for train in trains] == ["3", "7", "9", "11"]


def test_map_is_the_one_that_the_events_name(session: Path) -> None:
    other = session.parent / "other.cfg"
    other.write_text("3(1)0/0;7(2)0/17.5;9(3)0/35;1020(4)0/70;\n")
    first = nodes_of_spiketrains(read(session).segments[0].spiketrains).positions_um
    assert first[0].tolist() == [1365.0, 665.0]
    asked = nodes_of_spiketrains(read(session, electrodes=other).segments[0].spiketrains)
    assert asked.positions_um[0].tolist() == [0.0, 0.0]
    (session.parent / "events.txt").write_text("1000: game begin\n")
    with pytest.raises(
        InputError, match=r"2 electrode maps: 'gen3b.cfg', 'other.cfg'.*electrodes="
    ):
        read(session)


def test_spikes_alone_are_enough(session: Path) -> None:
    for name in ("events.txt", "gen3b.cfg"):
        (session.parent / name).unlink()
    segment = te.read(session).segments[0]
    assert len(segment.spiketrains) == 4
    assert nodes_of_spiketrains(segment.spiketrains).positions_um is None
    assert len(segment.events) == 0


# ---- what is refused ---------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("events.txt", b"1000: game begin\nball return\n", "Line 2 of 'events.txt' is no event"),
        ("events.txt", b"1000: game begin\n41000: ball ret", "Line 2 .*cut short"),
        ("events.txt", b"", "holds no event"),
        ("events.txt", b"info: recording chip id: 7\n", "holds no event"),
        ("events.txt", b"99999999999: game begin\n", "apart from the spikes"),
        ("events.txt", b"%d: game begin\n" % 2**70, "is no event"),
        ("gen3b.cfg", b"", "names no electrode"),
        ("gen3b.cfg", b"3(8438)1365/665;7(224", r"as '7\(224'"),
        ("gen3b.cfg", b"3(1)0/0;3(2)0/17.5;", "each channel once"),
        ("gen3b.cfg", b"3(1)nan/0;", "must read"),
        ("gen3b.cfg", b"500(1)0/0;", None),
        ("replay.bin", b"\0" * 60, "has 60 bytes"),
        ("replay.bin", b"\0" * 40, "has 40 bytes"),
        ("replay.bin", b"\0" * 120, "must ascend"),
        ("replay.bin", b"\xff" * 80, "must ascend"),
    ],
)
def test_damage_of_each_file_is_named(
    session: Path, name: str, content: bytes, message: str | None
) -> None:
    (session.parent / name).write_bytes(content)
    if message is None:
        with pytest.warns(DataLossWarning, match="101 of 101 spikes"):
            read(session)
        return
    with pytest.raises(FileFormatError, match=message):
        read(session)


@pytest.mark.parametrize(
    ("column", "value"),
    [("channel", 1024), ("amplitude", np.nan), ("frame", 2**63), ("frame", 10)],
)
def test_record_that_makes_no_sense_is_named(session: Path, column: str, value: Any) -> None:
    table = np.fromfile(session, dtype=SERVER_SPIKE)
    table[column][50] = value
    table.tofile(session)
    with pytest.raises(FileFormatError, match=r"Record 5\d of 'spikes\.bin' is no spike"):
        read(session)


def test_spikes_that_end_early_are_told(session: Path) -> None:
    session.write_bytes(session.read_bytes()[: 16 * 30])
    with pytest.warns(DataLossWarning, match=r"end \d\.\d s before the last event"):
        read(session)


def test_events_without_spikes_are_refused(session: Path) -> None:
    session.unlink()
    with pytest.raises(FileFormatError, match=r"no file 'spikes\.bin' beside 'events\.txt'"):
        te.read(session.parent / "events.txt")


def test_replay_of_another_session_is_refused(tmp_path: Path) -> None:
    path = write_session(tmp_path, replay=True)
    content = bytearray((tmp_path / "replay.bin").read_bytes())
    for at in range(40, len(content), 40):
        content[at + 4] = 1
    (tmp_path / "replay.bin").write_bytes(bytes(content))
    with pytest.raises(InputError, match="lies outside of the session"):
        read(path)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"join": "or"}, "takes no option 'join': only spike words of trials do"),
        ({"bin_size": 1 * pq.ms}, "takes no option 'bin_size'"),
        ({"sampling_rate": 20}, "must be a rate"),
        ({"unplaced": "hide"}, "must be one of"),
        ({"channels": [5]}, "no channel '5'"),
        ({"t_stop": 99 * pq.s}, "is no part of it"),
    ],
)
def test_options_that_do_not_fit_are_refused(session: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(session, **options)


def test_folder_of_something_else_is_not_recognised(tmp_path: Path) -> None:
    (tmp_path / "spikes.bin").write_bytes(b"anything at all, longer than a record")
    (tmp_path / "events.txt").write_text("a list of events\n")
    (tmp_path / "a.cfg").write_text("[settings]\n")
    adapter = DishBrainAdapter()
    assert not any(map(adapter.recognises, (tmp_path, *tmp_path.iterdir())))


# ---- the real session --------------------------------------------------------


@pytest.fixture
def real(recordings: Path, tmp_path: Path) -> Path:
    """Copy the real session beside the layout, so that both are found."""
    for name in ("spikes.bin", "events.txt", "gen3b.cfg"):
        shutil.copyfile(recordings / "dishbrain-spikestream" / name, tmp_path / name)
    for name in ("channel_locs.csv", "channel_subregions.csv"):
        shutil.copyfile(recordings / "dishbrain-layout" / name, tmp_path / name)
    return tmp_path


def test_real_session_is_what_plain_code_counts(real: Path) -> None:
    said = (
        r"124 channels have no place in 'gen3b\.cfg'; 8421 of 66798 .* 136 channels lie elsewhere"
    )
    with pytest.warns(DataLossWarning, match=said):
        segment = te.read(real).segments[0]
    table = np.fromfile(real / "spikes.bin", dtype=SERVER_SPIKE)
    counts = np.bincount(table["channel"], minlength=1024)
    assert {int(train.name): len(train) for train in segment.spiketrains} == dict(enumerate(counts))
    lines = [line.split(": ", 1)[1] for line in (real / "events.txt").read_text().splitlines()]
    plain = Counter(lines)
    (event,) = segment.events
    labels = Counter(event.labels.tolist())
    assert (labels["hit"], labels["miss"]) == (51, 71)
    assert labels["hit"] == plain["ball return"]
    assert labels["miss"] == plain["ball missed"]
    assert labels["bounce"] == plain["ball bounce"] == 223
    assert episodes_of_segment(segment).hits.sum() == 51


def test_real_session_comes_back_from_nwb(real: Path, tmp_path: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataLossWarning)
        block = te.read(real)
    again = te.read(te.write_nwb(block, tmp_path / "session.nwb"))
    windows = Windows(start_s=np.arange(0.0, 1080, 60), stop_s=np.arange(120.0, 1200, 60))
    for name in ("game:hits", "game:misses", "game:rally_length_time_weighted"):
        values = [
            window_behavior(item.segments[0], windows, name).values for item in (block, again)
        ]
        np.testing.assert_allclose(*values)
