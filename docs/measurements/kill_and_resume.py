"""
Kill a fit at random moments until it ends, and compare it with an unbroken one.

``python docs/measurements/kill_and_resume.py [N_KILLS]``
"""

import multiprocessing
import sys
import tempfile
import time
import warnings
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from tavrnn_ephys.core.archives import read_archive
from tavrnn_ephys.methods.tavrnn import TAVRNN
from tests.estimator.made_graphs import two_state_graphs

OPTIONS = {"early_stopping": "windows", "patience": 100, "batch_size": 2}


def fit(folder, name):
    """Fit two sessions with a checkpoint, and save the model."""
    warnings.simplefilter("ignore")
    graphs = [two_state_graphs(n_nodes=n, node_prefix=str(n), noise=0.5)[0] for n in (12, 10)]
    model = TAVRNN(profile="recurrent", training_epochs=60, latent_size=3, options=OPTIONS)
    model.fit(graphs, checkpoint=folder / f"{name}.checkpoint.npz", checkpoint_every=1)
    model.save(folder / f"{name}.npz", overwrite=True)


def start(folder, name):
    """Begin a fit in a process of its own; forked, because importing torch takes seconds."""
    process = multiprocessing.get_context("fork").Process(target=fit, args=(folder, name))
    process.start()
    return process


def finish(process):
    """Wait for the end of a fit that is not killed."""
    process.join()
    if process.exitcode:
        raise RuntimeError("A resumed fit failed.")


def kill_repeatedly(folder, n_kills, *, duration_s, seed=0):
    """
    Kill one fit ``n_kills`` times, let it end, and return how far each attempt had come.

    ``duration_s`` is how long an unbroken fit takes.
    """
    rng = np.random.default_rng(seed)
    checkpoint, done = folder / "killed.checkpoint.npz", []
    while len(done) < n_kills:
        process = start(folder, "killed")
        process.join(timeout=rng.uniform(0.02, 0.4) * duration_s)
        if process.is_alive():
            process.kill()
            process.join()
            done.append(epochs_done(checkpoint))
        else:
            # It ended before it could be killed: begin anew with the kills that are left.
            finish(process)
            compare(folder)
            checkpoint.unlink()
    finish(start(folder, "killed"))
    compare(folder)
    return done


def epochs_done(checkpoint):
    """Training epochs in a checkpoint."""
    if not checkpoint.exists():
        return 0
    kind = "tavrnn_ephys.Checkpoint"
    about, _ = read_archive(checkpoint, kind=kind, version=1, noun="checkpoint")
    return len(about["history"])


def compare(folder):
    """Raise unless both models are equal, bit for bit."""
    with np.load(folder / "killed.npz") as killed, np.load(folder / "unbroken.npz") as whole:
        if sorted(killed.files) != sorted(whole.files):
            raise RuntimeError("The models differ in their parts.")
        for name in whole.files:
            if not np.array_equal(killed[name], whole[name]):
                raise RuntimeError(f"The models differ in {name}.")


def main(n_kills=20):
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        begin_s = time.perf_counter()
        fit(folder, "unbroken")  # Here, so that forked fits find everything imported.
        duration_s = time.perf_counter() - begin_s
        done = kill_repeatedly(folder, n_kills, duration_s=duration_s)
        left = sorted(path.name for path in folder.glob(".*.partial*"))
        print(f"{n_kills} kills, training epochs done at each: {done}")
        print(f"every resumed fit ended bit-equal; files left behind: {left}")
        if left:
            raise RuntimeError("Temporary files stay behind.")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
