"""Surrogates keep what they promise, and their null is calibrated."""

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError


def poisson_recording(seed, *, n_nodes=30, duration_s=120.0, shared=0.0, period_s=20.0):
    """Independent Poisson trains of unequal rates, all modulated by the same slow wave."""
    rng = np.random.default_rng(seed)
    rates = rng.lognormal(np.log(4.0), 0.8, n_nodes).clip(0.3, 30.0)
    trains = []
    for rate in rates:
        times = np.sort(rng.uniform(0, duration_s, rng.poisson(2 * rate * duration_s)))
        wave = 1.0 + shared * np.sin(2 * np.pi * times / period_s)
        trains.append(times[rng.random(len(times)) < 0.5 * wave])
    block = te.block_from_arrays(spike_times=trains, t_stop=duration_s * pq.s)
    activity = te.bin_activity(block.segments[0], bin_size=50 * pq.ms)
    windows = te.sliding_windows(activity, window_length=30 * pq.s, step=30 * pq.s)
    return list(block.segments[0].spiketrains), activity, windows


METHODS = {
    "dither_spikes": 0.5 * pq.s,
    "jitter_spikes": 1.0 * pq.s,
    "dither_spike_train": 0.5 * pq.s,
    "shuffle_isis": None,
    "randomise_spikes": None,
}


@pytest.mark.parametrize("method", METHODS)
def test_spike_surrogates_keep_the_spikes_and_are_seeded(method):
    trains, activity, _ = poisson_recording(0, n_nodes=4)
    surrogates = te.SpikeSurrogates(spiketrains=trains, method=method, displacement=METHODS[method])
    np.random.seed(5)  # noqa: NPY002
    expected = np.random.random()  # noqa: NPY002
    np.random.seed(5)  # noqa: NPY002
    drawn = surrogates.draw(activity, seed=1)
    assert np.random.random() == expected, "the global generator was left alone"  # noqa: NPY002
    assert drawn == surrogates.draw(activity, seed=1)
    assert drawn != surrogates.draw(activity, seed=2)
    assert drawn.n_bins == activity.n_bins
    lost = activity.values.sum(axis=1) - drawn.values.sum(axis=1).astype(int)
    assert (lost >= 0).all()
    assert lost.sum() <= 0.02 * activity.values.sum()


def test_spike_surrogates_do_not_depend_on_the_clock():
    trains, activity, _ = poisson_recording(0, n_nodes=3)
    day = 86_400.0
    block = te.block_from_arrays(
        spike_times=[train.magnitude + day for train in trains],
        t_start=day * pq.s,
        t_stop=(day + 120.0) * pq.s,
    )
    later = te.bin_activity(block.segments[0], bin_size=50 * pq.ms)
    options = {"method": "dither_spikes", "displacement": 0.5 * pq.s}
    here = te.SpikeSurrogates(spiketrains=trains, **options).draw(activity, seed=0)
    there = te.SpikeSurrogates(spiketrains=block.segments[0].spiketrains, **options)
    np.testing.assert_array_equal(there.draw(later, seed=0).values, here.values)


def test_shifts_keep_each_node_and_exceed_the_smallest():
    values = np.arange(60).reshape(3, 20).astype(float)
    activity = te.BinnedActivity(
        values=values, bin_size_s=0.5, nodes=te.Nodes(ids="abc"), quantity="trace"
    )
    drawn = te.ShiftSurrogates(min_shift=2 * pq.s).draw(activity, seed=3).values
    np.testing.assert_array_equal(np.sort(drawn, axis=1), values)
    shifts = (values[:, 0] - drawn[:, 0]) % 20
    assert ((shifts >= 4) & (shifts <= 16)).all()


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        (lambda: te.SpikeSurrogates(spiketrains=[], method="dither"), "method must be one of"),
        (lambda: te.SpikeSurrogates(spiketrains=[]), "needs displacement, such as"),
        (
            lambda: te.SpikeSurrogates(
                spiketrains=[], method="shuffle_isis", displacement=1 * pq.s
            ),
            "takes no displacement",
        ),
        (lambda: te.ShiftSurrogates(min_shift=3), "min_shift must be a scalar with a unit"),
    ],
)
def test_bad_arguments(make, sentence):
    with pytest.raises(InputError, match=sentence):
        make()


def test_arguments_that_do_not_suit_the_activity():
    trains, activity, windows = poisson_recording(0, n_nodes=3)
    with pytest.raises(InputError, match="exceeds half of the recording, which lasts 120 s"):
        te.ShiftSurrogates(min_shift=61 * pq.s).draw(activity, seed=0)
    few = te.SpikeSurrogates(spiketrains=trains[:2], method="shuffle_isis")
    with pytest.raises(InputError, match="2 spiketrains cannot stand for 3 nodes"):
        few.draw(activity, seed=0)
    with pytest.raises(InputError, match="at least 4 surrogates"):
        te.connectivity_null(
            activity, windows, surrogates=te.ShiftSurrogates(min_shift=1 * pq.s), n_surrogates=3
        )


def shift_null(activity, windows, **options):
    shifts = te.ShiftSurrogates(min_shift=5 * pq.s)
    return te.connectivity_null(activity, windows, surrogates=shifts, **options)


def test_p_values_of_independent_trains_are_uniform():
    found = []
    for seed in range(4):
        _, activity, windows = poisson_recording(seed)
        null = shift_null(activity, windows, n_surrogates=60, seed=seed)
        p_values = null.p_values(te.compute_connectivity(activity, windows))
        found.append(p_values[:, *np.triu_indices(30, 1)].ravel())
    p_values = np.concatenate(found)
    # 6960 pairs: a share of .05 has a standard error below .004.
    assert np.mean(p_values <= 0.05) == pytest.approx(0.05, abs=0.013)
    assert np.mean(p_values <= 0.5) == pytest.approx(0.5, abs=0.03)


def test_independent_trains_have_few_false_edges():
    """Every edge is false: at q = .05 at most one window of twenty has any."""
    n_false = 0
    for seed in range(5):
        _, activity, windows = poisson_recording(seed)
        null = shift_null(activity, windows, n_surrogates=100, seed=seed)
        kept = te.SignificanceThreshold(null=null, q=0.05).keep(
            te.compute_connectivity(activity, windows)
        )
        n_false += int(kept.any(axis=(1, 2)).sum())
    # 20 windows, 5 %: more than 4 would happen in one run of 400.
    assert n_false <= 4


def test_shared_slow_rates_fool_shifts_but_not_dithering():
    trains, activity, windows = poisson_recording(1, shared=0.9)
    connectivity = te.compute_connectivity(activity, windows)
    pairs = np.triu_indices(30, 1)
    shifted = shift_null(activity, windows, n_surrogates=40).p_values(connectivity)[:, *pairs]
    dither = te.SpikeSurrogates(spiketrains=trains, displacement=0.5 * pq.s)
    dithered = te.connectivity_null(activity, windows, surrogates=dither, n_surrogates=40)
    assert np.mean(dithered.p_values(connectivity)[:, *pairs] <= 0.05) < 0.08
    assert np.mean(shifted <= 0.05) > 0.1


def test_synchrony_is_found():
    rng = np.random.default_rng(2)
    trains = [np.sort(rng.uniform(0, 120, 600)) for _ in range(12)]
    for child, parent in ((1, 0), (5, 4), (9, 8)):
        copied = trains[parent][rng.random(600) < 0.4] + rng.normal(0, 0.005, 600)[:1]
        trains[child] = np.sort(np.concatenate([trains[child], copied])).clip(0, 119.9)
    block = te.block_from_arrays(spike_times=trains, t_stop=120 * pq.s)
    activity = te.bin_activity(block.segments[0], bin_size=50 * pq.ms)
    windows = te.sliding_windows(activity, window_length=60 * pq.s, step=60 * pq.s)
    connectivity = te.compute_connectivity(activity, windows)
    null = shift_null(activity, windows, n_surrogates=100)
    graphs = te.build_graphs(connectivity, threshold=te.SignificanceThreshold(null=null))
    for graph in graphs.weights:
        found = {tuple(map(int, pair)) for pair in np.argwhere(np.triu(graph.toarray()) > 0)}
        assert {(0, 1), (4, 5), (8, 9)} <= found
        assert len(found) <= 5


def test_pooled_null_holds_for_windows_that_it_has_not_seen():
    _, activity, windows = poisson_recording(3)
    train, test = windows.select(slice(0, 2)), windows.select(slice(2, 4))
    null = shift_null(activity, train, n_surrogates=60)
    connectivity = te.compute_connectivity(activity, test)
    with pytest.raises(InputError, match="knows no window from 60 s to 90 s"):
        null.p_values(connectivity)
    p_values = null.pooled().p_values(connectivity)[:, *np.triu_indices(30, 1)]
    assert np.mean(p_values <= 0.05) == pytest.approx(0.05, abs=0.03)


def test_null_of_another_measure_is_refused():
    _, activity, windows = poisson_recording(3, n_nodes=5)
    null = shift_null(activity, windows, n_surrogates=10)
    other = te.compute_connectivity(activity, windows, measure="spearman")
    with pytest.raises(InputError, match="belongs to the measure 'pearson'"):
        null.p_values(other)


def test_silent_nodes_are_not_tested():
    values = np.random.default_rng(0).poisson(0.4, (6, 800)).astype(np.uint8)
    values[2] = 0
    activity = te.BinnedActivity(values=values, bin_size_s=0.1, nodes=te.Nodes(ids=range(6)))
    windows = te.sliding_windows(activity, window_length=40 * pq.s, step=40 * pq.s)
    null = shift_null(activity, windows, n_surrogates=20)
    with pytest.warns(UserWarning, match="1 of 6 units"):
        connectivity = te.compute_connectivity(activity, windows)
    assert (null.p_values(connectivity)[:, 2] == 1).all()
