"""
How often the number of network states is right, and how well their times are found.

``python docs/measurements/network_states.py --runs 10 --null-runs 100`` simulates cultures of 40
channels and 300 s at equal rates, with one, two and three couplings, independent trains (no
coupling), and cultures whose bins are shuffled within windows.  Windows last 2 s and do not
overlap.  Columns: runs in which each number of states was found; median agreement with the true
states (adjusted Rand index) of the hidden Markov model, of k-means on the same points with the true
number, and of an oracle that knows both couplings; median of found over true dwell time.

``--differences`` counts instead, of all pairs of nodes that set a state apart at q < 0.05, those
that no coupling joins in any state, and of the pairs whose coupling changes, those that are found.
"""

from __future__ import annotations

import argparse
import warnings
from collections import Counter

import numpy as np
import quantities as pq
from sklearn.metrics import adjusted_rand_score

import tavrnn_ephys as te

KINDS = {
    "two couplings": {"n_states": 2},
    "three couplings": {"n_states": 3},
    "one coupling": {"n_states": 1},
    "bins shuffled": {"n_states": 2},
    "independent trains": {"coupled_fraction": 0.0},
}
_LENGTH = 2 * pq.s


def recording(kind, seed, minutes=5):
    block = te.simulate_culture(n_nodes=40, duration=minutes * pq.min, seed=seed, **KINDS[kind])
    activity = te.bin_activity(block.segments[0], bin_size=10 * pq.ms)
    windows = te.sliding_windows(activity, window_length=_LENGTH, step=_LENGTH)
    if kind == "bins shuffled":
        activity = te.shuffle_bins_within_windows(activity, windows, seed=10_000 + seed)
    return te.culture_truth(block), activity, windows


def oracle(truth, connectivity):
    """State whose true couplings the weights of a window resemble most."""
    rates = np.sqrt(np.outer(truth.rates_hz, truth.rates_hz))
    rows, columns = np.triu_indices(connectivity.n_nodes, 1)
    wanted = []
    for coupling in truth.coupling:
        caused = coupling * truth.rates_hz[np.newaxis, :]
        wanted.append(((caused + caused.T) / rates)[rows, columns])
    wanted = np.array(wanted)
    weights = np.nan_to_num(connectivity.weights[:, rows, columns])
    # Equal noise in every pair: the nearest template, after its own best scale.
    scale = (weights.mean(axis=0) @ wanted.mean(axis=0)) / np.square(wanted.mean(axis=0)).sum()
    distance = np.square(weights[:, np.newaxis] - scale * wanted).sum(axis=2)
    return distance.argmin(axis=1)


def one(kind, seed, surrogates):
    truth, activity, windows = recording(kind, seed)
    connectivity = te.compute_connectivity(activity, windows)
    null = [
        te.compute_connectivity(
            te.shuffle_bins_within_windows(activity, windows, seed=draw), windows
        )
        for draw in range(19 if surrogates else 0)
    ]
    found = te.network_states(connectivity, surrogates=null)
    true = truth.state_at((windows.start_s + windows.stop_s) / 2)
    n_true = len(np.unique(true))
    if kind in ("bins shuffled", "independent trains") or n_true == 1:
        return found.n_states, np.nan, np.nan, np.nan, np.nan
    means = te.network_states(connectivity, n_states=n_true, method="kmeans")
    stays = np.diff(truth.switch_s)
    return (
        found.n_states,
        adjusted_rand_score(true, found.labels),
        adjusted_rand_score(true, means.labels),
        adjusted_rand_score(true, oracle(truth, connectivity)),
        np.nanmean(found.durations.table["dwell_s"]) / stays.mean(),
    )


def differences(kind, seed):
    """Pairs found, those that nothing couples, and share of changing pairs that is found."""
    truth, activity, windows = recording(kind, seed)
    connectivity = te.compute_connectivity(activity, windows)
    null = [
        te.compute_connectivity(
            te.shuffle_bins_within_windows(activity, windows, seed=draw), windows
        )
        for draw in range(19)
    ]
    states = te.network_states(connectivity, surrogates=null)
    table = te.state_differences(connectivity, states, surrogates=null).pairs
    rows, columns = np.triu_indices(connectivity.n_nodes, 1)
    both = np.array([coupling + coupling.T for coupling in truth.coupling])[:, rows, columns]
    told = (table["q_value"] < 0.05).to_numpy().reshape(states.n_states, -1).any(axis=0)
    changes = np.ptp(both, axis=0) > 0
    return told.sum(), (told & ~both.any(axis=0)).sum(), told[changes].mean()


warnings.filterwarnings("ignore", category=te.DataLossWarning)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--null-runs", type=int, default=100)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="+", default=list(KINDS))
    parser.add_argument("--shifts", action="store_true", help="null by shifts of single pairs")
    parser.add_argument(
        "--differences", action="store_true", help="count pairs that are told apart"
    )
    given = parser.parse_args()
    if given.differences:
        for kind in given.kinds[:2]:
            seeds = range(given.first_seed, given.first_seed + given.runs)
            found = np.array([differences(kind, seed) for seed in seeds])
            total, false = found[:, 0].sum(), found[:, 1].sum()
            print(f"{kind:<20}{total:.0f} pairs found, {false / total:.3f} of them uncoupled, "
                  f"{found[:, 2].mean():.2f} of those that change", flush=True)  # fmt: skip
        return
    print(f"{'':<20}{'found':<28}{'HMM':>7}{'k-means':>9}{'oracle':>8}{'dwell':>7}")
    for kind in given.kinds:
        n_runs = given.null_runs if kind == "independent trains" else given.runs
        seeds = range(given.first_seed, given.first_seed + n_runs)
        rows = [one(kind, seed, not given.shifts) for seed in seeds]
        counts = sorted(Counter(row[0] for row in rows).items())
        text = ", ".join(f"{number} in {count}" for number, count in counts)
        middle = np.nanmedian([row[1:] for row in rows], axis=0) if rows[0][1] == rows[0][1] else []
        print(f"{kind:<20}{text:<28}" + "".join(f"{value:>8.2f}" for value in middle), flush=True)


if __name__ == "__main__":
    main()
