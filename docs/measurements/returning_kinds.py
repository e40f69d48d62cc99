"""
Picture of kinds of windows that return: the rat's position by kind, and what windows attend to.

    python docs/measurements/returning_kinds.py --data DIR --out docs/images/returning_kinds.png
"""

from __future__ import annotations

import argparse
import os
import warnings
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
from real_benchmark import hc11_position

import tavrnn_ephys as te
from tavrnn_ephys.connectivity import compute_connectivity
from tavrnn_ephys.connectivity.graphs import build_graphs
from tavrnn_ephys.connectivity.surrogates import shuffle_bins_within_windows
from tavrnn_ephys.figures import plot_attention_back


def fitted(activity, windows):
    """A fit of the correlations in windows, and their graphs."""
    graphs = build_graphs(compute_connectivity(activity, windows), features="identity")
    return te.TAVRNN(latent_size=8).fit(graphs), graphs


def main() -> None:
    """Fit the recording, and draw."""
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n")[0])
    parser.add_argument("--data", default=os.environ.get("TAVRNN_EPHYS_DATA"), help="recordings")
    parser.add_argument("--out", required=True, help="the picture")
    options = parser.parse_args()
    if options.data is None:
        parser.error("name the folder of recordings: --data DIR, or set TAVRNN_EPHYS_DATA")
    warnings.simplefilter("ignore")
    task = hc11_position(Path(options.data), "")
    activity, windows = task["activity"], task["windows"]
    shuffled = shuffle_bins_within_windows(activity, windows, seed=0)
    (model, graphs), (control, _) = (fitted(item, windows) for item in (activity, shuffled))
    chance = control.returning_kinds()
    print(f"bins shuffled: {'no' if chance.kinds is None else chance.n_kinds} kinds")
    judged, kinds = model.returning_kinds(), model.kinds_of_windows(graphs).argmax(axis=1)
    print(
        f"{judged.n_kinds} kinds, gain {judged.gain:.2f} ± {judged.gain_error:.2f} nats per window"
    )
    position, start_s = task["behavior"], windows.start_s
    names, counts = np.unique(kinds, return_counts=True)
    within = sum(
        position[kinds == name].var() * count for name, count in zip(names, counts, strict=True)
    )
    print(f"kinds explain {1 - within / (position.var() * len(position)):.2f} of the position")
    figure, (above, below) = plt.subplots(
        2, 1, figsize=(9, 7), height_ratios=(2, 3), layout="constrained"
    )
    order = np.argsort([position[kinds == name].mean() for name in names])
    for rank, name in enumerate(names[order]):
        here = kinds == name
        above.scatter(
            start_s[here], position[here], s=14, color=plt.colormaps["turbo"](rank / len(names))
        )
    above.set_xlabel("time (s)")
    above.set_ylabel("position (m), by kind")
    above.set_xlim(start_s[0], start_s[-1])
    plot_attention_back(model.transform(graphs), ax=below)
    figure.savefig(options.out, dpi=110)


if __name__ == "__main__":
    main()
