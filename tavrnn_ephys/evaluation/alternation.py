"""Decoding of a label that alternates from window to window, such as the two ends of a track."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.features import known_labels
from tavrnn_ephys.evaluation.decoding import DecodingScore, decoded
from tavrnn_ephys.evaluation.folds import FoldFeatures
from tavrnn_ephys.evaluation.logistic import logistic_scores
from tavrnn_ephys.statistics.time_shifts import swapped_neighbours

__all__ = ["decode_alternating"]


def decode_alternating(
    name: str, features: Sequence[FoldFeatures], labels: Any, *, n_swaps: int = 199, seed: int = 0
) -> DecodingScore:
    """
    Decode a label by logistic regression, beside a null that swaps neighbouring windows.

    Of a label that alternates, every second circular shift is the label itself, and the
    null of :func:`decode_labels` says nothing.  Here pairs of neighbours swap their labels at
    random: what is slower than two windows stays as it is.

    Parameters
    ----------
    name : str
        What the features are, for tables.
    features : sequence of FoldFeatures
        Features fitted inside each fold.
    labels : array_like, shape (n_windows,)
        One label per window.
    n_swaps : int
        Number of null labellings.
    seed : int
        Seed of the swaps.

    Returns
    -------
    DecodingScore
        As of :func:`decode_labels`: balanced accuracy, its null, F1, and every decoded window.

    Raises
    ------
    InputError
        If there is one class only.
    """
    classes, codes = np.unique(known_labels(labels), return_inverse=True)
    if len(classes) < 2:
        raise InputError(f"All windows carry the label {classes[0]!r}; two classes are needed.")
    swapped = swapped_neighbours(codes, n_swaps=n_swaps, rng=np.random.default_rng(seed))
    return decoded(name, features, codes, swapped.astype(np.int64), logistic_scores)
