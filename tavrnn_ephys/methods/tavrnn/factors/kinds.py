"""Kinds of windows that return, however long ago they were seen last."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from tavrnn_ephys.methods.tavrnn.factors._chain import filter_chain, smooth_chain

__all__ = ["MOST_KINDS", "JudgedKinds", "KeptKinds", "Kinds", "KindsOfWindows"]

#: Most kinds that a fit looks for.
MOST_KINDS = 12
# Sequences that are drawn to see when the past is forgotten.
_N_DRAWN = 20

_Array = NDArray[np.float64]


class Kinds(NamedTuple):
    """
    States that windows return to.

    Parameters
    ----------
    basis : numpy.ndarray, shape (n_factors, n_factors)
        Columns in which a whole window tells states with unit noise: ``g = basis @ h``.
    centres : numpy.ndarray, shape (n_kinds, n_factors)
        What each kind has in common, as ``h``.
    spread : numpy.ndarray, shape (n_factors,)
        Variance of the windows of a kind around its centre, as ``h``.
    share : numpy.ndarray, shape (n_kinds,)
        How often each is entered.
    stay : float
        Probability that the next window is of the same kind, for it stays.
    """

    basis: _Array
    centres: _Array
    spread: _Array
    share: _Array
    stay: float

    def moved(self, before: _Array) -> _Array:
        """
        Say which kind to expect after a window.

        Parameters
        ----------
        before : numpy.ndarray, shape (..., n_kinds)
            Probability of each kind in the window.

        Returns
        -------
        numpy.ndarray, shape (..., n_kinds)
            Probability of each kind in the next one.
        """
        ahead: _Array = self.stay * before + (1.0 - self.stay) * self.share
        return ahead

    def forgotten_after(self, tolerance: float = 0.05, farthest: int = 200) -> int:
        """
        Say after how many windows it matters no longer which kind was before them.

        Parameters
        ----------
        tolerance : float
            How far probabilities may still differ, in (0, 1).
        farthest : int
            Number of windows that are looked at.

        Returns
        -------
        int
            Windows after which the probabilities of kinds, filtered from any two kinds as the one
            before, differ by no more in the mean over windows drawn from the kinds.
        """
        rng, n_kinds = np.random.default_rng(0), len(self.share)
        away = np.zeros(farthest)
        for _ in range(_N_DRAWN):
            kinds = rng.choice(n_kinds, size=farthest, p=self.share)
            for index in np.flatnonzero(rng.random(farthest - 1) < self.stay) + 1:
                kinds[index] = kinds[index - 1]
            unit = np.sqrt(1.0 + self.spread)
            told = self.centres[kinds] / unit + rng.normal(size=(farthest, len(unit)))
            gains = -0.5 * np.square(told[:, np.newaxis] - self.centres / unit).sum(axis=2)
            starts = self.moved(np.eye(n_kinds))
            found = [filter_chain(gains, self.share, self.stay, row)[0] for row in starts]
            away += np.ptp(found, axis=0).max(axis=1) / _N_DRAWN
        return int(np.append(np.flatnonzero(away > tolerance), -1).max()) + 1


class JudgedKinds(NamedTuple):
    """
    Kinds, and how much better they tell left-out windows than states that decay.

    Parameters
    ----------
    kinds : Kinds or None
        The kinds; ``None`` where states that decay tell windows as well.
    n_kinds : int
        The best number of kinds, also where they are not taken; 0 if there are too few windows, or
        no factor is told from noise.
    gain : float
        Log-likelihood of left-out windows under kinds, less that under states that decay, in nats
        per window.
    gain_error : float
        Its standard error over blocks of time.
    """

    kinds: Kinds | None
    n_kinds: int
    gain: float
    gain_error: float

    def __str__(self) -> str:
        """Say in a sentence whether windows are of kinds that return."""
        if not self.n_kinds:
            return (
                "Kinds of windows that return: not looked for. Windows are too few, no factor is "
                "told from noise, or recall is off"
            )
        gain = f"{self.gain:+.2f} ± {self.gain_error:.2f} nats per window that was left out"
        if self.kinds is None:
            return f"Kinds of windows that return: none ({self.n_kinds} against a decay: {gain})"
        return f"Kinds of windows that return: {self.n_kinds} ({gain}, against a decay)"


class KeptKinds(nn.Module):
    """
    Kinds as a network keeps them, in buffers of a size of their own.

    Parameters
    ----------
    n_factors : int
        Number of factors.

    Attributes
    ----------
    basis, centres, spread, share, stay : torch.Tensor
        As of :class:`Kinds`, with :data:`MOST_KINDS` kinds; those of share 0 are none.
    judged : torch.Tensor, shape (3,)
        Best number of kinds, taken or not; what they gain in windows left out, in nats per
        window; and its standard error.
    """

    basis: Tensor
    centres: Tensor
    spread: Tensor
    share: Tensor
    stay: Tensor
    judged: Tensor

    def __init__(self, n_factors: int) -> None:
        super().__init__()
        shapes: dict[str, tuple[int, ...]] = {
            "basis": (n_factors, n_factors),
            "centres": (MOST_KINDS, n_factors),
            "spread": (n_factors,),
            "share": (MOST_KINDS,),
            "stay": (),
            "judged": (3,),
        }
        for name, shape in shapes.items():
            self.register_buffer(name, torch.zeros(shape, dtype=torch.float64))

    def keep(self, judged: JudgedKinds) -> None:
        """
        Take in kinds, if there are any, and how they were judged.

        Parameters
        ----------
        judged : JudgedKinds
            What a fit found.
        """
        found = [judged.n_kinds, judged.gain, judged.gain_error]
        self.judged.copy_(torch.tensor(found, dtype=torch.float64))
        for name, value in judged.kinds._asdict().items() if judged.kinds is not None else ():
            known = torch.as_tensor(value, dtype=torch.float64)
            getattr(self, name)[tuple(map(slice, known.shape))] = known

    def known(self) -> Kinds | None:
        """
        Return the kinds, if there are any.

        Returns
        -------
        Kinds or None
            They, or ``None`` where states decay.
        """
        basis, centres, spread, share = (
            getattr(self, name).cpu().numpy() for name in Kinds._fields[:4]
        )
        if not share.any():
            return None
        there = share > 0
        return Kinds(basis, centres[there], spread, share[there], float(self.stay))

    def judgement(self) -> JudgedKinds:
        """
        Return the kinds with how they were judged.

        Returns
        -------
        JudgedKinds
            What :meth:`keep` was given.
        """
        n_kinds, gain, error = self.judged.tolist()
        return JudgedKinds(self.known(), int(n_kinds), gain, error)


class KindsOfWindows(NamedTuple):
    """
    What kinds say of consecutive windows.

    Parameters
    ----------
    probability : numpy.ndarray, shape (n_windows, n_kinds)
        Of each kind, given the windows so far.
    gain : numpy.ndarray, shape (n_windows,)
        Log-density of each window given those before it, less that under states of zero.
    of_kinds : numpy.ndarray, shape (n_windows, n_kinds, n_factors)
        Posterior means if a window is of each kind, as ``h``.
    within : numpy.ndarray, shape (n_windows, n_factors, n_factors)
        Their covariance, the same for all kinds.
    """

    probability: _Array
    gain: _Array
    of_kinds: _Array
    within: _Array

    @classmethod
    def read(cls, kinds: Kinds, said: _Array, precision: _Array, before: _Array) -> KindsOfWindows:
        """
        Tell the kinds of windows from what these say of the factors' states.

        Parameters
        ----------
        kinds : Kinds
            The kinds.
        said : numpy.ndarray, shape (n_windows, n_factors)
            Precision times estimate.
        precision : numpy.ndarray, shape (n_windows, n_factors, n_factors)
            How surely windows say so.
        before : numpy.ndarray, shape (n_kinds,)
            Probability of each kind in the window before; empty if there is none.

        Returns
        -------
        KindsOfWindows
            What they say.

        Notes
        -----
        A hidden Markov model with Gaussian states: Hamilton (1989), *Econometrica* 57, 357-384.
        """
        told, sure = said @ kinds.basis, kinds.basis.T @ precision @ kinds.basis
        spread, n_factors = kinds.spread, said.shape[1]
        shrink = np.linalg.inv(np.eye(n_factors) + spread[:, np.newaxis] * sure)
        within = shrink * spread
        away = told[:, np.newaxis] - kinds.centres @ sure
        gains = (told @ kinds.centres.T) - 0.5 * np.einsum(
            "ki,tij,kj->tk", kinds.centres, sure, kinds.centres, optimize=True
        )
        gains += 0.5 * np.einsum("tki,tij,tkj->tk", away, within, away, optimize=True)
        gains += 0.5 * np.linalg.slogdet(shrink)[1][:, np.newaxis]
        first = kinds.moved(before) if len(before) else kinds.share
        probability, gain = filter_chain(gains, kinds.share, kinds.stay, first)
        of_kinds = (kinds.centres + spread * told[:, np.newaxis]) @ shrink.swapaxes(1, 2)
        return cls(probability, gain, of_kinds, within)

    def smoothed(self, kinds: Kinds) -> KindsOfWindows:
        """
        Take later windows into account too.

        Parameters
        ----------
        kinds : Kinds
            The kinds.

        Returns
        -------
        KindsOfWindows
            What they say with all windows.
        """
        known, _ = smooth_chain(self.probability, kinds.share, kinds.stay)
        return self._replace(probability=known)

    def states(self, kinds: Kinds) -> tuple[_Array, _Array]:
        """
        Average the states of kinds by their probability.

        Parameters
        ----------
        kinds : Kinds
            The kinds.

        Returns
        -------
        tuple of numpy.ndarray
            Posterior means, (n_windows, n_factors), and covariances, (n_windows, n_factors,
            n_factors), of the factors' states.
        """
        mean = np.einsum("tk,tki->ti", self.probability, self.of_kinds)
        away = self.of_kinds - mean[:, np.newaxis]
        between = np.einsum("tk,tki,tkj->tij", self.probability, away, away, optimize=True)
        covariance = kinds.basis @ (self.within + between) @ kinds.basis.T
        return mean @ kinds.basis.T, covariance

    def expected(self, kinds: Kinds, before: _Array) -> _Array:
        """
        Say what was expected of each window from those before it.

        Parameters
        ----------
        kinds : Kinds
            The kinds.
        before : numpy.ndarray, shape (n_kinds,)
            As of :meth:`read`.

        Returns
        -------
        numpy.ndarray, shape (n_windows, n_factors)
            States of the factors.
        """
        # Kinds that are as frequent as ever are expected so again.
        first = before if len(before) else kinds.share
        ahead = kinds.moved(np.vstack([first, self.probability[:-1]]))
        return ahead @ kinds.centres @ kinds.basis.T

    def attention(self, kinds: Kinds) -> NDArray[np.float32]:
        """
        Share of each window in the state of each, by what they have in common.

        A window's own evidence has the share that the spread within kinds leaves it.  The rest is
        the share of kinds, and goes to the windows so far that are of the same kind.

        Parameters
        ----------
        kinds : Kinds
            The kinds.

        Returns
        -------
        numpy.ndarray, shape (n_windows, n_windows)
            Rows sum to 1 over windows up to their own.
        """
        own = float(np.mean(kinds.spread / (1.0 + kinds.spread)))
        told = self.probability / np.maximum(np.cumsum(self.probability, axis=0), 1e-12)
        # Of thousands of windows the matrix is large.
        matrix = np.tril(told.astype(np.float32) @ self.probability.T.astype(np.float32))
        matrix /= np.maximum(matrix.sum(axis=1, keepdims=True), 1e-12)
        matrix *= 1.0 - own
        matrix[np.diag_indices(len(matrix))] += own
        return matrix
