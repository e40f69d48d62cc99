"""
How often comparisons of groups and conditions find what is not there.

``python docs/measurements/groups_null.py --studies 400`` makes studies without any effect and
counts how many have p of at most 0.05.  Cultures differ from each other (standard deviation 1, as
large as what differs between recordings of one culture).  Mixed model: 10 cultures of two lines
under three drugs.  Permutation: the same over cultures and within them.  Network-based statistic:
20 nodes, 8 and 8 cultures, or 10 cultures under two conditions, weights of a node resembling each
other; edges beyond t = 1.5; 199 arrangements.

What a permutation test can give is p = (b + 1) / (n + 1), and it is exact for "at most": of 199
arrangements 10 of 200 values are at most 0.05, and 9 below it.  Two further steps are coarse by
construction and make the test find less than 5 %, never more.  All 126 divisions of 10 cultures
into halves give 6 / 126 = 4.8 %.  Numbers of edges are whole: where sets are small, many
arrangements tie, and a tie counts against the finding.  At t = 1.5 the largest set has 30 edges on
average, and ties take 0.4 %; at t = 2.5 it has 4, and they take 0.9 %.

Every test has data of its own, and arrangements are drawn from another stream than the data.
"""

from __future__ import annotations

import argparse

import numpy as np
import pandas as pd
from scipy.stats import binom

import tavrnn_ephys as te

_DRUGS = ("none", "low", "high")
_N_NODES = 20


def study(rng, n_cultures=10):
    """Cultures of two lines, each under three drugs; nothing differs but cultures."""
    level = rng.normal(size=n_cultures)
    rows = [
        {"culture": f"c{index}", "line": "AB"[index % 2], "drug": drug,
         "density": level[index] + rng.normal()}
        for index in range(n_cultures)
        for drug in _DRUGS
    ]  # fmt: skip
    return pd.DataFrame(rows)


def networks(rng, n_recordings):
    """Weights that share a part for each node, as those of active and silent nodes do."""
    of_node = rng.normal(size=(n_recordings, _N_NODES))
    noise = rng.normal(size=(n_recordings, _N_NODES, _N_NODES))
    return of_node[:, :, np.newaxis] + of_node[:, np.newaxis] + noise + noise.swapaxes(1, 2)


def mixed(rng):
    table = te.mixed_effects(study(rng), ["density"], culture="culture", factors=["drug", "line"])
    return dict(zip("mixed model: " + table["term"], table["p_value"], strict=True))


def permuted(rng, seed):
    found = {}
    options = {"culture": "culture", "n_permutations": 999, "seed": seed}
    within = te.condition_effects(study(rng), ["density"], condition="drug", **options)
    between = te.condition_effects(study(rng), ["density"], condition="line", **options)
    found["permutation within cultures"] = within["p_value"].iloc[0]
    found["permutation over cultures"] = between["p_value"].iloc[0]
    return found


def based(rng, seed):
    found = {}
    for size in ("extent", "intensity"):
        options = {"threshold": 1.5, "size": size, "n_permutations": 199, "seed": seed}
        two = te.network_based_statistic(networks(rng, 16), ["a"] * 8 + ["b"] * 8, **options)
        shared = np.repeat(networks(rng, 10), 2, axis=0)
        one = te.network_based_statistic(
            shared + networks(rng, 20), ["a", "b"] * 10, cultures=np.repeat(range(10), 2), **options
        )
        found[f"network-based statistic, {size}, over cultures"] = two.p_value
        found[f"network-based statistic, {size}, within cultures"] = one.p_value
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--studies", type=int, default=400)
    parser.add_argument("--first-seed", type=int, default=0)
    given = parser.parse_args()
    rows = []
    for seed in range(given.first_seed, given.first_seed + given.studies):
        data = [np.random.default_rng([seed, test]) for test in range(3)]
        drawn = int(np.random.SeedSequence([seed, 3]).generate_state(1)[0])
        rows.append({**mixed(data[0]), **permuted(data[1], drawn), **based(data[2], drawn)})
    low, high = binom.interval(0.95, given.studies, 0.05)
    table = pd.DataFrame(rows)
    print(f"{given.studies} studies; 95 % of chance: {low / given.studies:.3f} to "
          f"{high / given.studies:.3f}")  # fmt: skip
    for name, p_values in table.items():
        # A multiple of 1/200 is its neighbour in the last bit.
        print(f"{name:<55}{(p_values <= 0.05 + 1e-12).mean():.4f}")


if __name__ == "__main__":
    main()
