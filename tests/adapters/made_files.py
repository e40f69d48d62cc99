"""Small files in the layouts of vendors who publish none: MaxWell's two layouts, CL1, DishBrain."""

import csv
from pathlib import Path
from typing import Any

import h5py
import msgpack
import numpy as np
import scipy.sparse

MAPPING = np.dtype([("channel", "<i4"), ("electrode", "<i4"), ("x", "<f8"), ("y", "<f8")])
SPIKE = np.dtype([("frameno", "<i8"), ("channel", "<i4"), ("amplitude", "<f4")])


def put(file: Any, content: dict[str, Any]) -> None:
    """Write datasets, leaving out those that are None."""
    for name, value in content.items():
        if value is not None:
            file[name] = value


def mapping(channels: list[int]) -> np.ndarray:
    rows = [(channel, 1000 + channel, 17.5 * channel, 35.0) for channel in channels]
    return np.array(rows, dtype=MAPPING)


def spikes(rows: list[tuple[int, int]]) -> np.ndarray:
    return np.array([(frame, channel, -5.0) for frame, channel in rows], dtype=SPIKE)


def well_of_maxwell(**changes: Any) -> dict[str, Any]:
    """One second of two channels at 1 kHz, from frame 5000."""
    return {
        "spikes": spikes([(5100, 7), (5250, 3), (5900, 7)]),
        "settings/mapping": mapping([3, 7]),
        "settings/sampling": np.array([1000.0]),
        "settings/lsb": np.array([6.25e-6]),
        "groups/routed/frame_nos": np.arange(5000, 6000, dtype=np.uint64),
        "groups/routed/channels": np.array([3, 7], dtype=np.uint16),
        "groups/routed/raw": np.arange(2000, dtype=np.uint16).reshape(2, 1000),
        "start_time": np.array([1616517974102]),
        **changes,
    }


def write_maxwell(path: Path, wells: dict[str, dict[str, Any]] | None = None) -> Path:
    """Write a file of the new layout; keys are such as ``rec0000/well000``."""
    wells = {"rec0000/well000": well_of_maxwell()} if wells is None else wells
    with h5py.File(path, "w") as file:
        file["mxw_version"] = np.array([b"20.1.8"])
        for group in ("wells", "recordings"):
            file.create_group(group)
        for number, (key, content) in enumerate(wells.items()):
            put(file.create_group(f"data_store/data{number:04d}"), content)
            file[f"recordings/{key}"] = h5py.SoftLink(f"/data_store/data{number:04d}")
            recording, well = key.split("/")
            file[f"wells/{well}/{recording}"] = h5py.SoftLink(f"/data_store/data{number:04d}")
    return path


def write_legacy_maxwell(path: Path, **changes: Any) -> Path:
    content = {
        "proc0/spikeTimes": spikes([(100_000, 2), (110_000, 0), (120_000, 2)]),
        "mapping": mapping([0, 2, -1]),
        "sig": np.full((4, 40_000), 512, dtype=np.uint16),
        "settings/lsb": np.array([6.25e-6]),
        "version": np.array([b"20160704"]),
        **changes,
    }
    with h5py.File(path, "w") as file:
        put(file, content)
    return path


# PyTables pickles mappings in the oldest protocol, as text.
FORMAT = b"(dp0\nVversion\np1\nVSDK\np2\nsVstim_and_spike_timestamps_relative_to_start\np3\nI01\ns."
APPLICATION = b"(dp0\nVculture\np1\nVdish 7\np2\ns."


def write_cl1(path: Path, *, attributes: dict[str, Any] | None = None, **changes: Any) -> Path:
    """Two seconds of eight channels at 1 kHz in the layout of the vendor's documentation."""
    spike = np.dtype([("timestamp", "<i8"), ("channel", "u1"), ("samples", "<f4", (75,))])
    table = np.zeros(60, dtype=spike)
    table["timestamp"] = np.linspace(5, 1990, 60).astype(int)
    table["channel"] = np.arange(60) % 6
    stim = np.dtype([("timestamp", "<i8"), ("channel", "u1")])
    samples = np.random.default_rng(0).integers(-99, 99, (2000, 8)).astype("<i2")
    content: dict[str, Any] = {
        "spikes": table,
        "stims": np.array([(200, 3), (200, 4), (1500, 3)], dtype=stim),
        "samples": samples,
        **stream("game", [(100, {"ball": 0.5, "state": "play"}), (900, {"ball": 1, "state": "x"})]),
        **stream("score", [(0, 1), (1000, 2.5)]),
        **stream("notes", [(10, "start"), (20, ["a", 1])]),
        **changes,
    }
    about = {
        "channel_count": 8, "sampling_frequency": 1000, "frames_per_second": 1000,
        "uV_per_sample_unit": 0.195, "start_timestamp": 5000, "duration_frames": 2000,
        "created_utc": b"2026-01-02T03:04:05+00:00", "git_hash": h5py.Empty("S1"),
        "file_format": FORMAT, "application": APPLICATION, "project_id": b"dish",
    }  # fmt: skip
    with h5py.File(path, "w") as file:
        put(file, content)
        for name, value in {**about, **(attributes or {})}.items():
            if value is not None:
                file.attrs[name] = value
    return path


def stream(name: str, messages: list[tuple[int, Any]]) -> dict[str, np.ndarray]:
    index = np.dtype([("timestamp", "<i8"), ("start_index", "<u8"), ("end_index", "<u8")])
    rows, content = [], b""
    for timestamp, message in messages:
        packed = msgpack.packb(message)
        rows.append((timestamp, len(content), len(content) + len(packed)))
        content += packed
    return {
        f"data_stream/{name}/index": np.array(rows, dtype=index),
        f"data_stream/{name}/data": np.frombuffer(content, dtype=np.uint8),
    }


def write_trial(
    folder: Path,
    name: str,
    words: Any,
    channels: Any,
    events: str | None = None,
    *,
    file_format: str = "csr",
) -> Path:
    """Write a DishBrain trial and return the path of its spike words."""
    path = folder / f"{name}_spikewords.npz"
    scipy.sparse.save_npz(path, scipy.sparse.csr_array(np.asarray(words)).asformat(file_format))
    np.save(folder / f"{name}_channel_nums.npy", np.asarray(channels))
    if events is not None:
        (folder / f"{name}_events.csv").write_text(events)
    return path


def write_cl1_array(path: Path) -> Path:
    """Write twenty seconds of sixteen channels at 1 kHz, 2000 spikes in all, without samples."""
    rng = np.random.default_rng(3)
    spike = np.dtype([("timestamp", "<i8"), ("channel", "u1"), ("samples", "<f4", (75,))])
    table = np.zeros(2000, dtype=spike)
    table["timestamp"] = np.sort(rng.integers(0, 20_000, 2000))
    table["channel"] = rng.integers(0, 16, 2000)
    return write_cl1(
        path, attributes={"channel_count": 16, "duration_frames": 20_000}, spikes=table,
        samples=None,
    )  # fmt: skip


def write_game(folder: Path, layout: Path) -> Path:
    """Write twenty seconds of a DishBrain game on forty channels, beside the real layout."""
    for table in ("channel_locs.csv", "channel_subregions.csv"):
        (folder / table).write_bytes((layout / table).read_bytes())
    with (layout / "channel_locs.csv").open() as file:
        channels = [int(row["channel"]) for row in csv.DictReader(file)][:400:10]
    words = np.random.default_rng(4).random((len(channels), 400)) < 0.2
    return write_trial(
        folder, "8137b.2021-06-20.2.h5", words.astype(int), channels,
        "elapse_seconds,hit_count\n8.0,2\n19.5,1\n",
    )  # fmt: skip


def made_or_real(name: str, recordings: Path, folder: Path) -> Path:
    """Give the real recording; where a layout has none, one is written."""
    if name == "cl1":
        return write_cl1_array(folder / "made.h5")
    if name == "dishbrain":
        return write_game(folder, recordings / "dishbrain-layout")
    return recordings / name


SERVER_SPIKE = np.dtype([("frame", "<u8"), ("channel", "<u4"), ("amplitude", "<f4")])
REPLAY = np.dtype([("frame", "<u8"), ("places", "<f4", (3,)), ("rest", "V20")])
SESSION_EVENTS = """info: recording started: 2020-12-04 12:07:17 AEDT
info: recording started (epoch seconds): 1607044037
info: recording chip id: 7048
info: electrode config: /home/labuser/cfg/gen3b.cfg
1000: game begin
21000: ball bounce
41000: ball return
61000: ball return
81000: ball missed
81000: motor layout: 5
121000: ball return
161000: ball missed
161000: motor layout: 2
"""


def write_session(folder: Path, *, prefix: str = "", replay: bool = False) -> Path:
    """Write ten seconds of a session as the DishBrain server does; return its spikes."""
    rng = np.random.default_rng(5)
    table = np.zeros(101, dtype=SERVER_SPIKE)
    table["frame"] = np.sort(rng.integers(1000, 201_000, 101))
    table["frame"][-1] = 200_999
    table["channel"] = np.tile([3, 7, 9, 1020], 26)[:101]
    table["amplitude"] = -10 - 50 * rng.random(101)
    path = folder / f"{prefix}spikes.bin"
    table.tofile(path)
    (folder / f"{prefix}events.txt").write_text(SESSION_EVENTS)
    entries = "3(8438)1365/665;7(22405)3237.5/1767.5;9(10206)1505/805;1020(1)350/1820;11(5)70/17.5;"
    (folder / "gen3b.cfg").write_text(f"{entries}\nH4sIAAAAAAAC/+1dTbrjNg7c5xQ5\n")
    if replay:
        places = np.zeros(1001, dtype=REPLAY)
        places["frame"][1:] = 1000 + 200 * np.arange(1000)
        places["places"][1:] = rng.integers(0, 600, (1000, 3))
        places.tofile(folder / f"{prefix}replay.bin")
    return path
