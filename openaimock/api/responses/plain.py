"""Plain responses: the answer with one text to a request without special parameters, from a template.

The template is the JSON of the first such answer, cut where the answers differ, so that it is written only by ``body``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from ...http import payloads
from ...http.json import dump, dump_with
from ...params.models import Model
from ...state.namespace import Context
from ...text.prompts import count_items
from ...text.tokens import count_encoded
from ...types.parts import once
from ...types.reply import Reply
from .. import shaping
from . import store as stored
from .body import Response, ResponsesAsk, input_tokens, response_for
from .items import Item, new_id
from .output import output_items

#: The parameters of requests that a template answers; those of ``_ECHOED`` are only echoed.
_ECHOED = frozenset(["model", "store", "temperature", "top_p", "parallel_tool_calls", "truncation", "max_output_tokens"])
#: Clients send other values of ``metadata`` and ``user`` with each request, so a template is for all of them.
_PARAMETERS = _ECHOED | {"input", "instructions", "stream", "metadata", "user"}
#: Templates that are kept, the texts of each, and the longest text and parameters.
_TEMPLATES, _TEXTS, _LONGEST = 64, 64, 8192
#: A text has at most this many tokens for each character, and an answer as many beside it.
_PER_CHARACTER, _BESIDE = 4, 16
#: Stands for what differs; JSON has no such character.
_HOLE = "\x00"
#: The members that differ, in the order of the response.
_DIFFERING = ("id", "created_at", "completed_at", "instructions", "output", "usage", "user", "metadata")


class _Text(NamedTuple):
    """The answers with one text: the pieces of their JSON around what differs still, and the tokens of the text."""

    pieces: Sequence[str]
    tokens: int


class _Template(NamedTuple):
    """The pieces of the JSON around what differs, the model that they are for, and the texts that were answered."""

    pieces: Sequence[str]
    model: Model
    store: bool
    texts: dict[str, _Text]
    #: The tokens of a prompt beside a text without instructions.
    around: int


_templates: dict[str, _Template] = {}


def is_plain(ask: ResponsesAsk, reply: Reply) -> bool:
    """Whether a template can answer: one text of a rule, and nothing in the request but its text and what is echoed."""
    if not reply.plain or ask.stream or not ask.body.keys() <= _PARAMETERS:
        return False
    size, limit = len(reply.blocks[0].text), ask.body.get("max_output_tokens")
    if size > _LONGEST or (limit is not None and limit < size * _PER_CHARACTER + _BESIDE):
        return False
    items = ask.body["input"]
    return items.__class__ is str or all(item.get("type") in (None, "message") for item in items)


def plain_answer(ask: ResponsesAsk, reply: Reply, context: Context) -> payloads.JSON:
    """The answer of ``create.write``, the same as ``response_for`` makes it, and stored like it."""
    model = context.model(ask.model)
    template = _template(ask, reply, context, model)
    pieces, tokens = template.texts.get(reply.blocks[0].text) or _text(template, ask, reply, context)
    begin, to_created, to_completed, to_instructions, to_message, to_prompt, to_total, to_user, to_metadata, end = pieces
    ids, body, now = context.ids, ask.body, context.created
    id, message = new_id("resp_", ids), new_id("msg_", ids)
    source, instructions, user, metadata = body["input"], body.get("instructions"), body.get("user"), body.get("metadata")
    if source.__class__ is str and not instructions:
        prompt = template.around + count_encoded(source, model.encoding)
    else:
        prompt = input_tokens(ask, context)
    payload = (
        f"{begin}{id}{to_created}{now}{to_completed}{now}"
        f"{to_instructions}{'null' if instructions is None else once(instructions, dump, dump)}"
        f"{to_message}{message}{to_prompt}{prompt}{to_total}{prompt + tokens}"
        f"{to_user}{'null' if user is None else dump(user)}{to_metadata}{'{}' if metadata is None else dump(metadata)}{end}"
    )
    if template.store:
        record = (id, message, payload, source, *ids.place, stored.pace_record(reply.pace))
        stored.save_plain(context.store, record, context.memory + len(payload))
    return payloads.JSON(payload.encode(), tokens, plain_answer)


def _template(ask: ResponsesAsk, reply: Reply, context: Context, model: Model) -> _Template:
    body = ask.body
    echoed = {name: body[name] for name in body if name in _ECHOED}
    key = ask.model if len(echoed) == 1 else dump(echoed)
    template = _templates.get(key)
    if template is not None and template.model is model:
        return template
    response: Response = response_for(ask, reply, context.apart())
    pieces = dump_with(response, dict.fromkeys(_DIFFERING, _HOLE)).split(_HOLE)
    template = _Template(pieces, model, response["store"], {}, count_items([{"role": "user", "content": ""}], {}, model))
    if len(key) <= _LONGEST:
        if len(_templates) >= _TEMPLATES:
            _templates.clear()
        _templates[key] = template
    return template


def _text(template: _Template, ask: ResponsesAsk, reply: Reply, context: Context) -> _Text:
    item: Item = output_items(ask, reply, reply.blocks, context.apart(), ())[0]
    tokens = shaping.completion_tokens(reply, ask, "responses")
    quoted = f'"{_HOLE}"'
    usage = (
        f'{{"input_tokens":{_HOLE},"input_tokens_details":{{"cache_write_tokens":0,"cached_tokens":0}},'
        f'"output_tokens":{tokens},"output_tokens_details":{{"reasoning_tokens":0}},"total_tokens":{_HOLE}}}'
    )
    members = {"id": quoted, "output": f"[{dump_with(item, {'id': quoted})}]", "usage": usage}
    whole = template.pieces[0]
    for name, piece in zip(_DIFFERING, template.pieces[1:], strict=True):
        whole += members.get(name, _HOLE) + piece
    text = _Text(whole.split(_HOLE), tokens)
    if len(template.texts) >= _TEXTS:
        template.texts.clear()
    template.texts[reply.blocks[0].text] = text
    return text
