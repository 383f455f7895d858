"""Count the tokens of a text, and cut a text into pieces of one token.

tiktoken counts when it and its vocabulary are on this machine (see ``prepare``). If not, an estimate counts: one regular
expression cuts the text where OpenAI's tokenizers would, and the count is the number of pieces. ``docs/tokens.rst`` has its
error.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import sys
import threading
from collections.abc import Callable
from functools import cache, lru_cache
from importlib.util import find_spec
from typing import Any, NamedTuple

from ..errors import ConfigError, Problem

#: The environment variable that chooses how to count, and its values.
SETTING = "OPENAIMOCK_TOKENS"
CHOICES = ("auto", "tiktoken", "estimate")

#: The vocabularies: the file's name in tiktoken's cache folder and the SHA-256 of what must be in it.
VOCABULARIES = {
    "o200k_base": (
        "fb374d419588a4632f3f557e76b4b70aebbca790",
        "446a9538cb6c348e3516120d7c08b09f57c36495e2acfffe59a5bf8b0cfb1a2d",
    ),
    "cl100k_base": (
        "9b5ad71b2ce5302211f9c61530b329a4922fc6a4",
        "223921b76ee99bde995b7ff738513eef100fb51d18c93597a113bcffe865b2a7",
    ),
}

#: Seconds that the download of a vocabulary may take with ``OPENAIMOCK_TOKENS=tiktoken``.
DOWNLOAD_TIMEOUT = 30.0

#: Models with the older vocabulary; all others, unknown ones too, have o200k_base.
_CL100K_MODELS = re.compile(r"(?:ft:)?(?:gpt-4(?![.\w])|gpt-3|text-|code-|(?:ada|babbage|curie|davinci)(?![a-z]))", re.IGNORECASE)


class Tokenizer(NamedTuple):
    """A way to count: ``name`` is ``tiktoken`` or ``estimate``."""

    name: str
    count: Callable[[str], int]
    split: Callable[[str], list[str]]


@lru_cache(maxsize=256)
def encoding_name(model: str) -> str:
    """The vocabulary of a model: ``o200k_base``, or ``cl100k_base`` for GPT-4, GPT-3.5, embeddings and what came before."""
    return "cl100k_base" if _CL100K_MODELS.match(model.rpartition("/")[2]) else "o200k_base"


#: Counts of texts by encoding, length and hash: an agent sends its whole history again with every request. The hash stands for
#: the text, so that no text stays in memory; two texts with equal hashes of 64 bits do not occur by chance.
_counts: dict[tuple[str, int, int], int] = {}


def count(text: str, model: str = "") -> int:
    """The number of tokens of a text, by the name of the model."""
    return count_encoded(text, encoding_name(model))


def count_encoded(text: str, encoding: str) -> int:
    """The number of tokens of a text, by the name of the vocabulary."""
    key = (encoding, len(text), hash(text))
    number = _counts.get(key)
    if number is None:
        number = tokenizer(encoding).count(text)
        if len(_counts) >= 4096:
            _counts.clear()
        _counts[key] = number
    return number


def split(text: str, model: str = "") -> list[str]:
    """Cut the text into pieces of one token; joined they are exactly the text.

    There are ``count`` pieces; fewer with tiktoken if a character has several tokens, which stay together.
    """
    return tokenizer(encoding_name(model)).split(text)


@cache
def tokenizer(encoding: str) -> Tokenizer:
    """The tokenizer of an encoding in this process, chosen at the first use."""
    return _exact(encoding) or estimate(encoding)


def prepare() -> None:
    """Read ``OPENAIMOCK_TOKENS`` and, if it is ``tiktoken``, load the vocabularies now, so that no request waits for them.

    ``auto`` (the default) uses tiktoken if it is installed and its vocabulary is on this disk, and downloads nothing;
    ``tiktoken`` may download it; ``estimate`` never uses it. ConfigError for another value, or if tiktoken cannot be loaded.
    """
    choice = _choice()
    if choice not in CHOICES:
        raise ConfigError([Problem("", SETTING, f"{choice!r} is not a way to count tokens ({', '.join(CHOICES)})")])
    if choice == "tiktoken":
        for encoding in VOCABULARIES:
            if tokenizer(encoding).name != "tiktoken":
                raise ConfigError([Problem("", SETTING, f"tiktoken is required and cannot be used: {_failures[encoding]}")])


def reset() -> None:
    """Clear all cached counts and the choice of tokenizers."""
    _counts.clear()
    tokenizer.cache_clear()


def _choice() -> str:
    return os.environ.get(SETTING, "").strip().lower() or "auto"


#: The reason why tiktoken cannot be loaded, by encoding.
_failures: dict[str, str] = {}


def _exact(encoding: str) -> Tokenizer | None:
    """tiktoken's tokenizer, None when it is not selected or cannot be loaded."""
    choice = _choice()
    if choice == "estimate" or (choice != "tiktoken" and not (_is_installed() and _on_disk(encoding))):
        return None
    loaded: list[Any] = []

    def load() -> None:
        try:
            import tiktoken

            loaded.append(tiktoken.get_encoding(encoding))
        except Exception as error:  # a missing module, a proxy or a broken download may raise anything
            _failures[encoding] = f"{type(error).__name__}: {error}"

    if choice == "tiktoken":
        # tiktoken downloads without a timeout, so the wait is limited here.
        _failures[encoding] = f"no vocabulary {encoding} within {DOWNLOAD_TIMEOUT:.0f} s"
        thread = threading.Thread(target=load, name="tiktoken", daemon=True)
        thread.start()
        thread.join(DOWNLOAD_TIMEOUT)
        if not loaded:
            logging.getLogger("openaimock").warning("Tokens are estimated: %s", _failures[encoding])
    else:
        load()
    return _with_tiktoken(loaded[0]) if loaded else None


def _is_installed() -> bool:
    return "tiktoken" in sys.modules or find_spec("tiktoken") is not None


def _on_disk(encoding: str) -> bool:
    """Whether tiktoken has its vocabulary without the network; the hash is checked because it downloads a damaged file again."""
    name, sha256 = VOCABULARIES[encoding]
    folder = os.environ.get("TIKTOKEN_CACHE_DIR", os.environ.get("DATA_GYM_CACHE_DIR"))
    if folder is None:
        import tempfile

        folder = os.path.join(tempfile.gettempdir(), "data-gym-cache")
    try:
        with open(os.path.join(folder, name), "rb") as file:
            return bool(folder) and hashlib.sha256(file.read()).hexdigest() == sha256
    except OSError:
        return False


def _with_tiktoken(encoding: Any) -> Tokenizer:
    """Count and split by a tiktoken ``Encoding``. Special tokens in a text are treated as text, as in the API."""
    encode, decode = encoding.encode_ordinary, encoding.decode_tokens_bytes

    def split(text: str) -> list[str]:
        pieces: list[bytes] = []
        for piece in decode(encode(text)):
            # A token may end inside a character; its other bytes, 10xxxxxx, follow in the next.
            if pieces and piece[:1] and piece[0] & 0xC0 == 0x80:
                pieces[-1] += piece
            else:
                pieces.append(piece)
        try:
            texts = [piece.decode() for piece in pieces]
        except UnicodeDecodeError:
            texts = []
        # tiktoken changes half of a surrogate pair, which JSON can contain.
        return texts if "".join(texts) == text else estimate(encoding.name).split(text)

    return Tokenizer("tiktoken", lambda text: len(encode(text)), split)


# The estimate. Numbers in the patterns are how many letters of a kind count as one token: they were fitted to the true counts
# of English prose, code and JSON; a longer word continues in the next piece. Each alternative begins with a character or a
# class, because re looks at that before it tries one: this takes half the time.
_MARK = r"[!-/:-@\[-`{-~]"
#: A line drawn with one character is one or two tokens.
_RULE = r"(?:===={0,92}=|----{0,92}-|####{0,92}#|\*\*\*\*{0,92}\*|____{0,60}_|\.\.\.\.{0,60}\.|////{0,76}/)[\r\n]*"
#: The start of an object or list in compact JSON is one token.
_QUOTE = rf'":[{{\[]"[\r\n/]*|"{_MARK}{{0,2}}[\r\n/]*'
#: A row that begins with a mark which begins nothing else, and with any mark.
_OTHER_MARKS = rf"[!$%&)+,:;<>?@\[\]^`{{|}}~]{_MARK}{{0,2}}[\r\n/]*"
_MARKS = rf"{_MARK}{_MARK}{{0,2}}[\r\n/]*"
#: Letters that only Vietnamese uses, in words of mostly ASCII letters that are one token.
_VIET = r"\u0110\u0111\u01a0-\u01b0\u1ea0-\u1eff"
#: Letters that are not ASCII, by encoding. A letter of the first class that takes one of the second comes to a length between
#: one and two. The older vocabulary often needs several tokens for one of them; one is counted.
_SCRIPTS = {
    "o200k_base": (
        rf"[{_VIET}][a-z{_VIET}]{{0,5}}",
        r"[\u00c0-\u024f\u1e00-\u1eff][a-z\u00c0-\u024f\u1e00-\u1eff]?",  # Latin with marks
        r"[\u0370-\u03ff\u1f00-\u1fff]{1,3}",  # Greek
        r"[\u0400-\u052f]{1,5}",  # Cyrillic
        r"[\u0530-\u05ff\u10a0-\u10ff]{1,3}",  # Armenian, Hebrew, Georgian
        r"[\u0600-\u077f]{1,4}",  # Arabic
        r"[\u0900-\u0e7f]{1,3}",  # Devanagari to Thai
        r"[\u0e80-\u109f\u1780-\u17ff]{1,2}",  # Lao, Tibetan, Burmese, Khmer
        r"[\u3041-\u309f]{1,2}",  # Hiragana
        r"[\u30a0-\u30ff]{1,2}",  # Katakana
        r"[\u4e00-\u7000][\u4e00-\u9fa5]",  # Han
        r"[\uac00-\ud000][\uac00-\ud7a3]",  # Hangul
        r"[\u4e00-\ud7a3]",
    ),
    "cl100k_base": (r"[\u0400-\u052f]{1,2}", r"[\uac00-\ub000][\uac00-\ud7a3]", r"[\u00c0-\u1fff\u3041-\ud7a3]"),
}


def estimate(encoding: str) -> Tokenizer:
    """Count and split by the estimate."""

    def count(text: str) -> int:
        runs = _run_finder("" if text.isascii() else encoding)(text)
        return "".join(runs).count(" ") + runs.count("")

    def split(text: str) -> list[str]:
        return _cutter("" if text.isascii() else encoding)(text)

    return Tokenizer("estimate", count, split)


@cache
def _cutter(encoding: str) -> Callable[[str], list[str]]:
    """The function that cuts text into pieces; "" is for ASCII, where the encodings agree (compiled ten times faster)."""
    return re.compile(_pieces(encoding)).findall


@cache
def _run_finder(encoding: str) -> Callable[[str], list[str]]:
    """The function that cuts text into the same pieces, but as few texts, so that counting takes half of the time.

    A row of words in small letters, each of which is a piece, is one text, and any other piece is an empty one.
    """
    letters = f"a-z{_VIET if encoding == 'o200k_base' else ''}"
    return re.compile(_pieces(encoding, rf"( [a-z][{letters}]{{0,10}}(?: [a-z][{letters}]{{0,10}}){{0,60}})|")).findall


def _pieces(encoding: str, row: str = "") -> str:
    """The pattern of a piece; ``row`` is one that begins with a space and is tried before the others that do.

    What is frequent in prose and in JSON comes first; only pieces that can begin with the same character need their order.
    """
    letters = "".join(f"{script}|" for script in _SCRIPTS.get(encoding, ()))
    words = _VIET if encoding == "o200k_base" else ""
    alternatives = (
        r"[a-z][a-z]{0,7}",
        r"[0-9][0-9]{0,2}",
        _QUOTE,
        _OTHER_MARKS,
        # A space belongs to what follows it; of several, the last one does.
        rf"{row} (?:[a-z][a-z{words}]{{0,10}}|{_QUOTE}|{_OTHER_MARKS}|[A-Z](?:[a-z]{{1,7}}|[A-Z]{{0,14}}(?![a-z]))"
        rf"|{_RULE}|{_MARKS}|{letters} {{0,79}}(?![^ \t]))?",
        r"[A-Z](?:[a-z]{1,9}|[A-Z]{0,2}(?![a-z]))?",
        # Names in code: _name, _NAME, .name, (name, -name and escapes; then the ends of don't and it's.
        r"_(?:[a-z]{1,7}|[A-Z]{1,5}(?![a-z]))",
        r"\.[a-z]{1,7}",
        r"[-(][a-z]{1,5}",
        r"\\[a-z]",
        r"['\u2019](?:[sdmt]|ll|ve|re)(?![a-z])",
        _RULE,
        _MARKS,
        r"[\r\n][\r\n]{0,15}",
        r"\t[ \t]{0,19}(?![^ \t])",
    )
    return "|".join(alternatives) + f"|{letters}[\\s\\S]"
