"""The one training loop of the methods of this folder."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from tavrnn_ephys.core.checks import positive_int, positive_number, whole_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.tavrnn.training import threads_for


@contextmanager
def seeded(seed: int, n_nodes: int) -> Iterator[None]:
    """Fix torch's random numbers inside the block, and keep small graphs on one thread."""
    with torch.random.fork_rng(devices=[]), threads_for(n_nodes):
        torch.manual_seed(whole_number(seed, "seed"))
        yield


def run_steps(
    parameters: Iterable[torch.nn.Parameter],
    loss_of_step: Callable[[int], Tensor],
    *,
    n_steps: int,
    learning_rate: float,
    weight_decay: float = 0.0,
) -> list[float]:
    """Take Adam steps down a loss; returns the loss before each step."""
    positive_int(n_steps, "n_steps")
    positive_number(learning_rate, "learning_rate")
    optimizer = torch.optim.Adam(parameters, lr=learning_rate, weight_decay=weight_decay)
    history = []
    for step in range(n_steps):
        loss = loss_of_step(step)
        history.append(float(loss.detach()))
        if not math.isfinite(history[-1]):
            raise InputError(
                f"Training diverged at step {step}: the loss is not finite. Lower learning_rate."
            )
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
    return history


def perceptron(sizes: Iterable[int], *, last: bool = False) -> torch.nn.Sequential:
    """Dense layers with ReLU between them, and behind the last one if it is no output."""
    widths = list(sizes)
    layers: list[torch.nn.Module] = []
    for before, after in zip(widths[:-1], widths[1:], strict=True):
        layers += [torch.nn.Linear(before, after), torch.nn.ReLU()]
    return torch.nn.Sequential(*(layers if not last else layers[:-1]))
