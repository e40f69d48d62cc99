"""Did a network change?  Whether windows near in time resemble each other more than others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.statistics.discoveries import q_values
from tavrnn_ephys.statistics.nulls import Null
from tavrnn_ephys.statistics.resampling import arrangements

if TYPE_CHECKING:
    import pandas

__all__ = ["LEAST_APART", "OrderInTime", "order_in_time", "windows_apart"]

# Fewer windows that share no time cannot tell a change from chance.
LEAST_APART = 8
# More of them are thinned: the null grows with their square.
_MOST_APART = 200
_COLUMNS = {
    "features": "What of the windows is compared.",
    "correlation": "Correlation of the similarity of two windows with their nearness in time.",
    "chance_low": "Lower limit of the central 95 % of orders of the windows.",
    "chance_high": "Upper limit of the central 95 % of orders of the windows.",
    "p_value": "Share of orders with at least that correlation, the observed one counted in.",
    "smallest_p": "Smallest p-value that so many orders can give.",
    "n_windows": "Number of windows that share no time.",
    "explained": "Share of the covariance with nearness that is gone once rates are held constant.",
}
_NODE_COLUMNS = {
    "node_id": "Name of the node.",
    "group": "Group of the node; empty where it has none.",
    "share": "Share of the network's covariance with nearness; each pair counts at both ends.",
    "correlation": "As for the network, from the pairs of this node alone.",
    "p_value": "Share of orders with at least that correlation, the observed one counted in.",
    "q_value": "Benjamini-Hochberg over the nodes.",
    "smallest_p": "Smallest p-value that so many orders can give.",
}


@dataclass(frozen=True, kw_only=True)
class OrderInTime:
    """
    Whether a network keeps to its order in time.

    Parameters
    ----------
    network : pandas.DataFrame
        A row for mean rates, for the network, and for the network with rates held constant.
    nodes : pandas.DataFrame
        A row per node, rates held constant.
    """

    network: pandas.DataFrame
    nodes: pandas.DataFrame


def windows_apart(start_s: NDArray[np.float64], stop_s: NDArray[np.float64]) -> NDArray[np.intp]:
    """
    Choose windows that share no time, evenly over the recording.

    Parameters
    ----------
    start_s, stop_s : numpy.ndarray, shape (n_windows,)
        Limits in chronological order.

    Returns
    -------
    numpy.ndarray of int
        Positions, ascending; at most 200.

    Examples
    --------
    >>> windows_apart(np.array([0.0, 1.0, 2.0, 3.0]), np.array([2.0, 3.0, 4.0, 5.0]))
    array([0, 2])
    """
    chosen: list[int] = []
    for index, start in enumerate(start_s):
        # Limits are decimal text in double precision: a sliver of it is no overlap.
        if not chosen or start >= stop_s[chosen[-1]] - 1e-9:
            chosen.append(index)
    every = -(-len(chosen) // _MOST_APART)
    return np.array(chosen[::every], dtype=np.intp)


def order_in_time(
    connectivity: ConnectivitySequence, *, n_orders: int = 999, seed: int = 0
) -> OrderInTime:
    """
    Correlate the similarity of windows with their nearness in time.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Weights and mean activity of each window.
    n_orders : int
        Number of random orders of the windows.
    seed : int
        Seed of the orders.

    Returns
    -------
    OrderInTime
        The network, rates, and the network with rates held constant, each beside its null.

    Raises
    ------
    InputError
        If fewer than eight windows share no time, or rates are unknown.

    Notes
    -----
    Only windows that share no time are compared.  The similarity of two windows is the inner
    product of their weights, each weight less its mean over windows; nearness is one over the
    time between their middles.  A network that does not change gives the same
    correlation, on average, in any order of its windows, whatever the distribution of its weights
    and however bursts come: the orders are the null [1]_.  It is exact for windows that are
    independent of each other.  Rates are held constant by least squares, for each pair on the
    rates of both nodes and on the mean rate.  A switching that is faster than a window is no
    change of windows, and is not found.

    References
    ----------
    .. [1] Mantel (1967), Cancer Research 27, 209-220.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> weights = rng.normal(0, 0.1, (40, 5, 5))
    >>> weights[20:, 0, 1:] += 1.0
    >>> weights = (weights + weights.transpose(0, 2, 1)) / 2
    >>> from dataclasses import replace
    >>> connectivity = ConnectivitySequence.from_array(weights)
    >>> connectivity = replace(connectivity, mean_activity=rng.random((40, 5)))
    >>> found = order_in_time(connectivity, n_orders=199)
    >>> found.network["p_value"].round(3).tolist()[1:], found.nodes["node_id"].iloc[0]
    ([0.005, 0.005], '0')
    """
    import pandas as pd

    if isinstance(n_orders, bool) or not isinstance(n_orders, int | np.integer) or n_orders < 1:
        raise InputError(f"n_orders must be a positive whole number, got {n_orders!r}.")
    if connectivity.mean_activity is None:
        raise InputError("This connectivity carries no mean activity, so that rates are unknown.")
    windows = connectivity.windows
    chosen = windows_apart(windows.start_s, windows.stop_s)
    if len(chosen) < LEAST_APART:
        raise InputError(
            f"{len(chosen)} windows share no time, and {LEAST_APART} are needed to tell a change "
            "from chance. Record longer, or use a shorter window."
        )
    middle = 0.5 * (windows.start_s + windows.stop_s)[chosen]
    nearness = _nearness(middle, n_orders, np.random.default_rng(seed))
    rates = np.asarray(connectivity.mean_activity)[chosen]
    raw, held, of_nodes = _similarities(connectivity, chosen, rates)
    rows = []
    for name, similarity in (
        ("mean rates", _gram(rates)),
        ("network", raw),
        ("network, rates held", held),
    ):
        rows.append({"features": name, **_judged(similarity[:, None], nearness)[0]})
    table = pd.DataFrame(rows)
    table["n_windows"] = len(chosen)
    table["explained"] = [np.nan, _explained(raw, held, nearness[0]), np.nan]
    table.attrs = {
        "description": "Whether windows near in time resemble each other more than distant ones.",
        "columns": _COLUMNS,
    }
    return OrderInTime(network=table, nodes=_node_table(connectivity, of_nodes, nearness))


def _nearness(
    middle: NDArray[np.float64], n_orders: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Give the nearness of pairs of windows, centred: as observed, then in random orders."""
    near = 1.0 / (np.abs(middle[:, None] - middle) + np.eye(len(middle)))
    rows, columns = np.triu_indices(len(middle), 1)
    every = arrangements(np.arange(len(middle)), most=n_orders, rng=rng)
    found = np.array([near[order[rows], order[columns]] for order in every])
    return found - found.mean(axis=1, keepdims=True)


def _similarities(
    connectivity: ConnectivitySequence, chosen: NDArray[np.intp], rates: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Similarity of pairs of windows: by all weights, rates held, and rates held for each node."""
    weights = np.stack([np.nan_to_num(connectivity.weights[int(index)]) for index in chosen])
    rows, columns = np.triu_indices(len(chosen), 1)
    raw = np.zeros(len(rows))
    of_nodes = np.zeros((len(rows), connectivity.n_nodes))
    for node, kept in enumerate(_pairs_of_nodes(weights)):
        raw += _gram(kept)
        of_nodes[:, node] = _gram(_without_rates(kept, rates, node))
    return raw, of_nodes.sum(axis=1), of_nodes


def _pairs_of_nodes(weights: NDArray[np.float64]) -> Iterator[NDArray[np.float64]]:
    """Give for each node its weights with all others, both directions beside each other."""
    symmetric = np.array_equal(weights, weights.transpose(0, 2, 1))
    for node in range(weights.shape[1]):
        out = weights[:, node].copy()
        out[:, node] = 0.0
        if symmetric:
            yield out
            continue
        into = weights[:, :, node].copy()
        into[:, node] = 0.0
        yield np.hstack([out, into])


def _gram(features: NDArray[np.float64]) -> NDArray[np.float64]:
    """Inner products of pairs of windows, each feature less its mean."""
    centred = features - features.mean(axis=0)
    product = centred @ centred.T
    rows, columns = np.triu_indices(len(features), 1)
    return np.asarray(product[rows, columns])


def _without_rates(
    features: NDArray[np.float64], rates: NDArray[np.float64], node: int
) -> NDArray[np.float64]:
    """Residuals on the rates of both nodes and the mean rate, by Frisch and Waugh."""
    common = np.column_stack([np.ones(len(rates)), rates[:, node], rates.mean(axis=1)])
    basis, size = np.linalg.qr(common)
    basis = basis[:, np.abs(np.diag(size)) > 1e-9 * np.abs(size).max()]
    others = np.tile(rates, features.shape[1] // rates.shape[1])
    rest, other = features - basis @ (basis.T @ features), others - basis @ (basis.T @ others)
    power = np.square(other).sum(axis=0)
    # A rate that the common ones give already leaves rounding alone.
    left = power > 1e-9 * np.maximum(np.square(others).sum(axis=0), 1e-300)
    slope = np.where(left, (rest * other).sum(axis=0) / np.where(left, power, 1.0), 0.0)
    return np.asarray(rest - other * slope)


def _correlations(
    similarity: NDArray[np.float64], nearness: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Correlate each column of similarities with each order, shape (n_orders + 1, n_columns)."""
    centred = similarity - similarity.mean(axis=0)
    scale = np.sqrt(np.square(centred).sum(axis=0)) * np.sqrt(np.square(nearness[0]).sum())
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(scale > 0, nearness @ centred / scale, np.nan))


def _judged(
    similarity: NDArray[np.float64], nearness: NDArray[np.float64]
) -> list[dict[str, float]]:
    found = []
    for observed, *values in _correlations(similarity, nearness).T:
        null = Null(observed=float(observed), values=np.array(values))
        low, high = null.interval
        found.append(
            {
                "correlation": float(observed),
                "chance_low": low,
                "chance_high": high,
                "p_value": null.p_value,
                "smallest_p": null.smallest_p,
            }
        )
    return found


def _explained(
    raw: NDArray[np.float64], held: NDArray[np.float64], nearness: NDArray[np.float64]
) -> float:
    before, after = float(nearness @ raw), float(nearness @ held)
    return float(np.clip(1 - after / before, 0.0, 1.0)) if before > 0 else float("nan")


def _node_table(
    connectivity: ConnectivitySequence, of_nodes: NDArray[np.float64], nearness: NDArray[Any]
) -> pandas.DataFrame:
    import pandas as pd

    table = pd.DataFrame(_judged(of_nodes, nearness)).drop(columns=["chance_low", "chance_high"])
    table.insert(0, "node_id", connectivity.node_ids)
    table.insert(1, "group", connectivity.node_groups)
    covariances = nearness[0] @ of_nodes
    total = float(covariances.sum())
    table.insert(2, "share", covariances / total if total > 0 else np.full(len(table), np.nan))
    table.insert(5, "q_value", q_values(table["p_value"].to_numpy()))
    table = table.sort_values(["q_value", "share"], ascending=[True, False], kind="stable")
    table = table.reset_index(drop=True)
    table.attrs = {"description": "Which nodes change, rates held.", "columns": _NODE_COLUMNS}
    return table
