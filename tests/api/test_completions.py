"""Completions, the older endpoint, through the official client and on the wire."""

from __future__ import annotations

import asyncio
import copy

import openai
import pytest
from openai import AzureOpenAI
from openai.types import Completion

from ..support.wire import events, post, strictly

MODEL = "gpt-3.5-turbo-instruct"
SAID = "This is indeed a test of it, with Grüße and 👩‍👩‍👧."
RULES = [
    {"id": "test", "when": {"user": "Say test"}, "reply": SAID},
    {"id": "other", "when": {"text": "other"}, "reply": "Another one."},
    {"id": "ids", "when": {"text": "1212 318"}, "reply": "from ids"},
    {"id": "none", "when": {"text": "<|endoftext|>"}, "reply": "Once upon a time"},
    {"id": "words", "when": {"text": "words"}, "reply": {"content": SAID, "pace": {"chunk": "word", "tps": 10_000_000}}},
    {"id": "chars", "when": {"text": "chars"}, "reply": {"content": SAID, "pace": {"chunk": 3, "tps": 10_000_000}}},
    {"id": "refusal", "when": {"text": "refuse"}, "reply": {"refusal": "No."}},
    {"id": "tool", "when": {"text": "tool"}, "reply": {"content": "x", "tool_calls": [{"name": "f"}]}},
    {"id": "nothing", "when": {"text": "nothing"}, "reply": ""},
    {
        "id": "given",
        "when": {"text": "given"},
        "reply": {
            "content": "x",
            "id": "cmpl-given",
            "created": 1700000000,
            "model": "given",
            "system_fingerprint": "fp_given",
            "finish_reason": "content_filter",
            "usage": {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3},
        },
    },
]
LISTS = {"tokens", "token_logprobs", "top_logprobs", "text_offset"}


@pytest.fixture
def mock(serve):
    return serve(RULES)


def ask(mock, prompt="Say test", **more):
    response = post(mock, {"model": MODEL, "prompt": prompt, **more}, "/completions")
    assert response.status_code == 200, response.text
    return response.json()


def choice(mock, prompt="Say test", **more):
    (only,) = ask(mock, prompt, **more)["choices"]
    return only


def stream(mock, prompt="Say test", **more):
    response = post(mock, {"model": MODEL, "prompt": prompt, "stream": True, **more}, "/completions")
    assert response.headers["content-type"] == "text/event-stream"
    *chunks, done = events(response.text)
    assert done == "[DONE]"
    return chunks


def gathered(chunks):
    """The choices that a stream spells, as a whole reply has them."""
    choices = {}
    for chunk in chunks:
        for part in chunk["choices"]:
            answer = choices.setdefault(
                part["index"], {"text": "", "index": part["index"], "logprobs": None, "finish_reason": None}
            )
            answer["text"] += part["text"]
            answer["finish_reason"] = part["finish_reason"] or answer["finish_reason"]
            if part["logprobs"] is not None and answer["logprobs"] is None:
                answer["logprobs"] = copy.deepcopy(part["logprobs"])
            elif part["logprobs"] is not None:
                for name, values in part["logprobs"].items():
                    if values is not None:
                        answer["logprobs"][name] += values
    return [choices[index] for index in sorted(choices)]


def test_whole_reply_is_what_the_type_says(mock):
    answer = ask(mock)
    strictly(Completion, answer)
    assert answer["id"].startswith("cmpl-")
    assert (answer["object"], answer["model"]) == ("text_completion", "gpt-3.5-turbo-instruct:20230824-v2")
    assert answer["choices"] == [{"text": SAID, "index": 0, "logprobs": None, "finish_reason": "stop"}]


def test_there_is_a_fingerprint_only_in_the_rule(mock):
    assert "system_fingerprint" not in ask(mock)
    assert not any("system_fingerprint" in chunk for chunk in stream(mock))


def test_usage_without_completion_tokens(mock):
    assert "completion_tokens" not in ask(mock, "nothing")["usage"]


@pytest.mark.parametrize(("model", "last"), [(MODEL, ["length", "length"]), ("davinci-002", [None, "length"])])
def test_a_cut_stream_has_its_reason_in_the_last_chunk_with_text(mock, model, last):
    chunks = [chunk["choices"][0] for chunk in stream(mock, model=model, max_tokens=3)]
    assert [chunk["finish_reason"] for chunk in chunks[-2:]] == last
    assert (chunks[-1]["text"] == "") == (model == MODEL)


def test_headers_name_the_model(mock):
    response = post(mock, {"model": "davinci-002", "prompt": "Say test"}, "/completions")
    assert response.headers["openai-model"] == "davinci:2023-07-21-v2"
    assert response.headers["cache-control"] == "no-cache, must-revalidate"


def test_usage_counts_prompt_and_completion(mock):
    usage = ask(mock)["usage"]
    assert usage["prompt_tokens"] == 2
    assert usage["completion_tokens"] > 5
    assert usage["total_tokens"] == usage["prompt_tokens"] + usage["completion_tokens"]


def test_overrides_are_sent_as_given(mock):
    answer = ask(mock, "given")
    assert {name: answer[name] for name in ("id", "created", "model", "system_fingerprint")} == {
        "id": "cmpl-given",
        "created": 1700000000,
        "model": "given",
        "system_fingerprint": "fp_given",
    }
    assert answer["choices"][0]["finish_reason"] == "content_filter"
    assert answer["usage"] == {"prompt_tokens": 1, "completion_tokens": 2, "total_tokens": 3}


# Prompts


@pytest.mark.parametrize(
    ("prompt", "texts"),
    [
        ("other", ["Another one."]),
        (["Say test", "other"], [SAID, "Another one."]),
        ([1212, 318], ["from ids"]),
        ([[1212, 318], [1212, 318]], ["from ids", "from ids"]),
        (None, ["Once upon a time"]),
    ],
)
def test_every_form_of_a_prompt(mock, prompt, texts):
    choices = ask(mock, prompt)["choices"]
    assert [each["text"] for each in choices] == texts
    assert [each["index"] for each in choices] == list(range(len(texts)))


def test_a_prompt_may_be_left_out(mock):
    response = post(mock, {"model": MODEL}, "/completions")
    assert response.json()["choices"][0]["text"] == "Once upon a time"


def test_token_ids_are_counted_as_they_are(mock):
    assert ask(mock, [[1212, 318], [1212, 318]])["usage"]["prompt_tokens"] == 4


def test_a_suffix_is_counted_and_not_said(mock):
    plain, with_suffix = ask(mock), ask(mock, suffix=" the end")
    assert with_suffix["choices"] == plain["choices"]
    assert with_suffix["usage"]["prompt_tokens"] == plain["usage"]["prompt_tokens"] + 2


def test_rules_written_as_conversations_answer_prompts(serve):
    mock = serve(
        [{"messages": [{"role": "user", "content": "go", "matcher": "contains"}, {"role": "assistant", "content": "on"}]}]
    )
    assert choice(mock, "and go")["text"] == "on"


def test_a_refusal_is_text_here(mock):
    assert choice(mock, "refuse")["text"] == "No."


def test_what_only_chat_has_is_no_reason_to_finish(mock):
    assert (choice(mock, "tool")["text"], choice(mock, "tool")["finish_reason"]) == ("x", "stop")


# What a request's parameters make of it


@pytest.mark.parametrize("stop", ["indeed", ["zebra", "indeed", "test"]])
def test_stop_cuts_before_the_sequence(mock, stop):
    answer = choice(mock, stop=stop)
    assert (answer["text"], answer["finish_reason"]) == ("This is ", "stop")


@pytest.mark.parametrize(("limit", "text"), [(3, "This is indeed"), (0, "")])
def test_token_limits_cut_with_length(mock, limit, text):
    answer = choice(mock, max_tokens=limit)
    assert (answer["text"], answer["finish_reason"]) == (text, "length")


def test_without_a_limit_nothing_is_cut(serve):
    long = "word " * 100
    assert choice(serve([{"when": {}, "reply": long}]))["text"] == long


def test_echo_sends_the_prompt_along(mock):
    assert choice(mock, echo=True)["text"] == "Say test" + SAID
    assert ask(mock, echo=True)["usage"] == ask(mock)["usage"]


def test_echo_of_token_ids_is_how_they_are_written(mock):
    assert choice(mock, [1212, 318], echo=True)["text"] == "1212 318from ids"


def test_a_limit_of_none_leaves_the_echo(mock):
    assert choice(mock, echo=True, max_tokens=0)["text"] == "Say test"


def test_n_choices_for_each_prompt(mock):
    choices = ask(mock, ["Say test", "other"], n=2)["choices"]
    assert [(each["index"], each["text"]) for each in choices] == [(0, SAID), (1, SAID), (2, "Another one."), (3, "Another one.")]


def test_all_candidates_of_best_of_are_counted(mock):
    one, two = ask(mock)["usage"]["completion_tokens"], ask(mock, n=2, best_of=6)
    assert len(two["choices"]) == 2
    assert two["usage"]["completion_tokens"] == 6 * one


# Log probabilities


def test_logprobs_lie_side_by_side(mock):
    answer = choice(mock, logprobs=2)["logprobs"]
    assert set(answer) == LISTS
    assert len({len(values) for values in answer.values()}) == 1
    assert "".join(answer["tokens"]) == SAID
    assert all(value <= 0 for value in answer["token_logprobs"])
    assert all(
        1 <= len(tops) <= 3 and token in tops for token, tops in zip(answer["tokens"], answer["top_logprobs"], strict=True)
    )


def test_logprobs_are_what_the_type_says(mock):
    strictly(Completion, ask(mock, logprobs=5))


def test_offsets_count_from_the_beginning_of_the_prompt(mock):
    answer = choice(mock, logprobs=1)["logprobs"]
    assert answer["text_offset"][:3] == [8, 12, 15]
    for token, offset in zip(answer["tokens"], answer["text_offset"], strict=True):
        assert ("Say test" + SAID)[offset:].startswith(token)


def test_zero_logprobs_are_those_of_the_tokens_alone(mock):
    answer = choice(mock, logprobs=0)["logprobs"]
    assert answer["top_logprobs"] is None
    assert len(answer["token_logprobs"]) == len(answer["tokens"])


def test_with_an_echo_the_prompt_has_logprobs_and_its_first_token_none(mock):
    answer = choice(mock, logprobs=1, echo=True)["logprobs"]
    assert answer["tokens"][:3] == ["Say", " test", "This"]
    assert (answer["token_logprobs"][0], answer["top_logprobs"][0]) == (None, None)
    assert answer["text_offset"][:3] == [0, 3, 8]
    assert all(value is not None for value in answer["token_logprobs"][1:])


def test_nothing_said_has_empty_logprobs(mock):
    assert choice(mock, "nothing", logprobs=1)["logprobs"] == {key: [] for key in LISTS}


def test_given_logprobs_are_sent_as_they_are(serve):
    prompt = {"tokens": ["a", "b"], "token_logprobs": [-1, -2], "top_logprobs": None, "text_offset": [0, 1]}
    mock = serve([{"when": {}, "reply": {"content": "ab", "logprobs": prompt}}])
    assert choice(mock)["logprobs"] == prompt
    assert gathered(stream(mock))[0]["logprobs"] == prompt


def test_given_logprobs_of_another_form_come_with_the_first_piece(serve):
    mock = serve([{"when": {}, "reply": {"content": "ab cd", "logprobs": {"mine": 1}}}])
    first, *others = stream(mock)
    assert first["choices"][0]["logprobs"] == {"mine": 1}
    assert all(chunk["choices"][0]["logprobs"] is None for chunk in others)


# Streams


@pytest.mark.parametrize("prompt", ["Say test", "words", "chars", "nothing", "refuse", ["Say test", "other"]])
@pytest.mark.parametrize("more", [{}, {"n": 2}, {"echo": True}, {"logprobs": 2}, {"echo": True, "logprobs": 1, "max_tokens": 5}])
def test_a_stream_says_what_the_whole_reply_says(serve, prompt, more):
    # Two mocks alike: what is made up for the first exchange of one is made up for that of the other.
    assert gathered(stream(serve(RULES), prompt, **more)) == ask(serve(RULES), prompt, **more)["choices"]


def test_chunks_are_what_the_type_says(mock):
    *chunks, last = stream(mock, logprobs=1)
    strictly(Completion, last)
    for chunk in chunks:
        # The type knows no chunk that is not the last; the API sends null.
        assert chunk["choices"][0].pop("finish_reason") is None
        strictly(Completion, {**chunk, "choices": [{**chunk["choices"][0], "finish_reason": "stop"}]})


def test_the_last_chunk_of_a_choice_is_empty_but_for_its_reason(mock):
    last = stream(mock)[-1]["choices"][0]
    assert last == {"text": "", "index": 0, "logprobs": None, "finish_reason": "stop"}


def test_all_chunks_share_id_created_and_model(mock):
    assert len({(chunk["id"], chunk["created"], chunk["model"], chunk["object"]) for chunk in stream(mock)}) == 1


def test_choices_are_streamed_abreast(mock):
    order = [chunk["choices"][0]["index"] for chunk in stream(mock, n=2)]
    assert order[:4] == [0, 1, 0, 1]


def test_usage_chunk_comes_last_and_the_others_have_null(mock):
    *chunks, last = stream(mock, stream_options={"include_usage": True})
    assert all(chunk["usage"] is None for chunk in chunks)
    assert last["choices"] == []
    assert last["usage"] == ask(mock)["usage"]


def test_no_usage_unless_asked_for(mock):
    assert not any("usage" in chunk for chunk in stream(mock))


def test_official_client_streams(mock, client):
    chunks = list(client(mock).completions.create(model=MODEL, prompt="Say test", stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == SAID


def test_async_client(mock, async_client):
    async def both():
        async with async_client(mock) as sdk:
            whole = await sdk.completions.create(model=MODEL, prompt="Say test")
            parts = [part async for part in await sdk.completions.create(model=MODEL, prompt="Say test", stream=True)]
        return whole.choices[0].text, "".join(part.choices[0].text for part in parts)

    assert asyncio.run(both()) == (SAID, SAID)


def test_the_deployment_in_an_azure_path_is_the_model(mock):
    path = mock.url.removesuffix("/v1") + "/openai/deployments/mine"
    with AzureOpenAI(base_url=path, api_key="k", api_version="2024-10-21") as sdk:
        assert sdk.completions.create(model="ignored", prompt="other").model == "mine"


# What the API would not take


def refusal(mock, client, **more):
    with pytest.raises(openai.BadRequestError) as raised:
        client(mock).completions.create(**{"model": MODEL, "prompt": "Say test", **more})
    return raised.value


def test_more_choices_than_candidates(mock, client):
    error = refusal(mock, client, n=3, best_of=2)
    assert error.body["message"].startswith("You requested that the server return more choices than it will generate")
    assert error.param == "best_of"


def test_candidates_are_not_streamed(mock, client):
    assert refusal(mock, client, best_of=2, stream=True).param == "best_of"


def test_as_many_candidates_as_choices_are(mock):
    assert len(gathered(stream(mock, n=2, best_of=2))) == 2


def test_no_model(mock, client):
    assert refusal(mock, client, model="").body["message"] == "you must provide a model parameter"
