"""One vector per node and window."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core import html as _html
from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.containers._base import freeze, frozen_array, require
from tavrnn_ephys.core.containers.nodes import Nodes, OverNodes
from tavrnn_ephys.core.containers.windows import Windows
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.frozen import FrozenMapping

__all__ = ["NodeEmbedding"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class NodeEmbedding(OverNodes):
    """
    What a model says of every node in every window.

    Parameters
    ----------
    mean, std : array_like of float, shape (n_windows, n_nodes, latent_size)
        Mean and standard deviation of the posterior of the latent variable.
    windows : Windows
        The windows.
    nodes : Nodes
        Node order.
    attention : array_like of float, shape (n_windows, n_windows), optional
        Row ``t`` holds the weights of windows up to ``t``; each row sums to 1.
    history : array_like of float, shape (n_windows, latent_size), optional
        Embedding of the history node.
    config : mapping of str to scalar
        Every option that led here, under dotted keys such as ``"model.hidden_size"``.
    versions : mapping of str to str
        Version of each package that took part.
    seed : int, optional
        Seed of the model.

    Raises
    ------
    InputError
        If the shapes disagree.

    Examples
    --------
    >>> from tavrnn_ephys.core.containers import Nodes, Windows
    >>> embedding = NodeEmbedding(
    ...     mean=[[[1.0, 2.0], [3.0, 4.0]]],
    ...     std=[[[0.1, 0.1], [0.1, 0.1]]],
    ...     windows=Windows(start_s=[0.0], stop_s=[2.0]),
    ...     nodes=Nodes(ids=["a", "b"]),
    ... )
    >>> embedding.n_windows, embedding.window_embedding()
    (1, array([[1., 2., 3., 4.]], dtype=float32))
    """

    mean: Any
    std: Any
    windows: Windows
    nodes: Nodes
    attention: Any = None
    history: Any = None
    config: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)
    seed: int | None = None

    def __post_init__(self) -> None:
        arrays = {
            name: None if value is None else frozen_array(value, dtype=np.float32)
            for name, value in (
                ("mean", self.mean),
                ("std", self.std),
                ("attention", self.attention),
                ("history", self.history),
            )
        }
        n_windows, n_nodes = len(self.windows), len(self.nodes)
        mean = arrays["mean"]
        if mean is None or mean.ndim != 3 or mean.shape[:2] != (n_windows, n_nodes):
            raise InputError(
                f"mean must have shape ({n_windows}, {n_nodes}, latent_size), "
                f"got {np.shape(self.mean)}."
            )
        expected = {
            "std": mean.shape,
            "attention": (n_windows, n_windows),
            "history": (n_windows, mean.shape[2]),
        }
        for name, shape in expected.items():
            array = arrays[name]
            if array is not None:
                require(array.shape == shape, f"{name} has shape {array.shape}, expected {shape}.")
        freeze(
            self,
            **arrays,
            config=FrozenMapping(dict(self.config)),
            versions=FrozenMapping(dict(self.versions)),
        )

    @property
    def n_windows(self) -> int:
        """Number of windows."""
        return len(self.windows)

    @property
    def latent_size(self) -> int:
        """Width of the embedding of one node."""
        return self.mean.shape[2]

    def window_embedding(self, how: str = "concatenate") -> NDArray[np.float32]:
        """
        Return one vector per window.

        Parameters
        ----------
        how : {"concatenate", "mean", "history"}
            All nodes one after the other in node order, their mean, or the history node.

        Returns
        -------
        numpy.ndarray
            Shape (n_windows, n_nodes * latent_size) for ``"concatenate"``, else
            (n_windows, latent_size).

        Raises
        ------
        InputError
            If ``how`` is unknown, or the graphs had no history node.
        """
        one_of(how, ("concatenate", "mean", "history"), "how")
        if how == "concatenate":
            return self.mean.reshape(self.n_windows, -1)
        if how == "mean":
            return self.mean.mean(axis=1)
        if self.history is None:
            raise InputError(
                'These graphs had no history node: use how="concatenate", or build them with '
                "history_node=True."
            )
        return self.history

    def __repr__(self) -> str:
        return (
            f"NodeEmbedding: {self.n_windows} windows x {self.n_nodes} {self.node_kind}s x "
            f"{self.latent_size}, {'with' if self.attention is not None else 'without'} attention"
        )

    def _repr_html_(self) -> str:
        points = _html.first_components(self.window_embedding())
        picture = _html.path(points, "windows in the plane of the embedding")
        return _html.card(repr(self), picture, "windows from the first (blue) to the last (orange)")
