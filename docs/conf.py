"""Sphinx configuration: the pages of this folder as HTML, with a link wherever a page is named as ``docs/NAME.rst``."""

from __future__ import annotations

import re
import sys
from pathlib import Path

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx

sys.path.insert(0, str(Path(__file__).parent.parent))
from openaimock import __version__

project = "openaimock"
version = release = __version__
html_theme = "furo"
html_title = f"openaimock {__version__}"
html_static_path = ["static"]
html_css_files = ["wide.css"]
html_show_copyright = False
html_show_sphinx = False
html_copy_source = False
# A literal block without a language is output or a command line.
highlight_language = "text"
# Keep quotes and dashes as they are written.
smartquotes = False
extensions = ["sphinx.ext.autodoc"]
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
nitpicky = True
# Types in signatures have no page to link to.
nitpick_ignore_regex = [("py:.*", ".*")]

PAGE = re.compile(r"docs/(\w+)\.rst|(README|CHANGES|CONTRIBUTING)\.rst")
#: Files outside this folder, and the page that includes each. The README has no page: the index serves as one.
INCLUDED = {"README": "index", "CHANGES": "changes", "CONTRIBUTING": "contributing"}


def link_pages(app: Sphinx, tree: nodes.document) -> None:
    """Turn the name of a page in the source, which reads well as plain text, into a link to it with the page's title."""
    for literal in list(tree.findall(nodes.literal)):
        name = PAGE.fullmatch(literal.astext())
        if name and not isinstance(literal.parent, nodes.reference):
            target = name[1] or INCLUDED[name[2]]
            link = pending_xref("", refdomain="std", reftype="doc", reftarget=f"/{target}", refexplicit=False, refwarn=True)
            link["refdoc"] = app.env.docname
            link += nodes.inline("", target)
            literal.replace_self(link)


def show_file_names(app: Sphinx, tree: nodes.document) -> None:
    """Show the name of a block above it when it is the name of a file."""
    for block in list(tree.findall(nodes.literal_block)):
        name = next((name for name in block["names"] if "." in name), None)
        if name:
            wrapper = nodes.container("", literal_block=True, classes=["literal-block-wrapper"])
            block.replace_self(wrapper)
            wrapper += [nodes.caption(name, name), block]


def setup(app: Sphinx) -> None:
    """Register the steps that follow the reading of a page."""
    app.connect("doctree-read", link_pages)
    app.connect("doctree-read", show_file_names)
