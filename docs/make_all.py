"""
Renew every picture and number of the documentation: ``python docs/make_all.py``.

Runs the steps below one after the other; ``python docs/make_all.py readme results`` runs these
two.  Seconds are those of two cores, and the time that each took is printed beside them.  Steps
that read recordings find them through ``TAVRNN_EPHYS_DATA``.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from PIL import Image

DOCS = Path(__file__).parent
PYTHON = sys.executable
PROGRAM = (PYTHON, "-m", "tavrnn_ephys.cli")
BENCHMARKS = DOCS.parent / "docs/measurements"
_LARGEST = 500_000


@dataclass(frozen=True, kw_only=True)
class Step:
    """What a step renews, about how long it takes, and its commands, given an empty folder."""

    renews: str
    seconds: int
    commands: Callable[[Path], list[list[str]]]
    # Steps of more than minutes, and those that need recordings or a browser, run when named.
    by_default: bool = True
    # Files of the folder, by the name of the picture that they become.
    pictures: Mapping[str, str] = field(default_factory=dict)


def _shrink(source: Path, target: Path) -> None:
    """Copy a picture; one that is too large for a page at half its size, in 256 colours."""
    if source.stat().st_size < _LARGEST:
        shutil.copy(source, target)
        return
    with Image.open(source) as picture:
        half = picture.convert("RGB").reduce(2)
        # Maximum coverage keeps the ends of a colour bar, which few pixels have.
        half.quantize(256, method=Image.Quantize.MAXCOVERAGE).save(target, optimize=True)


def _script(name: str) -> Callable[[Path], list[list[str]]]:
    return lambda folder: [[PYTHON, str(DOCS / name)]]


def _report(folder: Path) -> list[list[str]]:
    analyzed = str(folder / "behavior.nwb")
    return [
        [*PROGRAM, "demo", "--out", str(folder)],
        [*PROGRAM, "analyze", str(folder / "culture.nwb"), "--bin-size", "10ms", "--window", "2s",
         "--step", "1s", "--behavior", "performance", "--out", analyzed],
        [PYTHON, str(DOCS / "make_report_figure.py"), analyzed],
    ]  # fmt: skip


def _simulated(folder: Path, *measures: str) -> list[list[str]]:
    named = [f"--measure={measure}" for measure in measures]
    bench = [*PROGRAM, "benchmark", "--simulated", *named, "--methods", "all", "--seeds", "10",
             "--n-jobs", "2", "--out", str(folder)]  # fmt: skip
    pages = [f"--{measure}" for measure in measures]
    return [bench, [PYTHON, str(DOCS / "make_benchmark.py"), str(folder), *pages]]


def _recordings(folder: Path) -> list[list[str]]:
    script, data = str(BENCHMARKS / "real_benchmark.py"), _recordings_folder()
    return [
        [PYTHON, script, "--data", data, "--out", str(folder), "--seeds", "1"],
        [PYTHON, str(DOCS / "make_benchmark.py"), str(folder), "--recordings"],
    ]


def _behavior(folder: Path) -> list[list[str]]:
    script = str(BENCHMARKS / "behavior_dishbrain.py")
    _recordings_folder()
    return [[PYTHON, script, "--out", str(folder), "--training-epochs", "10"]]


def _session(folder: Path) -> list[list[str]]:
    _recordings_folder()
    return [[PYTHON, str(BENCHMARKS / "dishbrain_session.py"), "--out", str(folder)]]


def _recordings_folder() -> str:
    if "TAVRNN_EPHYS_DATA" not in os.environ:
        sys.exit("This step reads recordings: set TAVRNN_EPHYS_DATA to their folder.")
    return os.environ["TAVRNN_EPHYS_DATA"]


STEPS = {
    "readme": Step(
        renews="README.md, images/overview.png", seconds=60, commands=_script("make_readme.py")
    ),
    "results": Step(
        renews="images/results_layout.png",
        seconds=3,
        commands=_script("make_results_figures.py"),
    ),
    "connectivity": Step(
        renews="images/connectivity_*.png",
        seconds=30,
        commands=_script("make_connectivity_figures.py"),
    ),
    "evaluation": Step(
        renews="explanation/evaluation.md, images/evaluation_traps.png",
        seconds=75,
        commands=_script("make_evaluation_figures.py"),
    ),
    "report": Step(
        renews="images/report.png", seconds=90, commands=_report, by_default=False
    ),
    "behavior": Step(
        renews="images/behavior_*.png",
        seconds=600,
        commands=_behavior,
        by_default=False,
        pictures={
            "behavior_nodes": "nodes",
            "behavior_connectivity": "connectivity",
            "behavior_attention": "behavior_attention",
        },
    ),
    "session": Step(
        renews="explanation/dishbrain.md, images/dishbrain_*.png",
        seconds=500,
        commands=_session,
        by_default=False,
        pictures={name: name for name in ("dishbrain_session", "dishbrain_attention")},
    ),
    "recordings": Step(
        renews="explanation/recordings.md, images/recordings_*.png",
        seconds=3600,
        commands=_recordings,
        by_default=False,
    ),
    "benchmark": Step(
        renews="explanation/benchmark.md, images/benchmark_*.png",
        seconds=5400,
        commands=_simulated,
        by_default=False,
    ),
    "correlations": Step(
        renews="explanation/benchmark_pearson.md, images/benchmark_pearson_*.png",
        seconds=5400,
        commands=lambda folder: _simulated(folder, "pearson"),
        by_default=False,
    ),
}  # fmt: skip
BY_DEFAULT = tuple(name for name, step in STEPS.items() if step.by_default)


def main() -> None:
    """Run the steps that are named, or all that need nothing and take minutes at most."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of {', '.join(STEPS)}")
    parser.add_argument("--list", action="store_true", help="say what there is, and stop")
    options = parser.parse_args()
    if unknown := set(options.steps) - set(STEPS):
        parser.error(f"there is no step {min(unknown)!r}; choose of {', '.join(STEPS)}")
    for name in options.steps or (STEPS if options.list else BY_DEFAULT):
        step = STEPS[name]
        print(f"{name:14} {step.renews:60} about {step.seconds:5} s", flush=True)
        if options.list:
            continue
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            for command in step.commands(Path(folder)):
                subprocess.run(command, check=True, cwd=DOCS.parent)
            for picture, drawn in step.pictures.items():
                _shrink(Path(folder) / f"{drawn}.png", DOCS / f"images/{picture}.png")
        print(f"{'':14} took {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
