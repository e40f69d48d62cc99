"""The windows, nodes and time of a stored run in words."""

import pytest

from tavrnn_ephys.core.spec import SelectionSpec, WindowSpec, to_facts, told_selection

SLIDING = WindowSpec(bin_size_s=0.1, window_length_s=4.0, step_s=2.0)


@pytest.mark.parametrize(
    ("windows", "selection", "text"),
    [
        (SLIDING, SelectionSpec(), "windows of 4 s every 2 s"),
        (
            WindowSpec(bin_size_s=0.1, around="cue:go", before_s=-0.5, after_s=2.0),
            SelectionSpec(node_ids=("u1", "it's")),
            "windows from 0.5 s to 2 s around 'cue:go'; nodes u1, it's",
        ),
        (
            WindowSpec(bin_size_s=0.1, around="cue", before_s=0.0, after_s=2.0),
            SelectionSpec(node_ids=tuple("abcdefg"), min_rate_hz=0.1, min_node_spikes=9),
            "windows from 0 s to 2 s around 'cue'; 7 nodes by id; at least 0.1 spikes/s; "
            "at least 9 spikes",
        ),
        (
            WindowSpec(bin_size_s=0.1, runs_of="state"),
            SelectionSpec(t_start_s=5.0, exclude=("artefacts", "a:b"), keep_invalid_times=True),
            "windows on runs of 'state'; from 5 s; without 'artefacts'; without 'a:b'; "
            "invalid times kept",
        ),
    ],
)
def test_every_choice_is_told(windows, selection, text):
    facts = to_facts(windows, selection)
    assert told_selection(facts) == text
    assert told_selection({f"config.{key}": value for key, value in facts.items()}) == text


@pytest.mark.parametrize("facts", [{}, {"analysis.bin_size_s": 0.1, "analysis.intervals": 4}])
def test_a_run_that_does_not_say_is_told_as_nothing(facts):
    assert told_selection(facts) == ""
