"""What the caller has set around a call plays no part in it, and is there again afterwards."""

import warnings
from contextlib import contextmanager

import numpy as np
import pytest
import quantities as pq
import torch

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import ChanceLossWarning, InputError
from tavrnn_ephys.evaluation import BlockedFold, FoldFeatures, decode_labels
from tavrnn_ephys.methods.vgae import VGAE


def connectivity():
    rng = np.random.default_rng(0)
    block = te.block_from_arrays(
        spike_times=[rng.uniform(0, 60, 600) for _ in range(6)], t_stop=60 * pq.s
    )
    activity = te.bin_activity(block.segments[0], bin_size=100 * pq.ms)
    windows = te.sliding_windows(activity, window_length=10 * pq.s, step=10 * pq.s)
    return te.compute_connectivity(activity, windows)


@contextmanager
def double_precision():
    torch.set_default_dtype(torch.float64)
    try:
        yield
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)


def embedded(model, graphs):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ChanceLossWarning)
        return model.fit(graphs).transform(graphs)


@pytest.mark.parametrize("around", [double_precision, torch.no_grad, torch.inference_mode])
@pytest.mark.parametrize("make", [lambda: te.TAVRNN(training_epochs=1), lambda: VGAE()])
def test_state_of_torch_plays_no_part(around, make):
    graphs = te.build_graphs(connectivity())
    expected = embedded(make(), graphs)
    with around():
        found = embedded(make(), graphs)
    np.testing.assert_array_equal(found.mean, expected.mean)


def test_default_units_play_no_part():
    expected = connectivity()
    pq.set_default_units(time="ms", length="mm")
    try:
        assert connectivity() == expected
        assert (1 * pq.s).simplified.dimensionality.string == "ms"
    finally:
        pq.set_default_units("si")


def test_bin_that_is_advised_leads_on():
    activity = te.BinnedActivity(values=np.eye(2, 400), bin_size_s=0.03, nodes=te.Nodes(ids="ab"))
    with pytest.raises(InputError, match="Use 1.98 s or 2.01 s, or bin at 0.025 s"):
        te.sliding_windows(activity, window_length=2 * pq.s, step=0.3 * pq.s)
    finer = te.BinnedActivity(values=np.eye(2, 400), bin_size_s=0.025, nodes=te.Nodes(ids="ab"))
    assert len(te.sliding_windows(finer, window_length=2 * pq.s, step=0.3 * pq.s)) > 1


FOLD = BlockedFold(train_blocks=(np.arange(12),), test=np.arange(14, 24))


def features_of(values):
    return [FoldFeatures(fold=FOLD, train=values[FOLD.train], test=values[FOLD.test])]


@pytest.mark.parametrize(
    ("values", "rule"),
    [
        (np.zeros((24, 0)), "with at least one feature is needed"),
        (np.full((24, 2), np.nan), "2 of 2 columns .* hold NaN or infinite values"),
        (np.array([[object()]] * 24), "must be an array of numbers"),
    ],
)
def test_features_that_are_none_are_refused(values, rule):
    with pytest.raises(InputError, match=rule):
        features_of(values)


def test_labels_that_are_missing_are_refused():
    features = features_of(np.random.default_rng(0).normal(size=(24, 2)))
    with pytest.raises(InputError, match="2 of 24 labels are missing, the first in window 0"):
        decode_labels("x", features, [None, None, *["a", "b"] * 11], min_shift=3, n_shifts=2)


@pytest.mark.parametrize("kind", ["object", "quantity"])
def test_numbers_in_another_dress_decode_as_numbers(kind):
    values = np.random.default_rng(0).normal(size=(24, 2))
    dressed = values.astype(object) if kind == "object" else values * pq.m
    labels = np.arange(24) // 3 % 2
    both = [
        decode_labels("x", features_of(item), labels, min_shift=3, n_shifts=2)
        for item in (values, dressed)
    ]
    np.testing.assert_array_equal(both[0].predicted, both[1].predicted)
