"""The ``moderation`` of a chat completion whose request has the parameter: results for the input and for the output."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...state.namespace import Context
from ...text import moderation
from ...types.ask import Ask
from ...types.reply import Reply


def moderated(ask: Ask, replies: Sequence[Reply], context: Context) -> dict[str, Any]:
    """The member ``moderation``. The rule's ``moderation`` is about the input; the output is never flagged."""
    model = ask.body["moderation"]["model"]

    def results(text: str, reply: Reply | None) -> dict[str, Any]:
        entry = moderation.inline_result(model, text, context.seed, reply.moderation if reply else None)
        return {"type": "moderation_results", "model": model, "results": [entry]}

    output = "\n".join(reply.text or "" for reply in replies)
    return {"moderation": {"input": results(ask.user or ask.text, replies[0]), "output": results(output, None)}}
