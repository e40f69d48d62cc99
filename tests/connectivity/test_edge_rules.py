"""The rule for edges that a specification asks for."""

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.connectivity.edge_rules import edge_rule
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import SURROGATES
from tavrnn_ephys.core.spec import ConnectivitySpec, GraphSpec

SHARED = np.sort(np.random.default_rng(1).uniform(0, 60, 300))


def recording():
    rng = np.random.default_rng(0)
    trains = [np.sort(rng.uniform(0, 60, 300)) for _ in range(5)]
    trains[1] = trains[0] = SHARED
    segment = te.block_from_arrays(spike_times=trains, t_stop=60 * pq.s).segments[0]
    activity = te.bin_activity(segment, bin_size=0.1 * pq.s)
    windows = te.sliding_windows(activity, window_length=20 * pq.s, step=20 * pq.s)
    return segment, activity, windows


def kept(spec, connectivity=None):
    segment, activity, windows = recording()
    how = connectivity or ConnectivitySpec()
    rule = edge_rule(activity, windows, how, spec, spiketrains=segment.spiketrains)
    return rule.keep(te.compute_connectivity(activity, windows))


def test_each_rule_is_that_of_python():
    segment, activity, windows = recording()
    found = te.compute_connectivity(activity, windows)
    for spec, rule in (
        (GraphSpec(density=0.3), te.DensityThreshold(density=0.3)),
        (GraphSpec(n_strongest=2), te.StrongestThreshold(n_strongest=2)),
    ):
        assert np.array_equal(kept(spec), rule.keep(found))
    assert edge_rule(activity, windows, ConnectivitySpec(), GraphSpec(threshold=0.2)) == 0.2
    null = te.connectivity_null(
        activity, windows, surrogates=te.ShiftSurrogates(min_shift=3 * pq.s), n_surrogates=20
    )
    expected = te.SignificanceThreshold(null=null, q=0.1).keep(found)
    assert np.array_equal(kept(GraphSpec(false_discoveries=0.1, n_surrogates=20)), expected)


@pytest.mark.parametrize("surrogates", SURROGATES)
def test_every_kind_of_surrogate_finds_the_coupled_pair(surrogates):
    spec = GraphSpec(false_discoveries=0.1, surrogates=surrogates)
    found = kept(spec)
    assert found[:, 0, 1].all()
    assert found[:, 2:, 2:].sum() <= 2


def test_surrogates_of_spikes_are_refused_for_traces():
    traces = np.random.default_rng(0).normal(size=(4, 400))
    activity = te.BinnedActivity(
        values=traces, bin_size_s=0.1, nodes=te.Nodes(ids=range(4), kind="roi"), quantity="trace"
    )
    windows = te.sliding_windows(activity, window_length=20 * pq.s, step=20 * pq.s)
    spec = GraphSpec(false_discoveries=0.1, surrogates="dither_spikes")
    with pytest.raises(InputError, match="move spikes, and these are traces"):
        edge_rule(activity, windows, ConnectivitySpec(), spec)


def test_measures_of_spike_times_have_no_such_null():
    with pytest.raises(InputError, match="told of measures of bins"):
        kept(
            GraphSpec(false_discoveries=0.1),
            ConnectivitySpec(measure="spike_time_tiling_coefficient", options={"dt": 50 * pq.ms}),
        )


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"density": 0.0}, r"density must lie in \(0, 1\]"),
        ({"density": True}, "density must lie"),
        ({"n_strongest": 0}, "n_strongest must be"),
        ({"false_discoveries": 1.0}, "false_discoveries must lie between"),
        ({"density": 0.1, "threshold": 0.3}, "in one way, got threshold beside density"),
        ({"n_surrogates": 50}, "n_surrogates says what chance is"),
        ({"false_discoveries": 0.1, "n_surrogates": 5}, "20 are needed"),
        ({"false_discoveries": 0.1, "surrogates": "nope"}, "surrogates must be one of"),
        (
            {"false_discoveries": 0.1, "surrogates": "shuffle", "surrogate_reach_s": 1.0},
            "knows no distance",
        ),
    ],
)
def test_rules_that_cannot_be_are_refused_before_anything_is_read(options, message):
    with pytest.raises(InputError, match=message):
        te.AnalysisConfig(bin_size_s=0.1, window_length_s=4.0, step_s=4.0, **options)
