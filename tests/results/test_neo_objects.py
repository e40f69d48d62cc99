import neo
import numpy as np
import pytest
import quantities as pq
from elephant.statistics import mean_firing_rate

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError


@pytest.fixture(scope="module")
def block() -> neo.Block:
    counts = np.random.default_rng(0).integers(0, 3, (3, 60))
    return te.block_from_arrays(counts=counts, bin_size=100 * pq.ms, node_ids=["a", "b", "c"])


def results_of(nodes: te.Nodes, **changes: object) -> te.Results:
    rng = np.random.default_rng(0)
    windows = te.Windows(
        start_s=[0.0, 1.0, 2.0, 3.0],
        stop_s=[2.0, 3.0, 4.0, 5.0],
        columns={"score": [0.1, 0.2, 0.3, 0.4], "label": ["rest", "rest", "game", "game"]},
        **changes,
    )
    embedding = te.NodeEmbedding(
        mean=rng.normal(size=(4, len(nodes), 2)),
        std=rng.random((4, len(nodes), 2)),
        history=rng.normal(size=(4, 2)),
        windows=windows,
        nodes=nodes,
    )
    return te.Results(
        embedding=embedding,
        node_values={"strength": np.arange(len(nodes)) + 0.5},
        window_values={"density": [1.0, 0.5, 0.25, 0.0]},
    )


def test_windows_become_epochs_and_scores_signals() -> None:
    results = results_of(te.Nodes(ids=["a", "b", "c"]))
    (segment,) = te.results_to_neo(results).segments
    (epoch,) = segment.epochs
    assert epoch.times.rescale("s").magnitude.tolist() == [0, 1, 2, 3]
    assert epoch.durations.rescale("s").magnitude.tolist() == [2, 2, 2, 2]
    assert epoch.labels.tolist() == ["rest", "rest", "game", "game"]
    assert epoch.array_annotations["density"].tolist() == [1.0, 0.5, 0.25, 0.0]
    signals = {signal.name: signal for signal in segment.irregularlysampledsignals}
    assert list(signals) == ["score", "density", "window_embedding", "history"]
    assert signals["score"].times.magnitude.tolist() == [1.0, 2.0, 3.0, 4.0]
    assert signals["score"].magnitude[:, 0].tolist() == [0.1, 0.2, 0.3, 0.4]
    assert np.array_equal(signals["window_embedding"], results.embedding.mean.reshape(4, 6))


def test_spike_trains_carry_what_is_known_of_their_node(block: neo.Block) -> None:
    before = [dict(train.annotations) for train in block.segments[0].spiketrains]
    results = results_of(te.Nodes(ids=["c", "a"]))
    (segment,) = te.results_to_neo(results, block).segments
    by_id = {train.annotations["node_id"]: train for train in segment.spiketrains}
    assert set(by_id) == {"a", "c"}
    assert by_id["c"].annotations["strength"] == 0.5
    assert np.array_equal(by_id["a"].annotations["embedding_mean"], results.embedding.mean[:, 1])
    assert [dict(train.annotations) for train in block.segments[0].spiketrains] == before
    # Elephant goes on from here, also window by window.
    (epoch,) = segment.epochs
    stop = (epoch.times[2] + epoch.durations[2]).rescale("s")
    rate = mean_firing_rate(by_id["a"], t_start=epoch.times[2], t_stop=stop)
    original = block.segments[0].spiketrains[0]
    assert rate == mean_firing_rate(original, t_start=2 * pq.s, t_stop=4 * pq.s)


def test_traces_carry_node_values_as_array_annotations() -> None:
    traces = np.random.default_rng(0).random((3, 50))
    block = te.block_from_arrays(
        traces=traces, sampling_rate=10 * pq.Hz, node_ids=["a", "b", "c"], node_kind="roi"
    )
    nodes = te.Nodes(ids=["c", "a"], kind="roi")
    (segment,) = te.results_to_neo(results_of(nodes), block).segments
    (signal,) = segment.analogsignals
    assert signal.array_annotations["node_index"].tolist() == [1, -1, 0]
    np.testing.assert_array_equal(signal.array_annotations["strength"], [1.5, np.nan, 0.5])


def test_each_segment_of_the_windows_gets_its_own() -> None:
    results = results_of(te.Nodes(ids=["a"]), segment_index=[0, 0, 2, 2])
    made = te.results_to_neo(results)
    assert [segment.index for segment in made.segments] == [0, 2]
    assert [len(segment.epochs[0]) for segment in made.segments] == [2, 2]
    assert made.segments[1].epochs[0].array_annotations["window_index"].tolist() == [2, 3]


def test_results_of_another_recording_are_refused(block: neo.Block) -> None:
    with pytest.raises(InputError, match="lacks 1 nodes of these results, such as 'z'"):
        te.results_to_neo(results_of(te.Nodes(ids=["a", "z"])), block)


def test_trains_without_our_annotations_are_known_by_name():
    segment = neo.Segment()
    for name in ("left", "right"):
        segment.spiketrains.append(neo.SpikeTrain([0.1], units="s", t_stop=3.0, name=name, shank=1))
    block = neo.Block()
    block.segments.append(segment)
    found = te.results_to_neo(results_of(te.Nodes(ids=["right", "left"])), block).segments[0]
    assert [train.name for train in found.spiketrains] == ["left", "right"]
    assert [train.annotations["shank"] for train in found.spiketrains] == [1, 1]
    assert "node_id" not in segment.spiketrains[0].annotations
