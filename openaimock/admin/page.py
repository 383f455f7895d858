"""The inspector: its files joined into one page, with a policy that allows requests to its own server and nothing else."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

#: The scripts in the order in which they run.
SCRIPTS = (
    "base", "place", "list", "conversation", "timeline", "why", "actions", "exchange", "views", "try", "main",
)  # fmt: skip


@cache
def html() -> bytes:
    """The page as UTF-8."""
    page = _read("page.html")
    for mark, content in ((b"/* style.css */", _style()), (b"/* scripts */", _script())):
        page = page.replace(mark, content)
    return page


@cache
def policy() -> str:
    """The page's Content-Security-Policy: its style and script by their hashes, requests to its own server, nothing else."""
    return (
        f"default-src 'none'; script-src {_hash(_script())}; style-src {_hash(_style())}; connect-src 'self'; img-src data:; "
        "media-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


@cache
def _style() -> bytes:
    return _read("style.css")


@cache
def _script() -> bytes:
    return b"".join(_read(f"{name}.js") for name in SCRIPTS)


def _read(name: str) -> bytes:
    # A browser hashes a script with line ends as the HTML parser gives them.
    return files(__package__).joinpath("inspector").joinpath(name).read_bytes().replace(b"\r\n", b"\n")


def _hash(text: bytes) -> str:
    return f"'sha256-{b64encode(sha256(text).digest()).decode()}'"
