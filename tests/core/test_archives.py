"""Archives that somebody altered: one sentence, whatever the bytes are."""

import pickle

import numpy as np
import pytest

from tavrnn_ephys.core.archives import read_archive, write_archive
from tavrnn_ephys.core.errors import FileFormatError

ARRAYS = {"a": np.arange(500.0), "b": np.eye(4, 30), "c": np.array(["x", "yy"])}
ABOUT = {"kind": [1, 2]}
WAY_OUT = "Name the file that was saved, or save it again."


def read(path):
    return read_archive(path, kind="test", version=1, noun="trained model")


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "model.npz"
    write_archive(path, kind="test", version=1, arrays=ARRAYS, about=ABOUT)
    return path


def told(path):
    with pytest.raises(FileFormatError) as caught:
        read(path)
    said = str(caught.value)
    assert said.startswith(f"'{path}' holds no trained model, or is damaged: ")
    assert said.endswith(f". {WAY_OUT}")
    assert "allow_pickle" not in said
    return said.removeprefix(f"'{path}' holds no trained model, or is damaged: ")


def test_what_was_written_comes_back(path):
    about, arrays = read(path)
    assert about == ABOUT
    assert arrays.keys() == ARRAYS.keys()
    assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)


def test_altered_bytes_are_told_or_do_not_matter(path):
    rng, good, n_told = np.random.default_rng(0), path.read_bytes(), 0
    for _ in range(600):
        bytes_ = bytearray(good)
        for place in rng.integers(len(good), size=rng.integers(1, 4)):
            bytes_[place] = rng.integers(256)
        path.write_bytes(bytes(bytes_[: rng.integers(len(good))] if rng.random() < 0.1 else bytes_))
        try:
            about, arrays = read(path)
        except FileFormatError:
            told(path)
            n_told += 1
        else:
            assert about == ABOUT
            assert all(np.array_equal(arrays[name], ARRAYS[name]) for name in ARRAYS)
    assert n_told > 500


def test_a_text_is_no_archive(path):
    path.write_text("embedding, session, node\n")
    assert told(path).startswith("it is no whole NumPy archive (.npz).")


def test_a_pickle_is_no_archive(path):
    path.write_bytes(pickle.dumps([1, 2]))
    assert told(path).startswith("it is no whole NumPy archive (.npz).")


def test_half_of_an_archive_is_none(path):
    path.write_bytes(path.read_bytes()[:600])
    assert told(path).startswith("it is no whole NumPy archive (.npz).")


def test_python_objects_are_not_read(path):
    np.savez(path, format=np.array([{"a": 1}], dtype=object))
    assert told(path).startswith("it holds Python objects, which are not read since they can run")


def test_a_version_that_is_no_number_is_damage(path):
    np.savez(path, format=np.array("test"), version=np.arange(3))
    assert told(path).startswith("its bytes are not as they were written.")


def test_arrays_larger_than_memory_are_told(path, monkeypatch):
    def huge(*_, **__):
        raise MemoryError("Unable to allocate 7.28 TiB")

    monkeypatch.setattr(np.lib.format, "read_array", huge)
    assert told(path).startswith("it asks for more memory than there is.")


def test_a_directory_that_lost_a_member_is_damage(path):
    whole = path.read_bytes()
    *_, last = (place for place in range(len(whole)) if whole[place:].startswith(b"PK\x01\x02"))
    end = len(whole) - 22
    size = int.from_bytes(whole[end + 12 : end + 16], "little") - (end - last)
    shorter = whole[:last] + whole[end : end + 12] + size.to_bytes(4, "little") + whole[end + 16 :]
    path.write_bytes(shorter)
    assert told(path).startswith("its bytes are not as they were written.")


def test_a_newer_file_asks_for_an_update(path):
    write_archive(path, kind="test", version=2, arrays=ARRAYS, overwrite=True)
    with pytest.raises(FileFormatError, match="newer version"):
        read(path)


def test_another_kind_of_archive_is_named(path):
    write_archive(path, kind="other", version=1, arrays=ARRAYS, overwrite=True)
    with pytest.raises(FileFormatError, match="but no trained model"):
        read(path)
