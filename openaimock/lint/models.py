"""Models: requests to an endpoint that does not serve the model, and requests that are too long for it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ..http.catalog import api_error
from ..params.models import Model
from ..params.shapes import listed
from ..text import prompts, tokens
from ..types.ask import Ask
from .check import Check, Finding

_NO_CHAT = (
    "This is not a chat model and thus not supported in the v1/chat/completions endpoint. Did you mean to use v1/completions?"
)
_NO_COMPLETION = "This is a chat model and not supported in the v1/completions endpoint. Did you mean to use v1/chat/completions?"
_ONLY_RESPONSES = "This model is only supported in v1/responses and not in {path}."
#: The number of tokens of each vocabulary whose ids the API checks.
_VOCABULARIES = {"cl100k_base": 100_257}
#: The default of ``max_tokens`` of completions.
_DEFAULT_LIMIT = 16


def suits(ask: Ask, model: Model) -> bool:
    """Whether ``findings`` has nothing to check: a few comparisons for every request."""
    window = model.context_window
    return model.serves(ask.endpoint) and not model.no_roles and (window is None or ask.size <= window)


def findings(ask: Ask, model: Model) -> Iterator[Finding]:
    """What is wrong with the choice of the model for the request."""
    if not model.serves(ask.endpoint):
        yield from _wrong_endpoint(ask, model)
        return
    for at, message in enumerate(ask.messages if ask.endpoint == "chat" else ()):
        if message.role in model.no_roles:
            place = f"messages[{at}].role"
            text = f"Unsupported value: '{place}' does not support '{message.role}' with this model."
            yield Finding("model_role", text, place, "unsupported_value")
    window = model.context_window
    if window is not None and ask.size > window and ask.endpoint in ("chat", "responses"):
        used = prompts.count_chat(ask.body, model) if ask.endpoint == "chat" else _text_tokens(ask)
        if used > window:
            error = api_error(None, "context_length_exceeded", endpoint=ask.endpoint, limit=window, used=used)
            yield Finding("context_length", error.message, error.param, error.code)


def _text_tokens(ask: Ask) -> int:
    return sum(tokens.count(message.text, ask.model) for message in ask.messages)


def _wrong_endpoint(ask: Ask, model: Model) -> Iterator[Finding]:
    """The refusal of a model of another kind; none where the API's wording is not known."""
    kinds = model.endpoints
    if ask.endpoint == "embeddings":
        yield Finding("wrong_model", "You are not allowed to generate embeddings from this model", status=403)
    elif ask.endpoint not in ("chat", "completions"):
        return
    elif kinds & {"embeddings", "moderations"}:
        yield Finding("wrong_model", "You are not allowed to sample from this model", status=403)
    elif kinds == {"responses"}:
        path = "v1/chat/completions" if ask.endpoint == "chat" else "v1/completions"
        yield Finding("wrong_model", _ONLY_RESPONSES.format(path=path), "model", status=404)
    elif ask.endpoint == "chat":
        yield Finding("wrong_model", _NO_CHAT, "model", status=404)
    elif "chat" in kinds:
        yield Finding("wrong_model", _NO_COMPLETION, "model", status=404)


def _prompt(ask: Ask, model: Model) -> Iterator[Finding]:
    """Token ids that the vocabulary does not have, and a prompt and limit that the model has no room for."""
    prompt = ask.body["prompt"] or ""
    texts = [prompt] if isinstance(prompt, str) or isinstance(prompt[0], int) else prompt
    largest = _VOCABULARIES.get(model.encoding)
    for text in texts:
        unknown = next((id for id in text if largest is not None and id > largest), None) if isinstance(text, list) else None
        if unknown is not None:
            bounds = f"Minimum value is 0, maximum value is {largest} (inclusive)."
            yield Finding("token_id", f"Invalid token in prompt: {unknown}. {bounds}")
    yield from _window(ask, model, texts)


def _window(ask: Ask, model: Model, texts: Sequence[str | Sequence[int]]) -> Iterator[Finding]:
    limit = ask.body.get("max_tokens")
    limit = _DEFAULT_LIMIT if limit is None else limit
    window = model.context_window
    if window is None or max(map(len, texts)) + limit <= window:
        return
    used = max(tokens.count(text, ask.model) if isinstance(text, str) else len(text) for text in texts)
    if used + limit > window:
        text = (
            f"This model's maximum context length is {window} tokens, however you requested {used + limit} tokens ({used} in "
            f"your prompt; {limit} for the completion). Please reduce your prompt; or completion length."
        )
        yield Finding("context_length", text)


def _chat_effort(ask: Ask, model: Model) -> Iterator[Finding]:
    effort = ask.body["reasoning_effort"]
    if not model.reasons or effort is None or effort in model.chat_efforts:
        return
    if not model.chat_efforts:
        text = "Unsupported parameter: 'reasoning_effort' is not supported with this model."
        yield Finding("effort_value", text, "reasoning_effort", "unsupported_parameter")
        return
    text = f"Unsupported value: 'reasoning_effort' does not support '{effort}' with this model."
    yield Finding("effort_value", f"{text} {_supported(model.chat_efforts)}", "reasoning_effort", "unsupported_value")


def _effort(ask: Ask, model: Model) -> Iterator[Finding]:
    effort = (ask.body["reasoning"] or {}).get("effort")
    if model.reasons and effort is not None and model.efforts and effort not in model.efforts:
        text = f"Unsupported value: '{effort}' is not supported with the '{ask.model}' model. {_supported(model.efforts)}"
        yield Finding("effort_value", text, "reasoning.effort", "unsupported_value")


def _supported(values: Sequence[str]) -> str:
    return f"Supported values are: {listed(values, 'and')}."


def _web_search(ask: Ask, model: Model) -> Iterator[Finding]:
    if ask.body["web_search_options"] is not None and model.known and not model.unproven and not model.web_search:
        yield Finding("web_search_model", "Web search options not supported with this model.", "web_search_options")


def _chat(refused: str, accepted: str) -> tuple[Mapping[str, Any], Mapping[str, Any]]:
    return {"model": refused}, {"model": accepted}


_SYSTEM = {"messages": [{"role": "system", "content": "Be kind."}, {"role": "user", "content": "Hello"}]}
_O1, _O4 = {"model": "o1-mini"}, {"model": "o4-mini"}

#: The Linter itself runs ``findings`` where ``suits`` is false; those rows have no keys.
MODELS = (
    Check("wrong_model", "A model of another kind in chat.", ("chat",),
          *_chat("gpt-3.5-turbo-instruct", "gpt-4o"), findings),
    Check("wrong_model", "A model that only Responses serves.", ("chat",), *_chat("gpt-5-pro", "gpt-5"), findings),
    Check("wrong_model", "A chat model in completions.", ("completions",),
          *_chat("gpt-4o", "gpt-3.5-turbo-instruct"), findings),
    Check("wrong_model", "A model for vectors in completions.", ("completions",),
          *_chat("text-embedding-3-small", "davinci-002"), findings),
    Check("wrong_model", "A chat model in embeddings.", ("embeddings",),
          *_chat("gpt-4o", "text-embedding-3-small"), findings),
    Check("model_role", "o1-mini and o1-preview refuse system and developer messages.", ("chat",),
          {**_O1, **_SYSTEM}, _O1, findings),
    Check("token_id", "A token id that the vocabulary does not have.", ("completions",),
          {"prompt": [1212, 123_456]}, {"prompt": [1212, 318]}, _prompt, ("prompt",)),
    Check("context_length", "A prompt and limit that exceed the context window.", ("completions",),
          {"max_tokens": 5000}, {"max_tokens": 4000}, _prompt, ("prompt",)),
    Check("effort_value", "An effort that the model does not have.", ("chat",),
          {**_O4, "reasoning_effort": "minimal"}, {**_O4, "reasoning_effort": "low"}, _chat_effort, ("reasoning_effort",)),
    Check("effort_value", "The same at Responses.", ("responses",),
          {**_O4, "reasoning": {"effort": "minimal"}}, {**_O4, "reasoning": {"effort": "low"}}, _effort, ("reasoning",)),
    Check("web_search_model", "Only the search models of chat have these options.", ("chat",),
          {"web_search_options": {}}, {"model": "gpt-4o-search-preview", "web_search_options": {}},
          _web_search, ("web_search_options",)),
)  # fmt: skip
