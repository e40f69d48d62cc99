"""Every recording becomes an NWB file that the inspector likes, and comes back the same."""

import datetime
import gc
import hashlib
from pathlib import Path

import neo
import numpy as np
import pytest
import quantities as pq
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.adapter_options import parse_options
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.io.blocks import (
    behavior_signals,
    block_from_arrays,
    make_signal,
    node_signals,
    nodes_of_signal,
    nodes_of_spiketrains,
)
from tavrnn_ephys.studies.conversion import add_metadata, read_metadata
from tests.adapters.inspection import inspected
from tests.adapters.made_files import made_or_real

METADATA = Path(__file__).parent / "adapters/metadata.yaml"
# One real file per adapter, or several where they differ, and the options that they need.
RECORDINGS = {
    "formats/nwb/A8604-211122.nwb": [],
    "formats/nwb/nwb_test.nwb": [],
    "formats/nwb/test_RoiResponseSeries.nwb": [],
    "celegans-nwb/ScholzEtAl2018.AML175_moving.BrainScanner20180223_141721.nwb": [],
    "formats/suite2p/plane0/F.npy": ["sampling_rate=10Hz"],
    "formats/caiman/caiman_analysis.hdf5": [],
    "mouse-dg-calcium/LC-DG-FC_2-1_D1_smoothed_calcium_traces.csv": [],
    "mouse-dg-calcium/LC-DG-FC_2-1_Day1_eventTrace.csv": [],
    "formats/neo/blackrock/l101210-001.nev": [],
    "formats/neo/blackrock/FileSpec2.3001.nev": [],
    "formats/neo/nex/CS056P07R-MEME1.nex": [],
    "formats/neo/nex/File_neuroexplorer_1.nex": [],
    "monkey-m1-reach/chewie_demo.mat": ["counts=Ytr", "node_axis=1", "bin_size=50ms",
                                        "behavior=Xtr"],
    "rat-linear-track/spikes.mat": ["spike_times=spikes[0][0][*][*].time"],
    "mouse-ca1-miniscope/C11_M1/Environment A/finalEventsMat_1.mat": [
        "traces=allEventsMat", "node_axis=1", "sampling_rate=20Hz", "samples=3617,7229",
        "behavior=behavior_1.mat:my_mvmt[1].position",
    ],
    "retina-mea/Demas2003_6WK_CTRL_ME1.h5": [],
    "retina-mea/Maccione2014_P11_m1r2_Spkts_bursts_filtered.h5": [],
    **{f"hipsc-mea/hiPSN_tc65_d{day}_spikes6sd.h5": [] for day in (21, 73)},
    "axion-spikelist/exampleRecording_1012016_plate1_DIV3_spike_list.csv.gz": [],
    "formats/mcs/2014-07-09T10-17-35W8 Standard all 500 Hz.h5": [],
    "formats/maxwell/maxone_network.raw.h5": [],
    "formats/maxwell/maxtwo_activity_scan.raw.h5": [],
    "formats/3brain/biocam_hw3.0_fw1.6.brw": [],
    # Nothing fires in this one.
    "formats/3brain/biocam_hw3.0_fw1.7.0.12_raw.brw": [],
    "cl1": [],
    "dishbrain": [],
    "dishbrain-spikestream/spikes.bin": [],
    "cl1-spikes/organoid_2.json": ["grid=8x8", "electrode_pitch=200um"],
}  # fmt: skip
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning"),
]


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def convert(source, out, *extra, options=()):
    flags = [text for option in options for text in ("--option", option)]
    return main(["convert", str(source), "--out", str(out), *flags, *extra])


def severe(path):
    """Messages of nwbinspector that a file must not have."""
    grave = ("CRITICAL", "BEST_PRACTICE_VIOLATION", "ERROR", "PYNWB_VALIDATION")
    return [
        f"{item.check_function_name}: {item.message}"
        for item in inspected(path)
        if item.importance.name in grave
    ]


def assert_same_nodes(before, after):
    assert len(before.spiketrains) == len(after.spiketrains)
    if len(before.spiketrains):
        one, other = (nodes_of_spiketrains(item.spiketrains) for item in (before, after))
        assert (one.ids.tolist(), one.kind) == (other.ids.tolist(), other.kind)
        assert one.groups.tolist() == other.groups.tolist()
    for old, new in zip(before.spiketrains, after.spiketrains, strict=True):
        np.testing.assert_allclose(
            new.rescale("s").magnitude, old.rescale("s").magnitude, atol=1e-6, rtol=0
        )
        for name in ("t_start", "t_stop"):
            limits = [float(getattr(item, name).rescale("s")) for item in (old, new)]
            assert limits[0] == pytest.approx(limits[1], abs=1e-6)
    for old, new in zip(node_signals(before), node_signals(after), strict=True):
        assert nodes_of_signal(old).ids.tolist() == nodes_of_signal(new).ids.tolist()
        np.testing.assert_array_equal(old.magnitude, new.magnitude)
        np.testing.assert_allclose(
            new.times.rescale("s").magnitude, old.times.rescale("s").magnitude, atol=1e-6, rtol=0
        )


@pytest.mark.parametrize("name", RECORDINGS)
def test_recording_becomes_a_clean_file_and_comes_back(recordings, tmp_path, name):
    source, out = made_or_real(name, recordings, tmp_path), tmp_path / "converted.nwb"
    before = sha256(source)
    segment = ["--segment", "0"] if "maxtwo" in name else []
    flags = ["--metadata", str(METADATA), *segment]
    assert convert(source, out, *flags, options=RECORDINGS[name]) == 0
    assert severe(out) == []
    assert sha256(source) == before
    original = te.read(source, **parse_options(RECORDINGS[name])).segments[0]
    after = te.read(out)
    assert_same_nodes(original, after.segments[0])
    assert sorted(behavior_signals(original)) == sorted(behavior_signals(after.segments[0]))
    # The order of tables in a file is that of their names.
    assert {item.name: len(item) for item in original.events if len(item)} == {
        item.name: len(item) for item in after.segments[0].events
    }
    assert after.annotations["subject"]["subject_id"] == "subject-1"
    gc.collect()


@pytest.mark.parametrize(
    ("day", "subject", "notes"),
    [
        ("retina-mea/Demas2003_6WK_CTRL_ME1.h5",
         {"species": "Mus musculus", "age": "P42D", "genotype": "wt"},
         "array: MCS_8x8_100um; cond: ctl; key: Demas2003"),
        ("hipsc-mea/hiPSN_tc65_d21_spikes6sd.h5", {"species": "Homo sapiens", "age": "P40Y"},
         "array: APS_64x64_42um; DIV0: 05/11/13; age: 21 days in vitro; strain: 11"),
    ],
)  # fmt: skip
def test_what_an_archive_says_of_the_subject_is_kept(recordings, tmp_path, day, subject, notes):
    about = {"subject_id": "s1", "sex": "U"} | {"age": subject["age"]}
    lines = [f"  {key}: {value}" for key, value in about.items() if "retina" not in day
             or key != "age"]  # fmt: skip
    metadata = tmp_path / "m.yaml"
    metadata.write_text(
        "session_start_time: 2024-05-01\nsession_description: x y\nsubject:\n" + "\n".join(lines)
    )
    assert convert(recordings / day, tmp_path / "out.nwb", "--metadata", str(metadata)) == 0
    assert severe(tmp_path / "out.nwb") == []
    after = te.read(tmp_path / "out.nwb")
    assert subject.items() <= after.annotations["subject"].items()
    assert after.annotations["notes"] == notes
    gc.collect()


def test_faults_of_a_source_are_not_added_to(recordings, tmp_path):
    """Two series of this file have a last time stamp in the Unix epoch, 49 years on."""
    out = tmp_path / "out.nwb"
    source = recordings / "formats/nwb/sub-4_ses-4_ecephys+image.nwb"
    assert convert(source, out, "--metadata", str(METADATA)) == 0
    assert {text.split(":")[0] for text in severe(out)} == {"check_time_series_duration"}
    assert_same_nodes(te.read(source).segments[0], te.read(out).segments[0])


@pytest.mark.parametrize("name", ["test_ElectricalSeries.nwb", "2.1.0_nwbfile_with_extension.nwb"])
def test_file_without_nodes_is_not_converted(recordings, tmp_path, capsys, name):
    out = tmp_path / "out.nwb"
    assert convert(recordings / "formats/nwb" / name, out, "--metadata", str(METADATA)) == 2
    assert "neither spike trains nor traces" in capsys.readouterr().err
    assert not out.exists()


# ---- what NWB demands --------------------------------------------------------


def test_missing_metadata_are_asked_for_by_name(recordings, tmp_path, capsys):
    source = recordings / "formats/caiman/caiman_analysis.hdf5"
    assert convert(source, tmp_path / "out.nwb") == 2
    message = capsys.readouterr().err
    for name in ("session_start_time", "session_description", "imaging_plane: indicator",
                 "imaging_plane: excitation_lambda", "--metadata"):  # fmt: skip
        assert name in message
    assert message.count("\n") == 1
    assert list(tmp_path.iterdir()) == []


def test_file_that_says_enough_needs_no_metadata(tmp_path):
    block = te.simulate_culture(n_nodes=20, duration=5 * pq.s, seed=0)
    block.rec_datetime = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    source = te.write_nwb(block, tmp_path / "source.nwb")
    assert convert(source, tmp_path / "out.nwb") == 0


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("session_start: 2024-05-01\n", InputError, "not known: 'session_start'"),
        ("- a\n- b\n", FileFormatError, "keys and values"),
        ("a: [1\n", FileFormatError, "no YAML file"),
        ("subject: mouse\n", InputError, "'subject' of 'm.yaml' must hold fields"),
        ("!!python/object/apply:os.system ['true']\n", FileFormatError, "no YAML file"),
    ],
)
def test_bad_metadata_are_refused(tmp_path, text, error, message):
    path = tmp_path / "m.yaml"
    path.write_text(text)
    with pytest.raises(error, match=message):
        read_metadata(path)


@pytest.mark.parametrize(
    ("about", "message"),
    [
        ({"session_start_time": "yesterday"}, "'yesterday' is not a date"),
        ({"imaging_plane": {"excitation_lambda": "blue"}}, "wavelength in nanometres"),
    ],
)
def test_bad_values_of_metadata_are_refused(about, message):
    with pytest.raises(InputError, match=message):
        add_metadata(neo.Block(), about)


def test_metadata_take_precedence():
    block = neo.Block()
    block.annotate(lab="old", subject={"species": "Rattus norvegicus", "sex": "U"})
    add_metadata(block, {"lab": "new", "subject": {"sex": "F"}, "keywords": "culture",
                         "session_start_time": datetime.date(2024, 5, 1)})  # fmt: skip
    assert block.annotations["lab"] == "new"
    assert block.annotations["subject"] == {"species": "Rattus norvegicus", "sex": "F"}
    assert block.annotations["keywords"] == ["culture"]
    assert block.rec_datetime == datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)


def test_output_is_never_the_input_or_an_existing_file(tmp_path, capsys):
    block = te.simulate_culture(n_nodes=20, duration=5 * pq.s, seed=0)
    block.rec_datetime = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    source = te.write_nwb(block, tmp_path / "source.nwb")
    before = sha256(source)
    assert convert(source, source, "--overwrite") == 2
    assert "is the input itself" in capsys.readouterr().err
    (tmp_path / "out.nwb").write_text("precious")
    assert convert(source, tmp_path / "out.nwb") == 2
    assert (tmp_path / "out.nwb").read_text() == "precious"
    assert sha256(source) == before


def test_segment_of_several_is_chosen(recordings, tmp_path, capsys):
    source = recordings / "formats/maxwell/maxtwo_activity_scan.raw.h5"
    out = tmp_path / "out.nwb"
    assert convert(source, out, "--metadata", str(METADATA)) == 2
    assert "Choose one: --segment 0" in capsys.readouterr().err
    assert convert(source, out, "--metadata", str(METADATA), "--segment", "1") == 0
    assert_same_nodes(te.read(source).segments[1], te.read(out).segments[0])
    assert convert(source, out, "--metadata", str(METADATA), "--segment", "9") == 2


# ---- events and alternatives -------------------------------------------------


def test_events_come_back(tmp_path):
    block = block_from_arrays(spike_times=[[0.1, 0.5], [0.3]], t_stop=1 * pq.s)
    block.rec_datetime = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    block.segments[0].events.append(
        neo.Event(
            times=[0.2, 0.7] * pq.s, labels=np.array(["hit", "late"]), name="stimulation",
            array_annotations={"channel": np.array([3, 7])}, description="Pulses.",
        )
    )  # fmt: skip
    (event,) = te.read(te.write_nwb(block, tmp_path / "out.nwb")).segments[0].events
    assert (event.name, event.description) == ("stimulation", "Pulses.")
    assert event.times.magnitude.tolist() == [0.2, 0.7]
    assert event.labels.tolist() == ["hit", "late"]
    assert event.array_annotations["channel"].tolist() == [3, 7]


def test_alternative_traces_come_back_beside_the_chosen_ones(tmp_path):
    block = block_from_arrays(traces=np.arange(12.0).reshape(2, 6), sampling_rate=5 * pq.Hz)
    block.rec_datetime = datetime.datetime(2024, 1, 1, tzinfo=datetime.UTC)
    segment = block.segments[0]
    chosen = segment.analogsignals[0]
    chosen.array_annotate(pixel_x=np.array([3.5, 7.25]))
    segment.analogsignals.append(
        make_signal(
            chosen.magnitude + 1, name="F_dff", role="traces_alternative", sampling_rate_hz=5.0,
            nodes=nodes_of_signal(chosen),
        )
    )  # fmt: skip
    after = te.read(te.write_nwb(block, tmp_path / "out.nwb")).segments[0]
    roles = {item.name: item.annotations["role"] for item in after.analogsignals}
    assert roles == {"traces": "nodes", "F_dff": "traces_alternative"}
    assert node_signals(after)[0].array_annotations["pixel_x"].tolist() == [3.5, 7.25]


# ---- the round trip, on generated blocks -------------------------------------

NAMES = st.text("abcdefgh0123456789_- ./µ", min_size=1, max_size=8).map(str.strip).filter(bool)
GROUPS = st.sampled_from(["", "CA1", "R_up", "left hemisphere"])


@st.composite
def blocks(draw):
    n = draw(st.integers(2, 5))
    ids = draw(st.lists(NAMES, min_size=n, max_size=n, unique=True))
    start = draw(st.sampled_from([0.0, 0.25, 1234.5]))
    length = draw(st.sampled_from([1.0, 7.5]))
    times = st.lists(st.floats(0, 0.999), max_size=6)
    kind = draw(st.sampled_from(["unit", "channel", "roi"]))
    places = st.floats(-1e4, 1e4, width=32)
    shared = {
        "node_ids": ids,
        "groups": draw(st.lists(GROUPS, min_size=n, max_size=n)),
        "positions": np.array(draw(st.lists(st.tuples(places, places), min_size=n, max_size=n)))
        * pq.um,
        "t_start": start * pq.s,
    }
    behavior = {"paddle": np.array(draw(st.lists(places, min_size=5, max_size=5))) * pq.mm}
    if kind == "roi":
        rows = st.lists(st.floats(-10, 10, width=32), min_size=8, max_size=8)
        traces = np.array(draw(st.lists(rows, min_size=n, max_size=n)))
        block = block_from_arrays(traces=traces, sampling_rate=draw(st.sampled_from([3, 29.97]))
                                  * pq.Hz, behavior=behavior, **shared)  # fmt: skip
    else:
        spikes = [start + length * np.sort(draw(times)) for _ in range(n)]
        spikes[0] = np.array([start + 0.5 * length])
        block = block_from_arrays(
            spike_times=spikes, t_stop=(start + length) * pq.s, node_kind=kind,
            behavior=behavior, behavior_rate=10 * pq.Hz, **shared,
        )  # fmt: skip
        quality = draw(st.lists(st.integers(0, 9), min_size=n, max_size=n))
        for train, value in zip(block.segments[0].spiketrains, quality, strict=True):
            train.annotate(quality=value)
    block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    block.description = draw(st.sampled_from(["A culture.", "Zweiter Versuch, 37 °C."]))
    return block


@settings(
    max_examples=10,
    deadline=None,
    # Each example writes a file: to shrink a failure would take minutes.
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
@given(block=blocks())
def test_generated_blocks_come_back(tmp_path_factory, block):
    path = te.write_nwb(block, tmp_path_factory.mktemp("trip") / "out.nwb")
    after = te.read(path)
    one, other = block.segments[0], after.segments[0]
    assert after.description == block.description
    assert after.rec_datetime == block.rec_datetime
    assert_same_nodes(one, other)
    positions = [
        (nodes_of_spiketrains(item.spiketrains) if item.spiketrains
         else nodes_of_signal(node_signals(item)[0])).positions_um
        for item in (one, other)
    ]  # fmt: skip
    # A table of electrodes that all lie at the origin means "not known" in NWB.
    if positions[1] is None:
        assert not positions[0].any()
    else:
        np.testing.assert_allclose(positions[1], positions[0], atol=1e-9)
    (before,), (behavior,) = behavior_signals(one).values(), behavior_signals(other).values()
    np.testing.assert_array_equal(before.magnitude, behavior.magnitude)
    assert before.dimensionality == behavior.dimensionality
    for old, new in zip(one.spiketrains, other.spiketrains, strict=True):
        assert old.annotations["quality"] == new.annotations["quality"]
