"""The application: one WSGI callable that takes every request the one way, from Request to Exchange."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import deepcopy
from functools import cache, partial
from typing import Any, NamedTuple

from .. import lint
from ..api import Operation
from ..api.router import Route, Routes
from ..config.load import Config, load_reply, load_rules
from ..errors import APIError, Hangup
from ..http import auth, cors
from ..http.catalog import api_error
from ..http.request import Request
from ..params.table import unknown
from ..replies import auto
from ..replies.plan import Plan, combine, make_reply, plan, ready
from ..rules.explain import no_match
from ..rules.rule import Rule, build, groups, plan_for_hit
from ..rules.ruleset import RuleSet
from ..seed import digest
from ..state.limits import RateLimits, requested_tokens
from ..state.namespace import Context, Namespaces, name_of
from ..types.ask import Ask, Match
from ..types.exchange import Exchange
from ..types.reply import Block, Reply
from . import overrides
from .call import Call, StartResponse
from .sender import Sender, raw

log = logging.getLogger("openaimock")
#: A match that may take longer than this many seconds is made off the server's loop.
SLOW = 0.005
#: A body of more bytes counts by its size against the memory of the journal.
LARGE = 4096
#: So is the answer to a request with more inputs than this.
MANY = 16
#: Bodies of up to so many bytes are remembered, and so many of them.
SHORT, REMEMBERED = 4096, 1024
_ROUTES = Routes()

Environ = dict[str, Any]


class Selection(NamedTuple):
    """What answers an Ask: the plan of a reply, the match that led to it, which of the rule's replies it is, the hit's number."""

    plan: Plan
    match: Match | None = None
    which: int = 0
    number: int = 1


class App(Sender):
    """A mock as a WSGI application. ``config`` is all it was told; ``book`` has its rules, ``spaces`` what it remembers."""

    def __init__(self, config: Config, log: logging.Logger = log) -> None:
        super().__init__(config, log)
        self._asks: dict[tuple[str, str | None, bytes], Ask] = {}
        self.namespaces = Namespaces(config)
        self._order = itertools.count(1)
        self._defaults = {"turns": config.turns, "pace": config.pace, "latency": config.latency}
        self.ruleset = RuleSet(self.build(config.rules), first=config.match == "first")
        self._unmatched = self._plan(config.unmatched)
        self._keys = [key.encode() for key in config.api_keys]
        self.lints = config.lint != "off"
        self._limits = RateLimits(config.limits) if config.limits else None
        #: Held while rules are added, replaced or removed.
        self.changing = threading.Lock()

    def build(self, given: Iterable[Mapping[str, Any]]) -> list[Rule]:
        """Rules from their normal form, with the file's own defaults."""
        return [build(rule, number, self._defaults) for number, rule in enumerate(given)]

    def add_rules(self, given: Any, place: str = "") -> list[Rule]:
        """Append rules as ``load_rules`` takes them; ``place`` is where they stand, when that is no file. ConfigError."""
        with self.changing:
            taken = {rule.id for rule in self.ruleset.rules}
            normal = load_rules(given, config=self.config, taken_ids=taken)
            added = self.build({**rule, "place": place or rule["place"]} for rule in normal)
            self.ruleset.add(added)
            return added

    def _plan(self, unmatched: Any) -> Plan | None:
        timing = {key: value for key, value in self._defaults.items() if key != "turns" and value is not None}
        if unmatched == "auto":
            return plan({"auto": True}, timing)
        return None if isinstance(unmatched, str) else plan(unmatched["reply"], timing)

    # The stages

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request (PEP 3333)."""
        started = time.perf_counter()
        request = Request(environ, self.config.max_body)
        path, method = environ.get("PATH_INFO") or "/", environ["REQUEST_METHOD"]
        if method == "OPTIONS":
            start_response("204 No Content", [("content-length", "0"), *cors.preflight(request, self.config.cors)])
            return []
        namespace = self.namespaces[name_of(environ, self.config.isolate)]
        context = Context(namespace, self.clock, self.config.seed, self.config)
        exchange = Exchange(context.number, context.now, namespace.name, method, path, order=next(self._order))
        namespace.append(exchange)
        call = Call(request, start_response, None, context, exchange, None, started)  # type: ignore[arg-type]
        exchange.id = context.request_id = overrides.request_id(request) or context.ids.hex("req_")
        return self._guarded(call, self._read)

    def _guarded(self, call: Call, stage: Callable[[Call], Iterable[bytes]]) -> Iterable[bytes]:
        """Run a stage; whatever goes wrong in it is answered in the API's envelope."""
        try:
            return stage(call)
        except APIError as error:
            return self.refuse(call, error)
        except Hangup:
            raise
        except Exception:
            self.log.exception("%s %s failed", call.exchange.method, call.exchange.path)
            return self.refuse(call, api_error(500))

    def _later(self, call: Call, stage: Callable[[Call], Iterable[bytes]]) -> Iterable[bytes]:
        """Run a stage that may take its time where the host says: in a thread of its pool, or right here."""
        defer = call.request.environ.get("openaimock.defer")
        if defer is None:
            return stage(call)
        deferred: Iterable[bytes] = defer(lambda: self._guarded(call, stage))
        return deferred

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
