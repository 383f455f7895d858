"""The ``usage`` of a rule, which may use the names of either API, with the names of the endpoint that answers."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

#: The members of ``usage`` in chat, completions and embeddings, and in Responses.
_RESPONSES_NAMES = {
    "prompt_tokens": "input_tokens",
    "completion_tokens": "output_tokens",
    "prompt_tokens_details": "input_tokens_details",
    "completion_tokens_details": "output_tokens_details",
}
_CHAT_NAMES = {name: chat_name for chat_name, name in _RESPONSES_NAMES.items()}
#: The details that exist in both APIs; others have no meaning in the API that does not name them.
_SHARED_DETAILS = frozenset(["cached_tokens", "cache_write_tokens", "reasoning_tokens"])


def chat_usage(usage: Mapping[str, Any], counted: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    """The ``usage`` of a rule with the names of chat.

    Details with the names of Responses are completed from the ``counted`` ones; those with the names of chat stay as they are.
    """
    if not _CHAT_NAMES.keys() & usage.keys():
        return dict(usage)
    renamed = _renamed(usage, _CHAT_NAMES)
    for name in ("prompt_tokens_details", "completion_tokens_details"):
        if name not in usage and isinstance(renamed.get(name), dict):
            renamed[name] = {**(counted.get(name) or {}), **renamed[name]}
    return renamed


def responses_usage(usage: Mapping[str, Any]) -> dict[str, Any]:
    """The ``usage`` of a rule with the names of Responses."""
    return _renamed(usage, _RESPONSES_NAMES)


def _renamed(usage: Mapping[str, Any], names: Mapping[str, str]) -> dict[str, Any]:
    """The members with new names; a member that has its new name already wins."""
    renamed = {name: value for name, value in usage.items() if name not in names}
    for old, new in names.items():
        if old in usage and new not in usage:
            value = usage[old]
            if isinstance(value, Mapping):
                value = {name: count for name, count in value.items() if name in _SHARED_DETAILS}
            renamed[new] = value
    return renamed
