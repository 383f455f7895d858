"""The parameter tables of embeddings, moderations, completions and stored completions: what they take and what they refuse."""

from __future__ import annotations

import types
import typing

import pytest
import typing_extensions
from openai.types import completion_create_params, embedding_create_params, moderation_create_params
from openai.types.chat import completion_list_params, completion_update_params
from openai.types.chat.completions import message_list_params

from openaimock.api.chat import stored
from openaimock.api.completions import COMPLETIONS
from openaimock.api.embeddings import EMBEDDINGS
from openaimock.api.moderations import MODERATIONS
from openaimock.errors import APIError
from openaimock.params.shapes import bare, classes, expected, got
from openaimock.params.table import unknown

TABLES = {
    "embeddings": (EMBEDDINGS, {"model": "m", "input": "a"}, embedding_create_params.EmbeddingCreateParams),
    "moderations": (MODERATIONS, {"input": "a"}, moderation_create_params.ModerationCreateParams),
    "completions": (COMPLETIONS, {"model": "m", "prompt": "a"}, completion_create_params.CompletionCreateParamsStreaming),
    "stored": (stored.COMPLETIONS, {}, completion_list_params.CompletionListParams),
    "messages": (stored.MESSAGES, {}, message_list_params.MessageListParams),
    "update": (stored.UPDATE, {}, completion_update_params.CompletionUpdateParams),
}
VALUES = [True, 7, 1.5, "text", ["text"], {"a": "b"}]
WRONG = [
    (table, name, value)
    for table, (params, _, _) in TABLES.items()
    for name, shape in params.shape.keys.items()
    for value in VALUES
    if type(value) not in classes(shape)
]


def refusal(table, **more):
    params, good, _ = TABLES[table]
    try:
        params.check({**good, **more})
    except APIError as error:
        return error
    return None


@pytest.mark.parametrize("table", TABLES)
def test_every_parameter_of_the_sdk_is_in_the_table(table):
    params, _, kind = TABLES[table]
    assert set(params.shape.keys) == set(typing_extensions.get_type_hints(kind))


@pytest.mark.parametrize(("table", "name", "value"), WRONG)
def test_every_wrong_type_is_refused(table, name, value):
    error = refusal(table, **{name: value})
    shape = bare(TABLES[table][0].shape.keys[name])
    message = f"Invalid type for '{name}': expected {expected(shape)}, but got {got(value)} instead."
    assert (error.message, error.param, error.code, error.status) == (message, name, "invalid_type", 400)


@pytest.mark.parametrize("table", TABLES)
def test_null_is_absent_unless_it_is_required(table):
    params, good, _ = TABLES[table]
    nulls = {name: None for name in params.shape.keys if name not in good}
    assert refusal(table, **nulls) is None


@pytest.mark.parametrize("table", TABLES)
def test_unknown_members_pass_and_are_told_to_lint(table):
    params, good, _ = TABLES[table]
    assert refusal(table, zebra=1) is None
    assert unknown({**good, "zebra": 1}, params) == ["zebra"]


@pytest.mark.parametrize(
    ("table", "more", "param", "code"),
    [
        ("embeddings", {"encoding_format": "float64"}, "encoding_format", "invalid_value"),
        ("embeddings", {"input": ["a", 1]}, "input[1]", "invalid_type"),
        ("embeddings", {"input": [1, "a"]}, "input[1]", "invalid_type"),
        ("embeddings", {"input": [1, True]}, "input[1]", "invalid_type"),
        ("embeddings", {"input": [[1], [1.5]]}, "input[1][0]", "invalid_type"),
        ("embeddings", {"input": [-1]}, "input[0]", "integer_below_min_value"),
        ("embeddings", {"input": None}, "input", "invalid_type"),
        ("completions", {"prompt": []}, "prompt", "empty_array"),
        ("completions", {"prompt": [[]]}, "prompt[0]", "empty_array"),
        ("completions", {"prompt": ["a", None]}, "prompt[1]", "invalid_type"),
        ("completions", {"logprobs": 6}, "logprobs", "integer_above_max_value"),
        ("completions", {"logprobs": True}, "logprobs", "invalid_type"),
        ("completions", {"best_of": 21}, "best_of", "integer_above_max_value"),
        ("completions", {"n": 0}, "n", "integer_below_min_value"),
        ("completions", {"n": 129}, "n", "integer_above_max_value"),
        ("completions", {"max_tokens": -1}, "max_tokens", "integer_below_min_value"),
        ("completions", {"temperature": 2.1}, "temperature", "decimal_above_max_value"),
        ("completions", {"top_p": -0.1}, "top_p", "decimal_below_min_value"),
        ("completions", {"presence_penalty": 3}, "presence_penalty", "decimal_above_max_value"),
        ("completions", {"frequency_penalty": -3}, "frequency_penalty", "decimal_below_min_value"),
        ("completions", {"stop": ["a"] * 5}, "stop", "array_above_max_length"),
        ("completions", {"logit_bias": {"1": 101}}, "logit_bias.1", "integer_above_max_value"),
        ("completions", {"stream_options": {"include_usage": 1}}, "stream_options.include_usage", "invalid_type"),
        ("stored", {"limit": 101}, "limit", "integer_above_max_value"),
        ("stored", {"order": "up"}, "order", "invalid_value"),
        ("stored", {"metadata": {"a": 1}}, "metadata.a", "invalid_type"),
        ("messages", {"limit": 0}, "limit", "integer_below_min_value"),
        ("update", {"metadata": {str(at): "a" for at in range(17)}}, "metadata", "object_above_max_properties"),
        ("update", {"metadata": {"a": "x" * 513}}, "metadata.a", "string_above_max_length"),
    ],
)
def test_values_out_of_range(table, more, param, code):
    error = refusal(table, **more)
    assert (error.param, error.code) == (param, code)


def literals(hint):
    """The words that a type of the SDK allows."""
    if typing.get_origin(hint) in (typing.Literal, typing_extensions.Literal):
        return list(typing.get_args(hint))
    if typing.get_origin(hint) in (typing.Union, types.UnionType):
        return [word for inner in typing.get_args(hint) for word in literals(inner)]
    return []


@pytest.mark.parametrize("table", TABLES)
def test_every_word_of_the_sdk_is_taken(table):
    for name, hint in typing_extensions.get_type_hints(TABLES[table][2]).items():
        for word in literals(hint):
            assert refusal(table, **{name: word}) is None, (name, word)
