"""What factors say of a sequence of graphs: embedding, attention, expected graphs, evidence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, overload

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods.tavrnn.factors.filtering import FilterState
from tavrnn_ephys.methods.tavrnn.factors.memory import DecayingStates, Memory, ReturningStates
from tavrnn_ephys.methods.tavrnn.factors.network import FactorNetwork, WindowEvidence
from tavrnn_ephys.methods.tavrnn.factors.windows import weights_of

__all__ = [
    "FactorReader",
    "FactorReading",
    "expected_graphs",
    "kind_probabilities",
    "log_likelihood",
    "read_factors",
]

_Array = NDArray[np.float64]
_Embedded = NDArray[np.float32]
_Window = tuple[Tensor, Tensor | None]
_Learnt = list[tuple[Tensor, int]]
_LOG_2PI = float(np.log(2.0 * np.pi))
# Bytes of the windows that are read at once.
_BLOCK = 2**26
# How many standard deviations are kept for the next window.
_MOST_SPREADS = 4


class FactorReading(NamedTuple):
    """
    An embedding, and what is known after its last window.

    Parameters
    ----------
    mean, std : numpy.ndarray, shape (n_windows, n_nodes, width)
        Posterior mean and standard deviation; NaN where a node does not exist.
    attention : numpy.ndarray or None, shape (n_windows, n_windows)
        Share of each window in the filtered state of each; ``None`` without recurrence, or
        where it was not asked for.
    after : FilterState
        What is known after the last window.
    """

    mean: _Embedded
    std: _Embedded
    attention: _Embedded | None
    after: FilterState


class FactorReader:
    """
    What does not change from window to window, computed once.

    Parameters
    ----------
    network : FactorNetwork
        What a fit learnt of a session.
    """

    def __init__(self, network: FactorNetwork) -> None:
        self._network = network
        self._decay, self._kinds = network.decay.cpu().numpy(), network.kinds.known()
        self._coordinates, self._of_nodes = network.node_coordinates(), network.node_precision()
        # Of every coordinate, what each entry of a covariance of states adds to its variance.
        self._squares = np.einsum("nck,ncl->klnc", self._coordinates, self._coordinates)
        self._precision = network.precision()
        self._deviation = network.deviation.cpu().numpy()
        self._divisor = network.divisor()
        self._spreads: dict[bytes, _Embedded] = {}

    def evidence(self, windows: Sequence[_Window]) -> WindowEvidence:
        """
        Gather what windows say.

        Parameters
        ----------
        windows : sequence of tuple of torch.Tensor
            Weights of each, and the nodes that exist in it, ``None`` if all do.

        Returns
        -------
        WindowEvidence
            What each node's couplings say, and how surely.
        """
        network = self._network
        size = max(1, _BLOCK // (4 * network.n_nodes**2))
        said, precision = [], []
        for first in range(0, len(windows), size):
            block = windows[first : first + size]
            said.append(network.evidence(block, divisor=self._divisor))
            precision += [
                self._precision if present is None else network.precision(present)
                for _, present in block
            ]
        return WindowEvidence(np.concatenate(said), np.stack(precision))

    def remembered(self, evidence: WindowEvidence, start: FilterState | None = None) -> Memory:
        """
        Tell the states of windows from these and those before.

        Parameters
        ----------
        evidence : WindowEvidence
            What the windows say.
        start : FilterState, optional
            What is known of the windows before.

        Returns
        -------
        Memory
            The posterior of every window.
        """
        if self._kinds is not None:
            return ReturningStates(evidence, self._kinds, start)
        return DecayingStates(evidence, self._decay, start)

    def embedded(
        self, windows: Sequence[_Window], start: FilterState | None = None
    ) -> tuple[_Embedded, _Embedded, Memory]:
        """
        Embed every node in every window.

        Parameters
        ----------
        windows : sequence of tuple of torch.Tensor
            Weights of each, and the nodes that exist in it, ``None`` if all do.
        start : FilterState, optional
            What is known of the windows before.

        Returns
        -------
        tuple of numpy.ndarray and Memory
            Mean and standard deviation, (n_windows, n_nodes, width); and the states of windows.
        """
        evidence = self.evidence(windows)
        found = self.remembered(evidence, start)
        mean, std = self.embedding_of(evidence, found)
        return mean, std, found

    def embedding_of(self, evidence: WindowEvidence, found: Memory) -> tuple[_Embedded, _Embedded]:
        """
        Say what states stand for at every node.

        Parameters
        ----------
        evidence : WindowEvidence
            What the windows say.
        found : Memory
            Their states.

        Returns
        -------
        tuple of numpy.ndarray, shape (n_windows, n_nodes, width)
            Mean and standard deviation: of the window alone, and with those before it.
        """
        options = self._network.options
        alone, covariance = _of_window(evidence)
        states = [(alone[:, np.newaxis] + self._deviations(evidence), covariance)]
        if options.recurrence == "state_space" and options.embedding != "mean":
            mean, lasting = found.mean, found.covariance
            if options.smoothing == "two_sided":
                mean, lasting = found.smoothed()
            states.append((mean[:, np.newaxis], lasting))
            states = states[1:] if options.embedding == "attended" else states
        means, stds = zip(*(self._of_states(*item) for item in states), strict=True)
        return np.concatenate(means, axis=-1), np.concatenate(stds, axis=-1)

    def _of_states(self, mean: _Array, covariance: _Array) -> tuple[_Embedded, _Embedded]:
        """Turn states, of every node or of all alike, and their covariance into coordinates."""
        found = (self._coordinates @ mean[..., np.newaxis])[..., 0].astype(np.float32)
        return found, self._spread_of(covariance)

    def _spread_of(self, covariance: _Array) -> _Embedded:
        """Give the standard deviation of coordinates; a filter that has settled asks for one."""
        known = covariance.tobytes() if len(covariance) == 1 else b""
        if known in self._spreads:
            return self._spreads[known]
        variance = np.tensordot(covariance, self._squares, axes=2)
        spread = np.sqrt(np.maximum(variance, 0.0)).astype(np.float32)
        if known:
            if len(self._spreads) == _MOST_SPREADS:
                self._spreads.clear()
            self._spreads[known] = spread
        return spread

    def _deviations(self, evidence: WindowEvidence) -> _Array:
        """Shrink what the couplings of each node say otherwise than the whole network."""
        precision, variance = self._of_nodes, self._deviation
        total = evidence.contributions.sum(axis=1) / np.maximum(precision.sum(axis=0), 1e-12)
        rest = evidence.contributions - precision * total[:, np.newaxis]
        return rest * variance / (1.0 + variance * precision)


def reader_of(network: FactorNetwork) -> FactorReader:
    """
    Return the reader of a network, built anew where the network has learnt since.

    Parameters
    ----------
    network : FactorNetwork
        What a fit learnt of a session.

    Returns
    -------
    FactorReader
        The reader.
    """
    learnt = [(item, item._version) for item in network.buffers()]
    if network.reader is None or not _is_same(network.reader[0], learnt):
        network.reader = (learnt, FactorReader(network))
    found: FactorReader = network.reader[1]
    return found


def _is_same(before: _Learnt, now: _Learnt) -> bool:
    return len(before) == len(now) and all(
        one is other and version == current
        for (one, version), (other, current) in zip(before, now, strict=True)
    )


def read_factors(
    network: FactorNetwork,
    graphs: GraphSequence,
    *,
    start: FilterState | None = None,
    with_attention: bool = True,
) -> FactorReading:
    """
    Embed every node in every window of a sequence.

    Parameters
    ----------
    network : FactorNetwork
        What a fit learnt of the session.
    graphs : GraphSequence
        Consecutive windows.
    start : FilterState, optional
        What is known of the windows before.
    with_attention : bool
        Whether attention is wanted.

    Returns
    -------
    FactorReading
        The embedding.
    """
    reader = reader_of(network)
    evidence = reader.evidence(_Windows(network, graphs))
    found = reader.remembered(evidence, start)
    mean, std = reader.embedding_of(evidence, found)
    if graphs.node_mask is not None:
        absent = ~np.asarray(graphs.node_mask)[..., np.newaxis]
        mean, std = (np.where(absent, np.float32(np.nan), item) for item in (mean, std))
    attention = None
    if with_attention and network.options.recurrence == "state_space":
        attention = found.attention()
    return FactorReading(mean, std, attention, found.last)


def expected_graphs(
    network: FactorNetwork, graphs: GraphSequence, *, ahead: bool = False
) -> NDArray[np.float32]:
    """
    Return the graph that is expected in every window.

    Parameters
    ----------
    network : FactorNetwork
        What a fit learnt of the session.
    graphs : GraphSequence
        Consecutive windows.
    ahead : bool
        Whether from the windows before it alone.

    Returns
    -------
    numpy.ndarray, shape (n_windows, n_nodes, n_nodes)
        Expected weights.
    """
    reader = reader_of(network)
    found = reader.remembered(reader.evidence(_Windows(network, graphs)))
    states = found.predicted_mean if ahead else found.mean
    if not ahead and network.options.smoothing == "two_sided":
        states = found.smoothed()[0]
    return np.stack([network.expected(item).cpu().numpy() for item in states])


def kind_probabilities(network: FactorNetwork, graphs: GraphSequence) -> _Array | None:
    """
    Say of which kind each window is, given the windows so far.

    Parameters
    ----------
    network : FactorNetwork
        What a fit learnt of the session.
    graphs : GraphSequence
        Consecutive windows.

    Returns
    -------
    numpy.ndarray, shape (n_windows, n_kinds), or None
        Probabilities; ``None`` where states decay.
    """
    reader = reader_of(network)
    found = reader.remembered(reader.evidence(_Windows(network, graphs)))
    return found.probability if isinstance(found, ReturningStates) else None


def log_likelihood(network: FactorNetwork, graphs: GraphSequence) -> float:
    """
    Say how likely graphs are under mean graph, factors and the windows before each, per pair.

    Parameters
    ----------
    network : FactorNetwork
        What a fit learnt of the session.
    graphs : GraphSequence
        Consecutive windows.

    Returns
    -------
    float
        Mean over windows of the log-density, in nats per pair of nodes that varies.
    """
    reader, windows = reader_of(network), _Windows(network, graphs)
    gains = reader.remembered(reader.evidence(windows)).gains()
    varies = network.scale > 0
    n_pairs = max(int(varies.sum()), 1)
    scales = float(network.scale[varies].double().log().sum())
    total = 0.0
    for index, window in enumerate(windows):
        square = float(network.standardized(*window).double().square().sum())
        total += -0.5 * (square + n_pairs * _LOG_2PI) - scales
        # A pair of an undirected graph stands twice, and so does what is explained of it.
        total += float(gains[index]) / float(network.pair_weight)
    return total / (len(windows) * n_pairs)


class _Windows(Sequence[_Window]):
    """The windows of a sequence, each built when it is asked for."""

    def __init__(self, network: FactorNetwork, graphs: GraphSequence) -> None:
        self._graphs, self._device = graphs, network.mean.device

    def __len__(self) -> int:
        return len(self._graphs)

    @overload
    def __getitem__(self, index: int) -> _Window: ...

    @overload
    def __getitem__(self, index: slice) -> list[_Window]: ...

    def __getitem__(self, index: int | slice) -> _Window | list[_Window]:
        if isinstance(index, slice):
            return [self[number] for number in range(len(self))[index]]
        return weights_of(self._graphs, range(len(self))[index], self._device)


def _of_window(evidence: WindowEvidence) -> tuple[_Array, _Array]:
    """Posterior mean and covariance of the states from each window alone."""
    n_factors = evidence.precision.shape[1]
    covariance = np.asarray(np.linalg.inv(evidence.precision + np.eye(n_factors)), dtype=np.float64)
    mean = np.einsum("tkl,tl->tk", covariance, evidence.contributions.sum(axis=1))
    return mean, covariance
