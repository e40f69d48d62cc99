"""Options in a file: which wins, what is refused, and that what is printed reads back the same."""

import argparse
from pathlib import Path

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

import tavrnn_ephys as te
from tavrnn_ephys.cli import build_parser, main
from tavrnn_ephys.cli.behaving import number_or_open
from tavrnn_ephys.cli.options import (
    Gather,
    duration,
    number,
    number_of_states,
    path,
    rate,
    time,
    whole_number,
)
from tests.test_cli import options_of, small_culture  # noqa: F401

PARSER = build_parser()


def commands(parser=PARSER, before=()):
    """Commands by name; those with stages of their own stage by stage."""
    found = {}
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            for name, command in action.choices.items():
                stages = commands(command, (*before, name))
                found |= stages or {" ".join((*before, name)): command}
    return found


def options_in(parser):
    return [
        action
        for action in parser._actions
        if action.dest not in ("help", "config", "print_config")
    ]


def printed_config(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*map(str, arguments), "--print-config"])
    assert stop.value.code == 0
    return capsys.readouterr().out


def parsed(*arguments):
    command, *options = arguments
    return PARSER.parse_args([*command.split(), *map(str, options)])


def values_of(namespace):
    return {
        key: value
        for key, value in vars(namespace).items()
        if key not in ("config", "print_config", "run")
    }


# ---- what is printed reads back the same ---------------------------------------

TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=20
) | st.sampled_from(["yes", "null", "1", "1e3", "2024-05-01", "~", "- a", "a: b", "0x1F", "1:30"])
NUMBERS = {
    duration: st.floats(1e-6, 1e6).map(lambda value: f"{value:.12g}s")
    | st.sampled_from(["50ms", "2min", "25us", "1.5h"]),
    time: st.floats(-1e6, 1e6).map(lambda value: f"{value:.12g}s")
    | st.sampled_from(["0s", "-5ms"]),
    rate: st.floats(0, 1e6).map(lambda value: f"{value:.12g}Hz"),
    whole_number: st.integers(-(2**70), 2**70).map(str),
    number: st.floats(allow_nan=False).map(repr),
    number_or_open: st.floats(allow_nan=False).map(repr) | st.just("auto"),
    number_of_states: st.integers(1, 2**70).map(str) | st.just("auto"),
    None: TEXTS,
    path: TEXTS.filter(str.strip),
}


@st.composite
def command_lines(draw, parser):
    """Draw every option of a command, or not, as one would write it."""
    arguments, excluded = [], set()
    for group in parser._mutually_exclusive_groups:
        rivals = [action.dest for action in group._group_actions]
        excluded |= set(rivals) - {draw(st.sampled_from(rivals))}
    positionals = [action for action in options_in(parser) if not action.option_strings]
    for action in options_in(parser):
        needed = action.required or action in positionals
        if action.dest in excluded or not (needed or draw(st.booleans())):
            continue
        values = st.sampled_from(action.choices) if action.choices else NUMBERS[action.type]
        if isinstance(action, argparse.BooleanOptionalAction):
            arguments.append(draw(st.sampled_from(action.option_strings)))
        elif isinstance(action, Gather):
            for text in draw(st.lists(values, max_size=3)):
                arguments.append(f"{action.option_strings[0]}={text}")
        elif action.nargs in ("+", 2):
            # A text that begins with a dash would be taken for an option.
            texts = draw(st.lists(values.map("x".__add__), min_size=2, max_size=2))
            if action.option_strings:
                arguments += [action.option_strings[0], *texts]
            else:
                arguments = [*texts, *arguments]
        elif action.option_strings:
            arguments.append(f"{action.option_strings[0]}={draw(values)}")
        else:
            arguments.insert(0, "x" + draw(values))
    return arguments


@pytest.mark.parametrize("name", list(commands()))
def test_printed_configuration_reads_back_the_same(name, tmp_path_factory):
    folder = tmp_path_factory.mktemp("round_trip")
    parser = commands()[name]

    @settings(max_examples=30, deadline=None)
    @given(command_lines(parser))
    def check(arguments):
        from tavrnn_ephys.cli.configuration import config_text

        wanted = parsed(name, *arguments)
        for ascii_only in (False, True):
            file = folder / "run.yaml"
            text = config_text(parser, vars(wanted), ascii_only=ascii_only)
            file.write_text(text, encoding="utf-8", newline="")
            assert not ascii_only or text.isascii()
            assert values_of(parsed(name, "--config", file)) == values_of(wanted)

    check()


@pytest.mark.parametrize("name", list(commands()))
def test_every_option_is_printed_even_when_none_is_given(name, capsys):
    printed = yaml.safe_load(printed_config(name.split(), capsys))
    expected = [
        (action.option_strings[-1 if action.option_strings[0] == "-h" else 0][2:])
        if action.option_strings
        else action.dest
        for action in options_in(commands()[name])
    ]
    assert list(printed) == expected


def test_a_run_from_its_printed_configuration_is_the_same_run(
    small_culture,  # noqa: F811
    tmp_path,
    capsys,
):
    command = ["analyze", small_culture, *options_of(threshold="0.1"), "--seed", 3]
    (tmp_path / "run.yaml").write_text(printed_config(command, capsys))
    assert main([*map(str, command), "--out", str(tmp_path / "a.nwb")]) == 0
    config = str(tmp_path / "run.yaml")
    assert main(["analyze", "--config", config, "--out", str(tmp_path / "b.nwb")]) == 0
    assert te.read_results(tmp_path / "a.nwb") == te.read_results(tmp_path / "b.nwb")


# ---- which wins -------------------------------------------------------------


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def write(text, name="run.yaml"):
        Path(name).write_text(text)
        return name

    return write


def test_the_command_line_wins_over_the_file_and_the_file_over_defaults(config):
    file = config("file: a.nwb\nout: b.nwb\nsegment: 2\noverwrite: true\noption: [a=1, b=2]\n")
    found = parsed("convert", "--config", file, "--segment", 1)
    assert (found.segment, found.overwrite, found.out) == (1, True, "b.nwb")
    assert found.option == ["a=1", "b=2"]
    assert found.adapter is None
    found = parsed("convert", "c.nwb", "--config", file, "--no-overwrite", "--option", "c=3")
    assert (found.file, found.overwrite, found.option) == ("c.nwb", False, ["c=3"])


def test_an_option_that_excludes_one_of_the_file_wins(config):
    file = config("file: a.nwb\ndelete: [b]\n")
    assert parsed("runs", "--config", file).delete == ["b"]
    found = parsed("runs", "--config", file, "--compare", "x", "y")
    assert (found.delete, found.compare) == (None, ["x", "y"])


def test_toml_and_underscores_are_read_as_well(config):
    file = config(
        'file = "a.nwb"\nbin_size = "50ms"\nwindow = "2min"\nstep = "1min"\n'
        "threshold = 0.5\nin-place = true\nsession-start = 2024-05-01T10:00:00\n",
        "run.toml",
    )
    found = parsed("analyze", "--config", file)
    assert (found.bin_size, found.window, found.threshold) == (0.05, 120.0, 0.5)
    assert found.in_place
    assert found.session_start == "2024-05-01T10:00:00"


def test_an_empty_file_sets_nothing(config):
    assert parsed("inspect", "a.nwb", "--config", config("# nothing\n")).option == []


# ---- what is refused ---------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "name", "message"),
    [
        ("treshold: 0.5", "run.yaml", "'treshold' is no option of 'tavrnn-ephys analyze'. Did you "
         "mean 'threshold'?"),
        ("windw = '2s'", "run.toml", "In 'run.toml', 'windw' is no option"),
        ("xyzzy: 1", "run.yaml", "Use file, bin-size"),
        ("3: 1", "run.yaml", "'3' is no option"),
        ("config: other.yaml", "run.yaml", "'config' stands, which belongs on the command line"),
        ("bin-size: 1s\nbin_size: 2s", "run.yaml", "are the same option"),
        ("seed: 1\nseed: 2", "run.yaml", "the key 'seed' stands twice"),
        ("seed = 1\nseed = 2", "run.toml", "is no TOML"),
        ("seed: much", "run.yaml", "'seed': 'much' is not a whole number"),
        ("seed: 1.5", "run.yaml", "'seed': '1.5' is not a whole number"),
        ("seed: true", "run.yaml", "'seed': must be one value, got True"),
        ("seed: [1, 2]", "run.yaml", "'seed': must be one value, got [1, 2]"),
        ("threshold: {a: 1}", "run.yaml", "'threshold': must be one value"),
        ("bin-size: 50", "run.yaml", "'bin-size': The duration '50' lacks a unit of time"),
        ("overwrite: 1", "run.yaml", "'overwrite': must be true or false, got 1"),
        ("run: 7", "run.yaml", "'run': must be text, got 7. Write it in quotes."),
        ("run: yes", "run.yaml", "'run': must be text, got True"),
        ('file: "a\\0b"', "run.yaml", "'file': holds a character"),
        ("option: {a: 1}", "run.yaml", "'option': must be text"),
        ("- a\n- b", "run.yaml", "must hold keys and values"),
        ("just text", "run.yaml", "must hold keys and values"),
        ("a: [", "run.yaml", "'run.yaml' is no YAML"),
        ("seed: !!bool maybe", "run.yaml", "'run.yaml' is no YAML"),
        ("seed: !!python/object/apply:os.getpid []", "run.yaml", "'run.yaml' is no YAML"),
        ("? [a]\n: 1", "run.yaml", "'run.yaml' is no YAML"),
        ("[" * 5000, "run.yaml", "'run.yaml' is no YAML"),
        ("seed = ", "run.toml", "'run.toml' is no TOML"),
        ("seed: 1", "run.json", "must end in .yaml, .yml or .toml"),
    ],
)  # fmt: skip
def test_unsuitable_file_is_refused_in_one_sentence(config, capsys, text, name, message):
    assert main(["analyze", "--config", config(text, name)]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err
    assert name in captured.err
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("compare: [a]", "'compare': needs a list of 2, got 1"),
        ("delete: []", "'delete': needs a list of at least one"),
        ("delete: [a]\ncompare: [a, b]", "'compare' and 'delete' exclude each other"),
    ],
)
def test_unsuitable_lists_are_refused(config, capsys, text, message):
    assert main(["runs", "a.nwb", "--config", config(text)]) == 2
    assert message in capsys.readouterr().err


def test_unreadable_file_is_refused(config, capsys):
    Path("bytes.yaml").write_bytes(b"\xff\xfe\xfa")
    Path("folder.yaml").mkdir()
    for name, message in (
        ("none.yaml", "There is no configuration 'none.yaml'"),
        ("folder.yaml", "is not a file"),
        ("bytes.yaml", "is no UTF-8 text"),
    ):
        assert main(["inspect", "a.nwb", "--config", name]) == 2
        assert message in capsys.readouterr().err


def test_what_neither_gives_is_named(config, capsys):
    assert main(["analyze", "--config", config("window: 2s")]) == 2
    error = capsys.readouterr().err
    assert "The following arguments are required: FILE" in error


def test_unknown_options_are_refused_beside_print_config(capsys):
    assert main(["demo", "--print-config", "--sed", "1"]) == 2
    assert "--sed 1" in capsys.readouterr().err
