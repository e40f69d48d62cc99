"""What a model file says of bins, windows and graphs, as a stream needs it."""

from __future__ import annotations

import re
from dataclasses import dataclass

from tavrnn_ephys.core.checks import whole_bins
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.graph_units import GraphUnits

__all__ = ["StreamSettings", "settings_of"]

_THRESHOLD = re.compile(r"AbsoluteThreshold\(value=(\S+)\)")
_MEASURES = ("pearson", "covariance")
_WAY_OUT = "Embed the recording when it has ended, or fit anew"


@dataclass(frozen=True, kw_only=True)
class StreamSettings:
    """
    Bins, windows and graphs of a fit.

    Parameters
    ----------
    bin_size_s : float
        Width of a bin.
    n_window, n_step : int
        Bins of a window, and between the starts of two.
    measure : str
        ``"pearson"`` or ``"covariance"``.
    threshold : float
        Smallest absolute weight of an edge.
    binary : bool
        Whether counts above 1 count as 1.
    """

    bin_size_s: float
    n_window: int
    n_step: int
    measure: str
    threshold: float
    binary: bool


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
    if origin.measure not in _MEASURES or origin.measure_options:
        options = ", ".join(f"{name}={value}" for name, value in origin.measure_options or ())
        what = f"'{origin.measure}'" + (f" with {options}" if options else "")
        raise InputError(
            f"The measure {what} has no streaming path. {_WAY_OUT} with measure='pearson'."
        )
    found = _THRESHOLD.fullmatch(str(origin.threshold))
    if found is None:
        raise InputError(
            f"The threshold {origin.threshold} has no streaming path. {_WAY_OUT} with a number."
        )
    bin_size_s = float(origin.bin_size_s or 0)
    return StreamSettings(
        bin_size_s=bin_size_s,
        n_window=whole_bins(float(units.window_length_s or 0), bin_size_s, "window_length"),
        n_step=whole_bins(float(units.step_s or 0), bin_size_s, "step"),
        measure=str(origin.measure),
        threshold=float(found[1]),
        binary=bool(origin.binary),
    )
