"""Every part of a run, row by row of the table of parts: stored, compared, counted, cut."""

import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.sparse

import tavrnn_ephys as te
from tavrnn_ephys.adapters.nwb import NwbAdapter
from tavrnn_ephys.adapters.nwb._run_parts import READERS, WRITERS
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.core.run_parts import RUN_PARTS
from tavrnn_ephys.io.protocols import RunParts
from tavrnn_ephys.results.comparison import compare_parts
from tests.adapters.contract import nodes_of
from tests.adapters.test_nwb_runs import make_results

NAMES = [row.name for row in RUN_PARTS]
SEQUENCES = [row for row in RUN_PARTS if row.role == "sequence"]
ROWS = {row.name: row for row in RUN_PARTS}
EVERY_ROLE = tuple({row.role for row in RUN_PARTS})


@pytest.fixture(scope="module")
def written(source_nwb: Path) -> te.Results:
    """Results that have every part, and every array of every part."""
    units = nodes_of(NwbAdapter().read(source_nwb).segments[0])
    rng = np.random.default_rng(1)
    base = make_results(units)
    embedding = dataclasses.replace(
        base.embedding, attention=np.tril(np.ones((5, 5))) / 3, history=rng.normal(size=(5, 3))
    )
    connectivity = dataclasses.replace(base.connectivity, lags_s=rng.normal(size=(5, 4, 4)))
    mask = np.ones((5, 4), dtype=bool)
    graphs = dataclasses.replace(te.build_graphs(connectivity), node_mask=mask)
    return dataclasses.replace(base, embedding=embedding, connectivity=connectivity, graphs=graphs)


@pytest.fixture(scope="module", params=["out.nwb", "out.nwb.zarr"])
def stored(
    request: pytest.FixtureRequest,
    source_nwb: Path,
    written: te.Results,
    tmp_path_factory: pytest.TempPathFactory,
) -> Path:
    out = tmp_path_factory.mktemp("parts") / request.param
    return te.write_results(source_nwb, written, out=out)


def arrays_of(part: Any) -> dict[str, np.ndarray]:
    """Numbers of a container, by field, whatever the table says of them."""
    found = {}
    for item in dataclasses.fields(part):
        values = getattr(part, item.name)
        if isinstance(values, tuple) and all(scipy.sparse.issparse(each) for each in values):
            values = np.stack([each.toarray() for each in values])
        if isinstance(values, np.ndarray):
            found[item.name] = values
    return found


ARRAYS = [
    ("embedding", "mean"), ("embedding", "std"), ("embedding", "attention"),
    ("embedding", "history"), ("connectivity", "weights"), ("connectivity", "mean_activity"),
    ("connectivity", "lags_s"), ("graphs", "weights"), ("graphs", "features"),
    ("graphs", "node_mask"),
]  # fmt: skip


def nudged(results: te.Results, part: str, array: str) -> te.Results:
    """Change the last window of one array of one part, and nothing else."""
    container = getattr(results, part)
    values = getattr(container, array)
    if array == "node_mask":
        changed: Any = None
    elif isinstance(values, tuple):
        changed = (*values[:-1], 0.5 * values[-1])
    else:
        changed = np.array(values)
        changed[-1] *= 0.5
    return dataclasses.replace(
        results, **{part: dataclasses.replace(container, **{array: changed})}
    )


def test_every_part_has_a_writer_a_reader_and_a_name() -> None:
    assert set(WRITERS) == set(READERS) == set(NAMES)
    fields = {item.name for item in dataclasses.fields(te.Results)}
    for row in RUN_PARTS:
        assert row.name in fields or isinstance(vars(te.Results)[row.name], property)
        assert row.name == "graphs" or isinstance(vars(RunParts)[row.name], property)
        assert isinstance(getattr(te.StoredResults, row.name), property)
    stated = fields - {"descriptions", "provenance"}
    assert stated == {row.name for row in RUN_PARTS if row.role != "axis"}


def test_the_arrays_under_test_are_all_arrays(written: te.Results) -> None:
    found = [
        (row.name, name) for row in SEQUENCES for name in arrays_of(getattr(written, row.name))
    ]
    assert sorted(found) == sorted(ARRAYS)


@pytest.mark.parametrize("name", NAMES)
def test_every_part_comes_back_equal(stored: Path, written: te.Results, name: str) -> None:
    with te.open_results(stored) as opened:
        part = opened.part(name)
        assert isinstance(part, ROWS[name].kind)
        compared = list(ROWS[name].compare(getattr(written, name), part))
        again = list(ROWS[name].compare(part, getattr(opened, name)))
    assert compared == again
    assert compared
    assert [text for _, text in compared if text] == []


@pytest.mark.parametrize("name", NAMES)
def test_every_part_of_another_run_is_told_apart(written: te.Results, name: str) -> None:
    nodes = te.Nodes(ids=["a", "b", "c", "d", "e"])
    other = make_results(nodes, n_windows=6, seed=4, tables={})
    compared = list(ROWS[name].compare(getattr(written, name), getattr(other, name)))
    assert all(text.endswith(".") for _, text in compared)
    assert compared


@pytest.mark.parametrize(("part", "array"), ARRAYS)
def test_a_difference_in_one_array_alone_is_told(
    written: te.Results, part: str, array: str
) -> None:
    other = nudged(written, part, array)
    equal, differences = compare_parts(written, other, roles=EVERY_ROLE)
    assert part not in equal
    assert len(differences) == 1
    assert set(equal) == {
        "nodes", "windows", "connectivity", "graphs", "embedding", "summaries of windows",
        "summaries of nodes", "table association",
    } - {part}  # fmt: skip


def test_runs_that_differ_in_the_standard_deviation_alone_are_told(
    source_nwb: Path, written: te.Results, tmp_path: Path
) -> None:
    path = te.write_results(source_nwb, written, out=tmp_path / "out.nwb")
    other = nudged(written, "embedding", "std")
    te.write_results(path, other, way="in_place", run="other")
    found = te.compare_runs(path, "default", "other")
    largest = 0.5 * written.embedding.std[-1].max()
    assert found.differences == (
        f"The standard deviation of the embedding differs by up to {largest:.3g}.",
    )


@pytest.mark.parametrize("part", ["window_values", "node_values", "tables"])
def test_summaries_and_tables_that_differ_are_named(written: te.Results, part: str) -> None:
    given = dict(getattr(written, part))
    name = next(iter(given))
    frame = given[name]
    given[name] = frame.assign(n=[3, 4, 6]) if part == "tables" else np.append(frame[:-1], 9.0)
    other = dataclasses.replace(written, **{part: given})
    (said,) = compare_parts(written, other, roles=EVERY_ROLE)[1]
    assert repr(name) in said
    without = dataclasses.replace(written, **{part: {}})
    (said,) = compare_parts(written, without, roles=EVERY_ROLE)[1]
    assert repr(name) in said


def test_numbers_that_are_missing_elsewhere_are_told(written: te.Results) -> None:
    mean = np.array(written.embedding.mean)
    # A node that is missing has none of its coordinates.
    mean[0, 0] = np.nan
    other = dataclasses.replace(
        written, embedding=dataclasses.replace(written.embedding, mean=mean)
    )
    assert compare_parts(written, other)[1] == [
        "The mean of the embedding is missing (NaN) at other places."
    ]


def test_directed_connectivity_is_told_from_undirected(written: te.Results) -> None:
    directed = dataclasses.replace(written.connectivity, directed=True)
    other = dataclasses.replace(written, connectivity=directed)
    assert compare_parts(written, other)[1] == [
        "The connectivity is pearson in one and pearson, directed in the other."
    ]


@pytest.mark.parametrize("name", NAMES)
def test_every_part_is_counted(written: te.Results, name: str) -> None:
    part = getattr(written, name)
    counted = ROWS[name].count(part)
    assert counted > 0
    if ROWS[name].role == "sequence":
        # Graphs are counted as they are stored, without the pairs that are no edges.
        without = {"weights"} if name == "graphs" else set()
        arrays = [values for key, values in arrays_of(part).items() if key not in without]
        assert counted >= sum(values.nbytes for values in arrays)
    assert written.n_bytes == sum(row.count(getattr(written, row.name)) for row in RUN_PARTS)


def test_a_listing_names_every_part(stored: Path, written: te.Results) -> None:
    (info,) = te.list_runs(stored)
    listed = {name for row in RUN_PARTS for name in row.contents(getattr(written, row.name))}
    assert set(info.contents) == set(written.contents) == listed
    assert listed == {"embedding", "connectivity", "graphs", "table association"}


@pytest.mark.parametrize("index", [0, 3, -1])
def test_every_part_is_cut_to_a_window_in_memory_as_in_the_file(
    stored: Path, written: te.Results, index: int
) -> None:
    expected = written.window(index)
    with te.open_results(stored) as opened:
        found = opened.window(index)
    for item in dataclasses.fields(te.core.runs.WindowResults):
        one, two = getattr(expected, item.name), getattr(found, item.name)
        if scipy.sparse.issparse(one):
            one, two = one.toarray(), two.toarray()
        np.testing.assert_equal(two, one, err_msg=item.name)
    given = [row.cut(getattr(written, row.name), index) for row in RUN_PARTS if row.cut]
    assert all(given)
    filled = {"index", *(name for each in given for name in each)}
    assert filled == {item.name for item in dataclasses.fields(te.core.runs.WindowResults)}


def test_a_window_in_memory_holds_the_rows_of_that_window(written: te.Results) -> None:
    one = written.window(-2)
    assert one.index == 3
    assert np.array_equal(one.embedding_std, written.embedding.std[3])
    assert np.array_equal(one.adjacency.toarray(), written.graphs.weights[3].toarray())
    assert one.values["mean_weight"] == written.window_values["mean_weight"][3]
    with pytest.raises(InputError, match="There is no window 5: the run has 5"):
        written.window(5)


@pytest.mark.parametrize("name", [row.name for row in SEQUENCES])
def test_a_part_of_another_type_is_refused(written: te.Results, name: str) -> None:
    given: Mapping[str, Any] = {name: np.ones((5, 4, 3))}
    kind = ROWS[name].kind.__name__
    with pytest.raises(InputError, match=f"The {name} of results must be a {kind}, got ndarray"):
        te.Results(**given)


def test_a_part_that_no_run_has_is_refused(stored: Path) -> None:
    with te.open_results(stored) as opened, pytest.raises(InputError, match="'embedding'"):
        opened.part("weights")
