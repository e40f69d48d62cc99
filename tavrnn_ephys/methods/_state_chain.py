"""A Markov chain of states, given how likely each state makes each window."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import logsumexp

from tavrnn_ephys.core.errors import MissingDependencyError

__all__ = ["filtered_states", "hidden_markov_models", "state_chain"]

_FLOOR = 1e-12
# Before data a state lasts about ten windows, and its transitions count as two.
_FIRST_STAY, _TRUST = 0.9, 2.0


def hidden_markov_models() -> Any:
    """Give the module ``hmmlearn.hmm``, or say how it is installed."""
    try:
        from hmmlearn import hmm
    except ImportError:
        raise MissingDependencyError(
            "The hidden Markov model needs the package hmmlearn. Install it: pip install hmmlearn."
        ) from None
    return hmm


def filtered_states(
    log_likelihood: NDArray[np.float64],
    start: NDArray[np.float64],
    transitions: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Probability of each state given the windows so far: no later window has a say."""
    log_transitions = np.log(transitions + _FLOOR)
    found = np.empty_like(log_likelihood)
    before = np.log(start + _FLOOR)
    for window, row in enumerate(log_likelihood):
        joint = before + row
        found[window] = joint - logsumexp(joint)
        before = logsumexp(found[window][:, np.newaxis] + log_transitions, axis=0)
    return np.exp(found)


def state_chain(n_states: int) -> Any:
    """
    Build a chain whose samples are log-likelihoods, shape (n_windows, n_states).

    Its ``fit`` makes one step of expectation and maximisation of the transitions, for the emissions
    are learnt elsewhere; ``predict_proba`` gives the states of windows.
    """
    hidden_markov_models()
    from hmmlearn.base import BaseHMM

    class StateChain(BaseHMM):
        """Windows come with the log-likelihood of every state."""

        def _compute_log_likelihood(self, samples: NDArray[np.float64]) -> NDArray[np.float64]:
            return samples

        def _get_n_fit_scalars_per_param(self) -> None:
            return None

    chain = StateChain(
        n_states,
        startprob_prior=_TRUST,
        transmat_prior=1.0 + _TRUST * np.eye(n_states),
        n_iter=1,
        init_params="",
    )
    chain.startprob_ = np.full(n_states, 1.0 / n_states)
    chain.transmat_ = np.full((n_states, n_states), (1.0 - _FIRST_STAY) / n_states)
    chain.transmat_ += _FIRST_STAY * np.eye(n_states)
    return chain
