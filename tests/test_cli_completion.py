"""Completion in shells: the printed script, in a real shell."""

import argparse
import shutil
import subprocess
import sys

import pytest

from tavrnn_ephys.cli import build_parser, main

COMPLETE = """
source "$1"; shift
COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMP_LINE="$*"; COMP_POINT=${#COMP_LINE}
_shtab_tavrnn_ephys 2>&1
printf '%s\\n' "${COMPREPLY[@]}"
"""


@pytest.fixture(scope="module")
def script(tmp_path_factory):
    path = tmp_path_factory.mktemp("completion") / "tavrnn-ephys.bash"
    command = [sys.executable, "-m", "tavrnn_ephys.cli", "--print-completion", "bash"]
    path.write_text(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    return path


@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
@pytest.mark.parametrize(
    ("words", "offered"),
    [
        (["an"], {"analyze"}),
        (["re"], {"report", "reproduce"}),
        (["analyze", "--bin"], {"--bin-size"}),
        (["analyze", "--measure", "s"], {"spearman", "spike_time_tiling_coefficient"}),
        (["analyze", "--connectivity", "f"], {"full"}),
        (["inspect", "--adapter", "ma"], {"mat", "maxwell"}),
        (["benchmark", "--scenarios", "d"], {"drift"}),
        (["--print-completion", ""], {"bash", "zsh", "tcsh"}),
        (["inspect", "cul"], {"culture.nwb", "cultures"}),
        (["convert", "x.h5", "--metadata", "mo"], {"mouse.yaml"}),
        (["demo", "--out", "cul"], {"cultures"}),
        (["inspect", "--config", "mo"], {"mouse.yaml"}),
    ],
)
def test_bash_completes(script, tmp_path, words, offered):
    (tmp_path / "culture.nwb").touch()
    (tmp_path / "mouse.yaml").touch()
    (tmp_path / "cultures").mkdir()
    done = subprocess.run(
        ["bash", "--norc", "-c", COMPLETE, "bash", script, "tavrnn-ephys", *words],
        capture_output=True, text=True, check=True, cwd=tmp_path,
    )  # fmt: skip
    assert {line.rstrip("/ ") for line in done.stdout.splitlines()} == offered


@pytest.mark.parametrize("shell", ["bash", "zsh", "tcsh"])
def test_script_names_every_command(shell, capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--print-completion", shell])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    for name in ("demo", "analyze", "runs", "report", "reproduce", "inspect", "convert", "compare"):
        assert name in printed
    found = shutil.which(shell)
    if found is not None:
        flag = "-n"
        subprocess.run([found, flag], input=printed, text=True, check=True)


def test_unknown_shell_is_refused(capsys):
    assert main(["--print-completion", "elvish"]) == 2
    assert "'bash', 'zsh', 'tcsh'" in capsys.readouterr().err


def _offered(command, option):
    commands = next(
        action for action in build_parser()._actions
        if isinstance(action, argparse._SubParsersAction)
    )  # fmt: skip
    actions = commands.choices[command]._actions
    return tuple(next(action for action in actions if option in action.option_strings).suggested())


def test_what_a_shell_offers_is_what_there_is():
    from tavrnn_ephys.connectivity import measures
    from tavrnn_ephys.core import names, runs
    from tavrnn_ephys.methods.registry import ORACLES, list_methods
    from tavrnn_ephys.methods.tavrnn.nn.options import PROFILES
    from tavrnn_ephys.studies.benchmark import SCENARIOS

    assert set(_offered("analyze", "--measure")) == set(measures.MEASURES)
    methods = (*list_methods(), *ORACLES)
    assert _offered("benchmark", "--methods") == ("all", *methods)
    assert _offered("benchmark", "--scenarios") == tuple(SCENARIOS)
    assert _offered("analyze", "--connectivity") == runs.FORMS
    assert _offered("analyze", "--profile") == tuple(PROFILES)
    assert set(_offered("benchmark", "--behavior-how")) == {
        how for kind in names.BEHAVIOR_HOW.values() for how in kind
    } | {"auto"}


def test_choices_of_completion_bind_nobody():
    # Methods of other packages, and what a message of the pipeline explains better.
    options = build_parser().parse_args(["benchmark", "--out", "x", "--methods", "uase,tavrnn"])
    assert options.methods == "uase,tavrnn"
