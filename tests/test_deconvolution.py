"""ΔF/F and events of traces whose events are known."""

import sys

import neo
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.activity.oasis import decay_of, events_of_trace, noise_of, penalized_calcium
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.io.blocks import make_signal, node_signals, nodes_of_signal

RATE = 30.0


def fluorescence(n=3, seconds=60, seed=0, neuropil=0.0):
    """Sparse events that decay within 0.6 s, on a slow drift, with noise and neuropil."""
    rng = np.random.default_rng(seed)
    n_samples = int(seconds * RATE)
    events = (rng.random((n_samples, n)) < 0.01) * rng.uniform(0.8, 1.5, (n_samples, n))
    calcium = np.zeros_like(events)
    for index in range(1, n_samples):
        calcium[index] = np.exp(-1 / (0.6 * RATE)) * calcium[index - 1] + events[index]
    drift = 1 + 0.3 * np.sin(np.linspace(0, 1.5, n_samples))[:, None]
    waves = np.sin(2 * np.pi * 0.7 * np.arange(n_samples) / RATE)[:, None]
    surround = 200 + 60 * waves + rng.normal(0, 1, (n_samples, n))
    values = 100 * drift * (1 + calcium) + rng.normal(0, 3, (n_samples, n)) + neuropil * surround
    segment = neo.Segment()
    nodes = Nodes(ids=[f"c{index}" for index in range(n)], kind="roi", groups=["CA1"] * n)
    for name, data, role in (("F", values, "nodes"), ("Fneu", surround, "traces_alternative")):
        segment.analogsignals.append(
            make_signal(data, name=name, role=role, sampling_rate_hz=RATE, nodes=nodes)
        )
    return segment, events, calcium


def test_dff_recovers_the_calcium():
    segment, _, calcium = fluorescence()
    dff = te.compute_dff(segment, neuropil_share=0, baseline_window=20 * pq.s)
    for channel in range(3):
        assert np.corrcoef(dff.magnitude[:, channel], calcium[:, channel])[0, 1] > 0.97
    assert (dff.name, dff.annotations["role"]) == ("dff", "nodes")
    assert nodes_of_signal(dff).groups.tolist() == ["CA1"] * 3


def test_neuropil_is_taken_off():
    segment, _, calcium = fluorescence(neuropil=0.7)
    window = {"baseline_window": 20 * pq.s}
    with_it = te.compute_dff(segment, neuropil_share=0, **window).magnitude
    without = te.compute_dff(segment, neuropil_share=0.7, **window).magnitude
    for channel in range(3):
        agreement = [np.corrcoef(x[:, channel], calcium[:, channel])[0, 1]
                     for x in (without, with_it)]  # fmt: skip
        assert agreement[0] >= agreement[1]
        assert agreement[0] > 0.95


def test_events_are_found_where_they_were_put():
    segment, events, _ = fluorescence()
    result = te.deconvolve(segment, neuropil_share=0, baseline_window=20 * pq.s)
    (found,) = node_signals(result)
    assert found.name == "events"
    assert found.magnitude.min() >= 0
    for channel in range(3):
        truth = np.convolve(events[:, channel], np.ones(5), mode="same")
        inferred = np.convolve(found.magnitude[:, channel], np.ones(5), mode="same")
        assert np.corrcoef(truth, inferred)[0, 1] > 0.8


def test_traces_can_be_deconvolved_as_they_are():
    segment, _, calcium = fluorescence()
    traces = neo.Segment()
    traces.analogsignals.append(
        make_signal(calcium, name="dff", role="nodes", sampling_rate_hz=RATE)
    )
    result = te.deconvolve(traces, dff=False)
    assert [item.name for item in result.analogsignals] == ["events", "dff"]
    assert len(segment.analogsignals) == 2


def test_input_is_not_changed():
    segment, _, _ = fluorescence()
    before = segment.analogsignals[0].magnitude.copy()
    te.deconvolve(segment)
    np.testing.assert_array_equal(segment.analogsignals[0].magnitude, before)
    assert segment.analogsignals[0].annotations["role"] == "nodes"


def changed(change):
    segment, _, _ = fluorescence(seconds=5)
    values = segment.analogsignals[0].magnitude.copy()
    change(values)
    other = neo.Segment()
    other.analogsignals.append(make_signal(values, name="F", role="nodes", sampling_rate_hz=RATE))
    return other


@pytest.mark.parametrize(
    ("segment", "options", "message"),
    [
        (changed(lambda x: x.__setitem__((3, 1), np.nan)), {}, "1 nodes is not finite"),
        (changed(lambda x: x.__isub__(500)), {}, "baseline of 3 nodes is not positive"),
        (changed(lambda x: None), {"percentile": 101}, "percentile must lie"),
        (changed(lambda x: None), {"neuropil_share": 2}, "neuropil_share must lie"),
        (changed(lambda x: None), {"signal": "G"}, "this segment has 0"),
        (neo.Segment(), {}, "this segment has 0"),
    ],
)
def test_bad_input_is_refused(segment, options, message):
    with pytest.raises(InputError, match=message):
        te.deconvolve(segment, **options)


def test_irregular_traces_are_refused():
    segment = neo.Segment()
    segment.irregularlysampledsignals.append(
        make_signal(np.ones((3, 1)), name="F", role="nodes", times_s=np.array([0.0, 1, 3]))
    )
    with pytest.raises(InputError, match="not regularly sampled"):
        te.compute_dff(segment)


def test_no_further_package_is_needed(monkeypatch):
    monkeypatch.setitem(sys.modules, "oasis", None)
    monkeypatch.setitem(sys.modules, "oasis.functions", None)
    assert node_signals(te.deconvolve(fluorescence(seconds=5)[0]))[0].magnitude.any()


@pytest.mark.parametrize(("decay", "penalty"), [(0.9, 0.0), (0.95, 0.3), (0.6, 1.0)])
def test_calcium_equals_that_of_the_authors_package(decay, penalty):
    functions = pytest.importorskip("oasis.functions")
    _, _, calcium = fluorescence(n=1)
    trace = calcium[:, 0] + np.random.default_rng(1).normal(0, 0.3, len(calcium))
    expected, _ = functions.oasisAR1(trace, decay, lam=penalty)
    found = penalized_calcium(trace, decay, penalty)
    np.testing.assert_allclose(found, expected, rtol=0, atol=1e-10)


@pytest.mark.parametrize("decay_s", [0.15, 0.4, 1.0])
def test_the_decay_of_an_unknown_indicator_is_found(decay_s):
    rng = np.random.default_rng(2)
    events = (rng.random(6000) < 0.02).astype(float)
    trace = np.convolve(events, np.exp(-np.arange(300) / (decay_s * 30)))[:6000]
    found = -1 / np.log(decay_of(trace + rng.normal(0, 0.2, 6000))) / 30
    assert 0.6 * decay_s < found < 1.4 * decay_s


def test_a_decay_out_of_range_is_refused():
    with pytest.raises(InputError, match="decay must lie in"):
        penalized_calcium(np.ones(10), 1.0, 0.0)


def seen(rate_hz, decay_s, frame_hz, seed=0, n=6000):
    """Spikes of a frame, and their trace with white noise of 0.3."""
    rng = np.random.default_rng(seed)
    spikes = rng.poisson(rate_hz / frame_hz, n).astype(float)
    trace = np.convolve(spikes, np.exp(-np.arange(400) / (decay_s * frame_hz)))[:n]
    return spikes, trace + rng.normal(0, 0.3, n)


@pytest.mark.parametrize(
    ("rate_hz", "decay_s", "frame_hz"),
    [(0, 0.1, 30), (0.2, 1.0, 30), (8, 0.15, 50), (2, 0.4, 10)],
)
def test_noise_is_told_from_calcium_however_often_a_cell_fires(rate_hz, decay_s, frame_hz):
    for seed in range(5):
        _, trace = seen(rate_hz, decay_s, frame_hz, seed)
        assert noise_of(trace) == pytest.approx(0.3, rel=0.12)


def test_calcium_that_decays_within_a_frame_leaves_more_noise_and_never_none():
    _, trace = seen(8, 0.03, 30)
    assert 0.3 < noise_of(trace) < trace.std()


def test_spikes_of_a_cell_that_fires_often_are_found():
    spikes, trace = seen(8, 0.15, 50)
    assert np.corrcoef(events_of_trace(trace), spikes)[0, 1] > 0.86


@pytest.mark.parametrize("n_frames", [2, 3, 40, 3000])
def test_noise_alone_is_noise(n_frames):
    for seed in range(5):
        trace = np.random.default_rng(seed).normal(0, 0.3, n_frames)
        spectrum = np.abs(np.fft.rfft(trace - trace.mean())) ** 2 / n_frames
        upper = np.sqrt(spectrum[len(spectrum) // 2 :].mean())
        assert noise_of(trace) == pytest.approx(upper)
