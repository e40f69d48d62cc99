"""Gaussian states with and without memory: hidden Markov model, and k-means."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.logs import only_errors

__all__ = ["HeldOut", "fit_model", "hold_out", "predict_states"]

_N_STARTS = 3
_N_ITERATIONS = 100
# So many windows are added to every count: nothing beside one window, and no zero.
_LITTLE = 1e-3


def fit_model(
    points: NDArray[np.float64],
    n_states: int,
    *,
    method: str = "hmm",
    lengths: list[int] | None = None,
    seed: int = 0,
) -> Any:
    """
    Fit states to windows.

    Parameters
    ----------
    points : numpy.ndarray, shape (n_windows, n_components)
        Windows as points, in order of time.
    n_states : int
        Number of states.
    method : {"hmm", "kmeans"}
        Hidden Markov model with diagonal Gaussians [1]_, or k-means, which knows no time.
    lengths : list of int, optional
        Lengths of the stretches that follow one another without a gap.
    seed : int
        Seed of the starts, of which the best one counts.

    Returns
    -------
    object
        A fitted estimator of hmmlearn or scikit-learn.

    References
    ----------
    .. [1] Rabiner (1989), Proc. IEEE 77, 257-286.
    """
    if method == "kmeans":
        from sklearn.cluster import KMeans

        return KMeans(n_states, n_init=_N_STARTS, random_state=seed).fit(points)
    from hmmlearn.hmm import GaussianHMM

    # A state of one window would have no variance, and a likelihood without bound.
    floor = 1e-2 * float(points.var(axis=0).mean()) + 1e-12
    fits = []
    for start in range(_N_STARTS if n_states > 1 else 1):
        model = GaussianHMM(
            n_states,
            covariance_type="diag",
            n_iter=_N_ITERATIONS,
            min_covar=floor,
            # A state that is never left, or holds no window, would divide zero by zero.
            startprob_prior=1.0 + _LITTLE,
            transmat_prior=1.0 + _LITTLE,
            means_weight=_LITTLE,
            random_state=seed + start,
        )
        # It would write that a fit goes down by rounding: the best start counts.
        with only_errors("hmmlearn"):
            model.fit(points, lengths)
        fits.append((model.score(points, lengths), model))
    return max(fits, key=lambda item: item[0])[1]


def predict_states(
    model: Any, points: NDArray[np.float64], lengths: list[int] | None = None
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """
    Say which state each window is in.

    Parameters
    ----------
    model : object
        As :func:`fit_model` returns it.
    points : numpy.ndarray, shape (n_windows, n_components)
        Windows as points.
    lengths : list of int, optional
        Lengths of the stretches that follow one another without a gap.

    Returns
    -------
    tuple of numpy.ndarray
        The state of each window, shape (n_windows,), on the most likely path; and the probability
        of each state, shape (n_windows, n_states), ones and zeros for k-means.
    """
    if hasattr(model, "predict_proba"):
        # Viterbi for the path: single windows do not tear a stay in two.
        return model.predict(points, lengths), model.predict_proba(points, lengths)
    states = model.predict(points).astype(np.int64)
    return states, np.eye(model.n_clusters)[states]


@dataclass(frozen=True, kw_only=True)
class HeldOut:
    """
    How a number of states fares on blocks of time that it was not fitted to.

    Parameters
    ----------
    likelihood : float
        Mean logarithmic likelihood per held-out window, in nats.
    stability : float
        Mean agreement, as adjusted Rand index, of the states that models fitted without different
        blocks give to all windows; 1 for one state.
    """

    likelihood: float
    stability: float


def hold_out(
    points: NDArray[np.float64],
    n_states: int,
    *,
    n_blocks: int,
    gap: int,
    lengths: list[int] | None = None,
    seed: int = 0,
) -> HeldOut:
    """
    Fit a hidden Markov model without each of a few blocks of time, and see what comes of it.

    Parameters
    ----------
    points : numpy.ndarray, shape (n_windows, n_components)
        Windows as points.
    n_states : int
        Number of states.
    n_blocks : int
        Number of blocks, each held out once.
    gap : int
        Windows on either side of a held-out block that are left out of training: those that overlap
        it.
    lengths : list of int, optional
        Lengths of the stretches that follow one another without a gap; one stretch by default.
    seed : int
        Seed of the fits.

    Returns
    -------
    HeldOut
        Likelihood of what was held out, and stability of the states.

    Notes
    -----
    States that are there are found whichever block is left out, so that two such models give the
    windows equal names up to their order: the stability of clusters under subsampling [1]_.

    References
    ----------
    .. [1] Ben-Hur, Elisseeff & Guyon (2002), Pacific Symposium on Biocomputing 7, 6-17.
    """
    from sklearn.metrics import adjusted_rand_score

    limits = np.linspace(0, len(points), n_blocks + 1).astype(int)
    stretches = np.repeat(np.arange(len(lengths or [0])), lengths or [len(points)])
    total, named = 0.0, []
    for first, last in zip(limits[:-1], limits[1:], strict=True):
        before, after = slice(0, max(first - gap, 0)), slice(last + gap, None)
        model = fit_model(
            np.concatenate([points[before], points[after]]),
            n_states,
            lengths=[*_runs(stretches[before]), *_runs(stretches[after])],
            seed=seed,
        )
        total += float(model.score(points[first:last], _runs(stretches[first:last])))
        named.append(predict_states(model, points, lengths)[0])
    agreement = [adjusted_rand_score(*pair) for pair in combinations(named, 2)]
    return HeldOut(likelihood=total / len(points), stability=float(np.mean(agreement)))


def _runs(stretches: NDArray[np.intp]) -> list[int]:
    """Windows of each stretch, of some windows in order of time."""
    counts: list[int] = np.unique(stretches, return_counts=True)[1].tolist()
    return counts
