"""How many windows a model is learnt from that keeps their pairs in memory."""

from __future__ import annotations

__all__ = ["n_learnt"]

# Bytes of the pairs that a session is learnt from, and windows that are taken whatever they need.
MOST_KEPT, LEAST_WINDOWS = 2**30, 64


def n_learnt(n_windows: int, n_pairs: int) -> int:
    """
    Say how many windows of a session factors are learnt from.

    Parameters
    ----------
    n_windows : int
        Windows that there are.
    n_pairs : int
        Pairs of nodes.

    Returns
    -------
    int
        All, or as many as 1 GiB holds in single precision, 64 in any case.

    Examples
    --------
    >>> n_learnt(3481, 900 * 899 // 2)
    663
    """
    return min(n_windows, max(MOST_KEPT // (4 * max(n_pairs, 1)), LEAST_WINDOWS))
