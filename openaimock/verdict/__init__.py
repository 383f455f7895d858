"""Verdict: what the exchanges of a run show about the client, by the codes of one table, each with its proof."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from difflib import get_close_matches
from typing import Any, NamedTuple

from ..types.exchange import Exchange
from . import conversation, retries
from .retries import Evidence
from .run import Run, runs

__all__ = ["CODES", "Code", "Finding", "check_codes", "findings", "lines"]

#: The most findings of one code, and the most exchanges that one finding names.
MAX_FINDINGS, MAX_EXCHANGES = 20, 20


class Code(NamedTuple):
    """One row of the table: what the client did, what to change, and the check that finds it in a Run."""

    name: str
    doc: str
    remedy: str
    check: Callable[[Run], Iterator[Evidence]]


class Finding(NamedTuple):
    """One finding: ``exchanges`` has the ``order`` of those that prove it, at most ``MAX_EXCHANGES``."""

    code: str
    message: str
    exchanges: tuple[int, ...]
    namespace: str = "default"

    @property
    def remedy(self) -> str:
        """What to change in the client."""
        return next(code.remedy for code in CODES if code.name == self.code)

    def data(self) -> dict[str, Any]:
        """The finding as JSON, with its remedy."""
        return {**self._asdict(), "exchanges": list(self.exchanges), "remedy": self.remedy}


CODES: tuple[Code, ...] = (
    # After a failure
    Code("retry_without_backoff", "A failed request is repeated at once.",
         "Wait before each retry: half a second, then twice as long each time, with some randomness.", retries.without_backoff),
    Code("retry_at_constant_interval", "Several retries wait equally long.",
         "Double the wait before each further retry.", retries.constant_interval),
    Code("retry_after_ignored", "A retry comes before the time in ``retry-after`` has passed.",
         "Wait for the seconds of ``retry-after`` (or the milliseconds of ``retry-after-ms``).", retries.ignored_retry_after),
    Code("retried_client_error", "A request that was refused for good (400, 401, 403, 404, 422) is repeated unchanged.",
         "Retry only 408, 409, 429 and 5xx; report other errors.", retries.client_error),
    Code("retried_without_quota", "A request is repeated after ``insufficient_quota``.",
         "Treat the code ``insufficient_quota`` as final: waiting does not help.", retries.no_quota),
    Code("endless_retry", "One request fails more than ten times and is sent again each time.",
         "Give up after a few attempts, or after a total time.", retries.endless_retry),
    Code("not_retried", "A failure that usually passes (429, 5xx, a lost connection) is never retried.",
         "Retry such failures a few times with growing waits; ``max_retries`` of the official SDK does.", retries.not_retried),
    Code("requests_while_limited", "Other requests are sent while a 429 asks to wait.",
         "Share one wait among all requests to the endpoint.", retries.while_limited),
    Code("timeout_too_short", "The client closes the connection before the answer ends, and repeats the request, twice or more.",
         "Use a longer timeout, or streaming: each answer that is cut off is paid for.", retries.short_timeout),
    Code("no_timeout", "The client waits a minute or more for an answer that has stopped.",
         "Set a read timeout between two pieces of an answer.", retries.no_timeout),
    Code("polling_too_fast", "A state is polled more than twice a second.",
         "Wait at least a second between polls, or use the SDK's helper for polling.", retries.fast_polling),
    # Streams and answers
    Code("broken_stream_not_repeated", "A stream breaks off, and the request is never repeated.",
         "Treat a stream without its last event as failed and repeat the request.", conversation.broken_not_repeated),
    Code("broken_stream_taken_as_whole", "The first part of a broken stream is used as the answer.",
         "Use a streamed answer only after its ``finish_reason`` or ``response.completed`` has arrived.",
         conversation.partial_taken_as_whole),
    Code("error_taken_as_answer", "The message of an API error is in the conversation as an answer of the model.",
         "Keep errors out of the conversation.", conversation.error_as_answer),
    Code("empty_answer_taken", "An empty answer is in the conversation, perhaps as the text ``None``.",
         "Check that an answer has content or tool calls before it is used.", conversation.empty_as_answer),
    # Tools and conversations
    Code("tool_result_missing", "A tool call has no result in the next request.",
         "Answer every call of a message, also one that failed or is unknown: the result then is the error.",
         conversation.tool_results("unanswered_tool_call")),
    Code("tool_result_out_of_place", "A tool result has no call before it.",
         "Keep each result directly after the message with its call, also when history is shortened.",
         conversation.tool_results("orphan_tool_message", "unknown_tool_call_id", "orphan_tool_output")),
    Code("tool_result_repeated", "A tool call has several results.",
         "Send one result for each call.", conversation.repeated_results),
    Code("same_call_again", "The model repeats a tool call, and the client executes it each time.",
         "Stop, or tell the model, when a call with the same arguments is repeated.", conversation.same_call),
    Code("endless_loop", "A loop of tool calls has 25 rounds or more.",
         "Limit the number of rounds.", conversation.endless_loop),
    Code("same_request_again", "The same request is sent ten times in a row although it is answered.",
         "Look for a loop that ignores the answer; keep answers that are needed again.", conversation.same_request),
    Code("context_growth", "Requests extend one conversation without ever shortening it.",
         "Summarize or drop old messages, or use ``previous_response_id`` with truncation.", conversation.growth),
    Code("context_not_reduced", "After ``context_length_exceeded`` a conversation is sent again without being shortened.",
         "Drop or summarize messages before the next request.", conversation.not_reduced),
)  # fmt: skip


def findings(exchanges: Iterable[Exchange], allow: Collection[str] = ()) -> list[Finding]:
    """All findings about the client that sent these exchanges, those of each namespace in the order of the table.

    None with a code in ``allow``; ValueError for a code there that does not exist.
    """
    check_codes(allow)
    codes = [code for code in CODES if code.name not in allow]
    return [finding for run in runs(exchanges) for code in codes for finding in _of_code(code, run)]


def _of_code(code: Code, run: Run) -> Iterator[Finding]:
    """The findings of one code; the exchanges with the same message are one finding."""
    proofs: dict[str, dict[int, None]] = {}
    for message, exchanges in code.check(run):
        if message in proofs or len(proofs) < MAX_FINDINGS:
            proofs.setdefault(message, {}).update({exchange.order: None for exchange in exchanges})
    for message, orders in proofs.items():
        yield Finding(code.name, message, tuple(orders)[:MAX_EXCHANGES], run.exchanges[0].namespace)


def check_codes(names: Iterable[str]) -> None:
    """ValueError for a name that is no code."""
    codes = [code.name for code in CODES]
    for name in names:
        if name not in codes:
            close = get_close_matches(name, codes, 1)
            raise ValueError(
                f"{name!r} is not a code; " + (f"did you mean {close[0]!r}?" if close else f"codes: {', '.join(codes)}")
            )


def lines(results: Iterable[Finding]) -> list[str]:
    """Findings as text, a line each with its proof, and the remedy of each code once."""
    output: list[str] = []
    remedies: set[str] = set()
    for finding in results:
        proof = ", ".join(f"#{order}" for order in finding.exchanges)
        output.append(f"{finding.code}: {finding.message} ({proof})")
        if finding.code not in remedies:
            output.append(f"    {finding.remedy}")
        remedies.add(finding.code)
    return output
