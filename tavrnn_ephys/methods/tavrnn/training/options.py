"""Options of the training loop."""

from __future__ import annotations

from dataclasses import dataclass

from tavrnn_ephys.core.checks import one_of, positive_int, positive_number
from tavrnn_ephys.core.errors import InputError

__all__ = ["TrainingOptions"]


@dataclass(frozen=True, kw_only=True)
class TrainingOptions:
    """
    Options of the training loop; the values here are those of the profile ``"recurrent"``.

    Parameters
    ----------
    training_epochs : int or None
        Passes over all sequences; ``None`` for as many as make at least 200 optimizer steps.
    training_steps : int or None
        Optimizer steps, the last training epoch cut short; where it is given, ``training_epochs``
        is not read.
    learning_rate : float
        Step of Adam; the peak where there is a schedule.
    schedule : {"one_cycle", "constant"}
        Course of the learning rate.
    sequence_length : int or None
        Windows per optimizer step, with the state carried over but no gradient; ``None`` for
        the whole sequence.
    batch_size : int
        Sequences whose windows enter one optimizer step together, such as the recordings of
        several sessions.
    clip_norm : float or None
        Bound on the norm of the gradient before each step.
    sampled_nodes : int or None
        Nodes among which pairs are decoded in a window of an optimizer step, drawn anew each
        time, so that a step costs their number squared; ``None`` for all.
    early_stopping : {"none", "windows"}
        What is held out to tell when to stop: nothing, or the last windows of each sequence.
        The weights of the best training epoch are kept.
    held_out : float
        Share of the windows that is held out, between 0 and 1.
    patience : int
        Training epochs without a better held-out loss after which training stops.

    Raises
    ------
    InputError
        If a value is out of its range.
    """

    training_epochs: int | None = None
    training_steps: int | None = None
    learning_rate: float = 5e-3
    schedule: str = "one_cycle"
    sequence_length: int | None = 6
    batch_size: int = 1
    clip_norm: float | None = 1.0
    sampled_nodes: int | None = None
    early_stopping: str = "none"
    held_out: float = 0.2
    patience: int = 10

    def __post_init__(self) -> None:
        for name in ("training_epochs", "training_steps"):
            if getattr(self, name) is not None:
                positive_int(getattr(self, name), name)
        one_of(self.schedule, ("one_cycle", "constant"), "schedule")
        one_of(self.early_stopping, ("none", "windows"), "early_stopping")
        if self.sequence_length is not None:
            positive_int(self.sequence_length, "sequence_length")
        if self.sampled_nodes is not None and positive_int(self.sampled_nodes, "sampled_nodes") < 2:
            raise InputError("sampled_nodes must be at least 2: one node has no pair.")
        positive_int(self.batch_size, "batch_size")
        positive_int(self.patience, "patience")
        positive_number(self.learning_rate, "learning_rate")
        if positive_number(self.held_out, "held_out") >= 1.0:
            raise InputError(f"held_out must be a share between 0 and 1, got {self.held_out:g}.")
        if self.clip_norm is not None:
            positive_number(self.clip_norm, "clip_norm")
