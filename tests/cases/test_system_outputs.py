"""What is written: who may read it, under which names, and what a spreadsheet makes of it."""

import os
import shlex
import stat
import warnings
from argparse import Namespace
from types import SimpleNamespace

import pandas as pd
import pytest

from tavrnn_ephys.adapters.nwb._encoding import as_utf8
from tavrnn_ephys.cli.program import _sources
from tavrnn_ephys.cli.terminal import printable, say
from tavrnn_ephys.core.csv_files import harmless_cell, write_csv
from tavrnn_ephys.core.errors import DataLossWarning, OutputError
from tavrnn_ephys.core.jobs.executors import _keyed_record
from tavrnn_ephys.core.jobs.job import Job
from tavrnn_ephys.core.output import check_output, whole_file, whole_folder
from tavrnn_ephys.core.ownership import as_private_as, made_from
from tavrnn_ephys.results.export import _check_target
from tavrnn_ephys.streaming.sinks._journal import Journal
from tavrnn_ephys.studies.cohort import work

posix = pytest.mark.skipif(os.name == "nt", reason="permissions and links of POSIX systems")


def permissions(path):
    return oct(stat.S_IMODE(path.stat().st_mode))


def write(path, text="new", **options):
    with whole_file(path, **options) as temporary:
        temporary.write_text(text)


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "recording.nwb"
    path.write_text("private")
    path.chmod(0o600)
    return path


@posix
@pytest.mark.parametrize(("mode", "expected"), [(0o600, 0o600), (0o640, 0o640), (0o444, 0o644)])
def test_a_new_file_is_as_private_as_its_source(tmp_path, source, mode, expected):
    source.chmod(mode)
    before = os.umask(0o022)
    try:
        with as_private_as(source):
            write(tmp_path / "result.png")
    finally:
        os.umask(before)
    assert permissions(tmp_path / "result.png") == oct(expected)


@posix
def test_the_most_private_of_several_sources_counts(tmp_path, source):
    other = tmp_path / "open.nwb"
    other.write_text("for all")
    other.chmod(0o644)
    with as_private_as(other), as_private_as(source):
        write(tmp_path / "table.csv")
    assert permissions(tmp_path / "table.csv") == oct(0o600)


@posix
def test_a_folder_lets_nobody_in_who_cannot_read_the_source(tmp_path, source):
    with as_private_as(source), whole_folder(tmp_path / "store.zarr") as folder:
        (folder / "part").write_text("x")
    assert permissions(tmp_path / "store.zarr") == oct(0o700)


@posix
def test_a_file_that_is_replaced_keeps_its_permissions(tmp_path):
    target = tmp_path / "result.nwb"
    target.write_text("old")
    target.chmod(0o640)
    write(target)
    assert (target.read_text(), permissions(target)) == ("new", oct(0o640))


@pytest.mark.skipif(getattr(os, "geteuid", lambda: 1)() != 0, reason="only root gives files away")
def test_a_file_that_is_replaced_keeps_its_owner_and_group(tmp_path):
    target = tmp_path / "result.nwb"
    target.write_text("old")
    os.chown(target, 1234, 4321)
    write(target)
    assert (target.stat().st_uid, target.stat().st_gid) == (1234, 4321)


@posix
def test_what_belongs_to_another_user_is_said_to_change_hands(tmp_path, monkeypatch):
    target = tmp_path / "result.nwb"
    target.write_text("old")

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    real = type(target).stat

    def of_another(path, **options):
        found = real(path, **options)
        if path.name == "result.nwb":
            values = list(found)
            values[4] = found.st_uid + 1
            return os.stat_result(values)
        return found

    monkeypatch.setattr(os, "chown", refuse)
    monkeypatch.setattr(type(target), "stat", of_another)
    with pytest.warns(DataLossWarning, match="belonged to another user .* now belongs to you"):
        write(target)


@pytest.mark.skipif(not hasattr(os, "setxattr"), reason="extended attributes of Linux")
def test_a_file_that_is_replaced_keeps_its_attributes(tmp_path):
    target = tmp_path / "result.nwb"
    target.write_text("old")
    try:
        os.setxattr(target, "user.subject", b"mouse 7")
    except OSError:
        pytest.skip("this file system has no extended attributes")
    write(target)
    assert os.getxattr(target, "user.subject") == b"mouse 7"


@posix
def test_a_file_is_written_through_a_link(tmp_path):
    real = tmp_path / "store" / "real.csv"
    real.parent.mkdir()
    real.write_text("old")
    link = tmp_path / "link.csv"
    link.symlink_to(real)
    assert check_output(link, overwrite=True) == real
    write(link)
    assert link.is_symlink()
    assert real.read_text() == "new"


@posix
def test_a_link_that_leads_nowhere_is_refused_and_stays(tmp_path):
    link = tmp_path / "link.csv"
    link.symlink_to("nowhere.csv")
    for attempt in (lambda: check_output(link, overwrite=True), lambda: write(link)):
        with pytest.raises(OutputError) as told:
            attempt()
        assert str(told.value) == (
            f"The output '{link}' is a link to 'nowhere.csv', which is not there. Remove the "
            "link, or name another file."
        )
    assert os.readlink(link) == "nowhere.csv"


@posix
def test_a_device_is_no_output():
    with pytest.raises(OutputError, match="is a device, and not a file"):
        check_output("/dev/null", overwrite=True)


@posix
def test_hard_links_that_keep_the_old_content_are_told(tmp_path):
    target, other = tmp_path / "result.csv", tmp_path / "archive.csv"
    target.write_text("old")
    os.link(target, other)
    with pytest.warns(DataLossWarning) as told:
        write(target)
    assert str(told[0].message) == (
        f"'{target}' has 2 names on this disk (hard links). The others keep the old content."
    )
    assert (target.read_text(), other.read_text()) == ("new", "old")


def test_cells_that_a_spreadsheet_would_run_are_text(tmp_path):
    table = pd.DataFrame(
        {"node": ["=HYPERLINK(A1)", "@sum", "+cmd|x", "u1", "-3.5"], "r": [-0.5, 1, 2, 3, 4]}
    )
    write_csv(table, tmp_path / "table.csv")
    back = pd.read_csv(tmp_path / "table.csv", dtype=str)
    assert back["node"].tolist() == ["'=HYPERLINK(A1)", "'@sum", "'+cmd|x", "u1", "-3.5"]
    assert back["r"].tolist() == ["-0.5", "1.0", "2.0", "3.0", "4.0"]


def test_a_column_that_a_spreadsheet_would_run_is_text(tmp_path):
    write_csv(pd.DataFrame({"=A1": [1]}), tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text() == "'=A1\n1\n"


def test_names_cannot_steer_the_terminal():
    assert printable("u\x1b[2J\x07\x9b1m\u202egnp.") == "u\\x1b[2J\\x07\\x9b1m\\x202egnp."
    assert printable("two\nlines\tof µm, Zürich") == "two\nlines\tof µm, Zürich"


def test_a_message_shows_control_characters_by_their_codes(capsys):
    say("unit '\x1b]0;owned\x07' is silent", "error")
    assert capsys.readouterr().err == "tavrnn-ephys: unit '\\x1b]0;owned\\x07' is silent\n"


def test_names_of_another_encoding_become_text_that_hdf5_holds():
    assert as_utf8("caf\udce9.nwb").encode() == b"caf\\udce9.nwb"


def test_nothing_is_said_to_a_stream_that_is_missing(monkeypatch):
    monkeypatch.setattr("sys.stderr", None)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        say("nobody hears this", "warning")


@posix
def test_closed_streams_lead_nowhere(tmp_path):
    import subprocess
    import sys

    script = (
        "import os, sys; os.close(2); sys.stderr = None\n"
        "from tavrnn_ephys.cli.terminal import open_standard_streams\n"
        "open_standard_streams(); print('lost', file=sys.stderr)\n"
        "print(os.open(sys.argv[1], os.O_WRONLY | os.O_CREAT) > 2)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "probe")],
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == "True\n"


@pytest.mark.parametrize(
    "cell", [" =1+1", "\u200b=1", '"=1', "\uff1d1", "\uff20x", "\x00+1", "-1+cmd|' /C calc'!A0"]
)
def test_cells_that_hide_how_they_begin_are_text_too(cell):
    assert harmless_cell(cell) == f"'{cell}"


@pytest.mark.parametrize("cell", ["u17", "-3.5", "+2e3", "'=1", " u17", "a=b", 3, None])
def test_cells_that_no_spreadsheet_runs_stay_as_they_are(cell):
    assert harmless_cell(cell) == cell


def test_columns_named_by_numbers_and_columns_of_one_name_are_written_once(tmp_path):
    table = pd.DataFrame([["=1", "b", 2], ["c", "@d", 3]], columns=[1, "a", "a"])
    write_csv(table, tmp_path / "table.csv")
    assert (tmp_path / "table.csv").read_text() == "1,a,a\n'=1,b,2\nc,'@d,3\n"


@pytest.mark.parametrize("mark", ["\u2028", "\u2029", "\u200f", "\u061c", "\x9b"])
def test_marks_that_break_or_turn_a_line_are_shown_by_their_codes(mark):
    assert printable(f"unit {mark}x") == f"unit \\x{ord(mark):02x}x"


# Files that other processes and other commands make of a private recording


@posix
def test_a_job_in_another_process_is_told_what_it_is_made_from(tmp_path, source):
    def work():
        write(tmp_path / "result.csv")

    with as_private_as(source):
        told = made_from()
    _keyed_record(Job(key="a", run=work), told)
    assert permissions(tmp_path / "result.csv") == oct(0o600)


@posix
def test_a_shard_of_a_study_is_as_private_as_its_recording(tmp_path, source, monkeypatch):
    results = tmp_path / "shards" / "a.nwb"
    task = SimpleNamespace(
        files=(results, results.with_suffix(".json")), file=str(source), trains_on=None
    )
    monkeypatch.setattr(work, "_analysed", lambda task: write(results))
    outcome = work.run_task(task)
    assert outcome.state == "done", outcome
    assert permissions(results) == oct(0o600)


@posix
def test_a_journal_of_a_stream_is_as_private_as_what_is_streamed(tmp_path, source):
    header = {"model": "m", "node_ids": ["a"], "bin_size_s": 0.1}
    with as_private_as(source):
        journal = Journal(tmp_path / "log.journal", header, resume=False)
    journal.close()
    assert permissions(tmp_path / "log.journal") == oct(0o600)


@pytest.mark.parametrize(
    "options",
    [{"what": ["model.npz", "rec.nwb"]}, {"source": "file:rec.nwb"}, {"manifest": "rec.nwb"}],
)
def test_every_command_knows_what_it_reads(options):
    assert "rec.nwb" in _sources(Namespace(**options))


# Folders


@posix
def test_a_folder_is_filled_through_a_link(tmp_path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to("there")
    with whole_folder(tmp_path / "link") as folder:
        (folder / "table.csv").write_text("new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "table.csv").read_text() == "new"
    assert sorted(os.listdir(tmp_path)) == ["link", "there"]


@posix
def test_a_link_that_leads_to_no_folder_is_refused_before_the_export(tmp_path):
    (tmp_path / "link").symlink_to("nowhere")
    with pytest.raises(OutputError, match="is a link to 'nowhere', which is not there"):
        _check_target(tmp_path / "link", (), "csv", overwrite=True)
    with (
        pytest.raises(OutputError, match="is a link to 'nowhere'"),
        whole_folder(tmp_path / "link"),
    ):
        pass
    assert os.listdir(tmp_path) == ["link"]


@posix
def test_what_lies_in_a_folder_is_private_too(tmp_path, source):
    with as_private_as(source), whole_folder(tmp_path / "tables") as folder:
        (folder / "part").mkdir()
        (folder / "part" / "table.csv").write_text("new")
    assert permissions(tmp_path / "tables" / "part" / "table.csv") == oct(0o600)
    assert permissions(tmp_path / "tables" / "part") == oct(0o700)


def test_the_command_that_inspect_suggests_takes_a_name_with_a_hyphen(tmp_path):
    from tavrnn_ephys.cli.program import build_parser
    from tavrnn_ephys.studies.advice.suggestion import Suggestion
    from tavrnn_ephys.studies.inspection import _command

    suggestion = Suggestion(
        bin_size_s=0.1, window_length_s=5.0, step_s=2.5, reasons={}, n_windows=20,
        spikes_per_window=None, standard_error=0.1,
    )  # fmt: skip
    command = shlex.split(_command(suggestion, "./-x y.nwb", None, {}))
    assert build_parser().parse_args(command[1:]).out == "./-x y_tavrnn.nwb"
