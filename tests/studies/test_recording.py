"""The one door to recordings: segment, annotations, bins, windows and behaviour, alike for all."""

import datetime
import warnings

import neo
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.datasets.game import GameConfig, game_block, play_game
from tavrnn_ephys.studies import recording
from tavrnn_ephys.studies.benchmark import FileSource
from tavrnn_ephys.studies.recordings import ComparisonConfig, compare_files

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore:Multidimensional arrays and nested containers"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning"),
]
WINDOWS = {"bin_size_s": 0.1, "window_length_s": 2.0, "step_s": 2.0}
HOW = ["--bin-size", "100ms", "--window", "2s", "--step", "2s"]


def segment(seed, length_s=60.0):
    rng = np.random.default_rng(seed)
    made = te.block_from_arrays(
        spike_times=[np.sort(rng.uniform(0, length_s, 300)) for _ in range(6)],
        t_stop=length_s * pq.s,
        behavior={
            "speed": rng.uniform(size=int(length_s)),
            "heading": np.mod(rng.normal(0, 20, int(length_s)), 360),
        },
        behavior_rate=1 * pq.Hz,
    ).segments[0]
    starts = np.arange(0, length_s, 2.0)
    labels = np.where(np.arange(len(starts)) % 2 == 0, "left", "right")
    # A flash at the middle of each window, which the rest of the window outlasts.
    made.epochs.append(
        neo.Epoch(
            times=np.concatenate([starts, starts + 0.9, starts + 1.1]) * pq.s,
            durations=np.repeat([0.9, 0.2, 0.9], len(starts)) * pq.s,
            labels=np.concatenate([labels, np.full(len(starts), "flash"), labels]),
            name="side",
        )
    )
    made.events.append(
        neo.Event(
            times=np.sort(rng.uniform(0, length_s, 50)) * pq.s, labels=["hit"] * 50, name="ball"
        )
    )
    return made


def block_of(*segments, **annotations):
    block = neo.Block(name="culture", rec_datetime=datetime.datetime(2026, 1, 1), **annotations)
    block.segments.extend(segments)
    return block


def as_nix(block, path):
    with neo.NixIO(str(path), "ow") as file:
        file.write_block(block)
    return path


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Two segments, of 60 s and 40 s."""
    folder = tmp_path_factory.mktemp("two")
    return as_nix(block_of(segment(1), segment(2, 40.0)), folder / "two.nix")


@pytest.fixture(scope="module")
def one(tmp_path_factory):
    block = block_of(segment(1))
    block.rec_datetime = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    return te.write_nwb(block, tmp_path_factory.mktemp("one") / "one.nwb")


def warned_of(function):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        result = function()
    return result, [str(w.message) for w in caught if issubclass(w.category, DataLossWarning)]


# Several segments: one rule, one warning.


def test_benchmark_says_that_it_takes_the_first_of_several_segments(two):
    source = FileSource(path=str(two), behavior="speed", **WINDOWS)
    task, said = warned_of(source.load)
    assert len(task.windows) == 30
    assert [text for text in said if "has 2 segments; only the first" in text] == said[:1]


def test_benchmark_takes_the_segment_that_is_chosen_without_a_word(two):
    for index, n_windows in ((0, 30), (1, 20)):
        source = FileSource(path=str(two), behavior="speed", segment_index=index, **WINDOWS)
        task, said = warned_of(source.load)
        assert (len(task.windows), said) == (n_windows, [])


def test_compare_says_that_it_takes_the_first_of_several_segments(two):
    found, said = warned_of(lambda: compare_files([two], ComparisonConfig(**WINDOWS)))
    assert found.recordings["n_windows"].tolist() == [30]
    assert len([text for text in said if "'two.nix' has 2 segments" in text]) == 1


def test_compare_takes_the_segment_that_is_chosen(two, capsys):
    assert main(["compare", str(two), *HOW, "--segment", "1", "--json"]) == 0
    said = capsys.readouterr()
    assert '"n_windows": 20' in said.out
    assert "segments" not in said.err


# What a recording says of itself.


@pytest.fixture(scope="module", params=["M12", {"subject_id": "M12"}], ids=["text", "nested"])
def odd_subject(request, tmp_path_factory):
    """A file whose subject is no mapping: NIX keeps of nested fields the names alone."""
    block = block_of(segment(1), subject=request.param)
    return as_nix(block, tmp_path_factory.mktemp("odd") / "odd.nix")


@pytest.mark.parametrize(
    "command",
    [
        ["inspect", "{file}"],
        ["compare", "{file}", *HOW],
        ["analyze", "{file}", *HOW, "--training-epochs", "1", "--out", "{out}"],
        ["convert", "{file}", "--out", "{out}", "--metadata", "{about}"],
    ],
    ids=lambda command: command[0],
)
def test_a_subject_that_is_no_mapping_is_told_once_and_does_no_harm(
    odd_subject, command, tmp_path, capsys
):
    about = tmp_path / "about.yaml"
    about.write_text("session_start_time: 2024-05-01\nsession_description: none\n")
    words = {"file": odd_subject, "out": tmp_path / "out.nwb", "about": about}
    assert main([text.format(**words) for text in command]) == 0
    said = capsys.readouterr().err
    assert said.count("as its 'subject'") == 1
    assert "Traceback" not in said


def test_a_subject_that_is_text_is_written_as_its_description(tmp_path):
    block = block_of(segment(1), subject="M12")
    block.rec_datetime = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    with pytest.warns(DataLossWarning, match="counts as its description alone"):
        path = te.write_nwb(block, tmp_path / "out.nwb")
    assert te.read(path).annotations["subject"] == {"description": "M12"}


# Behaviour: one meaning.


@pytest.mark.parametrize(
    ("behavior", "options"),
    [
        ("speed", {}),
        ("side", {}),
        ("side:left", {"how": "share"}),
        ("ball", {"how": "count"}),
        ("heading", {"how": "circular_mean", "period": 360.0}),
    ],
)
def test_benchmark_means_by_a_behaviour_what_analyze_means(one, behavior, options):
    task = FileSource(path=str(one), behavior=behavior, **options, **WINDOWS).load()
    block = te.read(one)
    expected = te.window_behavior(block.segments[0], task.windows, behavior, **options)
    np.testing.assert_array_equal(task.behavior, expected.values)


@pytest.mark.parametrize(
    ("behavior", "options"), [("side:flash", {"how": "share"}), ("side:left", {})]
)
def test_a_behaviour_that_is_the_same_everywhere_is_refused(one, behavior, options):
    # The shares differ by rounding alone.
    source = FileSource(path=str(one), behavior=behavior, **options, **WINDOWS)
    with pytest.raises(InputError, match="nothing can be decoded"):
        source.load()


def test_a_flash_at_mid_window_does_not_name_the_window(one):
    task = FileSource(path=str(one), behavior="side", **WINDOWS).load()
    assert task.behavior.tolist() == ["left", "right"] * 15


def test_benchmark_decodes_measures_of_a_game(tmp_path):
    block = game_block(play_game(GameConfig(game_s=60.0), nodes=20, seed=1))
    path = te.write_nwb(block, tmp_path / "game.nwb")
    task = FileSource(path=str(path), behavior="game:rally_length", **WINDOWS).load()
    assert task.kind == "regression"
    assert len(np.unique(task.behavior)) > 2


def test_command_takes_how_and_period_of_a_behaviour(one, tmp_path, capsys):
    out = tmp_path / "bench"
    command = ["benchmark", str(one), *HOW, "--behavior", "side:left", "--behavior-how", "share",
               "--methods", "degree", "--seeds", "1", "--folds", "3"]  # fmt: skip
    assert main([*command, "--out", str(out)]) == 0
    assert "one side:left" in capsys.readouterr().out


# Measures: checked with their parameters before anything is read.


@pytest.mark.parametrize("command", ["analyze", "benchmark"])
@pytest.mark.parametrize(
    ("given", "message"),
    [
        ([], "needs max_lag"),
        (["--measure-option", "lag=1s"], "has no option 'lag'"),
        (["--measure-option", "max_lag=5s"], "must be shorter than the window"),
    ],
)
def test_a_measure_without_its_parameters_is_refused_at_once(
    command, given, message, tmp_path, capsys
):
    # The file does not exist: nothing was read.
    words = [command, str(tmp_path / "gone.nwb"), *HOW, "--behavior", "speed", "--out",
             str(tmp_path / "out.nwb"), "--measure", "cross_correlation", *given]  # fmt: skip
    assert main(words) == 2
    said = capsys.readouterr().err
    assert message in said
    assert list(tmp_path.iterdir()) == []


def test_the_way_out_for_a_measure_without_its_parameter_arrives(one, tmp_path, capsys):
    words = ["benchmark", str(one), *HOW, "--behavior", "side", "--methods", "degree", "--seeds",
             "1", "--folds", "3", "--out", str(tmp_path / "out"), "--measure",
             "cross_correlation"]  # fmt: skip
    assert main(words) == 2
    assert "--measure-option max_lag=50ms" in capsys.readouterr().err
    assert main([*words, "--measure-option", "max_lag=200ms"]) == 0
    assert "failed" not in capsys.readouterr().out


# Once.


def test_a_recording_is_read_and_binned_once(tmp_path, monkeypatch):
    block = block_of(segment(1, 120.0))
    file = as_nix(block, tmp_path / "culture.nix")
    counts = {"read": 0, "bin_recordings": 0, "lay_windows": 0}

    def counting(name):
        called = getattr(recording, name)

        def counted(*args, **options):
            counts[name] += 1
            return called(*args, **options)

        return counted

    for name in counts:
        monkeypatch.setattr(recording, name, counting(name))
    words = ["analyze", str(file), *HOW, "--behavior", "speed", "--training-epochs", "1"]
    assert main([*words, "--out", str(tmp_path / "out.nwb")]) == 0
    assert counts == {"read": 1, "bin_recordings": 1, "lay_windows": 1}
