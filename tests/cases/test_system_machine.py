"""A stranger's machine: another user without a home folder, closed streams, an old locale."""

import datetime
import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest
import quantities as pq

import tavrnn_ephys as te

pytestmark = pytest.mark.skipif(os.name == "nt", reason="users and streams of POSIX systems")
NOBODY = 65534
OPTIONS = ["--bin-size", "50ms", "--window", "4s", "--step", "2s", "--training-epochs", "1"]
IS_ROOT = getattr(os, "geteuid", lambda: 1)() == 0
# The interpreter may lie where only root can read; writing is what the other user must not be.
AS_NOBODY = [
    "setpriv", f"--reuid={NOBODY}", f"--regid={NOBODY}", "--clear-groups",
    "--inh-caps=+dac_read_search", "--ambient-caps=+dac_read_search",
]  # fmt: skip


def can_be_nobody():
    if not IS_ROOT or shutil.which("setpriv") is None:
        return False
    return subprocess.run([*AS_NOBODY, sys.executable, "-c", ""], check=False).returncode == 0


# A user of its own, without the rights of root outside, as in a container.
IN_CONTAINER = [
    "unshare", "--user", "--map-user=1000", "--map-group=1000", "--pid", "--fork", "--ipc", "--uts",
]  # fmt: skip


def can_be_contained():
    if shutil.which("unshare") is None:
        return False
    asked = [*IN_CONTAINER, sys.executable, "-c", "import os; print(os.getuid())"]
    done = subprocess.run(asked, check=False, capture_output=True, text=True)
    return done.returncode == 0 and done.stdout.strip() == "1000"


@pytest.fixture(scope="module")
def strange(tmp_path_factory):
    """One analysis under everything at once: its folder, status and output."""
    folder = tmp_path_factory.mktemp("strange")
    block = te.simulate_culture(n_nodes=20, duration=20 * pq.s, seed=1)
    block.rec_datetime = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    # A name in Latin-1, as an old disk has it.
    source = Path(os.fsdecode(os.fsencode(folder) + b"/caf\xe9.nwb"))
    te.write_nwb(block, folder / "culture.nwb")
    (folder / "culture.nwb").rename(source)
    source.chmod(0o600)
    (folder / "tmp").mkdir()
    as_nobody = can_be_nobody()
    if as_nobody:
        for path in (folder, folder / "tmp", source):
            os.chown(path, NOBODY, NOBODY)
        for parent in folder.parents[:2]:
            parent.chmod(parent.stat().st_mode | stat.S_IXOTH)
    command = [sys.executable, "-m", "tavrnn_ephys.cli", "analyze", source]
    command += ["--out", folder / "out.nwb", *OPTIONS]
    environment = {
        "PATH": os.environ["PATH"],
        # Not even root can make a folder here.
        "HOME": "/proc/nothing",
        "TMPDIR": str(folder / "tmp"),
        "LC_ALL": "C",
        "PYTHONUTF8": "0",
        "PYTHONCOERCECLOCALE": "0",
        "OMP_NUM_THREADS": "1",
    }
    done = subprocess.run(
        [*(AS_NOBODY if as_nobody else []), "sh", "-c", 'exec "$@" 2>&-', "sh", *command],
        env=environment,
        cwd=folder,
        stdout=subprocess.PIPE,
        check=False,
    )
    return folder, done, as_nobody


def test_the_analysis_succeeds(strange):
    folder, done, _ = strange
    assert done.returncode == 0
    assert te.read_results(folder / "out.nwb").mean.shape == (9, 20, 16)


def test_its_report_is_whole_though_the_other_stream_is_closed(strange):
    folder, done, _ = strange
    assert done.stdout.decode("ascii").splitlines()[-1] == f"Written to {folder / 'out.nwb'}"


def test_its_result_is_as_private_as_the_recording(strange):
    folder, _, _ = strange
    assert oct(stat.S_IMODE((folder / "out.nwb").stat().st_mode)) == oct(0o600)


def test_its_result_belongs_to_the_user(strange):
    folder, _, as_nobody = strange
    if not as_nobody:
        pytest.skip("only root can try another user")
    assert (folder / "out.nwb").stat().st_uid == NOBODY


def test_a_name_that_is_no_unicode_is_kept_by_its_codes(strange):
    folder, _, _ = strange
    with te.open_results(folder / "out.nwb") as stored:
        assert stored.provenance["origin.recording"] == "caf\\udce9.nwb"


def test_nothing_is_left_behind(strange):
    folder, _, _ = strange
    left = {path.name for path in folder.iterdir()} - {"tmp", "out.nwb"}
    assert left == {os.fsdecode(b"caf\xe9.nwb")}
    assert [item.name for item in (folder / "tmp").iterdir() if "cache" in item.name] == []


def test_in_place_keeps_permissions_and_attributes(tmp_path):
    block = te.simulate_culture(n_nodes=20, duration=20 * pq.s, seed=1)
    block.rec_datetime = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    source = te.write_nwb(block, tmp_path / "culture.nwb")
    source.chmod(0o640)
    if IS_ROOT:
        os.chown(source, NOBODY, NOBODY)
    before = source.stat()
    activity = te.bin_activity(te.read(source).segments[0], bin_size=50 * pq.ms)
    windows = te.sliding_windows(activity, window_length=4 * pq.s, step=2 * pq.s)
    results = te.Results(connectivity=te.compute_connectivity(activity, windows))
    te.write_results(source, results, way="in_place")
    after = source.stat()
    assert (after.st_mode, after.st_uid, after.st_gid) == (
        before.st_mode,
        before.st_uid,
        before.st_gid,
    )


def test_caches_have_a_place_where_the_home_folder_has_none(monkeypatch):
    from tavrnn_ephys.core.caches import writable_caches

    for name in ("XDG_CACHE_HOME", "MPLCONFIGDIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", "/proc/nothing")
    with writable_caches():
        place = Path(os.environ["XDG_CACHE_HOME"])
        assert place.is_dir()
        assert oct(stat.S_IMODE(place.parent.stat().st_mode)) == oct(0o700)
    assert "XDG_CACHE_HOME" not in os.environ
    assert not place.exists()


def test_caches_stay_where_they_can_be_written(monkeypatch, tmp_path):
    from tavrnn_ephys.core.caches import writable_caches

    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("XDG_CACHE_HOME", "MPLCONFIGDIR"):
        monkeypatch.delenv(name, raising=False)
    with writable_caches():
        assert "XDG_CACHE_HOME" not in os.environ


def test_a_container_of_another_user_is_enough(tmp_path):
    if not can_be_contained():
        pytest.skip("this machine lets nobody make a namespace of users")
    block = te.simulate_culture(n_nodes=20, duration=20 * pq.s, seed=1)
    block.rec_datetime = datetime.datetime(2024, 5, 1, tzinfo=datetime.UTC)
    source = te.write_nwb(block, tmp_path / "culture.nwb")
    source.chmod(0o600)
    command = [sys.executable, "-m", "tavrnn_ephys.cli", "analyze", source]
    command += ["--out", tmp_path / "out.nwb", *OPTIONS]
    environment = {"PATH": os.environ["PATH"], "HOME": "/proc/nothing", "OMP_NUM_THREADS": "1"}
    done = subprocess.run(
        [*IN_CONTAINER, *command],
        env={**environment, "TMPDIR": str(tmp_path)},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert te.read_results(tmp_path / "out.nwb").mean.shape == (9, 20, 16)
    assert oct(stat.S_IMODE((tmp_path / "out.nwb").stat().st_mode)) == oct(0o600)
    assert (tmp_path / "out.nwb").stat().st_uid == os.geteuid()


def test_a_machine_without_namespaces_is_told_by_its_status(monkeypatch):
    monkeypatch.setitem(globals(), "IN_CONTAINER", ["false"])
    assert not can_be_contained()
    monkeypatch.setattr(shutil, "which", lambda _: None)
    assert not can_be_contained()
