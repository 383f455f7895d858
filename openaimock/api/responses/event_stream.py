"""The events of a streamed response: numbers, deltas, and the content of text parts.

(API reference: Streaming events; SDK type ResponseStreamEvent.)
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ...delivery import pace
from ...http.json import dump
from ...http.sse import Frame
from ...seed import digest
from ...types.reply import Pace
from .items import Item


def event_frame(kind: str, inner: str, number: int, tokens: float = 0.0) -> Frame:
    """One event; ``inner`` is the JSON of its members between type and sequence number, ``tokens`` what it counts for a pace."""
    return f'event: {kind}\ndata: {{"type":"{kind}",{inner},"sequence_number":{number}}}\n\n'.encode(), tokens


class EventStream:
    """The number of the next event, and how texts are cut into deltas."""

    def __init__(self, response: dict[str, Any], cut: Pace | None, obfuscate: bool) -> None:
        self.number = 0
        #: How many previews of an image the request asked for.
        self.previews = max((tool.get("partial_images") or 0 for tool in response["tools"]), default=0)
        self._model = response["model"]
        self._cut = cut
        self._obfuscate = obfuscate

    def frame(self, kind: str, inner: str, tokens: float = 0.0) -> Frame:
        """One event; ``inner`` is the JSON of its members between type and sequence number."""
        number = self.number
        self.number = number + 1
        return event_frame(kind, inner, number, tokens)

    def steps(self, index: int, item: Item, kinds: Iterable[str]) -> Iterator[Frame]:
        """Events without content, which report the progress of an item."""
        for kind in kinds:
            yield self.frame(kind, f'"item_id":{dump(item["id"])},"output_index":{index}')

    def deltas(self, kind: str, text: str, head: str, tail: str, *, paced: bool = False) -> Iterator[Frame]:
        """One text, piece by piece; ``head`` and ``tail`` are the JSON of the members beside ``delta``.

        The fixed opening and closing of the events are made once.
        """
        pieces = pace.stream_pieces(text, self._cut if paced else None, self._model)
        if self._obfuscate:
            for piece in zip(*pieces, strict=True):
                yield self.delta(kind, piece, head, tail)
            return
        opening = f'event: {kind}\ndata: {{"type":"{kind}",{head}"delta":'.encode()
        closing = f',{tail},"sequence_number":'.encode()
        for json, tokens in zip(pieces.json, pieces.tokens, strict=True):
            number = self.number
            self.number = number + 1
            yield b"%b%b%b%d}\n\n" % (opening, json, closing, number), tokens

    def delta(self, kind: str, piece: tuple[str, bytes, float], head: str, tail: str) -> Frame:
        """One delta; ``piece`` is its text, the JSON of that, and its number of tokens."""
        text, json, tokens = piece
        hidden = f',"obfuscation":"{self._hidden(text)}"' if self._obfuscate else ""
        return self.frame(kind, f'{head}"delta":{json.decode()},{tail}{hidden}', tokens)

    def _hidden(self, piece: str) -> str:
        """The padding that gives deltas equal lengths in steps of sixteen characters."""
        return digest("obfuscation", self.number, piece, size=8).hex()[: 16 - len(piece) % 16]

    def text(self, index: int, id: str, at: int, part: Item) -> Iterator[Frame]:
        """The events of an ``output_text`` part."""
        tail = f'"item_id":{id},"logprobs":%s,"output_index":{index}'
        head = f'"content_index":{at},'
        logprobs, annotations = part.get("logprobs") or (), part.get("annotations") or ()
        if logprobs or annotations:
            yield from self._annotated(part["text"], logprobs, annotations, head, tail)
        else:
            yield from self.deltas("response.output_text.delta", part["text"], head, tail % "[]", paced=True)
        yield self.frame("response.output_text.done", f'{head}{tail % dump(logprobs)},"text":{dump(part["text"])}')

    def _annotated(
        self, text: str, logprobs: Sequence[Item], annotations: Sequence[Item], head: str, tail: str
    ) -> Iterator[Frame]:
        """The deltas of a text with their log probabilities; each annotation follows the text that it is about."""
        pieces = pace.stream_pieces(text, self._cut, self._model)
        pending = sorted(enumerate(annotations), key=lambda numbered: _annotated_end(numbered[1], len(text)))
        end = 0
        for piece, beside in zip(zip(*pieces, strict=True), _logprobs_by_piece(pieces.texts, logprobs), strict=True):
            yield self.delta("response.output_text.delta", piece, head, tail % dump(beside))
            end += len(piece[0])
            while pending and _annotated_end(pending[0][1], len(text)) <= end:
                yield self._annotation(*pending.pop(0), head, tail)
        for number, annotation in pending:
            yield self._annotation(number, annotation, head, tail)

    def _annotation(self, number: int, annotation: Item, head: str, tail: str) -> Frame:
        added = dump({"annotation": annotation, "annotation_index": number})[1:-1]
        place = tail.replace('"logprobs":%s,', "")
        return self.frame("response.output_text.annotation.added", f"{head}{added},{place}")

    def refusal(self, index: int, id: str, at: int, part: Item) -> Iterator[Frame]:
        """The events of a ``refusal`` part."""
        head, tail = f'"content_index":{at},', f'"item_id":{id},"output_index":{index}'
        yield from self.deltas("response.refusal.delta", part["refusal"], head, tail, paced=True)
        yield self.frame("response.refusal.done", f'{head}{tail},"refusal":{dump(part["refusal"])}')

    def thought(self, index: int, id: str, at: int, part: Item) -> Iterator[Frame]:
        """The events of a ``reasoning_text`` part."""
        head, tail = f'"content_index":{at},', f'"item_id":{id},"output_index":{index}'
        yield from self.deltas("response.reasoning_text.delta", part["text"], head, tail, paced=True)
        yield self.frame("response.reasoning_text.done", f'{head}{tail},"text":{dump(part["text"])}')


def _annotated_end(annotation: Item, length: int) -> int:
    """The number of characters after which an annotation is sent: the end of its range, or all of the text."""
    for name in ("end_index", "index"):
        end = annotation.get(name)
        if isinstance(end, int) and 0 < end <= length:
            return end
    return length


def _logprobs_by_piece(pieces: Sequence[str], logprobs: Sequence[Item]) -> Iterator[list[Item]]:
    """For each piece the log probabilities of the tokens that begin in it."""
    rest = list(logprobs)
    start = end = 0
    for piece in pieces:
        end += len(piece)
        inside = []
        while rest and start < end:
            inside.append(rest[0])
            start += len(rest.pop(0)["token"])
        yield inside
