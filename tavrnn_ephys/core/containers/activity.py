"""Counts or means per node and bin."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core import html as _html
from tavrnn_ephys.core.checks import is_real_number, one_of, positive_number, some, whole_number
from tavrnn_ephys.core.containers._base import (
    MOST_DRAWN,
    VALUES_AT_ONCE,
    freeze,
    frozen_array,
    in_double,
    is_file_backed,
    require,
)
from tavrnn_ephys.core.containers._labelled import (
    load_xarray,
    node_attributes,
    node_coordinates,
)
from tavrnn_ephys.core.containers.nodes import Nodes, OverNodes
from tavrnn_ephys.core.counts import check_counts
from tavrnn_ephys.core.names import several
from tavrnn_ephys.core.provenance import fingerprint

if TYPE_CHECKING:
    import pandas
    import xarray

__all__ = ["BinnedActivity"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class BinnedActivity(OverNodes):
    """
    Activity of every node in equal bins of one segment.

    Parameters
    ----------
    values : array_like, shape (n_nodes, n_bins)
        Spike counts, or mean trace values such as ΔF/F.  A :class:`numpy.memmap`, or a dataset
        of HDF5 or Zarr, stays in its file: it is read, and checked, a few bins at a time.
    bin_size_s : float
        Width of a bin in seconds.
    nodes : Nodes
        Row order of ``values``.
    t_start_s : float
        Start of the first bin in seconds on the clock of the recording.
    quantity : {"spike_count", "trace"}
        What a value is.
    segment_index : int
        Position of the segment in its block.

    Raises
    ------
    InputError
        If the shapes disagree, a value is not finite, a bin holds more than a million spikes, or
        the bin size is not positive.
    """

    values: Any
    bin_size_s: float
    nodes: Nodes
    t_start_s: float = 0.0
    quantity: str = "spike_count"
    segment_index: int = 0

    def __post_init__(self) -> None:
        values = self.values if is_file_backed(self.values) else frozen_array(self.values)
        one_of(self.quantity, ("spike_count", "trace"), "quantity")
        require(
            values.ndim == 2 and len(values) == len(self.nodes),
            f"Binned activity of {len(self.nodes)} nodes has shape {values.shape}; "
            "(n_nodes, n_bins) is expected.",
        )
        require(values.shape[1] > 0, "The recording is shorter than one bin.")
        positive_number(self.bin_size_s, "bin_size_s")
        require(
            is_real_number(self.t_start_s),
            f"t_start_s must be a finite number of seconds, got {self.t_start_s!r}.",
        )
        whole_number(self.segment_index, "segment_index")
        require(
            values.dtype.kind in "biuf",
            f"Binned activity must consist of real numbers, got the type {values.dtype}.",
        )
        if not is_file_backed(values):
            values = in_double(values)
            step = max(1, VALUES_AT_ONCE // len(values))
            for first in range(0, values.shape[1], step):
                self._check_values(values[:, first : first + step], first)
        freeze(self, values=values)

    def _check_values(self, values: NDArray[Any], first: int) -> None:
        if values.dtype.kind == "f":
            bad = ~np.isfinite(values).all(axis=1)
            require(
                not bad.any(),
                f"Activity of {int(bad.sum())} nodes is not finite ({some(self.nodes.ids[bad])}). "
                "Interpolate or leave out the missing samples first.",
            )
        if self.quantity == "spike_count":
            check_counts(values, self.nodes.ids, first_bin=first)

    @property
    def is_file_backed(self) -> bool:
        """Whether the values lie in a file and are read a few bins at a time."""
        return is_file_backed(self.values)

    @property
    def sha256(self) -> str:
        """Checksum of type, shape and values, by which a change of the recording is noticed."""
        return fingerprint(np.asarray(self.values))

    def read_bins(self, first: int, last: int) -> NDArray[Any]:
        """
        Return the values of some bins, from memory or from the file.

        Parameters
        ----------
        first, last : int
            First bin, and one past the last.

        Returns
        -------
        numpy.ndarray
            Shape (n_nodes, last - first).

        Raises
        ------
        InputError
            If a value in the file is not finite, or too large for a count.
        """
        values = np.asarray(self.values[:, first:last])
        if self.is_file_backed:
            values = in_double(values)
            self._check_values(values, first)
        return values

    def __len__(self) -> int:
        return self.n_nodes

    def __iter__(self) -> Iterator[NDArray[Any]]:
        return iter(self.values)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, int | np.integer):
            return self.values[index]
        return replace(self, values=self.values[index], nodes=self.nodes[index])

    @property
    def bin_start_s(self) -> NDArray[np.float64]:
        """Start of each bin in seconds, shape (n_bins,)."""
        return np.asarray(self.t_start_s + self.bin_size_s * np.arange(self.n_bins), np.float64)

    def to_dataframe(self) -> pandas.DataFrame:
        """
        Return a row per bin and a column per node.

        Returns
        -------
        pandas.DataFrame
            Values with the start of each bin in seconds, ``start_s``, as the index.
        """
        import pandas as pd

        index = pd.Index(self.bin_start_s, name="start_s")
        columns = pd.Index(self.nodes.ids, name="node_id")
        return pd.DataFrame(np.asarray(self.values).T, index=index, columns=columns)

    def to_xarray(self) -> xarray.Dataset:
        """
        Return labelled arrays: ``values`` over ``node`` and ``bin``.

        Returns
        -------
        xarray.Dataset
            With the start of each bin, and nodes with their groups, as coordinates.

        Raises
        ------
        InputError
            If xarray is not installed.
        """
        return load_xarray().Dataset(
            {"values": (("node", "bin"), np.asarray(self.values))},
            coords={
                "bin": ("bin", self.bin_start_s, {"units": "s"}),
                **node_coordinates(self.nodes),
            },
            attrs={
                **node_attributes(self.nodes),
                "quantity": self.quantity,
                "bin_size_s": self.bin_size_s,
            },
        )

    @property
    def n_bins(self) -> int:
        """Number of bins."""
        return self.values.shape[1]

    @property
    def t_stop_s(self) -> float:
        """End of the last bin in seconds."""
        return self.t_start_s + self.n_bins * self.bin_size_s

    def __repr__(self) -> str:
        return (
            f"BinnedActivity: {self.n_nodes} {several(self.node_kind)} x {self.n_bins} bins of "
            f"{self.bin_size_s:g} s, {self.quantity}"
        )

    def _repr_html_(self) -> str:
        if is_file_backed(self.values) or self.values.size > MOST_DRAWN:
            return _html.card(repr(self), "", "too large for a picture; bins stay where they are")
        small = _html.shrunk(self.values, 40, 200)
        traces = self.quantity == "trace"
        if traces:
            spread = small.std(axis=1, keepdims=True)
            small = (small - small.mean(axis=1, keepdims=True)) / np.where(spread > 0, spread, 1)
        picture = _html.image(small, "activity over time", signed=traces, width=400)
        first = self.t_start_s
        last = first + self.n_bins * self.bin_size_s
        what = "z-scores of traces" if traces else "mean spikes per bin"
        return _html.card(repr(self), picture, f"{what}, nodes by time, {first:g} s to {last:g} s")
