"""Schemas of tools and structured outputs that strict mode or the API refuses."""

from __future__ import annotations

import marshal
from collections.abc import Iterator, Sequence
from functools import lru_cache
from itertools import islice
from typing import TYPE_CHECKING, Any

from ..params.models import Model
from ..types.ask import Ask
from ..types.parts import PARTS, once
from ..types.tools import Tool, listed, response_form
from .check import MAX_FINDINGS, Check, Finding

if TYPE_CHECKING:
    from ..schema.strict import Refusal

#: What follows the name of the parameter when the model has no structured outputs, and the finding's param.
_NO_SCHEMAS = {
    "response_format": (
        " Learn more about supported models at the Structured Outputs guide: "
        "https://platform.openai.com/docs/guides/structured-outputs",
        None,
    ),
    "text.format": ("", "text.format"),
}
#: Where the API places a problem of a strict schema, and its code.
_STRICT = {"response_format": ("response_format", None), "text.format": ("text.format.schema", "invalid_json_schema")}
_NO_PARAMETERS = {"type": "object", "properties": {}}


#: Agents send the same tools with every request. Results for schemas up to this many bytes are cached.
_CACHED_SIZE = 200_000


def _functions(ask: Ask, model: Model) -> Iterator[Finding]:
    offered, functions = ask.body.get("tools"), ask.body.get("functions")
    part = PARTS.of(offered) if functions is None else None
    if part is not None:
        return iter(part.fact(_of_tools, _of_tools))
    # The fastest cache key for JSON values; version 2 gives equal values equal bytes.
    packed = marshal.dumps((offered, functions), 2)
    return iter(_of_functions(packed) if len(packed) <= _CACHED_SIZE else _of_functions.__wrapped__(packed))


def _of_tools(tools: Any) -> tuple[Finding, ...]:
    return tuple(islice(_problems(listed(tools)), MAX_FINDINGS))


@lru_cache(maxsize=128)
def _of_functions(packed: bytes) -> tuple[Finding, ...]:
    return tuple(islice(_problems(listed(*marshal.loads(packed))), MAX_FINDINGS))


def _problems(tools: Sequence[Tool]) -> Iterator[Finding]:
    from ..schema.strict import loose_problem, strict_problem  # imported here because only requests with tools or schemas need it

    for tool in tools:
        if tool.kind != "function" or not (tool.strict or tool.parameters):
            continue
        schema = _NO_PARAMETERS if tool.parameters is None else tool.parameters
        problem = (strict_problem if tool.strict else loose_problem)(schema, name=f"function '{tool.name}'")
        if problem:
            check = "strict_function" if tool.strict else "function_schema"
            yield Finding(check, str(problem), tool.path, "invalid_function_parameters")


def _output(ask: Ask, model: Model) -> Iterator[Finding]:
    form = response_form(ask)
    if form.kind != "json_schema":
        return
    if not model.schemas:
        advice, param = _NO_SCHEMAS[form.param]
        message = f"Invalid parameter: '{form.param}' of type 'json_schema' is not supported with this model.{advice}"
        yield Finding("schema_model", message, param)
    if form.strict and form.schema is not None:
        schema = form.schema
        problem = once(ask.body[form.param.partition(".")[0]], "strict schema", lambda _: _packed_schema(schema))
        if problem:
            yield Finding("strict_schema", str(problem._replace(name=f"response_format '{form.name}'")), *_STRICT[form.param])


def _packed_schema(schema: Any) -> Refusal | None:
    packed = marshal.dumps(schema, 2)
    return _of_schema(packed) if len(packed) <= _CACHED_SIZE else _of_schema.__wrapped__(packed)


@lru_cache(maxsize=128)
def _of_schema(packed: bytes) -> Refusal | None:
    from ..schema.strict import strict_problem

    return strict_problem(marshal.loads(packed))


_OPEN = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
_CLOSED = {**_OPEN, "additionalProperties": False}
_OPTIONAL = {**_CLOSED, "properties": {"city": {"type": "string"}, "zone": {"type": "string"}}}
_WITH = ("tools", "functions")


def _tool(schema: Any, strict: bool) -> dict[str, Any]:
    return {"tools": [{"type": "function", "function": {"name": "now", "parameters": schema, "strict": strict}}]}


def _flat(schema: Any, strict: bool) -> dict[str, Any]:
    return {"tools": [{"type": "function", "name": "now", "parameters": schema, "strict": strict}]}


def _format(schema: Any, **more: Any) -> dict[str, Any]:
    return {"response_format": {"type": "json_schema", "json_schema": {"name": "place", "schema": schema, **more}}}


def _text(schema: Any) -> dict[str, Any]:
    return {"text": {"format": {"type": "json_schema", "name": "place", "schema": schema, "strict": True}}}


SCHEMAS = (
    Check("strict_function", "A strict function whose objects are open, or whose properties are not all required.", ("chat",),
          _tool(_OPEN, True), _tool(_CLOSED, True), _functions, _WITH),
    Check("strict_function", "The same at Responses.", ("responses",),
          _flat(_OPTIONAL, True), _flat(_CLOSED, True), _functions, _WITH),
    Check("function_schema", "A schema that the API refuses for any function, strict or not.", ("chat",),
          _tool({"type": "array", "items": {}}, False), _tool(_OPEN, False), _functions, _WITH),
    Check("function_schema", "The same at Responses.", ("responses",),
          _flat({"type": "object"}, False), _flat(_OPEN, False), _functions, _WITH),
    Check("strict_schema", "A strict response format whose schema is not strict.", ("chat",),
          _format(_OPTIONAL, strict=True), _format(_CLOSED, strict=True), _output, ("response_format",)),
    Check("strict_schema", "The same at Responses.", ("responses",),
          _text(_OPEN), _text(_CLOSED), _output, ("text",)),
    Check("schema_model", "A schema for a model without structured outputs.", ("chat",),
          {"model": "gpt-4-turbo", **_format(_OPEN)}, _format(_OPEN), _output, ("response_format",)),
    Check("schema_model", "The same at Responses.", ("responses",),
          {"model": "gpt-4-turbo", **_text(_CLOSED)}, _text(_CLOSED), _output, ("text",)),
)  # fmt: skip
