"""
The vendor's simulator as a client: spikes out over LSL, markers back, its recording read again.

The simulator (cl-sdk, CC BY-NC 4.0) needs Python 3.12 and is no dependency: it runs in an
interpreter of its own, which TAVRNN_EPHYS_CL_SDK names.
"""

import json
import os
import subprocess
import threading
import warnings
from functools import cache
from pathlib import Path

import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.streaming import StateDecoder
from tests.streaming.cl_sdk.two_halves import N_CHANNELS, bins

HERE = Path(__file__).parent / "cl_sdk"
CLIENT = Path(__file__).parents[2] / "docs/how_to/cl1_client.py"
N_TICKS, BIN_S, N_WINDOW, N_STEP = 300, 0.05, 40, 10
LEAST, PATIENCE_S, N_TRIES = 0.99, 120.0, 4
# What the simulator says where its own processes were not served for 100 ms.
NOT_SERVED = "TimeoutError: Timeout waiting for timestamp"


class SimulatorNotServedError(Exception):
    """The machine was too busy for the simulator: nothing is said of what is tested."""


@cache
def watcher():
    """A model of the culture, and a decoder of the state in which the first half bursts."""
    states = np.repeat([0, 1] * 10, 80)
    nodes = te.Nodes(ids=range(N_CHANNELS), kind="channel")
    activity = te.BinnedActivity(values=bins(states, seed=5), bin_size_s=BIN_S, nodes=nodes)
    starts = np.arange(0, len(states) - N_WINDOW + 1, N_STEP)
    windows = te.Windows(start_s=starts * BIN_S, stop_s=(starts + N_WINDOW) * BIN_S)
    graphs = te.build_graphs(te.compute_connectivity(activity, windows), threshold=0.0)
    model = te.TAVRNN(
        profile="recurrent", training_epochs=2, seed=0, options={"attention_width": 4}
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", te.ChanceLossWarning)
        model.fit(graphs)
    labels = np.where(states[starts + N_WINDOW // 2], "second", "first")
    return model, StateDecoder.fit(model.transform(graphs), labels, "first", gap=8)


@pytest.fixture(scope="module")
def python():
    """The interpreter that has the simulator."""
    named = os.environ.get("TAVRNN_EPHYS_CL_SDK")
    if not named:
        pytest.skip("TAVRNN_EPHYS_CL_SDK names no Python with cl-sdk: see .ci/cl_sdk")
    return named


@pytest.fixture(scope="module")
def closed(python, tmp_path_factory):
    """One closed loop; a machine that was busy with something else gets more tries."""
    for left in reversed(range(N_TRIES)):
        try:
            found = close_loop(python, tmp_path_factory.mktemp("cl_sdk"))
        except SimulatorNotServedError:
            if not left:
                raise
            continue
        if found[0]["in_time"] >= LEAST * N_TICKS:
            break
    return found


def close_loop(python, folder):
    """Give what the client told, what was streamed, what was said, and the stream."""
    names = [f"{kind} of {folder.name} {os.getpid()}" for kind in ("spikes", "markers")]
    client = subprocess.Popen(
        [python, CLIENT, "--spikes", names[0], "--markers", names[1], "--ticks", str(N_TICKS)]
        + ["--channels", "9", "18", "--folder", str(folder)],
        env={
            **os.environ,
            "CL_SDK_ACCELERATED_TIME": "1",
            "CL_SDK_VISUALISATION": "0",
            "CL_SDK_DATA_SOURCE": "culture:make",
            "PYTHONPATH": str(HERE),
        },
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    model, decoder = watcher()
    stream, streamed, events = te.Stream(model, provisional=True), [], []
    source = te.sources.lsl(names[0], kind="spikes", timeout_s=PATIENCE_S)

    def take(counts, t_s):
        streamed.append(counts)
        if len(streamed) == N_TICKS:
            source.close()

    def wait():
        """A client that ended, or failed, brings no more bins."""
        outcome.extend(client.communicate())
        source.close()

    outcome: list[str] = []
    waiting = threading.Thread(target=wait)
    waiting.start()
    markers = te.sinks.lsl_markers(names[1], wait_s=PATIENCE_S, answers=True)
    trigger = te.Trigger(decoder, hold_s=0.2, refractory_s=1.0, marker="stimulate")
    ends = [markers, te.sinks.callback(on_bin=take, on_event=events.append)]
    try:
        list(stream.run(source, sinks=ends, triggers=[trigger]))
        waiting.join(60.0)
    finally:
        client.kill()
    said, faults = outcome
    if NOT_SERVED in faults:
        raise SimulatorNotServedError(faults)
    assert client.returncode == 0, faults
    return json.loads(said.splitlines()[-1]), np.array(streamed).T, events, stream


def test_ticks_are_answered_in_time(closed):
    told, *_ = closed
    waited = np.percentile(told["waited_ms"], [50, 99])
    print(
        f"{told['in_time']} of {told['ticks']} ticks answered within {1e3 * BIN_S:g} ms: median "
        f"{waited[0]:.1f}, p99 {waited[1]:.1f} ms; {len(told['stimulated'])} stimulations"
    )
    assert told["answered"] == told["ticks"] == N_TICKS
    assert told["in_time"] >= LEAST * N_TICKS


def recorded(told):
    with warnings.catch_warnings():
        # The simulator has channels that never fire.
        warnings.simplefilter("ignore", te.DataLossWarning)
        return te.read(told["file"], adapter="cl1").segments[0]


def test_recording_is_what_was_streamed(closed):
    told, streamed, _, stream = closed
    size = round(told["frames_per_s"] * BIN_S)
    counts = np.zeros_like(streamed)
    for node, train in enumerate(recorded(told).spiketrains):
        frames = np.rint(train.rescale("s").magnitude * told["frames_per_s"]) - told["start"]
        found, times = np.unique(frames.astype(int) // size, return_counts=True)
        inside = (found >= 0) & (found < N_TICKS)
        counts[node, found[inside]] = times[inside]
    assert counts.sum() > 1000
    assert np.array_equal(counts, streamed)
    assert not {"gap", "late", "duplicate", "lost"} & set(stream.losses)


def test_recording_holds_the_stimulations_that_were_asked_for(closed):
    told, _, events, _ = closed
    stims = next(event for event in recorded(told).events if event.name == "stims")
    n_triggers = sum(event.kind == "trigger" for event in events)
    assert len(told["stimulated"]) == n_triggers > 0
    assert sorted(stims.labels) == ["18"] * n_triggers + ["9"] * n_triggers
    frames = np.rint(stims.times.magnitude[::2] * told["frames_per_s"]) - told["start"]
    behind = frames - np.array(told["stimulated"])
    assert ((behind >= 0) & (behind < told["frames_per_s"] * BIN_S)).all()


def test_culture_answers_a_stimulation(closed):
    told, *_ = closed
    segment = recorded(told)
    stims = next(event for event in segment.events if event.name == "stims")
    answers = segment.spiketrains[9].times.rescale("s").magnitude
    nearest = np.abs(answers - (stims.times.magnitude[0] + 0.005)).min()
    assert nearest < 0.001
