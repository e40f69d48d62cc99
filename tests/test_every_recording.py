"""What the command line says of every recording, beside what plain code counts in it."""

import csv
import gc
import gzip
import struct
from pathlib import Path

import h5py
import numpy as np
import pytest
import scipy.io

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.conversion import parse_options

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.errors.DataLossWarning"),
]
CELEGANS = "celegans-nwb/ScholzEtAl2018.AML175_moving.BrainScanner20180223_141721.nwb"


def inspect(capsys, path, *options):
    flags = [text for option in options for text in ("--option", option)]
    status = main(["inspect", str(path), *flags])
    said = capsys.readouterr().out
    assert status == 0
    gc.collect()
    return said


@pytest.mark.parametrize("name", ["A8604-211122.nwb", "sub-4_ses-4_ecephys+image.nwb"])
def test_nwb_units(recordings, capsys, name):
    path = recordings / "formats/nwb" / name
    with h5py.File(path) as file:
        n_units, n_spikes = len(file["units/id"]), len(file["units/spike_times"])
    said = inspect(capsys, path)
    assert f"{n_units} units with spike trains" in said
    assert f"Spikes:      {n_spikes}," in said


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("nwb_test.nwb", "processing/ophys/Fluorescence/RoiResponseSeries/data"),
        ("test_RoiResponseSeries.nwb", "acquisition/test_roi_response_series/data"),
    ],
)
def test_nwb_traces(recordings, capsys, name, data):
    path = recordings / "formats/nwb" / name
    with h5py.File(path) as file:
        shape = (*file[data].shape, 1)
    said = inspect(capsys, path)
    assert f"{shape[1]} rois with traces" in said
    assert f"{shape[0]} samples" in said


def test_nwb_with_one_series_per_neuron(recordings, capsys):
    with h5py.File(recordings / CELEGANS) as file:
        series = [name for name in file["acquisition"] if name.startswith("Activity_")]
        n_samples = len(file[f"acquisition/{series[0]}/data"])
    said = inspect(capsys, recordings / CELEGANS)
    assert f"{len(series)} rois with traces 'Activity', {n_samples} samples" in said


def test_nwb_without_nodes(recordings, capsys):
    said = inspect(capsys, recordings / "formats/nwb/test_ElectricalSeries.nwb")
    assert "Nodes:       none" in said
    assert "'test_eS', 2 channels, 10 samples" in said
    said = inspect(capsys, recordings / "formats/nwb/2.1.0_nwbfile_with_extension.nwb")
    assert "Behaviour:   'test_ts'" in said


def spike_files():
    days = [f"hipsc-mea/hiPSN_tc65_d{day}_spikes6sd.h5" for day in (21, 27, 34, 41, 45, 59, 73)]
    return [*days, "retina-mea/Demas2003_6WK_CTRL_ME1.h5",
            "retina-mea/Maccione2014_P11_m1r2_Spkts_bursts_filtered.h5"]  # fmt: skip


@pytest.mark.parametrize("name", spike_files())
def test_arrays_of_the_archive(recordings, capsys, name):
    with h5py.File(recordings / name) as file:
        n_nodes, n_spikes = len(file["names"]), len(file["spikes"])
    said = inspect(capsys, recordings / name)
    assert f"Nodes:       {n_nodes} " in said
    assert f"Spikes:      {n_spikes}," in said
    assert "known, micrometres" in said


def test_suite2p(recordings, capsys):
    folder = recordings / "formats/suite2p/plane0"
    n_cells = int(np.load(folder / "iscell.npy")[:, 0].sum())
    n_samples = np.load(folder / "F.npy", mmap_mode="r").shape[1]
    said = inspect(capsys, folder / "F.npy", "sampling_rate=10Hz")
    assert f"{n_cells} rois with traces 'F', {n_samples} samples" in said


def test_caiman(recordings, capsys):
    path = recordings / "formats/caiman/caiman_analysis.hdf5"
    with h5py.File(path) as file:
        n_rois, n_samples = file["estimates/F_dff"].shape
    assert f"{n_rois} rois with traces 'F_dff', {n_samples} samples" in inspect(capsys, path)


def test_tables_of_calcium(recordings, capsys):
    paths = sorted((recordings / "mouse-dg-calcium").glob("*.csv"))
    assert len(paths) == 4
    for path in paths:
        with path.open() as file:
            rows = list(csv.reader(file))
        said = inspect(capsys, path)
        assert f"Nodes:       {len(rows) - 1} rois" in said
        assert f"{len(rows[0])} samples" in said


def test_neuroexplorer_and_blackrock(recordings, capsys):
    content = (recordings / "formats/neo/nex/CS056P07R-MEME1.nex").read_bytes()
    (n_variables,) = struct.unpack_from("<i", content, 280)
    heads = [544 + 208 * index for index in range(n_variables)]
    neurons = [at for at in heads if struct.unpack_from("<i", content, at)[0] == 0]
    n_spikes = sum(struct.unpack_from("<i", content, at + 76)[0] for at in neurons)
    said = inspect(capsys, recordings / "formats/neo/nex/CS056P07R-MEME1.nex")
    assert f"{len(neurons)} units with spike trains" in said
    assert f"Spikes:      {n_spikes}," in said
    for name in ("FileSpec2.3001.nev", "l101210-001.nev", "l101210-001-02.nev"):
        path = recordings / "formats/neo/blackrock" / name
        content = path.read_bytes()
        header, size = struct.unpack_from("<II", content, 12)
        ids = [struct.unpack_from("<H", content, at + 4)[0]
               for at in range(header, len(content) - size + 1, size)]  # fmt: skip
        n_spikes = sum(0 < identity <= 2048 for identity in ids)
        assert f"Spikes:      {n_spikes}," in inspect(capsys, path)


def test_matlab(recordings, capsys):
    path = recordings / "monkey-m1-reach/chewie_demo.mat"
    counts = scipy.io.loadmat(path)["Ytr"]
    said = inspect(capsys, path, "counts=Ytr", "node_axis=1", "bin_size=50ms")
    assert f"{counts.shape[1]} units" in said
    assert f"Spikes:      {counts.sum()}," in said
    assert "31 units" in inspect(
        capsys, recordings / "rat-linear-track/spikes.mat",
        "spike_times=spikes[0][0][*][*].time",
    )  # fmt: skip
    assert main(["inspect", str(path)]) == 2
    assert "name the activity" in capsys.readouterr().err


def test_axion(recordings, capsys):
    path = recordings / "axion-spikelist/exampleRecording_1012016_plate1_DIV3_spike_list.csv.gz"
    with gzip.open(path, "rt", encoding="latin1") as file:
        rows = [row for row in csv.reader(file) if len(row) > 3 and "_" in row[3]]
    said = inspect(capsys, path)
    assert f"{len({row[3] for row in rows})} channels" in said
    assert f"Spikes:      {len(rows)}," in said


def test_maxwell(recordings, capsys):
    path = recordings / "formats/maxwell/maxone_network.raw.h5"
    with h5py.File(path) as file:
        channels = file["data_store/data0000/settings/mapping"]["channel"]
        n_spikes = int(np.isin(file["data_store/data0000/spikes"]["channel"], channels).sum())
    # Spikes on channels that are not in the map have no place, and are left out with a warning.
    assert f"Spikes:      {n_spikes}," in inspect(capsys, path)


# ---- from file to file -------------------------------------------------------

ANALYSES = {
    "formats/nwb/sub-4_ses-4_ecephys+image.nwb": ("5s", "900s", []),
    "formats/nwb/nwb_test.nwb": ("500ms", "10s", []),
    # The animal was lost for 41 s after this time.
    CELEGANS: ("2s", "50s", ["t_stop=110s"]),
    "formats/suite2p/plane0/F.npy": ("500ms", "80s", ["sampling_rate=10Hz"]),
    "formats/caiman/caiman_analysis.hdf5": ("100ms", "12s", []),
    "mouse-dg-calcium/LC-DG-FC_2-1_D1_smoothed_calcium_traces.csv": ("500ms", "120s", []),
    "formats/neo/nex/CS056P07R-MEME1.nex": ("1s", "300s", []),
    "monkey-m1-reach/chewie_demo.mat": (
        "50ms", "25s", ["counts=Ytr", "node_axis=1", "bin_size=50ms"],
    ),
    "hipsc-mea/hiPSN_tc65_d21_spikes6sd.h5": ("1s", "120s", []),
    "axion-spikelist/exampleRecording_1012016_plate1_DIV3_spike_list.csv.gz": ("500ms", "20s", []),
    "formats/maxwell/maxone_network.raw.h5": ("100ms", "4s", []),
}  # fmt: skip


@pytest.mark.parametrize("name", ANALYSES)
def test_analysis_runs_from_file_to_file(recordings, tmp_path: Path, capsys, name):
    bin_size, window, options = ANALYSES[name]
    flags = [text for option in options for text in ("--option", option)]
    out = tmp_path / "out.nwb"
    status = main(
        ["analyze", str(recordings / name), "--bin-size", bin_size, "--window", window,
         "--step", window, "--training-epochs", "2", "--out", str(out),
         "--session-start", "2024-05-01T10:00", *flags]
    )  # fmt: skip
    assert status == 0, capsys.readouterr().err
    embedding = te.read_results(out)
    n_windows, n_nodes, _ = embedding.mean.shape
    assert n_windows >= 2
    segment = te.read(recordings / name, **parse_options(options)).segments[0]
    assert n_nodes == (len(segment.spiketrains) or segment.analogsignals[0].shape[1]
                       if segment.spiketrains or segment.analogsignals
                       else segment.irregularlysampledsignals[0].shape[1])  # fmt: skip
    assert np.isfinite(embedding.mean).all()
    gc.collect()
