"""The examples for workflow managers: what the documentation shows is what runs."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tavrnn_ephys.cli import main

PAGE = (Path(__file__).parents[2] / "docs/how_to/cohort_workflows.md").read_text()
SNAKEMAKE = shutil.which("snakemake")


def example(first_line):
    (found,) = re.findall(
        rf"^```\w+\n({re.escape(first_line)}\n.*?)^```$", PAGE, flags=re.MULTILINE | re.DOTALL
    )
    return found


@pytest.fixture
def project(tmp_path, monkeypatch):
    """The recordings and the manifest of the page."""
    monkeypatch.chdir(tmp_path)
    exec(re.search(r"```python\n(.*?)```", PAGE, flags=re.DOTALL)[1], {})
    Path("cohort.yaml").write_text(example("# cohort.yaml"))
    return tmp_path


if SNAKEMAKE:  # No package of this environment; CI installs it beside.

    def test_snakemake_runs_a_study_and_nothing_twice(project):
        (project / "Snakefile").write_text(example("# Snakefile"))
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
        command = [SNAKEMAKE, "--cores", "2", "--quiet"]
        run = subprocess.run(command, env={**os.environ, "PATH": path}, capture_output=True)
        assert run.returncode == 0, run.stderr.decode()
        assert (project / "tables/study.html").is_file()
        assert len(list((project / "study/shards").rglob("*.nwb"))) == 2
        again = subprocess.run([*command, "--dry-run"], capture_output=True, text=True)
        assert again.returncode == 0
        assert "rule part" not in again.stdout + again.stderr


def test_the_commands_of_the_nextflow_example_run_a_study(project, capsys):
    text = example("// main.nf")
    lines = re.findall(r'^    "(tavrnn-ephys .*)"$', text, flags=re.MULTILINE)
    known = {"params.manifest": "cohort.yaml", "params.study": "study", "params.parts": "2",
             "params.tables": "tables"}  # fmt: skip
    plan, part, report = (line.partition(" || ")[0] for line in lines)
    for line in (plan, *(part.replace("${number}", str(number)) for number in (1, 2)), report):
        for name, value in known.items():
            line = line.replace(f"${{{name}}}", value)
        assert "$" not in line
        assert main(line.split()[1:]) == 0
    assert (project / "tables/study.html").is_file()
