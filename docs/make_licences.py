"""
Renew the tables of licences of the installation page: ``python docs/make_licences.py``.

Names come from ``setup.cfg``, licences from the metadata of what is installed
(``importlib.metadata``): the field ``License-Expression``, else the classifiers, else the first
line of ``License``.  ``--check`` changes nothing, and ends with 1 where the page says something
else.
"""

from __future__ import annotations

import argparse
import configparser
import re
import sys
from importlib.metadata import PackageNotFoundError, metadata
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs/installation.md"
START, END = "<!-- licences: written by docs/make_licences.py -->", "<!-- end of licences -->"
_LONGEST = 60
# What SPDX calls the licences that older packages name by classifiers.
_PLAIN = {
    "BSD License": "BSD",
    "MIT License": "MIT",
    "Apache Software License": "Apache-2.0",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU General Public License v3 (GPLv3)": "GPL-3.0",
    "GNU General Public License v2 or later (GPLv2+)": "GPL-2.0-or-later",
    "GNU Lesser General Public License v2 or later (LGPLv2+)": "LGPL-2.1-or-later",
    "GNU General Public License (GPL)": "GPL in parts",
    "ISC License (ISCL)": "ISC",
}
# Packages whose metadata names no licence, or that are not installed for the tests: read in the
# licence file of the package, or in what the index says of it.
_READ = {
    "bctpy": "GPL-3.0-or-later",
    "cebra": "Apache-2.0",
    "hdf5plugin": "MIT, its filters under licences of their own",
    "pyriemann": "BSD-3-Clause",
    "quantities": "BSD-3-Clause",
    "remfile": "Apache-2.0",
    "umap-learn": "BSD-3-Clause",
}


def licence_of(name: str) -> str:
    """Name the licence of an installed package; empty where it is not installed."""
    try:
        facts = metadata(name)
    except PackageNotFoundError:
        return _READ.get(name, "")
    if facts.get("License-Expression"):
        return str(facts["License-Expression"])
    classifiers = [
        item.rsplit(" :: ", 1)[-1]
        for item in facts.get_all("Classifier") or ()
        if item.startswith("License :: ") and item != "License :: OSI Approved"
    ]
    if classifiers:
        return ", ".join(_PLAIN.get(item, item) for item in classifiers)
    first = (str(facts.get("License") or "").strip().splitlines() or [""])[0]
    return first if 0 < len(first) <= _LONGEST else _READ.get(name, "see its own file")


def declared() -> tuple[list[str], dict[str, list[str]]]:
    """Names of what is needed, and of the packages of each extra."""
    config = configparser.ConfigParser()
    config.read(ROOT / "setup.cfg")
    extras = {name: _names(text) for name, text in config["options.extras_require"].items()}
    return _names(config["options"]["install_requires"]), extras


def _names(text: str) -> list[str]:
    found = [re.match(r"[\w.-]+", line.strip()) for line in text.splitlines() if line.strip()]
    return [match[0] for match in found if match]


def tables() -> str:
    """Write both tables."""
    needed, extras = declared()
    lines = ["| needed | licence |", "|---|---|"]
    lines += [f"| {name} | {_shown(name)} |" for name in sorted(needed, key=str.lower)]
    lines += ["", "| extra | packages and their licences |", "|---|---|"]
    for extra, names in sorted(extras.items()):
        told = [f"{name} ({_shown(name)})" for name in names if name.lower() != "tavrnn_ephys"]
        lines.append(f"| `{extra}` | {', '.join(told)} |")
    return "\n".join(lines)


def _shown(name: str) -> str:
    licence = licence_of(name) or "not installed here"
    # What binds those who pass it on stands out.
    return re.sub(r"(?<![A-Z])(A?GPL(?:-[\w.-]+)?)", r"**\1**", licence)


def main() -> None:
    """Renew the tables, or say whether they are as they should be."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--check", action="store_true")
    options = parser.parse_args()
    page = PAGE.read_text()
    before, rest = page.split(START)
    _, after = rest.split(END)
    renewed = f"{before}{START}\n\n{tables()}\n\n{END}{after}"
    if options.check:
        sys.exit(int(renewed != page))
    PAGE.write_text(renewed)


if __name__ == "__main__":
    main()
