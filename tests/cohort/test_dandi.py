"""A dandiset as a cohort, from answers that the archive gave."""

import hashlib
import json
import re
from pathlib import Path

import pytest

from tavrnn_ephys.core.errors import FileFormatError, InputError
from tavrnn_ephys.io import dandi
from tavrnn_ephys.studies.cohort.manifest import read_manifest
from tavrnn_ephys.studies.cohort.shards import digest_of

ASSETS = [f"{number:08d}-1111-4111-8111-111111111111" for number in range(3)]
PATHS = ["sub-B/sub-B_ses-2_ecephys.nwb", "sub-A/sub-A_ses-1_ecephys.nwb", "dandiset.yaml"]


class Answer:
    """An answer of the archive."""

    def __init__(self, status, content=None):
        self.status_code, self._content = status, content

    def raise_for_status(self):
        import requests

        if self.status_code != 200:
            raise requests.exceptions.HTTPError(response=self)

    def json(self):
        return json.loads(json.dumps(self._content))


@pytest.fixture
def archive(monkeypatch):
    """The archive, with a dandiset of two pages."""
    import requests

    asked = []

    def get(url, params=None, timeout=None):
        asked.append(url)
        if found := re.search(r"/assets/([0-9a-f-]{36})/$", url):
            number = ASSETS.index(found[1])
            checksum = hashlib.sha256(str(number).encode()).hexdigest()
            return Answer(200, {"digest": {"dandi:sha2-256": checksum}})
        if "/dandisets/000777/" in url:
            first = "page=2" not in url
            chosen = slice(0, 2) if first else slice(2, 3)
            rows = [
                {"path": path, "asset_id": identity}
                for path, identity in list(zip(PATHS, ASSETS, strict=True))[chosen]
            ]
            return Answer(200, {"next": f"{url}?page=2" if first else None, "results": rows})
        if "/dandisets/000001/" in url:
            return Answer(200, {"next": None, "results": []})
        return Answer(401 if "000002" in url else 404)

    monkeypatch.setattr(requests, "get", get)
    return asked


def test_every_nwb_file_of_all_pages_is_taken_with_subject_and_session(archive):
    first, second = read_manifest("dandi:000777/0.1.2")
    assert [first.id, second.id] == ["sub-A_ses-1_ecephys", "sub-B_ses-2_ecephys"]
    assert first.facts == {"subject": "A", "session": "1"}
    assert first.file == f"{dandi.DANDI_API}/assets/{ASSETS[1]}/download/#{PATHS[1]}"
    assert "/versions/0.1.2/" in archive[0]


def test_a_file_is_known_by_the_checksum_of_the_archive(archive):
    first, _ = read_manifest("dandi:000777")
    assert digest_of(first.file) == hashlib.sha256(b"1").hexdigest()
    assert "/versions/draft/" in archive[0]


@pytest.mark.parametrize(
    ("name", "error", "said"),
    [
        ("dandi:000404", FileFormatError, "has no 'dandi:000404'"),
        ("dandi:000002", FileFormatError, "refuses 'dandi:000002' (401)"),
        ("dandi:000001", InputError, "holds no NWB file"),
    ],
)
def test_what_the_archive_lacks_or_refuses_is_told(archive, name, error, said):
    with pytest.raises(error) as caught:
        read_manifest(name)
    assert said in str(caught.value)


def test_an_archive_that_does_not_answer_is_told(monkeypatch):
    import requests

    def get(*_, **__):
        raise requests.exceptions.ConnectionError

    monkeypatch.setattr(requests, "get", get)
    with pytest.raises(FileFormatError, match="does not answer for 'dandi:000777'"):
        read_manifest("dandi:000777")


def test_a_file_that_is_called_like_a_dandiset_is_a_file(tmp_path):
    path = tmp_path / "dandi_000777.nwb"
    path.write_bytes(b"")
    assert [Path(entry.file) for entry in read_manifest([path])] == [path]
