"""The states of an analysed network, beside surrogates of the recording that keep its rates."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

from tavrnn_ephys.activity.behavior import WindowBehavior
from tavrnn_ephys.connectivity.network import compute_graphs
from tavrnn_ephys.connectivity.surrogates import ShiftSurrogates, shuffle_bins_within_windows
from tavrnn_ephys.core.containers import BinnedActivity, ConnectivitySequence, Windows
from tavrnn_ephys.core.errors import DataLossWarning
from tavrnn_ephys.core.spec import ConnectivitySpec, GraphSpec, StateSpec
from tavrnn_ephys.networks.states import (
    NetworkStates,
    StateDifferences,
    network_states,
    state_differences,
)
from tavrnn_ephys.studies.behavior.scores import components_of
from tavrnn_ephys.studies.states.behavior import behaviors_of_states, states_decode_behavior

if TYPE_CHECKING:
    import pandas

    from tavrnn_ephys.studies.analysis import AnalysisResult

__all__ = ["StatesResult", "find_states", "states_of"]


@dataclass(frozen=True, kw_only=True, eq=False)
class StatesResult:
    """
    Network states of a recording, and what sets them apart.

    Parameters
    ----------
    spec : StateSpec
        How they were found.
    found : NetworkStates
        The states.
    differences : StateDifferences
        Pairs and blocks of nodes whose weights differ between states.
    behavior : pandas.DataFrame
        One row per state and behaviour; without rows where the recording has no behaviour.
    decoding : pandas.DataFrame
        One row per behaviour: how well states tell it that were found in other blocks of time.
    notes : tuple of str
        What the recording cannot decide, in sentences.
    """

    spec: StateSpec
    found: NetworkStates
    differences: StateDifferences
    behavior: pandas.DataFrame
    decoding: pandas.DataFrame
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        lines = [str(self.found)]
        if self.found.n_states > 1:
            pairs = self.differences.pairs
            counts = (pairs["q_value"] < 0.05).groupby(pairs["state"]).sum()
            told = ", ".join(f"{count} of state {state}" for state, count in counts.items())
            lines.append(f"Pairs that set a state apart at q < 0.05: {told}.")
        if len(self.behavior):
            for row in self.behavior[self.behavior["q_value"] < 0.05].itertuples():
                more = "more" if row.difference > 0 else "less"
                lines.append(f"  {row.behavior}: {more} in state {row.state} (q {row.q_value:.3g})")
        return "\n".join([*lines, *self.notes])


class _Surrogates(Sequence[ConnectivitySequence]):
    """Connectivity of surrogate recordings, computed when asked for: one is held at a time."""

    def __init__(
        self, activity: BinnedActivity, windows: Windows, measure: ConnectivitySpec, spec: StateSpec
    ) -> None:
        self._activity, self._windows = activity, windows
        self._measure, self._spec = measure, spec

    def __len__(self) -> int:
        return self._spec.n_surrogates

    @overload
    def __getitem__(self, index: int) -> ConnectivitySequence: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[ConnectivitySequence]: ...

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, slice):
            return [self[number] for number in range(*index.indices(len(self)))]
        if not 0 <= index < len(self):
            raise IndexError(index)
        with warnings.catch_warnings():
            # That nodes are silent in surrogates says nothing about the recording.
            warnings.simplefilter("ignore", DataLossWarning)
            drawn = self._drawn(index)
            return compute_graphs(drawn, self._windows, self._measure, GraphSpec())[0]

    def __iter__(self) -> Iterator[ConnectivitySequence]:
        return (self[index] for index in range(len(self)))

    def _drawn(self, index: int) -> BinnedActivity:
        seed = self._spec.seed * len(self) + index
        if self._activity.quantity == "spike_count":
            return shuffle_bins_within_windows(self._activity, self._windows, seed=seed)
        # A trace resembles itself from bin to bin, which a shuffle would destroy.
        import quantities as pq

        least = self._activity.n_bins * self._activity.bin_size_s / 20
        return ShiftSurrogates(min_shift=least * pq.s).draw(self._activity, seed=seed)


def states_of(
    activity: BinnedActivity,
    connectivity: ConnectivitySequence,
    measure: ConnectivitySpec,
    spec: StateSpec,
) -> tuple[NetworkStates, Sequence[ConnectivitySequence]]:
    """
    Find states against surrogates of a recording.

    Parameters
    ----------
    activity : BinnedActivity
        The recording: of spikes, bins are shuffled within windows; traces of nodes are shifted
        against each other.
    connectivity : ConnectivitySequence
        Its connectivity.
    measure : ConnectivitySpec
        How that was computed.
    spec : StateSpec
        How states are found.

    Returns
    -------
    found : NetworkStates
        The states.
    surrogates : sequence of ConnectivitySequence
        What they were held against.
    """
    surrogates = _Surrogates(activity, connectivity.windows, measure, spec)
    found = network_states(
        connectivity,
        n_states=spec.n_states,
        method=spec.method,
        surrogates=surrogates,
        max_states=spec.max_states,
        seed=spec.seed,
    )
    return found, surrogates


def find_states(
    result: AnalysisResult,
    spec: StateSpec,
    behavior: WindowBehavior | Sequence[WindowBehavior] | None = None,
) -> StatesResult:
    """
    Find the states of an analysed network, what sets them apart, and the behaviour in them.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.
    spec : StateSpec
        How states are found.
    behavior : WindowBehavior or sequence of WindowBehavior, optional
        Behaviours beside the signals of the recording.

    Returns
    -------
    StatesResult
        The states; what cannot be decided stands in its notes, without a p-value.

    Raises
    ------
    InputError
        If there are fewer than 20 windows, or the network is the same in all of them.
    """
    connectivity = result.connectivity
    found, surrogates = states_of(result.activity, connectivity, result.config.connectivity, spec)
    differences = state_differences(
        connectivity, found, surrogates=surrogates if found.n_states > 1 else (), seed=spec.seed
    )
    known = dict(result.windows.columns)
    asked = [behavior] if isinstance(behavior, WindowBehavior) else behavior or ()
    for item in asked:
        known |= _columns_of(item)
    table, notes = behaviors_of_states(found, known, n_nulls=spec.n_nulls, seed=spec.seed)
    decoding, more = states_decode_behavior(connectivity, found, known, n_nulls=spec.n_nulls,
                                            seed=spec.seed)  # fmt: skip
    said = dict.fromkeys((*differences.notes, *notes, *more))
    return StatesResult(spec=spec, found=found, differences=differences, behavior=table,
                        decoding=decoding, notes=tuple(said))  # fmt: skip


def _columns_of(behavior: WindowBehavior) -> dict[str, Any]:
    """Give the values of a behaviour; of an angle, whose numbers have a seam, cosine and sine."""
    if behavior.period is None:
        return {behavior.name: behavior.values}
    parts = components_of(behavior)
    return {f"{part} of {behavior.name}": values for part, values in parts.items()}
