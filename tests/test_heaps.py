import struct
from pathlib import Path

import h5py
import pytest

import tavrnn_ephys as te
from tavrnn_ephys.core.errors import FileFormatError
from tavrnn_ephys.core.heaps import has_endless_heap


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """File with text of variable length, which lies in a global heap."""
    target = tmp_path / "text.h5"
    with h5py.File(target, "w") as file:
        file.attrs["title"] = "a text of some length"
        file["names"] = ["one", "two", "three"]
    return target


def wipe_free_space(path: Path) -> None:
    """Walk to the free space at the end of the first heap and set its length to 0."""
    content = bytearray(path.read_bytes())
    place = content.index(b"GCOL") + 16
    while (index := struct.unpack_from("<H", content, place)[0]) != 0:
        place += 16 + (struct.unpack_from("<Q", content, place + 8)[0] + 7) // 8 * 8
    assert index == 0
    struct.pack_into("<Q", content, place + 8, 0)
    path.write_bytes(bytes(content))


def test_intact_heap_is_fine(path: Path) -> None:
    assert not has_endless_heap(path)


def test_wiped_heap_is_refused_before_hdf5_opens_it(path: Path) -> None:
    wipe_free_space(path)
    assert has_endless_heap(path)
    with pytest.raises(FileFormatError, match=r"'text\.h5' is damaged.*for ever"):
        te.read(path)


@pytest.mark.parametrize(
    "content", [b"", b"GCOL", b"GCOL\x01\0\0\0", b"GCOL\x01\0\0\0" + b"\xff" * 8]
)
def test_files_without_heaps_are_fine(tmp_path: Path, content: bytes) -> None:
    other = tmp_path / "other.bin"
    other.write_bytes(content)
    assert not has_endless_heap(other)
    assert not has_endless_heap(tmp_path / "absent")


def test_no_real_recording_is_refused(recordings: Path) -> None:
    files = [item for item in recordings.rglob("*") if item.is_file()]
    assert [item.name for item in files if has_endless_heap(item)] == []
