"""Hosted pictures: the addresses at which the mock serves the images of its answers, without a key, as the API's storage does.

The address is ``BASE/__openaimock-images/NAMESPACE/ID.png?se=...&sig=...``. The bytes are in the blobs of the namespace; the
oldest pictures make room for new ones. The signature keeps out those who do not have the address, which expires at the time
``se``, in seconds since the epoch.
"""

from __future__ import annotations

import hmac
from urllib.parse import parse_qs, quote, unquote

from ...errors import APIError
from ...http import payloads
from ...seed import digest
from ...state.namespace import Context
from ...state.store import State, StateFull, Store
from .. import lists
from .pictures import Picture

#: The beginning of the path of every address.
PATH = "/__openaimock-images/"
_COLLECTION = "hosted_images"
#: The formats whose content type is ``image/`` with their name.
_FORMATS = ("png", "jpeg", "webp", "gif")
#: How many pictures a namespace serves, and how many are deleted at once when the store is full.
MOST, _ROOM = 1_000, 50
#: Seconds after which an address expires (API reference: Images).
LIFETIME = 3600


def publish(image: Picture, base_url: str, context: Context) -> str:
    """Keep a picture in the namespace and return its address."""
    state = context.store
    name = f"{context.ids.id('img-')}.{image.format}"
    if state.count(_COLLECTION) >= MOST:
        _forget(state, 1)
    try:
        state.put_blob(_blob(name), [image.data])
    except StateFull:
        _forget(state, _ROOM)
        state.put_blob(_blob(name), [image.data])
    state.put(_COLLECTION, name, {"id": name})
    # Percent signs are encoded twice, because a server decodes a path before the mock splits it.
    namespace = quote(quote(state.name, safe=""), safe="")
    expiry = str(context.created + LIFETIME)
    return f"{base_url}{PATH}{namespace}/{name}?se={expiry}&sig={_signature(context.secret, state.name, name, expiry)}"


def find(path: str, query: str, store: Store, secret: str, now: float) -> payloads.Raw | None:
    """The picture of a path that begins with ``PATH`` and of its query; None when there is none, or the signature is wrong.

    APIError 403 when the address has expired.
    """
    namespace, _, name = path.removeprefix(PATH).partition("/")
    namespace = unquote(namespace)
    fields = parse_qs(query)
    expiry, signature = ((fields.get(field) or [""])[0] for field in ("se", "sig"))
    if not hmac.compare_digest(signature.encode(), _signature(secret, namespace, name, expiry).encode()):
        return None
    if int(expiry) <= now:
        minutes = LIFETIME // 60
        raise APIError(403, f"The address of this picture has expired: it was valid for {minutes} minutes.", code="expired_url")
    file = store[namespace].open_blob(_blob(name))
    if file is None:
        return None
    with file:
        data = file.read()
    format = name.rpartition(".")[2]
    return payloads.Raw(data, f"image/{format}" if format in _FORMATS else "application/octet-stream")


def _signature(secret: str, namespace: str, name: str, expiry: str) -> str:
    return digest("hosted image", secret, namespace, name, expiry, size=16).hex()


def _blob(name: str) -> str:
    return f"image/{name}"


def _forget(state: State, count: int) -> None:
    """Delete the oldest pictures."""
    for item in lists.values(state, _COLLECTION, count):
        state.delete(_COLLECTION, item["id"])
        state.delete_blob(_blob(item["id"]))
