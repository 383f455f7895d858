"""The address of a Redis store: ``redis://user:password@host:port/db?prefix=NAME``, or ``rediss://`` for TLS."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit

from .messages import suggest

#: The form of an address, for messages.
FORM = "redis://host:port/db"
PORT, PREFIX, TTL = 6379, "openaimock", 86_400
#: What may follow the ``?``.
OPTIONS = ("prefix", "ttl", "ca", "cert", "key", "verify")
#: Seconds: the shortest and the longest life of an unused namespace.
SHORTEST_TTL, LONGEST_TTL = 60, 10 * 365 * 86_400


class RedisAddress(NamedTuple):
    """A parsed address. ``str`` is the address without the password."""

    host: str
    port: int
    db: int
    username: str | None
    password: str | None
    is_tls: bool
    #: The beginning of the names of all keys, and the seconds after which an unused namespace is removed.
    prefix: str
    ttl: int
    #: For TLS: files with the authorities to trust, the client's certificate and its key; whether the server's is checked.
    ca: str | None
    cert: str | None
    key: str | None
    verify: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"redis{'s' if self.is_tls else ''}://{host}:{self.port}/{self.db}"

    def __repr__(self) -> str:
        return str(self)


def parse(address: str, base: Path = Path()) -> RedisAddress:
    """The parts of an address. Relative files start from ``base``. ValueError, whose message does not have the password."""
    try:
        url = urlsplit(address)
        port = url.port
    except ValueError:
        raise ValueError(f"expected {FORM}; the host or the port is not valid") from None
    if url.scheme not in ("redis", "rediss") or not url.hostname or not address.startswith(f"{url.scheme}://"):
        raise ValueError(f"expected {FORM}, such as redis://127.0.0.1:6379/0")
    if url.fragment:
        raise ValueError("a '#' in the password or elsewhere is written %23")
    name = url.path.strip("/")
    if name and not (name.isascii() and name.isdigit() and len(name) < 6):
        raise ValueError("the part behind the host is the number of the database, such as /0")
    options = _options(url.query)
    is_tls = url.scheme == "rediss"
    files = {option: str(base / options[option]) if option in options else None for option in ("ca", "cert", "key")}
    if not is_tls and any(option in options for option in ("ca", "cert", "key", "verify")):
        raise ValueError("'ca', 'cert', 'key' and 'verify' are for TLS; write rediss://")
    return RedisAddress(
        url.hostname,
        PORT if port is None else port,
        int(name or 0),
        unquote(url.username) if url.username else None,
        unquote(url.password) if url.password is not None else None,
        is_tls,
        options.get("prefix", PREFIX),
        _ttl(options.get("ttl")),
        files["ca"],
        files["cert"],
        files["key"],
        _verify(options.get("verify")),
    )


def problem(address: str, base: Path) -> str | None:
    """Why a store cannot be at this address, as far as that is known without asking it."""
    try:
        parse(address, base)
    except ValueError as error:
        return str(error)
    if find_spec("redis") is None:
        return "a store of redis needs the package redis: pip install 'openaimock[redis]'"
    return None


def _options(query: str) -> dict[str, str]:
    options: dict[str, str] = {}
    for option, text in parse_qsl(query, keep_blank_values=True):
        if option not in OPTIONS:
            raise ValueError(f"{option!r} is not an option of the address{suggest(option, OPTIONS)}")
        if not text:
            raise ValueError(f"the option {option!r} of the address is empty")
        options[option] = text
    prefix = options.get("prefix", PREFIX)
    if len(prefix) > 100 or not prefix.isprintable() or any(sign in prefix for sign in "{}"):
        raise ValueError("'prefix' has at most 100 printable characters, and no braces")
    return options


def _ttl(text: str | None) -> int:
    if text is None:
        return TTL
    if not (text.isascii() and text.isdigit() and len(text) < 12 and SHORTEST_TTL <= int(text) <= LONGEST_TTL):
        raise ValueError(f"'ttl' is a number of seconds from {SHORTEST_TTL} to {LONGEST_TTL}")
    return int(text)


def _verify(text: str | None) -> bool:
    if text not in (None, "true", "false"):
        raise ValueError("'verify' is true or false")
    return text != "false"
