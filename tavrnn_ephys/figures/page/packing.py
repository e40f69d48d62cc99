"""Arrays made small enough for a page: fewer windows, means of blocks, whole steps of a scale."""

from __future__ import annotations

import base64
import gzip
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.containers import Nodes

__all__ = ["NodeBlocks", "evenly", "fitting_blocks", "node_order", "pack", "quantized", "zipped"]

# What matrices and the strengths of nodes on the map may take, in bytes before they are zipped.
_MATRIX_BYTES, _LEAST_MATRIX_BYTES = 1_000_000, 200_000
_MOST_BLOCKS = 150


def pack(values: NDArray[Any]) -> str:
    """
    Write an array as text, little-endian.

    Parameters
    ----------
    values : numpy.ndarray
        Any shape; the page knows it.

    Returns
    -------
    str
        Base64 of its bytes in C order.

    Examples
    --------
    >>> pack(np.array([1, 2], dtype=np.uint16))
    'AQACAA=='
    """
    little = values.astype(values.dtype.newbyteorder("<"), copy=False)
    return base64.b64encode(np.ascontiguousarray(little).tobytes()).decode("ascii")


def zipped(text: str) -> str:
    """
    Write a text in fewer letters; the browser unpacks it.

    Parameters
    ----------
    text : str
        Any text.

    Returns
    -------
    str
        Base64 of the text in UTF-8 as gzip (RFC 1952); the same for the same text.

    Examples
    --------
    >>> gzip.decompress(base64.b64decode(zipped("nodes"))).decode()
    'nodes'
    """
    # A time of writing would make two pages of one run differ.
    return base64.b64encode(gzip.compress(text.encode("utf-8"), 9, mtime=0)).decode("ascii")


def quantized(values: NDArray[Any], limit: float, dtype: Any = np.int8) -> NDArray[Any]:
    """
    Round values to whole steps of a symmetric scale.

    Parameters
    ----------
    values : numpy.ndarray
        Values within ``[-limit, limit]``; NaN where unknown.
    limit : float
        End of the scale, positive.
    dtype : numpy.dtype
        Signed integers; the largest one stands for the limit, the smallest one for NaN.

    Returns
    -------
    numpy.ndarray
        Integers of the same shape.

    Examples
    --------
    >>> quantized(np.array([-1.0, 0.0, 0.5, 1.0, np.nan]), 1.0)
    array([-127,    0,   64,  127, -128], dtype=int8)
    """
    info = np.iinfo(dtype)
    scaled = np.rint(np.clip(np.asarray(values, dtype=np.float64) / limit, -1, 1) * info.max)
    return np.where(np.isnan(scaled), info.min, scaled).astype(dtype)


def evenly(n: int, most: int) -> NDArray[np.intp]:
    """
    Choose positions at equal distances.

    Parameters
    ----------
    n : int
        How many there are.
    most : int
        How many are wanted at most.

    Returns
    -------
    numpy.ndarray of int
        All of them, or every second, third, … from the first.

    Examples
    --------
    >>> evenly(7, 3)
    array([0, 3, 6])
    """
    return np.arange(0, n, -(-n // most))


def node_order(nodes: Nodes) -> NDArray[np.intp]:
    """
    Order nodes by group.

    Parameters
    ----------
    nodes : Nodes
        The nodes.

    Returns
    -------
    numpy.ndarray of int, shape (n_nodes,)
        Their positions, groups in alphabetical order, nodes without a group last.
    """
    groups = np.asarray(nodes.groups)
    return np.lexsort((np.arange(len(groups)), groups, groups == ""))


def fitting_blocks(nodes: Nodes, n_windows: int, *, directed: bool) -> NodeBlocks:
    """
    Say into how few blocks nodes must be taken together for their matrices to fit the page.

    Parameters
    ----------
    nodes : Nodes
        The nodes.
    n_windows : int
        Number of matrices.
    directed : bool
        Whether whole matrices are needed.

    Returns
    -------
    NodeBlocks
        One block per node where all fit; else blocks of neighbours within a group.
    """
    # The map has a byte per node and window, which leaves less for matrices.
    room = max(_MATRIX_BYTES - n_windows * len(nodes), _LEAST_MATRIX_BYTES) / n_windows
    side = int(np.sqrt(room if directed else 2 * room + 0.25) - (0 if directed else 0.5))
    return NodeBlocks.of(nodes, max(2, min(side, _MOST_BLOCKS)))


@dataclass(frozen=True, kw_only=True)
class NodeBlocks:
    """
    Neighbouring nodes of one group taken together.

    Parameters
    ----------
    order : numpy.ndarray of int, shape (n_nodes,)
        Nodes by group.
    starts : numpy.ndarray of int, shape (n_blocks,)
        Where in this order each block begins.
    names : tuple of str
        Group of each block, or an empty text.
    """

    order: NDArray[np.intp]
    starts: NDArray[np.intp]
    names: tuple[str, ...]

    @classmethod
    def of(cls, nodes: Nodes, most: int) -> NodeBlocks:
        """
        Cut every group into blocks of almost equal size.

        Parameters
        ----------
        nodes : Nodes
            The nodes.
        most : int
            Largest number of blocks; where there are more groups, blocks hold several of them.

        Returns
        -------
        NodeBlocks
            The blocks.

        Examples
        --------
        >>> blocks = NodeBlocks.of(Nodes(ids=list("abcde"), groups=list("yyxxx")), 3)
        >>> blocks.order, blocks.starts, blocks.names
        (array([2, 3, 4, 0, 1]), array([0, 2, 3]), ('x', 'x', 'y'))
        """
        order = node_order(nodes)
        groups = np.asarray(nodes.groups)[order]
        edges = np.flatnonzero(np.append(True, groups[1:] != groups[:-1]))
        if len(edges) > most:
            edges = np.array([0])
        lengths = np.diff(np.append(edges, len(order)))
        size = 1
        while np.sum(-(-lengths // size)) > most:
            size += 1
        starts = np.concatenate(
            [
                np.linspace(edge, edge + length, -(-length // size) + 1).round()[:-1]
                for edge, length in zip(edges, lengths, strict=True)
            ]
        ).astype(np.intp)
        return cls(order=order, starts=starts, names=tuple(map(str, groups[starts])))

    def __len__(self) -> int:
        return len(self.starts)

    @property
    def is_single(self) -> bool:
        """Whether each node is a block of its own."""
        return len(self.starts) == len(self.order)

    def members(self, index: int) -> NDArray[np.intp]:
        """
        List the nodes of a block.

        Parameters
        ----------
        index : int
            Which block.

        Returns
        -------
        numpy.ndarray of int
            Positions of nodes.
        """
        stops = np.append(self.starts[1:], len(self.order))
        return self.order[self.starts[index] : stops[index]]

    def means(self, matrix: NDArray[Any]) -> NDArray[np.float64]:
        """
        Average a matrix over pairs of blocks.

        Parameters
        ----------
        matrix : numpy.ndarray, shape (n_nodes, n_nodes)
            Weights; unknown ones (NaN) and those of a node with itself are left out.

        Returns
        -------
        numpy.ndarray, shape (n_blocks, n_blocks)
            Means; NaN where nothing is known.

        Examples
        --------
        >>> blocks = NodeBlocks.of(Nodes(ids=list("abcd")), 2)
        >>> blocks.means(np.array([[9, 1, 2, 2], [1, 9, 2, 2], [2, 2, 9, 3], [2, 2, 3, 9]]))
        array([[1., 2.],
               [2., 3.]])
        """
        ordered = np.array(matrix[np.ix_(self.order, self.order)], dtype=np.float64)
        np.fill_diagonal(ordered, np.nan)
        if self.is_single:
            return ordered
        known = np.isfinite(ordered)
        sums = self._summed(np.where(known, ordered, 0.0))
        counts = self._summed(known.astype(np.float64))
        return np.divide(sums, counts, out=np.full_like(sums, np.nan), where=counts > 0)

    def _summed(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        rows: NDArray[np.float64] = np.add.reduceat(values, self.starts, axis=0)
        sums: NDArray[np.float64] = np.add.reduceat(rows, self.starts, axis=1)
        return sums
