"""The parameter table of POST /chat/completions: the API's words for what is wrong, and silence for what real clients send."""

import copy
import types
import typing

import pytest
import typing_extensions
from hypothesis import given, settings
from hypothesis import strategies as st
from openai.types.chat import completion_create_params

from openaimock.api.chat.params import CHAT
from openaimock.errors import APIError
from openaimock.http import json
from openaimock.params.shapes import classes
from openaimock.params.table import unknown

USER = {"role": "user", "content": "hi"}
CALL = {"id": "call_1", "type": "function", "function": {"name": "f", "arguments": "{}"}}
FUNCTION = {"type": "function", "function": {"name": "f"}}


def body(**more):
    return {"model": "gpt-4o", "messages": [USER], **more}


def conversation(*messages):
    return {"messages": list(messages)}


def refusal(body):
    """The API's error for a body, None when it would be taken."""
    try:
        CHAT.check(body)
    except APIError as error:
        return error
    return None


def asked(part):
    return conversation({"role": "user", "content": [part]})


def wrong(at, expected, got):
    return f"Invalid type for '{at}': expected {expected}, but got {got} instead.", at, "invalid_type"


def missing(at):
    return f"Missing required parameter: '{at}'.", at, "missing_required_parameter"


ROLES = "'system', 'assistant', 'user', 'function', 'tool', and 'developer'"
PARTS = "'text', 'image_url', 'input_audio', 'refusal', 'audio', and 'file'"
NO_MODEL = ("you must provide a model parameter", None, None)
TEXT_OR_PARTS = "one of a string or array of objects"
PATTERN = "string does not match pattern. Expected a string that matches the pattern"


def no_content(at):
    return "Invalid value for 'content': expected a string, got null.", f"messages.[{at}].content", None


def no_image(at, role):
    message = (
        f"Image URLs are only allowed for messages with role 'user', but this message with role '{role}' contains an image URL."
    )
    return f"Invalid 'messages[{at}]'. {message}", f"messages[{at}]", "invalid_value"


IMAGE = {"type": "image_url", "image_url": {"url": "https://a/b.png"}}

REFUSED = [
    # the model
    ({"model": None}, NO_MODEL),
    ({"model": ""}, NO_MODEL),
    ({"model": "  "}, NO_MODEL),
    ({"model": 5}, wrong("model", "a string", "an integer")),
    ({"model": {}, "n": "2"}, wrong("model", "a string", "an object")),
    ({"model": None, "messages": None, "n": "2"}, NO_MODEL),
    # the conversation
    ({"messages": None}, wrong("messages", "an array of objects", "null")),
    ({"messages": "hi"}, wrong("messages", "an array of objects", "a string")),
    (
        {"messages": []},
        (
            "Invalid 'messages': empty array. Expected an array with minimum length 1, but got an empty array instead.",
            "messages",
            "empty_array",
        ),
    ),
    (conversation("hi"), wrong("messages[0]", "an object", "a string")),
    (conversation(USER, None), wrong("messages[1]", "an object", "null")),
    (conversation({"content": "hi"}), missing("messages[0].role")),
    (
        conversation({"role": "foo", "content": "hi"}),
        (f"Invalid value: 'foo'. Supported values are: {ROLES}.", "messages[0].role", "invalid_value"),
    ),
    (conversation({"role": "user", "content": 7}), wrong("messages[0].content", TEXT_OR_PARTS, "an integer")),
    (
        conversation({"role": "tool", "content": {}, "tool_call_id": "a"}),
        wrong("messages[0].content", TEXT_OR_PARTS, "an object"),
    ),
    (conversation({"role": "tool", "content": ""}), missing("messages[0].tool_call_id")),
    (conversation({"role": "tool", "content": "", "tool_call_id": None}), wrong("messages[0].tool_call_id", "a string", "null")),
    (conversation({"role": "user"}), no_content(0)),
    (conversation(USER, {"role": "user", "content": None}), no_content(1)),
    (conversation(USER, {"role": "assistant", "content": None}), no_content(1)),
    (conversation(USER, {"role": "assistant", "refusal": None, "tool_calls": None}), no_content(1)),
    (conversation({"role": "user", "tool_calls": [CALL]}), no_content(0)),
    (conversation({"role": "function", "name": "f"}), no_content(0)),
    (conversation({"role": "developer"}), missing("messages[0].content")),
    (conversation({"role": "developer", "content": None}), wrong("messages[0].content", TEXT_OR_PARTS, "null")),
    (conversation({"role": "user", "content": "", "name": 1}), wrong("messages[0].name", "a string", "an integer")),
    (
        conversation({"role": "user", "content": "", "name": "a b"}),
        (rf"Invalid 'messages[0].name': {PATTERN} '^[^\s<|\\/>]+$'.", "messages[0].name", "invalid_value"),
    ),
    # parts
    (asked("hi"), wrong("messages[0].content[0]", "an object", "a string")),
    (asked({"text": "hi"}), missing("messages[0].content[0].type")),
    (
        asked({"type": "image", "text": ""}),
        (f"Invalid value: 'image'. Supported values are: {PARTS}.", "messages[0].content[0].type", "invalid_value"),
    ),
    (asked({"type": "text"}), missing("messages[0].content[0].text")),
    (asked({"type": "text", "text": None}), wrong("messages[0].content[0].text", "a string", "null")),
    (asked({"type": "image_url", "image_url": "https://"}), wrong("messages[0].content[0].image_url", "an object", "a string")),
    (
        asked({"type": "image_url", "image_url": {"url": "a", "detail": "fine"}}),
        (
            "Invalid value: 'fine'. Supported values are: 'auto', 'low', 'high', and 'original'.",
            "messages[0].content[0].image_url.detail",
            "invalid_value",
        ),
    ),
    (asked({"type": "input_audio", "input_audio": {"data": ""}}), missing("messages[0].content[0].input_audio.format")),
    (asked({"type": "file", "file": {"file_id": 1}}), wrong("messages[0].content[0].file.file_id", "a string", "an integer")),
    (conversation({"role": "system", "content": [IMAGE]}), no_image(0, "system")),
    (conversation(USER, {"role": "tool", "content": [IMAGE], "tool_call_id": "a"}), no_image(1, "tool")),
    # calls
    (
        conversation(USER, {"role": "assistant", "tool_calls": []}),
        (
            "Invalid 'messages[1].tool_calls': empty array. Expected an array with minimum length 1, "
            "but got an empty array instead.",
            "messages[1].tool_calls",
            "empty_array",
        ),
    ),
    (
        conversation({"role": "assistant", "tool_calls": [{**CALL, "id": "c" * 41}]}),
        (
            "Invalid 'messages[0].tool_calls[0].id': string too long. Expected a string with maximum length 40, "
            "but got a string with length 41 instead.",
            "messages[0].tool_calls[0].id",
            "string_above_max_length",
        ),
    ),
    (
        conversation({"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f", "arguments": {}}}]}),
        wrong("messages[0].tool_calls[0].function.arguments", "a string", "an object"),
    ),
    (
        conversation({"role": "assistant", "tool_calls": [{**CALL, "function": {"name": "f"}}]}),
        missing("messages[0].tool_calls[0].function.arguments"),
    ),
    (conversation({"role": "assistant", "function_call": {"arguments": ""}}), missing("messages[0].function_call.name")),
    # tools
    ({"tools": "none"}, wrong("tools", "an array of objects", "a string")),
    (
        {"tools": [FUNCTION] * 129},
        (
            "Invalid 'tools': array too long. Expected an array with maximum length 128, "
            "but got an array with length 129 instead.",
            "tools",
            "array_above_max_length",
        ),
    ),
    ({"tools": [{"type": "function"}]}, missing("tools[0].function")),
    ({"tools": [{"type": "function", "function": {}}]}, missing("tools[0].function.name")),
    (
        {"tools": [{"type": "web_search"}]},
        ("Invalid value: 'web_search'. Supported values are: 'function' and 'custom'.", "tools[0].type", "invalid_value"),
    ),
    (
        {"tools": [{"type": "function", "function": {"name": ""}}]},
        (
            "Invalid 'tools[0].function.name': empty string. Expected a string with minimum length 1, "
            "but got an empty string instead.",
            "tools[0].function.name",
            "empty_string",
        ),
    ),
    (
        {"tools": [{"type": "function", "function": {"name": "a.b"}}]},
        (f"Invalid 'tools[0].function.name': {PATTERN} '^[a-zA-Z0-9_-]+$'.", "tools[0].function.name", "invalid_value"),
    ),
    (
        {"tools": [{"type": "function", "function": {"name": "f", "strict": "yes"}}]},
        wrong("tools[0].function.strict", "a boolean", "a string"),
    ),
    (
        {"tools": [{"type": "function", "function": {"name": "f", "parameters": "{}"}}]},
        wrong("tools[0].function.parameters", "an object", "a string"),
    ),
    ({"tools": [{"type": "custom", "custom": {"name": "c", "format": {}}}]}, missing("tools[0].custom.format.type")),
    ({"tool_choice": 7}, wrong("tool_choice", "one of one of 'none', 'auto', or 'required' or object", "an integer")),
    (
        {"tool_choice": "any"},
        ("Invalid value: 'any'. Supported values are: 'none', 'auto', and 'required'.", "tool_choice", "invalid_value"),
    ),
    ({"tool_choice": {"type": "odd"}}, missing("tool_choice.function")),
    ({"tool_choice": {"type": "function", "function": {}}}, missing("tool_choice.function.name")),
    ({"functions": {}}, wrong("functions", "an array of function definitions", "an object")),
    ({"functions": [{"parameters": {}}]}, missing("functions[0].name")),
    ({"function_call": {}}, missing("function_call.name")),
    # numbers
    ({"temperature": "hot"}, wrong("temperature", "a decimal", "a string")),
    ({"temperature": True}, wrong("temperature", "a decimal", "a boolean")),
    (
        {"temperature": 3},
        (
            "Invalid 'temperature': decimal above maximum value. Expected a value <= 2, but got 3 instead.",
            "temperature",
            "decimal_above_max_value",
        ),
    ),
    (
        {"top_p": -0.5},
        (
            "Invalid 'top_p': decimal below minimum value. Expected a value >= 0, but got -0.5 instead.",
            "top_p",
            "decimal_below_min_value",
        ),
    ),
    (
        {"presence_penalty": -3},
        (
            "Invalid 'presence_penalty': decimal below minimum value. Expected a value >= -2, but got -3 instead.",
            "presence_penalty",
            "decimal_below_min_value",
        ),
    ),
    ({"n": "2"}, wrong("n", "an integer", "a string")),
    ({"n": 1.5}, wrong("n", "an integer", "a decimal number")),
    (
        {"n": 0},
        ("Invalid 'n': integer below minimum value. Expected a value >= 1, but got 0 instead.", "n", "integer_below_min_value"),
    ),
    (
        {"n": 129},
        (
            "Invalid 'n': integer above maximum value. Expected a value <= 128, but got 129 instead.",
            "n",
            "integer_above_max_value",
        ),
    ),
    (
        {"max_tokens": -678},
        (
            "Invalid 'max_tokens': integer below minimum value. Expected a value >= 1, but got -678 instead.",
            "max_tokens",
            "integer_below_min_value",
        ),
    ),
    (
        {"logprobs": True, "top_logprobs": -1},
        (
            "Invalid 'top_logprobs': integer below minimum value. Expected a value >= 0, but got -1 instead.",
            "top_logprobs",
            "integer_below_min_value",
        ),
    ),
    (
        {"logprobs": True, "top_logprobs": 21},
        ("Invalid value for 'top_logprobs': must be less than or equal to 20.", "top_logprobs", None),
    ),
    ({"top_logprobs": 1}, ("The 'top_logprobs' parameter is only allowed when 'logprobs' is enabled.", "top_logprobs", None)),
    ({"seed": 1.5}, wrong("seed", "an integer", "a decimal number")),
    (
        {"logit_bias": {"50256": 101}},
        (
            "Invalid 'logit_bias.50256': integer above maximum value. Expected a value <= 100, but got 101 instead.",
            "logit_bias.50256",
            "integer_above_max_value",
        ),
    ),
    (
        {"logit_bias": {"a": 1}},
        ("Invalid key in 'logit_bias': a. You should only be submitting non-negative integers.", "logit_bias", None),
    ),
    (
        {"logit_bias": {"\ud800": 1}},
        ("Invalid key in 'logit_bias': \\ud800. You should only be submitting non-negative integers.", "logit_bias", None),
    ),
    # the rest
    ({"stop": 5}, wrong("stop", "one of a string or array of strings", "an integer")),
    ({"stop": ["a", 5]}, wrong("stop[1]", "a string", "an integer")),
    (
        {"stop": ["a"] * 5},
        (
            "Invalid 'stop': array too long. Expected an array with maximum length 4, but got an array with length 5 instead.",
            "stop",
            "array_above_max_length",
        ),
    ),
    ({"stream": "y"}, wrong("stream", "a boolean", "a string")),
    ({"stream_options": {"include_usage": 1}}, wrong("stream_options.include_usage", "a boolean", "an integer")),
    ({"response_format": "json"}, wrong("response_format", "an object", "a string")),
    ({"response_format": {}}, missing("response_format.type")),
    (
        {"response_format": {"type": "bogus"}},
        (
            "Invalid value: 'bogus'. Supported values are: 'json_object', 'json_schema', and 'text'.",
            "response_format.type",
            "invalid_value",
        ),
    ),
    ({"response_format": {"type": "json_schema"}}, missing("response_format.json_schema")),
    ({"response_format": {"type": "json_schema", "json_schema": {}}}, missing("response_format.json_schema.name")),
    (
        {"service_tier": {}},
        wrong("service_tier", "one of 'auto', 'default', 'fast', 'flex', or 'priority'", "an object"),
    ),
    (
        {"service_tier": "bogus"},
        (
            "Invalid value: 'bogus'. Supported values are: 'auto', 'default', 'fast', 'flex', and 'priority'.",
            "service_tier",
            "invalid_value",
        ),
    ),
    ({"prompt_cache_retention": {}}, wrong("prompt_cache_retention", "one of 'in_memory' or '24h'", "an object")),
    ({"prompt_cache_retention": "x"}, ("Invalid prompt_cache_retention argument", "prompt_cache_retention", None)),
    ({"metadata": "x"}, wrong("metadata", "a metadata object", "a string")),
    ({"metadata": {"k": 7}}, wrong("metadata.k", "a string", "an integer")),
    (
        {"metadata": {f"k{at}": "" for at in range(17)}},
        (
            "Invalid 'metadata': too many properties. Expected an object with at most 16 properties, "
            "but got an object with 17 properties instead.",
            "metadata",
            "object_above_max_properties",
        ),
    ),
    (
        {"metadata": {"k": "x" * 600}},
        (
            "Invalid 'metadata.k': string too long. Expected a string with maximum length 512, "
            "but got a string with length 600 instead.",
            "metadata.k",
            "string_above_max_length",
        ),
    ),
    ({"moderation": {}}, missing("moderation.model")),
    (
        {"modalities": ["smell"]},
        ("Invalid value: 'smell'. Supported values are: 'text' and 'audio'.", "modalities[0]", "invalid_value"),
    ),
    ({"audio": {"format": "wav"}}, missing("audio.voice")),
    (
        {"verbosity": "bogus"},
        ("Invalid value: 'bogus'. Supported values are: 'low', 'medium', and 'high'.", "verbosity", "invalid_value"),
    ),
]


@pytest.mark.parametrize(("part", "words"), REFUSED)
def test_what_the_api_says(part, words):
    error = refusal(body(**part))
    assert error is not None
    assert (error.status, error.type) == (400, "invalid_request_error")
    assert (error.message, error.param, error.code) == words


@pytest.mark.parametrize(("name", "words"), [("model", NO_MODEL), ("messages", missing("messages"))])
def test_what_must_be_there(name, words):
    complete = body()
    del complete[name]
    error = refusal(complete)
    assert (error.message, error.param, error.code) == words


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        ("model", "messages"), ("messages", "functions"), ("functions", "tools"), ("tools", "parallel_tool_calls"),
        ("parallel_tool_calls", "max_completion_tokens"), ("max_completion_tokens", "n"), ("n", "temperature"),
        ("temperature", "top_p"), ("top_p", "presence_penalty"), ("presence_penalty", "frequency_penalty"),
        ("frequency_penalty", "logprobs"), ("logprobs", "top_logprobs"), ("top_logprobs", "user"), ("user", "seed"),
        ("seed", "safety_identifier"), ("safety_identifier", "prompt_cache_options"),
        ("prompt_cache_options", "prompt_cache_key"), ("prompt_cache_key", "prompt_cache_retention"),
        ("prompt_cache_retention", "service_tier"), ("service_tier", "stream"),
        ("stream", "store"), ("store", "metadata"), ("metadata", "verbosity"),
    ],
)  # fmt: skip
def test_of_two_flaws_the_api_says_this_one(earlier, later):
    flawed = {name: [None] if dict in classes(CHAT.shape.keys[name]) else {} for name in (later, earlier)}
    # Whatever the order of the body.
    merged = {**flawed, **{name: value for name, value in body().items() if name not in flawed}}
    assert refusal(merged).param.startswith(earlier)


TAKEN = [
    {},
    {name: None for name in CHAT.shape.keys if name not in CHAT.shape.required},
    {"unheard_of": {"a": [1]}, "store": True},
    {"n": 128, "temperature": 2, "top_p": 1.0, "presence_penalty": -2, "frequency_penalty": 2.0, "max_tokens": 1},
    {"logprobs": True, "top_logprobs": 0},
    {"logprobs": True, "top_logprobs": 20},
    {"metadata": {"k" * 64: "v" * 512, **{f"k{at}": "" for at in range(15)}}},
    {"seed": -(2**63)},
    {"stop": []},
    {"stop": "END"},
    {"service_tier": "scale"},
    {"tools": [FUNCTION] * 128},
    {"tools": [{"type": "function", "function": {"name": "f", "strict": None, "description": None, "parameters": None}}]},
    {"tools": [{"type": "custom", "custom": {"name": "c"}}], "tool_choice": {"type": "custom", "custom": {"name": "c"}}},
    {
        "tool_choice": {
            "type": "allowed_tools",
            "allowed_tools": {"mode": "auto", "tools": [{"type": "function", "function": {}}]},
        }
    },
    {"response_format": {"type": "text"}},
    {"response_format": {"type": "text", "json_schema": None, "strict": "?"}},
    {"response_format": {"type": "json_schema", "json_schema": {"name": "a", "schema": {}, "strict": None}}},
    {"stream_options": {"include_usage": True}},
    {"logit_bias": {"50256": -100}},
    conversation({"role": "user", "content": ""}, {"role": "user", "content": []}),
    conversation(USER, {"role": "system", "content": "late"}, {"role": "developer", "content": [{"type": "text", "text": ""}]}),
    conversation(USER, {"role": "assistant", "content": None, "tool_calls": [CALL]}, {"role": "assistant", "tool_calls": [CALL]}),
    conversation(
        {"role": "assistant", "content": "", "tool_calls": [CALL], "refusal": None, "audio": None, "function_call": None}
    ),
    conversation({"role": "assistant", "content": None, "refusal": "no"}),
    conversation({"role": "assistant", "content": None, "audio": {"id": "audio_1"}}),
    conversation({"role": "assistant", "function_call": {"name": "f", "arguments": ""}}),
    conversation({"role": "assistant", "content": "a", "reasoning_content": "b", "annotations": []}),
    conversation({"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "22"}], "name": "get weather"}),
    conversation({"role": "function", "name": "f", "content": None}),
    conversation({"role": "user", "content": "hi", "name": None}),
    conversation({"role": "user", "content": "hi", "name": "Zoë"}),
]


@pytest.mark.parametrize("part", TAKEN)
def test_what_real_clients_send_is_taken(part):
    error = refusal(body(**part))
    assert error is None, error and error.message


def examples(kind):
    """Values of a type of the SDK's, every member set and every variant once."""
    origin, arguments = typing.get_origin(kind), typing.get_args(kind)
    if typing_extensions.is_typeddict(kind):
        members = {name: examples(hint) for name, hint in typing_extensions.get_type_hints(kind).items()}
        usual = {name: values[0] for name, values in members.items()}
        return [usual, *({**usual, name: value} for name, values in members.items() for value in values[1:])]
    if origin is typing.Literal or origin is typing_extensions.Literal:
        return list(arguments)
    if origin in (typing.Union, types.UnionType):
        return [value for argument in arguments for value in examples(argument)]
    if origin is dict:
        return [{"50256": value} for value in examples(arguments[1])]
    if arguments:
        return [examples(arguments[0])]
    return {str: ["abc"], int: [1], float: [0.5], bool: [True, False], object: [{}], type(None): [None]}[kind]


SDK = typing_extensions.get_type_hints(completion_create_params.CompletionCreateParamsNonStreaming)


@pytest.mark.parametrize("name", SDK)
def test_what_the_sdk_lets_one_say_is_taken(name):
    for value in examples(SDK[name]):
        error = refusal({**body(), **({"logprobs": True} if name == "top_logprobs" else {}), name: value})
        assert error is None, (error.message, value)


def test_everything_the_sdk_lists_is_known():
    assert set(SDK) <= set(CHAT.shape.keys)
    for name, kind in SDK.items():
        for value in examples(kind):
            assert unknown({name: value}, CHAT) == []


SAMPLES = [None, True, 7, 0.5, "x", [], {}]


@pytest.mark.parametrize("name", CHAT.shape.keys)
def test_every_wrong_type_of_every_parameter_is_a_clear_400(name):
    fitting = classes(CHAT.shape.keys[name])
    for value in SAMPLES:
        if type(value) not in fitting and not (value is None and name not in CHAT.shape.required):
            error = refusal(body(**{name: value}))
            assert (error.status, error.type) == (400, "invalid_request_error")
            assert (error.param, error.code) == (name, "invalid_type") or (name, value) == ("model", None)
            assert error.message


def places(value, at=()):
    """The paths of everything in a JSON value."""
    yield at
    for name, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*at, name))


FULL = {name: examples(kind)[0] for name, kind in SDK.items()}


@pytest.mark.parametrize("name", FULL)
def test_every_wrong_type_below_a_parameter_is_taken_or_a_clear_400(name):
    for place in places(FULL[name]):
        for sample in SAMPLES:
            body = copy.deepcopy(FULL)
            holder, last = body, name
            for step in place:
                holder, last = holder[last], step
            holder[last] = sample
            error = refusal(body)
            if error is not None:
                assert (error.status, error.type) == (400, "invalid_request_error")
                # What a stream can send depends on other parameters too.
                assert (error.param or "model").startswith(
                    (name, "top_logprobs", *(["audio.format"] if name == "stream" else []))
                )


WORDS = sorted(
    {step for place in places(FULL) for step in place if isinstance(step, str)}
    | {"role", "content", "type", "tool_call_id", "arguments"}
)
TAGS = [
    "user",
    "assistant",
    "tool",
    "function",
    "developer",
    "text",
    "image_url",
    "refusal",
    "json_schema",
    "auto",
    "custom",
    "\ud800",
]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.sampled_from(TAGS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=2), inner, max_size=5),
    max_leaves=25,
)
MESSAGES = st.lists(st.dictionaries(st.sampled_from(["role", "content", "name", "tool_calls", "tool_call_id", "refusal"]), JSON))


@settings(deadline=None)
@given(JSON | st.dictionaries(st.sampled_from(sorted(CHAT.shape.keys)), JSON), MESSAGES | JSON)
def test_no_body_at_all_breaks_it(body, messages):
    for tried in (body, {"model": "m", "messages": messages, **(body if isinstance(body, dict) else {})}):
        error = refusal(tried)
        if error is not None:
            assert error.status == 400
            assert json.dump(error.body()).encode()
        if isinstance(tried, dict):
            unknown(tried, CHAT)
            CHAT.coerce(tried)
