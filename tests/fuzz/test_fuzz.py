"""A bounded part of the random calls; ``python -m tests.fuzz`` makes all of them."""

import pytest

from tests.fuzz.calls import CALLS
from tests.fuzz.running import run

N_CALLS = 900


@pytest.fixture(scope="module")
def outcome():
    return run(N_CALLS)


def test_every_call_is_right_or_refused_with_a_sentence(outcome):
    _, faults = outcome
    assert [f"{item.kind} (seed {item.seed}): {item.text}" for item in faults] == []


def test_calls_are_neither_all_right_nor_all_refused(outcome):
    counts, _ = outcome
    assert min(counts.values()) > 0.2 * N_CALLS


def test_a_raw_error_and_a_changed_input_are_noticed(monkeypatch):
    def raw(draw, given):
        raise KeyError("x")

    def changing(draw, given):
        values = draw.rng.normal(size=3)
        given.append(values)
        values[0] = 9.0

    for call, text in ((raw, "KeyError"), (changing, "an input was changed")):
        for name in CALLS:
            monkeypatch.setitem(CALLS, name, call)
        _, (fault,) = run(1)
        assert text in fault.text
