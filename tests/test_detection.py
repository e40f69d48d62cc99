"""Spikes are found where they were put, whatever the samples are read from."""

import gc

import h5py
import neo
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.io import detection, voltage_noise
from tavrnn_ephys.io.blocks import nodes_of_spiketrains
from tavrnn_ephys.io.lazy_signals import LazySignal

RATE = 20_000


def traces(n_channels=4, duration_s=4, amplitude=5.0, seed=0, sign=-1):
    """White noise of 1 µV with spikes of 1 ms at known samples, at least 5 ms apart."""
    rng = np.random.default_rng(seed)
    samples = rng.normal(size=(duration_s * RATE, n_channels))
    shape = np.exp(-0.5 * ((np.arange(-20, 21)) / 4.0) ** 2)
    shape -= 0.4 * np.exp(-0.5 * ((np.arange(-20, 21) - 10) / 6.0) ** 2)
    truth = []
    for channel in range(n_channels):
        steps = rng.integers(100, 4000, size=200)
        peaks = np.cumsum(steps)
        peaks = peaks[(peaks > 50) & (peaks < len(samples) - 50)]
        for peak in peaks:
            samples[peak - 20 : peak + 21, channel] += sign * amplitude * shape
        truth.append(peaks)
    return samples, truth


def matched(train, truth):
    """Share of true spikes found within 0.5 ms, and share of found ones that are true."""
    found = np.round(train.magnitude * RATE).astype(int)
    distance = np.abs(found[:, None] - truth[None, :])
    return np.mean(distance.min(axis=0) <= 10), np.mean(distance.min(axis=1) <= 10)


@pytest.mark.parametrize(("sign", "polarity"), [(-1, "negative"), (1, "positive"), (-1, "both")])
def test_spikes_are_found_where_they_were_put(sign, polarity):
    samples, truth = traces(sign=sign)
    trains = te.detect_spikes(samples, sampling_rate=RATE * pq.Hz, polarity=polarity)
    scores = [matched(train, peaks) for train, peaks in zip(trains, truth, strict=True)]
    recall, precision = np.mean(scores, axis=0)
    # Filtered, peaks stand at about 9 standard deviations, and few lie within 1 ms of another.
    assert recall > 0.97
    assert precision > 0.97


def test_spikes_of_the_other_sign_are_not_found():
    samples, truth = traces(n_channels=1, sign=1)
    (train,) = te.detect_spikes(samples, sampling_rate=RATE * pq.Hz, threshold=6)
    assert matched(train, truth[0])[0] < 0.05


def test_noise_alone_gives_next_to_no_spikes():
    noise = np.random.default_rng(3).normal(size=(10 * RATE, 2))
    trains = te.detect_spikes(noise, sampling_rate=RATE * pq.Hz, threshold=6)
    # The chance of 6 standard deviations is 1e-9 per sample.
    assert sum(map(len, trains)) <= 1
    # Of the unit variance of white noise, a band of 2700 of 10000 Hz keeps about its share;
    # the filter is run twice, so its flanks are steeper.
    for train in trains:
        assert train.annotations["noise_level"] == pytest.approx(np.sqrt(0.27), rel=0.1)


def test_slow_waves_are_not_spikes():
    samples, truth = traces(n_channels=1)
    samples += 500 * np.sin(2 * np.pi * 7 * np.arange(len(samples)) / RATE)[:, None]
    (train,) = te.detect_spikes(samples, sampling_rate=RATE * pq.Hz)
    assert min(matched(train, truth[0])) > 0.98


def test_chunks_do_not_show(monkeypatch):
    samples, _ = traces(n_channels=3)
    whole = te.detect_spikes(samples, sampling_rate=RATE * pq.Hz)
    monkeypatch.setattr(detection, "_SAMPLES_AT_ONCE", 3 * 7001)
    monkeypatch.setattr(voltage_noise, "_CHANNELS_AT_ONCE", 2)
    for one, other in zip(
        whole, te.detect_spikes(samples, sampling_rate=RATE * pq.Hz), strict=True
    ):
        np.testing.assert_array_equal(one.magnitude, other.magnitude)


def test_refractory_time_keeps_the_highest_peak():
    samples = np.random.default_rng(0).normal(size=(RATE, 1))
    samples[[5000, 5010, 5015, 9000], 0] = [-40, -60, -50, -45]
    options = {"sampling_rate": RATE * pq.Hz, "band": (None, None), "threshold": 8}
    (train,) = te.detect_spikes(samples, **options)
    assert np.round(train.magnitude * RATE).tolist() == [5010, 9000]
    (train,) = te.detect_spikes(samples, refractory=0.2 * pq.ms, **options)
    assert np.round(train.magnitude * RATE).tolist() == [5000, 5010, 5015, 9000]


def test_lazy_signal_gives_the_spikes_of_the_array(tmp_path):
    samples, _ = traces()
    with h5py.File(tmp_path / "raw.h5", "w") as file:
        data = file.create_dataset("raw", data=samples.astype(np.float32))
        from_file = te.detect_spikes(data, sampling_rate=RATE * pq.Hz)
    values = samples.astype(np.float32)
    signal = LazySignal(
        lambda start, stop, channels: (
            values[start:stop] if channels is None else values[start:stop, channels]
        ),
        n_samples=len(values),
        n_channels=4,
        sampling_rate_hz=RATE,
        t_start_s=2.0,
        array_annotations={"node_id": list("abcd"), "x": np.arange(4) * 10 * pq.um,
                           "y": np.zeros(4) * pq.um},
        annotations={"role": "raw"},
    )  # fmt: skip
    segment = neo.Segment()
    segment.analogsignals.append(signal)
    trains = te.detect_spikes(segment)
    nodes = nodes_of_spiketrains(trains)
    assert (nodes.ids.tolist(), nodes.kind) == (list("abcd"), "channel")
    assert nodes.positions_um.tolist() == [[0, 0], [10, 0], [20, 0], [30, 0]]
    for one, other in zip(trains, from_file, strict=True):
        np.testing.assert_allclose(one.magnitude, other.magnitude + 2.0, atol=1e-9)
        assert float(one.t_start) == 2.0


@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_neo_signal_and_neo_proxy_agree(recordings):
    reader = neo.io.BlackrockIO(
        str(recordings / "formats/neo/blackrock/l101210-001"), nsx_to_load=2
    )
    lazy = reader.read_segment(lazy=True).analogsignals[0]
    loaded = lazy.load()
    for one, other in zip(te.detect_spikes(lazy), te.detect_spikes(loaded), strict=True):
        np.testing.assert_allclose(one.rescale("s").magnitude, other.rescale("s").magnitude)
    # Neo leaves its files to the collector of garbage.
    del reader, lazy
    gc.collect()


def test_constant_channel_has_no_spikes_and_a_warning():
    samples, _ = traces(n_channels=2)
    samples[:, 1] = 3.0
    with pytest.warns(DataLossWarning, match="1 of 2 channels are constant"):
        trains = te.detect_spikes(samples, sampling_rate=RATE * pq.Hz)
    assert len(trains[0]) > 0
    assert len(trains[1]) == 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sampling_rate": None}, "needs its sampling rate"),
        ({"sampling_rate": 0 * pq.Hz}, "must be positive"),
        ({"threshold": -1}, "threshold must be a positive"),
        ({"polarity": "down"}, "polarity must be one of"),
        ({"band": (300 * pq.Hz, 20 * pq.kHz)}, "band must rise"),
        ({"band": (3000 * pq.Hz, 300 * pq.Hz)}, "band must rise"),
        ({"band": (300, 3000)}, "two frequencies with a unit"),
        ({"refractory": 1}, "refractory"),
    ],
)
def test_bad_options_are_refused(changes, message):
    samples, _ = traces(n_channels=1, duration_s=1)
    with pytest.raises(InputError, match=message):
        te.detect_spikes(samples, **{"sampling_rate": RATE * pq.Hz, **changes})


def test_samples_that_are_not_finite_are_refused():
    samples, _ = traces(n_channels=3, duration_s=1)
    samples[777, 1] = np.nan
    with pytest.raises(InputError, match=r"1 channels are not finite \('1'\)"):
        te.detect_spikes(samples, sampling_rate=RATE * pq.Hz)


@pytest.mark.parametrize("shape", [(0, 3), (100, 0), (100,)])
def test_empty_or_flat_arrays_are_refused(shape):
    with pytest.raises(InputError, match=r"shape \(n_samples, n_channels\)"):
        te.detect_spikes(np.zeros(shape), sampling_rate=RATE * pq.Hz)


def test_segment_with_several_raw_signals_needs_a_name():
    segment = neo.Segment()
    for name in ("probe A", "probe B"):
        samples, _ = traces(n_channels=1, duration_s=1)
        segment.analogsignals.append(
            neo.AnalogSignal(samples, units="uV", sampling_rate=RATE * pq.Hz, name=name, role="raw")
        )
    with pytest.raises(InputError, match="has 2"):
        te.detect_spikes(segment)
    assert len(te.detect_spikes(segment, signal="probe B")) == 1


def test_input_is_not_changed():
    samples, _ = traces(n_channels=2, duration_s=1)
    before = samples.copy()
    te.detect_spikes(samples, sampling_rate=RATE * pq.Hz)
    np.testing.assert_array_equal(samples, before)
