"""Parameters of webhook endpoints, by the official client: the API's description lacks them."""

from __future__ import annotations

from ..types.webhooks import EVENT_TYPES
from .shapes import Array, Boolean, Integer, OneOf, String
from .table import table

_MEMBERS = {"event_types": Array(OneOf(EVENT_TYPES), min=1), "name": String(min_length=1), "url": String(min_length=1)}
CREATE = table(_MEMBERS, required=["event_types", "name", "url"])
UPDATE = table(_MEMBERS)
LIST = table({"after": String(), "limit": Integer(min=1, max=100)})
ROTATE_SECRET = table({"keep_old_secret_active_for_24_hours": Boolean()})
TEST = table({"event_type": OneOf(EVENT_TYPES)}, required=["event_type"])
