import csv
import gzip
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import pytest
import quantities as pq

from tavrnn_ephys.adapters.mea import AxionAdapter
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError
from tavrnn_ephys.io.blocks import nodes_of_spiketrains
from tests.adapters.contract import ReaderContract

HEADER = "Investigator,,Time (s),Electrode,Amplitude(mV)\n"
ROWS = (
    "   Sampling Frequency,12500 Hz,0.5,B2_23,0.02\n"
    "   Experiment Start Time,8/17/15 16:11,0.25,A1_11,0.03\n"
    ",,1.5,B2_23,0.04\n"
    "   Plate Type,Maestro 48-Well,,,\n"
    ",,0.75,B10_44,0.05\n"
)
NAME = "plate7_DIV3_spike_list.csv"


def write(folder: Path, content: str = HEADER + ROWS, name: str = NAME) -> Path:
    path = folder / name
    path.write_text(content)
    return path


def read(path: Path, **options: Any) -> Any:
    return AxionAdapter().read(path, **options)


def times(block: Any) -> dict[str, list[float]]:
    return {train.name: train.magnitude.tolist() for train in block.segments[0].spiketrains}


@pytest.fixture
def real(recordings: Path) -> Path:
    return next((recordings / "axion-spikelist").glob("*_spike_list.csv.gz"))


class TestSpikeList(ReaderContract):
    adapter_class = AxionAdapter
    # The published list was cut after 58 s of the 18 minutes that it states.
    options = MappingProxyType({"t_stop": 58 * pq.s})

    @pytest.fixture
    def file(self, real: Path) -> Path:
        return real


def test_electrodes_and_wells(tmp_path: Path) -> None:
    block = read(write(tmp_path))
    assert times(block) == {"A1_11": [0.25], "B2_23": [0.5, 1.5], "B10_44": [0.75]}
    trains = block.segments[0].spiketrains
    assert nodes_of_spiketrains(trains).groups.tolist() == ["A1", "B2", "B10"]
    about = trains[1].annotations
    assert (about["electrode_column"], about["electrode_row"]) == (2, 3)
    assert float(trains[0].sampling_rate) == 12500


def test_settings_and_start_are_kept(tmp_path: Path) -> None:
    block = read(write(tmp_path))
    assert block.annotations["plate_type"] == "Maestro 48-Well"
    assert str(block.rec_datetime) == "2015-08-17 16:11:00"


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("8/17/2015 4:11:09 PM", "2015-08-17 16:11:09"),
        ("8/17/2015 12:11:09 AM", "2015-08-17 00:11:09"),
        ("8/17/2015 12:11 pm", "2015-08-17 12:11:00"),
        ("8/17/2015 4:11:09", "2015-08-17 04:11:09"),
        ("8/17/2015 13:11:09 PM", "None"),
    ],
)
def test_halves_of_the_day_are_told_apart(tmp_path: Path, text: str, start: str) -> None:
    block = read(write(tmp_path, HEADER + ROWS.replace("8/17/15 16:11", text)))
    assert str(block.rec_datetime) == start


def test_pitch_gives_positions_within_the_well(tmp_path: Path) -> None:
    trains = read(write(tmp_path), electrode_pitch=0.35 * pq.mm).segments[0].spiketrains
    positions = nodes_of_spiketrains(trains).positions_um
    assert positions is not None
    assert positions.tolist() == [[0, 0], [350, 700], [1050, 1050]]
    assert nodes_of_spiketrains(read(write(tmp_path)).segments[0].spiketrains).positions_um is None


def test_part_is_read(tmp_path: Path) -> None:
    path = write(tmp_path)
    assert times(read(path, wells=["B2"], t_stop=1 * pq.s)) == {"B2_23": [0.5]}
    block = read(path, channels=["A1_11"], t_stop=60 * pq.s)
    assert float(block.segments[0].spiketrains[0].t_stop) == 60


def test_log_beside_the_list_says_what_each_well_was_given(tmp_path: Path) -> None:
    log = "Project,DIV,Well,Treatment,Dose ,Units\rX,3,B2,drug,1,uM\rX,4,B2,wash,,\rX,3,A1,,,\r"
    (tmp_path / "plate7_expLog.csv").write_text(log)
    trains = read(write(tmp_path)).segments[0].spiketrains
    assert trains[1].annotations["treatment"] == "drug"
    assert (trains[1].annotations["dose"], trains[1].annotations["dose_units"]) == ("1", "uM")
    assert "treatment" not in trains[0].annotations


def test_log_of_another_plate_is_not_taken(tmp_path: Path) -> None:
    (tmp_path / "plate8_expLog.csv").write_text("Well,Treatment\nB2,drug\n")
    trains = read(write(tmp_path)).segments[0].spiketrains
    assert "treatment" not in trains[1].annotations
    trains = read(write(tmp_path), log=tmp_path / "plate8_expLog.csv").segments[0].spiketrains
    assert trains[1].annotations["treatment"] == "drug"


@pytest.mark.parametrize(
    ("log", "message"),
    [
        ("Plate,Treatment\n1,drug\n", "no column 'Well'"),
        ("Well,Treatment\nB2,drug\nB2,wash\n", "'B2' twice"),
        ("", "no column 'Well'"),
    ],
)
def test_damaged_log_is_refused(tmp_path: Path, log: str, message: str) -> None:
    (tmp_path / "plate7_expLog.csv").write_text(log)
    with pytest.raises(FileFormatError, match=message):
        read(write(tmp_path))


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        (",,0.5,B2_23\n", "Line 2 of .* is no spike"),
        (",,0.5\n", "Line 2 .* cut short"),
        (",,0.5,B2_23,\n", "Line 2"),
        (",,-0.5,B2_23,0.1\n", "at least 0 s"),
        (",,nan,B2_23,0.1\n", "Line 2"),
        (",,inf,B2_23,0.1\n", "Line 2"),
        (",,0.5,B2-23,0.1\n", "electrode such as A1_23"),
        (",,x,B2_23,0.1\n", "Line 2"),
        ("", "holds no spikes"),
        ("a,b,,,\n", "holds no spikes"),
    ],
)
def test_lines_that_are_no_spikes_are_refused(tmp_path: Path, rows: str, message: str) -> None:
    with pytest.raises(FileFormatError, match=message):
        read(write(tmp_path, HEADER + rows))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"wells": ["C3"]}, "no well with spikes 'C3'"),
        ({"channels": ["A1_12"]}, "no electrode with spikes 'A1_12'"),
        ({"electrode_pitch": 3}, "must be a length"),
        ({"t_start": -1 * pq.s}, "t_start must lie"),
        ({"t_start": 5 * pq.s}, "t_start must lie"),
        ({"log": "absent.csv"}, "no experiment log"),
    ],
)
def test_options_that_do_not_fit_are_refused(tmp_path: Path, options: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        read(write(tmp_path), **options)


def test_counts_are_those_of_the_file(real: Path) -> None:
    with pytest.warns(DataLossWarning, match="lasts to 1082 s, and its last spike lies at 57.67"):
        trains = read(real).segments[0].spiketrains
    assert float(trains[0].t_stop) == 1082
    with gzip.open(real, "rt", newline="") as stream:
        rows = [row for row in csv.reader(stream)][1:]
    counts: dict[str, int] = {}
    for row in rows:
        counts[row[3]] = counts.get(row[3], 0) + 1
    assert (len(trains), sum(map(len, trains))) == (269, 100957)
    assert {train.name: len(train) for train in trains} == counts
    b2 = next(train for train in trains if train.name.startswith("B2_"))
    assert b2.annotations["treatment"] == "treatX"
    assert np.all(np.diff(b2.magnitude) >= 0)
