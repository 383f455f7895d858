"""Rules: convert the forms that users write to the one form that the rest of the program reads."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from typing import Any, NamedTuple

from . import keys
from .media import NORMALIZERS as MEDIA
from .messages import Path, render, snake
from .normalize import NORMALIZERS, answer, check_templates, collect_templates, expectation
from .recorded import response
from .tree import BAD, Node, RuleReader
from .validate import Checked, Checker, Normalizer, child, is_bad

_CONDITIONS = ("messages", "when", "matcher")
_ANSWERS = ("reply", "replies", "response")
_TIMING = tuple(field.name for field in keys.TIMING)
#: The keys that only an assistant message has, because it is an answer.
_REPLY_KEYS = frozenset(field.name for field in keys.ANSWER)
#: The kinds of parts by the names the Responses API gives them.
_PARTS = {"input_text": "text", "output_text": "text", "input_image": "image_url", "input_file": "file"}


class Entry(NamedTuple):
    """One rule in its normal form, and its place."""

    rule: dict[str, Any]
    node: Node
    path: Path


def rule(check: Checker, value: Any, node: Node, path: Path) -> Entry:
    """One entry of ``responses``."""
    conditions = [name for name in value if name in _CONDITIONS]
    answers = [name for name in value if name in _ANSWERS]
    _answered(check, conditions, answers, node, path)
    messages = value.get("messages")
    source, at, defaults = child(node, "messages"), (path, "messages"), {}
    if conditions == ["matcher"] and value["matcher"] is not BAD:
        defaults = value["matcher"]
        messages = defaults["messages"]
        source, at = child(child(node, "matcher"), "messages"), ((path, "matcher"), "messages")
    flow = None
    if isinstance(messages, list) and len(conditions) == 1:
        flow = conversation(check, messages, source, at, defaults, answered=bool(answers))
    replies = _replies(value, answers)
    timing = {name: value[name] for name in _TIMING if name in value}
    if timing:
        for reply in _all_replies(replies, flow):
            for name in timing.keys() - reply.keys():
                reply[name] = timing[name]
    check_templates(check)
    key = path[1] if path and isinstance(path[1], str) else None
    own_id = value.get("id")
    if key is not None and own_id not in (None, BAD, key):
        check.problem(child(node, "id"), (path, "id"), f"this rule already has the id '{key}' (its key); leave 'id' out")
    place = node.place or render(path)
    if check.empties_rules:
        # Only the place of the id is still needed.
        own, node.value, node.keys = node.value.get("id"), {}, None
        node, path = (node, path) if own is None else (own, (path, "id"))
    return Entry(
        {
            "id": key or own_id,
            "messages": flow,
            "when": value.get("when"),
            "replies": replies,
            "then": value.get("then", "last"),
            "times": value.get("times"),
            "expect": value.get("expect"),
            "priority": value.get("priority", 0),
            "turns": value.get("turns"),
            "place": place,
        },
        node,
        path,
    )


def _answered(check: Checker, conditions: list[str], answers: list[str], node: Node, path: Path) -> None:
    """A rule has one answer, unless its conversation has assistant messages."""
    if len(answers) > 1:
        message = f"'{answers[0]}' and '{answers[1]}' exclude each other; a rule has one answer"
        check.problem(node, path, message, key=_spelled(node, answers[1]))
    if conditions == ["when"] and not answers:
        check.problem(node, path, "a rule with 'when' needs a 'reply' (or 'replies')")


def _spelled(node: Node, name: str) -> str:
    return next((key for key in node.value if snake(key) == name), name)


def _all_replies(replies: list[dict[str, Any]], flow: list[dict[str, Any]] | None) -> list[dict[str, Any]]:
    """The replies of a rule and those of the assistant messages of its conversation."""
    return [*replies, *[message["reply"] for message in flow or () if message["reply"] is not None]]


def _replies(value: Mapping[str, Any], answers: list[str]) -> list[dict[str, Any]]:
    if len(answers) != 1 or value[answers[0]] is BAD:
        return []
    answer_value = value[answers[0]]
    return [reply for reply in (answer_value if answers[0] == "replies" else [answer_value]) if reply is not BAD]


# Conversations


def conversation(
    check: Checker, messages: list[Any], node: Node, path: Path, defaults: Mapping[str, Any], *, answered: bool
) -> list[dict[str, Any]]:
    """The messages of a flow; ``answered`` when the rule has a reply of its own."""
    flow = []
    for at, (value, item) in enumerate(zip(messages, node.value, strict=True)):
        if value is BAD or value["role"] is BAD:
            return []
        flow.append((assistant if value["role"] == "assistant" else expected)(check, value, item, (path, at), defaults))
    roles = [message["role"] for message in flow]
    if roles.count("assistant") == len(roles):
        check.problem(node, path, "there is no message to match but the assistant's own; add the user's")
    if not answered:
        if "assistant" not in roles:
            check.problem(node, path, "nothing answers: add an assistant message, or a 'reply' beside 'messages'")
        for at, message in enumerate(flow):
            if message["reply"] == {}:
                check.problem(
                    node.value[at], (path, at), "this assistant message says nothing; give it 'content' or 'tool_calls'"
                )
    return flow


def assistant(check: Checker, value: dict[str, Any], node: Node, path: Path, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """An answer: every key but the role belongs to the reply. The message matches any assistant message of a request."""
    for key, item in node.value.items():
        if snake(key) in _REPLY_KEYS or key == "content":
            collect_templates(check, item, (path, key))
    if "function_call" in value:
        check.problem(
            node, path, "'function_call' is the API's old form; write 'tool_calls'", key=_spelled(node, "function_call")
        )
    reply = {name: item for name, item in value.items() if name in _REPLY_KEYS or (name == "content" and item is not None)}
    if isinstance(reply.get("content"), list):
        texts = _only_texts(reply["content"])
        reply["content"] = reply["content"] if texts is None else "\n".join(texts)
    return {"role": "assistant", "match": None, "parts": [], "tool_call_id": None, "reply": answer(check, reply, node, path)}


def _only_texts(parts: list[Any]) -> list[str] | None:
    """The texts of a list of text parts in the API's form; None for any other list."""
    texts = [part.get("text") for part in parts if isinstance(part, dict) and part.get("type") == "text" and len(part) == 2]
    strings = [text for text in texts if isinstance(text, str)]
    return strings if strings and len(strings) == len(parts) else None


def expected(check: Checker, value: dict[str, Any], node: Node, path: Path, defaults: Mapping[str, Any]) -> dict[str, Any]:
    """A message to match, of any other role."""
    role = value["role"]
    for key in node.value:
        if snake(key) in _REPLY_KEYS:
            check.problem(node, path, f"only an assistant message has '{key}', not a {role} message", key=key)
    if "tool_call_id" in value and role != "tool":
        check.problem(
            node, path, f"only a tool message has a 'tool_call_id', not a {role} message", key=_spelled(node, "tool_call_id")
        )
    text, parts = _content(check, value.get("content"), child(node, "content"), (path, "content"))
    parts += [_PARTS.get(kind, kind) for kind in _listed(value.get("parts")) if kind is not BAD]
    return {
        "role": role,
        "match": _match(check, value, text, bool(parts), node, path, defaults),
        "parts": list(dict.fromkeys(parts)),
        "tool_call_id": value.get("tool_call_id"),
        "reply": None,
    }


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _match(
    check: Checker, value: Mapping[str, Any], text: Any, parts: bool, node: Node, path: Path, defaults: Mapping[str, Any]
) -> Any:
    """The matcher of one message; None for a tool message that is identified by its call alone."""
    kind = value.get("matcher", defaults.get("type", "exact"))
    tuning = {**defaults, **value}
    if "threshold" in value and isinstance(kind, str) and kind != "fuzzy":
        threshold = _spelled(node, "threshold")
        check.warn(node, path, f"'threshold' has no effect on '{kind}'; only 'fuzzy' has one", key=threshold)
    if is_bad(text, kind, tuning.get("threshold"), tuning.get("case_sensitive"), tuning.get("invert")):
        return None
    if kind == "any" or (text is None and parts and "matcher" not in value):
        return expectation(check, node, path, "any", "", tuning)
    if text is None:
        if value.get("tool_call_id") is not None and "matcher" not in value:
            return None
        needs = "'content' or 'tool_call_id'" if value["role"] == "tool" else "'content'"
        message = f"matcher '{kind}' needs a 'content' to compare" if "matcher" in value else f"{needs} is missing"
        return check.problem(node, path, f"{message}; for any text write 'matcher: any'")
    if kind == "fuzzy" and not text.strip():
        return check.problem(node, path, "no text is similar to an empty one; for any text write 'matcher: any'")
    return expectation(check, child(node, "content"), (path, "content"), kind, text, tuning)


def _content(check: Checker, content: Any, node: Node, path: Path) -> tuple[Any, list[str]]:
    """The text to match and the kinds of parts, from text or from the API's list of parts."""
    if isinstance(content, dict):
        message = "expected text or a list of parts, got a mapping; to choose a matcher, write 'matcher: contains' beside a text"
        return check.problem(node, path, message), []
    if not isinstance(content, list):
        return content, []
    texts: list[str] = []
    kinds: list[str] = []
    for at, part in enumerate(content):
        kind = part.get("type") if isinstance(part, dict) else "text"
        text = part.get("text") if isinstance(part, dict) else part
        kind = _PARTS.get(kind, kind) if isinstance(kind, str) else None
        if kind is None or (kind == "text" and not isinstance(text, str)):
            return check.problem(node.value[at], (path, at), "a part is a text, or has a 'type' (and, for text, its 'text')"), []
        kinds.append(kind)
        if kind == "text" and isinstance(text, str):
            texts.append(text)
    return "\n".join(texts), kinds


# All rules together


def number(
    check: Checker, entries: Iterable[Entry], defaults: Mapping[str, Any], *, taken_ids: Collection[str] = (), first: int = 1
) -> list[dict[str, Any]]:
    """The rules with unique ids (also not in ``taken_ids``) and with the file's defaults."""
    rules = list(entries)
    timing = {key: defaults[key] for key in ("latency", "pace") if defaults.get(key) is not None}
    places: dict[str, str] = dict.fromkeys(taken_ids, "")
    for entry in rules:
        name = entry.rule["id"]
        if name is None or name is BAD:
            continue
        if name in places:
            where = f"at {places[name]}" if places[name] else "by an existing rule"
            id_node = child(entry.node, "id")
            at = entry.path if id_node is entry.node else (entry.path, "id")
            check.problem(id_node, at, f"the id '{name}' is already used {where}")
        else:
            places[name] = entry.rule["place"]
    for place, entry in enumerate(rules, first):
        if entry.rule["id"] is None:
            entry.rule["id"] = _free(f"rule-{place}", places)
        for key, value in timing.items():
            for reply in _all_replies(entry.rule["replies"], entry.rule["messages"]):
                reply.setdefault(key, value)
        entry.rule["turns"] = entry.rule["turns"] or defaults.get("turns") or "next"
    return [entry.rule for entry in rules]


def _free(name: str, places: dict[str, str]) -> str:
    """This name, with a number appended when a rule already has it."""
    tried, count = name, 1
    while tried in places:
        count += 1
        tried = f"{name}-{count}"
    places[tried] = ""
    return tried


#: The normalizer of every named shape.
RULE_NORMALIZERS: dict[str, Normalizer] = {**NORMALIZERS, **MEDIA, "response": response, "rule": rule}


def rule_reader() -> RuleReader:
    """Checks each rule as soon as it is read, and keeps only its normal form and the place of its id."""
    check = Checker(RULE_NORMALIZERS, [])
    check.empties_rules = True
    kind = keys.shape("rule")

    def read(node: Node, path: Path) -> Node:
        checked = Checked(check.check(kind, node, path), check.problems, check.warnings)
        if check.problems or check.warnings:
            check.problems, check.warnings = [], []
        else:
            checked = checked._replace(problems=(), warnings=())
        return Node(checked, node.source, node.line, node.column)

    return read
