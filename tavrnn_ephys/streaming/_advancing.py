"""The bins of a stream, one after the other, and what follows from each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.checks import one_of, positive_number
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.stepping import stream_step
from tavrnn_ephys.streaming._bins import BinCutter, Restart
from tavrnn_ephys.streaming._settings import settings_of
from tavrnn_ephys.streaming._state_file import digest_of
from tavrnn_ephys.streaming.adapting import MeanAdaptation
from tavrnn_ephys.streaming.chunks import Counts, Spikes
from tavrnn_ephys.streaming.running_gram import RunningGram
from tavrnn_ephys.streaming.running_lags import RunningLags
from tavrnn_ephys.streaming.updates import Event, StreamInfo, Update

if TYPE_CHECKING:
    from tavrnn_ephys.streaming.drift import DriftMonitor

__all__ = ["Advancing"]

LATE_RULES = ("skip", "stop")
# A window of which more is missing says nothing.
_MOST_MISSING = 0.05


class Advancing:
    """Model, window and clock of a stream; the parameters are those of :class:`Stream`."""

    def __init__(
        self,
        model: Any,
        *,
        session: str | None = None,
        provisional: bool = False,
        late: str = "skip",
        lateness_s: float = 0.0,
        t_start_s: float | None = None,
        decoder: Any = None,
        reference: DriftMonitor | None = None,
        adapt: float | None = None,
    ) -> None:
        self.late = one_of(late, LATE_RULES, "late")
        positive_number(lateness_s, "lateness_s", or_zero=True)
        self.provisional, self.decoder, self.reference = bool(provisional), decoder, reference
        self._step = stream_step(_loaded(model), session)
        self._settings = settings_of(self._step.units)
        self._gram = self._window_sums()
        self._width = self._compile()
        if reference is not None and reference.mean.shape != (self._gram.n_nodes, self._width):
            raise InputError(
                f"The reference knows embeddings of shape {reference.mean.shape}, the model gives "
                f"{(self._gram.n_nodes, self._width)}. Hand over the embedding of its own fit."
            )
        self._bins = BinCutter(
            self._step.node_ids,
            self._settings.bin_size_s,
            self._settings.n_window,
            lateness_s,
            t_start_s,
        )
        self._n_bins = self._n_commits = self._n_committed = 0
        if self._step.units.origin.min_spikes is None:
            self.note(
                "unknown",
                "This model does not say how few spikes leave a node without edges: none does here."
                " Fit it again where nodes fire rarely.",
            )
        self._digest = digest_of(self._step)
        self.adaptation = None if adapt is None else self._adapting(adapt)

    def _window_sums(self) -> RunningGram | RunningLags:
        settings, n_nodes = self._settings, len(self._step.node_ids)
        about: dict[str, Any] = {
            "n_nodes": n_nodes,
            "n_bins": settings.n_window,
            "binary": settings.binary,
            "min_spikes": settings.min_spikes,
        }
        if settings.kernel is None:
            return RunningGram(**about)
        return RunningLags(settings.kernel, **about)

    def _adapting(self, time_s: float) -> MeanAdaptation:
        if self.reference is None:
            raise InputError(
                "Adapting starts from the mean embedding of the fit. Hand it over: "
                "reference=DriftMonitor(model.transform(graphs))."
            )
        found = MeanAdaptation(self.reference, time_s)
        self.note(
            "adapted", f"Adapting was asked for: the score follows the mean over {time_s:g} s."
        )
        return found

    def _compile(self) -> int:
        """Run everything once, so that nothing is compiled when the first bin comes."""
        nodes = np.zeros(self._gram.n_nodes, np.int64)
        nodes[:: max(1, self._gram.n_nodes // 3)] = 1
        for counts in (nodes, np.ones_like(nodes), np.zeros_like(nodes), nodes):
            self._gram.push(counts)
        embedding, _ = self._step.embed(self._graph())
        self._gram.reset()
        self._step.reset()
        return embedding.shape[1]

    def _graph(self) -> Any:
        return self._gram.graph(measure=self._settings.measure, threshold=self._settings.threshold)

    @property
    def info(self) -> StreamInfo:
        """What the stream expects of its source."""
        units = self._step.units
        return StreamInfo(
            node_ids=self._step.node_ids,
            bin_size_s=self._settings.bin_size_s,
            window_length_s=self._settings.n_window * self._settings.bin_size_s,
            step_s=self._settings.n_step * self._settings.bin_size_s,
            width=self._width,
            digest=self._digest,
            units=units,
        )

    @property
    def node_ids(self) -> NDArray[np.str_]:
        """Nodes in the order of the fit, shape (n_nodes,)."""
        return self._step.node_ids

    @property
    def n_bins(self) -> int:
        """Number of bins taken in, the missing ones among them."""
        return self._n_bins

    @property
    def n_windows(self) -> int:
        """Number of windows committed."""
        return self._n_committed

    @property
    def closes_bin_of_fit(self) -> bool:
        """Whether the last bin is the last one of a bin of the fit."""
        return self._n_bins % self._settings.per_bin == 0

    @property
    def t_s(self) -> float:
        """End of the last closed bin on the clock of the source."""
        return self._bins.closed_s

    @property
    def gram(self) -> RunningGram | RunningLags:
        """Sums over the present window."""
        return self._gram

    @property
    def losses(self) -> Counter[str]:
        """How many spikes, bins, chunks or embeddings each kind of event was about."""
        return self._bins.losses

    def take(
        self, chunk: Counts | Spikes, *, hurry: bool = False
    ) -> Iterator[tuple[NDArray[Any] | None, Update | None]]:
        """
        Take in what a source hands over, bin by bin.

        Parameters
        ----------
        chunk : Counts or Spikes
            What came.
        hurry : bool
            Whether more is waiting: provisional embeddings are skipped but for the last bin.

        Yields
        ------
        counts : numpy.ndarray or None
            The bin that was closed; ``None`` for one that is missing.
        update : Update or None
            What there is to say of it.
        """
        if chunk.restarts:
            self._bins.begin_anew()
            self.note("restart", "The source began a new acquisition: warming up afresh.")
            self._restart()
        if isinstance(chunk, Counts):
            closed = self._bins.counts(chunk.counts, chunk.t_start_s)
        else:
            closed = self._bins.spikes(
                chunk.times_s, chunk.node_ids, chunk.until_s, chunk.t_start_s
            )
        for counts in closed:
            if isinstance(counts, Restart):
                self._restart()
                continue
            yield counts, self._advance(counts, hurry)

    def events(self) -> list[Event]:
        """
        Take what happened since the last call: gaps, late spikes, duplicates, skipped embeddings.

        Returns
        -------
        list of Event
            In the order of their happening; all are counted in :attr:`losses` too.
        """
        found = list(self._bins.events)
        self._bins.events.clear()
        return found

    def remembered(self) -> dict[str, NDArray[Any]]:
        """
        Return all that the stream remembers, as arrays of their own.

        Returns
        -------
        dict of str to numpy.ndarray
            What :meth:`save` writes.
        """
        parts = {"gram": self._gram.state(), "step": self._step.state(), "bins": self._bins.state()}
        parts |= {name: holder.state() for name, holder in self._judges().items()}
        found = {f"{part}/{k}": v for part, state in parts.items() for k, v in state.items()}
        counters = [self._n_bins, self._n_commits, self._n_committed]
        found["counters"] = np.array(counters)
        return found

    def recall(self, state: dict[str, NDArray[Any]]) -> None:
        """
        Take over what another stream of the same model remembered.

        Parameters
        ----------
        state : dict of str to numpy.ndarray
            What :meth:`remembered` gave.
        """
        holders: dict[str, Any] = {"gram": self._gram, "step": self._step, "bins": self._bins}
        held = {key.partition("/")[0] for key in state}
        holders |= {name: judge for name, judge in self._judges().items() if name in held}
        for part, holder in holders.items():
            prefix = f"{part}/"
            own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
            holder.restore(own)
        self._n_bins, self._n_commits, self._n_committed = map(int, state["counters"])

    def _judges(self) -> dict[str, Any]:
        judges = {"drift": self.reference, "adaptation": self.adaptation}
        return {name: judge for name, judge in judges.items() if judge is not None}

    def note(self, kind: str, text: str, count: int = 1) -> None:
        """
        Add to the events of the stream.

        Parameters
        ----------
        kind : str
            Kind of the event.
        text : str
            One sentence.
        count : int
            How many are concerned.
        """
        self.record(Event(kind=kind, t_s=self.t_s, text=text, count=count))

    def record(self, event: Event) -> None:
        """
        Add an event to those of the stream.

        Parameters
        ----------
        event : Event
            What happened.
        """
        self._bins.note(event)

    def _restart(self) -> None:
        self._gram.reset()
        self._step.reset()
        self._n_bins = self._n_commits = 0

    def _advance(self, counts: NDArray[Any] | None, hurry: bool) -> Update | None:
        """Take in one bin."""
        self._gram.push(counts)
        self._n_bins += 1
        settings = self._settings
        behind = self._n_bins - settings.n_window
        if behind < 0:
            return None
        is_commit = behind % settings.n_step == 0
        if not is_commit and not (self.provisional and self.closes_bin_of_fit):
            return None
        if self._gram.n_missing > _MOST_MISSING * settings.n_window:
            shape = (len(self._step.node_ids), self._width)
            nothing = np.full(shape, np.nan, np.float32)
            return self._update(nothing, nothing, committed=False, state="missing")
        if not is_commit and hurry:
            self.note("skipped", "A provisional embedding was skipped: bins are waiting.")
            return None
        mean, std = self._step.embed(self._graph())
        if is_commit:
            self._step.commit()
            self._n_commits += 1
            self._n_committed += 1
        settling = self._n_commits <= self._step.lookback
        state = "settling" if settling else "running"
        return self._update(mean, std, committed=is_commit, state=state)

    def _update(
        self, mean: NDArray[np.float32], std: NDArray[np.float32], *, committed: bool, state: str
    ) -> Update:
        # The cutter has closed later bins of the same chunk only after this one.
        stop = self._bins.closed_s
        if self.reference is not None and committed:
            self._judge(mean, is_settled=state == "running")
        judged = mean if self.adaptation is None else self.adaptation.recentred(mean)
        score = float("nan")
        if self.decoder is not None and state != "missing":
            score = self.decoder.score(judged)
        return Update(
            embedding=mean,
            std=std,
            t_start_s=stop - self._settings.n_window * self._settings.bin_size_s,
            t_stop_s=stop,
            committed=committed,
            state=state,
            n_missed_bins=self._gram.n_missing,
            score=score,
            window_index=self._n_committed - int(committed),
            recentred=None if self.adaptation is None else judged,
        )

    def _judge(self, mean: NDArray[np.float32], *, is_settled: bool) -> None:
        """Say where the network has left the fit; move the mean on where that was asked for."""
        step_s = self._settings.n_step * self._settings.bin_size_s
        # Drift is that of the embedding itself: adapting hides none of it.
        said = {"drift": self.reference.judge(mean, step_s) if self.reference else ""}
        if self.adaptation is not None and is_settled:
            said["adapted"] = self.adaptation.take(mean, step_s)
        for kind, text in said.items():
            if text:
                self.note(kind, text)


def _loaded(model: Any) -> Any:
    if not isinstance(model, str | Path):
        return model
    from tavrnn_ephys.methods.tavrnn import TAVRNN

    return TAVRNN.load(model, device="cpu")
