"""
The plain types that travel between the steps: frozen, keyword-only, self-checking.

They hold NumPy arrays and names, know no file, plot or model, and never repair what
they are given.  Two containers are equal when every field is equal, NaN matching NaN.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys import _html
from tavrnn_ephys._checks import one_of, some
from tavrnn_ephys.errors import InputError

if TYPE_CHECKING:
    import pandas

__all__ = ["BinnedActivity", "ConnectivitySequence", "NodeEmbedding", "Nodes", "Windows"]

NODE_KINDS = ("unit", "channel", "roi")

# Rows compared at once where a whole matrix would not fit into the cache.
_STRIPE = 32
# Values looked at at once where a whole recording would not fit into memory.
_VALUES_AT_ONCE = 2**22
# Beyond, a thumbnail would keep a notebook waiting.
_MOST_DRAWN = 2**27


class _Container:
    """Equality by content for the frozen containers."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            _equal(getattr(self, item.name), getattr(other, item.name))
            for item in fields(self)  # type: ignore[arg-type]
        )

    __hash__ = None  # type: ignore[assignment]


def _equal(a: Any, b: Any) -> bool:
    if _is_file_backed(a) or _is_file_backed(b):
        return a is b or _equal(np.asarray(a[...]), np.asarray(b[...]))
    if isinstance(a, np.ndarray) and isinstance(b, np.ndarray):
        if a.shape != b.shape or a.dtype.kind != b.dtype.kind:
            return False
        return bool(np.array_equal(a, b, equal_nan=a.dtype.kind == "f"))
    if isinstance(a, Mapping) and isinstance(b, Mapping):
        return a.keys() == b.keys() and all(_equal(a[key], b[key]) for key in a)
    return bool(a == b)


def _require(condition: bool, message: str) -> None:
    if not condition:
        raise InputError(message)


def _frozen_array(value: Any, dtype: Any = None) -> NDArray[Any]:
    """View an array read-only, without copying and without touching the caller's flags."""
    array = np.asarray(value, dtype=dtype).view()
    array.flags.writeable = False
    return array


def _is_file_backed(value: Any) -> bool:
    """Tell whether an array lies in a file: memory-mapped, or a dataset of HDF5 or Zarr."""
    if isinstance(value, np.ndarray):
        return isinstance(value, np.memmap)
    return all(hasattr(value, name) for name in ("shape", "dtype", "ndim", "__getitem__"))


def _is_symmetric(matrix: NDArray[Any]) -> bool:
    """Compare stripes with their mirror images: far fewer cache misses than the whole at once."""
    for first in range(0, len(matrix), _STRIPE):
        last = first + _STRIPE
        if not np.array_equal(matrix[first:last, first:], matrix[first:, first:last].T):
            return bool(np.allclose(matrix, matrix.T, rtol=0, atol=1e-9, equal_nan=True))
    return True


def _without_diagonal(matrix: NDArray[Any]) -> NDArray[np.float64]:
    copied = np.array(matrix, dtype=np.float64)
    np.fill_diagonal(copied, np.nan)
    return copied


def _text_array(values: Any) -> NDArray[np.str_]:
    return _frozen_array([str(value) for value in values], dtype=str)


def _freeze(instance: Any, **values: Any) -> None:
    for name, value in values.items():
        object.__setattr__(instance, name, value)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Nodes(_Container):
    """
    Identity of the vertices of a graph: what they are, where they lie, what they belong to.

    Parameters
    ----------
    ids : array_like of str, shape (n_nodes,)
        Unique names.
    kind : {"unit", "channel", "roi"}
        Sorted unit, recording site or segmented cell.
    groups : array_like of str, shape (n_nodes,), optional
        Subregion of each node; an empty string where there is none.
    positions_um : array_like of float, shape (n_nodes, 2 or 3), optional
        Coordinates in micrometres, NaN where unknown.
    rows : array_like of int, shape (n_nodes,), optional
        Row of each node in the table of the file it comes from (units, electrodes or
        ROIs), -1 where unknown.
    table : str, optional
        Name of that table inside its file; empty where unknown.

    Raises
    ------
    InputError
        If there is no node, an id stands twice, or the lengths differ.

    Examples
    --------
    >>> Nodes(ids=["u1", "u2"], kind="unit", groups=["sensory", "motor"])
    Nodes: 2 units in 2 groups (motor, sensory)
    """

    ids: Any
    kind: str = "unit"
    groups: Any = None
    positions_um: Any = None
    rows: Any = None
    table: str = ""

    def __post_init__(self) -> None:
        one_of(self.kind, NODE_KINDS, "kind")
        ids = _text_array(self.ids)
        _require(len(ids) > 0, "A recording without nodes cannot be analysed: node_ids is empty.")
        names, counts = np.unique(ids, return_counts=True)
        _require(
            bool(np.all(counts == 1)),
            f"node_ids must be unique; more than once: {some(names[counts > 1])}.",
        )
        groups = _text_array(self.groups if self.groups is not None else [""] * len(ids))
        positions = self.positions_um
        if positions is not None:
            positions = _frozen_array(positions, dtype=np.float64)
            _require(
                positions.ndim == 2 and positions.shape[1] in (2, 3),
                f"positions_um must have shape (n_nodes, 2 or 3), got {positions.shape}.",
            )
        rows = self.rows if self.rows is not None else np.full(len(ids), -1)
        rows = _frozen_array(rows, dtype=np.int64)
        for name, value in (("groups", groups), ("positions_um", positions), ("rows", rows)):
            if value is not None:
                _require(
                    len(value) == len(ids),
                    f"{name} has {len(value)} entries for {len(ids)} nodes.",
                )
        _freeze(self, ids=ids, groups=groups, positions_um=positions, rows=rows)

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def group_names(self) -> tuple[str, ...]:
        """Names of the groups that have at least one node, in alphabetical order."""
        return tuple(str(name) for name in np.unique(self.groups) if name)

    def __repr__(self) -> str:
        names = self.group_names
        where = f" in {len(names)} groups ({', '.join(names)})" if names else ""
        return f"Nodes: {len(self)} {self.kind}s{where}"


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Windows(_Container):
    """
    Half-open intervals ``[start, stop)`` in chronological order, with what is known of each.

    Parameters
    ----------
    start_s, stop_s : array_like of float, shape (n_windows,)
        Limits in seconds on the clock of the recording.
    segment_index : array_like of int, shape (n_windows,), optional
        Neo segment of each window; 0 by default.
    columns : mapping of str to array_like, shape (n_windows,), optional
        Further columns, numbers or text: a label, a behaviour score.

    Raises
    ------
    InputError
        If a window is empty or out of order, or the lengths differ.

    Examples
    --------
    >>> Windows(start_s=[0.0, 1.0], stop_s=[2.0, 3.0])
    Windows: 2 from 0 s to 3 s, each 2 s, step 1 s
    """

    start_s: Any
    stop_s: Any
    segment_index: Any = None
    columns: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        start = _frozen_array(self.start_s, dtype=np.float64)
        stop = _frozen_array(self.stop_s, dtype=np.float64)
        _require(start.ndim == 1 and len(start) > 0, "At least one window is needed, got none.")
        _require(start.shape == stop.shape, "start_s and stop_s of windows differ in length.")
        segment = self.segment_index if self.segment_index is not None else np.zeros(len(start))
        segment = _frozen_array(segment, dtype=np.int64)
        _require(
            bool(np.all(stop > start)),
            "Each window must stop after it starts; "
            f"window {int(np.argmin(stop > start))} does not.",
        )
        order = np.lexsort((stop, start, segment))
        _require(
            bool(np.array_equal(order, np.arange(len(start)))),
            "Windows must stand in chronological order within each segment.",
        )
        columns = {}
        for name, values in self.columns.items():
            array = np.asarray(values)
            column = _text_array(array) if array.dtype.kind in "OSU" else _frozen_array(array)
            _require(
                column.shape == start.shape,
                f"Window column '{name}' has shape {column.shape}, expected {start.shape}.",
            )
            columns[str(name)] = column
        _freeze(
            self,
            start_s=start,
            stop_s=stop,
            segment_index=segment,
            columns=MappingProxyType(columns),
        )

    def __len__(self) -> int:
        return len(self.start_s)

    @property
    def overlap(self) -> int:
        """Largest number of following windows that share time with any one window."""
        most = 0
        for segment in np.unique(self.segment_index):
            here = self.segment_index == segment
            first_behind = np.searchsorted(self.start_s[here], self.stop_s[here] - 1e-9)
            most = max(most, int(np.max(first_behind - np.arange(here.sum()) - 1)))
        return most

    @property
    def overlap_s(self) -> NDArray[np.float64]:
        """
        Time shared with the neighbours, shape (n_windows, 2): the one before, the one behind.

        Neighbours in time of the same segment; 0 where there is none, or a gap.
        """
        shared = np.minimum(self.stop_s[:-1], self.stop_s[1:]) - self.start_s[1:]
        shared = np.where(np.diff(self.segment_index) == 0, np.maximum(shared, 0.0), 0.0)
        # Limits are decimal text in double precision: a sliver of it is no overlap.
        shared[shared < 1e-9] = 0.0
        return np.column_stack([np.append(0.0, shared), np.append(shared, 0.0)])

    def with_columns(self, **columns: Any) -> Windows:
        """
        Return the same windows with further columns.

        Parameters
        ----------
        **columns : array_like, shape (n_windows,)
            New columns by name; a column of the same name is replaced.

        Returns
        -------
        Windows
            A new table.
        """
        return Windows(
            start_s=self.start_s,
            stop_s=self.stop_s,
            segment_index=self.segment_index,
            columns={**self.columns, **columns},
        )

    def select(self, index: Any) -> Windows:
        """
        Return some of the windows.

        Parameters
        ----------
        index : slice, array_like of int or array_like of bool
            Which windows, in chronological order.

        Returns
        -------
        Windows
            A new table.
        """
        return Windows(
            start_s=self.start_s[index],
            stop_s=self.stop_s[index],
            segment_index=self.segment_index[index],
            columns={name: values[index] for name, values in self.columns.items()},
        )

    def to_pandas(self) -> pandas.DataFrame:
        """
        Return the table as a data frame.

        Returns
        -------
        pandas.DataFrame
            One row per window: ``start_s``, ``stop_s``, ``segment_index`` and the further columns.
        """
        import pandas as pd

        base = {
            "start_s": self.start_s,
            "stop_s": self.stop_s,
            "segment_index": self.segment_index,
        }
        return pd.DataFrame({**base, **self.columns})

    def __repr__(self) -> str:
        lengths, steps = self.stop_s - self.start_s, np.diff(self.start_s)
        text = f"Windows: {len(self)} from {self.start_s[0]:g} s to {self.stop_s.max():g} s"
        if np.ptp(lengths) < 1e-9:
            text += f", each {lengths[0]:g} s"
        if len(steps) and np.ptp(steps) < 1e-9:
            text += f", step {steps[0]:g} s"
        return text

    def _repr_html_(self) -> str:
        picture = _html.intervals(self.start_s, self.stop_s, "windows along time")
        known = f"columns: {', '.join(self.columns)}" if self.columns else "no further columns"
        return _html.card(repr(self), picture, known)


class _OverNodes(_Container):
    """Shortcuts shared by the containers that carry nodes."""

    nodes: Nodes

    @property
    def node_ids(self) -> NDArray[np.str_]:
        """Names of the nodes, shape (n_nodes,)."""
        return self.nodes.ids

    @property
    def node_kind(self) -> str:
        """Kind of the nodes: ``"unit"``, ``"channel"`` or ``"roi"``."""
        return self.nodes.kind

    @property
    def node_groups(self) -> NDArray[np.str_]:
        """Subregion of each node, shape (n_nodes,); empty where there is none."""
        return self.nodes.groups

    @property
    def n_nodes(self) -> int:
        """Number of nodes."""
        return len(self.nodes)


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class BinnedActivity(_OverNodes):
    """
    Activity of every node in equal bins of one segment.

    Parameters
    ----------
    values : array_like, shape (n_nodes, n_bins)
        Spike counts, or mean trace values such as ΔF/F.  A :class:`numpy.memmap`, or a dataset
        of HDF5 or Zarr, stays in its file: it is read, and checked, a few bins at a time.
    bin_size_s : float
        Width of a bin in seconds.
    nodes : Nodes
        Row order of ``values``.
    t_start_s : float
        Start of the first bin in seconds on the clock of the recording.
    quantity : {"spike_count", "trace"}
        What a value is.
    segment_index : int
        Position of the segment in its block.

    Raises
    ------
    InputError
        If the shapes disagree, a value is not finite, or the bin size is not positive.
    """

    values: Any
    bin_size_s: float
    nodes: Nodes
    t_start_s: float = 0.0
    quantity: str = "spike_count"
    segment_index: int = 0

    def __post_init__(self) -> None:
        values = self.values if _is_file_backed(self.values) else _frozen_array(self.values)
        one_of(self.quantity, ("spike_count", "trace"), "quantity")
        _require(
            values.ndim == 2 and len(values) == len(self.nodes),
            f"Binned activity of {len(self.nodes)} nodes has shape {values.shape}; "
            "(n_nodes, n_bins) is expected.",
        )
        _require(values.shape[1] > 0, "The recording is shorter than one bin.")
        _require(self.bin_size_s > 0, f"bin_size_s must be positive, got {self.bin_size_s!r}.")
        _require(
            values.dtype.kind in "biuf",
            f"Binned activity must consist of real numbers, got the type {values.dtype}.",
        )
        if not _is_file_backed(values):
            step = max(1, _VALUES_AT_ONCE // len(values))
            for first in range(0, values.shape[1], step):
                self._require_finite(values[:, first : first + step])
        _freeze(self, values=values)

    def _require_finite(self, values: NDArray[Any]) -> None:
        if values.dtype.kind != "f":
            return
        bad = ~np.isfinite(values).all(axis=1)
        _require(
            not bad.any(),
            f"Activity of {int(bad.sum())} nodes is not finite ({some(self.nodes.ids[bad])}). "
            "Interpolate or leave out the missing samples first.",
        )

    @property
    def is_file_backed(self) -> bool:
        """Whether the values lie in a file and are read a few bins at a time."""
        return _is_file_backed(self.values)

    def read_bins(self, first: int, last: int) -> NDArray[Any]:
        """
        Return the values of some bins, from memory or from the file.

        Parameters
        ----------
        first, last : int
            First bin, and one past the last.

        Returns
        -------
        numpy.ndarray
            Shape (n_nodes, last - first).

        Raises
        ------
        InputError
            If a value in the file is not finite.
        """
        values = np.asarray(self.values[:, first:last])
        if self.is_file_backed:
            self._require_finite(values)
        return values

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return self.values.shape[1]

    @property
    def t_stop_s(self) -> float:
        """End of the last bin in seconds."""
        return self.t_start_s + self.n_bins * self.bin_size_s

    def __repr__(self) -> str:
        return (
            f"BinnedActivity: {self.n_nodes} {self.node_kind}s x {self.n_bins} bins of "
            f"{self.bin_size_s:g} s, {self.quantity}"
        )

    def _repr_html_(self) -> str:
        if _is_file_backed(self.values) or self.values.size > _MOST_DRAWN:
            return _html.card(repr(self), "", "too large for a picture; bins stay where they are")
        small = _html.shrunk(self.values, 40, 200)
        traces = self.quantity == "trace"
        if traces:
            spread = small.std(axis=1, keepdims=True)
            small = (small - small.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1)
        picture = _html.image(small, "activity over time", signed=traces, width=400)
        first = self.t_start_s
        last = first + self.n_bins * self.bin_size_s
        what = "z-scores of traces" if traces else "mean spikes per bin"
        return _html.card(repr(self), picture, f"{what}, nodes by time, {first:g} s to {last:g} s")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ConnectivitySequence(_OverNodes):
    """
    One signed functional-connectivity matrix per window.

    Parameters
    ----------
    weights : array_like of float, shape (n_windows, n_nodes, n_nodes)
        Symmetric weights, unless ``directed``; for correlations unitless and within [-1, 1].
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

    def __post_init__(self) -> None:
        weights = _frozen_array(self.weights)
        n_windows, n_nodes = len(self.windows), len(self.nodes)
        _require(
            weights.shape == (n_windows, n_nodes, n_nodes),
            f"weights has shape {weights.shape}; {n_windows} windows of {n_nodes} nodes need "
            f"({n_windows}, {n_nodes}, {n_nodes}).",
        )
        for index, matrix in enumerate(weights):
            _require(
                not np.isinf(matrix).any(),
                f"The connectivity of window {index} holds infinite weights. Check the measure.",
            )
        for index, matrix in enumerate(() if self.directed else weights):
            _require(
                _is_symmetric(matrix),
                f"The connectivity of window {index} is not symmetric. "
                "Say directed=True if that is meant.",
            )
        lags = self.lags_s
        if lags is not None:
            lags = _frozen_array(lags, dtype=np.float64)
            _require(
                lags.shape == weights.shape,
                f"lags_s has shape {lags.shape}, weights has {weights.shape}.",
            )
        activity = self.mean_activity
        if activity is not None:
            activity = _frozen_array(activity, dtype=np.float64)
            _require(
                activity.shape == (n_windows, n_nodes),
                f"mean_activity has shape {activity.shape}, expected ({n_windows}, {n_nodes}).",
            )
        _freeze(self, weights=weights, mean_activity=activity, lags_s=lags)

    @classmethod
    def _of_symmetric(cls, **values: Any) -> ConnectivitySequence:
        """Build without the look at every weight, which takes as long as their computation."""
        sequence = object.__new__(cls)
        for name in ("weights", "mean_activity"):
            values[name] = _frozen_array(values[name])
        _freeze(sequence, lags_s=None, directed=False, **values)
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
        array = np.asarray(weights, dtype=np.float64)
        _require(
            array.ndim == 3 and array.shape[1] == array.shape[2],
            f"weights must have shape (n_windows, n_nodes, n_nodes), got {array.shape}.",
        )
        if windows is None:
            starts = np.arange(len(array), dtype=np.float64)
            windows = Windows(start_s=starts, stop_s=starts + 1.0)
        ids = node_ids if node_ids is not None else range(array.shape[1])
        nodes = Nodes(ids=ids, kind=node_kind, groups=node_groups)
        return cls(weights=array, windows=windows, nodes=nodes, measure=measure, directed=directed)

    @property
    def n_windows(self) -> int:
        """Number of windows."""
        return len(self.windows)

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
        optional = {"mean_activity": self.mean_activity, "lags_s": self.lags_s}
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
            Symmetric weights, without lags.

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
        return replace(self, weights=weights, lags_s=None, directed=False)

    def __repr__(self) -> str:
        return (
            f"ConnectivitySequence: {self.n_windows} windows x {self.n_nodes} "
            f"{self.node_kind}s, {self.measure}{', directed' if self.directed else ''}"
        )

    def _repr_html_(self) -> str:
        chosen = np.unique(np.linspace(0, self.n_windows - 1, 4).round().astype(int))
        small = [_html.shrunk(_without_diagonal(self.weights[index]), 48, 48) for index in chosen]
        picture = _html.image(_html.tiles(small), "connectivity matrices", signed=True, width=400)
        which = ", ".join(map(str, chosen))
        return _html.card(repr(self), picture, f"windows {which}; blue negative, red positive")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class NodeEmbedding(_OverNodes):
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
    >>> from tavrnn_ephys.containers import Nodes, Windows
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
            name: None if value is None else _frozen_array(value, dtype=np.float32)
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
                _require(array.shape == shape, f"{name} has shape {array.shape}, expected {shape}.")
        _freeze(
            self,
            **arrays,
            config=MappingProxyType(dict(self.config)),
            versions=MappingProxyType(dict(self.versions)),
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
