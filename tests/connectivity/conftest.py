"""Activity to correlate: random, and real."""

import numpy as np
import pytest

from tavrnn_ephys.core.containers import BinnedActivity, Nodes


def make_activity(values, bin_size_s=0.05, t_start_s=0.0, quantity=None):
    values = values if hasattr(values, "dtype") else np.asarray(values)
    quantity = quantity or ("trace" if values.dtype.kind == "f" else "spike_count")
    return BinnedActivity(
        values=values,
        bin_size_s=bin_size_s,
        t_start_s=t_start_s,
        nodes=Nodes(ids=[f"n{index}" for index in range(len(values))]),
        quantity=quantity,
    )


@pytest.fixture(name="make_activity", scope="session")
def _make_activity():
    return make_activity


def _rat(folder):
    counts = np.load(folder / "rat-hippocampus-hc11" / "achilles.npz")["x"].T
    return make_activity(np.ascontiguousarray(counts[:, :3000]).astype(np.uint8), 0.025)


def _retina(folder):
    h5py = pytest.importorskip("h5py")
    name = "Maccione2014_P11_m1r2_Spkts_bursts_filtered.h5"
    with h5py.File(folder / "retina-mea" / name) as file:
        times, n_spikes = file["spikes"][:], file["sCount"][:].astype(int)
    owner = np.repeat(np.arange(len(n_spikes)), n_spikes)
    inside = (times < 300.0) & (owner < 150)
    counts = np.zeros((150, 6000), dtype=np.uint8)
    np.add.at(counts, (owner[inside], (times[inside] / 0.05).astype(int)), 1)
    return make_activity(counts)


def _miniscope(folder):
    from scipy.io import loadmat

    path = next((folder / "mouse-ca1-miniscope").rglob("finalEventsMat_1.mat"))
    events = np.ascontiguousarray(loadmat(path)["allEventsMat"].T[:150, 2000:6000])
    return make_activity(events.astype(np.float64), 0.05, quantity="trace")


@pytest.fixture(scope="session", params=["rat", "retina"])
def real_spikes(request, recordings):
    return {"rat": _rat, "retina": _retina}[request.param](recordings)


@pytest.fixture(scope="session", params=["rat", "retina", "miniscope"])
def real_activity(request, recordings):
    return {"rat": _rat, "retina": _retina, "miniscope": _miniscope}[request.param](recordings)
