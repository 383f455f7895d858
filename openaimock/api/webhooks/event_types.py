"""The types of events that webhook endpoints can get.

(SDK resource ``client.webhooks.event_types``; SDK type WebhookEventTypeList.)
"""

from __future__ import annotations

from ...http import payloads
from ...state.namespace import Context
from ...types.ask import Ask
from ...types.reply import Reply
from ...types.webhooks import EVENT_TYPES
from ..operation import Operation
from ..reading import no_body


def _list(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    return payloads.JSON({"object": "list", "data": list(EVENT_TYPES)})


ENDPOINTS = (Operation("webhooks.event_types.list", "GET", "/webhook_event_types", no_body("webhooks"), _list, own=True),)
