"""Each bad input is refused in one sentence that names the rule and the way out."""

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import DataLossWarning, InputError


@pytest.fixture
def activity():
    values = np.random.default_rng(0).poisson(1.0, (4, 100))
    return te.BinnedActivity(values=values, bin_size_s=0.1, nodes=te.Nodes(ids="abcd"))


@pytest.fixture
def windows(activity):
    return te.sliding_windows(activity, window_length=2 * pq.s, step=1 * pq.s)


def refused(match):
    return pytest.raises(InputError, match=match)


def test_window_of_no_whole_number_of_bins(activity):
    with refused(r"window_length must be a whole number of 0.1 s bins, got 0.25 s \(2.5 bins\)"):
        te.sliding_windows(activity, window_length=0.25 * pq.s, step=0.1 * pq.s)


def test_window_that_cuts_through_a_bin(activity):
    windows = te.Windows(start_s=[0.05], stop_s=[1.05])
    with refused("Window 0 does not start and stop on limits of 0.1 s bins"):
        te.compute_connectivity(activity, windows)


def test_windows_of_another_segment(activity):
    windows = te.Windows(start_s=[0.0], stop_s=[1.0], segment_index=[1])
    with refused("belong to other segments than segment 0"):
        te.compute_connectivity(activity, windows)


def test_lag_longer_than_the_window(activity, windows):
    with refused("max_lag of 3 s must be shorter than the window, which lasts 2 s"):
        te.compute_connectivity(activity, windows, measure="cross_correlation", max_lag=3 * pq.s)


@pytest.mark.parametrize("density", [0.0, -0.1, 1.2, float("nan")])
def test_density_outside_its_range(density):
    with refused(r"density must lie in \(0, 1\]"):
        te.DensityThreshold(density=density)


@pytest.mark.parametrize("q", [0.0, 1.0])
def test_false_discovery_rate_outside_its_range(q):
    with refused(r"q must lie in \(0, 1\)"):
        te.SignificanceThreshold(null=None, q=q)


def test_unknown_measure_lists_all(activity, windows):
    with refused(
        "measure must be one of 'pearson', 'covariance', 'spearman', 'partial', "
        "'cross_correlation', 'spike_time_tiling_coefficient', 'lagged_correlation', got 'person'"
    ):
        te.compute_connectivity(activity, windows, measure="person")


def test_unknown_option_lists_those_of_the_measure(activity, windows):
    with refused("'cross_correlation' has no option 'lag'; its options are: 'max_lag'"):
        te.compute_connectivity(activity, windows, measure="cross_correlation", lag=1 * pq.s)


def test_missing_option(activity, windows):
    with refused("'cross_correlation' needs max_lag, such as max_lag="):
        te.compute_connectivity(activity, windows, measure="cross_correlation")


def test_options_are_checked_before_the_first_window(activity, windows):
    with refused("'pearson' has no option 'dt'; its options are: none"):
        te.iter_connectivity(activity, windows, dt=1 * pq.ms)


def test_traces_that_are_not_finite():
    values = np.zeros((2, 10))
    values[1, 3] = np.nan
    with refused("Activity of 1 nodes is not finite"):
        te.BinnedActivity(values=values, bin_size_s=0.1, nodes=te.Nodes(ids="ab"), quantity="trace")


def test_fewer_than_two_nodes():
    activity = te.BinnedActivity(values=np.ones((1, 10)), bin_size_s=0.1, nodes=te.Nodes(ids="a"))
    with refused("at least two nodes"):
        te.compute_connectivity(activity, te.Windows(start_s=[0.0], stop_s=[1.0]))


def test_tiling_of_traces(windows):
    values = np.random.default_rng(0).normal(0, 1, (4, 100))
    nodes = te.Nodes(ids="abcd")
    traces = te.BinnedActivity(values=values, bin_size_s=0.1, nodes=nodes, quantity="trace")
    with refused("needs spike counts, got traces"):
        te.compute_connectivity(
            traces, windows, measure="spike_time_tiling_coefficient", dt=1 * pq.ms
        )
    with refused("clips spike counts"):
        te.compute_connectivity(traces, windows, binary=True)


def test_silent_nodes_can_be_refused():
    values = np.array([[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 1]])
    activity = te.BinnedActivity(values=values, bin_size_s=1.0, nodes=te.Nodes(ids="abc"))
    with refused("1 of 3 units do not vary"):
        te.compute_connectivity(
            activity, te.Windows(start_s=[0.0], stop_s=[4.0]), silent_nodes="raise"
        )


def test_silent_nodes_are_told_once_and_set_to_zero():
    values = np.array([[0, 1, 0, 1], [0, 0, 0, 0], [1, 0, 0, 1]])
    activity = te.BinnedActivity(values=values, bin_size_s=1.0, nodes=te.Nodes(ids="abc"))
    windows = te.Windows(start_s=[0.0, 1.0], stop_s=[3.0, 4.0])
    with pytest.warns(DataLossWarning, match=r"1 of 3 units .* \(2 of 6 node-windows\)") as caught:
        found = te.compute_connectivity(activity, windows)
    assert len(caught) == 1
    assert not found.weights[:, 1].any()
    assert not found.weights[:, :, 1].any()


def test_own_function_of_the_wrong_shape(activity, windows):
    with refused(r"returned shape \(4,\) for window 0; \(4, 4\) is needed"):
        te.compute_connectivity(activity, windows, measure=lambda values: values.mean(axis=1))


def test_own_asymmetric_function_must_be_called_directed(activity, windows):
    def leads(values, *, sign):
        return sign * (values[:, :-1] @ values[:, 1:].T)

    with refused("not symmetric. Say directed=True"):
        te.compute_connectivity(activity, windows, measure=leads, sign=-1.0)
    found = te.compute_connectivity(activity, windows, measure=leads, sign=-1.0, directed=True)
    assert found.directed
    assert repr(found).endswith("leads, directed")
    assert te.build_graphs(found).directed
    assert not te.build_graphs(found.symmetrized()).directed
    assert len(te.build_graphs(found.symmetrized())) == len(windows)


def test_own_function_called_pearson_is_used(activity, windows):
    def pearson(values):
        return np.full((len(values), len(values)), 0.5)

    found = te.compute_connectivity(activity, windows, measure=pearson)
    assert (found.weights == 0.5).all()


def test_trains_of_other_nodes(activity, windows):
    block = te.block_from_arrays(spike_times=[[1.0], [2.0]], t_stop=10 * pq.s)
    with refused("2 spiketrains stand for 4 nodes"):
        te.compute_connectivity(
            activity,
            windows,
            measure="spike_time_tiling_coefficient",
            dt=1 * pq.ms,
            spiketrains=block.segments[0].spiketrains,
        )


@pytest.mark.parametrize("shrinkage", [-0.1, 1.5, "oracle"])
def test_shrinkage_outside_its_range(activity, windows, shrinkage):
    with refused(r"shrinkage must lie in \[0, 1\] or be 'ledoit_wolf'"):
        te.compute_connectivity(activity, windows, measure="partial", shrinkage=shrinkage)


def test_unshrunk_inverse_of_too_few_bins(activity):
    windows = te.Windows(start_s=[0.0], stop_s=[0.4])
    with refused("needs more bins than nodes, got 4 bins for 4 nodes"):
        te.compute_connectivity(activity, windows, measure="partial", shrinkage=0)
