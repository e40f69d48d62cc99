"""The import rules: what may import what, and how light the package is to import."""

import ast
import configparser
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tavrnn_ephys"

# A module may import from rows below its own, and from its own subpackage.
ROWS = [
    {"cli", "demo", "analysis_files", "inspection", "conversion", "comparison",
     "behavior_figures", "benchmarking", "reporting", "reproduction", "datasets"},
    {"pipeline", "behavior_analysis"},
    {
        "estimator", "baselines", "evaluation", "figures", "behavior", "association", "alignment",
        "network_measures", "attention_reading", "results",
    },
    {
        "simulation", "simulated", "game_simulation", "binning", "connectivity", "surrogates",
        "graphs", "training", "nn",
    },
    {
        "containers", "windows", "blocks", "reading", "output", "durations", "provenance",
        "lazy_signals", "detection", "deconvolution", "arrays", "_checks", "_heaps", "errors",
        "_html", "_version", "archives", "runs", "adapter_options", "time_shifts",
        "across_cultures", "trends", "progress",
    },
]  # fmt: skip
SIDEWAYS = {
    ("training", "nn"),
    ("surrogates", "connectivity"),
    # A culture with gradual coupling has the layout and the ends of the switching one.
    ("simulated", "simulation"),
    # TAVRNN is compared like any other method.
    ("baselines", "estimator"),
    ("game_simulation", "simulation"),
    ("attention_reading", "association"),
    ("behavior_analysis", "pipeline"),
    ("analysis_files", "behavior_figures"),
    # A page is written at the end of an analysis.
    ("analysis_files", "reporting"),
    ("demo", "reporting"),
    # The base rests on itself, from plain types up to the protocols of adapters.
    *((a, b) for a in ROWS[-1] for b in ROWS[-1]),
    # The faces: the command line calls the others.
    *(("cli", name) for name in ROWS[0]),
}
HEAVY = {
    "torch": {"graphs", "nn", "training", "estimator", "baselines"},
    "torch_geometric": {"graphs", "baselines"},
    "elephant": {"binning", "connectivity", "surrogates"},
    "neo": {"blocks", "reading", "simulation", "game_simulation", "pipeline", "binning",
            "inspection", "analysis_files", "surrogates", "lazy_signals", "detection",
            "deconvolution", "arrays", "conversion", "behavior", "behavior_analysis",
            "comparison", "simulated", "benchmarking", "results", "datasets"},
    "h5py": set(),
    "pynwb": set(),
}  # fmt: skip


def _room(path):
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return parts[0]


def _modules():
    return [
        path for path in PACKAGE.rglob("*.py") if path.parent != PACKAGE or path.stem != "__init__"
    ]


def _imports(path):
    """Every imported module, function bodies and type-checking blocks included."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            yield node.module
            if node.module == "tavrnn_ephys":
                yield from (f"tavrnn_ephys.{alias.name}" for alias in node.names)


def _row_of(room):
    rows = [index for index, row in enumerate(ROWS) if room in row]
    assert rows, f"{room} has no row in the table of this test"
    return rows[0]


def _breaches(room, imported):
    for name in imported:
        parts = name.split(".")
        if parts[0] != "tavrnn_ephys" or len(parts) < 2:
            continue
        target = parts[1]
        if target == "adapters":
            yield f"{room} imports the adapters"
        elif target != room and (room, target) not in SIDEWAYS and _row_of(target) <= _row_of(room):
            yield f"{room} imports {target}, which does not lie below it"


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_module_imports_only_from_rows_below(path):
    assert list(_breaches(_room(path), _imports(path))) == []


@pytest.mark.parametrize("path", _modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_heavy_packages_stay_in_their_rooms(path):
    room = _room(path)
    strays = [
        name
        for name in _imports(path)
        if name.split(".")[0] in HEAVY and room not in HEAVY[name.split(".")[0]]
    ]
    assert strays == []


def test_a_breach_is_noticed():
    assert list(_breaches("graphs", ["tavrnn_ephys.estimator"]))
    assert list(_breaches("graphs", ["tavrnn_ephys.binning"]))
    assert list(_breaches("reading", ["tavrnn_ephys.adapters.nwb"]))


@pytest.mark.parametrize("path", sorted((ROOT / "adapters").rglob("*.py")), ids=lambda p: p.stem)
def test_adapters_import_only_the_base(path):
    base = ROWS[-1] | {"adapters"}
    strays = [
        name
        for name in _imports(path)
        if name.startswith("tavrnn_ephys.") and name.split(".")[1] not in base
    ]
    assert strays == []


def test_package_list_matches_folders():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    found = {"tavrnn_ephys"}
    for init in PACKAGE.rglob("*/__init__.py"):
        found.add(".".join(("tavrnn_ephys", *init.parent.relative_to(PACKAGE).parts)))
    for init in (ROOT / "adapters").rglob("__init__.py"):
        parts = init.parent.relative_to(ROOT / "adapters").parts
        found.add(".".join(("tavrnn_ephys", "adapters", *parts)))
    assert listed == found


def test_init_files_hold_names_only():
    allowed = (ast.Import, ast.ImportFrom, ast.Expr, ast.Assign)
    for init in [*PACKAGE.rglob("__init__.py"), *(ROOT / "adapters").rglob("__init__.py")]:
        for node in ast.parse(init.read_text()).body:
            assert isinstance(node, allowed), f"{init} holds logic"
            assert not (
                isinstance(node, ast.ImportFrom) and any(alias.name == "*" for alias in node.names)
            ), f"{init} imports a star"


def _loaded_by_import():
    code = (
        "import sys, json, time; start = time.perf_counter(); import tavrnn_ephys; "
        "print(json.dumps([time.perf_counter() - start, sorted(sys.modules)]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_import_is_light():
    seconds, modules = min((_loaded_by_import() for _ in range(3)), key=lambda item: item[0])
    loaded = {name.split(".")[0] for name in modules}
    assert not loaded & {"torch", "torch_geometric", "elephant", "pynwb", "neo", "sklearn", "h5py"}
    # The best of three counts, so that a busy machine has no say.
    assert seconds < 0.4


def test_every_public_name_resolves():
    import tavrnn_ephys as te

    assert te.__all__
    for name in te.__all__:
        assert getattr(te, name).__doc__


def test_documented_table_is_this_one():
    text = (ROOT / "docs/reference/architecture.md").read_text()
    for label, rooms in zip(("faces", "pipeline", "methods", "steps", "base"), ROWS, strict=True):
        row = re.search(rf"^\| {label} \|(.*?)\|", text, flags=re.MULTILINE)
        assert set(re.findall(r"`([^`]+)`", row[1])) == rooms
