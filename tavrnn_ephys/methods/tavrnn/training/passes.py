"""Passes of a network over windows, and what they need: noise, threads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

import torch
from torch import Tensor

from tavrnn_ephys.methods.tavrnn.nn.model import Network
from tavrnn_ephys.methods.tavrnn.nn.sequences import NetworkState, SequenceOutput, WindowInput

__all__ = ["Stretch", "run_sequence", "sample_noise", "threads_for"]

_LEAST_FOR_THREADS = 500


class Stretch(NamedTuple):
    """
    Consecutive windows, and the network that reads them.

    Parameters
    ----------
    network : Network
        The network; stretches of one session share it, those of different sessions share most
        of its weights.
    windows : sequence of WindowInput
        The windows; the state starts afresh before the first.
    n_lead : int
        Windows at the start of a held-out stretch that set the state and are not scored.
    """

    network: Network
    windows: Sequence[WindowInput]
    n_lead: int = 0


@contextmanager
def threads_for(n_vertices: int) -> Iterator[None]:
    """
    Keep small graphs on one thread while they are worked on.

    Handing a product of a few hundred rows to a second thread costs more than it saves, and
    much more on a machine that others use too.

    Parameters
    ----------
    n_vertices : int
        Number of vertices of a graph.

    Yields
    ------
    None
        The number of threads is restored afterwards.
    """
    previous = torch.get_num_threads()
    torch.set_num_threads(1 if n_vertices < _LEAST_FOR_THREADS else previous)
    try:
        yield
    finally:
        torch.set_num_threads(previous)


def sample_noise(network: Network, n_windows: int, generator: torch.Generator | None) -> Tensor:
    """
    Draw the noise of consecutive windows, one window after the other.

    Parameters
    ----------
    network : Network
        The network, for its shapes.
    n_windows : int
        Number of windows.
    generator : torch.Generator, optional
        Source, on the CPU, so that equal seeds give equal noise on every device; without it
        the noise is zero.

    Returns
    -------
    torch.Tensor
        Shape (n_windows, n_vertices, latent_size).
    """
    shape = (network.n_vertices, network.options.latent_size)
    like = network.project_latent.weight
    if generator is None:
        return like.new_zeros((n_windows, *shape))
    # Window by window, so that a stream of windows meets the noise that a sequence meets.
    drawn = [torch.randn(shape, generator=generator) for _ in range(n_windows)]
    return torch.stack(drawn).to(like)


def run_sequence(
    network: Network,
    windows: Sequence[WindowInput],
    *,
    state: NetworkState | None = None,
    generator: torch.Generator | None = None,
) -> tuple[SequenceOutput, NetworkState]:
    """
    Pass a network over windows without training it.

    Parameters
    ----------
    network : Network
        A trained network.
    windows : sequence of WindowInput
        Consecutive windows.
    state : NetworkState, optional
        State after the window before the first; by default the initial state.
    generator : torch.Generator, optional
        Source of sampling noise; without it the posterior mean stands for the sample.

    Returns
    -------
    tuple of SequenceOutput and NetworkState
        What the network says of them, and the state after the last.
    """
    with torch.no_grad(), threads_for(network.n_vertices):
        noise = sample_noise(network, len(windows), generator)
        return network(windows, state or network.initial_state(), noise)
