"""Whether windows return to kinds, how many, and which: judged on windows that were left out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.methods.tavrnn.factors._chain import filter_chain, smooth_stretches
from tavrnn_ephys.methods.tavrnn.factors.filtering import decay_likelihood
from tavrnn_ephys.methods.tavrnn.factors.kinds import MOST_KINDS, JudgedKinds, Kinds

__all__ = ["judge_kinds"]

_Array = NDArray[np.float64]
_Stretches = Sequence[NDArray[np.int64]]
_NUMBERS = (2, 3, 4, 6, 8, 10, MOST_KINDS)
_N_BLOCKS = 5
# Windows that each kind has on average, at least.
_LEAST_WINDOWS = 8
_N_STARTS, _MOST_SWEEPS, _SETTLED = 2, 60, 1e-5
_FIRST_STAY, _LONGEST_STAY = 0.5, 0.99
_SMALLEST = 1e-9
# Nats per window: gains below are of rounding, as where all windows are equal.
_LEAST_GAIN = 1e-6


def judge_kinds(
    said: _Array,
    precision: _Array,
    stretches: _Stretches,
    *,
    skipped: Sequence[int] = (),
    overlap: int = 0,
) -> JudgedKinds:
    """
    Learn kinds of windows that return, where they tell left-out windows better than a decay.

    Each block of time is left out in turn.  The kinds of the other blocks, and states that decay at
    rates of the other blocks, say how likely its windows are.  Kinds are taken where they gain more
    than the standard error of that gain.

    Parameters
    ----------
    said : numpy.ndarray, shape (n_windows, n_factors)
        What windows say of the states, told by loadings that were learnt without them.
    precision : numpy.ndarray, shape (n_factors, n_factors)
        How surely a whole window says so.
    stretches : sequence of numpy.ndarray of int
        Positions of windows that follow each other.
    skipped : sequence of int
        Windows that say less than whole ones, and teach nothing.
    overlap : int
        With how many of the windows before it a window shares bins: only windows that share none
        are learnt from.

    Returns
    -------
    JudgedKinds
        The kinds, and the judgement.

    Notes
    -----
    The rule of one standard error: Breiman, Friedman, Stone & Olshen (1984), *Classification and
    Regression Trees*.
    """
    if not len(said):
        return JudgedKinds(None, 0, 0.0, 0.0)
    step = overlap + 1
    parts = [part[::step] for part in stretches]
    used = np.concatenate(parts)
    limits = np.cumsum([0, *map(len, parts)])
    windows = _Windows.of(
        said[used],
        precision,
        [np.arange(first, last) for first, last in zip(limits[:-1], limits[1:], strict=True)],
        ~np.isin(used, skipped),
    )
    numbers = [n for n in _NUMBERS if n * _LEAST_WINDOWS <= windows.known.sum()]
    if not numbers:
        return JudgedKinds(None, 0, 0.0, 0.0)
    blocks = np.array_split(np.arange(len(used)), _N_BLOCKS)
    gains = np.array([windows.gains_of_block(block, numbers) for block in blocks])
    best = int(gains.sum(axis=0).argmax())
    gain, error = gains[:, best].mean(), gains[:, best].std(ddof=1) / np.sqrt(_N_BLOCKS)
    each = windows.known.sum() / _N_BLOCKS
    kinds = None
    if gain > error + _LEAST_GAIN * each:
        found = windows.learn(numbers[best])
        # A stay is told per window, of which ``step`` share bins.
        kinds = found._replace(basis=windows.basis, stay=float(found.stay ** (1 / step)))
    return JudgedKinds(kinds, numbers[best], float(gain / each), float(error / each))


@dataclass
class _Windows:
    """Windows as ``h`` with unit noise, and which of them teach."""

    basis: _Array
    told: _Array
    # One after the other, from the first window to the last.
    stretches: _Stretches
    known: NDArray[np.bool_]

    @classmethod
    def of(
        cls, said: _Array, precision: _Array, stretches: _Stretches, known: NDArray[np.bool_]
    ) -> _Windows:
        """Turn to the directions in which windows differ most, in units of their noise."""
        values, vectors = np.linalg.eigh(precision)
        whole = values > _SMALLEST * max(values.max(), _SMALLEST)
        basis = vectors * np.where(whole, 1 / np.sqrt(np.where(whole, values, 1.0)), 0.0)
        told = said @ basis
        away = (told - told[known].mean(axis=0))[known] if known.any() else told
        basis = basis @ np.linalg.eigh(away.T @ away)[1][:, ::-1]
        return cls(basis, said @ basis, stretches, known)

    def gains_of_block(self, block: NDArray[np.int64], numbers: Sequence[int]) -> list[float]:
        """Log-likelihood of a block under kinds of the others, less that under a decay."""
        known = self.known.copy()
        known[block] = False
        if not known.any():
            return [0.0] * len(numbers)
        others = _Windows(self.basis, self.told, self.stretches, known)
        tested = [np.intersect1d(part, block) for part in self.stretches]
        tested = [part[self.known[part]] for part in tested]
        tested = [part for part in tested if len(part)]
        decay = others._decay()
        under_decay = sum(decay.of(self.told[part]) for part in tested)
        return [
            sum(_gains(self.told[part], found) for part in tested) - under_decay
            for found in map(others.learn, numbers)
        ]

    def _decay(self) -> _Decay:
        taught = self.told[self.known]
        mean = taught.mean(axis=0)
        variance = np.maximum(taught.var(axis=0) - 1.0, 0.0)
        sure = np.where(self.known[:, np.newaxis], variance, 0.0)
        likelihood = np.sum(
            [
                decay_likelihood(
                    (self.told[part] - mean) * np.sqrt(variance) * self.known[part, np.newaxis],
                    sure[part],
                )
                for part in self.stretches
            ],
            axis=0,
        )
        return _Decay(mean, variance, likelihood.argmax(axis=0))

    def learn(self, n_kinds: int) -> Kinds:
        """Learn kinds by expectation maximisation, the better of two starts."""
        rng = np.random.default_rng(0)
        found = [self._learn_from(self._first_centres(n_kinds, rng)) for _ in range(_N_STARTS)]
        return max(found, key=lambda item: item[0])[1]

    def _first_centres(self, n_kinds: int, rng: np.random.Generator) -> _Array:
        """Draw windows, each the likelier the farther from those drawn before."""
        taught = self.told[self.known]
        chosen = [taught[rng.integers(len(taught))]]
        for _ in range(n_kinds - 1):
            away = np.square(taught[:, np.newaxis] - np.array(chosen)).sum(axis=2).min(axis=1)
            away = away + _SMALLEST
            chosen.append(taught[rng.choice(len(taught), p=away / away.sum())])
        return np.array(chosen)

    def _learn_from(self, centres: _Array) -> tuple[float, Kinds]:
        n_kinds, n_factors = centres.shape
        taught, before = self.told[self.known], -np.inf
        kinds = Kinds(
            self.basis,
            centres,
            np.zeros(n_factors),
            np.full(n_kinds, 1 / n_kinds),
            _FIRST_STAY,
        )
        total, limits = before, np.cumsum([0, *map(len, self.stretches)])
        n_moves = len(self.told) - len(self.stretches)
        for _ in range(_MOST_SWEEPS):
            likely = np.where(self.known[:, np.newaxis], _log_densities(self.told, kinds), 0.0)
            smoothed, total, stayed = smooth_stretches(likely, limits, kinds.share, kinds.stay)
            if total - before < _SETTLED * abs(total):
                break
            before = total
            weight = smoothed[self.known]
            count = weight.sum(axis=0)
            centres = (weight.T @ taught) / (count[:, np.newaxis] + _SMALLEST)
            square = weight.sum(axis=1) @ np.square(taught)
            square = square - count @ np.square(centres)
            kinds = Kinds(
                self.basis,
                centres,
                np.maximum(square / len(taught) - 1.0, 0.0),
                (count + 1.0) / (count + 1.0).sum(),
                min(stayed / max(n_moves, 1), _LONGEST_STAY),
            )
        return total, kinds


class _Decay(NamedTuple):
    """States that decay to their mean, each on its own."""

    mean: _Array
    variance: _Array
    decay: NDArray[np.int64]

    def of(self, told: _Array) -> float:
        """Log-density of consecutive windows, up to a constant."""
        away = told - self.mean
        sure = np.tile(self.variance, (len(told), 1))
        gains = decay_likelihood(away * np.sqrt(self.variance), sure)
        return float(gains[self.decay, np.arange(len(self.decay))].sum() - 0.5 * (away**2).sum())


def _gains(told: _Array, kinds: Kinds) -> float:
    """Log-density of consecutive windows, up to the same constant."""
    likely = _log_densities(told, kinds)
    return float(filter_chain(likely, kinds.share, kinds.stay, kinds.share)[1].sum())


def _log_densities(told: _Array, kinds: Kinds) -> _Array:
    variance = 1.0 + kinds.spread
    scaled = kinds.centres / variance
    square = (told**2 / variance).sum(axis=1)[:, np.newaxis]
    square = square - 2 * told @ scaled.T + (kinds.centres * scaled).sum(axis=1)
    density: _Array = -0.5 * (square + np.log(variance).sum())
    return density
