"""What the calcium adapters share: traces of ROIs as one block, options, and their checks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import some
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.io.blocks import make_signal, with_samples
from tavrnn_ephys.io.choices import Choice, note_choice
from tavrnn_ephys.io.quality import kept_by_quality, labels_of

if TYPE_CHECKING:
    import neo

__all__ = ["accepted_rois", "check_options", "pixel_size_um", "roi_block"]


def check_options(
    adapter: str,
    options: Mapping[str, Any],
    known: tuple[str, ...],
    former: tuple[str, ...] = (),
) -> None:
    """
    Refuse options that an adapter does not have.

    Parameters
    ----------
    adapter : str
        Name of the adapter.
    options : mapping of str to object
        What was given.
    known : tuple of str
        Names of its options.
    former : tuple of str
        Names that options had before, which are still understood.

    Raises
    ------
    InputError
        If one is unknown.
    """
    unknown = sorted(set(options) - {*known, *former})
    if unknown:
        raise InputError(
            f"The adapter '{adapter}' has no option {some(unknown)}. It has: {some(known)}."
        )


def pixel_size_um(value: Any) -> float | None:
    """
    Turn the option ``pixel_size`` into micrometres.

    Parameters
    ----------
    value : quantities.Quantity or None
        Edge of a pixel.

    Returns
    -------
    float or None
        Micrometres, None where it is not known.

    Raises
    ------
    InputError
        If it is no positive length.
    """
    if value is None:
        return None
    try:
        size = float(value.rescale("um").magnitude)
    except (AttributeError, TypeError, ValueError):
        size = np.nan
    if not (np.isfinite(size) and size > 0):
        raise InputError(
            f"pixel_size must be a positive length, such as 1.5 * quantities.um, got {value!r}."
        )
    return size


def accepted_rois(
    accepted: NDArray[np.bool_] | None, n_rois: int, quality: Any, file_name: str, tool: str
) -> NDArray[np.int64]:
    """
    Choose the ROIs that are cells.

    Parameters
    ----------
    accepted : numpy.ndarray or None
        Whether the tool took each ROI for a cell; None where it did not judge.
    n_rois : int
        Number of ROIs.
    quality : {"accepted", "all", "rejected"}
        Which are kept.
    file_name, tool : str
        Names, for messages.

    Returns
    -------
    numpy.ndarray
        Rows that are kept.

    Raises
    ------
    FileFormatError
        If none is left, or the judgements do not fit the ROIs.
    InputError
        If ``quality`` is none of its choices.

    Warns
    -----
    DataLossWarning
        If ROIs are left out.
    """
    if accepted is not None and len(accepted) != n_rois:
        raise FileFormatError(
            f"{tool} judged {len(accepted)} ROIs, '{file_name}' has traces of {n_rois}. "
            "Take all files from the same run."
        )
    return kept_by_quality(
        None if accepted is None else labels_of(accepted), quality, n_nodes=n_rois, kind="ROIs",
        file_name=file_name, judge=tool,
    )  # fmt: skip


def roi_block(
    path: Path,
    traces: Mapping[str, NDArray[Any]],
    *,
    chosen: str,
    default: str,
    rows: NDArray[np.int64],
    rate_hz: float,
    centroids: NDArray[np.float64] | None = None,
    pixel_um: float | None = None,
) -> neo.Block:
    """
    Build a block of one segment with one signal per kind of trace.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    traces : mapping of str to numpy.ndarray, shape (n_rois, n_samples)
        All traces by name, of all ROIs.
    chosen : str
        Name of those that are analysed.
    default : str
        Why these are analysed unasked, as the end of a sentence.
    rows : numpy.ndarray
        ROIs that are kept; a ROI is named by its row.
    rate_hz : float
        Sampling rate.
    centroids : numpy.ndarray, shape (n_rois, 2), optional
        Centres of the ROIs in pixels, x and y.
    pixel_um : float, optional
        Edge of a pixel in micrometres.

    Returns
    -------
    neo.Block
        The chosen traces have the role ``"nodes"``, the others ``"traces_alternative"``.

    Raises
    ------
    FileFormatError
        If traces differ in shape.
    InputError
        If there are no traces of the chosen name.
    """
    import neo

    if chosen not in traces:
        raise InputError(
            f"'{path.name}' has no traces '{chosen}'. It has: {some(traces)}: series='…'."
        )
    shape = traces[chosen].shape
    for name, values in traces.items():
        if values.shape != shape:
            raise FileFormatError(
                f"Traces '{name}' beside '{path.name}' have shape {values.shape}, '{chosen}' has "
                f"{shape}. Take all files from the same run."
            )
    rows = rows[with_samples(traces[chosen][rows].T, f"'{path.name}'")]
    positions = None
    if centroids is not None and pixel_um is not None:
        positions = centroids[rows] * pixel_um
    nodes = Nodes(
        ids=[str(row) for row in rows],
        kind="roi",
        rows=rows,
        positions_um=positions,
    )
    segment = neo.Segment(name=path.stem, file_origin=path.name)
    for name, values in sorted(traces.items(), key=lambda item: item[0] != chosen):
        signal = make_signal(
            np.ascontiguousarray(values[rows].T),
            name=name,
            role="nodes" if name == chosen else "traces_alternative",
            sampling_rate_hz=rate_hz,
            nodes=nodes,
        )
        if centroids is not None:
            signal.array_annotate(pixel_x=centroids[rows, 0], pixel_y=centroids[rows, 1])
        segment.analogsignals.append(signal)
    block = neo.Block(name=path.stem, file_origin=path.name)
    block.segments.append(segment)
    if len(traces) > 1:
        choice = Choice(
            what="kinds of traces", chosen=chosen, candidates=tuple(traces), reason=default,
            option="series=NAME", guessed=False,
        )  # fmt: skip
        note_choice(block, choice, file_name=path.name)
    return block
