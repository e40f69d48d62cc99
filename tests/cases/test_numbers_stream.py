"""What a stream takes in is seconds and counts, or is refused before it moves on."""

import numpy as np
import pytest
import quantities as pq
import scipy.sparse
import torch

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError
from tests.streaming.models import BIN_S, committed, fitted

N_BINS = 80


@pytest.fixture(scope="module")
def counts():
    _, activity, _, _ = fitted()
    return np.asarray(activity.values)[:, :N_BINS].astype(np.int64)


def stream(**options):
    return te.Stream(fitted()[0], **options)


def with_one(counts, value):
    changed = counts.astype(np.result_type(counts, np.min_scalar_type(value)))
    changed[0, 50] = value
    return changed


@pytest.mark.parametrize("value", [2**62, 3_000_000_000, 1_000_001, -1, 0.5, np.nan])
def test_a_bin_that_is_no_count_is_refused_before_those_in_front_are_taken_in(counts, value):
    began = stream()
    with pytest.raises(InputError, match="counts of a bin must"):
        began.push(with_one(counts, value))
    assert (began.n_bins, began.t_s) == (0, 0.0)
    np.testing.assert_array_equal(committed(began.push(counts)), committed(stream().push(counts)))


def test_a_masked_count_is_no_count(counts):
    with pytest.raises(InputError, match="1 values of counts are masked"):
        stream().push(np.ma.masked_array(counts, np.arange(counts.size).reshape(counts.shape) == 3))


@pytest.mark.parametrize("dress", [scipy.sparse.csr_array, torch.as_tensor, np.ma.asarray])
def test_counts_of_other_libraries_are_counts(counts, dress):
    np.testing.assert_array_equal(
        committed(stream().push(dress(counts))), committed(stream().push(counts))
    )


def spikes_of(counts):
    nodes, bins = np.nonzero(counts)
    return (bins + 0.5) * BIN_S, nodes


def test_a_unit_of_time_is_honoured(counts):
    times, nodes = spikes_of(counts)
    limits = {"t_start_s": 0.0, "until_s": N_BINS * BIN_S}
    expected = committed(stream().push_spikes(times, nodes, **limits))
    assert len(expected) > 1
    for unit, factor in ((pq.ms, 1e3), (pq.us, 1e6), (pq.s, 1.0)):
        given = {name: value * factor * unit for name, value in limits.items()}
        found = stream().push_spikes(times * factor * unit, nodes, **given)
        np.testing.assert_array_equal(committed(found), expected)
    shifted = stream().push(counts, t_start_s=2000 * pq.ms)
    assert shifted[0].t_start_s == 2.0
    assert stream(t_start_s=2000 * pq.ms).push(counts)[0].t_start_s == 2.0


NO_TIMES = {
    "text": (["a"], {}, "times_s must be numbers of seconds"),
    "complex": ([0.1j], {}, "times_s must be numbers of seconds"),
    "unit of length": ([1.0] * pq.m, {}, "times_s must be in s, or in a unit"),
    "nan": ([np.nan], {}, "times_s must be finite"),
    "masked": (np.ma.masked_array([0.1], [True]), {}, "1 values of times_s are masked"),
    "endless end": ([0.1], {"until_s": np.inf}, "until_s must be finite"),
    "unknown end": ([0.1], {"until_s": np.nan}, "until_s must be finite"),
    "several ends": ([0.1], {"until_s": [1.0, 2.0]}, "until_s must be one number"),
    "unknown start": ([0.1], {"t_start_s": np.nan}, "t_start_s must be finite"),
    "far end": ([0.1], {"until_s": 1e12}, "would close 2e.13 bins of 0.05 s at once"),
    "far spike": ([0.1, 1e9], {}, "would close 2e.10 bins of 0.05 s at once"),
    "nanoseconds of an epoch": ([1.7e18], {}, "Count seconds from a later origin"),
}


@pytest.mark.parametrize("kind", NO_TIMES)
def test_what_are_no_seconds_is_refused_at_once_and_leaves_the_stream_as_it_was(counts, kind):
    times, limits, said = NO_TIMES[kind]
    began = stream()
    began.push(counts[:, :50], t_start_s=0.0)
    before = began.remembered()
    with pytest.raises(InputError, match=said):
        began.push_spikes(times, np.zeros(len(times), dtype=int), **limits)
    np.testing.assert_equal(began.remembered(), before)
    fresh = stream()
    before = fresh.remembered()
    with pytest.raises(InputError):
        fresh.push_spikes(times, np.zeros(len(times), dtype=int), **limits)
    np.testing.assert_equal(fresh.remembered(), before)


@pytest.mark.parametrize("start", [np.nan, np.inf, "x", 1e300, 1.0 * pq.m])
def test_a_start_that_is_no_time_is_refused(counts, start):
    with pytest.raises(InputError, match="t_start_s"):
        stream(t_start_s=start)
    with pytest.raises(InputError, match="t_start_s"):
        stream().push(counts, t_start_s=start)


def test_seconds_since_1970_are_fine_enough(counts):
    origin = 1.7e9
    found = stream().push(counts, t_start_s=origin)
    assert [item.t_start_s - origin for item in found] == pytest.approx([0, 0.5, 1, 1.5, 2])
    assert repr(found[1]).startswith("Update: 1700000000.5 s to 1700000002.5 s")


def test_the_spikes_of_hours_at_once_take_no_longer_than_bin_by_bin():
    # Each bin must not look through all spikes: of 4 million that would take minutes.
    n_spikes = 400_000
    rng = np.random.default_rng(0)
    times, nodes = rng.uniform(0, 500, n_spikes), rng.integers(0, 20, n_spikes)
    began = stream(t_start_s=0.0)
    assert len(began.push_spikes(times, nodes, until_s=500.0)) == 997
    assert began.gram.total.sum() == np.sum(times >= 498.0)
