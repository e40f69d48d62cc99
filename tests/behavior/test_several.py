"""Several behaviours at once, of more than two labels, of angles, and of slow signals."""

import dataclasses
import datetime

import numpy as np
import pandas as pd
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.activity.behavior import WindowBehavior
from tavrnn_ephys.activity.behavior.sampling import known_shares, sampled_at_middles
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.spec import BehaviorSpec
from tavrnn_ephys.figures.page.asked import asked_behaviors, link_figures, main_behavior
from tavrnn_ephys.figures.page.collect import collect
from tavrnn_ephys.figures.page.comparing import similarity_figure
from tavrnn_ephys.results.answer import answer_of_tables
from tavrnn_ephys.results.answer.judging import claims_of
from tavrnn_ephys.statistics.discoveries import holm_p_values
from tavrnn_ephys.studies.behavior.config import behavior_facts, behaviors_of_facts
from tavrnn_ephys.studies.behavior.decidable import why_undecided
from tavrnn_ephys.studies.behavior.scores import components_of, without_rare_labels
from tavrnn_ephys.studies.behavior.several import corrected, family_table, tables_of_behaviors

pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning"),
]
LENGTH_S = 240.0
TIMES_S = np.arange(0, LENGTH_S, 0.1)
STAGE = np.array(["wake", "nrem", "rem"])[(TIMES_S // 6).astype(int) % 3]
HEADING = np.mod(np.cumsum(np.random.default_rng(5).normal(0, 12, len(TIMES_S))), 360.0)
WINDOWS = te.Windows(start_s=np.arange(0.0, 8.0, 2.0), stop_s=np.arange(2.0, 10.0, 2.0))
HOW = {"bin_size_s": 0.1, "window_length_s": 2.0, "step_s": 1.0, "training_epochs": 1}
FLAGS = ["--bin-size", "100ms", "--window", "2s", "--step", "2s", "--training-epochs", "1"]
# Half of the recording is enough where nothing is to be found.
PART = ["--to", "2min"]


@pytest.fixture(scope="module")
def block():
    """Units 0 and 1 fire together in one stage of three, all at one rate."""
    rng = np.random.default_rng(0)
    trains = [np.sort(rng.uniform(0, LENGTH_S, 2400)) for _ in range(5)]
    together = np.sort(rng.uniform(0, LENGTH_S, 2400))
    in_rem = (together // 6).astype(int) % 3 == 2
    for index in range(2):
        alone = trains[index][(trains[index] // 6).astype(int) % 3 != 2]
        trains[index] = np.sort(np.concatenate([alone, together[in_rem]]))
    made = te.block_from_arrays(
        spike_times=trains, t_stop=LENGTH_S * pq.s, behavior_rate=10 * pq.Hz,
        behavior={"stage": STAGE, "heading": HEADING, "sleep": np.repeat(["a", "b"], [600, 1800])},
    )  # fmt: skip
    made.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    return made


@pytest.fixture(scope="module")
def result(block):
    return te.analyze(block, te.AnalysisConfig(**HOW))


@pytest.fixture(scope="module")
def linked(block, result):
    configs = te.each_behavior(
        ["stage", "heading"], period=[None, 360.0], n_nulls=199, model_in_folds=False
    )
    return te.analyze_behaviors(block, result, configs)


def behavior(values, **options):
    given = {"name": "x", "how": "majority", "description": "It.", **options}
    return WindowBehavior(values=np.asarray(values), **given)


# A window of slow behaviour.


def test_a_slow_signal_gives_the_nearest_sample_or_the_line_between_two():
    times, values = np.array([0.0, 4.0, 8.0]), np.array([0.0, 8.0, 0.0])
    nearest = sampled_at_middles(WINDOWS, times, values, interpolate=False)
    assert nearest.tolist() == [0.0, 8.0, 8.0, 0.0]
    line = sampled_at_middles(WINDOWS, times, values, interpolate=True)
    assert line.tolist() == [2.0, 6.0, 6.0, 2.0]


def test_no_line_leads_across_a_pause_and_none_beyond_the_samples():
    times = np.array([0.0, 1.0, 2.0, 6.0, 6.5])
    line = sampled_at_middles(WINDOWS, times, np.arange(5.0), interpolate=True)
    assert line[0] == 1.0
    assert np.isnan(line[1:]).all()
    unknown = np.array([0.0, np.nan, 2.0, 3.0, 4.0])
    assert np.isnan(sampled_at_middles(WINDOWS, times, unknown, interpolate=True)[0])


def test_angles_are_interpolated_along_the_shorter_arc():
    times, angles = np.array([0.0, 4.0]), np.array([350.0, 30.0])
    found = sampled_at_middles(WINDOWS, times, angles, interpolate=True, period=360.0)
    assert found[:2].tolist() == [0.0, 20.0]


def test_the_known_share_of_a_window_is_that_of_its_samples():
    values = np.where(TIMES_S < 3.0, np.nan, 1.0)
    assert np.allclose(known_shares(WINDOWS, TIMES_S, values), [0.0, 0.5, 1.0, 1.0], atol=1e-6)


def signals(**behaviors):
    made = te.block_from_arrays(
        spike_times=[[1.0], [2.0]], t_stop=8 * pq.s, behavior=behaviors, behavior_rate=10 * pq.Hz
    )
    return made.segments[0]


def test_a_window_that_knows_less_than_asked_has_no_value():
    speed = np.where(np.arange(80) < 30, np.nan, 2.0) + np.arange(80) / 100
    labels = np.array(["", "run"])[(np.arange(80) >= 30).astype(int)]
    segment = signals(speed=speed, gait=labels)
    known = te.window_behavior(segment, WINDOWS, "speed").values
    assert np.isfinite(known[1:]).all()
    half = te.window_behavior(segment, WINDOWS, "speed", least_coverage=0.4).values
    most = te.window_behavior(segment, WINDOWS, "speed", least_coverage=0.6).values
    assert np.isfinite(half).tolist() == [False, True, True, True]
    assert np.isfinite(most).tolist() == [False, False, True, True]
    gait = te.window_behavior(segment, WINDOWS, "gait", least_coverage=0.6).values
    assert gait.tolist() == ["", "", "run", "run"]
    with pytest.raises(InputError, match="known in at most 50% of any window, and 90% are"):
        te.window_behavior(segment, WINDOWS.select([0, 1]), "speed", least_coverage=0.9)


def test_a_period_makes_a_signal_an_angle():
    segment = signals(heading=np.tile([350.0, 20.0], 40))
    found = te.window_behavior(segment, WINDOWS, "heading", period=360.0)
    assert found.how == "circular_mean"
    assert found.period == 360.0
    assert found.values.tolist() == [5.0] * 4


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"how": "mean", "period": 360.0}, "period is the full turn of angles"),
        ({"how": "rate", "least_coverage": 0.5}, "least_coverage is how much of a window"),
        ({"least_coverage": 0.0}, r"must lie in \(0, 1\]"),
        ({"least_coverage": True}, r"must lie in \(0, 1\]"),
    ],
)
def test_what_does_not_suit_a_way_is_refused_before_anything_is_read(options, message):
    with pytest.raises(InputError, match=message):
        BehaviorSpec(name="x", **options)


# What is correlated.


def test_labels_are_compared_each_with_all_others_and_angles_by_both_coordinates():
    stages = components_of(behavior(np.repeat(["a", "b", "c"], 10)))
    assert {name: series.sum() for name, series in stages.items()} == {"a": 10, "b": 10, "c": 10}
    angle = components_of(behavior([0.0, 90.0, 360.0], how="circular_mean", period=360.0))
    assert np.allclose(angle["cosine"], [1, 0, 1], atol=1e-12)
    assert np.allclose(angle["sine"], [0, 1, 0], atol=1e-12)
    assert list(components_of(behavior(np.repeat(["a", "b"], 10)))) == [""]


def test_rare_labels_are_left_out_and_told():
    labels = np.repeat(["a", "b", "c"], [20, 15, 3])
    with pytest.warns(DataLossWarning, match=r"left out: 'c' \(3\)"):
        kept = without_rare_labels(behavior(labels))
    assert kept.values[-3:].tolist() == ["", "", ""]
    few = behavior(np.repeat(["a", "b"], [20, 3]))
    assert without_rare_labels(few) is few


def test_an_angle_that_turns_often_can_be_decided():
    turns = np.mod(np.arange(120) * 37.0, 360.0)
    assert why_undecided(behavior(turns, how="circular_mean", period=360.0)) == ""
    once = np.linspace(0.0, 359.0, 120)
    assert "changes about" in why_undecided(behavior(once, how="circular_mean", period=360.0))


def test_the_pair_that_is_coupled_in_one_of_three_labels_is_found(linked):
    edges = linked[0].edges
    found = edges[edges["q_value"] < 0.05]
    assert set(edges["component"]) == {"nrem", "rem", "wake"}
    assert set(zip(found["node_a"], found["node_b"], strict=True)) == {("0", "1")}
    assert "rem" in set(found["component"])
    assert found.set_index("component").loc["rem", "correlation"] > 0
    table = linked[0].decoding.set_index("features")
    assert table.loc["spectral embedding", "metric"] == "balanced accuracy"
    assert table.loc["spectral embedding", "p_corrected"] <= 0.05


def test_what_an_angle_does_is_not_found_where_nothing_follows_it(linked):
    heading = linked[1]
    assert heading.ranking is None
    assert set(heading.association["component"]) == {"cosine", "sine"}
    assert (heading.edges["q_value"] >= 0.05).all()
    assert heading.decoding["p_corrected"].min() > 0.05


# Corrected over all.


def test_holm_is_that_of_statsmodels():
    multitest = pytest.importorskip("statsmodels.stats.multitest")
    p_values = np.random.default_rng(2).uniform(0, 0.2, 9)
    expected = multitest.multipletests(p_values, method="holm")[1]
    assert np.allclose(holm_p_values(p_values), expected)


def test_p_and_q_are_corrected_over_all_behaviours(block, result, linked):
    alone = te.analyze_behavior(block, result, linked[0].config)
    beside = linked[0]
    assert np.allclose(beside.edges["q_value"], np.minimum(2 * alone.edges["q_value"], 1))
    assert np.array_equal(beside.edges["p_value"], alone.edges["p_value"])
    for name in beside.decoding["features"]:
        rows = [item.decoding.set_index("features").loc[name] for item in linked]
        expected = holm_p_values([row["p_value"] for row in rows])
        assert [row["p_corrected"] for row in rows] == expected.tolist()
    assert "p_corrected" not in alone.decoding
    family = family_table(linked)
    assert family["behavior"].tolist() == ["stage", "heading"]
    assert "corrected over 2 behaviours" in str(beside)
    assert corrected([alone]) == (alone,)


def test_every_table_is_described_and_numbered(linked):
    tables = tables_of_behaviors({0: linked[0], 2: linked[1]})
    assert {"behavior_edges", "behavior3_edges", "behavior_family"} <= set(tables)
    assert not [name for name in tables if name.startswith("behavior2")]
    for name, table in tables.items():
        texts = table.attrs["columns"]
        assert set(texts) == set(table.columns), name
        assert all(texts.values()), name
    assert "Behaviour: 'heading'" in tables["behavior3_edges"].attrs["description"]
    said = tables["behavior_edges"].attrs["columns"]["q_value"]
    assert "3 components of the behaviour and 2 behaviours" in said


def of_behaviour(tables):
    (said,) = [item for item in answer_of_tables(tables) if item.topic == "behaviour"]
    assert said.holds(tables)
    return said


def test_the_answer_tells_of_each_of_several_with_its_corrected_p(linked):
    tables = tables_of_behaviors({0: linked[1], 1: linked[0]})
    said = of_behaviour(tables)
    assert said.text.startswith("The network goes with 'stage' (balanced accuracy ")
    assert "; with rates held constant 'stage' " in said.text
    assert "; no link to 'heading' (rank correlation in blocks " in said.text
    assert said.text.endswith("can be told from chance; p is corrected over 2 behaviours.")
    for name, found in zip(("heading", "stage"), (linked[1], linked[0]), strict=True):
        row = found.decoding[found.decoding["features"] == "spectral embedding"].iloc[0]
        assert f"p = {row['p_corrected']:.3f}" in said.text.partition(f"'{name}' (")[2]
    broken = {**tables, "behavior_family": tables["behavior_family"].assign(behavior="other")}
    assert not said.holds(broken)


def test_the_answer_tells_of_several_of_which_one_cannot_be_decided(linked, result):
    sleep = behavior(np.resize(["a"], len(result.windows)), name="sleep")
    tables = tables_of_behaviors(
        {1: linked[0], 2: linked[1]}, {0: (sleep, "It changes once.")}, result.windows
    )
    text = of_behaviour(tables).text
    assert text.startswith("The network goes with 'stage'")
    assert "; 'sleep' changes too seldom to decide; " in text


def test_of_many_behaviours_the_answer_names_p_alone(linked):
    alone = [
        dataclasses.replace(item, decoding=item.decoding.drop(columns="p_corrected"))
        for item in linked
    ]
    each = corrected([alone[index % 2] for index in range(5)])
    text = of_behaviour(tables_of_behaviors(dict(enumerate(each)))).text
    assert "chance " not in text.replace("from chance", "")
    assert text.count("(p = ") == 8
    assert "p is corrected over 5 behaviours" in text


def test_each_of_several_behaviours_is_a_question_of_its_own():
    decoding = pd.DataFrame(
        {
            "features": ["TAVRNN embedding"], "metric": ["balanced accuracy"], "score": [0.8],
            "chance_low": [0.4], "chance_high": [0.6], "p_value": [0.02], "p_corrected": [0.02],
            "smallest_p": [0.005],
        }
    )  # fmt: skip
    two = {"behavior_decoding": decoding, "behavior2_decoding": decoding.assign(p_value=0.04)}
    first, second = claims_of(two).behaviors
    assert first.is_linked
    assert second.is_linked
    three = {**two, "behavior3_decoding": decoding.assign(p_value=0.6)}
    assert not claims_of(three).goes_with_behavior


# How several are asked for.


def test_choices_are_one_for_all_or_one_for_each():
    both = te.each_behavior(["a", "b"], how="mean", least_coverage=[None, 0.5], seed=3)
    assert [item.how for item in both] == ["mean", "mean"]
    assert [item.least_coverage for item in both] == [None, 0.5]
    assert [item.seed for item in both] == [3, 3]
    assert [item.n_nulls for item in both] == [398, 398]
    assert behaviors_of_facts(behavior_facts(both)) == both
    assert te.each_behavior("a") == (te.BehaviorConfig(behavior="a"),)


@pytest.mark.parametrize(
    ("names", "options", "message"),
    [
        (["a", "b"], {"how": ["mean", "mean", "mean"]}, "how is given 3 times for 2 behaviours"),
        (["a", "b"], {"period": 360.0}, "period is given 1 times .* None where it is no angle"),
        (["a", "a"], {}, "'?a'? is named twice"),
        ([], {}, "no behaviour"),
    ],
)
def test_choices_that_do_not_add_up_are_refused(names, options, message):
    with pytest.raises(InputError, match=message):
        te.each_behavior(names, **options)


@pytest.fixture(scope="module")
def written(block, tmp_path_factory):
    """Three behaviours on the command line, one of which the recording cannot decide."""
    folder = tmp_path_factory.mktemp("several")
    te.write_nwb(block, folder / "in.nwb")
    asked = ["--behavior", "sleep", "--behavior", "stage", "--behavior", "heading"]
    asked += [text for value in ("auto", "auto", "360") for text in ("--period", value)]
    asked += [text for value in ("auto", "0.6", "0.9") for text in ("--behavior-coverage", value)]
    status = main(
        ["analyze", str(folder / "in.nwb"), *FLAGS, *PART, *asked, "--behavior-nulls", "39",
         "--states", "2", "--state-surrogates", "19", "--out", str(folder / "out.nwb"), "--report",
         str(folder / "page.html"), "--tables", str(folder), "--figures", str(folder / "drawn")]
    )  # fmt: skip
    assert status == 0
    return folder


def test_the_command_line_stores_draws_and_reports_each_behaviour(written, block):
    with te.open_results(written / "out.nwb") as run:
        tables, facts = dict(run.tables), dict(run.provenance)
    assert {"behavior_windows", "behavior_undecided"} <= set(tables)
    assert "behavior_decoding" not in tables
    assert {"behavior2_edges", "behavior3_edges", "behavior_family"} <= set(tables)
    assert any("No p-value is given" in str(facts[key]) for key in facts if "warnings." in key)
    family = pd.read_csv(written / "behavior_family.csv")
    assert family["behavior"].tolist() == ["stage", "heading"]
    drawn = {path.stem for path in (written / "drawn").glob("behavior*.png")}
    assert {"behavior2_networks"} <= drawn
    page = (written / "page.html").read_text()
    assert "behavior3 decoding" in page
    assert "behavior family" in page
    for name in ("stage", "heading"):
        assert f"Behaviour predicted from windows: {name}<" in page
    assert "changes too seldom to decide" in page
    assert {"cosine of heading", "stage: rem"} <= set(
        pd.read_csv(written / "state_behavior.csv")["behavior"]
    )


def test_the_page_shows_each_behaviour_and_compares_the_first_that_is_decided(written):
    content = collect(written / "out.nwb")
    asked = asked_behaviors(content)
    assert [(item.name, item.is_number) for item in asked] == [
        ("sleep", False), ("stage", False), ("heading", True)
    ]  # fmt: skip
    assert main_behavior(content).name == "stage"
    strips = similarity_figure(content)
    axes = [strips.layout[f"yaxis{number}"] for number in ("", 2, 3)]
    titles = [axis.title.text or axis.ticktext[0] for axis in axes]
    assert titles == ["sleep", "stage", "heading"]
    drawn = link_figures(content)
    assert {"decoding2", "decoding3", "association2", "association3"} <= set(drawn)
    assert content.recording.behavior[0].name == "heading"


def test_the_command_line_and_python_give_the_same(written, block):
    configs = te.each_behavior(
        ["stage", "heading"], period=[None, 360.0], least_coverage=[0.6, 0.9], n_nulls=39
    )
    how = {**HOW, "step_s": 2.0, "selection": te.SelectionSpec(t_stop_s=120.0)}
    again = te.analyze(block, te.AnalysisConfig(**how))
    found = te.analyze_behaviors(block, again, configs)
    with te.open_results(written / "out.nwb") as run:
        stored = run.tables["behavior2_decoding"]
    assert np.array_equal(stored["p_value"], found[0].decoding["p_value"])
    assert np.array_equal(stored["score"], found[0].decoding["score"])


def test_several_behaviours_are_computed_again_and_listed(written, capsys):
    assert main(["reproduce", str(written / "out.nwb")]) == 0
    said = capsys.readouterr().out
    assert "equal to the last bit" in said
    assert "table behavior3_edges" in said
    assert main(["runs", str(written / "out.nwb")]) == 0
    said = capsys.readouterr().out
    assert "behaviour 'sleep'; behaviour 'stage' (known in 60 % of a window)" in said
    assert "behaviour 'heading' (full turn 360, known in 90 % of a window)" in said


def test_a_file_of_options_names_several_behaviours(written, tmp_path, capsys):
    config = tmp_path / "run.yaml"
    config.write_text("behavior: [stage, nope]\nbehavior-how: [majority, auto]\n")
    source = str(written / "in.nwb")
    out = str(tmp_path / "out.nwb")
    assert main(["analyze", source, "--config", str(config), *FLAGS, "--out", out]) == 2
    assert "no behaviour 'nope'" in capsys.readouterr().err


def test_benchmark_takes_several_behaviours_into_one_table(written, tmp_path, capsys):
    status = main(
        ["benchmark", str(written / "in.nwb"), *FLAGS[:6], "--behavior", "stage", "--behavior",
         "heading", "--behavior-how", "majority", "--behavior-how", "mean", "--methods",
         "rates,degree", "--seeds", "1", "--out", str(tmp_path / "b")]
    )  # fmt: skip
    assert status == 0
    table = pd.read_csv(tmp_path / "b/benchmark.csv")
    assert set(table["task"]) == {"in stage", "in heading"}
