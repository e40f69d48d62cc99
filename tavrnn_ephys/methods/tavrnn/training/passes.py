"""Passes of a network over windows, and what they need: noise, threads."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import torch
from torch import Tensor

from tavrnn_ephys.methods.tavrnn.nn.latent import Gaussian
from tavrnn_ephys.methods.tavrnn.nn.model import Network
from tavrnn_ephys.methods.tavrnn.nn.sequences import NetworkState, SequenceOutput, WindowInput

__all__ = ["InputsOnDemand", "Stretch", "run_sequence", "sample_noise", "threads_for"]

_LEAST_FOR_THREADS = 500
# Windows that a network reads together where all of them would not fit into memory.
_WINDOWS_AT_ONCE = 16


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


class InputsOnDemand(Sequence[WindowInput]):
    """
    Windows whose tensors are built when they are asked for.

    Parameters
    ----------
    build : callable
        Builds one, by its index.
    indices : range
        Which windows.
    """

    def __init__(self, build: Callable[[int], WindowInput], indices: range) -> None:
        self._build = build
        self._indices = indices

    def __len__(self) -> int:
        return len(self._indices)

    def __getitem__(self, index: Any) -> Any:
        chosen = self._indices[index]
        if isinstance(chosen, range):
            return InputsOnDemand(self._build, chosen)
        return self._build(chosen)


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
    state = state or network.initial_state()
    outputs = []
    with torch.no_grad(), threads_for(network.n_vertices):
        for part in _at_once(windows):
            noise = sample_noise(network, len(part), generator)
            output, state = network(part, state, noise)
            outputs.append(output)
    return _joined(outputs), state


def _at_once(windows: Sequence[WindowInput]) -> Iterator[Sequence[WindowInput]]:
    """Give all windows, or some after the other where they are built when they are asked for."""
    if not isinstance(windows, InputsOnDemand):
        yield windows
        return
    for first in range(0, len(windows), _WINDOWS_AT_ONCE):
        yield [*windows[first : first + _WINDOWS_AT_ONCE]]


def _joined(outputs: Sequence[SequenceOutput]) -> SequenceOutput:
    """Put the outputs of consecutive windows behind each other."""
    if len(outputs) == 1:
        return outputs[0]
    return SequenceOutput(
        Gaussian(*map(torch.cat, zip(*(item.posterior for item in outputs), strict=True))),
        Gaussian(*map(torch.cat, zip(*(item.prior for item in outputs), strict=True))),
        torch.cat([item.latent for item in outputs]),
        [row for item in outputs for row in item.attention],
    )
