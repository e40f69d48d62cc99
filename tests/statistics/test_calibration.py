"""On noise, a p-value of at most q appears in a share q of the runs, however few shifts exist."""

import numpy as np
import pandas as pd
import pytest

from tavrnn_ephys.evaluation import DecodingScore, circular_shifts
from tavrnn_ephys.statistics.trends import trends_over_recordings

N_RUNS = 400
MIN_SHIFT = 10


def p_values_on_noise(n_windows):
    """P-values of the correlation of two white series, against 199 shifts where they exist."""
    rng = np.random.default_rng(n_windows)
    found = []
    for run in range(N_RUNS):
        x, y = rng.normal(size=(2, n_windows))
        shifts = circular_shifts(n_windows, min_shift=MIN_SHIFT, n_shifts=199, seed=run)
        null = np.array([x @ np.roll(y, shift) for shift in shifts])
        found.append(DecodingScore(name="", balanced_accuracy=float(x @ y), null=null).p_value)
    return np.array(found)


@pytest.mark.parametrize("n_windows", [40, 60])
def test_few_shifts_give_no_small_p_value(n_windows):
    found = p_values_on_noise(n_windows)
    assert np.mean(found <= 0.005) <= 0.0075
    # Four of five per cent expected; 400 runs scatter by one.
    assert 0.02 <= np.mean(found <= 0.05) <= 0.07


def test_many_shifts_hold_their_level():
    found = p_values_on_noise(200)
    assert np.mean(found <= 0.005) <= 0.0075
    assert 0.02 <= np.mean(found <= 0.05) <= 0.07


def repeated_recordings(rng, *, n_cultures, n_recordings):
    """Cultures that differ from each other, each recorded several times at one age."""
    level = np.repeat(rng.normal(size=n_cultures), n_recordings)
    return pd.DataFrame(
        {
            "culture": np.repeat(np.arange(n_cultures), n_recordings),
            "day": np.repeat(np.arange(n_cultures) * 7.0, n_recordings),
            "density": level + 0.3 * rng.normal(size=len(level)),
        }
    )


def test_recordings_of_one_culture_do_not_make_a_trend():
    rng = np.random.default_rng(0)
    found = []
    for _ in range(100):
        table = repeated_recordings(rng, n_cultures=6, n_recordings=5)
        trend = trends_over_recordings(table, ["density"], over="day", culture="culture")
        found.append(trend["p_value"][0] < 0.05)
    # Five expected of a hundred.
    assert np.sum(found) <= 12
