"""The inspector: one HTML file, with a policy that allows requests to its own server and nothing else."""

from __future__ import annotations

import re
from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files


@cache
def html() -> bytes:
    """The page as UTF-8."""
    return files(__package__).joinpath("inspector.html").read_bytes()


@cache
def policy() -> str:
    """The page's Content-Security-Policy: its style and script by their hashes, requests to its own server, nothing else."""
    sources = {
        tag: " ".join(
            _hash(content) for content in re.findall(rb"<%s>(.*?)</%s>" % (tag.encode(), tag.encode()), html(), re.DOTALL)
        )
        for tag in ("script", "style")
    }
    return (
        f"default-src 'none'; script-src {sources['script']}; style-src {sources['style']}; connect-src 'self'; img-src data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def _hash(text: bytes) -> str:
    return f"'sha256-{b64encode(sha256(text).digest()).decode()}'"
