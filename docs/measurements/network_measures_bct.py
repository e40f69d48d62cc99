"""
Network measures beside the Brain Connectivity Toolbox, which shares no code with them.

    pip install bctpy
    python docs/measurements/network_measures_bct.py
"""

import numpy as np

from tavrnn_ephys.connectivity import AbsoluteThreshold
from tavrnn_ephys.core.containers import ConnectivitySequence
from tavrnn_ephys.networks.measures import network_measures, node_measures


def main() -> None:
    import bct

    worst = dict.fromkeys(
        ("density", "clustering", "path_length", "efficiency", "betweenness", "participation",
         "modularity"), 0.0,
    )  # fmt: skip
    for seed in range(20):
        rng = np.random.default_rng(seed)
        upper = np.triu(rng.uniform(0.1, 1, (30, 30)) * (rng.random((30, 30)) < 0.25), 1)
        matrix = upper + upper.T
        sequence = ConnectivitySequence.from_array([matrix])
        everything = AbsoluteThreshold(value=0.0)
        found = network_measures(sequence, threshold=everything).iloc[0]
        nodes = node_measures(sequence, 0, threshold=everything)
        lengths = np.where(matrix > 0, 1 / np.where(matrix > 0, matrix, 1), 0)
        distance = bct.distance_wei(lengths)[0]
        between = distance[~np.eye(30, dtype=bool)]
        labels = nodes["community"].to_numpy() + 1
        strength = matrix.sum(axis=0)
        same = labels[:, None] == labels
        expected = np.outer(strength, strength) / strength.sum()
        pairs = {
            "density": (found["density"], bct.density_und(matrix)[0]),
            "clustering": (
                found["clustering"], bct.clustering_coef_wu(matrix / matrix.max()).mean()
            ),
            "path_length": (found["path_length"], between[np.isfinite(between)].mean()),
            "efficiency": (found["efficiency"], (1 / between).mean()),
            "betweenness": (
                nodes["betweenness"].to_numpy(), bct.betweenness_wei(lengths) / (29 * 28)
            ),
            "participation": (
                nodes["participation"].to_numpy(), bct.participation_coef(matrix, labels)
            ),
            "modularity": (
                found["modularity"], ((matrix - expected) * same).sum() / strength.sum()
            ),
        }  # fmt: skip
        for name, (ours, theirs) in pairs.items():
            worst[name] = max(worst[name], float(np.max(np.abs(np.subtract(ours, theirs)))))
    for name, difference in worst.items():
        print(f"{name:<14} largest difference over 20 graphs: {difference:.1e}")


if __name__ == "__main__":
    main()
