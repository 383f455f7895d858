from __future__ import annotations

import random
import re
import threading
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from openaimock.rules import index, ruleset
from openaimock.rules import rule as rules
from openaimock.rules.index import Index, ngrams
from openaimock.rules.ruleset import RuleSet, plain_match
from openaimock.types.ask import Ask, Message

from ...support.rulings import ANSWER, ODD, expect, flow, said, talk, when


def candidates(rules_built: list[rules.Rule], ask: Ask, first: bool = False) -> list[int]:
    table = Index(first)
    table.add(rules_built)
    return [rule.number for rule in table.candidates(ask)]


def numbered(make, count: int = 100) -> list[rules.Rule]:
    return [make(number) for number in range(count)]


def asked(number: int, kind: str, text: str, **more) -> rules.Rule:
    return when(number, user=expect(kind, text.format(number), **more))


# How few rules are asked


@pytest.mark.parametrize(
    "make",
    [
        lambda n: flow(said("user", f"question {n:03}"), ANSWER, number=n),
        lambda n: flow(said("system", "You help"), said("user", f"question {n:03}"), ANSWER, number=n),
        lambda n: flow(said("user", expect("contains", f"stion {n:03}")), ANSWER, number=n),
        lambda n: flow(said("user", expect("regex", rf"question\s+{n:03}$")), ANSWER, number=n),
        lambda n: flow(said("user", expect("regex", rf"^question ({n:03}|{n + 500})")), ANSWER, number=n),
        lambda n: asked(n, "exact", "question {:03}"),
        lambda n: asked(n, "exact", "QUESTION {:03}", case_sensitive=False),
        lambda n: asked(n, "contains", "{:03}"),
        lambda n: asked(n, "contains", "N {:03}", case_sensitive=False),
        lambda n: when(n, message=expect("exact", f"question {n:03}")),
        lambda n: when(n, message=expect("contains", f"n {n:03}")),
        lambda n: when(n, all=[{"turn": 0}, {"user": expect("contains", f"n {n:03}")}]),
        lambda n: when(n, any=[{"user": expect("contains", f"n {n:03}")}, {"user": expect("exact", f"answer {n:03}")}]),
        lambda n: when(n, user=expect("contains", "question"), model=expect("exact", f"model-{n:03}")),
        lambda n: when(n, header={"x-test": expect("exact", f"test {n:03}")}),
        lambda n: when(n, body={"metadata.test": expect("exact", f"test {n:03}")}),
        lambda n: when(n, body={"metadata.number": expect("equals", n)}),
        lambda n: when(n, model=expect("glob", f"model-{n:03}*")),
    ],
)
def test_of_many_rules_only_the_one_that_fits_is_asked(make):
    ask = talk(
        ("system", "You help"),
        "question 042",
        model="model-042",
        headers={"x-test": "test 042"},
        body={"metadata": {"test": "test 042", "number": 42}},
    )
    assert candidates(numbered(make), ask) == [42]


def test_fuzzy_rules_are_asked_only_when_they_have_enough_letters_in_common():
    chance = random.Random(2)
    words = ["weather", "parcel", "invoice", "garden", "window", "museum", "ticket", "orange", "violin"]
    texts = [" ".join(chance.choices(words, k=6)) for _ in range(300)]
    rules_built = [asked(number, "fuzzy", text, threshold=0.9) for number, text in enumerate(texts)]
    assert len(candidates(rules_built, talk(texts[42].replace("e", "x", 1)))) < 10


def test_a_rule_is_found_by_what_fewest_rules_share():
    rules_built = numbered(lambda n: when(n, user=expect("exact", "hello"), text=expect("contains", f"number {n:03}")))
    assert candidates(rules_built, talk("hello", text="number 042")) == [42]


def test_flows_that_begin_alike_are_found_by_what_follows():
    rules_built = numbered(lambda n: flow(said("user", "hello"), ANSWER, said("user", f"question {n:03}"), ANSWER, number=n))
    assert candidates(rules_built, talk("hello", ("assistant", "hi"), "question 042")) == [42]
    assert len(candidates(rules_built, talk("hello"))) == 100


def test_rules_of_which_nothing_can_be_looked_up_are_always_asked():
    rules_built = [
        when(0, user=expect("any")),
        when(1, user=expect("exact", "a", invert=True)),
        when(2, **{"not": {"user": expect("exact", "a")}}),
        when(3, user=expect("regex", r"\d+")),
        when(4, any=[{"user": expect("exact", "a")}, {"turn": 0}]),
        when(5, user=expect("fuzzy", "a", threshold=0)),
        when(6, body={"x": expect("equals", None)}),
        flow(said("user"), ANSWER, number=7),
    ]
    assert sorted(candidates(rules_built, talk("nothing of this"))) == list(range(8))


def test_candidates_come_in_the_order_in_which_they_win():
    rules_built = [
        when(0, user=expect("any")),
        when(1, user=expect("contains", "a")),
        when(2, user=expect("exact", "a"), more={"priority": -1}),
        when(3, user=expect("exact", "a")),
        when(4, user=expect("any"), more={"priority": 5}),
        when(5, user=expect("exact", "a")),
    ]
    assert candidates(rules_built, talk("a")) == [4, 3, 5, 1, 0, 2]
    assert candidates(rules_built, talk("a"), first=True) == [0, 1, 2, 3, 4, 5]


def test_after_a_rule_that_cannot_be_beaten_no_other_is_asked(monkeypatch):
    tried = []
    fit = ruleset.fit
    monkeypatch.setattr(ruleset, "fit", lambda rule, ask: tried.append(rule.number) or fit(rule, ask))
    many = RuleSet(numbered(lambda n: when(n, user=expect("any" if n < 50 else "exact", "a"))))
    match = many.match(talk("a"), {})
    assert match is not None and match.rule.number == 50
    assert tried == [50]


# The same answer as asking all


WORDS = ["a", "b", "ab", "hello", "weather ", " ", "\n", "  ", "天気", "\ud800", "é", *ODD]
PATTERNS = [
    *(".", r"\w+", r"\s", "[sS]", "[^a]", "(a|hello)?", "(?:weather|ab)", "(?i:A)", "(?-i:b)", "^", "$", r"\b", "(?s:.)"),
    *("(?=a)", "(?!b)", "(?:ab)+", "(hello|weather)", "(?P<x>a)", "(ab|)", "[a-c]{2,}"),
]
CHANGES = [str, str, str.upper, str.lower, str.swapcase, lambda text: f" {text}\n", lambda text: f"a{text}b"]
SCALARS = [None, True, 1, 1.0, 0, "a", [1], {"x": True}]
TEXTS = ("user", "system", "assistant", "tool", "message", "text", "response_format")


class Situation:
    """Rules, and questions to put to them, drawn by one seed from texts that they share."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.pool = [self.text() for _ in range(self.chance.randint(1, 6))]
        self.rules = [self.rule(number) for number in range(self.chance.choice([1, 4, 12, 30]))]
        self.hits = {rule.id: self.chance.randint(0, 2) for rule in self.rules if self.chance.random() < 0.5}
        self.asks = [self.ask() for _ in range(8)]

    def some(self, share: float) -> bool:
        return self.chance.random() < share

    def text(self) -> str:
        return "".join(self.chance.choices(WORDS, k=self.chance.randint(0, 5)))

    def pattern(self) -> str:
        pieces = [re.escape(self.chance.choice(self.pool)), *self.chance.sample(PATTERNS, 3)]
        return "".join(self.chance.sample(pieces, self.chance.randint(1, 3)))

    def matcher(self) -> dict[str, Any]:
        kind = self.chance.choice(["exact", "contains", "regex", "fuzzy", "any"])
        rules_built = expect(kind, self.pattern() if kind == "regex" else self.chance.choice(self.pool))
        rules_built["threshold"] = self.chance.choice([0, 0.3, 0.5, 0.8, 0.9, 1, self.chance.random()])
        rules_built["case_sensitive"] = self.chance.choice([None, None, True, False])
        rules_built["invert"] = self.some(0.15)
        return rules_built

    def when(self, depth: int = 0) -> dict[str, Any]:
        rules_built: dict[str, Any] = {}
        keys = [*TEXTS, "model", "turn", "header", "body"] + ["all", "any", "not"] * (depth < 2)
        for key in self.chance.sample(keys, self.chance.randint(1, 2)):
            if key in ("all", "any"):
                rules_built[key] = [self.when(depth + 1) for _ in range(self.chance.randint(0, 3))]
            elif key == "not":
                rules_built[key] = self.when(depth + 1)
            elif key == "model":
                rules_built[key] = expect(
                    self.chance.choice(["glob", "exact"]), self.chance.choice(["a*", "abc", "*b?", "[ab]c", "*"])
                )
            elif key == "turn":
                rules_built[key] = self.chance.randint(0, 1)
            elif key == "header":
                rules_built[key] = {"x-a": self.matcher()}
            elif key == "body":
                value = expect("equals", self.chance.choice(SCALARS)) if self.some(0.5) else self.matcher()
                rules_built[key] = {self.chance.choice(["a", "b.0"]): value}
            else:
                rules_built[key] = self.matcher()
        return rules_built

    def flow(self) -> list[dict[str, Any]]:
        roles = self.chance.choices(["user", "user", "user", "tool", "system", "developer"], k=self.chance.randint(1, 3))
        messages = [ANSWER] if self.some(0.1) else []
        for role in roles:
            messages.append(said(role, self.matcher() if self.some(0.9) else None))
            if role not in ("system", "developer"):
                messages.append(ANSWER)
        return [*messages, ANSWER]

    def rule(self, number: int) -> rules.Rule:
        form: dict[str, Any] = {"id": str(number), "priority": self.chance.choice([0, 0, 0, 1, -1])}
        form["times"] = self.chance.choice([None, None, 1, 2])
        form["turns"] = self.chance.choice(["next", "next", "last"])
        if self.some(0.5):
            form["messages"] = self.flow()
        else:
            form |= {"when": self.when(), "replies": [{"content": "ok"}]}
        return rules.build(form, number)

    def ask(self) -> Ask:
        def text() -> str:
            return self.chance.choice(CHANGES)(self.chance.choice(self.pool) if self.some(0.9) else self.text())

        roles = self.chance.choices(["user", "user", "assistant", "tool", "system", "developer"], k=self.chance.randint(0, 3))
        messages = [Message(role, text()) for role in roles] + [Message("user", text())] * self.some(0.8)
        return talk(
            *messages,
            text=text(),
            model=self.chance.choice(["abc", "ABC", "ac", ""]),
            body={"a": self.chance.choice([*SCALARS, text()]), "b": [self.chance.choice(SCALARS)]},
            headers={"x-a": text()} if self.some(0.5) else {},
            response_format=self.chance.choice(["", "text", "json_schema"]),
        )


@pytest.fixture(scope="module", autouse=True)
def tables_from_the_start():
    """Tables for few rules too: the ways for few and for many must give the same."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ngrams, "FEW", 2)
        patch.setattr(ruleset, "_SMALL_RULESET", 0)
        patch.setattr(index, "_SHARED", 1)
        yield


@given(st.integers(0, 2**32), st.booleans())
@settings(max_examples=400, deadline=None)
def test_the_index_gives_the_answer_that_asking_all_rules_gives(seed, first):
    situation = Situation(seed)
    late = situation.chance.randint(0, len(situation.rules))
    ruleset = RuleSet(situation.rules[:late], first=first)
    for more in ([], situation.rules[late:]):
        ruleset.add(more)
        for ask in situation.asks:
            assert ruleset.match(ask, situation.hits) == plain_match(ruleset.rules, ask, situation.hits, first)


def test_situations_are_worth_their_time():
    """Among the questions of the test above there are many that some rule answers, and many that none does."""
    answered = [
        plain_match(situation.rules, ask, situation.hits, False) is not None
        for situation in map(Situation, range(100))
        for ask in situation.asks
    ]
    assert 0.2 < sum(answered) / len(answered) < 0.9


@pytest.mark.parametrize("kind", ["exact", "contains", "regex", "fuzzy"])
def test_many_rules_of_a_kind_give_the_answer_that_asking_all_gives(kind):
    chance = random.Random(kind)
    words = ["weather", "parcel", "invoice", "garden", "window", "museum"]
    texts = [" ".join(chance.choices(words, k=chance.randint(1, 4))) for _ in range(400)]
    rules_built = [asked(number, kind, text, threshold=chance.choice([0.7, 0.9])) for number, text in enumerate(texts)]
    ruleset = RuleSet(rules_built)
    for text in texts[::20]:
        for ask in (talk(text), talk(f"{text} please"), talk(text.upper()), talk(text[:-2])):
            assert ruleset.match(ask, {}) == plain_match(rules_built, ask, {}, False)


def test_rules_are_found_as_soon_as_they_are_added_while_others_look():
    ruleset = RuleSet()
    failed = []
    done = threading.Event()

    def look() -> None:
        while not done.is_set():
            count = len(ruleset.rules)
            if count and ruleset.match(talk(f"question {count - 1:04}"), {}) is None:
                failed.append(count)

    threads = [threading.Thread(target=look) for _ in range(2)]
    for thread in threads:
        thread.start()
    for number in range(300):
        ruleset.add([asked(number, ("exact", "contains", "fuzzy")[number % 3], "question {:04}", threshold=0.99)])
    done.set()
    for thread in threads:
        thread.join()
    assert failed == []
