"""Hits, misses and rallies, counted by hand."""

import datetime

import neo
import numpy as np
import pandas as pd
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.activity.behavior import (
    GameEpisodes,
    episodes_of_segment,
    game_measures,
    window_behavior,
)
from tavrnn_ephys.core.containers import Windows
from tavrnn_ephys.core.errors import DataLossWarning, InputError

GAME = GameEpisodes(start_s=[0.0, 4.0, 6.0], stop_s=[4.0, 6.0, 10.0], hits=[4, 0, 2])


def test_measures_by_hand():
    table = game_measures(Windows(start_s=[0.0, 5.0], stop_s=[5.0, 10.0]), GAME)
    assert table["misses"].tolist() == [1.0, 2.0]
    assert table["hits"].tolist() == [4.0, 2.0]
    assert table["hit_miss_ratio"].tolist() == [4.0, 1.0]
    assert table["rally_length"].tolist() == [4.0, 1.0]
    # 4 s of a rally of four, 1 s of one of none; then 1 s of none, 4 s of two.
    assert table["rally_length_time_weighted"].tolist() == [3.2, 1.6]


def test_window_outside_the_game_is_unknown():
    table = game_measures(Windows(start_s=[20.0], stop_s=[25.0]), GAME)
    assert table.isna().all(axis=None)


def test_window_without_miss_has_no_ratio():
    table = game_measures(Windows(start_s=[1.0], stop_s=[2.0]), GAME)
    assert table["hits"].tolist() == [1.0]
    assert np.isnan(table["hit_miss_ratio"][0])


def test_known_times_of_hits_are_counted_exactly():
    game = GameEpisodes.from_events([0.1, 0.2, 0.3], [4.0], t_start_s=0.0)
    table = game_measures(Windows(start_s=[0.0, 2.0], stop_s=[2.0, 4.0]), game)
    assert table["hits"].tolist() == [3.0, 0.0]


def test_episodes_of_the_dishbrain_adapter_are_found():
    segment = neo.Segment()
    counts = np.array([4.0, 2.0])
    segment.epochs.append(
        neo.Epoch([0, 4] * pq.s, [4, 6] * pq.s, labels=["episode"] * 2, name="episodes",
                  array_annotations={"hit_count": counts})
    )  # fmt: skip
    episodes = episodes_of_segment(segment)
    assert episodes.hits.tolist() == [4.0, 2.0]
    assert episodes.stop_s.tolist() == [4.0, 10.0]


def test_a_segment_without_game_has_none():
    assert episodes_of_segment(neo.Segment()) is None


def test_a_game_without_a_miss_is_refused():
    with pytest.raises(InputError, match="without a miss"):
        GameEpisodes.from_events([1.0], [], t_start_s=0.0)


# ---- hits and misses, in whatever way they stand -----------------------------

HITS_S, MISSES_S = np.array([1.0, 2.0, 6.5, 12.0]), np.array([4.0, 9.0, 14.0])
WINDOWS = Windows(start_s=[0.0, 5.0, 10.0], stop_s=[5.0, 10.0, 15.0])


def labelled(kind, hit="hit", miss="miss", name="game"):
    times = np.concatenate([MISSES_S, HITS_S])
    labels = np.array([miss] * len(MISSES_S) + [hit] * len(HITS_S))
    order = np.argsort(times)
    if kind == "event":
        return [neo.Event(times[order] * pq.s, labels=labels[order], name=name)]
    lasting = np.full(len(times), 0.5) * pq.s
    return [neo.Epoch(times[order] * pq.s, lasting, labels=labels[order], name=name)]


def one_per_kind(kind, hit="hits", miss="misses"):
    if kind == "event":
        return [neo.Event(HITS_S * pq.s, name=hit), neo.Event(MISSES_S * pq.s, name=miss)]
    return [
        neo.Epoch(HITS_S * pq.s, np.full(4, 0.5) * pq.s, labels=["left"] * 4, name=hit),
        neo.Epoch(MISSES_S * pq.s, np.full(3, 4.0) * pq.s, labels=["noise"] * 3, name=miss),
    ]


FORMS = {
    "one event with labels": lambda: labelled("event"),
    "labels of the server": lambda: labelled("event", "ball return", "ball missed", "pong"),
    "an event per kind": lambda: one_per_kind("event"),
    "an event per kind, misses first": lambda: one_per_kind("event")[::-1],
    "events in capitals": lambda: one_per_kind("event", "Hit", "Ball_Missed"),
    "one epoch with labels": lambda: labelled("epoch"),
    "an epoch per kind": lambda: one_per_kind("epoch"),
    "hits as an event, misses as epochs": lambda: [
        one_per_kind("event")[0],
        one_per_kind("epoch")[1],
    ],
}


def game_segment(items):
    train = neo.SpikeTrain([0.5] * pq.s, t_start=0 * pq.s, t_stop=15 * pq.s)
    segment = neo.Segment()
    segment.spiketrains.append(train)
    for item in items:
        (segment.epochs if isinstance(item, neo.Epoch) else segment.events).append(item)
    return segment


@pytest.mark.parametrize("form", FORMS)
def test_measures_are_the_same_from_every_form(form):
    table = game_measures(WINDOWS, episodes_of_segment(game_segment(FORMS[form]())))
    assert table["hits"].tolist() == [2.0, 1.0, 1.0]
    assert table["misses"].tolist() == [1.0, 1.0, 1.0]
    assert table["hit_miss_ratio"].tolist() == [2.0, 1.0, 1.0]
    assert table["rally_length"].tolist() == [2.0, 1.0, 1.0]


@pytest.mark.parametrize("form", FORMS)
def test_measures_survive_nwb_in_every_form(form, tmp_path):
    block = neo.Block(rec_datetime=datetime.datetime(2026, 1, 1, tzinfo=datetime.UTC))
    block.segments.append(game_segment(FORMS[form]()))
    again = te.read(te.write_nwb(block, tmp_path / "game.nwb")).segments[0]
    expected = game_measures(WINDOWS, episodes_of_segment(block.segments[0]))
    pd.testing.assert_frame_equal(game_measures(WINDOWS, episodes_of_segment(again)), expected)


def test_episodes_alone_give_the_same_rallies():
    counted = neo.Epoch([0, 4, 9] * pq.s, [4, 5, 5] * pq.s, labels=["episode"] * 3,
                        name="episodes",
                        array_annotations={"hit_count": np.array([2, 1, 1])})  # fmt: skip
    table = game_measures(WINDOWS, episodes_of_segment(game_segment([counted])))
    marked = game_measures(WINDOWS, episodes_of_segment(game_segment(labelled("event"))))
    exact = ["misses", "rally_length", "rally_length_time_weighted"]
    pd.testing.assert_frame_equal(table[exact], marked[exact])
    both = episodes_of_segment(game_segment([counted, *labelled("event")]))
    assert both.hit_times_s.tolist() == HITS_S.tolist()


def test_two_lists_of_the_same_hits_count_once():
    segment = game_segment([*labelled("event"), *labelled("epoch")])
    assert episodes_of_segment(segment).hits.tolist() == [2.0, 1.0, 1.0]


def test_two_lists_that_differ_are_announced():
    segment = game_segment([*labelled("event"), neo.Event([3.0] * pq.s, name="hits")])
    with pytest.warns(DataLossWarning, match=r"4 hits of the event 'game', 1 hit of the event"):
        assert episodes_of_segment(segment).hits.sum() == 4


def test_a_constant_measure_says_what_it_was_counted_from():
    segment = game_segment([neo.Event(MISSES_S * pq.s, name="misses"),
                            neo.Event(HITS_S * pq.s, name="touches")])  # fmt: skip
    with pytest.warns(DataLossWarning, match=r"is 0 in all windows.*no hits, as no event.*3 misse"):
        window_behavior(segment, WINDOWS, "game:hit_miss_ratio")


def test_a_measure_says_what_it_was_counted_from():
    found = window_behavior(game_segment(one_per_kind("event")), WINDOWS, "game:hits")
    assert "4 hits of the event 'hits'; 3 misses of the event 'misses'" in found.description


def test_marks_before_the_game_are_no_game():
    segment = game_segment([neo.Event([0.0] * pq.s, name="misses")])
    assert episodes_of_segment(segment) is None
