"""Labels of training windows as evidence on states: a semi-supervised head."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError

__all__ = ["LabelEvidence", "label_columns"]

_Array = NDArray[np.float64]
# Pseudo-observations of the noise of a column, so that few labels are not believed outright.
_PRIOR_COUNT = 2.0


def label_columns(labels: Any, n_windows: int) -> _Array:
    """
    Turn labels into standardised columns, NaN where a window has none.

    Parameters
    ----------
    labels : array_like, shape (n_windows,)
        Numbers, NaN where unknown; or labels, ``""`` or ``None`` where unknown, of which each
        becomes a column of its own.
    n_windows : int
        Number of windows.

    Returns
    -------
    numpy.ndarray, shape (n_windows, n_columns)
        Mean 0 and variance 1 over known windows.

    Raises
    ------
    InputError
        If there is not one label per window, or the known ones are all the same.

    Examples
    --------
    >>> label_columns(["a", "b", ""], 3)
    array([[ 1., -1.],
           [-1.,  1.],
           [nan, nan]])
    """
    given = np.asarray(labels)
    if given.shape != (n_windows,):
        raise InputError(
            f"y has shape {given.shape} for {n_windows} windows. Give one label per window, NaN or "
            "'' where it is unknown."
        )
    if given.dtype.kind in "biuf":
        columns = given.astype(np.float64)[:, np.newaxis]
        columns = np.where(np.isfinite(columns), columns, np.nan)
        if given.dtype.kind in "bi" and len(np.unique(given)) > 2:
            columns = _one_hot(given, np.ones(n_windows, dtype=bool))
    else:
        names = np.array(["" if item is None else str(item) for item in given])
        columns = _one_hot(names, names != "")
    known = np.isfinite(columns).all(axis=1)
    spread = columns[known].std(axis=0) if known.any() else np.zeros(1)
    if not (spread > 0).all():
        raise InputError(
            "The known labels of y are all the same: nothing can be learnt from them. Leave y out, "
            "or give labels that differ."
        )
    return (columns - columns[known].mean(axis=0)) / spread


def _one_hot(names: NDArray[Any], known: NDArray[np.bool_]) -> _Array:
    columns = (names[:, np.newaxis] == np.unique(names[known])).astype(np.float64)
    columns[~known] = np.nan
    return columns


class LabelEvidence:
    """
    What the labels of training windows say of their states.

    Each column is a weighted sum of the states and noise; weights and noise are learnt with the
    factors, so that labels that have nothing to do with the graphs are disregarded.

    Parameters
    ----------
    columns : numpy.ndarray, shape (n_windows, n_columns)
        As of :func:`label_columns`.
    """

    def __init__(self, columns: _Array) -> None:
        self._all = columns
        self._known = np.flatnonzero(np.isfinite(columns).all(axis=1))
        self._columns = columns[self._known]
        self._weights = np.zeros((columns.shape[1], 0))
        self._noise = np.ones(columns.shape[1])

    def without(self, held: NDArray[np.bool_]) -> LabelEvidence:
        """
        Give what the labels of other windows say.

        Parameters
        ----------
        held : numpy.ndarray of bool, shape (n_windows,)
            Windows whose labels are not looked at.

        Returns
        -------
        LabelEvidence
            Unfitted evidence.
        """
        return LabelEvidence(np.where(held[:, np.newaxis], np.nan, self._all))

    def learn(self, states: _Array, spread: _Array) -> None:
        """
        Fit weights and noise of the columns to the states.

        Parameters
        ----------
        states : numpy.ndarray, shape (n_windows, n_states)
            Posterior means.
        spread : numpy.ndarray, shape (n_windows, n_states, n_states)
            Posterior covariances.
        """
        here = states[self._known]
        moments = here.T @ here + spread[self._known].sum(axis=0)
        products = self._columns.T @ here
        self._weights = np.linalg.solve(moments + np.eye(len(moments)), products.T).T
        square = np.square(self._columns).sum(axis=0)
        rest = square - 2 * np.einsum("ck,ck->c", self._weights, products)
        rest += np.einsum("ck,kl,cl->c", self._weights, moments, self._weights)
        self._noise = (rest + _PRIOR_COUNT) / (len(here) + _PRIOR_COUNT)

    def joined(self, evidence: _Array, precision: _Array) -> tuple[_Array, _Array]:
        """
        Add what labels say to what graphs say.

        Parameters
        ----------
        evidence : numpy.ndarray, shape (n_windows, n_states)
            Evidence of the graphs.
        precision : numpy.ndarray, shape (n_windows, n_states, n_states)
            Its precision.

        Returns
        -------
        tuple of numpy.ndarray
            Both, with the labels' part in windows that have one.
        """
        scaled = self._weights / self._noise[:, np.newaxis]
        evidence, precision = evidence.copy(), precision.copy()
        evidence[self._known] += self._columns @ scaled
        precision[self._known] += self._weights.T @ scaled
        return evidence, precision
