"""
Put the tables and figures of a benchmark into its page of the explanation.

    tavrnn-ephys benchmark --simulated --methods all --seeds 10 --n-jobs 2 --out bench
    python docs/make_benchmark.py bench
    tavrnn-ephys benchmark --simulated --measure pearson --methods all --seeds 10 --out pearson
    python docs/make_benchmark.py pearson --pearson
    python docs/measurements/real_benchmark.py --data DIR --out real --seeds 1
    python docs/make_benchmark.py real --recordings
"""

import argparse
import json
import shutil
from pathlib import Path

import pandas as pd

from tavrnn_ephys.statistics.intervals import holm

DOCS = Path(__file__).parent
_FLOORS = "<!-- floors: written by docs/make_benchmark.py -->", "<!-- end of floors -->"


# Whose scores stand beside those of floors.
_BESIDE = ("tavrnn_recurrent", "oracle_window")


def main(folder: Path, page: str, counted: str) -> None:
    """Copy what the benchmark wrote between the marks of a page."""
    start = "<!-- tables: written by docs/make_benchmark.py -->"
    end = "<!-- end of tables -->"
    table = pd.read_csv(folder / "benchmark.csv")
    about = json.loads((folder / "settings.json").read_text())
    done = table[table["score"].notna()]
    sessions = done.groupby("task", sort=False)["n_sessions"].agg(["min", "max"])
    spans = {str(low) if low == high else f"{low} to {high}" for low, high in sessions.to_numpy()}
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    head = (
        f"{counted} per method and task: {' or '.join(sorted(spans))}; "
        f"{about['settings']['n_steps']} optimizer steps; {versions}. Where there is one "
        "alone, intervals are over its blocks of time."
    )
    for name in ("scores", "cost"):
        if (folder / f"{name}.png").is_file():
            shutil.copy(folder / f"{name}.png", DOCS / f"images/{page}_{name}.png")
            head += f"\n\n![{name}](../images/{page}_{name}.png)"
    target = DOCS / f"explanation/{page}.md"
    tables = (folder / "benchmark.md").read_text()
    mean = f"{_mean_over_tasks(done)}\n" if counted == "Sessions" else ""
    page_text = _between(target.read_text(), start, end, f"{head}\n\n{mean}{tables}")
    if counted == "Networks":
        page_text = _between(page_text, *_FLOORS, _beside_floors(done))
    target.write_text(page_text)


def _between(text: str, start: str, end: str, written: str) -> str:
    before, rest = text.split(start)
    _, after = rest.split(end)
    return f"{before}{start}\n{written}\n{end}{after}"


def _beside_floors(table: pd.DataFrame) -> str:
    """TAVRNN beside the best method that neither trains nor sees labels, Holm over all of these."""
    rows = []
    for task, here in table.groupby("task", sort=False):
        by_name = here.set_index("method")
        is_floor = (here["n_steps"] == 0) & (here["supervision"] == "none")
        floors = here[is_floor].assign(p_floors=lambda x: holm(list(x["p_minus_reference"])))
        best = floors.loc[floors["score"].idxmax()]
        gain, low, high = (-best[f"minus_reference{end}"] for end in ("", "_high", "_low"))
        cells = [
            str(task),
            f"{by_name.loc['tavrnn', 'score']:.3f}",
            f"{best['score']:.3f}, `{best['method']}`",
            f"{gain:+.3f} [{low:+.3f}, {high:+.3f}]",
            f"{best['p_minus_reference']:.3f}, {best['p_floors']:.3f}",
            *(
                f"{by_name.loc[name, 'score']:.3f}"
                for name in ("tavrnn_recurrent", "oracle_window")
            ),
        ]
        rows.append(f"| {' | '.join(cells)} |")
    names = (
        "task", "`tavrnn`", "best floor", "difference [95 %]", f"p, Holm over {len(floors)} floors",
        "`tavrnn_recurrent`", "oracle, one window",
    )  # fmt: skip
    return "\n".join([f"| {' | '.join(names)} |", "|---" * len(names) + "|", *rows])


def _mean_over_tasks(table: pd.DataFrame) -> str:
    """Balanced accuracy of each method, averaged over the data sets with classes."""
    classes = table[table["kind"] == "classification"]
    wide = classes.pivot(index="method", columns="task", values="score").dropna()
    wide.insert(0, "mean", wide.mean(axis=1))
    wide = wide.sort_values("mean", ascending=False)
    lines = ["### Mean balanced accuracy over the data sets with classes", ""]
    lines.append(f"| method | {' | '.join(wide.columns)} |")
    lines.append("|---" * (len(wide.columns) + 1) + "|")
    for name, row in wide.iterrows():
        lines.append(f"| {name} | {' | '.join(f'{value:.3f}' for value in row)} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.strip().split("\n")[0])
    parser.add_argument("folder", type=Path)
    which = parser.add_mutually_exclusive_group()
    which.add_argument("--recordings", action="store_true", help="of real recordings")
    which.add_argument("--pearson", action="store_true", help="of correlations in bins")
    options = parser.parse_args()
    if options.recordings:
        main(options.folder, "recordings", "Sessions")
    elif options.pearson:
        main(options.folder, "benchmark_pearson", "Networks")
    else:
        main(options.folder, "benchmark", "Networks")
