"""
How many sessions like the real one would find the effect that the TAVRNN paper shows.

Cultures are simulated with this session's own channels, rates, subregions and episodes, 51 hits and
71 misses, dealt out anew in every session.  Spikes are Poisson; a share of them, which follows
performance from window to window, falls into bursts of 50 ms that all channels of a subregion have
in common.  Rates stay as they are.  The share is set so that subregions separate in High windows
as they do in the paper's pictures (silhouette .34, Low windows -.03: ``behavior_dishbrain.py``), or
half, a quarter, an eighth as far.

Simplified: ten windows of 2 min that do not overlap, spectral positions in place of TAVRNN, and no
artefacts of stimulation.  A session gives one effect per measure, its rank correlation with the
rally length, the mean rate held; a study is significant where the sign-flip test over sessions
gives p < 0.05.  Where there are enough, fifty studies share no session; else sessions are dealt out
to studies anew, 200 times.  The column 1 is the test inside of one session: 37 windows every 30 s,
shifts in time, over fifty sessions.

    export TAVRNN_EPHYS_DATA=...
    python docs/measurements/dishbrain_power.py --sessions 600
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
from dishbrain_session import BIN_S, GROUPS, STEP_S, WINDOW_S, read_session, without_artefacts
from scipy.stats import rankdata

from tavrnn_ephys.activity.behavior import GameEpisodes, game_measures
from tavrnn_ephys.activity.windows import sliding_windows
from tavrnn_ephys.connectivity import compute_connectivity
from tavrnn_ephys.core.containers import BinnedActivity, Nodes
from tavrnn_ephys.core.errors import DataLossWarning
from tavrnn_ephys.io.blocks import nodes_of_spiketrains
from tavrnn_ephys.networks.alignment import group_alignment
from tavrnn_ephys.networks.placement import spectral_positions
from tavrnn_ephys.statistics.across_cultures import sign_flip_p_value
from tavrnn_ephys.statistics.association import associate

# High less Low windows in the pictures of the paper's layout, and half of it.
EFFECTS = {"paper": 0.37, "half": 0.185, "quarter": 0.0925, "eighth": 0.04625, "none": 0.0}
SHARES = (0.0, 0.1, 0.15, 0.2, 0.3, 0.45, 0.6, 0.8)
N_EACH = 3
BURSTS_HZ = 0.5
SESSIONS = (6, 8, 12, 16, 24, 32, 48)
MEASURES = ("silhouette", "group_accuracy", "similarity", "mean_abs_r")
N_STUDIES, ALPHA = 50, 0.05


@dataclass(frozen=True)
class Template:
    """What is taken from the real session."""

    nodes: Nodes
    rates_hz: np.ndarray
    episodes_s: np.ndarray
    rallies: np.ndarray
    duration_s: float


def template(data: Path) -> Template:
    block, kept = read_session(data)
    segment = block.segments[0]
    cleaned, _ = without_artefacts(segment.spiketrains, kept)
    cleaned = [train for train in cleaned if len(train) >= 20]
    (epochs,) = [epoch for epoch in segment.epochs if epoch.name == "episodes"]
    return Template(
        nodes=nodes_of_spiketrains(cleaned),
        rates_hz=np.array([len(train) for train in cleaned]) / float(segment.t_stop),
        episodes_s=epochs.durations.rescale("s").magnitude,
        rallies=epochs.array_annotations["hit_count"].astype(float),
        duration_s=1200.0,
    )


def play(made: Template, rng: np.random.Generator) -> GameEpisodes:
    """The session's own episodes in another order."""
    order = rng.permutation(len(made.rallies))
    stop = np.cumsum(made.episodes_s[order])
    return GameEpisodes(
        start_s=np.concatenate([[0.0], stop[:-1]]), stop_s=stop, hits=made.rallies[order]
    )


def fire(made: Template, share: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Counts of all channels: a share of the spikes of each window in bursts of the subregion.

    A burst takes each channel with the probability that leaves its rate as it is, at most 1.
    """
    per_window = round(WINDOW_S / BIN_S)
    chance = made.rates_hz[:, None] * BIN_S * (1 - share)
    counts = rng.poisson(np.repeat(chance, per_window, axis=1)).astype(np.int64)
    for name in np.unique(made.nodes.groups):
        members = np.flatnonzero(made.nodes.groups == name)
        bursts = np.flatnonzero(rng.random(counts.shape[1]) < BURSTS_HZ * BIN_S)
        taken = made.rates_hz[members, None] / BURSTS_HZ * share[bursts // per_window]
        counts[np.ix_(members, bursts)] += rng.random(taken.shape) < np.minimum(taken, 1.0)
    return counts


def grid_of(made: Template, step_s: float):
    """Windows of 2 min over the session."""
    silent = BinnedActivity(
        values=np.zeros((1, round(made.duration_s / BIN_S)), dtype=np.int64), bin_size_s=BIN_S,
        nodes=Nodes(ids=["0"]),
    )  # fmt: skip
    return sliding_windows(silent, window_length=WINDOW_S * pq.s, step=step_s * pq.s)


def simulate(made: Template, share: float, seed) -> tuple[BinnedActivity, GameEpisodes]:
    """A session whose coupling follows performance; of a negative share, windows in any order."""
    rng = np.random.default_rng(seed)
    game = play(made, rng)
    score = game_measures(grid_of(made, WINDOW_S), game)["rally_length_time_weighted"].to_numpy()
    scaled = (score - score.min()) / np.ptp(score)
    scaled = scaled if share >= 0 else rng.permutation(scaled)
    counts = fire(made, abs(share) * scaled, rng)
    return BinnedActivity(values=counts, bin_size_s=BIN_S, nodes=made.nodes), game


def measured(activity: BinnedActivity, game: GameEpisodes, windows) -> pd.DataFrame:
    """Measures, rate and performance of each window."""
    connectivity = compute_connectivity(activity, windows)
    aligned = group_alignment(
        spectral_positions(connectivity), reference="sensory", groups=GROUPS[1:], n_shuffles=0
    )
    off = ~np.eye(connectivity.n_nodes, dtype=bool)
    table = pd.DataFrame(dict(aligned.observed))
    table["mean_abs_r"] = np.abs(connectivity.weights[:, off]).mean(axis=1)
    table["rate"] = np.asarray(connectivity.mean_activity).mean(axis=1)
    table["score"] = game_measures(windows, game)["rally_length_time_weighted"].to_numpy()
    return table


def one_session(made: Template, share: float, seed) -> tuple[dict[str, float], float]:
    """Give the effect of each measure, and the silhouette of High less Low windows."""
    table = measured(*simulate(made, share, seed), grid_of(made, WINDOW_S))
    score, rates = table["score"].to_numpy(), table["rate"].to_numpy()
    effects = {
        name: partial_rank_correlation(table[name].to_numpy(), score, rates) for name in MEASURES
    }
    ranked = table.sort_values("score")["silhouette"]
    return effects, float(ranked.iloc[-N_EACH:].mean() - ranked.iloc[:N_EACH].mean())


def found_alone(made: Template, share: float, seed) -> dict[str, bool]:
    """Whether one session finds the effect by shifts in time."""
    table = measured(*simulate(made, share, seed), grid_of(made, STEP_S))
    tested = associate(table[list(MEASURES)], table["score"], covariates=table[["rate"]])
    return (tested["p_value"] < ALPHA).to_dict()


def partial_rank_correlation(x: np.ndarray, y: np.ndarray, held: np.ndarray) -> float:
    """Correlation of ranks that the ranks of a third series do not explain."""
    design = np.column_stack([np.ones(len(held)), rankdata(held)])
    ranks = np.column_stack([rankdata(x), rankdata(y)])
    left = ranks - design @ np.linalg.lstsq(design, ranks, rcond=None)[0]
    return float(np.corrcoef(left.T)[0, 1])


def calibrate(made: Template, n_sessions: int) -> dict[str, float]:
    """Find the share of spikes in bursts that separates subregions as far as is asked."""
    found = [
        np.mean([one_session(made, share, (1, index, seed))[1] for seed in range(n_sessions)])
        for index, share in enumerate(SHARES)
    ]
    print("share of spikes in bursts:", SHARES)
    print("silhouette, High less Low:", np.round(found, 3), flush=True)
    rising = np.maximum.accumulate(found)
    for name, wanted in EFFECTS.items():
        if wanted > rising[-1]:
            print(f"'{name}': {wanted} is not reached at these rates; the largest share is taken.")
    shares = {
        name: float(np.interp(wanted, rising, SHARES)) for name, wanted in EFFECTS.items() if wanted
    }
    # Without effect the coupling wanders as much, on its own.
    return {**shares, "none": -shares["paper"]}


def studies(effects: np.ndarray, n_sessions: int, rng: np.random.Generator) -> list[float]:
    """P-values of studies of so many sessions each."""
    if n_sessions * N_STUDIES <= len(effects):
        chosen = rng.permutation(len(effects))[: n_sessions * N_STUDIES].reshape(N_STUDIES, -1)
    else:
        chosen = np.array([
            rng.choice(len(effects), n_sessions, replace=False) for _ in range(4 * N_STUDIES)
        ])  # fmt: skip
    return [sign_flip_p_value(effects[rows], n_flips=999) for rows in chosen]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sessions", type=int, default=600)
    parser.add_argument("--calibration", type=int, default=6)
    options = parser.parse_args()
    warnings.simplefilter("ignore", DataLossWarning)
    started = time.process_time()
    made = template(Path(os.environ["TAVRNN_EPHYS_DATA"]))
    print(f"{made.nodes}; median rate {np.median(made.rates_hz):.3f} Hz; "
          f"{made.rallies.sum():.0f} hits in {len(made.rallies)} episodes")  # fmt: skip
    shares = calibrate(made, options.calibration)
    rng = np.random.default_rng(0)
    rows, means = [], []
    for index, (name, share) in enumerate(shares.items()):
        pairs = [one_session(made, share, (2, index, seed)) for seed in range(options.sessions)]
        table = pd.DataFrame([effects for effects, _ in pairs])
        apart = np.mean([difference for _, difference in pairs])
        means.append({"effect": name, "share": share, "High less Low": apart} | dict(table.mean()))
        alone = pd.DataFrame(
            [found_alone(made, share, (3, index, seed)) for seed in range(N_STUDIES)]
        )
        for measure in MEASURES:
            row = {"effect": name, "measure": measure, "1": alone[measure].mean()}
            for n_sessions in SESSIONS:
                p = studies(table[measure].dropna().to_numpy(), n_sessions, rng)
                row[str(n_sessions)] = float(np.mean(np.array(p) < ALPHA))
            rows.append(row)
        print(f"{name}: {time.process_time() - started:.0f} s of processor", flush=True)
    print("\nMean effects\n", pd.DataFrame(means).round(3).to_string(index=False))
    print("\nShare of studies with p < 0.05, by number of sessions\n")
    print(pd.DataFrame(rows).round(2).to_string(index=False))


if __name__ == "__main__":
    main()
