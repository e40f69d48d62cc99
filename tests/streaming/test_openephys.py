"""Spikes from a publisher that writes its frames as the ZMQ Interface of Open Ephys does."""

import json
import threading
import time

import numpy as np
import pytest
import zmq

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.streaming import StreamError
from tests.streaming.models import BIN_S, committed, fitted

RATE = 30000.0


class Publisher:
    """The data port and the port for heartbeats of the plugin."""

    def __init__(self):
        self.context = zmq.Context()
        self.data = self.context.socket(zmq.PUB)
        port = self.data.bind_to_random_port("tcp://127.0.0.1")
        self.listening = self.context.socket(zmq.REP)
        other = self.listening.bind_to_random_port("tcp://127.0.0.1")
        self.address, self.heartbeats = f"tcp://127.0.0.1:{port}", f"tcp://127.0.0.1:{other}"
        self.number, self.heard = 0, []

    def source(self, **options):
        return te.sources.openephys(self.address, heartbeat_address=self.heartbeats, **options)

    def wait(self):
        """Wait for a client, as the plugin knows it: by its heartbeat."""
        assert self.listening.poll(10_000)
        self.heard.append(json.loads(self.listening.recv()))
        self.listening.send(b"heartbeat received")
        time.sleep(0.2)

    def send(self, envelope, header, payload):
        header = {"message_num": self.number, **header, "timestamp": int(1e3 * time.time())}
        self.number += 1
        self.data.send_multipart([envelope + b"\0", json.dumps(header).encode(), payload])

    def spike(self, electrode, sample, sorted_id=0):
        about = {
            "stream": "acquisition_board", "source_node": 101, "electrode": electrode,
            "sample_num": sample, "num_channels": 1, "num_samples": 40, "sorted_id": sorted_id,
            "threshold": [-50.0],
        }  # fmt: skip
        self.send(b"EVENT", {"type": "spike", "spike": about}, np.zeros(40, "<f4").tobytes())

    def buffer(self, sample, n_samples, rate=RATE):
        about = {
            "stream": "acquisition_board", "channel_num": 0, "num_samples": n_samples,
            "sample_num": sample, "sample_rate": rate,
        }  # fmt: skip
        payload = np.zeros(n_samples, "<f4").tobytes()
        header = {"type": "data", "content": about, "data_size": len(payload)}
        self.send(b"DATA", header, payload)

    def bin(self, index, counts, ids):
        """Send the spikes of a bin, then the buffer that ends with it."""
        n = round(BIN_S * RATE)
        for node in np.flatnonzero(counts):
            for k in range(counts[node]):
                self.spike(str(ids[node]), round((index + (k + 0.5) / counts[node]) * n))
        self.buffer(index * n, n)

    def close(self):
        self.data.close(linger=0)
        self.listening.close(linger=0)
        self.context.term()


@pytest.fixture
def publisher():
    made = Publisher()
    yield made
    made.close()


def streamed(publisher, script, *, n_bins, model=None, **options):
    """Run a stream while a script publishes, until it has so many bins."""
    stream = te.Stream(model or fitted()[0], t_start_s=0.0, **options)
    source, updates, events = publisher.source(), [], []
    thread = threading.Thread(target=lambda: (publisher.wait(), script()))
    thread.start()

    def stop(counts, t_s):
        if stream.n_bins + 1 >= n_bins:
            source.close()

    sink = te.sinks.callback(updates.append, on_event=events.append, on_bin=stop)
    try:
        list(stream.run(source, sinks=[sink]))
    finally:
        source.close()
        thread.join()
    return stream, updates, events


def test_spikes_give_what_transform_gives(publisher):
    model, activity, _, offline = fitted()
    values = np.asarray(activity.values)

    def script():
        for index in range(70):
            publisher.bin(index, values[:, index], activity.nodes.ids)

    stream, updates, _ = streamed(publisher, script, n_bins=70)
    assert np.allclose(committed(updates), offline.mean[: len(updates)], atol=1e-5)
    assert len(updates) == 4
    assert not {"gap", "late", "lost"} & set(stream.losses)
    assert publisher.heard[0]["type"] == "heartbeat"
    assert publisher.heard[0]["application"] == "tavrnn_ephys"


def test_messages_that_were_lost_are_counted_and_their_bins_missing(publisher):
    _, activity, *_ = fitted()
    values, ids = np.asarray(activity.values), activity.nodes.ids

    def script():
        for index in range(12):
            if index == 5:
                publisher.number += 4
            publisher.bin(index, values[:, index], ids)

    stream, _, events = streamed(publisher, script, n_bins=12)
    assert stream.losses["lost"] == 4
    assert stream.gram.n_missing == 1
    assert "The source lost 4 messages." in [event.text for event in events]


def test_a_new_acquisition_warms_up_afresh(publisher):
    _, activity, *_ = fitted()
    values, ids = np.asarray(activity.values), activity.nodes.ids

    def script():
        for index in range(20):
            publisher.bin(index + 100, values[:, index], ids)
        publisher.number = 0
        for index in range(10):
            publisher.bin(index, values[:, index], ids)

    stream = te.Stream(fitted()[0])
    source, times, events = publisher.source(), [], []
    thread = threading.Thread(target=lambda: (publisher.wait(), script()))
    thread.start()

    def stop(counts, t_s):
        times.append(t_s)
        if len(times) > 20 and t_s > 0.3:
            source.close()

    list(stream.run(source, sinks=[te.sinks.callback(on_event=events.append, on_bin=stop)]))
    thread.join()
    assert "restart" in [event.kind for event in events]
    assert stream.n_bins <= 10


def test_sorted_units_are_nodes_of_their_own(publisher):
    import dataclasses

    model, *_ = fitted()
    step = model.stream_step()
    names = [f"Electrode {k // 2}:{k % 2 + 1}" for k in range(20)]

    class Named:
        def stream_step(self, session):
            step.node_ids = np.array(names)
            return step

    def script():
        publisher.spike("Electrode 3", 100, sorted_id=2)
        publisher.spike("Electrode 99", 110)
        publisher.buffer(0, 1500)

    stream, _, events = streamed(publisher, script, n_bins=1, model=Named())
    assert np.flatnonzero(stream.gram.total).tolist() == [7]
    assert any("'Electrode 99'" in event.text for event in events)
    assert dataclasses.is_dataclass(events[0])


def test_another_sampling_rate_is_refused(publisher):
    def script():
        publisher.buffer(0, 1500)
        time.sleep(0.1)
        publisher.buffer(1500, 1500, rate=20000.0)

    with pytest.raises(StreamError, match="20000 samples a second, before 30000"):
        streamed(publisher, script, n_bins=100)


def test_an_address_without_a_port_is_refused():
    with pytest.raises(InputError, match="no address of a data port"):
        te.sources.openephys("localhost")
