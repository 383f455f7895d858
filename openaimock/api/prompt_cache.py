"""The prompt cache: with ``prompt_cache: true``, how many tokens of a prompt were the beginning of an earlier one."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

from ..http.json import dump
from ..state.bounded import put_names
from ..text import prompts
from ..text.tokens import split
from ..types.ask import JSON, Ask

if TYPE_CHECKING:
    from ..params.models import Model
    from ..state.namespace import Context

#: The shortest prefix that the API caches, and the steps in which longer ones grow.
LEAST, STEP = 1024, 128
#: The collection of the namespace, and how many prefixes it keeps: 2.5 million tokens of prompts.
COLLECTION, MAX_PREFIXES = "prompt_cache", 20_000
#: The members of a message or item whose texts the model reads, piece by piece.
_TEXTS = frozenset(["content", "text", "refusal", "arguments", "input", "output"])
#: The members that the API adds to what it stores: a client that sends the conversation itself leaves them out.
_ADDED = frozenset(["id", "status", "annotations", "logprobs", "phase"])
#: The types of what is a text anyway: a text alone and a list of one such part are the same prompt.
_PLAIN = frozenset(["message", "text", "input_text", "output_text"])


class Section(NamedTuple):
    """A message of a prompt: its texts, everything else of it, and its tokens. The head of a prompt is one, too."""

    texts: Sequence[str]
    rest: str
    tokens: int


def of_chat(ask: Ask, model: Model, context: Context) -> int:
    """The cached tokens of a chat completion request."""
    if not context.prompt_cache:
        return 0
    body = ask.body

    def count(messages: Sequence[JSON], more: Mapping[str, JSON]) -> int:
        return prompts.count_chat({**more, "messages": messages}, model)

    return _cached(_sections(body["messages"], body, ("tools", "functions", "response_format"), count), model, context)


def of_items(items: Sequence[JSON], body: Mapping[str, JSON], model: Model, context: Context) -> int:
    """The cached tokens of a request to the Responses API with these items in its conversation."""
    if not context.prompt_cache:
        return 0

    def count(part: Sequence[JSON], more: Mapping[str, JSON]) -> int:
        return prompts.count_items(part, more, model)

    instructions = body.get("instructions")
    first = [{"role": "system", "content": instructions}] if isinstance(instructions, str) and instructions else []
    return _cached(_sections([*first, *items], body, ("tools", "text"), count), model, context)


def _sections(
    messages: Sequence[JSON],
    body: Mapping[str, JSON],
    head: Iterable[str],
    count: Callable[[Sequence[JSON], Mapping[str, JSON]], int],
) -> Iterator[Section]:
    """The prompt in the order in which the model reads it: tools and schema first."""
    nothing = count((), {})
    introduction = {name: body[name] for name in head if body.get(name)}
    yield Section((), dump(introduction), count((), introduction))
    for message in messages:
        texts: list[str] = []
        rest: list[str] = []
        _collect(message, "", texts, rest)
        yield Section(texts, "\x1f".join(rest), count([message], {}) - nothing)


def _collect(value: JSON, key: str, texts: list[str], rest: list[str]) -> None:
    """Sort the leaves of a message into its texts and everything else."""
    if isinstance(value, dict):
        for name in sorted(value.keys() - _ADDED):
            _collect(value[name], name, texts, rest)
    elif isinstance(value, list):
        for item in value:
            _collect(item, key, texts, rest)
    elif isinstance(value, str) and key in _TEXTS:
        texts.append(value)
    elif value is not None and not (key == "type" and value in _PLAIN):
        rest.append(f"{key}={value}")


def _cached(sections: Iterable[Section], model: Model, context: Context) -> int:
    """The tokens of the longest prefix that is remembered; all prefixes are remembered then. Computed once for an exchange."""
    if context.cached_tokens is None:
        names = list(_prefixes(sections, model))
        state = context.namespace
        # With a prefix all shorter ones are remembered.
        cached, beyond = 0, len(names) + 1
        while beyond - cached > 1:
            middle = (cached + beyond) // 2
            if state.get(COLLECTION, names[middle - 1]) is not None:
                cached = middle
            else:
                beyond = middle
        if cached < len(names):
            put_names(state, COLLECTION, names[cached:], MAX_PREFIXES)
        context.cached_tokens = LEAST + (cached - 1) * STEP if cached else 0
    return context.cached_tokens


def _prefixes(sections: Iterable[Section], model: Model) -> Iterator[str]:
    """A name for each prefix of 1,024, 1,152 ... tokens, which equal prefixes of other prompts for the model have too."""
    running = hashlib.blake2b(model.snapshot.encode(), digest_size=16)
    at = 0

    def advance(text: str, count: int) -> Iterator[str]:
        nonlocal at
        running.update(f"{len(text)}:{text}".encode("utf-8", "surrogatepass"))
        passed = at // STEP
        at += count
        for step in range(passed + 1, at // STEP + 1):
            if step * STEP >= LEAST:
                yield f"{running.hexdigest()}{step}"

    for section in sections:
        pieces = [piece for text in section.texts for piece in (*split(text, model.snapshot), "")]
        counted = sum(map(bool, pieces))
        # The role, images and calls of the message are read before its text.
        yield from advance(section.rest, max(0, section.tokens - counted))
        start = 0
        while start < len(pieces):
            end = start + STEP - at % STEP
            part = pieces[start:end]
            yield from advance("".join(part), sum(map(bool, part)))
            start = end
