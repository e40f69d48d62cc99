"""Bins, spikes, markers and embeddings over the Lab Streaming Layer of this machine."""

import threading
import time

import numpy as np
import pylsl
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.streaming import Event, StreamError
from tests.streaming.models import BIN_S, committed, fitted

PATIENCE_S = 60.0  # A busy machine may need long for what takes milliseconds.


def outlet(name, n_channels=20, rate=1 / BIN_S, kind="int32", labels=None, source_id="tests"):
    about = pylsl.StreamInfo(name, "Counts", n_channels, rate, kind, f"{source_id}-{name}")
    if labels is not None:
        channels = about.desc().append_child("channels")
        for label in labels:
            channels.append_child("channel").append_child_value("label", str(label))
    return pylsl.StreamOutlet(about)


def sending(function):
    thread = threading.Thread(target=function)
    thread.start()
    return thread


def take(stream, source, n_bins, **options):
    """Run a stream until it has taken so many bins."""
    found, sinks = [], options.pop("sinks", [])

    def stop(counts, t_s):
        if stream.n_bins >= n_bins:
            source.close()

    sink = te.sinks.callback(found.append, on_bin=stop)
    list(stream.run(source, sinks=[sink, *sinks], **options))
    return found


def test_counts_with_labels_give_what_transform_gives(unique):
    model, activity, _, offline = fitted()
    order = np.random.default_rng(0).permutation(20)
    values = np.asarray(activity.values)[order]
    sender = outlet(unique, labels=activity.nodes.ids[order])

    def send():
        sender.wait_for_consumers(PATIENCE_S)
        for index, counts in enumerate(values.T[:120]):
            sender.push_sample(counts.tolist(), 500.0 + index * BIN_S)
            time.sleep(0.001)

    thread = sending(send)
    stream = te.Stream(model)
    updates = take(stream, te.sources.lsl(unique), 120)
    thread.join()
    assert np.allclose(committed(updates), offline.mean[: len(updates)], atol=1e-5)
    assert updates[0].t_start_s == pytest.approx(500.0)
    assert not {"gap", "duplicate"} & set(stream.losses)


def test_spikes_with_ticks_give_what_transform_gives(unique):
    model, activity, _, offline = fitted()
    values = np.asarray(activity.values)[:, :60]
    sender = outlet(unique, n_channels=1, rate=0)

    def send():
        sender.wait_for_consumers(PATIENCE_S)
        for index, counts in enumerate(values.T):
            for node in np.flatnonzero(counts):
                for k in range(counts[node]):
                    sender.push_sample([int(node)], (index + (k + 0.5) / counts[node]) * BIN_S)
            sender.push_sample([-1], (index + 1) * BIN_S)

    thread = sending(send)
    stream = te.Stream(model, t_start_s=0.0)
    updates = take(stream, te.sources.lsl(unique), 60)
    thread.join()
    assert np.allclose(committed(updates), offline.mean[: len(updates)], atol=1e-5)
    assert len(updates) == 3


def test_a_tick_before_the_first_spike_says_where_bins_start(unique):
    model, *_ = fitted()
    sender = outlet(unique, n_channels=1, rate=0)

    def send():
        sender.wait_for_consumers(PATIENCE_S)
        for node, t_s in [(-1, 100.0), (3, 100.03), (-1, 100.05), (3, 100.06), (-1, 100.10)]:
            sender.push_sample([node], t_s)

    thread, bins = sending(send), []
    sink = te.sinks.callback(on_bin=lambda counts, t_s: bins.append((t_s, int(counts[3]))))
    take(te.Stream(model), te.sources.lsl(unique), 2, sinks=[sink])
    thread.join()
    assert bins == [(pytest.approx(100.05), 1), (pytest.approx(100.10), 1)]


def test_a_sample_is_handed_on_at_once(unique):
    model, activity, *_ = fitted()
    sender, source = outlet(unique), te.sources.lsl(unique)
    source.open(te.Stream(model).info)
    chunks, waits = source.chunks(), []
    for index in range(20):
        begun = time.perf_counter()
        sender.push_sample([0] * 20, 100.0 + index * BIN_S)
        next(chunks)
        waits.append(time.perf_counter() - begun)
    source.close()
    # Waiting for a full buffer would take 50 ms each time.
    assert np.median(waits) < 0.02


def test_a_sender_that_paused_is_read_while_another_is_looked_for(unique, monkeypatch):
    """A search that does not end holds nothing up."""
    model, *_ = fitted()
    sender, source = outlet(unique), te.sources.lsl(unique)
    source.open(te.Stream(model).info)
    released, looked = threading.Event(), []

    def search(*args, **options):
        looked.append(args)
        released.wait(20)
        return []

    monkeypatch.setattr(pylsl, "resolve_byprop", search)
    resolver = pylsl.ContinuousResolver
    monkeypatch.setattr(
        pylsl, "ContinuousResolver", lambda *args, **k: looked.append(args) or resolver(*args, **k)
    )
    received = []

    def read():
        received.extend(next(source.chunks()).counts)

    thread = sending(read)
    while not looked:
        time.sleep(0.01)
    sender.push_sample(list(range(20)), 100.0)
    thread.join(10)
    was_held_up = thread.is_alive()
    released.set()
    thread.join()
    assert not was_held_up
    assert received == list(range(20))


def test_bins_that_were_lost_on_the_way_are_missing_and_counted(unique):
    model, activity, *_ = fitted()
    values, sender = np.asarray(activity.values).T, outlet(unique)

    def send():
        sender.wait_for_consumers(PATIENCE_S)
        for index in [*range(10), *range(13, 20), *range(18, 25)]:
            sender.push_sample(values[index].tolist(), 100.0 + index * BIN_S)

    thread = sending(send)
    stream = te.Stream(model)
    take(stream, te.sources.lsl(unique), 25)
    thread.join()
    assert stream.losses["gap"] == 3
    assert stream.losses["duplicate"] == 2


@pytest.mark.parametrize("kind", ["counts", "ticks that count", "even ticks"])
def test_what_lsl_drops_while_a_consumer_sleeps_is_counted(kind):
    regular = kind == "counts"
    stream, missing, samples = te.Stream(fitted()[0], t_start_s=100.0), [], []
    source = te.sources.lsl("none")
    source.kind, source._info = "counts" if regular else "spikes", stream.info
    source._rows = np.arange(20)
    for index in range(60):
        start = 100.0 + index * BIN_S
        if regular:
            samples.append(([1] * 20, start))
            continue
        samples += [([node], start + (0.1 + 0.2 * node) * BIN_S) for node in range(4)]
        tick = -(index + 1) if kind == "ticks that count" else -1
        samples.append(([tick], start + BIN_S))
    # As its buffer does where nobody reads: the oldest go first, without a word.
    kept = [item for item in samples if not 101.03 < item[1] < 101.53]
    for first in range(0, len(kept), 7):
        pulled = kept[first : first + 7]
        for chunk in source._as_chunks([item for item, _ in pulled], [t for _, t in pulled]):
            missing += [counts is None for counts, _ in stream.take(chunk)]
    lost = np.flatnonzero(missing).tolist()
    # A sample says when its bin starts, a tick when it ends: no bin between is taken for silent.
    assert lost == list(range(21, 31) if regular else range(20, 31))
    assert len(missing) == 60
    assert stream.losses["gap"] == len(lost)


def test_a_sender_that_dies_and_returns_leaves_missing_bins(unique):
    holder = [outlet(unique, n_channels=1, rate=0)]

    def push(first, last):
        for index in range(first, last):
            holder[0].push_sample([3], (index + 0.5) * BIN_S)
            holder[0].push_sample([-(index - first + 1)], (index + 1) * BIN_S)

    def send():
        holder[0].wait_for_consumers(PATIENCE_S)
        push(0, 20)
        time.sleep(0.3)
        holder.clear()
        holder.append(outlet(unique, n_channels=1, rate=0))
        holder[0].wait_for_consumers(PATIENCE_S)
        push(30, 50)

    thread = sending(send)
    stream, missing = te.Stream(fitted()[0], t_start_s=0.0), []
    source = te.sources.lsl(unique)

    def stop(counts, t_s):
        missing.append(counts is None)
        if t_s > 49.5 * BIN_S:
            source.close()

    list(stream.run(source, sinks=[te.sinks.callback(on_bin=stop)]))
    thread.join()
    # The first tick of the new sender says that nothing before it is vouched for.
    assert np.flatnonzero(missing).tolist() == list(range(20, 31))
    assert stream.losses["gap"] == 11
    assert stream.losses["stalled"] == 1


def test_spikes_without_ticks_are_said_to_hide_losses(unique):
    sender, events = outlet(unique, n_channels=1, rate=0), []

    def send():
        sender.wait_for_consumers(PATIENCE_S)
        for index in range(40):
            sender.push_sample([3], (index + 0.5) * BIN_S)

    thread = sending(send)
    stream = te.Stream(fitted()[0], t_start_s=0.0)
    take(stream, te.sources.lsl(unique), 39, sinks=[te.sinks.callback(on_event=events.append)])
    thread.join()
    assert [item.text for item in events if item.kind == "source"] == [
        f"The LSL stream '{unique}' sends no ticks: spikes that are lost on the way do not show."
    ]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"n_channels": 3}, "has 3 channels, the fit had 20 nodes"),
        ({"rate": 10.0}, "has 10 samples a second"),
        ({"labels": [f"other{k}" for k in range(20)]}, "missing"),
        ({"rate": 0}, "a stream of spikes has one"),
    ],
)
def test_what_does_not_suit_the_fit_is_refused(options, sentence, unique):
    model, *_ = fitted()
    sender = outlet(unique, **options)
    with pytest.raises(InputError, match=sentence):
        list(te.Stream(model).run(te.sources.lsl(unique)))
    del sender


def test_a_stream_that_is_not_there_is_said():
    model, *_ = fitted()
    with pytest.raises(InputError, match="There is no LSL stream 'absent' within 0.2 s"):
        list(te.Stream(model).run(te.sources.lsl("absent", timeout_s=0.2)))


def test_two_streams_of_one_name_are_refused(unique):
    model, *_ = fitted()
    one, two = outlet(unique, source_id="one"), outlet(unique, source_id="two")
    with pytest.raises(InputError, match="2 LSL streams are called"):
        list(te.Stream(model).run(te.sources.lsl(unique, timeout_s=2.0)))
    del one, two


def test_a_stream_that_returns_with_other_channels_is_refused(unique):
    model, activity, *_ = fitted()
    values, events = np.asarray(activity.values).T, []
    holder = [outlet(unique)]

    def send():
        holder[0].wait_for_consumers(PATIENCE_S)
        holder[0].push_sample(values[0].tolist(), 100.0)
        time.sleep(0.3)
        holder.clear()
        holder.append(outlet(unique, n_channels=7))

    thread = sending(send)
    stream = te.Stream(model)
    with pytest.raises(StreamError, match="came back with 7 channels at 20 Hz, before 20"):
        list(stream.run(te.sources.lsl(unique), sinks=[te.sinks.callback(on_event=events.append)]))
    thread.join()
    assert [event.kind for event in events] == ["stalled", "refused"]


def test_triggers_become_markers(unique):
    model, *_ = fitted()
    sink = te.sinks.lsl_markers(unique)
    sink.open(te.Stream(model).info)
    inlet = pylsl.StreamInlet(pylsl.resolve_byprop("name", unique, timeout=PATIENCE_S)[0])
    inlet.open_stream(timeout=PATIENCE_S)
    time.sleep(0.1)
    sink.event(Event(kind="gap", t_s=0.0, text="Not sent."))
    sink.event(Event(kind="trigger", t_s=0.0, text="Sent.", facts={"marker": "stimulate"}))
    sample, _ = inlet.pull_sample(timeout=PATIENCE_S)
    assert sample == ["stimulate"]
    sink.close()


def test_a_rig_that_waits_is_told_when_a_bin_was_judged(unique):
    model, activity, *_ = fitted()
    stream = te.Stream(model)
    sink = te.sinks.lsl_markers(unique, answers=True, wait_s=10.0)
    received = []

    def listen():
        inlet = pylsl.StreamInlet(pylsl.resolve_byprop("name", unique, timeout=PATIENCE_S)[0])
        inlet.open_stream(timeout=PATIENCE_S)
        while len(received) < 42 and (sample := inlet.pull_sample(timeout=PATIENCE_S)[0]):
            received.append(sample[0])

    class Always:
        state, threshold = "game", 0.5

        def score(self, embedding):
            return 0.9

    def bins():
        yield from activity.values[:, :41].T
        # What is on its way when the outlet closes is lost.
        thread.join(10)

    thread = sending(listen)
    trigger = te.Trigger(Always(), hold_s=0.0, marker="stimulate")
    list(stream.run(bins(), sinks=[sink], triggers=[trigger]))
    assert received == [""] * 39 + ["stimulate", "", ""]


def test_markers_wait_for_somebody_to_listen(unique):
    model, *_ = fitted()
    sink = te.sinks.lsl_markers(unique, wait_s=0.1)
    with pytest.raises(InputError, match="Nobody listens"):
        sink.open(te.Stream(model).info)


def test_embeddings_are_sent_node_by_node(unique):
    model, activity, *_ = fitted()
    stream, sink = te.Stream(model), te.sinks.lsl_embeddings(unique)
    sink.open(stream.info)
    inlet = pylsl.StreamInlet(pylsl.resolve_byprop("name", unique, timeout=PATIENCE_S)[0])
    inlet.open_stream(timeout=PATIENCE_S)
    time.sleep(0.1)
    (update,) = stream.push(activity.values[:, :40])
    sink.update(update)
    sample, _ = inlet.pull_sample(timeout=PATIENCE_S)
    assert np.array_equal(np.float32(sample).reshape(20, 16), update.embedding)
    sink.close()
