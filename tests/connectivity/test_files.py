"""Activity that lies in files, and memory that stays bounded."""

import subprocess
import sys

import h5py
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import InputError


def backed(tmp_path, values, kind):
    if kind == "memmap":
        path = tmp_path / "values.npy"
        np.save(path, values)
        return np.load(path, mmap_mode="r")
    file = h5py.File(tmp_path / "values.h5", "w")
    return file.create_dataset("values", data=values, chunks=(len(values), 50))


def activity_of(values, quantity="spike_count"):
    nodes = te.Nodes(ids=range(len(values)))
    return te.BinnedActivity(values=values, bin_size_s=0.1, nodes=nodes, quantity=quantity)


@pytest.mark.parametrize("kind", ["memmap", "hdf5"])
@pytest.mark.parametrize("quantity", ["spike_count", "trace"])
def test_activity_in_a_file_gives_the_same(tmp_path, kind, quantity):
    rng = np.random.default_rng(0)
    values = rng.poisson(0.7, (6, 400)).astype(np.uint8)
    values = values if quantity == "spike_count" else values + rng.normal(0, 1, values.shape)
    in_file = activity_of(backed(tmp_path, values, kind), quantity)
    assert in_file.is_file_backed
    assert in_file == activity_of(values, quantity)
    windows = te.sliding_windows(in_file, window_length=10 * pq.s, step=3 * pq.s)
    expected = te.compute_connectivity(activity_of(values, quantity), windows)
    assert te.compute_connectivity(in_file, windows) == expected
    graphs = te.build_graphs(te.iter_connectivity(in_file, windows), threshold=0.05)
    assert graphs == te.build_graphs(expected, threshold=0.05)


def test_values_that_are_not_finite_are_found_when_they_are_read(tmp_path):
    values = np.random.default_rng(0).normal(0, 1, (4, 400))
    values[2, 300] = np.inf
    activity = activity_of(backed(tmp_path, values, "memmap"), "trace")
    windows = te.sliding_windows(activity, window_length=10 * pq.s, step=10 * pq.s)
    found = te.iter_connectivity(activity, windows)
    for _ in range(3):
        next(found)
    with pytest.raises(InputError, match="Activity of 1 nodes is not finite"):
        next(found)


def test_file_is_read_once_and_in_order():
    values = np.random.default_rng(0).poisson(0.7, (6, 400)).astype(np.uint8)

    class Counted:
        shape, dtype, ndim = values.shape, values.dtype, 2
        reads: list = []

        def __len__(self):
            return len(values)

        def __getitem__(self, key):
            self.reads.append((key[1].start, key[1].stop))
            return values[key]

    activity = activity_of(Counted())
    assert Counted.reads == []
    windows = te.sliding_windows(activity, window_length=10 * pq.s, step=2 * pq.s)
    for _ in te.iter_connectivity(activity, windows):
        pass
    assert Counted.reads == [(first, first + 20) for first in range(0, 400, 20)]


MEMORY = """
import resource, sys
import numpy as np, quantities as pq, tavrnn_ephys as te
values = np.load(sys.argv[1], mmap_mode="r")
nodes = te.Nodes(ids=range(len(values)))
activity = te.BinnedActivity(values=values, bin_size_s=0.01, nodes=nodes)
windows = te.sliding_windows(activity, window_length=10 * pq.s, step=2 * pq.s)
next(te.iter_connectivity(activity, windows.select(slice(0, 1))))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
graphs = te.build_graphs(te.iter_connectivity(activity, windows), threshold=0.15, features="rates")
print(len(graphs), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_memory_does_not_grow_with_the_windows(tmp_path):
    path = tmp_path / "values.npy"
    rng = np.random.default_rng(0)
    values = (rng.random((300, 60_000), dtype=np.float32) < 0.05).astype(np.uint8)
    np.save(path, values)
    done = subprocess.run(
        [sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True
    )
    n_windows, kilobytes = map(int, done.stdout.split())
    assert n_windows == 296
    # All matrices at once take 213 MB; the file itself, whose pages count, 18 MB.
    assert kilobytes < 80_000
