"""Correlation of many features with a behaviour, rates held constant, against time-shift nulls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

from tavrnn_ephys.core.checks import one_of, some
from tavrnn_ephys.core.containers import ConnectivitySequence, NodeEmbedding, Nodes
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.features import number_matrix, number_series
from tavrnn_ephys.statistics.association.judging import judged, pooled_q_values
from tavrnn_ephys.statistics.association.partial import correlations_in_parts, explained_share
from tavrnn_ephys.statistics.nulls import Null
from tavrnn_ephys.statistics.time_shifts import time_null

if TYPE_CHECKING:
    import pandas

__all__ = ["associate", "associate_edges", "associate_nodes", "known_windows", "rate_covariates"]

COLUMNS = {
    "correlation": "Correlation with the behaviour over windows, in [-1, 1].",
    "null_sd": "Standard deviation of the correlation under the null.",
    "chance_low": "Lower limit of the central 95 % of the correlation under the null.",
    "chance_high": "Upper limit of the central 95 % of the correlation under the null.",
    "z": "Correlation less the mean of the null, in null_sd.",
    "p_value": "Share of the null at least as far from zero, the observation counted in.",
    "q_value": "Benjamini-Hochberg over the rows, by the pooled null of all rows.",
    "p_family": "Share of the null whose largest absolute correlation over all rows is as large.",
    "smallest_p": "Smallest p_value, and p_family, that so many null series can give.",
}


def associate(
    features: Any,
    behavior: Any,
    *,
    covariates: Any = None,
    method: str = "spearman",
    null: str = "shift",
    min_shift: int | None = None,
    n_nulls: int = 199,
    seed: int = 0,
) -> pandas.DataFrame:
    """
    Correlate each feature with a behaviour over windows.

    Parameters
    ----------
    features : array_like, shape (n_windows, n_features) or pandas.DataFrame
        One column per feature.
    behavior : array_like, shape (n_windows,)
        Behaviour per window; windows with NaN are left out.
    covariates : array_like, shape (n_windows, n_covariates), optional
        What is held constant, such as mean rates: the correlation becomes a partial one.  An
        array of shape (n_windows, n_features, n_covariates) gives every feature its own.
    method : {"spearman", "pearson"}
        Whether all series are replaced by their ranks first.
    null : {"shift", "phase", "swap"}
        Circular shifts of the behaviour, surrogates of equal spectrum, or swaps of neighbours,
        as in :func:`tavrnn_ephys.statistics.time_shifts.time_null`.
    min_shift : int, optional
        Smallest shift in windows; the correlation time of the behaviour by default.
    n_nulls : int
        Number of null series.
    seed : int
        Seed of the null.

    Returns
    -------
    pandas.DataFrame
        One row per feature: ``correlation``, ``null_sd``, ``chance_low``, ``chance_high``, ``z``,
        ``p_value``, ``q_value``, ``p_family``, ``smallest_p``.  A feature that does not vary has a
        correlation of NaN.

    Raises
    ------
    InputError
        If lengths differ, the behaviour does not vary, or windows are too few for the null.

    Notes
    -----
    A partial correlation is the correlation of the residuals of both series after least squares
    on the covariates; the null behaviours are treated in the same way.  With 199 shifts no
    p-value of a single feature passes a false-discovery control over thousands of edges.  Hence
    ``q_value`` and ``p_family`` compare a correlation with those of all features under the null:
    one distribution for all is assumed, a normal one is not.  Correlations are not divided by
    the width of their own null first: neighbouring shifts resemble each other, the observation
    stands alone, and in 300 simulated recordings without effect the division let two thirds
    report an edge.

    Examples
    --------
    >>> behavior = np.sin(np.arange(60) / 3.0)
    >>> table = associate(np.column_stack([behavior**3, np.ones(60)]), behavior)
    >>> table["correlation"].round(2).tolist(), bool(table["p_value"][0] < 0.1)
    ([1.0, nan], True)
    """
    import pandas as pd

    one_of(method, ("spearman", "pearson"), "method")
    names = list(features.columns) if hasattr(features, "columns") else None
    values = number_matrix(features, "features")
    behavior = number_series(behavior, "behavior")
    if values.ndim != 2 or len(values) != len(behavior):
        raise InputError(
            f"features has shape {values.shape}; one row for each of the {len(behavior)} windows "
            "of the behaviour is needed."
        )
    kept = known_windows(behavior)
    series = time_null(behavior[kept], null=null, min_shift=min_shift, n_nulls=n_nulls, seed=seed)
    series = np.vstack([behavior[kept], series])
    controls = None if covariates is None else np.asarray(covariates, dtype=np.float64)[kept]

    def own(part: slice) -> NDArray[np.float64] | None:
        return controls if controls is None or controls.ndim == 2 else controls[:, part]

    found = correlations_in_parts(values[kept], series, own, ranked=method == "spearman")
    index = pd.Index(names, name="feature") if names is not None else None
    return pd.DataFrame(judged(found), index=index)


def associate_nodes(
    embedding: NodeEmbedding,
    behavior: Any,
    *,
    rates: Any = None,
    null: str = "shift",
    n_nulls: int = 199,
    seed: int = 0,
) -> pandas.DataFrame:
    """
    Say for each node how its embedding follows a behaviour.

    Parameters
    ----------
    embedding : NodeEmbedding
        Mean, shape (n_windows, n_nodes, latent_size).
    behavior : array_like, shape (n_windows,)
        Behaviour per window, NaN where unknown.
    rates : array_like, shape (n_windows, n_nodes), optional
        Mean activity: that of the node and that of all nodes are held constant.
    null : {"shift", "phase", "swap"}
        As in :func:`associate`.
    n_nulls : int
        Number of null series.
    seed : int
        Seed of the null.

    Returns
    -------
    pandas.DataFrame
        One row per node: ``node_id``, ``group``, ``r_squared`` (share of the variance of the
        behaviour's ranks that a linear function of the node's coordinates gives, beyond the
        rates, in [0, 1]), ``z``, ``p_value`` and ``q_value`` (Benjamini-Hochberg over nodes), as
        in :func:`associate`.

    Raises
    ------
    InputError
        If lengths differ, or windows are too few for the coordinates.

    Examples
    --------
    >>> import numpy as np
    >>> from tavrnn_ephys.core.containers import NodeEmbedding, Nodes, Windows
    >>> behavior = np.sin(np.arange(60) / 3.0)
    >>> noise = np.random.default_rng(0).normal(size=(60, 2, 1))
    >>> noise[:, 0, 0] = behavior
    >>> embedding = NodeEmbedding(
    ...     mean=noise,
    ...     std=np.ones((60, 2, 1)),
    ...     windows=Windows(start_s=np.arange(60), stop_s=np.arange(60) + 1),
    ...     nodes=Nodes(ids=["follows", "does not"]),
    ... )
    >>> table = associate_nodes(embedding, behavior, n_nulls=99)
    >>> table.loc[table["r_squared"].idxmax(), "node_id"]
    'follows'
    """
    behavior = number_series(behavior, "behavior")
    if len(behavior) != embedding.n_windows:
        raise InputError(
            f"behavior has {len(behavior)} windows, the embedding {embedding.n_windows}."
        )
    absent = ~embedding.node_mask.all(axis=0)
    if absent.any():
        raise InputError(
            f"{int(absent.sum())} nodes do not exist in every window "
            f"({some(embedding.node_ids[absent])}), and a link over windows needs nodes that do. "
            "Build the graphs over the nodes that all windows share."
        )
    kept = known_windows(behavior)
    n_known = int(kept.sum())
    if n_known < 2 * (embedding.latent_size + 3):
        raise InputError(
            f"{n_known} windows with a known behaviour are too few for {embedding.latent_size} "
            "coordinates of a node. Use a shorter step, or a smaller latent_size."
        )
    series = time_null(behavior[kept], null=null, n_nulls=n_nulls, seed=seed)
    series = rankdata(np.vstack([behavior[kept], series]), axis=1)
    found = np.empty((len(series), embedding.n_nodes))
    for node in range(embedding.n_nodes):
        controls = None
        if rates is not None:
            own = np.asarray(rates, dtype=np.float64)[kept]
            controls = rankdata(np.column_stack([own[:, node], own.mean(axis=1)]), axis=0)
        points = np.asarray(embedding.mean[kept, node], dtype=np.float64)
        found[:, node] = explained_share(points, series, controls)
    return _node_table(embedding.nodes, found)


def associate_edges(
    connectivity: ConnectivitySequence,
    behavior: Any,
    *,
    control_rates: bool = True,
    null: str = "shift",
    n_nulls: int = 199,
    seed: int = 0,
) -> pandas.DataFrame:
    """
    Correlate the weight of each pair of nodes with a behaviour.

    Parameters
    ----------
    connectivity : ConnectivitySequence
        Symmetric weights, shape (n_windows, n_nodes, n_nodes).
    behavior : array_like, shape (n_windows,)
        Behaviour per window, NaN where unknown.
    control_rates : bool
        Whether the rates of both nodes, and the mean rate, are held constant.
    null : {"shift", "phase", "swap"}
        As in :func:`associate`.
    n_nulls : int
        Number of null series.
    seed : int
        Seed of the null.

    Returns
    -------
    pandas.DataFrame
        One row per pair, as in :func:`associate`, with ``node_a`` and ``node_b``.

    Raises
    ------
    InputError
        If rates are asked for and not there, the connectivity is directed, or there is one node.

    Examples
    --------
    >>> import numpy as np
    >>> from tavrnn_ephys.core.containers import ConnectivitySequence
    >>> behavior = np.sin(np.arange(60) / 3.0)
    >>> weights = np.random.default_rng(0).uniform(-0.1, 0.1, (60, 3, 3))
    >>> weights[:, 0, 1] = behavior / 2
    >>> weights = np.triu(weights, 1) + np.triu(weights, 1).transpose(0, 2, 1)
    >>> connectivity = ConnectivitySequence.from_array(weights)
    >>> table = associate_edges(connectivity, behavior, control_rates=False, n_nulls=99)
    >>> int(np.argmax(table["correlation"])), len(table)
    (0, 3)
    """
    import pandas as pd

    if connectivity.directed:
        raise InputError(
            "associate_edges needs one weight per pair of nodes, and this connectivity is "
            "directed. Call connectivity.symmetrized() first."
        )
    rows, columns = np.triu_indices(connectivity.n_nodes, 1)
    if len(rows) == 0:
        raise InputError("A single node has no pair: associate_edges needs two nodes.")
    behavior = number_series(behavior, "behavior")
    if len(behavior) != connectivity.n_windows:
        raise InputError(
            f"behavior has {len(behavior)} windows, the connectivity {connectivity.n_windows}."
        )
    kept = known_windows(behavior)
    rates = _rates_of(connectivity)[kept] if control_rates else None
    series = time_null(behavior[kept], null=null, n_nulls=n_nulls, seed=seed)

    def rates_of_pairs(part: slice) -> NDArray[np.float64] | None:
        if rates is None:
            return None
        first, second = rates[:, rows[part]], rates[:, columns[part]]
        mean = np.broadcast_to(rates.mean(axis=1, keepdims=True), first.shape)
        return np.stack([first, second, mean], axis=2)

    weights = np.nan_to_num(connectivity.weights[kept][:, rows, columns], nan=0.0)
    found = correlations_in_parts(
        weights, np.vstack([behavior[kept], series]), rates_of_pairs, ranked=True
    )
    table = pd.DataFrame(judged(found))
    table.insert(0, "node_a", connectivity.node_ids[rows])
    table.insert(1, "node_b", connectivity.node_ids[columns])
    return table


def rate_covariates(rates: Any, groups: Any = None) -> NDArray[np.float64]:
    """
    Sum up the rates of a window in few covariates.

    Parameters
    ----------
    rates : array_like, shape (n_windows, n_nodes)
        Mean activity.
    groups : array_like of str, shape (n_nodes,), optional
        Groups whose mean rates stand beside the mean of all.

    Returns
    -------
    numpy.ndarray
        Shape (n_windows, 1 + n_groups): mean rate of all nodes, then of every named group.

    Examples
    --------
    >>> rate_covariates([[1.0, 3.0], [2.0, 2.0]], ["a", "b"])
    array([[2., 1., 3.],
           [2., 2., 2.]])
    """
    rates = np.asarray(rates, dtype=np.float64)
    columns = [rates.mean(axis=1)]
    if groups is not None:
        groups = np.asarray(groups)
        names = [name for name in np.unique(groups) if name]
        columns += [rates[:, groups == name].mean(axis=1) for name in names]
    return np.column_stack(columns)


def known_windows(behavior: NDArray[Any], what: str = "The behaviour") -> NDArray[np.bool_]:
    """
    Find the windows whose behaviour is known, and refuse one that says nothing.

    Parameters
    ----------
    behavior : numpy.ndarray, shape (n_windows,)
        Behaviour per window, NaN where unknown.
    what : str
        How the message calls it.

    Returns
    -------
    numpy.ndarray of bool
        Shape (n_windows,).

    Raises
    ------
    InputError
        If it is known in no window, or has the same value in all.
    """
    known = np.isfinite(behavior)
    if not known.any():
        raise InputError(
            f"{what} is known in none of the {len(behavior)} windows: does it overlap the "
            "recording?"
        )
    if np.ptp(behavior[known]) == 0:
        raise InputError(
            f"{what} is {behavior[known][0]:g} in all {int(known.sum())} windows where it is "
            "known: nothing can follow it. Choose another behaviour, or other windows."
        )
    return known


def _rates_of(connectivity: ConnectivitySequence) -> NDArray[np.float64]:
    if connectivity.mean_activity is None:
        raise InputError(
            "This connectivity carries no mean activity, so that rates cannot be held constant. "
            "Compute it with compute_connectivity, or pass control_rates=False."
        )
    return np.asarray(connectivity.mean_activity)


def _node_table(nodes: Nodes, found: NDArray[np.float64]) -> pandas.DataFrame:
    import pandas as pd

    spread = np.maximum(found[1:].std(axis=0), 1e-12)
    null = Null(observed=found[0], values=found[1:])
    return pd.DataFrame(
        {
            "node_id": nodes.ids,
            "group": nodes.groups,
            "r_squared": found[0],
            "z": (found[0] - found[1:].mean(axis=0)) / spread,
            "p_value": null.p_value,
            "q_value": pooled_q_values(found),
            "smallest_p": null.smallest_p,
        }
    )
