"""The answer of six real recordings: each sentence is held against the numbers that it quotes."""

import re
import warnings
from dataclasses import replace

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.connectivity.network import compute_graphs
from tavrnn_ephys.core.spec import StateSpec
from tavrnn_ephys.results.answer import answer_of_tables
from tavrnn_ephys.studies.analysis import AnalysisResult
from tavrnn_ephys.studies.behavior.decoding import decoded
from tavrnn_ephys.studies.behavior.scores import components_of
from tavrnn_ephys.studies.change import change_tables
from tavrnn_ephys.studies.recording import behavior_of, open_block
from tavrnn_ephys.studies.run import tables_of
from tavrnn_ephys.studies.states.finding import find_states

CELEGANS = "celegans-nwb/ScholzEtAl2018.AML175_moving.BrainScanner20180223_141721.nwb"
# File, behaviour, whether states are asked for.
RECORDINGS = {
    "hipsc": ("hipsc-mea/hiPSN_tc65_d41_spikes6sd.h5", "", True),
    "retina": ("retina-mea/Demas2003_6WK_CTRL_ME1.h5", "", False),
    "rat": ("rat-hippocampus-hc11/achilles.npz", "position", True),
    "human units": ("formats/nwb/sub-4_ses-4_ecephys+image.nwb", "", False),
    "worm": (CELEGANS, "ss_2D_x", False),
    "mouse": ("mouse-dg-calcium/LC-DG-FC_2-1_D1_smoothed_calcium_traces.csv", "", False),
}


def block_of(path):
    if path.suffix != ".npz":
        return te.read(path)
    data = np.load(path)
    return te.block_from_arrays(
        counts=data["x"].T.astype(int), bin_size=25 * pq.ms,
        behavior={"position": data["b"][:, 0] * pq.m},
    )  # fmt: skip


def tables_of_recording(block, behavior, *, states):
    """What a run would store, but for the model: spectral coordinates decode the behaviour."""
    config = te.suggest(block).config()
    recording = open_block(block, config.windows)
    about = config.connectivity, config.graphs
    connectivity, graphs = compute_graphs(recording.activity, recording.windows, *about)
    result = AnalysisResult(
        config=config, activity=recording.activity, windows=recording.windows,
        connectivity=connectivity, graphs=graphs, model=None, embedding=None,
    )  # fmt: skip
    result = replace(result, change=change_tables(result))
    if states:
        result = replace(result, states=find_states(result, StateSpec(n_nulls=19)))
    tables = tables_of(result)
    if behavior:
        asked = te.BehaviorConfig(behavior=behavior, n_shuffles=19, model_in_folds=False)
        values = behavior_of(recording.segment, recording.windows, asked.spec)
        tables["behavior_decoding"] = decoded(result, values, components_of(values), asked)[0]
    return tables


@pytest.fixture(scope="module", params=RECORDINGS)
def tables(request, recordings):
    name, behavior, states = RECORDINGS[request.param]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return tables_of_recording(block_of(recordings / name), behavior, states=states)


def changed_cell(tables, number):
    table = tables[number.table].copy()
    if number.column == "rows":
        return {**tables, number.table: table.iloc[:-1]}
    values = table[number.column].astype(object).to_list()
    old = values[number.row]
    values[number.row] = f"x{old}" if isinstance(old, str) else old + 1.0
    table[number.column] = values
    return {**tables, number.table: table}


def test_every_sentence_fails_with_its_number_and_with_its_text(tables):
    found = answer_of_tables(tables)
    assert 2 <= len(found) <= 5
    assert found.holds(tables)
    for sentence in found:
        for number in sentence.numbers:
            assert not sentence.holds(changed_cell(tables, number)), number
        for digit in re.finditer(r"\d", sentence.text):
            other = str((int(digit[0]) + 1) % 10)
            text = sentence.text[: digit.start()] + other + sentence.text[digit.end() :]
            assert not replace(sentence, text=text).holds(tables), text


def test_what_was_asked_for_has_its_sentence_and_what_was_not_has_none(tables):
    topics = [sentence.topic for sentence in answer_of_tables(tables)]
    assert topics[0] == "change"
    assert topics[-1] == "limits"
    assert ("behaviour" in topics) == ("behavior_decoding" in tables)
    text = str(answer_of_tables(tables))
    assert ("network states" in text) == ("state_summary" in tables)


def test_verdicts_are_those_of_the_p_values(tables):
    said = {sentence.topic: sentence.text for sentence in answer_of_tables(tables)}
    network = tables["change_network"].set_index("features").loc["network"]
    if "behavior_decoding" not in tables and "state_summary" not in tables:
        assert ("No change" in said["change"]) == (network["p_value"] > 0.05)
    assert ("rates" in said) == ("The network changed" in said["change"])
    if "rates" in said:
        assert f"{round(100 * network['explained'])} %" in said["rates"]
