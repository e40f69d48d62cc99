"""A stream from the command line: run it, or say beforehand whether it would hold."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.results import read_results
from tavrnn_ephys.streaming import DriftMonitor, StateDecoder, Stream, Trigger, sinks, sources
from tavrnn_ephys.streaming.resuming import resumed

__all__ = [
    "StreamCheck",
    "StreamPlan",
    "StreamSummary",
    "check_source",
    "run_plan",
    "sources_there_are",
]

_MOST_LATENCY_SHARE = 0.5
# Beyond it, clocks drift by a bin of 50 ms in less than a day.
_LARGEST_DRIFT_PPM = 500.0
# In less time two clocks are not told apart.
_LEAST_OF_CLOCKS_S = 30.0


@dataclass(frozen=True, kw_only=True)
class StreamPlan:
    """
    What a stream is to do.

    Parameters
    ----------
    model : str
        File of the model.
    source : str
        Source, as :func:`tavrnn_ephys.streaming.sources.find_source` reads it.
    out : str, optional
        NWB log.
    markers : str, optional
        Name of an LSL stream of markers.
    decoder : str, optional
        File of a decoder, whose state triggers.
    provisional : bool
        Whether windows between fitted steps are embedded.
    late : {"skip", "stop"}
        What happens when the stream falls behind.
    state : str, optional
        File of the autosave.
    priority : {"default", "realtime"}
        Priority of the process.
    overwrite, resume : bool
        Whether an existing log is replaced, or its journal gone on with.
    reference : str, optional
        Results with the embedding of the fit, from which drift is judged.
    adapt : float, optional
        Time in seconds over which the score follows the mean embedding.
    """

    model: str
    source: str
    out: str | None = None
    markers: str | None = None
    decoder: str | None = None
    provisional: bool = False
    late: str = "skip"
    state: str | None = None
    priority: str = "default"
    overwrite: bool = False
    resume: bool = False
    reference: str | None = None
    adapt: float | None = None


@dataclass
class StreamSummary:
    """
    What a stream has done so far.

    Parameters
    ----------
    n_bins, n_committed, n_updates : int
        Bins taken in, windows committed, and updates of either kind.
    latencies_ms : list of float
        Latency of the last updates.
    losses : Counter
        How much each kind of event was about.
    n_triggers : int
        How often a trigger fired.
    t_s : float
        End of the last bin.
    told : str
        What the source itself has to say, such as the score of a game.
    """

    n_bins: int = 0
    n_committed: int = 0
    n_updates: int = 0
    latencies_ms: list[float] = field(default_factory=list)
    losses: Counter[str] = field(default_factory=Counter)
    n_triggers: int = 0
    t_s: float = float("nan")
    told: str = ""

    def latency(self, percent: float) -> float:
        """
        Give a percentile of the latency.

        Parameters
        ----------
        percent : float
            Which.

        Returns
        -------
        float
            In ms; NaN without an update.
        """
        return float(np.percentile(self.latencies_ms, percent)) if self.latencies_ms else np.nan

    def __str__(self) -> str:
        said = {"trigger", "source", "begin", "adapted"}
        lost = ", ".join(f"{k}: {v}" for k, v in sorted(self.losses.items()) if k not in said)
        return (
            f"{self.n_bins} bins, {self.n_committed} windows committed, {self.n_triggers} "
            "triggers; "
            f"latency {self.latency(50):.1f} ms (median), {self.latency(99):.1f} ms (99 %); "
            f"{lost or 'nothing lost'}." + (f" {self.told}." if self.told else "")
        )


@dataclass(frozen=True, kw_only=True)
class StreamCheck:
    """
    Whether a source and this machine would hold a stream.

    Parameters
    ----------
    is_ready : bool
        Whether nothing speaks against it.
    verdict : str
        One sentence.
    summary : StreamSummary
        What was seen.
    mean_rate_hz : float
        Mean rate of a node.
    n_silent : int
        Number of nodes without a spike.
    clock_ppm : float
        How much faster the clock of the source runs than that of this machine, in millionths.
    """

    is_ready: bool
    verdict: str
    summary: StreamSummary
    mean_rate_hz: float
    n_silent: int
    clock_ppm: float


def run_plan(
    plan: StreamPlan,
    *,
    show: Callable[[StreamSummary, Any], None] | None = None,
    page: Callable[[str], Any] | None = None,
) -> StreamSummary:
    """
    Run a stream until its source ends.

    Parameters
    ----------
    plan : StreamPlan
        What it is to do.
    show : callable, optional
        Called with the summary and the last update, after each update.
    page : callable, optional
        Called with the address of a live page; without it there is none.

    Returns
    -------
    StreamSummary
        What it did.

    Raises
    ------
    InputError
        If a part of the plan does not suit the others.
    """
    if plan.resume and (plan.out is None or plan.state is None):
        raise InputError("A stream is resumed from its log and its state. Name --out and --state.")
    if plan.adapt is not None and plan.reference is None:
        raise InputError(
            "Adapting starts from the embedding of the fit. Name the results that hold it: "
            "--reference FILE.nwb."
        )
    source = sources.find_source(plan.source)
    triggers = [] if plan.decoder is None else [Trigger(StateDecoder.load(plan.decoder))]
    ends: list[Any] = []
    options: dict[str, Any] = {"provisional": plan.provisional, "late": plan.late}
    if plan.reference is not None:
        options |= {"reference": DriftMonitor(read_results(plan.reference)), "adapt": plan.adapt}
    if plan.out is not None:
        log = sinks.nwb_log(
            plan.out, model=plan.model, overwrite=plan.overwrite, resume=plan.resume
        )
        ends.append(log)
    if plan.resume and plan.state is not None:
        stream = resumed(plan.model, plan.state, log, **options)
        if isinstance(source, sources.ReplaySource) and stream.n_bins:
            source.start_s = stream.t_s
    else:
        stream = Stream(plan.model, **options)
    if getattr(source, "stimulator", None) is not None:
        ends.append(source.stimulator)
    if plan.markers is not None:
        ends.append(sinks.lsl_markers(plan.markers))
    if page is not None:
        title = f"{Path(plan.model).name}, {plan.source}"
        ends.append(sinks.live_page(title=title, on_ready=page))
    summary = StreamSummary()
    run = stream.run(
        source, sinks=ends, triggers=triggers, autosave=plan.state, priority=plan.priority
    )
    for update in run:
        _take(summary, stream, update)
        if show is not None:
            show(summary, update)
    _take(summary, stream, None)
    summary.told = getattr(source, "told", "")
    return summary


def _take(summary: StreamSummary, stream: Stream, update: Any) -> None:
    summary.n_bins, summary.n_committed = stream.n_bins, stream.n_windows
    summary.losses, summary.t_s = Counter(stream.losses), stream.t_s
    summary.n_triggers = summary.losses["trigger"]
    if update is not None:
        summary.n_updates += 1
        summary.latencies_ms.append(update.latency_ms)
        # A day of bins would not fit: the last hour or so tells enough.
        del summary.latencies_ms[:-50_000]


def check_source(model: str | Path, source: str, *, seconds: float = 60.0) -> StreamCheck:
    """
    Listen to a source for a while, embed every bin, and judge.

    Parameters
    ----------
    model : str or pathlib.Path
        File of the model.
    source : str
        Source, as :func:`tavrnn_ephys.streaming.sources.find_source` reads it.
    seconds : float
        For how long.

    Returns
    -------
    StreamCheck
        The verdict, and what it rests on.
    """
    stream, found = Stream(model, provisional=True), sources.find_source(source)
    summary, clock = StreamSummary(), []
    total = np.zeros(stream.info.n_nodes, np.int64)
    begun = time.perf_counter()

    def take(counts: Any, t_s: float) -> None:
        now = time.perf_counter()
        clock.append((now, t_s))
        if counts is not None:
            total[:] += counts
        if now - begun > seconds:
            found.close()

    for update in stream.run(found, sinks=[sinks.callback(on_bin=take)]):
        _take(summary, stream, update)
    _take(summary, stream, None)
    size = stream.info.bin_size_s
    drift = _drift_ppm(clock) if getattr(found, "speed", 1.0) == 1.0 else 0.0
    drift = drift if summary.n_bins * size > _LEAST_OF_CLOCKS_S else 0.0
    answer_s = stream.info.fit_bin_size_s
    faults = _faults(summary, answer_s, drift, int((total == 0).sum()), stream.info.n_nodes)
    text = (
        f"{summary.n_bins} bins of {size:g} s, latency {summary.latency(50):.1f} ms (median), "
        f"{summary.latency(99):.1f} ms (99 %)"
    )
    verdict = f"Ready: {text}, nothing lost." if not faults else f"Not ready: {faults[0]}; {text}."
    return StreamCheck(
        is_ready=not faults,
        verdict=verdict,
        summary=summary,
        mean_rate_hz=float(total.mean() / max(summary.n_bins * size, size)),
        n_silent=int((total == 0).sum()),
        clock_ppm=drift,
    )


def _drift_ppm(clock: list[tuple[float, float]]) -> float:
    """Slope of the source's clock against this machine's, from the earliest of each second."""
    if len(clock) < 20:
        return 0.0
    here, there = np.array(clock).T
    slope = np.polyfit(here - here[0], there - there[0], 1)[0]
    return float(1e6 * (slope - 1.0))


def _faults(
    summary: StreamSummary, bin_size_s: float, drift: float, n_silent: int, n_nodes: int
) -> list[str]:
    losses, faults = summary.losses, []
    if not summary.n_bins:
        return ["no bin came"]
    for kind, noun in {
        "lost": "messages were lost",
        "dropped": "chunks found no room",
        "gap": "bins are missing",
        "late": "spikes came late",
        "stalled": "stalls",
        "skipped": "provisional embeddings were skipped",
    }.items():
        if losses[kind]:
            faults.append(f"{losses[kind]} {noun}")
    if n_silent == n_nodes:
        faults.append("no node has a spike")
    if summary.latency(99) > 1e3 * _MOST_LATENCY_SHARE * bin_size_s:
        faults.append("the latency exceeds half a bin")
    if abs(drift) > _LARGEST_DRIFT_PPM:
        faults.append(f"the clocks differ by {drift:.0f} millionths")
    return faults


def sources_there_are() -> list[dict[str, str]]:
    """
    List kinds of sources, and the LSL streams that answer now.

    Returns
    -------
    list of dict of str to str
        ``"source"``, as it is written on the command line, and ``"about"``.
    """
    found = [
        {"source": f"{name}:…", "about": str(make.__module__)}
        for name, make in sources.list_sources().items()
    ]
    try:
        import pylsl
    except (ImportError, RuntimeError, OSError):
        return found
    for item in pylsl.resolve_streams(wait_time=1.0):
        about = f"{item.type()}, {item.channel_count()} channels at {item.nominal_srate():g} Hz"
        found.append({"source": f"lsl:{item.name()}", "about": about})
    return found
