"""Normal forms: convert checked values of the named shapes to the one form that the rest of the program reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from ..http.json import dump
from ..replies import templates
from ..text import regex
from . import keys
from .messages import Path, describe, snake
from .timing import distribution, error, fail, fault, hold, latency, pace, rate
from .tree import BAD, Node
from .validate import Checker, Normalizer, child, is_bad

_TUNING = ("threshold", "case_sensitive", "invert", "unsafe")
_KINDS = ("exact", "contains", "regex", "fuzzy", "any")


_UNITS = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}


def size(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """A number of bytes, from a number or a text such as ``64MB``."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d{1,9})\s*([KMG]?)(i?B)?\s*", value, re.IGNORECASE)
    if match is None:
        return check.problem(node, path, f"expected a number of bytes, or a size such as 64MB, got {describe(node)}")
    return int(match[1]) * _UNITS[match[2].upper()]


# Matchers


def expectation(check: Checker, node: Node, path: Path, kind: str, value: str, tuning: Mapping[str, Any]) -> dict[str, Any]:
    """A matcher's normal form; a regex must compile, and templates may use its groups."""
    normal = {
        "kind": kind,
        "value": value,
        "threshold": tuning.get("threshold", 0.8),
        "case_sensitive": tuning.get("case_sensitive"),
        "invert": tuning.get("invert", False),
    }
    if kind == "regex":
        unsafe = tuning.get("unsafe") is True
        groups = compiled(check, node, path, value, normal["case_sensitive"] is True, unsafe)
        if unsafe:
            normal["unsafe"] = True
        if not normal["invert"]:
            check.groups |= groups
    return normal


def compiled(check: Checker, node: Node, path: Path, pattern: str, case_sensitive: bool, unsafe: bool = False) -> set[str]:
    """The names and numbers of a regex's groups; an invalid regex is a problem."""
    flags = 0 if case_sensitive else re.IGNORECASE
    try:
        expression = regex.compile(pattern, flags)
    except re.error as error:
        check.problem(node, path, f"this is not a regular expression: {error.msg}{_position(error)}")
    except regex.ERRORS as error:
        check.problem(node, path, f"this is not a regular expression: {error}")
    else:
        slow = None if unsafe else regex.slow_part(pattern, flags)
        if slow is not None:
            check.problem(
                node,
                path,
                f"this regular expression may take exponential time because of {slow}; rewrite it, "
                "or add 'unsafe: true' to search in a helper process for at most a second",
            )
        return {str(number) for number in range(expression.groups + 1)} | set(expression.groupindex)
    return set()


def _position(error: re.error) -> str:
    return "" if error.pos is None else f" at position {error.pos}"


def matcher(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """``exact`` text, or ``{contains: ..., invert: ...}``."""
    if isinstance(value, str):
        return expectation(check, node, path, "exact", value, {})
    kinds = [name for name in _KINDS if name in value]
    if len(kinds) != 1:
        return BAD
    kind = kinds[0]
    pattern = value[kind]
    if is_bad(pattern, *(value.get(name) for name in _TUNING)):
        return BAD
    if "threshold" in value and kind != "fuzzy":
        check.warn(node, path, f"'threshold' has no effect on '{kind}'; only 'fuzzy' has one", key="threshold")
    if kind == "any" and pattern is not True:
        return check.problem(child(node, kind), (path, kind), "'any' is true or left out")
    return expectation(check, child(node, kind), (path, kind), kind, "" if kind == "any" else pattern, value)


def model(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """A plain text with ``*``, ``?`` or ``[`` is a glob pattern."""
    normal = matcher(check, value, node, path)
    if isinstance(value, str) and normal is not BAD and re.search(r"[*?[]", value):
        normal["kind"] = "glob"
    return normal


def body_value(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """A matcher if the value has the form of one, else a value that must be equal."""
    if isinstance(value, str):
        return matcher(check, value, node, path)
    names = {snake(key) for key in value} if isinstance(value, dict) else set()
    if names & set(_KINDS) and names <= {*_KINDS, *_TUNING}:
        return check.check(keys.shape("matcher"), node, path)
    return {"kind": "equals", "value": value}


def when(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """The conditions by name; names of headers in lower case, lists as tuples."""
    for key in ("endpoint", "tools"):
        if key in value and value[key] is not BAD:
            value[key] = tuple(value[key])
    if isinstance(value.get("header"), dict):
        value["header"] = {name.lower(): made for name, made in value["header"].items()}
    return value


def expect(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """The least and the largest number of answers; None: any."""
    if not isinstance(value, dict):
        return {"min": value, "max": value}
    if not value:
        return check.problem(node, path, "an empty expectation has no effect; write a number, or 'min' or 'max'")
    least, most = value.get("min", 0), value.get("max")
    if not is_bad(least, most) and most is not None and most < least:
        return check.problem(child(node, "max"), (path, "max"), f"'max' is at least 'min' ({least}), got {most}")
    return {"min": least, "max": most}


# Replies


def tool_call(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """Name, arguments as text, id and kind, from the API's form or the short one."""
    forms = [name for name in ("function", "custom", "name") if name in value]
    if len(forms) != 1:
        return BAD
    form = forms[0]
    call = value if form == "name" else value[form]
    if is_bad(call):
        return BAD
    custom = form == "custom" or (form == "name" and ("input" in value or value.get("type") == "custom"))
    declared = value.get("type", "custom" if custom else "function")
    if form != "name" and any(name in value for name in ("arguments", "input")):
        return check.problem(node, path, f"'arguments' and 'input' belong under '{form}'")
    if "arguments" in call and custom:
        return check.problem(node, path, "a custom tool has 'input', a function 'arguments'")
    if declared is not BAD and declared != ("custom" if custom else "function"):
        return check.problem(child(node, "type"), (path, "type"), f"the type is '{'custom' if custom else 'function'}' here")
    arguments = call.get("input", "") if custom else call.get("arguments", "{}")
    if is_bad(arguments, call["name"], value.get("id"), declared):
        return BAD
    return {"name": call["name"], "arguments": as_text(arguments), "id": value.get("id", ""), "kind": declared}


def as_text(value: Any) -> str:
    """A text unchanged, any other value as JSON."""
    if isinstance(value, str):
        return value
    return "" if has_bad(value) else dump(value)


def has_bad(value: Any) -> bool:
    """Whether some value inside is already known to be wrong."""
    if isinstance(value, dict):
        return any(has_bad(item) for item in value.values())
    return any(has_bad(item) for item in value) if isinstance(value, (list, tuple)) else value is BAD


def block(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """A kind, and its text, call or data."""
    if len(value) != 1:
        return BAD
    (kind, content), *_ = value.items()
    return {"kind": kind, {"tool_call": "call", "item": "data"}.get(kind, "text"): content}


#: Keys whose content contradicts an error, a raw body or blocks.
_CONTENT_KEYS = ("content", "tool_calls", "refusal", "reasoning")
_HOP_BY_HOP = (
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
)


#: Headers that describe the exact bytes of a body.
_BODY_HEADERS = ("content-length", "content-encoding", "connection", "keep-alive")


def reply(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """The keys that are present; content as text."""
    if not isinstance(value, dict) or value.get("template", True) is not False:
        collect_templates(check, node, path)
    if isinstance(value, str):
        return {"content": value}
    if not value:
        return check.problem(node, path, 'an empty reply has no effect; an empty text is written ""')
    return answer(check, value, node, path)


def answer(check: Checker, value: dict[str, Any], node: Node, path: Path) -> dict[str, Any]:
    """The normal form of the keys of a reply, and the contradictions among them."""
    if len(value) == 1 and isinstance(value.get("content"), str):
        # The replies of very many rules are a text.
        return value
    weak = [name for name in _CONTENT_KEYS if name in value]
    for strong in ("error", "body", "blocks"):
        if strong in value and weak:
            advice = "put it among the blocks" if strong == "blocks" else "only one of them can be sent"
            check.problem(node, path, f"'{strong}' and '{weak[0]}' exclude each other; {advice}")
    if value.get("auto") is True:
        for name in ("content", "tool_calls", "refusal", "blocks", "error", "body"):
            if name in value:
                check.problem(node, path, f"'auto' and '{name}' exclude each other; 'auto' generates the content")
    if value.get("proxy") is True:
        for name in ("content", "tool_calls", "refusal", "blocks", "error", "body", "status", "auto"):
            if name in value:
                check.problem(node, path, f"'proxy' and '{name}' exclude each other; the upstream answers")
    if "error" in value and "body" in value:
        check.problem(node, path, "'error' and 'body' exclude each other; only one of them can be sent")
    if "headers" in value:
        headers(check, value["headers"], child(node, "headers"), (path, "headers"), raw="body" in value)
    if value.get("content") is not None and not isinstance(value["content"], str):
        value["content"] = as_text(value["content"])
    return _with_nulls(value)


#: Where the members of an answer are that a null or an empty text of a reply overrides.
_NULLS = {
    "content": "message.content",
    "finish_reason": "choices.*.finish_reason",
    **{name: name for name in ("usage", "id", "created", "model", "system_fingerprint", "service_tier")},
}


def _with_nulls(value: dict[str, Any]) -> dict[str, Any]:
    """The keys of a reply with explicit nulls and empty texts among the ``extra`` members, which override what is made."""
    nulls = {
        path: value.pop(name)
        for name, path in _NULLS.items()
        if name in value and (value[name] is None or (value[name] == "" and name != "content"))
    }
    if nulls and not is_bad(value.get("extra")):
        value["extra"] = {**nulls, **value.get("extra", {})}
    return value


def headers(check: Checker, value: Any, node: Node, path: Path, *, raw: bool = False) -> None:
    """Names and values must be valid in HTTP, and not headers that only the server may send."""
    for name, text in value.items() if isinstance(value, dict) else ():
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name):
            check.problem(node, path, f"{name!r} cannot be the name of a header", key=name)
        elif name.lower() in _BODY_HEADERS:
            if not raw:
                check.problem(node, path, f"'{name}' is possible only beside a 'body'", key=name)
        elif name.lower() in _HOP_BY_HOP:
            check.problem(node, path, f"only the server sends '{name}'", key=name)
        elif text is not BAD and not re.fullmatch(r"[\t\x20-\x7e\x80-\xff]*", text):
            check.problem(child(node, name), (path, name), "a header is one line of Latin-1 text")


def collect_templates(check: Checker, node: Node, path: Path) -> None:
    """Collect every text with ``{{`` in it; they are checked when the rule's groups are known."""
    value = node.value
    if isinstance(value, str):
        if "{{" in value:
            check.templates.append((node, path))
    elif isinstance(value, dict):
        for key, item in value.items():
            collect_templates(check, item, (path, key))
    elif isinstance(value, list):
        for at, item in enumerate(value):
            collect_templates(check, item, (path, at))


def check_templates(check: Checker) -> None:
    """Check the collected templates, and reset the collection for the next rule."""
    if not (check.templates or check.groups):
        return
    for node, path in check.templates:
        if "}}" not in node.value[node.value.rfind("{{") :]:
            check.warn(node, path, "a '{{' is not closed by '}}', so it is sent as it is written")
        for message in templates.problems(node.value, check.groups):
            check.problem(node, path, message)
    check.templates = []
    check.groups = set()


def unmatched(check: Checker, value: Any, node: Node, path: Path) -> Any:
    """A word, or ``{"reply": ...}``."""
    check_templates(check)
    return value if isinstance(value, str) else {"reply": value}


#: The normalizer of each named kind; that of rules is in ``rules``.
NORMALIZERS: dict[str, Normalizer] = {
    "size": size,
    "matcher": matcher,
    "model": model,
    "body_value": body_value,
    "when": when,
    "latency": latency,
    "ttft": distribution,
    "rate": rate,
    "pace": pace,
    "fault": fault,
    "error": error,
    "fail": fail,
    "hold": hold,
    "expect": expect,
    "tool_call": tool_call,
    "block": block,
    "reply": reply,
    "unmatched": unmatched,
}
