"""
The question of the TAVRNN paper, asked of one real session: 20 min of Pong, 51 hits, 71 misses.

Channels with a place and 50 spikes or more, windows of 2 min every 30 s, bins of 50 ms.  All that
is predicted is fitted inside blocks of time; chance is the game shifted in time against the
network.  The session is analysed as recorded, and without the spikes that the stimulation is
likely to have left: those with two or more other channels within 0.5 ms.

    export TAVRNN_EPHYS_DATA=...
    python docs/measurements/dishbrain_session.py --out session

``--no-model`` leaves out TAVRNN and the run that is reproduced, the longest part.
"""

import argparse
import os
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import quantities as pq
from dishbrain_pictures import draw_session

import tavrnn_ephys as te
from tavrnn_ephys.activity.behavior import rank_windows, window_behavior
from tavrnn_ephys.cli import main as command_line
from tavrnn_ephys.connectivity.measures import spike_time_tiling_coefficient
from tavrnn_ephys.core.errors import ChanceLossWarning, DataLossWarning
from tavrnn_ephys.evaluation import (
    blocked_folds,
    embed_in_folds,
    features_in_folds,
    regress_values,
)
from tavrnn_ephys.methods import UASE
from tavrnn_ephys.networks.alignment import group_alignment
from tavrnn_ephys.networks.placement import spectral_positions
from tavrnn_ephys.statistics.association import associate
from tavrnn_ephys.statistics.intervals import unit_bootstrap

BIN_S, WINDOW_S, STEP_S = 0.05, 120.0, 30.0
LEAST_SPIKES = 50
N_SURROGATES = 19
GAME = "game:rally_length_time_weighted"
GROUPS = ("sensory", "left1", "left2", "right1", "right2")
# Spikes of so many other channels within so short a time are one stimulus, not a network.
TOGETHER_S, N_OTHERS = 0.5e-3, 2
AROUND_S = 5.0
# Gaps of 0.5 to 5 ms leave out what a stimulus does to all channels at once.
FINE_S = {"pairs within 1 ms": (0.0, 0.001), "pairs at 0.5 to 5 ms": (0.0005, 0.005)}
N_NULLS = 199


@dataclass(frozen=True)
class Spikes:
    """All spikes of the chosen channels in order of time, and the pairs that share a bin."""

    times_s: np.ndarray
    owners: np.ndarray
    pair_times_s: np.ndarray
    pair_gaps_s: np.ndarray

    @classmethod
    def of(cls, segment) -> "Spikes":
        trains = [train.rescale("s").magnitude for train in segment.spiketrains]
        times = np.concatenate(trains)
        owners = np.repeat(np.arange(len(trains)), [len(train) for train in trains])
        order = np.argsort(times, kind="stable")
        times, owners = times[order], owners[order]
        return cls(times, owners, *_pairs(times, owners))


def _pairs(times: np.ndarray, owners: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Time and gap of all pairs of spikes of two channels in the same bin of 50 ms."""
    bins = np.floor(times / BIN_S).astype(np.int64)
    where, gaps = [], []
    for lag in range(1, len(times)):
        same = np.flatnonzero(bins[lag:] == bins[:-lag])
        if len(same) == 0:
            break
        same = same[owners[same] != owners[same + lag]]
        where.append(times[same])
        gaps.append(times[same + lag] - times[same])
    return np.concatenate(where), np.concatenate(gaps)


def chance_within(gap_s: float) -> float:
    """Chance that two times anywhere in a bin of width w are within d: 2d/w - (d/w)^2."""
    share = gap_s / BIN_S
    return 2 * share - share**2


def fine_share(pairs: Spikes, gaps_s: tuple[float, float], start_s: float, stop_s: float) -> float:
    """
    Share of pairs so far apart among those in the same bin, over what the bin alone gives.

    1 is what jitter within bins gives (interval jitter: Amarasingham et al. 2012, J Neurophysiol
    107, 517).
    """
    inside = (pairs.pair_times_s >= start_s) & (pairs.pair_times_s < stop_s)
    gaps = pairs.pair_gaps_s[inside]
    expected = len(gaps) * (chance_within(gaps_s[1]) - chance_within(gaps_s[0]))
    near = ((gaps >= gaps_s[0]) & (gaps <= gaps_s[1])).sum()
    return float(near / expected) if expected else np.nan


# ---- the session -------------------------------------------------------------


def read_session(data: Path):
    """The block with channels that have a place and enough spikes."""
    block = te.read(data / "dishbrain-spikestream", layout=data / "dishbrain-layout")
    segment = block.segments[0]
    kept = [
        train for train in segment.spiketrains
        if len(train) >= LEAST_SPIKES and np.isfinite(float(train.annotations["x"]))
    ]  # fmt: skip
    return block, kept


def together(times: np.ndarray, owners: np.ndarray) -> np.ndarray:
    """Which spikes have two or more other channels within 0.5 ms."""
    order = np.argsort(times, kind="stable")
    t, o = times[order], owners[order]
    first, last = np.searchsorted(t, t - TOGETHER_S), np.searchsorted(t, t + TOGETHER_S, "right")
    crowded = np.zeros(len(t), dtype=bool)
    for index in np.flatnonzero(last - first > N_OTHERS):
        crowded[index] = len(set(o[first[index] : last[index]]) - {o[index]}) >= N_OTHERS
    marked = np.empty(len(t), dtype=bool)
    marked[order] = crowded
    return marked


def without_artefacts(every, kept):
    """Trains of the kept channels without spikes that coincide with many channels of the array."""
    times = [train.rescale("s").magnitude for train in every]
    owners = np.repeat(np.arange(len(every)), [len(item) for item in times])
    marked = np.split(together(np.concatenate(times), owners), np.cumsum([len(x) for x in times]))
    bad = {train.name: part for train, part in zip(every, marked[:-1], strict=True)}
    return [train[~bad[train.name]] for train in kept], int(sum(part.sum() for part in marked))


def with_trains(block, trains):
    """The same session with other trains."""
    import neo

    new = neo.Block(name=block.name, rec_datetime=block.rec_datetime, **block.annotations)
    segment = neo.Segment(name=block.segments[0].name)
    segment.spiketrains.extend(trains)
    segment.events.extend(block.segments[0].events)
    segment.epochs.extend(block.segments[0].epochs)
    new.segments.append(segment)
    return new


# ---- windows -----------------------------------------------------------------


@dataclass(frozen=True)
class Windowed:
    """Everything that is known of the windows of one variant."""

    activity: object
    windows: object
    connectivity: object
    spikes: Spikes
    performance: pd.DataFrame


def windowed(segment) -> Windowed:
    activity = te.bin_activity(segment, bin_size=BIN_S * pq.s)
    windows = te.sliding_windows(activity, window_length=WINDOW_S * pq.s, step=STEP_S * pq.s)
    names = ("hits", "misses", "hit_miss_ratio", "rally_length", "rally_length_time_weighted")
    performance = pd.DataFrame(
        {name: window_behavior(segment, windows, f"game:{name}").values for name in names}
    )
    connectivity = te.compute_connectivity(activity, windows)
    return Windowed(activity, windows, connectivity, Spikes.of(segment), performance)


def tiling(one: Windowed, trains, dt_s: float) -> np.ndarray:
    """Spike time tiling coefficients of all pairs, from the times themselves."""
    times = [train.rescale("s").magnitude for train in trains]
    rows, columns = np.triu_indices(len(times), 1)
    found = []
    for start, stop in zip(one.windows.start_s, one.windows.stop_s, strict=True):
        inside = [item[(item >= start) & (item < stop)] - start for item in times]
        counts = np.zeros((len(times), round(WINDOW_S / BIN_S)), dtype=np.int64)
        matrix = spike_time_tiling_coefficient(
            counts, dt=dt_s * pq.s, bin_size_s=BIN_S, spike_times_s=inside
        )
        found.append(matrix[rows, columns])
    return np.nan_to_num(np.array(found))


def feature_table(one: Windowed, trains) -> pd.DataFrame:
    """What predicts the rally length of left-out blocks of time, beside chance."""
    values = one.performance["rally_length_time_weighted"].to_numpy()
    folds = blocked_folds(len(one.windows), gap=one.windows.overlap + 1)
    rates = np.asarray(one.connectivity.mean_activity)
    rows, columns = np.triu_indices(one.connectivity.n_nodes, 1)
    signed = np.nan_to_num(one.connectivity.weights[:, rows, columns])
    shuffled = te.shuffle_bins_within_windows(one.activity, one.windows, seed=0)
    control = te.compute_connectivity(shuffled, one.windows)
    lost = np.nan_to_num(control.weights[:, rows, columns])
    graphs, lost_graphs = te.build_graphs(one.connectivity), te.build_graphs(control)
    sets = {
        "mean rate of all channels": features_in_folds(rates.mean(axis=1, keepdims=True), folds),
        "mean rates": features_in_folds(rates, folds),
        "r at 50 ms": features_in_folds(signed, folds),
        "r at 50 ms, bins shuffled": features_in_folds(lost, folds),
        "abs(r) at 50 ms": features_in_folds(np.abs(signed), folds),
        "abs(r) at 50 ms, bins shuffled": features_in_folds(np.abs(lost), folds),
        "coincidences at 5 ms (tiling)": features_in_folds(tiling(one, trains, 0.005), folds),
        "coincidences at 1 ms (tiling)": features_in_folds(tiling(one, trains, 0.001), folds),
        "spectral embedding": embed_in_folds(UASE, graphs, folds),
        "spectral embedding, bins shuffled": embed_in_folds(UASE, lost_graphs, folds),
    }
    table = []
    for name, features in sets.items():
        plain = regress_values(name, features, values, n_shifts=N_NULLS)
        row = {"from": name, "r": plain.correlation, "low": plain.chance_interval[0],
               "high": plain.chance_interval[1], "p": plain.p_value,
               "shifts": len(plain.null)}  # fmt: skip
        if "rate" not in name:
            held = regress_values(name, features, values, held=rates, n_shifts=N_NULLS)
            row |= {"r, rates held": held.correlation, "p, rates held": held.p_value}
        table.append(row)
    return pd.DataFrame(table)


def window_measures(one: Windowed, n_shuffles: int) -> tuple[pd.DataFrame, object]:
    """Measures of each window, and the alignment beside patches of the same sizes."""
    alignment = group_alignment(
        spectral_positions(one.connectivity), reference="sensory", groups=GROUPS[1:],
        n_shuffles=n_shuffles,
    )  # fmt: skip
    off = ~np.eye(one.connectivity.n_nodes, dtype=bool)
    limits = list(zip(one.windows.start_s, one.windows.stop_s, strict=True))
    table = alignment.to_pandas()[[
        name for item in ("silhouette", "group_accuracy", "similarity")
        for name in (item, f"{item}_z")
    ]]  # fmt: skip
    table["mean_rate_hz"] = np.asarray(one.connectivity.mean_activity).mean(axis=1) / BIN_S
    table["mean_abs_r"] = np.abs(one.connectivity.weights[:, off]).mean(axis=1)
    table["mean_r"] = one.connectivity.weights[:, off].mean(axis=1)
    for name, gaps_s in FINE_S.items():
        table[name] = [fine_share(one.spikes, gaps_s, *limit) for limit in limits]
    return table, alignment


def association_table(one: Windowed, measures: pd.DataFrame) -> pd.DataFrame:
    """Which measures follow performance, plain and with the mean rate held; interval by blocks."""
    values = one.performance["rally_length_time_weighted"].to_numpy()
    chosen = measures[[name for name in measures if not name.endswith("_z")]].copy()
    plain = associate(chosen, values, n_nulls=N_NULLS)
    held = associate(
        chosen.drop(columns="mean_rate_hz"), values, covariates=measures[["mean_rate_hz"]],
        n_nulls=N_NULLS,
    )  # fmt: skip
    table = plain[["correlation", "p_value", "q_value"]].copy()
    intervals = [block_interval(chosen[name].to_numpy(), values) for name in table.index]
    table["low"], table["high"] = zip(*intervals, strict=True)
    return table.join(
        held[["correlation", "p_value"]].rename(columns=lambda name: f"{name}, rate held")
    )


def block_interval(x: np.ndarray, y: np.ndarray, n_draws: int = 1999) -> tuple[float, float]:
    """Central 95 % of a rank correlation over draws of blocks of overlapping windows."""
    length = round(WINDOW_S / STEP_S)
    blocks = [np.arange(start, min(start + length, len(x))) for start in range(0, len(x), length)]
    rng = np.random.default_rng(0)
    found = []
    for _ in range(n_draws):
        drawn = np.concatenate(
            [blocks[index] for index in rng.integers(len(blocks), size=len(blocks))]
        )
        found.append(pd.Series(x[drawn]).corr(pd.Series(y[drawn]), method="spearman"))
    low, high = np.nanquantile(found, [0.025, 0.975])
    return float(low), float(high)


def subregion_table(one: Windowed, alignment) -> pd.DataFrame:
    """Separation and alignment of subregions in High, Low and all windows, beside patches."""
    score = one.performance["rally_length_time_weighted"].to_numpy()
    ranking = rank_windows(one.windows, score)
    kinds = {"High 1-3": ranking.high, "Low 1-3": ranking.low,
             "all": np.arange(len(one.windows))}  # fmt: skip
    rows = []
    for name, observed in alignment.observed.items():
        for kind, chosen in kinds.items():
            value = observed[chosen].mean()
            null = alignment.null[name][:, chosen].mean(axis=1)
            more, less = (null >= value).mean(), (null <= value).mean()
            tail = min(more, less) * len(null)
            low, high = np.quantile(null, [0.025, 0.975])
            rows.append(
                {"measure": name, "windows": kind, "value": value, "patches, low": low,
                 "patches, high": high, "p": min(1.0, 2 * (tail + 1) / (len(null) + 1))}
            )  # fmt: skip
    return pd.DataFrame(rows)


# ---- around events, and along the session --------------------------------------


def around(spikes: Spikes, events_s: np.ndarray, side: int) -> dict[str, np.ndarray]:
    """Rate and pairs of the 5 s before (-1) or after (1) each event."""
    start = events_s - AROUND_S if side < 0 else events_s
    limits = np.stack([start, start + AROUND_S])
    n_spikes = np.diff(np.searchsorted(spikes.times_s, limits), axis=0)[0]
    order = np.argsort(spikes.pair_times_s)
    times, gaps = spikes.pair_times_s[order], spikes.pair_gaps_s[order]
    n_pairs = np.diff(np.searchsorted(times, limits), axis=0)[0]
    low, high = FINE_S["pairs at 0.5 to 5 ms"]
    near = times[(gaps >= low) & (gaps <= high)]
    n_near = np.diff(np.searchsorted(near, limits), axis=0)[0]
    return {"spikes": n_spikes, "pairs": n_pairs, "near": n_near}


def changes(spikes: Spikes, events_s: np.ndarray, chosen=None) -> dict[str, float]:
    """Change from before to after, over all events: rate, coincidences at 50 ms and at 5 ms."""
    events_s = events_s if chosen is None else events_s[chosen]
    values = []
    for side in (-1, 1):
        counts = {key: item.sum() for key, item in around(spikes, events_s, side).items()}
        n_bins = len(events_s) * AROUND_S / BIN_S
        rate = counts["spikes"] / len(events_s) / AROUND_S
        # Pairs over those of independent spikes of the same rate: 1 without coincidences.
        together_50 = counts["pairs"] / (counts["spikes"] ** 2 / n_bins / 2)
        chance = chance_within(0.005) - chance_within(0.0005)
        together_5 = counts["near"] / max(counts["pairs"] * chance, 1e-9)
        values.append((rate, together_50, together_5))
    names = ("spikes per s", "coincidences in 50 ms", "coincidences at 0.5 to 5 ms")
    return {name: after - before for name, before, after in zip(names, *values, strict=True)}


def event_table(spikes: Spikes, hits_s: np.ndarray, misses_s: np.ndarray, stop_s: float):
    """After misses the culture gets noise, after hits a regular stimulus: does it change?"""
    inside = [item[(item > AROUND_S) & (item < stop_s - AROUND_S)] for item in (hits_s, misses_s)]
    hits_s, misses_s = inside
    rng = np.random.default_rng(0)

    def contrast(shift_s: float = 0.0, drawn: bool = False) -> np.ndarray:
        found = []
        for item in (misses_s, hits_s):
            chosen = rng.integers(len(item), size=len(item)) if drawn else None
            # Shifted times wrap around inside of the session.
            moved = AROUND_S + np.mod(item - AROUND_S + shift_s, stop_s - 2 * AROUND_S)
            found.append(list(changes(spikes, moved, chosen).values()))
        return np.array([*found[0], *found[1], *(np.array(found[0]) - found[1])])

    observed = contrast()
    shifts = np.arange(20.0, stop_s - 30.0, 5.0)
    null = np.array([contrast(shift) for shift in shifts])
    draws = np.array([contrast(drawn=True) for _ in range(499)])
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    centre = null.mean(axis=0)
    p = (1 + (np.abs(null - centre) >= np.abs(observed - centre)).sum(axis=0)) / (1 + len(null))
    names = list(changes(spikes, misses_s))
    rows = [(about, name) for about in ("misses", "hits", "misses less hits") for name in names]
    return pd.DataFrame(
        {"around": [row[0] for row in rows], "change of": [row[1] for row in rows],
         "change": observed, "low": low, "high": high, "p": p}
    )  # fmt: skip


def halves_table(one: Windowed, hits_s, misses_s, stop_s: float) -> pd.DataFrame:
    """First half against second: rallies by permutation of episodes; rates over minutes."""
    ends = np.sort(misses_s)
    rallies = np.diff(np.searchsorted(np.sort(hits_s), np.concatenate([[0.0], ends])))
    second = ends > stop_s / 2
    rng = np.random.default_rng(0)
    observed = rallies[second].mean() - rallies[~second].mean()
    null = np.array([
        rallies[p].mean() - rallies[~p].mean()
        for p in (rng.permutation(second) for _ in range(9999))
    ])  # fmt: skip
    p = (1 + (np.abs(null) >= abs(observed) - 1e-12).sum()) / (1 + len(null))
    minutes = np.histogram(one.spikes.times_s, np.arange(0.0, stop_s, 60.0))[0] / 60
    rows = [{"measure": "hits per episode", "p": p}, {"measure": "spikes per s", "p": np.nan}]
    for row, values, late in (
        (rows[0], rallies, second),
        (rows[1], minutes, np.arange(len(minutes)) >= len(minutes) // 2),
    ):
        for name, part in (("first half", values[~late]), ("second half", values[late])):
            low, high = unit_bootstrap(part.astype(float))
            row[name] = f"{part.mean():.3g} ({low:.3g} to {high:.3g})"
    return pd.DataFrame(rows)[["measure", "first half", "second half", "p"]]


def drift_of_network(one: Windowed) -> tuple[float, float]:
    """Mean correlation of the edges of windows of the same half, and of different halves."""
    apart = one.windows.overlap + 1
    chosen = np.arange(0, len(one.windows), apart)
    rows, columns = np.triu_indices(one.connectivity.n_nodes, 1)
    edges = np.nan_to_num(one.connectivity.weights[chosen][:, rows, columns])
    alike = np.corrcoef(edges)
    late = one.windows.start_s[chosen] >= one.windows.stop_s.max() / 2
    upper = np.triu(np.ones_like(alike, dtype=bool), 1)
    same = upper & (late[:, None] == late)
    return float(alike[same].mean()), float(alike[upper & ~same].mean())


# ---- TAVRNN, and the run -------------------------------------------------------


def run_and_reproduce(block, out: Path) -> dict:
    """Analyse with TAVRNN from the command line, with all nulls, and reproduce the run."""
    source, run = out / "session.nwb", out / "session_tavrnn.nwb"
    te.write_nwb(block, source, overwrite=True)
    code = command_line(
        ["analyze", str(source), "--bin-size", "50ms", "--window", "2min", "--step", "30s",
         "--profile", "recurrent",
         "--behavior", GAME, "--groups", ",".join(GROUPS), "--tables", str(out / "tables"),
         "--figures", str(out / "figures"), "--overwrite", "--out", str(run)]
    )  # fmt: skip
    same = command_line(["reproduce", str(run)])
    return {"analyze": code, "reproduce": same, "embedding": te.read_results(run)}


def states_of(segment) -> str:
    """Network states in windows of 30 s that do not overlap, against bins shuffled inside them."""
    activity = te.bin_activity(segment, bin_size=50 * pq.ms)
    windows = te.sliding_windows(activity, window_length=30 * pq.s, step=30 * pq.s)
    shuffled = [
        te.shuffle_bins_within_windows(activity, windows, seed=seed) for seed in range(N_SURROGATES)
    ]
    found = te.network_states(
        te.compute_connectivity(activity, windows),
        surrogates=[te.compute_connectivity(item, windows) for item in shuffled],
    )
    evidence = found.evidence
    return (
        f"{found} ({len(windows)} windows of 30 s, {evidence.n_components} components beyond "
        f"{N_SURROGATES} surrogates, p of the first {evidence.p_value:.2f})"
    )


def say(title: str, table: pd.DataFrame) -> None:
    shown = table.reset_index() if table.index.name else table
    print(f"\n{title}\n\n{shown.round(3).to_string(index=False)}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--shuffles", type=int, default=199)
    parser.add_argument("--no-model", action="store_true")
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    for category in (DataLossWarning, ChanceLossWarning):
        warnings.simplefilter("ignore", category)
    started = time.perf_counter()
    block, kept = read_session(Path(os.environ["TAVRNN_EPHYS_DATA"]))
    every = block.segments[0].spiketrains
    cleaned, n_marked = without_artefacts(every, kept)
    n_spikes = sum(map(len, every))
    print(f"{n_spikes} spikes on {len(every)} channels; {len(kept)} with a place and "
          f"{LEAST_SPIKES} spikes or more hold {sum(map(len, kept))}.")  # fmt: skip
    print(f"{n_marked} spikes ({n_marked / n_spikes:.1%}) have {N_OTHERS} other channels within "
          f"{TOGETHER_S * 1e3} ms; without them {sum(map(len, cleaned))} are left.")  # fmt: skip
    (event,) = block.segments[0].events
    hits_s, misses_s = (event.times.magnitude[event.labels == name] for name in ("hit", "miss"))
    stop_s = float(block.segments[0].t_stop)
    variants = {"as recorded": kept, "without artefacts": cleaned}
    found = {}
    for name, trains in variants.items():
        one = windowed(with_trains(block, trains).segments[0])
        measures, alignment = window_measures(one, options.shuffles)
        found[name] = (one, measures, alignment)
        print(f"\n==== {name} ====")
        if name == "as recorded":
            say("Performance per window", one.performance.describe().loc[["min", "mean", "max"]])
            ranking = rank_windows(one.windows, one.performance.iloc[:, -1].to_numpy())
            say("High and Low windows", ranking.to_pandas(one.windows))
        say("Predicting the rally length of left-out blocks", feature_table(one, trains))
        say("What follows the rally length", association_table(one, measures))
        say("Subregions beside patches of the same sizes", subregion_table(one, alignment))
        say("5 s after less 5 s before", event_table(one.spikes, hits_s, misses_s, stop_s))
        say("Halves", halves_table(one, hits_s, misses_s, stop_s))
        print(f"\n{states_of(with_trains(block, trains).segments[0])}")
        same, other = drift_of_network(one)
        print(f"\nCorrelation of edges between windows apart: {same:.3f} within a half, "
              f"{other:.3f} between halves.")  # fmt: skip
    run = None if options.no_model else run_and_reproduce(with_trains(block, cleaned), options.out)
    draw_session(found, hits_s, misses_s, run, options.out)
    print(f"\n{time.perf_counter() - started:.0f} s, {time.process_time():.0f} s of processor")


if __name__ == "__main__":
    main()
