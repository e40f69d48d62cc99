"""Whether what is missing goes with the group that it is missing from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

__all__ = ["missing_by_group", "missing_sentence"]

_RESAMPLES = 9999
_LEVEL = 0.05


def missing_by_group(is_missing: Sequence[bool], groups: Sequence[str]) -> float | None:
    """
    Test whether groups lack recordings unequally.

    Parameters
    ----------
    is_missing : sequence of bool
        Whether each recording is missing.
    groups : sequence of str
        The group of each.

    Returns
    -------
    float or None
        p-value of Fisher's exact test of two groups; of more, of the chi-squared test by
        permutation of SciPy.  None where there is one group, or none or all are missing.

    Examples
    --------
    >>> missing_by_group([True, True, False, False], ["a", "a", "b", "b"])
    0.333333333333...
    """
    from scipy.stats import PermutationMethod, chi2_contingency, fisher_exact

    names, member = np.unique(np.asarray(groups, dtype=str), return_inverse=True)
    missing = np.asarray(is_missing, dtype=bool)
    table = np.stack([
        np.bincount(member[missing], minlength=len(names)),
        np.bincount(member[~missing], minlength=len(names)),
    ])  # fmt: skip
    if len(names) < 2 or not table.sum(axis=1).all():
        return None
    if len(names) == 2:
        return float(fisher_exact(table).pvalue)
    method = PermutationMethod(n_resamples=_RESAMPLES, rng=np.random.default_rng(0))
    return float(chi2_contingency(table, correction=False, method=method).pvalue)


def missing_sentence(p_value: float) -> str:
    """
    Say what :func:`missing_by_group` found.

    Parameters
    ----------
    p_value : float
        Its p-value.

    Returns
    -------
    str
        One sentence.

    Examples
    --------
    >>> missing_sentence(0.01)
    'Groups lack recordings unequally (p = 0.01).'
    """
    likely = "unequally" if p_value < _LEVEL else "equally, as far as can be said"
    return f"Groups lack recordings {likely} (p = {p_value:.3g})."
