"""The lagged correlation of one window, by the plain formula."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.connectivity.lagged.kernels import LagKernel
from tavrnn_ephys.connectivity.variation import plain, scales_of
from tavrnn_ephys.core.checks import duration_s, time_s
from tavrnn_ephys.core.errors import InputError

__all__ = ["AUTO", "given_kernel", "given_times", "lagged_correlation", "needs_fit", "past_of"]

AUTO = "auto"


def lagged_correlation(
    values: NDArray,
    *,
    kernel: Any = "exponential",
    time_constant: Any = AUTO,
    delay: Any = AUTO,
    same_bin: bool = False,
    bin_size_s: float,
    n_before: int = 0,
) -> NDArray[np.float64]:
    """
    Correlate the activity of every node with the recent past of every other, lag 0 left out.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_nodes, n_before + n_bins)
        Counts or traces of a window, and of bins before it.
    kernel : {"exponential", "raised_cosine"} or LagKernel
        How the past fades; a :class:`~tavrnn_ephys.connectivity.LagKernel` holds its times.
    time_constant : quantities.Quantity or {"auto"}
        Time constant of the past.  ``"auto"`` is estimated by who calls this; for one window
        alone it must be given.
    delay : quantities.Quantity or {"auto"}
        Time until the past counts.
    same_bin : bool
        Whether what falls into one bin counts too, with the share of the kernel that lies in it;
        for frames that last longer than the lags of coupling.
    bin_size_s : float
        Width of a bin in seconds.
    n_before : int
        Number of bins before the window: the past of its first bins reaches into them.

    Returns
    -------
    numpy.ndarray
        Coefficients, shape (n_nodes, n_nodes), directed from row to column, in [-1, 1]; NaN in
        the column of a node whose activity does not vary, and in the row of one whose past does
        not.

    Raises
    ------
    InputError
        If no time constant is given.

    Notes
    -----
    ``w_ij = corr_t(f_i(t), x_j(t))`` with ``f_i(t) = Σ_{l ≥ 1} k(l) x_i(t - l)``: the cross-
    correlation function of both nodes, weighted over positive lags by the kernel and normalised.
    It tells who fires behind whom as coupling does, and as common input with unequal delays does.

    Examples
    --------
    >>> import quantities as pq
    >>> values = np.array([[1, 0, 0, 1, 0, 0], [0, 1, 0, 0, 1, 0]])
    >>> options = {"time_constant": 1 * pq.ms, "delay": 0 * pq.ms, "bin_size_s": 0.02}
    >>> lagged_correlation(values, **options).round(2)
    array([[-0.5,  1. ],
           [-0.5, -0.5]])
    """
    found = given_kernel(kernel, time_constant, delay)
    if found is None:
        raise InputError(
            "A single window does not tell the time constant of a lagged correlation. Give it, "
            "such as time_constant=10 * pq.ms, or call compute_connectivity."
        )
    values = plain(values).astype(np.float64)
    if same_bin:
        shares = found.frame_values(bin_size_s)
        past = past_of(values, shares[1:]) + shares[0] * values
    else:
        past = past_of(values, found.values(bin_size_s))
    past = past[:, n_before:]
    inside = values[:, n_before:]
    constant = _constant(inside), _constant(past)
    with np.errstate(divide="ignore", invalid="ignore"):
        target, source = _standardized(inside), _standardized(past)
        weights: NDArray[np.float64] = np.clip(source @ target.T / inside.shape[1], -1.0, 1.0)
    weights[:, constant[0]] = np.nan
    weights[constant[1]] = np.nan
    return weights


def past_of(values: NDArray[np.float64], kernel: NDArray[np.float64]) -> NDArray[np.float64]:
    """
    Filter activity by a kernel over strictly earlier bins.

    Parameters
    ----------
    values : numpy.ndarray, shape (n_nodes, n_bins)
        Activity.
    kernel : numpy.ndarray, shape (n_lags,)
        Weights at lags of 1, 2, … bins.

    Returns
    -------
    numpy.ndarray
        Shape (n_nodes, n_bins); nothing lies before the first bin.

    Examples
    --------
    >>> past_of(np.array([[1.0, 0.0, 0.0, 2.0]]), np.array([1.0, 0.5]))
    array([[0. , 1. , 0.5, 0. ]])
    """
    past = np.zeros_like(values)
    for lag, weight in enumerate(kernel[: values.shape[1] - 1], start=1):
        if weight:
            past[:, lag:] += weight * values[:, :-lag]
    return past


def given_kernel(kernel: Any, time_constant: Any, delay: Any) -> LagKernel | None:
    """
    Read a kernel off the options of the measure, unless its time constant is to be estimated.

    Parameters
    ----------
    kernel : str or LagKernel
        Shape, or all of it.
    time_constant, delay : quantities.Quantity or {"auto"}
        Its times.

    Returns
    -------
    LagKernel or None
        None where one of them is to be estimated.

    Raises
    ------
    InputError
        If times are given twice, or are no durations.
    """
    constant, start = given_times(time_constant, delay)
    if isinstance(kernel, LagKernel):
        if constant is not None or start is not None:
            raise InputError(
                "A LagKernel holds time constant and delay. Leave out time_constant and delay."
            )
        return kernel
    if constant is None or start is None:
        # The name of the shape is checked all the same.
        LagKernel(shape=kernel, time_constant_s=1.0)
        return None
    return LagKernel(shape=kernel, time_constant_s=constant, delay_s=start)


def given_times(time_constant: Any, delay: Any) -> tuple[float | None, float | None]:
    """
    Read time constant and delay in seconds.

    Parameters
    ----------
    time_constant, delay : quantities.Quantity or {"auto"}
        What the caller passed.

    Returns
    -------
    tuple of (float or None, float or None)
        None where it is to be estimated.

    Raises
    ------
    InputError
        If one is no duration, or negative.
    """
    constant = None if _is_auto(time_constant) else duration_s(time_constant, "time_constant")
    start = None if _is_auto(delay) else time_s(delay, "delay")
    if start is not None and start < 0:
        raise InputError(f"delay must be at least 0, got {start:g} s: a target follows its source.")
    return constant, start


def needs_fit(measure: Any, options: Mapping[str, Any]) -> bool:
    """
    Say whether a measure estimates something from windows.

    Parameters
    ----------
    measure : str or callable
        The measure.
    options : mapping of str to object
        Its options.

    Returns
    -------
    bool
        Whether it is a lagged correlation whose time constant or delay is not given.

    Examples
    --------
    >>> needs_fit("pearson", {}), needs_fit("lagged_correlation", {})
    (False, True)
    """
    if measure not in ("lagged_correlation", lagged_correlation):
        return False
    if isinstance(options.get("kernel"), LagKernel):
        return False
    return any(_is_auto(options.get(name, AUTO)) for name in ("time_constant", "delay"))


def _is_auto(value: Any) -> bool:
    return isinstance(value, str) and value == AUTO


def _constant(values: NDArray[np.float64]) -> NDArray[np.bool_]:
    if not values.shape[1]:
        return np.ones(len(values), dtype=bool)
    return np.asarray(np.ptp(values, axis=1) <= 1e-12 * scales_of(values))


def _standardized(values: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = values - values.mean(axis=1, keepdims=True)
    scaled: NDArray[np.float64] = centred / centred.std(axis=1, keepdims=True)
    return scaled
