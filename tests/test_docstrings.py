"""Every public name has a numpydoc docstring that matches its signature."""

import importlib
import inspect
from pathlib import Path

import pytest
from numpydoc.validate import validate

ROOT = Path(__file__).parents[1]
# Sections, summaries and parameters; the style of sentences is left to people.
CHECKS = {
    "GL03", "GL06", "GL07", "GL08", "PR01", "PR02", "PR03", "PR04", "PR07", "RT01", "RT03",
    "SS01", "SS02", "SS03", "YD01",
}  # fmt: skip


def module_names():
    for folder, prefix in ((ROOT / "tavrnn_ephys", ()), (ROOT / "adapters", ("adapters",))):
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            parts = tuple(part for part in parts if part != "__init__")
            if any(part.startswith("_") for part in parts):
                continue
            yield ".".join(("tavrnn_ephys", *prefix, *parts))


def public_objects(module):
    for name, value in vars(module).items():
        if name.startswith("_") or getattr(value, "__module__", None) != module.__name__:
            continue
        if not (inspect.isfunction(value) or inspect.isclass(value)):
            continue
        yield f"{module.__name__}.{name}", value
        if inspect.isclass(value):
            for member, attribute in vars(value).items():
                if (
                    not member.startswith("_")
                    and isinstance(attribute, property | classmethod | staticmethod)
                    or (inspect.isfunction(attribute) and not member.startswith("_"))
                ):
                    yield f"{module.__name__}.{name}.{member}", attribute


@pytest.mark.parametrize("name", list(module_names()))
def test_docstrings_are_complete(name):
    module = importlib.import_module(name)
    assert module.__doc__, f"{name} has no docstring"
    faults = []
    for full_name, value in public_objects(module):
        ignored = {"RT01", "YD01"} if isinstance(value, property) else set()
        for code, message in validate(full_name)["errors"]:
            # Protocols and modules without weights inherit a constructor of no parameters.
            inherited = code == "PR01" and "'*args'" in message and inspect.isclass(value)
            if code in CHECKS - ignored and not inherited:
                faults.append(f"{full_name}: {code} {message}")
    assert faults == []
