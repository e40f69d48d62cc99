"""What the command line says of every recording, beside what plain code counts in it."""

import csv
import datetime
import gc
import gzip
import json
import struct
from collections import Counter
from pathlib import Path

import h5py
import numpy as np
import pytest
import quantities as pq
import scipy.io
import scipy.sparse

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.adapter_options import parse_options
from tests.adapters.made_files import made_or_real, write_cl1_array, write_game

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning"),
]
BIOCAM = (
    "formats/3brain/biocam_hw3.0_fw1.6.brw",
    "formats/3brain/biocam_hw3.0_fw1.7.0.12_raw.brw",
)
MCS = "formats/mcs/2014-07-09T10-17-35W8 Standard all 500 Hz.h5"
MONKEY = ("counts=Ytr", "node_axis=1", "bin_size=50ms", "behavior=Xtr")
MINISCOPE = "mouse-ca1-miniscope/C11_M1/Environment A/finalEventsMat_1.mat"
# The second trial, with the position of the mouse from the file beside it.
TRIAL = ("traces=allEventsMat", "node_axis=1", "sampling_rate=20Hz", "samples=3617,7229",
         "behavior=behavior_1.mat:my_mvmt[1].position")  # fmt: skip
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
    said = inspect(capsys, path, "quality=all")
    assert f"{shape[1]} ROIs with traces" in said
    assert f"{shape[0]} samples" in said


def test_nwb_with_one_series_per_neuron(recordings, capsys):
    with h5py.File(recordings / CELEGANS) as file:
        series = [name for name in file["acquisition"] if name.startswith("Activity_")]
        n_samples = len(file[f"acquisition/{series[0]}/data"])
    said = inspect(capsys, recordings / CELEGANS)
    assert f"{len(series)} ROIs with traces 'Activity', {n_samples} samples" in said


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
    assert f"{n_cells} ROIs with traces 'F', {n_samples} samples" in said


def test_caiman(recordings, capsys):
    path = recordings / "formats/caiman/caiman_analysis.hdf5"
    with h5py.File(path) as file:
        n_rois, n_samples = file["estimates/F_dff"].shape
    assert f"{n_rois} ROIs with traces 'F_dff', {n_samples} samples" in inspect(capsys, path)


def test_tables_of_calcium(recordings, capsys):
    paths = sorted((recordings / "mouse-dg-calcium").glob("*.csv"))
    assert len(paths) == 4
    for path in paths:
        with path.open() as file:
            rows = list(csv.reader(file))
        said = inspect(capsys, path)
        assert f"Nodes:       {len(rows) - 1} ROIs" in said
        assert f"{len(rows[0])} samples" in said


@pytest.mark.parametrize("name", ["CS056P07R-MEME1.nex", "File_neuroexplorer_1.nex"])
def test_neuroexplorer(recordings, capsys, name):
    path = recordings / "formats/neo/nex" / name
    content = path.read_bytes()
    (n_variables,) = struct.unpack_from("<i", content, 280)
    heads = [544 + 208 * index for index in range(n_variables)]
    kinds = [struct.unpack_from("<i", content, at)[0] for at in heads]
    neurons = [at for at, kind in zip(heads, kinds, strict=True) if kind == 0]
    n_spikes = sum(struct.unpack_from("<i", content, at + 76)[0] for at in neurons)
    said = inspect(capsys, path)
    assert f"{len(neurons)} units with spike trains" in said
    assert f"Spikes:      {n_spikes}," in said
    assert said.count("Raw voltage:") == kinds.count(5)


@pytest.mark.parametrize("name", ["FileSpec2.3001", "l101210-001", "l101210-001-02"])
def test_blackrock_spikes(recordings, capsys, name):
    path = recordings / f"formats/neo/blackrock/{name}.nev"
    content = path.read_bytes()
    header, size = struct.unpack_from("<II", content, 12)
    ids = [struct.unpack_from("<H", content, at + 4)[0]
           for at in range(header, len(content) - size + 1, size)]  # fmt: skip
    n_spikes = sum(0 < identity <= 2048 for identity in ids)
    assert f"Spikes:      {n_spikes}," in inspect(capsys, path)


def test_blackrock_signals(recordings, capsys):
    path = recordings / "formats/neo/blackrock/l101210-001.ns2"
    content = path.read_bytes()
    (n_channels,) = struct.unpack_from("<I", content, 28)
    # Neo leaves out the last sample of files of this version.
    n_samples = (len(content) - 32 - 4 * n_channels) // (2 * n_channels) - 1
    assert f"{n_channels} channels, {n_samples} samples" in inspect(capsys, path)


def test_matlab_counts_of_a_monkey(recordings, capsys):
    path = recordings / "monkey-m1-reach/chewie_demo.mat"
    counts = scipy.io.loadmat(path)["Ytr"]
    said = inspect(capsys, path, *MONKEY)
    assert f"Nodes:       {counts.shape[1]} units" in said
    assert f"Spikes:      {counts.sum()}," in said
    assert f"Duration:    {0.05 * len(counts):g} s" in said
    assert "'Xtr_0', 'Xtr_1'" in said
    assert main(["inspect", str(path)]) == 2
    assert "name the activity" in capsys.readouterr().err


def test_matlab_structures_of_a_rat(recordings, capsys):
    path = recordings / "rat-linear-track/spikes.mat"

    def sizes_in(value):
        if value.dtype.names:
            return [unit["time"].size for unit in value.ravel() if unit["time"].size]
        inner = value.ravel() if value.dtype == object else []
        return [size for item in inner for size in sizes_in(item)]

    sizes = sizes_in(scipy.io.loadmat(path)["spikes"])
    said = inspect(capsys, path, "spike_times=spikes[0][0][*][*].time")
    assert f"Nodes:       {len(sizes)} units" in said
    assert f"Spikes:      {sum(sizes)}," in said


def test_matlab_events_of_a_miniscope(recordings, capsys):
    path = recordings / MINISCOPE
    frames, cells = scipy.io.loadmat(path)["allEventsMat"].shape
    with path.with_name("frameLog_1.csv").open() as file:
        (trial,) = [row for row in csv.DictReader(file) if row["trial"] == "2"]
    n_frames = int(trial["endFrame"]) - int(trial["begFrame"]) + 1
    shape = ["traces=allEventsMat", "node_axis=1", "sampling_rate=20Hz"]
    assert f"{cells} ROIs with traces 'traces', {frames} samples" in inspect(capsys, path, *shape)
    said = inspect(capsys, path, *TRIAL)
    assert f"{cells} ROIs with traces 'traces', {n_frames} samples" in said
    assert "Behaviour:   'position'" in said


def test_counts_in_numpy_arrays(recordings, tmp_path, capsys):
    data = np.load(recordings / "rat-hippocampus-hc11/achilles.npz")
    block = te.block_from_arrays(
        counts=data["x"].T.astype(int), bin_size=25 * pq.ms, behavior={"position": data["b"][:, 0]}
    )
    block.rec_datetime = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    n_bins, n_units = data["x"].shape
    said = inspect(capsys, te.write_nwb(block, tmp_path / "achilles.nwb"))
    assert f"Nodes:       {n_units} units" in said
    assert f"Spikes:      {int(data['x'].sum())}," in said
    assert f"Duration:    {n_bins * 0.025:.6g} s" in said
    assert "Behaviour:   'position'" in said


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


def test_maxwell_of_several_wells(recordings, capsys):
    path = recordings / "formats/maxwell/maxtwo_activity_scan.raw.h5"
    said = inspect(capsys, path)
    with h5py.File(path) as file:
        for index, recording in enumerate(file["recordings"].values()):
            n_channels = n_spikes = 0
            for well in recording.values():
                channels = well["settings/mapping"]["channel"]
                n_channels += len(channels)
                n_spikes += int(np.isin(well["spikes"]["channel"], channels).sum())
            part = said.split(f"Segment {index}:")[1]
            assert f"Nodes:       {n_channels} channels" in part
            assert f"Spikes:      {n_spikes}," in part
            assert all(f"{well} (16)" in part for well in recording)


def test_mcs(recordings, capsys):
    path = recordings / MCS
    with h5py.File(path) as file:
        recording = file["Data/Recording_0"]
        stamps = recording["TimeStampStream/Stream_0"]
        sizes = [stamps[name].size for name in stamps if name.startswith("TimeStampEntity")]
        n_events = recording["EventStream/Stream_0/EventEntity_0"].shape[1]
        duration_s = recording.attrs["Duration"] * 1e-6
    said = inspect(capsys, path)
    assert f"Nodes:       {len(sizes)} channels" in said
    assert f"Spikes:      {sum(sizes)}," in said
    assert f"Duration:    {duration_s:.6g} s" in said
    assert f"Events:      'Digital Events 1', {n_events}" in said


@pytest.mark.parametrize(
    ("name", "raw", "listed"),
    [
        (BIOCAM[0], "3BData/Raw", "3BRecInfo/3BMeaStreams/Raw/Chs"),
        (BIOCAM[1], "Well_A1/Raw", "Well_A1/StoredChIdxs"),
    ],
)
def test_biocam(recordings, capsys, name, raw, listed):
    with h5py.File(recordings / name) as file:
        n_channels = len(file[listed])
        n_samples = file[raw].size // n_channels
    said = inspect(capsys, recordings / name)
    assert f"Raw voltage: 'traces', {n_channels} channels, {n_samples} samples" in said
    assert f"Nodes:       {n_channels} channels with spike trains" in said
    # The adapter detects the spikes itself.
    segment = te.read(recordings / name, detect=False).segments[0]
    n_spikes = sum(map(len, te.detect_spikes(segment)))
    assert f"Spikes:      {n_spikes}," in said


def test_cl1(tmp_path, capsys):
    path = write_cl1_array(tmp_path / "made.h5")
    with h5py.File(path) as file:
        n_spikes, n_stims = len(file["spikes"]), len(file["stims"])
        n_channels = int(file.attrs["channel_count"])
    said = inspect(capsys, path)
    assert f"Nodes:       {n_channels} channels" in said
    assert f"Spikes:      {n_spikes}," in said
    assert f"Events:      'stims', {n_stims}" in said


def test_dishbrain(recordings, tmp_path, capsys):
    path = write_game(tmp_path, recordings / "dishbrain-layout")
    words = scipy.sparse.load_npz(path)
    channels = np.load(path.with_name(path.name.replace("_spikewords.npz", "_channel_nums.npy")))
    with (recordings / "dishbrain-layout/channel_subregions.csv").open() as file:
        regions = {int(row["channel"]): row["subregion"] for row in csv.DictReader(file)}
    said = inspect(capsys, path)
    assert f"Nodes:       {words.shape[0]} channels" in said
    assert f"Spikes:      {words.sum()}," in said
    for region, count in Counter(regions[channel] for channel in channels).items():
        assert f"{region} ({count})" in said


@pytest.mark.parametrize("name", ["", "spikes.bin", "events.txt", "gen3b.cfg"])
def test_dishbrain_session(recordings, capsys, name):
    folder = recordings / "dishbrain-spikestream"
    kind = np.dtype([("frame", "<u8"), ("channel", "<u4"), ("amplitude", "<f4")])
    table = np.fromfile(folder / "spikes.bin", dtype=kind)
    entries = (folder / "gen3b.cfg").read_text().split("\n")[0].strip(";").split(";")
    placed = {int(entry.split("(")[0]) for entry in entries}
    texts = [line.split(": ", 1)[1] for line in (folder / "events.txt").read_text().splitlines()]
    counts = Counter(texts)
    n_layouts = sum(text.startswith("motor layout") for text in texts)
    n_events = sum(counts[f"ball {what}"] for what in ("return", "missed", "bounce")) + 1
    said = inspect(capsys, folder / name, f"layout={recordings / 'dishbrain-layout'}")
    assert f"Nodes:       {len(placed | set(table['channel'].tolist()))} channels" in said
    assert f"Spikes:      {len(table)}," in said
    assert f"'motor_layout', {n_layouts} intervals" in said
    assert f"'episodes', {counts['ball missed']} intervals" in said
    assert f"Events:      'game', {n_events}" in said
    assert "sensory (" in said


@pytest.mark.parametrize("name", ["monolayer_1.json", "monolayer_3.json", "organoid_2.json"])
def test_spike_table(recordings, capsys, name):
    path = recordings / "cl1-spikes" / name
    spikes = np.array(json.loads(path.read_text())["spikes"])
    said = inspect(capsys, path, "grid=8x8", "electrode_pitch=200um")
    assert "Nodes:       64 channels" in said
    assert f"Spikes:      {len(spikes)}," in said
    assert f", {64 - len(np.unique(spikes[:, 1]))} silent" in said
    assert "known, micrometres" in said


def test_no_file_of_the_folder_is_forgotten(recordings):
    """Every file is a recording that a test here names, or lies beside one."""
    beside = {"PROVENANCE.txt", "README.md", "LICENSE", "LICENSE.txt", "F.npy", "Fneu.npy",
              "spks.npy", "iscell.npy", "stat.npy", "behavior_1.mat", "cell_registration.mat",
              "frameLog_1.csv", "trajectory.videoPositionTracking", "channel_locs.csv",
              "channel_subregions.csv"}  # fmt: skip
    source = Path(__file__).read_text()
    days = {Path(name).name for name in spike_files()}
    files = {path.name for path in recordings.rglob("*") if path.is_file()} - beside - days
    unnamed = {name for name in files if name not in source and name.split(".nev")[0] not in source}
    assert {
        name for name in unnamed if not name.startswith("LC-DG-FC") and "expLog" not in name
    } == set()


# ---- from file to file -------------------------------------------------------

ANALYSES = {
    "formats/nwb/sub-4_ses-4_ecephys+image.nwb": ("5s", "900s", []),
    "formats/nwb/nwb_test.nwb": ("500ms", "10s", ["quality=all"]),
    # The animal was lost for 41 s after this time.
    CELEGANS: ("2s", "50s", ["t_stop=110s"]),
    "formats/suite2p/plane0/F.npy": ("500ms", "80s", ["sampling_rate=10Hz"]),
    "formats/caiman/caiman_analysis.hdf5": ("100ms", "12s", []),
    "mouse-dg-calcium/LC-DG-FC_2-1_D1_smoothed_calcium_traces.csv": ("500ms", "120s", []),
    "formats/neo/nex/CS056P07R-MEME1.nex": ("1s", "300s", []),
    "monkey-m1-reach/chewie_demo.mat": ("50ms", "25s", list(MONKEY)),
    "hipsc-mea/hiPSN_tc65_d21_spikes6sd.h5": ("1s", "120s", []),
    "axion-spikelist/exampleRecording_1012016_plate1_DIV3_spike_list.csv.gz": (
        "500ms", "20s", ["t_stop=58s"],
    ),
    "formats/maxwell/maxone_network.raw.h5": ("100ms", "4s", []),
    "cl1": ("100ms", "10s", []),
    "dishbrain": ("50ms", "10s", []),
    "dishbrain-spikestream": ("50ms", "300s", ["unplaced=drop", "t_stop=600s"]),
    "cl1-spikes/monolayer_1.json": ("50ms", "100s", []),
    "cl1-spikes/monolayer_3.json": ("50ms", "100s", []),
    "cl1-spikes/organoid_2.json": ("50ms", "100s", []),
}  # fmt: skip


@pytest.mark.parametrize("name", ANALYSES)
def test_analysis_runs_from_file_to_file(recordings, tmp_path: Path, capsys, name):
    bin_size, window, options = ANALYSES[name]
    flags = [text for option in options for text in ("--option", option)]
    source = made_or_real(name, recordings, tmp_path)
    out = tmp_path / "out.nwb"
    if source.suffix != ".nwb":
        flags += ["--session-start", "2024-05-01T10:00"]
    status = main(
        ["analyze", str(source), "--bin-size", bin_size, "--window", window,
         "--step", window, "--training-epochs", "2", "--out", str(out), *flags]
    )  # fmt: skip
    assert status == 0, capsys.readouterr().err
    embedding = te.read_results(out)
    n_windows, n_nodes, _ = embedding.mean.shape
    assert n_windows >= 2
    segment = te.read(source, **parse_options(options)).segments[0]
    assert n_nodes == (len(segment.spiketrains) or segment.analogsignals[0].shape[1]
                       if segment.spiketrains or segment.analogsignals
                       else segment.irregularlysampledsignals[0].shape[1])  # fmt: skip
    assert np.isfinite(embedding.mean).all()
    gc.collect()


def test_a_second_of_single_spikes_is_refused_with_the_reason(recordings, tmp_path, capsys):
    command = ["analyze", str(recordings / BIOCAM[0]), "--bin-size", "1ms", "--window", "500ms"]
    out = tmp_path / "out.nwb"
    command += ["--step", "500ms", "--session-start", "2024-05-01", "--out", str(out)]
    assert main(command) == 2
    assert "No two channels fire 2 spikes in the same window" in capsys.readouterr().err
    assert not out.exists()


def analyze_wells(recordings, out, *extra):
    source = recordings / "formats/maxwell/maxtwo_activity_scan.raw.h5"
    return main(
        ["analyze", str(source), "--bin-size", "50ms", "--window", "500ms", "--step", "500ms",
         "--training-epochs", "1", "--out", str(out), *extra]
    )  # fmt: skip


def test_segment_is_chosen_for_analysis(recordings, tmp_path, capsys):
    out = tmp_path / "out.nwb"
    assert analyze_wells(recordings, out, "--segment", "0") == 0
    assert "is analysed" not in capsys.readouterr().err
    assert te.read_results(out).config["analysis.segment_index"] == 0
    # The second recording holds 11 spikes, too few for any pair; the first 179.
    assert sum(map(len, te.read(out).segments[0].spiketrains)) == 179
    assert analyze_wells(recordings, tmp_path / "second.nwb", "--segment", "1") == 2
    assert "No two channels fire 2 spikes in the same window" in capsys.readouterr().err
    assert analyze_wells(recordings, tmp_path / "none.nwb", "--segment", "9") == 2
    assert "--segment 9 does not exist" in capsys.readouterr().err


def test_first_segment_is_analysed_with_a_word(recordings, tmp_path, capsys):
    out = tmp_path / "out.nwb"
    assert analyze_wells(recordings, out) == 0
    said = capsys.readouterr().err
    assert "has 2 segments; only the first" in said
    assert "--segment" in said
    assert te.read_results(out).config["analysis.segment_index"] == 0
    assert sum(map(len, te.read(out).segments[0].spiketrains)) == 179
