"""Runs added to real NWB files of every kind, as HDF5 and as Zarr: nothing else changes."""

import datetime
import shutil
import warnings
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pynwb
import pytest
import quantities as pq
import zarr
from hdmf_zarr.nwb import NWBZarrIO

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import OutputError
from tests.adapters.contract import nodes_of
from tests.adapters.test_nwb_runs import make_results, objects_of, same
from tests.adapters.test_nwb_zarr import arrays_of

pytestmark = [
    pytest.mark.filterwarnings("ignore::tavrnn_ephys.core.errors.DataLossWarning"),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    # Old files depart from the newest schema, and PyNWB says so.
    pytest.mark.filterwarnings("ignore::UserWarning"),
]

# Units, ROIs, electrodes alone, one series per neuron; schemas since 2.0b.
FILES = {
    "units": ("formats/nwb/A8604-211122.nwb", {}),
    "units beside images": ("formats/nwb/sub-4_ses-4_ecephys+image.nwb", {}),
    "rois": ("formats/nwb/nwb_test.nwb", {}),
    "electrodes": ("formats/nwb/test_ElectricalSeries.nwb", {}),
    "series of neurons": (
        "celegans-nwb/ScholzEtAl2018.AML175_moving.BrainScanner20180223_141721.nwb",
        {"series": "Activity_*"},
    ),
}


def messages(path: Path) -> list[str]:
    """What the inspector says of a file of either format."""
    from nwbinspector import inspect_nwbfile_object

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kind = NWBZarrIO if path.is_dir() else pynwb.NWBHDF5IO
        with kind(str(path), "r") as io:
            found = list(inspect_nwbfile_object(io.read()))
    return sorted(
        f"{item.importance.name} {item.check_function_name} {item.object_name}: {item.message}"
        for item in found
        # One of its checks fails itself on the index of any Units table in Zarr.
        if not (path.is_dir() and "During evaluation" in item.check_function_name)
    )


def complaints(path: Path) -> list[str]:
    """What PyNWB's validation says of a file of either format."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kind = NWBZarrIO if path.is_dir() else pynwb.NWBHDF5IO
        with kind(str(path), "r") as io:
            try:
                return sorted(map(str, pynwb.validate(io=io)))
            except KeyError:
                # MatNWB 2.4 caches schemas that lack a file.
                return sorted(map(str, pynwb.validate(io=io, use_cached_namespaces=False)))


@pytest.fixture(scope="module", params=FILES)
def recording(request: pytest.FixtureRequest, recordings: Path) -> tuple[Path, te.Nodes]:
    name, options = FILES[request.param]
    path = recordings / name
    if request.param == "electrodes":
        return path, te.Nodes(
            ids=["1", "2", "3", "4"], kind="channel", rows=range(4), table="electrodes"
        )
    return path, nodes_of(te.read(path, **options).segments[0])


@pytest.fixture(scope="module")
def before(
    recording: tuple[Path, te.Nodes],
) -> tuple[dict[str, Any], list[str], list[str]]:
    """What a recording holds, and what inspector and validation say of it."""
    path, _ = recording
    return objects_of(path), messages(path), complaints(path)


@pytest.fixture(params=["copy", "in_place", "sidecar"])
def way(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_a_run_in_a_real_file_changes_nothing_else(
    recording: tuple[Path, te.Nodes],
    before: tuple[dict[str, Any], list[str], list[str]],
    tmp_path: Path,
    way: str,
) -> None:
    (path, nodes), (objects, remarks, errors) = recording, before
    source = Path(shutil.copyfile(path, tmp_path / "source.nwb"))
    out = None if way == "in_place" else tmp_path / "out.nwb"
    written = te.write_results(source, make_results(nodes), out=out, way=way)
    after = objects_of(written)
    # A file without schemas gets those that it is written by.
    after["/"] = {key: after["/"][key] for key in objects["/"]}
    assert {name: after[name] for name in objects} == objects
    assert {name for name in after if name not in objects} <= {
        "//processing", "/processing/ecephys", "/processing/ophys", "/processing/behavior",
    }  # fmt: skip
    assert messages(written) == remarks
    assert complaints(written) == errors
    assert same(te.read_results(written, what="all"), make_results(nodes))


def test_a_run_in_a_store_of_a_real_file_changes_nothing_else(
    recording: tuple[Path, te.Nodes], tmp_path: Path
) -> None:
    path, nodes = recording
    if "sub-4" in path.name:
        # HDMF demands an index of the electrodes of each unit, which this file does without.
        with pytest.raises(
            OutputError, match=r"cannot be written as Zarr \(.*\); nothing was left"
        ):
            te.write_results(path, make_results(nodes), out=tmp_path / "out.nwb.zarr")
        assert list(tmp_path.iterdir()) == []
        return
    store = te.write_results(path, make_results(nodes), out=tmp_path / "out.nwb.zarr")
    assert same(te.read_results(store, what="all"), make_results(nodes))
    assert [text for text in messages(store) if "tavrnn" in text] == []
    assert [text for text in complaints(store) if "tavrnn" in text] == []
    arrays = arrays_of(store)
    te.write_results(store, make_results(nodes, seed=2), way="in_place", run="second")
    assert arrays_of(store) == arrays
    assert same(te.read_results(store, run="second", what="all"), make_results(nodes, seed=2))
    numbers = _numbers_in_zarr(store)
    assert {name: numbers.get(name) for name in _numbers_in_hdf5(path)} == _numbers_in_hdf5(path)


def _numbers_in_hdf5(path: Path) -> dict[str, tuple[Any, ...]]:
    found = {}

    def look(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and item.dtype.kind in "iufb" and item.shape:
            found[name] = (item.shape, np.asarray(item[()]).astype(float).tobytes())

    with h5py.File(path, "r") as file:
        file.visititems(look)
    return {name: found[name] for name in found if not name.startswith("specifications")}


def _numbers_in_zarr(path: Path) -> dict[str, tuple[Any, ...]]:
    found = {}

    def look(name: str, item: Any) -> None:
        ours = any(part.startswith("tavrnn") for part in name.split("/"))
        if isinstance(item, zarr.Array) and item.dtype.kind in "iufb" and item.shape and not ours:
            found[name] = (item.shape, np.asarray(item[...]).astype(float).tobytes())

    zarr.open_group(str(path), mode="r").visititems(look)
    return found


@pytest.fixture
def interrupted(tmp_path: Path) -> Path:
    """Three units observed in two stretches with a pause between them."""
    rng = np.random.default_rng(0)
    nwbfile = pynwb.NWBFile(
        session_description="An interrupted recording.",
        identifier="interrupted",
        session_start_time=datetime.datetime(2024, 5, 6, 12, tzinfo=datetime.UTC),
        subject=pynwb.file.Subject(
            subject_id="one", species="Rattus norvegicus", sex="U", age="P30D"
        ),
    )
    for _ in range(3):
        times = np.sort(rng.uniform(0.0, 8.0, 120))
        nwbfile.add_unit(
            spike_times=times[(times < 3.0) | (times > 5.0)],
            obs_intervals=[[0.0, 3.0], [5.0, 8.0]],
        )
    path = tmp_path / "interrupted.nwb"
    with pynwb.NWBHDF5IO(path, "w") as io:
        io.write(nwbfile)
    return path


@pytest.mark.parametrize("suffix", [".nwb", ".nwb.zarr"])
def test_windows_of_several_segments_stand_on_the_clock_of_the_file(
    interrupted: Path, tmp_path: Path, suffix: str
) -> None:
    parts = []
    for index, (start, stop) in enumerate([(0, 3), (5, 8)]):
        segment = te.read(interrupted, t_start=start * pq.s, t_stop=stop * pq.s).segments[0]
        activity = te.bin_activity(segment, bin_size=50 * pq.ms, segment_index=index)
        windows = te.sliding_windows(activity, window_length=1 * pq.s, step=0.5 * pq.s)
        parts.append(te.compute_connectivity(activity, windows))
    windows = te.Windows(
        start_s=np.concatenate([part.windows.start_s for part in parts]),
        stop_s=np.concatenate([part.windows.stop_s for part in parts]),
        segment_index=np.repeat([0, 1], [len(part.windows) for part in parts]),
    )
    connectivity = te.ConnectivitySequence(
        weights=np.concatenate([part.weights for part in parts]),
        windows=windows,
        nodes=parts[0].nodes,
        measure="pearson",
    )
    embedding = te.NodeEmbedding(
        mean=np.random.default_rng(1).normal(size=(len(windows), 3, 2)),
        std=np.ones((len(windows), 3, 2)),
        windows=windows,
        nodes=parts[0].nodes,
    )
    written = te.write_results(
        interrupted,
        te.Results(embedding=embedding, connectivity=connectivity),
        out=tmp_path / f"out{suffix}",
    )
    found = te.read_results(written, what="all")
    assert found.embedding.windows.segment_index.tolist() == [0] * 5 + [1] * 5
    assert (found.embedding, found.connectivity) == (embedding, connectivity)
    assert messages(written) == messages(interrupted)
    assert complaints(written) == complaints(interrupted) == []
    with (NWBZarrIO if suffix.endswith("zarr") else pynwb.NWBHDF5IO)(str(written), "r") as io:
        table = io.read().processing["ecephys"]["tavrnn_windows"].to_dataframe()
    # No window reaches into the pause.
    assert not ((table["start_time"] < 5.0) & (table["stop_time"] > 3.0)).any()
