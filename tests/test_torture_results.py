"""A short version of ``docs/measurements/torture_results.py``."""

import sys
from pathlib import Path

import pytest

if sys.platform == "win32":
    pytest.skip("signals and forks of POSIX", allow_module_level=True)

from docs.measurements import torture_results as torture

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


@pytest.fixture(scope="module")
def bench(tmp_path_factory: pytest.TempPathFactory) -> torture.Bench:
    return torture.Bench(tmp_path_factory.mktemp("bench"))


def test_killed_writers_leave_the_old_or_the_new_version(bench: torture.Bench) -> None:
    assert sum(torture.kills(bench, 3).values()) == 3


def test_interrupted_writers_leave_the_old_or_the_new_version(bench: torture.Bench) -> None:
    assert sum(torture.ctrl_c(bench, 1).values()) == 1


def test_a_full_disk_leaves_the_old_version(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Tests mount nothing: files are limited in their size instead.
    from contextlib import nullcontext

    monkeypatch.setattr(torture, "_tmpfs", lambda folder: nullcontext(False))
    counts = torture.full_disk(tmp_path, 3)
    assert counts["refused, old version"] > 0


def test_a_file_is_written_while_others_read_it(bench: torture.Bench) -> None:
    assert torture.open_elsewhere(bench, "r") == "written, new version"
    assert torture.open_elsewhere(bench, "r+") == "refused, old version"


def test_of_two_writers_at_once_one_waits_or_is_refused(bench: torture.Bench) -> None:
    assert sum(torture.two_writers(bench, 1).values()) == 1
