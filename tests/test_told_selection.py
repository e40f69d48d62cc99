"""The windows, nodes and time of a stored run in words."""

import pytest

from tavrnn_ephys.core.spec import (
    ConnectivitySpec,
    GraphSpec,
    ModelSpec,
    SelectionSpec,
    WindowSpec,
    to_facts,
    told_selection,
)

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


@pytest.mark.parametrize(
    ("network", "text"),
    [
        ((ConnectivitySpec(taper="hann"), GraphSpec(density=0.1)),
         "tapered (hann); the strongest 10 % of pairs as edges"),
        ((ConnectivitySpec(min_spikes=2), GraphSpec(n_strongest=3)),
         "the 3 strongest weights of each node as edges"),
        ((ConnectivitySpec(measure="spearman", min_spikes=5),
          GraphSpec(false_discoveries=0.05, surrogates="shuffle")),
         "measure spearman; edges of nodes with at least 5 spikes in a window; edges beyond 100 "
         "surrogates (shuffle), at most 5 % of them false"),
        ((GraphSpec(threshold=0.6), ModelSpec(profile="paper")), "edges from 0.6; profile paper"),
        ((ModelSpec(profile="recurrent"),), "profile recurrent"),
        ((ModelSpec(latent_size=4, smoothing="causal", options={"kl_weight": 0.1}),),
         "latent size 4; kl_weight 0.1; smoothing causal"),
    ],
)  # fmt: skip
def test_what_differs_from_the_usual_network_is_told(network, text):
    assert told_selection(to_facts(SLIDING, *network)) == f"windows of 4 s every 2 s; {text}"
