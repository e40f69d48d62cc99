"""What a model file says of bins, windows and graphs, as a stream needs it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.connectivity import LagKernel
from tavrnn_ephys.connectivity.lagged.events import bins_of_lags
from tavrnn_ephys.core.checks import whole_bins
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_units import GraphUnits

__all__ = ["StreamSettings", "settings_of"]

_THRESHOLD = re.compile(r"AbsoluteThreshold\(value=(\S+)\)")
_MEASURES, _LAGGED = ("pearson", "covariance"), "lagged_correlation"
# What a lagged correlation may say of itself, beside the intervals of its times.
_LAG_OPTIONS = {"kernel", "time_constant", "delay", "same_bin", "spiketrains"}
_WAY_OUT = "Embed the recording when it has ended, or fit anew"


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """
    Bins, windows and graphs of a fit.

    Parameters
    ----------
    bin_size_s : float
        Width of a bin of the stream: of the fit, or at most 1 ms where lags are told by spike
        times.
    n_window, n_step : int
        Bins of a window, and between the starts of two.
    measure : str
        ``"pearson"``, ``"covariance"`` or ``"lagged_correlation"``.
    threshold : float
        Smallest absolute weight of an edge.
    binary : bool
        Whether counts above 1 count as 1.
    min_spikes : int
        Spikes in a window without which a node has no edges; 0 where the model does not say.
    per_bin : int
        Bins of the stream that make one of the fit.
    kernel : numpy.ndarray, shape (n_lags,), or None
        Weights at lags of 1, 2, … bins, of a lagged correlation.
    """

    bin_size_s: float
    n_window: int
    n_step: int
    measure: str
    threshold: float
    binary: bool
    min_spikes: int = 0
    per_bin: int = 1
    kernel: NDArray[np.float64] | None = None


def settings_of(units: GraphUnits) -> StreamSettings:
    """
    Read how a stream has to cut bins and build graphs, as its model was fitted.

    Parameters
    ----------
    units : GraphUnits
        Units of the fit.

    Returns
    -------
    StreamSettings
        The same for a stream.

    Raises
    ------
    InputError
        If the model file does not say them, or they have no streaming path.
    """
    origin = units.origin
    needed = {
        "the width of a bin": origin.bin_size_s,
        "the length of a window": units.window_length_s,
        "the step of its windows": units.step_s,
        "the measure": origin.measure,
        "the threshold": origin.threshold,
    }
    for name, value in needed.items():
        if value is None:
            raise InputError(
                f"This model does not say {name} that it was fitted with, so that a stream cannot "
                "do the same. Fit it again to at least three windows, and save it."
            )
    if origin.quantity == "trace":
        raise InputError(f"Traces have no streaming path. {_WAY_OUT} to spikes.")
    options = dict(origin.measure_options or ())
    own = {name for name in options if not name.endswith("_interval")}
    if origin.measure == _LAGGED:
        own -= _LAG_OPTIONS
    if origin.measure not in (*_MEASURES, _LAGGED) or own:
        said = ", ".join(f"{name}={options[name]}" for name in sorted(own))
        what = f"'{origin.measure}'" + (f" with {said}" if said else "")
        other = "profile='state_space'" if own == {"symmetrized"} else "measure='pearson'"
        raise InputError(f"The measure {what} has no streaming path. {_WAY_OUT} with {other}.")
    found = _THRESHOLD.fullmatch(str(origin.threshold))
    if found is None:
        raise InputError(
            f"The threshold {origin.threshold} has no streaming path. {_WAY_OUT} with a number."
        )
    bin_size_s, per_bin, kernel = float(origin.bin_size_s or 0), 1, None
    if origin.measure == _LAGGED:
        if options.get("spiketrains") is not None:
            per_bin = bins_of_lags(bin_size_s)
        kernel = _kernel_of(options).values(bin_size_s / per_bin)
    n_window, n_step = (
        per_bin * whole_bins(float(value or 0), bin_size_s, name)
        for value, name in ((units.window_length_s, "window_length"), (units.step_s, "step"))
    )
    return StreamSettings(
        bin_size_s=bin_size_s / per_bin,
        n_window=n_window,
        n_step=n_step,
        measure=str(origin.measure),
        threshold=float(found[1]),
        binary=bool(origin.binary),
        min_spikes=origin.min_spikes or 0,
        per_bin=per_bin,
        kernel=kernel,
    )


def _kernel_of(options: dict[str, Any]) -> LagKernel:
    """Read the kernel that the fit settled on."""
    missing = [name for name in ("kernel", "time_constant", "delay") if name not in options]
    if missing:
        raise InputError(
            f"This model does not say the {missing[0].replace('_', ' ')} of its lagged "
            "correlation, so that a stream cannot do the same. Fit it again, and save it."
        )
    return LagKernel(
        shape=str(options["kernel"]),
        time_constant_s=float(str(options["time_constant"]).removesuffix(" s")),
        delay_s=float(str(options["delay"]).removesuffix(" s")),
    )
