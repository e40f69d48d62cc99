"""One stored run, read part by part."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.sparse
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._encoding import decode_array
from tavrnn_ephys.adapters.nwb._files import damage_told
from tavrnn_ephys.adapters.nwb._run_frames import TABLE, frame_of
from tavrnn_ephys.adapters.nwb._run_graphs import (
    graph_of_edges,
    graph_of_weights,
    node_features,
    strong_weights,
)
from tavrnn_ephys.adapters.nwb._run_index import RunEntry, describe_run, plain_values
from tavrnn_ephys.core.containers import ConnectivitySequence, NodeEmbedding, Nodes, Windows
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.core.runs import RunInfo, WindowResults
from tavrnn_ephys.core.triangles import from_triangle

if TYPE_CHECKING:
    import pandas

__all__ = ["NwbRun"]


class NwbRun:
    """
    A run in an open file; arrays are loaded when they are asked for.

    Parameters
    ----------
    root : h5py.File or zarr.Group
        The open file.
    entry : RunEntry
        The run.
    file_name : str
        Name of the file, for messages.
    """

    def __init__(self, root: Any, entry: RunEntry, file_name: str) -> None:
        self._root = root
        self._file_name = file_name
        self._entry = entry
        self._options = entry.options
        self._groups = {part: entry.group(root, part) for part in entry.tables}

    @property
    def info(self) -> RunInfo:
        """What the run consists of."""
        return describe_run(self._root, self._entry)

    @property
    def provenance(self) -> dict[str, Any]:
        """Every fact about the origin, by dotted key."""
        hidden = ("columns.", "table_columns.", "table_types.", "table_missing.",
                  "window_columns.", "window_values.", "node_values.", "graphs.")  # fmt: skip
        return {key: value for key, value in self._options.items() if not key.startswith(hidden)}

    @cached_property
    def windows(self) -> Windows:
        """The windows."""
        return Windows(
            start_s=self._stored("windows", "start_time"),
            stop_s=self._stored("windows", "stop_time"),
            segment_index=self._restored("windows", "segment_index"),
            columns=self._named("windows", "window_columns."),
        )

    @cached_property
    def nodes(self) -> Nodes:
        """The nodes."""
        axes = [self._restored("nodes", axis) for axis in "xyz"]
        known = [values for values in axes if values is not None]
        group = self._groups["nodes"]
        linked = "source_row" in group and "table" in group["source_row"].attrs
        read = self._stored if linked else self._restored
        rows = read("nodes", "source_row")
        return Nodes(
            ids=self._restored("nodes", "node_id"),
            kind=str(self._options["node_kind"]),
            groups=self._restored("nodes", "node_group"),
            positions_um=np.column_stack(known) if known else None,
            rows=rows,
            table=str(self._options["node_table"]),
        )

    @cached_property
    def window_values(self) -> dict[str, NDArray[Any]]:
        """Summaries of the windows, by name."""
        return self._named("windows", "window_values.")

    @property
    def node_values(self) -> dict[str, NDArray[Any]]:
        """Summaries of the nodes, by name."""
        return self._named("nodes", "node_values.")

    @property
    def embedding(self) -> NodeEmbedding | None:
        """The embedding, None where there is none."""
        mean = self._restored("windows", "embedding_mean")
        std = self._restored("windows", "embedding_std")
        if mean is None or std is None:
            return None
        return NodeEmbedding(
            mean=mean,
            std=std,
            windows=self.windows,
            nodes=self.nodes,
            attention=self._restored("windows", "attention"),
            history=self._restored("windows", "history"),
            config=_below("config.", self._options),
            versions=_below("versions.", self._options),
            seed=self._options.get("seed"),
        )

    @property
    def connectivity(self) -> ConnectivitySequence | None:
        """The connectivity, None where it was not stored."""
        if "connectivity" not in self._groups:
            return None
        weights = self._weights(slice(None))
        if weights is None:
            raise self._lacks("weights")
        return ConnectivitySequence(
            weights=weights,
            windows=self.windows,
            nodes=self.nodes,
            measure=str(self._options["connectivity.measure"]),
            mean_activity=self._restored("connectivity", "mean_activity"),
            lags_s=self._restored("connectivity", "lags"),
            directed=bool(self._options["connectivity.directed"]),
        )

    def graphs(self, build: Callable[..., Any]) -> Any | None:
        """
        Load the graphs.

        Parameters
        ----------
        build : callable
            Builds a sequence from ``weights``, ``windows``, ``nodes``, ``features``,
            ``history_node`` and ``node_mask``.

        Returns
        -------
        object or None
            What it built; None where no graphs were stored.
        """
        if "graphs" not in self._groups:
            return None
        weights = tuple(self._graph(index) for index in range(len(self.windows)))
        return build(
            weights=weights,
            windows=self.windows,
            nodes=self.nodes,
            features=self._features(weights),
            history_node=bool(self._options["graphs.history_node"]),
            node_mask=self._restored("graphs", "node_exists"),
        )

    @property
    def tables(self) -> dict[str, pandas.DataFrame]:
        """Further tables, by name."""
        return {
            part.removeprefix(TABLE): frame_of(
                part, self._options, self._frame_column, self._texts(part)
            )
            for part in self._groups
            if part.startswith(TABLE)
        }

    def window(self, index: int) -> WindowResults:
        """
        Load one window and nothing of the others.

        Parameters
        ----------
        index : int
            Which window; negative ones count from the end.

        Returns
        -------
        WindowResults
            What the run says of it.

        Raises
        ------
        InputError
            If there is no such window.
        """
        n_windows = len(self._groups["windows"]["id"])
        if not -n_windows <= index < n_windows:
            raise InputError(f"There is no window {index}: the run has {n_windows}, from 0.")
        index %= n_windows
        here = slice(index, index + 1)
        weights = self._weights(here) if "connectivity" in self._groups else None
        one = {
            name: self._restored("windows", name, here)
            for name in ("embedding_mean", "embedding_std", "attention")
        }
        activity = self._restored("connectivity", "mean_activity", here)
        return WindowResults(
            index=index,
            start_s=float(self._stored("windows", "start_time", here)[0]),
            stop_s=float(self._stored("windows", "stop_time", here)[0]),
            values={
                **{name: values[index].item() for name, values in self.windows.columns.items()},
                **{name: values[index].item() for name, values in self.window_values.items()},
            },
            weights=None if weights is None else weights[0],
            mean_activity=None if activity is None else activity[0],
            adjacency=self._graph(index, weights) if "graphs" in self._groups else None,
            **{name: None if values is None else values[0] for name, values in one.items()},
        )

    def _weights(self, windows: slice) -> NDArray[Any] | None:
        upper = self._restored("connectivity", "weights_upper", windows)
        if upper is not None:
            return from_triangle(upper, self._n_nodes)
        return self._restored("connectivity", "weights", windows)

    @property
    def _n_nodes(self) -> int:
        return len(self._groups["nodes"]["id"])

    def _graph(self, index: int, weights: NDArray[Any] | None = None) -> scipy.sparse.csr_array:
        rule, here = str(self._options["graphs.edges"]), slice(index, index + 1)
        n_nodes = self._n_nodes
        if rule == "none":
            return scipy.sparse.csr_array((n_nodes, n_nodes), dtype=np.float32)
        if rule == "list":
            edges = self._edges(index)
            return graph_of_edges(
                self._stored("graphs", "edge_from", edges),
                self._stored("graphs", "edge_to", edges),
                self._stored("graphs", "edge_weight", edges),
                n_nodes,
            )
        if rule == "matrix":
            upper = self._restored("graphs", "edge_weights_upper", here)
            if upper is None:
                raise self._lacks("edge_weights_upper")
            return graph_of_weights(from_triangle(upper, n_nodes)[0])
        if weights is None:
            weights = self._weights(here)
        weakest = self._restored("graphs", "weakest_edge", here)
        if weights is None or weakest is None:
            raise self._lacks("weights")
        return graph_of_weights(strong_weights(weights[0], float(weakest[0])))

    def _edges(self, index: int) -> slice:
        before = slice(max(index - 1, 0), index + 1)
        stops = self._stored("graphs", "edge_weight_index", before)
        return slice(int(stops[0]) if index else 0, int(stops[-1]))

    def _features(self, graphs: tuple[scipy.sparse.csr_array, ...]) -> NDArray[Any] | None:
        rule = self._options["graphs.features"]
        history = bool(self._options["graphs.history_node"])
        if rule == "identity":
            return None
        if rule == "stored":
            return self._restored("graphs", "vertex_features")
        if rule == "edges":
            own = self._restored("graphs", "own_feature")
            if own is None:
                raise self._lacks("own_feature")
            return np.stack(
                [
                    node_features(graph.toarray(), history, diagonal)
                    for graph, diagonal in zip(graphs, own, strict=True)
                ]
            )
        weights = self._weights(slice(None))
        if weights is None:
            raise self._lacks("weights")
        return np.stack([node_features(matrix, history) for matrix in weights])

    def _restored(self, part: str, column: str, rows: slice = slice(None)) -> NDArray[Any] | None:
        if part not in self._groups:
            return None
        named = part if self._entry.format_version > 1 else self._entry.tables[part]
        note = _below(f"columns.{named}.{column}.", self._options)
        if not note:
            return None
        there = column in self._groups[part]
        stored = self._stored(part, column, rows) if there else None
        values = decode_array(stored, note)
        return values[rows] if stored is None else values

    def _stored(self, part: str, column: str, rows: slice = slice(None)) -> NDArray[Any]:
        if column not in self._groups[part]:
            raise self._lacks(column)
        with damage_told(self._file_name):
            return plain_values(self._groups[part][column][rows])

    def _frame_column(self, part: str, column: str) -> NDArray[Any]:
        values = self._restored(part, column)
        if values is None:
            raise self._lacks(column)
        return values

    def _named(self, part: str, prefix: str) -> dict[str, NDArray[Any]]:
        found = {
            name: self._restored(part, stored)
            for stored, name in _below(prefix, self._options).items()
        }
        return {name: values for name, values in found.items() if values is not None}

    def _texts(self, part: str) -> dict[str, str]:
        group = self._groups[part]
        texts = {name: str(group[name].attrs.get("description", "")) for name in group}
        return {**texts, "": str(group.attrs.get("description", ""))}

    def _lacks(self, column: str) -> FileFormatError:
        return FileFormatError(
            f"The run '{self._entry.name}' lacks its column '{column}'. Run the analysis again."
        )


def _below(prefix: str, options: Mapping[str, Any]) -> dict[str, Any]:
    return {
        key.removeprefix(prefix): value
        for key, value in options.items()
        if key.startswith(prefix)
    }  # fmt: skip
