"""What two kinds of features say of a behaviour each alone, and what both say alike."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.evaluation.decoding import decode_labels
from tavrnn_ephys.evaluation.folds import FoldFeatures, joined_features
from tavrnn_ephys.evaluation.regression import decode_values
from tavrnn_ephys.evaluation.scoring import block_values
from tavrnn_ephys.statistics.intervals import mean_interval

__all__ = ["Share", "VariancePartition", "variance_partition"]


class Share(NamedTuple):
    """
    A part of a score with its interval.

    Parameters
    ----------
    value : float
        The part.
    low, high : float
        Central 95 % by Student's interval over test blocks.
    """

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:+.3f} [{self.low:+.3f}, {self.high:+.3f}]"


@dataclass(frozen=True, kw_only=True)
class VariancePartition:
    """
    Scores of two kinds of features, of both, and what each has alone.

    Parameters
    ----------
    metric : {"explained variance", "balanced accuracy"}
        What the scores are.
    chance : float
        Score of features that say nothing: 0, or one over the number of labels.
    first, second, joined : Share
        Scores of either kind and of both together.
    unique_first, unique_second : Share
        What is lost when either kind is taken away from both.
    shared : Share
        What both say alike: ``first + second − joined − chance``; negative where they say more
        together than the sum of both.
    control : Share
        ``unique_second`` of the control features beside the first; NaN without.
    """

    metric: str
    chance: float
    first: Share
    second: Share
    joined: Share
    unique_first: Share
    unique_second: Share
    shared: Share
    control: Share

    def __str__(self) -> str:
        return (
            f"{self.metric}: first {self.first.value:.3f}, second {self.second.value:.3f}, joined "
            f"{self.joined.value:.3f}; unique to the first {self.unique_first}, to the second "
            f"{self.unique_second} (control {self.control}), shared {self.shared}"
        )


def variance_partition(
    first: Sequence[FoldFeatures],
    second: Sequence[FoldFeatures],
    behavior: Any,
    *,
    control: Sequence[FoldFeatures] | None = None,
) -> VariancePartition:
    """
    Say how much of a behaviour follows from either kind of features alone, and from both alike.

    Both together are decoded with a weight of each block that is chosen inside the training
    windows (:func:`joined_features`), so that features that say nothing can be left out, and
    hundreds of features do not drown a few.

    Parameters
    ----------
    first, second : sequence of FoldFeatures
        Features of the same folds, such as mean rates and an embedding.
    behavior : array_like, shape (n_windows,)
        Floating-point numbers are regressed; anything else, whole numbers too, are labels.
    control : sequence of FoldFeatures, optional
        What the second kind becomes where it has nothing to say, such as the embedding of bins
        that are shuffled within windows.

    Returns
    -------
    VariancePartition
        Scores and parts, with intervals over test blocks.

    Raises
    ------
    InputError
        As :func:`decode_labels` and :func:`decode_values` do.

    Notes
    -----
    Variance partitioning, or commonality analysis, of predictions of windows that were not
    trained on [1]_ [2]_.  Parts of such scores can be negative: features that add noise lose.
    Intervals are Student's over test blocks, for a bootstrap of so few is too narrow.

    References
    ----------
    .. [1] de Heer, Huth, Griffiths, Gallant & Theunissen (2017), Journal of Neuroscience 37,
       6539-6557.
    .. [2] Dupré la Tour, Eickenberg, Nunez-Elizalde & Gallant (2022), NeuroImage 264, 119728.

    Examples
    --------
    >>> from tavrnn_ephys.evaluation import blocked_folds, features_in_folds
    >>> rng = np.random.default_rng(0)
    >>> rates, noise = rng.normal(size=(100, 2)), rng.normal(size=(100, 30))
    >>> folds = blocked_folds(100, gap=1)
    >>> first, second = features_in_folds(rates, folds), features_in_folds(noise, folds)
    >>> found = variance_partition(first, second, rates[:, 0])
    >>> found.unique_first.value > 0.9, abs(found.unique_second.value) < 0.05
    (True, True)
    """
    behavior = np.asarray(behavior)
    is_number = behavior.dtype.kind == "f"

    def blocks_of(features: Sequence[FoldFeatures]) -> NDArray[np.float64]:
        if is_number:
            return block_values(decode_values("", features, behavior, min_shift=1, n_shifts=0))
        return block_values(decode_labels("", features, behavior, min_shift=1, n_shifts=0))

    def share(blocks: NDArray[np.float64]) -> Share:
        return Share(float(blocks.mean()), *mean_interval(blocks))

    chance = 0.0 if is_number else 1.0 / len(np.unique(behavior))
    a, b, both = (blocks_of(item) for item in (first, second, joined_features([first, second])))
    beside = np.full(len(a), np.nan)
    if control is not None:
        beside = blocks_of(joined_features([first, control])) - a
    return VariancePartition(
        metric="explained variance" if is_number else "balanced accuracy",
        chance=chance,
        first=share(a),
        second=share(b),
        joined=share(both),
        unique_first=share(both - b),
        unique_second=share(both - a),
        shared=share(a + b - both - chance),
        control=share(beside),
    )
