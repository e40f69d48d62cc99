"""The training loop: truncated back-propagation through time, and what it leaves behind."""

from __future__ import annotations

import math
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor
from tqdm import tqdm

from tavrnn_ephys._checks import one_of, positive_int, positive_number
from tavrnn_ephys.errors import ChanceLossWarning, InputError
from tavrnn_ephys.nn.decoder import chance_loss
from tavrnn_ephys.nn.model import Network, SequenceOutput, WindowInput

__all__ = ["TrainingOptions", "run_sequence", "sample_noise", "threads_for", "train"]

_LEAST_FOR_THREADS = 500

# Enough for the loss to settle on simulated cultures of 80 nodes; more changes it little.
_DEFAULT_STEPS = 200


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """
    Options of the training loop; the values here are the default profile.

    Parameters
    ----------
    training_epochs : int or None
        Passes over all sequences; ``None`` for as many as make at least 200 optimizer steps.
    learning_rate : float
        Step of Adam; the peak where there is a schedule.
    schedule : {"one_cycle", "constant"}
        Course of the learning rate.
    sequence_length : int or None
        Windows per optimizer step, with the state carried over but no gradient; ``None`` for
        the whole sequence.
    clip_norm : float or None
        Bound on the norm of the gradient before each step.

    Raises
    ------
    InputError
        If a value is out of its range.
    """

    training_epochs: int | None = None
    learning_rate: float = 5e-3
    schedule: str = "one_cycle"
    sequence_length: int | None = 6
    clip_norm: float | None = 1.0

    def __post_init__(self) -> None:
        if self.training_epochs is not None:
            positive_int(self.training_epochs, "training_epochs")
        one_of(self.schedule, ("one_cycle", "constant"), "schedule")
        if self.sequence_length is not None:
            positive_int(self.sequence_length, "sequence_length")
        positive_number(self.learning_rate, "learning_rate")
        if self.clip_norm is not None:
            positive_number(self.clip_norm, "clip_norm")


def train(
    network: Network,
    sequences: Sequence[Sequence[WindowInput]],
    options: TrainingOptions,
    *,
    generator: torch.Generator,
    verbose: bool = False,
) -> list[dict[str, float]]:
    """
    Train a network in place.

    Parameters
    ----------
    network : Network
        The network.
    sequences : sequence of sequence of WindowInput
        Stretches of consecutive windows; the state starts afresh in each.
    options : TrainingOptions
        How.
    generator : torch.Generator
        Source of the sampling noise.
    verbose : bool
        Whether a progress bar is shown on a terminal.

    Returns
    -------
    list of dict of str to float
        Per training epoch the mean over windows of ``"loss"``, ``"reconstruction"`` and
        ``"kl"``.

    Raises
    ------
    InputError
        If the loss is no longer finite.

    Warns
    -----
    ChanceLossWarning
        If the reconstruction ends where a model that has learnt nothing stands.
    """
    chunks = [_chunks(sequence, options.sequence_length) for sequence in sequences]
    steps_per_epoch = sum(len(item) for item in chunks)
    n_epochs = options.training_epochs or math.ceil(_DEFAULT_STEPS / steps_per_epoch)
    parameters = [item for item in network.parameters() if item.requires_grad]
    optimizer = torch.optim.Adam(parameters, lr=options.learning_rate)
    schedule = None
    if options.schedule == "one_cycle":
        schedule = torch.optim.lr_scheduler.OneCycleLR(
            optimizer, max_lr=options.learning_rate, total_steps=max(n_epochs * steps_per_epoch, 2)
        )
    history: list[dict[str, float]] = []
    network.train()
    bar = tqdm(
        range(n_epochs),
        desc="training",
        unit="epoch",
        disable=not (verbose and sys.stderr.isatty()),
        leave=False,
    )
    for _ in bar:
        totals = {"loss": 0.0, "reconstruction": 0.0, "kl": 0.0}
        for sequence in chunks:
            state = network.initial_state()
            for chunk in sequence:
                noise = sample_noise(network, len(chunk), generator)
                output, state = network(chunk, state, noise)
                terms = network.loss_terms(chunk, output)
                optimizer.zero_grad(set_to_none=True)
                (terms["loss"] / len(chunk)).backward()
                if options.clip_norm is not None:
                    torch.nn.utils.clip_grad_norm_(parameters, options.clip_norm)
                optimizer.step()
                if schedule is not None:
                    schedule.step()
                state = state.detach()
                for name in totals:
                    totals[name] += float(terms[name].detach())
        n_windows = sum(len(chunk) for sequence in chunks for chunk in sequence)
        history.append({name: value / n_windows for name, value in totals.items()})
        bar.set_postfix(loss=f"{history[-1]['loss']:.4f}")
        if not math.isfinite(history[-1]["loss"]):
            raise InputError(
                f"Training diverged in training epoch {len(history)}: the loss is not finite. "
                "Lower learning_rate, or shorten attention_width."
            )
    network.eval()
    _warn_at_chance(sequences, history)
    return history


def _chunks(sequence: Sequence[WindowInput], length: int | None) -> list[Sequence[WindowInput]]:
    length = length or len(sequence)
    return [sequence[first : first + length] for first in range(0, len(sequence), length)]


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
    Draw the noise of consecutive windows.

    Parameters
    ----------
    network : Network
        The network, for its shapes.
    n_windows : int
        Number of windows.
    generator : torch.Generator, optional
        Source; without it the noise is zero.

    Returns
    -------
    torch.Tensor
        Shape (n_windows, n_vertices, latent_size).
    """
    shape = (n_windows, network.n_vertices, network.options.latent_size)
    if generator is None:
        return torch.zeros(shape)
    return torch.randn(shape, generator=generator)


def run_sequence(
    network: Network, sequence: Sequence[WindowInput], *, generator: torch.Generator | None = None
) -> SequenceOutput:
    """
    Pass a network over a sequence without training it.

    Parameters
    ----------
    network : Network
        A trained network.
    sequence : sequence of WindowInput
        Consecutive windows.
    generator : torch.Generator, optional
        Source of sampling noise; without it the posterior mean stands for the sample.

    Returns
    -------
    SequenceOutput
        What the network says of them.
    """
    with torch.no_grad(), threads_for(network.n_vertices):
        noise = sample_noise(network, len(sequence), generator)
        return network(sequence, network.initial_state(), noise)[0]


def _warn_at_chance(
    sequences: Sequence[Sequence[WindowInput]], history: list[dict[str, float]]
) -> None:
    chances = [chance_loss(window.target) for sequence in sequences for window in sequence]
    chance = sum(chances) / len(chances)
    final = history[-1]["reconstruction"]
    if final < 0.99 * chance:
        return
    warnings.warn(
        f"The reconstruction loss ends at {final:.3f}, where a model that has learnt nothing "
        f"stands ({chance:.3f}): these embeddings say nothing about the windows. Train longer, "
        "raise the threshold, or lengthen the windows.",
        ChanceLossWarning,
        stacklevel=4,
    )
