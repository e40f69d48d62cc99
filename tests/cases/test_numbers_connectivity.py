"""What varies, what a measure rests on, and nodes that come and go."""

import warnings

import matplotlib.pyplot as plt
import neo
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.connectivity.measures import MEASURES, partial, pearson, spearman
from tavrnn_ephys.core.containers.origin import options_as_facts
from tavrnn_ephys.core.errors import ChanceLossWarning, DataLossWarning, InputError
from tavrnn_ephys.figures.embeddings import plot_node_embedding

OPTIONS = {
    "pearson": {},
    "covariance": {},
    "spearman": {},
    "partial": {},
    "cross_correlation": {"max_lag": 0.5 * pq.s},
    "spike_time_tiling_coefficient": {"dt": 0.15 * pq.s},
    "lagged_correlation": {"time_constant": 0.3 * pq.s, "delay": 0 * pq.s},
}
ON_TRACES = [name for name in OPTIONS if name != "spike_time_tiling_coefficient"]


def of(values, quantity="trace"):
    return te.BinnedActivity(
        values=values, bin_size_s=0.1, nodes=te.Nodes(ids=range(len(values))), quantity=quantity
    )


def decays():
    time = np.arange(0, 600, 0.1)
    noise = np.random.default_rng(0).normal(size=(2, len(time)))
    return of(np.vstack([*(np.exp(-time / tau) for tau in (0.5, 0.8, 1.0, 2.0)), noise]))


@pytest.mark.parametrize("measure", ON_TRACES)
def test_noise_free_decays_that_underflow_are_silent(measure):
    activity = decays()
    windows = te.sliding_windows(activity, window_length=20 * pq.s, step=20 * pq.s)
    with pytest.warns(DataLossWarning, match="4 of 6 units do not vary in at least one window"):
        found = te.compute_connectivity(activity, windows, measure=measure, **OPTIONS[measure])
    assert np.isfinite(found.weights).all()
    assert not found.weights[-1][:4].any()
    assert found.weights[-1][4, 4] > 0


@pytest.mark.parametrize("measure", [pearson, spearman, partial])
def test_averages_of_a_constant_do_not_vary(measure):
    rng = np.random.default_rng(0)
    ripple = 0.1 + rng.integers(-2, 3, 200) * np.spacing(0.1)
    found = measure(np.vstack([ripple, rng.normal(size=200), rng.normal(size=200)]))
    assert np.isnan(found[0]).all()
    assert np.isfinite(found[1:, 1:]).all()


@pytest.mark.parametrize("scale", [1e-160, 1e-300, 1e150, 1e300])
def test_the_unit_of_a_trace_plays_no_part(scale):
    values = np.random.default_rng(0).normal(size=(4, 300))
    windows = te.Windows(start_s=[0.0, 10.0], stop_s=[20.0, 30.0])
    plain, scaled = (
        te.compute_connectivity(of(item), windows).weights for item in (values, values * scale)
    )
    np.testing.assert_allclose(plain, scaled, atol=1e-12)


@pytest.mark.parametrize("measure", [name for name in ON_TRACES if name != "covariance"])
@pytest.mark.parametrize(("level", "scale"), [(0.0, 1e-200), (1000.0, 1.0), (-1e7, 1.0)])
def test_neither_level_nor_size_of_a_trace_plays_a_part_in_any_measure(measure, level, scale):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(4, 300)) + rng.normal(size=300)
    # The first begins with the recording: what lies before it is not known.
    windows = te.Windows(start_s=[0.0, 10.0], stop_s=[20.0, 30.0])
    plain, changed = (
        te.compute_connectivity(of(item), windows, measure=measure, **OPTIONS[measure]).weights
        for item in (values, values * scale + level)
    )
    np.testing.assert_allclose(changed, plain, atol=1e-7)


@pytest.mark.parametrize("measure", MEASURES)
def test_raster_of_truth_values_gives_what_its_counts_give(measure):
    raster = np.random.default_rng(0).random((5, 400)) < 0.3
    windows = te.Windows(start_s=[0.0], stop_s=[40.0])
    both = [
        te.compute_connectivity(
            of(item, "spike_count"), windows, measure=measure, **OPTIONS[measure]
        ).weights
        for item in (raster, raster.astype(int))
    ]
    np.testing.assert_array_equal(*both)


@pytest.mark.parametrize("measure", ON_TRACES)
def test_long_double_traces_are_computed_in_double(measure):
    values = np.random.default_rng(0).normal(size=(4, 300))
    windows = te.Windows(start_s=[0.0], stop_s=[30.0])
    both = [
        te.compute_connectivity(of(item), windows, measure=measure, **OPTIONS[measure]).weights
        for item in (values, values.astype(np.longdouble))
    ]
    np.testing.assert_array_equal(*both)


def test_matrices_of_single_precision_are_symmetric():
    values = np.random.default_rng(0).normal(size=(3, 60, 50)).astype(np.float32)
    weights = np.stack([np.corrcoef(item, dtype=np.float32) for item in values])
    weights[:, 0, 1] += 2e-7
    assert te.ConnectivitySequence.from_array(weights).n_windows == 3
    weights[:, 0, 1] += 1e-3
    with pytest.raises(InputError, match="window 0 is not symmetric"):
        te.ConnectivitySequence.from_array(weights)


def trains(n=2):
    rng = np.random.default_rng(1)
    segment = neo.Segment()
    for _ in range(n):
        times = np.sort(rng.uniform(0, 600, 3000))
        segment.spiketrains.append(neo.SpikeTrain(times * pq.s, t_stop=600 * pq.s))
    return segment


def test_tiling_from_bins_that_are_too_coarse_is_refused_and_the_ways_out_lead_on():
    segment, windows = trains(), te.Windows(start_s=[0.0], stop_s=[600.0])
    options = {"measure": "spike_time_tiling_coefficient", "dt": 5 * pq.ms}
    coarse = te.bin_activity(segment, bin_size=50 * pq.ms)
    rule = (
        "Bins of 0.05 s cannot tell whether spikes fall within dt = 0.005 s.*"
        r"spiketrains=segment.spiketrains, or bin at 0.001667 s or finer, or set dt to 0.025 s"
    )
    with pytest.raises(InputError, match=rule):
        te.compute_connectivity(coarse, windows, **options)
    exact = te.compute_connectivity(coarse, windows, spiketrains=segment.spiketrains, **options)
    fine = te.bin_activity(segment, bin_size=1 * pq.ms)
    from_bins = te.compute_connectivity(fine, windows, **options)
    assert abs(exact.weights[0, 0, 1]) < 0.03
    assert from_bins.weights[0, 0, 1] == pytest.approx(exact.weights[0, 0, 1], abs=0.02)
    assert te.compute_connectivity(coarse, windows, **{**options, "dt": 25 * pq.ms}).n_windows == 1


def test_analysis_takes_spike_times_for_the_tiling_coefficient():
    block = neo.Block()
    block.segments.append(trains(6))
    config = te.AnalysisConfig(
        bin_size_s=0.05, window_length_s=60.0, step_s=60.0, training_epochs=1,
        measure="spike_time_tiling_coefficient", measure_options={"dt": 5 * pq.ms},
    )  # fmt: skip
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        found = te.analyze(block, config).connectivity
    exact = te.compute_connectivity(
        te.bin_activity(block.segments[0], bin_size=50 * pq.ms),
        found.windows,
        measure="spike_time_tiling_coefficient",
        dt=5 * pq.ms,
        spiketrains=block.segments[0].spiketrains,
    )
    np.testing.assert_allclose(found.weights, exact.weights)


def part(ids, seed, segment_index):
    rng, start = np.random.default_rng(seed), 60 * segment_index
    block = te.block_from_arrays(
        spike_times=[start + rng.uniform(0, 60, 600) for _ in ids],
        t_start=start * pq.s,
        t_stop=(start + 60) * pq.s,
        node_ids=ids,
    )
    activity = te.bin_activity(block.segments[0], bin_size=100 * pq.ms, segment_index=segment_index)
    windows = te.sliding_windows(activity, window_length=10 * pq.s, step=10 * pq.s)
    return te.compute_connectivity(activity, windows)


@pytest.fixture(scope="module")
def coming_and_going():
    ids = [f"u{index}" for index in range(12)]
    graphs = te.build_graphs([part(ids[:9], 0, 0), part(ids[3:], 1, 1)])
    return graphs, embedded(graphs, training_epochs=2)


def embedded(graphs, **parameters):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChanceLossWarning)
        return te.TAVRNN(**parameters).fit(graphs).transform(graphs)


def test_node_that_is_absent_has_no_embedding(coming_and_going):
    graphs, embedding = coming_and_going
    assert np.isnan(embedding.mean[~graphs.node_mask]).all()
    assert np.isnan(embedding.std[~graphs.node_mask]).all()
    assert np.isfinite(embedding.mean[graphs.node_mask]).all()
    np.testing.assert_array_equal(embedding.node_mask, graphs.node_mask)


@pytest.mark.parametrize("options", [{"smoothing": "causal"}, {"embedding": "attended"}])
def test_no_read_out_brings_it_back(coming_and_going, options):
    graphs, _ = coming_and_going
    found = embedded(graphs, training_epochs=1, options=options)
    np.testing.assert_array_equal(found.node_mask, graphs.node_mask)


def test_other_methods_leave_it_out_too(coming_and_going):
    graphs, _ = coming_and_going
    from tavrnn_ephys.methods.uase import UASE

    found = UASE(latent_size=2).fit(graphs).transform(graphs)
    np.testing.assert_array_equal(found.node_mask, graphs.node_mask)


def test_mobility_is_taken_over_the_windows_in_which_a_node_exists(coming_and_going):
    graphs, embedding = coming_and_going
    mobility = te.summarize(embedding=embedding, graphs=graphs)["node_values"]["node_mobility"]
    moved = np.linalg.norm(np.diff(embedding.mean.astype(float), axis=0), axis=2)
    both = graphs.node_mask[1:] & graphs.node_mask[:-1]
    expected = [moved[both[:, node], node].mean() for node in range(12)]
    np.testing.assert_allclose(mobility, expected)


def test_vectors_of_windows_hold_the_nodes_that_are_always_there(coming_and_going):
    graphs, embedding = coming_and_going
    with pytest.warns(DataLossWarning, match="6 of 12 units do not exist in every window"):
        vectors = embedding.window_embedding()
    assert vectors.shape == (12, 6 * embedding.latent_size)
    assert np.isfinite(vectors).all()
    means = embedding.window_embedding("mean")
    np.testing.assert_allclose(means[0], embedding.mean[0, :9].mean(axis=0), rtol=1e-5)


def test_absent_nodes_go_through_a_file_and_pictures(coming_and_going, tmp_path):
    import datetime

    graphs, embedding = coming_and_going
    block = te.block_from_arrays(
        spike_times=np.sort(np.random.default_rng(0).uniform(0, 60, (12, 50))),
        t_stop=120 * pq.s,
        node_ids=list(embedding.node_ids),
    )
    block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    te.write_nwb(block, tmp_path / "in.nwb")
    te.write_results(tmp_path / "in.nwb", embedding, out=tmp_path / "out.nwb")
    again = te.read_results(tmp_path / "out.nwb")
    np.testing.assert_array_equal(again.node_mask, graphs.node_mask)
    figure, ax = plt.subplots()
    plot_node_embedding(embedding, 0, ax=ax)
    figure.canvas.draw()
    plt.close(figure)


def test_alignment_follows_the_nodes_that_are_always_there(coming_and_going):
    from dataclasses import replace

    from tavrnn_ephys.networks.alignment import group_alignment

    _, embedding = coming_and_going
    grouped = replace(embedding, nodes=te.Nodes(ids=embedding.node_ids, groups=["a", "b"] * 6))
    with pytest.warns(DataLossWarning, match="6 of 12 units do not exist in every window"):
        found = group_alignment(grouped, reference="a", n_shuffles=0)
    assert np.isfinite(found.observed["similarity"]).all()


def test_strength_of_a_node_leaves_unknown_weights_out():
    weights = np.full((2, 3, 3), 0.5)
    weights[1, 0] = weights[1, :, 0] = np.nan
    found = te.summarize(connectivity=te.ConnectivitySequence.from_array(weights))
    np.testing.assert_allclose(found["node_values"]["node_strength"], 0.5)


@pytest.mark.parametrize(
    ("option", "fact"),
    [
        (50 * pq.ms, "0.05 s"),
        (30 * pq.um, "30 um"),
        (np.array([1.0, 2.0]) * pq.mV, "1 2 mV"),
    ],
)
def test_option_of_any_unit_is_kept_as_text(option, fact):
    assert options_as_facts({"x": option}) == (("x", fact),)


def test_covariance_beyond_all_numbers_is_refused_and_the_way_out_leads_on():
    values = np.random.default_rng(0).normal(size=(3, 50)) * 1e200
    activity = te.BinnedActivity(
        values=values, bin_size_s=0.1, nodes=te.Nodes(ids=range(3)), quantity="trace"
    )
    windows = te.Windows(start_s=[0.0], stop_s=[5.0])
    with pytest.raises(InputError, match="whose square no number holds.*take measure='pearson'"):
        te.compute_connectivity(activity, windows, measure="covariance")
    found = te.compute_connectivity(activity, windows, measure="pearson").weights
    np.testing.assert_allclose(found[0], np.corrcoef(values / 1e200), atol=1e-12)
