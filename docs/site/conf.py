"""The site of these documents (`make docs`), built by Sphinx from the files as they stand.

The root of the repository is the source, so that a link between two documents is the same in the repository and
on the site. What only the site has is added while a page is read: the navigation, and the tables of the API.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

sys.path[:0] = [str(Path(__file__).parent), str(Path(__file__).parents[2])]

from reference import reference  # noqa: E402

from app.main import BrokerApp  # noqa: E402
from app.version import VERSION  # noqa: E402

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "Blindlink"
author = "the Blindlink contributors"
version = release = VERSION
extensions = ["myst_parser"]
root_doc = "docs/index"
include_patterns = ["*.md", "docs/*.md", "docs/adr/*.md", "docs/security/*.md", "schemas/spec/*.md"]
exclude_patterns = ["LICENSE*"]
source_suffix = {".md": "markdown"}
# Headings are linked by the names that a repository's host gives them.
myst_heading_anchors = 4
highlight_language = "text"

html_theme = "furo"
html_title = "Blindlink"
html_copy_source = False
html_show_copyright = False
html_use_index = False
html_extra_path = ["root"]
html_static_path = ["static"]
html_css_files = ["site.css"]

_SECTION = re.compile(r"^## (?P<caption>.+)\n\n(?P<links>(?:- \[.+\n)+)", re.MULTILINE)
_FOLDERS = ("docs/adr/README", "schemas/spec/README")


def complete(_app: Sphinx, name: str, source: list[str]) -> None:
    """Add to a page what only the site has."""
    text = re.sub(r"\]\(([^)\s:]*)/\)", r"](\1/README.md)", source[0])
    if name == root_doc:
        text += "\n".join(navigation(text))
    elif name in _FOLDERS:
        text += "\n```{toctree}\n:hidden:\n:glob:\n\n*\n```\n"
    elif name == "docs/api-reference":
        text += "\n" + reference(BrokerApp().openapi())
    source[0] = text


def navigation(text: str) -> list[str]:
    """Return a table of contents for each section of the first page, in its words and its order."""
    tables = []
    for found in _SECTION.finditer(text):
        links = re.findall(r"\[(.+?)\]\((.+?)\)", found["links"])
        rows = "\n".join(f"{title} <{path}>" for title, path in links)
        tables.append(f"\n```{{toctree}}\n:hidden:\n:caption: {found['caption']}\n\n{rows}\n```\n")
    return tables


def setup(app: Sphinx) -> None:
    """Tell Sphinx what is done with a page when it is read."""
    app.connect("source-read", complete)
