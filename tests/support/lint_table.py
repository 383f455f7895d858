"""The table of docs/lint.rst, written from the checks themselves: ``python -m tests.support.lint_table`` writes it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import httpx

from openaimock import create_app
from openaimock.lint import CHECKS

DOCS = Path(__file__).parents[2] / "docs" / "lint.rst"
BEGIN = ".. The rows below are written by tests.support.lint_table.\n"
QUIET = logging.getLogger("openaimock.quiet")
QUIET.propagate = False
QUIET.addHandler(logging.NullHandler())
#: The usual members, which examples leave out.
USUAL: dict[str, tuple[str, dict[str, Any]]] = {
    "chat": ("/chat/completions", {"model": "gpt-4o", "messages": [{"role": "user", "content": "Hello"}]}),
    "responses": ("/responses", {"model": "gpt-4o", "input": "Hello"}),
    "completions": ("/completions", {"model": "gpt-3.5-turbo-instruct", "prompt": "Hello"}),
    "embeddings": ("/embeddings", {"model": "text-embedding-3-small", "input": "Hello"}),
    **{
        name: (f"/{name.replace('.', '/')}", {"model": "gpt-image-1.5", "prompt": "A cat", **more})
        for name, more in (
            ("images.generations", {}),
            ("images.edits", {"images": [{"image_url": "https://example.com/cat.png"}]}),
        )
    },
    "moderations": ("/moderations", {"model": "omni-moderation-latest", "input": "Hello"}),
}


def whole(endpoint: str, example: Mapping[str, Any]) -> dict[str, Any]:
    """An example with what it leaves out."""
    return {**USUAL[endpoint][1], **example}


def send(http: httpx.Client, endpoint: str, example: Mapping[str, Any]) -> httpx.Response:
    """Send an example to an application."""
    return http.post("/v1" + USUAL[endpoint][0], json=whole(endpoint, example))


def client(lint: str, log: logging.Logger = QUIET, **config: Any) -> httpx.Client:
    """A client for an application of its own, without a socket."""
    app = create_app({"unmatched": "echo", "lint": lint, **config}, log)
    return httpx.Client(transport=httpx.WSGITransport(app=app), base_url="http://mock", trust_env=False)


def rows() -> Iterator[str]:
    """The rows of the table, as reStructuredText."""
    with client("error") as http:
        for check in CHECKS:
            error = send(http, check.endpoints[0], check.refused).json()["error"]
            request = json.dumps(check.refused, ensure_ascii=False)
            message = f"``{error['message']}``"
            for name in ("param", "code"):
                if error[name]:
                    message += f" ({name} ``{error[name]}``)"
            level = "lint" if check.find or "unknown" in check.name else "always"
            yield (
                f"   * - ``{check.name}``\n     - {', '.join(check.endpoints)}\n     - {check.doc}\n"
                f"     - ``{request}``\n     - {message}\n     - {level}\n"
            )


def text() -> str:
    """The docs page as it should be."""
    head, begin, _ = DOCS.read_text(encoding="utf-8").partition(BEGIN)
    table = ".. list-table::\n   :header-rows: 1\n   :widths: 14 8 20 24 28 6\n\n"
    header = "".join(
        f"   {'*' if at == 0 else ' '} - {title}\n"
        for at, title in enumerate(("Check", "Where", "What", "For example", "Error", "When"))
    )
    return f"{head}{begin}\n{table}{header}{''.join(rows())}"


if __name__ == "__main__":
    DOCS.write_text(text(), encoding="utf-8")
