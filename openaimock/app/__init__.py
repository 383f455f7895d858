"""The application: one WSGI callable that takes every request through the same stages, from Request to Exchange."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from ..config.load import Config, load_rules
from ..errors import APIError, Hangup
from ..http import cors
from ..http.catalog import api_error
from ..http.request import Request
from ..rules.rule import Rule, build
from ..rules.ruleset import RuleSet
from ..state.limits import RateLimits
from ..state.namespace import Context, Namespaces, name_of
from ..types.exchange import Exchange
from . import asks, overrides
from .call import Call, StartResponse
from .sender import Sender
from .sources import unmatched_plan
from .stages import (
    authenticate,
    limit,
    lint,
    match,
    match_may_block,
    override,
    read,
    reply,
    reply_may_block,
    route,
    write,
)

log = logging.getLogger("openaimock")

Environ = dict[str, Any]
Stage = Callable[["App", Call], None]
#: A stage with the test whether it may block, None for one that never does.
Steps = Sequence[tuple[Stage, Callable[["App", Call], bool] | None]]

#: The path of every request. Its response is sent after the last stage, or after a stage that raises an APIError.
STAGES: tuple[Stage, ...] = (route, authenticate, override, read, limit, lint, match, reply, write)
#: The stages that may block, each with the test. A call that may block moves to the host's thread pool.
MAY_BLOCK: Mapping[Stage, Callable[[App, Call], bool]] = {match: match_may_block, reply: reply_may_block}

#: Stages that depend on a setting; a mock without the setting skips them.
OPTIONAL: Mapping[Stage, Callable[[Config], bool]] = {
    authenticate: lambda config: bool(config.api_keys),
    override: lambda config: bool(config.overrides),
    limit: lambda config: bool(config.limits),
    lint: lambda config: config.lint != "off",
}


class Response(NamedTuple):
    """The response to a call that the mock itself makes. ``body`` sleeps where the reply has latency or pace."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: Iterable[bytes]


class App:
    """A mock as a WSGI application: its settings, rules and state, and the sender of its responses."""

    def __init__(self, config: Config, log: logging.Logger = log) -> None:
        self.config = config
        self.log = log
        self.sender = Sender(config, log)
        self.asks = asks.AskReader()
        self.namespaces = Namespaces(config)
        #: Numbers of the exchanges of all namespaces.
        self.order = itertools.count(1)
        self._defaults = {"turns": config.turns, "pace": config.pace, "latency": config.latency}
        self.ruleset = RuleSet(self.build(config.rules), first=config.match == "first")
        #: The plan that answers what no rule matches, if ``unmatched`` has one.
        self.unmatched = unmatched_plan(config.unmatched, self._defaults)
        self.keys = [key.encode() for key in config.api_keys]
        self.limits = RateLimits(config.limits or {})
        self.lints = config.lint != "off"
        stages = [stage for stage in STAGES if stage not in OPTIONAL or OPTIONAL[stage](config)]
        self._steps: Steps = tuple((stage, MAY_BLOCK.get(stage)) for stage in stages)
        #: The path of a call that the mock itself makes: its cause was authenticated and counted.
        self._internal_steps: Steps = tuple(step for step in self._steps if step[0] not in (authenticate, limit))
        #: Held while rules are added, replaced or removed.
        self.changing = threading.Lock()

    def build(self, rules: Iterable[Mapping[str, Any]]) -> list[Rule]:
        """Rules from their normal form, with the defaults of the configuration."""
        return [build(rule, number, self._defaults) for number, rule in enumerate(rules)]

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
            start_response("204 No Content", [("content-length", "0"), *cors.preflight(request, self.config.cors)])
            return []
        call = self._call(request, start_response, name_of(environ, self.config.isolate))
        call.context.namespace.append(call.exchange)
        return self._run(call, self._steps)

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

        call = self._call(Request(environ, self.config.max_body), start_response, namespace)
        call.in_pool, call.recorded = True, record
        if record:
            call.context.namespace.append(call.exchange)
        content = self._run(call, self._internal_steps)
        return Response(*head[0], content)

    def _call(self, request: Request, start_response: StartResponse, name: str) -> Call:
        started = time.perf_counter()
        context = Context(self.namespaces[name], self.sender.clock, self.config.seed, self.config)
        environ = request.environ
        method, path = environ["REQUEST_METHOD"], environ.get("PATH_INFO") or "/"
        exchange = Exchange(context.number, context.now, name, method, path, order=next(self.order))
        exchange.id = overrides.request_id(request) or context.ids.hex("req_")
        return Call(request, start_response, context, exchange, started)

    def _run(self, call: Call, steps: Steps) -> Iterable[bytes]:
        """Run stages and send the response. Errors of every stage are answered here, in the API's envelope."""
        try:
            for at, (stage, may_block) in enumerate(steps):
                if may_block is not None and not call.in_pool and may_block(self, call):
                    return self._move_to_pool(call, steps[at:])
                stage(self, call)
            return self.sender.send(call)
        except APIError as error:
            refusal = error
        except Hangup:
            raise
        except Exception:
            self.log.exception("%s %s failed", call.exchange.method, call.exchange.path)
            refusal = api_error(500)
        return self.sender.refuse(call, refusal)

    def _move_to_pool(self, call: Call, steps: Steps) -> Iterable[bytes]:
        """Run the remaining stages in the host's thread pool, or here when the host has none."""
        call.in_pool = True
        defer = call.request.environ.get("openaimock.defer")
        if defer is None:
            return self._run(call, steps)
        deferred: Iterable[bytes] = defer(lambda: self._run(call, steps))
        return deferred
<<<<<<< HEAD
=======

    def _read(self, call: Call) -> Iterable[bytes]:
        """Request to Ask."""
        request = call.request
        route = _ROUTES.find(call.exchange.method, call.exchange.path)
        call.endpoint, request.params, request.store = route.operation, route.params, call.context.store
        call.exchange.endpoint = route.operation.name
        if self._keys:
            auth.admit(request, self._keys, "key" in self.config.isolate)
        if self.config.overrides:
            call.fault, call.latency = overrides.fault(request), overrides.latency(request)
        ask = call.ask = call.exchange.ask = self._ask(request, route)
        ask.method, ask.path, ask.params = call.exchange.method, route.path, route.params
        ask.namespace, ask.headers = call.exchange.namespace, request.headers
        ask.state = call.context.namespace.scenarios()
        ask.attempt = overrides.attempt(request)
        if len(raw := request.raw) > LARGE:
            # Python needs about 60 bytes for a small JSON value beside its text.
            call.context.namespace.charge(call.exchange, 2 * len(raw) + 60 * raw.count(b","))
        if self._limits is not None:
            self._limit(call)
        if self.lints:
            self._lint(call)
        if self.ruleset.cost(ask) > SLOW:
            return self._later(call, self._match)
        return self._match(call)

    def _ask(self, request: Request, route: Route) -> Ask:
        """What a request asks. Tests and agents say the same again and again: a body that was read before is remembered."""
        endpoint = route.operation
        if not endpoint.alone or route.params:
            return endpoint.read(request)
        said = (endpoint.path, request.environ.get("CONTENT_TYPE"), request.raw)
        known = self._asks.get(said)
        if known is not None:
            return known.copy()
        ask = endpoint.read(request)
        if len(said[2]) <= SHORT:
            if len(self._asks) >= REMEMBERED:
                self._asks.clear()
            self._asks[said] = ask
        return ask

    def _match(self, call: Call) -> Iterable[bytes]:
        """Ask to Match, and to the plan of a Reply."""
        if call.endpoint.split is not None:
            parts = call.endpoint.split(call.ask)
            if parts:
                return self._match_each(call, parts)
        found = self._find(call, call.ask)
        if found is None:
            return self._speak(call, None)
        call.exchange.match, call.which = found.match, found.which
        if found.plan.function is not None:
            return self._later(call, lambda call: self._carry_out(call, found))
        return self._carry_out(call, found)

    def _carry_out(self, call: Call, found: Selection) -> Iterable[bytes]:
        """Plan to Reply; a user's function may take its time, and so may making up what fits a schema."""
        reply = found.plan.ready or self._reply(found, call.ask)
        if reply.auto and (call.ask.tools or call.ask.response_format):
            return self._later(call, lambda call: self._speak(call, reply))
        return self._speak(call, reply)

    def _match_each(self, call: Call, parts: Sequence[Ask]) -> Iterable[bytes]:
        """Several inputs in one request: each is asked about as if it had come alone."""
        found = [self._find(call, part) for part in parts]
        if len(parts) > MANY or any(each is not None and each.plan.function for each in found):
            return self._later(call, lambda call: self._speak_each(call, parts, found))
        return self._speak_each(call, parts, found)

    def _speak_each(self, call: Call, parts: Sequence[Ask], found: Sequence[Selection | None]) -> Iterable[bytes]:
        """The replies to several inputs become one."""

        def said(each: Selection, part: Ask) -> Reply:
            reply = self._reply(each, part)
            return auto.fill(part, reply, call.context.ids.random) if reply.auto else reply

        joined = combine([each and said(each, part) for each, part in zip(found, parts, strict=True)])
        if joined is None:
            return self._speak(call, None)
        lead, reply = joined
        leading = found[lead]
        if leading is not None:
            call.exchange.match, call.which = leading.match, leading.which
        return self._speak(call, reply)

    def _find(self, call: Call, ask: Ask) -> Selection | None:
        """What answers an Ask: a rule, or what there is for those that none matches. None: the endpoint's own answer."""
        namespace = call.context.namespace
        while True:
            match = self.ruleset.match(ask, namespace.hits())
            if match is None:
                return self._unanswered(call, ask)
            used = namespace.claim(match.rule.id, match.rule.times, answer=match.answer)
            if used is not None:
                break
        plan = plan_for_hit(match.rule, match.answer, used)
        if plan is None:
            call.exchange.match = match
            raise APIError(400, _all_said(match), code="no_match", headers={"x-should-retry": "false"})
        return Selection(plan, match, match.answer if match.answer >= 0 else used, used + 1)

    def _unanswered(self, call: Call, ask: Ask) -> Selection | None:
        """What an Ask gets that no rule matches."""
        if call.endpoint.own:
            return None
        if self._unmatched is not None:
            return Selection(self._unmatched, number=call.context.number)
        if self.config.unmatched == "echo":
            return Selection(Plan(Reply(blocks=(Block("text", ask.user or ask.text),)), {}))
        refusal = no_match(ask, self.ruleset.nearest(ask, call.context.namespace.hits()))
        self.log.warning("%s", refusal.message)
        raise refusal

    def _reply(self, found: Selection, ask: Ask) -> Reply:
        """The Reply of a plan."""
        plan, match = found.plan, found.match
        if plan.function is not None:
            return self._called(plan, ask)
        return ready(plan, ask, lambda: groups(match.rule, ask) if match else {}, found.number)

    def _called(self, plan: Plan, ask: Ask) -> Reply:
        """The Reply of a user's function."""
        assert plan.function is not None
        # Its own copy of the body: what a function does to it is nobody else's matter.
        own = ask.copy()
        own.body = deepcopy(ask.body)
        given = plan.function(own)
        if isinstance(given, Reply):
            return given
        timing = {key: value for key, value in plan.plain.items() if key != "function"}
        return make_reply({**timing, **load_reply(given)})

    def _speak(self, call: Call, reply: Reply | None) -> Iterable[bytes]:
        """Reply to response."""
        call.exchange.reply = reply
        if reply is None:
            return self.send(call, call.endpoint.write(call.ask, None, call.context), Reply())
        namespace = call.context.namespace
        if reply.fail is not None and namespace.fail(call.exchange.rule or "", call.which, reply.fail.times):
            return self.refuse(call, _rule_error(reply.fail.error, call), reply)
        namespace.set_scenarios(reply.set_state)
        if reply.error is not None:
            return self.refuse(call, _rule_error(reply.error, call), reply)
        if reply.raw:
            return self.send(call, raw(reply), reply)
        if reply.auto:
            reply = call.exchange.reply = auto.fill(call.ask, reply, call.context.ids.random)
        elif self.lints and (call.exchange.match is not None or self._unmatched is not None):
            self._note(call, lint.of_reply(call.ask, reply))
        return self.send(call, call.endpoint.write(call.ask, reply, call.context), reply)

    def _lint(self, call: Call) -> None:
        """Look for what the API itself would refuse; APIError when that is to be refused here, too."""
        found = call.ask.findings
        if found is None:
            linter = self.linter(call.endpoint)
            found = call.ask.findings = linter(call.ask, call.context.models.family(call.ask.model)) if linter else ()
        if found:
            self._note(call, found)
            if self.config.lint == "error":
                raise found[0].error()

    def linter(self, endpoint: Operation) -> lint.Linter | None:
        """What is looked for in an endpoint's requests; None for nothing."""
        return _linter(endpoint) if self.lints else None

    def _note(self, call: Call, found: Sequence[lint.Finding]) -> None:
        """Keep and log what lint found."""
        call.exchange.lint += found
        for finding in found:
            about = f"rule {call.exchange.rule}" if finding.about == "reply" else "request"
            self.log.warning("lint: %s %s: %s", about, finding.check, finding.message)

    def _limit(self, call: Call) -> None:
        """Take the request out of its buckets; APIError 429 when they are empty."""
        limits, ask = self._limits, call.ask
        assert limits is not None
        caller = digest(auth.key(call.request), size=8).hex()
        told = limits.admit(call.context.namespace, caller, ask.model, requested_tokens(ask), call.context.now)
        call.headers = tuple(told.items())


def _rule_error(error: Mapping[str, Any], call: Call) -> APIError:
    """The error of a rule, with the wording of the endpoint and of a model that is shut down."""
    facts = {"endpoint": call.ask.endpoint, "model": call.ask.model, **error}
    if error.get("code") == "model_not_found" and facts["endpoint"] != "responses":
        from ..params.model_history import is_shut_down  # imported here because few mocks need it

        if is_shut_down(call.ask.model, call.context.now):
            facts["code"] = "model_deprecated"
    return api_error(**facts)


@cache
def _linter(endpoint: Operation) -> lint.Linter | None:
    """What is looked for in an endpoint's requests; None when it does not say what they may hold."""
    params = endpoint.params
    if params is None:
        return None
    return lint.Linter(endpoint.name, params.shape.keys, partial(unknown, table=params))


def _all_said(match: Match) -> str:
    rule = match.rule
    return (
        "No matching response found for the provided messages: "
        f"rule {rule.id!r} fits, but all its {len(rule.plans)} replies have been given (then: error)."
    )
>>>>>>> main
