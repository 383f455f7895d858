"""Tokens of texts: the estimate, and tiktoken where it is installed."""

from __future__ import annotations

import hashlib
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from openaimock import create_app
from openaimock.errors import ConfigError
from openaimock.text import tokens


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No vocabulary of this machine's takes part, nothing is remembered."""
    monkeypatch.setenv("TIKTOKEN_CACHE_DIR", str(tmp_path))
    monkeypatch.delenv(tokens.SETTING, raising=False)
    monkeypatch.setattr(tokens, "DOWNLOAD_TIMEOUT", 5.0)
    tokens.reset()
    yield
    tokens.reset()


#: Texts and what tiktoken counts in them.
SAMPLES = yaml.safe_load((Path(__file__).parents[1] / "support" / "tokens.yaml").read_text("utf-8"))
ENCODINGS = {"gpt-4o": "o200k_base", "gpt-4": "cl100k_base"}
#: Any string Python can hold, half surrogate pairs too.
ANYTHING = st.text(st.characters())
#: Text as people write it: words, signs, gaps and letters of many scripts next to one another.
WORDS = " word| Word|WORD|camelCase|snake_case|42|1234567|.|, |\":|----|   |'s|\u2019re|(|/path|\\n|\n|\n\n\n|\r\n|\t|\x00"
OTHERS = "é|naïve|不客气|ありがとう|감사합니다|спасибо|شكرا|धन्यवाद|nước|👩\u200d👩\u200d👧|👍🏽|e\u0301|½"
TEXTS = st.lists(st.sampled_from(f"{WORDS}|{OTHERS}".split("|"))).map("".join)


@pytest.mark.parametrize("model", ENCODINGS)
@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample["kind"])
def test_estimate_is_within_ten_percent(sample: dict[str, Any], model: str) -> None:
    assert tokens.count(sample["text"], model) == pytest.approx(sample[ENCODINGS[model]], rel=0.1)


def test_short_texts_are_counted_right() -> None:
    texts = {
        "Hello": 1,
        "Hello! How can I help you today?": 9,
        '{"city":"San Francisco","unit":"celsius"}': 11,
        "I\u2019m sorry.": 4,
    }
    assert {text: tokens.count(text) for text in texts} == texts


def test_estimate_is_the_same_everywhere() -> None:
    assert tokens.split("It's 1234 o'clock:\n\n    self._items.get('HTMLParser', ----------)") == [
        *("It", "'s", " ", "123", "4", " o", "'", "clock", ":\n\n", "   ", " self", "._", "items", ".get"),
        *("('", "HTM", "L", "Parser", "',", " ----------", ")"),
    ]


@pytest.mark.parametrize("model", ENCODINGS)
@given(text=ANYTHING | TEXTS)
def test_pieces_join_to_the_text(text: str, model: str) -> None:
    assert "".join(tokens.split(text, model)) == text


@pytest.mark.parametrize("model", ENCODINGS)
@given(text=ANYTHING | TEXTS)
def test_there_are_as_many_pieces_as_tokens(text: str, model: str) -> None:
    pieces = tokens.split(text, model)
    assert tokens.count(text, model) == len(pieces) and all(pieces)


@given(text=ANYTHING | TEXTS, more=ANYTHING | TEXTS)
def test_more_text_never_has_fewer_tokens(text: str, more: str) -> None:
    assert tokens.count(text) <= tokens.count(text + more)


def test_no_text_has_no_tokens() -> None:
    assert tokens.count("") == 0 and tokens.split("") == []


def test_ascii_counts_the_same_beside_other_letters() -> None:
    text = SAMPLES[3]["text"]
    assert tokens.count(text + "é") == tokens.count(text) + 1


@pytest.mark.parametrize(
    "text", ["a" * 100_000, "A" * 100_000, " " * 100_000, "-" * 100_000, "\t " * 50_000, "\n" * 100_000, "ạ" * 100_000]
)
def test_monotonous_text_has_its_share_of_tokens(text: str) -> None:
    assert 1_000 <= tokens.count(text) <= 100_000


def test_digits_go_by_threes() -> None:
    assert tokens.split("1234567") == ["123", "456", "7"]


def test_remembered_counts_are_bounded() -> None:
    for number in range(5_000):
        tokens.count(f"text {number}")
    assert len(tokens._counts) <= 4_096


def test_older_models_have_the_older_vocabulary() -> None:
    models = (
        "gpt-4 gpt-4-0613 gpt-4-turbo-2024-04-09 gpt-4-32k gpt-3.5-turbo gpt-35-turbo gpt-3.5-turbo-instruct openai/gpt-4 "
        "ft:gpt-4:acme::x ft:gpt-3.5-turbo-0125:acme::x text-embedding-3-small text-embedding-ada-002 text-davinci-003 "
        "davinci-002 babbage-002 ft:davinci-002:acme"
    )
    assert {tokens.encoding_name(model) for model in models.split()} == {"cl100k_base"}


def test_other_models_have_the_current_vocabulary() -> None:
    models = (
        "gpt-4o gpt-4o-mini-2024-07-18 chatgpt-4o-latest gpt-4.1 gpt-4.1-nano gpt-4.5-preview gpt-5 gpt-5.2 o1 o3 o4-mini "
        "gpt-oss-120b ft:gpt-4o-2024-08-06:acme::x ft:gpt-4.1:acme openai/gpt-4o omni-moderation-latest codex-mini-latest mine"
    )
    assert {tokens.encoding_name(model) for model in models.split()} == {"o200k_base"}


def test_no_model_has_the_current_vocabulary() -> None:
    assert tokens.encoding_name("") == "o200k_base"


class Bytewise:
    """A tiktoken ``Encoding`` whose tokens are bytes."""

    def __init__(self, name: str) -> None:
        self.name = name

    def encode_ordinary(self, text: str) -> list[int]:
        return list(text.encode("utf-8", "replace"))

    def decode_tokens_bytes(self, pieces: list[int]) -> list[bytes]:
        return [bytes([each]) for each in pieces]


@pytest.fixture
def tiktoken(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """A tiktoken in place of the real one, if there is one."""
    module = ModuleType("tiktoken")
    module.get_encoding = Bytewise  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "tiktoken", module)
    return module


@pytest.fixture
def vocabulary(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A vocabulary where tiktoken keeps what it fetched."""
    content = b"IQ== 0\n"
    monkeypatch.setattr(tokens, "VOCABULARIES", dict.fromkeys(tokens.VOCABULARIES, ("kept", hashlib.sha256(content).hexdigest())))
    (tmp_path / "kept").write_bytes(content)
    return tmp_path / "kept"


@pytest.mark.usefixtures("tiktoken", "vocabulary")
def test_tiktoken_counts_when_its_vocabulary_is_there() -> None:
    assert tokens.count("tiktoken", "gpt-4o") == tokens.count("tiktoken", "gpt-4") == 8
    assert tokens.tokenizer("o200k_base").name == "tiktoken"


@pytest.mark.usefixtures("tiktoken")
def test_vocabularies_are_looked_for_where_tiktoken_does(monkeypatch: pytest.MonkeyPatch, vocabulary: Path) -> None:
    monkeypatch.delenv("TIKTOKEN_CACHE_DIR")
    monkeypatch.setenv("DATA_GYM_CACHE_DIR", str(vocabulary.parent))
    assert tokens.tokenizer("o200k_base").name == "tiktoken"


@pytest.mark.usefixtures("vocabulary")
def test_no_tiktoken_means_the_estimate(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    assert tokens.count("tiktoken") == 1
    tokens.prepare()


def test_no_vocabulary_means_the_estimate_and_no_fetch(tiktoken: ModuleType) -> None:
    tiktoken.get_encoding = _must_not_be_called  # type: ignore[attr-defined]
    assert tokens.count("tiktoken") == 1


def test_a_damaged_vocabulary_is_not_fetched_again(tiktoken: ModuleType, vocabulary: Path) -> None:
    tiktoken.get_encoding = _must_not_be_called  # type: ignore[attr-defined]
    vocabulary.write_bytes(b"half of i")
    assert tokens.count("tiktoken") == 1 and vocabulary.exists()


@pytest.mark.usefixtures("vocabulary")
def test_the_estimate_can_be_forced(monkeypatch: pytest.MonkeyPatch, tiktoken: ModuleType) -> None:
    tiktoken.get_encoding = _must_not_be_called  # type: ignore[attr-defined]
    monkeypatch.setenv(tokens.SETTING, "estimate")
    tokens.prepare()
    assert tokens.tokenizer("o200k_base").name == "estimate"


@pytest.mark.usefixtures("tiktoken")
def test_tiktoken_may_fetch_when_it_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tokens.SETTING, "tiktoken")
    tokens.prepare()
    assert tokens.count("tiktoken") == 8


def test_tiktoken_asked_for_and_missing_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tiktoken", None)
    monkeypatch.setenv(tokens.SETTING, "tiktoken")
    with pytest.raises(ConfigError, match="OPENAIMOCK_TOKENS: tiktoken is required and cannot be used: ModuleNotFoundError"):
        tokens.prepare()


def test_requests_are_answered_by_the_estimate_when_a_fetch_fails(
    monkeypatch: pytest.MonkeyPatch, tiktoken: ModuleType, caplog: pytest.LogCaptureFixture
) -> None:
    tiktoken.get_encoding = _must_not_be_called  # type: ignore[attr-defined]
    monkeypatch.setenv(tokens.SETTING, "tiktoken")
    assert [tokens.count("tiktoken"), tokens.count("token")] == [1, 1]
    assert [record.message for record in caplog.records] == ["Tokens are estimated: RuntimeError: no network"]


def test_a_fetch_that_hangs_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, tiktoken: ModuleType) -> None:
    arrived = threading.Event()
    tiktoken.get_encoding = lambda name: arrived.wait() and Bytewise(name)  # type: ignore[attr-defined]
    monkeypatch.setattr(tokens, "DOWNLOAD_TIMEOUT", 0.01)
    monkeypatch.setenv(tokens.SETTING, "tiktoken")
    try:
        with pytest.raises(ConfigError, match="no vocabulary o200k_base within"):
            tokens.prepare()
    finally:
        arrived.set()


def test_an_unknown_way_to_count_is_a_clear_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tokens.SETTING, "tictoc")
    with pytest.raises(ConfigError, match=re.escape("'tictoc' is not a way to count tokens (auto, tiktoken, estimate)")):
        tokens.prepare()


def test_an_application_is_not_made_with_an_unknown_way_to_count(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(tokens.SETTING, "tictoc")
    with pytest.raises(ConfigError, match=tokens.SETTING):
        create_app({"responses": []})


@pytest.mark.usefixtures("tiktoken", "vocabulary")
@given(text=TEXTS)
def test_tiktokens_pieces_never_split_a_character(text: str) -> None:
    assert tokens.split(text) == list(text)


@pytest.mark.usefixtures("tiktoken", "vocabulary")
def test_half_a_surrogate_pair_stays_as_it_is() -> None:
    text = json.loads('"a \\ud83d b"')
    assert "".join(tokens.split(text)) == text


def test_tiktoken_is_not_imported_in_vain() -> None:
    code = "import sys; from openaimock.text import tokens; tokens.count('x'); print('tiktoken' in sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "False"


def _must_not_be_called(name: str) -> None:
    raise RuntimeError("no network")
