"""What a fitted model says of graphs: embeddings, expected graphs, attention, evidence."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any, cast, overload

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.utils.validation import check_is_fitted

from tavrnn_ephys.core.containers import NodeEmbedding
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods.tavrnn.factors.kinds import JudgedKinds
from tavrnn_ephys.methods.tavrnn.factors.network import FactorNetwork
from tavrnn_ephys.methods.tavrnn.factors.reading import expected_graphs as expected_of_factors
from tavrnn_ephys.methods.tavrnn.factors.reading import (
    kind_probabilities,
    log_likelihood,
    read_factors,
)
from tavrnn_ephys.methods.tavrnn.fitted import Fitted
from tavrnn_ephys.methods.tavrnn.inputs import as_sequences
from tavrnn_ephys.methods.tavrnn.nn.model import Network
from tavrnn_ephys.methods.tavrnn.nn.sequences import SequenceOutput
from tavrnn_ephys.methods.tavrnn.readout import (
    attention_matrix,
    known_only,
    read_embedding,
    read_out,
)
from tavrnn_ephys.methods.tavrnn.scores import evidence_per_pair, expected_graphs
from tavrnn_ephys.methods.tavrnn.sessions import knows_nodes
from tavrnn_ephys.methods.tavrnn.training import run_sequence

__all__ = ["Answers"]


class Answers(Fitted):
    """What a fitted model says of whole sequences of graphs."""

    @overload
    def transform(self, graphs: GraphSequence, *, session: str | None = None) -> NodeEmbedding: ...

    @overload
    def transform(
        self, graphs: Sequence[GraphSequence], *, session: str | None = None
    ) -> list[NodeEmbedding]: ...

    def transform(
        self, graphs: GraphSequence | Sequence[GraphSequence], *, session: str | None = None
    ) -> NodeEmbedding | list[NodeEmbedding]:
        """
        Embed every node in every window.

        The state starts afresh in the first window; earlier windows influence later ones,
        never the reverse (unless ``smoothing="two_sided"`` is asked for).

        Parameters
        ----------
        graphs : GraphSequence or sequence of GraphSequence
            Windows over the nodes of a session seen in ``fit`` or ``adapt``, in chronological
            order.
        session : str, optional
            Name of the session; by default the one with the same nodes.

        Returns
        -------
        NodeEmbedding, or list of NodeEmbedding for a list
            Mean and standard deviation, (n_windows, n_nodes, latent_size), NaN where a node does
            not exist, twice ``latent_size`` with the option ``embedding="joined"``, the default,
            and attention (n_windows, n_windows).

        Raises
        ------
        InputError
            If the nodes are those of no session, or the graphs were made with another window,
            step, bin size, measure or threshold than those of ``fit``.
        """
        check_is_fitted(self, "sessions_")
        if not isinstance(graphs, GraphSequence):
            return [self._embed(item, session) for item in as_sequences(graphs)]
        return self._embed(graphs, session)

    def score(self, graphs: GraphSequence | Sequence[GraphSequence], y: Any = None) -> float:
        """
        Bound the log-likelihood of graphs from below; the higher, the better.

        ``E_q log p(A | z) − KL(q ‖ p)`` per pair of vertices, whatever ``kl_weight`` is: what a
        window's own posterior gains in likelihood is paid for by its distance to the prior.  A
        session whose nodes are unknown is adapted to (in a copy) on the first half of its
        windows, and scored on the second.

        Parameters
        ----------
        graphs : GraphSequence or sequence of GraphSequence
            Windows that fit did not see.
        y : None
            Ignored.

        Returns
        -------
        float
            Mean over windows, in nats per pair.
        """
        check_is_fitted(self, "sessions_")
        scores = []
        for item in as_sequences(graphs):
            model = cast(Any, self)
            if not knows_nodes(self.sessions_, item):
                half = len(item) // 2
                if half < 2:
                    raise InputError(
                        f"A session of other nodes needs at least 4 windows to be scored, got "
                        f"{len(item)}: the first half is adapted to."
                    )
                model = copy.copy(model).adapt(item[:half], session="scored")
                item = item[half:]
            value = model._evidence(item)
            scores.append((value, len(item)))
        values, counts = zip(*scores, strict=True)
        return float(np.average(values, weights=counts))

    def reconstruct(
        self, graphs: GraphSequence, *, session: str | None = None
    ) -> NDArray[np.float32]:
        """
        Return the graph that the embedding of each window stands for.

        Parameters
        ----------
        graphs : GraphSequence
            Windows.
        session : str, optional
            Name of their session.

        Returns
        -------
        numpy.ndarray
            Expected signed weights, with ``target="binary"`` probabilities of edges, shape
            (n_windows, n_nodes, n_nodes).
        """
        if self._has_factors:
            return expected_of_factors(*self._factors(graphs, session, "reconstruct"))
        network, output = self._output(graphs, session, "reconstruct")
        mean, _ = read_out(output.posterior.mean, output, network.options)
        latents = torch.from_numpy(mean[..., : network.options.latent_size])
        return expected_graphs(network, latents, n_nodes=graphs.n_nodes)

    def expected_change(
        self, graphs: GraphSequence, *, session: str | None = None
    ) -> NDArray[np.float32]:
        """
        Return how the expected graph of each window differs from the mean graph of the fit.

        Among pairs that are coupled at some times and not at others, it tells which are coupled
        now: the mean graph, the same at all times, is taken off.

        Parameters
        ----------
        graphs : GraphSequence
            Windows.
        session : str, optional
            Name of their session.

        Returns
        -------
        numpy.ndarray, shape (n_windows, n_nodes, n_nodes)
            In units of the weights.

        Raises
        ------
        InputError
            If the decoder has no mean graph.
        """
        expected = self.reconstruct(graphs, session=session)
        network = self._found(graphs, session, verb="expected_change")[1].network
        mean = network.mean if self._has_factors else getattr(network.decoder, "offset", None)
        if mean is None or network.options.target == "binary":
            raise InputError(
                'This model has no mean graph to compare with. Use profile="state_space" or '
                'profile="recurrent", or reconstruct.'
            )
        return expected - mean.cpu().numpy()[: graphs.n_nodes, : graphs.n_nodes]

    def predict_next(
        self, graphs: GraphSequence, *, session: str | None = None
    ) -> NDArray[np.float32]:
        """
        Return the graph that is expected in each window from the windows before it.

        In the profile ``"state_space"`` from the states that decay; in the others trained for with
        the option ``prediction_weight``.

        Parameters
        ----------
        graphs : GraphSequence
            Windows.
        session : str, optional
            Name of their session.

        Returns
        -------
        numpy.ndarray
            Expected signed weights, with ``target="binary"`` probabilities of edges, shape
            (n_windows, n_nodes, n_nodes); entry ``t`` does not depend on window ``t``.
        """
        if self._has_factors:
            return expected_of_factors(*self._factors(graphs, session, "predict_next"), ahead=True)
        network, output = self._output(graphs, session, "predict_next")
        return expected_graphs(network, output.prior.mean, n_nodes=graphs.n_nodes)

    def node_attention(
        self, graphs: GraphSequence, *, session: str | None = None
    ) -> NDArray[np.float32]:
        """
        Return the attention that each vertex pays to each window.

        Parameters
        ----------
        graphs : GraphSequence
            Windows.
        session : str, optional
            Name of their session.

        Returns
        -------
        numpy.ndarray
            Shape (n_windows, n_windows, n_vertices); row ``t`` sums to 1 over windows up to
            ``t``.

        Raises
        ------
        InputError
            If attention is not per node.
        """
        check_is_fitted(self, "sessions_")
        matrix = None
        if not self._has_factors:
            _, output = self._output(graphs, session, "node_attention")
            matrix = attention_matrix(output.attention, per_vertex=True)
        if matrix is None or matrix.ndim == 2:
            raise InputError(
                "All nodes of this model share their attention, or it has none: it stands in the "
                'embedding. Fit with profile="recurrent", options={"attention": "node"}.'
            )
        return matrix

    def returning_kinds(self, session: str | None = None) -> JudgedKinds:
        """
        Say whether windows are of kinds that return, however long ago they were seen last.

        Parameters
        ----------
        session : str, optional
            Name of the session; needed where there are several.

        Returns
        -------
        JudgedKinds
            The kinds, ``None`` where states that decay tell windows as well; how many there are at
            best; and what these gain over a decay in windows that were left out, in nats per
            window, with its standard error over blocks of time.

        Raises
        ------
        InputError
            If the session is unknown, or the profile looks for no kinds.
        """
        network = self.sessions_[self._named(session)].network
        if not self._has_factors:
            raise InputError(
                'This profile looks for no kinds of windows. Fit with profile="state_space".'
            )
        judged: JudgedKinds = network.kinds.judgement()
        return judged

    def kinds_of_windows(
        self, graphs: GraphSequence, *, session: str | None = None
    ) -> NDArray[np.float64]:
        """
        Say of which kind that returns each window is, given the windows so far.

        Parameters
        ----------
        graphs : GraphSequence
            Windows.
        session : str, optional
            Name of their session.

        Returns
        -------
        numpy.ndarray, shape (n_windows, n_kinds)
            Probability of each kind of :meth:`returning_kinds`.

        Raises
        ------
        InputError
            If the fit found no kinds of windows that return.
        """
        found = None
        if self._has_factors:
            found = kind_probabilities(*self._factors(graphs, session, "kinds_of_windows"))
        if found is None:
            raise InputError(
                "This fit found no kinds of windows that return: states that decay tell its "
                "windows as well. returning_kinds() says how these were judged."
            )
        return found

    def _output(
        self, graphs: GraphSequence, name: str | None, verb: str
    ) -> tuple[Network, SequenceOutput]:
        network, windows, _ = self._opened(graphs, name, verb=verb)
        return network, run_sequence(network, windows)[0]

    def _factors(
        self, graphs: GraphSequence, name: str | None, verb: str
    ) -> tuple[FactorNetwork, GraphSequence]:
        readable, session = self._found(graphs, name, verb=verb)
        return session.network, readable

    def _evidence(self, graphs: GraphSequence) -> float:
        if self._has_factors:
            return log_likelihood(*self._factors(graphs, None, "score"))
        network, windows, _ = self._opened(graphs, None, verb="score")
        return evidence_per_pair(network, windows, seed=int(self.seed))

    def _embed(self, graphs: GraphSequence, name: str | None) -> NodeEmbedding:
        if self._has_factors:
            readable, session = self._found(graphs, name)
            said = read_factors(session.network, readable)
            return self._node_embedding(
                graphs, session, said.mean, said.std, attention=said.attention
            )
        network, windows, session = self._opened(graphs, name)
        generator = None
        if network.options.embedding == "sample":
            generator = torch.Generator().manual_seed(int(self.seed))
        output, _ = run_sequence(network, windows, generator=generator)
        output = known_only(output, graphs.node_mask)
        mean, std, _ = read_embedding(output, network.options)
        return self._node_embedding(
            graphs, session, mean, std, attention=attention_matrix(output.attention)
        )
