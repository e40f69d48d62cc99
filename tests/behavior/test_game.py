"""Hits, misses and rallies, counted by hand."""

import neo
import numpy as np
import pytest
import quantities as pq

from tavrnn_ephys.activity.behavior import GameEpisodes, episodes_of_segment, game_measures
from tavrnn_ephys.core.containers import Windows
from tavrnn_ephys.core.errors import InputError

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
