"""A receiver of webhooks, and a mock that delivers to it."""

from __future__ import annotations

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

SECRET = "whsec_c2VjcmV0IG9mIHRoZSB0ZXN0cw=="


class Receiver:
    """Keeps what it receives. ``statuses`` are those of the next answers; after them it answers 200."""

    def __init__(self) -> None:
        self.received: list[tuple[dict[str, str], bytes]] = []
        self.statuses: list[int] = []
        self._changed = threading.Condition()
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                with receiver._changed:
                    receiver.received.append(({name.lower(): value for name, value in self.headers.items()}, body))
                    status = receiver.statuses.pop(0) if receiver.statuses else 200
                    receiver._changed.notify_all()
                if status:
                    self.send_response(status)
                    self.send_header("location", "/elsewhere")
                    self.end_headers()
                else:
                    self.close_connection = True

            def log_message(self, *arguments):
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.server_port}/hook?a=1"

    def wait(self, count: int) -> list[tuple[dict[str, str], bytes]]:
        """The first ``count`` deliveries."""
        with self._changed:
            assert self._changed.wait_for(lambda: len(self.received) >= count, 30), self.received
            return self.received[:count]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def receiver():
    receiver = Receiver()
    yield receiver
    receiver.close()


@pytest.fixture
def mock(serve, receiver):
    return serve(
        {
            "clock": "2026-01-01T00:00:00Z",
            "webhooks": {"endpoints": [{"url": receiver.url, "secret": SECRET}]},
            "responses": [
                {"when": {"user": "fail"}, "reply": {"blocks": [{"item": {"type": "error", "code": "server_error"}}]}},
                {"when": {"user": "cut"}, "reply": {"content": "x", "finish_reason": "length"}},
                {"when": {}, "reply": "Hi!"},
            ],
        }
    )


def deliveries(mock, count=1):
    """The deliveries in the journal, once there are as many."""
    while len(found := [each for each in mock.exchanges if each.operation == "webhooks.delivery"]) < count:
        time.sleep(0.005)
    return found
