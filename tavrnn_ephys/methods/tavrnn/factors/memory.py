"""What earlier windows say of a state: it decays, or it is of a kind that returns."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.methods.tavrnn.factors.filtering import FilterState, filter_states, smooth
from tavrnn_ephys.methods.tavrnn.factors.kinds import Kinds, KindsOfWindows
from tavrnn_ephys.methods.tavrnn.factors.network import WindowEvidence

__all__ = ["DecayingStates", "Memory", "ReturningStates"]

_Array = NDArray[np.float64]


class Memory(ABC):
    """
    States of consecutive windows, given those up to each.

    Attributes
    ----------
    mean : numpy.ndarray, shape (n_windows, n_factors)
        Posterior means.
    covariance : numpy.ndarray, shape (n_windows, n_factors, n_factors)
        Posterior covariances.
    predicted_mean : numpy.ndarray, shape (n_windows, n_factors)
        What was expected of each window from those before it.
    last : FilterState
        What is known after the last window.
    """

    mean: _Array
    covariance: _Array
    predicted_mean: _Array
    last: FilterState

    @abstractmethod
    def smoothed(self) -> tuple[_Array, _Array]:
        """
        Take later windows into account too.

        Returns
        -------
        tuple of numpy.ndarray
            Means, (n_windows, n_factors), and covariances, (n_windows, n_factors, n_factors).
        """

    @abstractmethod
    def gains(self) -> _Array:
        """
        Say how likely windows are after those before them.

        Returns
        -------
        numpy.ndarray, shape (n_windows,)
            Log-density of each, less that under states of zero.
        """

    @abstractmethod
    def attention(self) -> NDArray[np.float32]:
        """
        Share of each window in the state of each.

        Returns
        -------
        numpy.ndarray, shape (n_windows, n_windows)
            Rows sum to 1 over windows up to their own.
        """


class DecayingStates(Memory):
    """
    States that decay to zero, each at its own rate.

    Parameters
    ----------
    evidence : WindowEvidence
        What windows say.
    decay : numpy.ndarray, shape (n_factors,)
        Share of each state that is left after one window.
    start : FilterState, optional
        What is known of the windows before; by default nothing.
    """

    def __init__(
        self, evidence: WindowEvidence, decay: _Array, start: FilterState | None = None
    ) -> None:
        total = evidence.contributions.sum(axis=1)
        self._decay, self._precision = decay, evidence.precision
        self._found = filter_states(total, evidence.precision, decay, start)
        self.mean, self.covariance = self._found.mean, self._found.covariance
        self.predicted_mean, self.last = self._found.predicted_mean, self._found.last

    def smoothed(self) -> tuple[_Array, _Array]:
        """
        Filter backwards too.

        Returns
        -------
        tuple of numpy.ndarray
            As of :class:`Memory`.
        """
        return smooth(self._found, self._decay)

    def gains(self) -> _Array:
        """
        Compare each window's posterior with what was expected of it.

        Returns
        -------
        numpy.ndarray, shape (n_windows,)
            As of :class:`Memory`.
        """
        before, after = self._found.predicted_covariance, self.covariance
        spread = np.linalg.slogdet(after)[1] - np.linalg.slogdet(before)[1]
        moved = _squares(self.mean, after) - _squares(self.predicted_mean, before)
        return np.asarray(0.5 * (spread + moved))

    def attention(self) -> NDArray[np.float32]:
        """
        Weigh what each window adds to a state, and what the filter retains of it later.

        Factors count by how much they say.

        Returns
        -------
        numpy.ndarray, shape (n_windows, n_windows)
            As of :class:`Memory`.
        """
        retained = self._found.retained(self._decay)
        gains = np.diagonal(self.covariance, axis1=1, axis2=2)
        sureness = np.diagonal(self._precision, axis1=1, axis2=2)
        matrix = np.zeros((len(gains), len(gains)), dtype=np.float32)
        carried = np.zeros((len(gains), gains.shape[1]))
        for index in range(len(gains)):
            carried[:index] *= retained[index]
            carried[index] = gains[index] * sureness[index]
            row = np.abs(carried[: index + 1]) @ sureness[index]
            if row.sum() <= 0:
                row[-1] = 1.0
            matrix[index, : index + 1] = row / row.sum()
        return matrix


class ReturningStates(Memory):
    """
    States of kinds that return, however long ago they were seen last.

    Parameters
    ----------
    evidence : WindowEvidence
        What windows say.
    kinds : Kinds
        The kinds.
    start : FilterState, optional
        What is known of the windows before; by default nothing.
    """

    def __init__(
        self, evidence: WindowEvidence, kinds: Kinds, start: FilterState | None = None
    ) -> None:
        before = np.zeros(0) if start is None else start.kinds
        self._kinds = kinds
        self._found = KindsOfWindows.read(
            kinds, evidence.contributions.sum(axis=1), evidence.precision, before
        )
        self.mean, self.covariance = self._found.states(kinds)
        self.predicted_mean = self._found.expected(kinds, before)
        self.last = FilterState(self.mean[-1], self.covariance[-1], self._found.probability[-1])

    @property
    def probability(self) -> _Array:
        """Probability of each kind given the windows so far, (n_windows, n_kinds)."""
        return self._found.probability

    def smoothed(self) -> tuple[_Array, _Array]:
        """
        Tell the kinds from later windows too.

        Returns
        -------
        tuple of numpy.ndarray
            As of :class:`Memory`.
        """
        return self._found.smoothed(self._kinds).states(self._kinds)

    def gains(self) -> _Array:
        """
        Sum over kinds how likely each makes a window.

        Returns
        -------
        numpy.ndarray, shape (n_windows,)
            As of :class:`Memory`.
        """
        return self._found.gain

    def attention(self) -> NDArray[np.float32]:
        """
        Let windows of a kind attend to each other.

        Returns
        -------
        numpy.ndarray, shape (n_windows, n_windows)
            As of :class:`Memory`.
        """
        return self._found.attention(self._kinds)


def _squares(values: _Array, covariance: _Array) -> _Array:
    """Squares of vectors in units of their covariance."""
    solved = np.linalg.solve(covariance, values[..., np.newaxis])[..., 0]
    return np.asarray(np.einsum("tk,tk->t", values, solved))
