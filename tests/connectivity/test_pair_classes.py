"""A short version of ``docs/measurements/pair_classes.py``."""

import importlib
from pathlib import Path

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te

MEASUREMENTS = Path(__file__).parents[2] / "docs/measurements"


@pytest.fixture(scope="module")
def classes():
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(MEASUREMENTS)
        return importlib.import_module("pair_classes")


@pytest.fixture(scope="module")
def pairs(classes):
    """Three nodes drive a near one 1 ms and more behind them, and three a far one from 5 ms on."""
    rng = np.random.default_rng(0)
    values = (rng.random((12, 80_000)) < 0.03).astype(np.uint8)
    for source in range(6):
        times = np.flatnonzero(values[source])
        times = times[rng.random(len(times)) < 0.15]
        late = (1 if source < 3 else 5) + rng.exponential(4.0, len(times))
        values[source + 6, np.minimum(times + late.astype(int), 79_999)] = 1
    places = np.zeros((12, 2))
    places[:, 0] = [0, 10, 20, 500, 510, 520, 0, 10, 20, 5000, 5010, 5020]
    nodes = te.Nodes(ids=range(12), positions_um=places)
    activity = te.BinnedActivity(values=values, bin_size_s=0.001, nodes=nodes)
    windows = te.sliding_windows(activity, window_length=1 * pq.s, step=1 * pq.s)
    return classes.Pairs(activity, windows)


def test_a_class_of_its_own_lag_gets_a_kernel_that_fits_windows_held_out(classes, pairs):
    train, held_out = np.arange(20), np.arange(20, classes.N_STRETCHES)
    told = pairs.told(train)
    near_s, far_s = told["distance"].lags_s
    assert near_s + 0.002 < far_s
    fits = {
        kind: classes.fit(np.einsum("spl,pl->sp", pairs.parts[held_out], told[kind].kernels))
        for kind in ("one", "distance", "lag")
    }
    assert fits["distance"] > 1.3 * fits["one"]
    assert fits["lag"] > fits["one"]


def test_pairs_are_weighed_by_the_kernel_of_their_class(classes, pairs):
    second = np.zeros(len(pairs.rows), dtype=bool)
    second[0] = True
    told = classes.Told([(0.002, 0.002), (0.002, 0.011)], second)
    weights = np.stack([item.toarray() for item in pairs.graphs(told).weights])
    first, other = (pairs.weights(item) for item in told.times)
    np.testing.assert_allclose(weights[:, 0, 1], other[:, 0, 1])
    np.testing.assert_allclose(weights[:, 1, 0], other[:, 1, 0])
    np.testing.assert_allclose(weights[:, 0, 2:], first[:, 0, 2:])


def test_a_class_without_coupling_keeps_the_kernel_of_all_pairs(classes):
    noise = np.random.default_rng(0).normal(size=(classes.N_GROUPS, 40, classes.N_LAGS))
    assert classes.best_kernel(noise, (0.003, 0.002)) == (0.003, 0.002)
