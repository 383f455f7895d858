"""Proxy: a request of a client goes to the upstream as it is, and the answer comes back as it is."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING
from urllib.parse import quote

from ..config.load import secrets
from ..errors import APIError, Hangup
from ..http import auth, origin
from ..http.cancellation import Cancellation
from ..http.payloads import LastPiece, Proxied
from ..http.request import Request
from ..recording.recorder import Recorder, Tap, request_of
from ..recording.redactor import Redactor, header_secrets
from ..replies.upstream import Answer, Broken, Headers, Upstream
from ..types.exchange import Received
from .call import Call

if TYPE_CHECKING:
    from . import App

#: Headers of a connection, which end at each server that passes a message on.
HOP_BY_HOP = frozenset(
    [
        *("connection", "keep-alive", "proxy-connection", "proxy-authenticate", "proxy-authorization", "te", "trailer"),
        *("transfer-encoding", "upgrade", "expect"),
    ]
)
#: Headers of a request that are not passed on: the connection's own, and what the upstream must not get.
_NOT_SENT = HOP_BY_HOP | {"host", "content-length", "cookie", "accept-encoding"}
#: Headers of an answer that are not passed on. The mock has its own CORS headers.
_NOT_PASSED = HOP_BY_HOP | {"content-length", "set-cookie", "alt-svc", "strict-transport-security", "server", "date"}
#: Encodings of answers that Python can read: a recording needs that.
_ENCODINGS = ("gzip", "deflate", "identity")
#: ``/t/NAME`` names a namespace. Only paths under ``/v1`` and Azure's are passed on; ``/v1`` may be left out before a known path.
_PATH = re.compile(r"(?:/t/[^/]+)?(?P<azure>/openai(?=/))?(?P<v1>/v1(?=/))?(?P<rest>/.*)", re.DOTALL)
#: What ends a base URL of the API, before which Azure's paths begin.
_BASE_END = re.compile(r"(/openai)?(/v1)?/*\Z")
_SAFE = "/:@!$&'()*+,;=~-._"


class UpstreamProxy:
    """Passes requests on to the upstream of a mock, and to the recorder when exchanges are recorded."""

    def __init__(self, app: App) -> None:
        config = app.config
        setting = config.upstream or {}
        self.upstream = Upstream(setting["url"], setting.get("timeout") or 600.0)
        self.recorder = recorder_of(app)
        self._log = app.log
        self._key: str | None = setting.get("key") or None
        self._headers = {name.lower(): value for name, value in (setting.get("headers") or {}).items()}
        #: Whether requests need no key, so that only this machine may use the key of the upstream.
        self._open_to_all = not config.api_keys
        self._isolates_by_key = "key" in config.isolate
        self._body_limit = config.body_limit

    def fetch(self, call: Call) -> Proxied:
        """The answer of the upstream to a call, once its head is there. APIError 403, 404, 426 or 502."""
        request = call.request
        if (request.header("upgrade") or "").lower() == "websocket":
            # Clients of Responses try a WebSocket first; 426 makes them use POST at once.
            raise APIError(426, "WebSocket connections are not sent to the upstream. Send this request as POST instead.")
        self._admit(request)
        exchange = call.exchange
        target = self.target(request, bool(exchange.endpoint))
        call.cancellation = call.cancellation or Cancellation()
        headers, body = list(self.request_headers(request)), request.wire
        tap = self._tap(request, exchange.method, headers, body)
        answer = self.upstream.send(exchange.method, target, headers, body, call.cancellation)
        passed = tuple((name.lower(), value) for name, value in answer.headers if _is_passed(name.lower()))
        length = answer.length if exchange.method != "HEAD" else None
        return Proxied(answer.status, passed, self._pieces(answer, tap, call), length)

    def close(self) -> None:
        """Close the idle connections to the upstream."""
        self.upstream.close()

    def _tap(self, request: Request, method: str, headers: Headers, body: bytes) -> Tap | None:
        if self.recorder is None or method not in ("GET", "POST", "DELETE"):
            return None
        environ = request.environ
        recording = request_of(method, environ.get("PATH_INFO") or "/", environ.get("QUERY_STRING") or "", headers, body)
        return Tap(self.recorder, recording, self._secrets(headers, request))

    def _pieces(self, answer: Answer, tap: Tap | None, call: Call) -> Iterator[bytes]:
        """The pieces of an answer; Hangup when it breaks, so that the client sees it broken as well.

        A client may leave once it has the last piece. So a complete answer is kept and recorded before that piece is passed
        on, where it is known to be the last one, else before the end of the body.
        """
        received = 0
        first_pieces: list[bytes] = []
        last_piece = LastPiece(answer.headers, answer.length)
        call.exchange.received = Received(answer.status, tuple(answer.headers), None)
        try:
            for piece in answer:
                received += len(piece)
                if received <= self._body_limit:
                    first_pieces.append(piece)
                if tap is not None:
                    tap.add(piece)
                if last_piece.is_last(piece):
                    self._complete(answer, tap, call, first_pieces, received)
                yield piece
            self._complete(answer, tap, call, first_pieces, received)
        except Broken as error:
            if not answer.cancelled:
                self._log.warning("The answer of the upstream %s broke off: %s", self.upstream.origin, error)
            raise Hangup from None
        finally:
            answer.close()

    def _complete(self, answer: Answer, tap: Tap | None, call: Call, pieces: list[bytes], size: int) -> None:
        """Record a complete answer, and keep its body of ``size`` bytes in the exchange when it is not too long."""
        if tap is not None:
            tap.end(answer.status, answer.headers)
        exchange = call.exchange
        if exchange.received is not None and size <= self._body_limit:
            earlier = exchange.received.body
            exchange.received = exchange.received._replace(body=b"".join(pieces))
            call.context.namespace.charge(exchange, size - len(earlier or b""))

    def _admit(self, request: Request) -> None:
        """APIError 403 for a request that must not use the key of the upstream."""
        if self._key is None:
            return
        environ = request.environ
        reason = origin.of_other_site(environ)
        if reason is None and self._open_to_all and "REMOTE_ADDR" in environ:
            if origin.names_other_host(environ):
                reason = "the Host header names another server"
            elif origin.of_other_machine(environ):
                reason = "only this machine may use the key of the upstream; set 'api_key' to allow others"
        if reason is not None:
            raise APIError(403, f"The request is not sent to the upstream: {reason}.", code="upstream_refused")

    def target(self, request: Request, is_known: bool) -> str:
        """The path and query of a request at the upstream. APIError 404 for a path that is not passed on."""
        environ = request.environ
        path = environ.get("PATH_INFO") or "/"
        parts = _PATH.fullmatch(path)
        segments = path.split("/")
        if parts is None or not (parts["v1"] or parts["azure"] or is_known) or "." in segments or ".." in segments:
            raise APIError(404, f"{path} is not a path of the API, and is not sent to the upstream.", code="unknown_url")
        base = self.upstream.parts.path.rstrip("/")
        if parts["azure"]:
            base = _BASE_END.sub("", base) + "/openai" + (parts["v1"] or "")
        target = base + quote(parts["rest"].encode("latin-1"), safe=_SAFE)
        query = environ.get("QUERY_STRING") or ""
        return f"{target}?{query}" if query else target

    def request_headers(self, request: Request) -> Iterator[tuple[str, str]]:
        """The headers to send to the upstream."""
        named = {name.strip().lower() for name in (request.header("connection") or "").split(",")}
        replaced = {"authorization", "api-key"} if self._key is not None else set()
        for name, value in request.headers.pairs():
            if name in _NOT_SENT or name in named or name in replaced or name in self._headers:
                continue
            if value == "" or name.startswith("x-openaimock-"):
                continue
            if name in ("authorization", "api-key") and self._isolates_by_key and ":" in value:
                value = value.rpartition(":")[0]
            yield name, value
        if self._key is not None:
            # Azure's clients send their key in a header of its own.
            azure = request.header("api-key") is not None and request.header("authorization") is None
            yield ("api-key", self._key) if azure else ("authorization", f"Bearer {self._key}")
        yield from self._headers.items()
        offered = (request.header("accept-encoding") or "").lower().split(",")
        readable = [part.strip() for part in offered if part.split(";")[0].strip() in _ENCODINGS]
        yield "accept-encoding", ", ".join(readable) or "identity"

    def _secrets(self, headers: Headers, request: Request) -> tuple[str, ...]:
        """Values of headers that must not reach a recording: keys, cookies, and names of accounts."""
        listed = [*headers, ("cookie", request.header("cookie") or "")]
        if (key := auth.key(request)) is not None:
            listed.append(("api-key", key))
        return tuple(header_secrets(listed))


def recorder_of(app: App) -> Recorder | None:
    """The recorder of a mock, None when it does not record."""
    record = app.config.record
    if record is None or not record.active:
        return None
    return Recorder(
        record.path,
        Redactor(secrets(app.config), record.names, record.regexes),
        app.log,
        timing=record.timing,
        keep_ids=record.keep_ids,
        old=app.build(record.old),
        used_ids=[rule.id for rule in app.ruleset.rules],
    )


def _is_passed(name: str) -> bool:
    return name not in _NOT_PASSED and not name.startswith("access-control-")
