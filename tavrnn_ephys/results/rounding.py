"""Whether two results differ by no more than the rounding of one computation."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from tavrnn_ephys.core.graphs_on_demand import dense_weights
from tavrnn_ephys.core.runs import Results

__all__ = ["ROUNDING", "largest_difference"]

#: What a reason begins with that says so.
ROUNDING = "rounding: "
# Single precision holds seven digits; training lets the last ones of them grow.  Other seeds,
# or one changed spike, differ by more than a thousandth.
_LARGEST = 1e-4


def largest_difference(one: Results, two: Results) -> float | None:
    """
    Say by how much two results differ, if that is no more than rounding.

    Parameters
    ----------
    one, two : Results
        The results.

    Returns
    -------
    float or None
        Largest absolute difference of any array, as a share of the largest value of the array;
        0 where all are equal.  None where nodes, windows, edges or shapes differ, or a number
        differs by more than a ten-thousandth.
    """
    if one.nodes != two.nodes or one.windows != two.windows:
        return None
    largest = 0.0
    for a, b in _arrays(one, two):
        found = _difference(a, b)
        if found is None or found > _LARGEST:
            return None
        largest = max(largest, found)
    return largest


def _arrays(one: Results, two: Results) -> Iterator[tuple[Any, Any]]:
    """Give the arrays of both in pairs; None where one lacks it."""
    for part, names in (
        ("connectivity", ("weights", "mean_activity", "lags_s")),
        ("embedding", ("mean", "std", "attention", "history")),
    ):
        a, b = getattr(one, part), getattr(two, part)
        for name in names:
            yield getattr(a, name, None), getattr(b, name, None)
    if one.graphs is None or two.graphs is None:
        yield one.graphs, two.graphs
        return
    for index in range(len(one.graphs)):
        a, b = (dense_weights(item.graphs.weights, index) for item in (one, two))
        # An edge that comes or goes is no rounding.
        yield (a, b) if np.array_equal(a != 0, b != 0) else (a, None)


def _difference(a: Any, b: Any) -> float | None:
    if a is None and b is None:
        return 0.0
    if a is None or b is None or a.shape != b.shape:
        return None
    largest = scale = 0.0
    # One window at a time: a difference of gigabytes would need as many again.
    for x, y in zip(a, b, strict=True):
        x, y = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        if not np.array_equal(np.isfinite(x), np.isfinite(y)):
            return None
        largest = max(largest, float(np.nanmax(np.abs(x - y), initial=0.0)))
        scale = max(scale, float(np.nanmax(np.abs(x), initial=0.0)))
    return largest / scale if scale else (0.0 if largest == 0.0 else None)
