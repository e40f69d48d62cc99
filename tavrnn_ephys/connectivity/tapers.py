"""Windows whose bins count the less the nearer they lie to its ends."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import TAPERS

__all__ = ["Taper", "taper_weights"]


@lru_cache(maxsize=64)
def taper_weights(name: str, n_bins: int) -> NDArray[np.float64]:
    """
    Weigh the bins of a window.

    Parameters
    ----------
    name : {"hann", "hamming", "tukey"}
        The taper; half of Tukey's is flat.
    n_bins : int
        Number of bins.

    Returns
    -------
    numpy.ndarray, shape (n_bins,)
        Positive weights that sum to 1, symmetric; not to be changed.

    Examples
    --------
    >>> taper_weights("hann", 3).round(3)
    array([0.25, 0.5 , 0.25])
    """
    from scipy.signal.windows import get_window

    # One bin more at either end, which is dropped: where it is zero, no bin of the window is lost.
    weights = np.asarray(get_window(name, n_bins + 2, fftbins=False), dtype=np.float64)[1:-1]
    weights = weights / weights.sum()
    weights.flags.writeable = False
    return weights


class Taper:
    """
    A measure of connectivity in which bins are weighed.

    Parameters
    ----------
    name : {"hann", "hamming", "tukey"}
        The taper.
    measure : {"pearson", "covariance"}
        The measure.

    Raises
    ------
    InputError
        If there is no such taper, or it does not suit the measure.

    Examples
    --------
    >>> values = np.array([[0.0, 1.0, 0.0, 5.0], [0.0, 2.0, 0.0, 10.0]])
    >>> Taper("hann", "pearson").weights(values).round(6).tolist()
    [[1.0, 1.0], [1.0, 1.0]]
    """

    def __init__(self, name: str, measure: str) -> None:
        self.name = one_of(name, TAPERS, "taper")
        if measure not in ("pearson", "covariance"):
            raise InputError(
                f"taper weighs the bins of pearson and covariance, not those of '{measure}'. "
                "Choose one of both, or leave the taper out."
            )
        self.is_correlation = measure == "pearson"

    def weights(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """
        Correlate every pair of nodes.

        Parameters
        ----------
        values : numpy.ndarray, shape (n_nodes, n_bins)
            Activity of a window.

        Returns
        -------
        numpy.ndarray, shape (n_nodes, n_nodes)
            ``Σ w (x − x̄)(y − ȳ) / (1 − Σ w²)`` with weights ``w`` that sum to 1 and weighted
            means; for ``"pearson"`` over the root of both variances, NaN where one is zero.
        """
        shares = taper_weights(self.name, values.shape[1])
        activity = np.asarray(values, dtype=np.float64)
        centred = (activity - (activity @ shares)[:, np.newaxis]) * np.sqrt(shares)
        found = centred @ centred.T
        # Rounding may leave both halves of a product apart by a bit.
        found = 0.5 * (found + found.T) / (1.0 - float(shares @ shares))
        if not self.is_correlation:
            return np.asarray(found)
        # A node that does not vary has no correlation, whatever rounding leaves of its variance.
        constant = activity.min(axis=1) == activity.max(axis=1)
        spread = np.where(constant, np.nan, np.sqrt(np.maximum(np.diagonal(found), 0.0)))
        with np.errstate(invalid="ignore", divide="ignore"):
            found = np.clip(found / spread / spread[:, np.newaxis], -1.0, 1.0)
        np.fill_diagonal(found, np.where(constant, np.nan, 1.0))
        return np.asarray(found)

    def means(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """
        Average the activity of each node.

        Parameters
        ----------
        values : numpy.ndarray, shape (n_nodes, n_bins)
            Activity of a window.

        Returns
        -------
        numpy.ndarray, shape (n_nodes,)
            Weighted means: those rates that the weights rest on.
        """
        return np.asarray(
            np.asarray(values, dtype=np.float64) @ taper_weights(self.name, values.shape[1])
        )
