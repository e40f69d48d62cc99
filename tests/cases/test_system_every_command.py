"""Every command on a machine without home, temporary files, a folder to stand in, or a point."""

import ast
import datetime
import json
import os
import shutil
import stat
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli.program import build_parser
from tavrnn_ephys.core import temporary
from tavrnn_ephys.core.errors import OutputError
from tests.cases.every_command import COMMA, COMMANDS
from tests.cases.test_system_machine import AS_NOBODY, NOBODY, can_be_nobody

# Known to no list of users, as in a container that is started with a number.
STRANGER = 54321

pytestmark = pytest.mark.skipif(os.name == "nt", reason="users and forks of POSIX systems")
CHECKOUT = Path(__file__).parents[2]


def made_recordings(folder):
    for number, name in enumerate("ab"):
        block = te.simulate_culture(n_nodes=20, duration=30 * pq.s, seed=number)
        block.rec_datetime = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
        te.write_nwb(block, folder / f"{name}.nwb")
    traces = np.random.default_rng(0).normal(size=(4, 200))
    np.savetxt(folder / "c.csv", np.vstack([np.arange(200) / 10, traces]), delimiter=",")
    metadata = (CHECKOUT / "tests/adapters/metadata.yaml").read_text()
    (folder / "metadata.yaml").write_text(metadata)
    rows = ["file,culture", "a.nwb,k0", "b.nwb,k1"]
    (folder / "cohort.csv").write_text("\n".join(rows) + "\n")


def with_decimal_comma(folder):
    """Environment with a locale whose numbers have a comma; empty where none can be made."""
    if shutil.which("localedef") is None:
        return {}
    command = ["localedef", "-i", COMMA.split(".")[0], "-f", "UTF-8", str(folder / COMMA)]
    subprocess.run(command, check=False, capture_output=True)
    return {"LOCPATH": str(folder)} if (folder / COMMA).is_dir() else {}


@pytest.fixture(scope="module")
def machine(tmp_path_factory):
    """What every command ended with; the folder, and whether there was a decimal comma."""
    folder = tmp_path_factory.mktemp("machine")
    made_recordings(folder)
    comma = with_decimal_comma(folder)
    for name in ("out", "said", "closed"):
        (folder / name).mkdir()
    as_nobody = can_be_nobody()
    if as_nobody:
        for name in ("out", "said"):
            os.chown(folder / name, STRANGER, STRANGER)
        for parent in (folder, *folder.parents[:2]):
            parent.chmod(parent.stat().st_mode | stat.S_IXOTH | stat.S_IROTH)
        for path in folder.glob("*.*"):
            path.chmod(0o755 if path.is_dir() else 0o644)
    (folder / "closed").chmod(0o555)
    environment = {
        "PATH": os.environ["PATH"], "PYTHONPATH": str(CHECKOUT), "OMP_NUM_THREADS": "1",
        "HOME": "/proc/nothing", "TMPDIR": "/proc/nothing", "PYTHONDONTWRITEBYTECODE": "1",
        "LC_CTYPE": "C",
        # Compiled once for all commands; that nothing can be kept is tried elsewhere.
        "NUMBA_CACHE_DIR": str(folder / "said"),
        "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", **comma,
    }  # fmt: skip
    as_stranger = [item.replace(str(NOBODY), str(STRANGER)) for item in AS_NOBODY]
    command = [sys.executable, "-m", "tests.cases.every_command", str(folder)]
    done = subprocess.run(
        [*(as_stranger if as_nobody else []), *command],
        env=environment, cwd=folder / "closed", capture_output=True, text=True, check=False,
    )  # fmt: skip
    (folder / "closed").chmod(0o755)
    assert done.returncode == 0, done.stderr
    return folder, json.loads((folder / "said/status.json").read_text()), bool(comma)


def test_every_command_is_tried():
    (commands,) = (item for item in build_parser()._actions if item.dest == "command")
    assert {name.split()[0] for name in COMMANDS} == set(commands.choices)


@pytest.mark.parametrize("command", COMMANDS)
def test_command_succeeds_where_nothing_but_its_output_can_be_written(machine, command):
    folder, status, _ = machine
    # A busy machine may be told that it is too slow for a stream.
    fine = (0, 1) if command == "stream check" else (0,)
    assert status[command] in fine, (folder / f"said/{command}.err").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_its_document_is_whole(machine, command):
    folder, _, _ = machine
    assert json.loads((folder / f"said/{command}.out").read_text())["command"]


def test_numbers_keep_their_decimal_point(machine):
    folder, _, comma = machine
    if not comma:
        pytest.skip("this machine makes no locale with a decimal comma")
    expected = te.read_results(folder / "out/a.nwb").mean
    (path,) = (folder / "out/csv").glob("*embedding*.csv")
    frame = pd.read_csv(path)
    found = frame[[name for name in frame if name.startswith("mean_")]].to_numpy()
    np.testing.assert_allclose(found.ravel(), expected.ravel(), rtol=1e-6)


def test_nothing_is_left_beside_the_results(machine):
    folder, _, _ = machine
    hidden = [path.name for path in (folder / "out").rglob(".*")]
    assert hidden == []
    assert list((folder / "closed").iterdir()) == []


TEXT = {"read_text", "write_text", "open", "fdopen"}


def lacks_encoding(call):
    """Whether a call opens text in whatever encoding the locale has."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    given = {item.arg for item in call.keywords}
    modes = [item.value for item in call.args if isinstance(item, ast.Constant)]
    is_text = name.endswith("_text") or any(mode in ("r", "w", "a", "x") for mode in modes)
    return name in TEXT and is_text and "encoding" not in given


def test_no_text_file_depends_on_the_locale():
    found = [
        f"{path.name}:{node.lineno}"
        for folder in ("tavrnn_ephys", "adapters")
        for path in (CHECKOUT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and lacks_encoding(node)
    ]
    assert found == []


def without_folders(monkeypatch, in_memory):
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: ["/proc/nothing"])
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(temporary, "_IN_MEMORY", in_memory)


def test_temporary_files_lie_in_memory_where_no_folder_can_be_written(monkeypatch, tmp_path):
    without_folders(monkeypatch, tmp_path)
    assert temporary.temporary_folder() == tmp_path
    with temporary.some_temporary_folder():
        assert (tempfile.gettempdir(), os.environ["TMPDIR"]) == (str(tmp_path), str(tmp_path))
        with pytest.raises(OutputError, match="Name one: TMPDIR=FOLDER"):
            temporary.temporary_folder(in_memory=False)
    with pytest.raises(FileNotFoundError):
        tempfile.gettempdir()


def test_without_any_folder_the_way_out_is_named(monkeypatch):
    without_folders(monkeypatch, Path("/proc/nothing"))
    with temporary.some_temporary_folder(), pytest.raises(OutputError, match="TMPDIR=FOLDER"):
        temporary.temporary_folder()
