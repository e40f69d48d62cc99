"""Pictures of a benchmark show what its table says."""

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.figures import plot_benchmark, plot_benchmark_cost


def table(kind="classification"):
    return pd.DataFrame(
        {
            "task": "t", "method": ["rates", "tavrnn", "uase"], "kind": kind,
            "score": [0.5, 0.7, 0.9], "low": [0.45, 0.6, 0.85], "high": [0.55, 0.8, 0.95],
            "chance_low": [0.4, 0.35, -2.0], "chance_high": [0.6, 0.65, 0.6],
            "shuffled": [0.5, 0.48, -5.0], "rates": 0.5, "seconds": [0.01, 1.0, 0.02],
        }
    )  # fmt: skip


def test_best_method_stands_on_top_with_its_interval():
    ax = plot_benchmark(table(), ax=Figure().add_subplot())
    assert [label.get_text() for label in ax.get_yticklabels()] == ["uase", "tavrnn", "rates"]
    lines = [line for line in ax.lines if len(line.get_xdata()) == 2 and line.get_ls() == "-"]
    np.testing.assert_allclose(lines[0].get_xdata(), [0.85, 0.95])
    assert "balanced accuracy" in ax.get_xlabel()


def test_hopeless_regressions_do_not_squeeze_the_others():
    ax = plot_benchmark(table("regression"), ax=Figure().add_subplot())
    assert ax.get_xlim()[0] > -0.5
    assert "explained variance" in ax.get_xlabel()


def test_cost_names_every_method_beside_its_point():
    ax = plot_benchmark_cost(table(), ax=Figure().add_subplot())
    assert {text.get_text() for text in ax.texts} == {"rates", "tavrnn", "uase"}
    assert ax.get_xscale() == "log"
    heights = sorted(text.get_position()[1] for text in ax.texts if text.get_ha() == "right")
    assert heights[1] - heights[0] > 0.01


def test_task_in_which_all_failed_is_refused():
    failed = table().assign(score=np.nan)
    for draw in (plot_benchmark, plot_benchmark_cost):
        with pytest.raises(InputError, match="every one failed"):
            draw(failed, ax=Figure().add_subplot())
