"""A run computed again from the file that it stands in."""

from pathlib import Path

import h5py
import numpy as np
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.studies.reproduction import reproduce_run
from tests.adapters.test_nwb_runs import change_provenance, make_results
from tests.test_cli import analyze, dated

ODD = "ignore:.*differ no more coherently.*"
pytestmark = pytest.mark.filterwarnings(ODD)


@pytest.fixture(scope="module")
def analyzed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("reproduction")
    block = te.simulate_culture(n_nodes=20, duration=40 * pq.s, seed=1)
    source = te.write_nwb(dated(block), folder / "culture.nwb")
    assert analyze(source, folder / "out.nwb") == 0
    return folder / "out.nwb"


@pytest.fixture
def own(analyzed: Path, tmp_path: Path) -> Path:
    path = tmp_path / "own.nwb"
    path.write_bytes(analyzed.read_bytes())
    return path


def test_a_run_comes_out_equal(analyzed: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before = analyzed.read_bytes()
    assert main(["reproduce", str(analyzed)]) == 0
    assert capsys.readouterr().out.startswith(
        "Run 'default': equal to the last bit (nodes, windows, connectivity, graphs, embedding, "
        "table change_network, table change_nodes)."
    )
    assert analyzed.read_bytes() == before


def test_one_spike_less_is_told(own: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with h5py.File(own, "r+") as file:
        times = file["units/spike_times"]
        times[5] = times[4]
        moved = float(times[5])
    assert main(["reproduce", str(own)]) == 1
    out = capsys.readouterr().out
    assert "Run 'default': not equal." in out
    assert "Why: the recording has changed" in out
    assert "The mean of the embedding differs by up to" in out
    assert moved > 0


def test_a_changed_option_is_told(own: Path) -> None:
    change_provenance(own, "config.analysis.threshold", "0.3")
    found = reproduce_run(own)
    assert not found.is_equal
    assert found.reasons == (
        "option 'analysis.threshold' was changed in the file after the run; it says 0.3 now.",
    )
    assert any("The edges differ in" in text for text in found.differences)


def test_another_version_is_told(own: Path) -> None:
    change_provenance(own, "versions.torch", "1.0")
    found = reproduce_run(own)
    assert found.is_equal
    assert any(reason.startswith("version of torch: 1.0 then, ") for reason in found.reasons)
    assert "All the same: version of torch" in str(found)


def test_a_changed_result_without_a_reason_is_told(own: Path) -> None:
    with h5py.File(own, "r+") as file:
        data = file["processing/ecephys/tavrnn_windows/embedding_mean"]
        first = np.array(data[0])
        first[0, 0] += 0.5
        data[0] = first
    found = reproduce_run(own)
    assert found.reasons == ()
    assert found.differences == ("The mean of the embedding differs by up to 0.5.",)
    assert "recording, options, versions and platform are the same as then" in str(found)


def test_a_run_without_its_configuration_is_refused(own: Path) -> None:
    with te.open_results(own) as opened:
        nodes = opened.nodes
    te.write_results(own, make_results(nodes, 8), way="in_place", run="by_hand")
    with pytest.raises(InputError, match="'by_hand' does not say how it was computed"):
        reproduce_run(own, "by_hand")


def test_an_option_of_another_version_is_refused(own: Path) -> None:
    with h5py.File(own, "r+") as file:
        keys = file["processing/ecephys/tavrnn_provenance/key"]
        index = [item.decode() for item in keys[:]].index("config.analysis.silent_nodes")
        keys[index] = "config.analysis.from_the_future"
    with pytest.raises(InputError, match="an option 'from_the_future' that this version does not"):
        reproduce_run(own)


@pytest.mark.parametrize(
    ("name", "window", "options"),
    [
        ("formats/nwb/nwb_test.nwb", "2s", {"bin_size": "0.1s", "step": "1s"}),
        ("retina-mea", "20s", {"bin_size": "100ms", "step": "10s"}),
    ],
)
def test_real_recordings_come_out_equal(
    recordings: Path, tmp_path: Path, name: str, window: str, options: dict[str, str]
) -> None:
    source = recordings / name
    if source.is_dir():
        source = min(source.glob("*.h5"), key=lambda path: path.stat().st_size)
    out = tmp_path / "out.nwb"
    extra = ("--option", "quality=all") if source.suffix == ".nwb" else ()
    assert analyze(source, out, *extra, window=window, **options) == 0
    found = reproduce_run(out)
    assert found.is_equal, str(found)


def test_parameters_of_the_measure_are_kept(analyzed: Path, tmp_path: Path) -> None:
    source, out = analyzed.parent / "culture.nwb", tmp_path / "out.nwb"
    options = ["--measure", "cross_correlation", "--measure-option", "max_lag=40ms"]
    assert analyze(source, out, *options) == 0
    assert reproduce_run(out).is_equal
