import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import neo
import numpy as np
import pynwb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tavrnn_ephys.adapters.nwb import NwbAdapter
from tavrnn_ephys.adapters.nwb._encoding import decode_array, encode_array
from tavrnn_ephys.adapters.nwb._hdf5_runs import Hdf5RunFile
from tavrnn_ephys.core.containers import NodeEmbedding, Nodes, Windows
from tavrnn_ephys.core.errors import FileFormatError, InputError, OutputError
from tavrnn_ephys.io.protocols import ResultsStore
from tavrnn_ephys.results import read_results, write_results
from tests.adapters.contract import nodes_of

Inspect = Callable[..., list[str]]


def make_embedding(
    nodes: Nodes, n_windows: int = 4, latent_size: int = 3, **changes: Any
) -> NodeEmbedding:
    rng = np.random.default_rng(0)
    shape = (n_windows, len(nodes), latent_size)
    attention = np.tril(rng.random((n_windows, n_windows)))
    content: dict[str, Any] = {
        "mean": rng.normal(size=shape),
        "std": rng.random(shape),
        "windows": make_windows(n_windows),
        "attention": attention / attention.sum(axis=1, keepdims=True),
        "history": rng.normal(size=(n_windows, latent_size)),
        "config": {"model.hidden_size": 32, "learning_rate": 1e-3, "segments": [0, 2], "end": None},
        "versions": {"numpy": "2.4.6", "torch": "2.13.0"},
        "seed": 7,
    }
    return NodeEmbedding(nodes=nodes, **{**content, **changes})


def make_windows(n_windows: int, **columns: Any) -> Windows:
    start = 0.5 * np.arange(n_windows)
    return Windows(start_s=start, stop_s=start + 1.0, columns=columns)


@pytest.fixture
def units(source_nwb: Path) -> Nodes:
    return nodes_of(NwbAdapter().read(source_nwb).segments[0])


def store(source: Path, embedding: NodeEmbedding, folder: Path) -> Path:
    return write_results(source, embedding, out=folder / "out.nwb")


def test_adapter_stores_results() -> None:
    assert isinstance(NwbAdapter(), ResultsStore)


def test_results_come_back_equal(source_nwb: Path, units: Nodes, tmp_path: Path) -> None:
    embedding = make_embedding(units)
    path = store(source_nwb, embedding, tmp_path)
    assert read_results(path) == embedding


@pytest.mark.parametrize(
    "changes",
    [
        {"attention": None},
        {"history": None},
        {"seed": None},
        {"config": {}, "versions": {}},
        {"attention": np.eye(4)},
        {"mean": np.zeros((4, 4, 3)), "std": np.full((4, 4, 3), np.nan)},
        {"windows": Windows(start_s=[0, 1, 5, 6], stop_s=[2, 3, 7, 8], segment_index=[0, 0, 1, 1])},
    ],
)
def test_results_with_less_or_odd_content_come_back_equal(
    source_nwb: Path, units: Nodes, tmp_path: Path, inspect: Inspect, changes: dict[str, Any]
) -> None:
    embedding = make_embedding(units, **changes)
    path = store(source_nwb, embedding, tmp_path)
    assert read_results(path) == embedding
    assert inspect(path) == []


def test_the_source_is_clean(source_nwb: Path, inspect: Inspect) -> None:
    assert inspect(source_nwb) == []


@pytest.mark.parametrize(
    "nodes",
    [
        Nodes(ids=["a", "b"], kind="channel", rows=[5, -1], table="elsewhere"),
        Nodes(ids=["a", "b"], groups=["", "R_up"], positions_um=[[0.0, 1.0], [1.0, np.nan]]),
        Nodes(ids=["a", "b"], kind="roi", positions_um=[[0, 2, np.nan], [3, 4, np.nan]]),
        Nodes(ids=["a b", "ä/é"], rows=[0, 1], table="no such table"),
    ],
)
def test_any_nodes_come_back_equal(
    source_nwb: Path, tmp_path: Path, inspect: Inspect, nodes: Nodes
) -> None:
    embedding = make_embedding(nodes)
    path = store(source_nwb, embedding, tmp_path)
    assert read_results(path) == embedding
    assert inspect(path) == []


def test_any_columns_of_windows_come_back_equal(
    source_nwb: Path, units: Nodes, tmp_path: Path, inspect: Inspect
) -> None:
    windows = make_windows(
        4,
        label=["hit", "miss", "miss", "hit"],
        text=["", "rest é", "a, b", "game"],
        score=[0.5, np.nan, 1.0, 2.0],
        missing=[np.nan] * 4,
        binary=np.array([0.0, 1.0, 1.0, 0.0]),
        single=np.array([0, 1, 0, 1], dtype=np.float32),
        count=[0, 1, 0, 1],
        flag=[True, False, True, False],
        start_time=[1, 2, 3, 4],
        window_column_0=[4, 3, 2, 1],
        name=["a", "b", "c", "d"],
    ).with_columns(**{"score (1/s)": [0.1, 0.2, 0.3, 0.4]})
    embedding = make_embedding(units, windows=windows)
    path = store(source_nwb, embedding, tmp_path)
    restored = read_results(path)
    assert restored == embedding
    assert list(restored.windows.columns) == list(windows.columns)
    for name, values in windows.columns.items():
        assert values.dtype.kind == "U" or restored.windows.columns[name].dtype == values.dtype
    assert inspect(path) == []


def test_a_single_window_calls_forth_one_remark(
    source_nwb: Path, units: Nodes, tmp_path: Path, inspect: Inspect
) -> None:
    embedding = make_embedding(units, n_windows=1)
    path = store(source_nwb, embedding, tmp_path)
    assert read_results(path) == embedding
    (remark,) = inspect(path)
    assert remark.startswith("BEST_PRACTICE_SUGGESTION check_single_row tavrnn_windows")


TEXTS = st.text(
    st.characters(codec="utf-8", exclude_characters="\0", exclude_categories=["Cs"]), max_size=8
)
SCALARS = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False)
    | TEXTS
)  # fmt: skip


@st.composite
def embeddings(draw: st.DrawFn) -> NodeEmbedding:
    n_windows, n_nodes, size = (draw(st.integers(1, 4)) for _ in range(3))

    def array(*shape: int) -> Any:
        return draw(hnp.arrays(np.float32, shape, elements=st.floats(width=32)))

    def ids(count: int) -> list[str]:
        return draw(st.lists(TEXTS.map(str.strip), min_size=count, max_size=count, unique=True))

    column = st.one_of(
        hnp.arrays(np.float64, n_windows),
        hnp.arrays(np.int64, n_windows, elements=st.integers(-1, 2)),
        hnp.arrays(np.bool_, n_windows),
        st.lists(TEXTS, min_size=n_windows, max_size=n_windows),
    )
    nodes = Nodes(
        ids=ids(n_nodes),
        kind=draw(st.sampled_from(["unit", "channel", "roi"])),
        groups=draw(st.none() | st.lists(TEXTS, min_size=n_nodes, max_size=n_nodes)),
        positions_um=array(n_nodes, draw(st.sampled_from([2, 3]))) if draw(st.booleans()) else None,
        rows=draw(st.none() | hnp.arrays(np.int64, n_nodes, elements=st.integers(-1, 5))),
    )
    windows = make_windows(n_windows)
    for name in draw(st.lists(TEXTS, max_size=3, unique=True)):
        windows = windows.with_columns(**{name: draw(column)})
    finite = st.floats(width=32, allow_nan=False, allow_infinity=False)
    mean = draw(hnp.arrays(np.float32, (n_windows, n_nodes, size), elements=finite))
    # A node that does not exist in a window has none of its coordinates there.
    mean[draw(hnp.arrays(np.bool_, (n_windows, n_nodes)))] = np.nan
    return NodeEmbedding(
        mean=mean,
        std=array(n_windows, n_nodes, size),
        windows=windows,
        nodes=nodes,
        attention=array(n_windows, n_windows) if draw(st.booleans()) else None,
        history=array(n_windows, size) if draw(st.booleans()) else None,
        config=draw(st.dictionaries(TEXTS, SCALARS | st.lists(SCALARS, max_size=3), max_size=3)),
        versions=draw(st.dictionaries(TEXTS, TEXTS, max_size=2)),
        seed=draw(st.none() | st.integers(0, 2**64)),
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(embedding=embeddings())
def test_whatever_is_written_comes_back_equal(
    source_nwb: Path, tmp_path_factory: pytest.TempPathFactory, embedding: NodeEmbedding
) -> None:
    path = store(source_nwb, embedding, tmp_path_factory.mktemp("results"))
    assert read_results(path) == embedding


@settings(max_examples=200, deadline=None)
@given(
    values=hnp.arrays(
        st.sampled_from([np.float16, np.float32, np.float64, np.int64, np.uint8, np.bool_]),
        hnp.array_shapes(max_dims=2, max_side=4),
        elements=st.sampled_from([0, 1]),
    )
)
def test_encoding_of_zeros_and_ones_is_lossless(values: np.ndarray) -> None:
    stored, note = encode_array(values)
    restored = decode_array(stored, note)
    assert restored.dtype == values.dtype
    np.testing.assert_array_equal(restored, values)


def test_nodes_point_to_their_rows(source_nwb: Path, units: Nodes, tmp_path: Path) -> None:
    path = store(source_nwb, make_embedding(units), tmp_path)
    with pynwb.NWBHDF5IO(path, "r") as io:
        nwbfile = io.read()
        region = nwbfile.processing["ecephys"]["tavrnn_nodes"]["source_row"]
        assert region.table is nwbfile.units
        assert region.data[:].tolist() == [0, 1, 2, 3]


def test_results_of_rois_stand_in_the_module_ophys(
    roi_block: neo.Block, tmp_path: Path, inspect: Inspect
) -> None:
    source = NwbAdapter().write_block(roi_block, tmp_path / "source.nwb")
    block = NwbAdapter().read(source, quality="all")
    embedding = make_embedding(nodes_of(block.segments[0]))
    path = store(source, embedding, tmp_path)
    assert read_results(path) == embedding
    assert inspect(path) == []
    with pynwb.NWBHDF5IO(path, "r") as io:
        module = io.read().processing["ophys"]
        assert module["tavrnn_nodes"]["source_row"].table.name == "PlaneSegmentation"


def test_arrays_stay_float32_in_chunks_of_a_window(
    source_nwb: Path, units: Nodes, tmp_path: Path
) -> None:
    path = store(source_nwb, make_embedding(units), tmp_path)
    with h5py.File(path, "r") as file:
        data = file["processing/ecephys/tavrnn_windows/embedding_mean"]
        assert (data.dtype, data.chunks) == (np.float32, (1, 4, 3))
        assert (data.compression, data.compression_opts, data.shuffle) == ("gzip", 4, True)


def test_every_column_explains_itself(source_nwb: Path, units: Nodes, tmp_path: Path) -> None:
    windows = make_windows(4, label=["hit", "miss", "miss", "hit"])
    path = store(source_nwb, make_embedding(units, windows=windows), tmp_path)
    with pynwb.NWBHDF5IO(path, "r") as io:
        module = io.read().processing["ecephys"]
        tables = [module[f"tavrnn_{name}"] for name in ("windows", "nodes", "provenance")]
        columns = [column for table in tables for column in table.columns]
        assert all(len(column.description) > 20 for column in columns)
        assert "0: hit, 1: miss" in tables[0]["label"].description


def test_source_stays_byte_for_byte(
    source_nwb: Path, units: Nodes, tmp_path: Path, sha256: Callable[[Path], str]
) -> None:
    before = sha256(source_nwb)
    store(source_nwb, make_embedding(units), tmp_path)
    assert sha256(source_nwb) == before


def test_the_recording_in_the_copy_is_the_same(
    source_nwb: Path, units: Nodes, tmp_path: Path
) -> None:
    path = store(source_nwb, make_embedding(units), tmp_path)
    with h5py.File(source_nwb, "r") as old, h5py.File(path, "r") as new:
        datasets: list[str] = []
        old.visititems(lambda name, item: datasets.append(name) if hasattr(item, "dtype") else None)
        recorded = [name for name in datasets if not name.startswith("specifications")]
        assert len(recorded) > 5
        for name in recorded:
            assert np.array_equal(np.ravel(old[name][()]), np.ravel(new[name][()])), name


def test_the_copy_is_a_recording_as_before(source_nwb: Path, units: Nodes, tmp_path: Path) -> None:
    path = store(source_nwb, make_embedding(units), tmp_path)
    segment = NwbAdapter().read(path).segments[0]
    assert nodes_of(segment) == units
    assert len(segment.epochs) == 0


@pytest.mark.parametrize("place", ["add", "schema_errors"])
def test_a_failure_leaves_nothing_behind(
    source_nwb: Path, units: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    def fail(*args: Any) -> None:
        raise RuntimeError("in the middle")

    monkeypatch.setattr(Hdf5RunFile, place, fail)
    with pytest.raises(RuntimeError, match="in the middle"):
        store(source_nwb, make_embedding(units), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_failure_amid_writing_keeps_the_earlier_copy(
    source_nwb: Path, units: Nodes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = store(source_nwb, make_embedding(units), tmp_path)
    before = path.read_bytes()

    def fail(self: Any, *args: Any, **kwargs: Any) -> None:
        self._file["half"] = 1
        raise OSError("No space left on device")

    monkeypatch.setattr(pynwb.NWBHDF5IO, "write", fail)
    with pytest.raises(OutputError, match="No space left on device.*nothing was left behind"):
        write_results(source_nwb, make_embedding(units), out=path, overwrite=True)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


def test_results_over_their_own_source_are_refused(
    source_nwb: Path, units: Nodes, tmp_path: Path
) -> None:
    source = Path(shutil.copy(source_nwb, tmp_path / "own.nwb"))
    with pytest.raises(OutputError, match="is the input itself"):
        write_results(source, make_embedding(units), out=source, overwrite=True)


def test_a_source_with_results_is_refused(source_nwb: Path, units: Nodes, tmp_path: Path) -> None:
    path = store(source_nwb, make_embedding(units), tmp_path)
    with pytest.raises(OutputError, match="already holds a run 'default'"):
        write_results(path, make_embedding(units), out=tmp_path / "again.nwb")


def test_nodes_of_another_recording_are_refused(source_nwb: Path, tmp_path: Path) -> None:
    nodes = Nodes(ids=["a", "b"], rows=[0, 9], table="units")
    with pytest.raises(InputError, match="row 9 of table 'units', but 'culture.nwb' has 4"):
        store(source_nwb, make_embedding(nodes), tmp_path)


def test_windows_on_clocks_of_their_own_are_refused(
    source_nwb: Path, units: Nodes, tmp_path: Path
) -> None:
    windows = Windows(start_s=[0, 1, 0, 1], stop_s=[1, 2, 1, 2], segment_index=[0, 0, 1, 1])
    with pytest.raises(InputError, match="clock of the NWB file"):
        store(source_nwb, make_embedding(units, windows=windows), tmp_path)


def test_an_option_that_cannot_be_saved_is_refused(
    source_nwb: Path, units: Nodes, tmp_path: Path
) -> None:
    embedding = make_embedding(units, config={"model": {"size": 3}})
    with pytest.raises(InputError, match=r"'config\.model' is of type dict"):
        store(source_nwb, embedding, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_source_that_is_not_nwb_is_refused(tmp_path: Path, units: Nodes) -> None:
    source = tmp_path / "text.nwb"
    source.write_text("no recording")
    with pytest.raises(FileFormatError, match="'text.nwb' is not an NWB file"):
        store(source, make_embedding(units), tmp_path)
    assert list(tmp_path.iterdir()) == [source]


def test_reading_results_of_a_file_without_any_is_refused(source_nwb: Path) -> None:
    with pytest.raises(FileFormatError, match="'culture.nwb' holds no results"):
        read_results(source_nwb)


@pytest.mark.parametrize(
    "name", ["A8604-211122.nwb", "nwb_test.nwb", "sub-4_ses-4_ecephys+image.nwb"]
)
def test_real_files_take_results_without_a_new_remark(
    recordings: Path,
    tmp_path: Path,
    inspect: Inspect,
    sha256: Callable[[Path], str],
    name: str,
) -> None:
    source = recordings / "formats/nwb" / name
    before = sha256(source)
    block = NwbAdapter().read(source, quality="all")
    embedding = make_embedding(nodes_of(block.segments[0]))
    path = store(source, embedding, tmp_path)
    assert read_results(path) == embedding
    assert sorted(inspect(path)) == sorted(inspect(source))
    assert sha256(source) == before


def test_a_file_with_an_extension_takes_results(recordings: Path, tmp_path: Path) -> None:
    source = recordings / "formats/nwb/2.1.0_nwbfile_with_extension.nwb"
    embedding = make_embedding(Nodes(ids=["a", "b"]))
    assert read_results(store(source, embedding, tmp_path)) == embedding


def test_results_of_named_rois_are_those_of_their_file(
    roi_block: neo.Block, tmp_path: Path
) -> None:
    """Nodes are named by the column of names, which differs from the ids of the rows."""
    source = NwbAdapter().write_block(roi_block, tmp_path / "rois.nwb")
    nodes = nodes_of(NwbAdapter().read(source).segments[0])
    assert nodes.ids.tolist() == ["r7", "r8", "r9", "r10"]
    out = write_results(source, make_embedding(nodes), out=tmp_path / "out.nwb")
    assert read_results(out).nodes.ids.tolist() == nodes.ids.tolist()
