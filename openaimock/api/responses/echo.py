"""How a response echoes the parameters of its request: as sent, or completed with the API's defaults."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from ...http.json import dump
from ...params.models import Model
from ...schema.normalize import to_strict
from ...types.parts import PARTS, once
from .items import Item, normalize_part

_US = {"type": "approximate", "city": None, "country": "US", "region": None, "timezone": None}
_PLACE = {"type": "approximate", "city": None, "country": None, "region": None, "timezone": None}
_SEARCH: Item = {
    "return_token_budget": "default", "search_content_types": ["text"], "search_context_size": "medium", "user_location": _US,
}  # fmt: skip
_PREVIEW: Item = {"search_context_size": "medium", "user_location": _US}
#: Members that the API adds to the tools that it echoes.
_DEFAULTS: dict[str, Item] = {
    "function": {"description": None, "output_schema": None, "parameters": None, "strict": True},
    "custom": {"description": None, "format": {"type": "text"}},
    "web_search": _SEARCH,
    "web_search_2025_08_26": _SEARCH,
    "web_search_preview": _PREVIEW,
    "web_search_preview_2025_03_11": _PREVIEW,
    "file_search": {"filters": None, "max_num_results": 20, "ranking_options": {"ranker": "auto", "score_threshold": 0.0}},
    "image_generation": {
        "background": "auto", "model": "gpt-image-1", "moderation": "auto", "n": 1, "output_compression": 100,
        "output_format": "png", "quality": "auto", "size": "auto",
    },
    "mcp": {
        "allowed_tools": None, "headers": None, "require_approval": "always", "server_description": None, "server_url": None,
    },
    "tool_search": {"description": None, "parameters": None},
}  # fmt: skip
#: Members that the API accepts and does not echo.
_HIDDEN = {
    "image_generation": ("action", "input_image_mask"),
    "web_search": ("external_web_access",),
    "web_search_2025_08_26": ("external_web_access",),
}
_REDACTED = "<redacted>"


def without_nulls(value: Mapping[str, Any]) -> Item:
    """The members that are not null."""
    return {name: member for name, member in value.items() if member is not None}


# Tools


def tools(offered: Sequence[Mapping[str, Any]], items: Iterable[Mapping[str, Any]], model: Model) -> list[Item]:
    """The tools of a request as the response echoes them; ``items`` are the conversation, which may have loaded some.

    With ``tool_search`` functions come first. A function that is loaded later is echoed as a namespace of its own; models that
    reason over all turns have an ordinary function instead, unless a search of the API has found it.
    """
    echoed = once(offered, _echoed, _echoed)
    loaded = _loaded(items, model)
    if not loaded and not any(tool["type"] == "tool_search" for tool in echoed):
        return echoed
    remaining = [tool for tool in echoed if not (tool.get("defer_loading") and tool.get("name") in loaded)]
    names = {tool.get("name") for tool in remaining}
    later = [tool for name, tool in loaded.items() if name not in names]
    return sorted([*remaining, *later], key=lambda tool: _ORDER.get(tool["type"], 1))


def _echoed(offered: Sequence[Mapping[str, Any]]) -> list[Item]:
    return [_tool(tool) for tool in offered]


def texts(body: Mapping[str, Any], response: Mapping[str, Any]) -> dict[str, str]:
    """The JSON of the long members of a response that other responses have too, by their names."""
    written: dict[str, str] = {}
    offered, instructions = body.get("tools"), response["instructions"]
    if PARTS.of(offered) is not None and once(offered, _echoed, _echoed) is response["tools"]:
        written["tools"] = once(offered, "echo", lambda _: dump(response["tools"]))
    if PARTS.of(instructions) is not None:
        written["instructions"] = once(instructions, dump, dump)
    return written


_ORDER = {"function": 0, "custom": 0, "tool_search": 2, "namespace": 3}


def _loaded(items: Iterable[Mapping[str, Any]], model: Model) -> dict[str, Item]:
    """The functions that searches have found or the developer has added, as they are echoed, by name."""
    loaded: dict[str, Item] = {}
    for item in items:
        if item.get("type") not in ("tool_search_output", "additional_tools"):
            continue
        hosted_search = item["type"] == "tool_search_output" and item.get("execution") != "client"
        for tool in item.get("tools") or ():
            if tool.get("type") not in ("function", "custom") or not tool.get("name"):
                continue
            echo = _tool({name: value for name, value in tool.items() if name != "defer_loading"})
            if hosted_search or model.context != "all_turns":
                echo = {"type": "namespace", "description": echo["description"], "name": echo["name"], "tools": [echo]}
            loaded[echo["name"]] = echo
    return loaded


def _tool(tool: Mapping[str, Any]) -> Item:
    kind = tool["type"]
    echo = {"type": kind, **_DEFAULTS.get(kind, {}), **without_nulls(tool)}
    for name in _HIDDEN.get(kind, ()):
        echo.pop(name, None)
    if kind in _SPECIAL:
        _SPECIAL[kind](echo, tool)
    return echo


def _function(echo: Item, tool: Mapping[str, Any]) -> None:
    echo["description"] = echo["description"] or None
    if "strict" in tool:
        echo["strict"] = bool(tool["strict"])
    elif isinstance(echo["parameters"], dict):
        echo["parameters"] = to_strict(echo["parameters"])


def _web_search(echo: Item, tool: Mapping[str, Any]) -> None:
    if tool.get("user_location"):
        echo["user_location"] = {**_PLACE, **tool["user_location"]}


def _mcp(echo: Item, tool: Mapping[str, Any]) -> None:
    """Credentials are never echoed."""
    if echo.get("authorization"):
        echo["authorization"] = _REDACTED
    if echo["headers"]:
        echo["headers"] = dict.fromkeys(echo["headers"], _REDACTED)
    if echo["server_url"] and (urlsplit(echo["server_url"]).username or urlsplit(echo["server_url"]).query):
        url = urlsplit(echo["server_url"])
        echo["server_url"] = f"{url.scheme}://{url.hostname}/{_REDACTED}"
    if isinstance(echo["require_approval"], dict):
        echo["require_approval"] = {"always": None, "never": None, **echo["require_approval"]}
    if isinstance(echo["allowed_tools"], dict):
        echo["allowed_tools"] = {"read_only": None, "tool_names": None, **echo["allowed_tools"]}


def _image_generation(echo: Item, tool: Mapping[str, Any]) -> None:
    if not echo.get("partial_images"):
        echo.pop("partial_images", None)


def _inner_tools(echo: Item, tool: Mapping[str, Any]) -> None:
    echo["tools"] = [_tool(inner) for inner in tool["tools"]]


_SPECIAL: dict[str, Callable[[Item, Mapping[str, Any]], None]] = {
    "function": _function,
    "image_generation": _image_generation,
    "mcp": _mcp,
    "namespace": _inner_tools,
    **dict.fromkeys(["web_search", "web_search_2025_08_26", "web_search_preview", "web_search_preview_2025_03_11"], _web_search),
}


# Other parameters


def reasoning(options: Mapping[str, Any], model: Model) -> Item:
    """The ``reasoning`` object: the model's defaults, and what the request asks for."""
    requested = without_nulls(options)
    if requested.get("context") == "auto":
        del requested["context"]
    defaults: Item = {"context": model.context, "effort": model.effort, "summary": None}
    return {**defaults, **({"mode": model.mode} if model.mode else {}), **requested}


def text(options: Mapping[str, Any], model: Model) -> Item:
    """The ``text`` object."""
    format = options.get("format") or {}
    if format.get("type") == "json_schema":
        format = {"type": "json_schema", "description": None, "strict": True, **without_nulls(format)}
    return {"format": format if format.get("type") else {"type": "text"}, "verbosity": options.get("verbosity") or "medium"}


def prompt(reference: Mapping[str, Any], model: Model) -> Item:
    """The ``prompt`` object: the version as text, texts of variables as parts."""
    variables = {
        name: {"type": "input_text", "text": value} if isinstance(value, str) else _without_data(normalize_part(value))
        for name, value in (reference.get("variables") or {}).items()
    }
    return {"id": reference.get("id") or "", "variables": variables, "version": reference.get("version") or "1"}


def _without_data(part: Any) -> Any:
    """A part without uploaded contents, which are not echoed."""
    return {name: value for name, value in part.items() if name != "file_data"} if isinstance(part, dict) else part


def prompt_instructions(reference: Mapping[str, Any]) -> list[Item]:
    """The ``instructions`` of a response to a stored prompt: its messages, of which only the variables are known here."""
    variables = list(prompt(reference, Model())["variables"].values())
    return [
        {"type": "message", "content": [], "role": "developer"},
        {"type": "message", "content": variables, "role": "user"},
    ]


def _conversation(reference: Any, model: Model) -> Item:
    return {"id": reference["id"] if isinstance(reference, Mapping) else reference}


def _cache_options(options: Mapping[str, Any], model: Model) -> Item:
    return {"mode": "implicit", "ttl": "30m", **{name: value for name, value in options.items() if name != "prewarm"}}


def _image(options: Mapping[str, Any], model: Model) -> Item:
    compression = options.get("context_compression")
    return {"context_compression": compression if compression in ("enabled", "disabled") else "disabled"}


#: The parameters that a response echoes, with the function that makes the echo where it is not the value as sent.
ECHOED: dict[str, Callable[[Any, Model], Any] | None] = {
    **dict.fromkeys(
        [
            "background", "frequency_penalty", "instructions", "max_output_tokens", "max_tool_calls", "metadata",
            "parallel_tool_calls", "presence_penalty", "prompt_cache_key", "prompt_cache_retention", "safety_identifier",
            "service_tier", "store", "temperature", "tool_choice", "top_logprobs", "top_p", "truncation", "user",
        ]
    ),
    "conversation": _conversation,
    "image": _image,
    "previous_response_id": lambda id, model: id or None,
    "prompt": prompt,
    "prompt_cache_options": _cache_options,
    "reasoning": reasoning,
    "text": text,
}  # fmt: skip
