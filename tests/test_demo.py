"""The demonstration recovers what it simulated."""

import shutil
from pathlib import Path

import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.studies.demo import FIGURES, run_demo


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    with pytest.warns(UserWarning, match="do not vary"):
        return run_demo(tmp_path_factory.mktemp("demo") / "out", verbose=False)


def test_state_is_decoded_above_chance_and_above_rates(demo):
    embedding, spectral, rates, shuffled = demo.scores
    assert embedding.balanced_accuracy > embedding.chance_interval[1]
    assert embedding.balanced_accuracy > rates.balanced_accuracy + 0.2
    assert embedding.p_value == pytest.approx(1 / 200)
    # The floor: what the network is given.  It must not lose it.
    assert embedding.balanced_accuracy > spectral.balanced_accuracy - 0.03
    assert shuffled.balanced_accuracy < shuffled.chance_interval[1] + 0.05


def test_neither_rates_nor_shuffled_bins_tell_the_state(demo):
    for score in demo.scores[2:]:
        low, high = score.chance_interval
        assert low - 0.05 <= score.balanced_accuracy <= high + 0.05


def test_python_lines_of_the_readme_run(demo, tmp_path, monkeypatch):
    readme = (Path(__file__).parents[1] / "README.md").read_text()
    code = readme.split("```python\n")[1].split("```")[0]
    assert 8 <= len(code.splitlines()) <= 12
    monkeypatch.chdir(tmp_path)
    (tmp_path / "demo").mkdir()
    shutil.copy(demo.files[0], tmp_path / "demo/culture.nwb")
    names = {}
    with pytest.warns(UserWarning, match="do not vary"):
        exec(code, names)  # noqa: S102
    assert te.read_results(tmp_path / "culture_embedded.nwb") == names["embedding"]


def test_files_are_written_and_read_back(demo):
    recording, results = demo.files[:2]
    assert te.read_results(results) == demo.result.embedding
    assert len(te.read(recording).segments[0].spiketrains) == 80
    written = {path.name for path in recording.parent.iterdir()}
    assert written == {
        "culture.nwb",
        "culture_tavrnn.nwb",
        "report.html",
        "attention.png",
        *(f"{name}.png" for name in FIGURES),
    }


def test_report_names_scores_and_files(demo):
    text = str(demo)
    for word in ("TAVRNN embedding", "mean rates", "bins shuffled", "culture_tavrnn.nwb"):
        assert word in text
    assert f"{demo.scores[0].balanced_accuracy:.3f}" in text


def test_simulated_recording_passes_the_inspector(demo):
    from nwbinspector import inspect_nwbfile

    for path in demo.files[:2]:
        assert list(inspect_nwbfile(nwbfile_path=path)) == []


def test_windows_carry_the_performance(demo):
    performance = demo.result.windows.columns["performance"]
    states = demo.truth.state_at((demo.result.windows.start_s + demo.result.windows.stop_s) / 2)
    assert np.corrcoef(performance, states)[0, 1] > 0.5
