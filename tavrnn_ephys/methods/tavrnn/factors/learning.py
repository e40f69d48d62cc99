"""Learning factors by expectation maximisation, one sweep over the windows a step."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.progress import progress_bar
from tavrnn_ephys.methods.tavrnn.factors.filtering import DECAYS
from tavrnn_ephys.methods.tavrnn.factors.fit import FactorFit

__all__ = ["judge", "learn"]

_Array = NDArray[np.float64]
_START_DECAY = 0.8
# Sweeps in which states are as uncertain as they are, after those that learn.
_JUDGING_SWEEPS = 17
# Twice the drop of the log-likelihood at the ends of an interval of 95 %.
_HALF_DROP = 1.92


def learn(
    fits: Sequence[FactorFit],
    *,
    n_sweeps: int,
    decay: _Array | None = None,
    verbose: bool = False,
) -> tuple[list[dict[str, float]], tuple[_Array, _Array]]:
    """
    Learn the factors of sessions, which share the decay of their states.

    Parameters
    ----------
    fits : sequence of FactorFit
        The sessions.
    n_sweeps : int
        Sweeps over all windows.
    decay : numpy.ndarray, shape (latent_size,), optional
        Decay that is known from other sessions, and kept.
    verbose : bool
        Whether a progress bar is shown on a terminal.

    Returns
    -------
    history : list of dict of str to float
        Per sweep the share of the pairs' variance that factors do not explain
        (``"reconstruction"``).
    interval : tuple of numpy.ndarray, shape (latent_size,)
        Ends of the interval of 95 % of each decay.
    """
    options = fits[0].options
    recurrent = options.recurrence == "state_space"
    known = np.full(options.latent_size, _START_DECAY if recurrent else 0.0)
    _set_decay(fits, known if decay is None else decay)
    for fit in fits:
        fit.start()
    history: list[dict[str, float]] = []
    likelihood = np.zeros((len(DECAYS), options.latent_size))
    for _ in progress_bar(range(n_sweeps), what="training", unit="sweep", verbose=verbose):
        likelihood = np.sum([fit.sweep() for fit in fits], axis=0)
        if decay is None and recurrent:
            _set_decay(fits, DECAYS[likelihood.argmax(axis=0)])
        history.append({"reconstruction": float(np.mean([_unexplained(fit) for fit in fits]))})
    return history, _interval(likelihood)


def judge(fits: Sequence[FactorFit], *, verbose: bool = False) -> list[NDArray[np.bool_]]:
    """
    Say of each session which of its factors are told from noise.

    Sweeps go on with the variance of states taken into account, under which factors that hold
    noise vanish.  Windows that share bins share noise, which would count as often as there are
    such windows: only those go on that share none.  The fits keep what they have learnt here, and
    their decays from before.

    Parameters
    ----------
    fits : sequence of FactorFit
        Sessions whose factors are learnt.
    verbose : bool
        Whether a progress bar is shown on a terminal.

    Returns
    -------
    list of numpy.ndarray of bool, shape (n_factors,)
        One per session.
    """
    decay, free = fits[0].decay, fits[0].options.recurrence == "state_space"
    for fit in fits:
        fit.held = fit.windows.sharing()
    sweeps = range(_JUDGING_SWEEPS)
    for _ in progress_bar(sweeps, what="judging factors", unit="sweep", verbose=verbose):
        likelihood = np.sum([fit.sweep(uncertain=True) for fit in fits], axis=0)
        if free:
            _set_decay(fits, DECAYS[likelihood.argmax(axis=0)])
    told = [fit.reliable() for fit in fits]
    for fit in fits:
        fit.decay, fit.held = decay, None
    return told


def _set_decay(fits: Sequence[FactorFit], decay: _Array) -> None:
    for fit in fits:
        fit.decay = decay


def _unexplained(fit: FactorFit) -> float:
    explained = np.diagonal(fit.loadings.said.precision)
    return 1.0 - float((explained * (fit.states**2).mean(axis=0)).sum()) / (
        fit.windows.variance or 1.0
    )


def _interval(likelihood: _Array) -> tuple[_Array, _Array]:
    """Decays that the data do not tell from the best one."""
    near = likelihood >= likelihood.max(axis=0) - _HALF_DROP
    low = DECAYS[near.argmax(axis=0)]
    return low, DECAYS[len(DECAYS) - 1 - near[::-1].argmax(axis=0)]
