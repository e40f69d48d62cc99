"""Files appear whole or not at all."""

import os

import pytest

from tavrnn_ephys.core.errors import OutputError
from tavrnn_ephys.core.output import check_folder, check_output, make_folder, whole_file


def test_file_appears_when_the_block_ends(tmp_path):
    target = tmp_path / "a.txt"
    with whole_file(target) as temporary:
        temporary.write_text("content")
        assert not target.exists()
    assert target.read_text() == "content"
    assert os.listdir(tmp_path) == ["a.txt"]


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
def test_failure_leaves_the_old_file_and_nothing_else(tmp_path, error):
    target = tmp_path / "a.txt"
    target.write_text("old")
    with pytest.raises(error), whole_file(target) as temporary:  # noqa: PT012
        temporary.write_text("half")
        raise error
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["a.txt"]


def test_check_names_the_rule_that_is_broken(tmp_path):
    existing = tmp_path / "a.nwb"
    existing.write_text("x")
    with pytest.raises(OutputError, match="is the input itself"):
        check_output(existing, inputs=(existing,), overwrite=True)
    with pytest.raises(OutputError, match="--overwrite"):
        check_output(existing, overwrite=False)
    with pytest.raises(OutputError, match="is a folder"):
        check_output(tmp_path, overwrite=True)
    with pytest.raises(OutputError, match="does not exist"):
        check_output(tmp_path / "none" / "a.nwb", overwrite=False)
    assert check_output(existing, overwrite=True) == existing


def test_link_to_the_input_is_the_input(tmp_path):
    source, link = tmp_path / "a.nwb", tmp_path / "b.nwb"
    source.write_text("x")
    link.symlink_to(source)
    with pytest.raises(OutputError, match="is the input itself"):
        check_output(link, inputs=(source,), overwrite=True)


def test_folder_that_is_a_file_is_refused(tmp_path):
    (tmp_path / "file").write_text("x")
    for folder in (tmp_path / "file", tmp_path / "file" / "deep"):
        with pytest.raises(OutputError, match="is a file"):
            check_folder(folder, ["a.png"], overwrite=False)
        with pytest.raises(OutputError, match="cannot be made"):
            make_folder(folder)


def test_checking_a_folder_does_not_make_it(tmp_path):
    assert check_folder(tmp_path / "a" / "b", ["x.png"], overwrite=False) == tmp_path / "a" / "b"
    assert list(tmp_path.iterdir()) == []


def test_ending_is_demanded(tmp_path):
    with pytest.raises(OutputError, match="must end in '.nwb'"):
        check_output(tmp_path / "a.png", overwrite=True, suffix=".nwb")
