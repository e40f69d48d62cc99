"""Directed graphs all the way: states, pictures, and the page of a run."""

import datetime

import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.containers.origin import Origin, options_as_facts
from tavrnn_ephys.figures.page.collect import collect
from tavrnn_ephys.figures.page.matrix import matrix_figure


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    block = te.simulate_culture(n_nodes=20, duration=100 * pq.s, mean_rate_hz=8.0, seed=1)
    block.rec_datetime = datetime.datetime(2024, 5, 6, tzinfo=datetime.UTC)
    out = tmp_path_factory.mktemp("directed")
    recording = te.write_nwb(block, out / "culture.nwb")
    command = [
        "analyze", str(recording), "--measure", "lagged_correlation", "--bin-size", "10ms",
        "--window", "4s", "--step", "4s", "--training-epochs", "1", "--states", "2",
        "--out", str(out / "out.nwb"), "--figures", str(out / "figures"),
        "--report", str(out / "page.html"),
    ]  # fmt: skip
    assert main(command) == 0
    return out


def test_page_and_pictures_keep_the_direction(folder):
    content = collect(folder / "out.nwb")
    assert content.matrices.directed
    weights = content.matrices.means[0]
    assert not np.allclose(np.nan_to_num(weights), np.nan_to_num(weights.T))
    assert content.similarity.values.shape == (25, 25)
    assert "rows to columns" in matrix_figure(content.matrices).layout.xaxis.title.text
    drawn = {path.stem for path in (folder / "figures").iterdir()}
    assert {"raster", "connectivity", "similarity", "state_times"} <= drawn


def test_answer_of_a_directed_network_holds(folder):
    with te.open_results(folder / "out.nwb") as run:
        tables = dict(run.tables)
        assert te.answer(run).holds(tables)


def test_options_that_are_added_stand_where_a_file_puts_them():
    origin = Origin(measure_options=options_as_facts({"kernel": "exponential", "time_constant": 1}))
    added = origin.with_option("symmetrized", "mean")
    assert Origin.from_facts(added.to_facts()) == added
