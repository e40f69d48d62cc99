"""The training loop: truncated back-propagation through time, and what it leaves behind."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence
from dataclasses import replace
from itertools import zip_longest

import torch
from torch import nn

from tavrnn_ephys.core.errors import ChanceLossWarning, InputError
from tavrnn_ephys.core.progress import progress_bar
from tavrnn_ephys.methods.tavrnn.nn.decoder import PairTarget, chance_loss
from tavrnn_ephys.methods.tavrnn.nn.sequences import NetworkState, WindowInput
from tavrnn_ephys.methods.tavrnn.training.checkpoints import Checkpoint, RunState
from tavrnn_ephys.methods.tavrnn.training.options import TrainingOptions
from tavrnn_ephys.methods.tavrnn.training.passes import Stretch, run_sequence, sample_noise

__all__ = ["train"]

# Enough for the loss to settle on simulated cultures of 80 nodes; more changes it little.
_DEFAULT_STEPS = 200


def train(
    stretches: Sequence[Stretch],
    options: TrainingOptions,
    *,
    generator: torch.Generator,
    verbose: bool = False,
    checkpoint: Checkpoint | None = None,
) -> list[dict[str, float]]:
    """
    Train networks in place.

    Parameters
    ----------
    stretches : sequence of Stretch
        Training windows; parameters that ask for no gradient stay as they are.
    options : TrainingOptions
        How.
    generator : torch.Generator
        Source of the sampling noise, on the CPU.
    verbose : bool
        Whether a progress bar is shown on a terminal.
    checkpoint : Checkpoint, optional
        Where the state of training is kept, and taken up again if there is one.

    Returns
    -------
    list of dict of str to float
        Per training epoch the mean over windows of each term of the loss, with early stopping
        also ``"held_out"``.

    Raises
    ------
    InputError
        If the loss is no longer finite, nothing can be held out, or the checkpoint belongs to
        another fit.

    Warns
    -----
    ChanceLossWarning
        If the reconstruction ends where a model that has learnt nothing stands.
    """
    run = _Run(stretches, options, generator)
    if checkpoint is not None:
        checkpoint.restore(run.state)
    history = run.state.history
    epochs = range(len(history), run.n_epochs)
    bar = progress_bar(epochs, what="training", unit="epoch", verbose=verbose)
    run.modules.train()
    for epoch in bar:
        if run.is_exhausted:
            break
        run.advance()
        bar.set_postfix(loss=f"{history[-1]['loss']:.4f}")
        if checkpoint is not None and checkpoint.is_due(epoch + 1, last=run.is_done):
            checkpoint.save(run.state)
    run.modules.eval()
    final = history[-1]
    if run.state.best_epoch is not None:
        final = history[run.state.best_epoch - 1]
        run.state.restore_best()
    _warn_at_chance(stretches, final["reconstruction"])
    return history


class _Run:
    """One training run, epoch by epoch."""

    def __init__(
        self,
        stretches: Sequence[Stretch],
        options: TrainingOptions,
        generator: torch.Generator,
    ) -> None:
        self.options = options
        self.held_out: list[Stretch] = []
        if options.early_stopping == "windows":
            split = [_split(stretch, options.held_out) for stretch in stretches]
            stretches = [train for train, _ in split]
            self.held_out = [held for _, held in split if held is not None]
            if not self.held_out:
                raise InputError(
                    "No stretch is long enough to hold windows out (at least 3 are needed). Give "
                    'longer stretches, or train with early_stopping="none".'
                )
        size = options.batch_size
        self.batches = [stretches[first : first + size] for first in range(0, len(stretches), size)]
        self.per_epoch = sum(
            max(len(_chunks(item.windows, options.sequence_length)) for item in batch)
            for batch in self.batches
        )
        n_steps = options.training_steps or _DEFAULT_STEPS
        self.n_epochs = math.ceil(n_steps / self.per_epoch)
        if options.training_steps is None and options.training_epochs is not None:
            self.n_epochs = options.training_epochs
        self.n_steps = options.training_steps or self.n_epochs * self.per_epoch
        networks = {id(stretch.network): stretch.network for stretch in stretches}
        self.modules = nn.ModuleList(networks.values())
        parameters = [item for item in self.modules.parameters() if item.requires_grad]
        optimizer = torch.optim.Adam(parameters, lr=options.learning_rate)
        schedule = None
        if options.schedule == "one_cycle":
            schedule = torch.optim.lr_scheduler.OneCycleLR(
                optimizer,
                max_lr=options.learning_rate,
                total_steps=max(self.n_steps, 2),
            )
        self.state = RunState(self.modules, parameters, optimizer, schedule, generator)

    @property
    def is_exhausted(self) -> bool:
        """Whether the held-out loss has not improved for long enough."""
        if self.options.early_stopping == "none" or self.state.best_epoch is None:
            return False
        return len(self.state.history) - self.state.best_epoch >= self.options.patience

    @property
    def is_done(self) -> bool:
        """Whether no training epoch follows."""
        return self.is_exhausted or len(self.state.history) >= self.n_epochs

    def advance(self) -> None:
        """Go through all windows once, or as far as the optimizer steps last."""
        totals: dict[str, float] = {}
        left, n_seen = self.n_steps - len(self.state.history) * self.per_epoch, 0
        for batch in self.batches:
            states = [stretch.network.initial_state() for stretch in batch]
            chunks = [_chunks(item.windows, self.options.sequence_length) for item in batch]
            groups = list(zip_longest(*chunks))[:left]
            left -= len(groups)
            for group in groups:
                n_seen += sum(len(windows) for windows in group if windows is not None)
                for name, value in self._step(batch, states, group).items():
                    totals[name] = totals.get(name, 0.0) + value
        means = {name: value / n_seen for name, value in totals.items()}
        if self.held_out:
            means["held_out"] = self._held_out_loss()
        epoch = len(self.state.history) + 1
        if not all(math.isfinite(value) for value in means.values()):
            raise InputError(
                f"Training diverged in training epoch {epoch}: the loss is not finite. "
                "Lower learning_rate, or shorten attention_width."
            )
        self.state.history.append(means)
        if self.held_out:
            self.state.keep_if_best(means["held_out"])

    def _step(
        self,
        batch: Sequence[Stretch],
        states: list[NetworkState],
        group: Sequence[Sequence[WindowInput] | None],
    ) -> dict[str, float]:
        """Make one optimizer step from a chunk of each stretch that still has one."""
        totals: dict[str, torch.Tensor] = {}
        for index, (stretch, windows) in enumerate(zip(batch, group, strict=True)):
            if windows is None:
                continue
            windows = [*windows]  # Tensors that are built when they are asked for, once.
            # Drawn outside the network, so that a checkpoint can restore the generator.
            noise = sample_noise(
                stretch.network,
                len(windows),
                self.state.generator if stretch.network.options.variational else None,
            )
            output, state = stretch.network(windows, states[index], noise)
            # Truncated: gradients stop at the chunk, or memory would grow with the recording.
            states[index] = state.detach()
            scored = self._sampled(windows)
            for name, value in stretch.network.loss_terms(scored, output).items():
                totals[name] = totals[name] + value if name in totals else value
        n_windows = sum(len(windows) for windows in group if windows is not None)
        self.state.step(totals["loss"] / n_windows, self.options.clip_norm)
        return {name: float(value.detach()) for name, value in totals.items()}

    def _sampled(self, windows: Sequence[WindowInput]) -> Sequence[WindowInput]:
        """Leave some of the nodes in the targets, other ones in each window."""
        n_sampled = self.options.sampled_nodes
        if n_sampled is None or n_sampled >= len(windows[0].target.values):
            return windows
        return [
            replace(window, target=_among(window.target, n_sampled, self.state.generator))
            for window in windows
        ]

    def _held_out_loss(self) -> float:
        """Loss of what is held out, with the posterior mean for the sample, per window."""
        total, n_windows = 0.0, 0
        for network, windows, n_lead in self.held_out:
            output, _ = run_sequence(network, windows)
            scored = windows[n_lead:]
            with torch.no_grad():
                terms = network.loss_terms(scored, output.from_window(n_lead))
            total += float(terms["loss"])
            n_windows += len(scored)
        return total / n_windows


def _split(stretch: Stretch, share: float) -> tuple[Stretch, Stretch | None]:
    """Cut the last windows off a stretch, unless it is too short for that."""
    windows = stretch.windows
    if len(windows) < 3:
        return stretch, None
    n_train = len(windows) - max(1, min(round(share * len(windows)), len(windows) - 2))
    return Stretch(stretch.network, windows[:n_train]), stretch._replace(n_lead=n_train)


def _among(target: PairTarget, n_sampled: int, generator: torch.Generator) -> PairTarget:
    """Keep the pairs among a few nodes that exist."""
    n = len(target.values)
    exists = torch.ones(n, dtype=torch.bool) if target.present is None else target.present.cpu()
    (candidates,) = torch.nonzero(exists, as_tuple=True)
    chosen = candidates[torch.randperm(len(candidates), generator=generator)[:n_sampled]]
    present = torch.zeros(n, dtype=torch.bool)
    present[chosen] = True
    return replace(target, present=present.to(target.values.device))


def _chunks(sequence: Sequence[WindowInput], length: int | None) -> list[Sequence[WindowInput]]:
    length = length or len(sequence)
    return [sequence[first : first + length] for first in range(0, len(sequence), length)]


def _warn_at_chance(stretches: Sequence[Stretch], final: float) -> None:
    n_windows = sum(len(stretch.windows) for stretch in stretches)
    chance = sum(map(_chance_of, stretches)) / n_windows
    if final < 0.99 * chance:
        return
    warnings.warn(
        f"The reconstruction loss ends at {final:.3f}, where a model that has learnt nothing "
        f"stands ({chance:.3f}): these embeddings say nothing about the windows. Train longer, "
        "raise the threshold, or lengthen the windows.",
        ChanceLossWarning,
        stacklevel=4,
    )


def _chance_of(stretch: Stretch) -> float:
    """Sum the losses of a decoder that knows nothing; for weights that takes no look at them."""
    if stretch.network.options.target == "signed":
        return sum(chance_loss(stretch.windows[0].target) for _ in range(len(stretch.windows)))
    return sum(chance_loss(window.target) for window in stretch.windows)
