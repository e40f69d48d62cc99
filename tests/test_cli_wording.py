"""Messages of the library speak of options, where a command was typed."""

import dataclasses

import pytest

from tavrnn_ephys.cli import main
from tavrnn_ephys.cli.program import build_parser
from tavrnn_ephys.cli.wording import OPTIONS, as_options
from tavrnn_ephys.core.spec import BehaviorSpec, GraphSpec, SelectionSpec, StateSpec, WindowSpec


def options_of(command):
    (commands,) = (a for a in build_parser()._actions if hasattr(a, "choices") and a.choices and
                   "analyze" in a.choices)  # fmt: skip
    actions = commands.choices[command]._actions
    return {text for action in actions for text in action.option_strings}


def test_every_option_that_is_named_exists():
    known = options_of("analyze") | options_of("benchmark") | options_of("compare")
    assert set(OPTIONS.values()) <= known


def test_no_parameter_of_a_specification_is_without_its_option():
    plain = {"name", "groups", "nodes", "exclude", "features", "density", "threshold", "surrogates",
             "how", "period", "intervals", "around", "method", "seed"}  # fmt: skip
    for spec in (WindowSpec, SelectionSpec, GraphSpec, StateSpec, BehaviorSpec):
        for item in dataclasses.fields(spec):
            assert item.name in OPTIONS or item.name in plain, item.name


@pytest.mark.parametrize(
    ("sentence", "said"),
    [
        ("t_start_s must lie before t_stop_s.", "--from must lie before --to."),
        ("Write segment_index=1, or --segment 1.", "Write segment_index=1, or --segment 1."),
        ("Leave it out: min_rate_hz.", "Leave it out: --min-rate."),
        ("taper must be one of 'hann'.", "--taper must be one of 'hann'."),
        ("The period must be longer.", "The period must be longer."),
        ("The column 'bin_size_s' is empty.", "The column 'bin_size_s' is empty."),
    ],
)
def test_parameters_become_options_and_nothing_else_does(sentence, said):
    assert as_options(sentence, options_of("analyze")) == said


def test_a_command_without_the_option_keeps_the_name():
    assert as_options("before_s is odd.", options_of("benchmark")) == "before_s is odd."


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--around", "cue"], "--before"),
        (["--before", "1s"], "--before"),
        (["--from", "5s", "--to", "2s"], "--from must lie before --to"),
        (["--bin-size", "0.1s", "--window", "0.25s"], "--window must be a whole number"),
        (["--surrogate-reach", "1s"], "--surrogate-reach says what chance is"),
        (["--density", "2"], "--density must lie"),
    ],
)
def test_the_command_line_speaks_of_its_own_options(tmp_path, capsys, words, said):
    recording = tmp_path / "in.nwb"
    recording.write_bytes(b"")
    assert main(["analyze", str(recording), *words]) == 2
    found = capsys.readouterr().err
    assert said in found
    assert "_s" not in found.replace("in.nwb", "")
