"""How well a trained network accounts for graphs, and the graphs that it expects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tavrnn_ephys.methods.tavrnn.nn.latent import kl_divergence
from tavrnn_ephys.methods.tavrnn.nn.likelihood import decode, expected_graph, log_likelihood
from tavrnn_ephys.methods.tavrnn.nn.model import Network
from tavrnn_ephys.methods.tavrnn.nn.sequences import WindowInput
from tavrnn_ephys.methods.tavrnn.training import run_sequence, threads_for

__all__ = ["evidence_per_pair", "expected_graphs"]

_N_SAMPLES = 4


def evidence_per_pair(network: Network, windows: Sequence[WindowInput], *, seed: int) -> float:
    """
    Bound the log-likelihood of graphs from below, per pair.

    ``E_q log p(A | z) − KL(q ‖ p)`` (Kingma & Welling 2014), the state being advanced by
    posterior means, and the expectation taken over a few samples.

    Parameters
    ----------
    network : Network
        A trained network.
    windows : sequence of WindowInput
        Consecutive windows.
    seed : int
        Seed of the samples.

    Returns
    -------
    float
        Mean over windows, in nats per pair of different vertices.
    """
    generator = torch.Generator().manual_seed(seed)
    output, _ = run_sequence(network, windows)
    n = network.n_targets
    n_pairs = n * (n - 1) / 2
    total = 0.0
    with torch.no_grad(), threads_for(network.n_vertices):
        divergence = kl_divergence(output.posterior, output.prior) * network.n_vertices
        for index, window in enumerate(windows):
            mean, std = output.posterior.mean[index], output.posterior.std[index]
            likelihood = 0.0
            n_samples = _N_SAMPLES if network.options.variational else 1
            for _ in range(n_samples):
                latent = mean
                if network.options.variational:
                    latent = mean + std * torch.randn(mean.shape, generator=generator).to(mean)
                decoded = decode(network.decoder.factors(latent[:n]))
                likelihood += log_likelihood(decoded, window.target) / n_samples
            kl = float(divergence[index]) if network.options.variational else 0.0
            total += (likelihood - kl) / n_pairs
    return total / len(windows)


def expected_graphs(network: Network, latents: Tensor, *, n_nodes: int) -> NDArray[np.float32]:
    """
    Decode latent variables into the graphs that they stand for.

    Parameters
    ----------
    network : Network
        A trained network.
    latents : torch.Tensor, shape (n_windows, n_vertices, latent_size)
        Latent variables.
    n_nodes : int
        Number of nodes, the history node not counted.

    Returns
    -------
    numpy.ndarray
        Probabilities of edges, or expected signed weights, shape (n_windows, n_nodes, n_nodes).
    """
    graphs = np.empty((len(latents), n_nodes, n_nodes), dtype=np.float32)
    binary = network.options.target == "binary"
    latents = latents.to(network.project_latent.weight.device)
    with torch.no_grad(), threads_for(network.n_vertices):
        for index, latent in enumerate(latents):
            decoded = decode(network.decoder.factors(latent[: network.n_targets]))
            expected = expected_graph(decoded, binary=binary)
            graphs[index] = expected[:n_nodes, :n_nodes].cpu().numpy()
    return graphs
