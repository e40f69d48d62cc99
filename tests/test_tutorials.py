"""Tutorials run from top to bottom and show what they say."""

import re
import runpy
from pathlib import Path

import pytest

TUTORIALS = Path(__file__).parents[1] / "tutorials"


@pytest.mark.filterwarnings("ignore::tavrnn_ephys.errors.DataLossWarning")
def test_ten_minutes_tells_states_apart_and_rates_do_not(capsys):
    runpy.run_path(str(TUTORIALS / "ten_minutes.py"))
    printed = capsys.readouterr().out
    scores = [float(text) for text in re.findall(r"(0\.\d\d|1\.00), chance", printed)]
    highest = [float(text) for text in re.findall(r"chance 0\.\d\d to (0\.\d\d|1\.00)", printed)]
    assert scores[0] > highest[0]
    assert scores[1] <= highest[1]
