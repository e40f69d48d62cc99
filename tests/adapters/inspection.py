"""What the inspector of NWB says of a file."""

import warnings
from pathlib import Path
from typing import Any

import pynwb
import pytest

from tavrnn_ephys.adapters.nwb._validation import errors_by_own_schemas


def inspected(path: str | Path) -> list[Any]:
    """
    Messages of ``nwbinspector.inspect_nwbfile`` about a file.

    It asks for PyNWB's validation first, which loads the schemas anew; here they are known.
    """
    with warnings.catch_warnings(), pytest.MonkeyPatch.context() as patch:
        warnings.simplefilter("ignore")
        from nwbinspector import inspect_nwbfile

        patch.setattr(pynwb, "validate", _validate)
        return list(inspect_nwbfile(nwbfile_path=str(path)))


def _validate(path: str) -> list[Any]:
    return errors_by_own_schemas(Path(path))
