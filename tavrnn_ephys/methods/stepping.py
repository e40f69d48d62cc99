"""What a fitted model offers to a stream: one window in, its embedding out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_units import GraphUnits

__all__ = ["DenseGraph", "StreamStep", "stream_step"]


@dataclass(frozen=True, kw_only=True)
class DenseGraph:
    """
    The graph of one window with its zeros written out.

    Parameters
    ----------
    weights : numpy.ndarray of float32, shape (n_nodes, n_nodes)
        Signed weights of the edges, symmetric; zero where there is no edge, and on the diagonal.
    degrees : numpy.ndarray of float64, shape (n_nodes,)
        Sum of the absolute weights of each node's edges.
    n_edges : numpy.ndarray of int64, shape (n_nodes,)
        Number of edges of each node.
    """

    weights: NDArray[np.float32]
    degrees: NDArray[np.float64]
    n_edges: NDArray[np.int64]


@runtime_checkable
class StreamStep(Protocol):
    """
    A fitted model, advanced window by window with what it remembers.

    Attributes
    ----------
    node_ids : numpy.ndarray of str, shape (n_nodes,)
        Nodes of the fit.
    units : GraphUnits
        Bins, windows, measure and threshold of the fit.
    lookback : int
        Number of windows before the present one that the embedding is taken from.
    """

    node_ids: NDArray[np.str_]
    units: GraphUnits
    lookback: int

    def reset(self) -> None:
        """Forget every window."""
        ...

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
            Mean and standard deviation of each node, both of shape (n_nodes, width), of their
            own.
        """
        ...

    def commit(self) -> None:
        """Remember the window that was embedded last; without this it leaves no trace."""
        ...

    def weights(self) -> list[NDArray[Any]]:
        """
        Return all that the embedding depends on beside the windows, by which a model is known.

        Returns
        -------
        list of numpy.ndarray
            In an order of the model's own.
        """
        ...

    def state(self) -> dict[str, NDArray[Any]]:
        """
        Return what is remembered.

        Returns
        -------
        dict of str to numpy.ndarray
            For :meth:`restore`.
        """
        ...

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """
        Remember what another object of the same model remembered.

        Parameters
        ----------
        state : mapping of str to numpy.ndarray
            What :meth:`state` gave.
        """
        ...


def stream_step(model: Any, session: str | None = None) -> StreamStep:
    """
    Ask a fitted model for the step that serves a stream.

    Parameters
    ----------
    model : object
        A fitted model with a method ``stream_step(session)``, such as :class:`tavrnn_ephys.TAVRNN`.
    session : str, optional
        Which of its sessions; needed where there are several.

    Returns
    -------
    StreamStep
        The step, with nothing remembered.

    Raises
    ------
    InputError
        If the model has no way to embed windows one by one.
    """
    make = getattr(model, "stream_step", None)
    if make is None:
        raise InputError(
            f"{type(model).__name__} has no streaming path. Stream a fitted TAVRNN, or embed the "
            "recording when it has ended."
        )
    step: StreamStep = make(session)
    return step
