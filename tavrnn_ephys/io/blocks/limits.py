"""When a recording began, and in which unit its times are, where a file does not say."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError, InputError

__all__ = ["rate_hz", "recording_start_s", "warn_of_units_of_time", "with_samples"]

# A first spike this late, in seconds and as a share of the time with spikes, is no silence.
_LATE_S, _LATE_SHARE = 60.0, 0.1
# So many whole numbers are hardly seconds.
_FEWEST_WHOLE = 100


def recording_start_s(first_s: float, last_s: float, source: str) -> float:
    """
    Say where a recording starts that does not say it itself.

    Parameters
    ----------
    first_s, last_s : float
        First and last spike of all nodes, in seconds.
    source : str
        What does not say it, for the message.

    Returns
    -------
    float
        0 s, or the first spike where it comes so late that the time before it was hardly
        recorded: later than a minute, and than a tenth of the time with spikes.

    Warns
    -----
    DataLossWarning
        In the second case.
    """
    if not first_s >= _LATE_S or first_s <= _LATE_SHARE * (last_s - first_s):
        return 0.0
    warnings.warn(
        f"{source} does not say when its recording starts, and its first spike lies at "
        f"{first_s:.6g} s: the time before counts as not recorded rather than as silence. If it "
        "was recorded, say so: t_start=0 * quantities.s, on the command line --option t_start=0s.",
        DataLossWarning,
        stacklevel=5,
    )
    return first_s


def warn_of_units_of_time(trains: Sequence[NDArray[np.float64]], source: str) -> None:
    """
    Draw attention to spike times that look like samples or milliseconds.

    Parameters
    ----------
    trains : sequence of numpy.ndarray
        Spike times of each node, read as seconds.
    source : str
        Where they stand, for the message.

    Warns
    -----
    DataLossWarning
        If at least a hundred spikes all lie at whole numbers, not all of them equal.
    """
    times = np.concatenate([np.ravel(train) for train in trains]) if len(trains) else np.empty(0)
    if len(times) < _FEWEST_WHOLE or not np.all(times == np.rint(times)):
        return
    if np.ptp(times) == 0:
        return
    last_s = float(times.max())
    warnings.warn(
        f"All {len(times)} spike times of {source} are whole numbers up to {last_s:g}: they look "
        f"like samples or milliseconds, and are read as seconds ({last_s / 3600:.3g} h). Divide "
        "them by the sampling rate, or by 1000, first.",
        DataLossWarning,
        stacklevel=5,
    )


def with_samples(samples: NDArray[Any], source: str) -> NDArray[np.int64]:
    """
    Find the traces that hold any sample; a cell that was not seen is NaN throughout.

    Parameters
    ----------
    samples : numpy.ndarray, shape (n_samples, n_nodes)
        The traces.
    source : str
        Where they stand, for the message.

    Returns
    -------
    numpy.ndarray
        Positions of the traces with at least one sample that is not NaN.

    Raises
    ------
    FileFormatError
        If there is none.

    Warns
    -----
    DataLossWarning
        If traces are left out.
    """
    n_nodes = samples.shape[1]
    if samples.dtype.kind != "f" or not np.isnan(samples[:1]).any():
        return np.arange(n_nodes)
    kept = np.flatnonzero(~np.isnan(samples).all(axis=0))
    if len(kept) == 0:
        raise FileFormatError(
            f"All {n_nodes} traces of {source} hold nothing but NaN. Check the program that "
            "wrote them."
        )
    if len(kept) < n_nodes:
        warnings.warn(
            f"{n_nodes - len(kept)} of {n_nodes} traces of {source} hold nothing but NaN and are "
            "left out.",
            DataLossWarning,
            stacklevel=5,
        )
    return kept


def rate_hz(value: Any, known_hz: float | None, file_name: str) -> float:
    """
    Choose the sampling rate that was given, else the one that the file states.

    Parameters
    ----------
    value : quantities.Quantity or None
        The option ``sampling_rate``.
    known_hz : float or None
        What the file states.
    file_name : str
        Name of the file, for messages.

    Returns
    -------
    float
        Samples per second.

    Raises
    ------
    InputError
        If neither is known, or the rate is not positive.
    """
    if value is not None:
        try:
            known_hz = float(value.rescale("Hz").magnitude)
        except (AttributeError, TypeError, ValueError):
            raise InputError(
                f"sampling_rate must be a scalar in hertz, such as 30 * quantities.Hz, "
                f"got {value!r}."
            ) from None
    if known_hz is None:
        raise InputError(
            f"'{file_name}' does not state its sampling rate. Give it: "
            "sampling_rate=30 * quantities.Hz, on the command line --option sampling_rate=30Hz."
        )
    if not (np.isfinite(known_hz) and known_hz > 0):
        raise InputError(f"The sampling rate of '{file_name}' must be positive, got {known_hz:g}.")
    return known_hz
