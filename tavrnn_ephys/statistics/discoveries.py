"""Which of many p-values are discoveries."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["discoveries"]


def discoveries(p_values: NDArray[np.float64], q: float) -> NDArray[np.bool_]:
    """
    Choose p-values so that the expected share of false ones among them is at most ``q``.

    Parameters
    ----------
    p_values : numpy.ndarray, shape (n_tests,)
        One p-value per test.
    q : float
        False-discovery rate, in (0, 1).

    Returns
    -------
    numpy.ndarray of bool
        Shape (n_tests,).

    Notes
    -----
    Benjamini and Hochberg's step-up rule [1]_: with the p-values in order, the largest ``k``
    with ``p_k <= q k / n``.

    References
    ----------
    .. [1] Benjamini and Hochberg (1995), Journal of the Royal Statistical Society B 57, 289-300.

    Examples
    --------
    >>> discoveries(np.array([0.01, 0.04, 0.03, 0.9]), q=0.05)
    array([ True, False, False, False])
    """
    order = np.sort(p_values)
    passing = np.flatnonzero(order <= q * np.arange(1, len(order) + 1) / max(len(order), 1))
    level = order[passing[-1]] if len(passing) else -1.0
    return p_values <= level
