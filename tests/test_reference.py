"""Every public name stands in the reference, and has an example where one can be small."""

import ast
import importlib
import inspect
import re
from pathlib import Path

import pytest

import tavrnn_ephys as te

ROOT = Path(__file__).parents[1]
API = ROOT / "docs/reference/api"
# Modules whose names users are meant to import; the top level is listed in any case.
PUBLIC = (
    "activity.behavior", "activity.windows", "adapters.arrays", "adapters.calcium",
    "adapters.mea", "adapters.neo_files", "adapters.nwb", "adapters.spikeinterface",
    "connectivity", "connectivity.graphs", "core.containers", "core.errors",
    "core.graph_sequence", "datasets", "datasets.simulated", "evaluation", "figures",
    "io.finding", "io.protocols", "io.reading", "methods", "methods.tavrnn",
    "methods.tavrnn.training", "networks.alignment", "networks.attention", "networks.placement",
    "results", "statistics.association", "statistics.trends", "streaming", "studies.benchmark",
    "studies.demo",
)  # fmt: skip
FUNCTIONS_AND_CLASSES = [name for name in te.__all__ if not inspect.ismodule(getattr(te, name))]
# Two names of the package are both called summarize; each is listed under its own module.
PLAIN = {"DESCRIPTIONS", "PAIR_DESCRIPTIONS", "POSITIONS", "SCENARIOS"}


def listed_names() -> set[str]:
    """Full names in the summary tables of the reference."""
    found = set()
    for page in API.glob("*.rst"):
        if page.stem == "index":
            continue
        module = ""
        for line in page.read_text().splitlines():
            if match := re.match(r"\.\. currentmodule:: (\S+)", line):
                module = match[1]
            elif match := re.fullmatch(r"   ([A-Za-z_]\w*)", line):
                found.add(f"{module}.{match[1]}")
    return found


def names_of(module_name: str) -> list[str]:
    """Names that a module makes public."""
    module = importlib.import_module(f"tavrnn_ephys.{module_name}")
    names = getattr(module, "__all__", None)
    if names is None:
        names = [
            name
            for name, value in vars(module).items()
            if not name.startswith("_") and not inspect.ismodule(value)
        ]
    modules = {name for name in names if inspect.ismodule(getattr(module, name))}
    return sorted(set(names) - PLAIN - {"annotations"} - modules)


def same_as_top(module: str, name: str) -> bool:
    """Say whether a name of a module is the one of the package too."""
    value = getattr(importlib.import_module(f"tavrnn_ephys.{module}"), name)
    return getattr(te, name, None) is value


def test_every_name_of_the_package_is_in_the_reference():
    listed = listed_names()
    assert [name for name in FUNCTIONS_AND_CLASSES if f"tavrnn_ephys.{name}" not in listed] == []


@pytest.mark.parametrize("module", PUBLIC)
def test_every_name_of_a_public_module_is_in_the_reference(module):
    listed = listed_names()
    absent = [
        name
        for name in names_of(module)
        if f"tavrnn_ephys.{module}.{name}" not in listed
        and (f"tavrnn_ephys.{name}" not in listed or not same_as_top(module, name))
    ]
    assert absent == []


def test_names_in_the_reference_exist():
    for full_name in listed_names():
        module, _, name = full_name.rpartition(".")
        assert hasattr(importlib.import_module(module), name), f"there is no {full_name}"


def test_every_page_of_the_reference_is_in_its_index():
    index = (API / "index.rst").read_text()
    assert {page.stem for page in API.glob("*.rst")} - {"index"} == set(
        re.findall(r"^   (\w+)$", index, flags=re.MULTILINE)
    )


# ---- examples ----------------------------------------------------------------

# Protocols, abstract contracts and errors have nothing to run.
NO_EXAMPLE = {"TavrnnEphysError", "DataLossWarning", "ChanceLossWarning", "ChoiceWarning"}


def has_example(value: object) -> bool:
    """Say whether a docstring, or that of a method of the class, holds an example."""
    texts = [inspect.getdoc(value) or ""]
    if inspect.isclass(value):
        texts += [inspect.getdoc(member) or "" for member in vars(value).values()]
    return any(">>>" in text for text in texts)


@pytest.mark.parametrize("name", sorted(set(FUNCTIONS_AND_CLASSES) - NO_EXAMPLE))
def test_public_name_has_an_example(name):
    assert has_example(getattr(te, name)), f"te.{name} has no example in its docstring"


def test_examples_are_run():
    """Doctests are collected from every module by the options of pytest."""
    options = (ROOT / "pyproject.toml").read_text()
    assert "--doctest-modules" in options
    assert '"tavrnn_ephys"' in re.search(r"testpaths = \[(.*?)\]", options)[1]


def test_version_of_the_citation_is_that_of_the_package():
    text = (ROOT / "CITATION.cff").read_text()
    assert re.search(r"^version: (\S+)$", text, flags=re.MULTILINE)[1] == te.__version__
    assert ast.literal_eval(re.search(r'^title: (".*")$', text, flags=re.MULTILINE)[1])
