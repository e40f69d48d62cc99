"""The import rules: what may import what, and how light the package is to import."""

import ast
import configparser
import json
import re
import subprocess
import sys
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGE = ROOT / "tavrnn_ephys"
REFERENCE = ROOT / "docs/reference/architecture.md"

# Rooms from the top floor down; what each may import, beside itself.
ROOMS = {
    "cli": {"studies", "figures", "results", "methods", "core"},
    "studies": {
        "streaming", "figures", "methods", "evaluation", "networks", "results", "connectivity",
        "activity", "datasets", "io", "statistics", "core",
    },
    "streaming": {
        "methods", "evaluation", "results", "connectivity", "activity", "datasets", "io", "core",
    },
    "figures": {"results", "activity", "io", "core"},
    "methods": {"core"},
    "evaluation": {"connectivity", "statistics", "core"},
    "networks": {"connectivity", "statistics", "core"},
    "results": {"io", "core"},
    "connectivity": {"activity", "statistics", "core"},
    "activity": {"io", "core"},
    "datasets": {"io", "core"},
    "io": {"core"},
    "statistics": {"core"},
    "core": set(),
    "adapters": {"io", "core"},
}  # fmt: skip
MOST_ROOMS = 14
MOST_FLOORS = 8
MOST_LINES = 400
MOST_LINES_OF_A_FUNCTION = 60
HEAVY = {
    "torch": ("core/graph_sequence", "connectivity/graphs", "methods/", "streaming/running"),
    "torch_geometric": ("core/graph_sequence", "connectivity/graphs", "methods/"),
    "elephant": ("activity/binning", "connectivity/"),
    "neo": (
        "io/", "activity/", "datasets/", "results/neo_objects", "streaming/sinks/nwb_log",
        "studies/",
        "connectivity/surrogates",
    ),
    "h5py": (),
    "pynwb": (),
}  # fmt: skip


def _sources():
    """Path of every module of the package, the adapters included, by its dotted name."""
    found = {}
    for folder, name in ((PACKAGE, "tavrnn_ephys"), (ROOT / "adapters", "tavrnn_ephys.adapters")):
        for path in sorted(folder.rglob("*.py")):
            parts = path.relative_to(folder).with_suffix("").parts
            parts = parts[:-1] if parts[-1] == "__init__" else parts
            found[".".join((name, *parts))] = path
    return found


SOURCES = _sources()
INSIDE = {name: path for name, path in SOURCES.items() if name.count(".")}


def _room(name):
    return name.split(".")[1]


@cache
def _imports(path):
    """Every imported module, function bodies and type-checking blocks included."""
    return tuple(_found_imports(path))


def _found_imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} uses a relative import"
            names = [f"{node.module}.{alias.name}" for alias in node.names]
            yield from (name if name in SOURCES else node.module for name in names)


def _breaches(room, imported):
    for name in imported:
        parts = name.split(".")
        if parts[0] != "tavrnn_ephys" or len(parts) < 2 or parts[1] == "_version":
            continue
        if parts[1] != room and parts[1] not in ROOMS[room]:
            yield f"{room} imports {parts[1]}"


@pytest.mark.parametrize("name", [name for name in INSIDE if name != "tavrnn_ephys._version"])
def test_module_imports_only_what_its_room_may(name):
    assert list(_breaches(_room(name), _imports(INSIDE[name]))) == []


def test_a_breach_is_noticed():
    assert list(_breaches("connectivity", ["tavrnn_ephys.methods.uase"]))
    assert list(_breaches("methods", ["tavrnn_ephys.evaluation.folds"]))
    assert list(_breaches("io", ["tavrnn_ephys.adapters.nwb"]))
    assert list(_breaches("adapters", ["tavrnn_ephys.activity.binning"]))


def test_rooms_are_the_folders():
    folders = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").exists()}
    assert set(ROOMS) - {"adapters"} == folders
    assert len(folders) <= MOST_ROOMS
    assert {path.stem for path in PACKAGE.glob("*.py")} == {"__init__", "_version"}


def test_every_arrow_of_the_table_is_used():
    used = {room: set() for room in ROOMS}
    for name, path in INSIDE.items():
        if name != "tavrnn_ephys._version":
            used[_room(name)] |= {
                target.split(".")[1]
                for target in _imports(path)
                if target.startswith("tavrnn_ephys.")
            }
    for room, targets in ROOMS.items():
        assert targets - used[room] == set(), room


def _floors(rooms):
    order = TopologicalSorter(rooms).static_order()
    floors = {}
    for room in order:
        floors[room] = 1 + max((floors[below] for below in rooms[room]), default=0)
    return floors


def test_no_arrow_leads_upward_and_floors_are_few():
    assert max(_floors(ROOMS).values()) <= MOST_FLOORS
    with pytest.raises(CycleError):
        _floors({"a": {"b"}, "b": {"a"}})


def test_files_form_no_cycle():
    graph = {}
    for name, path in SOURCES.items():
        targets = {target for target in _imports(path) if target in SOURCES}
        graph[name] = targets - {name, "tavrnn_ephys"}
    assert list(TopologicalSorter(graph).static_order())


@pytest.mark.parametrize("name", INSIDE)
def test_heavy_packages_stay_in_their_rooms(name):
    if _room(name) == "adapters":
        return
    place = INSIDE[name].relative_to(PACKAGE).as_posix()
    for imported in _imports(INSIDE[name]):
        allowed = HEAVY.get(imported.split(".")[0])
        assert allowed is None or place.startswith(allowed), imported


@pytest.mark.parametrize("name", INSIDE)
def test_files_and_functions_are_short(name):
    text = INSIDE[name].read_text()
    assert text.count("\n") <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            said = ast.get_docstring(node, clean=False)
            body = node.end_lineno - node.body[0].lineno + 1
            body -= 0 if said is None else said.count("\n") + 1
            assert body <= MOST_LINES_OF_A_FUNCTION, f"{node.name} has {body} lines"


def test_package_list_matches_folders():
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    listed = set(config["options"]["packages"].split())
    assert listed == {name for name, path in SOURCES.items() if path.name == "__init__.py"}


def test_init_files_hold_names_only():
    allowed = (ast.Import, ast.ImportFrom, ast.Expr, ast.Assign)
    for init in (path for path in SOURCES.values() if path.name == "__init__.py"):
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
    documented = {}
    for line in REFERENCE.read_text().splitlines():
        cells = [cell.strip() for cell in line.split("|")]
        if len(cells) == 6 and re.fullmatch(r"`\w+`", cells[2]):
            documented[cells[2].strip("`")] = (cells[1], set(re.findall(r"`([^`]+)`", cells[4])))
    assert {room: targets for room, (_, targets) in documented.items()} == ROOMS
    floors = _floors(ROOMS)
    named = [int(floor) for floor, _ in documented.values() if floor.isdigit()]
    assert named == sorted(named, reverse=True)
    for room, (floor, targets) in documented.items():
        if room != "adapters":
            assert int(floor) >= floors[room]
            assert all(int(documented[below][0]) < int(floor) for below in targets)


def _calls(path, name):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and getattr(node.func, "id", None) == name:
            yield node.lineno


@pytest.mark.parametrize("name", ["bin_recordings", "lay_windows", "window_behavior"])
def test_studies_bin_and_cut_windows_in_one_place(name):
    places = {
        path.relative_to(PACKAGE).as_posix()
        for key, path in INSIDE.items()
        if _room(key) == "studies" and any(_calls(path, name))
    }
    assert places == {"studies/recording.py"}


def test_studies_bin_in_no_other_way():
    assert not [
        key
        for key, path in INSIDE.items()
        if _room(key) == "studies" and any(_calls(path, "bin_activity"))
    ]
