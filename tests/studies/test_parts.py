"""Each region apart: one run for each value of a column."""

import datetime

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.cli.parting import _run_names
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.spec import SelectionSpec
from tavrnn_ephys.studies.parts import node_parts

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChoiceWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning"),
]
REGIONS = ["CA1"] * 4 + ["dentate gyrus"] * 3 + ["CA2"]
HOW = {"bin_size_s": 0.1, "window_length_s": 3.0, "step_s": 3.0, "training_epochs": 1}
FLAGS = ["--bin-size", "100ms", "--window", "3s", "--step", "3s", "--training-epochs", "1"]


def recording():
    rng = np.random.default_rng(0)
    trains = [np.sort(rng.uniform(0, 30, 300)) for _ in REGIONS]
    block = te.block_from_arrays(spike_times=trains, t_stop=30 * pq.s, groups=REGIONS)
    for index, train in enumerate(block.segments[0].spiketrains):
        train.annotations["shank"] = index % 2
    block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    return block


def test_nodes_are_parted_and_small_parts_told():
    segment = recording().segments[0]
    with pytest.warns(DataLossWarning, match=r"fewer than 2 nodes are left out: 'CA2' \(1\)"):
        parts = node_parts(segment, "region", SelectionSpec(min_rate_hz=1.0))
    assert {name: spec.nodes for name, spec in parts.items()} == {
        "CA1": "region == 'CA1'",
        "dentate gyrus": "region == 'dentate gyrus'",
    }
    assert all(spec.min_rate_hz == 1.0 for spec in parts.values())


def test_a_condition_holds_in_every_part_and_numbers_part_too():
    segment = recording().segments[0]
    parts = node_parts(segment, "shank", SelectionSpec(nodes="region == 'CA1'"))
    assert [spec.nodes for spec in parts.values()] == [
        "(region == 'CA1') and shank == 0",
        "(region == 'CA1') and shank == 1",
    ]
    found = te.analyze_each(
        recording(), te.AnalysisConfig(**HOW, selection=SelectionSpec(nodes="region == 'CA1'")),
        by="shank",
    )  # fmt: skip
    assert [result.embedding.node_ids.tolist() for result in found.values()] == [
        ["0", "2"],
        ["1", "3"],
    ]


@pytest.mark.parametrize(
    ("by", "nodes", "message"),
    [("layer", None, "no column 'layer'; it has"),
     ("region", "region == 'CA2'", r"No value of 'region' has 2 nodes.*'CA2' \(1\)")],
)  # fmt: skip
def test_columns_that_part_nothing_are_refused(by, nodes, message):
    with pytest.raises(InputError, match=message):
        node_parts(recording().segments[0], by, SelectionSpec(nodes=nodes))


def test_runs_bear_names_that_files_can_hold():
    assert _run_names("default", ["CA1", "dentate gyrus", "3", "CA-1", "CA 1"]) == {
        "CA1": "CA1",
        "dentate gyrus": "dentate_gyrus",
        "3": "part_3",
        "CA-1": "CA_1",
        "CA 1": "CA_1_5",
    }
    assert _run_names("late", ["3"]) == {"3": "late_3"}


def test_the_command_line_writes_one_run_for_each_and_python_gives_the_same(tmp_path, capsys):
    source = te.write_nwb(recording(), tmp_path / "in.nwb")
    out, page = tmp_path / "out.nwb", tmp_path / "page.html"
    words = ["analyze", str(source), *FLAGS, "--each", "region", "--out", str(out)]
    assert main([*words, "--report", str(page)]) == 0
    assert "region = dentate gyrus, run 'dentate_gyrus'" in capsys.readouterr().out
    found = te.analyze_each(te.read(source), te.AnalysisConfig(**HOW))
    assert [item.name for item in te.list_runs(out)] == ["CA1", "dentate_gyrus"]
    for run, result in zip(("CA1", "dentate_gyrus"), found.values(), strict=True):
        stored = te.read_results(out, run=run)
        assert np.array_equal(stored.mean, result.embedding.mean)
        assert (tmp_path / f"page_{run}.html").exists()
        assert main(["reproduce", str(out), "--run", run]) == 0
    assert "equal to the last bit" in capsys.readouterr().out
    assert main(["runs", str(out)]) == 0
    assert "nodes with region == 'dentate gyrus'" in capsys.readouterr().out
