"""Requests without a client's help, and strict checks of what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import httpx
from pydantic import TypeAdapter

from openaimock.testing.mock import MockServer


def user(text: str, **more: Any) -> dict[str, Any]:
    """A chat request of one user message."""
    return {"model": "gpt-4o", "messages": [{"role": "user", "content": text}], **more}


def post(mock: MockServer, body: Any, path: str = "/chat/completions", **options: Any) -> httpx.Response:
    """A plain POST, without a client's help."""
    # Reading the system's certificates would take longer than the request.
    with httpx.Client(trust_env=False, verify=False) as http:
        return http.post(mock.url + path, json=body, **options)


_adapter = cache(TypeAdapter)


def strictly(kind: Any, value: Any) -> Any:
    """The value as the SDK's type, by pydantic itself and without any coercion; unknown fields are an error."""
    parsed = _adapter(kind).validate_json(json.dumps(value), strict=True)
    extra = list(_extras(parsed))
    assert not extra, f"fields that the SDK's type does not have: {extra}"
    return parsed


def _extras(value: Any, path: str = "") -> Iterator[str]:
    if isinstance(value, list):
        for at, item in enumerate(value):
            yield from _extras(item, f"{path}[{at}]")
    elif hasattr(value, "model_fields_set"):
        for name in value.model_extra or {}:
            yield f"{path}.{name}"
        for name in type(value).model_fields:
            yield from _extras(getattr(value, name), f"{path}.{name}")


def events(text: str) -> list[Any]:
    """The events of a stream as the wire has them: JSON, and ``[DONE]`` at the end."""
    items = []
    for block in text.split("\n\n"):
        for line in block.splitlines():
            if line.startswith("data: "):
                items.append(line[6:] if line == "data: [DONE]" else json.loads(line[6:]))
    return items
