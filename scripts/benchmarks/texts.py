"""The same work for every server: rules, the requests that hit or miss them, and how each server writes rules down."""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Sequence
from typing import NamedTuple

#: The key every client sends; openai-mock-api cannot run without one, so the shared file has it and we check it too.
KEY = "test-key"
MODEL = "gpt-4o"

_TEXT = """about account after again agent alarm amount answer apple arrive autumn basket battery before bicycle blanket
bottle branch breakfast bridge broken butter button camera candle carpet carton ceiling change charge checkout circle
coffee colour company corner cotton couple courier crystal curtain customer damage danger deliver deposit detail dinner
discount doctor double drawer driver during early electric engine evening example expect explain family farmer feather
finger flower follow forest forget friend frozen garden gather giant glass golden grocery guitar hammer handle harbour
helmet history holiday honest hotel hungry indoor inside invoice island jacket journey kettle kitchen ladder lamp laptop
leather lemon letter little lonely luggage machine magnet manual market meadow member message middle minute mirror modern
money morning mountain museum napkin narrow nature needle nothing number ocean office orange order oven package paint
parcel partner payment pencil pepper picture pillow planet plastic please pocket printer problem promise purple quarter
question quiet radio railway ready receipt refund remote rental repair replace return ribbon river rocket saddle sample
school screen season second shelf shipment shoulder signal silver simple sister sleeve socket spring stamp station
stolen summer sunday supply switch table tailor tender ticket timber tomato travel tunnel umbrella update vacuum valley
velvet village violin voucher wagon wallet warranty water weather weekend window winter wooden wrong yellow yesterday
"""
_WORDS = _TEXT.split()

KINDS = ("exact", "contains", "regex", "fuzzy")


class Rule(NamedTuple):
    """One rule: how it matches a user's message, and what it answers."""

    kind: str
    pattern: str
    reply: str


class Case(NamedTuple):
    """One request and the answer it must get; ``expect`` is None where no rule may match."""

    body: bytes
    expect: str | None
    path: str = "/v1/chat/completions"
    headers: tuple[tuple[str, str], ...] = ()


class Workload(NamedTuple):
    """Rules, requests that one of them answers, and requests that none answers."""

    rules: list[Rule]
    hits: list[Case]
    misses: list[Case]


def chat(text: str, *, stream: bool = False) -> bytes:
    """A chat completion request with one user message."""
    body = {"model": MODEL, "messages": [{"role": "user", "content": text}]}
    return json.dumps(body | ({"stream": True} if stream else {})).encode()


def sentence(chance: random.Random, words: int) -> str:
    """Some words in a row."""
    return " ".join(chance.choices(_WORDS, k=words))


def sentence_of(chance: random.Random, length: int) -> str:
    """A text of exactly so many characters."""
    text = sentence(chance, length // 6 + 3)
    while len(text) < length:
        text += " " + sentence(chance, length // 6 + 3)
    return text[:length].strip().ljust(length, "x")


def _rule(chance: random.Random, kind: str, number: int) -> tuple[Rule, str]:
    """A rule that no other rule's message matches, and a message that it matches."""
    reply = f"Answer {number:05d}."
    ticket, thing = f"ticket {number:05d}", chance.choice(_WORDS)
    if kind == "contains":
        pattern = f"{ticket} {thing}"
        return Rule(kind, pattern, reply), f"{sentence(chance, 4)} {pattern} {sentence(chance, 4)}"
    if kind == "regex":
        return Rule(
            kind, rf"ticket\s+{number:05d}\b.*\b{thing}", reply
        ), f"{sentence(chance, 3)} {ticket} of my {thing} {sentence(chance, 3)}"
    text = f"{sentence(chance, 4)} {ticket} {sentence(chance, 4)}"
    if kind == "exact":
        return Rule(kind, text, reply), text
    at = chance.randrange(len(text) // 2)
    return Rule(kind, text, reply), text[:at] + "q" + text[at + 1 :]


def one_rule() -> Workload:
    """The smallest mock: one exact rule."""
    text = "What is the capital of France?"
    return Workload([Rule("exact", text, "Answer 1: Paris.")], [Case(chat(text), "Answer 1: Paris.")], [])


def unlike(cases: Sequence[Case], count: int = 20_000) -> list[Case]:
    """So many requests that ask the same, no two of which have the same body."""
    return [
        cases[number % len(cases)]._replace(body=cases[number % len(cases)].body[:-1] + b', "user": "%d"}' % number)
        for number in range(count)
    ]


def many(kinds: Sequence[str], count: int, sampled: int = 500) -> Workload:
    """Rules of the given kinds in turn; requests spread over all of them, and as many that look alike but match none."""
    chance = random.Random("many")
    made = [_rule(chance, kinds[number % len(kinds)], number) for number in range(count)]
    picked = chance.sample(made, min(sampled, count))
    misses = [f"{sentence(chance, 4)} ticket {count + n:05d} {sentence(chance, 5)}" for n in range(sampled)]
    return Workload(
        [rule for rule, _ in made],
        [Case(chat(text), rule.reply) for rule, text in picked],
        [Case(chat(text), None) for text in misses],
    )


def long_messages(kind: str, count: int, length: int) -> Workload:
    """Rules of one kind and messages of one length. Every fiftieth rule is as long as the messages where a whole text
    is compared (exact, fuzzy), because a rule of another length costs nothing to pass over."""
    chance = random.Random(f"long {kind} {length}")
    rules, hits = [], []
    for number in range(count):
        rule, _ = _rule(chance, kind, number)
        tag = f"{number:05d}"
        text = f"{sentence_of(chance, length - len(tag) - 5)} {tag} end"
        if kind == "contains":
            rule = rule._replace(pattern=f"{tag} end")
        elif kind == "regex":
            rule = rule._replace(pattern=rf"{tag}\b.*nd")
        elif number % 50 == 0:
            rule = rule._replace(pattern=text)
            text = text if kind == "exact" else "q" + text[1:]
        rules.append(rule)
        if number % 50 == 0:
            hits.append(Case(chat(text), rule.reply))
    misses = [Case(chat(sentence_of(chance, length)), None) for _ in hits]
    return Workload(rules, hits, misses)


_SHORT = """able acid aged also area army away baby back ball band bank base bath bear beat been beer bell belt best bill bird
blow blue boat body bomb bond bone book born boss both bowl bulk burn bush busy call calm came camp card care case cash cast
cell chat chip city club coal coat code cold come cook cool cope copy core cost crew crop dark data date dawn days dead deal
dean dear debt deep deny desk dial diet dirt disc disk does done door dose down draw drew drop drug dual duke dust duty each earn
east
"""
#: What a stream says: 100 words of four letters, each one token, so that tokens (ours), words (openai-mock-api) and pieces
#: of five characters (aimock) are a hundred chunks alike.
STREAM_TEXT = " ".join(_SHORT.split()[:100])
PIECES = [word if at == 0 else f" {word}" for at, word in enumerate(STREAM_TEXT.split())]
STREAM_QUESTION = "Count to a hundred"
STREAM_BODY = chat(STREAM_QUESTION, stream=True)


def shared_yaml(rules: Iterable[Rule], more: str = "") -> str:
    """A configuration that openai-mock-api and openaimock both read."""
    lines = [f"apiKey: {KEY}", "responses:"]
    for number, rule in enumerate(rules):
        matcher = {"matcher": rule.kind} | ({"threshold": 0.9} if rule.kind == "fuzzy" else {})
        messages = [{"role": "user", "content": rule.pattern, **matcher}, {"role": "assistant", "content": rule.reply}]
        lines.append("- " + json.dumps({"id": f"rule-{number}", "messages": messages}))
    return "\n".join(lines) + "\n" + more


def stream_rule(gap_ms: float = 0) -> str:
    """One more rule for openaimock's file: the stream, a chunk every so many milliseconds, or token by token and at once."""
    pace = {"pace": {"chunks": PIECES, "tps": 1000 / gap_ms}} if gap_ms else {}
    reply = {"content": STREAM_TEXT, **pace}
    return "- " + json.dumps({"id": "stream", "when": {"user": STREAM_QUESTION}, "reply": reply}) + "\n"


def fixtures_json(rules: Iterable[Rule]) -> str:
    """aimock's fixtures: a message that contains the text. It has no exact, regex or fuzzy match in files."""
    entries = [{"match": {"userMessage": rule.pattern}, "response": {"content": rule.reply}} for rule in rules]
    return json.dumps({"fixtures": entries})
