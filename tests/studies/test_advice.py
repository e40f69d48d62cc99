"""Bin, window and step that suit a recording, and what is refused or warned of in a choice."""

import dataclasses
import html
import warnings
from pathlib import Path

import neo
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.activity.behavior import WindowBehavior
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import ChoiceWarning, DataLossWarning, InputError
from tavrnn_ephys.core.spec import ConnectivitySpec, SelectionSpec, WindowSpec
from tavrnn_ephys.studies.advice import check_choices, completed
from tavrnn_ephys.studies.advice.checks import check_choice
from tavrnn_ephys.studies.behavior.decidable import why_undecided
from tavrnn_ephys.studies.inspection import inspect_file
from tavrnn_ephys.studies.recording import open_segment

quiet = pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning")


def culture(rate_hz=5.0, length_s=600.0, n_nodes=8, seed=0, **options):
    rng = np.random.default_rng(seed)
    trains = [
        np.sort(rng.uniform(0, length_s, rng.poisson(rate_hz * length_s))) for _ in range(n_nodes)
    ]
    return te.block_from_arrays(spike_times=trains, t_stop=length_s * pq.s, **options)


def cells(interval_s=0.1, length_s=600.0, memory_s=1.0, n_nodes=6, seed=0):
    rng = np.random.default_rng(seed)
    n_samples = int(length_s / interval_s)
    kept = np.exp(-interval_s / memory_s)
    traces = np.zeros((n_nodes, n_samples))
    noise = rng.normal(size=traces.shape)
    for index in range(1, n_samples):
        traces[:, index] = kept * traces[:, index - 1] + noise[:, index]
    return te.block_from_arrays(traces=traces, sampling_rate=1 / interval_s * pq.Hz)


def checked(block, suggestion):
    """Open a block as suggested, and check the choice; the warnings of the check."""
    spec = WindowSpec(
        bin_size_s=suggestion.bin_size_s,
        window_length_s=suggestion.window_length_s,
        step_s=suggestion.step_s,
    )
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        opened = open_segment(block.segments[0], spec)
        check_choice(opened.activity, opened.windows, ConnectivitySpec(min_spikes=2))
    assert len(opened.windows) == suggestion.n_windows
    return [str(item.message) for item in caught if item.category is ChoiceWarning]


# What is suggested.


@pytest.mark.parametrize("rate_hz", [0.3, 1.0, 5.0, 20.0])
@pytest.mark.parametrize("length_s", [300.0, 1800.0])
def test_a_suggestion_passes_its_own_checks(rate_hz, length_s):
    block = culture(rate_hz, length_s)
    found = te.suggest(block)
    assert checked(block, found) == []
    assert found.n_windows >= 20


@pytest.mark.parametrize("interval_s", [0.033, 0.1, 0.2])
def test_a_suggestion_for_traces_passes_its_own_checks(interval_s):
    block = cells(interval_s)
    found = te.suggest(block)
    assert found.bin_size_s >= interval_s
    assert found.spikes_per_window is None
    assert checked(block, found) == []


def test_rates_set_window_and_bin():
    fast, slow = te.suggest(culture(20.0)), te.suggest(culture(0.5))
    assert fast.window_length_s < slow.window_length_s
    assert fast.bin_size_s < slow.bin_size_s
    assert fast.spikes_per_window == pytest.approx(20.0 * fast.window_length_s, rel=0.1)


def test_traces_that_remember_longer_get_a_larger_standard_error():
    quick, slow = te.suggest(cells(memory_s=0.2)), te.suggest(cells(memory_s=4.0))
    assert quick.standard_error <= 0.11
    assert slow.standard_error > 0.2
    assert "resemble themselves for" in slow.reasons["bin"]


def test_every_reason_is_said_with_its_number():
    found = te.suggest(culture(5.0))
    assert set(found.reasons) == {"bin", "window", "step"}
    assert "fires 5." in found.reasons["bin"] or "fires 4.9" in found.reasons["bin"]
    assert "spikes of the median unit" in found.reasons["window"]
    assert f"standard error of r {found.standard_error:.2f}" in found.reasons["window"]
    assert f"{found.n_windows} windows of 600 s" in found.reasons["step"]
    assert str(found).startswith("  bin ")


def test_a_faster_behaviour_is_named():
    length_s = 3000
    slow = np.sin(np.arange(length_s) / 60)
    block = culture(
        20.0, length_s, behavior={"speed": slow, "on": np.ones(length_s)}, behavior_rate=1 * pq.Hz
    )
    assert "within the" in te.suggest(block).reasons["window"]
    assert "'speed' changes" in te.suggest(block).reasons["window"]


def test_what_is_chosen_already_is_kept():
    found = te.suggest(culture(5.0), window_length=30 * pq.s, step=7 * pq.s)
    assert (found.window_length_s, found.step_s) == (30.0, 7.0)
    found.config()
    assert found.reasons["window"].startswith("as asked for")
    odd = te.suggest(culture(5.0), bin_size=70 * pq.ms)
    assert odd.bin_size_s == 0.07
    odd.config()


@quiet
def test_gaps_are_named_and_windows_lie_between_them():
    block = cells(0.2, 400.0)
    signal = block.segments[0].analogsignals.pop()
    times, kept = signal.times.magnitude, np.ones(len(signal), dtype=bool)
    kept[(times > 100) & (times < 130)] = False
    block.segments[0].irregularlysampledsignals.append(
        neo.IrregularlySampledSignal(
            times[kept], signal.magnitude[kept], units="V", time_units="s", role="nodes"
        )
    )
    found = te.suggest(block)
    assert "2 stretches" in found.reasons["gaps"]
    assert checked(block, found) == []


def test_selected_nodes_and_time_are_what_is_looked_at():
    block = culture(5.0, 600.0)
    half = te.suggest(block, selection=SelectionSpec(t_stop_s=300.0))
    assert "of 300 s" in half.reasons["step"]


@pytest.mark.parametrize(
    ("block", "message"),
    [
        (culture(0.0), "are silent in the time that is meant"),
        (neo.Block(), "holds neither spike trains nor traces of nodes"),
    ],
)
def test_what_no_window_suits_is_refused(block, message):
    if not block.segments:
        block.segments.append(neo.Segment())
    with pytest.raises(InputError, match=message):
        te.suggest(block)


def test_a_window_that_fits_no_two_times_is_refused():
    with pytest.raises(InputError, match="no two windows of 500 s fit"):
        te.suggest(culture(5.0), window_length=500 * pq.s)


# Real recordings of several kinds.

KINDS = (
    "hipsc-mea/hiPSN_tc65_d41_spikes6sd.h5",
    "retina-mea/Demas2003_6WK_CTRL_ME1.h5",
    "formats/nwb/sub-4_ses-4_ecephys+image.nwb",
    "celegans-nwb/ScholzEtAl2018.AML175_moving.BrainScanner20180223_141721.nwb",
    "mouse-dg-calcium/LC-DG-FC_2-1_D1_smoothed_calcium_traces.csv",
)


@pytest.mark.parametrize("name", KINDS, ids=lambda name: name.split("/")[0])
@quiet
def test_a_suggestion_for_a_real_recording_passes_its_own_checks(recordings, name):
    block = te.read(recordings / name)
    assert checked(block, te.suggest(block)) == []


# Choices completed.


def test_open_durations_are_filled_in_and_the_others_kept():
    config, found, reasons = completed(
        culture(5.0).segments[0], {"window_length_s": 30.0, "seed": 3, "bin_size_s": None}
    )
    assert (config.window_length_s, config.seed) == (30.0, 3)
    assert found.window_length_s == 30.0
    assert set(reasons) == {"bin", "window", "step"}


def test_bins_for_trials_go_into_them():
    block = culture(5.0)
    block.segments[0].epochs.append(
        neo.Epoch(np.arange(10) * 20 * pq.s, np.full(10, 7.3) * pq.s, labels=["t"] * 10, name="t")
    )
    config, found, reasons = completed(block.segments[0], {"intervals": "t"})
    assert found is None
    assert set(reasons) == {"bin"}
    assert config.bin_size_s <= 7.3 / 10


@pytest.mark.parametrize(
    ("choices", "message"),
    [
        ({"measure": "nope"}, "measure must be one of"),
        ({"threshold": -1.0}, "threshold must be"),
        ({"measure": "cross_correlation"}, "needs max_lag"),
        ({"bin_size_s": 0.1, "window_length_s": 0.25}, "whole number of 0.1 s bins"),
        ({"intervals": "trials", "runs_of": "state"}, "Choose one, got"),
        ({"before_s": 1.0}, "name around"),
        ({"around": "cue"}, "need before_s"),
        ({"around": "cue", "before_s": -1.0, "after_s": 1.0}, "no length"),
        ({"profile": "nope"}, "profile must be one of"),
    ],
)
def test_choices_that_suit_no_recording_are_refused_before_any_is_read(choices, message):
    with pytest.raises(InputError, match=message):
        check_choices(choices)


def test_choices_that_are_open_are_not_refused():
    lag = {"measure": "cross_correlation", "measure_options": {"max_lag": 40 * pq.ms}}
    for choices in ({}, lag, {"bin_size_s": 0.02, **lag}, {"intervals": "trials"}, {"step_s": 0.3},
                    {"around": "cue", "before_s": 1.0, "after_s": 0.5}):  # fmt: skip
        check_choices(choices)


# Checks of the choice.


def opened(bin_s, window_s, step_s, block=None):
    spec = WindowSpec(bin_size_s=bin_s, window_length_s=window_s, step_s=step_s)
    return open_segment((block or culture()).segments[0], spec)


def check(recording, min_spikes=2):
    check_choice(recording.activity, recording.windows, ConnectivitySpec(min_spikes=min_spikes))


def test_windows_of_two_bins_are_refused_and_the_way_out_arrives():
    with pytest.raises(
        InputError, match="holds 2 bins of 1 s, .* standard error of 1.00"
    ) as caught:
        check(opened(1.0, 2.0, 2.0))
    assert "Lengthen windows to 10 s, or shorten bins to 0.2 s" in str(caught.value)
    with pytest.warns(ChoiceWarning, match="10 bins"):
        check(opened(1.0, 10.0, 10.0))
    with pytest.warns(ChoiceWarning, match="10 bins"):
        check(opened(0.2, 2.0, 2.0))


def test_four_windows_are_warned_of():
    with pytest.warns(ChoiceWarning, match="There are only 4 windows.*20 or more"):
        check(opened(1.0, 120.0, 120.0, culture(length_s=480.0)))


def test_few_spikes_and_silence_are_warned_of_and_the_way_out_arrives():
    block = culture(0.2)
    with pytest.warns(ChoiceWarning) as caught:
        check(opened(0.1, 4.0, 4.0, block))
    said = [str(item.message) for item in caught]
    assert any("The median unit fires 0." in text and "about 2" in text for text in said)
    assert any("fewer than 2 spikes, and the weights there say nothing" in text for text in said)
    check(opened(0.5, 26.0, 26.0, block))


def test_single_spikes_are_refused():
    single = te.block_from_arrays(spike_times=[[5.0], [5.01], [9.0]], t_stop=60 * pq.s)
    with pytest.raises(InputError, match="No two units fire 2 spikes in the same window"):
        check(opened(0.1, 10.0, 10.0, single))


@quiet
def test_nodes_with_one_spike_never_make_the_strongest_edge():
    rng = np.random.default_rng(0)
    trains = [np.sort(rng.uniform(0, 100, 500)) for _ in range(3)]
    lone = te.block_from_arrays(spike_times=[*trains, [50.0], [50.0], []], t_stop=100 * pq.s)
    activity = te.bin_activity(lone.segments[0], bin_size=0.1 * pq.s)
    windows = te.sliding_windows(activity, window_length=100 * pq.s, step=100 * pq.s)
    plain = te.compute_connectivity(activity, windows)
    assert plain.weights[0, 3, 4] == 1.0
    with pytest.warns(DataLossWarning, match="do not vary or fire fewer than 2 spikes"):
        found = te.compute_connectivity(activity, windows, min_spikes=2)
    assert not found.weights[0, 3:].any()
    assert np.array_equal(found.weights[0, :3, :3], plain.weights[0, :3, :3])


@quiet
def test_a_least_number_of_spikes_is_the_same_in_memory_and_in_a_file():
    from tavrnn_ephys.connectivity.stored import store_connectivity

    block = culture(0.4, 100.0)
    activity = te.bin_activity(block.segments[0], bin_size=0.1 * pq.s)
    windows = te.sliding_windows(activity, window_length=5 * pq.s, step=5 * pq.s)
    found = te.compute_connectivity(activity, windows, min_spikes=3)
    stored = store_connectivity(activity, windows, min_spikes=3)
    one_by_one = list(te.iter_connectivity(activity, windows, min_spikes=3))
    for index in range(len(windows)):
        assert np.array_equal(found.weights[index], stored.weights[index])
        assert np.array_equal(found.weights[index], one_by_one[index].weights[0])
    traces = te.bin_activity(cells().segments[0], bin_size=0.1 * pq.s)
    with pytest.raises(InputError, match="min_spikes counts spikes, and these are traces"):
        te.compute_connectivity(traces, windows, min_spikes=1)


# Questions that the data cannot decide.


def behavior(values, how="majority", name="sleep"):
    return WindowBehavior(name=name, how=how, values=np.asarray(values), description="It.")


@pytest.mark.parametrize(
    ("values", "how", "says"),
    [
        (np.repeat(["w", "s", "w"], 30), "majority", "'s' is in 1 block and 'w' in 2 blocks"),
        (np.repeat(["w", "s", "w", "s", "w"], 30), "majority", "10 arrangements"),
        (np.repeat(["a", "b"], [10, 90]), "majority", "2 arrangements"),
        (np.repeat([0.0, 1.0, 0.0], [40, 10, 50]), "share", "1 block"),
        (np.repeat([0.0, 3.0, 0.0], [40, 2, 50]), "count", "1 block"),
        (np.linspace(0, 1, 100), "mean", "changes about"),
        (np.sin(np.linspace(0, 2 * np.pi, 100)), "mean", "changes about"),
        (np.tile([0.0, 1.0, 5.0, 2.0], 5)[:19], "mean", "18 distinct shifts exist and 19 are"),
        (np.array(list("abcabcabcabcabcab")), "majority", "shifts exist and 19 are needed"),
    ],
)
def test_one_block_one_cycle_or_a_trend_decides_nothing(values, how, says):
    found = why_undecided(behavior(values, how))
    assert says in found
    assert "No p-value is given" in found


@pytest.mark.parametrize(
    ("values", "how"),
    [
        (np.repeat(list("wswsws"), 10), "majority"),
        (np.repeat(list("abcabc"), 10), "majority"),
        (np.random.default_rng(0).normal(size=100), "mean"),
        (np.sin(np.linspace(0, 20 * np.pi, 200)), "mean"),
        (np.full(10, 3.0), "mean"),
        (np.array(["", ""]), "majority"),
    ],
)
def test_what_alternates_often_enough_can_be_decided(values, how):
    assert why_undecided(behavior(values, how)) == ""


@pytest.fixture(scope="module")
def night(tmp_path_factory):
    """A culture with one block of sleep, in an NWB file."""
    import datetime

    block = culture(10.0, 240.0, 5)
    block.segments[0].epochs.append(
        neo.Epoch([0, 100, 160] * pq.s, [100, 60, 80] * pq.s, labels=["wake", "sleep", "wake"],
                  name="stage")
    )  # fmt: skip
    block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    return te.write_nwb(block, tmp_path_factory.mktemp("night") / "night.nwb")


HOW = ["--bin-size", "100ms", "--window", "4s", "--step", "4s", "--training-epochs", "1"]
learning = pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.ChanceLossWarning")


@learning
@quiet
@pytest.mark.parametrize("named", [["stage"], ["stage:sleep", "--behavior-how", "share"]])
def test_one_block_of_sleep_gets_the_sentence_and_no_p_value(night, tmp_path, capsys, named):
    out, page = tmp_path / "out.nwb", tmp_path / "page.html"
    words = ["analyze", str(night), *HOW, "--behavior", *named, "--out", str(out)]
    assert main([*words, "--report", str(page), "--tables", str(tmp_path / "tables")]) == 0
    said = capsys.readouterr()
    sentence = "No p-value is given."
    assert sentence in said.err
    answer = f"What {named[0]} has to do with the network cannot be decided: it changes too seldom"
    assert f"{answer} for a p-value." in said.out
    with te.open_results(out) as run:
        notes = [str(value) for key, value in run.provenance.items() if "warnings." in key]
        tables = {key: table for key, table in run.tables.items() if key.startswith("behavior")}
        found = te.answer(run)
        assert found.holds(run.tables)
    assert f"{answer} for a p-value." in [sentence.text for sentence in found]
    assert f"{answer} for a p-value." in html.unescape(page.read_text())
    assert set(tables) == {"behavior_windows", "behavior_undecided"}
    columns = {str(column) for table in tables.values() for column in table}
    assert not columns & {"p_value", "p_corrected", "q_value", "p_family", "smallest_p"}
    assert any(sentence in note for note in notes)
    assert sentence in page.read_text()
    names = {path.stem for path in (tmp_path / "tables").glob("behavior*")}
    assert names == {"behavior_windows", "behavior_undecided"}
    assert main(["reproduce", str(out)]) == 0


@learning
@quiet
def test_python_refuses_what_the_recording_cannot_decide(night):
    block = te.read(night)
    config = te.AnalysisConfig(bin_size_s=0.1, window_length_s=4.0, step_s=4.0, training_epochs=1)
    result = te.analyze(block, config)
    with pytest.raises(InputError, match="No p-value is given"):
        te.analyze_behavior(block, result, te.BehaviorConfig(behavior="stage"))


@learning
@quiet
def test_four_windows_get_the_sentence_and_no_p_value_anywhere(night, tmp_path, capsys):
    out, page = tmp_path / "out.nwb", tmp_path / "page.html"
    words = ["--bin-size", "1s", "--window", "60s", "--step", "60s", "--training-epochs", "1"]
    words = ["analyze", str(night), *words, "--out", str(out), "--report", str(page)]
    status = main(words)
    said = capsys.readouterr()
    assert status == 0, said.err
    sentence = "There are only 4 windows. No p-value is given: 8 that share no time are needed"
    assert sentence in said.err
    assert "p =" not in said.out
    with te.open_results(out) as run:
        notes = [str(value) for key, value in run.provenance.items() if "warnings." in key]
        columns = {str(name) for table in run.tables.values() for name in table}
    assert any(sentence in note for note in notes)
    assert not columns & {"p_value", "q_value", "p_family", "smallest_p"}
    assert sentence in page.read_text()
    # A question of behaviour or states is refused before the work, and nothing is written.
    for question in (["--behavior", "stage"], ["--states", "2"]):
        again = [*words[:-4], *question, "--out", str(tmp_path / "none.nwb")]
        assert main(again) == 2, question
        assert "p-value" not in capsys.readouterr().out
        assert not (tmp_path / "none.nwb").exists()


def recorded(path, trains, length_s=60.0):
    import datetime

    block = te.block_from_arrays(spike_times=trains, t_stop=length_s * pq.s)
    block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    return te.write_nwb(block, path)


@quiet
@pytest.mark.parametrize(
    ("trains", "window", "sentence"),
    [
        ([np.arange(0.5, 60, 0.7)] * 3, "2s", "holds 2 bins of 1 s"),
        ([[], [], []], "20s", "All 3 units are silent: the recording holds no spikes"),
        ([[5.0], [5.1], [9.0]], "20s", "No two units fire 2 spikes in the same window"),
    ],
    ids=["two bins", "silent", "single spikes"],
)
def test_what_no_answer_can_rest_on_is_one_sentence_and_no_file(
    tmp_path, capsys, trains, window, sentence
):
    source = recorded(tmp_path / "in.nwb", trains)
    words = ["--bin-size", "1s", "--window", window, "--step", window]
    out = tmp_path / "out.nwb"
    assert main(["analyze", str(source), *words, "--out", str(out)]) == 2
    said = capsys.readouterr()
    assert sentence in said.err
    assert said.err.count("\n") == 1
    assert said.out == ""
    assert not out.exists()


# The command line.


@learning
@quiet
def test_analyze_with_no_option_chooses_says_why_and_stores_it(
    night, tmp_path, capsys, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    assert main(["analyze", str(night)]) == 0
    said = capsys.readouterr().out
    block = te.read(night)
    found = te.suggest(block)
    assert str(found) in said
    out = Path("night_tavrnn.nwb")
    with te.open_results(out) as run:
        facts = dict(run.provenance)
        assert facts["config.analysis.window_length_s"] == found.window_length_s
        assert facts["origin.advice.bin"] == found.reasons["bin"]
    page = te.report(out, out="page.html").read_text()
    assert found.reasons["bin"] in page
    result = te.analyze(block)
    assert np.array_equal(result.embedding.mean, te.read_results(out).mean)
    assert dataclasses.asdict(result.config)["bin_size_s"] == found.bin_size_s
    assert main(["analyze", str(night)]) == 2
    assert "exists" in capsys.readouterr().err


@quiet
def test_inspect_ends_with_a_command_that_runs(night, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert main(["inspect", str(night)]) == 0
    last = capsys.readouterr().out.strip().splitlines()[-1].strip()
    assert last == inspect_file(night).suggested_command
    assert last.startswith(f"tavrnn-ephys analyze {night} --bin-size")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert main([*last.split()[1:], "--training-epochs", "1"]) == 0
    assert Path("night_tavrnn.nwb").exists()


@quiet
def test_inspect_says_why_nothing_is_suggested(tmp_path, capsys):
    import datetime

    silent = te.block_from_arrays(spike_times=[[], []], t_stop=60 * pq.s)
    silent.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    path = te.write_nwb(silent, tmp_path / "silent.nwb")
    assert main(["inspect", str(path)]) == 0
    assert "Suggested:   nothing. All 2 units are silent" in capsys.readouterr().out
    assert main(["analyze", str(path), "--out", str(tmp_path / "out.nwb")]) == 2
    assert "All 2 units are silent" in capsys.readouterr().err
    assert not (tmp_path / "out.nwb").exists()
