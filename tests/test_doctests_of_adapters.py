"""Examples in the docstrings of the adapters, run by module name."""

import doctest
import importlib
from pathlib import Path

import pytest

ADAPTERS = Path(__file__).parents[1] / "adapters"


def _names():
    for path in sorted(ADAPTERS.rglob("*.py")):
        parts = path.relative_to(ADAPTERS).with_suffix("").parts
        yield ".".join(("tavrnn_ephys", "adapters", *(p for p in parts if p != "__init__")))


@pytest.mark.parametrize("name", list(_names()))
def test_examples_hold(name):
    module = importlib.import_module(name)
    result = doctest.testmod(module, optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS)
    assert result.failed == 0
