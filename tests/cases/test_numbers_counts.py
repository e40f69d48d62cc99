"""Counts are held to a size wherever they come in."""

import h5py
import numpy as np
import pytest
import quantities as pq
import scipy.io

import tavrnn_ephys as te
from tavrnn_ephys.connectivity.measures import spike_time_tiling_coefficient
from tavrnn_ephys.core.counts import MOST_SPIKES_PER_BIN
from tavrnn_ephys.core.errors import DataLossWarning, InputError

SIZES = [2**62, 3 * 10**9, MOST_SPIKES_PER_BIN + 1]
RULE = r"Bin 0 of node '0' holds \S+ spikes; a bin holds at most 1,000,000"


def counts_with(value, dtype=np.int64):
    counts = np.zeros((2, 5), dtype=dtype)
    counts[0, 0], counts[1, 2] = value, 3
    return counts


@pytest.mark.parametrize("value", SIZES)
def test_block_from_arrays_refuses_a_count_of_any_such_size(value):
    with pytest.raises(InputError, match=RULE):
        te.block_from_arrays(counts=counts_with(value), bin_size=1 * pq.s)


@pytest.mark.parametrize("dtype", [np.uint64, np.float64])
def test_the_type_of_a_count_plays_no_part(dtype):
    with pytest.raises(InputError, match="holds 4.6e\\+18 spikes"):
        te.block_from_arrays(counts=counts_with(2**62, dtype), bin_size=1 * pq.s)


@pytest.mark.parametrize("value", SIZES)
def test_binned_activity_refuses_it_and_names_the_way_out(value):
    with pytest.raises(InputError, match="quantity='trace' of BinnedActivity"):
        te.BinnedActivity(values=counts_with(value), bin_size_s=1.0, nodes=te.Nodes(ids="ab"))


def test_the_way_out_leads_on():
    trace = te.BinnedActivity(
        values=counts_with(3 * 10**9), bin_size_s=1.0, nodes=te.Nodes(ids="ab"), quantity="trace"
    )
    assert trace.values[0, 0] == 3 * 10**9


def test_mat_file_of_huge_counts_is_refused_without_a_crash(tmp_path):
    scipy.io.savemat(tmp_path / "huge.mat", {"counts": counts_with(2**62)})
    with pytest.raises(InputError, match=RULE):
        te.read_mat(tmp_path / "huge.mat", counts="counts", node_axis=0, bin_size=1 * pq.s)


def test_counts_in_a_file_are_held_to_it_when_they_are_read(tmp_path):
    with h5py.File(tmp_path / "counts.h5", "w") as file:
        file["counts"] = counts_with(2**40)
        activity = te.BinnedActivity(
            values=file["counts"], bin_size_s=1.0, nodes=te.Nodes(ids="ab")
        )
        with pytest.raises(InputError, match="Bin 0 of node 'a' holds 1.1e\\+12 spikes"):
            activity.read_bins(0, 5)


def test_counts_that_are_many_in_all_are_refused_with_their_size_and_kept_by_the_way_out():
    counts = np.full((1, 300), 10**6)
    with pytest.raises(InputError, match="hold 3e\\+08 spikes, whose times take 2.24 GiB"):
        te.block_from_arrays(counts=counts, bin_size=1 * pq.s)
    kept = te.BinnedActivity(values=counts, bin_size_s=1.0, nodes=te.Nodes(ids=["a"]))
    assert kept.values.sum() == 3 * 10**8


def test_tiling_coefficient_refuses_it():
    with pytest.raises(InputError, match=RULE):
        spike_time_tiling_coefficient(counts_with(2**62), dt=0.5 * pq.s, bin_size_s=1.0)


def test_surrogates_of_huge_counts_cannot_be_asked_for():
    with pytest.raises(InputError, match="holds 4.6e"):
        te.ShiftSurrogates(min_shift=1 * pq.s).draw(
            te.BinnedActivity(values=counts_with(2**62), bin_size_s=1.0, nodes=te.Nodes(ids="ab")),
            seed=0,
        )


@pytest.mark.parametrize("measure", ["pearson", "covariance", "spearman", "partial"])
def test_largest_counts_are_computed_exactly(measure):
    rng = np.random.default_rng(0)
    counts = MOST_SPIKES_PER_BIN - rng.integers(0, 3, (4, 3000))
    activity = te.BinnedActivity(values=counts, bin_size_s=0.1, nodes=te.Nodes(ids=range(4)))
    shifted = te.BinnedActivity(
        values=counts - counts.min(), bin_size_s=0.1, nodes=te.Nodes(ids=range(4))
    )
    windows = te.sliding_windows(activity, window_length=100 * pq.s, step=50 * pq.s)
    large, small = (
        te.compute_connectivity(item, windows, measure=measure).weights
        for item in (activity, shifted)
    )
    np.testing.assert_allclose(large, small, atol=1e-9)


def test_constant_largest_counts_are_silent():
    counts = np.full((2, 3000), MOST_SPIKES_PER_BIN)
    counts[1, ::3] -= 1
    activity = te.BinnedActivity(values=counts, bin_size_s=0.1, nodes=te.Nodes(ids="ab"))
    windows = te.Windows(start_s=[0.0], stop_s=[300.0])
    with pytest.warns(DataLossWarning, match="1 of 2 units do not vary"):
        found = te.compute_connectivity(activity, windows, silent_nodes="nan").weights[0]
    assert np.isnan(found[0]).all()
    assert found[1, 1] == 1.0
