"""Jobs of the API: the kinds of work that goes on after its request was answered, and what such work can draw on."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from importlib import import_module
from typing import Any, NamedTuple

from ..http.cancellation import Cancellation
from ..state.namespace import Context

#: The file of each kind of job. It has a function ``run(id, work)``, and is imported when such a job runs first.
KINDS = {"batch": "batches.work", "response": "responses.background", "webhook": "webhooks.delivery"}


class Answer(NamedTuple):
    """The mock's answer to a request of its own; ``seconds`` is how long a client would have waited for it."""

    status: int
    request_id: str
    body: bytes
    seconds: float


class Work(NamedTuple):
    """What a job can draw on.

    ``perform(path, body)`` answers a POST request as if a client had sent it; Hangup where the connection would end.
    ``proceed`` lets other threads run and says whether the job may go on; long work asks often. ``cancellation`` ends what waits
    for another server when the mock stops.
    """

    context: Context
    perform: Callable[[str, Any], Answer]
    proceed: Callable[[], bool]
    cancellation: Cancellation


@cache
def runner(kind: str) -> Callable[[str, Work], None] | None:
    """The function that runs a kind of job; None for an unknown kind, which a newer version may have stored."""
    if kind not in KINDS:
        return None
    function: Callable[[str, Work], None] = import_module(f".{KINDS[kind]}", __package__).run
    return function
