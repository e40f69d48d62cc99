"""Raw voltage without spikes: what the refusal advises leads to results, on every command."""

import datetime
import re
from pathlib import Path
from typing import Any

import numpy as np
import pynwb
import pytest
import quantities as pq
from pynwb.ecephys import ElectricalSeries

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import InputError
from tests.cases.recordings import save

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning"),
]
RATE_HZ = 10_000.0
HOW = ["--bin-size", "50ms", "--window", "1s", "--step", "500ms", "--training-epochs", "1"]


def voltage(n_channels: int = 4, duration_s: float = 4.0) -> Any:
    """Noise of 10 µV with peaks that pairs of channels share."""
    rng = np.random.default_rng(0)
    samples = rng.normal(0, 10, (int(duration_s * RATE_HZ), n_channels))
    for pair in range(0, n_channels, 2):
        peaks = np.arange(500 + 100 * pair, len(samples) - 500, 1700 + 300 * pair)
        samples[peaks, pair : pair + 2] -= 200
    return np.round(samples).astype(np.int16)


def raw_nwb(path: Path, names: tuple[str, ...] = ("wideband",)) -> Path:
    nwbfile = pynwb.NWBFile("voltage", "raw", datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC))
    device = nwbfile.create_device(name="probe")
    group = nwbfile.create_electrode_group(
        name="probe", description="probe", location="CA1", device=device
    )
    for index in range(4):
        nwbfile.add_electrode(id=100 + index, location="CA1", group=group)
    region = nwbfile.create_electrode_table_region([0, 1, 2, 3], "all")
    for name in names:
        nwbfile.add_acquisition(
            ElectricalSeries(
                name=name, data=voltage(), electrodes=region, rate=RATE_HZ, conversion=1e-6
            )
        )
    return save(nwbfile, path)


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    return raw_nwb(tmp_path / "raw.nwb")


def advised(said: str) -> list[str]:
    """What a refusal says to write on the command line."""
    found = re.search(r"--option (\S+) on the command line", said)
    assert found is not None, said
    return ["--option", found[1]]


def test_what_the_refusal_of_analyze_advises_leads_on(raw, tmp_path, capsys):
    out = tmp_path / "out.nwb"
    words = ["analyze", str(raw), *HOW, "--out", str(out)]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "holds raw voltage ('wideband') and neither spike trains nor traces" in said
    assert not out.exists()
    assert main([*words, *advised(said)]) == 0
    capsys.readouterr()
    assert main(["reproduce", str(out)]) == 0
    assert "equal" in capsys.readouterr().out


def test_what_the_refusal_of_convert_advises_leads_on(tmp_path, capsys):
    block = te.read(raw_nwb(tmp_path / "raw.nwb"))
    with pytest.raises(InputError, match="holds raw voltage") as told:
        te.write_nwb(block, tmp_path / "out.nwb")
    words = ["convert", str(tmp_path / "raw.nwb"), "--out", str(tmp_path / "out.nwb")]
    assert main(words) == 2
    assert advised(capsys.readouterr().err) == advised(str(told.value))
    assert main([*words, *advised(str(told.value))]) == 0
    assert len(te.read(tmp_path / "out.nwb").segments[0].spiketrains) == 4


def test_what_the_refusal_of_compare_advises_leads_on(raw, capsys):
    words = ["compare", str(raw), "--bin-size", "50ms", "--window", "500ms"]
    assert main(words) == 2
    assert main([*words, *advised(capsys.readouterr().err)]) == 0


def test_spikes_are_detected_on_reading_as_by_the_function(raw):
    plain = te.read(raw).segments[0]
    for asked, options in ((True, {}), (8, {"threshold": 8})):
        found = te.read(raw, detect=asked).segments[0].spiketrains
        expected = te.detect_spikes(plain, **options)
        assert [train.magnitude.tolist() for train in found] == [
            train.magnitude.tolist() for train in expected
        ]
    assert len(te.read(raw, detect=False).segments[0].spiketrains) == 0


def test_one_of_several_signals_is_chosen_as_advised(tmp_path, capsys):
    path = raw_nwb(tmp_path / "two.nwb", ("one", "two"))
    words = ["analyze", str(path), *HOW, "--out", str(tmp_path / "out.nwb"), "--option", "detect=5"]
    assert main(words) == 2
    said = capsys.readouterr().err
    assert "2" in said
    assert "--option detect_signal=" in said
    assert main([*words, "--option", "detect_signal=two"]) == 0


@pytest.mark.parametrize("detect", [-1, 0, "five", float("nan")])
def test_what_is_no_threshold_is_refused(raw, detect):
    with pytest.raises(InputError, match="detect"):
        te.read(raw, detect=detect)


def test_spikes_that_are_there_are_not_detected_again(tmp_path):
    block = te.block_from_arrays(spike_times=[[0.1, 0.5], [0.3]], t_stop=1 * pq.s)
    block.rec_datetime = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    path = te.write_nwb(block, tmp_path / "spikes.nwb")
    with pytest.raises(InputError, match="holds spike trains already"):
        te.read(path, detect=5)


def test_file_without_nodes_and_voltage_points_to_inspect(tmp_path, capsys):
    nwbfile = pynwb.NWBFile("speed", "speed", datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC))
    nwbfile.add_acquisition(
        pynwb.TimeSeries(name="speed", data=np.zeros(50), unit="cm/s", rate=10.0)
    )
    path = save(nwbfile, tmp_path / "speed.nwb")
    assert main(["analyze", str(path), *HOW, "--out", str(tmp_path / "out.nwb")]) == 2
    assert capsys.readouterr().err.count("\n") == 1
