"""Streams of models that read lags off spike times: directed graphs, bin by bin."""

import copy
import dataclasses
import json
import time
import warnings
from functools import cache

import neo
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.connectivity import LagKernel, RunningLagSums
from tavrnn_ephys.connectivity.lagged.measure import lagged_correlation
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.studies.streams import StreamSummary, check_source
from tests.streaming.models import committed

BIN_S, N_NODES = 0.05, 20


@cache
def fitted(bin_s=BIN_S, *, with_times=True, **options):
    """Model, trains in seconds, activity, and the offline embedding."""
    block = te.simulate_culture(n_nodes=N_NODES, duration=30 * pq.s, mean_rate_hz=12.0, seed=1)
    segment = block.segments[0]
    activity = te.bin_activity(segment, bin_size=bin_s * pq.s)
    windows = te.sliding_windows(activity, window_length=2 * pq.s, step=0.5 * pq.s)
    trains = {"spiketrains": segment.spiketrains} if with_times else {}
    with warnings.catch_warnings():
        # What such a short recording tells is of no interest.
        warnings.simplefilter("ignore")
        graphs = te.build_graphs(
            te.compute_connectivity(
                activity, windows, measure="lagged_correlation", **trains, **options
            ),
            threshold=0.02,
        )
        model = te.TAVRNN(latent_size=3, seed=0).fit(graphs)
    seconds = [train.rescale("s").magnitude for train in segment.spiketrains]
    return model, seconds, activity, model.transform(graphs)


def spikes_of(trains, stop_s):
    """All spikes before a time in order, and their nodes."""
    times, nodes = np.concatenate(trains), np.repeat(np.arange(N_NODES), list(map(len, trains)))
    order = np.argsort(times, kind="stable")
    kept = order[times[order] < stop_s]
    return times[kept], nodes[kept]


def pushed(stream, times, nodes, limits):
    """Hand spikes over in stretches that end at these times."""
    found, before = [], 0.0
    for until in limits:
        here = (times >= before) & (times < until)
        found += stream.push_spikes(times[here], nodes[here], until_s=until)
        before = until
    return found


@pytest.mark.parametrize("binary", [False, True])
def test_spikes_give_what_transform_gives_whatever_the_chunks(binary):
    model, trains, _, offline = fitted(binary=binary)
    times, nodes = spikes_of(trains, 20.0)
    limits = np.sort(np.random.default_rng(0).uniform(0, 20, 70))
    stream = te.Stream(model, t_start_s=0.0)
    updates = pushed(stream, times, nodes, [*limits, 20.0])
    assert len(updates) == 37
    np.testing.assert_allclose(committed(updates), offline.mean[:37], rtol=0, atol=1e-5)
    assert updates[3].t_start_s == pytest.approx(1.5)
    assert not stream.losses


def test_bins_are_those_of_lags_and_counts_of_them_do_as_well():
    model, trains, _, offline = fitted()
    info = te.Stream(model).info
    assert (info.bin_size_s, info.fit_bin_size_s, info.step_s) == pytest.approx((0.001, BIN_S, 0.5))
    counts = [np.histogram(train, np.arange(10001) * 1e-3 + 1e-9)[0] for train in trains]
    updates = te.Stream(model).push(np.array(counts))
    np.testing.assert_allclose(committed(updates), offline.mean[:17], rtol=0, atol=1e-5)


def test_spikes_on_limits_of_a_late_start_fall_as_in_the_analysis():
    start_s = 3e5
    block = te.simulate_culture(n_nodes=N_NODES, duration=20 * pq.s, mean_rate_hz=12.0, seed=1)
    trains = [
        np.unique(np.round(train.rescale("s").magnitude, 3)) + start_s
        for train in block.segments[0].spiketrains
    ]
    about = {"t_start": start_s * pq.s, "t_stop": (start_s + 20) * pq.s}
    late = [neo.SpikeTrain(np.minimum(item, start_s + 20) * pq.s, **about) for item in trains]
    segment = neo.Segment()
    segment.spiketrains.extend(late)
    activity = te.bin_activity(segment, bin_size=BIN_S * pq.s)
    windows = te.sliding_windows(activity, window_length=2 * pq.s, step=1 * pq.s)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        graphs = te.build_graphs(
            te.compute_connectivity(
                activity, windows, measure="lagged_correlation", spiketrains=late
            )
        )
        model = te.TAVRNN(latent_size=3, seed=0).fit(graphs)
    times, nodes = spikes_of(trains, np.inf)
    stream = te.Stream(model, t_start_s=start_s)
    updates = stream.push_spikes(times, nodes, until_s=start_s + 20)
    offline = model.transform(graphs).mean
    np.testing.assert_allclose(committed(updates), offline, rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"kernel": LagKernel(time_constant_s=0.004)},
        # More digits than a person writes.
        {"kernel": LagKernel(time_constant_s=0.01310227205910763)},
        {"kernel": LagKernel(shape="raised_cosine", time_constant_s=0.007, delay_s=0.003)},
    ],
)
def test_a_fit_to_counts_alone_streams_in_its_own_bins(options):
    model, _, activity, offline = fitted(0.005, with_times=False, **options)
    stream = te.Stream(model)
    assert stream.info.bin_size_s == stream.info.fit_bin_size_s == 0.005
    updates = stream.push(np.asarray(activity.values)[:, :2000])
    np.testing.assert_allclose(committed(updates), offline.mean[:17], rtol=0, atol=1e-5)


def test_a_stream_goes_on_to_the_last_bit(tmp_path):
    model, trains, *_ = fitted()
    times, nodes = spikes_of(trains, 12.0)
    limits = np.arange(1, 13) * 1.0
    whole = te.Stream(model, t_start_s=0.0)
    expected = pushed(whole, times, nodes, limits)
    first = te.Stream(model, t_start_s=0.0)
    early = pushed(first, times[times < 5], nodes[times < 5], limits[:5])
    first.save(tmp_path / "state.npz")
    second = te.Stream.load(tmp_path / "state.npz", model)
    late = times >= 5
    rest = second.push_spikes(times[late], nodes[late], until_s=12.0)
    np.testing.assert_array_equal(committed([*early, *rest]), committed(expected))


def test_provisional_updates_come_with_bins_of_the_fit():
    model, trains, *_ = fitted()
    times, nodes = spikes_of(trains, 3.0)
    updates = te.Stream(model, t_start_s=0.0, provisional=True).push_spikes(
        times, nodes, until_s=3.0
    )
    np.testing.assert_allclose([item.t_stop_s for item in updates], 2 + BIN_S * np.arange(21))
    assert sum(item.committed for item in updates) == 3


def test_who_waits_for_an_answer_gets_one_for_each_bin_of_the_fit():
    model, trains, *_ = fitted()
    judged = []

    class Sink:
        def open(self, info): ...
        def bin(self, counts, t_s): ...
        def update(self, update): ...
        def event(self, event): ...
        def close(self): ...
        def judged(self, t_s):
            judged.append(t_s)

    bins = np.zeros((N_NODES, 500), np.int64)
    list(te.Stream(model).run(iter(bins.T), sinks=[Sink()]))
    np.testing.assert_allclose(judged, BIN_S * np.arange(1, 11))


def test_missing_bins_play_no_part():
    rng, kernel = np.random.default_rng(0), LagKernel(time_constant_s=0.003)
    values = rng.poisson(0.2, (4, 300))
    missing = rng.random(300) < 0.1
    sums = RunningLagSums(kernel.values(0.001), n_nodes=4, n_bins=100)
    for bin_, is_missing in zip(values.T, missing, strict=True):
        sums.push(None if is_missing else bin_)
    known = np.where(missing, 0, values)
    past = np.stack([np.convolve(row, np.r_[0, kernel.values(0.001)])[:300] for row in known])
    here = np.arange(200, 300)[~missing[200:]]
    expected = np.corrcoef(past[:, here], known[:, here])[:4, 4:]
    np.testing.assert_allclose(sums.weights(), expected, atol=1e-10)
    assert (sums.n_filled, sums.n_missing) == (100, missing[200:].sum())


def test_lags_are_those_of_a_window_with_its_past():
    values = np.random.default_rng(1).poisson(0.2, (3, 90))
    lags = te.streaming.RunningLags(kernel := LagKernel(time_constant_s=0.002).values(0.001), 3, 50)
    for counts in values.T:
        lags.push(counts)
    n_before = len(kernel)
    expected = lagged_correlation(
        values[:, 40 - n_before :],
        kernel=LagKernel(time_constant_s=0.002), bin_size_s=0.001, n_before=n_before,
    )  # fmt: skip
    np.fill_diagonal(expected, 0)
    np.testing.assert_allclose(lags.graph().weights, expected, atol=1e-6)
    assert not np.allclose(expected, expected.T, atol=0.01)
    kept = lags.graph(threshold=0.1)
    np.testing.assert_array_equal(kept.weights != 0, np.abs(expected) >= 0.1)
    np.testing.assert_array_equal(kept.n_edges, (kept.weights != 0).sum(axis=1))
    with pytest.raises(InputError, match="measure"):
        lags.graph(measure="pearson")


def test_the_command_line_streams_logs_and_computes_again(tmp_path, capsys):
    culture = te.simulate_culture(n_nodes=N_NODES, duration=20 * pq.s, mean_rate_hz=12.0, seed=1)
    source, model, log = (str(tmp_path / name) for name in ("day.nwb", "model.npz", "log.nwb"))
    te.write_nwb(culture, source)
    words = ["--measure", "lagged_correlation", "--bin-size", "50ms", "--window", "2s"]
    words += ["--step", "1s", "--latent-size", "3", "--out", str(tmp_path / "run.nwb")]
    assert main(["analyze", source, *words, "--save-model", model]) == 0
    capsys.readouterr()
    assert main(["stream", model, "--source", f"replay:{source}@max", "--out", log, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["n_committed"] == 19
    stored, streamed = te.read_results(tmp_path / "run.nwb"), te.read_results(log)
    np.testing.assert_allclose(streamed.mean, stored.mean, rtol=0, atol=1e-5)
    assert main(["reproduce", log]) == 0
    assert "equal to the last bit" in capsys.readouterr().out


@pytest.mark.parametrize("measure", ["pearson", "lagged_correlation"])
def test_nodes_with_few_spikes_have_no_edges_as_in_the_analysis(measure):
    culture = te.simulate_culture(n_nodes=N_NODES, duration=40 * pq.s, mean_rate_hz=0.7, seed=1)
    config = te.AnalysisConfig(
        bin_size_s=BIN_S, window_length_s=2.0, step_s=1.0, seed=0, latent_size=3, measure=measure
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        result = te.analyze(culture, config)
    counts = np.asarray(result.activity.values).reshape(N_NODES, -1, 40).sum(axis=2)
    assert ((counts > 0) & (counts < config.min_spikes)).any()
    stream = te.Stream(result.model)
    size = stream.info.bin_size_s * pq.s
    fine = te.bin_activity(culture.segments[0], bin_size=size)
    updates = stream.push(np.asarray(fine.values))
    np.testing.assert_allclose(
        committed(updates), result.embedding.mean[: len(updates)], rtol=0, atol=1e-5
    )


def test_a_source_that_brings_bins_of_the_fit_is_not_taken_for_stalled():
    model, trains, *_ = fitted()
    times, nodes = spikes_of(trains, 1.0)

    class Rig:
        is_live, can_wait, name = True, False, "a rig"

        def open(self, info): ...
        def close(self): ...

        def chunks(self):
            for until in BIN_S * np.arange(1, 11):
                time.sleep(0.02)
                here = (times >= until - BIN_S) & (times < until)
                yield te.streaming.Spikes(
                    times_s=times[here], node_ids=nodes[here], until_s=until
                )  # fmt: skip

    stream = te.Stream(model, t_start_s=0.0)
    list(stream.run(Rig()))
    assert stream.n_bins == 500
    assert not stream.losses["stalled"]


def test_the_live_page_shows_bins_of_the_fit_together():
    pytest.importorskip("tornado")
    page = te.sinks.live_page()
    page._per_bin, page._bin_s = 3, 0.001
    bins = np.arange(1, 13).reshape(6, 2)
    for index, counts in enumerate([*bins, None, *bins[:2]]):
        page.bin(counts, 0.001 * (index + 1))
    shown = [(number, t_s, data and list(data)) for number, t_s, data in page._bins]
    assert shown == [
        (0, 0.003, [9, 12]), (1, pytest.approx(0.006), [27, 30]), (2, pytest.approx(0.009), None),
    ]  # fmt: skip


def test_a_check_judges_latency_by_bins_of_the_fit(tmp_path, monkeypatch):
    monkeypatch.setattr(StreamSummary, "latency", lambda summary, share: 10.0)
    model, _, activity, _ = fitted()
    model.save(tmp_path / "model.npz")
    culture = te.simulate_culture(n_nodes=N_NODES, duration=5 * pq.s, mean_rate_hz=12.0, seed=1)
    te.write_nwb(culture, tmp_path / "day.nwb")
    found = check_source(tmp_path / "model.npz", f"replay:{tmp_path}/day.nwb@max")
    assert "of 0.001 s" in found.verdict
    assert "exceeds half a bin" not in found.verdict


def test_a_live_page_begins_a_column_afresh_with_the_stream():
    pytest.importorskip("tornado")
    page = te.sinks.live_page()
    page._per_bin, page._bin_s = 2, 0.001
    for t_s in (0.001, 0.002, 0.003, 5.001, 5.002):
        page.bin(np.ones(2, np.int64), t_s)
    assert [t_s for _, t_s, _ in page._bins] == [0.002, 5.002]


@pytest.mark.parametrize("counts", [[-1, 0], [0.5, 0], [1, 2, 3], [2**40, 0]])
def test_bins_that_hold_no_counts_are_refused(counts):
    lags = te.streaming.RunningLags([1.0, 0.5], n_nodes=2, n_bins=4, binary=True)
    with pytest.raises(InputError):
        lags.push(np.array(counts))


def test_a_kernel_holds_numbers():
    with pytest.raises(InputError, match="kernel must be a row of weights"):
        RunningLagSums([1.0, np.nan], n_nodes=2, n_bins=4)


def origin_changed(model, **changes):
    """The model as if its file said other things of its graphs."""
    other = copy.deepcopy(model)
    (name, session), *_ = other.sessions_.items()
    units = session.units
    origin = dataclasses.replace(units.origin, **changes)
    other.sessions_[name] = dataclasses.replace(
        session, units=dataclasses.replace(units, origin=origin)
    )
    return other


def test_a_model_that_says_less_than_a_stream_needs_is_refused_or_said():
    model, *_ = fitted()
    options = dict(model.sessions_[next(iter(model.sessions_))].units.origin.measure_options)
    del options["time_constant"]
    with pytest.raises(InputError, match="does not say the time constant of its lagged"):
        te.Stream(origin_changed(model, measure_options=tuple(options.items())))
    symmetrized = (*options.items(), ("symmetrized", "mean"), ("time_constant", "0.004 s"))
    with pytest.raises(InputError, match="fit anew with profile='state_space'"):
        te.Stream(origin_changed(model, measure_options=symmetrized))
    (event,) = te.Stream(origin_changed(model, min_spikes=None)).events()
    assert "does not say how few spikes" in event.text


def test_bins_of_the_fit_are_too_wide_to_be_replayed():
    model, _, activity, _ = fitted()
    with pytest.raises(InputError, match=r"the stream 0.001 s. Its lags are told in these"):
        list(te.Stream(model).run(te.sources.replay(activity)))
