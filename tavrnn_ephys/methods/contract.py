"""What every method beside TAVRNN, and TAVRNN itself, has to offer to be compared."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.validation import check_is_fitted

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import NodeEmbedding
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.core.graph_units import GraphUnits, joined_units, require_units, units_of
from tavrnn_ephys.core.provenance import package_versions
from tavrnn_ephys.methods._direction import undirected
from tavrnn_ephys.methods._torch_state import own_torch_state

__all__ = ["GraphEmbedder"]


class GraphEmbedder(BaseEstimator):
    """
    A method that turns a sequence of graphs into embeddings of its nodes.

    A method declares, as attributes of its class, what a comparison has to know of it, and fills
    in two hooks: ``_fit(sequences, labels)`` and ``_embed(graphs)``, which returns an array of
    shape (n_windows, n_nodes, width).  A method that embeds whole windows gives every node the
    vector of its window: standardised and concatenated, it weighs in a classifier what it would
    weigh alone.

    Attributes
    ----------
    name : str
        Short name, for tables and files.
    supervision : {"none", "time", "label", "truth"}
        What ``fit`` learns from beside the graphs: nothing, the order of windows, or ``y``; or
        that it knows what a simulation was made of, and is a ceiling in place of a method.
    inductive : bool
        Whether windows that ``fit`` has not seen can be embedded.
    causal : bool
        Whether the embedding of a window depends on no later window.
    repeatable : bool
        Whether equal seeds give equal embeddings.
    features : {"weights", "identity", "rates", "counts"}
        Vertex features that the graphs must bring; ``"counts"`` are the activity of every bin of
        the window, from :func:`tavrnn_ephys.connectivity.with_counts`.
    history_node : bool
        Whether the graphs must bring a history node.
    takes_directed : bool
        Whether the direction of edges is used; other methods get the mean of both directions, and
        one warning says so.
    takes_unlabelled : bool
        Whether a method that learns from labels takes windows without one: ``""``, or NaN among
        numbers.  Other methods are fitted on labelled windows alone.
    """

    name: ClassVar[str]
    supervision: ClassVar[str] = "none"
    inductive: ClassVar[bool] = True
    causal: ClassVar[bool] = True
    repeatable: ClassVar[bool] = True
    features: ClassVar[str] = "identity"
    history_node: ClassVar[bool] = False
    takes_directed: ClassVar[bool] = False
    takes_unlabelled: ClassVar[bool] = False

    node_ids_: NDArray[np.str_]
    units_: GraphUnits

    @property
    def valid_from(self) -> int:
        """Index of the first window of a sequence whose embedding rests on windows alone."""
        return 0

    @property
    def n_optimizer_steps(self) -> int:
        """Optimizer steps that ``fit`` has made; 0 for a method without training."""
        return len(getattr(self, "history_", ()))

    def fit(self, graphs: GraphSequence | Sequence[GraphSequence], y: Any = None) -> GraphEmbedder:
        """
        Learn from one recording, or from several stretches over the same nodes.

        Parameters
        ----------
        graphs : GraphSequence or sequence of GraphSequence
            Training windows in chronological order.
        y : array_like, shape (n_windows,), optional
            Labels of all training windows, for methods whose supervision is ``"label"``; those
            that declare ``takes_unlabelled`` take some that are unknown.

        Returns
        -------
        GraphEmbedder
            The fitted method.

        Raises
        ------
        InputError
            If an option is out of range, the stretches differ in their nodes or in how they
            were made, or labels are needed and missing.
        """
        sequences = [graphs] if isinstance(graphs, GraphSequence) else list(graphs)
        if not sequences or not all(isinstance(item, GraphSequence) for item in sequences):
            raise InputError(
                f"{self.name} takes a GraphSequence, or a list of some. Call build_graphs first."
            )
        self.node_ids_ = np.array(sequences[0].nodes.ids)
        self.units_ = GraphUnits()
        for sequence in sequences:
            self._check(sequence)
            units = units_of(sequence)
            require_units(self.units_, units, verb="fit", known_to="the first graphs had")
            self.units_ = joined_units([self.units_, units])
        labels = None if y is None else np.asarray(y)
        n_windows = sum(map(len, sequences))
        if self.supervision == "label" and (labels is None or len(labels) != n_windows):
            raise InputError(
                f"{self.name} learns from labels: fit needs y with one label for each of the "
                f"{n_windows} windows."
            )
        with own_torch_state():
            self._fit([self._readable(sequence) for sequence in sequences], labels)
        return self

    def transform(self, graphs: GraphSequence) -> NodeEmbedding:
        """
        Embed every node in every window.

        Parameters
        ----------
        graphs : GraphSequence
            Windows over the nodes seen in ``fit``, in chronological order.

        Returns
        -------
        NodeEmbedding
            Shape (n_windows, n_nodes, width), with a standard deviation of zero; NaN where a node
            does not exist.

        Raises
        ------
        InputError
            If the nodes are not those of ``fit``, or the graphs were made with another window,
            step, bin size, measure or threshold.
        """
        check_is_fitted(self, "node_ids_")
        self._check(graphs)
        require_units(self.units_, units_of(graphs), verb="transform")
        with own_torch_state():
            mean = np.asarray(self._embed(self._readable(graphs, warn=False)), dtype=np.float32)
        if graphs.node_mask is not None:
            mean = np.where(graphs.node_mask[:, :, np.newaxis], mean, np.float32(np.nan))
        settings = self.get_params(deep=False)
        scalars = (str, int, float, bool)
        return NodeEmbedding(
            mean=mean,
            std=0.0 * mean,
            windows=graphs.windows,
            nodes=graphs.nodes,
            config={"model.method": self.name}
            | {
                f"model.{key}": value
                for key, value in settings.items()
                if isinstance(value, scalars)
            },
            versions=package_versions(),
            seed=settings.get("seed"),
        )

    def _readable(self, graphs: GraphSequence, *, warn: bool = True) -> GraphSequence:
        return graphs if self.takes_directed else undirected(graphs, self.name, warn=warn)

    def _check(self, graphs: GraphSequence) -> None:
        given = np.asarray(graphs.nodes.ids)
        if not np.array_equal(self.node_ids_, given):
            missing = np.setdiff1d(self.node_ids_, given)
            detail = f"missing: {some(missing)}" if len(missing) else "their order differs"
            raise InputError(
                f"These graphs have other nodes than those of fit ({detail}). Select the same "
                "nodes in the same order, or fit again."
            )
        if self.history_node and not graphs.history_node:
            raise InputError(
                f"{self.name} needs graphs with a history node: build them with history_node=True."
            )
        if self.features == "rates" and (graphs.features is None or graphs.n_features != 1):
            raise InputError(
                f"{self.name} needs the mean activity of each node: build_graphs with "
                'features="rates".'
            )
        known = graphs.origin.features in (None, "counts")
        if self.features == "counts" and (graphs.features is None or not known):
            raise InputError(
                f"{self.name} needs the activity of all bins of each window: add it by "
                "with_counts(graphs, activity)."
            )

    @abstractmethod
    def _fit(self, sequences: list[GraphSequence], labels: NDArray[Any] | None) -> None: ...

    @abstractmethod
    def _embed(self, graphs: GraphSequence) -> NDArray[Any]: ...
