"""The events of a streamed response, made from the finished Response, so that a second stream is the same.

(API reference: Streaming events; SDK type ResponseStreamEvent.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence

from ...delivery import pace
from ...http.json import dump
from ...http.sse import Frame
from ...seed import digest
from ...types.reply import Pace
from .body import Response
from .items import Item

_ENDS = {"completed": "response.completed", "incomplete": "response.incomplete"}


def stream_events(response: Response, cut: Pace | None = None, *, obfuscate: bool = False) -> Iterator[Frame]:
    """All events of a finished response, from ``response.created`` to the event of its final status.

    ``cut`` divides texts into deltas. ``obfuscate`` adds the ``obfuscation`` member that hides the length of deltas.
    """
    stream = _Stream(response, cut, obfuscate)
    start = unfinished(response, "queued" if response["background"] else "in_progress")
    snapshot = f'"response":{dump(start)}'
    yield stream.frame("response.created", snapshot)
    if response["background"]:
        yield stream.frame("response.queued", snapshot)
        snapshot = f'"response":{dump(unfinished(response, "in_progress"))}'
    yield stream.frame("response.in_progress", snapshot)
    for index, item in enumerate(response["output"]):
        yield from stream.item(index, item)
    yield from final_events(response, stream.number)


def final_events(response: Response, number: int) -> Iterator[Frame]:
    """The last events of a stream: the error of a failed response, and the event of the final status."""
    if response["status"] == "failed":
        error = {"code": response["error"]["code"], "message": response["error"]["message"], "param": None}
        yield _framed("error", dump(error)[1:-1], number)
        number += 1
    kind = _ENDS.get(response["status"], "response.failed")
    yield _framed(kind, f'"response":{dump(_streamed(response))}', number)


def _streamed(response: Response) -> Response:
    """A response as events have it: without ``billing``."""
    return {name: value for name, value in response.items() if name != "billing"}


def unfinished(response: Response, status: str) -> Response:
    """A response before it has any output; only a finished one has ``billing``."""
    tier = response["service_tier"]
    return {
        **_streamed(response),
        "status": status,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "output": [],
        # The tier that serves a request without a choice is known at the end.
        "service_tier": "auto" if tier == "default" else tier,
        "moderation": None,
        "usage": None,
    }


def failed_response(response: Response, error: Item) -> Response:
    """A response that fails before its end: ``error`` has ``code`` and ``message``."""
    return {**unfinished(response, "failed"), "error": error}


def _framed(kind: str, inner: str, number: int, tokens: float = 0.0) -> Frame:
    return f'event: {kind}\ndata: {{"type":"{kind}",{inner},"sequence_number":{number}}}\n\n'.encode(), tokens


class _Stream:
    """The number of the next event, and how texts are cut into deltas."""

    def __init__(self, response: Response, cut: Pace | None, obfuscate: bool) -> None:
        self.number = 0
        #: How many previews of an image the request asked for.
        self.previews = max((tool.get("partial_images") or 0 for tool in response["tools"]), default=0)
        self._model = response["model"]
        self._reasons = bool(response["reasoning"].get("context"))
        self._cut = cut
        self._obfuscate = obfuscate

    def frame(self, kind: str, inner: str, tokens: float = 0.0) -> Frame:
        """One event; ``inner`` is the JSON of its members between type and sequence number."""
        number = self.number
        self.number = number + 1
        return _framed(kind, inner, number, tokens)

    def item(self, index: int, item: Item) -> Iterator[Frame]:
        """All events of one output item."""
        kind = item["type"]
        yield self.frame("response.output_item.added", f'"item":{dump(_added_item(item, self._reasons))},"output_index":{index}')
        content = _CONTENT.get(kind)
        if content is not None:
            yield from content(self, index, item)
        else:
            yield from self.steps(index, item, _STEPS.get(kind, ()))
        yield self.frame("response.output_item.done", f'"item":{dump(item)},"output_index":{index}')

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


# The events of each type of item

_EMPTY = {
    "output_text": {"type": "output_text", "annotations": [], "logprobs": [], "text": ""},
    "refusal": {"type": "refusal", "refusal": ""},
    "reasoning_text": {"type": "reasoning_text", "text": ""},
}
_PARTS: dict[str, Callable[[_Stream, int, str, int, Item], Iterator[Frame]]] = {
    "output_text": _Stream.text,
    "refusal": _Stream.refusal,
    "reasoning_text": _Stream.thought,
}


def _content(stream: _Stream, index: int, item: Item) -> Iterator[Frame]:
    id = dump(item["id"])
    for at, part in enumerate(item.get("content") or ()):
        where = f'"content_index":{at},"item_id":{id},"output_index":{index},"part":'
        empty = _EMPTY.get(part["type"])
        if empty is None:
            continue
        yield stream.frame("response.content_part.added", where + dump(empty))
        yield from _PARTS[part["type"]](stream, index, id, at, part)
        # The log probabilities are in the item, and empty here.
        done = {**part, "logprobs": []} if part.get("logprobs") else part
        yield stream.frame("response.content_part.done", where + dump(done))


def _reasoning(stream: _Stream, index: int, item: Item) -> Iterator[Frame]:
    id = dump(item["id"])
    for at, part in enumerate(item["summary"]):
        where = f'"item_id":{id},"output_index":{index}'
        empty = dump({**part, "text": ""})
        kind = "response.reasoning_summary_"
        yield stream.frame(f"{kind}part.added", f'{where},"part":{empty},"summary_index":{at}')
        yield from stream.deltas(f"{kind}text.delta", part["text"], "", f'{where},"summary_index":{at}', paced=True)
        yield stream.frame(f"{kind}text.done", f'{where},"summary_index":{at},"text":{dump(part["text"])}')
        yield stream.frame(f"{kind}part.done", f'{where},"part":{dump(part)},"summary_index":{at}')
    yield from _content(stream, index, item)


def _arguments(kind: str, member: str) -> Callable[[_Stream, int, Item], Iterator[Frame]]:
    """The events of a tool call: deltas of the text of one member, then the whole text."""

    def events(stream: _Stream, index: int, item: Item) -> Iterator[Frame]:
        where = f'"item_id":{dump(item["id"])},"output_index":{index}'
        text = item.get(member) or ""
        yield from stream.deltas(f"{kind}.delta", text, "", where)
        yield stream.frame(f"{kind}.done", f'"{member}":{dump(text)},{where}')

    return events


_CODE = _arguments("response.code_interpreter_call_code", "code")
_MCP_ARGUMENTS = _arguments("response.mcp_call_arguments", "arguments")


def _code(stream: _Stream, index: int, item: Item) -> Iterator[Frame]:
    kind = "response.code_interpreter_call."
    yield from stream.steps(index, item, [kind + "in_progress"])
    yield from _CODE(stream, index, item)
    yield from stream.steps(index, item, [kind + "interpreting", kind + "completed"])


def _mcp_call(stream: _Stream, index: int, item: Item) -> Iterator[Frame]:
    yield from stream.steps(index, item, ["response.mcp_call.in_progress"])
    yield from _MCP_ARGUMENTS(stream, index, item)
    failed = item.get("error") is not None or item.get("status") == "failed"
    yield from stream.steps(index, item, ["response.mcp_call." + ("failed" if failed else "completed")])


def _mcp_tools(stream: _Stream, index: int, item: Item) -> Iterator[Frame]:
    ended = "failed" if item.get("error") is not None else "completed"
    yield from stream.steps(index, item, ["response.mcp_list_tools.in_progress", "response.mcp_list_tools." + ended])


def _image(stream: _Stream, index: int, item: Item) -> Iterator[Frame]:
    kind = "response.image_generation_call."
    yield from stream.steps(index, item, [kind + "in_progress", kind + "generating"])
    settings = {name: item[name] for name in ("background", "output_format", "quality", "size") if item.get(name)}
    for at in range(stream.previews if item.get("result") else 0):
        partial = {"item_id": item["id"], "output_index": index, "partial_image_b64": item["result"], "partial_image_index": at}
        yield stream.frame(kind + "partial_image", dump({**partial, **settings})[1:-1])
    yield from stream.steps(index, item, [kind + "completed"])


def _shell(stream: _Stream, index: int, item: Item) -> Iterator[Frame]:
    kind = "response.shell_call_command."
    for at, command in enumerate(item["action"].get("commands") or ()):
        where = f'"command_index":{at},'
        yield stream.frame(kind + "added", f'"command":"",{where}"output_index":{index}')
        yield from stream.deltas(kind + "delta", command, where, f'"output_index":{index}')
        yield stream.frame(kind + "done", f'"command":{dump(command)},{where}"output_index":{index}')


def _shell_output(stream: _Stream, index: int, item: Item) -> Iterator[Frame]:
    kind = "response.shell_call_output_content."
    where = f'"item_id":{dump(item["id"])}'
    for at, output in enumerate(item.get("output") or ()):
        delta = {"command_index": at, "delta": {"stdout": output.get("stdout") or "", "stderr": output.get("stderr") or ""}}
        yield stream.frame(kind + "delta", f'{dump(delta)[1:-1]},{where},"output_index":{index}')
        done = {"command_index": at, "output": [output]}
        yield stream.frame(kind + "done", f'{dump(done)[1:-1]},{where},"output_index":{index}')


_CONTENT: dict[str, Callable[[_Stream, int, Item], Iterator[Frame]]] = {
    "message": _content,
    "reasoning": _reasoning,
    "function_call": _arguments("response.function_call_arguments", "arguments"),
    "custom_tool_call": _arguments("response.custom_tool_call_input", "input"),
    "code_interpreter_call": _code,
    "mcp_call": _mcp_call,
    "mcp_list_tools": _mcp_tools,
    "image_generation_call": _image,
    "shell_call": _shell,
    "shell_call_output": _shell_output,
}
#: Items without content of their own: the events of their progress.
_STEPS = {
    "web_search_call": [f"response.web_search_call.{step}" for step in ("in_progress", "searching", "completed")],
    "file_search_call": [f"response.file_search_call.{step}" for step in ("in_progress", "searching", "completed")],
}
#: Members that are still empty when an item is added.
_LATER: dict[str, Item] = {
    "message": {"content": []},
    "reasoning": {"summary": [], "content": []},
    "function_call": {"arguments": ""},
    "custom_tool_call": {"input": ""},
    "file_search_call": {"queries": [], "results": None},
    "code_interpreter_call": {"code": ""},
    "image_generation_call": {"result": None},
    "mcp_call": {"arguments": "", "output": None, "error": None},
    "mcp_list_tools": {"tools": []},
    "shell_call_output": {"output": []},
    "tool_search_call": {"arguments": {}},
}

#: Items that are never in progress.
_INSTANT = frozenset(["apply_patch_call_output", "program_output"])


def _added_item(item: Item, reasons: bool) -> Item:
    """An item when it is added, before it has any content; ``reasons`` says whether the model is a reasoning model."""
    added = {**item, **{name: empty for name, empty in _LATER.get(item["type"], {}).items() if name in item}}
    if item["type"] == "web_search_call":
        # Reasoning models decide what to search for later than the others.
        added.pop("action")
        added |= {} if reasons else {"action": {"type": item["action"].get("type", "search")}}
    if "status" in added and item["type"] not in _INSTANT:
        added["status"] = "in_progress"
    if isinstance(added.get("outputs"), list):
        added["outputs"] = []
    if item["type"] == "shell_call":
        added["action"] = {**item["action"], "commands": []}
    return added
