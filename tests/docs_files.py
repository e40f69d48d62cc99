"""Small recordings under the names that the how-to pages give to the user's own."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import h5py
import neo
import numpy as np
import quantities as pq
import scipy.io
import scipy.sparse

import tavrnn_ephys as te
from tests.adapters.made_files import mapping, spikes, well_of_maxwell, write_maxwell


def make_all(folder: Path) -> None:
    """Write every file that a page names."""
    rng = np.random.default_rng(0)
    _demo(folder / "demo")
    for day, n_nodes in (("day1", 20), ("day2", 20), ("day3", 22)):
        block = te.simulate_culture(n_nodes=n_nodes, duration=60 * pq.s, seed=int(day[-1]))
        te.write_nwb(block, folder / f"{day}.nwb")
    _matlab(folder, rng)
    _suite2p(folder / "plane0", rng)
    _caiman(folder / "analysis_results.hdf5", rng)
    _maxwell(folder / "data.raw.h5", rng)
    if find_spec("nixio") is not None:
        _nix(folder / "session.nix", rng)


def _nix(path: Path, rng: np.random.Generator) -> None:
    block, segment = neo.Block(), neo.Segment()
    for _ in range(6):
        times = np.sort(rng.uniform(0, 60, 200))
        segment.spiketrains.append(neo.SpikeTrain(times * pq.s, t_stop=60 * pq.s))
    block.segments.append(segment)
    with neo.NixIO(str(path), mode="ow") as file:
        file.write_block(block)


def _demo(folder: Path) -> None:
    folder.mkdir()
    block = te.simulate_culture(n_nodes=20, duration=120 * pq.s, dwell=8 * pq.s, seed=0)
    recording = te.write_nwb(block, folder / "culture.nwb")
    config = te.AnalysisConfig(
        bin_size_s=0.01, window_length_s=5.0, step_s=5.0, training_epochs=1, seed=0
    )
    results = te.results_of(te.analyze(te.read(recording), config))
    te.write_results(recording, results, out=folder / "culture_tavrnn.nwb")


def _matlab(folder: Path, rng: np.random.Generator) -> None:
    counts = rng.poisson(1.0, (1200, 8)).astype(float)
    scipy.io.savemat(folder / "session.mat", {"counts": counts, "speed": rng.random((1200, 1))})
    cells = np.empty(4, dtype=object)
    cells[:] = [np.sort(rng.uniform(0, 60, 100)) for _ in cells]
    scipy.io.savemat(folder / "spikes.mat", {"spikes": cells})


def _traces(rng: np.random.Generator, n_cells: int, n_frames: int) -> np.ndarray:
    """Events that decay over ten frames, above a baseline."""
    events = rng.poisson(0.03, (n_cells, n_frames)).astype(float)
    decay = np.exp(-np.arange(50) / 10)
    traces = np.array([np.convolve(row, decay)[:n_frames] for row in events])
    return (100 * (1 + traces) + rng.normal(0, 3, traces.shape)).astype(np.float32)


def _suite2p(folder: Path, rng: np.random.Generator) -> None:
    folder.mkdir()
    traces = _traces(rng, 8, 1800)
    np.save(folder / "F.npy", traces)
    np.save(folder / "Fneu.npy", rng.normal(10, 1, traces.shape).astype(np.float32))
    np.save(folder / "spks.npy", np.maximum(np.diff(traces, axis=1, prepend=100), 0))
    np.save(folder / "iscell.npy", np.column_stack([np.arange(8) != 3, np.full(8, 0.9)]))


def _caiman(path: Path, rng: np.random.Generator) -> None:
    traces = _traces(rng, 6, 1800)
    masks = scipy.sparse.random(100, 6, density=0.2, format="csc", random_state=0)
    with h5py.File(path, "w") as file:
        file["estimates/F_dff"] = traces / 100 - 1
        file["estimates/C"] = traces
        file["estimates/S"] = np.maximum(np.diff(traces, axis=1, prepend=0), 0)
        file["estimates/dims"] = np.array([10, 10])
        for name in ("data", "indices", "indptr"):
            file[f"estimates/A/{name}"] = getattr(masks, name)
        file["estimates/A/shape"] = np.array(masks.shape)
        file["params/data/fr"] = 30.0
        file["dims"] = np.array([10, 10])


def _maxwell(path: Path, rng: np.random.Generator) -> None:
    rows = sorted(
        (int(frame), channel) for channel in range(8) for frame in rng.integers(5000, 65000, 150)
    )
    routed = {
        "groups/routed/frame_nos": np.arange(5000, 65_000, dtype=np.uint64),
        "groups/routed/channels": np.arange(8, dtype=np.uint16),
        "groups/routed/raw": None,
    }
    well = well_of_maxwell(
        **{"settings/mapping": mapping(list(range(8))), "spikes": spikes(rows), **routed}
    )
    write_maxwell(path, {"rec0000/well000": well})
