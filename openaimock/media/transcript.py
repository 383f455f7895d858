"""Transcripts: a text laid over the duration of an audio file as words, segments, captions, speakers and token logprobs.

| answer                         | made by                                   |
| ------------------------------ | ----------------------------------------- |
| ``verbose_json``               | ``segments`` and ``words``                |
| ``srt``, ``vtt``               | ``srt`` and ``vtt``, from ``segments``    |
| ``diarized_json``              | ``diarized_segments``                     |
| ``logprobs``, streamed deltas  | ``token_logprobs``                        |

The fields and their order are those of the API (OpenAI's SDK, ``openai.types.audio``). Each result is a NamedTuple whose
``_asdict()`` is the JSON object. Times are in seconds, rounded to 0.01. The numbers that a model would compute depend on
the text alone, so the same request always has the same answer.
"""

from __future__ import annotations

import hashlib
import re
import string
import zlib
from collections.abc import Callable, Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

from .speech_rate import SpokenWord, spoken_words

#: A segment ends at the end of a sentence, or after the weight of this many average words (10 s at 150 words a minute).
MAX_SEGMENT_WEIGHT = 25.0

#: Whisper reads windows of 30 s, of 100 frames per second. Its token 50364 stands for 0.00 s, the next for 0.02 s, ...
_WINDOW_SECONDS, _FRAMES_PER_SECOND = 30.0, 100
_FIRST_TIME_TOKEN, _TIME_TOKENS_PER_SECOND, _TEXT_TOKENS = 50_364, 50, 50_257

#: Audio tokens per second of input, as the API counts them for gpt-4o-transcribe (37 tokens for 3.7 s).
AUDIO_TOKENS_PER_SECOND = 10

_SENTENCE_END = re.compile(r"[.!?…]{1,8}[\"'”’)»\]]{0,4}\s|[。！？]{1,8}[」』）”]{0,4}|\n")  # noqa: RUF001
_PIECES = re.compile(r"\s*\w+|\s*[^\w\s]+|\s+")
#: The labels of speakers without a name, in their order.
_ALPHABET = list(string.ascii_uppercase)
_LABEL = re.compile(r"\s*(\S[^:\n]{0,39}):\s+(?=\S)")


class Word(NamedTuple):
    """A word without punctuation, and when it is said."""

    word: str
    start: float
    end: float


class Segment(NamedTuple):
    """A segment of ``verbose_json``. ``seek`` is in frames of 10 ms, ``text`` starts with a space."""

    id: int
    seek: int
    start: float
    end: float
    text: str
    tokens: list[int]
    temperature: float
    avg_logprob: float
    compression_ratio: float
    no_speech_prob: float


class DiarizedSegment(NamedTuple):
    """A segment of ``diarized_json``, and the event of the same type. ``text`` starts with a space."""

    type: str
    text: str
    speaker: str
    start: float
    end: float
    id: str


class TokenLogprob(NamedTuple):
    """A token, its log probability and its UTF-8 bytes."""

    token: str
    logprob: float
    bytes: list[int]


class _Sentence(NamedTuple):
    """A piece of the text, on one line, and the words in it."""

    text: str
    words: list[SpokenWord]


Split = Callable[[str], list[str]]


def split_words(text: str) -> list[str]:
    """``text`` in pieces of a word or of punctuation, each with the space before it; a stand-in for a tokenizer."""
    return _PIECES.findall(text)


def words(text: str, seconds: float) -> list[Word]:
    """The words of ``text``, laid over ``seconds`` in proportion to the time that each takes to say."""
    spoken = list(spoken_words(text))
    times = _times(spoken, seconds)
    return [Word(word.word, start, end) for word, start, end in zip(spoken, times, times[1:], strict=False)]


def segments(text: str, seconds: float, *, temperature: float = 0.0, split: Split = split_words) -> list[Segment]:
    """The sentences of ``text`` as the segments of ``verbose_json``; none for a blank text.

    ``split`` is a tokenizer; the ids of the tokens that it makes are hashes below 50,257. A text without a word is one segment.
    """
    sentences = _sentences(text)
    spans = _spans(sentences, seconds)
    return [
        _segment(index, sentence.text, span, temperature, split)
        for index, (sentence, span) in enumerate(zip(sentences, spans, strict=True))
    ]


def _segment(index: int, text: str, span: tuple[float, float], temperature: float, split: Split) -> Segment:
    start, end = span
    window = start // _WINDOW_SECONDS * _WINDOW_SECONDS
    text = " " + text
    encoded = text.encode("utf-8", "surrogatepass")
    limits = [_FIRST_TIME_TOKEN + round(min(_WINDOW_SECONDS, time - window) * _TIME_TOKENS_PER_SECOND) for time in span]
    return Segment(
        id=index,
        seek=round(window * _FRAMES_PER_SECOND),
        start=start,
        end=end,
        text=text,
        tokens=[limits[0], *(_number(piece, "id") % _TEXT_TOKENS for piece in split(text)), limits[1]],
        temperature=temperature,
        avg_logprob=-round(0.1 + 0.3 * _share(text, "avg_logprob"), 6),
        compression_ratio=round(len(encoded) / len(zlib.compress(encoded)), 6),
        no_speech_prob=round(0.001 + 0.03 * _share(text, "no_speech_prob"), 6),
    )


def srt(parts: Iterable[Segment]) -> str:
    """SubRip captions, one for each segment."""
    return "".join(
        f"{number}\n{_clock(part.start, ',')} --> {_clock(part.end, ',')}\n{_cue(part.text)}\n\n"
        for number, part in enumerate(parts, 1)
    )


def vtt(parts: Iterable[Segment]) -> str:
    """WebVTT captions, one for each segment."""
    cues = (f"{_clock(part.start, '.')} --> {_clock(part.end, '.')}\n{_cue(part.text)}\n\n" for part in parts)
    return "WEBVTT\n\n" + "".join(cues)


def _cue(text: str) -> str:
    return text.strip().replace("-->", "->")  # an arrow would read as a line of times


def _clock(seconds: float, point: str) -> str:
    minutes, milliseconds = divmod(round(seconds * 1_000), 60_000)
    return f"{minutes // 60:02}:{minutes % 60:02}:{milliseconds // 1_000:02}{point}{milliseconds % 1_000:03}"


def diarized_segments(text: str, seconds: float, names: Sequence[str] = ()) -> list[DiarizedSegment]:
    """The sentences of ``text`` with their speakers, as the segments of ``diarized_json``; none for a blank text.

    Each line of ``text`` is a speaker's turn. When all lines start with a label (``Agent: Hello.``), the label names the
    speaker: one of ``names`` (``known_speaker_names``, in any case), a single capital letter, or else the next free letter.
    A text of one line has a label only if it is one of ``names`` or a letter. Without labels, turns go round ``names``,
    filled up with letters to two speakers.
    """
    spoken = [(speaker, sentence) for speaker, turn in _turns(text, names) for sentence in _sentences(turn)]
    spans = _spans([sentence for _, sentence in spoken], seconds)
    return [
        DiarizedSegment("transcript.text.segment", " " + sentence.text, speaker, start, end, f"seg_{index}")
        for index, ((speaker, sentence), (start, end)) in enumerate(zip(spoken, spans, strict=True))
    ]


def _turns(text: str, names: Sequence[str]) -> list[tuple[str, str]]:
    """Each line's speaker and what the speaker says."""
    lines = [line for line in text.splitlines() if line.strip()]
    labels = [match for match in map(_LABEL.match, lines) if match]
    letters = {label[1] for label in labels if label[1] in _ALPHABET}
    by_label = {letter.casefold(): letter for letter in letters} | {name.casefold(): name for name in names}
    if len(labels) < len(lines) or (len(lines) == 1 and labels[0][1].casefold() not in by_label):
        speakers = [*names, *_ALPHABET[: max(0, 2 - len(names))]]
        return [(speakers[index % len(speakers)], line) for index, line in enumerate(lines)]
    used = set(by_label.values())
    free = iter([letter for letter in _ALPHABET if letter not in used])
    turns = []
    for label, line in zip(labels, lines, strict=True):
        key = label[1].casefold()
        if key not in by_label:
            by_label[key] = next(free, label[1])  # after 26 speakers, a label stands for itself
        turns.append((by_label[key], line[label.end() :]))
    return turns


def token_logprobs(text: str, *, split: Split = split_words) -> list[TokenLogprob]:
    """The tokens of ``text`` in order, with log probabilities between -0.1 and 0. ``split`` is a tokenizer.

    Together they are the ``logprobs`` of a whole answer; one by one, each is a delta of a streamed answer.
    """
    return [
        TokenLogprob(
            token, -round(0.1 * _share(f"{index}\x1f{token}", "logprob") ** 4, 8), list(token.encode("utf-8", "surrogatepass"))
        )
        for index, token in enumerate(split(text))
    ]


def _sentences(text: str) -> list[_Sentence]:
    spoken = list(spoken_words(text))
    if not spoken:
        return [_Sentence(_one_line(text), [])] if text.strip() else []
    sentences, first, start, weight = [], 0, 0, 0.0
    for index, word in enumerate(spoken):
        weight += word.weight
        if index + 1 == len(spoken):
            end = len(text)
        else:
            gap = text[word.end : spoken[index + 1].start]
            stop = _SENTENCE_END.search(gap)
            if stop is None and weight < MAX_SEGMENT_WEIGHT:
                continue
            end = word.end + (stop.end() if stop else len(gap.split(" ")[0]))
        sentences.append(_Sentence(_one_line(text[start:end]), spoken[first : index + 1]))
        first, start, weight = index + 1, end, 0.0
    return sentences


def _one_line(text: str) -> str:
    return " ".join(text.split())


def _spans(sentences: list[_Sentence], seconds: float) -> list[tuple[float, float]]:
    """The start and end of each sentence; one without words has no length, unless it is the first and no other has words."""
    times = _times([word for sentence in sentences for word in sentence.words], seconds)
    if len(times) == 1:
        return [(0.0 if index == 0 else times[0], times[0]) for index in range(len(sentences))]
    ends = accumulate(len(sentence.words) for sentence in sentences)
    return [(times[end - len(sentence.words)], times[end]) for sentence, end in zip(sentences, ends, strict=True)]


def _times(spoken: list[SpokenWord], seconds: float) -> list[float]:
    """When each word starts, and when the last one ends. ValueError when ``seconds`` is negative or not finite."""
    if not 0 <= seconds < float("inf"):
        raise ValueError(f"the duration is {seconds} seconds, which is not a finite number of 0 or more")
    total = sum(word.weight for word in spoken)
    sums = accumulate((word.weight for word in spoken), initial=0.0)
    return [round(seconds * part / total, 2) for part in sums] if total else [round(seconds, 2)]


def _number(text: str, purpose: str) -> int:
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8, person=purpose.encode())
    return int.from_bytes(digest.digest(), "big")


def _share(text: str, purpose: str) -> float:
    """A number from 0 to 1 that depends on the text and the purpose."""
    return _number(text, purpose) / 2**64
