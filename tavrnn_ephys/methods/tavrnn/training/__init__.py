"""Training of networks: the loop, its options, checkpoints, and passes without training."""

from tavrnn_ephys.methods.tavrnn.training.checkpoints import Checkpoint
from tavrnn_ephys.methods.tavrnn.training.devices import find_device
from tavrnn_ephys.methods.tavrnn.training.loop import train
from tavrnn_ephys.methods.tavrnn.training.options import TrainingOptions
from tavrnn_ephys.methods.tavrnn.training.passes import (
    Stretch,
    run_sequence,
    sample_noise,
    threads_for,
)

__all__ = [
    "Checkpoint",
    "Stretch",
    "TrainingOptions",
    "find_device",
    "run_sequence",
    "sample_noise",
    "threads_for",
    "train",
]
