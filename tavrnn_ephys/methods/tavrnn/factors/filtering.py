"""Gaussian states that decay: filtering, smoothing, and the likelihood of a decay."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["DECAYS", "FilterState", "Filtered", "decay_likelihood", "filter_states", "smooth"]

#: Decays that a fit chooses among: share of a state that is left after one window.
DECAYS = np.linspace(0.0, 0.99, 100)

_Array = NDArray[np.float64]
# A covariance that moves less than this has come to rest, and is not computed again.
_STEADY = 1e-14


class FilterState(NamedTuple):
    """
    What is known of the state after a window.

    Parameters
    ----------
    mean : numpy.ndarray, shape (n_states,)
        Its posterior mean.
    covariance : numpy.ndarray, shape (n_states, n_states)
        Its posterior covariance.
    kinds : numpy.ndarray, shape (n_kinds,)
        Probability of each kind that windows return to; empty where states decay.
    """

    mean: _Array
    covariance: _Array
    kinds: _Array = np.zeros(0)


class Filtered(NamedTuple):
    """
    Posterior of states given the windows up to each, and the prediction from those before it.

    Parameters
    ----------
    mean : numpy.ndarray, shape (n_windows, n_states)
        Posterior means.
    covariance : numpy.ndarray, shape (n_windows, n_states, n_states)
        Posterior covariances.
    predicted_mean : numpy.ndarray, shape (n_windows, n_states)
        Predicted means.
    predicted_covariance : numpy.ndarray, shape (n_windows, n_states, n_states)
        Predicted covariances.
    """

    mean: _Array
    covariance: _Array
    predicted_mean: _Array
    predicted_covariance: _Array

    @property
    def last(self) -> FilterState:
        """What is known after the last window."""
        return FilterState(self.mean[-1], self.covariance[-1])

    def retained(self, decay: _Array) -> _Array:
        """
        Say how much of each state each window takes over from the one before.

        Parameters
        ----------
        decay : numpy.ndarray, shape (n_states,)
            Decay of each state.

        Returns
        -------
        numpy.ndarray, shape (n_windows, n_states)
            Diagonal of the filter's transition.
        """
        gain = self.covariance @ np.linalg.inv(self.predicted_covariance)
        return np.diagonal(gain, axis1=1, axis2=2) * decay


def filter_states(
    evidence: _Array, precision: _Array, decay: _Array, start: FilterState | None = None
) -> Filtered:
    """
    Filter states of unit stationary variance, each decaying on its own.

    Parameters
    ----------
    evidence : numpy.ndarray, shape (n_windows, n_states)
        What each window says: precision times estimate.
    precision : numpy.ndarray, shape (n_windows, n_states, n_states)
        How surely it says so.
    decay : numpy.ndarray, shape (n_states,)
        Share of each state that is left after one window, in [0, 1).
    start : FilterState, optional
        What is known after the window before the first; by default nothing.

    Returns
    -------
    Filtered
        The posterior of every window.

    Notes
    -----
    Kalman (1960), *J. Basic Eng.* 82, 35-45, in the form that adds precisions.
    """
    n_windows, n_states = evidence.shape
    identity, innovation = np.eye(n_states), np.diag(1.0 - decay**2)
    known = start or FilterState(np.zeros(n_states), identity)
    shape = (n_windows, n_states)
    found = Filtered(
        np.empty(shape), np.empty((*shape, n_states)), np.empty(shape), np.empty((*shape, n_states))
    )
    steady, covariance, after = False, identity, np.zeros_like(identity)
    for index in range(n_windows):
        mean = decay * known.mean
        if not (steady and np.array_equal(precision[index], precision[index - 1])):
            before = after
            covariance = decay[:, np.newaxis] * known.covariance * decay + innovation
            # Woodbury keeps the product symmetric where the window says nothing at all.
            after = np.linalg.solve(identity + covariance @ precision[index], covariance)
            after = (after + after.T) / 2
            steady = bool(np.abs(after - before).max() < _STEADY)
        gained = mean + after @ (evidence[index] - precision[index] @ mean)
        known = FilterState(gained, after)
        found.mean[index], found.covariance[index] = gained, after
        found.predicted_mean[index], found.predicted_covariance[index] = mean, covariance
    return found


def smooth(found: Filtered, decay: _Array) -> tuple[_Array, _Array]:
    """
    Take later windows into account too.

    Parameters
    ----------
    found : Filtered
        What the filter said of consecutive windows.
    decay : numpy.ndarray, shape (n_states,)
        Decay of each state.

    Returns
    -------
    tuple of numpy.ndarray
        Means, (n_windows, n_states), and covariances, (n_windows, n_states, n_states).

    Notes
    -----
    Rauch, Tung & Striebel (1965), *AIAA J.* 3, 1445-1450.
    """
    mean, covariance = found.mean.copy(), found.covariance.copy()
    turned = (found.covariance[:-1] * decay).swapaxes(1, 2)
    gains = np.linalg.solve(found.predicted_covariance[1:], turned).swapaxes(1, 2)
    for index in range(len(mean) - 2, -1, -1):
        gain = gains[index]
        mean[index] += gain @ (mean[index + 1] - found.predicted_mean[index + 1])
        change = covariance[index + 1] - found.predicted_covariance[index + 1]
        covariance[index] += gain @ change @ gain.T
    return mean, covariance


def decay_likelihood(evidence: _Array, precision: _Array) -> _Array:
    """
    Say how likely the evidence on single states is for each decay.

    Parameters
    ----------
    evidence, precision : numpy.ndarray, shape (n_windows, n_states)
        Evidence on each state, the others taken out, and its precision.

    Returns
    -------
    numpy.ndarray, shape (len(DECAYS), n_states)
        Log-likelihood, up to a constant.
    """
    decay = DECAYS[:, np.newaxis]
    total = np.zeros((len(DECAYS), evidence.shape[1]))
    mean, variance = np.zeros_like(total), np.ones_like(total)
    for said, sureness in zip(evidence, precision, strict=True):
        predicted, spread = decay * mean, decay**2 * variance + 1.0 - decay**2
        variance = spread / (1.0 + spread * sureness)
        mean = predicted + variance * (said - sureness * predicted)
        total += 0.5 * (np.log(variance / spread) + mean**2 / variance - predicted**2 / spread)
    return total
