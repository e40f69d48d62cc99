"""What a recording takes from its neighbours, and they from theirs, is there or is named."""

import json
import os
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from tavrnn_ephys.adapters._hdf5 import open_hdf5
from tavrnn_ephys.adapters._hdf5_requiring import require_neighbours
from tavrnn_ephys.adapters.nwb._hdf5_runs import Hdf5RunFile
from tavrnn_ephys.adapters.nwb._zarr_stores import move_links, require_whole_store
from tavrnn_ephys.core.errors import DataLossWarning, FileFormatError
from tavrnn_ephys.core.runs import Placement

VALUES = np.arange(6.0)


def virtual(path: Path, source: str, within: str = "x", **options: Any) -> Path:
    """A file whose only data set is put together from another."""
    layout = h5py.VirtualLayout(shape=VALUES.shape, dtype="f8")
    layout[...] = h5py.VirtualSource(source, within, shape=VALUES.shape)
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("x", layout, fillvalue=0.0, **options)
    return path


def link(path: Path, target: str, within: str = "/x") -> Path:
    with h5py.File(path, "w") as file:
        file["x"] = h5py.ExternalLink(target, within)
    return path


def plain(path: Path, name: str = "x", values: Any = VALUES) -> Path:
    with h5py.File(path, "w") as file:
        file[name] = values
    return path


def foreign_bytes(path: Path) -> Path:
    """A data set whose bytes are those of a file that it has no business with."""
    with h5py.File(path, "w") as file:
        file.create_dataset("x", shape=(6,), dtype="f8", external=[(__file__, 0, 48)])
    return path


def pipe(path: Path) -> Path:
    os.mkfifo(path)
    return path


NEEDS = {
    "virtual, its source virtual": (
        virtual, lambda place: virtual(place, "gone.h5"), "'/x' from 'gone.h5', which is not there"
    ),
    "virtual, its source a link": (
        virtual, lambda place: link(place, "gone.h5"), "links to 'gone.h5', which is not there"
    ),
    "link to a virtual data set": (
        link, lambda place: virtual(place, "gone.h5"), "'/x' from 'gone.h5', which is not there"
    ),
    "virtual, of another name": (
        virtual, lambda place: plain(place, "y"), "from 'b.h5', which holds no 'x'"
    ),
    "link to another name": (
        link, lambda place: plain(place, "y"), "links to 'b.h5', which holds no '/x'"
    ),
    "virtual, too short": (
        virtual, lambda place: plain(place, values=VALUES[:2]), r"the shape \(2,\) and \(6,\) is"
    ),
    "virtual, of text": (
        virtual, lambda place: place.write_text("x"), "'b.h5', which is not an HDF5 file"
    ),
    "link to text": (
        link, lambda place: place.write_text("x"), "'b.h5', which is not an HDF5 file"
    ),
    "virtual, from foreign bytes": (
        virtual, foreign_bytes, "outside the folder of the file, and so could show any file"
    ),
    "link to foreign bytes": (
        link, foreign_bytes, "outside the folder of the file, and so could show any file"
    ),
    "links in a circle": (
        link, lambda place: link(place, "a.h5"), "which holds no '/x'"
    ),
}  # fmt: skip


@pytest.mark.parametrize("kind", NEEDS)
def test_neighbours_of_neighbours_are_looked_for(tmp_path: Path, kind: str) -> None:
    make, place, rule = NEEDS[kind]
    place(tmp_path / "b.h5")
    path = make(tmp_path / "a.h5", "b.h5")
    with pytest.raises(FileFormatError, match=rule), open_hdf5(path):
        pass


def test_pipe_behind_two_links_is_not_waited_for(tmp_path: Path) -> None:
    pipe(tmp_path / "c.h5")
    link(tmp_path / "b.h5", "c.h5")
    with pytest.raises(FileFormatError, match="'b.h5' links to 'c.h5', which is no file"):
        require_neighbours(link(tmp_path / "a.h5", "b.h5"))


def test_whole_chains_are_read(tmp_path: Path) -> None:
    plain(tmp_path / "c.h5")
    link(tmp_path / "b.h5", "c.h5")
    with open_hdf5(virtual(tmp_path / "a.h5", "b.h5")) as file:
        np.testing.assert_array_equal(file["x"][()], VALUES)


def test_virtual_data_of_the_file_itself_must_be_there(tmp_path: Path) -> None:
    path = virtual(tmp_path / "a.h5", ".", "y")
    with pytest.raises(FileFormatError, match="takes '/x' from 'a.h5', which holds no 'y'"):
        require_neighbours(path)


def test_block_that_is_missing_between_others_is_named(tmp_path: Path) -> None:
    unlimited = h5py.h5s.UNLIMITED
    layout = h5py.h5s.create_simple((0, 6), (unlimited, 6))
    layout.select_hyperslab((0, 0), (unlimited, 1), (1, 1), (1, 6))
    plan = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plan.set_virtual(layout, b"part_%b.h5", b"x", h5py.h5s.create_simple((1, 6)))
    path = tmp_path / "a.h5"
    with h5py.File(path, "w") as file:
        h5py.h5d.create(file.id, b"x", h5py.h5t.IEEE_F64LE, layout, dcpl=plan)
    for number in (0, 2):
        plain(tmp_path / f"part_{number}.h5", values=VALUES[None])
    with pytest.raises(FileFormatError, match="of which 'part_1.h5' is not there"):
        require_neighbours(path)
    plain(tmp_path / "part_1.h5", values=VALUES[None])
    require_neighbours(path)


@pytest.mark.parametrize("way", ["copy", "sidecar"])
def test_results_beside_a_link_to_the_recording_hold_its_values(tmp_path: Path, way: str) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    plain(tmp_path / "here" / "raw.h5")
    virtual(tmp_path / "here" / "session.nwb", "raw.h5")
    source = tmp_path / "there" / "session.nwb"
    source.symlink_to("../here/session.nwb")
    target = tmp_path / "there" / "results.nwb"
    Hdf5RunFile(target, target, source).fill(Placement(way=way))
    with h5py.File(target) as file:
        np.testing.assert_array_equal(file["x"][()], VALUES)


# Stores of Zarr


@pytest.fixture
def store(tmp_path: Path) -> Path:
    zarr = pytest.importorskip("zarr")
    (tmp_path / "here").mkdir()
    zarr.open_group(str(tmp_path / "here" / "raw.zarr"), mode="w")
    path = tmp_path / "here" / "session.zarr"
    root = zarr.open_group(str(path), mode="w")
    root.create_dataset("x", data=VALUES + 1, chunks=(2,))
    root.create_group("g").attrs["zarr_link"] = [
        {"name": "data", "path": "/x", "source": "../raw.zarr"}
    ]
    return path


@pytest.mark.parametrize("listed", [True, False])
def test_store_that_links_to_a_missing_one_is_refused(store: Path, listed: bool) -> None:
    zarr = pytest.importorskip("zarr")
    if listed:
        zarr.consolidate_metadata(str(store))
    require_whole_store(store)
    (store.parent / "raw.zarr").rename(store.parent / "moved.zarr")
    with pytest.raises(FileFormatError, match=r"links to '\.\./raw\.zarr', which is not there"):
        require_whole_store(store)


def test_links_of_a_store_move_with_a_copy(store: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "session.zarr"
    shutil.copytree(store, copy)
    move_links(copy, store)
    (moved,) = json.loads((copy / "g" / ".zattrs").read_text())["zarr_link"]
    assert moved["source"] == "../here/raw.zarr"
    require_whole_store(copy)


def test_chunks_that_are_lost_are_told(store: Path) -> None:
    (store / "x" / "1").unlink()
    with pytest.warns(DataLossWarning, match=r"1 arrays .* lack chunks \('x'; .* 1 of 3\)"):
        require_whole_store(store)


def test_chunk_that_is_a_pipe_is_not_waited_for(store: Path) -> None:
    (store / "x" / "1").unlink()
    pipe(store / "x" / "1")
    with pytest.raises(FileFormatError, match="'x/1' of 'session.zarr' is no file but a link"):
        require_whole_store(store)
