"""A run stores every choice that made it, and computing it again applies them all."""

import json

import h5py
import numpy as np
import pandas as pd
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.spec import RecordingSpec, from_facts
from tavrnn_ephys.datasets.game import GameConfig, game_block, play_game
from tavrnn_ephys.studies.behavior.config import BehaviorConfig
from tavrnn_ephys.studies.behavior.tables import BEHAVIOR_TABLES
from tavrnn_ephys.studies.reproduction import reproduce_run
from tests.adapters.test_nwb_runs import change_provenance

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning"),
]
HOW = ["--bin-size", "20ms", "--window", "8s", "--step", "4s", "--training-epochs", "1"]


@pytest.fixture(scope="module")
def linked(tmp_path_factory):
    """A run with a behaviour and with groups from a file."""
    folder = tmp_path_factory.mktemp("linked")
    block = game_block(play_game(GameConfig(game_s=136.0, rest_s=60.0), nodes=20, seed=4))
    recording = te.write_nwb(block, folder / "game.nwb")
    ids = [f"ch{index:04d}" for index in range(20)]
    groups = pd.DataFrame({"node_id": ids, "group": ["front"] * 8 + ["back"] * 8 + [""] * 4})
    groups.to_csv(folder / "groups.csv", index=False)
    assert main(["analyze", str(recording), *HOW, "--behavior", "skill", "--groups",
                 str(folder / "groups.csv"), "--out", str(folder / "out.nwb")]) == 0  # fmt: skip
    return folder / "out.nwb"


@pytest.fixture
def own(linked, tmp_path):
    path = tmp_path / "own.nwb"
    path.write_bytes(linked.read_bytes())
    return path


def test_behaviour_and_groups_stand_with_the_run(linked):
    config = te.read_results(linked).config
    behavior = from_facts(BehaviorConfig, config)
    assert behavior == BehaviorConfig(behavior="skill", groups=("front", "back"))
    groups = from_facts(RecordingSpec, config).node_groups
    assert groups["ch0000"] == "front"
    assert groups["ch0019"] == ""


def test_a_run_with_behaviour_and_groups_comes_out_equal(linked):
    found = reproduce_run(linked)
    assert found.is_equal, str(found)
    assert found.reasons == ()
    with te.open_results(linked) as stored:
        written = set(BEHAVIOR_TABLES) & set(stored.tables)
    assert {f"table {name}" for name in written} <= set(found.equal)
    assert "behavior_decoding" in written


def test_a_changed_group_is_named(own):
    groups = dict(from_facts(RecordingSpec, te.read_results(own).config).node_groups)
    changed = json.dumps(groups | {"ch0000": "back"})
    change_provenance(own, "config.recording.node_groups", changed)
    change_provenance(own, "config.behavior.groups", '["back", "front"]')
    found = reproduce_run(own)
    assert not found.is_equal
    assert any("The nodes are the same, but their order, groups" in x for x in found.differences)
    for key in ("recording.node_groups", "behavior.groups"):
        assert any(text.startswith(f"option '{key}' was changed") for text in found.reasons)


def test_a_changed_behaviour_is_named(own):
    change_provenance(own, "config.behavior.name", "game:hit")
    found = reproduce_run(own)
    assert any("The table behavior_windows differs in 'behavior'" in x for x in found.differences)
    assert any("option 'behavior.name' was changed in the file" in x for x in found.reasons)


def test_a_changed_table_is_named(own):
    with h5py.File(own, "r+") as file:
        scores = file["processing/ecephys/tavrnn_table_behavior_decoding/score"]
        scores[0] = scores[0] + 0.25
    found = reproduce_run(own)
    assert found.differences == ("The table behavior_decoding differs in 'score'.",)


def test_options_of_another_format_are_stored_and_not_applied_to_the_copy(tmp_path):
    traces = tmp_path / "F.npy"
    np.save(traces, np.random.default_rng(0).normal(size=(20, 1200)))
    out = tmp_path / "out.nwb"
    assert main(["analyze", str(traces), "--option", "sampling_rate=30Hz", "--bin-size", "100ms",
                 "--window", "8s", "--step", "4s", "--training-epochs", "1", "--session-start",
                 "2024-05-01", "--out", str(out)]) == 0  # fmt: skip
    spec = from_facts(RecordingSpec, te.read_results(out).config)
    assert float(spec.options["sampling_rate"]) == 30.0
    assert spec.copied() == RecordingSpec(adapter="nwb")
    assert reproduce_run(out).is_equal
