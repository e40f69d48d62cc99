"""Blocks of features, such as rates and an embedding, weighed against each other in training."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.evaluation.standardizing import rotated, standardized

__all__ = ["Blocks", "block_weights", "by_choice", "inner_errors", "inner_splits"]

# Features and behaviours resemble their neighbours: choices are made on blocks of time too.
_INNER_BLOCKS, _INNER_GAP = 4, 4
# Shares of variance before they are made to sum to 1; a block can drop out altogether.
_LEVELS = (0, 1, 3, 9)

_Array = NDArray[np.float64]


def inner_splits(n_windows: int) -> list[tuple[NDArray[np.bool_], NDArray[np.int64]]]:
    """
    Split training windows again, into four blocks with a gap of four windows around each.

    Of five windows or fewer the gap is a fourth of them, or none would be left to learn from.

    Parameters
    ----------
    n_windows : int
        Number of training windows.

    Returns
    -------
    list of tuple
        Which windows train, and the positions of those that are predicted.

    Examples
    --------
    >>> outside, block = inner_splits(20)[0]
    >>> block, np.flatnonzero(outside)[:2]
    (array([0, 1, 2, 3, 4]), array([ 9, 10]))
    """
    splits = []
    gap = _INNER_GAP if n_windows > _INNER_GAP + 1 else n_windows // _INNER_BLOCKS
    for block in np.array_split(np.arange(n_windows), _INNER_BLOCKS):
        if len(block) == 0:
            continue
        outside = np.ones(n_windows, dtype=bool)
        outside[max(0, block[0] - gap) : block[-1] + 1 + gap] = False
        if outside.any():
            splits.append((outside, block))
    return splits


def block_weights(n_blocks: int) -> _Array:
    """
    List the shares of variance among which those of blocks are chosen.

    Parameters
    ----------
    n_blocks : int
        Number of blocks.

    Returns
    -------
    numpy.ndarray, shape (n_choices, n_blocks)
        Each row sums to 1; every block can be alone, and of two the shares are 0, .1, .25, .5,
        .75, .9 and 1.

    Examples
    --------
    >>> block_weights(2)[:, 1].tolist()
    [0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0]
    """
    rows = np.array([row for row in product(_LEVELS, repeat=n_blocks) if any(row)], dtype=float)
    return np.unique((rows / rows.sum(axis=1, keepdims=True)).round(12), axis=0)[::-1]


@dataclass(frozen=True)
class Blocks:
    """
    Blocks of standardised features of training and test windows.

    Parameters
    ----------
    train, test : tuple of numpy.ndarray, shape (n_windows, n_features of the block)
        Features in units of the training windows.
    widths : tuple of int
        Number of features of each block, before any rotation.

    Notes
    -----
    Weighed features have the kernel ``p Σ g_b K_b / v_b`` with ``K_b`` the kernel of a block,
    ``v_b`` its mean power per window, ``g_b`` its share, and ``p`` the geometric mean of the
    powers with the same shares.  This is banded ridge regression [1]_ [2]_: each block has a
    penalty of its own.  A block alone keeps its own scale, so that its decoder is the decoder of
    the block by itself.

    References
    ----------
    .. [1] Nunez-Elizalde, Huth & Gallant (2019), NeuroImage 197, 482-492.
    .. [2] Dupré la Tour, Eickenberg, Nunez-Elizalde & Gallant (2022), NeuroImage 264, 119728.
    """

    train: tuple[_Array, ...]
    test: tuple[_Array, ...]
    widths: tuple[int, ...]

    @classmethod
    def of(cls, train: NDArray[Any], test: NDArray[Any], widths: Sequence[int]) -> Blocks:
        """
        Standardise each block by its training windows.

        Parameters
        ----------
        train, test : numpy.ndarray, shape (n_windows, n_features)
            Features, blocks side by side.
        widths : sequence of int
            Number of features of each block.

        Returns
        -------
        Blocks
            The blocks.
        """
        limits = np.cumsum(widths)[:-1]
        pairs = [
            standardized(*(np.asarray(part, dtype=np.float64) for part in pair))
            for pair in zip(
                np.split(train, limits, axis=1), np.split(test, limits, axis=1), strict=True
            )
        ]
        first, second = zip(*pairs, strict=True)
        return cls(train=first, test=second, widths=tuple(widths))

    def rotated(self) -> Blocks:
        """
        Rotate each block into the span of its training windows.

        Returns
        -------
        Blocks
            Blocks of at most as many columns as training windows; their kernels stay.
        """
        pairs = [rotated(*pair) for pair in zip(self.train, self.test, strict=True)]
        first, second = zip(*pairs, strict=True)
        return replace(self, train=first, test=second)

    def weighed(self, weights: NDArray[Any] | Sequence[float]) -> tuple[_Array, _Array]:
        """
        Give features of all blocks side by side.

        Parameters
        ----------
        weights : sequence of float
            Share of each block, one of :func:`block_weights`.

        Returns
        -------
        tuple of numpy.ndarray
            Training and test windows; a block without a share is left out.
        """
        power = np.array([max(np.square(part).sum() / len(part), 1e-12) for part in self.train])
        # A block that does not vary has no power; it must not take that of the others.
        power = np.where(power > 1e-9, power, 1.0)
        kept = np.flatnonzero(weights)
        shares = np.asarray(weights)[kept]
        if len(kept) == 1:
            return self.train[kept[0]], self.test[kept[0]]
        scale = np.sqrt(shares / power[kept] * np.exp(shares @ np.log(power[kept])))
        pairs = [
            (float(size) * self.train[index], float(size) * self.test[index])
            for index, size in zip(kept, scale, strict=True)
        ]
        train, test = zip(*pairs, strict=True)
        return np.hstack(train), np.hstack(test)

    def width(self, weights: NDArray[Any] | Sequence[float]) -> float:
        """
        Give the geometric mean of the blocks' widths.

        Parameters
        ----------
        weights : sequence of float
            Share of each block.

        Returns
        -------
        float
            Number of features that a penalty in units of features counts.
        """
        return float(np.exp(np.asarray(weights) @ np.log(self.widths)))


def inner_errors(
    train: NDArray[Any],
    widths: Sequence[int],
    errors_of: Callable[[Blocks, _Array, NDArray[np.bool_], NDArray[np.int64]], _Array],
    *,
    rotate: bool = False,
) -> _Array:
    """
    Sum errors inside the training windows, for every choice of shares.

    Parameters
    ----------
    train : numpy.ndarray, shape (n_train, n_features)
        Features of the training windows, blocks side by side.
    widths : sequence of int
        Number of features of each block.
    errors_of : callable
        Takes the blocks of an inner split, shares, which training windows train, and the
        positions of those that are predicted, and returns errors, one of each target last.
    rotate : bool
        Whether blocks are rotated into the span of their training windows, once for all choices.

    Returns
    -------
    numpy.ndarray, shape (n_choices, …, n_targets)
        Errors for each row of :func:`block_weights`.
    """
    weights = block_weights(len(widths))
    total: Any = 0.0
    for outside, block in inner_splits(len(train)):
        blocks = Blocks.of(train[outside], train[block], widths)
        blocks = blocks.rotated() if rotate else blocks
        total = total + np.stack([errors_of(blocks, row, outside, block) for row in weights])
    return np.asarray(total)


def by_choice(best: NDArray[np.int64], n_blocks: int) -> Iterator[tuple[_Array, NDArray[np.int64]]]:
    """
    Go through the shares that were chosen by any target.

    Parameters
    ----------
    best : numpy.ndarray of int, shape (n_targets,)
        Chosen row of :func:`block_weights`.
    n_blocks : int
        Number of blocks.

    Yields
    ------
    tuple of numpy.ndarray
        Shares, and the positions of the targets that chose them.
    """
    weights = block_weights(n_blocks)
    for choice in np.unique(best):
        yield weights[choice], np.flatnonzero(best == choice)
