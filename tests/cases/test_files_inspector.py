"""Results of large and of sparse graphs call forth no message of nwbinspector."""

import datetime
import warnings
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import quantities as pq
import scipy.sparse

import tavrnn_ephys as te
from tavrnn_ephys.adapters.nwb._run_columns import Column, stored_columns
from tavrnn_ephys.adapters.nwb._run_graph_rules import graph_of_edges
from tavrnn_ephys.adapters.nwb._run_graphs import _edge_list
from tavrnn_ephys.io.blocks import block_from_arrays


def star(n_nodes: int, leaves: range) -> scipy.sparse.csr_array:
    """Every node of a range is joined to nodes 0 and 1, as the first rows of a dense graph."""
    rows = np.repeat([0, 1], len(leaves))
    columns = np.tile(leaves, 2)
    weights = np.full(len(rows), 0.5, dtype=np.float32)
    upper = scipy.sparse.csr_array((weights, (rows, columns)), shape=(n_nodes, n_nodes))
    return (upper + upper.T).tocsr()


@pytest.fixture
def nodes_table() -> object:
    from hdmf.common import DynamicTable, VectorData

    column = VectorData(name="node_id", description="name", data=[str(i) for i in range(600)])
    return DynamicTable(name="nodes", description="nodes", columns=[column], id=list(range(600)))


def test_edges_that_leave_two_nodes_do_not_look_like_flags(nodes_table: object) -> None:
    from hdmf.common import DynamicTable
    from nwbinspector.checks import check_column_binary_capability

    graph = star(600, range(2, 102))
    columns = _edge_list(SimpleNamespace(weights=[graph], directed=False), nodes_table)
    head = np.asarray(columns[0].target.data)[:200]
    assert set(np.unique(head)) - {0, 1}
    flat = [column.target for column in columns if column.name != "edge_weight_index"]
    table = DynamicTable(name="t", description="t", columns=flat, id=list(range(200)))
    assert check_column_binary_capability(table) is None


def test_edges_come_back_as_they_were(nodes_table: object) -> None:
    graph = star(600, range(2, 102))
    first, second, weight = (
        np.asarray(column.target.data)
        for column in _edge_list(SimpleNamespace(weights=[graph], directed=False), nodes_table)
    )
    found = graph_of_edges(first, second, weight, 600)
    assert (found != graph).nnz == 0


def test_derived_column_of_zeros_and_ones_is_stored_as_bytes() -> None:
    matrices = np.random.default_rng(0).integers(0, 2, (30, 4, 4)).astype(np.float64)
    matrices[0, 0, :2] = [0, 1]
    column = Column(
        name="flags", text="flags", values=matrices, chunks=(1, 16),
        derive=lambda rows: rows.reshape(len(rows), -1),
    )  # fmt: skip
    (stored,), notes = stored_columns("part", [column], lambda data, chunks, compress: data)
    assert np.asarray(stored.data).dtype == np.int8
    np.testing.assert_array_equal(stored.data, matrices.reshape(30, -1))
    assert notes["columns.part.flags.dtype"] == "float64"


def test_run_of_a_star_draws_no_message(tmp_path: Path) -> None:
    counts = np.zeros((300, 400), dtype=int)
    rng = np.random.default_rng(0)
    shared = rng.random((2, 400)) < 0.3
    counts[:2] = shared
    for index in range(2, 300):
        counts[index] = shared[index % 2] & (rng.random(400) < 0.8)
    block = block_from_arrays(counts=counts, bin_size=50 * pq.ms)
    block.rec_datetime = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    source = te.write_nwb(block, tmp_path / "source.nwb")
    activity = te.bin_activity(block.segments[0], bin_size=50 * pq.ms)
    windows = te.sliding_windows(activity, window_length=10 * pq.s, step=5 * pq.s)
    connectivity = te.compute_connectivity(activity, windows, measure="pearson")
    graphs = te.build_graphs(connectivity, threshold=0.85, features="identity")
    assert max(matrix.nnz for matrix in graphs.weights) < 0.25 * 300 * 299
    results = te.Results(graphs=graphs)
    te.write_results(source, results, out=tmp_path / "results.nwb")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nwbinspector import inspect_nwbfile

        found = list(inspect_nwbfile(nwbfile_path=str(tmp_path / "results.nwb")))
    assert [
        item.message
        for item in found
        if item.check_function_name == "check_column_binary_capability"
    ] == []
