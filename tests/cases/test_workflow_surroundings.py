"""Streams and studies say the same whatever the caller has set, and leave it as it was."""

import datetime
import random
import warnings
from contextlib import ExitStack, contextmanager

import numpy as np
import pandas as pd
import pytest
import quantities as pq
import torch

import tavrnn_ephys as te
from tests.streaming.models import committed, fitted


@contextmanager
def put_back(set_to, value, before):
    set_to(value)
    try:
        yield
    finally:
        set_to(before)


def double_precision():
    return put_back(torch.set_default_dtype, torch.float64, torch.float32)


def another_device():
    # Nothing can be computed there: what lands on it shows.
    return torch.device("meta")


def half_precision():
    return torch.autocast("cpu", dtype=torch.bfloat16)


def deterministic_algorithms():
    return put_back(torch.use_deterministic_algorithms, True, False)


@contextmanager
def warnings_as_errors():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        yield


@contextmanager
def other_units():
    pq.set_default_units(time="ms", length="mm")
    try:
        yield
    finally:
        pq.set_default_units("si")


def floating_point_errors():
    return np.errstate(all="raise")


def tables_shown_in_short():
    return pd.option_context("display.precision", 1, "display.max_rows", 2)


STATES = [
    double_precision, another_device, half_precision, torch.no_grad, torch.inference_mode,
    deterministic_algorithms, warnings_as_errors, other_units, floating_point_errors,
    tables_shown_in_short,
]  # fmt: skip


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A saved model, bins for it, and what a stream says of them in peace."""
    model, activity, _, _ = fitted()
    path = tmp_path_factory.mktemp("saved") / "model.npz"
    model.save(path)
    values = np.asarray(activity.values)[:, :200]
    return path, values, committed(te.Stream(path).push(values))


@pytest.mark.parametrize("state", STATES)
def test_a_stream_says_the_same(saved, state, tmp_path):
    path, values, expected = saved
    with state():
        stream = te.Stream(path)
        found = stream.push(values[:, :100])
        stream.save(tmp_path / "state.npz")
        stream = te.Stream.load(tmp_path / "state.npz", te.TAVRNN.load(path, device="cpu"))
        found += stream.push(values[:, 100:])
    np.testing.assert_array_equal(committed(found), expected)


@pytest.mark.parametrize("state", STATES)
def test_a_stream_that_began_there_goes_on_elsewhere(saved, state):
    path, values, expected = saved
    with state():
        stream = te.Stream(path)
        found = stream.push(values[:, :100])
    found += stream.push(values[:, 100:])
    np.testing.assert_array_equal(committed(found), expected)
    stream = te.Stream(path)
    found = stream.push(values[:, :100])
    with state():
        found += stream.push(values[:, 100:])
    np.testing.assert_array_equal(committed(found), expected)


def random_states():
    # The generator of old, which is the one that belongs to the caller.
    of_numpy = np.random.get_state()[1].tolist()  # noqa: NPY002
    return random.getstate(), of_numpy, torch.get_rng_state().tolist()


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """Two recordings, what a study says of them in peace, and whose random numbers it took."""
    folder = tmp_path_factory.mktemp("study")
    for number in range(2):
        block = te.simulate_culture(n_nodes=20, duration=20 * pq.s, seed=number)
        block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
        te.write_nwb(block, folder / f"c{number}.nwb")
    before = random_states()
    found = results_of_study(folder, "peace")
    return folder, found, (before, random_states())


def results_of_study(folder, name):
    files = [folder / f"c{number}.nwb" for number in range(2)]
    choices = {"bin_size": "100ms", "window": "5s", "step": "2.5s", "training_epochs": 1}
    cohort = te.Cohort.from_manifest(files, folder / name, **choices)
    cohort.run()
    found = cohort.report()
    tables = {name: getattr(found, name).to_dict("list") for name in ("recordings", "answers")}
    embeddings = [te.read_results(path).mean for path in sorted((folder / name).rglob("*.nwb"))]
    return tables | {"threshold": found.threshold}, embeddings


def test_a_study_says_the_same_under_everything_at_once(study):
    folder, (tables, embeddings), _ = study
    with ExitStack() as stack:
        for state in STATES:
            stack.enter_context(state())
        found_tables, found_embeddings = results_of_study(folder, "noise")
    np.testing.assert_array_equal(found_embeddings, embeddings)
    np.testing.assert_equal(found_tables, tables)


def test_random_numbers_of_the_caller_are_left_alone(saved, study):
    path, values, _ = saved
    before = random_states()
    te.Stream(path).push(values)
    assert random_states() == before
    _, _, (before, after) = study
    assert after == before
