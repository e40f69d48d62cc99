"""What factors say of a sequence of graphs: embedding, attention, expected graphs, evidence."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods.tavrnn.factors.filtering import (
    Filtered,
    FilterState,
    filter_states,
    smooth,
)
from tavrnn_ephys.methods.tavrnn.factors.network import FactorNetwork, WindowEvidence
from tavrnn_ephys.methods.tavrnn.factors.windows import weights_of

__all__ = ["FactorReading", "expected_graphs", "log_likelihood", "read_factors"]

_Array = NDArray[np.float64]
_LOG_2PI = float(np.log(2.0 * np.pi))


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

    mean: NDArray[np.float32]
    std: NDArray[np.float32]
    attention: NDArray[np.float32] | None
    after: FilterState


def read_factors(
    network: FactorNetwork,
    graphs: GraphSequence,
    *,
    start: FilterState | None = None,
    with_attention: bool = True,
) -> FactorReading:
    """
    Embed every node in every window.

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
    options = network.options
    evidence = _evidence(network, graphs)
    decay = network.decay.cpu().numpy()
    found = _filtered(network, evidence, start)
    mean, covariance = found.mean, found.covariance
    if options.smoothing == "two_sided":
        mean, covariance = smooth(found, decay)
    strength, precision = network.node_strength(), network.node_precision()
    alone, spread = _of_window(evidence)
    nodes = alone[:, np.newaxis] + _deviations(network, evidence, precision)
    now = nodes * strength, np.sqrt(spread)[:, np.newaxis] * np.abs(strength)
    deviation = np.sqrt(np.diagonal(covariance, axis1=1, axis2=2))
    past = mean[:, np.newaxis] * strength, deviation[:, np.newaxis] * np.abs(strength)
    if options.recurrence != "state_space" or options.embedding == "mean":
        parts = [now]
    else:
        parts = [past] if options.embedding == "attended" else [now, past]
    values = [np.concatenate(item, axis=-1) for item in zip(*parts, strict=True)]
    if graphs.node_mask is not None:
        absent = ~np.asarray(graphs.node_mask)[..., np.newaxis]
        values = [np.where(absent, np.nan, item) for item in values]
    attention = None
    if with_attention and options.recurrence == "state_space":
        attention = _attention(network, found, evidence)
    last = found.last if len(graphs) else start or network.initial_state()
    return FactorReading(
        values[0].astype(np.float32), values[1].astype(np.float32), attention, last
    )


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
    found = _filtered(network, _evidence(network, graphs), None)
    states = found.predicted_mean if ahead else found.mean
    if not ahead and network.options.smoothing == "two_sided":
        states = smooth(found, network.decay.cpu().numpy())[0]
    return np.stack([network.expected(item).cpu().numpy() for item in states])


def log_likelihood(network: FactorNetwork, graphs: GraphSequence) -> float:
    """
    Say how likely graphs are under mean graph, factors and windows before, per pair.

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
    evidence = _evidence(network, graphs)
    found = _filtered(network, evidence, None)
    device = network.mean.device
    varies = network.scale > 0
    n_pairs = max(int(varies.sum()), 1)
    scales = float(network.scale[varies].double().log().sum())
    total = 0.0
    for index in range(len(graphs)):
        values = network.standardized(*weights_of(graphs, index, device))
        square = float(values.double().square().sum())
        total += -0.5 * (square + n_pairs * _LOG_2PI) - scales
        # What the states explain of the window, seen from its prediction.
        gained = _gain(found, index) / float(network.pair_weight)
        total += gained
    return total / (len(graphs) * n_pairs)


def _gain(found: Filtered, index: int) -> float:
    before, after = found.predicted_covariance[index], found.covariance[index]
    spread = np.linalg.slogdet(after)[1] - np.linalg.slogdet(before)[1]
    mean, expected = found.mean[index], found.predicted_mean[index]
    moved = mean @ np.linalg.solve(after, mean) - expected @ np.linalg.solve(before, expected)
    return 0.5 * float(spread + moved)


def _evidence(network: FactorNetwork, graphs: GraphSequence) -> WindowEvidence:
    device = network.mean.device
    shape = (len(graphs), graphs.n_nodes, network.options.latent_size)
    contributions = np.zeros(shape)
    precision = np.tile(network.precision(), (len(graphs), 1, 1))
    for index in range(len(graphs)):
        weights, present = weights_of(graphs, index, device)
        contributions[index] = network.evidence(weights, present)
        if present is not None:
            precision[index] = network.precision(present)
    return WindowEvidence(contributions, precision)


def _filtered(
    network: FactorNetwork, evidence: WindowEvidence, start: FilterState | None
) -> Filtered:
    total = evidence.contributions.sum(axis=1)
    return filter_states(total, evidence.precision, network.decay.cpu().numpy(), start)


def _of_window(evidence: WindowEvidence) -> tuple[_Array, _Array]:
    """Posterior mean and variance of the states from each window alone."""
    n_factors = evidence.precision.shape[1]
    covariance = np.linalg.inv(evidence.precision + np.eye(n_factors))
    mean = np.einsum("tkl,tl->tk", covariance, evidence.contributions.sum(axis=1))
    return mean, np.diagonal(covariance, axis1=1, axis2=2)


def _deviations(
    network: FactorNetwork, evidence: WindowEvidence, precision: _Array
) -> _Array:
    """Shrink what the couplings of each node say otherwise than the whole network."""
    variance = network.deviation.cpu().numpy()
    total = evidence.contributions.sum(axis=1) / np.maximum(precision.sum(axis=0), 1e-12)
    rest = evidence.contributions - precision * total[:, np.newaxis]
    return rest * variance / (1.0 + variance * precision)


def _attention(
    network: FactorNetwork, found: Filtered, evidence: WindowEvidence
) -> NDArray[np.float32]:
    """
    Share of each window in the filtered state of each, weighted by how much factors say.

    A window's weight is what it adds to the state, times what the filter retains of it after
    each later window.
    """
    retained = found.retained(network.decay.cpu().numpy())
    gains = np.diagonal(found.covariance, axis1=1, axis2=2)
    sureness = np.diagonal(evidence.precision, axis1=1, axis2=2)
    n_windows = len(gains)
    matrix = np.zeros((n_windows, n_windows), dtype=np.float32)
    carried = np.zeros((n_windows, gains.shape[1]))
    for index in range(n_windows):
        carried[:index] *= retained[index]
        carried[index] = gains[index] * sureness[index]
        row = np.abs(carried[: index + 1]) @ sureness[index]
        matrix[index, : index + 1] = row / row.sum() if row.sum() > 0 else 0.0
        if row.sum() <= 0:
            matrix[index, index] = 1.0
    return matrix
