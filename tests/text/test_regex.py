from __future__ import annotations

import re
import sys
import threading
import warnings
from collections.abc import Iterator
from itertools import product
from math import inf
from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from openaimock.text import regex
from openaimock.text.regex import slow_part
from openaimock.text.regex_ambiguity import slow_nodes
from openaimock.text.regex_source import source

NEW = pytest.mark.skipif(sys.version_info < (3, 11), reason="Python 3.11 brought atomic groups and possessive repeats")

# Reading


@pytest.mark.parametrize(
    ("pattern", "translated"),
    [
        (r"(?<year>\d{4})-(?<month>\d\d)", r"(?P<year>\d{4})-(?P<month>\d\d)"),
        (r"(?<q>['\"]).*\k<q>", r"(?P<q>['\"]).*(?P=q)"),
        (r"(?<=a)(?<!b)(?<c>d)", r"(?<=a)(?<!b)(?P<c>d)"),
        (r"\(?<a>", r"\(?<a>"),
        (r"[(?<a>]\\(?<b>x)", r"[(?<a>]\\(?P<b>x)"),
        (r"[](?<a>x](?<b>y)", r"[](?<a>x](?P<b>y)"),
    ],
)
def test_javascript_s_named_groups(pattern, translated):
    assert regex.python_syntax(pattern) == translated
    assert regex.compile(pattern).groupindex == re.compile(translated).groupindex


@pytest.mark.parametrize(("pattern", "position"), [("(?<a>x)(", 7), ("(?<a>x)(?<b>y)[", 14), ("ab(", 2), ("(?<a>x)*+?*", None)])
def test_an_error_has_its_position_in_the_pattern_as_written(pattern, position):
    with pytest.raises(re.error) as caught:
        regex.compile(pattern)
    if position is not None:
        assert caught.value.pos == position


@pytest.mark.parametrize("pattern", ["[[a]", "[+--a]", "[a&&b]", "[a||b]", "[a~~b]"])
def test_no_warnings(pattern):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        regex.compile(pattern + "x")
        regex.parse(pattern + "y")


def test_threads_that_parse_at_once_leave_the_warning_filters_as_they_were():
    before = list(warnings.filters)
    threads = [threading.Thread(target=lambda: [regex.compile(f"[[a]{number}") for number in range(50)]) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert warnings.filters == before


@pytest.mark.parametrize("pattern", ["(", "a{99999999999}", "(" * 5000 + "a" + ")" * 5000])
def test_a_pattern_that_cannot_be_read_has_no_slow_part(pattern):
    with pytest.raises(regex.ERRORS):
        regex.compile(pattern)
    assert slow_part(pattern + "a+a+") is None


# Slow patterns

SLOW = [
    ("^(a+)+$", "(a+)+"),
    ("(a|aa)+$", "(a|aa)+"),
    ("(a|a)*b", "(a|a)*"),
    ("(.*a){20}", "(.*a){20}"),
    ("^(([a-z])+.)+[A-Z]([a-z])+$", "(([a-z])+.)+"),
    (r"(\w+\s?)*$", r"(\w+\s?)*"),
    (r"^(\d+)*$", r"(\d+)*"),
    ("(x+x+)+y", "(x+x+)+"),
    (r"^([a-zA-Z0-9])(([\-.]|[_]+)?([a-zA-Z0-9]+))*(@){1}[a-z0-9]+[.]{1}(([a-z]{2,3})|([a-z]{2,3}[.]{1}[a-z]{2,3}))$", None),
    (r"^([a-zA-Z0-9_\.\-])+\@(([a-zA-Z0-9\-])+\.)+([a-zA-Z0-9]{2,4})+$", "([a-zA-Z0-9]{2,4})+"),
    ("(a*)*b", "(a*)*"),
    ("(a|b|ab)*c", "(a|b|ab)*"),
    (r"(?:\s*\w+\s*)*;", r"(?:\s*\w+\s*)*"),
    (r'"(?:\\.|(?!").)*?"', r'(?:\\.|(?!").)*?'),
    ("(?:a?){30}b", "(?:a?){30}"),
    ("a?" * 25 + "b", "a?"),
    ("(?:x?y?z?)*!", "(?:x?y?z?)*"),
    ("(a?){10,30}b", "(a?){10,30}"),
    ("(?:(?:a|b|ab)*c)*d", "(?:a|b|ab)*"),
    ("x(?:(a|aa)+b)?", "(a|aa)+"),
    (r"^(?:.*,){11}P", "(?:.*,){11}"),
    ("^(?=(a+)+$)", "(a+)+"),
    (r"(\d{1,3}){5,50}x", r"(\d{1,3}){5,50}"),
    ("^(?:a{2,}b?)*?$", "(?:a{2,}b?)*?"),
    (r"(?i)(?:k|[K-Z])+!|(?:k|[J-L]z?)*!", "(?:k|[J-L]z?)*"),
    ("(?:я|[ж-я])+!?x(?:я+)+$", "(?:я+)+"),
    (r"^\w+\w+\w+$", r"\w+"),
    (r"\w+\w+@", r"\w+"),
    (r".*.*.*=", ".*"),
    (r"[a-z]{0,400}[a-z]{0,400}[a-z]{0,400}!", "[a-z]{0,400}"),
    (r"(?:\w+\s?){1,5}!", None),
    (r"(?s)(.*)\s(.*)\s(.*)\s(.*)!", None),
    (r"(?<word>\w+)*\k<word>!", r"(?<word>\w+)*"),
]


@pytest.mark.parametrize(("pattern", "part"), SLOW)
def test_slow_patterns(pattern, part):
    assert slow_part(pattern) is not None
    assert part is None or slow_part(pattern) == part


@NEW
def test_slow_patterns_inside_atomic_groups():
    assert slow_part("(?>(a+)+b)") == "(a+)+"
    assert slow_part("(?:(?:a|aa)+b)++c") == "(?:a|aa)+"


GOOD = [
    ".*hello.*world.*",
    "book.*flight.*paris",
    r"^\s*(\w+)\s*=\s*(.*?)\s*$",
    r"^[\w.+-]+@[\w-]+\.[\w.-]+$",
    r"[a-zA-Z0-9._%+-]+@[a-zA-Z0-9.-]+\.[a-zA-Z]{2,}",
    r"^[a-z0-9!#$%&'*+/=?^_`{|}~-]+@[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*$",
    r"https?:\/\/(www\.)?[-a-zA-Z0-9@:%._\+~#=]{1,256}\.[a-zA-Z0-9()]{1,6}\b([-a-zA-Z0-9()@:%_\+.~#?&//=]*)",
    r"^\d{4}-(0[1-9]|1[0-2])-(0[1-9]|[12]\d|3[01])T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$",
    r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[1-5][0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$",
    r"^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(?:-((?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*)"
    r"(?:\.(?:0|[1-9]\d*|\d*[a-zA-Z-][0-9a-zA-Z-]*))*))?(?:\+([0-9a-zA-Z-]+(?:\.[0-9a-zA-Z-]+)*))?$",
    r"^(?=.*[A-Z])(?=.*[a-z])(?=.*\d)(?=.*[^\w\s]).{8,64}$",
    r"^(?:(?:25[0-5]|2[0-4]\d|1?\d?\d)(?:\.(?!$)|$)){4}$",
    r"^\+?\d{1,3}?[-.\s]?\(?\d{3}\)?[-.\s]?\d{3}[-.\s]?\d{4}$",
    r"(?:\w+\s+)*\w+$",
    r'"(?:[^"\\]|\\.)*"',
    r"<([a-z]+)[^>]*>(.*?)</\1>",
    r"(?:\b\w+\b\s*)+$",
    r"^(.*),(.*),(.*)$",
    r"^-?\d+(\.\d+)?([eE][+-]?\d+)?$",
    "(?:(?!foo).)*bar",
    "(cat|dog|bird)+s",
    r"(\s|\w)+!",
    r"my name is (\w+)\s*(\w+)\.",
    r"^[\s\S]*$",
    r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$",
    r"^P(?!$)(\d+Y)?(\d+M)?(\d+W)?(\d+D)?(T(?=\d)(\d+H)?(\d+M)?(\d+S)?)?$",
    r"[ж-я]+\W+[a-z]+\s*!",
    r"\{\{\s*(.*?)\s*\}\}",
    r"```(?:json)?\s*([\s\S]*?)\s*```",
    r"weather.*\d+.*celsius",
    "((a{100}){100}){100}",
    "(?:a+)+",
    r"(.*)*",
    "|".join(f"word{number}.*end" for number in range(200)),
    "(?:" + "|".join(f"w{number}x" for number in range(100)) + ")+$",
]


@pytest.mark.parametrize("pattern", GOOD)
def test_no_false_alarm(pattern):
    assert slow_part(pattern) is None


@NEW
@pytest.mark.parametrize(
    "pattern", [r"(?:\w++\s?)*$", r"(?>\w+)\s*(?>\w+)!", r"(?:a++b?)*c", r"^(?>\s*)(?>\w*)(?>\s*)x", "(?:(?>a+))*b"]
)
def test_no_false_alarm_for_what_is_not_divided_again(pattern):
    assert slow_part(pattern) is None


@pytest.mark.parametrize("unit", ["a?", "(a+b?)*", ".*a", r"\w+\s*", "(?:a|b)*c", "x{1,900}", "(?=a*b)", "я+", "[a-c]{2,5}?"])
def test_a_pattern_of_any_size_gets_an_answer(unit):
    for copies in (100, 1000):
        slow_part(unit * copies + "!")
        slow_part("(?:" + unit * copies + ")*!")
    slow_part("(" * 90 + unit + ")*" * 90)


def test_a_pattern_that_is_too_large_is_reported_whole():
    pattern = "(?:" + "|".join(f"w{number}.*x{number}" for number in range(1000)) + ")*"
    assert slow_part(pattern) == pattern


# The analysis against a matcher that counts

MOST_STEPS = 20_000


class Steps:
    """A backtracking matcher that counts its steps."""

    def __init__(self, text: str, limit: int) -> None:
        self.text, self.left = text, limit

    def sequence(self, items: Any, number: int, at: int) -> Iterator[int]:
        if number == len(items):
            yield at
            return
        for end in self.node(items[number], at):
            yield from self.sequence(items, number + 1, end)

    def node(self, node: Any, at: int) -> Iterator[int]:
        self.left -= 1
        if self.left < 0:
            raise OverflowError
        name, argument = node[0].name, node[1]
        if name == "LITERAL":
            if self.text[at : at + 1] == chr(argument):
                yield at + 1
        elif name == "IN":
            if any(self.text[at : at + 1] == chr(code) for _, code in argument):
                yield at + 1
        elif name == "BRANCH":
            for items in argument[1]:
                yield from self.sequence(items, 0, at)
        elif name == "SUBPATTERN":
            yield from self.sequence(argument[3], 0, at)
        elif name == "AT":
            if at == len(self.text):
                yield at
        else:
            yield from self.repeat(*argument, at, 0)

    def repeat(self, least: int, most: Any, items: Any, at: int, count: int) -> Iterator[int]:
        if count < most:
            for end in self.sequence(items, 0, at):
                if end != at or count < least:
                    yield from self.repeat(least, most, items, end, count + 1)
        if count >= least:
            yield at


def steps(tree: Any, text: str, limit: int = MOST_STEPS) -> int:
    """The steps to match a text from its beginning, at most ``limit``."""
    matcher = Steps(text, limit)
    try:
        next(matcher.sequence(list(tree), 0, 0), None)
    except OverflowError:
        return limit
    return limit - matcher.left


WORDS = ["a", "b", "ab", "aab", "abb", "aba"]


def growth(tree: Any, enough: float) -> float:
    """How many times longer a text takes when it is twice as long: of several texts the worst, or the first that is enough."""
    worst = 0.0
    for word, before, after in product(WORDS, ("", "a", "b"), ("", "c")):
        short, long = (steps(tree, before + word * (size // len(word)) + after) for size in (12, 24))
        # A count that reached its limit is no figure to compare with.
        worst = max(worst, long / short if short < MOST_STEPS else inf)
        if worst > enough:
            break
    return worst


def patterns() -> st.SearchStrategy[str]:
    letters = st.sampled_from(["a", "b", "[ab]"])
    counts = st.sampled_from(["*", "+", "?", "*?", "{2}", "{1,2}", "{2,}"])

    def larger(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
        repeated = st.tuples(inner, counts).map(lambda pair: f"(?:{pair[0]}){pair[1]}")
        chosen = st.lists(inner, min_size=2, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})")
        return repeated | chosen | st.lists(inner, min_size=2, max_size=3).map("".join)

    return st.recursive(letters, larger, max_leaves=5).map(lambda pattern: pattern + "$")


# The same patterns in every run: the words that the oracle tries do not show the growth of every possible pattern.
@settings(max_examples=40, deadline=None, derandomize=True)
@given(patterns())
def test_what_is_not_reported_does_not_explode_and_what_is_reported_grows(pattern):
    tree = regex.parse(pattern)
    assume(len(pattern) < 60)
    if slow_nodes(tree):
        # More than the square of the text.
        assert growth(tree, 4.5) > 4.5
    else:
        # At most like the fifth power.
        assert growth(tree, 50) < 50


# The source of a part


@pytest.mark.parametrize(
    "pattern",
    [
        "(?:ab)+",
        "(a|b)*?",
        r"[^\d\s-]{2,3}",
        r"[a-z\]\-\\^]+",
        r"(?:\b\w+\b\B)*",
        r"(?:(?=a)(?!b)(?<=c)(?<!d).)*",
        r"(?:(?i:a)(?-i:b))+",
        r"(?:\.\*\n\x00я)*",
        "(?:a|b|cd)+",
        "(?:^a$)*",
        "(?:a{3}b{4,})*",
        r"(?:(x)(?(1)y|z)\1)*",
    ],
)
def test_the_source_of_a_part_means_the_same(pattern):
    (node,) = regex.parse(pattern)
    written = source(node)
    assert repr(regex.parse(written)).replace(" ", "") == repr(regex.parse(pattern)).replace(" ", "") or "(x)" in pattern


_ITEMS = [
    r"\s+", r"\s*", r"\d+", r"\d*?", r".*", r".+?", r"a*", r"\w+", r"\b", r"^", r"$", r"a", r"b", r".", r"\.", r"\\",
    r"s+", r"d*", r"\S*", r"\+", r"\*+", r"1*", r"0", r" +", r" ", r"\n*",
]  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(st.lists(st.sampled_from(_ITEMS), max_size=8).map("".join), st.sampled_from([0, re.IGNORECASE]))
def test_a_pattern_that_is_not_analysed_is_one_that_the_analysis_accepts(pattern: str, flags: int) -> None:
    if not regex._may_be_slow(pattern):
        assert regex._slow_part.__wrapped__(pattern, flags) is None
