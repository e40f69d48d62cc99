"""
Simulated studies of cultures that play: how often an effect is found, and one that is not there.

A study is twelve cultures.  Each gives one effect per measure: the Spearman correlation over
windows of the measure with the hits of the game, the mean rate of the window held constant; the
study is significant where the sign-flip test over cultures gives p < 0.05.  The embedding is the
spectral position of each node (``tavrnn_ephys.networks.placement.spectral_positions``), which
needs no
training: a study with TAVRNN in its place would take minutes.  Where all cultures are of one
kind, the share of significant studies is also given over 100 random regroupings of the simulated
cultures into studies, which leaves less to chance than one grouping.

    python docs/measurements/behavior_studies.py --studies 200
"""

import argparse
import itertools
import warnings
from dataclasses import dataclass

import numpy as np
import pandas as pd
import quantities as pq

from tavrnn_ephys.activity.behavior import GameEpisodes, game_measures
from tavrnn_ephys.activity.windows import sliding_windows
from tavrnn_ephys.connectivity import compute_connectivity
from tavrnn_ephys.connectivity.surrogates import shuffle_bins_within_windows
from tavrnn_ephys.core.containers import BinnedActivity
from tavrnn_ephys.core.errors import DataLossWarning
from tavrnn_ephys.datasets.game import GameConfig, SimulatedGame, play_game
from tavrnn_ephys.networks.alignment import group_alignment
from tavrnn_ephys.networks.placement import spectral_positions
from tavrnn_ephys.statistics.across_cultures import sign_flip_p_value
from tavrnn_ephys.statistics.association import (
    associate,
    associate_distances,
    associate_edges,
    rate_covariates,
)

N_CULTURES, N_NODES = 12, 40
BIN_S, WINDOW_S, STEP_S = 0.01, 10.0, 5.0
SKILL_TIME_S = 15.0
ALPHA = 0.05
MEASURES = ("silhouette", "group_accuracy", "similarity", "mean_abs_r")


@dataclass(frozen=True, kw_only=True)
class Culture:
    """Effects of one culture, and p-values of its own time-shift tests."""

    effects: dict[str, float]
    p_values: dict[str, float]


def binned(game: SimulatedGame) -> BinnedActivity:
    n_bins = round(game.duration_s / BIN_S)
    bins = np.minimum((game.times_s / BIN_S).astype(np.int64), n_bins - 1)
    flat = np.bincount(game.sources * n_bins + bins, minlength=len(game.nodes) * n_bins)
    values = flat.reshape(len(game.nodes), n_bins)
    return BinnedActivity(values=values, bin_size_s=BIN_S, nodes=game.nodes)


def measures_of(connectivity) -> pd.DataFrame:
    positions = spectral_positions(connectivity)
    table = pd.DataFrame(group_alignment(positions, n_shuffles=0).observed)
    off = ~np.eye(connectivity.n_nodes, dtype=bool)
    table["mean_abs_r"] = np.abs(connectivity.weights[:, off]).mean(axis=1)
    return table


def one_culture(
    config: GameConfig, seed: int, *, shuffled: bool = False, thorough: bool = False
) -> Culture:
    """
    Simulate a culture and correlate.

    With ``shuffled`` also after bins were shuffled, with ``thorough`` also edges and distances.
    """
    game = play_game(config, nodes=N_NODES, seed=seed)
    activity = binned(game)
    windows = sliding_windows(activity, window_length=WINDOW_S * pq.s, step=STEP_S * pq.s)
    episodes = GameEpisodes.from_events(game.hits_s, game.misses_s, t_start_s=0.0)
    hits = game_measures(windows, episodes)["hits"].to_numpy()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataLossWarning)
        connectivity = compute_connectivity(activity, windows)
        table = measures_of(connectivity)
        rates = rate_covariates(connectivity.mean_activity)
        held = associate(table, hits, covariates=rates, n_nulls=199, seed=seed)
        plain = associate(table[["mean_abs_r"]], hits, null="phase", n_nulls=19, seed=seed)
        effects = {f"{name} | rates": held["correlation"][name] for name in MEASURES}
        effects["mean_abs_r"] = plain["correlation"]["mean_abs_r"]
        p_values = {f"{name} | rates": held["p_value"][name] for name in MEASURES}
        if thorough:
            edges = associate_edges(connectivity, hits, seed=seed)
            p_values["any edge, q"] = edges["q_value"].min()
            p_values["any edge, family"] = edges["p_family"].min()
            p_values["distances | rates"] = associate_distances(
                spectral_positions(connectivity).window_embedding(), hits, covariates=rates,
                overlap=windows.overlap, seed=seed,
            ).p_value  # fmt: skip
        if shuffled:
            control = shuffle_bins_within_windows(activity, windows.select(slice(None, None, 2)),
                                                  seed=seed)  # fmt: skip
            every = windows.select(slice(None, None, 2))
            lost = measures_of(compute_connectivity(control, every))
            r = associate(lost, hits[::2], null="phase", n_nulls=19, seed=seed)
            effects["mean_abs_r, bins shuffled"] = r["correlation"]["mean_abs_r"]
            effects["group_accuracy, bins shuffled"] = r["correlation"]["group_accuracy"]
    return Culture(effects=effects, p_values=p_values)


def study(configs: list[GameConfig], seed: int, **options) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Effects of each culture, and the p-values of its own tests."""
    cultures = [
        one_culture(config, 1000 * seed + index, **options) for index, config in enumerate(configs)
    ]
    effects = pd.DataFrame([culture.effects for culture in cultures])
    return effects, pd.DataFrame([culture.p_values for culture in cultures])


def over_cultures(effects: pd.DataFrame, seed: int = 0) -> pd.Series:
    """P-value of each effect over cultures."""
    return effects.apply(lambda column: sign_flip_p_value(column.to_numpy(), seed=seed))


def regrouped(effects: pd.DataFrame, n_regroupings: int = 100) -> pd.Series:
    """Share of significant studies when cultures are dealt out to studies anew, at random."""
    rng = np.random.default_rng(0)
    signs = np.array(list(itertools.product((1.0, -1.0), repeat=N_CULTURES - 1)))
    signs = np.column_stack([np.ones(len(signs)), signs])
    values = effects.to_numpy()
    shares = []
    for _ in range(n_regroupings):
        order = rng.permutation(len(values))
        studies = values[order].reshape(-1, N_CULTURES, values.shape[1])
        sums = np.abs(np.einsum("fc,scm->sfm", signs, studies))
        p_values = np.mean(sums >= sums[:, :1] - 1e-12, axis=1)
        shares.append((p_values < ALPHA).mean(axis=0))
    return pd.Series(np.mean(shares, axis=0), index=effects.columns)


def condition(effect: str, n_with: int, size: float = 1.0, **changes) -> list[GameConfig]:
    """Twelve cultures, so many of them with the effect, the others with wandering coupling."""
    base = {"skill_time_s": SKILL_TIME_S, **changes}
    having = GameConfig(effect=effect, effect_size=size, **base)
    lacking = GameConfig(effect="independent", effect_size=size, **base)
    return [having] * n_with + [lacking] * (N_CULTURES - n_with)


CONDITIONS = {
    "8 of 12 cultures with the effect": condition("alignment", 8),
    "8 of 12, half as strong": condition("alignment", 8, 0.5),
    "8 of 12, a quarter as strong": condition("alignment", 8, 0.25),
    "no effect: coupling wanders on its own": condition("independent", 12),
    "no effect, performance slower (60 s)": condition("independent", 12, skill_time_s=60.0),
    "rates alone follow, nothing is coupled": condition(
        "rate", 12, coupled_fraction=0.0, mean_rate_hz=2.0
    ),
    "rates alone follow, constant coupling": condition("rate", 12, mean_rate_hz=2.0),
}


def report(name: str, configs: list[GameConfig], n_studies: int, first_seed: int) -> None:
    found = [
        study(configs, first_seed + index, shuffled=configs[0].effect == "rate",
              thorough=index < n_studies // 4)
        for index in range(n_studies)
    ]  # fmt: skip
    over = pd.DataFrame([over_cultures(effects) for effects, _ in found]) < ALPHA
    every = pd.concat([effects for effects, _ in found], ignore_index=True)
    single = pd.concat([p_values for _, p_values in found])
    print(f"\n{name}: {n_studies} studies of {len(configs)} cultures")
    again = regrouped(every) if len(set(configs)) == 1 else None
    for measure, share in over.mean().items():
        more = "" if again is None else f"; {again[measure]:.3f} when regrouped"
        mean = f"mean r {every[measure].mean():+.3f}"
        print(f"  {measure:<32} {share:6.3f} of studies, sign flips over cultures{more}; {mean}")
    for measure in single:
        known = single[measure].dropna()
        share = (known < ALPHA).mean()
        print(f"  {measure:<32} {share:6.3f} of {len(known)} cultures, shifts in time", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--studies", type=int, default=200)
    parser.add_argument("--power-studies", type=int, default=50)
    parser.add_argument("--only", default="", help="part of the name of a condition")
    options = parser.parse_args()
    for index, (name, configs) in enumerate(CONDITIONS.items()):
        if options.only in name:
            power = configs[0].effect == "alignment"
            n_studies = options.power_studies if power else options.studies
            report(name, configs, n_studies, 1000 * index)


if __name__ == "__main__":
    main()
