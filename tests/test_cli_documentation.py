"""What the page on the command line shows can be pasted."""

import contextlib
import io
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
import quantities as pq

import tavrnn_ephys as te
from tavrnn_ephys.cli import main
from tests.test_cli import dated

PAGE = Path(__file__).parents[1] / "docs/how_to/command_line.md"


def blocks():
    found = re.findall(r"^```(\w+)\n(.*?)^```$", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL)
    assert len(found) > 8
    return found


def run(line, home):
    """Run one line as a shell would, the commands of this package within this process."""
    command, _, target = line.partition(" > ")
    out = io.StringIO()
    if command.startswith("tavrnn-ephys "):
        with contextlib.redirect_stdout(out):
            try:
                status = main(shlex.split(command)[1:])
            except SystemExit as stop:
                status = stop.code
        assert status == 0, line
    else:
        named = shlex.quote(sys.executable)
        done = subprocess.run(
            ["bash", "-ec", command.replace("python3", named, 1)], capture_output=True, text=True,
            env={**os.environ, "HOME": str(home)}, check=True,
        )  # fmt: skip
        out.write(done.stdout)
    if target:
        Path(target.replace("~", str(home), 1)).write_text(out.getvalue())
        return ""
    return out.getvalue()


@pytest.mark.skipif(os.name == "nt", reason="the page is written for shells of Unix")
def test_the_page_can_be_pasted_from_top_to_bottom(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    te.write_nwb(dated(te.simulate_culture(n_nodes=20, duration=30 * pq.s, seed=1)), "culture.nwb")
    lines = []
    for language, text in blocks():
        if language in ("yaml", "toml"):
            Path(f"run.{language}").write_text(text)
        else:
            assert language == "bash"
            subprocess.run(["bash", "-n"], input=text, text=True, check=True)
            lines += [part for line in text.splitlines() for part in line.split(" && ")]
    shown = "".join(run(line, tmp_path) for line in lines)
    assert "'performance'" in shown
    assert shown.endswith("the stored run can be computed again\n")
    results = [te.read_results(f"{name}.nwb") for name in ("again", "from_toml")]
    assert results[0] == results[1] == te.read_results("culture_tavrnn.nwb")
    assert te.read_results("finer.nwb").config["analysis.step_s"] == 1.0
    assert Path(".zfunc/_tavrnn-ephys").read_text().startswith("#compdef tavrnn-ephys")
