"""Whole studies on recordings that are simulated: planned, run, resumed, reported."""

import datetime
import json
import shutil

import numpy as np
import pandas
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.studies.cohort.shards import digest_of, read_mark, shard_files, shard_key
from tests.servers import serving

CHOICES = {"bin_size": "100ms", "window": "5s", "step": "2.5s", "training_epochs": 1}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Four recordings of two groups, one that is damaged, and one that stands twice."""
    folder = tmp_path_factory.mktemp("cohort")
    for number in range(4):
        block = te.simulate_culture(n_nodes=20, duration=20 * pq.s, seed=number)
        block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
        te.write_nwb(block, folder / f"c{number}.nwb")
    shutil.copy(folder / "c0.nwb", folder / "again.nwb")
    (folder / "bad.nwb").write_bytes((folder / "c1.nwb").read_bytes()[:3000])
    rows = [f"c{number}.nwb,k{number},g{number % 2},{7 * number}" for number in range(4)]
    rows += ["again.nwb,k9,g0,1", "bad.nwb,k8,g0,1"]
    (folder / "cohort.csv").write_text("file,culture,group,age\n" + "\n".join(rows) + "\n")
    return folder


@pytest.fixture(scope="module")
def cohort(folder):
    """The study, run in this process."""
    cohort = te.Cohort.from_manifest(folder / "cohort.csv", folder / "study", **CHOICES)
    cohort.run()
    return cohort


def arrays(file):
    results = te.read_results(file, what="all")
    return {
        "embedding": results.embedding.mean, "spread": results.embedding.std,
        "weights": results.connectivity.weights,
    }  # fmt: skip


def test_a_plan_says_sizes_and_what_cannot_be_analysed(cohort):
    plan = {item.id: item for item in cohort.plan.recordings}
    assert (plan["c0"].n_nodes, plan["c0"].n_windows) == (20, 7)
    assert plan["c0"].memory > 20**2 * 7 * 8
    assert "same bytes as 'c0'" in plan["again"].refusal
    assert "'bad.nwb' is damaged" in plan["bad"].refusal
    assert "6 recordings, 4 can be analysed." in str(cohort.plan)


def test_the_plan_counts_windows_as_the_analysis_does(cohort):
    for item in cohort.plan.recordings:
        if not item.refusal:
            mark = read_mark(cohort.study, item.key)
            assert (mark["n_nodes"], mark["n_windows"]) == (item.n_nodes, item.n_windows)


def test_a_plan_reads_headers_alone_where_these_tell_the_size(folder, tmp_path, monkeypatch):
    monkeypatch.setattr("tavrnn_ephys.studies.cohort.plan.read_block", None)
    plan = te.Cohort.from_manifest([folder / "c0.nwb"], tmp_path / "study", **CHOICES).plan
    assert (plan.recordings[0].n_nodes, plan.recordings[0].n_windows) == (20, 7)


def test_a_plan_says_which_recordings_were_read_for_their_size(tmp_path):
    traces = np.random.default_rng(0).normal(size=(4, 200))
    np.savetxt(tmp_path / "traces.csv", np.vstack([np.arange(200) / 10, traces]), delimiter=",")
    cohort = te.Cohort.from_manifest(
        [tmp_path / "traces.csv"], tmp_path / "study", **CHOICES, adapter="calcium_csv"
    )
    assert "Headers do not tell the size of 'traces': it was read." in str(cohort.plan)


def test_the_others_are_done_and_each_failure_has_its_sentence(cohort):
    assert cohort.status.states == {
        "c0": "done", "c1": "done", "c2": "done", "c3": "done",
        "again": "refused", "bad": "refused",
    }  # fmt: skip
    assert set(cohort.failures["id"]) == {"again", "bad"}
    assert not cohort.status.is_complete


def test_a_shard_equals_a_single_analysis(cohort, folder, tmp_path):
    config = te.AnalysisConfig(bin_size_s=0.1, window_length_s=5, step_s=2.5, training_epochs=1)
    alone = te.analyze(te.read(folder / "c2.nwb"), config)
    stored = arrays(cohort.file("c2"))
    np.testing.assert_array_equal(stored["embedding"], alone.embedding.mean)
    np.testing.assert_array_equal(stored["weights"], alone.connectivity.weights)


def test_processes_give_equal_arrays(cohort, folder):
    other = te.Cohort.from_manifest(folder / "cohort.csv", folder / "other", **CHOICES)
    other.run(n_workers=2)
    for name in ("c0", "c1", "c2", "c3"):
        for one, two in zip(
            arrays(cohort.file(name)).values(), arrays(other.file(name)).values(), strict=True
        ):
            np.testing.assert_array_equal(one, two)


def test_nothing_is_left_beside_shards(cohort):
    found = [path.name for path in (cohort.study / "shards").rglob("*") if path.is_file()]
    assert sorted(path.rsplit(".")[1] for path in found) == ["json"] * 4 + ["nwb"] * 4


def test_a_finished_study_is_not_computed_again_but_a_lost_file_is(cohort, folder):
    times = {path: path.stat().st_mtime_ns for path in (cohort.study / "shards").rglob("*.nwb")}
    cohort.run()
    assert {path: path.stat().st_mtime_ns for path in times} == times
    lost = cohort.file("c3")
    lost.unlink()
    assert cohort.status.states["c3"] == "waiting"
    cohort.run()
    assert lost.exists()


def test_what_a_killed_process_left_at_a_shard_is_swept(cohort):
    shard = cohort.file("c1")
    (shard.parent / f".{shard.stem}.abcdefgh").mkdir()
    (shard.parent / f".{shard.stem}.abcdefgh.partial.nwb").write_bytes(b"half")
    shard.unlink()
    cohort.run()
    assert [path.name for path in shard.parent.iterdir() if path.name.startswith(".")] == []


def test_a_recording_that_changed_since_it_was_planned_is_refused(folder, tmp_path):
    copy = tmp_path / "c.nwb"
    shutil.copy(folder / "c0.nwb", copy)
    cohort = te.Cohort.from_manifest([copy], tmp_path / "study", **CHOICES)
    shutil.copy(folder / "c1.nwb", copy)
    assert "has changed since it was planned" in cohort.run().reasons["c"]
    again = te.Cohort.from_manifest([copy], tmp_path / "study", **CHOICES)
    assert again.plan.recordings[0].digest == digest_of(folder / "c1.nwb")


def test_the_path_of_a_recording_plays_no_part(cohort, folder, tmp_path):
    copy = tmp_path / "elsewhere.nwb"
    shutil.copy(folder / "c0.nwb", copy)
    moved = te.Cohort.from_manifest([copy], tmp_path / "study", **CHOICES)
    assert moved.plan.recordings[0].key == cohort.plan.recordings[0].key
    seeded = te.Cohort.from_manifest([copy], tmp_path / "study", **CHOICES, seed=1)
    assert seeded.plan.recordings[0].key != moved.plan.recordings[0].key


def test_results_of_another_epoch_have_another_name(monkeypatch):
    before = shard_key("ab", "{}")
    monkeypatch.setattr("tavrnn_ephys.studies.cohort.shards.RESULTS_EPOCH", 99)
    assert shard_key("ab", "{}") != before


def test_the_report_measures_every_recording_at_one_threshold(cohort):
    found = cohort.report()
    assert list(found.recordings["id"]) == ["c0", "c1", "c2", "c3"]
    assert list(found.recordings["culture"]) == ["k0", "k1", "k2", "k3"]
    assert list(found.recordings["group"]) == ["g0", "g1", "g0", "g1"]
    connectivity = te.read_results(cohort.file("c1"), what="connectivity")
    rule = te.AbsoluteThreshold(value=found.threshold)
    density = te.network_measures(connectivity, measures=["density"], threshold=rule)["density"]
    assert found.recordings["density"][1] == pytest.approx(density.mean(), abs=1e-12)


def test_the_common_threshold_keeps_the_same_share_of_pairs_as_all_weights_would(cohort):
    pooled = [arrays(cohort.file(f"c{number}"))["weights"] for number in range(4)]
    rows, columns = np.triu_indices(20, 1)
    weights = np.concatenate([item[:, rows, columns].ravel() for item in pooled])
    assert (weights > cohort.report().threshold).mean() == pytest.approx(0.15, abs=0.005)


def test_the_report_says_how_many_are_missing_and_from_which_group(cohort):
    found = cohort.report()
    assert found.sentence().startswith("4 of 6 recordings are analysed.")
    assert list(found.missing["group"]) == ["g0", "g0"]
    # Two of four against none of two: by hand 6 of 15 tables.
    assert found.missing_p_value == pytest.approx(7 / 15)


def test_a_report_of_two_processes_equals_that_of_one(cohort):
    one, two = cohort.report(), cohort.report(n_workers=2)
    pandas.testing.assert_frame_equal(one.recordings, two.recordings, check_exact=True)


def test_the_report_holds_what_each_recording_answers(cohort):
    answers = cohort.report().answers.set_index("id")["answer"]
    for name in ("c0", "c3"):
        said = te.answer(te.read_results(cohort.file(name), what="all"))
        assert answers[name] == " ".join(sentence.text for sentence in said)


def test_a_trend_and_two_groups_get_one_row_for_each_measure(cohort):
    with pytest.warns(te.DataLossWarning, match="4 cultures cannot show a trend"):
        found = cohort.report(trend="age")
    assert set(found.trends["measure"]) == set(found.effects["measure"])
    assert found.effects["contrast"].unique().tolist() == ["g1 - g0"]


def test_a_study_without_results_says_how_to_run_it(folder, tmp_path):
    cohort = te.Cohort.from_manifest([folder / "c0.nwb"], tmp_path / "study", **CHOICES)
    with pytest.raises(InputError, match="tavrnn-ephys cohort run"):
        cohort.report()
    with pytest.raises(InputError, match="is not done"):
        cohort.results("c0")
    with pytest.raises(InputError, match="no recording 'x'"):
        cohort.file("x")


def test_a_folder_without_a_plan_says_how_to_make_one(tmp_path):
    with pytest.raises(InputError, match="cohort plan MANIFEST"):
        te.Cohort.open(tmp_path)


def test_two_segments_of_a_file_are_no_repeat(folder, tmp_path):
    manifest = tmp_path / "m.yaml"
    rows = "".join(f"  - {{file: {folder}/c0.nwb, id: s{n}, segment: {n}}}\n" for n in (0, 1))
    manifest.write_text(f"recordings:\n{rows}")
    cohort = te.Cohort.from_manifest(manifest, tmp_path / "study", **CHOICES)
    assert [item.refusal for item in cohort.plan.recordings][0] == ""
    assert "same bytes" not in cohort.plan.recordings[1].refusal


def test_a_recording_of_a_server_is_analysed_and_known_by_its_mark(folder, tmp_path):
    with serving(folder / "c0.nwb") as (address, served):
        cohort = te.Cohort.from_manifest([address], tmp_path / "study", **CHOICES)
        assert cohort.plan.recordings[0].digest.startswith("etag:")
        assert cohort.run().is_complete
    stored = te.read_results(cohort.file("c0"))
    np.testing.assert_array_equal(stored.mean.shape[1], 20)


def test_the_command_line_plans_runs_and_reports(folder, tmp_path, capsys):
    study, tables = str(tmp_path / "study"), tmp_path / "tables"
    windows = ["--bin-size", "100ms", "--window", "5s", "--step", "5s", "--set"]
    manifest = str(folder / "cohort.csv")
    assert main(["cohort", "plan", manifest, "--out", study, *windows, "training_epochs=1"]) == 1
    assert "4 can be analysed" in capsys.readouterr().out
    assert main(["cohort", "run", study, "--part", "1/3"]) == 0
    assert main(["cohort", "status", study, "--json"]) == 1
    said = capsys.readouterr().out
    states = json.loads(said[said.index("{") :])["states"]
    assert sorted(states.values()) == ["done", "done"] + ["refused"] * 2 + ["waiting"] * 2
    assert main(["cohort", "run", study]) == 1
    assert main(["cohort", "report", study, "--trend", "age", "--out", str(tables)]) == 0
    assert {path.name for path in tables.iterdir()} == {
        "recordings.csv", "answers.csv", "missing.csv", "effects.csv", "trends.csv",
        "forest.png", "study.html",
    }  # fmt: skip
    page = (tables / "study.html").read_text()
    assert "4 of 6 recordings are analysed." in page
    assert "bin_size_s 0.1" in page
    assert "Answers" in page
    assert main(["cohort", "report", study, "--out", str(tables)]) == 2


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["run", "--engine", "moon"], "There is no engine 'moon'"),
        (["run", "--part", "3"], "--part takes I/N"),
        (["run", "--memory", "lots"], "--memory takes a size"),
        (["run", "--workers", "0"], "--workers"),
        (["report", "--group-by", "colour"], "does not say its 'colour'"),
        (["report", "--workers", "0"], "--workers"),
    ],
)
def test_a_mistake_on_the_command_line_gets_a_sentence(cohort, command, said, capsys):
    stage, *options = command
    assert main(["cohort", stage, str(cohort.study), *options]) == 2
    assert said in capsys.readouterr().err


def test_shards_stand_under_two_letters(tmp_path):
    results, mark = shard_files(tmp_path, "abcd")
    assert results == tmp_path / "shards/ab/abcd.nwb"
    assert mark == tmp_path / "shards/ab/abcd.json"
