"""Files of mock servers named mock-llm: rules with JMESPath, routes with a body to match, and prompts with their answers."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from ..config.write import literal
from ..recording.exchange import parsed
from .outcomes import Omission, Outcome, Ready, api_path

JSON = Any
Words = dict[str, Any]

_LAST = r"(?:request\.)?(?:body\.)?messages\[-1\]\.content"
_TEXT = r"(?:'(?P<single>[^']*)'|\"(?P<double>[^\"]*)\"|`\"?(?P<back>[^`\"]*)\"?`)"
_CONTAINS = re.compile(rf"contains\(\s*{_LAST}\s*,\s*{_TEXT}\s*\)")
_EQUALS = re.compile(rf"{_LAST}\s*==\s*{_TEXT}")
_MODEL = re.compile(rf"(?:request\.)?(?:body\.)?model\s*==\s*{_TEXT}")
_HOLE = re.compile(r"\{\{\{?\s*(.*?)\s*\}?\}\}")
_ENDPOINTS = {
    "/v1/chat/completions": "chat",
    "/v1/responses": "responses",
    "/v1/completions": "completions",
    "/v1/embeddings": "embeddings",
    "/v1/moderations": "moderations",
}


class _NoWords(ValueError):
    """A rule that has no words here, and why."""


def recognised(document: JSON) -> bool:
    """Whether a document is such a file."""
    if not isinstance(document, Mapping):
        return False
    listed = document.get("rules", document.get("routes"))
    if isinstance(listed, list) and all(isinstance(each, Mapping) and "response" in each for each in listed):
        return bool(listed)
    prompts = document.get("responses")
    return isinstance(prompts, Mapping) and bool(prompts) and all(isinstance(text, str) for text in prompts.values())


def read(document: Mapping[str, JSON], name: str) -> Iterator[Outcome]:
    """The rules; where the last that fits answers, the last comes first."""
    if isinstance(document.get("responses"), Mapping):
        yield from _prompts(document, name)
        return
    listed = list(enumerate(document.get("rules", document.get("routes")), 1))
    convert = _rule if "rules" in document else _route
    for number, rule in reversed(listed) if "rules" in document else listed:
        place = f"{name}: rule {number}"
        try:
            yield Ready(convert(rule), place, first=True)
        except _NoWords as reason:
            yield Omission(place, str(reason))


def _prompts(document: Mapping[str, JSON], name: str) -> Iterator[Outcome]:
    for prompt, answer in document["responses"].items():
        user = {"exact": str(prompt), "case_sensitive": False}
        yield Ready({"when": {"user": user}, "reply": literal({"content": answer})}, f"{name}: {prompt}", first=True)
    unknown = (document.get("defaults") or {}).get("unknown_response")
    if isinstance(unknown, str):
        yield Ready({"when": {}, "reply": literal({"content": unknown})}, f"{name}: unknown_response", first=True)


def _endpoint(path: JSON) -> str:
    endpoint = _ENDPOINTS.get(api_path(str(path)))
    if endpoint is None:
        raise _NoWords(f"the path {path} is answered by the mock itself, or not at all")
    return endpoint


# Rules with JMESPath


def _rule(rule: Mapping[str, JSON]) -> Words:
    condition: Words = {"endpoint": _endpoint(rule.get("path", "/v1/chat/completions"))}
    expression = str(rule.get("match", "@")).strip()
    for part in expression.split("&&"):
        condition |= _condition(part.strip())
    response = rule["response"]
    status = response.get("status", 200)
    content = response.get("content", response.get("body"))
    value = parsed(_filled(content)) if isinstance(content, str) else content
    return {"when": condition, "reply": _reply(status, value, content)}


def _condition(part: str) -> Words:
    if part in ("@", "true", "`true`", ""):
        return {}
    for pattern, key in ((_CONTAINS, "contains"), (_EQUALS, "exact"), (_MODEL, "model")):
        match = pattern.fullmatch(part)
        if match is not None:
            text = next(text for text in match.groups() if text is not None)
            if key == "model":
                return {"model": {"exact": text}}
            return {"user": {key: text, "case_sensitive": True}}
    raise _NoWords(f"the expression {part!r} has no match here; write a 'when' for it")


def _filled(content: str) -> str:
    """The content with the holes that are filled here, in the words used here."""

    def hole(match: re.Match[str]) -> str:
        name = re.sub(r"^jmes\s+request\s+", "", match[1])
        if name == "timestamp":
            return "0"
        if re.fullmatch(_LAST, name):
            return "{{ user }}"
        if re.fullmatch(r"body\.[A-Za-z_][\w.]*", name):
            return "{{ model }}" if name == "body.model" else f"{{{{ {name} }}}}"
        raise _NoWords(f"the template {match[0]} has no word here")

    return _HOLE.sub(hole, content)


def _reply(status: JSON, value: JSON, content: JSON) -> Words:
    if isinstance(value, Mapping) and isinstance(value.get("error"), Mapping) and isinstance(status, int) and status >= 400:
        return {"error": {"status": status, **{name: item for name, item in value["error"].items() if item is not None}}}
    choices = value.get("choices") if isinstance(value, Mapping) else None
    choice = choices[0] if isinstance(choices, list) and len(choices) == 1 and isinstance(choices[0], Mapping) else {}
    message = choice.get("message")
    if status != 200 or not isinstance(message, Mapping):
        body = value if value is not None else content
        if body is None:
            raise _NoWords("there is no content")
        return {"status": status, "body": body}
    words = {name: message[name] for name in ("content", "refusal", "tool_calls") if message.get(name) is not None}
    if not words:
        raise _NoWords("the answer says nothing")
    reason = choice.get("finish_reason")
    if reason not in (None, "stop", "tool_calls"):
        words["finish_reason"] = reason
    return {**words, "usage": value["usage"]} if isinstance(value, Mapping) and isinstance(value.get("usage"), Mapping) else words


# Routes


def _route(route: Mapping[str, JSON]) -> Words:
    condition: Words = {"endpoint": _endpoint(route.get("path", "/v1/chat/completions"))}
    match = route.get("match")
    body = match.get("body") if isinstance(match, Mapping) else None
    for name, value in (body or {}).items():
        if name == "messages" and isinstance(value, list):
            texts = [
                message.get("content") for message in value if isinstance(message, Mapping) and message.get("role") == "user"
            ]
            if texts and isinstance(texts[-1], str):
                condition["user"] = {"contains": texts[-1], "case_sensitive": True}
        elif name == "model":
            condition["model"] = {"exact": str(value)}
        else:
            condition.setdefault("body", {})[name] = value
    response = route["response"]
    if not isinstance(response, Mapping):
        raise _NoWords("there is no response")
    reply = _reply(response.get("status", 200) if isinstance(response.get("status"), int) else 200, response, None)
    return {"when": condition, "reply": literal(reply)}
