"""A short version of ``docs/measurements/triggers.py``."""

import numpy as np
import pytest

from docs.measurements import triggers


@pytest.fixture(scope="module")
def found():
    return triggers.measure(1, 4, seconds=240.0)


@pytest.mark.filterwarnings("ignore")
def test_changes_are_found_and_the_filter_that_knows_the_couplings_is_sooner(found):
    stream, ideal = np.array(found.stream_s), np.array(found.filter_s)
    assert len(stream) == len(ideal) > 2
    assert np.isfinite(stream).mean() > 0.6
    assert np.nanmedian(stream) < 2 * triggers.WINDOW_S
    assert np.nanmedian(ideal) < np.nanmedian(stream)


def test_false_alarms_stay_near_what_was_asked_for(found):
    # Four runs on one culture; the full measurement holds 200 to 5 ± 2 %.
    assert np.mean(found.shifted) < 0.2
    assert len(found.shifted) == 4


def test_delay_counts_from_the_change_and_a_missed_one_is_no_number():
    from tavrnn_ephys.datasets.culture import CultureTruth

    truth = CultureTruth(
        coupling=np.zeros((2, 1, 1)), rates_hz=np.ones(1),
        switch_s=np.array([0.0, 10.0, 20.0, 30.0, 40.0]), states=np.array([0, 1, 0, 1]),
    )  # fmt: skip
    times = np.arange(1.0, 41.0)
    found = triggers.delays(truth, times, (times >= 13) & (times < 25), 5.0, 1)
    assert found[0] == 3.0
    assert np.isnan(found[1])
