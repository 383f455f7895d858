"""Embeddings: a vector for each input, as a rule gives it or made of the input itself (SDK type CreateEmbeddingResponse)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..errors import APIError
from ..http import payloads
from ..http.json import dump
from ..http.request import Request
from ..params.table import Also, Array, Either, Integer, OneOf, String, plain, table
from ..state.namespace import Context
from ..text import tokens, vectors
from ..types.ask import Ask
from ..types.reply import Reply
from .chat.params import MODEL, no_model
from .operation import Operation

#: How long vectors are that nobody gave a length, and the longest that the API makes.
DIMENSIONS = {"text-embedding-3-small": 1536, "text-embedding-3-large": 3072, "text-embedding-ada-002": 1536}
USUAL = 1536
#: The longest that is made for models of other names.
LONGEST = 16384
#: The API's limits: inputs in a request, tokens in an input, tokens in a request.
INPUTS, TOKENS, TOTAL = 2048, 8192, 300_000


def _nowhere(names: list[str | int]) -> None:
    """The API names no parameter in what it says of inputs."""


def _few(inputs: Any) -> None:
    """What the API says of inputs that are none, or too many."""
    if isinstance(inputs, str):
        if not inputs:
            raise plain("Invalid 'input': input cannot be an empty string.", param=_nowhere)
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


def _dimensions(body: dict[str, Any]) -> None:
    """What the API says of a length that a model does not make."""
    dimensions = body.get("dimensions")
    if dimensions is None:
        return
    model = body["model"]
    if model == "text-embedding-ada-002":
        raise plain("This model does not support specifying dimensions.", param=_nowhere)
    most = DIMENSIONS.get(model, LONGEST)
    if dimensions > most:
        said = f"Invalid value for 'dimensions' = {dimensions}. Must be less than or equal to {most}."
        raise plain(said, param=_nowhere)


_TOKENS = Array(Integer(min=0), called="an array of tokens")
EMBEDDINGS = table(
    {
        "model": MODEL,
        "input": Also(Either(String(), Array(String()), _TOKENS, Array(_TOKENS, called="an array of token arrays")), _few),
        "encoding_format": OneOf(["float", "base64"]),
        "dimensions": Integer(min=1),
        "user": String(),
    },
    required=["model", "input"],
    absent={"model": no_model},
    rules=[_dimensions],
)


def read(request: Request) -> Ask:
    """The Ask of POST /embeddings: its text is all inputs, a line for each. Token ids stand for themselves, blanks between."""
    body = request.object()
    deployment = request.params.get("deployment")
    if deployment:
        body["model"] = deployment
    EMBEDDINGS.check(body)
    model = body["model"]
    inputs = _inputs(body)
    counts = [_count(each, model) for each in inputs]
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
    return [replace(ask, text=_text(each)) for each in inputs] if len(inputs) > 1 else ()


def write(ask: Ask, reply: Reply | None, context: Context) -> payloads.JSON:
    """The answer: a vector for each input."""
    inputs = _inputs(ask.body)
    settings = reply or Reply()
    model = ask.model
    key = f"{context.seed}\x1f{model}"
    dimensions = ask.body.get("dimensions") or DIMENSIONS.get(model, USUAL)
    packed = ask.body.get("encoding_format") == "base64"
    data = [
        f'{{"object":"embedding","index":{at},"embedding":{_vector(given, each, dimensions, key, packed)}}}'
        for at, (given, each) in enumerate(zip(inputs, settings.inputs or (reply,) * len(inputs), strict=True))
    ]
    prompt = sum(_count(each, model) for each in inputs)
    usage = {"prompt_tokens": prompt, "total_tokens": prompt, **(settings.usage or {})}
    payload = f'{{"object":"list","data":[{",".join(data)}],"model":{dump(settings.model or model)},"usage":{dump(usage)}}}'
    return payloads.JSON(payload.encode())


def _vector(item: Any, reply: Reply | None, dimensions: int, key: str, packed: bool) -> str:
    """One vector as JSON: what the rule gives as it is given, whatever its length, else one of the input's own."""
    if reply is not None and reply.embedding is not None:
        return dump(vectors.base64(reply.embedding) if packed else reply.embedding)
    vector = vectors.of_text(item, dimensions, key) if isinstance(item, str) else vectors.of_tokens(item, dimensions, key)
    return f'"{vectors.base64(vector.floats())}"' if packed else vector.json()


ENDPOINTS = (Operation("embeddings", "POST", "/embeddings", read, write, own=True, split=split, params=EMBEDDINGS, alone=True),)
