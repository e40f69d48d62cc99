"""Associations of a network with a behaviour, each beside its null."""

from __future__ import annotations

import dataclasses
import warnings
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import DataLossWarning, InputError
from tavrnn_ephys.networks.placement import spectral_positions
from tavrnn_ephys.statistics.association import (
    associate,
    associate_distances,
    associate_edges,
    associate_nodes,
    change_points,
    match_change_points,
    rate_covariates,
)
from tavrnn_ephys.studies.analysis import AnalysisResult
from tavrnn_ephys.studies.behavior.config import BehaviorConfig
from tavrnn_ephys.studies.behavior.measures import WindowMeasures, foretold_by

if TYPE_CHECKING:
    import pandas

__all__ = ["associated", "associated_by_component", "changes_of"]


def associated_by_component(
    result: AnalysisResult,
    measured: WindowMeasures,
    components: Mapping[str, NDArray[np.float64]],
    config: BehaviorConfig,
) -> tuple[pandas.DataFrame, pandas.DataFrame, pandas.DataFrame]:
    """
    Associate windows, nodes and pairs of nodes with each component of the behaviour.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.
    measured : WindowMeasures
        What is measured of each window.
    components : mapping of str to numpy.ndarray, shape (n_windows,)
        As :func:`tavrnn_ephys.studies.behavior.scores.components_of` gives them.
    config : BehaviorConfig
        How.

    Returns
    -------
    windows, nodes, edges : pandas.DataFrame
        As of :func:`associated`, with the column ``component`` where there are several.
    """
    import pandas as pd

    if len(components) == 1:
        (only,) = components.values()
        return associated(result, measured, only, config)
    parts: list[tuple[pandas.DataFrame, ...]] = []
    for name, score in components.items():
        foretold = foretold_by(result, score, config)
        own = dataclasses.replace(measured, foretold=foretold)
        tables = associated(result, own, score, config)
        for table in tables:
            table.insert(0, "component", name)
            # Each component is asked of alone; together they hold as many times as often.
            for column in ("q_value", "p_family"):
                if column in table:
                    table[column] = np.minimum(table[column] * len(components), 1.0)
        parts.append(tables)
    windows, nodes, edges = (
        pd.concat(tables, ignore_index=True) for tables in zip(*parts, strict=True)
    )
    return windows, nodes, edges


def associated(
    result: AnalysisResult,
    measured: WindowMeasures,
    score: NDArray[np.float64],
    config: BehaviorConfig,
) -> tuple[pandas.DataFrame, pandas.DataFrame, pandas.DataFrame]:
    """
    Associate windows, nodes and pairs of nodes with the behaviour.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.
    measured : WindowMeasures
        What is measured of each window.
    score : numpy.ndarray, shape (n_windows,)
        The behaviour as a number, NaN where unknown.
    config : BehaviorConfig
        How.

    Returns
    -------
    windows : pandas.DataFrame
        One row per measure of a window, the distances of embeddings and attention among them,
        rates held constant and not.
    nodes, edges : pandas.DataFrame
        One row per node, for its place, and per pair of nodes, for its weight.
    """
    import pandas as pd

    options: dict[str, Any] = {"n_nulls": config.n_nulls, "seed": config.seed}
    connectivity, rates = result.connectivity, np.asarray(result.connectivity.mean_activity)
    places, measures = spectral_positions(connectivity), measured.measures
    complete = measures.loc[:, np.isfinite(measures.to_numpy()).all(axis=0)]
    parts = []
    for held in (False, True):
        columns = complete.drop(columns="mean_activity") if held else complete
        covariates = rate_covariates(rates) if held else None
        table = associate(columns, score, covariates=covariates, **options)
        distances = associate_distances(
            result.embedding.window_embedding(),
            score,
            covariates=covariates,
            overlap=result.windows.overlap,
            n_shifts=config.n_nulls,
            seed=config.seed,
        )
        low, high = distances.chance_interval
        table.loc["distance between embeddings"] = {
            "correlation": distances.correlation,
            "null_sd": float(distances.null.std()),
            "chance_low": low,
            "chance_high": high,
            "p_value": distances.p_value,
            "smallest_p": distances.smallest_p,
        }
        table.insert(0, "rates_held", held)
        parts.append(table.reset_index(names="feature"))
    nodes = associate_nodes(places, score, rates=rates, **options)
    if connectivity.directed:
        connectivity = connectivity.symmetrized("strongest")
    edges = associate_edges(connectivity, score, **options)
    parts += _foretold(measured.foretold)
    return pd.concat(parts, ignore_index=True), nodes, edges


def _foretold(table: pandas.DataFrame | None) -> list[pandas.DataFrame]:
    if table is None:
        return []
    rows = table.reset_index(drop=True)
    rows.insert(0, "rates_held", False)
    rows.insert(0, "feature", "attended past, foretelling the next window")
    return [rows]


def changes_of(
    result: AnalysisResult,
    components: Mapping[str, NDArray[np.float64]],
    config: BehaviorConfig,
) -> pandas.DataFrame:
    """
    Find change points of the embedding and of the behaviour, and how many coincide.

    Parameters
    ----------
    result : AnalysisResult
        The analysis.
    components : mapping of str to numpy.ndarray, shape (n_windows,)
        The behaviour as numbers, NaN where unknown; changes are those of all of them together.
    config : BehaviorConfig
        How.

    Returns
    -------
    pandas.DataFrame
        One row per change point.

    Warns
    -----
    DataLossWarning
        If there are too few windows to compare them.
    """
    import pandas as pd

    series = np.stack(list(components.values()), axis=1)
    known = np.flatnonzero(np.isfinite(series).all(axis=1))
    windows = result.windows.select(known)
    least = windows.overlap + 1
    network = change_points(result.embedding.window_embedding()[known], min_length=least)
    changed = change_points(series[known], min_length=least)
    share = p_value = smallest_p = np.nan
    if len(network) and len(changed):
        try:
            match = match_change_points(
                network, changed, n_windows=len(known), tolerance=least, n_shifts=config.n_nulls
            )
            share, p_value, smallest_p = match.matched, match.p_value, match.smallest_p
        except InputError as error:
            warnings.warn(f"Change points are not compared. {error}", DataLossWarning, stacklevel=3)
    both = [("network", index) for index in network] + [("behavior", index) for index in changed]
    return pd.DataFrame(
        {
            "what": [what for what, _ in both],
            "window_index": [int(known[index]) for _, index in both],
            "start_s": [float(windows.start_s[index]) for _, index in both],
            "matched": share,
            "p_value": p_value,
            "smallest_p": smallest_p,
        }
    )
