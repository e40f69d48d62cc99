"""The benchmark as a command, and its simulated tasks."""

import inspect
import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import ORACLE_METHODS
from tavrnn_ephys.evaluation import TaskGraphs
from tavrnn_ephys.methods import UASE, choose_methods
from tavrnn_ephys.studies.benchmark import (
    SCENARIOS,
    FileSource,
    SimulatedSource,
    benchmark,
    benchmark_simulated,
)
from tests.evaluation.test_rules import synchrony_task

QUICK = ["--simulated", "--scenarios", "drift", "--methods", "uase", "--seeds", "2"]


def test_simulated_benchmark_writes_its_table_and_goes_on_where_it_stopped(tmp_path, capsys):
    out = tmp_path / "bench"
    assert main(["benchmark", *QUICK, "--out", str(out)]) == 0
    said = capsys.readouterr()
    assert "drift: 2 methods" in said.out
    assert said.err == ""  # Progress is for terminals.
    assert {path.name for path in out.iterdir()} == {
        "benchmark.csv", "benchmark.md", "scores.png", "cost.png", "records", "settings.json",
    }  # fmt: skip
    table = pd.read_csv(out / "benchmark.csv").set_index("method")
    assert table.loc["uase", "score"] > 0.2 > 0.05 > table.loc["uase", "shuffled"]
    assert table.loc["rates", "score"] < 0.05
    record = out / "records/drift__network1__uase__seed1.json"
    kept = out / "records/drift__network0__uase__seed0.json"
    before, stamp = record.read_text(), kept.stat().st_mtime_ns
    record.unlink()
    assert main(["benchmark", *QUICK, "--out", str(out)]) == 0
    again = json.loads(record.read_text())
    assert {**again, "seconds": 0, "peak_mb": 0} == {
        **json.loads(before), "seconds": 0, "peak_mb": 0,
    }  # fmt: skip
    assert kept.stat().st_mtime_ns == stamp
    capsys.readouterr()
    assert main(["benchmark", *QUICK, "--out", str(out), "--steps", "7"]) == 2
    assert "other settings (--steps: 100 there, 7 here)" in capsys.readouterr().err
    assert kept.stat().st_mtime_ns == stamp


def test_simulated_cultures_give_directed_graphs_unless_another_measure_is_named(tmp_path, capsys):
    one = ["--simulated", "--scenarios", "drift", "--methods", "uase_gated", "--seeds", "1"]
    found = {}
    for out, named in (("default", []), ("pearson", ["--measure", "pearson"])):
        assert main(["benchmark", *one, *named, "--out", str(tmp_path / out)]) == 0
        said = capsys.readouterr().out
        assert said.startswith(f"Graphs: {named[1] if named else 'lagged_correlation'}.")
        found[out] = pd.read_csv(tmp_path / out / "benchmark.csv").set_index("method")
    assert found["default"].loc["uase_gated", "score"] > found["pearson"].loc["uase_gated", "score"]
    # A folder of a former release, whose settings do not name correlations, goes on.
    settings = tmp_path / "pearson/settings.json"
    about = json.loads(settings.read_text())
    assert about["settings"].pop("measure") == "pearson"
    settings.write_text(json.dumps(about))
    again = ["benchmark", *one, "--out", str(tmp_path / "pearson")]
    assert main(again) == 2
    assert "(measure: pearson there, lagged_correlation here)" in capsys.readouterr().err
    assert main([*again, "--measure", "pearson"]) == 0


def test_an_oracle_stands_beside_all_methods_of_simulated_cultures_and_takes_no_part_in_tests(
    tmp_path,
):
    assert set(ORACLE_METHODS) <= set(choose_methods("all", oracles=True))
    assert not set(ORACLE_METHODS) & set(choose_methods("all"))
    out, options = tmp_path / "bench", {"n_seeds": 2, "scenarios": ("switching",), "n_shifts": 19}
    alone = benchmark_simulated(choose_methods("uase"), out, **options).table
    both = benchmark_simulated(choose_methods("uase,oracle_filtered"), out, **options).table
    beside = both.set_index("method").loc["oracle_filtered"]
    assert beside["score"] > 0.95 > alone["score"].max()
    assert np.isfinite([beside["low"], beside["with_rates"]]).all()
    assert not np.isfinite(beside[["shuffled", "p_value", "p_holm", "p_max"]].astype(float)).any()
    rest = both[both["method"] != "oracle_filtered"].reset_index(drop=True)
    pd.testing.assert_frame_equal(rest, alone)


def test_recording_is_benchmarked_by_epoch_and_by_signal(tmp_path, capsys):
    block = te.simulate_culture(n_nodes=20, duration=40 * pq.s, dwell=5 * pq.s, seed=1)
    file = te.write_nwb(block, tmp_path / "culture.nwb")
    common = ["--bin-size", "10ms", "--window", "2s", "--step", "1s", "--methods", "uase",
              "--folds", "3"]  # fmt: skip
    for behavior, n_seeds, kind in (
        ("state", 1, "classification"),
        ("performance", 2, "regression"),
    ):
        out = tmp_path / behavior
        arguments = ["benchmark", str(file), "--behavior", behavior, "--out", str(out)]
        assert main([*arguments, *common, "--seeds", str(n_seeds)]) == 0
        table = pd.read_csv(out / "benchmark.csv")
        assert set(table["method"]) == {"rates", "uase"}
        assert set(table["kind"]) == {kind}
        assert set(table["n_seeds"]) == {n_seeds}
    capsys.readouterr()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--simulated", "x.nwb"], "either a recording or --simulated"),
        ([], "either a recording or --simulated"),
        (["x.nwb"], "--behavior is needed"),
        (["--simulated", "--methods", "magic"], "no method 'magic'"),
        (["--simulated", "--scenarios", "chaos"], "scenario"),
        (["--simulated", "--seeds", "0"], "--seeds must"),
        (["--simulated", "--n-jobs", "0"], "--n-jobs must"),
    ],
)
def test_bad_request_gets_one_sentence(tmp_path, capsys, arguments, message):
    assert main(["benchmark", *arguments, "--out", str(tmp_path / "out")]) == 2
    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert said.startswith("tavrnn-ephys: ")
    assert message in said


def test_unknown_behaviour_names_those_there_are(tmp_path):
    block = te.simulate_culture(n_nodes=20, duration=30 * pq.s, seed=1)
    file = te.write_nwb(block, tmp_path / "culture.nwb")
    durations = {"bin_size_s": 0.01, "window_length_s": 2.0, "step_s": 1.0}
    with pytest.raises(InputError, match="no behaviour 'speed'; it has 'performance', 'state'"):
        FileSource(path=str(file), behavior="speed", **durations).load()
    with pytest.raises(InputError, match="segment_index 4 does not exist"):
        FileSource(path=str(file), behavior="state", segment_index=4, **durations).load()
    halves = FileSource(path=str(file), behavior="performance", n_classes=2, **durations).load()
    assert halves.kind == "classification"
    assert abs(np.mean(halves.behavior == "class 1") - 0.5) < 0.05
    with pytest.raises(InputError, match="n_classes"):
        FileSource(path=str(file), behavior="state", n_classes=1, **durations)


def test_ones_own_method_stands_beside_rates(tmp_path):
    from tavrnn_ephys.methods import Rates

    methods = {"mine": lambda seed: UASE(latent_size=2), "rates": lambda seed: Rates()}
    report = benchmark([(synchrony_task(), 0)], methods, tmp_path / "own", n_shifts=9)
    assert report.table.set_index("method").loc["mine", "score"] > 0.9
    assert "mine" in str(report)
    with pytest.raises(InputError, match="add the method 'rates'"):
        benchmark([(synchrony_task(), 0)], {"mine": methods["mine"]}, tmp_path / "own")


OWN_SCRIPT = """
import tavrnn_ephys as te
from tavrnn_ephys.methods import Rates
from tavrnn_ephys.studies.benchmark import SimulatedSource, benchmark


class Mine(Rates):
    def fit(self, graphs, y=None):
        assert all(isinstance(item, te.GraphSequence) for item in graphs)
        return super().fit(graphs, y)


tasks = [(SimulatedSource(name="switching", seed=0), 0)]
methods = {"rates": lambda seed: Rates(), "mine": lambda seed: Mine()}
report = benchmark(tasks, methods, "own", n_shifts=3, n_jobs=2)
assert (report.table["error"] == "").all(), report.table["error"]
"""


def test_methods_of_a_script_run_in_several_processes(tmp_path):
    (tmp_path / "script.py").write_text(OWN_SCRIPT)
    command = [sys.executable, "script.py"]
    ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


def test_a_method_that_cannot_travel_is_named(tmp_path):
    from tavrnn_ephys.methods import Rates

    file = (tmp_path / "open.txt").open("w")
    methods = {"rates": lambda seed: Rates(), "mine": lambda seed: file and Rates()}
    with file, pytest.raises(InputError, match=r"cannot be sent to another process.*n_jobs=1"):
        benchmark([(synchrony_task(), 0)], methods, tmp_path / "own", n_shifts=3, n_jobs=2)


def test_methods_are_compared_with_the_one_that_is_named(tmp_path):
    from tavrnn_ephys.methods import Rates

    methods = {"mine": lambda seed: UASE(latent_size=2), "rates": lambda seed: Rates()}
    task, out = [(synchrony_task(), 0)], tmp_path / "own"
    report = benchmark(task, methods, out, reference="mine", n_shifts=9)
    assert report.table.set_index("method").loc["rates", "minus_reference"] < 0
    assert "minus mine [95 %]" in (out / "benchmark.md").read_text()
    with pytest.raises(InputError, match=r"reference 'theirs' takes no part.*'mine', 'rates'"):
        benchmark(task, methods, out, reference="theirs")


@pytest.mark.parametrize("name", SCENARIOS)
def test_simulated_tasks_have_equal_rates_and_known_coupling(name):
    task = SimulatedSource(name=name, seed=3).load()
    assert task.coupled.shape == (len(task.windows), 40, 40)
    changing = task.coupled.any(axis=0) & ~task.coupled.all(axis=0)
    assert changing.sum() > 100
    values = task.activity.values.astype(float)
    per_window = values.reshape(40, len(task.windows), -1).mean(axis=2)
    numbers = np.unique(task.behavior, return_inverse=True)[1]
    high = numbers > np.median(numbers) if task.kind == "regression" else numbers == 1
    difference = per_window[:, high].mean(axis=1) - per_window[:, ~high].mean(axis=1)
    error = per_window.std(axis=1) * np.sqrt(1 / high.sum() + 1 / (~high).sum())
    # No node's rate tells the state: differences are as large as their standard error.
    assert np.sqrt(np.mean((difference / error) ** 2)) < 1.6


def test_recognition_asks_for_six_states_from_the_labels_of_forty_windows():
    task = SimulatedSource(name="recognition", seed=3, with_truth=True).load()
    assert task.labelled == 30
    assert len(np.unique(task.behavior)) == 6
    assert {f"oracle_window_{state}" for state in range(6)} <= set(task.windows.columns)
    for fold in TaskGraphs(task).folds:
        assert len(np.unique(task.behavior[fold.train[:40]])) >= 5
        assert len(fold.train) >= 100
    returning = SimulatedSource(name="returning", seed=3).load()
    assert returning.labelled is None
    # The same network drives its units more.
    assert len(returning.windows) == len(task.windows)
    assert not np.array_equal(returning.activity.values, task.activity.values)


def test_recognition_is_among_the_simulations_of_the_command_and_not_of_the_function(
    tmp_path, capsys
):
    out = tmp_path / "bench"
    one = ["--simulated", "--scenarios", "recognition", "--methods", "rates", "--seeds", "1"]
    assert main(["benchmark", *one, "--out", str(out)]) == 0
    assert "recognition: 1 methods" in capsys.readouterr().out
    scenarios = inspect.signature(benchmark_simulated).parameters["scenarios"].default
    assert set(SCENARIOS) - set(scenarios) == {"returning", "recognition"}


def test_more_methods_can_join_later(tmp_path):
    out = tmp_path / "bench"
    options = {"n_seeds": 1, "scenarios": ("drift",), "n_shifts": 9}
    benchmark_simulated(choose_methods("degree"), out, **options)
    report = benchmark_simulated(choose_methods("degree,uase"), out, **options)
    assert set(report.table["method"]) == {"rates", "degree", "uase"}
