"""Embeddings through the official client, and as the wire has them."""

from __future__ import annotations

import asyncio
import base64
import struct

import openai
import pytest
from openai import AzureOpenAI
from openai.types import CreateEmbeddingResponse

from openaimock.api import embeddings

from ..support.wire import post, strictly

SMALL, LARGE, ADA = "text-embedding-3-small", "text-embedding-3-large", "text-embedding-ada-002"
CAT = {"id": "cat", "when": {"endpoint": "embeddings", "text": {"contains": "cat"}}, "reply": {"embedding": [1, 0.5, -2]}}


@pytest.fixture
def mock(serve):
    return serve([CAT])


def ask(mock, inputs, model=SMALL, **more):
    response = post(mock, {"model": model, "input": inputs, **more}, "/embeddings")
    assert response.status_code == 200, response.text
    return response.json()


def vectors(mock, inputs, **more):
    return [each["embedding"] for each in ask(mock, inputs, **more)["data"]]


def refusal(mock, inputs, model=SMALL, **more):
    response = post(mock, {"model": model, "input": inputs, **more}, "/embeddings")
    assert response.status_code == 400, response.text
    return response.json()["error"]


def cosine(one, other):
    return sum(a * b for a, b in zip(one, other, strict=True))


# The vectors it makes itself


def test_whole_answer_is_what_the_type_says(mock):
    answer = ask(mock, ["one", "two two"])
    strictly(CreateEmbeddingResponse, answer)
    assert [each["index"] for each in answer["data"]] == [0, 1]
    assert (answer["object"], answer["model"]) == ("list", SMALL)
    assert answer["usage"] == {"prompt_tokens": 3, "total_tokens": 3}


@pytest.mark.parametrize(("model", "dimensions"), [(SMALL, 1536), (LARGE, 3072), (ADA, 1536), ("my-deployment", 1536)])
def test_each_model_has_its_own_length(mock, model, dimensions):
    (vector,) = vectors(mock, "text", model=model)
    assert len(vector) == dimensions
    assert cosine(vector, vector) == pytest.approx(1, abs=1e-6)


@pytest.mark.parametrize("dimensions", [1, 3, 256, 1536])
def test_any_length_may_be_asked_for(mock, dimensions):
    assert len(vectors(mock, "text", dimensions=dimensions)[0]) == dimensions


def test_other_models_make_longer_ones_too(mock):
    assert len(vectors(mock, "text", model="mine", dimensions=5000)[0]) == 5000


def test_the_same_text_gives_the_same_vector(mock):
    alone = vectors(mock, "some text")[0]
    assert vectors(mock, ["other", "some text", "some text"])[1:] == [alone, alone]


def test_vectors_depend_on_the_seed_and_the_model_and_on_nothing_else(serve):
    one, again, other = serve({"unmatched": "echo"}), serve({"unmatched": "echo"}), serve({"unmatched": "echo", "seed": 1})
    assert vectors(one, "text") == vectors(again, "text")
    assert vectors(one, "text") != vectors(other, "text")
    assert vectors(one, "text") != vectors(one, "text", model=ADA)


def test_like_texts_are_alike_and_others_are_not(mock):
    question, like, other = vectors(mock, ["How do I reset my password?", "How can I reset my password?", "What is France?"])
    assert cosine(question, like) > 0.8
    assert cosine(question, other) < 0.3


def test_token_ids_are_an_input_too(mock):
    one = vectors(mock, [1212, 318, 257])
    several = ask(mock, [[1212, 318, 257], [1332, 13]])
    assert len(one) == 1
    assert [each["embedding"] for each in several["data"]][:1] == one
    assert several["usage"]["prompt_tokens"] == 5


def test_floats_are_no_finer_than_base64(mock):
    (floats,) = vectors(mock, "text")
    (packed,) = vectors(mock, "text", encoding_format="base64")
    assert list(struct.unpack("<1536f", base64.b64decode(packed))) == pytest.approx(floats, rel=1e-7)


def test_official_client_unpacks_base64_by_itself(mock, client):
    sdk = client(mock)
    unpacked = sdk.embeddings.create(model=SMALL, input="text").data[0].embedding
    floats = sdk.embeddings.create(model=SMALL, input="text", encoding_format="float").data[0].embedding
    assert unpacked == pytest.approx(floats, rel=1e-6)


def test_async_client(mock, async_client):
    async def made():
        async with async_client(mock) as sdk:
            return await sdk.embeddings.create(model=LARGE, input=["a", "b"], dimensions=16)

    assert [len(each.embedding) for each in asyncio.run(made()).data] == [16, 16]


def test_the_deployment_in_an_azure_path_is_the_model(mock):
    with AzureOpenAI(
        base_url=mock.url.removesuffix("/v1") + f"/openai/deployments/{LARGE}", api_key="k", api_version="2024-10-21"
    ) as sdk:
        answer = sdk.embeddings.create(model="ignored", input="text")
    assert (answer.model, len(answer.data[0].embedding)) == (LARGE, 3072)


def test_two_thousand_inputs_at_once(mock):
    data = ask(mock, [f"input {number}" for number in range(2048)], dimensions=8)["data"]
    assert [each["index"] for each in data] == list(range(2048))


# The vectors of rules


def test_a_rule_gives_the_vector_of_the_inputs_it_matches(mock):
    inputs, vector = vectors(mock, ["my cat", "my dog"], dimensions=8)
    assert inputs == [1, 0.5, -2]
    assert len(vector) == 8


def test_a_rule_for_all_gives_it_to_each(serve):
    mock = serve([{"when": {"endpoint": "embeddings"}, "reply": {"embedding": [0.25]}}])
    assert vectors(mock, ["a", "b", "c"]) == [[0.25], [0.25], [0.25]]


def test_given_vectors_are_packed_as_well(mock):
    (packed,) = vectors(mock, "cat", encoding_format="base64")
    assert struct.unpack("<3f", base64.b64decode(packed)) == (1, 0.5, -2)


def test_token_ids_match_as_they_are_written(serve):
    mock = serve([{"when": {"endpoint": "embeddings", "text": "1212 318"}, "reply": {"embedding": [7]}}])
    assert vectors(mock, [[1212, 318], [318]], dimensions=1)[0] == [7]


def test_a_rule_may_leave_the_vector_to_the_endpoint(serve):
    rule = {"when": {"endpoint": "embeddings"}, "reply": {"model": "given", "usage": {"prompt_tokens": 7, "total_tokens": 7}}}
    answer = ask(serve([rule]), "text")
    assert (answer["model"], answer["usage"]) == ("given", {"prompt_tokens": 7, "total_tokens": 7})
    assert len(answer["data"][0]["embedding"]) == 1536


def test_a_rule_for_chat_says_nothing_of_embeddings(serve):
    mock = serve([{"messages": [{"role": "user", "matcher": "any"}, {"role": "assistant", "content": "Hi"}]}])
    assert len(vectors(mock, "Hello")[0]) == 1536


# What the API would not take


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ("", "Invalid 'input': input cannot be an empty string."),
        (["a", ""], "Invalid 'input[1]': input cannot be an empty string."),
        ([], "Invalid 'input': input cannot be an empty array."),
        ([[1], []], "Invalid 'input[1]': input cannot be an empty array."),
        (["a"] * 2049, "Invalid 'input': array length must be 2048 or less."),
        ([1] * 8193, "Invalid 'input': maximum context length is 8192 tokens."),
        ([[1], [1] * 8193], "Invalid 'input[1]': maximum input length is 8192 tokens."),
        ([[1] * 8192] * 37, "Invalid 'input': maximum request size is 300000 tokens per request."),
        ("word " * 9000, "Invalid 'input': maximum context length is 8192 tokens."),
    ],
    ids=["empty", "one empty", "none", "no tokens", "too many", "long tokens", "one of long tokens", "all together", "long text"],
)
def test_inputs_past_the_limits(mock, inputs, message):
    error = refusal(mock, inputs)
    assert (error["message"], error["type"], error["param"], error["code"]) == (message, "invalid_request_error", None, None)


def test_inputs_at_the_limits(mock):
    ask(mock, [1] * 8192, dimensions=1)
    ask(mock, " ", dimensions=1)


@pytest.mark.parametrize(
    ("model", "dimensions", "message"),
    [
        (ADA, 1536, "This model does not support specifying dimensions."),
        (SMALL, 1537, "Invalid value for 'dimensions' = 1537. Must be less than or equal to 1536."),
        (LARGE, 3073, "Invalid value for 'dimensions' = 3073. Must be less than or equal to 3072."),
    ],
)
def test_lengths_that_a_model_does_not_make(mock, model, dimensions, message):
    error = refusal(mock, "text", model=model, dimensions=dimensions)
    assert (error["message"], error["param"], error["code"]) == (message, None, None)


def test_no_model(mock, client):
    with pytest.raises(openai.BadRequestError, match="you must provide a model parameter"):
        client(mock).embeddings.create(model="", input="text")


def test_the_older_model_takes_an_empty_text(mock):
    assert len(vectors(mock, "", model=ADA)[0]) == 1536
    assert refusal(mock, "", model=SMALL)["message"] == "Invalid 'input': input cannot be an empty string."


@pytest.mark.parametrize("dimensions", [0, -42])
def test_dimensions_below_one(mock, dimensions):
    error = refusal(mock, "text", dimensions=dimensions, encoding_format="neither")
    assert error["message"] == f"{dimensions} is less than the minimum of 1 - 'dimensions'"
    assert (error["param"], error["code"]) == (None, None)


def test_the_answer_has_the_snapshot(mock):
    assert ask(mock, "text", model=ADA)["model"] == "text-embedding-ada-002-v2"
    assert ask(mock, "text", model="mine")["model"] == "mine"


@pytest.mark.parametrize("packed", [True, False])
@pytest.mark.parametrize(("dimensions", "longest"), [(8, 1536), (1536, 1536), (300, 0)])
def test_a_cached_vector_is_the_computed_one(packed, dimensions, longest):
    arguments = ("What is the capital of France?", dimensions, longest, "key", packed)
    computed = embeddings._of_text.__wrapped__(*arguments)
    assert embeddings._of_text(*arguments) == embeddings._of_text(*arguments) == computed


def test_the_cache_of_vectors_is_bounded_and_takes_no_long_texts_or_vectors(mock):
    embeddings._of_text.cache_clear()
    for inputs, dimensions in ((["a" * 5000, "short"], 8), ("short", 4000)):
        post(mock, {"model": "m", "input": inputs, "dimensions": dimensions}, "/embeddings").raise_for_status()
    assert embeddings._of_text.cache_info().currsize == 1
    assert embeddings._of_text.cache_info().maxsize == 128
