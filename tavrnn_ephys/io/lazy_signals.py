"""Signals that stay in their file until a part of them is asked for."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import time_s
from tavrnn_ephys.core.errors import InputError

if TYPE_CHECKING:
    import neo

__all__ = ["LazySignal", "load_samples"]

# How far, in samples, a limit may miss the recording by rounding.
_ROUNDING = 1e-3


class LazySignal:
    """
    A regularly sampled signal that stands for its samples without holding them.

    It offers what Neo's own proxies offer, and can stand in ``segment.analogsignals`` beside
    them; unlike theirs it needs no Neo reader, only a function that reads a part.

    Parameters
    ----------
    read_part : callable
        Called as ``read_part(start, stop, channels)`` with the first sample, one past the last
        one, and ascending numbers of channels or None for all; returns an array of shape
        ``(stop - start, n_channels)`` in ``units``.
    n_samples, n_channels : int
        Shape of the whole.
    sampling_rate_hz : float
        Samples per second and channel.
    t_start_s : float
        Time of the first sample in seconds.
    units : str
        Unit of the samples as ``quantities`` knows it.
    name : str
        Name of the signal.
    array_annotations : mapping of str to array_like, optional
        What is known of each channel, such as ``node_id``, ``x`` and ``y``.
    annotations : mapping of str to object, optional
        What is known of the signal, such as its ``role``.

    Examples
    --------
    >>> import quantities as pq
    >>> table = np.arange(20.0).reshape(10, 2)
    >>> signal = LazySignal(
    ...     lambda start, stop, channels: table[start:stop, slice(None) if channels is None
    ...                                         else channels],
    ...     n_samples=10, n_channels=2, sampling_rate_hz=5.0, units="uV", name="raw")
    >>> signal.load(time_slice=(0.4 * pq.s, 0.8 * pq.s), channel_indexes=[1]).magnitude.ravel()
    array([5., 7.])
    """

    def __init__(
        self,
        read_part: Callable[[int, int, Sequence[int] | None], NDArray[Any]],
        *,
        n_samples: int,
        n_channels: int,
        sampling_rate_hz: float,
        t_start_s: float = 0.0,
        units: str = "uV",
        name: str = "raw",
        array_annotations: Mapping[str, Any] | None = None,
        annotations: Mapping[str, Any] | None = None,
    ) -> None:
        import quantities as pq

        self._read_part = read_part
        self.shape = (int(n_samples), int(n_channels))
        self.sampling_rate = float(sampling_rate_hz) * pq.Hz
        self.t_start = float(t_start_s) * pq.s
        self.units = pq.Quantity(1.0, units)
        self.name = name
        self.description = None
        self.file_origin = None
        self.array_annotations = dict(array_annotations or {})
        self.annotations = dict(annotations or {})
        self.segment = None

    @property
    def proxy_for(self) -> type:
        """What :meth:`load` returns; Neo's lists admit proxies by it."""
        import neo

        return neo.AnalogSignal

    @property
    def duration(self) -> Any:
        """Duration of the signal."""
        return (self.shape[0] / self.sampling_rate).rescale("s")

    @property
    def t_stop(self) -> Any:
        """Time at which the signal ends."""
        return self.t_start + self.duration

    @property
    def sampling_period(self) -> Any:
        """Time between two samples."""
        return (1.0 / self.sampling_rate).rescale("s")

    @property
    def dimensionality(self) -> Any:
        """Dimension of the samples."""
        return self.units.dimensionality

    def __len__(self) -> int:
        return self.shape[0]

    def __repr__(self) -> str:
        rate = float(self.sampling_rate.magnitude)
        return (
            f"LazySignal '{self.name}': {self.shape[1]} channels x {self.shape[0]} samples at "
            f"{rate:g} Hz, not loaded"
        )

    def load(
        self,
        time_slice: tuple[Any, Any] | None = None,
        *,
        channel_indexes: Sequence[int] | None = None,
    ) -> neo.AnalogSignal:
        """
        Read a part into memory.

        Parameters
        ----------
        time_slice : tuple of quantities.Quantity, optional
            Start and stop; either may be None.  The whole signal by default.
        channel_indexes : sequence of int, optional
            Positions of the channels; all by default.

        Returns
        -------
        neo.AnalogSignal
            The part, with the annotations of the whole.

        Raises
        ------
        InputError
            If the part lies outside the signal.
        """
        import neo

        start, stop = (0, self.shape[0]) if time_slice is None else self._samples(time_slice)
        samples = self.read_samples(start, stop, channel_indexes)
        chosen = slice(None) if channel_indexes is None else np.asarray(channel_indexes)
        return neo.AnalogSignal(
            samples,
            units=self.units,
            t_start=self.t_start + start / self.sampling_rate,
            sampling_rate=self.sampling_rate,
            name=self.name,
            array_annotations={
                key: np.asarray(value)[chosen] if not hasattr(value, "units") else value[chosen]
                for key, value in self.array_annotations.items()
            },
            **self.annotations,
        )

    def read_samples(
        self, start: int, stop: int, channels: Sequence[int] | None = None
    ) -> NDArray[Any]:
        """
        Read a part by sample numbers, without Neo around it.

        Parameters
        ----------
        start, stop : int
            First sample and one past the last.
        channels : sequence of int, optional
            Positions of the channels; all by default.

        Returns
        -------
        numpy.ndarray, shape (stop - start, n_channels)
            Samples in ``units``.

        Raises
        ------
        InputError
            If a channel is not one of the signal.
        """
        wanted = None if channels is None else np.asarray(channels, dtype=np.int64)
        if wanted is None:
            return self._read_part(start, stop, None)
        if np.any((wanted < 0) | (wanted >= self.shape[1])):
            raise InputError(
                f"'{self.name}' has {self.shape[1]} channels, numbered from 0; "
                f"{[int(index) for index in wanted][:5]} are not all among them."
            )
        # HDF5 reads ascending, distinct numbers only.
        ascending, back = np.unique(wanted, return_inverse=True)
        return self._read_part(start, stop, ascending.tolist())[:, back]

    def _samples(self, time_slice: tuple[Any, Any]) -> tuple[int, int]:
        rate, first = float(self.sampling_rate.magnitude), float(self.t_start.magnitude)
        limits = []
        for value, default in zip(time_slice, (0.0, float(self.shape[0])), strict=True):
            limits.append(default if value is None else (time_s(value, "t_start") - first) * rate)
        start, stop = limits
        if start < -_ROUNDING or stop > self.shape[0] + _ROUNDING or stop < start:
            raise InputError(
                f"'{self.name}' lasts from {first:g} s to {float(self.t_stop.magnitude):g} s; "
                f"{first + start / rate:g} s to {first + stop / rate:g} s is no part of it. "
                "Choose t_start and t_stop within it."
            )
        return round(start), round(stop)

    def part(
        self, *, start: int = 0, stop: int | None = None, channels: Sequence[int] | None = None
    ) -> LazySignal:
        """
        Narrow the signal to a part that is not loaded either.

        Parameters
        ----------
        start : int
            First sample.
        stop : int, optional
            One past the last sample; the end by default.
        channels : sequence of int, optional
            Positions of the channels; all by default.

        Returns
        -------
        LazySignal
            The part.
        """
        stop = self.shape[0] if stop is None else min(stop, self.shape[0])
        index = list(range(self.shape[1])) if channels is None else [int(item) for item in channels]

        def read_part(first: int, last: int, some: Sequence[int] | None) -> NDArray[Any]:
            wanted = channels if some is None else [index[item] for item in some]
            return self.read_samples(start + first, start + last, wanted)

        rate = float(self.sampling_rate.magnitude)
        return LazySignal(
            read_part,
            n_samples=stop - start,
            n_channels=len(index),
            sampling_rate_hz=rate,
            t_start_s=float(self.t_start.magnitude) + start / rate,
            units=self.units.dimensionality.string,
            name=self.name,
            array_annotations={
                key: value[index] if hasattr(value, "units") else np.asarray(value)[index]
                for key, value in self.array_annotations.items()
            },
            annotations=self.annotations,
        )


def load_samples(signal: Any, start: int, stop: int) -> NDArray[Any]:
    """
    Read samples of a signal that may be in memory, lazy, a proxy of Neo, or a bare array.

    Parameters
    ----------
    signal : neo.AnalogSignal, LazySignal, Neo proxy or array_like
        Shape (n_samples, n_channels).
    start, stop : int
        First sample and one past the last.

    Returns
    -------
    numpy.ndarray, shape (stop - start, n_channels)
        The samples without their unit.
    """
    if hasattr(signal, "read_samples"):
        return np.asarray(signal.read_samples(start, stop))
    if hasattr(signal, "load"):
        rate, first = signal.sampling_rate, signal.t_start
        # Neo rounds to the nearest sample, and refuses what lies outside by a rounding error.
        limits = (first + start / rate, min(first + stop / rate, signal.t_stop))
        return np.asarray(signal.load(time_slice=limits).magnitude)
    part = signal[start:stop]
    return np.asarray(part.magnitude if hasattr(part, "magnitude") else part)
