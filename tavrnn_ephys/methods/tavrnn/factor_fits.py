"""Fits of the profile that learns factors whose states decay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from tavrnn_ephys.core.graph_sequence import GraphSequence
from tavrnn_ephys.methods.tavrnn.factors.sessions import (
    N_SWEEPS,
    factor_sessions,
    labels_by_session,
)
from tavrnn_ephys.methods.tavrnn.fitted import Fitted
from tavrnn_ephys.methods.tavrnn.fitting import require_one_making
from tavrnn_ephys.methods.tavrnn.nn.options import NetworkOptions
from tavrnn_ephys.methods.tavrnn.training import TrainingOptions

__all__ = ["FactorFits"]


class FactorFits(Fitted):
    """How a model learns factors, and takes in a session of other nodes."""

    verbose: bool

    def _fit_factors(
        self,
        sequences: Sequence[GraphSequence],
        named: Mapping[str, Sequence[GraphSequence]],
        options: NetworkOptions,
        training_options: TrainingOptions,
        device: torch.device,
        y: Any,
    ) -> None:
        require_one_making(named, None, "fit")
        labels = None if y is None else labels_by_session(y, sequences, named)
        n_sweeps = training_options.training_steps or training_options.training_epochs
        self.sessions_, self.history_ = factor_sessions(
            named,
            options,
            n_sweeps=n_sweeps or N_SWEEPS,
            device=device,
            labels=labels,
            verbose=self.verbose,
        )
        self.training_options_ = training_options

    def _adapt_factors(self, named: Mapping[str, Sequence[GraphSequence]]) -> None:
        require_one_making(named, self._first_session().units, "adapt")
        network = self._first_session().network
        learnt, _ = factor_sessions(
            named,
            network.options,
            n_sweeps=len(self.history_),
            device=network.mean.device,
            decay=network.decay.cpu().numpy(),
            verb="adapt",
            verbose=self.verbose,
        )
        self.sessions_ = {**self.sessions_, **learnt}
