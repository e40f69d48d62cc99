"""
How often a trigger fires by chance, and how late it is, on simulated cultures.

    python docs/measurements/triggers.py                          # the table of the documentation
    python docs/measurements/triggers.py --cultures 1 --shifts 10 # a quick look

Each culture switches between two couplings at equal rates.  A model and a decoder of the aligned
state are fitted to the first half of its recording; the rest is streamed, every bin of it embedded.

False alarms: the decoder is fitted again to labels that were shifted along the recording, and its
calibrated threshold is held against windows of the second half that bear the other label.  Delay:
from each true change into the state to the first update above the threshold.  The offline filter
knows the true couplings, and takes half-second windows of the same spikes; its threshold is
calibrated to the same share of false alarms.
"""

from __future__ import annotations

import argparse
import sys
import warnings
from dataclasses import dataclass, field

import numpy as np
import quantities as pq
import torch

import tavrnn_ephys as te
from tavrnn_ephys.streaming import StateDecoder
from tavrnn_ephys.studies.benchmark.oracle import with_oracle

BIN_S, WINDOW_S, STEP_S, DWELL_S = 0.05, 4.0, 1.0, 12.0
FILTER_S, SHARE, GAP = 0.5, 0.05, 8
TRAINING, LEAD_S = 1 / 2, 30.0
LIMITS = (0.03, 0.07)


@dataclass
class Found:
    """Delays of all changes, NaN where one was missed, and shares of false alarms."""

    stream_s: list[float] = field(default_factory=list)
    filter_s: list[float] = field(default_factory=list)
    alarms: list[float] = field(default_factory=list)
    shifted: list[float] = field(default_factory=list)


def fitted(block, seconds, epochs):
    """Fit a model to the first part, and embed all windows of the recording."""
    activity = te.bin_activity(block.segments[0], bin_size=BIN_S * pq.s)
    windows = te.sliding_windows(activity, window_length=WINDOW_S * pq.s, step=STEP_S * pq.s)
    graphs = te.build_graphs(te.compute_connectivity(activity, windows), threshold=0.0)
    early = np.flatnonzero(windows.stop_s <= TRAINING * seconds)
    options = {"attention_width": 4}
    model = te.TAVRNN(profile="recurrent", training_epochs=epochs, seed=0, options=options)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        model.fit(graphs.select(early))
        embedding = model.transform(graphs)
    return model, activity, embedding, early


def delays(truth, times_s, is_above, start_s, state):
    """Time from each change into a state to the first update above the threshold within it."""
    found = []
    for begin, end, now in zip(truth.switch_s, truth.switch_s[1:], truth.states, strict=False):
        if now == state and begin > start_s:
            first = np.flatnonzero((times_s > begin) & (times_s <= end) & is_above)
            found.append(times_s[first[0]] - begin if len(first) else np.nan)
    return found


def of_filter(block, truth, seconds, state):
    """Log odds of the state at the end of half-second windows, from all spikes so far."""
    starts = np.arange(0, seconds - FILTER_S + 1e-9, FILTER_S)
    windows = te.Windows(start_s=starts, stop_s=starts + FILTER_S)
    stay = 1.0 - FILTER_S / DWELL_S
    told = with_oracle(windows, block, truth.coupling, truth.rates_hz, stay=stay)
    odds = np.asarray(told.columns["oracle_filtered_0"])
    return windows.stop_s, odds if state == 1 else -odds


def one_culture(seed, seconds, n_nodes, epochs, n_shifts, found):
    """Add what one culture tells."""
    block = te.simulate_culture(
        n_nodes=n_nodes, duration=seconds * pq.s, dwell=DWELL_S * pq.s, mean_rate_hz=10.0,
        coupled_fraction=0.4, seed=seed,
    )  # fmt: skip
    truth, border = te.culture_truth(block), TRAINING * seconds
    model, activity, embedding, early = fitted(block, seconds, epochs)
    middle = (embedding.windows.start_s + embedding.windows.stop_s) / 2
    labels, values = truth.state_at(middle), np.asarray(embedding.mean, np.float64)
    decoder = StateDecoder.fit(values[early], labels[early], 1, gap=GAP, false_alarms=SHARE)

    stream, times, scores = te.Stream(model, provisional=True), [], []
    # What attention and recurrence remember is filled before the last part begins.
    for update in stream.run(te.sources.replay(activity, start_s=border - LEAD_S)):
        times.append(update.t_stop_s)
        scores.append(decoder.score(update.embedding))
    times, above = np.array(times), np.array(scores) > decoder.threshold
    found.stream_s += delays(truth, times, above, border, 1)
    # A window that lies wholly outside the state can only alarm falsely.
    outside = (truth.state_at(times - WINDOW_S) == 0) & (truth.state_at(times) == 0)
    found.alarms.append(above[outside & (times > border)].mean())

    ends, odds = of_filter(block, truth, seconds, 1)
    calm = (truth.state_at(ends - 0.01) == 0) & (truth.state_at(ends - WINDOW_S) == 0)
    least = np.quantile(odds[calm & (ends <= border)], 1.0 - SHARE)
    found.filter_s += delays(truth, ends, odds > least, border, 1)

    rng = np.random.default_rng(seed)
    late = np.setdiff1d(np.arange(len(labels)), early)[round(WINDOW_S / STEP_S) :]
    farthest = len(labels) - round(4 * DWELL_S / STEP_S)
    for shift in rng.integers(len(labels) - farthest, farthest, n_shifts):
        moved = np.roll(labels, shift)
        again = StateDecoder.fit(values[early], moved[early], 1, gap=GAP, false_alarms=SHARE)
        margins = np.tensordot(values[late], again.weights, 2) + again.offset
        alarms = 1.0 / (1.0 + np.exp(-margins)) > again.threshold
        found.shifted.append(alarms[moved[late] == 0].mean())


def measure(n_cultures, n_shifts, *, seconds=1200.0, n_nodes=20, epochs=5):
    """Gather what all cultures tell."""
    found = Found()
    for seed in range(n_cultures):
        one_culture(seed, seconds, n_nodes, epochs, n_shifts, found)
        print(f"culture {seed + 1} of {n_cultures}", file=sys.stderr, flush=True)
    return found


def main():
    """Print the table; status 1 where false alarms leave 5 ± 2 %."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cultures", type=int, default=4)
    parser.add_argument("--shifts", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=1200.0)
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    found = measure(chosen.cultures, chosen.shifts, seconds=chosen.seconds)
    rate, low, high = np.mean(found.shifted), *np.percentile(found.shifted, [5, 95])
    print(
        f"False alarms on shifted labels: {100 * rate:.1f} % over {len(found.shifted)} runs "
        f"(5 to 95 % of runs: {100 * low:.1f} to {100 * high:.1f} %)"
    )
    print(f"False alarms on true labels: {100 * np.mean(found.alarms):.1f} % of updates")
    for name, values in (("Stream", found.stream_s), ("Offline filter", found.filter_s)):
        seen = np.isfinite(values)
        print(
            f"{name}: {seen.sum()} of {len(values)} changes found, median delay "
            f"{np.nanmedian(values):.2f} s"
        )
    is_kept = LIMITS[0] <= rate <= LIMITS[1]
    print("Kept: 5 ± 2 %." if is_kept else "NOT kept: 5 ± 2 %.")
    return 0 if is_kept else 1


if __name__ == "__main__":
    raise SystemExit(main())
