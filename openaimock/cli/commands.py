"""Commands that print a result: the schema for editors, a starter file, and the explanation of a request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..errors import APIError, ConfigError, Problem

if TYPE_CHECKING:
    from ..config.load import Config

Print = Callable[[str], None]
#: How many rules ``explain`` shows without ``--all``.
NEAREST = 20


def schema(write_line: Print = print) -> int:
    """Print the JSON Schema of a configuration."""
    from ..config.schema import json_schema

    write_line(json.dumps(json_schema(), indent=2))
    return 0


def init(target: str | None, write_line: Print = print) -> int:
    """Print a commented starter file, or write it to a new file."""
    text = (files(__package__) / "starter.yaml").read_text("utf-8")
    if target is None:
        write_line(text.rstrip("\n"))
        return 0
    try:
        with Path(target).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError([Problem("", "", f"{target} already exists and is not changed; name another file")]) from None
    except OSError as error:
        raise ConfigError([Problem("", "", f"cannot write {target}: {error.strerror}")]) from None
    write_line(f"{target} is written; serve it with: openaimock {target}")
    return 0


def explain_request(config: Config, request: str, stdin: IO[str] | None, *, all: bool = False, write_line: Print = print) -> int:
    """Print which rule answers a request, and why the nearest others (``all``: every other) do not; return 1 when none answers.

    The request is a file or ``-``: the JSON of a body, or ``{"path", "method", "headers", "body"}``.
    """
    # Imported here because no other command needs a mock.
    from dataclasses import replace

    from ..app import App
    from ..app.explain import explain
    from ..config.load import secrets
    from ..text import redaction

    body = _request(request, stdin)
    # An explanation counts nothing and needs no shared state.
    app = App(replace(config, store="memory"))
    try:
        report = explain(app, body, app.namespaces["default"])
    except APIError as error:
        lines = [f"The request is refused before matching: {error.status} {error.message}"]
        report = {"matched": False}
    else:
        lines = list(_lines(report, config, len(report["verdicts"]) if all else NEAREST))
    for line in lines:
        write_line(redaction.text(line, secrets(app.config)))
    return 0 if report["matched"] else 1


def _request(name: str, stdin: IO[str] | None) -> Any:
    if name == "-" and stdin is None:
        raise ConfigError([Problem("<stdin>", "", "there is no standard input to read")])
    try:
        text = stdin.read() if name == "-" and stdin else Path(name).read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError([Problem("", "", f"cannot read the request {name}: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise ConfigError([Problem("", "", f"the request {name} is not UTF-8 text")]) from None
    source = "<stdin>" if name == "-" else name
    try:
        request = json.loads(text)
    except json.JSONDecodeError as error:
        place = f"{source}:{error.lineno}:{error.colno}"
        raise ConfigError([Problem(place, "", f"the request is not JSON: {error.msg}")]) from None
    except RecursionError:
        raise ConfigError([Problem("", "", f"the request {name} is nested too deeply")]) from None
    if not isinstance(request, dict):
        message = 'expected the body of a request, a JSON object, or {"path": ..., "body": ...}'
        raise ConfigError([Problem(source, "", message)])
    return request


def _lines(report: Mapping[str, Any], config: Config, count: int) -> Iterator[str]:
    """The lines of a report on the first ``count`` rules, and on the one that answers."""
    for finding in report["lint"]:
        yield f"lint: {finding['check']}: {finding['message']}"
    if not report["matched"]:
        outcome = "is refused" if config.unmatched == "error" else "gets the answer of 'unmatched'"
        yield f"No rule answers; the request ({report['endpoint']}) {outcome}."
    for verdict in report["verdicts"][:count]:
        name = f"{verdict['rule']} ({verdict['place']})" if verdict["place"] else verdict["rule"]
        if verdict["answers"]:
            yield f"{name} answers, with score {verdict['score']:g}."
            continue
        where, reason = verdict.get("where", ""), verdict["reason"]
        yield f"  {name}: {reason if not where or reason.startswith(where) else f'{where}: {reason}'}"
        if verdict.get("hint"):
            yield f"    {verdict['hint']}"
    if len(report["verdicts"]) > count:
        yield f"({len(report['verdicts']) - count} more rules; --all shows every rule)"
