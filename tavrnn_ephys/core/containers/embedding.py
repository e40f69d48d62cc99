"""One vector per node and window."""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core import html as _html
from tavrnn_ephys.core.checks import one_of, some
from tavrnn_ephys.core.containers._base import STRIPE, freeze, frozen_array, require
from tavrnn_ephys.core.containers._frames import vectors_frame
from tavrnn_ephys.core.containers._labelled import (
    load_xarray,
    node_attributes,
    node_coordinates,
    require_variables,
    window_coordinates,
)
from tavrnn_ephys.core.containers.nodes import Nodes, OverNodes
from tavrnn_ephys.core.containers.windows import Windows
from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.core.frozen import FrozenMapping
from tavrnn_ephys.core.names import several

if TYPE_CHECKING:
    import pandas
    import xarray

__all__ = ["NodeEmbedding"]

# Axes of what an embedding may lack.
_OPTIONAL = {"attention": ("window", "attended"), "history": ("window", "latent")}


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class NodeEmbedding(OverNodes):
    """
    What a model says of every node in every window.

    Parameters
    ----------
    mean, std : array_like of float, shape (n_windows, n_nodes, latent_size)
        Mean and standard deviation of the posterior of the latent variable; NaN where a node
        does not exist in a window.
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
        If the shapes disagree, or a mean is infinite or in part NaN.

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
        _require_whole_vectors(mean)
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

    def __len__(self) -> int:
        return len(self.windows)

    def __iter__(self) -> Iterator[NDArray[np.float32]]:
        return iter(self.mean)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, int | np.integer):
            return self.mean[index]
        return self.select(index)

    def select(self, index: Any) -> NodeEmbedding:
        """
        Return some of the windows as an embedding of its own.

        Parameters
        ----------
        index : slice, array_like of int or array_like of bool
            Which windows, in chronological order.

        Returns
        -------
        NodeEmbedding
            Without attention, whose rows sum to 1 over all windows only.
        """
        return NodeEmbedding(
            mean=self.mean[index],
            std=self.std[index],
            windows=self.windows.select(index),
            nodes=self.nodes,
            history=None if self.history is None else self.history[index],
            config=self.config,
            versions=self.versions,
            seed=self.seed,
        )

    def to_dataframe(self) -> pandas.DataFrame:
        """
        Return a row per window and node.

        Returns
        -------
        pandas.DataFrame
            ``window_index``, ``start_s``, ``stop_s``, ``node_id``, ``group``, then the mean as
            ``mean_0``, ``mean_1``, … and the standard deviation as ``std_0``, ``std_1``, ….
        """
        return vectors_frame(self.windows, self.nodes, {"mean": self.mean, "std": self.std})

    def to_xarray(self) -> xarray.Dataset:
        """
        Return labelled arrays: ``mean`` and ``std`` over ``window``, ``node`` and ``latent``.

        Returns
        -------
        xarray.Dataset
            Also ``attention`` and ``history`` where they are known; windows, nodes and groups are
            coordinates, the configuration is an attribute.

        Raises
        ------
        InputError
            If xarray is not installed, or a window column has the name of an axis.
        """
        optional = {name: getattr(self, name) for name in _OPTIONAL}
        return load_xarray().Dataset(
            {
                "mean": (("window", "node", "latent"), self.mean),
                "std": (("window", "node", "latent"), self.std),
                **{
                    name: (_OPTIONAL[name], values)
                    for name, values in optional.items()
                    if values is not None
                },
            },
            coords={**window_coordinates(self.windows), **node_coordinates(self.nodes)},
            attrs={
                **node_attributes(self.nodes),
                "config": json.dumps(dict(self.config)),
                "versions": json.dumps(dict(self.versions)),
                "seed": json.dumps(self.seed),
            },
        )

    @classmethod
    def from_xarray(cls, data: xarray.Dataset) -> NodeEmbedding:
        """
        Take an embedding from labelled arrays.

        Parameters
        ----------
        data : xarray.Dataset
            As :meth:`to_xarray` makes it.

        Returns
        -------
        NodeEmbedding
            Equal to the one that it was made of.

        Raises
        ------
        InputError
            If a variable is missing.
        """
        require_variables(data, ("mean", "std", "node"), "NodeEmbedding.from_xarray")
        return cls(
            mean=data["mean"].values,
            std=data["std"].values,
            windows=Windows.from_xarray(data),
            nodes=Nodes.from_xarray(data),
            **{name: data[name].values for name in _OPTIONAL if name in data},
            config=json.loads(data.attrs.get("config", "{}")),
            versions=json.loads(data.attrs.get("versions", "{}")),
            seed=json.loads(data.attrs.get("seed", "null")),
        )

    @property
    def n_windows(self) -> int:
        """Number of windows."""
        return len(self.windows)

    @property
    def latent_size(self) -> int:
        """Width of the embedding of one node."""
        return self.mean.shape[2]

    @property
    def node_mask(self) -> NDArray[np.bool_]:
        """Which nodes exist in each window, shape (n_windows, n_nodes)."""
        return np.isfinite(self.mean[:, :, 0])

    def window_embedding(self, how: str = "concatenate") -> NDArray[np.float32]:
        """
        Return one vector per window.

        Parameters
        ----------
        how : {"concatenate", "mean", "history"}
            All nodes that exist in every window, one after the other in node order; the mean over
            the nodes of each window; or the history node.

        Returns
        -------
        numpy.ndarray
            Shape (n_windows, n_nodes * latent_size) for ``"concatenate"``, else
            (n_windows, latent_size).

        Raises
        ------
        InputError
            If ``how`` is unknown, the graphs had no history node, or no node exists in every
            window.

        Warns
        -----
        DataLossWarning
            If nodes that do not exist in every window are left out of ``"concatenate"``.
        """
        one_of(how, ("concatenate", "mean", "history"), "how")
        if how == "concatenate":
            return self._concatenated()
        if how == "mean":
            return _mean_of_present(self.mean, self.node_mask)
        if self.history is None:
            raise InputError(
                'These graphs had no history node: use how="concatenate", or build them with '
                "history_node=True."
            )
        return self.history

    def _concatenated(self) -> NDArray[np.float32]:
        throughout = self.node_mask.all(axis=0)
        if throughout.all():
            return self.mean.reshape(self.n_windows, -1)
        n_lost = int((~throughout).sum())
        if n_lost == self.n_nodes:
            raise InputError(
                f"None of the {self.n_nodes} {several(self.node_kind)} exists in every window, "
                'so that windows cannot be laid side by side: use how="mean".'
            )
        warnings.warn(
            f"{n_lost} of {self.n_nodes} {several(self.node_kind)} do not exist in every window "
            f"and are left out of the vectors of windows: {some(self.node_ids[~throughout])}.",
            DataLossWarning,
            stacklevel=3,
        )
        return self.mean[:, throughout].reshape(self.n_windows, -1)

    def __repr__(self) -> str:
        return (
            f"NodeEmbedding: {self.n_windows} windows x {self.n_nodes} {several(self.node_kind)} x "
            f"{self.latent_size}, {'with' if self.attention is not None else 'without'} attention"
        )

    def _repr_html_(self) -> str:
        points = _html.first_components(np.nan_to_num(self.mean).reshape(self.n_windows, -1))
        picture = _html.path(points, "windows in the plane of the embedding")
        return _html.card(repr(self), picture, "windows from the first (blue) to the last (orange)")


def _require_whole_vectors(mean: NDArray[np.float32]) -> None:
    """Look at some windows at a time: the array may lie in a file, and exceed the memory."""
    place = np.zeros((0, 2), int)
    for first in range(0, len(mean), STRIPE):
        part = mean[first : first + STRIPE]
        finite = np.isfinite(part)
        known = finite.any(axis=2)
        whole = np.where(known, finite.all(axis=2), np.isnan(part).all(axis=2))
        if not whole.all():
            place = np.argwhere(~whole) + [first, 0]
            break
    if mean.shape[2] == 0 or len(place):
        detail = f"window {place[0, 0]}, node {place[0, 1]}" if len(place) else "no coordinate"
        raise InputError(
            f"mean holds infinite or partly missing vectors ({detail}). A node has all its "
            "coordinates, or NaN in all where it does not exist."
        )


def _mean_of_present(mean: NDArray[np.float32], present: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Average over the nodes of each window; NaN for a window without any."""
    if present.all():
        return mean.mean(axis=1)
    n_present = present.sum(axis=1)[:, np.newaxis]
    total = np.nan_to_num(mean, nan=0.0).sum(axis=1, dtype=np.float64)
    means = total / np.maximum(n_present, 1)
    return np.where(n_present > 0, means, np.nan).astype(np.float32)
