"""ROI response series of an NWB file as one signal per series."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters.nwb._names import CHOSEN_COMMENT, ROI_NAME, known_text
from tavrnn_ephys.adapters.nwb._read_units import judgement_of
from tavrnn_ephys.adapters.nwb._roi_places import roi_positions
from tavrnn_ephys.adapters.nwb._series import (
    Limits,
    cut,
    neo_signal,
    series_clock,
    series_samples,
    walk_series,
)
from tavrnn_ephys.adapters.nwb._tables import plain_column, scalar_columns
from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.io.blocks import distinct_names, with_samples
from tavrnn_ephys.io.choices import Choice
from tavrnn_ephys.io.quality import kept_by_quality

__all__ = ["KeptRois", "RoiSeries", "choose_roi_series", "find_roi_series", "read_roi_signals"]

# Parts of names that tell a by-product of the traces from the traces.
_BY_PRODUCTS = (("deconv", 3), ("denois", 3), ("neuropil", 4), ("background", 4), ("baseline", 4))

_REASONS = {
    -1: "the file marks it as the one to analyse",
    0: "it is ΔF/F",
    1: "it is fluorescence, and no ΔF/F is there",
    2: "its name tells of no by-product such as neuropil",
    3: "neither ΔF/F nor fluorescence is there",
    4: "nothing but by-products is there",
}
# From this rank on the order says less than a name or type would.
_FIRST_GUESS = 2
# Judgements of suite2p and CaImAn, as their own writers and NeuroConv name them.
_JUDGEMENTS = ("iscell", "is_cell", "Accepted", "accepted")
# What becomes of these columns is decided by name; the others turn into array annotations.
_KNOWN_COLUMNS = (ROI_NAME, "node_kind", "node_group", "image_mask", "pixel_mask", "voxel_mask")


@dataclass(frozen=True, kw_only=True)
class RoiSeries:
    """
    An ROI response series and where it stands.

    Parameters
    ----------
    container : str
        Name of what holds the series.
    series : pynwb.ophys.RoiResponseSeries
        The series.
    """

    container: str
    series: Any

    @property
    def path(self) -> str:
        """Container and name, which the option ``series`` takes."""
        return f"{self.container}/{self.series.name}"

    @property
    def rank(self) -> int:
        """Place in the order of preference: ΔF/F, fluorescence, others, deconvolved, neuropil."""
        from pynwb.ophys import DfOverF

        if self.series.comments == CHOSEN_COMMENT:
            return -1
        # The series' own name says more than that of its container: NeuroConv puts by-products
        # into one container named Fluorescence, suite2p names every series plane0, plane1, ….
        for name in (self.series.name.lower(), self.container.lower()):
            for part, rank in _BY_PRODUCTS:
                if part in name:
                    return rank
        if isinstance(self.series.parent, DfOverF):
            return 0
        names = ("fluorescence", "roiresponseseries")
        return 1 if self.series.name.lower() in names or self.container == "Fluorescence" else 2

    @property
    def reason(self) -> str:
        """Why a series of this rank comes before others, as the end of a sentence."""
        return _REASONS[self.rank]


def find_roi_series(nwbfile: Any) -> list[RoiSeries]:
    """
    List the ROI response series of a file.

    Parameters
    ----------
    nwbfile : pynwb.NWBFile
        An open file.

    Returns
    -------
    list of RoiSeries
        In the order of preference, equals in the order of the file.
    """
    from pynwb.ophys import RoiResponseSeries

    found = [
        RoiSeries(container=container, series=series)
        for container, series in walk_series(nwbfile)
        if isinstance(series, RoiResponseSeries)
    ]
    return sorted(found, key=lambda item: item.rank)


def choose_roi_series(
    found: list[RoiSeries], file_name: str, chosen: str | None
) -> tuple[list[RoiSeries], Choice | None]:
    """
    Put the series to analyse first.

    Parameters
    ----------
    found : list of RoiSeries
        Series in the order of preference.
    file_name : str
        Name of the file, for messages.
    chosen : str, optional
        Name of the series to analyse, ``"series"`` or ``"container/series"``; the preferred
        one by default.

    Returns
    -------
    list of RoiSeries
        The chosen series, then the others.
    Choice or None
        What was chosen among several; None where the caller or the file itself chose.

    Raises
    ------
    InputError
        If there is no series of the chosen name, or several.
    """
    if chosen is not None:
        matching = [item for item in found if chosen in (item.series.name, item.path)]
        if not matching:
            raise InputError(
                f"'{file_name}' has no ROI series '{chosen}'. "
                f"It has: {some(_names_told(found), limit=12)}."
            )
        # A bare name that several containers use means the preferred one of them.
        return [matching[0], *(item for item in found if item is not matching[0])], None
    if len(found) < 2 or found[0].rank == -1:
        return found, None
    reason = found[0].reason
    equals = [item for item in found if item.rank == found[0].rank]
    if len(equals) > 1:
        reason = f"{reason}, and of {len(equals)} such series it is the first in the file"
    paths = tuple(distinct_names([item.path for item in found]))
    return found, Choice(
        what="ROI series", chosen=paths[0], candidates=paths, reason=reason, option="series=NAME",
        guessed=len(equals) > 1 or found[0].rank >= _FIRST_GUESS,
    )  # fmt: skip


def _names_told(found: list[RoiSeries]) -> list[str]:
    names = [item.series.name for item in found]
    return [
        name if names.count(name) == 1 else item.path
        for name, item in zip(names, found, strict=True)
    ]


def read_roi_signals(
    found: list[RoiSeries],
    file_name: str,
    *,
    limits: Limits = (None, None),
    quality: Any = "accepted",
    rate_hz: float | None = None,
) -> list[Any]:
    """
    Load ROI traces; the first series has the role ``"nodes"``, the others are alternatives.

    Parameters
    ----------
    found : list of RoiSeries
        Series in the order of :func:`choose_roi_series`.
    file_name : str
        Name of the file, for messages.
    limits : tuple of float or None
        Start and stop in seconds of the part to load.
    quality : str or list of str
        Which ROIs are kept by their judgement.
    rate_hz : float, optional
        Samples per second, in place of what the file states.

    Returns
    -------
    list of neo.AnalogSignal or neo.IrregularlySampledSignal
        The chosen series first.

    Raises
    ------
    FileFormatError
        If a series is badly oriented or has no usable times.

    Warns
    -----
    DataLossWarning
        If ROIs are left out for their quality, or because they hold nothing but NaN.
    """
    kept = KeptRois(quality, file_name)
    names = [item.series.name for item in found]
    told = [
        name if names.count(name) == 1 else f"{item.container}_{name}"
        for name, item in zip(names, found, strict=True)
    ]
    signals = [
        _roi_signal(
            item, file_name, name=name, role="nodes" if index == 0 else "traces_alternative",
            limits=limits, kept=kept, rate_hz=rate_hz,
        )
        for index, (item, name) in enumerate(zip(found, distinct_names(told), strict=True))
    ]  # fmt: skip
    return [signal for signal in signals if signal is not None]


class KeptRois:
    """
    Rows of tables of ROIs that are kept; each table is judged, and told of, once.

    Parameters
    ----------
    quality : str or list of str
        Which ROIs are kept by their judgement.
    file_name : str
        Name of the file, for messages.
    """

    def __init__(self, quality: Any, file_name: str) -> None:
        self.quality, self.file_name = quality, file_name
        self._by_table: dict[str, NDArray[np.bool_]] = {}

    def rows(self, table: Any) -> NDArray[np.bool_]:
        """
        Say which rows of a table are kept.

        Parameters
        ----------
        table : pynwb.ophys.PlaneSegmentation
            The table.

        Returns
        -------
        numpy.ndarray of bool, shape (n_rows,)
            True where a row is kept.
        """
        key = str(table.object_id)
        if key not in self._by_table:
            judged = judgement_of(table, _JUDGEMENTS, _JUDGEMENTS)
            kept = np.zeros(len(table.id), dtype=bool)
            kept[
                kept_by_quality(
                    None if judged is None else judged[1], self.quality, n_nodes=len(kept),
                    kind="ROIs", file_name=self.file_name,
                    judge=f"the column '{judged[0]}'" if judged else "nobody",
                )
            ] = True  # fmt: skip
            self._by_table[key] = kept
        return self._by_table[key]


def _roi_signal(
    item: RoiSeries,
    file_name: str,
    *,
    name: str,
    role: str,
    limits: Limits,
    kept: KeptRois,
    rate_hz: float | None,
) -> Any:
    series = item.series
    rows = np.asarray(series.rois.data[:], dtype=np.int64)
    n_samples = _n_samples(series, len(rows), file_name)
    _require_rows(series.rois.table, rows, file_name)
    clock, part = cut(series_clock(series, file_name, rate_hz=rate_hz), n_samples, limits)
    samples = series_samples(series, part).reshape(-1, len(rows))
    if len(samples) == 0:
        raise InputError(
            f"ROI series '{series.name}' of '{file_name}' has no sample between t_start and "
            "t_stop. Choose limits within the recording."
        )
    columns = np.flatnonzero(kept.rows(series.rois.table)[rows])
    if role == "nodes" and len(columns) == 0:
        raise FileFormatError(
            f"None of the ROIs of series '{series.name}' of '{file_name}' was accepted. Keep them "
            "all: quality='all', on the command line --option quality=all."
        )
    if role != "nodes" and np.isnan(samples[:, columns].astype(np.float64)).all():
        return None
    columns = columns[with_samples(samples[:, columns], f"series '{item.path}' of '{file_name}'")]
    rows, samples = rows[columns], samples[:, columns]
    nodes = _roi_nodes(series.rois.table, rows)
    signal = neo_signal(
        series, clock, samples, name=name, container=item.container, role=role, nodes=nodes
    )
    further = scalar_columns(series.rois.table, without=_KNOWN_COLUMNS)
    signal.array_annotate(
        **{key: values[rows] for key, values in further.items()
           if key not in signal.array_annotations}
    )  # fmt: skip
    return signal


def _n_samples(series: Any, n_rois: int, file_name: str) -> int:
    shape = series.data.shape if len(series.data.shape) > 1 else (*series.data.shape, 1)
    if len(shape) != 2 or shape[1] != n_rois:
        transposed = len(shape) == 2 and shape[0] == n_rois
        raise FileFormatError(
            f"ROI series '{series.name}' of '{file_name}' has shape {tuple(series.data.shape)} "
            f"for {n_rois} ROIs; (n_samples, n_rois) is needed. "
            + ("Transpose its data in the file." if transposed else "Write the file again.")
        )
    return int(shape[0])


def _require_rows(table: Any, rows: NDArray[np.int64], file_name: str) -> None:
    if np.any((rows < 0) | (rows >= len(table.id))):
        raise FileFormatError(
            f"ROI traces of '{file_name}' point to rows that '{table.name}' with its "
            f"{len(table.id)} ROIs does not have. Write the file again."
        )


def _roi_nodes(table: Any, rows: NDArray[np.int64]) -> Nodes:
    return Nodes(
        ids=_roi_ids(table)[rows],
        kind="roi",
        groups=_roi_groups(table)[rows],
        positions_um=roi_positions(table, rows),
        rows=rows,
        table=table.name,
    )


def _roi_ids(table: Any) -> NDArray[np.str_]:
    names = plain_column(table[ROI_NAME]) if ROI_NAME in table.colnames else None
    if names is not None and len(np.unique(names)) == len(names):
        return names
    return np.array([str(identity) for identity in table.id[:]])


def _roi_groups(table: Any) -> NDArray[np.str_]:
    groups = plain_column(table["node_group"]) if "node_group" in table.colnames else None
    if groups is not None:
        return np.array([known_text(value) for value in groups])
    plane = getattr(table, "imaging_plane", None)
    return np.array([known_text(getattr(plane, "location", ""))] * len(table.id))
