"""Mistakes of new users, on every command: one sentence, status 2, and nothing written."""

import os
import shlex

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tests.test_cli import dated, refused

ANALYZE = "--bin-size 20ms --window 4s --step 2s --training-epochs 2"
BENCHMARK = (
    "--behavior performance --bin-size 50ms --window 2s --step 1s --seeds 1 --folds 2 "
    "--methods degree"
)
COMPARE = "--bin-size 50ms --window 10s"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Two cultures, and what is no recording."""
    place = tmp_path_factory.mktemp("mistakes")
    for seed, name in enumerate(("good.nwb", "other.nwb")):
        block = te.simulate_culture(n_nodes=20, duration=30 * pq.s, seed=seed)
        te.write_nwb(dated(block), place / name)
    for name in ("empty.nwb", "empty.csv"):
        (place / name).touch()
    (place / "notes.txt").write_text("nothing")
    (place / "folder.nwb").mkdir()
    np.save(place / "F.npy", np.random.default_rng(0).normal(size=(5, 400)))
    return place


@pytest.mark.parametrize("name", ["none.nwb", "folder.nwb", "empty.nwb", "notes.txt", "''"])
@pytest.mark.parametrize(
    "command",
    [
        "inspect {}",
        f"analyze {{}} {ANALYZE} --out x.nwb",
        f"analyze {{}} {ANALYZE} --in-place",
        "runs {}",
        "runs {} --compare a b",
        "runs {} --delete a",
        "reproduce {}",
        "convert {} --out x.nwb",
        f"benchmark {{}} {BENCHMARK} --out x",
        f"compare {{}} {COMPARE}",
        "inspect good.nwb --config {}",
        "convert good.nwb --out x.nwb --metadata {}",
    ],
)
def test_what_is_no_recording_is_refused(folder, capsys, monkeypatch, command, name):
    monkeypatch.chdir(folder)
    assert refused(capsys, folder, shlex.split(command.format(name)))


@pytest.mark.parametrize(
    ("command", "message"),
    [
        # Where the output goes.
        (f"analyze good.nwb {ANALYZE} --out ''", "names no file"),
        (f"analyze good.nwb {ANALYZE} --out x.nwb --figures ''", "names no file"),
        (f"analyze good.nwb {ANALYZE} --out notes.txt/x.nwb", "'notes.txt', which is a file"),
        (f"analyze good.nwb {ANALYZE} --out folder.nwb", "is a folder"),
        (f"analyze good.nwb {ANALYZE} --out x.nwb --figures notes.txt", "'notes.txt' is a file"),
        ("convert good.nwb --out x.txt", "must end in '.nwb'"),
        ("convert good.nwb --out none/x.nwb", "does not exist"),
        (f"benchmark good.nwb {BENCHMARK} --out ''", "names no file"),
        (f"benchmark good.nwb {BENCHMARK} --out notes.txt", "'notes.txt' is a file"),
        (f"compare good.nwb {COMPARE} --out notes.txt", "'notes.txt' is a file"),
        ("demo --out ''", "names no file"),
        ("demo --out notes.txt", "'notes.txt' is a file"),
        # Arguments that are none.
        ("inspect good.nwb other.nwb", "Unrecognized arguments: other.nwb. See 'tavrnn-ephys insp"),
        ("demo --out x --sead 3", "did you mean '--seed'? See"),
        (f"analyze good.nwb {ANALYZE} --out x.nwb --treshold 1", "did you mean '--threshold'?"),
        (f"analyze good.nwb {ANALYZE} --out x.nwb --bin-size -5ms", "'-5ms' is not a duration"),
        ("demo --out x --seed -1", "seed must be a whole number of at least 0"),
        ("demo --out x --seed 1.5", "'1.5' is not a whole number"),
        ("runs good.nwb --compare a", "expected 2 arguments"),
        ("inspect F.npy --option sampling_rate", "is no option. Write NAME=VALUE"),
        ("inspect F.npy --option sampling_rate=-5Hz", "must be positive, got -5"),
        # Numbers out of range.
        (f"analyze good.nwb {ANALYZE} --out x.nwb --threshold nan", "threshold must be a number"),
        (f"analyze good.nwb {ANALYZE} --out x.nwb --threshold inf", "threshold must be a number"),
        (f"analyze good.nwb {ANALYZE} --out x.nwb --segment 3", "--segment 3 does not exist"),
        ("convert good.nwb --out x.nwb --segment 3", "segment 3 does not exist"),
        (f"compare good.nwb {COMPARE} --threshold nan", "threshold must be a number"),
        (f"compare good.nwb {COMPARE} --threshold 5", "threshold must lie in [0, 1], got 5"),
        (f"compare good.nwb {COMPARE} --seed -1", "seed must be a whole number"),
        (f"benchmark good.nwb {BENCHMARK} --out x --n-jobs 0", "--n-jobs must be a whole number"),
        (f"benchmark good.nwb {BENCHMARK} --out x --folds 1", "--folds must be a whole number"),
        (f"benchmark good.nwb {BENCHMARK} --out x --folds 999", "--folds must be at most"),
        (f"benchmark good.nwb {BENCHMARK} --out x --classes 500", "--classes must be at most"),
        (f"benchmark good.nwb {BENCHMARK} --out x --segment 4", "--segment 4 does not exist"),
        # Names that are not known, and options that say nothing.
        (f"benchmark good.nwb {BENCHMARK} --out x --measure nope", "measure must be one of"),
        (f"benchmark good.nwb {BENCHMARK} --out x --methods nope", "no method 'nope'"),
        (f"benchmark good.nwb {BENCHMARK} --out x --scenarios drift", "belongs to --simulated"),
        ("benchmark --simulated --out x --behavior state", "--behavior belongs to a recording"),
        ("benchmark --simulated --out x --scenarios nope", "scenario must be one of"),
        (f"compare good.nwb {COMPARE} --group-by nope", "does not say its 'nope'"),
        (f"analyze good.nwb {ANALYZE} --out x.nwb --behavior nope", "has no behaviour 'nope'"),
        (
            f"analyze good.nwb {ANALYZE} --out x.nwb --behavior performance --groups none.csv",
            "There is no file of groups 'none.csv'",
        ),
        ("reproduce good.nwb", "holds no results"),
        ("runs good.nwb --delete a", "holds no"),
    ],
)
def test_mistake_is_told_in_one_sentence(folder, capsys, monkeypatch, command, message):
    monkeypatch.chdir(folder)
    assert message in refused(capsys, folder, shlex.split(command))
    assert sorted(os.listdir(folder)) == sorted(
        ("good.nwb", "other.nwb", "empty.nwb", "empty.csv", "notes.txt", "folder.nwb", "F.npy")
    )


def test_a_benchmark_without_any_score_says_no(folder, tmp_path, capsys, monkeypatch):
    from tavrnn_ephys.cli import main
    from tavrnn_ephys.core.errors import InputError

    def fails(*args, **options):
        raise InputError("These bins hold nothing.")

    monkeypatch.setattr("tavrnn_ephys.evaluation.tasks.compute_connectivity", fails)
    command = f"benchmark {folder}/good.nwb {BENCHMARK} --out"
    assert main([*shlex.split(command), str(tmp_path / "out")]) == 1
    assert "failed:" in capsys.readouterr().out
