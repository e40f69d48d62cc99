"""A report is written from a run, is small, and says in words what is wrong with it."""

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.activity.binning import bin_recordings
from tavrnn_ephys.activity.stretches import selected_segment
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.containers import Nodes, Windows
from tavrnn_ephys.core.errors import DataLossWarning, InputError, OutputError
from tavrnn_ephys.core.spec import SelectionSpec, to_facts
from tavrnn_ephys.figures.page.collect import collect
from tavrnn_ephys.figures.page.describing import describe, window_texts
from tavrnn_ephys.figures.page.matrix import node_axis
from tavrnn_ephys.figures.page.notices import notices
from tavrnn_ephys.figures.page.packing import NodeBlocks, fitting_blocks
from tavrnn_ephys.figures.page.page import render
from tavrnn_ephys.figures.page.recording import view_recording
from tests.reporting.examples import make_file


@pytest.fixture(scope="module")
def example(tmp_path_factory):
    return make_file(tmp_path_factory.mktemp("report"), n_windows=12, n_nodes=6)


@pytest.fixture(scope="module")
def content(example):
    return collect(example)


def said(content, word, **changed):
    return [text for text in notices(replace(content, **changed)) if word in text]


def test_sixty_windows_of_nine_hundred_nodes_stay_below_four_megabytes(tmp_path):
    content = collect(make_file(tmp_path, n_windows=60, n_nodes=900))
    assert len(render(content).encode()) < 4e6
    assert len(content.matrices.blocks) <= 150
    assert "Each cell is the mean over two of" in describe(content)["matrix"]
    assert "1 in 2 of each node" in describe(content)["raster"]


def test_of_many_windows_some_are_on_the_slider_and_the_page_stays_small(tmp_path):
    content = collect(make_file(tmp_path, n_windows=700, n_nodes=20))
    assert len(render(content).encode()) < 4e6
    assert list(content.shown[:3]) == [0, 2, 4]
    assert "1 in 2 of the 700 windows" in describe(content)["slider"]


def test_blocks_never_mix_groups_and_hold_every_node_once():
    nodes = Nodes(ids=range(100), groups=["a"] * 61 + ["b"] * 30 + [""] * 9)
    blocks = NodeBlocks.of(nodes, 20)
    assert len(blocks) <= 20
    members = [blocks.members(index) for index in range(len(blocks))]
    assert sorted(np.concatenate(members)) == list(range(100))
    assert all(len(set(nodes.groups[item])) == 1 for item in members)


def test_mean_over_blocks_is_that_of_all_known_pairs():
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(9, 9))
    matrix[2, 5] = np.nan
    blocks = NodeBlocks.of(Nodes(ids=range(9), groups=list("xyxyxyxyx")), 4)
    means = blocks.means(matrix)
    for row in range(len(blocks)):
        for column in range(len(blocks)):
            pairs = [
                matrix[a, b]
                for a in blocks.members(row)
                for b in blocks.members(column)
                if a != b and np.isfinite(matrix[a, b])
            ]
            assert means[row, column] == pytest.approx(np.mean(pairs))


def test_few_nodes_are_not_taken_together():
    assert fitting_blocks(Nodes(ids=range(150)), 60, directed=False).is_single
    assert fitting_blocks(Nodes(ids=range(120)), 127, directed=False).is_single
    assert not fitting_blocks(Nodes(ids=range(151)), 60, directed=False).is_single


def test_long_names_of_groups_leave_the_matrix_its_room():
    groups = np.array(["Primary visual area, layer 5, left hemisphere " * 3] * 4)
    (tick,) = node_axis(groups, "node")["ticktext"]
    assert len(tick) <= 14
    assert tick.startswith("Primar")


def test_few_windows_are_said(content):
    assert "only 12 windows" in said(content, "windows")[0]


def test_missing_positions_are_said_and_leave_the_map_out(content):
    assert said(content, "positions") == []
    bare = Nodes(ids=content.nodes.ids, kind="channel")
    assert "knows no positions of its channels" in said(content, "positions", nodes=bare)[0]
    assert "so that there is no map" in render(replace(content, nodes=bare))
    positions = np.array(content.nodes.positions_um)
    positions[2] = np.nan
    some = Nodes(ids=content.nodes.ids, kind="channel", positions_um=positions)
    assert said(content, "have no position", nodes=some)[0].startswith("1 of 6 channels")


@pytest.mark.parametrize(("loss", "at_chance"), [(0.499, True), (0.45, False)])
def test_loss_at_chance_is_said(content, loss, at_chance):
    facts = {**content.facts, "origin.final_loss": loss}
    assert bool(said(content, "learnt nothing", facts=facts)) is at_chance


def test_what_the_analysis_warned_of_is_said(content):
    stored = ("5 spikes are left out.", "These embeddings say nothing.")
    facts = {f"origin.warnings.{index}": text for index, text in enumerate(stored)}
    assert notices(replace(content, facts=facts))[:2] == [*reversed(stored)]


def test_another_recording_than_the_one_analysed_is_said(content, example):
    facts = {**content.facts, "origin.activity_sha256": "0" * 64}
    view = view_recording(example, facts, content.nodes)
    assert "another checksum" in view.notices[0]
    assert said(content, "another checksum", recording=view)


def test_recording_is_the_one_analysed_whatever_nodes_were_selected(example, content):
    selection = SelectionSpec(node_ids=("c0", "c2", "c4"))
    segment = te.read(example).segments[0]
    with pytest.warns(DataLossWarning, match="3 by the list of ids"):
        chosen = selected_segment(segment, selection, 0.1, asked_by="test")
    checksum = bin_recordings(chosen.recorded, 0.1).sha256
    facts = {**content.facts, "origin.activity_sha256": checksum}
    of_all = view_recording(example, facts, content.nodes)
    assert "another checksum" in of_all.notices[0]
    facts |= {f"config.{key}": value for key, value in to_facts(selection).items()}
    view = view_recording(example, facts, content.nodes)
    assert not any("another checksum" in text for text in view.notices)
    assert view.n_spikes == sum(map(len, chosen.recorded.spiketrains))


def test_recording_that_cannot_be_read_is_said(content, tmp_path):
    view = view_recording(tmp_path / "gone.nwb", content.facts, content.nodes)
    assert "Nothing of the recording can be shown" in said(content, "shown", recording=view)[0]
    assert "gone.nwb" in render(replace(content, recording=view))


def test_rates_that_predict_as_well_are_said(content):
    assert "'mean rates' predict the behaviour as well" in said(content, "mean rates")[0]
    assert said(content, "no better than chance")


def test_spikes_that_are_dropped_are_said(content, example):
    facts = {**content.facts, "config.analysis.bin_size_s": 0.7}
    view = view_recording(example, facts, content.nodes)
    assert said(content, "are left out", recording=view)


def test_silent_nodes_are_said(content):
    activity = np.array(content.mean_activity)
    activity[:, 1], activity[3, 2] = 0.0, 0.0
    always, sometimes = said(content, "silent", mean_activity=activity)
    assert always.startswith("1 of 6 channels are silent in all windows")
    assert sometimes.startswith("1 of 6 channels are silent in some windows (1 times in all)")


def test_run_without_attention_tables_and_embedding_makes_a_page(content):
    page = render(replace(content, attention=None, tables={}, embedding=None, latent_size=0))
    assert "holds no attention" in page
    assert "was not linked to a behaviour" in page
    assert "holds no comparison of methods" in page
    assert "holds no embedding" in page


def test_run_of_edges_only_makes_a_page(tmp_path, example):
    results = te.read_results(example, what="all")
    graphs = te.build_graphs(results.connectivity, threshold=0.5)
    path = te.write_results(
        example, te.Results(graphs=graphs), out=tmp_path / "edges.nwb", run="edges"
    )
    content = collect(path, "edges")
    assert content.matrices.of_edges
    assert "Weights of the edges" in describe(content)["matrix"]
    te.report(path, out=tmp_path / "edges.html", run="edges")


def test_attention_is_turned_into_lags(content, example):
    full = te.read_results(example).attention
    assert content.attention[5, 2] == pytest.approx(full[5, 3])
    assert np.isnan(content.attention[1, 2])
    assert content.attention_beyond == pytest.approx(0, abs=1e-6)


def test_file_is_not_changed(example, tmp_path):
    before = example.read_bytes()
    te.report(example, out=tmp_path / "report.html")
    assert example.read_bytes() == before


def refused(capsys, *arguments):
    assert main(["report", *map(str, arguments)]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    return error


def test_bad_input_is_refused_in_one_sentence(example, tmp_path, capsys):
    out = tmp_path / "report.html"
    (tmp_path / "text.nwb").write_text("no file of this kind")
    assert "text.nwb" in refused(capsys, tmp_path / "text.nwb", "--out", out)
    assert "missing.nwb" in refused(capsys, tmp_path / "missing.nwb", "--out", out)
    recording = example.parent / "recording.nwb"
    assert "holds no results" in refused(capsys, recording, "--out", out)
    assert "'other'" in refused(capsys, example, "--run", "other", "--out", out)
    assert "must end in '.html'" in refused(capsys, example, "--out", tmp_path / "report.nwb")
    assert "does not exist" in refused(capsys, example, "--out", tmp_path / "no" / "report.html")
    assert not out.exists()
    out.write_text("mine")
    assert "exists" in refused(capsys, example, "--out", out)
    assert out.read_text() == "mine"
    assert main(["report", str(example), "--out", str(out), "--overwrite"]) == 0
    assert out.read_text(encoding="utf-8").startswith("<!doctype html>")
    assert f"Written to {out}" in capsys.readouterr().out


def test_input_is_never_overwritten(example):
    with pytest.raises(OutputError, match="must end in"):
        te.report(example, out=example, overwrite=True)
    with pytest.raises(InputError, match="no run"):
        te.report(example, out=example.with_suffix(".html"), run="other")


def test_analysis_writes_a_page_where_it_is_asked_to(example, tmp_path, capsys):
    recording = example.parent / "recording.nwb"
    common = ["analyze", str(recording), "--bin-size", "100ms", "--window", "4s", "--step", "2s",
              "--training-epochs", "1"]  # fmt: skip
    page = tmp_path / "page.html"
    page.write_text("mine")
    arguments = [*common, "--out", str(tmp_path / "a.nwb"), "--report", str(page)]
    assert main(arguments) == 2
    assert not (tmp_path / "a.nwb").exists()
    assert main([*arguments, "--overwrite"]) == 0
    assert "11 windows" in page.read_text(encoding="utf-8")


def test_name_of_the_function_is_not_hidden_by_its_package():
    code = "import tavrnn_ephys.figures.page.page, tavrnn_ephys as te; assert callable(te.report)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_windows_of_several_segments_are_told_apart(content):
    windows = Windows(start_s=range(12), stop_s=range(1, 13), segment_index=[0] * 6 + [1] * 6)
    lines = window_texts(replace(content, windows=windows, window_values={}))
    assert lines[7] == "Window 8 of 12: 7 s to 8 s, segment 1"


def test_slow_behaviour_is_said_to_hold_few_independent_values():
    import pandas as pd

    from tavrnn_ephys.figures.page.notices import _of_decoding

    row = {"features": "mean rates", "score": 0.7, "chance_high": 0.6}
    said = list(_of_decoding(pd.DataFrame([{**row, "n_independent": 7.2}])))
    assert len(said) == 1
    assert "about 7 independent values" in said[0]
    assert list(_of_decoding(pd.DataFrame([{**row, "n_independent": 80.0}]))) == []
