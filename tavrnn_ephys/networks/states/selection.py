"""How many states there are: components beyond chance, likelihood held out, and stability."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.networks.states.features import Components
from tavrnn_ephys.networks.states.hidden_markov import HeldOut, hold_out
from tavrnn_ephys.statistics.nulls import p_from_counts

__all__ = ["LEAST_STABILITY", "StateEvidence", "best_number", "choose_n_states"]

_N_BLOCKS = 4
#: Least mean agreement of states that were found without different blocks.
LEAST_STABILITY = 0.5


@dataclass(frozen=True, kw_only=True)
class StateEvidence:
    """
    Why a number of states was chosen.

    Parameters
    ----------
    sizes : numpy.ndarray, shape (n_components,)
        Singular value of each component of the windows.
    null_limits : numpy.ndarray, shape (n_components,)
        Largest one of the surrogates, component by component.
    n_components : int
        How many components, from the first on, are larger than in every surrogate.
    p_value : float
        Share of the surrogates whose first component is at least as large, the recording counted
        in.
    smallest_p : float
        Smallest p-value that so many surrogates can give.
    likelihoods : tuple of float
        Held-out logarithmic likelihood per window, in nats, of 1, 2, … states; empty where no
        component is beyond chance.
    stabilities : tuple of float
        Agreement of the states that are found without different blocks of time, as adjusted Rand
        index, of 1, 2, … states.
    """

    sizes: NDArray[np.float64]
    null_limits: NDArray[np.float64]
    n_components: int
    p_value: float
    smallest_p: float = np.nan
    likelihoods: tuple[float, ...] = ()
    stabilities: tuple[float, ...] = ()


def choose_n_states(
    features: NDArray[np.float64],
    surrogates: Iterable[NDArray[np.float64]],
    *,
    max_states: int,
    gap: int,
    lengths: list[int],
    seed: int,
) -> tuple[int, StateEvidence]:
    """
    Choose the number of states.

    Parameters
    ----------
    features : numpy.ndarray, shape (n_windows, n_features)
        One row per window.
    surrogates : iterable of numpy.ndarray
        The same for each surrogate; one at a time is held.
    max_states : int
        Most states that are tried.
    gap : int
        Windows that a window overlaps.
    lengths : list of int
        Windows of each stretch without a gap.
    seed : int
        Seed of the fits.

    Returns
    -------
    tuple of int and StateEvidence
        The number, and why.

    Notes
    -----
    Parallel analysis [1]_ says how many components are larger than in every surrogate.  States in
    general position span one dimension less than their number, so ``d`` components allow for at
    most ``d + 1`` states: a state more in ``d`` dimensions would be windows between two states.
    Among these numbers the held-out likelihood decides, where models that were fitted without
    different blocks of time agree on the states.

    References
    ----------
    .. [1] Horn (1965), Psychometrika 30, 179-185.
    """
    kept = max(max_states - 1, 1)
    components = Components.fit(features, kept)
    null = np.stack([Components.fit(item, kept).sizes for item in surrogates])
    kept = min(len(components.sizes), null.shape[1])
    sizes, limits = components.sizes[:kept], null.max(axis=0)[:kept]
    beyond = sizes > limits
    n_components = kept if beyond.all() else int(np.argmin(beyond))
    found = []
    if n_components:
        points = components.points(features, n_components)
        found = [
            hold_out(points, number, n_blocks=_N_BLOCKS, gap=gap, lengths=lengths, seed=seed)
            for number in range(1, min(n_components + 1, max_states) + 1)
        ]
    evidence = StateEvidence(
        sizes=sizes,
        null_limits=limits,
        n_components=n_components,
        p_value=float(p_from_counts(np.sum(null[:, 0] >= sizes[0]), len(null))),
        smallest_p=float(p_from_counts(0, len(null))),
        likelihoods=tuple(item.likelihood for item in found),
        stabilities=tuple(item.stability for item in found),
    )
    return best_number(found), evidence


def best_number(found: Sequence[HeldOut]) -> int:
    """
    Choose the most likely number of states among those that are stable.

    Parameters
    ----------
    found : sequence of HeldOut
        What came of 1, 2, … states.

    Returns
    -------
    int
        The number; 1, which is stable always, where there is nothing to choose from.

    Examples
    --------
    >>> likely = HeldOut(likelihood=2.0, stability=0.1)
    >>> best_number([HeldOut(likelihood=0.0, stability=1.0), likely])
    1
    """
    stable = {
        number: item.likelihood
        for number, item in enumerate(found, start=1)
        if number == 1 or item.stability >= LEAST_STABILITY
    }
    return max(stable, key=lambda number: stable[number]) if stable else 1
