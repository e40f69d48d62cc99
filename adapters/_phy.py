"""
Folders of Phy: what Kilosort 1 to 4 and other sorters write for the curation of units.

``spike_times.npy`` counts samples, in one row or one column (Kilosort up to 3), and
``spike_clusters.npy`` names the unit of each spike after curation.  Tables beside them judge units:
``cluster_group.tsv`` by the curator, ``cluster_KSLabel.tsv`` by Kilosort.  Neo's reader evaluates
``params.py`` word by word and stumbles over columns, blanks in paths and empty tables (Neo 0.14.6).
"""

from __future__ import annotations

import ast
import csv
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.adapters._text import decoded
from tavrnn_ephys.core.containers import Nodes
from tavrnn_ephys.core.errors import FileFormatError
from tavrnn_ephys.io.blocks import make_spiketrain
from tavrnn_ephys.io.quality import kept_by_quality

if TYPE_CHECKING:
    import neo

__all__ = ["PARAMETERS", "is_phy", "read_phy"]

PARAMETERS = "params.py"
# Judgement of the curator first; a unit without one keeps that of the sorter.
_JUDGED_BY = ("group", "KSLabel")


def is_phy(folder: Path) -> bool:
    """
    Say whether a folder is one of Phy.

    Parameters
    ----------
    folder : pathlib.Path
        A folder.

    Returns
    -------
    bool
        True if it holds ``params.py`` and ``spike_times.npy``.
    """
    return (folder / PARAMETERS).is_file() and (folder / "spike_times.npy").is_file()


def read_phy(folder: Path, quality: Any) -> neo.Block:
    """
    Read the units of a folder of Phy.

    Parameters
    ----------
    folder : pathlib.Path
        The folder.
    quality : str or list of str
        Which units are kept by their judgement.

    Returns
    -------
    neo.Block
        One segment from 0 s to the last spike; units are named after their cluster, annotated
        with the columns of the tables of clusters, and lie at the channel where their template
        is largest.

    Raises
    ------
    FileFormatError
        If a file is missing or damaged, or files do not belong together.

    Warns
    -----
    DataLossWarning
        If units are left out for their quality.
    """
    import neo
    import quantities as pq

    rate_hz = _sampling_rate_hz(folder)
    times_s = _column(folder, "spike_times").astype(np.float64) / rate_hz
    owners = _owners(folder, len(times_s))
    clusters, owners = np.unique(owners, return_inverse=True)
    known = _tables(folder)
    labels = [_label(known.get(int(cluster), {})) for cluster in clusters]
    kept = kept_by_quality(
        labels if any(labels) else None, quality, n_nodes=len(clusters), kind="units",
        file_name=folder.name, judge="Phy or Kilosort",
    )  # fmt: skip
    nodes = Nodes(
        ids=[f"unit {cluster}" for cluster in clusters],
        kind="unit",
        positions_um=_positions_um(folder, owners, len(clusters)),
    )
    order = np.lexsort((times_s, owners))
    trains = np.split(times_s[order], np.cumsum(np.bincount(owners))[:-1])
    stop = float(np.nextafter(times_s.max(), np.inf))
    segment = neo.Segment(name=folder.name, file_origin=folder.name)
    for index in kept:
        about = {"cluster_id": int(clusters[index]), **known.get(int(clusters[index]), {})}
        train = make_spiketrain(trains[index], nodes, index, t_start_s=0.0, t_stop_s=stop)
        train.annotate(**{key: about[key] for key in about if key not in train.annotations})
        train.sampling_rate = rate_hz * pq.Hz
        segment.spiketrains.append(train)
    block = neo.Block(name=folder.name, file_origin=folder.name)
    block.segments.append(segment)
    return block


def _sampling_rate_hz(folder: Path) -> float:
    """Read the assignments of ``params.py`` that are plain values; nothing of it is run."""
    place = folder / PARAMETERS
    try:
        tree = ast.parse(place.read_text(encoding="utf-8", errors="replace"))
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise FileFormatError(
            f"'{PARAMETERS}' of '{folder.name}' is not made of assignments ({error}). Correct it."
        ) from None
    values: dict[str, Any] = {}
    for line in tree.body:
        if isinstance(line, ast.Assign) and isinstance(line.targets[0], ast.Name):
            try:
                values[line.targets[0].id.lower()] = ast.literal_eval(line.value)
            except (ValueError, TypeError, RecursionError, MemoryError):
                continue
    rate = values.get("sample_rate")
    if not isinstance(rate, int | float) or not 0 < rate < float("inf"):
        raise FileFormatError(
            f"'{PARAMETERS}' of '{folder.name}' does not state a positive sample_rate. Add it, "
            "such as sample_rate = 30000.0."
        )
    return float(rate)


def _column(folder: Path, name: str) -> NDArray[Any]:
    """Load an array of one number per spike, written as a row or, by MATLAB, as a column."""
    place = folder / f"{name}.npy"
    try:
        values = np.load(place, allow_pickle=False)
    except FileNotFoundError:
        raise FileFormatError(f"'{folder.name}' lacks '{name}.npy'. Copy it there.") from None
    except (OSError, ValueError, EOFError, SyntaxError) as error:
        raise FileFormatError(
            f"'{name}.npy' of '{folder.name}' is no intact array ({' '.join(str(error).split())}). "
            "Copy it again from its source."
        ) from error
    values = np.asarray(values)
    if values.dtype.kind not in "iuf" or values.size != max(values.shape, default=0):
        raise FileFormatError(
            f"'{name}.npy' of '{folder.name}' has shape {values.shape} and type {values.dtype}; "
            "one number per spike is needed. Export it again."
        )
    values = values.ravel()
    if len(values) == 0 or not np.isfinite(values).all() or values.min() < 0:
        raise FileFormatError(
            f"'{name}.npy' of '{folder.name}' must hold numbers of at least 0, got {values[:3]} … "
            f"({len(values)} entries). Export it again."
        )
    if values.dtype.kind == "f" and not np.array_equal(values, np.rint(values)):
        raise FileFormatError(
            f"'{name}.npy' of '{folder.name}' holds fractions, such as "
            f"{values[values != np.rint(values)][0]:g}; whole numbers are needed, which count "
            "samples or clusters. Times in seconds go into another file: export it again."
        )
    return values


def _owners(folder: Path, n_spikes: int) -> NDArray[np.int64]:
    curated = (folder / "spike_clusters.npy").is_file()
    name = "spike_clusters" if curated else "spike_templates"
    owners = _column(folder, name).astype(np.int64)
    if len(owners) != n_spikes:
        raise FileFormatError(
            f"'{name}.npy' of '{folder.name}' names the units of {len(owners)} spikes, "
            f"'spike_times.npy' holds {n_spikes}. Take all files from the same run."
        )
    return owners


def _tables(folder: Path) -> dict[int, dict[str, Any]]:
    """Collect what the tables of clusters say of each; other tables are passed over."""
    known: dict[int, dict[str, Any]] = {}
    for place in sorted([*folder.glob("cluster*.tsv"), *folder.glob("cluster*.csv")]):
        lines = decoded(place.read_bytes()).splitlines()
        if not lines:
            continue
        # Phy 1 separated the columns of .csv files by tabs too.
        rows = csv.reader(lines, delimiter="\t" if "\t" in lines[0] else ",")
        header = next(rows)
        at = next((i for i, name in enumerate(header) if name in ("cluster_id", "id")), None)
        if at is None:
            continue
        for row in rows:
            if len(row) == len(header) and row[at].strip().isdigit():
                about = known.setdefault(int(row[at]), {})
                for name, text in zip(header, row, strict=True):
                    if name != header[at] and text.strip():
                        about.setdefault(name, _value(text.strip()))
    return known


def _value(text: str) -> Any:
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text


def _label(about: dict[str, Any]) -> str:
    return next((str(about[key]).lower() for key in _JUDGED_BY if about.get(key)), "")


def _positions_um(
    folder: Path, owners: NDArray[np.int64], n_units: int
) -> NDArray[np.float64] | None:
    """Give the place of the channel on which the commonest template of a unit is largest."""
    names = ("templates", "channel_positions", "spike_templates")
    places = [folder / f"{name}.npy" for name in names]
    if not all(place.is_file() for place in places):
        return None
    try:
        templates, channels = (np.load(place, mmap_mode="r") for place in places[:2])
        used = np.load(places[2]).ravel().astype(np.int64)
    except (OSError, ValueError, EOFError):
        return None
    fits = templates.ndim == 3 and channels.shape == (templates.shape[2], 2)
    if not fits or len(used) != len(owners) or used.max(initial=0) >= len(templates):
        return None
    pairs, counts = np.unique(np.stack([owners, used]), axis=1, return_counts=True)
    order = np.lexsort((counts, pairs[0]))
    commonest = np.empty(n_units, dtype=np.int64)
    commonest[pairs[0][order]] = pairs[1][order]
    peaks = [int(np.argmax(np.ptp(templates[template], axis=0))) for template in commonest]
    return np.asarray(channels[peaks], dtype=np.float64)
