"""What pynapple finds in a file of results: windows one by one, scores, the embedding."""

import warnings
from pathlib import Path

import numpy as np
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.adapters.nwb import NwbAdapter
from tavrnn_ephys.adapters.nwb._run_series import nearest_stretches
from tests.adapters.contract import nodes_of
from tests.adapters.test_nwb_runs import make_results

N_WINDOWS = 6


@pytest.fixture(scope="module")
def written(source_nwb: Path) -> te.Results:
    units = nodes_of(NwbAdapter().read(source_nwb).segments[0])
    return make_results(units, N_WINDOWS)


@pytest.fixture(scope="module")
def stored(source_nwb: Path, written: te.Results, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return te.write_results(source_nwb, written, out=tmp_path_factory.mktemp("nap") / "out.nwb")


@pytest.fixture
def opened(stored: Path):
    nap = pytest.importorskip("pynapple")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        file = nap.load_file(str(stored))
        yield file
        file.close()


@pytest.mark.filterwarnings("ignore")
def test_pynapple_reads_windows_one_by_one(opened, written: te.Results) -> None:
    intervals = opened["tavrnn_intervals"]
    assert len(intervals) == N_WINDOWS
    assert intervals["window"].to_numpy().tolist() == list(range(N_WINDOWS))
    assert np.array_equal(intervals["score"].to_numpy(), written.windows.columns["score"])
    middle = 0.5 * (written.windows.start_s + written.windows.stop_s)
    assert np.all((intervals.start <= middle) & (middle < intervals.end))


@pytest.mark.filterwarnings("ignore")
def test_pynapple_joins_the_overlapping_windows_themselves(opened) -> None:
    assert len(opened["tavrnn_windows"]) == 1


@pytest.mark.filterwarnings("ignore")
def test_pynapple_reads_scores_and_the_embedding_as_series(opened, written: te.Results) -> None:
    score = opened["tavrnn_score_score"]
    assert np.array_equal(score.d[:], written.windows.columns["score"])
    middle = 0.5 * (written.windows.start_s + written.windows.stop_s)
    assert score.t == pytest.approx(middle)
    embedding = opened["tavrnn_embedding"]
    assert np.array_equal(embedding.d[:], written.embedding.window_embedding("mean"))
    within = score.restrict(opened["tavrnn_intervals"][2])
    assert within.d[:].tolist() == [written.windows.columns["score"][2]]


def test_series_and_intervals_of_a_run_are_no_part_of_the_recording(
    stored: Path, source_nwb: Path
) -> None:
    before = NwbAdapter().read(source_nwb).segments[0]
    after = NwbAdapter().read(stored).segments[0]
    assert [epoch.name for epoch in after.epochs] == [epoch.name for epoch in before.epochs]
    for kind in ("analogsignals", "irregularlysampledsignals"):
        names = [[signal.name for signal in getattr(item, kind)] for item in (before, after)]
        assert names[0] == names[1]


def test_series_of_a_run_vanish_with_it(stored: Path, tmp_path: Path) -> None:
    import shutil

    import h5py

    copy = Path(shutil.copy(stored, tmp_path / "copy.nwb"))
    te.delete_runs(copy, "default")
    with h5py.File(copy, "r") as file:
        left = [name for name in file.get("processing/ecephys", ()) if name.startswith("tavrnn")]
    assert left == []


def test_windows_of_one_middle_have_no_intervals_of_their_own() -> None:
    nested = te.Windows(start_s=[0.0, 1.0], stop_s=[4.0, 3.0])
    assert nearest_stretches(nested) is None


def test_windows_that_do_not_overlap_stay_as_they_are() -> None:
    apart = te.Windows(start_s=[0.0, 5.0, 7.0], stop_s=[2.0, 7.0, 8.0])
    start, stop = nearest_stretches(apart)
    assert start.tolist() == [0.0, 5.0, 7.0]
    assert stop.tolist() == [2.0, 7.0, 8.0]
