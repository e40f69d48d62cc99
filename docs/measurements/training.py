"""
Time a training step against a straightforward implementation.

Run ``python docs/measurements/training.py``.  Ratios in one process on one thread, medians of
interleaved repetitions; sizes R, D4 and D2 are those of the rat and of the DishBrain recordings
in the paper.
"""

import argparse
import resource
import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch

from tavrnn_ephys.methods.tavrnn.inputs import build_network, fit_basis, window_inputs
from tavrnn_ephys.methods.tavrnn.nn.options import options_for
from tests.random_graphs import random_graphs
from tests.straightforward_tavrnn import StraightforwardTavrnn, plain_windows

SIZES = {
    "R": (85, 120, 0.73),
    "D4": (19, 900, 0.105),
    "D2": (19, 900, 0.231),
    "N3000": (3, 2999, 0.10),
}


def seconds(function, *arguments):
    """Processor time: with one thread, what a clock shows on an idle machine."""
    start = time.process_time()
    function(*arguments)
    return time.process_time() - start


def matrix_product_peak():
    """Best of ten products of 1024 x 1024 matrices, in floating-point operations per second."""
    a = torch.randn(1024, 1024)
    return max(2 * 1024**3 / seconds(lambda: a @ a) for _ in range(10))


def prepared(size, profile):
    """Build a network for random graphs of a size, with its windows and noise."""
    n_windows, n_nodes, density = size
    graphs = random_graphs(n_windows=n_windows, n_nodes=n_nodes, density=density)
    options = options_for(profile)
    basis = fit_basis([graphs], options)
    torch.manual_seed(0)
    network = build_network([graphs], options, basis)
    windows = window_inputs(graphs, options, basis, device=torch.device("cpu"))
    noise = torch.randn(n_windows, graphs.n_vertices, options.latent_size)
    return network, windows, noise, (graphs, basis)


def build(name, profile):
    network, windows, noise, (graphs, basis) = prepared(SIZES[name], profile)
    signed = network.options.propagation == "signed"
    plain = plain_windows(graphs, windows, signed=signed)
    other = StraightforwardTavrnn.like(network, plain, variance=basis.variance)

    def ours(train=True):
        output, _ = network(windows, network.initial_state(), noise)
        if train:
            network.zero_grad()
            network.loss_terms(windows, output)["loss"].backward()

    def theirs(train=True):
        loss, _ = other(plain, noise)
        if train:
            other.zero_grad()
            loss.backward()

    return ours, theirs


def flops_of_propagation(name):
    """Dense products with the normalised adjacency in one training step, forward and backward."""
    n_windows, n_nodes, _ = SIZES[name]
    return n_windows * 2 * 2 * (n_nodes + 1) ** 2 * 5 * 32


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("sizes", nargs="*", default=list(SIZES))
    parser.add_argument("--repetitions", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    peak = matrix_product_peak()
    print(f"matrix-product peak {peak / 1e9:.0f} GFLOP/s, torch {torch.__version__}, one thread")
    for name in arguments.sizes:
        for profile in ("paper", "recurrent"):
            ours, theirs = build(name, profile)
            n = arguments.repetitions if name != "N3000" else min(3, arguments.repetitions)
            ours(), theirs()
            pairs = [(seconds(ours), seconds(theirs)) for _ in range(n)]
            ratio = statistics.median(b / a for a, b in pairs)
            step = statistics.median(a for a, _ in pairs)
            with torch.no_grad():
                passes = [(seconds(ours, False), seconds(theirs, False)) for _ in range(n)]
            inference = statistics.median(b / a for a, b in passes)
            share = flops_of_propagation(name) / step / peak
            memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
            print(
                f"{name:6} {profile:9} step {step:8.4f} s, x{ratio:5.1f} faster; inference "
                f"x{inference:5.1f}; {share:4.0%} of peak; {memory:6.0f} MB of the process so far",
                flush=True,
            )


if __name__ == "__main__":
    main()
