"""Stretches of time, one per graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core import html as _html
from tavrnn_ephys.core.containers._base import (
    Container,
    freeze,
    frozen_array,
    require,
    text_array,
)
from tavrnn_ephys.core.containers._labelled import (
    load_xarray,
    require_variables,
    window_coordinates,
    window_fields,
)
from tavrnn_ephys.core.frozen import FrozenMapping
from tavrnn_ephys.core.plain_arrays import in_unit

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pandas
    import xarray

__all__ = ["Windows"]


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class Windows(Container):
    """
    Half-open intervals ``[start, stop)`` in chronological order, with what is known of each.

    Parameters
    ----------
    start_s, stop_s : array_like of float, shape (n_windows,)
        Limits in seconds on the clock of the recording.
    segment_index : array_like of int, shape (n_windows,), optional
        Neo segment of each window; 0 by default.
    columns : mapping of str to array_like, shape (n_windows,), optional
        Further columns, numbers or text: a label, a behaviour score.

    Raises
    ------
    InputError
        If a window is empty or out of order, or the lengths differ.

    Examples
    --------
    >>> Windows(start_s=[0.0, 1.0], stop_s=[2.0, 3.0])
    Windows: 2 from 0 s to 3 s, each 2 s, step 1 s
    """

    start_s: Any
    stop_s: Any
    segment_index: Any = None
    columns: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        start = frozen_array(in_unit(self.start_s, "s", "start_s"), dtype=np.float64)
        stop = frozen_array(in_unit(self.stop_s, "s", "stop_s"), dtype=np.float64)
        require(start.ndim == 1 and len(start) > 0, "At least one window is needed, got none.")
        require(start.shape == stop.shape, "start_s and stop_s of windows differ in length.")
        segment = self.segment_index if self.segment_index is not None else np.zeros(len(start))
        segment = frozen_array(segment, dtype=np.int64)
        require(
            segment.shape == start.shape,
            f"segment_index has shape {segment.shape}, expected {start.shape}.",
        )
        finite = np.isfinite(start) & np.isfinite(stop)
        require(
            bool(finite.all()),
            f"The limits of window {int(np.argmin(finite))} are not finite. Leave it out.",
        )
        require(
            bool(np.all(stop > start)),
            "Each window must stop after it starts; "
            f"window {int(np.argmin(stop > start))} does not.",
        )
        order = np.lexsort((stop, start, segment))
        require(
            bool(np.array_equal(order, np.arange(len(start)))),
            "Windows must stand in chronological order within each segment.",
        )
        columns = {}
        for name, values in self.columns.items():
            array = np.asarray(values)
            column = text_array(array) if array.dtype.kind in "OSU" else frozen_array(array)
            require(
                column.shape == start.shape,
                f"Window column '{name}' has shape {column.shape}, expected {start.shape}.",
            )
            columns[str(name)] = column
        freeze(
            self,
            start_s=start,
            stop_s=stop,
            segment_index=segment,
            columns=FrozenMapping(columns),
        )

    def __len__(self) -> int:
        return len(self.start_s)

    def __iter__(self) -> Iterator[tuple[float, float]]:
        return zip(self.start_s.tolist(), self.stop_s.tolist(), strict=True)

    def __getitem__(self, index: Any) -> Any:
        if isinstance(index, int | np.integer):
            return float(self.start_s[index]), float(self.stop_s[index])
        return self.select(index)

    @property
    def overlap(self) -> int:
        """Largest number of following windows that share time with any one window."""
        most = 0
        for segment in np.unique(self.segment_index):
            here = self.segment_index == segment
            first_behind = np.searchsorted(self.start_s[here], self.stop_s[here] - 1e-9)
            most = max(most, int(np.max(first_behind - np.arange(here.sum()) - 1)))
        return most

    @property
    def overlap_s(self) -> NDArray[np.float64]:
        """
        Time shared with the neighbours, shape (n_windows, 2): the one before, the one behind.

        Neighbours in time of the same segment; 0 where there is none, or a gap.
        """
        shared = np.minimum(self.stop_s[:-1], self.stop_s[1:]) - self.start_s[1:]
        shared = np.where(np.diff(self.segment_index) == 0, np.maximum(shared, 0.0), 0.0)
        # Limits are decimal text in double precision: a sliver of it is no overlap.
        shared[shared < 1e-9] = 0.0
        return np.column_stack([np.append(0.0, shared), np.append(shared, 0.0)])

    def with_columns(self, **columns: Any) -> Windows:
        """
        Return the same windows with further columns.

        Parameters
        ----------
        **columns : array_like, shape (n_windows,)
            New columns by name; a column of the same name is replaced.

        Returns
        -------
        Windows
            A new table.
        """
        return Windows(
            start_s=self.start_s,
            stop_s=self.stop_s,
            segment_index=self.segment_index,
            columns={**self.columns, **columns},
        )

    def select(self, index: Any) -> Windows:
        """
        Return some of the windows.

        Parameters
        ----------
        index : slice, array_like of int or array_like of bool
            Which windows, in chronological order.

        Returns
        -------
        Windows
            A new table.
        """
        return Windows(
            start_s=self.start_s[index],
            stop_s=self.stop_s[index],
            segment_index=self.segment_index[index],
            columns={name: values[index] for name, values in self.columns.items()},
        )

    def to_pandas(self) -> pandas.DataFrame:
        """
        Return the table as a data frame.

        Returns
        -------
        pandas.DataFrame
            One row per window: ``start_s``, ``stop_s``, ``segment_index`` and the further columns.
        """
        import pandas as pd

        base = {
            "start_s": self.start_s,
            "stop_s": self.stop_s,
            "segment_index": self.segment_index,
        }
        return pd.DataFrame({**base, **self.columns})

    def to_dataframe(self) -> pandas.DataFrame:
        """
        Return the table as a data frame: another name of :meth:`to_pandas`.

        Returns
        -------
        pandas.DataFrame
            One row per window.
        """
        return self.to_pandas()

    def to_xarray(self) -> xarray.Dataset:
        """
        Return the windows as coordinates of xarray, along ``window``.

        Returns
        -------
        xarray.Dataset
            Limits, segment and further columns as coordinates.

        Raises
        ------
        InputError
            If xarray is not installed, or a column has the name of an axis.
        """
        return load_xarray().Dataset(coords=window_coordinates(self))

    @classmethod
    def from_xarray(cls, data: xarray.Dataset) -> Windows:
        """
        Take the windows of labelled arrays.

        Parameters
        ----------
        data : xarray.Dataset
            As :meth:`to_xarray` of any container makes it.

        Returns
        -------
        Windows
            Equal to those that it was made of.

        Raises
        ------
        InputError
            If it has no windows.
        """
        require_variables(data, ("start_s", "stop_s", "segment_index"), "Windows.from_xarray")
        return cls(**window_fields(data))

    def __repr__(self) -> str:
        lengths, steps = self.stop_s - self.start_s, np.diff(self.start_s)
        text = f"Windows: {len(self)} from {self.start_s[0]:g} s to {self.stop_s.max():g} s"
        if np.ptp(lengths) < 1e-9:
            text += f", each {lengths[0]:g} s"
        if len(steps) and np.ptp(steps) < 1e-9:
            text += f", step {steps[0]:g} s"
        return text

    def _repr_html_(self) -> str:
        picture = _html.intervals(self.start_s, self.stop_s, "windows along time")
        known = f"columns: {', '.join(self.columns)}" if self.columns else "no further columns"
        return _html.card(repr(self), picture, known)
