"""Files of vendors and sorters as their programs, and spreadsheets, leave them."""

import datetime
import json
import pathlib
import pickle
import struct
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import (
    DataLossWarning,
    FileFormatError,
    InputError,
    TavrnnEphysError,
)
from tavrnn_ephys.io.blocks import node_signals, nodes_of_signal, nodes_of_spiketrains
from tests.adapters.made_files import mapping, spikes, well_of_maxwell, write_maxwell

# Axion


def axion_rows(separator: str = ",", amplitude: str = "0.04") -> str:
    """A list over 90 of 100 s that AxIS Navigator states."""
    settings = [
        ("Investigator", ""),
        ("   Sampling Frequency", "12500 Hz"),
        ("Requested File Section", "0s to 1h0m0s"),
        ("Actual File Section Run", "0s to 1m40s"),
    ]
    lines = [["Investigator", "", "Time (s)", "Electrode", "Amplitude(mV)"]]
    for index in range(9):
        about = settings[index] if index < len(settings) else ("", "")
        lines.append([*about, f"{10.0 * (index + 1):.5f}", f"A{index % 2 + 1}_11", amplitude])
    if separator != ",":
        lines = [[cell.replace(".", ",") for cell in line] for line in lines]
    return "".join(separator.join(line) + "\n" for line in lines)


WELLS = (
    "\nWell Information\nWell,A1,A2,B1\nActive,True,True,True\nColor,#FF0000,#FF0000,#FF0000\n"
    "Treatment,DMSO,Bicuculline,\nConcentration,0.1,10,\nConcentration Units,%,uM,\n"
    "Additional Information,,,\n"
)


def write_axion(folder: Path, text: str, encoding: str = "utf-8") -> Path:
    path = folder / "plate_spike_list.csv"
    path.write_text(text, encoding=encoding)
    return path


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (axion_rows(), "utf-8"),
        (axion_rows(), "utf-8-sig"),
        (axion_rows(";"), "utf-8"),
        (axion_rows("\t"), "utf-8"),
        (axion_rows(amplitude=""), "utf-8"),
        (axion_rows() + WELLS, "utf-8"),
    ],
    ids=["plain", "bom", "semicolon", "tabulator", "no amplitude", "wells"],
)
def test_axion_list_is_read_as_programs_leave_it(tmp_path: Path, text: str, encoding: str) -> None:
    found = te.read(write_axion(tmp_path, text, encoding)).segments[0].spiketrains
    assert {train.name: train.magnitude.tolist() for train in found} == {
        "A1_11": [10.0, 30.0, 50.0, 70.0, 90.0], "A2_11": [20.0, 40.0, 60.0, 80.0],
    }  # fmt: skip


def test_axion_recording_lasts_as_long_as_the_list_states(tmp_path: Path) -> None:
    train = te.read(write_axion(tmp_path, axion_rows())).segments[0].spiketrains[0]
    assert (float(train.t_start), float(train.t_stop)) == (0.0, 100.0)


def test_axion_list_that_ends_long_before_its_section_draws_a_word(tmp_path: Path) -> None:
    path = write_axion(tmp_path, axion_rows().replace("0s to 1m40s", "0s to 5m0s"))
    with pytest.warns(DataLossWarning) as caught:
        train = te.read(path).segments[0].spiketrains[0]
    assert float(train.t_stop) == 300.0
    assert [str(item.message) for item in caught] == [
        "'plate_spike_list.csv' states that it lasts to 300 s, and its last spike lies at 90 s: "
        "the time between counts as silence of the whole plate. If the list was cut, say where: "
        "t_stop=90 * quantities.s, on the command line --option t_stop=90s."
    ]
    # The advice leads on, without a further word.
    assert float(te.read(path, t_stop=90 * pq.s).segments[0].spiketrains[0].t_stop) == 90.0


def test_axion_wells_know_their_treatment_from_the_closing_block(tmp_path: Path) -> None:
    found = te.read(write_axion(tmp_path, axion_rows() + WELLS)).segments[0].spiketrains
    about = found[1].annotations
    assert (about["treatment"], about["dose"], about["dose_units"]) == ("Bicuculline", "10", "uM")


def test_axion_list_cut_inside_a_line_is_still_refused(tmp_path: Path) -> None:
    with pytest.raises(FileFormatError, match="Line 10 .* amplitude is missing"):
        te.read(write_axion(tmp_path, axion_rows()[: -len("0.04\n")]))


# Phy


def write_phy(folder: Path, *, column: bool = True, group: dict[int, str] | None = None) -> Path:
    """A folder of Kilosort; up to version 3 MATLAB wrote columns of unsigned integers."""
    folder.mkdir()
    samples = np.array([100, 200, 300, 500, 900], dtype=np.uint64)
    clusters = np.array([0, 1, 2, 0, 3], dtype=np.int32)
    np.save(folder / "spike_times.npy", samples[:, np.newaxis] if column else samples)
    np.save(folder / "spike_templates.npy", clusters[:, np.newaxis] if column else clusters)
    np.save(folder / "spike_clusters.npy", clusters)
    templates = np.zeros((4, 6, 3), dtype=np.float32)
    templates[np.arange(4), 3, [0, 1, 2, 0]] = -5.0
    np.save(folder / "templates.npy", templates)
    np.save(folder / "channel_positions.npy", np.array([[0.0, 0.0], [0.0, 20.0], [0.0, 40.0]]))
    (folder / "params.py").write_text(
        "dat_path = r'C:\\my data\\recording.bin'\nn_channels_dat = 385\nsample_rate = 1000.\n"
        "hp_filtered = False\n"
    )
    (folder / "cluster_info.tsv").write_text("")
    if group is not None:
        rows = "".join(f"{cluster}\t{label}\n" for cluster, label in group.items())
        (folder / "cluster_group.tsv").write_text(f"cluster_id\tgroup\n{rows}")
    (folder / "cluster_KSLabel.tsv").write_text(
        "cluster_id\tKSLabel\n0\tgood\n1\tmua\n2\tgood\n3\tgood\n"
    )
    return folder


@pytest.mark.parametrize("column", [True, False])
@pytest.mark.parametrize("entry", ["", "params.py"])
def test_phy_folder_is_read_whether_times_stand_in_a_row_or_a_column(
    tmp_path: Path, column: bool, entry: str
) -> None:
    folder = write_phy(tmp_path / "phy", column=column)
    found = te.read(folder / entry, quality="all").segments[0].spiketrains
    assert {train.name: train.magnitude.tolist() for train in found} == {
        "unit 0": [0.1, 0.5], "unit 1": [0.2], "unit 2": [0.3], "unit 3": [0.9],
    }  # fmt: skip


def test_units_that_the_curator_or_the_sorter_rejects_are_left_out(tmp_path: Path) -> None:
    folder = write_phy(tmp_path / "phy", group={0: "good", 2: "noise"})
    with pytest.warns(DataLossWarning) as caught:
        found = te.read(folder).segments[0].spiketrains
    assert [train.name for train in found] == ["unit 0", "unit 3"]
    assert [str(item.message) for item in caught] == [
        "2 of 4 units of 'phy' were not accepted by Phy or Kilosort (1 mua, 1 noise) and are left "
        "out; quality='all' keeps them, on the command line --option quality=all."
    ]
    with pytest.warns(DataLossWarning, match="1 of 4 units .* \\(1 noise\\)"):
        assert len(te.read(folder, quality=["good", "mua"]).segments[0].spiketrains) == 3


def test_phy_units_lie_where_their_template_is_largest(tmp_path: Path) -> None:
    found = te.read(write_phy(tmp_path / "phy"), quality="all").segments[0].spiketrains
    positions = nodes_of_spiketrains(found).positions_um
    assert positions is not None
    assert positions.tolist() == [[0, 0], [0, 20], [0, 40], [0, 0]]


def test_nothing_of_phy_parameters_is_run(tmp_path: Path) -> None:
    folder = write_phy(tmp_path / "phy")
    (folder / "params.py").write_text(
        f"sample_rate = 1000.\nopen({str(tmp_path / 'run')!r}, 'w')\n"
    )
    te.read(folder, quality="all")
    assert not (tmp_path / "run").exists()


def test_folder_of_nothing_known_is_refused(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    with pytest.raises(FileFormatError, match="'.*empty' is not a file. Name the recording's own"):
        te.read(tmp_path / "empty")


# suite2p


def write_suite2p(folder: Path, ops: dict[str, Any] | None = None, value: float = 1.0) -> Path:
    folder.mkdir(parents=True)
    traces = np.arange(12.0, dtype=np.float32).reshape(3, 4) + np.float32(value)
    np.save(folder / "F.npy", traces)
    np.save(folder / "Fneu.npy", traces / 2)
    np.save(folder / "iscell.npy", np.array([[1, 0.9], [0, 0.1], [1, 0.8]]))
    np.save(folder / "ops.npy", np.array({"fs": 30.0, **(ops or {})}, dtype=object))
    return folder


def test_options_of_suite2p_may_hold_dates_and_paths(tmp_path: Path) -> None:
    ops = {
        "date_proc": datetime.datetime(2024, 5, 1, 10, tzinfo=datetime.UTC),
        "save_path": pathlib.PurePosixPath("/data"),
        "data_path": [pathlib.PureWindowsPath("C:/data")],
        "timing": {"registration": np.float64(1.5)},
        "planes": {0, 1},
    }
    folder = write_suite2p(tmp_path / "plane0", ops)
    with pytest.warns(DataLossWarning, match="1 of 3 ROIs .* by suite2p"):
        block = te.read(folder / "F.npy", allow_pickle=True)
    assert float(node_signals(block.segments[0])[0].sampling_rate) == 30.0


def test_path_of_the_other_system_in_options_of_suite2p_is_a_name(tmp_path: Path) -> None:
    folder = write_suite2p(tmp_path / "plane0")
    path = folder / "ops.npy"
    with path.open("wb") as file:
        np.lib.format.write_array_header_1_0(
            file, {"shape": (), "fortran_order": False, "descr": "|O"}
        )
        content = {"fs": 20.0, "save_path": pathlib.PureWindowsPath("C:/data")}
        text = pickle.dumps(np.array(content, dtype=object), protocol=2)
        assert b"PureWindowsPath" in text
        file.write(text.replace(b"PureWindowsPath", b"WindowsPath"))
    signal = node_signals(te.read(folder, allow_pickle=True, quality="all").segments[0])[0]
    assert float(signal.sampling_rate) == 20.0


def test_code_in_options_of_suite2p_is_still_refused(tmp_path: Path) -> None:
    folder = write_suite2p(tmp_path / "plane0", {"run": print})
    with pytest.raises(FileFormatError, match="it wants to load builtins.print"):
        te.read(folder / "F.npy", allow_pickle=True)


@pytest.mark.parametrize("entry", ["suite2p/plane0", "suite2p", "."])
def test_folder_of_suite2p_is_read(tmp_path: Path, entry: str) -> None:
    write_suite2p(tmp_path / "suite2p" / "plane0")
    block = te.read(tmp_path / entry, sampling_rate=30 * pq.Hz, quality="all")
    assert node_signals(block.segments[0])[0].shape == (4, 3)


def test_one_plane_of_several_folders_is_announced(tmp_path: Path) -> None:
    for index in range(2):
        write_suite2p(tmp_path / "suite2p" / f"plane{index}", value=100.0 * index)
    options: dict[str, Any] = {"sampling_rate": 30 * pq.Hz, "quality": "all"}
    with pytest.warns(DataLossWarning) as caught:
        te.read(tmp_path / "suite2p", **options)
    assert [str(item.message) for item in caught] == [
        "'suite2p' holds 2 planes ('plane0', 'plane1'); 'plane0' is taken, because it is the "
        "first. Choose another: plane=NAME, on the command line --option plane=NAME."
    ]
    for plane in ("plane1", 1):
        signal = node_signals(te.read(tmp_path, plane=plane, **options).segments[0])[0]
        assert float(signal.magnitude[0, 0]) == 100.0
    with pytest.raises(InputError, match="no plane '2'. It has: 'plane0', 'plane1'"):
        te.read(tmp_path, plane=2, **options)


def test_trace_of_nan_alone_is_left_out(tmp_path: Path) -> None:
    folder = write_suite2p(tmp_path / "plane0")
    traces = np.load(folder / "F.npy")
    traces[2] = np.nan
    np.save(folder / "F.npy", traces)
    with pytest.warns(DataLossWarning, match="1 of 3 traces of 'F.npy' hold nothing but NaN"):
        block = te.read(folder, sampling_rate=30 * pq.Hz, quality="all")
    assert nodes_of_signal(node_signals(block.segments[0])[0]).ids.tolist() == ["0", "1"]


# CaImAn


def write_caiman(path: Path) -> Path:
    with h5py.File(path, "w") as file:
        estimates = file.create_group("estimates")
        estimates["C"] = np.arange(8.0).reshape(2, 4)
        estimates["A/data"] = np.ones(2)
        estimates["A/indices"] = np.arange(2)
        estimates["A/indptr"] = np.arange(3)
        estimates["dims"] = np.array([2, 2])
        file["params/data/fr"] = 10.0
    return path


def test_folder_of_caiman_is_read(tmp_path: Path) -> None:
    write_caiman(tmp_path / "analysis_results.hdf5")
    block = te.read(tmp_path)
    np.testing.assert_array_equal(
        node_signals(block.segments[0])[0].magnitude, np.arange(8.0).reshape(2, 4).T
    )


def test_folder_of_two_results_of_caiman_is_refused(tmp_path: Path) -> None:
    for name in ("a.hdf5", "b.hdf5"):
        write_caiman(tmp_path / name)
    with pytest.raises(FileFormatError, match="holds 2 results of CaImAn \\('a.hdf5', 'b.hdf5'\\)"):
        te.read(tmp_path)


# Tables of traces


def test_table_of_traces_with_semicolons_is_read(tmp_path: Path) -> None:
    path = tmp_path / "traces.csv"
    path.write_text("0;0,5;1;1,5\n10;11,25;10;12\n")
    block = te.read(path)
    assert node_signals(block.segments[0])[0].magnitude.ravel().tolist() == [10, 11.25, 10, 12]


# MaxWell


def test_empty_well_of_a_plate_is_left_out(tmp_path: Path) -> None:
    wells = {
        "rec0000/well000": well_of_maxwell(),
        "rec0000/well001": well_of_maxwell(**{"settings/mapping": mapping([])}),
    }
    path = write_maxwell(tmp_path / "plate.raw.h5", wells)
    with pytest.warns(DataLossWarning) as caught:
        found = te.read(path).segments[0].spiketrains
    assert [train.name for train in found] == ["well000/3", "well000/7"]
    assert [str(item.message) for item in caught] == [
        "1 wells of 'plate.raw.h5' hold neither electrodes nor spikes and are left out: "
        "'rec0000, well001'."
    ]
    with pytest.raises(FileFormatError, match="names no channel"):
        te.read(path, wells=[1])


def test_map_that_joins_two_electrodes_to_a_channel_is_read(tmp_path: Path) -> None:
    well = well_of_maxwell(
        **{"settings/mapping": mapping([3, 7, 3]), "spikes": spikes([(5100, 3), (5200, 7)])}
    )
    path = write_maxwell(tmp_path / "a.raw.h5", {"rec0000/well000": well})
    with pytest.warns(DataLossWarning, match="channels more than once: '3'. Such a channel reco"):
        found = te.read(path).segments[0].spiketrains
    assert {train.name: train.magnitude.tolist() for train in found} == {"3": [0.1], "7": [0.2]}


# 3Brain


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            {"3BResults/3BChEvents/SpikeTimes": np.arange(3)},
            "'chip.brw' holds results of BrainWave in a layout whose spikes are not read (version "
            "3), and no traces. Name the .brw file of the recording, from which spikes are "
            "detected, or give their times to tavrnn_ephys.block_from_arrays(spike_times=…).",
        ),
        (
            {"Well_A1/SpikeTimes": np.arange(3), "Well_A1/SpikeChIdxs": np.arange(3)},
            "'chip.brw' stores spikes by frames and does not say how many frames a second has. "
            "Export it again from BrainWave.",
        ),
        (
            {"Well_A1/SpikeTimes": np.arange(3), "Well_A1/SpikeChIdxs": np.arange(2)},
            "'chip.brw' stores 3 spike times for 2 channels of spikes. Export it again.",
        ),
        (
            {"Well_A1/WaveletBasedEncodedRaw": np.arange(9, dtype=np.uint8)},
            "'chip.brw' keeps its traces compressed by wavelets, which nothing but BrainWave "
            "decodes. Export it as raw data from BrainWave 5.",
        ),
    ],
)
def test_brainwave_file_without_raw_traces_says_what_it_holds(
    tmp_path: Path, content: dict[str, Any], sentence: str
) -> None:
    path = tmp_path / "chip.brw"
    with h5py.File(path, "w") as file:
        file["ExperimentSettings"] = np.array([b"{}"])
        file["TOC"] = np.array([[0, 100]])
        for name, values in content.items():
            file[name] = values
    with pytest.raises(FileFormatError) as caught:
        te.read(path)
    assert str(caught.value) == sentence


BRW_RATE_HZ = 20_000.0


def write_brw(path: Path, *, traces: str = "none", stored: bool = True, wells: int = 1) -> Path:
    """Write 2 s of 4 channels as BrainWave 5 does: whole traces, parts around events, or none."""
    settings = {
        "ValueConverter": {
            "MinAnalogValue": -4125.0, "MaxAnalogValue": 4125.0, "MinDigitalValue": 0,
            "MaxDigitalValue": 4095, "ScaleFactor": 1.0,
        },
        "TimeConverter": {"FrameRate": BRW_RATE_HZ},
        "ExperimentDateTime": "2024-05-01T10:00:00Z",
    }  # fmt: skip
    frames = np.array([2_000, 9_000, 9_000, 21_000, 35_000])
    channels = np.array([1, 0, 3, 1, 1], dtype=np.int32)
    rng = np.random.default_rng(0)
    with h5py.File(path, "w") as file:
        file["ExperimentSettings"] = np.array([json.dumps(settings).encode()])
        file["TOC"] = np.array([[0, 20_000], [20_000, 40_000]], dtype=np.int64)
        for number in range(wells):
            well = file.create_group(f"Well_A{number + 1}")
            well["StoredChIdxs"] = np.arange(4, dtype=np.int32)
            if stored:
                well["SpikeTimes"], well["SpikeChIdxs"] = frames, channels
                well["SpikeTOC"] = np.array([0, 3])
            if traces == "whole":
                samples = np.round(rng.normal(2048, 15, (40_000, 4)))
                samples[[5_000, 15_000, 25_000], 2] -= 600
                well["Raw"] = samples.astype(np.uint16).ravel()
                well["RawTOC"] = np.array([0, 80_000])
            elif traces == "events":
                parts, toc = b"", []
                for first in (0, 20_000):
                    toc.append(len(parts))
                    for frame, channel in zip(frames, channels, strict=True):
                        if first <= frame < first + 20_000:
                            values = np.full(60, 2000, dtype="<u2").tobytes()
                            body = struct.pack("<qq", frame - 20, frame + 40) + values
                            parts += struct.pack("<ii", channel, len(body)) + body
                well["EventsBasedSparseRaw"] = np.frombuffer(parts, dtype=np.uint8)
                well["EventsBasedSparseRawTOC"] = np.array(toc, dtype=np.int64)
    return path


STORED = {"ch1-1": [0.45], "ch1-2": [0.1, 1.05, 1.75], "ch2-1": [], "ch2-2": [0.45]}


def spikes_of(segment: Any) -> dict[str, list[float]]:
    return {train.name: train.magnitude.tolist() for train in segment.spiketrains}


@pytest.mark.parametrize(
    ("traces", "why"),
    [
        ("events", "keeps its traces only around events, in which no noise can be measured"),
        ("none", "holds no traces that can be read"),
    ],
)
def test_spikes_that_brainwave_stored_are_read_and_told(
    tmp_path: Path, traces: str, why: str
) -> None:
    path = write_brw(tmp_path / "chip.brw", traces=traces)
    with pytest.warns(DataLossWarning) as caught:
        block = te.read(path)
    assert [str(item.message) for item in caught] == [
        f"'chip.brw' {why}: the 5 spikes that BrainWave stored are read, and nothing is detected."
    ]
    (segment,) = block.segments
    assert spikes_of(segment) == STORED
    limits = {(float(train.t_start), float(train.t_stop)) for train in segment.spiketrains}
    assert limits == {(0.0, 2.0)}
    assert block.rec_datetime.isoformat() == "2024-05-01T10:00:00+00:00"


def test_stored_spikes_beside_whole_traces_are_a_choice(tmp_path: Path) -> None:
    path = write_brw(tmp_path / "chip.brw", traces="whole")
    with pytest.warns(DataLossWarning, match="2 sources of spikes.*--option spikes=stored"):
        detected = te.read(path).segments[0]
    assert spikes_of(detected)["ch2-1"] == [0.25, 0.75, 1.25]
    assert spikes_of(te.read(path, spikes="stored").segments[0]) == STORED
    assert spikes_of(te.read(path, spikes="detected").segments[0]) == spikes_of(detected)


def test_part_of_stored_spikes_is_read(tmp_path: Path) -> None:
    path = write_brw(tmp_path / "chip.brw")
    (segment,) = te.read(
        path, spikes="stored", channels=["ch1-2", "ch2-2"], t_start=0.2 * pq.s, t_stop=1.5 * pq.s,
        electrode_pitch=42 * pq.um,
    ).segments  # fmt: skip
    assert spikes_of(segment) == {"ch1-2": [1.05], "ch2-2": [0.45]}
    positions = nodes_of_spiketrains(segment.spiketrains).positions_um
    assert positions is not None
    assert positions.tolist() == [[42, 0], [42, 42]]


def test_stored_spikes_of_several_wells_are_told(tmp_path: Path) -> None:
    path = write_brw(tmp_path / "plate.brw", wells=2)
    with pytest.warns(DataLossWarning, match="of 2 wells.*only the first, 'Well_A1', is read"):
        assert spikes_of(te.read(path, spikes="stored").segments[0]) == STORED


@pytest.mark.parametrize(
    ("options", "traces", "stored", "message"),
    [
        ({"spikes": "stored"}, "whole", False, "stores no spikes. Leave spikes=stored out"),
        ({"spikes": "detected"}, "none", True, "Leave spikes=detected out to read them"),
        ({"spikes": "stored", "detect": False}, "whole", True, "detect=False asks for no spikes"),
        ({}, "events", False, "hold a filling value for more than 90%"),
    ],
)
def test_spikes_that_are_not_there_are_refused_with_a_way_out(
    tmp_path: Path, options: dict[str, Any], traces: str, stored: bool, message: str
) -> None:
    path = write_brw(tmp_path / "chip.brw", traces=traces, stored=stored)
    with pytest.raises(TavrnnEphysError, match=message):
        te.read(path, **options)
