"""
How often the answer claims something of recordings in which there is nothing.

    flock /tmp/heavy.lock nice python docs/measurements/answer_calibration.py --runs 200

Simulates independent Poisson trains of unequal rates with a slow behaviour that has nothing to do
with them, analyses each, links the behaviour, and reads the claims of ``te.answer``.  The share of
runs that claim a change or a link is to be 5 % with a standard error of 1.5 %.  ``--wave`` lets
all rates follow a slow wave.  Claims rest on two tests, the orders of windows and the decoding of a
behaviour.  Only these are computed, the latter by spectral coordinates.  ``--model`` analyses as
the command does, and decodes by the model, fitted in every fold.
"""

from __future__ import annotations

import argparse
import warnings
from collections.abc import Sequence
from dataclasses import replace

import neo
import numpy as np
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.connectivity.network import compute_graphs
from tavrnn_ephys.results.answer.judging import claims_of
from tavrnn_ephys.statistics.association.order import order_in_time
from tavrnn_ephys.studies.analysis import AnalysisResult
from tavrnn_ephys.studies.answering import answer_tables
from tavrnn_ephys.studies.behavior.decoding import decoded
from tavrnn_ephys.studies.behavior.scores import components_of
from tavrnn_ephys.studies.recording import behavior_of, open_block


def noise_block(seed: int, *, n_nodes: int, duration_s: float, wave: float):
    """Independent trains; ``wave`` is the depth of a shared wave of rate of 40 s."""
    rng = np.random.default_rng(seed)
    trains = []
    for rate in rng.lognormal(np.log(4.0), 0.8, n_nodes).clip(0.3, 30.0):
        times = np.sort(rng.uniform(0, duration_s, rng.poisson(2 * rate * duration_s)))
        kept = rng.random(len(times)) < 0.5 * (1.0 + wave * np.sin(2 * np.pi * times / 40.0))
        trains.append(times[kept])
    block = te.block_from_arrays(spike_times=trains, t_stop=duration_s * pq.s)
    return block, slow_behavior(rng, duration_s)


def slow_behavior(rng: np.random.Generator, duration_s: float) -> np.ndarray:
    """A first-order autoregressive signal at 1 Hz with a memory of five seconds."""
    values = np.zeros(int(duration_s) + 1)
    for index in range(1, len(values)):
        values[index] = np.exp(-1 / 5.0) * values[index - 1] + rng.normal()
    return values


def tables_of_run(seed: int, options: argparse.Namespace) -> dict:
    """The two tables that claims rest on."""
    block, values = noise_block(
        seed, n_nodes=options.nodes, duration_s=options.duration, wave=options.wave
    )
    signal = neo.AnalogSignal(
        values[:, None] * pq.dimensionless, sampling_rate=1.0 * pq.Hz, name="behavior"
    )
    signal.annotate(role="behavior")
    block.segments[0].analogsignals.append(signal)
    config = te.AnalysisConfig(
        bin_size_s=0.02, window_length_s=4.0, step_s=2.0, training_epochs=1, seed=seed
    )
    behavior = te.BehaviorConfig(
        behavior="behavior", seed=seed, n_shuffles=19, model_in_folds=options.model
    )
    if options.model:
        result = te.analyze(block, config)
        return answer_tables(replace(result, behavior=te.analyze_behavior(block, result, behavior)))
    recording = open_block(block, config.windows)
    about = config.connectivity, config.graphs
    connectivity, graphs = compute_graphs(recording.activity, recording.windows, *about)
    result = AnalysisResult(
        config=config, activity=recording.activity, windows=recording.windows,
        connectivity=connectivity, graphs=graphs, model=None, embedding=None,
    )  # fmt: skip
    asked = behavior_of(block.segments[0], recording.windows, behavior.spec)
    return {
        "change_network": order_in_time(connectivity, seed=seed).network,
        "behavior_decoding": decoded(result, asked, components_of(asked), behavior)[0],
    }


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the shares every twenty runs, and at the end."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--runs", type=int, default=200)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--nodes", type=int, default=16)
    parser.add_argument("--duration", type=float, default=240.0)
    parser.add_argument("--wave", type=float, default=0.0)
    parser.add_argument("--model", action="store_true")
    options = parser.parse_args(arguments)
    claimed = np.zeros((options.runs, 2), dtype=bool)
    for index in range(options.runs):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            claims = claims_of(tables_of_run(options.first + index, options))
        claimed[index] = claims.changed, claims.goes_with_behavior
        if (index + 1) % 20 == 0 or index + 1 == options.runs:
            done = claimed[: index + 1]
            print(
                f"{index + 1} runs: changed {done[:, 0].mean():.3f}, goes with behaviour "
                f"{done[:, 1].mean():.3f}, either {done.any(axis=1).mean():.3f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
