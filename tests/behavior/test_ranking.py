"""The best and the worst windows, a distance apart."""

import numpy as np
import pytest
import quantities as pq

from tavrnn_ephys.activity.behavior import rank_windows
from tavrnn_ephys.core.containers import Windows
from tavrnn_ephys.core.errors import InputError


def windows(n, step=1.0, length=2.0):
    start = np.arange(n) * step
    return Windows(start_s=start, stop_s=start + length)


def test_neighbours_of_the_best_are_skipped():
    ranking = rank_windows(windows(8), [9, 8, 1, 2, 7, 6, 0, 3], n_each=2)
    assert ranking.high.tolist() == [0, 4]
    # Window 2 lies too close to 0 and 4 by less than a window.
    assert ranking.low.tolist() == [6, 2]
    assert ranking.names == ("High 1", "High 2", "Low 2", "Low 1")
    assert ranking.order.tolist() == [0, 4, 2, 6]


def test_all_chosen_windows_keep_the_distance():
    scores = np.random.default_rng(0).normal(size=200)
    ranking = rank_windows(windows(200), scores, n_each=5, min_distance=7 * pq.s)
    assert np.diff(np.sort(ranking.order)).min() >= 7


def test_unknown_scores_are_never_chosen():
    scores = np.array([np.nan, 1.0, np.nan, 5.0])
    ranking = rank_windows(windows(4), scores, n_each=1)
    assert (ranking.high[0], ranking.low[0]) == (3, 1)


def test_table_holds_limits_and_scores():
    table = rank_windows(windows(4), [1, 2, 3, 4], n_each=1).to_pandas(windows(4))
    assert table["rank"].tolist() == ["High 1", "Low 1"]
    assert table["start_s"].tolist() == [3.0, 0.0]
    assert table["score"].tolist() == [4.0, 1.0]


@pytest.mark.parametrize(
    ("scores", "options", "message"),
    [
        ([1, 1, 1, 1], {}, "does not vary"),
        ([1, 2, 3, 4], {"n_each": 3}, "lie 2 s apart"),
        ([1, 2, 3], {}, "shape"),
    ],
)
def test_what_cannot_be_ranked_is_refused(scores, options, message):
    with pytest.raises(InputError, match=message):
        rank_windows(windows(4), scores, **options)
