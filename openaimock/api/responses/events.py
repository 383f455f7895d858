"""The events of a streamed response, all made from the finished Response: streamed again they are the same.

(API reference: Streaming events; SDK type ResponseStreamEvent.)
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

from ...delivery import pace
from ...http.json import dump
from ...http.sse import Frame
from ...seed import digest
from ...types.reply import Pace
from .body import Response
from .items import Item

_ENDS = {"completed": "response.completed", "incomplete": "response.incomplete"}


def frames(response: Response, stream_pieces: Pace | None = None, *, obfuscate: bool = False) -> Iterator[Frame]:
    """All events of a response, as it is at its end: from ``response.created`` to the one that says how it ended.

    ``spoken`` says how text is cut. ``obfuscate`` adds the ``obfuscation`` member that hides the length of deltas.
    """
    stream = _Stream(response, stream_pieces, obfuscate)
    start = opened(response, "queued" if response["background"] else "in_progress")
    said = f'"response":{dump(start)}'
    yield stream.frame("response.created", said)
    if response["background"]:
        yield stream.frame("response.queued", said)
        said = f'"response":{dump(opened(response, "in_progress"))}'
    yield stream.frame("response.in_progress", said)
    for index, item in enumerate(response["output"]):
        yield from stream.item(index, item)
    yield from closing(response, stream.number)


def closing(response: Response, number: int) -> Iterator[Frame]:
    """The last events of a stream: what went wrong, if anything did, and how the response ended."""
    if response["status"] == "failed":
        error = {"code": response["error"]["code"], "message": response["error"]["message"], "param": None}
        yield _framed("error", dump(error)[1:-1], number)
        number += 1
    kind = _ENDS.get(response["status"], "response.failed")
    yield _framed(kind, f'"response":{dump(response)}', number)


def opened(response: Response, status: str) -> Response:
    """A response as it was before anything was said."""
    tier = response["service_tier"]
    return {
        **response,
        "status": status,
        "completed_at": None,
        "error": None,
        "incomplete_details": None,
        "output": [],
        # Which tier serves a request that did not choose one is known at the end.
        "service_tier": "auto" if tier == "default" else tier,
        "usage": None,
    }


def failed(response: Response, error: Item) -> Response:
    """A response that breaks off: ``error`` has ``code`` and ``message``."""
    return {**opened(response, "failed"), "error": error}


def _framed(kind: str, inner: str, number: int, said: float = 0.0) -> Frame:
    return f'event: {kind}\ndata: {{"type":"{kind}",{inner},"sequence_number":{number}}}\n\n'.encode(), said


class _Stream:
    """The number of the next event, and how text is cut."""

    def __init__(self, response: Response, stream_pieces: Pace | None, obfuscate: bool) -> None:
        self.number = 0
        #: How many previews of an image the request asked for.
        self.previews = max((tool.get("partial_images") or 0 for tool in response["tools"]), default=0)
        self._model = response["model"]
        self._spoken = stream_pieces
        self._obfuscate = obfuscate

    def frame(self, kind: str, inner: str, said: float = 0.0) -> Frame:
        """One event; ``inner`` is the JSON of its members between type and sequence number."""
        number = self.number
        self.number = number + 1
        return _framed(kind, inner, number, said)

    def item(self, index: int, item: Item) -> Iterator[Frame]:
        """All events of one output item."""
        kind = item["type"]
        yield self.frame("response.output_item.added", f'"item":{dump(_opened_item(item))},"output_index":{index}')
        says = _SAYS.get(kind)
        if says is not None:
            yield from says(self, index, item)
        else:
            yield from self.steps(index, item, _STEPS.get(kind, ()))
        yield self.frame("response.output_item.done", f'"item":{dump(item)},"output_index":{index}')

    def steps(self, index: int, item: Item, kinds: Iterable[str]) -> Iterator[Frame]:
        """Events that say nothing but how far an item is."""
        for kind in kinds:
            yield self.frame(kind, f'"item_id":{dump(item["id"])},"output_index":{index}')

    def deltas(self, kind: str, text: str, head: str, tail: str, *, stream_pieces: bool = False) -> Iterator[Frame]:
        """One text, piece by piece; ``head`` and ``tail`` are the JSON of the members beside ``delta``.

        A fixed opening and closing around what is new: a stream costs what it says.
        """
        pieces = pace.stream_pieces(text, self._spoken if stream_pieces else None, self._model)
        if self._obfuscate:
            for piece in zip(*pieces, strict=True):
                yield self.delta(kind, piece, head, tail)
            return
        opening = f'event: {kind}\ndata: {{"type":"{kind}",{head}"delta":'.encode()
        closing = f',{tail},"sequence_number":'.encode()
        for json, said in zip(pieces.json, pieces.tokens, strict=True):
            number = self.number
            self.number = number + 1
            yield b"%b%b%b%d}\n\n" % (opening, json, closing, number), said

    def delta(self, kind: str, piece: tuple[str, bytes, float], head: str, tail: str) -> Frame:
        """One piece of a text, its JSON, and how many tokens it says."""
        text, json, said = piece
        hidden = f',"obfuscation":"{self._hidden(text)}"' if self._obfuscate else ""
        return self.frame(kind, f'{head}"delta":{json.decode()},{tail}{hidden}', said)

    def _hidden(self, piece: str) -> str:
        """What makes a delta as long as others of up to sixteen letters."""
        return digest("obfuscation", self.number, piece, size=8).hex()[: 16 - len(piece) % 16]

    def text(self, index: int, id: str, at: int, part: Item) -> Iterator[Frame]:
        """The events of an ``output_text`` part."""
        tail = f'"item_id":{id},"logprobs":%s,"output_index":{index}'
        head = f'"content_index":{at},'
        logprobs = part.get("logprobs") or ()
        if not logprobs:
            yield from self.deltas("response.output_text.delta", part["text"], head, tail % "[]", stream_pieces=True)
        else:
            pieces = pace.stream_pieces(part["text"], self._spoken, self._model)
            for piece, beside in zip(zip(*pieces, strict=True), _beside(pieces.texts, logprobs), strict=True):
                yield self.delta("response.output_text.delta", piece, head, tail % dump(beside))
        for number, annotation in enumerate(part.get("annotations") or ()):
            added = {"annotation": annotation, "annotation_index": number}
            where = f'"content_index":{at},"item_id":{id},"output_index":{index}'
            yield self.frame("response.output_text.annotation.added", f"{dump(added)[1:-1]},{where}")
        done = tail % dump([_plain(each) for each in logprobs])
        yield self.frame("response.output_text.done", f'{head}{done},"text":{dump(part["text"])}')

    def refusal(self, index: int, id: str, at: int, part: Item) -> Iterator[Frame]:
        """The events of a ``refusal`` part."""
        head, tail = f'"content_index":{at},', f'"item_id":{id},"output_index":{index}'
        yield from self.deltas("response.refusal.delta", part["refusal"], head, tail, stream_pieces=True)
        yield self.frame("response.refusal.done", f'{head}{tail},"refusal":{dump(part["refusal"])}')

    def thought(self, index: int, id: str, at: int, part: Item) -> Iterator[Frame]:
        """The events of a ``reasoning_text`` part."""
        head, tail = f'"content_index":{at},', f'"item_id":{id},"output_index":{index}'
        yield from self.deltas("response.reasoning_text.delta", part["text"], head, tail, stream_pieces=True)
        yield self.frame("response.reasoning_text.done", f'{head}{tail},"text":{dump(part["text"])}')


def _beside(pieces: Sequence[str], logprobs: Sequence[Item]) -> Iterator[list[Item]]:
    """For each piece the log probabilities of the tokens that begin in it."""
    left = list(logprobs)
    start = end = 0
    for piece in pieces:
        end += len(piece)
        taken = []
        while left and start < end:
            taken.append(_plain(left[0]))
            start += len(left.pop(0)["token"])
        yield taken


def _plain(logprob: Mapping[str, Any]) -> Item:
    """A log probability as events have it: without bytes."""
    others = [{"token": other["token"], "logprob": other["logprob"]} for other in logprob.get("top_logprobs") or ()]
    return {"token": logprob["token"], "logprob": logprob["logprob"], "top_logprobs": others}


# What each type of item says

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
        yield stream.frame("response.content_part.done", where + dump(part))


def _reasoning(stream: _Stream, index: int, item: Item) -> Iterator[Frame]:
    id = dump(item["id"])
    for at, part in enumerate(item["summary"]):
        where = f'"item_id":{id},"output_index":{index}'
        empty = dump({**part, "text": ""})
        kind = "response.reasoning_summary_"
        yield stream.frame(f"{kind}part.added", f'{where},"part":{empty},"summary_index":{at}')
        yield from stream.deltas(f"{kind}text.delta", part["text"], "", f'{where},"summary_index":{at}', stream_pieces=True)
        yield stream.frame(f"{kind}text.done", f'{where},"summary_index":{at},"text":{dump(part["text"])}')
        yield stream.frame(f"{kind}part.done", f'{where},"part":{dump(part)},"summary_index":{at}')
    yield from _content(stream, index, item)


def _arguments(kind: str, member: str) -> Callable[[_Stream, int, Item], Iterator[Frame]]:
    """What a call of a tool says: the text of one member, then all of it."""

    def say(stream: _Stream, index: int, item: Item) -> Iterator[Frame]:
        where = f'"item_id":{dump(item["id"])},"output_index":{index}'
        text = item.get(member) or ""
        yield from stream.deltas(f"{kind}.delta", text, "", where)
        yield stream.frame(f"{kind}.done", f'"{member}":{dump(text)},{where}')

    return say


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
    shown = {name: item[name] for name in ("background", "output_format", "quality", "size") if item.get(name)}
    for at in range(stream.previews if item.get("result") else 0):
        partial = {"item_id": item["id"], "output_index": index, "partial_image_b64": item["result"], "partial_image_index": at}
        yield stream.frame(kind + "partial_image", dump({**partial, **shown})[1:-1])
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


_SAYS: dict[str, Callable[[_Stream, int, Item], Iterator[Frame]]] = {
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
#: Items that only say how far they are.
_STEPS = {
    "web_search_call": [f"response.web_search_call.{step}" for step in ("in_progress", "searching", "completed")],
    "file_search_call": [f"response.file_search_call.{step}" for step in ("in_progress", "searching", "completed")],
    "compaction": ["response.compaction.compacting"],
}
#: What an item does not have yet when it is added.
_LATER: dict[str, Item] = {
    "message": {"content": []},
    "reasoning": {"summary": [], "content": []},
    "function_call": {"arguments": ""},
    "custom_tool_call": {"input": ""},
    "file_search_call": {"queries": [], "results": None},
    "code_interpreter_call": {"code": "", "outputs": None},
    "image_generation_call": {"result": None},
    "mcp_call": {"arguments": "", "output": None, "error": None},
    "mcp_list_tools": {"tools": []},
    "shell_call_output": {"output": []},
}

#: Items that are never in progress.
_AT_ONCE = frozenset(["apply_patch_call_output", "program_output"])


def _opened_item(item: Item) -> Item:
    """An item as it is when it is added: nothing said yet."""
    made = {**item, **{name: empty for name, empty in _LATER.get(item["type"], {}).items() if name in item}}
    if "status" in made and item["type"] not in _AT_ONCE:
        made["status"] = "in_progress"
    if item["type"] == "shell_call":
        made["action"] = {**item["action"], "commands": []}
    return made
