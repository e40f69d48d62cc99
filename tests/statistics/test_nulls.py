"""P-values, intervals and the smallest p-value of a null; shifts that are drawn once."""

import numpy as np
import pytest
from scipy.stats import false_discovery_control

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.evaluation import DecodingScore, RegressionScore
from tavrnn_ephys.statistics.discoveries import discoveries, q_values
from tavrnn_ephys.statistics.nulls import Null, tail_p_values
from tavrnn_ephys.statistics.time_shifts import (
    circular_shifts,
    correlation_time,
    correlation_windows,
    shift_surrogates,
    time_null,
)


@pytest.mark.parametrize(("n_windows", "n_possible"), [(40, 21), (60, 41), (200, 181)])
def test_each_shift_is_drawn_once(n_windows, n_possible):
    shifts = circular_shifts(n_windows, min_shift=10, n_shifts=199)
    assert len(set(shifts.tolist())) == len(shifts) == n_possible
    assert shifts.min() >= 10
    assert shifts.max() <= n_windows - 10


def test_the_observation_is_no_shift():
    with pytest.raises(InputError, match="min_shift"):
        circular_shifts(60, min_shift=0, n_shifts=199)


def test_fewer_than_19_shifts_are_refused():
    assert len(circular_shifts(38, min_shift=10, n_shifts=199)) == 19
    with pytest.raises(InputError, match="18 distinct shifts exist, and 19 are needed"):
        circular_shifts(37, min_shift=10, n_shifts=199)


def test_a_shorter_step_is_a_way_out():
    """Half the step gives twice the windows at the same correlation time in windows, twice it."""
    with pytest.raises(InputError, match="use a shorter step"):
        circular_shifts(30, min_shift=7, n_shifts=199)
    assert len(circular_shifts(60, min_shift=14, n_shifts=199)) >= 19


def test_p_value_by_hand():
    null = Null(observed=2.0, values=np.array([1.0, 2.0, 3.0, -4.0]))
    assert null.p_value == 3 / 5
    assert Null(observed=2.0, values=null.values, tail="both").p_value == 4 / 5
    assert null.smallest_p == 1 / 5


def test_interval_holds_95_per_cent():
    low, high = Null(observed=0.0, values=np.arange(1001.0)).interval
    assert (low, high) == (25.0, 975.0)


def test_without_null_there_is_no_p_value():
    null = Null(observed=0.7, values=np.zeros(0))
    assert np.isnan([null.p_value, null.smallest_p, *null.interval]).all()


def test_sums_that_differ_by_rounding_are_ties():
    assert tail_p_values(0.3, np.array([0.1 + 0.2, 0.2])) == 2 / 3
    assert tail_p_values(1e-17, np.array([0.0, 0.0])) == 1.0


def test_ties_are_ranked_by_a_finer_statistic():
    values = np.array([0.9, 0.5, 0.5, 0.5, 0.1])
    finer = Null(observed=2.0, values=np.array([0.0, 3.0, 2.0, 1.0, 9.0]))
    # One null value is larger, one ties and ranks higher, and one ties in both.
    assert Null(observed=0.5, values=values, ties=finer).p_value == 4 / 6
    assert Null(observed=0.5, values=values).p_value == 5 / 6


def test_ranked_ties_make_every_p_value_equally_frequent():
    rng = np.random.default_rng(0)
    arrangements, finer = rng.integers(3, size=20), rng.normal(size=20)
    found, ranked = [], []
    # Each arrangement in turn is the observation, as under the null.
    for k in range(20):
        rank = Null(observed=finer[k], values=np.delete(finer, k))
        null = Null(observed=arrangements[k], values=np.delete(arrangements, k), ties=rank)
        ranked.append(null.p_value)
        found.append(Null(observed=null.observed, values=null.values).p_value)
    np.testing.assert_allclose(np.sort(ranked), np.arange(1, 21) / 20)
    assert np.mean(np.array(found) <= 0.25) < 0.25


def test_unknown_null_values_count_as_large():
    assert tail_p_values(1.0, np.array([np.nan, 0.0])) == 2 / 3
    assert np.isnan(tail_p_values(np.nan, np.array([0.0, 0.0])))


def test_scores_say_the_smallest_p_value_they_could_have():
    score = DecodingScore(name="rates", balanced_accuracy=0.9, null=np.full(41, 0.5))
    assert score.p_value == score.smallest_p == pytest.approx(1 / 42)
    assert "p 0.0238 (the smallest that 41 null values give is 0.0238)" in str(score)


def test_scores_hold_their_null():
    empty = np.arange(0.0)
    score = RegressionScore(
        name="x", r2=0.2, null=np.array([0.1, 0.3]), correlation=0.5, values=empty,
        predicted=empty, baseline=empty, block=np.arange(0),
    )  # fmt: skip
    assert score.chance.p_value == score.p_value == 2 / 3
    assert score.chance_interval == score.chance.interval


def test_correlation_time_of_labels_does_not_depend_on_their_numbering():
    labels = np.tile([0] * 20 + [1, 2] * 10, 4)
    renamed = np.array([1, 0, 2])[labels]
    assert correlation_time(labels) == correlation_time(renamed)
    assert correlation_windows(labels) != correlation_windows(renamed)


def test_correlation_time_of_numbers_is_that_of_floating_point():
    values = np.cumsum(np.random.default_rng(0).normal(size=80))
    assert correlation_windows(values) == correlation_time(values)


def test_surrogates_by_shift_are_rolled():
    values = np.array([3, 1, 2, 5])
    rolled = shift_surrogates(values, np.array([1, 3]))
    np.testing.assert_array_equal(rolled, [np.roll(values, 1), np.roll(values, 3)])
    assert rolled.dtype == values.dtype


def test_default_shift_is_the_correlation_time():
    values = np.repeat(np.random.default_rng(0).normal(size=20), 5)
    least = correlation_time(values)
    surrogates = time_null(values, n_nulls=1000)
    assert len(surrogates) == len(values) - 2 * least + 1
    np.testing.assert_array_equal(surrogates[0], np.roll(values, least))


def test_discoveries_are_those_of_scipy():
    rng = np.random.default_rng(0)
    for _ in range(20):
        p = rng.uniform(size=30) ** 3
        np.testing.assert_array_equal(discoveries(p, 0.1), false_discovery_control(p) <= 0.1)
        np.testing.assert_array_equal(discoveries(p, 0.1), q_values(p) <= 0.1)


def test_tests_without_p_value_are_not_counted():
    p = np.array([0.01, np.nan, 0.03])
    np.testing.assert_allclose(q_values(p), [0.02, np.nan, 0.03])
    assert discoveries(p, 0.03).tolist() == [True, False, True]


def test_swaps_are_distinct_and_never_the_behaviour_itself():
    from tavrnn_ephys.statistics.time_shifts import swapped_neighbours

    for n_windows, n_expected in ((10, 46), (40, 199)):
        labels = np.arange(n_windows) % 2
        rows = swapped_neighbours(labels, n_swaps=199, rng=np.random.default_rng(0))
        assert len(np.unique(rows, axis=0)) == len(rows) == n_expected
        assert not (rows == labels).all(axis=1).any()


def test_a_label_that_seldom_changes_has_too_few_swaps():
    from tavrnn_ephys.statistics.time_shifts import swapped_neighbours

    with pytest.raises(InputError, match="can swap in 2 ways"):
        swapped_neighbours(np.repeat([0, 1, 0], 9), n_swaps=199, rng=np.random.default_rng(0))
