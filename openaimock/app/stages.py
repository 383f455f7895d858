"""Stages: the steps from a request to a payload. Each one sets fields of the Call; an APIError ends the call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache, partial
from typing import TYPE_CHECKING, Any

from .. import lint as linting
from ..api import Operation
from ..api.router import ROUTER
from ..delivery.complete import complete
from ..errors import APIError
from ..http import auth
from ..http.catalog import api_error
from ..params.table import unknown
from ..replies import auto
from ..replies.plan import combine
from ..replies.prepare import prepare
from ..seed import digest
from ..state.limits import requested_tokens
from ..state.namespace import Context
from ..state.store import State
from ..types.ask import Ask
from ..types.operations import OPERATIONS
from ..types.reply import Reply
from . import overrides, retries
from .call import Call
from .prepared import prepared
from .raw import raw
from .sources import SOURCES, Selection, select

if TYPE_CHECKING:
    from . import App

#: Reading a body of more bytes than this may block, sent as it is or compressed.
LARGE_JSON, LARGE_ENCODED = 256 * 1024, 4096
#: A match that may take longer than this many seconds may block.
SLOW = 0.005
#: So may the reply to a request with more inputs than this.
MANY = 16


def route(app: App, call: Call) -> None:
    """The operation of the path and method."""
    exchange = call.exchange
    try:
        call.route = ROUTER.find(exchange.method, exchange.path)
    except APIError as error:
        raise _with_hint(app, call, error) from None
    operation = call.route.operation
    call.path, exchange.endpoint, exchange.operation = operation.path, OPERATIONS[operation.id], operation.id


def _with_hint(app: App, call: Call, error: APIError) -> APIError:
    """The refusal of a path, with what is probably wrong with the base URL in a header and in the log."""
    # Imported on first use: a client that reaches its endpoint does not need it.
    from ..api.hints import base_url_hint

    exchange = call.exchange
    hint = base_url_hint(exchange.method, exchange.path) if error.status == 404 else ""
    if hint:
        error.headers["x-openaimock-hint"] = hint
        app.log.warning("%s %s: unknown path; %s", exchange.method, exchange.path, hint)
    return error


def authenticate(app: App, call: Call) -> None:
    """The API key. APIError 401 when it is none of the mock's."""
    auth.admit(call.request, app.keys, "key" in app.config.isolate)


def override(app: App, call: Call) -> None:
    """Fault, latency, rule and reply from the request's headers. APIError 400 when they are invalid."""
    environ = call.request.environ
    if overrides.FAULT in environ or overrides.LATENCY in environ:
        call.fault, call.latency = overrides.fault(call.request), overrides.latency(call.request)
    if overrides.RULE in environ or overrides.REPLY in environ:
        from . import chosen  # few requests choose their reply

        call.chosen = chosen.read(call.request)


def read(app: App, call: Call) -> None:
    """The Ask. APIError when the operation refuses the request."""
    namespace, exchange = call.context.namespace, call.exchange
    call.ask = exchange.ask = app.asks.read(call.route, call.request, namespace)
    memory = call.context.memory = call.request.memory
    if memory and call.recorded:
        namespace.charge(exchange, memory)


def inject(app: App, call: Call) -> None:
    """The fault, latency, error or other reply that a storm gives this exchange. APIError for an error."""
    injection = None if app.injector is None else app.injector.begin(call.exchange)
    if injection is None:
        return
    call.fault, call.latency = injection.fault or call.fault, injection.latency or call.latency
    call.change, call.spares = injection.change, injection.spares
    if call.spares:
        # The next attempt is answered as if there had been none.
        call.retry = None
    if injection.error is not None:
        raise _rule_error(injection.error, call)


def admit(app: App, call: Call) -> None:
    """A place among the requests that are answered at once. APIError 429 or 503 when there is none."""
    call.place = app.load.admit(call.ask.model)


def limit(app: App, call: Call) -> None:
    """Rate limits: take the request's tokens out of its buckets. APIError 429 when they are empty."""
    ask = call.ask
    caller = digest(auth.key(call.request), size=8).hex()
    headers = app.limits.admit(call.context.namespace, caller, ask.model, requested_tokens(ask), call.context.now)
    call.headers = tuple(headers.items())


def lint(app: App, call: Call) -> None:
    """Findings about the request, which ``report`` goes on with."""
    if call.ask.repeated_keys:
        # The API accepts such a body, so this finding is never an error.
        _note(app, call, linting.repeated_keys(call.ask.repeated_keys))
    if call.ask.findings is None:
        linter = linter_of(call.route.operation)
        call.ask.findings = linter(call.ask, call.context.model(call.ask.model)) if linter else ()


def report(app: App, call: Call) -> None:
    """Record the findings that hold. APIError for the first one when the mock refuses such requests."""
    findings = call.ask.findings and holding(call.ask.findings, call.context.store, call.context.now)
    if findings:
        _note(app, call, findings)
        if app.config.lint == "error":
            raise findings[0].error()


def match(app: App, call: Call) -> None:
    """The rule that matches the request, or each of its inputs."""
    split = call.route.operation.split
    if split is not None:
        call.parts = split(call.ask)
    if call.retry is not None and retries.repeat(app, call):
        return
    if call.chosen is None:
        hits = call.context.namespace.hits()
        call.matches = [app.ruleset.match(ask, hits) for ask in call.parts or (call.ask,)]


def claim(app: App, call: Call) -> bool:
    """What answers the request, or each of its inputs: the rule that matches, whose hit is counted, or ``unmatched``.

    True when the answer is prepared, so that no stage is left.
    """
    if call.repeats:
        return False
    if call.chosen is not None:
        from . import chosen

        call.selections = [chosen.select(app, call, ask, call.chosen) for ask in call.parts or (call.ask,)]
        call.selection = call.selections[0]
    elif call.parts:
        call.selections = [select(app, call, part, match) for part, match in zip(call.parts, call.matches, strict=True)]
    else:
        call.selection = select(app, call, call.ask, call.matches[0])
    if not call.parts:
        call.exchange.match = call.selection.match
    if call.retry is not None:
        retries.remember(app, call)
    if app.sender.prepares and app.sender.chaos is None and call.ask.prepared:
        call.prepared = prepared(call)
        return call.prepared is not None
    return False


def reply(app: App, call: Call) -> None:
    """The Reply, and what it does to the state. APIError when the reply is an error."""
    content = _first_content(call) if call.retry is None else retries.content(app, call, _first_content)
    if content is None:
        return
    if call.change is not None:
        content = call.change(call.ask, content)
    selection, exchange, namespace = call.selection, call.exchange, call.context.namespace
    exchange.match = selection.match
    call.reply = exchange.reply = content
    if content.fail is not None and namespace.fail(exchange.rule or "", selection.which, content.fail.times):
        raise _rule_error(content.fail.error, call)
    if content.set_state and not call.spares:
        namespace.set_scenarios({name: state for name, state in content.set_state.items() if name != selection.scenario})
    if content.error is not None:
        raise _rule_error(content.error, call)
    if content.raw or content.proxy:
        return
    if content.auto:
        call.reply = exchange.reply = auto.fill(call.ask, content, call.context.seed)
    elif app.lints and call.change is None and (selection.match is not None or app.unmatched is not None):
        findings = linting.of_reply(call.ask, content)
        if findings:
            _note(app, call, findings)


def write(app: App, call: Call) -> None:
    """The payload: the operation writes the reply, or its own answer; or the upstream answers."""
    content = call.reply
    if content is not None and content.proxy:
        # The mock need not have an operation for the request.
        call.payload = app.upstream.fetch(call)
        return
    call.payload = payload_of(call.route.operation, call.ask, content, call.context)


def payload_of(operation: Operation, ask: Ask, content: Reply | None, context: Context) -> Any:
    """What an operation sends for a Reply; for None its own answer."""
    if content is None or content.plain:
        return operation.write(ask, content, context)
    if content.raw:
        return raw(content)
    return complete(operation.write(ask, prepare(ask, content), context), ask, content)


def pass_on(app: App, call: Call) -> None:
    """The Reply to a request that the mock cannot read, and ``unmatched: proxy`` sends to the upstream."""
    call.reply = call.exchange.reply = app.unmatched.ready if app.unmatched is not None else None


# What may block


def read_may_block(app: App, call: Call) -> bool:
    """Whether the body is so large that decoding and parsing it take long."""
    environ = call.request.environ
    length = environ.get("CONTENT_LENGTH") or "0"
    limit = LARGE_ENCODED if "HTTP_CONTENT_ENCODING" in environ else LARGE_JSON
    return len(length) > 12 or (length.isdecimal() and int(length) > limit)


def match_may_block(app: App, call: Call) -> bool:
    """Whether matching may take long."""
    return app.ruleset.cost(call.ask) > SLOW


def reply_may_block(app: App, call: Call) -> bool:
    """Whether making the reply or its payload may take long."""
    blocking = call.route.operation.blocking
    if blocking is not False and (blocking is True or blocking(call.ask)):
        return True
    if not call.parts:
        ready = call.selection.plan.ready
        return (ready is None or ready.auto or ready.proxy) and _may_block(call.ask, call.selection)
    return len(call.parts) > MANY or any(map(_may_block, call.parts, call.selections))


# What may block besides when other processes share the state


def read_may_wait(app: App, call: Call) -> bool:
    """Whether reading the request asks the store for an object; its operation does so then, too."""
    return call.route.operation.alone is not True


def report_may_wait(app: App, call: Call) -> bool:
    """Whether a finding depends on an object of the store."""
    return any(finding.unless for finding in call.ask.findings or ())


def match_may_wait(app: App, call: Call) -> bool:
    """Whether matching asks the store for hits or scenarios."""
    return app.ruleset.reads_state


def claim_may_wait(app: App, call: Call) -> bool:
    """Whether a hit needs its number."""
    if call.chosen is not None:
        return True
    for match in call.matches:  # noqa: SIM110 - any() takes longer
        if match is not None and match.rule.asks_state:
            return True
    return False


def reply_may_wait(app: App, call: Call) -> bool:
    """Whether the reply changes the state."""
    if not call.selections:
        return call.selection.plan.changes_state
    return any(selection.plan.changes_state for selection in call.selections)


def write_may_wait(app: App, call: Call) -> bool:
    """Whether the operation stores an object, or remembers the prompt."""
    return app.config.prompt_cache or call.route.operation.alone is not True or bool(call.ask.body.get("store"))


# Parts of the stages


def _may_block(ask: Ask, selection: Selection) -> bool:
    return SOURCES[selection.source].may_block(ask, selection)


def _reply(ask: Ask, selection: Selection) -> Reply | None:
    return SOURCES[selection.source].reply(ask, selection)


def _first_content(call: Call) -> Reply | None:
    """The Reply of what answers the request, or of what answers each of its inputs."""
    return _combined(call) if call.parts else call.selection.plan.ready or _reply(call.ask, call.selection)


def _combined(call: Call) -> Reply | None:
    """One Reply for several inputs; the selection of the decisive one becomes that of the request."""
    replies = [_reply(part, selection) for part, selection in zip(call.parts, call.selections, strict=True)]
    filled = [
        auto.fill(part, content, call.context.seed) if content is not None and content.auto else content
        for part, content in zip(call.parts, replies, strict=True)
    ]
    combined = combine(filled)
    if combined is None:
        return None
    lead, content = combined
    call.selection = call.selections[lead]
    return content


def _rule_error(error: Mapping[str, Any], call: Call) -> APIError:
    """The error of a rule, with the wording of the endpoint and of a model that is shut down."""
    facts = {"endpoint": call.ask.endpoint, "model": call.ask.model, **error}
    if error.get("code") == "model_not_found" and facts["endpoint"] != "responses":
        from ..params.model_history import is_shut_down  # imported here because few mocks need it

        if is_shut_down(call.ask.model, call.context.now):
            facts["code"] = "model_deprecated"
    return api_error(**facts)


def _note(app: App, call: Call, findings: Sequence[linting.Finding]) -> None:
    """Record and log lint findings."""
    call.exchange.lint = [*call.exchange.lint, *findings]
    for finding in findings:
        subject = f"rule {call.exchange.rule}" if finding.about == "reply" else "request"
        app.log.warning("lint: %s %s: %s", subject, finding.check, finding.message)


def holding(findings: Sequence[linting.Finding], store: State, now: float) -> list[linting.Finding]:
    """The findings that hold for what is stored, without their conditions."""
    valid = [finding for finding in findings if finding.unless is None or not _is_stored(*finding.unless, store, now)]
    return [finding._replace(unless=None) if finding.unless else finding for finding in valid]


def _is_stored(kind: str, id: str, store: State, now: float) -> bool:
    if kind == "file":
        from ..api import stored_files  # imported here because few prompts name stored files

        return stored_files.get(store, id, now) is not None
    from ..api.vector_stores.store import STORES

    return store.get(STORES, id) is not None


@cache
def linter_of(operation: Operation) -> linting.Linter | None:
    """The lint of an operation's requests; None when its parameters are not listed."""
    params = operation.params
    if params is None:
        return None
    return linting.Linter(operation.name, params.shape.keys, partial(unknown, table=params))
