"""What Neo objects say of each window."""

from types import SimpleNamespace

import neo
import numpy as np
import pytest
import quantities as pq

from tavrnn_ephys.activity.behavior import (
    window_behavior,
    window_circular_means,
    window_majorities,
    window_rates,
)
from tavrnn_ephys.activity.behavior.per_window import behavior_names
from tavrnn_ephys.activity.windows.holding import covered_s
from tavrnn_ephys.core.containers import Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.io.blocks import make_signal
from tavrnn_ephys.io.blocks.behaviors import behaviors_of_segment

WINDOWS = Windows(start_s=[0.0, 4.0, 8.0], stop_s=[4.0, 8.0, 12.0])


@pytest.fixture
def segment():
    segment = neo.Segment()
    speed = np.array([1.0, 3.0, 5.0, 5.0, 2.0, 2.0])
    segment.analogsignals.append(
        make_signal(speed, name="speed", role="behavior", sampling_rate_hz=0.5)
    )
    segment.epochs.append(
        neo.Epoch([0, 5] * pq.s, [5, 7] * pq.s, labels=["rest", "gameplay"], name="phase")
    )
    labels = np.array(["hit", "miss", "hit"])
    segment.events.append(neo.Event([1.0, 6.0, 7.0] * pq.s, labels=labels, name="game"))
    return segment


def values(segment, name, **options):
    return window_behavior(segment, WINDOWS, name, **options).values.tolist()


def test_signal_is_averaged(segment):
    assert values(segment, "speed") == [2.0, 5.0, 2.0]


def test_signal_majority_is_the_value_that_lasts_longest(segment):
    assert values(segment, "speed", how="majority") == ["1", "5", "2"]


def test_epoch_gives_the_label_that_covers_most(segment):
    assert values(segment, "phase") == ["rest", "gameplay", "gameplay"]


def test_epoch_share_and_rate_of_one_label(segment):
    assert values(segment, "phase:rest", how="share") == [1.0, 0.25, 0.0]
    assert values(segment, "phase:gameplay", how="rate") == [0.0, 0.25, 0.0]


def test_event_gives_rate_or_count(segment):
    assert values(segment, "game") == [0.25, 0.5, 0.0]
    assert values(segment, "game:hit", how="count") == [1.0, 1.0, 0.0]


def test_game_measures_go_by_name(segment):
    # The game starts with gameplay, at 5 s; its only whole episode ends with the miss at 6 s.
    rally = window_behavior(segment, WINDOWS, "game:rally_length")
    assert np.isnan(rally.values[[0, 2]]).all()
    assert rally.values[1] == 0.0
    assert "game:hits" in behavior_names(segment)


def test_unit_stands_in_the_label(segment):
    assert window_behavior(segment, WINDOWS, "game:hit").label == "hit (1/s)"


def test_unit_of_a_column_is_that_of_its_own_signal():
    segment = neo.Segment()
    for name, shape, unit in (("paw", 2, "cm"), ("paw_1", 1, "deg")):
        signal = make_signal(
            np.ones((6, shape)), name=name, role="behavior", sampling_rate_hz=0.5, units=unit
        )
        segment.analogsignals.append(signal)
    units = [window_behavior(segment, WINDOWS, f"paw_1_{i}", how="mean").unit for i in (0, 1)]
    assert units == ["cm", "deg"]


def test_other_signals_of_voltage_are_not_read_to_find_a_behavior(segment):
    class Voltage:
        name, annotations = "voltage", {}

        def load(self):
            raise AssertionError("the voltage is loaded")

    stand_in = SimpleNamespace(
        spiketrains=[], epochs=[], events=[], irregularlysampledsignals=[],
        analogsignals=[*segment.analogsignals, Voltage()],
    )  # fmt: skip
    held = behaviors_of_segment(stand_in, asked_by="test")
    assert list(held.columns) == ["speed"]
    assert held.others == ["voltage"]
    assert held.columns["speed"][1].tolist() == [1.0, 3.0, 5.0, 5.0, 2.0, 2.0]


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sped", {}, "no behaviour 'sped'; it has 'speed'"),
        ("game:lost", {}, "'game' has no label 'lost'"),
        ("phase", {"how": "mean"}, "an epoch, which gives"),
    ],
)
def test_what_is_not_there_is_refused(segment, name, options, message):
    with pytest.raises(InputError, match=message):
        window_behavior(segment, WINDOWS, name, **options)


def test_behavior_outside_the_windows_is_refused(segment):
    later = Windows(start_s=[100.0, 104.0], stop_s=[104.0, 108.0])
    with pytest.raises(InputError, match="'speed' does not overlap the windows"):
        window_behavior(segment, later, "speed")
    with pytest.raises(InputError, match="'phase' does not overlap the windows"):
        window_behavior(segment, later, "phase")


def test_opposite_angles_have_no_mean():
    means = window_circular_means(WINDOWS, np.array([0.0, 1.0, 5.0]), np.array([0, np.pi, 1.5]))
    assert np.isnan(means[0])
    assert means[1] == pytest.approx(1.5)


def test_event_on_the_limit_belongs_to_the_later_window():
    assert window_rates(WINDOWS, [4.0]).tolist() == [0.0, 0.25, 0.0]


def test_majority_tie_goes_to_the_alphabet():
    labels = window_majorities(WINDOWS, [0.0, 2.0], [2.0, 4.0], ["b", "a"])
    assert labels.tolist() == ["a", "", ""]


def test_cover_equals_brute_force():
    rng = np.random.default_rng(0)
    start = rng.uniform(-2, 12, 40)
    stop = start + rng.uniform(0, 3, 40)
    shared = np.minimum(stop, WINDOWS.stop_s[:, None]) - np.maximum(start, WINDOWS.start_s[:, None])
    expected = np.maximum(shared, 0).sum(axis=1)
    np.testing.assert_allclose(covered_s(WINDOWS, start, stop), expected, atol=1e-9)
