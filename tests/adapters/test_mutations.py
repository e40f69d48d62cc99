"""Damaged copies of recordings of all formats are read or refused; nothing crashes or hangs."""

import gzip
import json
import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import quantities as pq
import scipy.io

from tavrnn_ephys.io.finding import list_adapters
from tests.adapters.made_files import write_cl1, write_session, write_trial
from tests.adapters.mutations import ReadingProcess, Source, damaged_copy, fingerprint

N_COPIES = 500


def copy_of(path: Path, folder: Path) -> str:
    shutil.copyfile(path, folder / path.name)
    return path.name


def without_traces(file: Any) -> None:
    """Leave the spike tables of the first two wells, drop the compressed voltage."""
    for name in list(file["data_store"]):
        if name not in ("data0000", "data0001", "data0006", "data0007"):
            del file["data_store"][name]
        else:
            del file["data_store"][name]["groups/routed/raw"]
    for group in ("wells", "recordings"):
        for outer in list(file[group]):
            for inner in list(file[group][outer]):
                if file[group][outer].get(inner) is None:
                    del file[group][outer][inner]
            if len(file[group][outer]) == 0:
                del file[group][outer]


def shrunk(path: Path, folder: Path, change: Callable[[Any], None]) -> str:
    """Copy an HDF5 file, change it, and write what is left of it anew."""
    large = folder.parent / f"large-{path.name}"
    shutil.copyfile(path, large)
    with h5py.File(large, "r+") as source:
        change(source)
        with h5py.File(folder / path.name, "w") as target:
            for key, value in source.attrs.items():
                target.attrs[key] = value
            for name in source:
                source.copy(name, target)
    large.unlink()
    return path.name


def shorten(name: str, n_kept: int, count: str) -> Callable[[Any], None]:
    def change(file: Any) -> None:
        kept = file[name][:n_kept]
        del file[name]
        file[name] = kept
        if count == "TOC":
            file["TOC"][0, 1] = 500
        else:
            file[count][0] = 500

    return change


def maxwell(data: Path, folder: Path) -> str:
    return shrunk(data / "formats/maxwell/maxtwo_activity_scan.raw.h5", folder, without_traces)


def mcs(data: Path, folder: Path) -> str:
    return copy_of(next((data / "formats/mcs").glob("*.h5")), folder)


def biocam_3(data: Path, folder: Path) -> str:
    change = shorten("3BData/Raw", 36 * 500, "3BRecInfo/3BRecVars/NRecFrames")
    return shrunk(data / "formats/3brain/biocam_hw3.0_fw1.6.brw", folder, change)


def biocam_4(data: Path, folder: Path) -> str:
    change = shorten("Well_A1/Raw", 100 * 500, "TOC")
    return shrunk(data / "formats/3brain/biocam_hw3.0_fw1.7.0.12_raw.brw", folder, change)


def axion_text(data: Path, folder: Path) -> str:
    source = data / "axion-spikelist"
    content = gzip.decompress(next(source.glob("*_spike_list.csv.gz")).read_bytes())
    log = gzip.decompress(next(source.glob("*_expLog.csv.gz")).read_bytes())
    (folder / "plate_DIV3_spike_list.csv").write_bytes(
        b"".join(content.splitlines(keepends=True)[:400])
    )
    (folder / "plate_expLog.csv").write_bytes(log)
    return "plate_DIV3_spike_list.csv"


def axion_gzip(data: Path, folder: Path) -> str:
    name = axion_text(data, folder)
    path = folder / name
    (folder / f"{name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    path.unlink()
    return f"{name}.gz"


def cl1(data: Path, folder: Path) -> str:
    return write_cl1(folder / "cl1.h5").name


def dishbrain(data: Path, folder: Path) -> str:
    for name in ("channel_locs.csv", "channel_subregions.csv"):
        copy_of(data / "dishbrain-layout" / name, folder)
    words = np.random.default_rng(0).random((40, 400)) < 0.1
    events = "elapse_seconds,hit_count\n5,2\n11.5,0\n19,3\n"
    return write_trial(folder, "8137b.2021-06-20.2.h5", words, np.arange(40), events).name


def dishbrain_session(data: Path, folder: Path) -> str:
    return write_session(folder, replay=True).name


def spike_hdf5(data: Path, folder: Path) -> str:
    return copy_of(data / "hipsc-mea/hiPSN_tc65_d21_spikes6sd.h5", folder)


def spike_table_text(data: Path, folder: Path) -> str:
    rows = np.random.default_rng(0).integers(0, 20000, (200, 2))
    text = "".join(f"{0.05 * index:.2f},{row[1] % 8},{row[0]}\n" for index, row in enumerate(rows))
    (folder / "spikes.csv").write_text(f"time_s,channel,amplitude\n{text}")
    return "spikes.csv"


def spike_table_json(data: Path, folder: Path) -> str:
    content = json.loads((data / "cl1-spikes/organoid_2.json").read_text())
    content["spikes"] = content["spikes"][:300]
    (folder / "spikes.json").write_text(json.dumps(content))
    return "spikes.json"


def spike_table_archive(data: Path, folder: Path) -> str:
    np.savez(folder / "spikes.npz", time_s=0.05 * np.arange(300), units=np.arange(300) % 7)
    return "spikes.npz"


def spike_table_parquet(data: Path, folder: Path) -> str:
    table = {"time_s": 0.05 * np.arange(300), "unit": np.arange(300) % 7}
    pd.DataFrame(table).to_parquet(folder / "spikes.parquet")
    return "spikes.parquet"


def nwb_units(data: Path, folder: Path) -> str:
    return copy_of(data / "formats/nwb/A8604-211122.nwb", folder)


def nwb_rois(data: Path, folder: Path) -> str:
    return copy_of(data / "formats/nwb/test_RoiResponseSeries.nwb", folder)


def nwb_traces(data: Path, folder: Path) -> str:
    return copy_of(data / "formats/nwb/test_ElectricalSeries.nwb", folder)


def suite2p(data: Path, folder: Path) -> str:
    plane = data / "formats/suite2p/plane0"
    for name in ("F", "Fneu", "spks"):
        np.save(folder / f"{name}.npy", np.load(plane / f"{name}.npy")[:, :200])
    for name in ("iscell", "stat"):
        copy_of(plane / f"{name}.npy", folder)
    return "F.npy"


def caiman(data: Path, folder: Path) -> str:
    return copy_of(data / "formats/caiman/caiman_analysis.hdf5", folder)


def calcium_csv(data: Path, folder: Path) -> str:
    path = data / "mouse-dg-calcium/LC-DG-FC_2-1_Day1_eventTrace.csv"
    rows = [line.split(b",")[:200] for line in path.read_bytes().splitlines()]
    (folder / "traces.csv").write_bytes(b"\n".join(b",".join(row) for row in rows))
    return "traces.csv"


def mat(data: Path, folder: Path) -> str:
    counts = scipy.io.loadmat(data / "monkey-m1-reach/chewie_demo.mat")["Ytr"][:60]
    scipy.io.savemat(folder / "counts.mat", {"counts": counts, "other": np.arange(9.0)})
    return "counts.mat"


def neo_blackrock(data: Path, folder: Path) -> str:
    return copy_of(data / "formats/neo/blackrock/FileSpec2.3001.nev", folder)


def neo_nex(data: Path, folder: Path) -> str:
    return copy_of(data / "formats/neo/nex/CS056P07R-MEME1.nex", folder)


# Adapter, and how a small intact recording of it is made.
SOURCES = [
    ("maxwell", maxwell), ("mcs", mcs), ("biocam", biocam_3), ("biocam", biocam_4),
    ("axion", axion_text), ("axion", axion_gzip), ("cl1", cl1), ("dishbrain", dishbrain),
    ("dishbrain", dishbrain_session),
    ("spike_hdf5", spike_hdf5), ("spike_table", spike_table_text),
    ("spike_table", spike_table_json), ("spike_table", spike_table_archive),
    ("spike_table", spike_table_parquet),
    ("nwb", nwb_units), ("nwb", nwb_rois), ("nwb", nwb_traces),
    ("suite2p", suite2p), ("caiman", caiman), ("calcium_csv", calcium_csv), ("mat", mat),
    ("neo", neo_blackrock), ("neo", neo_nex),
]  # fmt: skip


# What a format does not say of itself.
OPTIONS: dict[str, dict[str, Any]] = {
    "mat": {"counts": "counts", "bin_size": 10 * pq.ms, "node_axis": 1},
    "suite2p": {"sampling_rate": 30 * pq.Hz},
}


@pytest.fixture(scope="module")
def reader() -> Iterator[ReadingProcess]:
    process = ReadingProcess()
    yield process
    process.stop()


@pytest.mark.parametrize(("adapter", "make"), SOURCES, ids=[make.__name__ for _, make in SOURCES])
def test_damaged_copies_are_read_or_refused(
    reader: ReadingProcess, recordings: Path, tmp_path: Path, adapter: str, make: Any
) -> None:
    intact = tmp_path / "intact"
    intact.mkdir()
    source = Source(intact, make(recordings, intact), adapter, OPTIONS.get(adapter, {}))
    assert reader.read(intact / source.entry, source) == "block"
    outcomes, faults = Counter(), []
    for seed in range(-(-N_COPIES // len(SOURCES))):
        path, damage = damaged_copy(source, seed, tmp_path)
        before = fingerprint(path.parent)
        outcome = reader.read(path, source)
        outcomes[outcome.split(":")[0]] += 1
        if not outcome.startswith(("block", "refused")):
            faults.append(f"seed {seed}, {damage}: {outcome}")
        if fingerprint(path.parent) != before:
            faults.append(f"seed {seed}, {damage}: a file was changed")
        shutil.rmtree(path.parent)
    assert faults == [], json.dumps(faults, indent=1)
    # An engine that damages nothing that matters would pass in vain.
    assert outcomes["refused"] >= 3


def test_every_adapter_has_a_source() -> None:
    assert {adapter for adapter, _ in SOURCES} == set(list_adapters())
