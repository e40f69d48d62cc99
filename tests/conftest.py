"""Fixtures that all tests share."""

import gc
import os
from pathlib import Path

import pytest

# Programs of the simulator of the CL1, which run in a Python of their own.
collect_ignore_glob = ["streaming/cl_sdk/*"]


@pytest.fixture(scope="module", autouse=True)
def _set_aside() -> None:
    """
    Let no collection of garbage pass through all that tests have loaded.

    A stream gives back what it finds set aside: then it is done again.
    """
    if not gc.get_freeze_count():
        gc.collect()
        gc.freeze()


@pytest.fixture(scope="session")
def recordings() -> Path:
    """Folder of the real recordings; without it a test is skipped, in CI it fails."""
    checkout = Path(__file__).resolve().parents[1]
    named = os.environ.get("TAVRNN_EPHYS_DATA")
    folder = Path(named) if named else checkout / "../shared/data"
    if not folder.is_dir():
        reason = f"no recordings in '{folder}': set TAVRNN_EPHYS_DATA to their folder"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return folder.resolve()
