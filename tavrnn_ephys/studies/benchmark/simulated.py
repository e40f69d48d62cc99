"""Simulated tasks of the benchmark, their truth known."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import quantities as pq
from numpy.typing import NDArray

from tavrnn_ephys.activity.deconvolution import deconvolve
from tavrnn_ephys.activity.windows import window_means
from tavrnn_ephys.core.checks import one_of
from tavrnn_ephys.core.containers import BinnedActivity, Windows
from tavrnn_ephys.core.names import SCENARIOS
from tavrnn_ephys.core.spec import WindowSpec
from tavrnn_ephys.datasets.culture import culture_truth, simulate_culture
from tavrnn_ephys.datasets.simulated import (
    NetworkRecipe,
    calcium_traces,
    drift_path,
    learning_path,
    simulate_mixture,
    simulate_network,
)
from tavrnn_ephys.evaluation.tasks import BenchmarkTask
from tavrnn_ephys.studies.benchmark.oracle import with_oracle, with_oracle_of_path
from tavrnn_ephys.studies.recording import open_block

if TYPE_CHECKING:
    import neo

__all__ = ["SCENARIOS", "SimulatedSource"]

_N_NODES, _DURATION_S, _BIN_S, _WINDOW_S = 40, 200.0, 0.01, 1.0
_FRAME_S, _DWELL_S, _N_FOLDS = 0.02, 10.0, 4
_FINE_S, _MEASURES, _REMEMBERED = 0.001, ("pearson", "lagged_correlation"), 40
_RETURNING = NetworkRecipe(
    n_states=6, dwell_s=4.0, duration_s=240.0, coupled_fraction=0.15, n_parents=4
)
# States are told from few windows here, so that each says more of them.
_RECOGNITION, _LABELLED = replace(_RETURNING, coupled_fraction=0.2), 30
# Share of the spikes that other nodes cause: floors lie neither at chance nor at the ceiling.
_COUPLED = {"switching": 0.1, "drift": 0.2, "learning": 0.3, "calcium": 0.25}


@dataclass(frozen=True, kw_only=True)
class SimulatedSource:
    """
    A simulated culture with known truth, at rates that say nothing about it.

    Parameters
    ----------
    name : {"switching", "drift", "learning", "calcium", "returning", "recognition"}
        Two couplings in turn; a coupling that drifts slowly; one that is learnt, with ups and
        downs; two in turn, seen by a calcium camera; six that return after long absence, in
        stays too short to tell them by themselves; and six that return so, of which labels are
        known for the first 30 training windows alone.
    seed : int
        Seed of the network, one per session.
    measure : {"pearson", "lagged_correlation"}
        How graphs are made: of the task's bins, or of spikes at 1 ms; calcium is deconvolved
        first.
    with_truth : bool
        Whether windows bring what the true couplings tell, for the oracle.
    """

    name: str
    seed: int
    measure: str = "pearson"
    with_truth: bool = False

    def __post_init__(self) -> None:
        one_of(self.name, SCENARIOS, "scenario")
        one_of(self.measure, _MEASURES, "measure")

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
        if self.name in ("returning", "recognition"):
            return self._returning()
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
        spikes = block
        if self.name == "calcium":
            block, bin_s = calcium_traces(block, seed=self.seed), _FRAME_S
        activity, windows, middle_s = self._binned(block, bin_s)
        states = truth.state_at(middle_s)
        if self.with_truth:
            windows = with_oracle(
                windows, spikes, truth.coupling, truth.rates_hz, stay=1 - _WINDOW_S / _DWELL_S
            )
        return BenchmarkTask(
            name=self.name,
            session=self.session,
            activity=activity,
            windows=windows,
            behavior=np.array(["segregated", "aligned"])[states],
            min_shift=int(_DWELL_S / _WINDOW_S),
            n_folds=_N_FOLDS,
            coupled=_either_way(truth.coupling > 0)[states],
            measure=self.measure,
        )

    def _gradual(self) -> BenchmarkTask:
        n_steps = int(_DURATION_S)
        make = drift_path if self.name == "drift" else learning_path
        path = make(n_steps, seed=self.seed)
        block, truth = simulate_mixture(
            path, n_nodes=_N_NODES, coupled_fraction=_COUPLED[self.name], seed=self.seed
        )
        activity, windows, _ = self._binned(block, _BIN_S)
        share = window_means(windows, np.arange(n_steps, dtype=np.float64), truth.path)
        if self.with_truth:
            windows = with_oracle_of_path(windows, block, truth.coupling, truth.rates_hz)
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
            measure=self.measure,
        )

    def _returning(self) -> BenchmarkTask:
        is_recognition = self.name == "recognition"
        recipe = _RECOGNITION if is_recognition else _RETURNING
        block, truth = simulate_network(recipe, seed=self.seed)
        activity, windows, middle_s = self._binned(block, _BIN_S)
        states = truth.state_at(middle_s)
        if self.with_truth:
            windows = with_oracle(
                windows,
                block,
                truth.coupling,
                truth.rates_hz,
                stay=1 - _WINDOW_S / recipe.dwell_s,
                lags_s=(truth.delays_s, truth.time_constants_s),
            )
        return BenchmarkTask(
            name=self.name,
            session=self.session,
            activity=activity,
            windows=windows,
            behavior=np.array([f"state {state}" for state in states]),
            min_shift=int(recipe.dwell_s / _WINDOW_S),
            n_folds=_N_FOLDS,
            # A state returns after all others: what is to be remembered lies further back.
            context=_REMEMBERED,
            coupled=_either_way(truth.coupling > 0)[states],
            measure=self.measure,
            labelled=_LABELLED if is_recognition else None,
        )

    def _binned(
        self, block: neo.Block, bin_s: float
    ) -> tuple[BinnedActivity, Windows, NDArray[np.float64]]:
        if self.measure == "lagged_correlation":
            if self.name == "calcium":
                block.segments[0] = deconvolve(block.segments[0], dff=False)
            else:
                bin_s = _FINE_S
        spec = WindowSpec(bin_size_s=bin_s, window_length_s=_WINDOW_S, step_s=_WINDOW_S)
        recording = open_block(block, spec)
        windows = recording.windows
        return recording.activity, windows, (windows.start_s + windows.stop_s) / 2


def _either_way(directed: NDArray[np.bool_]) -> NDArray[np.bool_]:
    return directed | np.swapaxes(directed, 1, 2)
