"""Commands that print and end: the schema for editors, a starter file, and which rule answers a request."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from importlib.resources import files
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from ..errors import APIError, ConfigError, Problem

if TYPE_CHECKING:
    from ..config.load import Config

Say = Callable[[str], None]


def schema(say: Say = print) -> int:
    """Print the JSON Schema of a configuration."""
    from ..config.schema import json_schema

    say(json.dumps(json_schema(), indent=2))
    return 0


def init(target: str | None, say: Say = print) -> int:
    """Print a commented starter file, or write it where there is none yet."""
    text = (files(__package__) / "starter.yaml").read_text("utf-8")
    if target is None:
        say(text.rstrip("\n"))
        return 0
    try:
        with Path(target).open("x", encoding="utf-8") as file:
            file.write(text)
    except FileExistsError:
        raise ConfigError([Problem("", "", f"{target} is there already, and stays as it is; name another file")]) from None
    except OSError as error:
        raise ConfigError([Problem("", "", f"cannot write {target}: {error.strerror}")]) from None
    say(f"{target} is written; serve it with: openaimock {target}")
    return 0


def explained(config: Config, request: str, stdin: IO[str] | None, say: Say = print) -> int:
    """Print which rule answers a request, and why each other one does not; 1 when none does.

    The request is a file or ``-``: the JSON of a body, or ``{"path", "method", "headers", "body"}``.
    """
    # Imported by the one command that needs a mock.
    from ..app import App
    from ..app.explain import explain
    from ..config.load import secrets
    from ..text import redaction

    given = _request(request, stdin)
    app = App(config)
    try:
        told = explain(app, given, app.namespaces["default"])
    except APIError as error:
        said = [f"The request is refused before any rule is asked: {error.status} {error.message}"]
        told = {"matched": False}
    else:
        said = list(_lines(told, config))
    for line in said:
        say(redaction.text(line, secrets(app.config)))
    return 0 if told["matched"] else 1


def _request(name: str, stdin: IO[str] | None) -> Any:
    if name == "-" and stdin is None:
        raise ConfigError([Problem("<stdin>", "", "there is no standard input to read")])
    try:
        text = stdin.read() if name == "-" and stdin else Path(name).read_text("utf-8-sig")
    except OSError as error:
        raise ConfigError([Problem("", "", f"cannot read the request {name}: {error.strerror}")]) from None
    except UnicodeDecodeError:
        raise ConfigError([Problem("", "", f"the request {name} is not UTF-8 text")]) from None
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        place = f"{'<stdin>' if name == '-' else name}:{error.lineno}:{error.colno}"
        raise ConfigError([Problem(place, "", f"the request is not JSON: {error.msg}")]) from None
    except RecursionError:
        raise ConfigError([Problem("", "", f"the request {name} is nested too deeply")]) from None


def _lines(told: Mapping[str, Any], config: Config) -> Iterator[str]:
    """A report of every rule, as text."""
    for finding in told["lint"]:
        yield f"lint: {finding['check']}: {finding['message']}"
    if not told["matched"]:
        what = "is refused" if config.unmatched == "error" else "gets what 'unmatched' says"
        yield f"No rule answers; the request ({told['endpoint']}) {what}."
    for verdict in told["verdicts"]:
        name = f"{verdict['rule']} ({verdict['place']})" if verdict["place"] else verdict["rule"]
        if verdict["answers"]:
            yield f"{name} answers, with score {verdict['score']:g}."
            continue
        where, reason = verdict.get("where", ""), verdict["reason"]
        yield f"  {name}: {reason if not where or reason.startswith(where) else f'{where}: {reason}'}"
        if verdict.get("hint"):
            yield f"    {verdict['hint']}"
