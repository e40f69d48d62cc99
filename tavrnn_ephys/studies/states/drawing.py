"""The pictures of network states, whole."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from numpy.typing import NDArray

from tavrnn_ephys.figures import letter_panels, plot_state_graph, plot_state_times
from tavrnn_ephys.figures.matrices import color_limit
from tavrnn_ephys.networks.states import NetworkStates
from tavrnn_ephys.networks.states.features import pairs_of

if TYPE_CHECKING:
    from tavrnn_ephys.studies.analysis import AnalysisResult

__all__ = ["STATE_FIGURES", "state_figures"]

STATE_FIGURES = ("state_times", "state_graphs")


def state_figures(result: AnalysisResult) -> dict[str, Figure]:
    """
    Draw when each state holds, and what sets it apart.

    Parameters
    ----------
    result : AnalysisResult
        An analysis with states.

    Returns
    -------
    dict of str to matplotlib.figure.Figure
        For several states ``state_times``, and ``state_graphs``: the mean graph of each, and
        below it its difference from all other windows, grey where q is 0.05 or more.  One state
        gives no picture, for it would be one bar.
    """
    found = result.states.found
    if found.n_states < 2:
        return {}
    return {"state_times": _times(result, found), "state_graphs": _graphs(result, found)}


def _times(result: AnalysisResult, found: NetworkStates) -> Figure:
    asked = result.asked if result.behavior is None else result.behavior.behavior
    # Means of what was not asked for may be means of codes.
    chosen = {} if asked is None or asked.is_label else {asked.label: asked.values}
    n_rows = found.n_states + len(chosen)
    figure = Figure(figsize=(9, 0.9 + 0.42 * n_rows), dpi=150, layout="constrained")
    plot_state_times(found.labels, found.windows, ax=figure.subplots(), behavior=chosen)
    return figure


def _graphs(result: AnalysisResult, found: NetworkStates) -> Figure:
    means, differences = _matrices(result)
    n = found.n_states
    # Differences of which none is a discovery would be grey throughout.
    shown = (means, differences) if np.isfinite(differences).any() else (means,)
    height_in = 3.6 * len(shown)
    figure = Figure(figsize=(1.2 + 3.3 * n, height_in), dpi=150, layout="constrained")
    axes = figure.subplots(len(shown), n, squeeze=False)
    pairs = pairs_of(result.connectivity)
    limits = [color_limit(values[:, pairs[0], pairs[1]]) for values in shown]
    shares = found.durations.table["occupancy"]
    for state in range(n):
        for row, values in enumerate(shown):
            title = (
                f"state {state}, {100 * shares[state]:.0f} % of the time"
                if row == 0
                else "less all other windows, q < 0.05"
            )
            plot_state_graph(
                values[state],
                found.nodes,
                ax=axes[row, state],
                title=title,
                measure=result.connectivity.measure,
                limit=limits[row],
                row_names=state == 0,
                colorbar=state == n - 1,
            )
    if len(shown) == 1:
        figure.supxlabel("no pair sets a state apart at q < 0.05", fontsize="small")
    letter_panels(figure)
    return figure


def _matrices(result: AnalysisResult) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean weights of each state, and differences where they are discoveries, NaN elsewhere."""
    found, table = result.states.found, result.states.differences.pairs
    rows, columns = pairs_of(result.connectivity)
    made = []
    apart = np.where(table["q_value"] < 0.05, table["difference"], np.nan)
    for values in (table["mean_weight"].to_numpy(), apart):
        matrix: NDArray[Any] = np.full((found.n_states, len(found.nodes), len(found.nodes)), np.nan)
        matrix[:, rows, columns] = values.reshape(found.n_states, -1)
        if not result.connectivity.directed:
            matrix[:, columns, rows] = values.reshape(found.n_states, -1)
        made.append(matrix)
    return made[0], made[1]
