"""Runs on the command line: where they are written, listed, compared and deleted."""

import shutil
from pathlib import Path

import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.studies.files import analyze_file
from tests.test_cli import dated, options_of, sha256

pytestmark = pytest.mark.filterwarnings("ignore:.*differ no more coherently.*")


@pytest.fixture(scope="module")
def culture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    block = te.simulate_culture(n_nodes=20, duration=30 * pq.s, seed=1)
    return te.write_nwb(dated(block), tmp_path_factory.mktemp("culture") / "culture.nwb")


def analyze(source: Path, *extra: object) -> int:
    return main(["analyze", str(source), *options_of(), *map(str, extra)])


def test_runs_are_added_listed_compared_and_deleted(
    culture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.nwb"
    before = sha256(culture)
    assert analyze(culture, "--out", out) == 0
    assert analyze(out, "--in-place", "--run", "sparse", "--threshold", "0.1") == 0
    assert sha256(culture) == before
    capsys.readouterr()
    assert main(["runs", str(out)]) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.startswith("default: 14 windows x 20 channels, embedding, connectivity, graphs")
    assert second.startswith("sparse: 14 windows x 20 channels")
    assert main(["runs", str(out), "--compare", "default", "sparse"]) == 0
    text = capsys.readouterr().out
    assert "Equal:       nodes, windows, connectivity" in text
    assert "analysis.threshold: 0.0 in default, 0.1 in sparse" in text
    assert main(["reproduce", str(out), "--run", "sparse"]) == 0
    assert "Run 'sparse': equal to the last bit" in capsys.readouterr().out
    assert main(["runs", str(out), "--delete", "default", "sparse"]) == 0
    assert capsys.readouterr().out == "No runs.\n"
    assert [path.name for path in tmp_path.iterdir()] == ["out.nwb"]


def test_a_sidecar_and_zarr_are_written(culture: Path, tmp_path: Path) -> None:
    assert analyze(culture, "--out", tmp_path / "side.nwb", "--sidecar", "--module", "own") == 0
    assert te.list_runs(tmp_path / "side.nwb")[0].module == "own"
    assert analyze(culture, "--out", tmp_path / "copy.nwb.zarr") == 0
    one = te.read_results(tmp_path / "side.nwb")
    two = te.read_results(tmp_path / "copy.nwb.zarr")
    assert (one.mean == two.mean).all()
    assert main(["reproduce", str(tmp_path / "copy.nwb.zarr")]) == 0


def test_python_says_where_the_results_go(culture):
    with pytest.raises(InputError, match="Say where the results go: --out FILE.nwb, or --in-place"):
        analyze_file(culture, None)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--in-place", "--out", "x.nwb"], "either into the recording's own file or into --out"),
        (["--in-place", "--sidecar"], "Choose one of --in-place and --sidecar."),
        (["--in-place", "--run", "a b"], "A run cannot be named 'a b'"),
        (["--in-place", "--connectivity", "half"], "connectivity must be one of"),
        (["--out", "x.nwb", "--module", "a/b"], "A processing module cannot be named 'a/b'"),
    ],
)
def test_choices_that_make_no_sense_are_told(
    culture: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: list[str],
    message: str,
) -> None:
    own = Path(shutil.copy(culture, tmp_path / "own.nwb"))
    monkeypatch.chdir(tmp_path)
    before = sha256(own)
    assert analyze(own, *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert sha256(own) == before
    assert [path.name for path in tmp_path.iterdir()] == ["own.nwb"]


def test_what_is_no_nwb_file_takes_no_results(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    table = tmp_path / "spikes.csv"
    table.write_text("time,cell\n0.1,a\n")
    assert main(["runs", str(table)]) == 2
    assert "is not an NWB file" in capsys.readouterr().err
    assert main(["reproduce", str(tmp_path / "none.nwb")]) == 2
    assert "There is no file" in capsys.readouterr().err
