"""What a stream remembers, in a file; and which model that belongs to."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tavrnn_ephys.core.archives import read_archive, write_archive
from tavrnn_ephys.core.errors import InputError
from tavrnn_ephys.methods.stepping import StreamStep

__all__ = ["digest_of", "read_state", "write_state"]

_KIND = "tavrnn_ephys.Stream"
_VERSION = 1


def digest_of(step: StreamStep) -> str:
    """Digest of nodes, units and weights: equal for equal models."""
    found = hashlib.sha256()
    found.update(repr((step.node_ids.tolist(), step.units.to_facts())).encode())
    for array in step.weights():
        found.update(np.ascontiguousarray(array).tobytes())
    return found.hexdigest()


def write_state(
    path: str | Path, state: Mapping[str, NDArray[Any]], digest: str, *, overwrite: bool
) -> None:
    """Write what a stream remembers."""
    write_archive(
        path,
        kind=_KIND,
        version=_VERSION,
        arrays=state,
        about={"model": digest},
        overwrite=overwrite,
    )


def read_state(path: str | Path, digest: str) -> dict[str, NDArray[Any]]:
    """Read it back, for the same model alone."""
    about, state = read_archive(path, kind=_KIND, version=_VERSION, noun="state of a stream")
    if about.get("model") != digest:
        raise InputError(
            f"'{path}' was saved by a stream of another model. Load it with the model of that "
            "stream, or begin afresh."
        )
    return state
