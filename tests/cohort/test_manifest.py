"""Which recordings belong to a cohort, and how each is analysed."""

import pytest

from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.studies.cohort.manifest import read_manifest
from tavrnn_ephys.studies.cohort.options import KEYS, analysis_options

WINDOWS = {"bin_size": "50ms", "window": "2min", "step": "1min"}


@pytest.fixture
def folder(tmp_path):
    """Three recordings in two folders."""
    for name in ("a/one.nwb", "a/two.nwb", "b/one.nwb"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    return tmp_path


def written(folder, text, name="cohort.yaml"):
    path = folder / name
    path.write_text(text)
    return path


def refused(source, **defaults):
    with pytest.raises(InputError) as caught:
        read_manifest(source, defaults)
    return str(caught.value)


def test_a_recording_takes_what_all_have_and_what_is_its_own(folder):
    manifest = written(
        folder,
        "defaults: {bin_size: 50ms, window: 2min, step: 1min}\n"
        "recordings:\n  - a/one.nwb\n  - {file: b/one.nwb, id: s1, window: 1min, culture: c7}\n",
    )
    first, second = read_manifest(manifest)
    assert (first.id, second.id) == ("one", "s1")
    assert analysis_options(first.options, "one").config.window_length_s == 120
    assert analysis_options(second.options, "s1").config.window_length_s == 60
    assert second.facts == {"culture": "c7"}
    assert second.file == folder / "b/one.nwb"


def test_a_table_names_files_options_and_facts(folder):
    manifest = written(folder, "file,window,age,group\na/one.nwb,1min,21,wt\n", "cohort.csv")
    (entry,) = read_manifest(manifest, {"bin_size": "50ms", "step": "30s"})
    assert entry.facts == {"age": "21", "group": "wt"}
    assert entry.options == {"bin_size": "50ms", "step": "30s", "window": "1min"}


def test_a_pattern_names_its_files_by_their_folder_where_names_are_equal(folder):
    names = [entry.id for entry in read_manifest(str(folder / "*/*.nwb"))]
    assert names == ["a-one", "two", "b-one"]


def test_a_folder_gives_every_file_that_is_not_hidden(folder):
    (folder / "a/.lock").write_text("")
    assert [entry.id for entry in read_manifest(folder / "a")] == ["one", "two"]


def test_a_name_with_brackets_is_a_name(folder):
    (folder / "a/x[1].nwb").write_bytes(b"")
    assert [entry.file.name for entry in read_manifest(folder / "a/x[1].nwb")] == ["x[1].nwb"]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("defaults: {windw: 2min}\nrecordings: [a/one.nwb]\n", "Is 'window' meant?"),
        ("recordings:\n  - {file: a/one.nwb, bin-sise: 1ms}\n", "Is 'bin_size' meant?"),
        ("recordings:\n  - {id: x}\n", "Recording 1 of 'cohort.yaml' lacks 'file'"),
        ("files: [a/one.nwb]\n", "needs a list 'recordings'"),
        ("recordings: []\n", "names no recording"),
        ("recordings: [a/one.nwb]\nwindow: 2min\n", "has the key 'window'"),
        ("recordings: [{file: a/one.nwb, id: x}, {file: b/one.nwb, id: x}]\n", "the id 'x'"),
    ],
)
def test_a_mistake_in_a_manifest_gets_a_sentence(folder, text, said):
    assert said in refused(written(folder, text))


def test_a_manifest_that_is_no_yaml_or_not_there_is_named(folder):
    with pytest.raises(FileFormatError, match="is no YAML"):
        read_manifest(written(folder, "recordings: [\n"))
    with pytest.raises(FileFormatError, match="There is no manifest"):
        read_manifest(folder / "none.yaml")


def test_a_table_without_files_or_with_cells_too_many_is_refused(folder):
    assert "lacks the column 'file'" in refused(written(folder, "path\na\n", "x.csv"))
    assert "more cells than the header" in refused(written(folder, "file\na,b\n", "y.csv"))


def test_every_key_is_read():
    given = {
        **WINDOWS, "measure": "spearman", "threshold": "0.2", "profile": "paper",
        "training_epochs": "3", "seed": 4, "segment": 1, "behavior": "speed",
        "behavior_how": "circular_mean", "behavior_period": 360, "groups": "sensory,motor",
        "adapter": "nwb", "option": ["sampling_rate=30Hz"], "session_start": "2024-05-01",
        "connectivity": "edges", "states": "3",
    }  # fmt: skip
    assert set(given) == set(KEYS)
    found = analysis_options(given, "'x'")
    assert (found.config.measure, found.config.threshold, found.config.seed) == ("spearman", 0.2, 4)
    assert (found.config.training_epochs, found.config.segment_index) == (3, 1)
    assert found.behavior.groups == ("sensory", "motor")
    assert (found.behavior.how, found.behavior.period, found.behavior.seed) == (
        "circular_mean", 360, 4,
    )  # fmt: skip
    assert (found.adapter, found.session_start, found.connectivity) == (
        "nwb", "2024-05-01", "edges",
    )  # fmt: skip
    assert float(found.options["sampling_rate"].rescale("Hz")) == 30
    assert (found.states.n_states, found.states.seed) == (3, 4)


@pytest.mark.parametrize(
    ("key", "value", "said"),
    [
        ("window", 2, "needs a number with a unit"),
        ("window", "2", "lacks a unit of time"),
        ("seed", 1.5, "needs a whole number"),
        ("measure", "pearsen", "is one of"),
        ("threshold", "high", "needs a number"),
        ("bin_size", "7ms", "'x': "),
        ("behavior_how", "mean", "without naming one"),
    ],
)
def test_a_value_that_does_not_suit_its_key_names_recording_and_key(key, value, said):
    with pytest.raises(InputError) as caught:
        analysis_options({**WINDOWS, key: value}, "'x'")
    assert said in str(caught.value)
    assert str(caught.value).startswith("'x'")


def test_windows_must_be_said_somewhere():
    with pytest.raises(InputError, match="lacks window, step"):
        analysis_options({"bin_size": "50ms"}, "'x'")


def test_equal_choices_have_one_canonical_text():
    first = analysis_options({**WINDOWS, "seed": 0}, "'x'")
    second = analysis_options({"step": "60s", "window": "120s", "bin_size": "0.05s"}, "'y'")
    assert first.canonical() == second.canonical()
    assert analysis_options({**WINDOWS, "seed": 1}, "'x'").canonical() != first.canonical()
