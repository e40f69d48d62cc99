import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import quantities as pq

from tavrnn_ephys.adapters.mea import McsAdapter
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tests.adapters.contract import ReaderContract

STAMPS = "Data/Recording_0/TimeStampStream/Stream_0"
CUTS = "Data/Recording_0/SegmentStream/Stream_0"


def read(path: Path, **options: Any) -> Any:
    return McsAdapter().read(path, **options).segments[0]


@pytest.fixture
def real(recordings: Path) -> Path:
    return next((recordings / "formats/mcs").glob("*.h5"))


@pytest.fixture
def changed(real: Path, tmp_path: Path) -> Callable[[Callable[[Any], None]], Path]:
    """Copy the recording and change the copy."""

    def change(how: Callable[[Any], None]) -> Path:
        path = tmp_path / "changed.h5"
        shutil.copyfile(real, path)
        with h5py.File(path, "r+") as file:
            how(file)
        return path

    return change


class TestRecording(ReaderContract):
    adapter_class = McsAdapter

    @pytest.fixture
    def file(self, real: Path) -> Path:
        return real


def test_counts_and_times_are_those_of_the_file(real: Path) -> None:
    segment = read(real)
    assert [train.name for train in segment.spiketrains] == [f"E{n}" for n in range(1, 9)]
    assert (float(segment.spiketrains[0].t_start), float(segment.spiketrains[0].t_stop)) == (
        0,
        19.7,
    )
    with h5py.File(real) as file:
        labels = {
            int(row["TimeStampEntityID"]): row["SourceChannelLabels"].decode().strip()
            for row in file[STAMPS]["InfoTimeStamp"][()]
        }
        for number, label in labels.items():
            train = next(item for item in segment.spiketrains if item.name == label)
            expected = file[STAMPS][f"TimeStampEntity_{number}"][0] * 1e-6
            np.testing.assert_allclose(train.magnitude, expected, atol=1e-9)


def test_cut_outs_give_the_same_trains(real: Path) -> None:
    stamps, cuts = read(real), read(real, spikes="SegmentStream/Stream_0")
    for a, b in zip(stamps.spiketrains, cuts.spiketrains, strict=True):
        assert a.name == b.name
        np.testing.assert_array_equal(a.magnitude, b.magnitude)


def test_cut_outs_stand_in_for_missing_time_stamps(changed: Callable) -> None:
    path = changed(lambda file: file.__delitem__("Data/Recording_0/TimeStampStream"))
    assert sum(map(len, read(path).spiketrains)) == 224


def test_events_are_read(real: Path) -> None:
    event = read(real).events[0]
    assert (event.name, len(event)) == ("Digital Events 1", 12)
    assert event.times.magnitude[0] == pytest.approx(0.216)


def test_events_that_last_are_epochs(changed: Callable) -> None:
    def last(file: Any) -> None:
        file["Data/Recording_0/EventStream/Stream_0/EventEntity_0"][1, :] = 1000

    epoch = read(changed(last)).epochs[0]
    assert float(epoch.durations[0]) == pytest.approx(1e-3)


def test_traces_are_volts_of_the_device(real: Path) -> None:
    segment = read(real, traces=True, channels=["E3"], t_start=1 * pq.s, t_stop=2 * pq.s)
    assert [signal.name for signal in segment.analogsignals] == [
        "Filter (1) Filter Data", "Data Acquisition (1) Electrode Raw Data",
    ]  # fmt: skip
    loaded = segment.analogsignals[1].load()
    with h5py.File(real) as file:
        raw = file["Data/Recording_0/AnalogStream/Stream_1/ChannelData"][2, 450:950]
    np.testing.assert_allclose(loaded.magnitude[:, 0], raw * 381.47)
    assert float(loaded.t_start) == pytest.approx(1.0)


def test_start_and_device_are_known(real: Path) -> None:
    block = McsAdapter().read(real)
    assert str(block.rec_datetime).startswith("2014-07-09 10:17:35")
    assert block.annotations["array_layout"] == "Linear8"


def test_part_is_read(real: Path) -> None:
    segment = read(real, channels=["E2"], t_start=1 * pq.s, t_stop=4 * pq.s)
    assert segment.spiketrains[0].magnitude.tolist() == [3.03, 3.04]
    assert segment.events[0].times.magnitude.tolist() == pytest.approx([1.916, 3.616])


def set_attribute(name: str, value: Any, where: str = "/") -> Callable[[Any], None]:
    return lambda file: file[where].attrs.__setitem__(name, value)


def overwrite(name: str, index: Any, value: Any) -> Callable[[Any], None]:
    return lambda file: file[name].__setitem__(index, value)


def delete(name: str) -> Callable[[Any], None]:
    return lambda file: file.__delitem__(name)


def double_stream(file: Any) -> None:
    file.copy(STAMPS, "Data/Recording_0/TimeStampStream/Stream_1")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (set_attribute("McsHdf5ProtocolVersion", 99), "in version 99"),
        (set_attribute("McsHdf5ProtocolType", b"CMOS_MEA"), "protocol CMOS_MEA"),
        (delete("Data/Recording_0"), "no recording"),
        (delete(f"{STAMPS}/InfoTimeStamp"), "lacks the dataset 'InfoTimeStamp'"),
        (overwrite(f"{STAMPS}/TimeStampEntity_0", (0, 0), -5), "negative times"),
        (overwrite(f"{STAMPS}/TimeStampEntity_0", (0, 25), 10**12), "duration of 19.7 s"),
        (set_attribute("Duration", 0, "Data/Recording_0"), "duration of 0 s"),
    ],
)
def test_contradictions_are_refused(changed: Callable, change: Callable, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        read(changed(change))


def test_times_out_of_order_are_sorted(changed: Callable) -> None:
    path = changed(overwrite(f"{STAMPS}/TimeStampEntity_0", (0, 0), 5_000_000))
    assert np.all(np.diff(read(path).spiketrains[0].magnitude) >= 0)


def test_several_streams_have_to_be_chosen(changed: Callable) -> None:
    path = changed(double_stream)
    with pytest.raises(InputError, match='spikes="TimeStampStream/Stream_0"'):
        read(path)
    assert sum(map(len, read(path, spikes="TimeStampStream/Stream_1").spiketrains)) == 224


def test_recording_without_spikes_is_refused(changed: Callable) -> None:
    def no_spikes(file: Any) -> None:
        del file["Data/Recording_0/TimeStampStream"], file["Data/Recording_0/SegmentStream"]

    with pytest.raises(FileFormatError, match="no stream of spikes"):
        read(changed(no_spikes))
