"""One window through the factors of a session, for a stream."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.stepping import DenseGraph
from tavrnn_ephys.methods.tavrnn.factors.filtering import FilterState, filter_states
from tavrnn_ephys.methods.tavrnn.factors.network import FactorNetwork
from tavrnn_ephys.methods.tavrnn.factors.reading import FactorReader
from tavrnn_ephys.methods.tavrnn.sessions import Session

__all__ = ["FactorStep"]

# Share of attention that may go to windows before the first, once a stream has settled; and the
# number of windows that are looked at.
_LEFT_OUT, _FARTHEST = 0.05, 200


class FactorStep:
    """
    The factors of a session, one window at a time, on the CPU.

    Parameters
    ----------
    session : Session
        What a fit learnt.

    Attributes
    ----------
    lookback : int
        Windows back to which all but a twentieth of the attention of a window goes; where kinds
        return, after which the kind before them moves the probability of kinds by a twentieth.

    Raises
    ------
    InputError
        If the embedding needs later windows.
    """

    def __init__(self, session: Session) -> None:
        network = session.network.cpu()
        if network.options.smoothing == "two_sided":
            raise InputError(
                'smoothing="two_sided" needs windows that have not come yet. Leave it out for a '
                "stream."
            )
        self.units, self.node_ids = session.units, session.node_ids
        self._network, self._reader = network, FactorReader(network)
        self.lookback = _reach(network)
        self.reset()

    def reset(self) -> None:
        """Forget every window."""
        self._state = self._pending = self._network.initial_state()

    def embed(self, graph: DenseGraph) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """
        Embed a window that follows the last one that was committed.

        Parameters
        ----------
        graph : DenseGraph
            Its graph.

        Returns
        -------
        tuple of numpy.ndarray of float32
            Mean and standard deviation of each node, both of shape (n_nodes, width).
        """
        weights = torch.from_numpy(np.asarray(graph.weights))
        with torch.inference_mode(False), torch.no_grad(), torch.autocast("cpu", enabled=False):
            mean, std, found = self._reader.embedded([(weights, None)], self._state)
        self._pending = found.last
        return mean[0], std[0]

    def commit(self) -> None:
        """Remember the window that was embedded last."""
        self._state = self._pending

    def weights(self) -> list[NDArray[Any]]:
        """
        Return all that the embedding depends on beside the windows.

        Returns
        -------
        list of numpy.ndarray
            What the fit learnt.
        """
        has_kinds = self._network.kinds.known() is not None
        return [
            tensor.numpy()
            for name, tensor in sorted(self._network.named_buffers())
            if has_kinds or not name.startswith("kinds.")
        ]

    def state(self) -> dict[str, NDArray[Any]]:
        """
        Return what is remembered.

        Returns
        -------
        dict of str to numpy.ndarray
            For :meth:`restore`.
        """
        return {name: value.copy() for name, value in self._state._asdict().items()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """
        Remember what another step of the same model remembered.

        Parameters
        ----------
        state : mapping of str to numpy.ndarray
            What :meth:`state` gave.
        """
        known = {name: np.array(state[name]) for name in FilterState._fields if name in state}
        self._state = FilterState(**known)


def _reach(network: FactorNetwork) -> int:
    """Say how many windows back attention goes once the filter has settled."""
    kinds = network.kinds.known()
    if kinds is not None:
        return kinds.forgotten_after(_LEFT_OUT, _FARTHEST)
    decay, precision = network.decay.cpu().numpy(), network.precision()
    if network.options.recurrence != "state_space":
        return 0
    nothing = np.zeros((_FARTHEST, len(decay)))
    found = filter_states(nothing, np.tile(precision, (_FARTHEST, 1, 1)), decay)
    sureness = np.diagonal(precision)
    added = np.diagonal(found.covariance[-1]) * sureness
    lags = np.arange(_FARTHEST)[:, np.newaxis]
    share = np.abs(added * found.retained(decay)[-1] ** lags) @ sureness
    total = share.sum()
    return int(np.searchsorted(share.cumsum(), (1 - _LEFT_OUT) * total)) if total > 0 else 0
