"""``analyze --behavior``: tables and pictures of a recording, and one sentence for bad input."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.activity.behavior import WindowBehavior
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.datasets.game import GameConfig, game_block, play_game
from tavrnn_ephys.io.blocks.groups import with_node_groups
from tavrnn_ephys.studies.analysis import AnalysisConfig, analyze
from tavrnn_ephys.studies.behavior.analysis import analyze_behavior, link_behavior
from tavrnn_ephys.studies.behavior.config import BehaviorConfig
from tavrnn_ephys.studies.behavior.drawing import BEHAVIOR_FIGURES, behavior_figures
from tavrnn_ephys.studies.behavior.measures import _alignment
from tavrnn_ephys.studies.behavior.scores import groups_to_align
from tavrnn_ephys.studies.behavior.tables import BEHAVIOR_TABLES, behavior_tables

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning"),
]
HOW = ["--bin-size", "20ms", "--window", "8s", "--step", "4s", "--training-epochs", "2"]


@pytest.fixture(scope="module")
def game():
    return play_game(GameConfig(game_s=136.0, rest_s=60.0), nodes=30, seed=4)


@pytest.fixture(scope="module")
def recording(game, tmp_path_factory):
    return te.write_nwb(game_block(game), tmp_path_factory.mktemp("game") / "game.nwb")


@pytest.fixture(scope="module")
def analysed(game):
    block = game_block(game)
    config = AnalysisConfig(bin_size_s=0.02, window_length_s=8, step_s=4, training_epochs=2)
    return block, analyze(block, config)


def refused(capsys, *arguments):
    assert main(list(map(str, arguments))) == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert "Traceback" not in said
    return said


def test_command_writes_tables_and_pictures(recording, tmp_path, capsys):
    before = recording.read_bytes()
    status = main(
        ["analyze", str(recording), *HOW, "--behavior", "game:hit", "--groups", "sensory,L_up,R_up",
         "--out", str(tmp_path / "out.nwb"), "--tables", str(tmp_path / "tables"),
         "--figures", str(tmp_path / "figures")]
    )  # fmt: skip
    assert status == 0
    said = capsys.readouterr().out
    assert "Behaviour 'game:hit', rate per window" in said
    assert "TAVRNN embedding, bins shuffled" in said
    assert recording.read_bytes() == before
    written = {path.stem for path in (tmp_path / "tables").glob("*.csv")}
    assert written >= set(BEHAVIOR_TABLES) - {"behavior_changes"}
    drawn = {path.stem for path in (tmp_path / "figures").glob("behavior_*.png")}
    # Attention is drawn where it departs from one decay.
    assert drawn | {"behavior_attention"} == set(BEHAVIOR_FIGURES)
    windows = pd.read_csv(tmp_path / "tables/behavior_windows.csv")
    assert len(windows) == 48
    assert windows["behavior"].between(0, 1).all()
    assert {"silhouette_z", "similarity_L_up", "modularity"} <= set(windows)


def test_many_nodes_leave_out_slow_measures_and_their_pictures(analysed, monkeypatch):
    block, result = analysed
    slow = {"path_length", "efficiency", "max_betweenness"}
    config = BehaviorConfig(behavior="game:hits", groups=("sensory", "L_up"))
    monkeypatch.setattr("tavrnn_ephys.studies.behavior.measures._MANY_NODES", 29)
    found = analyze_behavior(block, result, config)
    assert not slow & set(found.per_window)
    assert "behavior_networks" in behavior_figures(result, found)


def test_every_column_is_described(analysed):
    block, result = analysed
    config = BehaviorConfig(behavior="skill", model_in_folds=False, n_nulls=39, n_shuffles=9)
    found = analyze_behavior(block, result, config)
    tables = behavior_tables(found)
    assert set(tables) <= set(BEHAVIOR_TABLES)
    for name, table in tables.items():
        assert table.attrs["description"]
        assert set(table.attrs["columns"]) == set(table.columns)
        undescribed = [key for key, text in table.attrs["columns"].items() if not text]
        assert undescribed == [], name
    assert set(behavior_figures(result, found, method="pca")) <= set(BEHAVIOR_FIGURES)


def test_windows_at_rest_have_no_skill_and_take_no_part(analysed):
    block, result = analysed
    config = BehaviorConfig(behavior="skill", model_in_folds=False, n_nulls=39, n_shuffles=9)
    found = analyze_behavior(block, result, config)
    at_rest = result.windows.stop_s <= 60.0
    assert np.isnan(found.score[at_rest]).all()
    assert not np.isin(found.ranking.order, np.flatnonzero(at_rest)).any()


def test_two_labels_are_decoded(analysed):
    _, result = analysed
    labels = np.where(np.arange(len(result.windows)) // 8 % 2, "play", "rest")
    turns = WindowBehavior(name="turn", how="majority", values=labels, description="Whose turn.")
    config = BehaviorConfig(behavior="turn", model_in_folds=False, n_nulls=39, n_shuffles=9)
    found = link_behavior(result, turns, config)
    assert found.ranking is None
    metrics = found.decoding.set_index("features")["metric"]
    assert metrics["mean rates"] == "balanced accuracy"
    assert metrics["spectral embedding, rates held"] == "rank correlation in blocks"
    assert set(np.unique(found.score)) == {0.0, 1.0}
    drawn = behavior_figures(result, found, method="pca")
    assert "behavior_networks" in drawn
    assert "behavior_ranking" not in drawn


def test_groups_from_a_file(recording, tmp_path):
    ids = [f"ch{index:04d}" for index in range(30)]
    table = pd.DataFrame({"node_id": ids, "group": ["front"] * 10 + ["back"] * 12 + [""] * 8})
    table.to_csv(tmp_path / "groups.csv", index=False)
    status = main(
        ["analyze", str(recording), *HOW, "--behavior", "skill", "--groups",
         str(tmp_path / "groups.csv"), "--out", str(tmp_path / "out.nwb"), "--tables",
         str(tmp_path / "tables")]
    )  # fmt: skip
    assert status == 0
    windows = pd.read_csv(tmp_path / "tables/behavior_windows.csv")
    assert "similarity_back" in windows
    groups = te.read_results(tmp_path / "out.nwb").node_groups
    assert dict(zip(*np.unique(groups, return_counts=True), strict=True)) == {
        "": 8, "back": 12, "front": 10,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--behavior", "speed"], "has no behaviour 'speed'; it has 'skill'"),
        (["--behavior", "phase", "--behavior-how", "mean"], "an epoch, which gives"),
        (
            ["--behavior", "skill", "--groups", "sensory,tail"],
            "No node belongs to the group 'tail'",
        ),
        (["--behavior", "skill", "--groups", "gone.csv"], "no file of groups 'gone.csv'"),
        (["--groups", "sensory"], "name it with --behavior"),
    ],
)
def test_bad_requests_get_one_sentence(recording, tmp_path, capsys, options, message):
    out = tmp_path / "out.nwb"
    said = refused(capsys, "analyze", recording, *HOW, *options, "--out", out)
    assert message in said
    assert list(tmp_path.iterdir()) == []


def test_groups_that_name_absent_channels_get_one_sentence(recording, tmp_path, capsys):
    groups = tmp_path / "groups.csv"
    groups.write_text("node_id,group\nch0001,front\nch9999,back\n")
    said = refused(capsys, "analyze", recording, *HOW, "--behavior", "skill", "--groups", groups,
                   "--out", tmp_path / "out.nwb")  # fmt: skip
    assert "'ch9999'" in said
    assert "does not have" in said


def written(tmp_path, behavior, **options):
    rng = np.random.default_rng(0)
    times = [np.sort(rng.uniform(0, 120, 400)) for _ in range(6)]
    block = te.block_from_arrays(spike_times=times, t_stop=120 * pq.s, behavior=behavior, **options)
    import datetime

    block.rec_datetime = datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC)
    return te.write_nwb(block, tmp_path / "in.nwb")


@pytest.mark.parametrize(
    ("behavior", "message"),
    [(np.ones(120), "is 1 in all"), (np.full(120, np.nan), "a value in none")],
)
def test_behavior_that_says_nothing_gets_one_sentence(tmp_path, capsys, behavior, message):
    path = written(tmp_path, {"speed": behavior}, behavior_rate=1 * pq.Hz)
    said = refused(capsys, "analyze", path, *HOW, "--behavior", "speed", "--out",
                   tmp_path / "out.nwb")  # fmt: skip
    assert message in said


def test_behavior_that_is_known_for_too_short_is_left_undecided(tmp_path, capsys):
    speed = np.append(np.full(100, np.nan), np.arange(20.0))
    path = written(tmp_path, {"speed": speed}, behavior_rate=1 * pq.Hz)
    arguments = ["analyze", path, *HOW, "--behavior", "speed", "--out", tmp_path / "out.nwb"]
    assert main(list(map(str, arguments))) == 0
    said, warned = capsys.readouterr()
    assert "What speed has to do with the network cannot be decided" in said
    assert "resembles itself for 2 of 5 windows" in warned


def test_too_few_windows_of_a_label_get_one_sentence(game, tmp_path, capsys):
    block = game_block(game)
    epoch = block.segments[0].epochs[0]
    epoch.times[1] = 15 * pq.s
    path = te.write_nwb(block, tmp_path / "in.nwb")
    said = refused(capsys, "analyze", path, *HOW, "--behavior", "phase", "--out",
                   tmp_path / "out.nwb")  # fmt: skip
    assert "each label needs 10" in said


def test_groups_of_traces_are_refused():
    block = te.block_from_arrays(traces=np.random.default_rng(0).normal(size=(3, 50)),
                                 sampling_rate=10 * pq.Hz)  # fmt: skip
    with pytest.raises(InputError, match="this one has traces"):
        with_node_groups(block, {"0": "a"})


def test_groups_that_are_too_small_are_left_out_with_a_word(analysed):
    _, result = analysed
    nodes = result.embedding.nodes
    groups = np.array(["front"] * 14 + ["back"] * 14 + ["lone"] * 2)
    renamed = dataclasses.replace(nodes, groups=groups)
    parts = {"embedding": result.embedding, "connectivity": result.connectivity}
    renamed_parts = {key: dataclasses.replace(part, nodes=renamed) for key, part in parts.items()}
    changed = dataclasses.replace(result, **renamed_parts)
    config = BehaviorConfig(behavior="game:hits")
    assert groups_to_align(renamed, config) == ("back", ("front",))
    assert groups_to_align(nodes, config)[1] is None
    with pytest.warns(DataLossWarning, match=r"fewer than 3 nodes are not aligned: 'lone \(2\)'"):
        found = _alignment(changed, dataclasses.replace(config, n_shuffles=9))
    assert found.groups == ("front",)
    few = dataclasses.replace(nodes, groups=np.array(["front"] * 28 + ["lone"] * 2))
    assert groups_to_align(few, config) is None
