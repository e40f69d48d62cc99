"""Configuration of the documentation; see CONTRIBUTING.md for the commands that build it."""

import re
import sys
from pathlib import Path

import matplotlib as mpl

from tavrnn_ephys import __version__

DOCS = Path(__file__).parent
sys.path.insert(0, str(DOCS / "_extensions"))
mpl.use("Agg")

project = "tavrnn_ephys"
author = "The tavrnn_ephys developers"
copyright = "the tavrnn_ephys developers"
version = release = __version__
language = "en"

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.mathjax",
    "numpydoc",
    "myst_nb",
    "sphinx_copybutton",
    "sphinx_design",
    "sphinx_gallery.gen_gallery",
    "command_help",
]
try:
    import enchant  # noqa: F401
except ImportError:  # Its C library (libenchant-2-2) is only needed to check the spelling.
    pass
else:
    extensions.append("sphinxcontrib.spelling")

exclude_patterns = ["_build", "gallery", "**/README.md", "auto_gallery/*.ipynb"]
templates_path = ["_templates"]
nitpicky = False

# Notebooks come with their outputs; nothing is computed when the pages are built.
nb_execution_mode = "off"
# Builders that show no pictures need not choose between those of a notebook.
suppress_warnings = ["mystnb.mime_priority"]
myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 3

autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
numpydoc_class_members_toctree = False

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "filename_pattern": r"/plot_",
    "download_all_examples": False,
    "show_memory": False,
    "write_computation_times": False,
    "abort_on_example_error": True,
}

copybutton_prompt_text = r">>> |\.\.\. "
copybutton_prompt_is_regexp = True

spelling_lang = "en_GB"
spelling_word_list_filename = "words.txt"

html_theme = "pydata_sphinx_theme"
html_title = f"tavrnn_ephys {release}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "tavrnn_ephys"},
    "navbar_align": "left",
    "navigation_with_keys": False,
    "secondary_sidebar_items": ["page-toc"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "show_prev_next": False,
}


def gather_tutorials() -> None:
    """Bring the notebooks of tutorials/ under the folder that Sphinx reads."""
    pages = DOCS / "tutorials"
    for old in pages.glob("*.ipynb"):
        old.unlink()
    for notebook in sorted((DOCS.parent / "tutorials").glob("*.ipynb")):
        # On a code host the links go from tutorials/ to docs/, here from one folder to the next.
        text = notebook.read_text().replace("](../docs/", "](../")
        (pages / notebook.name).write_text(text)


def skip_borrowed(app, what, name, obj, skip, options):
    """Leave out what scikit-learn adds to every estimator."""
    return True if re.fullmatch(r"set_\w+_request|get_metadata_routing", name) else None


def setup(app) -> None:
    """Register the hook."""
    app.connect("autodoc-skip-member", skip_borrowed)


gather_tutorials()
