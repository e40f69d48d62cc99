"""HDF5 beneath the readers: reasons that are true, neighbours that are there, links that end."""

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.adapters._hdf5 import open_hdf5
from tavrnn_ephys.adapters._hdf5_faults import faults_told
from tavrnn_ephys.adapters.nwb._hdf5_runs import Hdf5RunFile
from tavrnn_ephys.core.errors import FileFormatError, InputError, MissingDependencyError
from tavrnn_ephys.core.runs import Placement
from tests.cases.recordings import one_plane, save, traces, trains, with_units

TRACES = "processing/ophys/Fluorescence/RoiResponseSeries/data"
MOST_S = 30.0  # Seconds on a busy machine; what is waited for in vain never ends.


def replace(path: Path, name: str, make: Any) -> None:
    """Put another data set in the place of one, its attributes kept."""
    with h5py.File(path, "a") as file:
        old = file[name]
        values, attributes = old[()], dict(old.attrs)
        del file[name]
        made = make(file, name, values)
        for key, value in attributes.items():
            made.attrs[key] = value


def virtual(path: Path, name: str = TRACES) -> Path:
    """Move values into ``raw.h5`` beside the file, and leave a virtual data set."""

    def make(file: Any, name: str, values: Any) -> Any:
        with h5py.File(path.parent / "raw.h5", "w") as raw:
            raw["x"] = values
        layout = h5py.VirtualLayout(shape=values.shape, dtype=values.dtype)
        layout[...] = h5py.VirtualSource("raw.h5", "x", shape=values.shape)
        return file.create_virtual_dataset(name, layout, fillvalue=0.0)

    replace(path, name, make)
    return path


def external(path: Path, named: str, place: Path, name: str = TRACES) -> Path:
    """Move values into a plain binary file."""

    def make(file: Any, name: str, values: Any) -> Any:
        values.tofile(place)
        return file.create_dataset(
            name, shape=values.shape, dtype=values.dtype, external=[(named, 0, values.nbytes)]
        )

    replace(path, name, make)
    return path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "here").mkdir()
    return save(one_plane(traces(3)), tmp_path / "here" / "session.nwb")


def read_traces(path: Path, **options: Any) -> np.ndarray:
    return te.read(path, **options).segments[0].analogsignals[0].magnitude


# True reasons


def test_missing_filter_says_what_to_install(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("hdf5plugin")
    code = (
        "import sys, h5py, hdf5plugin\n"
        "with h5py.File(sys.argv[1], 'a') as f:\n"
        "    d = f[sys.argv[2]]; v, at = d[()], dict(d.attrs); del f[sys.argv[2]]\n"
        "    e = f.create_dataset(sys.argv[2], data=v, chunks=v.shape, **hdf5plugin.Zstd())\n"
        "    e.attrs.update(at)\n"
    )
    subprocess.run([sys.executable, "-c", code, str(path), TRACES], check=True)
    read = (
        "import sys\n"
        "{}\n"
        "import tavrnn_ephys as te\n"
        "try:\n"
        "    print(te.read(sys.argv[1]).segments[0].analogsignals[0].shape)\n"
        "except Exception as error:\n"
        "    print(type(error).__name__, error)\n"
    )
    absent = "sys.modules['hdf5plugin'] = None"
    env = {key: value for key, value in os.environ.items() if key != "HDF5_PLUGIN_PATH"}
    said = [
        subprocess.run(
            [sys.executable, "-c", read.format(first), str(path)],
            capture_output=True, text=True, check=True, env=env,
        ).stdout.strip()
        for first in (absent, "")
    ]  # fmt: skip
    assert said[0].startswith("MissingDependencyError 'session.nwb' is compressed with the HDF5 f")
    assert said[0].endswith("(32015), which is not installed. Install it: pip install hdf5plugin.")
    # The advice leads on: with the package the same call reads the file.
    assert said[1] == "(40, 3)"


@pytest.mark.parametrize("kind", [AttributeError, TypeError])
def test_fault_of_the_program_is_not_called_damage(path: Path, kind: type[Exception]) -> None:
    with pytest.raises(kind, match="of ours"), faults_told(path):
        raise kind("of ours")


def test_memory_that_runs_out_is_no_damage(path: Path) -> None:
    with pytest.raises(InputError) as caught, faults_told(path):
        raise MemoryError("Unable to allocate 8 EiB")
    assert str(caught.value) == (
        "Reading 'session.nwb' needs more memory than there is (Unable to allocate 8 EiB). Read a "
        "part of it, where its adapter has t_start and t_stop, or use a larger machine."
    )


def test_contradiction_in_a_file_is_not_called_damage(path: Path) -> None:
    with pytest.raises(FileFormatError) as caught, faults_told(path):
        raise ValueError("3 names for 4 columns")
    assert "damaged" not in str(caught.value)
    assert "does not fit its format (3 names for 4 columns)" in str(caught.value)


def test_damage_that_hdf5_proves_is_told(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    with pytest.raises(FileFormatError, match="'session.nwb' is damaged or cut short: HDF5"):
        te.read(path)


@pytest.mark.parametrize("reader", [te.read, lambda path: open_hdf5(path).__enter__()])
def test_file_that_is_being_written_says_so(path: Path, reader: Any) -> None:
    code = (
        "import sys, h5py\n"
        "f = h5py.File(sys.argv[1], 'r+')\n"
        "print('open', flush=True); sys.stdin.readline()\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code, str(path)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
    ) as writer:  # fmt: skip
        assert writer.stdout is not None
        assert writer.stdout.readline() == "open\n"
        try:
            with pytest.raises(FileFormatError) as caught:
                reader(path)
        finally:
            writer.communicate("\n")
    assert str(caught.value) == (
        "'session.nwb' is open for writing in another program. Close it there first."
    )


# Neighbours


def test_virtual_data_beside_the_file_are_read(path: Path) -> None:
    np.testing.assert_array_equal(read_traces(virtual(path)), traces(3))


def test_copy_without_its_virtual_source_is_refused(path: Path, tmp_path: Path) -> None:
    alone = tmp_path / "alone.nwb"
    shutil.copy(virtual(path), alone)
    with pytest.raises(FileFormatError) as caught:
        te.read(alone)
    assert str(caught.value) == (
        f"'alone.nwb' takes '/{TRACES}' from 'raw.h5', which is not there: copy that file too, "
        "into the same folder."
    )


def test_virtual_source_of_a_vendor_file_is_looked_for_too(tmp_path: Path) -> None:
    path = tmp_path / "vendor.h5"
    layout = h5py.VirtualLayout(shape=(4,), dtype="f8")
    layout[...] = h5py.VirtualSource("gone.h5", "x", shape=(4,))
    with h5py.File(path, "w") as file:
        file.create_virtual_dataset("spikes", layout)
    with pytest.raises(FileFormatError, match="takes '/spikes' from 'gone.h5', which is not the"):
        open_hdf5(path).__enter__()


@pytest.mark.parametrize("way", ["copy", "sidecar"])
@pytest.mark.parametrize("name", [TRACES, "units/spike_times"])
def test_results_elsewhere_hold_the_values_of_virtual_data(
    tmp_path: Path, way: str, name: str
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    nwbfile = one_plane(traces(3))
    for times in trains(2):
        nwbfile.add_unit(spike_times=times)
    source = save(nwbfile, tmp_path / "here" / "session.nwb")
    with h5py.File(source) as file:
        expected = file[name][()]
    virtual(source, name)
    target = tmp_path / "there" / "results.nwb"
    Hdf5RunFile(target, target, source).fill(Placement(way=way))
    with h5py.File(target) as file:
        np.testing.assert_array_equal(file[name][()], expected)
        assert not file[name].is_virtual
    again = te.read(target).segments[0]
    np.testing.assert_array_equal(again.spiketrains[1].magnitude, trains(2)[1])


def test_file_in_its_own_folder_keeps_its_virtual_data(path: Path) -> None:
    target = path.with_name("results.nwb")
    Hdf5RunFile(target, target, virtual(path)).fill(Placement())
    assert target.read_bytes() == path.read_bytes()


def test_names_of_image_files_move_with_a_copy(tmp_path: Path) -> None:
    from pynwb.image import ImageSeries

    (tmp_path / "here").mkdir()
    (tmp_path / "there").mkdir()
    nwbfile = with_units(2)
    nwbfile.add_acquisition(
        ImageSeries(
            name="video", external_file=["video.avi"], starting_frame=[0], rate=10.0, unit="n.a.",
            format="external", num_samples=100,
        )
    )  # fmt: skip
    source = save(nwbfile, tmp_path / "here" / "session.nwb")
    target = tmp_path / "there" / "results.nwb"
    Hdf5RunFile(target, target, source).fill(Placement())
    with h5py.File(target) as file:
        named = file["acquisition/video/external_file"].asstr()[0]
    assert (target.parent / named).resolve() == tmp_path / "here" / "video.avi"


def test_external_bytes_in_the_folder_are_read(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    external(path, "raw.bin", path.parent / "raw.bin")
    monkeypatch.chdir(path.parent)
    np.testing.assert_array_equal(read_traces(path), traces(3))


def test_external_bytes_that_hdf5_would_miss_are_refused(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    external(path, "raw.bin", path.parent / "raw.bin")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FileFormatError, match="looks for in the working directory. Change to the"):
        te.read(path)


def test_external_bytes_that_are_too_few_are_refused(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    external(path, "raw.bin", path.parent / "raw.bin")
    (path.parent / "raw.bin").write_bytes(b"1234")
    monkeypatch.chdir(path.parent)
    with pytest.raises(FileFormatError, match="holds 4 bytes where 480 are needed"):
        te.read(path)


def test_external_bytes_outside_the_folder_are_read_only_when_asked_for(
    path: Path, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.bin"
    external(path, str(secret), secret)
    with pytest.raises(FileFormatError) as caught:
        te.read(path)
    assert str(caught.value) == (
        f"'session.nwb' takes '/{TRACES}' from '{secret}', outside the folder of the file, and so "
        "could show any file of this machine. If you trust it, read it with outside_files=True, "
        "on the command line --option outside_files=true."
    )
    np.testing.assert_array_equal(read_traces(path, outside_files=True), traces(3))


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_link_to_a_pipe_is_refused_at_once(path: Path) -> None:
    os.mkfifo(path.parent / "pipe.h5")
    with h5py.File(path, "a") as file:
        file["acquisition/linked"] = h5py.ExternalLink("pipe.h5", "/x")
    before = time.monotonic()
    with pytest.raises(FileFormatError) as caught:
        te.read(path)
    assert time.monotonic() - before < MOST_S
    assert str(caught.value) == (
        "'session.nwb' links to 'pipe.h5', which is no file but a folder, pipe or device. Put the "
        "file that it means in its place."
    )


def test_doubling_hard_links_are_refused_at_once(path: Path) -> None:
    with h5py.File(path, "a") as file:
        group = file.create_group("scratch/a0")
        for _ in range(60):
            below = group.create_group("x")
            group["y"] = below
            group = below
    before = time.monotonic()
    with pytest.raises(FileFormatError) as caught:
        te.read(path)
    assert time.monotonic() - before < MOST_S
    assert str(caught.value) == (
        "The links of 'session.nwb' lead to the same groups by very many ways, so that reading it "
        "would not end. Write it again with the program that made it."
    )


def test_group_that_holds_itself_is_refused(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file["scratch/loop"] = file.require_group("scratch")
    with pytest.raises(FileFormatError, match="lead from a group into itself"):
        te.read(path)


def test_several_names_of_one_group_are_no_fault(path: Path) -> None:
    with h5py.File(path, "a") as file:
        file["general/second"] = file["general"].require_group("devices")
    assert read_traces(path).shape == (40, 3)


def test_missing_filter_is_a_missing_dependency(path: Path) -> None:
    said = "Can't synchronously read data (required filter 'lz4' is not registered)"
    with pytest.raises(MissingDependencyError, match="HDF5 filter 'lz4'"), faults_told(path):
        raise OSError(said)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_file_whose_first_groups_are_links_to_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.h5")
    path = tmp_path / "hostile.h5"
    with h5py.File(path, "w") as file:
        for name in ("estimates", "spikes", "recordings", "wells", "3BRecInfo", "nwb_version"):
            file[name] = h5py.ExternalLink("pipe.h5", "/x")
    before = time.monotonic()
    with pytest.raises(FileFormatError):
        te.read(path)
    assert time.monotonic() - before < MOST_S


def test_soft_links_inside_a_file_are_followed_to_recognise_it(tmp_path: Path) -> None:
    from tavrnn_ephys.adapters._hdf5 import has_items

    path = tmp_path / "linked.h5"
    with h5py.File(path, "w") as file:
        file["store/a/x"] = 1
        file["wells"] = h5py.SoftLink("/store/a")
        file["again"] = h5py.SoftLink("wells")
        file["loop"] = h5py.SoftLink("/loop")
    assert has_items(path, ("wells/x", "again/x"))
    assert not has_items(path, ("wells/y",))
    assert not has_items(path, ("loop/x",))


def test_names_of_image_files_move_into_a_zarr_store(tmp_path: Path) -> None:
    pytest.importorskip("hdmf_zarr")
    import zarr
    from pynwb.image import ImageSeries

    from tavrnn_ephys.adapters.nwb._zarr_runs import ZarrRunFile

    for name in ("here", "there/copy.nwb.zarr"):
        (tmp_path / name).mkdir(parents=True)
    nwbfile = with_units(2)
    nwbfile.add_acquisition(
        ImageSeries(
            name="video", external_file=["video.avi"], starting_frame=[0], rate=10.0, unit="n.a.",
            format="external", num_samples=100,
        )
    )  # fmt: skip
    source = save(nwbfile, tmp_path / "here" / "session.nwb")
    target = tmp_path / "there" / "copy.nwb.zarr"
    ZarrRunFile(target, target, source).fill(Placement())
    named = str(zarr.open_group(str(target), mode="r")["acquisition/video/external_file"][0])
    assert (target.parent / named).resolve() == tmp_path / "here" / "video.avi"
