"""The past of a source as its targets see it: a kernel over lags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of, positive_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.names import LAG_KERNELS

__all__ = ["LagKernel"]

# Kernels are whole multiples of this, so that sums of their values, and of their squares, are
# exact in double precision: a window that slides then equals one that is summed afresh.
_GRAIN = 2.0**-16
_MOST_LAGS = 2**16


@dataclass(frozen=True, kw_only=True)
class LagKernel:
    """
    Weight of a source's spike by the time that has passed since.

    Parameters
    ----------
    shape : {"exponential", "raised_cosine"}
        ``exp(-(t - delay) / time_constant)`` from the delay on; or one wave of a raised cosine
        [1]_, ``(1 + cos(π (t - delay) / time_constant)) / 2``, that peaks at the delay and ends
        ``time_constant`` before and behind it.
    time_constant_s : float
        Time constant in seconds; half the width of a raised cosine.
    delay_s : float
        Time until the kernel starts, or of its peak, in seconds; at least 0.
    time_constant_interval_s, delay_interval_s : tuple of (float, float), optional
        Interval of 95 % of each, where it is estimated.
    n_windows : int, optional
        Number of windows that it is estimated from; 0 where they show no coupling, and default
        values stand.

    Raises
    ------
    InputError
        If there is no such shape, or a time is out of its range.

    References
    ----------
    .. [1] Pillow et al. (2008), Nature 454, 995-999.

    Examples
    --------
    >>> LagKernel(time_constant_s=0.002).values(0.001).round(2)[:4]
    array([1.  , 0.61, 0.37, 0.22])
    >>> LagKernel(shape="raised_cosine", time_constant_s=0.002, delay_s=0.002).values(0.001)
    array([0.5, 1. , 0.5])
    """

    shape: str = "exponential"
    time_constant_s: float
    delay_s: float = 0.0
    time_constant_interval_s: tuple[float, float] | None = None
    delay_interval_s: tuple[float, float] | None = None
    n_windows: int | None = None

    def __post_init__(self) -> None:
        one_of(self.shape, LAG_KERNELS, "kernel")
        positive_number(self.time_constant_s, "time_constant_s")
        positive_number(self.delay_s, "delay_s", or_zero=True)

    def values(self, bin_size_s: float) -> NDArray[np.float64]:
        """
        Sample the kernel at whole bins.

        Parameters
        ----------
        bin_size_s : float
            Width of a bin in seconds.

        Returns
        -------
        numpy.ndarray
            Weights at lags of 1, 2, … bins, shape (n_lags,), with a largest value of 1; lag 0
            is left out, for what falls into one bin has no order.  Whole multiples of 2⁻¹⁶.

        Raises
        ------
        InputError
            If it lasts more than 65,536 bins.
        """
        in_bins = self.time_constant_s / bin_size_s
        reach = self.time_constant_s if self.shape == "raised_cosine" else 12 * self.time_constant_s
        n_lags = max(1, int(np.ceil((self.delay_s + reach) / bin_size_s)))
        if n_lags > _MOST_LAGS:
            raise InputError(
                f"A lag kernel of {self.delay_s + reach:.3g} s lasts {n_lags} bins of "
                f"{bin_size_s:g} s; {_MOST_LAGS:,} is the most. Shorten time_constant or delay, or "
                "take wider bins."
            )
        since = np.arange(1, n_lags + 1, dtype=np.float64) - self.delay_s / bin_size_s
        values: NDArray[np.float64] = _SHAPES[self.shape](since, in_bins)
        if not values.max() > 0:
            # Narrower than a bin: all of it falls into the bin that holds its delay.
            values = np.zeros(n_lags)
            values[max(int(np.ceil(self.delay_s / bin_size_s - 1e-9)), 1) - 1] = 1.0
        rounded = np.round(values / values.max() / _GRAIN) * _GRAIN
        kept: NDArray[np.float64] = rounded[: np.flatnonzero(rounded)[-1] + 1]
        return kept

    def frame_values(self, bin_size_s: float) -> NDArray[np.float64]:
        """
        Share the kernel out over the frame of a spike and the frames behind it.

        Parameters
        ----------
        bin_size_s : float
            Width of a frame in seconds.

        Returns
        -------
        numpy.ndarray
            Weights at lags of 0, 1, 2, … frames, shape (n_lags + 1,), with a largest value of 1: a
            spike lies anywhere in its frame, and what follows within it counts at lag 0.

        Examples
        --------
        >>> LagKernel(time_constant_s=0.004).frame_values(0.02).round(2)[:3]
        array([1.  , 0.25, 0.  ])
        """
        fine = 100
        values = self.values(bin_size_s / fine)
        since = (np.arange(len(values)) + 0.5) / fine
        n_lags = int(np.ceil(since[-1])) + 1
        lags = np.arange(n_lags + 1)[:, np.newaxis]
        shares = np.maximum(1 - np.abs(since - lags), 0.0) @ values
        found: NDArray[np.float64] = shares / shares.max()
        return found

    def to_options(self) -> dict[str, Any]:
        """
        Return the kernel as scalars, for a file.

        Returns
        -------
        dict of str to str
            Shape, and times in seconds with their intervals.
        """
        facts = {
            "kernel": self.shape,
            "time_constant": f"{self.time_constant_s:.12g} s",
            "delay": f"{self.delay_s:.12g} s",
        }
        for name in ("time_constant", "delay"):
            interval = getattr(self, f"{name}_interval_s")
            if interval is not None:
                facts[f"{name}_interval"] = f"{interval[0]:.6g} s to {interval[1]:.6g} s"
        return facts


def _exponential(since: NDArray[np.float64], in_bins: float) -> NDArray[np.float64]:
    # A delay between two bins leaves the share of the first that lies behind it.
    values: NDArray[np.float64] = np.exp(-np.maximum(since, 0.0) / in_bins)
    return values * np.clip(since + 1.0, 0.0, 1.0)


def _raised_cosine(since: NDArray[np.float64], in_bins: float) -> NDArray[np.float64]:
    inside = np.abs(since) < in_bins
    values: NDArray[np.float64] = np.where(inside, 0.5 * (1 + np.cos(np.pi * since / in_bins)), 0.0)
    return values


_SHAPES = {"exponential": _exponential, "raised_cosine": _raised_cosine}
