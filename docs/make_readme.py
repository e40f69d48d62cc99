"""Renew the README's picture and numbers: ``python docs/make_readme.py``."""

import shutil
import tempfile
import warnings
from pathlib import Path

from tavrnn_ephys.core.errors import DataLossWarning
from tavrnn_ephys.studies.demo import run_demo

ROOT = Path(__file__).parents[1]
START, END = "<!-- demo report: written by docs/make_readme.py -->", "<!-- end of demo report -->"


def main() -> None:
    """Run the demonstration and put its report and its overview into the README."""
    readme = ROOT / "README.md"
    before, rest = readme.read_text().split(START)
    _, after = rest.split(END)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore", DataLossWarning)
        report = run_demo(Path(folder) / "demo")
        shutil.copy(Path(folder) / "demo" / "overview.png", ROOT / "docs/images/overview.png")
        text = str(report).replace(str(Path(folder) / "demo"), "demo")
    readme.write_text(f"{before}{START}\n```text\n{text}\n```\n{END}{after}")


if __name__ == "__main__":
    main()
