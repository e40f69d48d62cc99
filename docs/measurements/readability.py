"""
How long the sentences of the documentation are.

    python docs/measurements/readability.py            figures of every page
    python docs/measurements/readability.py --messages figures of the package's messages

Prints for each page the mean length of its sentences in words, and the shares of those above 25 and
above 35 words.  Tables, code and headings are no sentences.  A sentence ends at a full stop, a
question mark or an exclamation mark before white space.
"""

from __future__ import annotations

import argparse
import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
_NOT_PROSE = ("#", "|", "![", ":", "{", ">", "<!--", "(")
_ITEM = re.compile(r"^([-*+]|\d+\.) ")


class Figures(NamedTuple):
    """Number of sentences, their mean length in words, and the shares of long ones."""

    n: int
    mean: float
    above_25: float
    above_35: float


def paragraphs(text: str) -> Iterator[str]:
    """Yield paragraphs and items of lists, without code, tables and headings."""
    text = re.sub(r"^(```|:::).*?^\1", "", text, flags=re.MULTILINE | re.DOTALL)
    lines: list[str] = []
    for line in [*text.splitlines(), ""]:
        stripped = line.strip()
        ends = not stripped or stripped.startswith(_NOT_PROSE)
        if (ends or _ITEM.match(stripped)) and lines:
            yield " ".join(lines)
            lines = []
        if not ends:
            lines.append(_ITEM.sub("", stripped))


def sentences(text: str) -> list[str]:
    """
    Cut a page into sentences; code counts as one word, a link as its text.

    Examples
    --------
    >>> sentences("Windows slide, e.g. over `culture.nwb`. Each has a graph!")
    ['Windows slide, eg over code.', 'Each has a graph!']
    """
    found = []
    for paragraph in paragraphs(text):
        plain = re.sub(r"`[^`]*`", "code", paragraph)
        plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", plain)
        plain = re.sub(r"\b(e\.g|i\.e|et al|vs)\.", lambda hit: hit[1].replace(".", ""), plain)
        found += [each for each in re.split(r"(?<=[.!?])\s+", plain) if len(each.split()) > 2]
    return found


def figures(texts: list[str]) -> Figures:
    """Measure sentences."""
    lengths = [len(text.split()) for text in texts] or [0]
    n = len(lengths)
    return Figures(
        n,
        sum(lengths) / n,
        sum(length > 25 for length in lengths) / n,
        sum(length > 35 for length in lengths) / n,
    )


def pages() -> dict[str, list[str]]:
    """Sentences of every page and every tutorial, by its path."""
    found = {}
    first = [ROOT / "README.md", ROOT / "CONTRIBUTING.md"]
    for path in [*first, *sorted((ROOT / "docs").rglob("*.md"))]:
        found[path.relative_to(ROOT).as_posix()] = sentences(path.read_text())
    for path in sorted((ROOT / "tutorials").glob("*.ipynb")):
        cells = json.loads(path.read_text())["cells"]
        text = "\n\n".join("".join(c["source"]) for c in cells if c["cell_type"] == "markdown")
        found[path.relative_to(ROOT).as_posix()] = sentences(text)
    return {name: texts for name, texts in found.items() if texts}


def messages() -> list[str]:
    """Sentences of every error and warning that the package raises."""
    found = []
    for folder in ("tavrnn_ephys", "adapters"):
        for path in sorted((ROOT / folder).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.Call) and _speaks(node):
                    found += [text for item in node.args for text in sentences(_text(item))]
    return found


def _speaks(call: ast.Call) -> bool:
    name = getattr(call.func, "id", getattr(call.func, "attr", ""))
    return name.endswith("Error") or name in ("warn", "require")


def _text(node: ast.AST) -> str:
    if isinstance(node, ast.Constant):
        return str(node.value) if isinstance(node.value, str) else ""
    if isinstance(node, ast.JoinedStr):
        return "".join(
            str(part.value) if isinstance(part, ast.Constant) else "value" for part in node.values
        )
    return ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument("--messages", action="store_true")
    rows = pages()
    if parser.parse_args().messages:
        rows = {"messages": messages()}
    print(f"{'page':<52} {'sentences':>9} {'mean':>6} {'> 25':>6} {'> 35':>6}")
    for name, texts in sorted(rows.items(), key=lambda item: -figures(item[1]).above_25):
        n, mean, above_25, above_35 = figures(texts)
        print(f"{name:<52} {n:>9} {mean:>6.1f} {above_25:>6.2f} {above_35:>6.2f}")


if __name__ == "__main__":
    main()
