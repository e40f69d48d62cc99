"""Thumbnails of arrays for notebooks: a few kilobytes of HTML, made without a plot library."""

from __future__ import annotations

import base64
import html
import struct
import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["card", "first_components", "image", "intervals", "path", "shrunk", "tiles"]

# So many colours suffice for a thumbnail, and compress to five bits.
_LEVELS = 32
# Ends and middle of RdBu, reversed, and of Viridis: told apart by colour-blind eyes.
_SIGNED = ((5, 48, 97), (67, 147, 195), (247, 247, 247), (214, 96, 77), (103, 0, 31))
_UNSIGNED = ((68, 1, 84), (59, 82, 139), (33, 145, 140), (94, 201, 98), (253, 231, 37))
_BLANK = (160, 160, 160)
_MOST_POINTS = 300


def shrunk(values: NDArray[Any], n_rows: int, n_columns: int) -> NDArray[np.float64]:
    """
    Average a matrix over blocks until it is small.

    Parameters
    ----------
    values : numpy.ndarray, shape (rows, columns)
        The matrix; NaN where unknown.
    n_rows, n_columns : int
        Largest size.

    Returns
    -------
    numpy.ndarray
        Means over what is known; the matrix itself where it is small.

    Examples
    --------
    >>> shrunk(np.array([[1.0, 3.0, np.nan, 4.0]]), 1, 2)
    array([[2., 4.]])
    """
    known = np.isfinite(values)
    sums, counts = np.where(known, values, 0.0).astype(np.float64), known.astype(np.float64)
    for axis, most in enumerate((n_rows, n_columns)):
        if values.shape[axis] > most:
            starts = np.arange(0, values.shape[axis], -(-values.shape[axis] // most))
            sums = np.add.reduceat(sums, starts, axis=axis)
            counts = np.add.reduceat(counts, starts, axis=axis)
    return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)


def tiles(matrices: Sequence[NDArray[Any]]) -> NDArray[np.float64]:
    """
    Put matrices of equal height beside each other.

    Parameters
    ----------
    matrices : sequence of numpy.ndarray, each of shape (rows, columns)
        The matrices.

    Returns
    -------
    numpy.ndarray
        All of them with columns of NaN between.

    Examples
    --------
    >>> tiles([np.ones((1, 1)), np.zeros((1, 1))])
    array([[ 1., nan,  0.]])
    """
    gap = np.full((len(matrices[0]), max(1, len(matrices[0]) // 16)), np.nan)
    parts = [part for matrix in matrices for part in (matrix, gap)]
    return np.hstack(parts[:-1])


def image(values: NDArray[Any], about: str, *, signed: bool, width: int = 240) -> str:
    """
    Draw a small matrix, a pixel per value.

    Parameters
    ----------
    values : numpy.ndarray, shape (rows, columns)
        The matrix; unknown values are grey.
    about : str
        What it is, for those who cannot see it.
    signed : bool
        Whether colours run from blue through white at zero to red, rather than from the smallest
        to the largest value.
    width : int
        Width on the page in pixels.

    Returns
    -------
    str
        An HTML image that holds its own data.
    """
    known = values[np.isfinite(values)]
    high = float(known.max(initial=0.0)) if not signed else float(np.abs(known).max(initial=0.0))
    low = -high if signed else float(known.min(initial=high))
    spread = high - low or 1.0
    levels = np.where(
        np.isfinite(values), np.rint((values - low) / spread * (_LEVELS - 1)), _LEVELS
    ).astype(np.uint8)
    colors = _palette(_SIGNED if signed else _UNSIGNED)
    data = base64.b64encode(_png(levels, colors)).decode("ascii")
    return (
        f'<img alt="{html.escape(about)}" width="{width}" '
        f'style="image-rendering:pixelated" src="data:image/png;base64,{data}">'
    )


def _palette(anchors: Sequence[tuple[int, int, int]]) -> bytes:
    places = np.linspace(0, 1, len(anchors))
    wanted = np.linspace(0, 1, _LEVELS)
    channels = [np.interp(wanted, places, channel) for channel in zip(*anchors, strict=True)]
    colors = np.rint(np.column_stack(channels)).astype(np.uint8)
    return colors.tobytes() + bytes(_BLANK)


def _png(levels: NDArray[np.uint8], palette: bytes) -> bytes:
    """Write an image of indexed colours (PNG, third edition, W3C 2025)."""
    height, width = levels.shape
    lines = np.column_stack([np.zeros(height, dtype=np.uint8), levels]).tobytes()
    parts = (
        (b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
        (b"PLTE", palette),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in parts
    )


def intervals(start_s: NDArray[np.float64], stop_s: NDArray[np.float64], about: str) -> str:
    """
    Draw intervals as bars along time, in as many rows as keep neighbours apart.

    Parameters
    ----------
    start_s, stop_s : numpy.ndarray, shape (n_intervals,)
        Limits.
    about : str
        What they are, for those who cannot see them.

    Returns
    -------
    str
        An HTML image that holds its own data.
    """
    first, spread = float(start_s.min()), float(stop_s.max() - start_s.min()) or 1.0
    every = -(-len(start_s) // 100)
    bars = [
        f'<rect x="{240 * (start - first) / spread:.1f}" y="{12 * (index % 3)}" '
        f'width="{max(240 * (stop - start) / spread, 0.6):.1f}" height="9" rx="1"/>'
        for index, (start, stop) in enumerate(zip(start_s[::every], stop_s[::every], strict=True))
    ]
    return _svg("".join(bars), about, 240, 34, 'fill="#0072B2" fill-opacity="0.75"')


def path(points: NDArray[np.float64], about: str) -> str:
    """
    Draw points joined in their order, the first blue and the last red.

    Parameters
    ----------
    points : numpy.ndarray, shape (n_points, 2)
        Coordinates.
    about : str
        What they are, for those who cannot see them.

    Returns
    -------
    str
        An HTML image that holds its own data.
    """
    low = points.min(axis=0)
    spread = float(np.ptp(points, axis=0).max()) or 1.0
    placed = 6 + 108 * (points - low) / spread
    placed[:, 1] = 120 - placed[:, 1]
    line = " ".join(f"{x:.0f},{y:.0f}" for x, y in placed)
    shades = np.linspace(0, 1, len(points))
    ends = np.array([(0, 114, 178), (213, 94, 0)])
    dots = [
        f'<circle cx="{x:.0f}" cy="{y:.0f}" r="2" fill="#{red:02x}{green:02x}{blue:02x}"/>'
        for (x, y), (red, green, blue) in zip(
            placed, np.rint(ends[0] + shades[:, None] * (ends[1] - ends[0])).astype(int),
            strict=True,
        )
    ]  # fmt: skip
    drawn = f'<polyline points="{line}" fill="none" stroke="#999" stroke-width="0.5"/>'
    return _svg(drawn + "".join(dots), about, 120, 120, "")


def _svg(content: str, about: str, width: int, height: int, style: str) -> str:
    return (
        f'<svg role="img" aria-label="{html.escape(about)}" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" {style}>{content}</svg>'
    )


def first_components(vectors: NDArray[Any]) -> NDArray[np.float64]:
    """
    Project vectors on their first two principal components.

    Parameters
    ----------
    vectors : numpy.ndarray, shape (n, n_dimensions)
        The vectors; of more than 300 every second, third, … is taken.

    Returns
    -------
    numpy.ndarray, shape (n_taken, 2)
        Coordinates.
    """
    taken = np.asarray(vectors[:: -(-len(vectors) // _MOST_POINTS)], dtype=np.float64)
    taken = taken - taken.mean(axis=0)
    values, directions = np.linalg.eigh(taken @ taken.T)
    points = directions[:, ::-1][:, :2] * np.sqrt(np.maximum(values[::-1][:2], 0.0))
    return np.pad(points, ((0, 0), (0, 2 - points.shape[1])))


def card(text: str, picture: str = "", note: str = "") -> str:
    """
    Put a line of text, a picture and a note together.

    Parameters
    ----------
    text : str
        The short text of an object; what stands before its first colon is its name.
    picture : str
        HTML of a picture.
    note : str
        What the picture shows.

    Returns
    -------
    str
        HTML; all text is escaped.

    Examples
    --------
    >>> card("Nodes: <2>")
    '<div><strong>Nodes</strong>: &lt;2&gt;</div>'
    """
    name, _, rest = text.partition(":")
    line = f"<strong>{html.escape(name)}</strong>:{html.escape(rest)}"
    below = f'<div style="font-size:85%;opacity:.75">{html.escape(note)}</div>' if note else ""
    shown = f'<div style="margin:.3em 0">{picture}</div>' if picture else ""
    return f"<div>{line}{shown}{below}</div>"
