"""Connections to a Redis store: one for each command that runs at a time, none of them used in two processes."""

from __future__ import annotations

import os
import re
from collections import deque
from typing import Any

import redis
from redis.backoff import NoBackoff
from redis.connection import Connection, SSLConnection
from redis.retry import Retry

from ..config.redis_address import RedisAddress
from ..types.clock import monotonic
from .redis_script import Script
from .redis_wire import Part, Refused, Wire, packed
from .store import StoreAway, StoreUnavailable

#: The oldest server that the store supports.
OLDEST = (6, 0)
#: Seconds that connecting and one command may take.
CONNECT_TIMEOUT, TIMEOUT = 1.0, 3.0
#: Seconds after a failure in which no command is tried, so that requests do not wait one after the other.
PAUSE = 0.25
#: An idle connection that is kept; more of them are closed.
IDLE = 64

#: Connections that fail for a reason that does not pass.
_FINAL = (redis.AuthenticationError, redis.exceptions.AuthorizationError)
#: Errors that pass by themselves: the server reads its data, or waits for the server that it copies.
_PASSING = ("LOADING", "MASTERDOWN")


class Connections:
    """The connections of one process to a server.

    A command is never sent twice: if its answer is lost, the server may have run it.
    """

    def __init__(self, address: RedisAddress) -> None:
        self._idle: deque[Wire] = deque()
        self.place = str(address)
        self._options = _options(address)
        # The types of the client package depend on its version.
        self._class: Any = SSLConnection if address.is_tls else Connection
        self._password = address.password
        self._pid = os.getpid()
        self._is_checked = False
        #: Until when no command is tried, and the failure that is the reason.
        self._pause_end = 0.0
        self._failure: StoreUnavailable | None = None

    def run(self, *command: Part) -> Any:
        """The answer to one command. StoreUnavailable."""
        try:
            return self._run(len(command), packed(command))
        except Refused as error:
            raise self._unavailable(error) from None

    def script(self, script: Script, opening: bytes, count: int, *arguments: Part) -> Any:
        """The answer of a script. ``opening`` is its packed number of keys, the keys and the first arguments, ``count`` parts.

        StoreUnavailable.
        """
        count += 2 + len(arguments)
        parts = opening + packed(arguments)
        try:
            try:
                return self._run(count, script.by_digest + parts)
            except Refused as error:
                if error.code != "NOSCRIPT":
                    raise
                # The server has not seen the script since its start.
                return self._run(count, script.by_text + parts)
        except Refused as error:
            raise self._unavailable(error) from None

    def close(self) -> None:
        """Close all connections that are not in use."""
        while (wire := self._pop()) is not None:
            wire.close()

    __del__ = close

    def check(self) -> None:
        """StoreUnavailable unless the server answers now."""
        self._pause_end = 0.0
        self.run(b"PING")

    def _run(self, count: int, parts: bytes) -> Any:
        """The answer to a command of a number of packed parts. Refused, StoreUnavailable."""
        wire = self._take()
        try:
            answer = wire.ask(b"*%d\r\n%b" % (count, parts))
        except Refused:
            self._keep(wire)
            raise
        except OSError as error:
            wire.close()
            raise self._lost(error) from None
        except BaseException:
            # The answer to this command must not be taken for that of the next.
            wire.close()
            raise
        self._keep(wire)
        return answer

    def _keep(self, wire: Wire) -> None:
        if len(self._idle) < IDLE:
            self._idle.append(wire)
        else:
            wire.close()

    def _take(self) -> Wire:
        """A connection that the server has not closed."""
        if self._pid != os.getpid():
            # Connections of the parent process. Closing them here does not end them there.
            self.close()
            self._pid = os.getpid()
        while (wire := self._pop()) is not None:
            if wire.is_usable():
                return wire
            wire.close()
        if self._failure is not None and monotonic() < self._pause_end:
            raise type(self._failure)(*self._failure.args)
        return self._connect()

    def _pop(self) -> Wire | None:
        """An idle connection, which is the caller's then."""
        try:
            return self._idle.pop()
        except IndexError:  # another thread may have taken the last one
            return None

    def _connect(self) -> Wire:
        connection = self._class(**self._options)
        try:
            connection.connect()
            wire = Wire(connection)
            if not self._is_checked:
                self._check_version(wire)
        except (redis.RedisError, OSError) as error:
            connection.disconnect()
            raise self._lost(error) from None
        self._failure = None
        return wire

    def _check_version(self, wire: Wire) -> None:
        try:
            text = wire.ask(b"*2\r\n" + packed((b"INFO", b"server")))
        except Refused:  # this user may not ask
            text = b""
        version = re.search(rb"redis_version:(\d+)\.(\d+)", text)
        if version is not None and (int(version[1]), int(version[2])) < OLDEST:
            raise redis.RedisError(f"Redis {OLDEST[0]} or newer is needed, this is {int(version[1])}.{int(version[2])}")
        self._is_checked = True

    def _lost(self, error: Exception) -> StoreUnavailable:
        """The error of the store for a connection that could not be made or was lost."""
        self.close()
        self._failure = self._unavailable(error)
        self._pause_end = monotonic() + PAUSE
        return self._failure

    def _unavailable(self, error: Exception) -> StoreUnavailable:
        """The error of the store for one of the client, such as a command that the server refuses: no memory, no permission."""
        text = getattr(error, "strerror", None) or str(error)
        reason = " ".join(text.split()) or type(error).__name__
        # A script is named by its digest, which says nothing to users.
        reason = re.sub(r"\.? script: [0-9a-f]{40}\b.*", "", reason)
        for secret in (self._password, self._options.get("username")):
            if secret:
                reason = reason.replace(secret, "***")
        is_away = isinstance(error, (redis.ConnectionError, redis.TimeoutError, OSError)) and not isinstance(error, _FINAL)
        is_away = is_away or (isinstance(error, Refused) and error.code in _PASSING)
        kind = StoreAway if is_away else StoreUnavailable
        return kind(f"the store {self.place} cannot be used: {reason[:300]}")


def _options(address: RedisAddress) -> dict[str, Any]:
    """What a connection needs. A command is not tried again, because the server may have run it."""
    options: dict[str, Any] = {
        "host": address.host,
        "port": address.port,
        "db": address.db,
        "username": address.username,
        "password": address.password,
        "socket_connect_timeout": CONNECT_TIMEOUT,
        "socket_timeout": TIMEOUT,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }
    if address.is_tls:
        options |= {
            "ssl_ca_certs": address.ca,
            "ssl_certfile": address.cert,
            "ssl_keyfile": address.key,
            "ssl_cert_reqs": "required" if address.verify else "none",
            "ssl_check_hostname": address.verify,
        }
    return options
