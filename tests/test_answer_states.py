"""What the answer says of network states, of a behaviour that is undecided, and of followers."""

import numpy as np
import pandas as pd
import pytest

from tavrnn_ephys.results.answer import answer_of_tables
from tavrnn_ephys.results.answer.judging import claims_of


def change(p_value):
    return pd.DataFrame(
        {
            "features": ["mean rates", "network", "network, rates held"],
            "correlation": [0.1, 0.3, 0.2], "chance_low": -0.05, "chance_high": 0.06,
            "p_value": [0.5, p_value, p_value], "smallest_p": 0.001,
            "explained": [np.nan, 0.12, np.nan],
        }
    )  # fmt: skip


def states(n_states, p_value):
    return {
        "state_summary": pd.DataFrame(
            {"state": range(n_states), "occupancy": np.full(n_states, 1 / n_states)}
        ),
        "state_evidence": pd.DataFrame(
            {"number": [1, 2], "p_value": [p_value, np.nan], "smallest_p": [0.05, np.nan]}
        ),
    }


def decoding(p_value, smallest_p=0.005):
    return pd.DataFrame(
        {
            "features": ["TAVRNN embedding"], "metric": ["balanced accuracy"], "score": [0.8],
            "chance_low": [0.4], "chance_high": [0.6], "p_value": [p_value],
            "smallest_p": [smallest_p],
        }
    )  # fmt: skip


def said(tables):
    found = answer_of_tables(tables)
    assert found.holds(tables)
    assert len(found) <= 5
    return {sentence.topic: sentence.text for sentence in found}


@pytest.mark.parametrize(
    ("n_states", "p_value", "text"),
    [
        (2, 0.05, "2 network states come and go (variation beyond rates: p = 0.050, the smallest "
         "possible); state 0 holds for 50 % of the time."),
        (1, 0.3, "No separate network states were found (variation beyond rates: p = 0.300)."),
        (2, 0.3, "Chance may give the 2 network states (variation beyond rates: p = 0.300); "
         "state 0 holds for 50 % of the time."),
    ],
)  # fmt: skip
def test_states_are_claimed_where_they_are_beyond_chance(n_states, p_value, text):
    tables = {"change_network": change(0.001), **states(n_states, p_value)}
    assert said(tables)["states"] == text
    other = {**tables, "state_evidence": tables["state_evidence"].assign(p_value=0.2)}
    assert not answer_of_tables(tables).holds(other)


def test_a_number_of_states_that_was_given_is_called_untested():
    tables = {"change_network": change(0.5), "state_summary": states(3, 0.05)["state_summary"]}
    assert said(tables)["states"].startswith("3 network states were asked for, untested;")


def test_three_questions_share_five_per_cent():
    alone = {"change_network": change(0.02)}
    assert claims_of(alone).changed
    assert not claims_of({**alone, **states(2, 0.6), "behavior_decoding": decoding(0.5)}).changed


def test_with_change_behaviour_and_states_there_are_still_five_sentences():
    tables = {
        "change_network": change(0.001), **states(2, 0.05), "behavior_decoding": decoding(0.005),
        "change_times": pd.DataFrame({"start_s": [62.0, 118.0]}),
        "change_nodes": pd.DataFrame({"node_id": ["n9", "n3"], "group": "CA1", "q_value": 0.02}),
    }  # fmt: skip
    found = said(tables)
    assert list(found) == ["change", "when", "rates", "behaviour", "limits"]
    assert found["when"] == (
        "Its largest change lies at 62 s; node n9 of CA1 shows it most clearly (q 0.020), and "
        "2 network states come and go (variation beyond rates: p = 0.050, the smallest possible)."
    )


def test_a_behaviour_that_changes_too_seldom_is_said_to_be_undecided():
    reason = pd.DataFrame({"behavior": ["sleep"], "reason": ["It changes once."]})
    found = said({"change_network": change(0.5), "behavior_undecided": reason})
    assert found["behaviour"] == (
        "What sleep has to do with the network cannot be decided: it changes too seldom for a "
        "p-value."
    )
    assert "no behaviour was asked for" not in found["limits"]


def test_where_nothing_could_be_decided_no_missing_link_is_spoken_of():
    tables = {"change_network": change(0.5), "behavior_decoding": decoding(0.04, smallest_p=0.04)}
    assert said(tables)["limits"].startswith("What causes what cannot be said, nor what a longer")


def test_few_shifts_can_decide_where_the_other_question_is_answered():
    few = decoding(0.04, smallest_p=0.04)
    assert (
        "cannot be decided"
        in said({"change_network": change(0.5), "behavior_decoding": few})["behaviour"]
    )
    answered = said({"change_network": change(0.001), "behavior_decoding": few})
    assert answered["behaviour"].startswith("The network goes with the behaviour")


def test_node_and_pair_that_follow_the_behaviour_most_are_named():
    tables = {
        "change_network": change(0.5), "behavior_decoding": decoding(0.005),
        "behavior_nodes": pd.DataFrame(
            {"node_id": ["a", "b"], "q_value": [0.01, 0.01], "r_squared": [0.2, 0.4]}
        ),
        "behavior_edges": pd.DataFrame(
            {"node_a": ["a"], "node_b": ["c"], "q_value": [0.2], "correlation": [0.5]}
        ),
    }  # fmt: skip
    assert said(tables)["limits"] == (
        "What causes what cannot be said; node b follows the behaviour beyond rates, and no "
        "single pair does."
    )
    edges = tables["behavior_edges"].assign(q_value=0.01)
    both = said({**tables, "behavior_edges": edges})["limits"]
    assert both.endswith("node b and the pair a–c follow the behaviour most, beyond rates.")
