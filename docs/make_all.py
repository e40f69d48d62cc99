"""
Renew every picture and number of the documentation: ``python docs/make_all.py``.

Runs the scripts below one after the other; ``python docs/make_all.py readme results`` runs these
two. Seconds are those of two cores, and the time that each took is printed beside them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

DOCS = Path(__file__).parent
# What each renews, about how long it takes, and its command.
STEPS = {
    "readme": ("README.md, images/overview.png", 60),
    "results": ("images/results_layout.png", 3),
    "connectivity": ("images/connectivity_*.png", 30),
    "evaluation": ("explanation/evaluation.md, images/evaluation_traps.png", 75),
    "benchmark": ("explanation/benchmark.md, images/benchmark_scores.png", 5400),
}
# A benchmark of all methods takes more than an hour, and is renewed when it is named.
BY_DEFAULT = tuple(name for name in STEPS if name != "benchmark")
SCRIPTS = {
    "readme": "make_readme.py",
    "results": "make_results_figures.py",
    "connectivity": "make_connectivity_figures.py",
    "evaluation": "make_evaluation_figures.py",
    "benchmark": "make_benchmark.py",
}


def commands_of(name: str, folder: str) -> list[list[str]]:
    """Give the commands of a step."""
    script = [sys.executable, str(DOCS / SCRIPTS[name])]
    if name != "benchmark":
        return [script]
    bench = [sys.executable, "-m", "tavrnn_ephys.cli", "benchmark", "--simulated", "--methods",
             "all", "--seeds", "10", "--n-jobs", "2", "--out", folder]  # fmt: skip
    return [bench, [*script, folder]]


def main() -> None:
    """Run the steps that are named, or all that take minutes at most."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of {', '.join(STEPS)}")
    parser.add_argument("--list", action="store_true", help="say what would run, and stop")
    options = parser.parse_args()
    if unknown := set(options.steps) - set(STEPS):
        parser.error(f"there is no step {min(unknown)!r}; choose of {', '.join(STEPS)}")
    for name in options.steps or BY_DEFAULT:
        renewed, seconds = STEPS[name]
        print(f"{name:14} {renewed:60} about {seconds:5} s", flush=True)
        if options.list:
            continue
        started = time.perf_counter()
        with tempfile.TemporaryDirectory() as folder:
            for command in commands_of(name, folder):
                subprocess.run(command, check=True, cwd=DOCS.parent)
        print(f"{'':14} took {time.perf_counter() - started:.0f} s", flush=True)


if __name__ == "__main__":
    main()
