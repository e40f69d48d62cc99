"""A source read by its own thread: pace, losses, stalls, sinks."""

import gc
import os
import threading
import time
from itertools import islice
from pathlib import Path

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.streaming import Counts, Event, StreamError
from tests.streaming.models import BIN_S, committed, fitted


class Slow:
    """A sink that takes its time."""

    def __init__(self, seconds):
        self.seconds = seconds

    def open(self, info): ...
    def bin(self, counts, t_s): ...
    def event(self, event): ...
    def close(self): ...

    def update(self, update):
        time.sleep(self.seconds)


def gathered(events):
    return te.sinks.callback(on_event=events.append)


@pytest.mark.parametrize("speed", [None, 200.0])
def test_replay_gives_what_transform_gives(speed):
    model, activity, _, offline = fitted()
    stream = te.Stream(model, provisional=True)
    updates = list(stream.run(te.sources.replay(activity, speed)))
    assert np.allclose(committed(updates), offline.mean, atol=1e-5)
    assert not {"gap", "dropped", "late"} & set(stream.losses)


def test_replay_of_a_file_gives_what_transform_gives(tmp_path):
    model, _, _, offline = fitted()
    block = te.simulate_culture(n_nodes=20, duration=30 * pq.s, mean_rate_hz=12.0, seed=1)
    path = te.write_nwb(block, tmp_path / "culture.nwb")
    updates = list(te.Stream(model).run(te.sources.replay(path)))
    assert np.allclose(committed(updates), offline.mean, atol=1e-5)


def test_replay_keeps_its_speed():
    model, activity, *_ = fitted()
    begun = time.perf_counter()
    list(te.Stream(model).run(te.sources.replay(activity, 60.0)))
    assert time.perf_counter() - begun >= 30.0 / 60.0


def test_replay_starts_where_it_is_told():
    model, activity, *_ = fitted()
    stream = te.Stream(model)
    updates = list(stream.run(te.sources.replay(activity, start_s=10.0)))
    fresh = te.Stream(model).push(activity.values[:, 200:])
    assert np.array_equal(committed(updates), committed(fresh))
    assert updates[0].t_start_s == pytest.approx(10.0)


def test_nodes_are_found_by_name_whatever_their_order():
    model, activity, _, offline = fitted()
    order = np.random.default_rng(0).permutation(20)
    nodes = te.Nodes(ids=activity.nodes.ids[order], kind=activity.nodes.kind)
    shuffled = te.BinnedActivity(
        values=np.asarray(activity.values)[order], bin_size_s=BIN_S, nodes=nodes
    )
    updates = list(te.Stream(model).run(te.sources.replay(shuffled)))
    assert np.allclose(committed(updates), offline.mean, atol=1e-5)


def test_a_recording_without_nodes_of_the_fit_is_refused():
    model, activity, *_ = fitted()
    few = te.BinnedActivity(
        values=activity.values[:5], bin_size_s=BIN_S, nodes=te.Nodes(ids=activity.nodes.ids[:5])
    )
    with pytest.raises(InputError, match="has 5 nodes, the fit had 20; missing"):
        list(te.Stream(model).run(te.sources.replay(few)))


def test_any_iterable_of_bins_is_a_source():
    model, activity, _, offline = fitted()
    updates = list(te.Stream(model).run(iter(np.asarray(activity.values).T)))
    assert np.allclose(committed(updates), offline.mean, atol=1e-5)
    with pytest.raises(InputError, match="handed over a str"):
        list(te.Stream(model).run(["what"]))


def test_sinks_hear_of_every_bin_before_what_follows_from_it():
    model, activity, *_ = fitted()
    heard = []
    sink = te.sinks.callback(
        lambda update: heard.append(("update", round(update.t_stop_s, 6))),
        on_bin=lambda counts, t_s: heard.append(("bin", round(t_s, 6))),
    )
    list(te.Stream(model).run(te.sources.replay(activity), sinks=[sink]))
    assert [item for item in heard if item[0] == "bin"] == [
        ("bin", round((k + 1) * BIN_S, 6)) for k in range(activity.n_bins)
    ]
    for place, (kind, t_s) in enumerate(heard):
        assert kind == "bin" or heard[place - 1] == ("bin", t_s)


# ---- too slow -------------------------------------------------------------------------


def test_embeddings_are_skipped_but_no_bin_is_lost_when_the_stream_is_slow():
    model, activity, _, offline = fitted()
    stream, events = te.Stream(model, provisional=True), []
    source = te.sources.replay(activity, 60.0)
    updates = list(stream.run(source, sinks=[Slow(0.002), gathered(events)]))
    assert stream.n_bins == activity.n_bins
    assert np.allclose(committed(updates), offline.mean, atol=1e-5)
    n_skipped = sum(event.count for event in events if event.kind == "skipped")
    assert n_skipped == stream.losses["skipped"] > 0
    assert len(updates) + n_skipped == activity.n_bins - 39


def test_late_stop_raises():
    model, activity, *_ = fitted()
    stream = te.Stream(model, provisional=True, late="stop")
    with pytest.raises(StreamError, match="behind its source"):
        list(stream.run(te.sources.replay(activity, 20.0), sinks=[Slow(0.02)]))


def test_what_finds_no_room_is_dropped_counted_and_missing():
    model, activity, *_ = fitted()
    stream, events = te.Stream(model), []
    source = te.sources.push(is_live=False)
    for index, counts in enumerate(np.asarray(activity.values).T[:60]):
        source.counts(counts, index * BIN_S)
    source.close()
    updates = list(stream.run(source, sinks=[gathered(events), Slow(0.1)], queue_s=0.1))
    assert stream.losses["dropped"] == sum(e.count for e in events if e.kind == "dropped")
    assert stream.n_bins + stream.losses["dropped"] >= 60
    assert len(updates) < 5


# ---- stalls ---------------------------------------------------------------------------


def test_three_bins_without_news_are_a_stall_and_its_end_is_said():
    model, activity, *_ = fitted()
    stream, events, source = te.Stream(model), [], te.sources.push()
    values, came = np.asarray(activity.values).T, threading.Event()
    sink = te.sinks.callback(on_event=events.append, on_bin=lambda counts, t_s: came.set())

    def send():
        source.counts(values[0], 0.0)
        came.wait()
        time.sleep(8 * BIN_S)
        source.counts(values[1], BIN_S)
        source.close()

    thread = threading.Thread(target=send)
    thread.start()
    list(stream.run(source, sinks=[sink]))
    thread.join()
    assert [event.kind for event in events] == ["stalled", "resumed"]
    assert "three bins" in events[0].text


def test_a_fault_of_the_source_ends_the_stream_with_it():
    class Broken:
        name, is_live, can_wait = "broken", True, True

        def open(self, info): ...
        def close(self): ...

        def chunks(self):
            yield Counts(counts=np.zeros(20, int))
            raise StreamError("It came back with 3 channels, before 20.")

    model, *_ = fitted()
    events = []
    with pytest.raises(StreamError, match="before 20"):
        list(te.Stream(model).run(Broken(), sinks=[gathered(events)]))
    assert [event.kind for event in events] == ["refused"]


# ---- state ----------------------------------------------------------------------------


def test_autosave_goes_on_to_the_last_bit(tmp_path):
    model, activity, *_ = fitted()
    path = tmp_path / "state.npz"
    options = {"autosave": path, "autosave_every_s": 0.01}
    whole = list(te.Stream(model).run(te.sources.replay(activity)))
    run = te.Stream(model).run(te.sources.replay(activity, 200.0), **options)
    before = list(islice(run, 20))
    run.close()
    again = te.Stream.load(path, model)
    after = list(again.run(te.sources.replay(activity, start_s=again.t_s)))
    both = {round(u.t_stop_s, 6): u.embedding for u in before + after}
    assert np.array_equal(np.stack(list(both.values())), committed(whole))


def test_garbage_collection_is_frozen_while_a_stream_runs():
    model, activity, *_ = fitted()
    run = te.Stream(model).run(te.sources.replay(activity))
    gc.unfreeze()
    next(run)
    assert gc.get_freeze_count() > 0
    run.close()
    assert gc.get_freeze_count() == 0


def test_nothing_is_compiled_after_the_first_bin():
    from tavrnn_ephys.streaming._kernels import move_on, weights_of_gram

    model, activity, *_ = fitted()
    stream = te.Stream(model, provisional=True)
    before = len(move_on.signatures), len(weights_of_gram.signatures)
    stream.push(activity.values)
    assert (len(move_on.signatures), len(weights_of_gram.signatures)) == before


def test_priority_that_the_system_refuses_is_said(monkeypatch):
    def refuse(*arguments):
        raise PermissionError

    monkeypatch.setattr("os.sched_setscheduler", refuse)
    model, activity, *_ = fitted()
    events = []
    stream = te.Stream(model)
    source = te.sources.replay(activity)
    list(stream.run(source, priority="realtime", sinks=[gathered(events)]))
    assert events[0].kind == "priority"
    assert "refuses real-time priority" in events[0].text


def test_events_are_kept_for_those_who_push_by_hand():
    model, *_ = fitted()
    stream = te.Stream(model)
    stream.record(Event(kind="gap", t_s=0.0, text="A bin is missing."))
    assert [event.text for event in stream.events()] == ["A bin is missing."]
    assert stream.events() == []


def test_source_texts_are_found():
    assert te.sources.find_source("replay:a.nwb").speed == 1.0
    assert te.sources.find_source("replay:a@b.nwb@max").speed is None
    assert te.sources.find_source("lsl:NAME").stream_name == "NAME"
    with pytest.raises(InputError, match="names no source"):
        te.sources.find_source("serial:COM1")
    with pytest.raises(InputError, match="is no speed"):
        te.sources.find_source("replay:a.nwb@fast")
    with pytest.raises(InputError, match="does not say which"):
        te.sources.find_source("lsl:")


# ---- soak -----------------------------------------------------------------------------


def test_memory_does_not_grow():
    def resident():
        gc.collect()
        pages = Path("/proc/self/statm").read_text().split()[1]
        return int(pages) * os.sysconf("SC_PAGE_SIZE")

    model, activity, *_ = fitted()
    values = np.asarray(activity.values)
    stream = te.Stream(model)
    stream.push(values)
    before = resident()
    for _ in range(20):
        stream.push(values)
    assert np.array_equal(stream.gram.gram, stream.gram.summed_afresh())
    assert resident() - before < 2**20
