"""Which recordings belong to a cohort, and how each is analysed."""

import pytest

import tavrnn_ephys as te
from tavrnn_ephys.cli import analyze, build_parser
from tavrnn_ephys.cli.questions import reading_options
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.studies.cohort.keys import KEYS
from tavrnn_ephys.studies.cohort.manifest import read_manifest
from tavrnn_ephys.studies.cohort.options import analysis_options

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


# Of every key: what a manifest says, and the same on the command line of ``analyze``.
SAID = {
    "bin_size": "50ms", "window": "2min", "step": "1min", "measure": "covariance",
    "silent_nodes": "nan", "min_spikes_per_window": 3, "taper": "hann", "threshold": 0.2,
    "features": "identity", "history_node": False, "profile": "paper", "latent_size": 4,
    "smoothing": "causal", "model_option": ["kl_weight=0.1"], "training_epochs": 3, "seed": 4,
    "segment": 1, "nodes": "region == 'CA1'", "node_id": ["u1", 7], "min_rate": "0.1Hz",
    "min_spikes": 5, "from": "0s", "to": "5min", "exclude": ["artefacts", "sleep:rem, late"],
    "keep_invalid_times": True, "behavior": ["speed", "heading"],
    "behavior_how": ["mean", "circular_mean"], "behavior_period": ["auto", 360],
    "behavior_coverage": 0.8, "behavior_nulls": 299, "groups": "sensory,motor", "states": 3,
    "states_method": "kmeans", "most_states": 4, "state_surrogates": 29, "adapter": "nwb",
    "option": ["sampling_rate=30Hz"], "session_start": "2024-05-01", "connectivity": "edges",
}  # fmt: skip
# What excludes some of those, or needs others than those.
SAID_OTHERWISE = [
    {"bin_size": "50ms", "windows": "trials"},
    {"bin_size": "50ms", "around": "licks", "before": "-500ms", "after": "2s"},
    {"bin_size": "50ms", "runs_of": "context"},
    {**WINDOWS, "density": 0.1},
    {**WINDOWS, "strongest": 5},
    {**WINDOWS, "false_discoveries": 0.05, "surrogates": "dither_spikes", "n_surrogates": 40,
     "surrogate_reach": "200ms"},
    {**WINDOWS, "measure": "cross_correlation", "measure_option": ["max_lag=100ms"]},
]  # fmt: skip
# Options of ``analyze`` that say where results go and what is drawn, or how the command is run.
NOT_OF_A_STUDY = {
    "help", "help_all", "file", "out", "figures", "figure_format", "report", "tables",
    "overwrite", "each", "in_place", "sidecar", "run", "replace", "module", "save_model",
    "config", "print_config", "json",
}  # fmt: skip


def analyze_parser():
    (commands,) = (action for action in build_parser()._actions if action.dest == "command")
    return commands.choices["analyze"]


def on_the_command_line(said):
    """Options as ``analyze`` reads them."""
    words = ["analyze", "x.nwb"]
    for key, value in said.items():
        flag = "--" + key.replace("_", "-")
        if isinstance(value, bool):
            words.append(flag if value else flag.replace("--", "--no-", 1))
            continue
        for item in value if isinstance(value, list) else [value]:
            words.append(f"{flag}={item}")
    return build_parser().parse_args(words)


@pytest.mark.parametrize("said", [SAID, *SAID_OTHERWISE], ids=lambda said: "-".join(said)[:40])
def test_keys_mean_what_the_options_of_analyze_mean(said):
    found, options = analysis_options(said, "'x'"), on_the_command_line(said)
    chosen = analyze._choices(options)
    assert found.config == te.AnalysisConfig(
        **{name: value for name, value in chosen.items() if value is not None}
    )
    assert found.behaviors == analyze._behavior_options(options).get("behavior", ())
    assert found.states == analyze._states(options)
    assert (found.adapter, found.session_start) == (options.adapter, options.session_start)
    assert found.connectivity == options.connectivity
    assert found.options == reading_options(options)


def test_every_option_of_analyze_that_says_how_is_a_key_and_is_tried_here():
    options = {
        next((text for text in action.option_strings if text.startswith("--")), action.dest)
        .removeprefix("--").replace("-", "_")
        for action in analyze_parser()._actions
    }  # fmt: skip
    assert set(KEYS) == options - NOT_OF_A_STUDY
    assert options >= NOT_OF_A_STUDY
    assert set(KEYS) == set(SAID).union(*SAID_OTHERWISE)


def test_a_table_says_lists_with_commas_and_switches_as_words():
    cells = {
        **WINDOWS, "behavior": "speed,heading", "behavior_period": "auto,360", "node_id": "u1, u2",
        "history_node": "false", "behavior_coverage": "0.8",
    }  # fmt: skip
    found = analysis_options(cells, "'x'")
    assert [item.behavior for item in found.behaviors] == ["speed", "heading"]
    assert [item.period for item in found.behaviors] == [None, 360]
    assert [item.least_coverage for item in found.behaviors] == [0.8, 0.8]
    assert found.config.selection.node_ids == ("u1", "u2")
    assert not found.config.history_node


def test_a_recording_leaves_out_with_null_what_all_others_have():
    other = {**WINDOWS, "window": None, "step": None, "windows": "trials"}
    found = analysis_options(other, "'x'").config
    assert (found.intervals, found.window_length_s) == ("trials", None)


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
        ("states_method", "hmm", "without asking for them: 'states'"),
        ("behavior_nulls", 99, "neither 'behavior' nor 'states'"),
        ("behavior", ["speed", "speed"], "is named twice"),
        ("behavior", [], "needs names"),
        ("history_node", "no", "is true or false"),
        ("min_rate", "0.1", "needs a number and Hz"),
        ("density", 1000, "density"),
        ("windows", "trials", "'x': "),
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
