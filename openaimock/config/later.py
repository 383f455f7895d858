"""Keys and words that are documented and not implemented yet: each is refused with "not available yet", never ignored."""

from __future__ import annotations

from .names import LATER

#: The label of a mapping -> its keys that are not implemented yet.
KEYS: dict[str, tuple[str, ...]] = {}
#: The label of a choice -> its words that are not implemented yet.
WORDS: dict[str, tuple[str, ...]] = {
    "an endpoint": LATER,
}
