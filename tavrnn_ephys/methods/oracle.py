"""What a simulated task would give away to someone who knows its couplings."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods._dense import of_every_node
from tavrnn_ephys.methods.contract import GraphEmbedder

__all__ = ["Oracle"]

_READINGS = ("window", "filtered", "smoothed")


class Oracle(GraphEmbedder):
    """
    Probability of each state given the spikes and the true couplings: the ceiling of a task.

    It reads columns of the windows that simulated tasks of the benchmark bring on request, and
    learns nothing.

    Parameters
    ----------
    reading : {"window", "filtered", "smoothed"}
        From one window alone, from all windows up to it, or from all.

    Attributes
    ----------
    node_ids_ : numpy.ndarray of str, shape (n_nodes,)
        Nodes seen in ``fit``.

    Examples
    --------
    >>> from dataclasses import replace
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> from tavrnn_ephys.connectivity.graphs import build_graphs
    >>> graphs = build_graphs(ConnectivitySequence.from_array(np.ones((3, 2, 2))))
    >>> told = replace(graphs.windows, columns={"oracle_window_0": [-1.0, 2.0, 3.0]})
    >>> graphs = replace(graphs, windows=told)
    >>> Oracle().fit(graphs).transform(graphs).mean[:, 0, 0]
    array([-1.,  2.,  3.], dtype=float32)
    """

    name = "oracle"
    supervision = "truth"
    takes_directed = True

    def __init__(self, *, reading: str = "window") -> None:
        self.reading = reading

    @property
    def causal(self) -> bool:  # type: ignore[override]
        """Whether later windows have no say."""
        return self.reading != "smoothed"

    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None:
        one_of(self.reading, _READINGS, "reading")
        self._columns(sequences[0])

    def _embed(self, graphs: GraphSequence) -> NDArray[Any]:
        return of_every_node(self._columns(graphs), graphs.n_nodes)

    def _columns(self, graphs: GraphSequence) -> NDArray[np.float64]:
        prefix = f"oracle_{self.reading}_"
        columns = graphs.windows.columns
        known = [columns[name] for name in sorted(columns) if name.startswith(prefix)]
        if not known:
            raise InputError(
                "Nobody knows the true couplings of these windows: the oracle is for simulated "
                "tasks of the benchmark. Leave it out."
            )
        return np.stack(known, axis=1).astype(np.float64)
