"""A run that an earlier version wrote is read to the last bit, and is still written so."""

import gzip
import hashlib
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.core.run_parts import RUN_PARTS
from tavrnn_ephys.results.comparison import compare_parts

OLD = Path(__file__).parent / "old/layout_2.nwb.gz"
# Of the arrays of the file, read by the version that wrote it.
DIGESTS = {
    "embedding.mean": "69f3eb1a19248538",
    "embedding.std": "332c6c2f8ba9be1f",
    "embedding.attention": "74b5e519bdfa95f7",
    "connectivity.weights": "44a5af6e4d3bd7fe",
    "connectivity.mean_activity": "7431f08e22124ab4",
    "graphs.features": "bf6d8c58e289205f",
}
NOTES = ("columns.", "window_columns.", "window_values.", "node_values.", "table_columns.",
         "table_types.", "graphs.", "connectivity.", "tables.")  # fmt: skip


@pytest.fixture(scope="module")
def old(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("old") / "layout_2.nwb"
    path.write_bytes(gzip.decompress(OLD.read_bytes()))
    return path


@pytest.fixture(scope="module")
def results(old: Path) -> te.Results:
    return te.read_results(old, what="all")


def provenance_of(path: Path) -> dict[str, str]:
    with h5py.File(path, "r") as file:
        table = file["processing/ecephys/tavrnn_provenance"]
        keys, values = (table[name].asstr()[:] for name in ("key", "value"))
    return dict(zip(keys, values, strict=True))


# The provenance, and what stands beside the layout for other programs and is never read back.
OTHERS = ("tables.intervals", "tables.score_", "tables.embedding")
BESIDE = ("tavrnn_prov", "tavrnn_intervals", "tavrnn_score_", "tavrnn_embedding")


def structure_of(path: Path) -> dict[str, Any]:
    """Name, type, shape, chunks, compression and attributes of every object of the run."""
    found = {}

    def look(name: str, item: Any) -> None:
        form: tuple[Any, ...] = ()
        if isinstance(item, h5py.Dataset):
            form = (item.dtype, item.shape, item.chunks, item.compression, item.shuffle)
        found[name] = (type(item), sorted(item.attrs), *form)

    with h5py.File(path, "r") as file:
        file["processing/ecephys"].visititems(look)
    # The provenance has a row more or less for each option.
    return {name: form for name, form in found.items() if not name.startswith(BESIDE)}


@pytest.mark.parametrize("name", DIGESTS)
def test_arrays_are_read_to_the_last_bit(results: te.Results, name: str) -> None:
    part, array = name.split(".")
    values = np.ascontiguousarray(getattr(getattr(results, part), array))
    assert hashlib.sha256(values.tobytes()).hexdigest()[:16] == DIGESTS[name]


def test_every_part_is_there(results: te.Results) -> None:
    assert all(getattr(results, row.name) is not None for row in RUN_PARTS)
    assert (len(results.window_values), len(results.node_values)) == (4, 3)
    assert results.contents[:4] == (
        "embedding", "connectivity", "graphs", "table behavior_windows",
    )  # fmt: skip
    assert len(results.contents) == 10
    assert repr(results).startswith("Results: 59 windows x 20 channels: ")


def test_one_window_is_that_of_the_whole(old: Path, results: te.Results) -> None:
    with te.open_results(old) as stored:
        found = stored.window(30)
    whole = results.window(30)
    assert np.array_equal(found.weights, whole.weights)
    assert np.array_equal(found.adjacency.toarray(), whole.adjacency.toarray())
    assert np.array_equal(found.embedding_std, whole.embedding_std)
    assert found.values == whole.values


def test_the_same_results_are_written_as_they_were(
    old: Path, results: te.Results, tmp_path: Path
) -> None:
    new = te.write_results(old, results, out=tmp_path / "new.nwb", replace=True)
    assert structure_of(new) == structure_of(old)
    with h5py.File(new, "r") as file:
        named = set(file["processing/ecephys"])
    assert any(name.startswith(BESIDE[1:]) for name in named)
    before, after = provenance_of(old), provenance_of(new)
    for key in [*before, *after]:
        if key.startswith(NOTES) and not key.startswith(OTHERS):
            assert before[key] == after[key], key
    roles = {row.role for row in RUN_PARTS}
    assert compare_parts(te.read_results(new, what="all"), results, roles=roles)[1] == []
