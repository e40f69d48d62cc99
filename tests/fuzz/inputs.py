"""Values that a call may meet, good ones more often than bad ones."""

from __future__ import annotations

from typing import Any

import neo
import numpy as np
import quantities as pq

import tavrnn_ephys as te

ODD = (
    None, True, "", "x", -1, 0, 1, 2**62, 1e300, -0.5, float("nan"), float("inf"), 1j, b"x",
    (), [], {}, object(), np.zeros(0), np.zeros((0, 3)), np.array(["a", "b"]),
    np.array([None, 1.0], dtype=object), np.full((2, 2), np.nan), 3 * pq.m, [1, 2] * pq.s,
)  # fmt: skip


class Inputs:
    """
    Draws inputs.

    Parameters
    ----------
    rng : numpy.random.Generator
        What draws.
    """

    def __init__(self, rng: np.random.Generator) -> None:
        self.rng = rng

    def pick(self, *choices: Any) -> Any:
        """Return one of the choices."""
        return choices[int(self.rng.integers(len(choices)))]

    def odd(self, usual: Any, share: float = 0.05) -> Any:
        """Return the usual value, or now and then something else."""
        return self.pick(*ODD) if self.rng.random() < share else usual

    def integer(self, low: int, high: int) -> int:
        """Return a whole number."""
        return int(self.rng.integers(low, high))

    def matrix(self, n_nodes: int, n_bins: int) -> Any:
        """Return activity of any type and size, mostly sane."""
        rng = self.rng
        counts = rng.poisson(0.5, (n_nodes, n_bins))
        kind = self.pick(
            "counts", "counts", "bool", "uint8", "normal", "normal", "float32", "float16",
            "longdouble", "huge", "tiny", "constant", "decay", "nan", "inf", "object", "list",
            "negative", "wide", "big", "readonly", "strided",
        )  # fmt: skip
        normal = rng.normal(size=(n_nodes, n_bins))
        made = {
            "counts": counts, "bool": counts > 0, "uint8": counts.astype(np.uint8),
            "normal": normal, "float32": normal.astype(np.float32),
            "float16": normal.astype(np.float16), "longdouble": normal.astype(np.longdouble),
            "huge": normal * 1e300, "tiny": normal * 1e-300, "constant": np.full_like(normal, 0.1),
            "decay": np.exp(-np.arange(n_bins) * rng.uniform(0.1, 9, (n_nodes, 1))),
            "object": counts.astype(object), "list": counts.tolist(), "negative": -counts,
            "wide": counts.astype(np.uint64) * 2**61, "big": counts * 900_000,
            "strided": np.asfortranarray(np.repeat(counts, 2, axis=1)[:, ::2]),
        }.get(kind)  # fmt: skip
        if made is not None:
            return made
        made = normal.copy()
        if kind == "readonly":
            made.flags.writeable = False
        else:
            made[0, :: max(1, n_bins // 3)] = np.nan if kind == "nan" else np.inf
        return made

    def duration(self) -> Any:
        """Return a duration, mostly with a unit."""
        usual = self.pick(0.1, 0.2, 0.5, 1.0, 2.0, 5.0) * self.pick(pq.s, pq.s, 1000 * pq.ms)
        return self.odd(usual, 0.03)

    def seconds(self, n: int, length_s: float = 20.0) -> Any:
        """Return times, in order or not, whole or not."""
        times = self.rng.uniform(0, length_s, n)
        return self.pick(
            np.sort(times), np.sort(times), times, np.round(np.sort(times), 1),
            np.where(self.rng.random(n) < 0.05, np.nan, np.sort(times)), np.zeros(n),
        )  # fmt: skip

    def nodes(self, n: int) -> Any:
        """Return nodes, now and then of another number."""
        return te.Nodes(ids=range(n + int(self.rng.random() < 0.03)), kind=self.pick("unit", "roi"))

    def activity(self) -> te.BinnedActivity:
        """Return binned activity."""
        n_nodes, n_bins = self.integer(1, 7), self.pick(1, 2, 50, 100, 200, 200)
        return te.BinnedActivity(
            values=self.matrix(n_nodes, n_bins),
            bin_size_s=self.odd(0.1, 0.02),
            nodes=self.nodes(n_nodes),
            t_start_s=self.odd(self.pick(0.0, 86_400.0), 0.02),
            quantity=self.pick("spike_count", "trace"),
        )

    def windows(self, activity: te.BinnedActivity | None = None) -> te.Windows:
        """Return windows, of an activity or free."""
        if activity is not None and self.rng.random() < 0.85:
            return te.sliding_windows(activity, window_length=self.duration(), step=self.duration())
        start = np.sort(self.rng.uniform(0, 20, self.integer(1, 6)))
        return te.Windows(
            start_s=self.odd(start, 0.05),
            stop_s=start + self.pick(0.5, 5.0, 5.0, self.pick(5.0, 0.0)),
        )

    def connectivity(self) -> te.ConnectivitySequence:
        """Return connectivity, computed elsewhere."""
        n_windows, n_nodes = self.integer(1, 5), self.integer(1, 7)
        weights = self.rng.uniform(-1, 1, (n_windows, n_nodes, n_nodes))
        mirrored = 0.5 * (weights + weights.transpose(0, 2, 1))
        weights = self.pick(*[mirrored] * 7, weights, weights * 0)
        if self.rng.random() < 0.1:
            weights[0, 0, 0] = self.pick(np.nan, np.inf)
        return te.ConnectivitySequence.from_array(
            self.odd(self.pick(weights, weights.astype(np.float32)), 0.05),
            directed=self.rng.random() < 0.1,
        )

    def segment(self) -> Any:
        """Return a Neo segment, or what is taken for one."""
        segment = neo.Segment()
        for _ in range(self.integer(0, 4)):
            times = np.sort(self.rng.uniform(0, 20, self.integer(0, 40)))
            unit, factor = self.pick(("s", 1.0), ("s", 1.0), ("ms", 1e3))
            stop = self.pick(20.0, 20.0, 30.0)
            segment.spiketrains.append(
                neo.SpikeTrain(times * factor, units=unit, t_stop=stop * factor)
            )
        for _ in range(self.integer(0, 3)):
            made = self._signal()
            regular = isinstance(made, neo.AnalogSignal)
            (segment.analogsignals if regular else segment.irregularlysampledsignals).append(made)
        for name in ("trials", "trials", "phase")[: self.integer(0, 4)]:
            n = self.integer(0, 6)
            segment.epochs.append(
                neo.Epoch(
                    self.seconds(n) * pq.s, self.seconds(n, 4.0) * pq.s,
                    labels=np.array(["a", "b", "", "c", "a", "b"])[:n], name=name,
                )
            )  # fmt: skip
        segment.events.append(neo.Event(self.seconds(4) * pq.s, labels=["x"] * 4, name="hits"))
        block = neo.Block()
        block.segments.append(segment)
        return self.pick(*[segment] * 20, block, [segment], None)

    def _signal(self) -> Any:
        n, width = self.pick(0, 1, 200), self.integer(1, 4)
        values = self.rng.normal(size=(n, width)) * self.pick(1.0, 1e200, np.nan)
        name = self.pick("speed", "position", "")
        if self.rng.random() < 0.5:
            made = neo.AnalogSignal(values, "m", sampling_rate=10 * pq.Hz, name=name)
        else:
            made = neo.IrregularlySampledSignal(self.seconds(n) * pq.s, values, "deg", name=name)
        role = self.pick("behavior", "nodes", "raw", None)
        if role is not None:
            made.annotate(role=role)
        return made
