"""``compare``: several recordings, each culture counting once."""

import numpy as np
import pandas as pd
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.datasets.game import GameConfig, game_block, play_game

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning"),
]
HOW = ["--bin-size", "20ms", "--window", "10s"]


def culture(seed, coupled_fraction, **subject):
    config = GameConfig(effect="none", game_s=60.0, coupled_fraction=coupled_fraction)
    block = game_block(play_game(config, nodes=20, seed=seed))
    block.annotations["subject"] |= {"subject_id": f"culture-{seed}", **subject}
    return block


@pytest.fixture(scope="module")
def cultures(tmp_path_factory):
    """Four cultures that are hardly coupled, four that are strongly."""
    folder = tmp_path_factory.mktemp("cultures")
    files = []
    for seed in range(8):
        strong = seed >= 4
        block = culture(seed, 0.7 if strong else 0.05, genotype="strong" if strong else "weak",
                        age=f"P{20 + seed}D")  # fmt: skip
        files.append(te.write_nwb(block, folder / f"culture{seed}.nwb"))
    return files


def refused(capsys, *arguments):
    assert main(list(map(str, arguments))) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    return said


def test_groups_are_told_apart(cultures, tmp_path, capsys):
    out = tmp_path / "out"
    status = main(["compare", *map(str, cultures), *HOW, "--group-by", "genotype",
                   "--out", str(out)])  # fmt: skip
    assert status == 0
    effects = pd.read_csv(out / "effects.csv").set_index("measure")
    assert effects.loc["density", "contrast"] == "weak - strong"
    assert effects.loc["density", "effect"] < 0
    assert effects.loc["density", "p_value"] == pytest.approx(2 / 70)
    assert effects.loc["mean_activity", "p_value"] > 0.05
    recordings = pd.read_csv(out / "recordings.csv")
    assert recordings["culture"].tolist() == [f"culture-{seed}" for seed in range(8)]
    assert (out / "forest.png").stat().st_size > 10_000
    assert "strong" in capsys.readouterr().out


def test_conditions_within_cultures(tmp_path, capsys):
    files = []
    for seed in range(6):
        for name, fraction in (("before", 0.05), ("after", 0.7)):
            block = culture(seed, fraction, genotype=name)
            files.append(te.write_nwb(block, tmp_path / f"{name}{seed}.nwb"))
    out = tmp_path / "out"
    assert main(["compare", *map(str, files), *HOW, "--group-by", "genotype", "--paired",
                 "--out", str(out)]) == 0  # fmt: skip
    effects = pd.read_csv(out / "effects.csv").set_index("measure")
    assert effects.loc["density", "contrast"] == "after - before"
    assert effects.loc["density", "n_cultures"] == 6
    assert effects.loc["density", "p_value"] == pytest.approx(2 / 2**6)
    assert effects.loc["density", "low"] > 0


def test_trend_over_ages(cultures, capsys):
    assert main(["compare", *map(str, cultures), *HOW, "--trend", "age"]) == 0
    said = capsys.readouterr().out
    assert "slope" in said


def test_files_with_results_bring_their_own_windows(cultures, tmp_path, capsys):
    analysed = tmp_path / "analysed.nwb"
    assert main(["analyze", str(cultures[0]), "--bin-size", "50ms", "--window", "20s", "--step",
                 "10s", "--training-epochs", "1", "--out", str(analysed)]) == 0  # fmt: skip
    capsys.readouterr()
    assert main(["compare", str(analysed)]) == 0
    row = capsys.readouterr().out.splitlines()[1].split()
    assert row[2] == "3"  # 60 s in windows of 20 s


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--group-by", "genotype", "--culture-by", "species"], "stands in several groups"),
        (["--group-by", "strain"], "does not say its 'strain'"),
        (["--group-by", "species"], "All cultures belong to the group"),
        (["--trend", "genotype"], "A trend needs numbers"),
        (["--paired"], "needs the condition of each file"),
    ],
)
def test_bad_requests_get_one_sentence(cultures, capsys, options, message):
    assert message in refused(capsys, "compare", *cultures, *HOW, *options)


def test_one_culture_in_a_group_gets_one_sentence(cultures, capsys):
    said = refused(capsys, "compare", *cultures[3:], *HOW, "--group-by", "genotype")
    assert "'weak' has one culture only" in said


def test_missing_windows_and_repeated_files_get_one_sentence(cultures, capsys):
    assert "Give --bin-size and --window" in refused(capsys, "compare", *cultures)
    said = refused(capsys, "compare", cultures[0], cultures[0], *HOW)
    assert "named twice" in said


def test_days_of_one_culture(recordings, tmp_path):
    files = sorted((recordings / "hipsc-mea").glob("*.h5"))
    assert len(files) == 7
    out = tmp_path / "out"
    assert main(["compare", *map(str, files), "--bin-size", "100ms", "--window", "60s", "--trend",
                 "age", "--out", str(out)]) == 0  # fmt: skip
    table = pd.read_csv(out / "recordings.csv")
    assert table["trend"].tolist() == [21, 27, 34, 41, 45, 59, 73]
    trends = pd.read_csv(out / "trends.csv")
    assert np.isfinite(trends["correlation"]).all()
    assert (trends["n_recordings"] == 7).all()


def test_days_of_one_culture_make_no_group_test(recordings, capsys):
    files = sorted((recordings / "hipsc-mea").glob("*.h5"))
    said = refused(capsys, "compare", *files, *HOW, "--group-by", "age", "--culture-by", "species")
    assert "stands in several groups" in said or "one culture only" in said


@pytest.fixture(scope="module")
def nameless(tmp_path_factory):
    """Four recordings of which three say no subject."""
    folder = tmp_path_factory.mktemp("nameless")
    files = []
    for seed in range(4):
        block = culture(seed, 0.3, species="Mus musculus", age=f"P{20 + seed}D")
        if seed:
            del block.annotations["subject"]["subject_id"]
        files.append(te.write_nwb(block, folder / f"day{seed}.nwb"))
    return files


def test_files_that_count_as_cultures_of_their_own_are_announced_once(nameless, capsys):
    assert main(["compare", *map(str, nameless), *HOW, "--trend", "age"]) == 0
    (said,) = [
        line for line in capsys.readouterr().err.splitlines() if "culture of its own" in line
    ]
    assert "3 of 4 files name no subject" in said
    assert "--culture-by" in said
    assert "species" in said


def test_what_names_cultures_is_followed_without_a_word(nameless, capsys):
    words = ["compare", *map(str, nameless), *HOW, "--trend", "age", "--culture-by", "species"]
    assert main(words) == 0
    said = capsys.readouterr()
    assert "culture of its own" not in said.err
    assert said.out.count("Mus musculus") >= 4
