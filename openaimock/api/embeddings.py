"""Embeddings: a vector for each input, from a rule or computed from the input (SDK type CreateEmbeddingResponse)."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from ..errors import APIError
from ..http import payloads
from ..http.json import dump
from ..http.request import Request
from ..params.models import family
from ..params.table import Also, Array, Either, Integer, OneOf, String, plain, table
from ..state.namespace import Context
from ..text import tokens, vectors
from ..types.ask import Ask
from ..types.reply import Reply
from .chat.params import MODEL, no_model
from .operation import Operation

#: The length of a vector of an unknown model, and the longest that a request to one may have.
DEFAULT, LONGEST = 1536, vectors.LONGEST
#: The vectors of longer texts are not cached.
_SHORT = 4096
#: The API's limits: inputs in a request, tokens in an input, tokens in a request.
INPUTS, TOKENS, TOTAL = 2048, 8192, 300_000


def _nowhere(names: list[str | int]) -> None:
    """The API names no parameter in errors about inputs."""


def _check_inputs(inputs: Any) -> None:
    """Refuse empty and too many inputs; whether the model takes an empty text is checked later."""
    if isinstance(inputs, str):
        return
    if not inputs:
        raise plain("Invalid 'input': input cannot be an empty array.", param=_nowhere)
    if isinstance(inputs[0], int):
        return
    if len(inputs) > INPUTS:
        raise plain(f"Invalid 'input': array length must be {INPUTS} or less.", param=_nowhere)
    for at, item in enumerate(inputs):
        if not item:
            kind = "string" if isinstance(item, str) else "array"
            raise plain(f"Invalid 'input[{at}]': input cannot be an empty {kind}.", param=_nowhere)


def _check_minimum(dimensions: int) -> None:
    if dimensions < 1:
        raise plain(f"{dimensions} is less than the minimum of 1 - 'dimensions'", param=_nowhere)


def _check_for_model(body: dict[str, Any]) -> None:
    """Refuse a length that the model does not have, and an empty text where the model does not take it."""
    model = family(body["model"])
    if body["input"] == "" and (model.shortens or not model.dimensions):
        raise plain("Invalid 'input': input cannot be an empty string.", param=_nowhere)
    dimensions = body.get("dimensions")
    if dimensions is None:
        return
    if model.dimensions and not model.shortens:
        raise plain("This model does not support specifying dimensions.", param=_nowhere)
    most = model.dimensions or LONGEST
    if dimensions > most:
        message = f"Invalid value for 'dimensions' = {dimensions}. Must be less than or equal to {most}."
        raise plain(message, param=_nowhere)


_TOKENS = Array(Integer(min=0), called="an array of tokens")
EMBEDDINGS = table(
    {
        "model": MODEL,
        "input": Also(
            Either(String(), Array(String()), _TOKENS, Array(_TOKENS, called="an array of token arrays")), _check_inputs
        ),
        "dimensions": Also(Integer(), _check_minimum),
        "encoding_format": OneOf(["float", "base64"]),
        "user": String(),
    },
    required=["model", "input"],
    absent={"model": no_model},
    rules=[_check_for_model],
)


def read(request: Request) -> Ask:
    """The Ask of POST /embeddings: its text has a line for each input, token ids as numbers with blanks between."""
    body = request.object()
    EMBEDDINGS.check(body)
    model = body["model"]
    inputs = _inputs(body)
    counts = [_count(item, model) for item in inputs]
    if max(counts) > TOKENS:
        raise _too_long(body["input"], counts)
    if sum(counts) > TOTAL:
        raise APIError(400, f"Invalid 'input': maximum request size is {TOTAL} tokens per request.")
    return Ask("embeddings", body, text="\n".join(map(_text, inputs)), model=model)


def _inputs(body: dict[str, Any]) -> list[Any]:
    """The inputs, each a text or a list of token ids."""
    inputs = body["input"]
    return [inputs] if isinstance(inputs, str) or isinstance(inputs[0], int) else list(inputs)


def _text(item: Any) -> str:
    return item if isinstance(item, str) else " ".join(map(str, item))


def _count(item: Any, model: str) -> int:
    return tokens.count(item, model) if isinstance(item, str) else len(item)


def _too_long(inputs: Any, counts: Sequence[int]) -> APIError:
    if len(counts) == 1 and (isinstance(inputs, str) or isinstance(inputs[0], int)):
        return APIError(400, f"Invalid 'input': maximum context length is {TOKENS} tokens.")
    at = next(at for at, count in enumerate(counts) if count > TOKENS)
    return APIError(400, f"Invalid 'input[{at}]': maximum input length is {TOKENS} tokens.")


def split(ask: Ask) -> Sequence[Ask]:
    """An Ask for each of several inputs."""
    inputs = _inputs(ask.body)
    return [_part(ask, _text(each)) for each in inputs] if len(inputs) > 1 else ()


def _part(ask: Ask, text: str) -> Ask:
    """An Ask that differs in its text."""
    part = ask.copy()
    part.text, part.answer = text, None
    # What was computed from the text.
    part.__dict__.pop("size", None)
    return part


def write(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    """The answer: a vector for each input."""
    inputs = _inputs(ask.body)
    settings = reply or Reply()
    model = context.model(ask.model)
    key = f"{context.seed}\x1f{ask.model}"
    longest = model.dimensions or DEFAULT
    dimensions = ask.body.get("dimensions") or longest
    packed = ask.body.get("encoding_format") == "base64"
    data = [
        f'{{"object":"embedding","index":{at},"embedding":{_vector(given, each, dimensions, longest, key, packed)}}}'
        for at, (given, each) in enumerate(zip(inputs, settings.inputs or (reply,) * len(inputs), strict=True))
    ]
    prompt = sum(_count(item, ask.model) for item in inputs)
    usage = {"prompt_tokens": prompt, "total_tokens": prompt, **(settings.usage or {})}
    payload = (
        f'{{"object":"list","data":[{",".join(data)}],"model":{dump(settings.model or model.snapshot)},"usage":{dump(usage)}}}'
    )
    return payloads.JSON(payload.encode())


def _vector(item: Any, reply: Reply | None, dimensions: int, longest: int, key: str, packed: bool) -> str:
    """One vector as JSON: that of the rule unchanged, else one computed from the input."""
    if reply is not None and reply.embedding is not None:
        return dump(vectors.base64(reply.embedding) if packed else reply.embedding)
    if isinstance(item, str):
        is_cached = len(item) <= _SHORT and dimensions <= vectors.CACHED_SIZE
        compute = _of_text if is_cached else _of_text.__wrapped__
        return compute(item, dimensions, longest, key, packed)
    return _written(vectors.of_tokens(item, dimensions, key, longest), packed)


@lru_cache(maxsize=128)
def _of_text(text: str, dimensions: int, longest: int, key: str, packed: bool) -> str:
    """The vector of a text as JSON: tests and agents send the same texts again. Up to 6 MB are cached."""
    return _written(vectors.of_text(text, dimensions, key, longest), packed)


def _written(vector: vectors.Vector, packed: bool) -> str:
    return f'"{vector.base64()}"' if packed else vector.json()


ENDPOINTS = (
    Operation("embeddings.create", "POST", "/embeddings", read, write, own=True, split=split, params=EMBEDDINGS, alone=True),
)
