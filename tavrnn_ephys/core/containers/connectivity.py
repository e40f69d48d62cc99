"""One matrix of weights per window."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.core import html as _html
from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.containers._base import (
    freeze,
    frozen_array,
    in_double,
    is_symmetric,
    require,
    without_diagonal,
)
from tavrnn_ephys.core.containers._connectivity_tables import (
    connectivity_fields,
    connectivity_frame,
    connectivity_labelled,
)
from tavrnn_ephys.core.containers.nodes import Nodes, OverNodes
from tavrnn_ephys.core.containers.origin import Origin
from tavrnn_ephys.core.containers.windows import Windows
from tavrnn_ephys.core.graph_conversion import matrix_to_networkx
from tavrnn_ephys.core.matrix_file import MatrixSequence
from tavrnn_ephys.core.names import several

if TYPE_CHECKING:
    import networkx
    import pandas
    import xarray

__all__ = ["ConnectivitySequence"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ConnectivitySequence(OverNodes):
    """
    One signed functional-connectivity matrix per window.

    Parameters
    ----------
    weights : array_like of float, shape (n_windows, n_nodes, n_nodes)
        Symmetric weights, unless ``directed``; for correlations unitless and within [-1, 1].
        Those of :func:`~tavrnn_ephys.connectivity.stored.store_connectivity` lie in a file, and
        give an array for every window that is asked for.
    windows : Windows
        The window of each matrix.
    nodes : Nodes
        Row and column order of the matrices.
    measure : str
        Name of the measure.
    mean_activity : array_like of float, shape (n_windows, n_nodes), optional
        Mean activity of each node in each window: events per second for spike counts,
        the trace's own unit otherwise.
    lags_s : array_like of float, shape (n_windows, n_nodes, n_nodes), optional
        Lag in seconds at which a measure was taken: positive at ``[t, i, j]`` where node ``j``
        follows node ``i``.
    directed : bool
        Whether ``weights[t, i, j]``, from ``i`` to ``j``, may differ from ``weights[t, j, i]``.
    origin : Origin
        How the weights were computed; unknown by default, and no part of their equality.
    standard_errors : array_like of float, shape (n_windows, n_nodes, n_nodes), optional
        How far chance moves each weight, of measures that tell it; NaN where there is no weight.

    Raises
    ------
    InputError
        If the shapes disagree, or a matrix is not symmetric and ``directed`` is False.
    """

    weights: Any
    windows: Windows
    nodes: Nodes
    measure: str
    mean_activity: Any = None
    lags_s: Any = None
    directed: bool = False
    origin: Origin = field(default_factory=Origin, compare=False)
    standard_errors: Any = None

    def __post_init__(self) -> None:
        weights = _kept(self.weights)
        require(
            weights.dtype.kind in "biuf",
            f"weights must be real numbers, got the type {weights.dtype}.",
        )
        n_windows, n_nodes = len(self.windows), len(self.nodes)
        require(
            weights.shape == (n_windows, n_nodes, n_nodes),
            f"weights has shape {weights.shape}; {n_windows} windows of {n_nodes} nodes need "
            f"({n_windows}, {n_nodes}, {n_nodes}).",
        )
        for index, matrix in enumerate(weights):
            require(
                not np.isinf(matrix).any(),
                f"The connectivity of window {index} holds infinite weights. Check the measure.",
            )
        for index, matrix in enumerate(() if self.directed else weights):
            require(
                is_symmetric(matrix),
                f"The connectivity of window {index} is not symmetric. "
                "Say directed=True if that is meant.",
            )
        beside = {}
        for name in ("lags_s", "standard_errors"):
            values = getattr(self, name)
            if values is not None:
                values = frozen_array(values, dtype=np.float64)
                require(
                    values.shape == weights.shape,
                    f"{name} has shape {values.shape}, weights has {weights.shape}.",
                )
            beside[name] = values
        activity = self.mean_activity
        if activity is not None:
            activity = frozen_array(activity, dtype=np.float64)
            require(
                activity.shape == (n_windows, n_nodes),
                f"mean_activity has shape {activity.shape}, expected ({n_windows}, {n_nodes}).",
            )
        freeze(self, weights=weights, mean_activity=activity, **beside)

    @classmethod
    def _of_symmetric(cls, **values: Any) -> ConnectivitySequence:
        """Build without the look at every weight, which takes as long as their computation."""
        sequence = object.__new__(cls)
        values["weights"] = _kept(values["weights"])
        values["mean_activity"] = frozen_array(values["mean_activity"])
        missing = {"lags_s": None, "standard_errors": None, "directed": False}
        freeze(sequence, **missing, **{"origin": Origin(), **values})
        return sequence

    @classmethod
    def from_array(
        cls,
        weights: Any,
        *,
        node_ids: Any = None,
        node_kind: str = "unit",
        node_groups: Any = None,
        windows: Windows | None = None,
        measure: str = "custom",
        directed: bool = False,
    ) -> ConnectivitySequence:
        """
        Wrap connectivity matrices that were computed elsewhere.

        Parameters
        ----------
        weights : array_like of float, shape (n_windows, n_nodes, n_nodes)
            Symmetric matrices in chronological order.
        node_ids : array_like of str, shape (n_nodes,), optional
            Names of the nodes; ``"0"``, ``"1"``, … by default.
        node_kind : {"unit", "channel", "roi"}
            What a node is.
        node_groups : array_like of str, shape (n_nodes,), optional
            Subregion of each node.
        windows : Windows, optional
            Their windows; by default consecutive windows of one second.
        measure : str
            Name of the measure.
        directed : bool
            Whether the matrices may be asymmetric.

        Returns
        -------
        ConnectivitySequence
            The sequence.

        Raises
        ------
        InputError
            If the array is not a stack of square symmetric matrices.

        Examples
        --------
        >>> ConnectivitySequence.from_array(np.ones((3, 2, 2)))
        ConnectivitySequence: 3 windows x 2 units, custom
        """
        array = frozen_array(weights, dtype=np.float64)
        require(
            array.ndim == 3 and array.shape[1] == array.shape[2],
            f"weights must have shape (n_windows, n_nodes, n_nodes), got {array.shape}.",
        )
        if windows is None:
            starts = np.arange(len(array), dtype=np.float64)
            windows = Windows(start_s=starts, stop_s=starts + 1.0)
        ids = node_ids if node_ids is not None else range(array.shape[1])
        nodes = Nodes(ids=ids, kind=node_kind, groups=node_groups)
        return cls(weights=array, windows=windows, nodes=nodes, measure=measure, directed=directed)

    def __len__(self) -> int:
        return len(self.windows)

    def __iter__(self) -> Iterator[Any]:
        return iter(self.weights)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, int | np.integer):
            return self.weights[index]
        return self.select(index)

    def to_dataframe(self) -> pandas.DataFrame:
        """
        Return a row per window and pair of nodes.

        Returns
        -------
        pandas.DataFrame
            ``window_index``, ``start_s``, ``stop_s``, ``node_a`` and ``node_b`` with each pair
            once (of a directed measure ``source`` and ``target``, each arrow), ``weight``, and
            ``lag_s`` where the measure has lags.

        Examples
        --------
        >>> ConnectivitySequence.from_array(np.ones((1, 2, 2))).to_dataframe()["weight"].tolist()
        [1.0]
        """
        return connectivity_frame(self)

    def to_xarray(self) -> xarray.Dataset:
        """
        Return labelled arrays: ``weights`` over ``window``, ``node`` and ``node_to``.

        Returns
        -------
        xarray.Dataset
            ``weights``, and ``mean_activity`` and ``lags_s`` where they are known, with windows,
            nodes and groups as coordinates.

        Raises
        ------
        InputError
            If xarray is not installed, or a window column has the name of an axis.
        """
        return connectivity_labelled(self)

    @classmethod
    def from_xarray(cls, data: xarray.Dataset) -> ConnectivitySequence:
        """
        Take connectivity from labelled arrays.

        Parameters
        ----------
        data : xarray.Dataset
            As :meth:`to_xarray` makes it.

        Returns
        -------
        ConnectivitySequence
            Equal to the one that it was made of.

        Raises
        ------
        InputError
            If a variable is missing.
        """
        return cls(**connectivity_fields(data))

    def to_networkx(self, window_index: int) -> networkx.Graph:
        """
        Return the connectivity of a window for NetworkX, every pair an edge.

        Parameters
        ----------
        window_index : int
            Which window.

        Returns
        -------
        networkx.Graph or networkx.DiGraph
            Nodes by id, edges with their signed ``weight``; a directed measure gives a directed
            graph with edges from source to target.
        """
        return matrix_to_networkx(self.nodes, self.weights[window_index], directed=self.directed)

    @property
    def n_windows(self) -> int:
        """Number of windows."""
        return len(self.windows)

    @property
    def is_file_backed(self) -> bool:
        """Whether the weights lie in a temporary file, and only those asked for in memory."""
        return isinstance(self.weights, MatrixSequence)

    def select(self, index: Any) -> ConnectivitySequence:
        """
        Return some of the windows as a sequence of its own.

        Parameters
        ----------
        index : slice, array_like of int or array_like of bool
            Which windows, in chronological order.

        Returns
        -------
        ConnectivitySequence
            Shorter sequence over the same nodes.
        """
        names = ("mean_activity", "lags_s", "standard_errors")
        optional = {name: getattr(self, name) for name in names}
        chosen: dict[str, Any] = {
            name: None if item is None else item[index] for name, item in optional.items()
        }
        return replace(
            self,
            weights=self.weights[index],
            windows=self.windows.select(index),
            **chosen,
        )

    def symmetrized(self, how: str = "mean") -> ConnectivitySequence:
        """
        Drop the direction: one weight per pair of nodes.

        Parameters
        ----------
        how : {"mean", "strongest"}
            The mean of both directions, or the one of larger absolute value.

        Returns
        -------
        ConnectivitySequence
            Symmetric weights, without lags and standard errors.

        Examples
        --------
        >>> one_way = ConnectivitySequence.from_array([[[0.0, 0.8], [0.2, 0.0]]], directed=True)
        >>> one_way.symmetrized("strongest").weights
        array([[[0. , 0.8],
                [0.8, 0. ]]])
        """
        one_of(how, ("mean", "strongest"), "how")
        mirrored = np.swapaxes(self.weights, 1, 2)
        if how == "mean":
            weights = 0.5 * (self.weights + mirrored)
        else:
            # Where both are equally strong and of opposite sign, the positive one stands.
            larger = np.maximum(self.weights, mirrored)
            smaller = np.minimum(self.weights, mirrored)
            weights = np.where(-smaller > larger, smaller, larger)
        origin = self.origin.with_option("symmetrized", how)
        return replace(
            self,
            weights=weights,
            lags_s=None,
            standard_errors=None,
            directed=False,
            origin=origin,
        )

    def __repr__(self) -> str:
        return (
            f"ConnectivitySequence: {self.n_windows} windows x {self.n_nodes} "
            f"{several(self.node_kind)}, {self.measure}{', directed' if self.directed else ''}"
        )

    def _repr_html_(self) -> str:
        chosen = np.unique(np.linspace(0, self.n_windows - 1, 4).round().astype(int))
        small = [_html.shrunk(without_diagonal(self.weights[index]), 48, 48) for index in chosen]
        picture = _html.image(_html.tiles(small), "connectivity matrices", signed=True, width=400)
        which = ", ".join(map(str, chosen))
        return _html.card(repr(self), picture, f"windows {which}; blue negative, red positive")


def _kept(weights: Any) -> Any:
    return weights if isinstance(weights, MatrixSequence) else in_double(frozen_array(weights))
