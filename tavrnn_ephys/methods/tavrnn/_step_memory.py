"""What a stream remembers of earlier windows, in rings of fixed size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from tavrnn_ephys.methods.tavrnn.nn._attention_steps import AttentionWeights
from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions
from tavrnn_ephys.methods.tavrnn.readout import weighted

__all__ = ["AttentionMemory", "ReadoutMemory"]


class _Ring:
    """Slots of which one is pending, and all others committed once they have been filled."""

    def __init__(self, n_slots: int) -> None:
        self.n_slots = n_slots
        self.reset()

    def reset(self) -> None:
        self.pending, self.n_filled = 0, 0

    def commit(self) -> None:
        self.pending = (self.pending + 1) % self.n_slots
        self.n_filled = min(self.n_filled + 1, self.n_slots - 1)

    def ages(self) -> NDArray[np.int64]:
        """Windows back from the pending slot, by slot."""
        return (self.pending - np.arange(self.n_slots)) % self.n_slots

    def state(self) -> NDArray[np.int64]:
        return np.array([self.pending, self.n_filled])

    def restore(self, state: NDArray[Any]) -> None:
        self.pending, self.n_filled = map(int, state)


class AttentionMemory:
    """
    States of one layer that attention reaches, and attention to them.

    Parameters
    ----------
    options : NetworkOptions
        Options of the network.
    weights : AttentionWeights
        Maps of the layer.
    n_vertices : int
        Number of vertices.
    """

    def __init__(self, options: NetworkOptions, weights: AttentionWeights, n_vertices: int) -> None:
        width = options.attention_width or 0
        self.options, self.weights = options, weights
        self.ring = _Ring(width + 1)
        self.states = torch.zeros(width + 1, n_vertices, options.hidden_size)
        self.shares = torch.zeros(width + 1)
        # By how the ring stands, which takes few forms.
        self._penalties: dict[tuple[int, int], Tensor] = {}

    def reset(self) -> None:
        """Forget every window."""
        self.ring.reset()
        self.states.zero_()

    def attend(self, present: Tensor) -> Tensor:
        """Attend to the remembered states and the present one, which becomes pending."""
        weights, ring = self.weights, self.ring
        self.states[ring.pending].copy_(present)
        by_age = self._penalty()
        if self.options.attention == "node":
            direction = torch.addmm(weights.direction_bias, present, weights.direction)
            scores = torch.einsum("knh,nh->kn", self.states, direction) + by_age[:, None]
            self.shares = torch.softmax(scores, dim=0)
            mean = torch.einsum("kn,knh->nh", self.shares, self.states)
        else:
            direction = torch.addmm(weights.direction_bias, present[-1:], weights.direction)
            scores = torch.addmv(by_age, self.states[:, -1], direction[0])
            self.shares = torch.softmax(scores, dim=0)
            mean = torch.mv(self.states.flatten(1).T, self.shares).view_as(present)
        result = torch.addmm(weights.value_bias, mean, weights.value.T)
        if self.options.attention_values == "bounded":
            result.tanh_()
        if self.options.attention_memory == "attended":
            self.states[ring.pending].copy_(result)
        return result

    def _penalty(self) -> Tensor:
        """Say what age takes from the score of each slot; all of it where none was committed."""
        ring = self.ring
        place = ring.pending, ring.n_filled
        if place not in self._penalties:
            age = ring.ages()
            penalty = np.where(age > ring.n_filled, -np.inf, -self.options.attention_recency * age)
            self._penalties[place] = torch.from_numpy(penalty.astype(np.float32))
        return self._penalties[place]

    def commit(self) -> None:
        """Keep the pending state."""
        self.ring.commit()

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what is remembered."""
        return {"ring": self.ring.state(), "states": self.states.numpy().copy()}

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Remember it."""
        self.ring.restore(state["ring"])
        self.states.copy_(torch.from_numpy(state["states"]))


class ReadoutMemory:
    """
    Posterior of earlier windows, as far as the embedding is averaged or smoothed over them.

    Parameters
    ----------
    options : NetworkOptions
        What the embedding is.
    n_vertices : int
        Number of vertices.
    attends : bool
        Whether the network has attention.
    """

    def __init__(self, options: NetworkOptions, n_vertices: int, *, attends: bool) -> None:
        self.options = options
        self.averages = attends and options.embedding in ("attended", "joined")
        width = (options.attention_width or 0) if self.averages else 0
        self.ring = _Ring(width + 1)
        # Mean and standard deviation side by side.
        self.values = torch.zeros(width + 1, n_vertices, 2 * options.latent_size)
        joined = self.averages and options.embedding == "joined"
        shape = (2, n_vertices, (2 if joined else 1) * options.latent_size)
        self.smoothed, self.pending = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
        self.has_past = False

    def reset(self) -> None:
        """Forget every window."""
        self.ring.reset()
        self.values.zero_()
        self.smoothed[:], self.has_past = 0.0, False

    def embed(
        self, mean: Tensor, std: Tensor, shares: Tensor | None, n_nodes: int
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Read mean and standard deviation out; what they need of this window becomes pending."""
        size, parts = self.options.latent_size, [(mean, std)]
        if self.averages and shares is not None:
            slot = self.values[self.ring.pending]
            slot[:, :size], slot[:, size:] = mean, std
            if shares.ndim == 1:
                average = torch.mv(self.values.flatten(1).T, shares).view_as(slot)
            else:
                average = torch.einsum("kv,kvd->vd", shares, self.values)
            averages = average[:, :size], average[:, size:]
            parts = [*parts, averages] if self.options.embedding == "joined" else [averages]
        for place, pair in enumerate(parts):
            columns = slice(place * size, (place + 1) * size)
            self.pending[0, :, columns], self.pending[1, :, columns] = pair
        if self.options.smoothing == "causal" and self.has_past:
            factor = np.float32(self.options.smoothing_factor)
            self.pending *= np.float32(1.0) - factor
            self.pending += factor * self.smoothed
        result = self.pending[0, :n_nodes].copy(), self.pending[1, :n_nodes].copy()
        return weighted(*result) if self.options.embedding == "weighted" else result

    def commit(self) -> None:
        """Keep the pending window."""
        self.ring.commit()
        self.smoothed, self.pending = self.pending, self.smoothed
        self.has_past = True

    def state(self) -> dict[str, NDArray[Any]]:
        """Return what is remembered."""
        return {
            "ring": self.ring.state(),
            "values": self.values.numpy().copy(),
            "smoothed": self.smoothed.copy(),
            "has_past": np.array(self.has_past),
        }

    def restore(self, state: Mapping[str, NDArray[Any]]) -> None:
        """Remember it."""
        self.ring.restore(state["ring"])
        self.values.copy_(torch.from_numpy(state["values"]))
        self.smoothed[:], self.has_past = state["smoothed"], bool(state["has_past"])
