"""The rules of a stream, each with the tests that hold it; short forms of the long measurements."""

import runpy
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parent
MEASUREMENTS = Path(__file__).parents[2] / "docs/measurements"
RULES = {
    "committed output is that of transform, for every chunking and speed": (
        "test_stream.py::test_chunks_and_provisional_embeddings_change_no_bit",
        "test_stream.py::test_spikes_in_any_chunks_give_the_same",
        "test_running.py::test_replay_gives_what_transform_gives",
    ),
    "bins are cut by the source's clock, late spikes are counted and never moved": (
        "test_stream.py::test_late_spikes_are_counted_and_never_moved",
        "test_stream.py::test_bins_wait_for_late_spikes_as_long_as_asked",
        "test_stream.py::test_bins_of_another_clock_are_refused",
    ),
    "gaps are missing, a long one starts afresh, duplicates are dropped and counted": (
        "test_stream.py::test_more_than_five_per_cent_missing_is_no_commit_and_nan",
        "test_stream.py::test_a_gap_longer_than_a_window_warms_up_afresh",
        "test_stream.py::test_bins_that_come_twice_are_dropped_and_counted",
    ),
    "embeddings may be dropped, bins never; the queue is bounded; old updates do not trigger": (
        "test_running.py::test_embeddings_are_skipped_but_no_bin_is_lost_when_the_stream_is_slow",
        "test_running.py::test_what_finds_no_room_is_dropped_counted_and_missing",
        "test_running.py::test_late_stop_raises",
        "test_trigger.py::test_trigger_refuses_an_old_update",
    ),
    "a source that stops is stalled, one that returns with another shape is refused": (
        "test_running.py::test_three_bins_without_news_are_a_stall_and_its_end_is_said",
        "test_lsl.py::test_a_stream_that_returns_with_other_channels_is_refused",
        "test_lsl.py::test_a_sender_that_dies_and_returns_leaves_missing_bins",
        "test_openephys.py::test_another_sampling_rate_is_refused",
        "test_openephys.py::test_a_new_acquisition_warms_up_afresh",
    ),
    "saving is atomic, and a killed stream goes on to the last bit": (
        "test_nwb_log.py::test_a_killed_stream_goes_on_to_the_last_bit",
        "test_running.py::test_autosave_goes_on_to_the_last_bit",
        "test_stream.py::test_a_saved_stream_goes_on_to_the_last_bit",
    ),
    "nothing is said before a whole window, and the first windows are settling": (
        "test_stream.py::test_nothing_is_said_before_a_whole_window",
        "test_stream.py::test_first_windows_that_attention_reaches_are_settling",
    ),
    "adapting is asked for and said, drift for a minute is an event": (
        "test_adapting.py::test_nothing_adapts_unless_it_is_asked_for",
        "test_adapting.py::test_every_adaptation_is_said",
        "test_stream.py::test_drift_is_an_event_after_a_minute_beyond_the_fit",
    ),
    "sums stay exact and memory does not grow": (
        "test_running.py::test_memory_does_not_grow",
        "test_rules.py::test_soak_in_short",
    ),
    "triggers are calibrated": (
        "test_trigger.py::test_false_alarms_on_shifted_labels_are_as_many_as_asked_for",
    ),
    "a journal that only grows becomes NWB, which is reproduced": (
        "test_nwb_log.py::test_log_is_reproduced_to_the_last_bit",
        "test_nwb_log.py::test_a_record_that_was_cut_off_is_left_out",
        "test_nwb_log.py::test_a_long_journal_is_laid_out_in_little_memory",
    ),
    "everything is compiled before the first bin, garbage collection is frozen": (
        "test_running.py::test_nothing_is_compiled_after_the_first_bin",
        "test_running.py::test_garbage_collection_is_frozen_while_a_stream_runs",
    ),
    "a dead viewer costs nothing": (
        "test_live_page.py::test_a_killed_viewer_costs_the_stream_nothing",
        "test_live_page.py::test_a_viewer_that_hangs_is_waited_for_by_nobody",
    ),
}


@pytest.mark.parametrize("rule", RULES)
def test_every_rule_has_its_tests(rule):
    for name in RULES[rule]:
        file, _, test = name.partition("::")
        assert f"def {test}(" in (FOLDER / file).read_text(), name


def measurement(name, monkeypatch):
    monkeypatch.setattr(sys, "path", [str(MEASUREMENTS), *sys.path])
    return runpy.run_path(str(MEASUREMENTS / name), run_name="measured")


@pytest.mark.parametrize("profile", ["state_space", "recurrent"])
def test_soak_in_short(monkeypatch, capsys, profile):
    soak = measurement("streaming.py", monkeypatch)["soak"]
    assert soak(20, 0.06, False, profile, window=100, checks=4) == 0
    assert "4320 bins of 20 nodes" in capsys.readouterr().out
