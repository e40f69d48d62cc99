"""Notebooks that are run again differ only in what they show."""

import os
from pathlib import Path

import nbformat

# One thread and no threads of its own inside a library: equal runs give equal numbers.
os.environ.setdefault("OMP_NUM_THREADS", "1")
VOLATILE = ("execution", "collapsed", "scrolled")


def pytest_sessionfinish(session):
    """After ``--overwrite``, strip times of execution and versions of the interpreter."""
    if not session.config.getoption("overwrite", False):
        return
    for path in sorted({Path(item.path) for item in session.items}):
        notebook = nbformat.read(path, as_version=4)
        notebook.metadata = {
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
        }
        for cell in notebook.cells:
            for name in VOLATILE:
                cell.metadata.pop(name, None)
        nbformat.write(notebook, path)
