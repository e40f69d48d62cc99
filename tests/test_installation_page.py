"""The installation page names every dependency with its licence, and no GPL is needed."""

import configparser
import re
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs/installation.md").read_text()
CONFIG = configparser.ConfigParser()
CONFIG.read(ROOT / "setup.cfg")
NEEDED, EXTRAS = PAGE.split("## Licences")[1].split("| extra |")


def _names(text):
    return [re.match(r"[\w.-]+", line)[0] for line in text.split("\n") if line.strip()]


@pytest.mark.parametrize("name", _names(CONFIG["options"]["install_requires"]))
def test_every_dependency_stands_in_the_table_of_licences(name):
    assert re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", NEEDED)


@pytest.mark.parametrize("extra", [name for name in CONFIG["options.extras_require"]])
def test_every_extra_stands_in_the_table_of_licences(extra):
    assert f"| `{extra}` |" in EXTRAS


def test_no_gpl_is_needed():
    table = NEEDED[NEEDED.index("| needed |") :]
    assert "GPL" not in table.replace("MPL", "")


@pytest.mark.parametrize(
    "name", ["neo", "torch-geometric", "matplotlib", "oasis-deconv", "quantities"]
)
def test_licences_are_those_of_the_metadata(name):
    script = runpy.run_path(str(ROOT / "docs/make_licences.py"))
    licence = script["licence_of"](name)
    assert licence not in {"", "see its own file"}
    assert licence.replace("GPL-3.0", "**GPL-3.0**") in PAGE


def test_every_package_of_an_extra_has_a_licence():
    assert "not installed here" not in PAGE
    assert "see its own file" not in PAGE
