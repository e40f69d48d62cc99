"""A state told from embeddings, and what is done when it lasts."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.archives import read_archive, write_archive
from tavrnn_ephys.core.checks import positive_number
from tavrnn_ephys.core.containers import NodeEmbedding
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.features import known_labels
from tavrnn_ephys.evaluation.decoding import balanced_accuracy
from tavrnn_ephys.evaluation.folds import blocked_folds
from tavrnn_ephys.evaluation.logistic import logistic_weights
from tavrnn_ephys.evaluation.standardizing import rotated, spread_of
from tavrnn_ephys.streaming.updates import Event, Update

__all__ = ["StateDecoder", "Trigger"]

#: An update older than this comes too late to act on.
OLDEST_MS = 100.0
_KIND, _VERSION = "tavrnn_ephys.StateDecoder", 1


@dataclass(frozen=True, kw_only=True, eq=False)
class StateDecoder:
    """
    Probability of a state, given the embedding of a window.

    Parameters
    ----------
    state : str
        Label of the state.
    weights : numpy.ndarray, shape (n_nodes, width)
        Weight of each coordinate.
    offset : float
        Added to the weighted sum.
    threshold : float
        Probability above which a share of ``false_alarms`` of the windows outside the state lay,
        told by decoders that had not seen them.
    false_alarms : float
        That share.
    balanced_accuracy : float
        Score of those decoders.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> labels = np.repeat(["rest", "game"] * 4, 15)
    >>> embedding = rng.normal(size=(120, 3, 2)) + 2.0 * (labels == "game")[:, None, None]
    >>> decoder = StateDecoder.fit(embedding, labels, "game", gap=2)
    >>> decoder.balanced_accuracy > 0.9, decoder.score(np.full((3, 2), 3.0)) > decoder.threshold
    (True, True)
    """

    state: str
    weights: NDArray[np.float64]
    offset: float
    threshold: float
    false_alarms: float = 0.05
    balanced_accuracy: float = float("nan")

    @classmethod
    def fit(
        cls,
        embedding: NodeEmbedding | NDArray[Any],
        labels: Any,
        state: Any,
        *,
        false_alarms: float = 0.05,
        gap: int | None = None,
        n_folds: int = 5,
    ) -> StateDecoder:
        """
        Fit a decoder, and calibrate it on windows that it has not seen.

        Blocks of time are held out with a gap on either side, as everywhere in
        :mod:`tavrnn_ephys.evaluation`; the threshold is the quantile of the held-out
        probabilities of windows outside the state.  The decoder itself is fitted to all windows.

        Parameters
        ----------
        embedding : NodeEmbedding or numpy.ndarray, shape (n_windows, n_nodes, width)
            Embedding of labelled windows.
        labels : array_like, shape (n_windows,)
            Label of each window.
        state : object
            The label that is to be told from all others.
        false_alarms : float
            Share of windows outside the state that may lie above the threshold.
        gap : int, optional
            Windows left out on either side of a block; by default those that overlap, and those
            that attention reaches.
        n_folds : int
            Number of blocks.

        Returns
        -------
        StateDecoder
            The decoder.

        Raises
        ------
        InputError
            If the state does not occur, or nothing else does, or there are too few windows.
        """
        values, gap = _values_and_gap(embedding, gap)
        known = known_labels(labels)
        codes = (known == np.asarray(state, known.dtype)).astype(np.int64)
        if len(codes) != len(values):
            raise InputError(f"{len(codes)} labels stand beside {len(values)} windows.")
        if len(np.unique(codes)) < 2:
            raise InputError(f"A decoder needs windows inside and outside the state {state!r}.")
        share = positive_number(false_alarms, "false_alarms")
        flat = values.reshape(len(values), -1)
        held_out = np.full(len(flat), np.nan)
        for fold in blocked_folds(len(flat), n_folds=n_folds, gap=gap):
            if len(np.unique(codes[fold.train])) == 2:
                weights, offset = _fitted(flat[fold.train], codes[fold.train])
                held_out[fold.test] = _probability(flat[fold.test] @ weights + offset)
        outside = np.sort(held_out[np.isfinite(held_out) & (codes == 0)])
        # The smallest value that at most this share of further windows exceeds, on average.
        rank = math.ceil((1.0 - share) * (len(outside) + 1))
        if rank > len(outside):
            raise InputError(
                f"{len(outside)} windows outside the state cannot tell {100 * share:g} % false "
                "alarms. Record longer, or allow more of them."
            )
        tested = np.isfinite(held_out)
        told = (held_out[tested] > 0.5).astype(np.int64)
        weights, offset = _fitted(flat, codes)
        return cls(
            state=str(state),
            weights=weights.reshape(values.shape[1:]),
            offset=offset,
            threshold=float(outside[rank - 1]),
            false_alarms=share,
            balanced_accuracy=balanced_accuracy(codes[tested], told),
        )

    def score(self, embedding: NDArray[Any]) -> float:
        """
        Give the probability of the state.

        Parameters
        ----------
        embedding : numpy.ndarray, shape (n_nodes, width)
            Embedding of a window.

        Returns
        -------
        float
            In [0, 1].
        """
        return float(_probability(np.vdot(self.weights, embedding) + self.offset))

    def save(self, path: str | Path, *, overwrite: bool = False) -> None:
        """
        Save the decoder.

        Parameters
        ----------
        path : str or pathlib.Path
            The file, usually ``.npz``.
        overwrite : bool
            Whether an existing file is replaced.
        """
        names = ("state", "offset", "threshold", "false_alarms", "balanced_accuracy")
        about = {name: getattr(self, name) for name in names}
        arrays = {"weights": self.weights}
        write_archive(
            path, kind=_KIND, version=_VERSION, arrays=arrays, about=about, overwrite=overwrite
        )

    @classmethod
    def load(cls, path: str | Path) -> StateDecoder:
        """
        Load what :meth:`save` wrote.

        Parameters
        ----------
        path : str or pathlib.Path
            The file.

        Returns
        -------
        StateDecoder
            The decoder.

        Raises
        ------
        FileFormatError
            If it is no decoder.
        """
        about, arrays = read_archive(path, kind=_KIND, version=_VERSION, noun="decoder")
        return cls(weights=arrays["weights"], **about)


class Trigger:
    """
    Fires when a state has lasted, and then rests.

    Parameters
    ----------
    decoder : StateDecoder
        What tells the state.
    above : float, optional
        Probability above which the state counts as there; the calibrated threshold by default.
    hold_s : float
        Time for which every update has to lie above it.
    refractory_s : float
        Time after firing in which nothing fires.
    marker : str
        Text of the marker that a stimulator gets.

    Raises
    ------
    InputError
        If a number is out of its range.

    Examples
    --------
    >>> decoder = StateDecoder(state="game", weights=np.ones((1, 1)), offset=0.0, threshold=0.6)
    >>> trigger = Trigger(decoder, hold_s=1.0, refractory_s=5.0)
    >>> trigger.above
    0.6
    """

    def __init__(
        self,
        decoder: StateDecoder,
        *,
        above: float | None = None,
        hold_s: float = 2.0,
        refractory_s: float = 10.0,
        marker: str = "trigger",
    ) -> None:
        self.decoder, self.marker = decoder, marker
        self.above = decoder.threshold if above is None else positive_number(above, "above")
        if self.above >= 1.0:
            raise InputError(f"above must be a probability below 1, got {self.above:g}.")
        self.hold_s = positive_number(hold_s, "hold_s", or_zero=True)
        self.refractory_s = positive_number(refractory_s, "refractory_s", or_zero=True)
        self._since_s: float | None = None
        self._fired_s = -math.inf

    def judge(self, update: Update) -> Event | None:
        """
        Take an update in.

        Parameters
        ----------
        update : Update
            The next update of a stream.

        Returns
        -------
        Event or None
            ``"trigger"`` where it fires; ``"refused"`` where it would have, with an update older
            than 100 ms.
        """
        now = update.t_stop_s
        seen = update.embedding if update.recentred is None else update.recentred
        score = math.nan if update.state == "missing" else self.decoder.score(seen)
        if not score > self.above:
            self._since_s = None
            return None
        self._since_s = now if self._since_s is None else self._since_s
        if now - self._since_s < self.hold_s or now - self._fired_s < self.refractory_s:
            return None
        facts = {"marker": self.marker, "score": score, "latency_ms": update.latency_ms}
        if update.latency_ms > OLDEST_MS:
            text = f"A trigger was refused: its update is {update.latency_ms:.0f} ms old."
            return Event(kind="refused", t_s=now, text=text, facts=facts)
        self._fired_s = now
        text = f"The state '{self.decoder.state}' has lasted {now - self._since_s:g} s: triggered."
        return Event(kind="trigger", t_s=now, text=text, facts=facts)


def _values_and_gap(
    embedding: NodeEmbedding | NDArray[Any], gap: int | None
) -> tuple[NDArray[np.float64], int]:
    if isinstance(embedding, NodeEmbedding):
        own = embedding.windows.overlap + _reach(embedding)
        return np.asarray(embedding.mean, np.float64), own if gap is None else gap
    if gap is None:
        raise InputError("An array does not tell how far windows overlap. Say gap.")
    return np.asarray(embedding, np.float64), gap


def _reach(embedding: NodeEmbedding) -> int:
    """Say how many windows back an embedding reaches: as the model says, or all but a twentieth."""
    said = (embedding.config.get(f"model.{name}") for name in ("lookback", "attention_width"))
    width = next((item for item in said if item is not None), None)
    if width is not None or embedding.attention is None:
        return int(width or 0)
    back = np.cumsum(embedding.attention[-1][::-1])
    return int(np.searchsorted(back, 0.95 * back[-1]))


def _fitted(train: NDArray[np.float64], codes: NDArray[np.int64]) -> tuple[Any, float]:
    """Fit the decoder of the evaluation, and write it as weights of the plain coordinates."""
    mean, spread = train.mean(axis=0), spread_of(train)
    scaled = (train - mean) / spread
    inside, _ = rotated(scaled, scaled[:1])
    direction, intercept = logistic_weights(inside, codes)
    # The shortest weights with the same margins lie in the span of the training windows.
    weights = np.linalg.lstsq(scaled, inside @ direction)[0] / spread
    return weights, float(intercept - mean @ weights)


def _probability(margin: Any) -> Any:
    from scipy.special import expit

    return expit(margin)
