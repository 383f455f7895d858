"""Normal forms of time and trouble: latency, rates, pace, faults, errors and load."""

from __future__ import annotations

from typing import Any

from ..http.catalog import CODES
from .messages import Path, suggest
from .tree import BAD, Node
from .validate import Checker, child, is_bad


def latency(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """A kind with one or two numbers."""
    if not isinstance(value, dict):
        return {"kind": "fixed", "a": value, "b": 0.0}
    return distribution(check, value, node, path)


def distribution(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """A kind with two numbers; a plain number as it is."""
    if not isinstance(value, dict):
        return value
    if len(value) != 1:
        return BAD
    (kind, pair), *_ = value.items()
    if is_bad(pair) or is_bad(*pair):
        return BAD
    at = child(node, kind)
    if kind == "uniform" and pair[0] > pair[1]:
        return check.problem(at, (path, kind), f"the first number is the smaller one, got {pair[0]:g} and {pair[1]:g}")
    if kind == "lognormal" and pair[0] == 0:
        return check.problem(at, (path, kind), "the median of 'lognormal' is above 0")
    return {"kind": kind, "a": pair[0], "b": pair[1]}


def rate(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """A number, or a kind with two numbers, of which the first is above 0."""
    normal = distribution(check, value, node, path)
    if isinstance(normal, dict) and normal["a"] == 0:
        return check.problem(node, path, "the first number of a rate's distribution is above 0")
    return normal


def load(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """The keys that are present, with the status of a refusal."""
    if value is BAD:
        return value
    if "max_active" not in value and "latency_per_active" not in value:
        return check.problem(node, path, "'load' needs 'max_active', 'latency_per_active' or both")
    if "status" in value and "max_active" not in value:
        return check.problem(child(node, "status"), (path, "status"), "'status' needs 'max_active', the limit of active requests")
    if value.get("status", 503) not in (429, 503, BAD):
        return check.problem(child(node, "status"), (path, "status"), f"expected 429 or 503, got {value['status']}")
    return {"status": 503, **value}


def pace(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """The keys that are present."""
    if not value:
        return check.problem(node, path, "an empty pace has no effect; leave it out for as fast as possible")
    return {**value, "chunks": tuple(value["chunks"])} if value.get("chunks", BAD) is not BAD else value


def fault(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """Kind and position, and the error that is sent."""
    if isinstance(value, str):
        return {"kind": value, "after": 0}
    if "error" in value and value["kind"] not in ("error_event", BAD):
        return check.problem(child(node, "error"), (path, "error"), "only the fault 'error_event' sends an error")
    return {"after": 0, **value}


_ERROR_KEYS = ("status", "type", "code", "message", "param", "retry_after")


RETRY_AFTER_ZERO = "the SDK ignores 'retry_after: 0' and waits its own time; for a fast retry write 0.01"


def error(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """The six members of an error, None where absent; a number is the status, a text the code.

    ``more`` has the members that replace the API's own or are added to them: other keys, null, empty texts, numeric codes.
    """
    blank: dict[str, Any] = dict.fromkeys(_ERROR_KEYS)
    if isinstance(value, str):
        if value not in CODES:
            return check.problem(
                node,
                path,
                f"'{value}' is not an error code of the API{suggest(value, CODES)} "
                "(write another error as a mapping with 'status', 'code' and 'message')",
            )
        return {**blank, "code": value}
    if isinstance(value, dict) and value.get("retry_after") == 0:
        check.warn(child(node, "retry_after"), (path, "retry_after"), RETRY_AFTER_ZERO)
    if not isinstance(value, dict):
        return {**blank, "status": value}
    if not value:
        return check.problem(node, path, "an empty error has no effect; write at least a status number")
    usual = {key: item for key, item in value.items() if key in _ERROR_KEYS and item not in (None, "")}
    more = {key: item for key, item in value.items() if key not in ("status", "retry_after") and key not in usual}
    if isinstance(usual.get("code"), (int, float)):
        more["code"] = usual.pop("code")
    return {**blank, **usual, **({"more": more} if more else {})}


def fail(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """The number of failures and their error."""
    return {"times": 1, **value}


def hold(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """Name and position."""
    return {"name": value, "after": 0} if isinstance(value, str) else {"after": 0, **value}
