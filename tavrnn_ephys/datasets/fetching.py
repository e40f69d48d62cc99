"""Files of a data set onto this machine: local copy, cache, or download that goes on."""

from __future__ import annotations

import os
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tavrnn_ephys.core.errors import FileFormatError
from tavrnn_ephys.core.output import whole_file
from tavrnn_ephys.datasets.registry import DATASETS, Dataset, DatasetFile, dataset
from tavrnn_ephys.io.dandi import DANDI_API, answer_of

if TYPE_CHECKING:
    import pandas

__all__ = ["available", "fetch", "is_here"]

LOCAL = "TAVRNN_EPHYS_DATA"
_TIMEOUT_S = 20
_CHUNK = 1 << 16


def fetch(name: str, *, progress: bool = False) -> Path:
    """
    Bring a data set onto this machine.

    A copy in the folder that the environment variable ``TAVRNN_EPHYS_DATA`` names is taken
    before the cache (``pooch.os_cache("tavrnn_ephys")``), and the cache before a download.
    Every file is held against its SHA-256; for DANDI, the archive states it. A download that
    was interrupted goes on where it stopped. Of several processes that ask for a file at once
    one loads it, and the others wait.

    Parameters
    ----------
    name : str
        Name of the data set; :func:`available` lists them.
    progress : bool
        Whether a progress bar is shown.

    Returns
    -------
    pathlib.Path
        Its first file, the one to read; the others lie beside it.

    Raises
    ------
    InputError
        If there is no data set of this name.
    FileFormatError
        If a file cannot be had, or is not the published one.
    """
    found = dataset(name)
    paths = [_one_file(found, item, progress=progress) for item in found.files]
    return paths[0]


def available() -> pandas.DataFrame:
    """
    List the data sets.

    Returns
    -------
    pandas.DataFrame
        A row per data set, named: ``title``, ``n_files``, ``licence``, ``citation``, ``page``,
        and ``here``, whether all its files are on this machine.  Nothing is downloaded.

    Examples
    --------
    >>> list(available().columns)
    ['title', 'n_files', 'licence', 'citation', 'page', 'here']
    """
    import pandas as pd

    rows = [
        {
            "title": item.title,
            "n_files": len(item.files),
            "licence": item.licence,
            "citation": item.citation,
            "page": item.page,
            "here": is_here(item),
        }
        for item in DATASETS.values()
    ]
    return pd.DataFrame(rows, index=pd.Index(list(DATASETS), name="name"))


def is_here(found: Dataset) -> bool:
    """
    Say whether all files of a data set are on this machine.

    Parameters
    ----------
    found : Dataset
        The data set.

    Returns
    -------
    bool
        Whether each lies among the local copies or in the cache; their content is not read.
    """
    cache = _cache(found)
    places = [_local(found, item) or cache / item.name for item in found.files]
    return all(place.is_file() for place in places)


def _pooch() -> Any:
    """Import pooch; in a notebook without widgets, its progress bar would complain."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="IProgress not found")
        import pooch

    return pooch


def _cache(found: Dataset) -> Path:
    return Path(_pooch().os_cache("tavrnn_ephys")) / found.name


def _local(found: Dataset, item: DatasetFile) -> Path | None:
    folder = os.environ.get(LOCAL)
    path = Path(folder) / found.folder / item.name if folder else None
    return path if path is not None and path.is_file() else None


def _one_file(found: Dataset, item: DatasetFile, *, progress: bool) -> Path:
    copy = _local(found, item)
    if copy is not None:
        _check_copy(copy, item)
        return copy
    target = _cache(found) / item.name
    with _one_process(found, item, target):
        return _cached_file(found, item, target, progress=progress)


@contextmanager
def _one_process(found: Dataset, item: DatasetFile, target: Path) -> Iterator[None]:
    """Let other processes wait while one loads a file, and find it there afterwards."""
    from filelock import FileLock

    def locked() -> FileLock:
        target.parent.mkdir(parents=True, exist_ok=True)
        lock = FileLock(target.with_name(f".{target.name}.lock"))
        lock.acquire()
        return lock

    lock = _attempt(found, item, locked)
    try:
        yield
    finally:
        lock.release()


def _cached_file(found: Dataset, item: DatasetFile, target: Path, *, progress: bool) -> Path:
    url, checksum = item.url, item.sha256 or _stored_checksum(target)
    if found.dandi and not (target.is_file() and checksum):
        url, checksum = _attempt(found, item, lambda: _dandi_asset(found, item))
    if not target.is_file() or _sha256(target) != checksum:
        _attempt(found, item, lambda: _download(url, checksum, target, progress=progress))
    if found.dandi:
        with whole_file(_checksum_file(target)) as temporary:
            temporary.write_text(f"{checksum}\n", encoding="utf-8")
    return target


def _check_copy(path: Path, item: DatasetFile) -> None:
    if item.sha256 and _sha256(path) != item.sha256:
        raise FileFormatError(
            f"'{path}' is not the published file: its SHA-256 differs. Replace it by "
            f"{item.url}, or unset {LOCAL}."
        )


def _sha256(path: Path) -> str:
    return str(_pooch().file_hash(str(path), alg="sha256"))


def _checksum_file(target: Path) -> Path:
    return target.with_name(f"{target.name}.sha256")


def _stored_checksum(target: Path) -> str:
    path = _checksum_file(target)
    return path.read_text(encoding="utf-8").strip() if path.is_file() else ""


def _attempt(found: Dataset, item: DatasetFile, action: Callable[[], Any]) -> Any:
    """Do something on the network; say in one sentence what went wrong, and the way out."""
    import requests

    try:
        return action()
    except (requests.exceptions.RequestException, OSError) as error:
        where = item.url if not found.dandi else found.page
        raise FileFormatError(
            f"'{item.name}' of the data set '{found.name}' cannot be downloaded from {where} "
            f"({_reason(error)}). Connect to the network and ask again, or put the file into "
            f"'DIR/{found.folder}/' and set {LOCAL}=DIR."
        ) from error


def _reason(error: Exception) -> str:
    import requests

    if isinstance(error, requests.exceptions.HTTPError) and error.response is not None:
        return f"the server answers {error.response.status_code}"
    if isinstance(error, requests.exceptions.Timeout):
        return "no answer in time"
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return "the connection broke"
    if isinstance(error, requests.exceptions.ConnectionError):
        return "no connection"
    return str(error) or type(error).__name__


def _dandi_asset(found: Dataset, item: DatasetFile) -> tuple[str, str]:
    """Ask the archive where an asset lies and what its SHA-256 is."""
    dandiset, version = found.dandi.split("/")
    listing = answer_of(
        f"{DANDI_API}/dandisets/{dandiset}/versions/{version}/assets/", {"path": item.url}
    )
    chosen = [asset for asset in listing.get("results", ()) if asset.get("path") == item.url]
    if not chosen:
        raise FileFormatError(
            f"Dandiset {found.dandi} has no asset '{item.url}'. See {found.page} for what it has."
        )
    address = f"{DANDI_API}/assets/{chosen[0]['asset_id']}/"
    checksum = answer_of(address, {}).get("digest", {}).get("dandi:sha2-256", "")
    if not checksum:
        raise FileFormatError(
            f"The archive states no SHA-256 for '{item.url}' yet, so that it could not be "
            f"checked. Download it from {found.page} yourself."
        )
    return f"{address}download/", str(checksum)


def _download(url: str, checksum: str, target: Path, *, progress: bool) -> None:
    pooch = _pooch()
    partial = target.with_name(f"{target.name}.part")
    target.parent.mkdir(parents=True, exist_ok=True)

    def resume(url: str, output_file: Any, _: Any) -> None:
        _append(url, partial, progress=progress)
        os.replace(partial, output_file)

    logger = pooch.get_logger()
    level = logger.level
    logger.setLevel("ERROR")
    try:
        pooch.retrieve(
            url, f"sha256:{checksum}", fname=target.name, path=target.parent, downloader=resume
        )
    except ValueError as error:
        raise FileFormatError(
            f"What {url} gave is not the published file: its SHA-256 is not {checksum}. It was "
            "thrown away; ask again, and if it stays so, the file was changed at its source."
        ) from error
    finally:
        logger.setLevel(level)


def _append(url: str, partial: Path, *, progress: bool) -> None:
    """Load what is still missing of a file behind the part that is there."""
    import requests
    from tqdm import tqdm

    have = partial.stat().st_size if partial.is_file() else 0
    wanted = {"Range": f"bytes={have}-"} if have else {}
    with requests.get(url, headers=wanted, stream=True, timeout=_TIMEOUT_S) as answer:
        if answer.status_code == requests.codes.requested_range_not_satisfiable:
            return  # All of it is there already.
        answer.raise_for_status()
        goes_on = answer.status_code == requests.codes.partial_content
        total = int(answer.headers.get("Content-Length", 0))
        bar = tqdm(total=total or None, unit="B", unit_scale=True, disable=not progress)
        with partial.open("ab" if goes_on else "wb") as file, bar:
            for chunk in answer.iter_content(_CHUNK):
                file.write(chunk)
                bar.update(len(chunk))
