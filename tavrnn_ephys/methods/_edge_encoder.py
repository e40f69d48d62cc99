"""What the auto-encoders of binary edges take: one set of parameters, stated once."""

from __future__ import annotations

from tavrnn_ephys.methods.contract import GraphEmbedder

__all__ = ["EdgeEncoder"]


class EdgeEncoder(GraphEmbedder):
    """A graph embedder that trains two graph convolutions on binary edges."""

    def __init__(
        self,
        *,
        latent_size: int = 8,
        hidden_size: int = 32,
        density: float = 0.2,
        windows_per_step: int = 6,
        n_steps: int = 200,
        learning_rate: float = 1e-2,
        seed: int = 0,
    ):
        self.latent_size = latent_size
        self.hidden_size = hidden_size
        self.density = density
        self.windows_per_step = windows_per_step
        self.n_steps = n_steps
        self.learning_rate = learning_rate
        self.seed = seed
