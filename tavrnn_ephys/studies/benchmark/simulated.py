"""Simulated tasks of the benchmark, their truth known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import quantities as pq
from numpy.typing import NDArray

from tavrnn_ephys.activity.windows import window_means
from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.containers import BinnedActivity, Windows
from tavrnn_ephys.core.names import SCENARIOS
from tavrnn_ephys.core.spec import WindowSpec
from tavrnn_ephys.datasets.culture import culture_truth, simulate_culture
from tavrnn_ephys.datasets.simulated import (
    calcium_traces,
    drift_path,
    learning_path,
    simulate_mixture,
)
from tavrnn_ephys.evaluation.tasks import BenchmarkTask
from tavrnn_ephys.studies.recording import open_block

if TYPE_CHECKING:
    import neo

__all__ = ["SCENARIOS", "SimulatedSource"]

_N_NODES, _DURATION_S, _BIN_S, _WINDOW_S = 40, 200.0, 0.01, 1.0
_FRAME_S, _DWELL_S, _N_FOLDS = 0.02, 10.0, 4
# Share of the spikes that other nodes cause: floors lie neither at chance nor at the ceiling.
_COUPLED = {"switching": 0.1, "drift": 0.2, "learning": 0.3, "calcium": 0.25}


@dataclass(frozen=True, kw_only=True)
class SimulatedSource:
    """
    A simulated culture with known truth, at rates that say nothing about it.

    Parameters
    ----------
    name : {"switching", "drift", "learning", "calcium"}
        Two couplings in turn; a coupling that drifts slowly; one that is learnt, with ups and
        downs; and two in turn, seen by a calcium camera.
    seed : int
        Seed of the network, one per session.
    """

    name: str
    seed: int

    def __post_init__(self) -> None:
        one_of(self.name, SCENARIOS, "scenario")

    @property
    def session(self) -> str:
        """Name of the network."""
        return f"network{self.seed}"

    def load(self) -> BenchmarkTask:
        """
        Simulate the culture.

        Returns
        -------
        BenchmarkTask
            Its task, with the true coupling of every window.

        Examples
        --------
        >>> task = SimulatedSource(name="drift", seed=0).load()
        >>> task.activity, task.kind
        (BinnedActivity: 40 channels x 20000 bins of 0.01 s, spike_count, 'regression')
        """
        gradual = self.name in ("drift", "learning")
        return self._gradual() if gradual else self._switching()

    def _switching(self) -> BenchmarkTask:
        block = simulate_culture(
            n_nodes=_N_NODES,
            duration=_DURATION_S * pq.s,
            dwell=_DWELL_S * pq.s,
            mean_rate_hz=8.0,
            coupled_fraction=_COUPLED[self.name],
            seed=self.seed,
        )
        truth = culture_truth(block)
        bin_s = _BIN_S
        if self.name == "calcium":
            block, bin_s = calcium_traces(block, seed=self.seed), _FRAME_S
        activity, windows, middle_s = _binned(block, bin_s)
        states = truth.state_at(middle_s)
        return BenchmarkTask(
            name=self.name,
            session=self.session,
            activity=activity,
            windows=windows,
            behavior=np.array(["segregated", "aligned"])[states],
            min_shift=int(_DWELL_S / _WINDOW_S),
            n_folds=_N_FOLDS,
            coupled=_either_way(truth.coupling > 0)[states],
        )

    def _gradual(self) -> BenchmarkTask:
        n_steps = int(_DURATION_S)
        make = drift_path if self.name == "drift" else learning_path
        path = make(n_steps, seed=self.seed)
        block, truth = simulate_mixture(
            path, n_nodes=_N_NODES, coupled_fraction=_COUPLED[self.name], seed=self.seed
        )
        activity, windows, _ = _binned(block, _BIN_S)
        share = window_means(windows, np.arange(n_steps, dtype=np.float64), truth.path)
        # A pair counts as coupled where the stronger of the two ends prevails.
        ends = _either_way(truth.coupling > 0)
        return BenchmarkTask(
            name=self.name,
            session=self.session,
            activity=activity,
            windows=windows,
            behavior=share,
            kind="regression",
            n_folds=_N_FOLDS,
            coupled=ends[(share > 0.5).astype(np.int64)],
        )


def _binned(block: neo.Block, bin_s: float) -> tuple[BinnedActivity, Windows, NDArray[np.float64]]:
    spec = WindowSpec(bin_size_s=bin_s, window_length_s=_WINDOW_S, step_s=_WINDOW_S)
    recording = open_block(block, spec)
    windows = recording.windows
    return recording.activity, windows, (windows.start_s + windows.stop_s) / 2


def _either_way(directed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return directed | np.swapaxes(directed, 1, 2)
