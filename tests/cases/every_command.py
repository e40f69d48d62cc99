"""
Every command, each in a process of its own, on a machine where nothing can be relied on.

``python -m tests.cases.every_command FOLDER`` is run by a user without a home folder, without a
folder for temporary files, in a folder that cannot be written; numbers have a decimal comma where
``LOCPATH`` names such a locale.  What a command says goes to ``FOLDER/said``.
"""

import importlib
import json
import locale
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

from tavrnn_ephys.cli import main
from tavrnn_ephys.core.caches import writable_caches
from tavrnn_ephys.core.temporary import some_temporary_folder
from tavrnn_ephys.io.finding import list_adapters

COMMA = "de_DE.UTF-8"
LIBRARIES = (
    "tavrnn_ephys.studies.demo", "tavrnn_ephys.studies.cohort", "tavrnn_ephys.streaming.stream",
    "tavrnn_ephys.adapters.nwb.results", "torch._dynamo", "sklearn.linear_model", "elephant",
    "elephant.conversion", "plotly.graph_objects", "hdmf_zarr",
)  # fmt: skip
#: Three recordings, {a}, {b} and {c}; results are written to {out}, by a command for the next.
WINDOWS = ["--bin-size", "50ms", "--window", "4s", "--step", "2s"]
COMMANDS = {
    "analyze": ["{a}", *WINDOWS, "--training-epochs", "1", "--out", "{out}/a.nwb",
                "--save-model", "{out}/model.npz"],
    "runs": ["{out}/a.nwb"],
    "report": ["{out}/a.nwb", "--out", "{out}/again.html"],
    "export": ["{out}/a.nwb", "--to", "csv", "--out", "{out}/csv"],
    "reproduce": ["{out}/a.nwb"],
    "inspect": ["{a}"],
    "convert": ["{c}", "--out", "{out}/c.nwb", "--metadata", "{metadata}"],
    "benchmark": ["{a}", "--out", "{out}/benchmark", "--behavior", "performance",
                  "--bin-size", "50ms", "--window", "2s", "--step", "1s", "--methods", "degree",
                  "--seeds", "1", "--folds", "2"],
    "compare": ["{a}", "{b}", "--bin-size", "50ms", "--window", "10s", "--out", "{out}/compared"],
    "stream": ["{out}/model.npz", "--source", "replay:{a}@max", "--out", "{out}/log.nwb"],
    "stream check": ["{out}/model.npz", "--source", "replay:{a}@max"],
    "stream sources": [],
    "cohort plan": ["{manifest}", "--out", "{out}/study", *WINDOWS, "--set", "training_epochs=1"],
    "cohort run": ["{out}/study"],
    "cohort status": ["{out}/study"],
    "cohort report": ["{out}/study", "--out", "{out}/compared_cohort"],
    "demo": ["--out", "{out}/demo"],
}  # fmt: skip


def arguments_of(command, folder):
    """Write a command with the names of its files."""
    names = {name: folder / f"{name}.nwb" for name in "abc"}
    names |= {"c": folder / "c.csv", "out": folder / "out"}
    names |= {"metadata": folder / "metadata.yaml", "manifest": folder / "cohort.csv"}
    return [*command.split(), *(item.format(**names) for item in COMMANDS[command]), "--json"]


def shorten_the_demonstration():
    """Let it simulate, train and draw less: the whole one takes a minute and is run elsewhere."""
    import quantities as pq

    from tavrnn_ephys.studies import demo

    demo.simulate_culture = partial(demo.simulate_culture, n_nodes=20, duration=60 * pq.s)
    demo.AnalysisConfig = partial(demo.AnalysisConfig, training_epochs=1)


def run_alone(command, folder):
    """Run a command in a process of its own, and give its status."""
    child = os.fork()
    if child:
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    for number, name in ((1, "out"), (2, "err")):
        place = folder / "said" / f"{command}.{name}"
        os.dup2(os.open(place, os.O_WRONLY | os.O_CREAT, 0o600), number)
    if command == "demo":
        shorten_the_demonstration()
    status = main(arguments_of(command, folder))
    sys.stdout.flush()
    os._exit(status)


def run_all(folder):
    """Run every command, and keep its status."""
    # Where TMPDIR cannot be written Python looks elsewhere: here there is nothing.
    tempfile._candidate_tempdir_list = lambda: [os.environ["TMPDIR"], os.curdir]
    if "LOCPATH" in os.environ:
        for category in (locale.LC_NUMERIC, locale.LC_TIME, locale.LC_MONETARY):
            locale.setlocale(category, COMMA)
    # Once for all commands, in the way in which each of them does it.
    with some_temporary_folder(), writable_caches():
        for name in LIBRARIES:
            importlib.import_module(name)
        list_adapters()
    found = {command: run_alone(command, folder) for command in COMMANDS}
    (folder / "said" / "status.json").write_text(json.dumps(found))


if __name__ == "__main__":
    run_all(Path(sys.argv[1]))
