"""Where modules went: their old names stay importable, with a warning, for two minor releases."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

__all__ = ["END", "MOVED", "install"]

# The first release without the old names.
END = "0.3"
_PACKAGE = "tavrnn_ephys"
# A module that became a package keeps its submodules under the new name; names of a module that
# became several are looked for in all of them.
MOVED = {
    "across_cultures": "statistics.across_cultures",
    "adapter_options": "core.adapter_options",
    "alignment": "networks.alignment, networks.placement",
    "analysis_files": "studies.files",
    "archives": "core.archives",
    "association": "statistics.association",
    "attention_reading": "networks.attention",
    "baselines": "methods",
    "baselines.tavrnn": "methods.tavrnn_method",
    "behavior": "activity.behavior",
    "behavior_analysis": "studies.behavior.analysis, studies.behavior.config, "
    "studies.behavior.result, studies.behavior.tables, studies.groups",
    "behavior_figures": "studies.behavior.drawing",
    "benchmarking": "studies.benchmark",
    "binning": "activity.binning",
    "blocks": "io.blocks",
    "comparison": "studies.recordings, studies.groups",
    "containers": "core.containers",
    "conversion": "studies.conversion",
    "deconvolution": "activity.deconvolution",
    "demo": "studies.demo",
    "detection": "io.detection",
    "durations": "core.durations",
    "errors": "core.errors",
    "estimator": "methods.tavrnn",
    "estimator.tavrnn": "methods.tavrnn.estimator",
    "evaluation.nulls": "statistics.nulls, statistics.time_shifts",
    "evaluation.statistics": "statistics.intervals",
    "game_simulation": "datasets.game",
    "graphs": "connectivity.graphs",
    "inspection": "studies.inspection",
    "lazy_signals": "io.lazy_signals",
    "network_measures": "networks.measures",
    "nn": "methods.tavrnn.nn",
    "output": "core.output",
    "pipeline": "studies.analysis, studies.analysis_config",
    "progress": "core.progress",
    "provenance": "core.provenance",
    "reading": "io.reading, io.finding, io.protocols",
    "reporting": "figures.page",
    "reproduction": "studies.reproduction",
    "runs": "core.runs",
    "simulated": "datasets.simulated",
    "simulation": "datasets.culture, datasets.layout",
    "surrogates": "connectivity.surrogates",
    "time_shifts": "statistics.time_shifts, statistics.nulls",
    "training": "methods.tavrnn.training",
    "trends": "statistics.trends",
    "windows": "activity.windows",
}


class _Alias(Loader):
    """Gives the module of the new name in place of one of the old name."""

    def __init__(self, targets: Sequence[str]) -> None:
        self.targets = targets
        self.own_spec: ModuleSpec | None = None

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        modules = [import_module(target) for target in self.targets]
        if len(modules) > 1:
            return _joined(spec, modules)
        self.own_spec = modules[0].__spec__
        return modules[0]

    def exec_module(self, module: ModuleType) -> None:
        """Give the module its own specification back; it was executed under its own name."""
        if self.own_spec is not None:
            module.__spec__ = self.own_spec


def _joined(spec: ModuleSpec, modules: Sequence[ModuleType]) -> ModuleType:
    """Make a module that has the names of several."""
    joined = ModuleType(spec.name, modules[0].__doc__)
    for module in reversed(modules):
        vars(joined).update({key: item for key, item in vars(module).items() if key[:2] != "__"})
    return joined


class _OldNames(MetaPathFinder):
    def find_spec(
        self, fullname: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        new = _new_names(fullname)
        if not new:
            return None
        warnings.warn(
            f"{fullname} is {' and '.join(new)} since release 0.1; the old name ends with {END}.",
            FutureWarning,
            # Frames of the import system do not count.
            stacklevel=2,
        )
        return ModuleSpec(fullname, _Alias(new))


def install() -> None:
    """Let the old names be found, once."""
    if not any(isinstance(finder, _OldNames) for finder in sys.meta_path):
        # First, since the finder of files would load a submodule again under its old name.
        sys.meta_path.insert(0, _OldNames())


def _new_names(fullname: str) -> tuple[str, ...]:
    package, _, rest = fullname.partition(".")
    if package != _PACKAGE:
        return ()
    parts = rest.split(".")
    for n_kept in range(len(parts), 0, -1):
        moved = MOVED.get(".".join(parts[:n_kept]))
        if moved is not None:
            return tuple(".".join((_PACKAGE, name, *parts[n_kept:])) for name in moved.split(", "))
    return ()
