"""How many states there are: components beyond chance, then held-out likelihood."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.networks.states.features import Components
from tavrnn_ephys.networks.states.hidden_markov import held_out_likelihood

__all__ = ["StateEvidence", "choose_n_states"]

_N_BLOCKS = 4


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
    n_surrogates : int
        Number of surrogates; 1 / (n_surrogates + 1) is the chance that one component is.
    likelihoods : tuple of float
        Held-out logarithmic likelihood per window, in nats, of 1, 2, … states; empty where no
        component is beyond chance.
    """

    sizes: NDArray[np.float64]
    null_limits: NDArray[np.float64]
    n_components: int
    n_surrogates: int
    likelihoods: tuple[float, ...] = ()

    @property
    def p_value(self) -> float:
        """Chance that the first component is as large as it is, against the surrogates."""
        return 1 / (self.n_surrogates + 1) if self.n_components else 1.0


def choose_n_states(
    features: NDArray[np.float64],
    surrogates: Sequence[NDArray[np.float64]],
    *,
    max_states: int,
    gap: int,
    seed: int,
) -> tuple[int, StateEvidence]:
    """
    Choose the number of states.

    Parameters
    ----------
    features : numpy.ndarray, shape (n_windows, n_features)
        One row per window.
    surrogates : sequence of numpy.ndarray
        The same for each surrogate.
    max_states : int
        Most states that are tried.
    gap : int
        Windows that a window overlaps.
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
    Among these numbers the held-out likelihood decides.

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
    found: dict[int, float] = {}
    if n_components:
        points = components.points(features, n_components)
        found = {
            number: held_out_likelihood(points, number, n_blocks=_N_BLOCKS, gap=gap, seed=seed)
            for number in range(1, min(n_components + 1, max_states) + 1)
        }
    evidence = StateEvidence(
        sizes=sizes,
        null_limits=limits,
        n_components=n_components,
        n_surrogates=len(surrogates),
        likelihoods=tuple(found.values()),
    )
    return max(found, key=lambda number: found[number]) if found else 1, evidence
