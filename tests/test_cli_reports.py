"""What commands say: JSON for machines, exit codes, colour, help."""

import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import build_parser, main
from tests.terminals import run_on_terminal
from tests.test_cli import dated, options_of
from tests.test_cli_config import commands

ROOT = Path(__file__).parents[1]
CLI = [sys.executable, "-m", "tavrnn_ephys.cli"]

pytestmark = pytest.mark.filterwarnings("ignore:.*differ no more coherently.*")


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    """A culture with two runs."""
    folder = tmp_path_factory.mktemp("results")
    block = te.simulate_culture(n_nodes=20, duration=30 * pq.s, seed=1)
    source = te.write_nwb(dated(block), folder / "culture.nwb")
    out = folder / "out.nwb"
    for extra in (["--out", str(out)], ["--in-place", "--run", "sparse", "--threshold", "0.1"]):
        file = out if "--in-place" in extra else source
        assert main(["analyze", str(file), *options_of(), *extra]) == 0
    return out


def said(capsys, *arguments, status=0):
    """Run with --json, and give the document, which must be all of the standard output."""
    capsys.readouterr()
    assert main([*map(str, arguments), "--json"]) == status
    document = json.loads(capsys.readouterr().out, parse_constant=pytest.fail)
    assert document["command"] == arguments[0]
    assert document["version"] == te.__version__
    assert isinstance(document["warnings"], list)
    assert documented_keys(arguments[0]) == set(document) - {"command", "version", "warnings"}
    return document


def documented_keys(command):
    """Keys of a command in the table of the documentation."""
    text = (ROOT / "docs/how_to/command_line.md").read_text()
    [row] = re.findall(rf"^\| `{command}` \|(.*)\|$", text, flags=re.MULTILINE)
    return set(re.findall(r"`(\w+)`", re.sub(r"\([^)]*\)", "", row)))


def test_inspect_reports_as_json(results, capsys):
    found = said(capsys, "inspect", results)
    assert found["adapter"] == "nwb"
    [segment] = found["segments"]
    assert (segment["t_start_s"], segment["t_stop_s"]) == (0.0, 30.0)
    [nodes] = segment["nodes"]
    assert (nodes["kind"], nodes["n_nodes"], nodes["signal"]) == ("channel", 20, None)
    assert sum(nodes["subregions"].values()) == 20
    assert "performance" in segment["behaviors"]


def test_analyze_reports_as_json(results, tmp_path, capsys):
    source = results.parent / "culture.nwb"
    out = tmp_path / "out.nwb"
    extra = ["--behavior", "performance", "--groups", "sensory,L_up"]
    found = said(capsys, "analyze", source, *options_of(step="1s"), "--out", out, *extra)
    assert (found["n_nodes"], found["n_windows"], found["node_kind"]) == (20, 27, "channel")
    assert found["config"]["bin_size_s"] == 0.02
    assert found["written"] == str(out)
    assert found["behavior"]["name"] == "performance"
    assert {"features", "score", "p_value"} <= set(found["behavior"]["decoding"][0])
    assert found["reconstruction_loss"] > 0


def test_runs_reports_as_json(results, capsys):
    assert [run["name"] for run in said(capsys, "runs", results)["runs"]] == ["default", "sparse"]
    capsys.readouterr()
    assert main(["runs", str(results), "--compare", "default", "sparse", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["names"] == ["default", "sparse"]
    assert found["options"]["analysis.threshold"] == [0.0, 0.1]
    assert "windows" in found["equal"]


def test_reproduce_reports_as_json(results, capsys):
    found = said(capsys, "reproduce", results)
    assert found["is_equal"] is True
    assert (found["run"], found["differences"]) == ("default", [])


def test_convert_reports_as_json(results, tmp_path, capsys):
    found = said(capsys, "convert", results.parent / "culture.nwb", "--out", tmp_path / "c.nwb")
    assert Path(found["written"]).is_file()


def test_compare_reports_as_json(results, tmp_path, capsys):
    other = te.simulate_culture(n_nodes=20, duration=30 * pq.s, seed=2)
    te.write_nwb(dated(other), tmp_path / "other.nwb")
    files = [results.parent / "culture.nwb", tmp_path / "other.nwb"]
    found = said(capsys, "compare", *files, "--bin-size", "50ms", "--window", "10s")
    assert [row["file"] for row in found["recordings"]] == ["culture", "other"]
    assert found["effects"] is None


def test_benchmark_reports_as_json(results, tmp_path, capsys):
    arguments = ["benchmark", results.parent / "culture.nwb", "--out", tmp_path / "b",
                 "--behavior", "performance", "--bin-size", "50ms", "--window", "2s",
                 "--step", "1s", "--methods", "degree", "--seeds", 1, "--folds", 2]  # fmt: skip
    found = said(capsys, *arguments)
    assert [row["method"] for row in found["results"]] == ["rates", "degree"]
    assert all(Path(name).is_file() for name in found["files"])


def test_demo_reports_as_json(results, tmp_path, capsys, monkeypatch):
    from types import SimpleNamespace

    import tavrnn_ephys.studies.demo as demo
    from tavrnn_ephys.evaluation import blocked_folds, decode_labels, features_in_folds

    # The whole demonstration takes a minute and is run elsewhere.
    labels = np.array(["a", "b"] * 20).repeat(3)
    features = np.random.default_rng(0).normal(size=(len(labels), 4))
    folds = blocked_folds(len(labels), gap=1)
    score = decode_labels("x", features_in_folds(features, folds), labels=labels, min_shift=5)
    whole = SimpleNamespace(
        result=SimpleNamespace(activity=SimpleNamespace(n_nodes=20), windows=range(7)),
        truth=SimpleNamespace(states=[0, 1, 0]),
        scores=(score,),
        files=(tmp_path / "demo" / "culture.nwb",),
    )
    monkeypatch.setattr(demo, "run_demo", lambda *_, **__: whole)
    found = said(capsys, "demo", "--out", tmp_path / "demo")
    assert (found["n_nodes"], found["n_windows"], found["n_switches"]) == (20, 7, 2)
    assert found["files"] == [str(tmp_path / "demo" / "culture.nwb")]
    [row] = found["scores"]
    assert row["balanced_accuracy"] == score.balanced_accuracy
    assert [row["chance_low"], row["chance_high"]] == list(score.chance_interval)


def test_an_error_leaves_the_standard_output_empty(tmp_path, capsys):
    assert main(["inspect", str(tmp_path / "none.nwb"), "--json"]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("tavrnn-ephys: There is no file")


def test_what_libraries_print_does_not_reach_the_document(results, capsys, monkeypatch):
    import tavrnn_ephys.studies.inspection as inspection

    whole = inspection.inspect_file

    def chatty(*arguments, **options):
        print("a library has something to say")
        return whole(*arguments, **options)

    monkeypatch.setattr(inspection, "inspect_file", chatty)
    assert said(capsys, "inspect", results)["adapter"] == "nwb"


def test_warnings_are_in_the_document_and_on_the_error_stream(results, capsys, monkeypatch):
    import warnings

    import tavrnn_ephys.studies.inspection as inspection
    from tavrnn_ephys.core.errors import DataLossWarning

    whole = inspection.inspect_file

    def losing(*arguments, **options):
        warnings.warn("One unit was dropped.", DataLossWarning, stacklevel=2)
        return whole(*arguments, **options)

    monkeypatch.setattr(inspection, "inspect_file", losing)
    assert main(["inspect", str(results), "--json"]) == 0
    captured = capsys.readouterr()
    assert json.loads(captured.out)["warnings"] == ["One unit was dropped."]
    assert captured.err == "tavrnn-ephys: warning: One unit was dropped.\n"


# ---- exit codes ----------------------------------------------------------------


def raising(error):
    def fail(*arguments, **options):
        raise error

    return fail


def differing(*arguments, **options):
    from tavrnn_ephys.studies.reproduction import Reproduction

    return Reproduction(run="default", equal=(), differences=("The embedding.",), reasons=())


@pytest.mark.parametrize(
    ("arguments", "replaced", "status"),
    [
        (["inspect", "out.nwb"], None, 0),
        (["--help"], None, 0),
        (["--version"], None, 0),
        (["inspect", "--help"], None, 0),
        (["inspect", "--print-config"], None, 0),
        (["--print-completion", "bash"], None, 0),
        (["reproduce", "out.nwb"], ("reproduction.reproduce_run", differing), 1),
        (["inspect", "none.nwb"], None, 2),
        (["inspect"], None, 2),
        (["inspct"], None, 2),
        (["inspect", "out.nwb", "--sed"], None, 2),
        (["inspect", "out.nwb", "--config", "none.yaml"], None, 2),
        (["inspect", "out.nwb"], ("inspection.inspect_file", raising(MemoryError())), 2),
        (
            ["inspect", "out.nwb"],
            ("inspection.inspect_file", raising(OSError(28, "Full"))),
            2,
        ),
        (
            ["inspect", "out.nwb"],
            ("inspection.inspect_file", raising(RuntimeError("odd"))),
            3,
        ),
        (
            ["inspect", "out.nwb"],
            ("inspection.inspect_file", raising(KeyboardInterrupt())),
            130,
        ),
    ],
)
def test_exit_code_is_the_documented_one(results, monkeypatch, arguments, replaced, status):
    monkeypatch.chdir(results.parent)
    if replaced is not None:
        import tavrnn_ephys.studies.inspection
        import tavrnn_ephys.studies.reproduction  # noqa: F401

        monkeypatch.setattr(f"tavrnn_ephys.studies.{replaced[0]}", replaced[1])
    try:
        found = main(arguments)
    except SystemExit as stop:
        found = stop.code
    assert found == status


def test_a_reader_that_has_read_enough_is_no_error(results):
    command = f"{shlex.join([*CLI, 'inspect', str(results)])} | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert done.stderr == ""
    assert done.stdout in ("0\n", "141\n")


@pytest.mark.parametrize("arguments", [["convert", "--help"], ["inspect", "größe.nwb"]])
def test_a_terminal_without_unicode_is_no_error(results, tmp_path, arguments):
    shutil.copy(results, tmp_path / "größe.nwb")
    done = subprocess.run(
        [*CLI, *arguments], cwd=tmp_path, env=environment_of({"PYTHONIOENCODING": "ascii"}),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    assert "\\u2026" in done.stdout or "gr\\xf6\\xdfe.nwb" in done.stdout


# ---- colour and help -----------------------------------------------------------


@pytest.mark.parametrize(
    ("environment", "coloured"),
    [
        ({}, True),
        ({"NO_COLOR": "1"}, False),
        ({"NO_COLOR": ""}, True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ({"TERM": "dumb"}, False),
    ],
)
def test_errors_are_coloured_on_terminals(tmp_path, environment, coloured):
    done = run_on_terminal(
        [*CLI, "inspect", "none.nwb"], cwd=tmp_path, env=environment_of(environment)
    )
    assert done.returncode == 2
    prefix = "\033[1;31mtavrnn-ephys:\033[0m" if coloured else "tavrnn-ephys:"
    assert done.stderr == f"{prefix} There is no file 'none.nwb'. Check the path.\r\n"


@pytest.mark.parametrize(("environment", "coloured"), [({}, False), ({"FORCE_COLOR": "1"}, True)])
def test_logs_are_coloured_only_by_force(tmp_path, environment, coloured):
    done = subprocess.run(
        [*CLI, "inspect", "none.nwb"], cwd=tmp_path, env=environment_of(environment),
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.stderr.startswith("\033[1;31m" if coloured else "tavrnn-ephys: ")


def environment_of(changes):
    import os

    kept = {k: v for k, v in os.environ.items() if k not in ("NO_COLOR", "FORCE_COLOR")}
    return {**kept, "TERM": "xterm", **changes}


@pytest.mark.parametrize("name", ["", *commands()])
def test_help_is_wrapped(name, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")
    parser = commands()[name] if name else build_parser()
    assert max(map(len, parser.format_help().splitlines())) <= 80


@pytest.mark.parametrize("name", list(commands()))
def test_help_has_examples_that_parse(name):
    text = commands()[name].format_help()
    examples = re.findall(r"^  (tavrnn-ephys (?:.*\\\n)*.*)", text, flags=re.MULTILINE)
    assert examples
    for example in examples:
        arguments = shlex.split(example.replace("\\\n", " "))[1:]
        if "--config" in arguments:
            continue
        assert build_parser().parse_args(arguments).command == name.split()[0]


def test_help_loads_nothing_heavy():
    code = (
        "import sys; from tavrnn_ephys.cli import main\n"
        "try: main(['analyze', '--help'])\n"
        "except SystemExit: pass\n"
        "print(*sys.modules, file=sys.stderr)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = {name.split(".")[0] for name in done.stderr.split()}
    assert not loaded & {"torch", "elephant", "pynwb", "neo", "numpy", "h5py", "yaml", "shtab"}
