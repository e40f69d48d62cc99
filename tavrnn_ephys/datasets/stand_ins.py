"""Simulations that stand in for recordings that cannot be had."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from tavrnn_ephys.core.checks import whole_number
from tavrnn_ephys.datasets.culture import simulate_culture
from tavrnn_ephys.datasets.registry import dataset
from tavrnn_ephys.datasets.simulated import calcium_traces
from tavrnn_ephys.io.blocks import block_from_arrays

if TYPE_CHECKING:
    import neo

__all__ = ["simulated_stand_in"]

_TRACK_M, _LAP_S, _REST_S = 1.6, 3.0, 1.5
_WELLS = [f"{row}{column}" for row in "ABC" for column in range(1, 5)]


def simulated_stand_in(name: str, *, seed: int = 0) -> neo.Block:
    """
    Simulate a recording of the kind of a data set.

    Parameters
    ----------
    name : str
        Name of the data set.
    seed : int
        Seed.

    Returns
    -------
    neo.Block
        A culture that switches between two couplings; the same seen through calcium; several
        cultures in wells; or place cells of a rat on a track.  ``block.description`` says that
        it is simulated, and ``block.annotations["stand_in"]`` is true.

    Raises
    ------
    InputError
        If there is no data set of this name.

    Examples
    --------
    >>> block = simulated_stand_in("rat-hippocampus-hc11", seed=1)
    >>> block.annotations["stand_in"], len(block.segments[0].spiketrains)
    (True, 120)
    >>> print(block.description)
    SIMULATED STAND-IN for 'rat-hippocampus-hc11': nothing in it was recorded.
    """
    kind = dataset(name).stand_in
    block = _MAKERS[kind](whole_number(seed, "seed"))
    block.description = f"SIMULATED STAND-IN for '{name}': nothing in it was recorded."
    block.annotate(stand_in=True)
    return block


def _culture(seed: int) -> neo.Block:
    import quantities as pq

    return simulate_culture(n_nodes=40, duration=150 * pq.s, dwell=8 * pq.s, seed=seed)


def _calcium(seed: int) -> neo.Block:
    import quantities as pq

    culture = simulate_culture(
        n_nodes=43, duration=359.7 * pq.s, dwell=20 * pq.s, mean_rate_hz=0.5, seed=seed
    )
    return calcium_traces(culture, frame_rate_hz=10.0, decay=500 * pq.ms, noise=0.15, seed=seed)


def _track(seed: int) -> neo.Block:
    """Simulate a rat that runs to and fro, rests at the ends, and has 120 place cells."""
    import quantities as pq

    rng = np.random.default_rng(seed)
    bin_s, n_laps, n_units = 0.025, 84, 120
    run = np.linspace(0.0, 1.0, round(_LAP_S / bin_s), endpoint=False)
    rest = round(_REST_S / bin_s)
    there = np.concatenate([np.zeros(rest), 0.5 * (1 - np.cos(np.pi * run))])
    laps = [there if lap % 2 == 0 else 1.0 - there for lap in range(n_laps)]
    position = _TRACK_M * np.concatenate(laps)
    speed = np.gradient(position, bin_s)
    direction = np.sign(np.where(np.abs(speed) > 0.02, speed, 0.0))
    place = rng.uniform(0.0, _TRACK_M, n_units)
    likes = rng.choice([-1.0, 1.0], n_units)
    field = np.exp(-0.5 * np.square((position - place[:, None]) / 0.12))
    gain = np.where(direction == likes[:, None], 1.0, 0.25)
    rates = (
        rng.lognormal(-1.2, 0.6, (n_units, 1)) + rng.gamma(2.0, 3.0, (n_units, 1)) * gain * field
    )
    return block_from_arrays(
        counts=rng.poisson(rates * bin_s),
        bin_size=bin_s * pq.s,
        node_ids=[f"u{index:03d}" for index in range(n_units)],
        behavior={"position": position * pq.m, "direction": direction},
        name="simulated rat on a track",
    )


def _wells(seed: int) -> neo.Block:
    """Simulate small cultures, every second of them coupled more strongly."""
    import quantities as pq

    times: list[Any] = []
    names: list[str] = []
    groups: list[str] = []
    for index, well in enumerate(_WELLS):
        culture = simulate_culture(
            n_nodes=20,
            duration=60 * pq.s,
            mean_rate_hz=5.0,
            coupled_fraction=0.1 if index % 2 else 0.5,
            seed=1000 * seed + index,
        )
        trains = culture.segments[0].spiketrains[:9]
        times += [np.asarray(train.rescale("s").magnitude) for train in trains]
        names += [f"{well}_{place // 3 + 1}{place % 3 + 1}" for place in range(len(trains))]
        groups += [well] * len(trains)
    return block_from_arrays(
        spike_times=times, t_stop=60 * pq.s, node_ids=names, node_kind="channel", groups=groups,
        name="simulated plate",
    )  # fmt: skip


_MAKERS = {"culture": _culture, "calcium": _calcium, "track": _track, "wells": _wells}
