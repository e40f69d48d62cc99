"""The command line on good and on bad input."""

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import h5py
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.durations import parse_duration_s
from tavrnn_ephys.core.errors import InputError

DATE = "2024-05-01T10:00"


def sha256(path):
    return hashlib.sha256(Path(path).read_bytes()).hexdigest()


def dated(block):
    import datetime

    block.rec_datetime = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    return block


@pytest.fixture(scope="module")
def small_culture(tmp_path_factory):
    path = tmp_path_factory.mktemp("culture") / "culture.nwb"
    block = te.simulate_culture(n_nodes=20, duration=40 * pq.s, seed=1)
    return te.write_nwb(block, path)


def options_of(**changes):
    values = {"bin_size": "20ms", "window": "4s", "step": "2s", "training_epochs": "2"} | changes
    return [
        text for name, value in values.items() for text in (f"--{name.replace('_', '-')}", value)
    ]


def analyze(source, out, *extra, **changes):
    return main(["analyze", str(source), "--out", str(out), *options_of(**changes), *extra])


# ---- good input --------------------------------------------------------------


def test_analyze_writes_results_figures_and_leaves_the_source(small_culture, tmp_path, capsys):
    before = sha256(small_culture)
    out = tmp_path / "out.nwb"
    assert analyze(small_culture, out, "--figures", str(tmp_path / "figures")) == 0
    embedding = te.read_results(out)
    assert embedding.mean.shape == (19, 20, 16)
    assert embedding.config["analysis.bin_size_s"] == 0.02
    assert embedding.config["analysis.step_s"] == 2.0
    assert "performance" in embedding.windows.columns
    assert sha256(small_culture) == before
    for png in (tmp_path / "figures").iterdir():
        assert png.read_bytes().startswith(b"\x89PNG")
    assert "NodeEmbedding: 19 windows x 20 channels x 16" in capsys.readouterr().out
    assert {path.name for path in tmp_path.iterdir()} == {"out.nwb", "figures"}


def test_equal_seeds_write_equal_results(small_culture, tmp_path):
    for name in ("a.nwb", "b.nwb"):
        assert analyze(small_culture, tmp_path / name) == 0
    assert te.read_results(tmp_path / "a.nwb") == te.read_results(tmp_path / "b.nwb")


@pytest.mark.parametrize(
    ("measure", "option", "value"),
    [
        ("cross_correlation", "max_lag", "40.0 ms"),
        ("spike_time_tiling_coefficient", "dt", "25.0 ms"),
    ],
)
def test_parameter_of_a_measure_is_passed_on_and_saved(
    small_culture, tmp_path, measure, option, value
):
    out = tmp_path / "out.nwb"
    extra = ["--measure-option", f"{option}={value.replace(' ', '')}"]
    assert analyze(small_culture, out, *extra, measure=measure, threshold="0.1") == 0
    config = te.read_results(out).config
    assert config["analysis.measure"] == measure
    assert config[f"analysis.measure_options.{option}"] == value


def test_inspect_summarises_a_culture(small_culture, capsys):
    assert main(["inspect", str(small_culture)]) == 0
    printed = capsys.readouterr().out
    for text in ("20 channels with spike trains", "40 s", "'performance'", "sensory (11)", "nwb"):
        assert text in printed


def test_other_formats_are_converted_into_the_copy(recordings, tmp_path, capsys):
    source = recordings / "hipsc-mea/hiPSN_tc65_d21_spikes6sd.h5"
    before, out = sha256(source), tmp_path / "out.nwb"
    arguments = {"bin_size": "50ms", "window": "1min", "step": "30s"}
    assert analyze(source, out, "--session-start", DATE, **arguments) == 0
    assert te.read_results(out).mean.shape[:2] == (9, 22)
    assert sum(map(len, te.read(out).segments[0].spiketrains)) == 18845
    assert sha256(source) == before
    assert "1970" not in capsys.readouterr().err


def test_unknown_date_of_a_recording_is_told(recordings, tmp_path, capsys):
    source = recordings / "hipsc-mea/hiPSN_tc65_d21_spikes6sd.h5"
    arguments = {"bin_size": "50ms", "window": "1min", "step": "1min"}
    assert analyze(source, tmp_path / "out.nwb", **arguments) == 0
    assert "--session-start" in capsys.readouterr().err


def test_rat_recording_runs_through_and_passes_the_inspector(recordings, tmp_path):
    from nwbinspector import inspect_nwbfile

    data = np.load(recordings / "rat-hippocampus-hc11/achilles.npz")
    block = te.block_from_arrays(
        counts=data["x"].T.astype(int), bin_size=25 * pq.ms,
        behavior={"position": data["b"][:, 0] * pq.m}, name="achilles",
    )  # fmt: skip
    source = te.write_nwb(dated(block), tmp_path / "achilles.nwb")
    before, out = sha256(source), tmp_path / "out.nwb"
    arguments = {"bin_size": "25ms", "window": "4s", "step": "2s"}
    assert analyze(source, out, **arguments) == 0
    assert sha256(source) == before

    def messages(path):
        return {
            (item.check_function_name, item.location) for item in inspect_nwbfile(nwbfile_path=path)
        }

    assert messages(out) <= messages(source)
    embedding = te.read_results(out)
    assert embedding.mean.shape == (126, 120, 16)
    expected = data["b"][:160, 0].mean()
    assert embedding.windows.columns["position"][0] == pytest.approx(expected, rel=1e-6)


def test_calcium_recording_runs_through(recordings, tmp_path):
    source = recordings / "formats/nwb/nwb_test.nwb"
    before, out = sha256(source), tmp_path / "out.nwb"
    every = ("--option", "quality=all")
    assert analyze(source, out, *every, bin_size="200ms", window="5s", step="1s") == 0
    embedding = te.read_results(out)
    assert embedding.mean.shape[:2] == (21, 15)
    assert embedding.node_kind == "roi"
    assert sha256(source) == before


def test_help_names_every_command(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--help"])
    assert stop.value.code == 0
    printed = capsys.readouterr().out
    assert all(name in printed for name in ("demo", "analyze", "inspect"))


# ---- bad input ---------------------------------------------------------------


@pytest.fixture
def bad(tmp_path, small_culture):
    """A folder with one broken file of each kind."""
    (tmp_path / "text.nwb").write_text("These are notes, not data.\n")
    shutil.copy(small_culture, tmp_path / "good.nwb")
    whole = Path(small_culture).read_bytes()
    (tmp_path / "half.nwb").write_bytes(whole[: len(whole) // 2])
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = [1, 2, 3]
    (tmp_path / "notes.txt").write_text("nothing")
    return tmp_path


def refused(capsys, folder, arguments):
    """Run, and demand status 2, one sentence, and an unchanged folder."""
    before = {path: sha256(path) for path in folder.rglob("*") if path.is_file()}
    status = main([str(item) for item in arguments])
    captured = capsys.readouterr()
    after = {path: sha256(path) for path in folder.rglob("*") if path.is_file()}
    assert status == 2
    assert captured.out == ""
    assert captured.err.startswith("tavrnn-ephys: ")
    assert captured.err.count("\n") == 1
    assert "Traceback" not in captured.err
    assert "usage" not in captured.err
    assert after == before
    return captured.err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("missing.nwb", "There is no file"),
        ("text.nwb", "'text.nwb' is not an NWB file"),
        ("half.nwb", "truncated"),
        ("notes.txt", "No adapter reads 'notes.txt'"),
        ("other.h5", "'other.h5' lacks"),
        (".", "is not a file"),
    ],
)
@pytest.mark.parametrize("command", ["inspect", "analyze"])
def test_unreadable_file_is_refused(bad, capsys, command, name, message):
    arguments = [command, bad / name]
    if command == "analyze":
        arguments += ["--out", bad / "out.nwb", *options_of()]
    assert message in refused(capsys, bad, arguments)


def test_nwb_without_nodes_is_refused(bad, capsys, recordings):
    source = recordings / "formats/nwb/2.1.0_nwbfile_with_extension.nwb"
    arguments = ["analyze", source, "--out", bad / "out.nwb", *options_of()]
    assert "neither spike trains nor traces of nodes" in refused(capsys, bad, arguments)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"window": "2min"}, "--window of 120 s exceeds the recording, which lasts 40 s"),
        ({"bin_size": "30ms"}, "--window must be a whole number of 0.03 s bins, got 4 s"),
        ({"step": "2.01s"}, "step must be a whole number of 0.02 s bins"),
        ({"window": "40s"}, "One window of 40 s is no sequence"),
        ({"bin_size": "50mins"}, "unknown unit of time 'mins'"),
        ({"bin_size": "50"}, "lacks a unit of time"),
        ({"bin_size": "fifty"}, "is not a duration"),
        ({"bin_size": "0ms"}, "must be positive"),
        ({"measure": "pearsn"}, "measure must be one of 'pearson'"),
        ({"measure": "cross_correlation"}, "--measure-option max_lag=50ms"),
        ({"measure_option": "max_lag=50ms"}, "measure 'pearson' has no option 'max_lag'"),
        ({"measure_option": "max_lag"}, "'max_lag' is no option. Write NAME=VALUE, such as max"),
        ({"measure_option": "binary=true"}, "--measure-option cannot set 'binary'"),
        ({"measure": "cross_correlation", "measure_option": "max_lag=50"}, "max_lag"),
        ({"measure": "cross_correlation", "measure_option": "max_lag=50Hz"}, "max_lag"),
        ({"measure": "cross_correlation", "measure_option": "max_lag=5ms,6ms"}, "max_lag"),
        ({"measure": "cross_correlation", "measure_option": "max_lag=9ms"}, "whole number of 0.02"),
        ({"measure": "cross_correlation", "measure_option": "max_lag=9s"}, "shorter than the wind"),
        ({"measure": "partial", "measure_option": "shrinkage=much"}, "shrinkage"),
        ({"profile": "papr"}, "profile must be one of"),
        ({"profile": "default"}, "It is called 'recurrent' now."),
        ({"model_option": "kl_weight=0.1"}, "does not read kl_weight. Leave it out, or take prof"),
        ({"threshold": "-1"}, "threshold must be a number of at least 0"),
        ({"threshold": "2"}, "leaves no edge in any window"),
        ({"threshold": "high"}, "'high' is not a number"),
        ({"seed": "99999999999999999999"}, "seed must be a whole number"),
        ({"seed": "-1"}, "seed must be a whole number of at least 0"),
        ({"bin_size": "1e-9us"}, "more than can be counted"),
        ({"session_start": "2024-05-01"}, "knows its start"),
        ({"training_epochs": "0"}, "--training-epochs must be a whole number of at least 1"),
        ({"training_epochs": "many"}, "'many' is not a whole number"),
        ({"adapter": "abacus"}, "no adapter 'abacus'"),
    ],
)
def test_unsuitable_option_is_refused(bad, capsys, changes, message):
    arguments = ["analyze", bad / "good.nwb", "--out", bad / "out.nwb", *options_of(**changes)]
    assert message in refused(capsys, bad, arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ["analyze", "x.nwb", "--no-such-option"],
        ["demo"],
        ["no-such-command"],
        [],
        ["demo", "--ou", "x"],
    ],
)
def test_unknown_option_is_refused_in_one_line(bad, capsys, arguments):
    assert "--help" in refused(capsys, bad, arguments)


def test_existing_output_is_refused_and_replaced_on_request(bad, capsys):
    (bad / "out.nwb").write_text("precious")
    arguments = ["analyze", bad / "good.nwb", "--out", bad / "out.nwb", *options_of()]
    assert "--overwrite" in refused(capsys, bad, arguments)
    assert main([*map(str, arguments), "--overwrite"]) == 0
    assert te.read_results(bad / "out.nwb").n_nodes == 20


def test_existing_figures_are_refused_before_any_work(bad, capsys):
    (bad / "attention.png").write_text("precious")
    arguments = ["analyze", bad / "good.nwb", "--out", bad / "out.nwb", *options_of()]
    assert "attention.png" in refused(capsys, bad, [*arguments, "--figures", bad])


def test_output_of_another_ending_is_refused(bad, capsys):
    # A figure of that name would replace the results.
    for name in ("raster.png", "out"):
        arguments = ["analyze", bad / "good.nwb", "--out", bad / name, *options_of()]
        assert "must end in '.nwb'" in refused(capsys, bad, [*arguments, "--figures", bad])


def test_source_with_results_is_refused_before_any_work(bad, capsys):
    arguments = ["analyze", bad / "good.nwb", "--out", bad / "out.nwb", *options_of()]
    assert main([str(item) for item in arguments]) == 0
    capsys.readouterr()
    again = ["analyze", bad / "out.nwb", "--out", bad / "again.nwb", *options_of(window="10h")]
    assert "already holds a run 'default'" in refused(capsys, bad, again)


def test_unused_folder_is_not_made(bad, capsys):
    figures = bad / "new" / "deep"
    arguments = ["analyze", bad / "good.nwb", "--out", bad / "out.nwb", "--figures", figures]
    assert "exceeds the recording" in refused(capsys, bad, [*arguments, *options_of(window="10h")])
    assert not (bad / "new").exists()


def test_figures_in_a_file_are_refused(bad, capsys):
    arguments = ["analyze", bad / "good.nwb", "--out", bad / "out.nwb", *options_of()]
    figures = bad / "notes.txt" / "figures"
    assert "is a file" in refused(capsys, bad, [*arguments, "--figures", figures])


def test_results_of_another_recording_are_refused(bad, small_culture):
    embedding_of = te.simulate_culture(n_nodes=20, duration=40 * pq.s, seed=2)
    for index, train in enumerate(embedding_of.segments[0].spiketrains):
        train.annotations["node_id"] = f"other{index}"
    te.write_nwb(embedding_of, bad / "other.nwb")
    assert analyze(small_culture, bad / "mine.nwb") == 0
    embedding = te.read_results(bad / "mine.nwb")
    with pytest.raises(InputError, match="row 0 of its table 'units' is 'other0'"):
        te.write_results(bad / "other.nwb", embedding, out=bad / "mixed.nwb")
    assert not (bad / "mixed.nwb").exists()


@pytest.mark.parametrize(
    ("error", "code"), [(ValueError("odd"), 3), (MemoryError(), 2), (KeyboardInterrupt(), 130)]
)
def test_whatever_goes_wrong_is_one_sentence(bad, capsys, monkeypatch, error, code):
    import tavrnn_ephys.studies.inspection

    def fail(*args, **kwargs):
        raise error

    monkeypatch.setattr(tavrnn_ephys.studies.inspection, "inspect_file", fail)
    status = main(["inspect", str(bad / "good.nwb")])
    captured = capsys.readouterr()
    assert status == code
    assert captured.err.count("\n") == 1


def test_termination_leaves_nothing(bad):
    import signal
    import time

    command = [sys.executable, "-m", "tavrnn_ephys.cli", "analyze", bad / "good.nwb", "--out",
               bad / "out.nwb", *options_of(training_epochs="100000")]  # fmt: skip
    process = subprocess.Popen([str(item) for item in command], stderr=subprocess.PIPE, text=True)
    time.sleep(8)
    before = {path.name for path in bad.iterdir()}
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "Stopped on request" in said
    assert {path.name for path in bad.iterdir()} == before - {"out.nwb"}


# Imports run source text, and a plain KeyboardInterrupt out of that ends Python by the signal;
# what is raised in a finalizer is dropped.
STOPPED = """
import os, signal, sys, time
import tavrnn_ephys.studies.inspection
from tavrnn_ephys.cli import main

# A parent that ignores the signal, as a job in the background does, hands that on.
signal.signal(signal.{name}, signal.default_int_handler)

def stop():
    os.kill(os.getpid(), signal.{name})

class Finalizer:
    def __del__(self):
        stop()

def inspect_file(*_, **__):
    {where}
    for _ in range(200):
        time.sleep(0.1)

tavrnn_ephys.studies.inspection.inspect_file = inspect_file
sys.exit(main(["inspect", "good.nwb"]))
"""


@pytest.mark.parametrize("where", ["stop()", "exec('stop()')", "Finalizer()"])
@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT"])
def test_a_signal_ends_with_the_same_status_wherever_it_arrives(bad, name, where):
    (bad / "stopped.py").write_text(STOPPED.format(name=name, where=where))
    command = [sys.executable, "-m", "stopped"]
    ended = subprocess.run(command, cwd=bad, capture_output=True, text=True)
    assert ended.returncode == 130
    assert ended.stderr.count("\n") == 1
    assert "Stopped on request" in ended.stderr


def test_output_that_is_the_input_is_refused(bad, capsys):
    arguments = ["analyze", bad / "good.nwb", "--out", bad / "good.nwb", *options_of()]
    for extra in ([], ["--overwrite"]):
        assert "is the input itself" in refused(capsys, bad, [*arguments, *extra])


def test_output_in_a_missing_folder_is_refused(bad, capsys):
    out = bad / "none" / "out.nwb"
    arguments = ["analyze", bad / "good.nwb", "--out", out, *options_of()]
    assert "does not exist" in refused(capsys, bad, arguments)


def test_output_that_is_not_writable_is_refused(bad, capsys, monkeypatch):
    folder = bad / "locked"
    folder.mkdir()
    folder.chmod(0o555)
    arguments = ["analyze", bad / "good.nwb", "--out", folder / "out.nwb", *options_of()]
    if os.access(folder, os.W_OK):
        # The superuser writes everywhere: let the system refuse in its place.
        import tempfile

        def refuse(*args, **kwargs):
            raise PermissionError(13, "Permission denied")

        monkeypatch.setattr(tempfile, "TemporaryFile", refuse)
    assert "is not writable" in refused(capsys, bad, arguments)
    folder.chmod(0o755)


def test_nan_in_traces_is_refused(bad, capsys):
    traces = np.random.default_rng(0).normal(size=(4, 400))
    traces[2, 100] = np.nan
    block = te.block_from_arrays(traces=traces, sampling_rate=10 * pq.Hz)
    te.write_nwb(dated(block), bad / "traces.nwb")
    arguments = ["analyze", bad / "traces.nwb", "--out", bad / "out.nwb"]
    options = options_of(bin_size="100ms", window="4s", step="2s")
    assert "1 NaN or infinite samples ('2')" in refused(capsys, bad, [*arguments, *options])


def test_all_silent_units_are_refused(bad, capsys):
    block = te.block_from_arrays(spike_times=[[], []], t_stop=40 * pq.s)
    te.write_nwb(dated(block), bad / "silent.nwb")
    arguments = ["analyze", bad / "silent.nwb", "--out", bad / "out.nwb", *options_of()]
    assert "All 2 units are silent" in refused(capsys, bad, arguments)


def test_bad_session_start_is_refused(bad, capsys, recordings):
    source = recordings / "hipsc-mea/hiPSN_tc65_d21_spikes6sd.h5"
    arguments = ["analyze", source, "--out", bad / "out.nwb", *options_of()]
    assert "is not a date" in refused(capsys, bad, [*arguments, "--session-start", "yesterday"])


def test_demo_in_a_used_folder_is_refused(bad, capsys):
    (bad / "culture.nwb").write_text("precious")
    assert "--overwrite" in refused(capsys, bad, ["demo", "--out", bad])


def test_installed_command_answers_with_status_2(tmp_path):
    command = [sys.executable, "-m", "tavrnn_ephys.cli", "inspect", "none.nwb"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert done.returncode == 2
    assert done.stderr == "tavrnn-ephys: There is no file 'none.nwb'. Check the path.\n"


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("50ms", 0.05), ("2 min", 120.0), ("1.5h", 5400.0), ("1e3us", 0.001), ("25µs", 2.5e-5)],
)
def test_duration_is_read(text, seconds):
    assert parse_duration_s(text) == seconds


@pytest.mark.parametrize("text", ["", "ms", "5 s s", "-5ms", "5m", "nan s", "1e400s"])
def test_duration_that_is_none_is_refused(text):
    with pytest.raises(InputError, match="duration"):
        parse_duration_s(text)
