"""A run computed again: rounding, and what the processor has to do with it."""

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.provenance import instruction_set, package_versions
from tavrnn_ephys.results.rounding import ROUNDING, largest_difference
from tavrnn_ephys.studies.reproduction import Reproduction, _rounding


@pytest.fixture(scope="module")
def results():
    rng = np.random.default_rng(0)
    weights = rng.uniform(-1, 1, (4, 6, 6))
    connectivity = te.ConnectivitySequence.from_array(weights + weights.swapaxes(1, 2))
    graphs = te.build_graphs(connectivity, threshold=0.5)
    embedding = te.NodeEmbedding(
        mean=rng.normal(size=(4, 6, 2)).astype(np.float32),
        std=np.ones((4, 6, 2), np.float32),
        windows=connectivity.windows,
        nodes=connectivity.nodes,
    )
    return te.Results(connectivity=connectivity, graphs=graphs, embedding=embedding)


def moved(results, by):
    mean = results.embedding.mean * np.float32(1 + by)
    return dataclasses.replace(results, embedding=dataclasses.replace(results.embedding, mean=mean))


def test_equal_results_do_not_differ(results):
    assert largest_difference(results, results) == 0.0


def test_rounding_is_told_by_its_size(results):
    assert 1e-7 < largest_difference(results, moved(results, 2e-7)) < 4e-7


def test_more_than_rounding_is_no_rounding(results):
    assert largest_difference(results, moved(results, 1e-3)) is None


def test_an_edge_that_comes_is_no_rounding(results):
    graphs = te.build_graphs(results.connectivity, threshold=0.4)
    assert largest_difference(results, dataclasses.replace(results, graphs=graphs)) is None


def test_a_report_of_rounding_does_not_say_not_equal():
    found = Reproduction(
        run="default",
        equal=("nodes",),
        differences=("The mean of the embedding differs by up to 2e-07.",),
        reasons=(
            f"{ROUNDING}numbers differ by at most 2e-07 of the largest of their kind.",
            "instruction set of the processor: X86_V3 then, X86_V4 now, so that sums round "
            "differently.",
        ),
    )
    assert str(found).splitlines()[0] == "Run 'default': equal up to rounding."
    assert "not equal" not in str(found)
    assert not found.is_equal


def test_a_table_that_differs_by_more_than_rounding_is_not_equal():
    found = Reproduction(
        run="default",
        equal=("nodes",),
        differences=("The table behavior_nodes differs.",),
        reasons=("of the arrays, numbers differ by at most 2e-07 of the largest of their kind.",),
    )
    assert str(found).splitlines()[0] == "Run 'default': not equal."
    assert "Why: of the arrays, numbers differ by at most 2e-07" in str(found)


def test_arrays_that_round_beside_other_tables_are_told_apart(results):
    analysis = SimpleNamespace(
        embedding=moved(results, 2e-7).embedding,
        connectivity=results.connectivity,
        graphs=results.graphs,
    )
    (alone,) = _rounding(results, analysis, other_tables=False)
    (beside,) = _rounding(results, analysis, other_tables=True)
    assert alone.startswith(ROUNDING)
    assert beside.startswith("of the arrays, numbers differ by at most")
    assert not beside.startswith(ROUNDING)


def test_the_instruction_set_is_stored_with_the_versions():
    assert package_versions()["processor"] == instruction_set()
    assert instruction_set().split()[0]


def test_a_fault_of_this_program_has_a_status_of_its_own(monkeypatch, tmp_path, capsys):
    def fail(*_, **__):
        raise AttributeError("'NoneType' object has no attribute 'shape'")

    (tmp_path / "a.nwb").write_text("x")
    monkeypatch.setattr("tavrnn_ephys.studies.inspection.inspect_file", fail)
    assert main(["inspect", str(tmp_path / "a.nwb")]) == 3
    said = capsys.readouterr().err
    assert said.startswith("tavrnn-ephys: An unexpected AttributeError stopped this command")
    assert said.count("\n") == 1
