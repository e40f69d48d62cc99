"""
Put the tables and figures of a benchmark into explanation/benchmark.md.

    tavrnn-ephys benchmark --simulated --methods all --seeds 10 --n-jobs 2 --out bench
    python docs/make_benchmark.py bench
"""

import json
import shutil
import sys
from pathlib import Path

import pandas as pd

DOCS = Path(__file__).parent
START, END = "<!-- tables: written by docs/make_benchmark.py -->", "<!-- end of tables -->"


def main(folder: Path) -> None:
    """Copy what the benchmark wrote."""
    table = pd.read_csv(folder / "benchmark.csv")
    about = json.loads((folder / "settings.json").read_text())
    done = table[table["score"].notna()]
    sessions = done.groupby("task", sort=False)["n_sessions"].agg(["min", "max"])
    spans = {str(low) if low == high else f"{low} to {high}" for low, high in sessions.to_numpy()}
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    head = (
        f"Networks per method and task: {' or '.join(sorted(spans))}; "
        f"{about['settings']['n_steps']} optimizer steps; {versions}. Where there is one network "
        "alone, intervals are over its blocks of time."
    )
    for name in ("scores", "cost"):
        if (folder / f"{name}.png").is_file():
            shutil.copy(folder / f"{name}.png", DOCS / f"images/benchmark_{name}.png")
            head += f"\n\n![{name}](../images/benchmark_{name}.png)"
    page = DOCS / "explanation/benchmark.md"
    before, rest = page.read_text().split(START)
    _, after = rest.split(END)
    tables = (folder / "benchmark.md").read_text()
    page.write_text(f"{before}{START}\n{head}\n\n{tables}\n{END}{after}")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
