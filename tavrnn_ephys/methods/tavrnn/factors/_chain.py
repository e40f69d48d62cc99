"""
A chain of kinds that stay or are drawn anew, compiled by numba.

From one window to the next a kind stays with probability ``s``; otherwise one is drawn by its share
``p``, which may be the same: ``A = s I + (1 - s) 1 pᵀ``.  Products with ``A`` so take one sum.
"""

from __future__ import annotations

import numpy as np

from tavrnn_ephys.core.compiling import compiled

__all__ = ["filter_chain", "smooth_chain", "smooth_stretches"]


@compiled
def filter_chain(gains, share, stay, before):
    """
    Tell kinds from the windows so far.

    ``gains`` (n_windows, n_kinds) are log-likelihoods, ``before`` (n_kinds,) probabilities before
    the first window.  Returns probabilities of the same shape, and what each window adds to the
    log-likelihood.
    """
    n_windows, n_kinds = gains.shape
    found, total = np.empty((n_windows, n_kinds)), np.empty(n_windows)
    expected = before.copy()
    for t in range(n_windows):
        peak = gains[t].max()
        evidence = 0.0
        for k in range(n_kinds):
            found[t, k] = expected[k] * np.exp(gains[t, k] - peak)
            evidence += found[t, k]
        for k in range(n_kinds):
            found[t, k] /= evidence
            expected[k] = stay * found[t, k] + (1.0 - stay) * share[k]
        total[t] = np.log(evidence) + peak
    return found, total


@compiled
def smooth_chain(found, share, stay):
    """
    Take later windows into account too.

    ``found`` (n_windows, n_kinds) is what :func:`filter_chain` gave.  Returns probabilities of the
    same shape, and the expected number of windows that stayed.
    """
    n_windows, n_kinds = found.shape
    known, stayed = found.copy(), 0.0
    ratio = np.empty(n_kinds)
    for t in range(n_windows - 2, -1, -1):
        drawn = 0.0
        for k in range(n_kinds):
            expected = stay * found[t, k] + (1.0 - stay) * share[k]
            ratio[k] = known[t + 1, k] / max(expected, 1e-300)
            drawn += share[k] * ratio[k]
        for k in range(n_kinds):
            kept = stay * ratio[k] * found[t, k]
            known[t, k] = kept + (1.0 - stay) * drawn * found[t, k]
            stayed += kept
    return known, stayed


@compiled
def smooth_stretches(gains, limits, share, stay):
    """
    Tell kinds from all windows of their stretch.

    ``gains`` is as of :func:`filter_chain`; ``limits`` (n_stretches + 1,) says where stretches
    begin and end.  Returns probabilities, the log-likelihood, and the expected number of windows
    that stayed.
    """
    known, total, stayed = np.empty_like(gains), 0.0, 0.0
    for index in range(len(limits) - 1):
        first, last = limits[index], limits[index + 1]
        found, gained = filter_chain(gains[first:last], share, stay, share)
        known[first:last], stays = smooth_chain(found, share, stay)
        total += gained.sum()
        stayed += stays
    return known, total, stayed
