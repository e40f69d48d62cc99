"""The answer: every number is that of a table, and three cultures are told from their sentences."""

import json
import re
from dataclasses import replace

import neo
import numpy as np
import pandas as pd
import pytest
import quantities as pq

import tavrnn_ephys as te
from docs.measurements import answer_calibration
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.results.answer import Sentence, answer_of_tables
from tavrnn_ephys.results.answer.makers import MAKERS
from tavrnn_ephys.statistics.association.order import order_in_time
from tavrnn_ephys.studies.analysis import AnalysisResult
from tavrnn_ephys.studies.answering import answer_tables

pytestmark = [
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning"),
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning"),
]
CONFIG = te.AnalysisConfig(
    bin_size_s=0.01, window_length_s=4.0, step_s=2.0, training_epochs=1, seed=0
)


def with_behavior(block: neo.Block, values: np.ndarray) -> neo.Block:
    """Give a block a behaviour, one sample per second."""
    signal = neo.AnalogSignal(
        values[:, None] * pq.dimensionless, sampling_rate=1.0 * pq.Hz, name="skill"
    )
    signal.annotate(role="behavior")
    block.segments[0].analogsignals.append(signal)
    return block


def independent(seed: int, duration_s: float = 300.0) -> neo.Block:
    rng = np.random.default_rng(seed)
    rates = rng.lognormal(np.log(5.0), 0.6, 30)
    trains = [np.sort(rng.uniform(0, duration_s, rng.poisson(r * duration_s))) for r in rates]
    return te.block_from_arrays(spike_times=trains, t_stop=duration_s * pq.s)


def slow(seed: int, n: int) -> np.ndarray:
    rng = np.random.default_rng(seed)
    values = np.zeros(n)
    for index in range(1, n):
        values[index] = 0.85 * values[index - 1] + rng.normal()
    return values


def linked(block: neo.Block) -> AnalysisResult:
    result = te.analyze(block, CONFIG)
    config = te.BehaviorConfig(behavior="skill", n_shuffles=9, model_in_folds=False)
    return replace(result, behavior=te.analyze_behavior(block, result, config))


def culture(seed: int) -> tuple[neo.Block, np.ndarray]:
    """A culture that switches its coupling every half a minute, and its state each second."""
    block = te.simulate_culture(n_nodes=30, duration=300 * pq.s, dwell=25 * pq.s, seed=seed)
    state = te.culture_truth(block).state_at(np.arange(300) + 0.5).astype(float)
    return block, state


@pytest.fixture(scope="module")
def follows() -> AnalysisResult:
    block, state = culture(3)
    return linked(with_behavior(block, state + 0.3 * slow(0, 300)))


@pytest.fixture(scope="module")
def changes_alone() -> AnalysisResult:
    block, _ = culture(5)
    return linked(with_behavior(block, slow(7, 300)))


@pytest.fixture(scope="module")
def nothing() -> AnalysisResult:
    return linked(with_behavior(independent(1), slow(2, 300)))


def topics(result: AnalysisResult) -> dict[str, str]:
    return {sentence.topic: sentence.text for sentence in te.answer(result)}


def read_blindly(text: str) -> str:
    """Tell from the first five sentences alone which culture it is."""
    changed = "The network changed" in text
    goes = "The network goes with the behaviour" in text
    if changed and goes:
        return "a change with behaviour"
    if changed:
        return "a change without behaviour"
    return "nothing" if "No change" in text and "No link" in text else "unclear"


def test_blind_reading_tells_three_cultures_apart(
    follows: AnalysisResult, changes_alone: AnalysisResult, nothing: AnalysisResult
) -> None:
    said = [read_blindly(str(te.answer(item))) for item in (follows, changes_alone, nothing)]
    assert said == ["a change with behaviour", "a change without behaviour", "nothing"]


@pytest.mark.parametrize("name", ["follows", "changes_alone", "nothing"])
def test_answer_has_at_most_five_sentences_that_hold(
    name: str, request: pytest.FixtureRequest
) -> None:
    result = request.getfixturevalue(name)
    found, tables = te.answer(result), answer_tables(result)
    assert 3 <= len(found) <= 5
    assert found.holds(tables)
    assert found[-1].topic == "limits"
    for sentence in found:
        assert sentence.text.endswith(".")
        assert sentence.text.count(". ") == 0


def changed_cell(tables: dict[str, pd.DataFrame], number: object) -> dict[str, pd.DataFrame]:
    table = tables[number.table].copy()
    values = table[number.column].astype(object).to_list()
    old = values[number.row]
    values[number.row] = f"{old}x" if isinstance(old, str) else old + 1.0
    table[number.column] = values
    return {**tables, number.table: table}


@pytest.mark.parametrize("name", ["follows", "changes_alone", "nothing"])
def test_a_sentence_no_longer_holds_when_its_number_changes(
    name: str, request: pytest.FixtureRequest
) -> None:
    result = request.getfixturevalue(name)
    tables = answer_tables(result)
    counted = 0
    for sentence in te.answer(result):
        for number in sentence.numbers:
            assert not sentence.holds(changed_cell(tables, number)), number
            counted += 1
    assert counted >= 8


@pytest.mark.parametrize("name", ["follows", "nothing"])
def test_a_sentence_no_longer_holds_when_its_text_changes(
    name: str, request: pytest.FixtureRequest
) -> None:
    result = request.getfixturevalue(name)
    tables = answer_tables(result)
    for sentence in te.answer(result):
        for found in re.finditer(r"\d", sentence.text):
            other = str((int(found[0]) + 1) % 10)
            text = sentence.text[: found.start()] + other + sentence.text[found.end() :]
            assert not replace(sentence, text=text).holds(tables)


def test_a_number_without_a_source_is_noticed(nothing: AnalysisResult) -> None:
    invented = Sentence(topic="change", text="It changed in 3 of 4 windows.")
    assert not invented.holds(answer_tables(nothing))


def test_smallest_p_that_can_be_reached_is_named(follows: AnalysisResult) -> None:
    assert "p = 0.001, the smallest possible" in topics(follows)["change"]


def test_behaviour_that_cannot_be_judged_gets_that_sentence(nothing: AnalysisResult) -> None:
    tables = answer_tables(nothing)
    table = tables["behavior_decoding"].assign(smallest_p=0.05, p_value=0.05)
    found = {s.topic: s.text for s in answer_of_tables({**tables, "behavior_decoding": table})}
    assert "cannot be decided" in found["behaviour"]
    assert "0.050" in found["behaviour"]


def test_two_questions_share_five_per_cent(nothing: AnalysisResult) -> None:
    tables = answer_tables(nothing)
    change = tables["change_network"].assign(p_value=0.03)
    decoding = tables["behavior_decoding"].assign(p_value=0.5)
    both = answer_of_tables({"change_network": change, "behavior_decoding": decoding})
    alone = answer_of_tables({"change_network": change})
    assert both[0].text.startswith("No change")
    assert alone[0].text.startswith("The network changed")


def test_change_of_rates_alone_is_told_as_such() -> None:
    rng = np.random.default_rng(0)
    trains = []
    for rate in rng.uniform(3, 8, 20):
        first = rng.uniform(0, 150, rng.poisson(rate * 150 * 0.3))
        second = rng.uniform(150, 300, rng.poisson(rate * 150 * 2.5))
        trains.append(np.sort(np.concatenate([first, second])))
    block = te.block_from_arrays(spike_times=trains, t_stop=300 * pq.s)
    config = replace(CONFIG, measure="covariance")
    result = te.analyze(block, config)
    rates = answer_tables(result)["change_network"].set_index("features")
    assert rates.loc["mean rates", "p_value"] == 0.001
    assert rates.loc["network, rates held", "p_value"] > 0.05


def test_too_few_windows_are_said(nothing: AnalysisResult) -> None:
    assert "cannot be said: too few windows" in answer_of_tables({})[0].text
    short = nothing.connectivity.select(slice(0, 10))
    with pytest.raises(InputError, match="8 are needed"):
        order_in_time(short)


def test_orders_give_uniform_p_values_on_noise() -> None:
    rng = np.random.default_rng(4)
    p_values = []
    for seed in range(60):
        weights = rng.normal(size=(24, 6, 6))
        connectivity = te.ConnectivitySequence.from_array(weights + weights.transpose(0, 2, 1))
        connectivity = replace(connectivity, mean_activity=rng.random((24, 6)))
        found = order_in_time(connectivity, n_orders=99, seed=seed).network
        p_values.append(found["p_value"].to_numpy())
    share = (np.array(p_values) <= 0.1).mean(axis=0)
    # Of 60 draws, more than 13 below 0.1 come up less than once in a thousand.
    assert np.all(share <= 13 / 60)


def test_every_maker_has_a_rank_of_its_own() -> None:
    ranks = [maker.rank for maker in MAKERS]
    assert len(set(ranks)) == len(ranks)


def test_other_things_have_no_answer() -> None:
    with pytest.raises(InputError, match="AnalysisResult, Results or StoredResults"):
        te.answer("culture.nwb")


def test_command_prints_stores_and_exports_the_answer(tmp_path, capsys) -> None:
    block, _ = culture(3)
    recording = te.write_nwb(block, tmp_path / "culture.nwb")
    out = tmp_path / "out.nwb"
    how = ["--bin-size", "10ms", "--window", "4s", "--step", "2s", "--training-epochs", "1"]
    assert main(["analyze", str(recording), *how, "--out", str(out), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)["answer"]
    assert said[0]["topic"] == "change"
    with te.open_results(out) as stored:
        sentences = te.answer(stored)
        table = stored.tables["answer"]
    assert [item["text"] for item in said] == [item.text for item in sentences]
    assert table["sentence"].tolist() == [item.text for item in sentences]
    assert said[0]["numbers"][0]["table"] == "change_network"


def test_a_short_calibration_counts_claims_of_independent_trains(capsys) -> None:
    answer_calibration.main(["--runs", "2", "--nodes", "6", "--duration", "120"])
    assert re.fullmatch(
        r"2 runs: changed 0\.[05]00, goes with behaviour 0\.[05]00, either 0\.[05]00\n",
        capsys.readouterr().out,
    )
