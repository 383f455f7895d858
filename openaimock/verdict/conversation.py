"""Checks of the conversations that a client sends: tool results, loops, broken answers and growth."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from ..http.catalog import printable
from ..lint.conversation import of_tools
from ..types.ask import Ask, Message, ToolCall
from ..types.exchange import Exchange
from . import run as runs
from .retries import Evidence
from .run import Run, failure

#: Rounds of tool calls after one user message.
MAX_ROUNDS = 25
#: Rounds in a row with the same call.
SAME_CALLS = 5
#: Equal requests in a row that were answered.
SAME_REQUESTS = 10
#: Requests that extend one conversation: so many, or fewer when it also has so many characters.
EXTENSIONS, LARGE_EXTENSIONS, LARGE = 25, 10, 32_000
#: Conversations that are followed at the same time.
MAX_CONVERSATIONS = 64
#: Texts of an assistant message that stand for no answer.
_EMPTY = frozenset(["", "None", "null", "undefined"])
#: Characters that an error message must have to be recognised in a text.
_MIN_MESSAGE = 15


def tool_results(*checks: str) -> Callable[[Run], Iterator[Evidence]]:
    """A check that reports these findings of lint about tool calls and their results."""

    def check(run: Run) -> Iterator[Evidence]:
        for exchange in run.exchanges:
            if exchange.ask is not None and exchange.ask.messages:
                for finding in of_tools(exchange.ask):
                    if finding.check in checks:
                        yield Evidence(finding.message, (exchange,))

    return check


def repeated_results(run: Run) -> Iterator[Evidence]:
    """Several results for one call: also of Responses, where the request is not refused for it."""
    yield from tool_results("duplicate_tool_call_id", "duplicate_item")(run)
    for exchange in run.exchanges:
        if exchange.ask is None or exchange.endpoint != "responses":
            continue
        messages = exchange.ask.messages
        calls = Counter(call.id for message in messages for call in message.tool_calls)
        results = Counter(message.tool_call_id for message in messages if message.role == "tool" and message.tool_call_id)
        for id, count in results.items():
            if count > max(1, calls[id]):
                yield Evidence(f"the call {printable(str(id), 80)} has {count} results", (exchange,))


def _rounds(messages: Sequence[Message]) -> list[tuple[tuple[str, str], ...]]:
    """The tool calls of each assistant message after the last user message, without their ids."""
    last = max((at for at, message in enumerate(messages) if message.role == "user"), default=-1)
    return [_calls(message.tool_calls) for message in messages[last + 1 :] if message.tool_calls]


def _calls(calls: Sequence[ToolCall]) -> tuple[tuple[str, str], ...]:
    return tuple((call.name, call.arguments) for call in calls)


def same_call(run: Run) -> Iterator[Evidence]:
    """A tool call that the model repeats and the client executes each time."""
    for exchange in run.exchanges:
        rounds = [] if exchange.ask is None else _rounds(exchange.ask.messages)
        if len(rounds) >= SAME_CALLS and len(set(rounds[-SAME_CALLS:])) == 1:
            name = rounds[-1][0][0]
            yield Evidence(f"the same call of {name!r} was executed {SAME_CALLS} times in a row or more", (exchange,))


def endless_loop(run: Run) -> Iterator[Evidence]:
    """A loop of tool calls that the client does not end."""
    for exchange in run.exchanges:
        if exchange.ask is not None and exchange.ask.messages and exchange.ask.step >= MAX_ROUNDS:
            yield Evidence(f"a user message was followed by {MAX_ROUNDS} rounds of tool calls or more", (exchange,))


def same_request(run: Run) -> Iterator[Evidence]:
    """The same request in a row, although it was answered."""
    group: list[Exchange] = []
    before: object = None
    for exchange in run.exchanges:
        key = runs.fingerprint(exchange)
        if group and (key != before or not runs.follows(group[-1], exchange)):
            group = []
        before = key
        if failure(exchange) or exchange.method == "GET":
            group = []
        else:
            group.append(exchange)
        if len(group) == SAME_REQUESTS:
            yield Evidence(f"the same request was sent {SAME_REQUESTS} times in a row, and answered each time", tuple(group))
            group = []


# Broken and empty answers


def _later_answers(run: Run, exchange: Exchange) -> Iterator[tuple[Exchange, Message]]:
    """The assistant messages in the conversations of the next requests."""
    for later in islice(run.after(exchange), runs.REACH):
        for message in later.ask.messages if later.ask is not None else ():
            if message.role == "assistant":
                yield later, message


def partial_taken_as_whole(run: Run) -> Iterator[Evidence]:
    """The first part of a broken stream in a later conversation, as if it were the answer."""
    for exchange in run.exchanges:
        if later := _use_of_part(run, exchange):
            yield Evidence("a stream broke off, and its first part is an assistant message of a later request", (exchange, later))


def _use_of_part(run: Run, exchange: Exchange) -> Exchange | None:
    """The later request whose conversation has a part of the text of a broken stream."""
    text = exchange.reply.text if exchange.reply is not None else None
    if not text or failure(exchange) != "broken":
        return None
    for later, message in _later_answers(run, exchange):
        part = message.text
        if part.strip() and len(part) < len(text) and text.startswith(part):
            return later
    return None


def broken_not_repeated(run: Run) -> Iterator[Evidence]:
    """A broken stream whose request was never sent again."""
    for group in run.attempts:
        last = group[-1]
        if failure(last) != "broken" or runs.is_asked_elsewhere(run, last):
            continue
        if _use_of_part(run, last) is None:
            yield Evidence("a stream broke off, and the request was never repeated", tuple(group))


def error_as_answer(run: Run) -> Iterator[Evidence]:
    """The message of an API error in the conversation, as an answer of the model."""
    reported: set[str] = set()
    for exchange in run.exchanges:
        error = exchange.error
        if error is None or len(error.message) < _MIN_MESSAGE or error.message in reported:
            continue
        for later, message in _later_answers(run, exchange):
            if error.message in message.text:
                reported.add(error.message)
                yield Evidence("the message of an error is an assistant message of a later request", (exchange, later))
                break


def empty_as_answer(run: Run) -> Iterator[Evidence]:
    """An empty answer in the conversation, perhaps as the text "None"."""
    for exchange in run.exchanges:
        reply = exchange.reply
        if (
            reply is None
            or failure(exchange)
            or reply.raw
            or any(block.text or block.call or block.data for block in reply.blocks)
        ):
            continue
        if reply.auto or reply.proxy or exchange.endpoint not in ("chat", "responses"):
            continue
        for later, message in _later_answers(run, exchange):
            if message.text.strip() in _EMPTY and not message.tool_calls:
                yield Evidence("an empty answer is an assistant message of a later request", (exchange, later))
                break


# Growth


def growth(run: Run) -> Iterator[Evidence]:
    """A conversation that every request extends and that never loses a message."""
    open_ends: list[list[Exchange]] = []
    for exchange in run.exchanges:
        if exchange.ask is None or not exchange.ask.messages or _is_shortened(exchange.ask):
            continue
        group = next((group for group in open_ends if _extends(group[-1], exchange)), None)
        if group is None:
            group = []
        else:
            open_ends.remove(group)
        open_ends.insert(0, group)
        del open_ends[MAX_CONVERSATIONS:]
        group.append(exchange)
    for group in open_ends:
        extensions, ask = len(group) - 1, group[-1].ask
        if ask is not None and (extensions >= EXTENSIONS or (extensions >= LARGE_EXTENSIONS and ask.size >= LARGE)):
            yield Evidence(f"{extensions} requests extended one conversation, now {ask.size} characters", tuple(group))


def _is_shortened(ask: Ask) -> bool:
    """Whether the request asks the API to shorten the conversation."""
    return ask.body.get("truncation") == "auto" or bool(ask.body.get("context_management"))


def _extends(earlier: Exchange, later: Exchange) -> bool:
    """Whether a conversation is that of an earlier request with further messages."""
    if earlier.ask is None or later.ask is None:
        return False
    messages = earlier.ask.messages
    return len(later.ask.messages) > len(messages) and list(later.ask.messages[: len(messages)]) == list(messages)


def not_reduced(run: Run) -> Iterator[Evidence]:
    """A conversation that was refused as too long and is sent again as long as before, or longer."""
    for exchange in run.exchanges:
        if failure(exchange) != "too_long":
            continue
        for later in run.after(exchange):
            if _is_as_long(exchange, later):
                yield Evidence("a conversation was too long, and a later request did not shorten it", (exchange, later))
                break


def _is_as_long(earlier: Exchange, later: Exchange) -> bool:
    """Whether a request asks the same model with the same conversation, or a longer one. Another model may have more room."""
    if earlier.ask is None or later.ask is None or later.ask.model != earlier.ask.model or _is_shortened(later.ask):
        return False
    return runs.question(later) == runs.question(earlier) or _extends(earlier, later)
