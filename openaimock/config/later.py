"""Keys and words that are documented and not implemented yet: each is refused with "not available yet", never ignored."""

from __future__ import annotations

from .names import LATER

#: The label of a mapping -> its keys that are not implemented yet.
KEYS: dict[str, tuple[str, ...]] = {
    "a setting": ("prompt_cache", "webhooks"),
    "a rule": ("expect",),
}
#: The label of a choice -> its words that are not implemented yet.
WORDS: dict[str, tuple[str, ...]] = {
    "an endpoint": LATER,
}
#: The stores that are not implemented yet, by the scheme of their address.
STORES = ("redis", "rediss")
