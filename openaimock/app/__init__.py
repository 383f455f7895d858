"""The application: one WSGI callable that takes every request through the same stages, from Request to Exchange."""

from __future__ import annotations

import itertools
import logging
import os
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from ..api.router import ROUTER
from ..config.load import Config, load_rules, secrets
from ..delivery.load import Load
from ..errors import APIError, Hangup
from ..http import cors, payloads
from ..http.cancellation import Cancellation
from ..http.catalog import api_error
from ..http.extensions import Deferred, defer
from ..http.request import Request
from ..rules.rule import Rule, build
from ..rules.ruleset import RuleSet
from ..rules.separate import Searcher, searching_with
from ..state.journal import readable
from ..state.limits import RateLimits
from ..state.namespace import Context, name_of
from ..state.store import StoreUnavailable
from ..state.stores import make_store
from ..types.clock import monotonic
from ..types.exchange import Exchange
from . import asks, overrides
from .call import Call, StartResponse
from .changes import changes_of
from .injection import Injector, from_environment
from .jobs import JobRunner
from .no_proxy import NoProxy, Proxy
from .retries import FunctionReplies, forget, recognize
from .sender import Sender
from .sources import unmatched_plan
from .stages import (
    admit,
    authenticate,
    claim,
    claim_may_wait,
    inject,
    limit,
    lint,
    match,
    match_may_block,
    match_may_wait,
    override,
    pass_on,
    read,
    read_may_block,
    read_may_wait,
    reply,
    reply_may_block,
    reply_may_wait,
    report,
    report_may_wait,
    route,
    write,
    write_may_wait,
)
from .unavailable import unavailable

log = logging.getLogger("openaimock")

Environ = dict[str, Any]
#: True when no stage is left.
Stage = Callable[["App", Call], bool | None]
#: A stage with the test whether it may block, None for one that never does.
Steps = Sequence[tuple[Stage, Callable[["App", Call], bool] | None]]

#: The path of every request. Its response is sent after the last stage, or after a stage that raises an APIError.
STAGES: tuple[Stage, ...] = (route, authenticate, override, read, recognize, inject, admit, limit, lint, match, reply, write)
#: Stages of several steps: a call can move to the thread pool between them. Findings may depend on the store; after a match the
#: hit is counted.
STEPS: Mapping[Stage, tuple[Stage, ...]] = {lint: (lint, report), match: (match, claim)}
#: The steps that may block, each with the test. A call that may block moves to the host's thread pool.
MAY_BLOCK: Mapping[Stage, Callable[[App, Call], bool]] = {
    read: read_may_block,
    match: match_may_block,
    reply: reply_may_block,
}

#: The steps that may wait for the store, where other processes share it, each with the test.
MAY_WAIT: Mapping[Stage, Callable[[App, Call], bool]] = {
    read: read_may_wait,
    recognize: lambda app, call: True,
    limit: lambda app, call: True,
    report: report_may_wait,
    match: match_may_wait,
    claim: claim_may_wait,
    reply: reply_may_wait,
    write: write_may_wait,
}

#: Stages that depend on a setting; a mock without the setting skips them.
#: Only a mock that takes part in a storm injects.
OPTIONAL: Mapping[Stage, Callable[[Config], bool]] = {
    authenticate: lambda config: bool(config.api_keys),
    override: lambda config: bool(config.overrides),
    recognize: lambda config: config.retries == "same",
    admit: lambda config: bool(config.load),
    limit: lambda config: bool(config.limits),
    lint: lambda config: config.lint != "off",
}


def may_block(step: Stage, store_blocks: bool) -> Callable[[App, Call], bool] | None:
    """The test whether a step may block; None for one that never does."""
    tests = [table[step] for table in ((MAY_BLOCK, MAY_WAIT) if store_blocks else (MAY_BLOCK,)) if step in table]
    if len(tests) < 2:
        return tests[0] if tests else None
    first, second = tests
    return lambda app, call: first(app, call) or second(app, call)


class Response(NamedTuple):
    """The response to a call that the mock itself makes. ``body`` sleeps where the reply has latency or pace."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: Iterable[bytes]


class App:
    """A mock as a WSGI application: its settings, rules and state, and the sender of its responses."""

    def __init__(self, config: Config, log: logging.Logger = log, rules: Iterable[Mapping[str, Any]] | None = None) -> None:
        """``rules`` in their normal form replace those of the configuration."""
        self.config = config
        self.sender = Sender(config, log)
        self.log = self.sender.log
        self.asks = asks.AskReader()
        self.namespaces = make_store(config, secrets(config), self.sender.metrics.snapshot, log)
        #: Numbers of the exchanges of all namespaces.
        self.order = itertools.count(1)
        self._defaults = {"turns": config.turns, "pace": config.pace, "latency": config.latency}
        #: The timing of replies without their own.
        self.timing = {name: value for name, value in (("pace", config.pace), ("latency", config.latency)) if value is not None}
        #: The helper process for unsafe regular expressions.
        self.searcher = Searcher()
        self.ruleset = RuleSet(self.build(config.rules if rules is None else rules), first=config.match == "first")
        #: The plan that answers what no rule matches, if ``unmatched`` has one.
        self.unmatched = unmatched_plan(config.unmatched, self._defaults)
        #: Passes requests on to the setting ``upstream``.
        self.upstream = self._upstream()
        self.keys = [key.encode() for key in config.api_keys]
        self.load = Load(config.load or {})
        self.limits = RateLimits(config.limits or {})
        self.lints = config.lint != "off"
        #: Runs work that goes on after its request was answered.
        self.jobs = JobRunner(self)
        self.function_replies = FunctionReplies()
        self.injector: Injector | None = None
        self.install(from_environment())
        #: Held while rules are added, replaced or removed.
        self.changing = threading.Lock()
        #: What the admin changes.
        self.changes = changes_of(self)

    def install(self, injector: Injector | None) -> None:
        """Let an injector decide what happens to each exchange; None: its normal course."""
        self.injector = injector
        self.sender.ended = None if injector is None else injector.end
        self.sender.prepares = injector is None and not (self.config.load or self.config.limits or self.config.retries == "same")
        skipped = [stage for stage, is_on in OPTIONAL.items() if not is_on(self.config)] + [inject] * (injector is None)
        steps = [step for stage in STAGES if stage not in skipped for step in STEPS.get(stage, (stage,))]
        self._steps: Steps = tuple((step, may_block(step, self.namespaces.blocks)) for step in steps)
        #: The path of a call that the mock itself makes: its cause was authenticated and counted.
        self._internal_steps: Steps = tuple(step for step in self._steps if step[0] not in (authenticate, inject, admit, limit))
        #: The path of a request that the mock cannot read, when the upstream answers what no rule answers.
        admission: Steps = tuple(step for step in self._steps if step[0] in (authenticate, override))
        self._unread_steps: Steps = (*admission, (pass_on, lambda app, call: True), (write, None))

    def build(self, rules: Iterable[Mapping[str, Any]]) -> list[Rule]:
        """Rules from their normal form, with the defaults of the configuration."""
        with searching_with(self.searcher):
            return [build(rule, number, self._defaults) for number, rule in enumerate(rules)]

    def advance(self, seconds: float) -> None:
        """Move the clock on. ValueError for a time after the year 9999."""
        self.sender.clock.advance(seconds)
        self.jobs.wake()

    def add_rules(self, rules: Any, place: str = "") -> list[Rule]:
        """Append rules in a form that ``load_rules`` accepts; ``place`` names where they are defined. ConfigError."""
        with self.changing:
            ids = {rule.id for rule in self.ruleset.rules}
            normal = load_rules(rules, config=self.config, taken_ids=ids)
            added = self.build({**rule, "place": place or rule["place"]} for rule in normal)
            self.ruleset.add(added)
            return added

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        request = Request(environ, self.config.max_body)
        if environ["REQUEST_METHOD"] == "OPTIONS":
            headers = cors.preflight(request, self._preflight_origins(environ))
            start_response("204 No Content", [("content-length", "0"), *headers])
            return []
        name = name_of(environ, self.config.isolate)
        if self.namespaces.blocks and self.namespaces.may_block(name):
            return self._in_pool(environ, lambda cancellation: self._answer(request, start_response, name, cancellation, True))
        return self._answer(request, start_response, name)

    def _answer(
        self,
        request: Request,
        start_response: StartResponse,
        name: str,
        cancellation: Cancellation | None = None,
        in_pool: bool = False,
    ) -> Iterable[bytes]:
        try:
            call = self._call(request, start_response, name)
        except StoreUnavailable as error:
            return self._refuse_without_store(error, request, start_response)
        call.in_pool, call.cancellation = in_pool, cancellation
        call.context.namespace.append(call.exchange)
        return self._run(call, self._steps)

    def _refuse_without_store(self, error: StoreUnavailable, request: Request, start_response: StartResponse) -> Iterable[bytes]:
        """Answer a request that cannot even be numbered, because the store does not answer."""
        refusal = self._unavailable(error)
        id = overrides.request_id(request) or f"req_{os.urandom(16).hex()}"
        environ = request.environ
        facts = {"request_id": id, "namespace": readable(name_of(environ, self.config.isolate)), "status": refusal.status}
        line = (environ["REQUEST_METHOD"], environ.get("PATH_INFO") or "/", refusal.status, refusal.code)
        self.log.info("%s %s %d %s", *line, extra={"facts": facts})
        body = payloads.encode(refusal.body())
        headers = [
            ("content-type", "application/json"),
            ("content-length", str(len(body))),
            ("x-request-id", id),
            *refusal.headers.items(),
            *cors.cors(request, self.config.cors),
        ]
        start_response(payloads.status_line(refusal.status), headers)
        return [body]

    def _unavailable(self, error: StoreUnavailable) -> APIError:
        """The refusal of a request that needs a store which does not answer."""
        if self.namespaces.failure is None:
            # Later requests would only repeat it. The store logs that it answers again.
            self.namespaces.failure = str(error)
            self.log.warning("%s", error)
        return unavailable(error)

    def _preflight_origins(self, environ: Environ) -> str | Sequence[str] | None:
        """The origins that may send the request which a browser asks about. An unknown path has the setting of all others."""
        try:
            operation = ROUTER.find(
                environ.get("HTTP_ACCESS_CONTROL_REQUEST_METHOD") or "", environ.get("PATH_INFO") or "/"
            ).operation
        except APIError:
            return self.config.cors
        return self.sender.origins(operation)

    def perform(
        self, method: str, path: str, headers: Mapping[str, str], body: Any, namespace: str = "default", *, record: bool = False
    ) -> Response:
        """Make a call of the mock's own, such as a batch line: the same stages, without authentication and rate limits.

        ``body`` is bytes, None, or a value to send as JSON. ``record`` adds the call to the journal, the metrics and the log,
        for work that no exchange stands for. It may block: call it in a thread of the pool, and close the body.
        """
        environ, head = asks.environ(method, path, headers, body), []

        def start_response(status: str, response_headers: Sequence[tuple[str, str]]) -> None:
            head.append((int(status[:3]), response_headers))

        request = Request(environ, self.config.max_body)
        try:
            call = self._call(request, start_response, namespace)
        except StoreUnavailable as error:
            content = self._refuse_without_store(error, request, start_response)
            return Response(*head[0], content)
        call.in_pool, call.recorded = True, record
        if record:
            call.context.namespace.append(call.exchange)
        content = self._run(call, self._internal_steps)
        return Response(*head[0], content)

    def _call(self, request: Request, start_response: StartResponse, name: str) -> Call:
        started = monotonic()
        context = Context(self.namespaces[name], self.sender.clock, self.config.seed, self.config, self.jobs)
        environ = request.environ
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO") or "/"
        exchange = Exchange(context.number, context.now, name, method, path, next(self.order), started)
        exchange.id = context.request_id = overrides.request_id(request) or context.ids.hex("req_")
        return Call(request, start_response, context, exchange, started)

    def _run(self, call: Call, steps: Steps) -> Iterable[bytes]:
        """Run stages and send the response. Errors of every stage are answered here, in the API's envelope."""
        try:
            for step in steps:
                stage, may_block = step
                if may_block is not None and not call.in_pool and may_block(self, call):
                    return self._move_to_pool(call, steps[steps.index(step) :])
                if stage(self, call):
                    return self.sender.send_prepared(call)
            return self.sender.send(call)
        except APIError as error:
            if self.config.unmatched == "proxy" and stage in (route, read):
                return self._run(call, self._unread_steps)
            refusal = error
        except Hangup:
            raise
        except StoreUnavailable as error:
            refusal = self._unavailable(error)
        except Exception:
            from .log_line import facts

            extra = {"facts": facts(call.exchange)}
            self.log.exception("%s %s failed", call.exchange.method, call.exchange.path, extra=extra)
            refusal = api_error(500)
        # Without the store, what was remembered there is out of reach.
        with suppress(StoreUnavailable):
            forget(call)
        return self.sender.refuse(call, refusal)

    def _move_to_pool(self, call: Call, steps: Steps) -> Iterable[bytes]:
        """Run the remaining stages in the host's thread pool, or here when the host has none."""
        call.in_pool = True

        def run(cancellation: Cancellation | None) -> Iterable[bytes]:
            call.cancellation = cancellation
            return self._run(call, steps)

        return self._in_pool(call.request.environ, run)

    def _in_pool(self, environ: Environ, run: Callable[[Cancellation | None], Iterable[bytes]]) -> Iterable[bytes]:
        """Run a function in the host's thread pool; it gets what cancels the wait for the upstream when the client leaves."""
        cancellation = None if self.config.upstream is None else Cancellation()
        deferred = defer(environ, lambda: run(cancellation))
        if cancellation is not None and isinstance(deferred, Deferred):
            deferred.stop = cancellation.cancel
        return deferred

    def _upstream(self) -> Proxy:
        if self.config.upstream is None:
            return NoProxy()
        from .proxy import UpstreamProxy

        return UpstreamProxy(self)
