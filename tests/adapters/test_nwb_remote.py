"""NWB files that a server holds: equal to the file itself, few bytes, each fault one sentence."""

import datetime
import io

import h5py
import numpy as np
import pynwb
import pytest
import quantities as pq
import remfile.RemFile

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.addresses import Address, is_address, place_of
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.io import servers
from tests.servers import serving

N_UNITS = 20


@pytest.fixture(scope="module")
def recording(tmp_path_factory):
    """An NWB file of 26 MB, nearly all of it raw voltage, with units beside."""
    path = tmp_path_factory.mktemp("server") / "rat 1.nwb"
    rng = np.random.default_rng(0)
    start = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    nwbfile = pynwb.NWBFile(session_description="x", identifier="x", session_start_time=start)
    group = nwbfile.create_electrode_group(
        "shank", description="x", location="CA1", device=nwbfile.create_device("probe")
    )
    for _ in range(4):
        nwbfile.add_electrode(location="CA1", group=group)
    nwbfile.add_acquisition(
        pynwb.ecephys.ElectricalSeries(
            name="raw",
            data=rng.integers(-500, 500, (3_250_000, 4), dtype=np.int16),
            electrodes=nwbfile.create_electrode_table_region([0, 1, 2, 3], "all"),
            rate=30_000.0,
            conversion=1e-6,
        )
    )
    for _ in range(N_UNITS):
        nwbfile.add_unit(spike_times=np.sort(rng.uniform(0, 100, 200)))
    with pynwb.NWBHDF5IO(str(path), "w") as io:
        io.write(nwbfile)
    return path


@pytest.fixture
def quick(monkeypatch):
    """Tries again without waiting."""
    monkeypatch.setattr(servers, "_PAUSE_S", 0)
    monkeypatch.setattr(remfile.RemFile.time, "sleep", lambda _: None)


def test_units_equal_those_of_the_file_and_cost_few_requests(recording):
    here = te.read(recording).segments[0].spiketrains
    with serving(recording) as (address, served):
        there = te.read(address).segments[0].spiketrains
    assert len(there) == N_UNITS
    for one, other in zip(here, there, strict=True):
        np.testing.assert_array_equal(one.magnitude, other.magnitude)
    assert served.n_requests <= 12
    assert served.n_bytes <= 0.02 * len(served.content)


def _part(signal):
    """Give half a second in the middle of one channel of a signal that is read when asked for."""
    part = signal.load(time_slice=(50 * pq.s, 50.5 * pq.s), channel_indexes=[1])
    assert part.shape == (15_000, 1)
    return np.asarray(part)


def test_raw_voltage_is_read_in_parts(recording):
    here = te.read(recording).segments[0].analogsignals[0]
    with serving(recording) as (address, served):
        there = te.read(address).segments[0].analogsignals[0]
        np.testing.assert_array_equal(_part(there), _part(here))
        assert served.n_bytes <= 0.2 * len(served.content)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        (403, "refuses it (403)"),
        (404, "has no such file (404)"),
        (418, "answers 418"),
        ("no parts", "does not serve parts of a file. Download it first"),
        ("cut", "breaks off again and again"),
        ("changes", "the file has changed meanwhile. Read it again."),
        ("down", "does not answer (it answers 503)"),
    ],
)
def test_each_fault_of_a_server_is_told(recording, quick, fault, said):
    with serving(recording) as (address, served):
        served.fault = fault
        with pytest.raises(FileFormatError) as caught:
            te.read(address)
    assert said in str(caught.value)
    assert "rat 1.nwb" in str(caught.value)


def test_a_server_that_is_busy_now_and_then_is_asked_again(recording, quick):
    with serving(recording) as (address, served):
        served.fault = "busy"
        assert len(te.read(address).segments[0].spiketrains) == N_UNITS


def test_a_server_that_is_not_there_is_told(quick):
    with pytest.raises(FileFormatError, match="does not answer"):
        te.read("http://127.0.0.1:9/a.nwb")


def test_what_is_no_nwb_file_is_refused(tmp_path, quick):
    text = tmp_path / "a.nwb"
    text.write_text("no file of HDF5")
    with serving(text) as (address, _), pytest.raises(FileFormatError, match="not HDF5"):
        te.read(address)
    with h5py.File(tmp_path / "b.nwb", "w") as file:
        file["x"] = 1
    with serving(tmp_path / "b.nwb") as (address, _), pytest.raises(FileFormatError) as caught:
        te.read(address)
    assert "HDF5 file but not NWB" in str(caught.value)


def test_an_open_file_is_read_as_its_path_is_and_stays_open(recording):
    here = te.read(recording).segments[0]
    with recording.open("rb") as stream:
        there = te.read(stream).segments[0]
        for one, other in zip(here.spiketrains, there.spiketrains, strict=True):
            np.testing.assert_array_equal(one.magnitude, other.magnitude)
        np.testing.assert_array_equal(_part(there.analogsignals[0]), _part(here.analogsignals[0]))
        assert not stream.closed
        assert there.file_origin == "rat 1.nwb"


@pytest.mark.parametrize(
    ("stream", "said"),
    [
        (io.BytesIO(b"no file of HDF5"), "'file object' is no NWB file"),
        (io.BytesIO(b"\x89HDF\r\n\x1a\n\0"), "damaged or not complete"),
        (io.StringIO("text"), "binary file object that can seek"),
    ],
)
def test_an_open_file_that_is_no_recording_is_told(stream, said):
    with pytest.raises((FileFormatError, InputError), match=said):
        te.read(stream)


def test_other_adapters_want_a_copy(recording):
    with pytest.raises(InputError, match="Download the file first"):
        te.read("https://host/a.csv", adapter="calcium_csv")


def test_an_address_that_became_a_path_is_an_address_again():
    assert is_address("https:/host/a.nwb")
    assert place_of("HTTPS:/host/a%20b.nwb?x=1") == Address("https://host/a%20b.nwb?x=1")
    assert place_of("https://host/a%20b.nwb?x=1").name == "a b.nwb"
    assert not is_address("folder/https.nwb")


def test_the_command_line_inspects_and_analyses_an_address(recording, tmp_path, capsys):
    out = tmp_path / "result.nwb"
    with serving(recording) as (address, _):
        assert main(["inspect", address]) == 0
        assert f"{N_UNITS} units with spike trains" in capsys.readouterr().out
        command = ["--bin-size", "500ms", "--window", "20s", "--step", "10s", "--training-epochs"]
        assert main(["analyze", address, *command, "1", "--out", str(out)]) == 0
        assert main(["analyze", address, *command, "1", "--in-place"]) == 2
        assert "lies at an address" in capsys.readouterr().err
    assert te.read_results(out).n_nodes == N_UNITS
    assert len(te.read(out).segments[0].spiketrains) == N_UNITS
