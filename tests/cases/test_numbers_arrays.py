"""Arrays of other libraries: masks, tensors, sparse matrices and units keep what they say."""

import numpy as np
import pytest
import quantities as pq
import scipy.sparse

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError

COUNTS = np.array([[0, 2, 1], [1, 0, 3]])
NODES = te.Nodes(ids=["a", "b"])


def binned(values, **options):
    return te.BinnedActivity(values=values, bin_size_s=0.1, nodes=NODES, **options)


@pytest.mark.parametrize("make", [scipy.sparse.csr_matrix, scipy.sparse.csc_array])
def test_sparse_counts_are_counts(make):
    assert binned(make(COUNTS)) == binned(COUNTS)
    block = te.block_from_arrays(counts=make(COUNTS), bin_size=100 * pq.ms)
    assert [len(train) for train in block.segments[0].spiketrains] == [3, 4]


def test_sparse_counts_are_held_to_a_size():
    huge = COUNTS.astype(np.int64)
    huge[1, 2] = 2**62
    with pytest.raises(InputError, match="Bin 2 of node '1' holds 4.6e"):
        te.block_from_arrays(counts=scipy.sparse.csr_matrix(huge), bin_size=100 * pq.ms)


def test_sparse_matrix_that_memory_does_not_hold_is_refused():
    endless = scipy.sparse.csr_matrix((2, 2**30), dtype=np.int8)
    with pytest.raises(InputError, match="too many values to lay out. Use larger bins"):
        binned(endless)


def test_tensors_are_arrays():
    import torch

    assert binned(torch.tensor(COUNTS)) == binned(COUNTS)
    traces = torch.tensor(COUNTS * 0.5, requires_grad=True)
    assert binned(traces, quantity="trace") == binned(COUNTS * 0.5, quantity="trace")


MASKED = np.ma.masked_greater(COUNTS, 2)
DOORS = {
    "binned": lambda: binned(MASKED),
    "counts": lambda: te.block_from_arrays(counts=MASKED, bin_size=100 * pq.ms),
    "traces": lambda: te.block_from_arrays(traces=MASKED, sampling_rate=10 * pq.Hz),
    "spike times": lambda: te.block_from_arrays(spike_times=[MASKED[1], [1.0]]),
    "connectivity": lambda: te.ConnectivitySequence.from_array(
        np.ma.masked_greater(np.ones((1, 2, 2)), 0)
    ),
    "windows": lambda: te.Windows(start_s=MASKED[1], stop_s=[4.0, 5.0, 6.0]),
    "voltage": lambda: te.detect_spikes(MASKED.T, sampling_rate=20 * pq.kHz),
}


@pytest.mark.parametrize("door", DOORS)
def test_masked_values_are_no_data(door):
    with pytest.raises(InputError, match="are masked. Fill them first: values.filled"):
        DOORS[door]()


def test_mask_that_hides_nothing_is_no_mask():
    assert binned(np.ma.masked_greater(COUNTS, 9)) == binned(COUNTS)


def test_masked_samples_of_a_behaviour_are_left_out():
    behavior = {"speed": np.ma.masked_greater([1.0, 99.0, 3.0], 50)}
    block = te.block_from_arrays(
        spike_times=[[0.1], [0.2]], t_stop=3 * pq.s, behavior=behavior, behavior_rate=1 * pq.Hz
    )
    windows = te.Windows(start_s=[0.0], stop_s=[3.0])
    assert te.window_behavior(block.segments[0], windows, "speed").values.tolist() == [2.0]


def test_units_of_windows_and_positions_are_turned_into_the_one_that_is_meant():
    windows = te.Windows(start_s=[0, 1000] * pq.ms, stop_s=[1000, 2000] * pq.ms)
    assert windows == te.Windows(start_s=[0.0, 1.0], stop_s=[1.0, 2.0])
    nodes = te.Nodes(ids=["a", "b"], positions_um=[[0, 1], [2, 3]] * pq.mm)
    np.testing.assert_allclose(nodes.positions_um, [[0.0, 1000.0], [2000.0, 3000.0]])
    with pytest.raises(InputError, match="start_s must be in s, .* got mm"):
        te.Windows(start_s=[0] * pq.mm, stop_s=[1] * pq.mm)


def test_complex_numbers_do_not_lose_their_imaginary_part():
    with pytest.raises(InputError, match="Real numbers are needed, got complex ones"):
        te.Windows(start_s=np.array([1j]), stop_s=[2.0])


def test_fractions_do_not_lose_what_stands_behind_the_point():
    with pytest.raises(InputError, match="Whole numbers are needed, got fractions"):
        te.Windows(start_s=[0.0], stop_s=[1.0], segment_index=[0.7])
