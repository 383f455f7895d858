"""Names of secrets: which headers and members hold one."""

from __future__ import annotations

#: Headers whose values are secrets, whatever their names are.
HEADERS = frozenset(
    ["authorization", "proxy-authorization", "api-key", "x-api-key", "x-openaimock-admin-key", "cookie", "set-cookie"]
)
#: What is shown instead of a secret.
MASK = "***"
#: A name is that of a secret when it ends so, without regard to case, ``-`` and ``_``; the same in the plural but for tokens.
_ENDINGS = (
    *("apikey", "adminkey", "secretkey", "accesskey", "accountkey", "privatekey", "signingkey", "encryptionkey", "masterkey"),
    *("subscriptionkey", "sharedkey", "authkey", "token", "password", "passwd", "passphrase", "pwd", "secret", "authorization"),
    *("cookie", "credential", "connectionstring"),
)
_PLURALS = tuple(ending + "s" for ending in _ENDINGS if ending not in ("token", "authorization", "pwd", "passwd"))
NAMES = (*_ENDINGS, *_PLURALS)
#: Tokens that are no secrets: cursors of lists, symbols of a vocabulary, prices and counts.
_HARMLESS = (
    *("pagetoken", "nexttoken", "previoustoken", "prevtoken", "continuationtoken", "cursortoken"),
    *(f"{symbol}token" for symbol in ("eos", "bos", "pad", "unk", "sep", "cls", "mask", "stop", "start", "end", "special")),
    *("pertoken", "maxtoken", "mintoken", "numtoken", "firsttoken", "lasttoken", "timetofirsttoken"),
)


def is_secret(name: str) -> bool:
    """Whether a member of this name holds a secret."""
    plain = name.lower().replace("-", "").replace("_", "").replace(" ", "")
    return plain.endswith(NAMES) and not plain.endswith(_HARMLESS)
