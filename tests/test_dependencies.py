"""Every package that is imported is declared, and every declared one has a tested version."""

import ast
import configparser
import re
import sys
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
CONFIG = configparser.ConfigParser()
CONFIG.read(ROOT / "setup.cfg")
# Extras of which no version is tested.
UNTESTED = {"bctpy", "cebra", "umap-learn"}
# Modules of packages that may be missing where the tests run.
# pyenchant needs a library of the system to be imported.
KNOWN = {"enchant": "pyenchant", "bct": "bctpy", "cebra": "cebra", "umap": "umap-learn"}
# The vendor's simulator has a Python of its own, in which these two programs run.
ELSEWHERE = {"docs/how_to/cl1_client.py": {"cl"}, "tests/streaming/cl_sdk/culture.py": {"cl"}}


def _normal(name):
    return re.sub(r"[-_.]+", "-", name).lower()


def _declared(*sections):
    text = "\n".join(sections)
    return {_normal(re.match(r"[\w.-]+", line)[0]) for line in text.split("\n") if line.strip()}


NEEDED = _declared(CONFIG["options"]["install_requires"])
EXTRAS = {name: _declared(text) for name, text in CONFIG["options.extras_require"].items()}
OF_USERS = NEEDED.union(
    *(EXTRAS[name] for name in EXTRAS if name not in ("test", "docs", "measurements"))
)


def imported(source):
    """Names of the uppermost packages that a module imports, wherever in it."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.level == 0:
            yield node.module.partition(".")[0]


def undeclared(source, declared, distributions):
    """Imported packages that no declared distribution offers."""
    own = {"tavrnn_ephys", "tests", "docs", *sys.stdlib_module_names}
    for name in {*imported(source)} - own:
        offered = {_normal(item) for item in distributions.get(name, [KNOWN.get(name, name)])}
        if not offered & declared:
            yield name


@pytest.fixture(scope="module")
def distributions():
    return packages_distributions()


@pytest.mark.parametrize("folder", ["tavrnn_ephys", "adapters"])
def test_package_imports_only_what_is_declared_for_users(folder, distributions):
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        missing = sorted(undeclared(path.read_text(), OF_USERS, distributions))
        if missing:
            found[str(path.relative_to(ROOT))] = missing
    assert found == {}


@pytest.mark.parametrize("folder", ["tests", "docs"])
def test_tests_and_documentation_import_only_what_is_declared(folder, distributions):
    declared = NEEDED.union(*EXTRAS.values())
    beside = {path.stem for path in (ROOT / folder).rglob("*.py")}
    found = {}
    for path in sorted((ROOT / folder).rglob("*.py")):
        name = str(path.relative_to(ROOT))
        missing = {*undeclared(path.read_text(), declared, distributions)} - beside
        if missing - ELSEWHERE.get(name, set()):
            found[name] = sorted(missing)
    assert found == {}


def test_an_undeclared_import_is_noticed(distributions):
    source = "def f():\n    from ruamel.yaml import YAML\n    import numpy.linalg\n"
    assert list(undeclared(source, OF_USERS, distributions)) == ["ruamel"]


def test_one_package_reads_yaml():
    readers = {"yaml", "ruamel", "strictyaml", "oyaml"}
    sources = [*(ROOT / "tavrnn_ephys").rglob("*.py"), *(ROOT / "adapters").rglob("*.py")]
    assert {name for path in sources for name in imported(path.read_text())} & readers == {"yaml"}


def test_constraints_hold_a_version_of_every_declared_package():
    lines = (ROOT / "constraints.txt").read_text().splitlines()
    held = {_normal(line.partition("==")[0]) for line in lines if "==" in line}
    assert NEEDED.union(*EXTRAS.values()) - held - UNTESTED == set()
