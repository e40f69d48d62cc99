"""What the documentation says holds: pages that are pasted run, links lead somewhere."""

import os
import re
import shlex
import shutil
import warnings
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import matplotlib.pyplot as plt
import pytest

from tavrnn_ephys.cli import main
from tests.docs_files import make_all

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
# Tests of their own run the page of the command line, and the tutorials.
OTHERS = ("index", "command_line", "tutorials")
GUIDES = sorted(page for page in (DOCS / "how_to").glob("*.md") if page.stem not in OTHERS)
# A block is left out where the line above it says why, or names a package that is not there.
BLOCK = re.compile(
    r"(?:^<!-- (?:not run: (?P<reason>.+?)|needs (?P<package>\w+)) -->\n)?"
    r"^```(?P<language>\w*)\n(?P<code>.*?)^```$",
    flags=re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """A block of code on a page, and the line that it starts at."""

    language: str
    code: str
    line: int


def blocks_of(text: str) -> Iterator[Block]:
    """Yield what a reader would paste, from top to bottom."""
    for match in BLOCK.finditer(text):
        absent = match["package"] and find_spec(match["package"]) is None
        if absent and os.environ.get("CI") == "true":
            raise ModuleNotFoundError(f"A page needs {match['package']}: install the extra test.")
        left_out = match["reason"] is not None or absent
        if not left_out and match["language"] in ("python", "bash", "yaml"):
            yield Block(match["language"], match["code"], text.count("\n", 0, match.start("code")))


def run_command(line: str) -> None:
    """Run a line of the shell that calls this package."""
    program, *arguments = shlex.split(line)
    assert program == "tavrnn-ephys", f"'{line}' is no command of this package"
    assert main(arguments) == 0, f"'{line}' fails"


def run_page(page: Path) -> int:
    """
    Run all blocks of a page in one namespace; give their number.

    A block of YAML becomes the file that its first line names.
    """
    namespace: dict[str, object] = {"__name__": "page"}
    n_blocks = 0
    for block in blocks_of(page.read_text()):
        n_blocks += 1
        if block.language == "bash":
            for line in block.code.replace("\\\n", " ").splitlines():
                run_command(line)
        elif block.language == "yaml":
            Path(block.code.split()[1]).write_text(block.code)
        else:
            # Blank lines in front make tracebacks name the line of the page.
            exec(compile("\n" * block.line + block.code, str(page), "exec"), namespace)
    return n_blocks


@pytest.fixture(scope="session")
def made_files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("docs_files")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        make_all(folder)
    return folder


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("page", GUIDES, ids=lambda page: page.stem)
def test_guide_runs_from_top_to_bottom(page, made_files, tmp_path, monkeypatch):
    work = tmp_path / "work"
    shutil.copytree(made_files, work)
    monkeypatch.chdir(work)
    try:
        n_blocks = run_page(page)
    finally:
        plt.close("all")
    assert n_blocks > 0


def test_fault_on_a_page_is_noticed(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("# Page\n\n```python\nvalue = 1\n```\n\n```python\nassert value == 2\n```\n")
    with pytest.raises(AssertionError):
        run_page(page)
    page.write_text("```bash\ntavrnn-ephys inspect absent.nwb\n```\n")
    with pytest.raises(AssertionError, match="fails"):
        run_page(page)


# ---- links -------------------------------------------------------------------

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)")


def pages() -> list[Path]:
    """Every page that people read on a code host."""
    found = [*ROOT.glob("*.md"), *(ROOT / "tutorials").glob("*.ipynb")]
    built = {"_build", "auto_gallery", "generated"}
    found += [page for page in DOCS.rglob("*.md") if not built & set(page.parts)]
    return sorted(found)


def anchors_of(page: Path) -> set[str]:
    """Give the anchors of the headings, as code hosts and MyST make them."""
    text = re.sub(r"^```.*?^```", "", page.read_text(), flags=re.MULTILINE | re.DOTALL)
    headings = re.findall(r"^#+ (.+)$", text, flags=re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in headings}


def faults_of_link(page: Path, link: str) -> str:
    """Say what is wrong with a link, or nothing."""
    if re.match(r"[a-z]+:", link):
        good = re.fullmatch(r"https://[a-z0-9-]+(\.[a-z0-9-]+)+(:\d+)?(/[^\s<>]*)?", link)
        return "" if good else f"'{link}' is no well-formed https address"
    path, _, anchor = link.partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return f"'{link}' leads nowhere"
    if anchor and target.suffix == ".md" and anchor not in anchors_of(target):
        return f"'{link}': '{target.name}' has no heading '{anchor}'"
    return ""


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    text = page.read_text()
    # Code may hold what looks like a link.
    text = re.sub(r"^```.*?^```", "", text, flags=re.MULTILINE | re.DOTALL)
    faults = [faults_of_link(page, link) for link in LINK.findall(text)]
    assert [fault for fault in faults if fault] == []


def test_broken_link_is_noticed():
    page = DOCS / "index.md"
    assert faults_of_link(page, "absent.md")
    assert faults_of_link(page, "installation.md#absent-heading")
    assert faults_of_link(page, "http://example.org")
    assert not faults_of_link(page, "https://example.org/page?a=b")


def test_files_that_pages_name_are_there():
    named = re.compile(
        r"(?<![\w/])((?:docs|tests|tutorials|tavrnn_ephys)/[\w./-]+\.(?:py|md|ipynb))"
    )
    absent = [
        f"{page.relative_to(ROOT)}: {name}"
        for page in pages()
        for name in named.findall(page.read_text())
        if not (ROOT / name).is_file()
    ]
    assert absent == []
