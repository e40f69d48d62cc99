"""Noise is taken from what was recorded; anything else is refused."""

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.io.filling import filling_values

RATE = 20_000
PEAKS = np.arange(1000, 10 * RATE - 1000, 10_000)


def voltage(kept, *, offset=0.0, as_integers=False):
    """Noise of 10 µV with 20 spikes, and zeros where ``kept`` is False."""
    samples = np.random.default_rng(0).normal(0, 10, (10 * RATE, 2)) + offset
    for peak in PEAKS:
        samples[peak - 20 : peak + 21] -= (
            120 * np.exp(-0.5 * (np.arange(-20, 21) / 4) ** 2)[:, None]
        )
        kept[peak - 20 : peak + 21] = True
    samples[~kept] = 0
    return np.round(samples).astype(np.int16) if as_integers else samples


def at_random():
    return np.random.default_rng(1).random(10 * RATE) > 0.3


def in_blocks():
    return np.arange(10 * RATE) % 10_000 < 7_000


@pytest.mark.parametrize("as_integers", [False, True])
@pytest.mark.parametrize(
    ("blank", "offset"), [(at_random, 0.0), (in_blocks, 0.0), (in_blocks, 300.0)]
)
def test_a_third_of_filling_makes_no_spikes(blank, offset, as_integers):
    samples = voltage(blank(), offset=offset, as_integers=as_integers)
    whole = voltage(np.ones(10 * RATE, dtype=bool))
    (clean, _) = te.detect_spikes(whole, sampling_rate=RATE * pq.Hz)
    for train in te.detect_spikes(samples, sampling_rate=RATE * pq.Hz):
        assert len(PEAKS) <= len(train) <= len(PEAKS) + 2
        noise = clean.annotations["noise_level"]
        assert train.annotations["noise_level"] == pytest.approx(noise, rel=0.25)


def test_event_based_recording_is_refused():
    samples = voltage(np.zeros(10 * RATE, dtype=bool))
    with pytest.raises(InputError, match="2 of 2 channels hold a filling value for more than 90%"):
        te.detect_spikes(samples, sampling_rate=RATE * pq.Hz)


def test_one_blanked_channel_leaves_the_others():
    samples = voltage(np.ones(10 * RATE, dtype=bool))
    samples[:, 1] = voltage(np.zeros(10 * RATE, dtype=bool))[:, 1]
    with pytest.warns(DataLossWarning, match="1 of 2 channels hold a filling value"):
        trains = te.detect_spikes(samples, sampling_rate=RATE * pq.Hz)
    assert [len(train) for train in trains] == [20, 0]


def test_unfiltered_offset_is_refused_and_the_way_out_leads_on():
    samples = voltage(np.ones(10 * RATE, dtype=bool), offset=300.0)
    with pytest.raises(InputError, match="2 of 2 channels do not vary around zero"):
        te.detect_spikes(samples, sampling_rate=RATE * pq.Hz, band=(None, None))
    trains = te.detect_spikes(samples - 300.0, sampling_rate=RATE * pq.Hz, band=(None, None))
    assert [len(train) for train in trains] == [20, 20]


@pytest.mark.parametrize("sigma", [0.6, 1.0, 3.0, 30.0])
def test_coarse_steps_of_the_converter_are_no_filling(sigma):
    samples = np.round(np.random.default_rng(0).normal(0, sigma, (7000, 3)))
    assert np.isnan(filling_values(samples)).all()


def test_block_in_place_of_a_segment_is_named():
    block = te.block_from_arrays(spike_times=[[1.0]], t_stop=2 * pq.s)
    with pytest.raises(InputError, match=r"detect_spikes takes one segment.*block.segments\[0\]"):
        te.detect_spikes(block)


# What the estimate of the noise supposes


@pytest.mark.parametrize("kind", ["a straight line", "dither"])
def test_gaps_that_are_bridged_make_no_spikes(kind):
    kept = np.ones(10 * RATE, dtype=bool)
    samples = voltage(kept)[1500:]
    lost = np.zeros(len(samples), dtype=bool)
    for start in range(1000, len(samples) - 9000, 10_000):
        lost[start : start + 7000] = True
    line = np.linspace(-5, 5, len(samples))[:, None]
    dither = np.random.default_rng(2).normal(0, 0.01, samples.shape)
    samples[lost] = (line if kind == "a straight line" else dither)[lost][:, :2]
    for train in te.detect_spikes(samples, sampling_rate=RATE * pq.Hz):
        assert len(train) <= len(PEAKS)
        assert train.annotations["noise_level"] == pytest.approx(4.9, rel=0.25)


@pytest.mark.parametrize("dtype", [np.int8, np.int16])
def test_channel_that_reaches_both_ends_of_its_type_is_not_constant(dtype):
    limits = np.iinfo(dtype)
    samples = voltage(np.ones(10 * RATE, dtype=bool))
    samples[100], samples[300] = limits.min, limits.max
    samples = np.clip(samples, limits.min, limits.max).astype(dtype)
    for train in te.detect_spikes(samples, sampling_rate=RATE * pq.Hz):
        assert len(train) >= len(PEAKS)


@pytest.mark.parametrize("factor", [1e-200, 1e200])
def test_voltage_beyond_all_units_is_refused(factor):
    samples = voltage(np.ones(10 * RATE, dtype=bool))[:RATE] * factor
    with pytest.raises(InputError, match="which is no voltage in any unit. Check the conversion"):
        te.detect_spikes(samples, sampling_rate=RATE * pq.Hz)


@pytest.mark.parametrize("dtype", [bool, complex, object])
def test_samples_that_are_no_voltage_are_refused(dtype):
    samples = voltage(np.ones(10 * RATE, dtype=bool))[:100].astype(dtype)
    with pytest.raises(InputError, match="Raw voltage"):
        te.detect_spikes(samples, sampling_rate=RATE * pq.Hz)


def test_axes_that_are_exchanged_are_refused_at_once():
    samples = np.zeros((4, 10 * RATE))
    with pytest.raises(InputError, match=r"fewer samples than channels.*pass samples\.T"):
        te.detect_spikes(samples, sampling_rate=RATE * pq.Hz)
