"""Jobs, records, and the table that follows."""

import json

import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation import BenchmarkTask, Job, run_jobs, score_method, summarize
from tavrnn_ephys.evaluation.runs import read_records
from tavrnn_ephys.evaluation.summary import markdown_table
from tavrnn_ephys.methods import UASE, Rates
from tests.evaluation.test_rules import synchrony_task


def make_rates(seed):
    return Rates()


def make_uase(seed):
    return UASE(latent_size=3)


def make_broken(seed):
    raise ZeroDivisionError("nothing to divide by")


class Source:
    """A small task; counts how often it is loaded in this process."""

    n_loaded = 0

    def __init__(self, session=0):
        self.session = f"{session}"
        self.name = "synchrony"

    def load(self):
        type(self).n_loaded += 1
        return synchrony_task(seed=int(self.session))


def jobs_of(makers, sessions=(0, 1), n_shifts=9):
    return [
        Job(source=source, method=name, make_method=make, seed=k, n_shifts=n_shifts)
        for k, source in [(k, Source(k)) for k in sessions]
        for name, make in makers.items()
    ]


def test_a_failing_method_stops_no_other_and_is_tried_again(tmp_path):
    makers = {"rates": make_rates, "broken": make_broken, "uase": make_uase}
    records = run_jobs(jobs_of(makers), tmp_path)
    assert [record["method"] for record in records] == [*makers, *makers]
    assert "ZeroDivisionError: nothing to divide by" in records[1]["error"]
    table = summarize(records).set_index("method")
    assert table.loc["uase", "score"] > 0.9
    assert np.isnan(table.loc["broken", "score"])
    assert "failed: ZeroDivisionError" in markdown_table(table.reset_index())
    again = run_jobs(jobs_of({**makers, "broken": make_uase}), tmp_path)
    assert not any(record.get("error") for record in again)


def test_what_is_done_is_not_done_again(tmp_path):
    makers = {"rates": make_rates, "uase": make_uase}
    first = run_jobs(jobs_of(makers, sessions=(0,)), tmp_path)
    before = Source.n_loaded
    again = run_jobs(jobs_of(makers, sessions=(0,)), tmp_path)
    assert Source.n_loaded == before
    assert json.dumps(first) == json.dumps(again)
    assert len(read_records(tmp_path)) == 2
    (tmp_path / "synchrony__0__uase__seed0.json").write_text('{"task": ')
    with pytest.raises(InputError, match="cannot be read .* Delete it"):
        run_jobs(jobs_of(makers, sessions=(0,)), tmp_path)


def test_two_processes_find_what_one_finds(tmp_path):
    makers = {"rates": make_rates, "uase": make_uase}
    alone = run_jobs(jobs_of(makers))
    together = run_jobs(jobs_of(makers), n_jobs=2)
    for one, other in zip(alone, together, strict=True):
        # As text, in which what nobody knows equals itself.
        unmeasured = {"seconds": 0, "peak_mb": 0}
        assert json.dumps({**one, **unmeasured}) == json.dumps({**other, **unmeasured})


def test_two_jobs_of_one_name_are_refused():
    with pytest.raises(InputError, match="same task, session, method and seed"):
        run_jobs([*jobs_of({"rates": make_rates}), *jobs_of({"rates": make_rates})])


def record_of(method, session, score, *, seed=0, blocks=None, null=(0.5, 0.52, 0.48)):
    return {
        "task": "t", "method": method, "session": session, "seed": seed,
        "kind": "classification", "supervision": "none", "score": score, "shuffled": 0.5,
        "with_rates": score, "null": list(null), "blocks": blocks or [score, score],
        "shuffled_blocks": [0.5, 0.5], "with_rates_blocks": blocks or [score, score],
        "seconds": 1.0, "n_steps": 10,
    }  # fmt: skip


def test_units_are_sessions_and_differences_are_paired():
    scores = {"a": 0.9, "b": 0.7, "c": 0.8}
    records = [record_of("rates", name, score - 0.1) for name, score in scores.items()]
    records += [record_of("uase", name, score) for name, score in scores.items()]
    row = summarize(records).set_index("method").loc["uase"]
    assert row["n_sessions"] == 3
    assert row["score"] == pytest.approx(0.8)
    assert row["low"] == pytest.approx(0.7)
    assert row["high"] == pytest.approx(0.9)
    # The sessions differ by more than the methods, and yet the difference is certain.
    assert row["minus_rates"] == pytest.approx(0.1)
    assert row["minus_rates_low"] == pytest.approx(row["minus_rates_high"])
    assert row["p_minus_rates"] == pytest.approx(2 / 8)
    assert row["p_value"] == pytest.approx(1 / 4)
    assert row["p_holm"] == pytest.approx(2 / 4)


def test_sessions_that_allow_fewer_shifts_are_averaged_with_the_others():
    records = [
        record_of("rates", "fast", 0.6, null=[0.0, 0.1, 0.2, 0.3, 0.4]),
        record_of("rates", "slow", 0.8, null=[0.5, 0.6, 0.7]),
    ]
    row = summarize(records).iloc[0]
    # Of the five, three: the first, the middle one and the last.
    assert (row["chance_low"], row["chance_high"]) == pytest.approx((0.25 + 0.0075, 0.55 - 0.0075))
    assert row["p_value"] == row["smallest_p"] == pytest.approx(1 / 4)


def test_scores_that_tie_with_their_null_are_ranked_as_by_the_decoder():
    records = [
        record_of("rates", "a", 0.5, null=[0.5, 0.5, 0.4]),
        record_of("uase", "a", 0.6, null=[0.6, 0.5, 0.4]),
    ]
    counted = summarize(records).set_index("method")
    assert counted.loc["rates", ["p_value", "p_max"]].tolist() == [3 / 4, 3 / 4]
    assert counted.loc["uase", ["p_value", "p_max"]].tolist() == [2 / 4, 2 / 4]
    for record in records:
        record.update(ties=-0.6, null_ties=[-0.7, -0.5, -0.1])
    ranked = summarize(records).set_index("method")
    # Of the ties with rates one ranks lower and one higher; that with the other method lower.
    assert ranked.loc["rates", "p_value"] == 2 / 4
    assert ranked.loc["uase", ["p_value", "p_max"]].tolist() == [1 / 4, 1 / 4]


def test_a_record_ties_with_its_null_as_the_decoder_does():
    rng = np.random.default_rng(0)
    # Three classes give scores that no decimal number holds.
    task = BenchmarkTask(
        name="noise",
        session="0",
        activity=te.BinnedActivity(
            values=rng.poisson(2.0, (3, 210)), bin_size_s=0.2, nodes=te.Nodes(ids="abc")
        ),
        windows=te.Windows(start_s=np.arange(42.0), stop_s=np.arange(42.0) + 1),
        behavior=rng.permutation(np.arange(42) % 3),
    )
    record = score_method(task, make_rates, n_shifts=19, transductive=False)
    assert any(value != round(value, 5) for value in record["null"])
    assert len(record["null_ties"]) == len(record["null"])
    about = {"task": "noise", "method": "rates", "session": "0", "seed": 0, "kind": task.kind}
    assert summarize([record | about])["p_value"][0] == record["p_value"]


def test_parts_beside_rates_are_paired_by_session():
    scores = {"a": 0.9, "b": 0.7, "c": 0.8}
    records = [record_of("rates", name, 0.6) for name in scores]
    for name, score in scores.items():
        record = record_of("uase", name, score)
        record |= {
            "with_rates_blocks": [score + 0.05] * 2,
            "control_with_rates_blocks": [0.58, 0.6],
            "chance_level": 0.5,
        }
        records.append(record)
    row = summarize(records).set_index("method").loc["uase"]
    assert row["adds_to_rates"] == pytest.approx(0.25)
    assert row["adds_to_rates_low"] < 0.05 < row["adds_to_rates_high"]
    assert row["control_adds_to_rates"] == pytest.approx(-0.01)
    assert row["rates_add"] == pytest.approx(0.05)
    assert row["rates_add_low"] == pytest.approx(row["rates_add_high"])
    # 0.8 and 0.6 above a chance of 0.5 each, of which 0.85 is told together.
    assert row["shared"] == pytest.approx(0.8 + 0.6 - 0.85 - 0.5)
    total = row["adds_to_rates"] + row["rates_add"] + row["shared"]
    assert total == pytest.approx(0.85 - 0.5)


def test_records_without_parts_are_still_summarised():
    row = summarize([record_of("rates", "a", 0.6), record_of("uase", "a", 0.7)]).iloc[0]
    assert np.isnan(row["control_adds_to_rates"])
    assert np.isnan(row["shared"])


def test_every_method_is_compared_with_the_reference_session_by_session():
    scores = {"a": 0.9, "b": 0.7, "c": 0.8}
    records = [record_of("rates", name, 0.5) for name in scores]
    records += [record_of("mine", name, score) for name, score in scores.items()]
    records += [record_of("other", name, score - 0.2) for name, score in scores.items()]
    table = summarize(records, reference="mine").set_index("method")
    assert table.loc["other", "minus_reference"] == pytest.approx(-0.2)
    assert table.loc["other", "minus_reference_high"] == pytest.approx(-0.2)
    assert table.loc["other", "p_minus_reference"] == pytest.approx(2 / 8)
    assert np.isnan(table.loc["mine", "minus_reference"])
    # Two methods were compared with it.
    assert table.loc["other", "p_holm_minus_reference"] == pytest.approx(4 / 8)
    text = markdown_table(table.reset_index())
    assert "| minus mine [95 %] |" in text
    assert "| -0.200 [-0.200, -0.200] |" in text
    widths = {line.count("|") for line in text.splitlines() if line.startswith("|")}
    assert len(widths) == 1


def test_nothing_is_compared_with_a_reference_that_takes_no_part():
    records = [record_of("rates", "a", 0.5), record_of("other", "a", 0.7)]
    table = summarize(records)
    assert table["minus_reference"].isna().all()
    assert "minus" not in markdown_table(table)


def test_units_are_blocks_where_there_is_one_session_and_seeds_are_averaged():
    records = [
        record_of("rates", "a", 0.5, seed=seed, blocks=[0.5, 0.5, 0.5]) for seed in (0, 1)
    ] + [
        record_of("uase", "a", 0.7, seed=seed, blocks=[0.6 + 0.1 * seed, 0.7, 0.8 - 0.1 * seed])
        for seed in (0, 1)
    ]
    row = summarize(records).set_index("method").loc["uase"]
    assert (row["n_sessions"], row["n_seeds"]) == (1, 2)
    assert row["low"] >= 0.65 - 1e-9
    assert row["high"] <= 0.75 + 1e-9
    assert row["p_minus_rates"] == pytest.approx(2 / 8)


def test_largest_of_all_corrects_without_more_shifts_than_methods():
    rng = np.random.default_rng(0)
    null = rng.normal(0.5, 0.02, (30, 199))
    records = [record_of("rates", "a", 0.5, null=null[0])]
    records += [record_of(f"m{k}", "a", 0.51, null=null[k]) for k in range(1, 29)]
    records += [record_of("found", "a", 0.7, null=null[29])]
    table = summarize(records).set_index("method")
    assert table.loc["found", "p_holm"] == pytest.approx(30 / 200)
    assert table.loc["found", "p_max"] == pytest.approx(1 / 200)
    assert table.drop(index="found")["p_max"].min() > 0.05


def test_a_method_of_fewer_sessions_leaves_the_largest_of_all_to_the_others():
    rng = np.random.default_rng(0)
    records = [
        record_of(name, session, 0.5 + 0.2 * (name == "found"), null=rng.normal(0.5, 0.02, 49))
        for session in "ab"
        for name in ("rates", "found")
    ]
    alone = summarize(records).set_index("method")
    # On one session alone, with a null that would overtop that of every other method.
    records.append(record_of("new", "a", 0.9, null=rng.normal(0.5, 2.0, 30)))
    table = summarize(records).set_index("method")
    assert np.isnan(table.loc["new", "p_max"])
    assert np.isfinite(table.loc["new", "p_value"])
    for name in ("rates", "found"):
        assert table.loc[name, "p_max"] == alone.loc[name, "p_max"]


def test_no_record_is_refused():
    with pytest.raises(InputError, match="no records"):
        summarize([])
